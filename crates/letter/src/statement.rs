//! The public statement as a PDF that can be read aloud (PDF/UA-1): headings, lists and tables are tagged.

use kintsugi_case::{Language, PaperLine};

use crate::fonts::family;
use crate::source::{body, literal};
use crate::{Press, Result};

/// A version of the statement, before it is set.
#[derive(Clone, Debug)]
pub struct StatementSheet {
    /// In which language.
    pub language: Language,
    /// Its title.
    pub title: String,
    /// Its date, in words.
    pub dated: String,
    /// Who says it.
    pub by: String,
    /// The page on the portal that it belongs to, printed on each of its pages.
    pub address: String,
    /// Everything under the title.
    pub lines: Vec<PaperLine>,
}

impl Press {
    /// Sets a statement.
    pub fn statement(&self, sheet: &StatementSheet) -> Result<Vec<u8>> {
        let mut source = String::from("#import \"statement.typ\": *\n#show: statement.with((");
        for (name, value) in [
            ("family", family(sheet.language)),
            ("language", sheet.language.tag().split('-').next().unwrap_or("ja")),
            ("title", &sheet.title),
            ("dated", &sheet.dated),
            ("by", &sheet.by),
            ("address", &sheet.address),
        ] {
            source.push_str(&format!("{name}: {}, ", literal(value)));
        }
        source.push_str("))\n");
        source.push_str(&body(&sheet.lines));
        let what = format!("the statement ({})", sheet.language.tag());
        let document = self.set(&what, source, Vec::new())?;
        self.accessible_pdf(&what, &document)
    }
}
