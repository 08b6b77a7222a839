//! Templates: files of the case with a closed set of fields, and the facts that they cite. An unknown field, and a fact that
//! nobody knows or that another contradicts, stop before anything is sent.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use kintsugi_case::{Contradiction, Fact, Language};
use sha2::{Digest, Sha256};

use crate::cited::FactBook;
use crate::field::Frame;
use crate::markup::{self, Node, Tree};
use crate::program::{Form, Program};

/// A mistake in a template: where it is and what was meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {message}; {help}")]
pub struct TemplateMistake {
    /// The file's name.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, one sentence.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// Why templates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplatesError {
    /// A file is there and cannot be read.
    #[error("cannot read the template {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Mistakes in the text.
    #[error("{}", listed(.0))]
    Mistakes(Vec<TemplateMistake>),
    /// They cite facts that cannot both be stated.
    #[error("the templates cite facts that contradict each other:\n{}", listed(.0))]
    Contradictions(Vec<Contradiction>),
}

fn listed(what: &[impl ToString]) -> String {
    what.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// A template in its three compiled shapes.
#[derive(Clone, Debug)]
pub(crate) struct Compiled {
    pub(crate) subject: Program,
    pub(crate) text: Program,
    pub(crate) html: Program,
    /// The tree itself: what paper is made from.
    pub(crate) nodes: Vec<Node>,
    /// As it was written.
    source: String,
    /// The names of the facts that it cites or asks for.
    cited: BTreeSet<String>,
}

/// The templates of a case, parsed and checked.
#[derive(Clone, Debug)]
pub struct Templates {
    /// Every file with the SHA-256 of its text, and every fact that they cite with that of what it says.
    hashes: Vec<(String, String)>,
    book: FactBook,
    compiled: Vec<(MailKind, Language, Compiled)>,
}

macro_rules! shipped {
    ($($name:literal)*) => { [$(($name, include_str!(concat!("../templates/", $name)))),*] };
}

const DEFAULTS: [(&str, &str); 40] = shipped! {
    "notice.ja.txt" "notice.en.txt" "notice.zh-Hans.txt" "notice.zh-Hant.txt" "notice.ko.txt"
    "correction.ja.txt" "correction.en.txt" "correction.zh-Hans.txt" "correction.zh-Hant.txt" "correction.ko.txt"
    "reminder.ja.txt" "reminder.en.txt" "reminder.zh-Hans.txt" "reminder.zh-Hant.txt" "reminder.ko.txt"
    "answer.ja.txt" "answer.en.txt" "answer.zh-Hans.txt" "answer.zh-Hant.txt" "answer.ko.txt"
    "closing.ja.txt" "closing.en.txt" "closing.zh-Hans.txt" "closing.zh-Hant.txt" "closing.ko.txt"
    "reply.ja.txt" "reply.en.txt" "reply.zh-Hans.txt" "reply.zh-Hant.txt" "reply.ko.txt"
    "letter.ja.txt" "letter.en.txt" "letter.zh-Hans.txt" "letter.zh-Hant.txt" "letter.ko.txt"
    "letter-correction.ja.txt" "letter-correction.en.txt" "letter-correction.zh-Hans.txt" "letter-correction.zh-Hant.txt"
    "letter-correction.ko.txt"
};

/// What a mail, or a letter, is: each kind has a template in each language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailKind {
    /// The first notice to a person.
    Notice,
    /// A notice that corrects an earlier one.
    Correction,
    /// The same once more, to who may have missed it.
    Reminder,
    /// The answer to "am I affected?".
    Answer,
    /// The last word about a case.
    Closing,
    /// What somebody at the desk answers to who wrote back.
    Reply,
    /// The first notice, on paper.
    Letter,
    /// A correction, on paper.
    LetterCorrection,
}

impl MailKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Notice,
        Self::Correction,
        Self::Reminder,
        Self::Answer,
        Self::Closing,
        Self::Reply,
        Self::Letter,
        Self::LetterCorrection,
    ];

    /// The word for it: the first part of the template's file name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Correction => "correction",
            Self::Reminder => "reminder",
            Self::Answer => "answer",
            Self::Closing => "closing",
            Self::Reply => "reply",
            Self::Letter => "letter",
            Self::LetterCorrection => "letter-correction",
        }
    }

    /// What is known in its template outside lists, innermost last.
    const fn frames(self) -> &'static [Frame] {
        match self {
            Self::Notice | Self::Letter => &[Frame::Notice],
            Self::Correction | Self::LetterCorrection | Self::Reminder | Self::Closing => &[Frame::Notice, Frame::Later],
            Self::Answer => &[Frame::Answer],
            Self::Reply => &[Frame::Notice, Frame::Reply],
        }
    }
}

/// SHA-256 of a text, lower-case hex: under which a plan names what makes the words.
pub fn hash(text: &str) -> String {
    hash_bytes(text.as_bytes())
}

/// SHA-256 of bytes, lower-case hex.
pub fn hash_bytes(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The templates that ship: (file name, text). `kintsugi init` writes them into the case.
pub const fn default_templates() -> &'static [(&'static str, &'static str)] {
    &DEFAULTS
}

impl Templates {
    /// Reads `KIND.LANGUAGE.txt` from a folder; a file that is not there is the default one. They cite the facts of `book`.
    pub fn load(dir: &Path, book: FactBook) -> Result<Self, TemplatesError> {
        let mut files = Vec::new();
        for (name, _) in DEFAULTS {
            let path = dir.join(name);
            match std::fs::read_to_string(&path) {
                Ok(text) => files.push((name, text)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(source) => return Err(TemplatesError::Read { path, source }),
            }
        }
        Self::parse(&files, book)
    }

    /// Reads templates from (file name, text); one that is not given is the default one.
    pub fn parse(files: &[(&str, String)], book: FactBook) -> Result<Self, TemplatesError> {
        let (mut mistakes, mut hashes, mut compiled) = (Vec::new(), Vec::new(), Vec::new());
        let each = MailKind::ALL.into_iter().flat_map(|kind| Language::ALL.map(|language| (kind, language)));
        for (kind, language) in each {
            let name = format!("{}.{}.txt", kind.name(), language.tag());
            let own = files.iter().find(|(file, _)| *file == name).map(|(_, text)| text.as_str());
            let shipped = DEFAULTS.iter().find(|(file, _)| *file == name).map(|(_, text)| *text);
            let text = own.or(shipped).unwrap_or_default();
            hashes.push((name.clone(), hash(text)));
            match compile((&name, text), kind.frames(), (&book, language)) {
                Ok(template) => compiled.push((kind, language, template)),
                Err(found) => mistakes.extend(found),
            }
        }
        if !mistakes.is_empty() {
            return Err(TemplatesError::Mistakes(mistakes));
        }
        let names: BTreeSet<String> = compiled.iter().flat_map(|(.., template)| template.cited.clone()).collect();
        let contradictions = book.contradictions(&names);
        if !contradictions.is_empty() {
            return Err(TemplatesError::Contradictions(contradictions));
        }
        hashes.extend(names.iter().map(|name| (format!("fact {name}"), fact_hash(book.find(name)))));
        Ok(Self { hashes, book, compiled })
    }

    /// The facts that the template of a kind in a language states.
    pub fn facts(&self, kind: MailKind, language: Language) -> impl Iterator<Item = &Fact> {
        self.of(kind, language).cited.iter().filter_map(|name| self.book.find(name))
    }

    /// The template of a kind in a language, as it was written.
    pub fn source(&self, kind: MailKind, language: Language) -> &str {
        &self.of(kind, language).source
    }

    /// The name and the SHA-256 (lower-case hex) of every template, and of what each cited fact (`fact NAME`) says.
    pub fn hashes(&self) -> &[(String, String)] {
        &self.hashes
    }

    /// The template of a kind in a language: `parse` puts one there for each, or fails.
    pub(crate) fn of(&self, kind: MailKind, language: Language) -> &Compiled {
        let found = self.compiled.iter().find(|(of, written, _)| (*of, *written) == (kind, language));
        &found.expect("a template for every kind and language").2
    }
}

fn fact_hash(fact: Option<&Fact>) -> String {
    fact.map_or_else(|| hash("not known"), |fact| hash(&format!("{}\n{}\n{}", fact.value, fact.as_of, fact.source)))
}

fn compile(
    (name, source): (&str, &str),
    frames: &[Frame],
    facts: (&FactBook, Language),
) -> Result<Compiled, Vec<TemplateMistake>> {
    let Tree { nodes, cited } = markup::parse((name, source), frames, facts)?;
    let subject = Program::subject(&nodes, facts.1);
    let (text, html) = (Program::body(&nodes, Form::Text(facts.1)), Program::body(&nodes, Form::Html));
    Ok(Compiled { subject, text, html, nodes, source: source.to_owned(), cited })
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use kintsugi_case::{Fact, FactKind, FactValue, Language};

    use super::{FactBook, MailKind, Templates, TemplatesError, default_templates};

    fn cases(number: i64, as_of: &str) -> Fact {
        Fact {
            name: "cases".into(),
            value: FactValue::Number(number),
            as_of: as_of.into(),
            source: "processor".into(),
            query: String::new(),
            scope_version: 0,
            kind: FactKind::Entered,
            replaces: false,
        }
    }

    fn citing(facts: &[Fact]) -> Result<Templates, TemplatesError> {
        let words = "subject: {{fact.cases}} cases\nas of {{as_of.cases}}\n".to_owned();
        Templates::parse(&[("notice.en.txt", words)], FactBook::new(facts.to_vec(), TimeZone::UTC))
    }

    #[test]
    fn what_ships_has_no_mistakes() {
        Templates::parse(&[], FactBook::default()).unwrap();
        assert_eq!(default_templates().len(), 40);
    }

    #[test]
    fn a_case_may_bring_its_own_words_and_mistakes_in_all_files_are_told_at_once() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("notice.ja.txt"), "subject: {{numbr}}\n").unwrap();
        std::fs::write(dir.path().join("answer.en.txt"), "subject: x\n{{#each pages}}\n").unwrap();
        let Err(TemplatesError::Mistakes(mistakes)) = Templates::load(dir.path(), FactBook::default()) else {
            panic!("mistakes")
        };
        let places: Vec<(&str, usize)> = mistakes.iter().map(|m| (m.file.as_str(), m.line)).collect();
        assert_eq!(places, [("notice.ja.txt", 1), ("answer.en.txt", 2)]);
    }
    #[test]
    fn facts_that_contradict_each_other_are_cited_by_nobody() {
        let error = citing(&[cases(172, "2013-04-26"), cases(0, "2013-05-27")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the templates cite facts that contradict each other:\ncases: 172 (as of 2013-04-26, processor) and 0 (as of \
             2013-05-27, processor): a count of what is known cannot fall"
        );
        let not_cited = FactBook::new(vec![cases(172, "2013-04-26"), cases(0, "2013-05-27")], TimeZone::UTC);
        Templates::parse(&[], not_cited).unwrap();
    }

    #[test]
    fn a_cited_fact_that_changes_changes_what_an_approval_covers() {
        let of = |templates: &Templates| templates.hashes().iter().find(|(name, _)| name == "fact cases").cloned();
        let (first, second) = (citing(&[cases(172, "2013-04-26")]).unwrap(), citing(&[cases(180, "2013-05-27")]).unwrap());
        assert!(of(&first).is_some() && of(&first) != of(&second));
        assert_eq!(of(&Templates::parse(&[], FactBook::default()).unwrap()), None);
        let stated: Vec<&str> = first.facts(MailKind::Notice, Language::En).map(|fact| fact.name.as_str()).collect();
        assert_eq!((stated, first.facts(MailKind::Notice, Language::Ja).count()), (vec!["cases"], 0));
        assert!(first.source(MailKind::Notice, Language::En).starts_with("subject: {{fact.cases}}"));
    }
}
