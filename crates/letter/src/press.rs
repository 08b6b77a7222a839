//! The wall around Typst: sources in, pages and PDFs out. Nothing is read from the disk after the fonts, nothing is fetched.

use std::path::Path;

use kintsugi_case::Language;
use typst::diag::{FileError, FileResult};
use typst::foundations::{Bytes, Datetime, Duration, Smart};
use typst::layout::Abs;
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook, FontVariant, FontVariations, FontWeight};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

use crate::fonts;
use crate::{Error, Result};

/// How the pages look.
const LOOKS: [(&str, &str); 2] = [("letter.typ", include_str!("letter.typ")), ("statement.typ", include_str!("statement.typ"))];

/// The file that a sheet's 2D code is read from.
const CODE: &str = "code";

/// What sets pages: the fonts and Typst's library, loaded once.
#[derive(Debug)]
pub struct Press {
    library: LazyHash<Library>,
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
    looks: Vec<Source>,
    main: FileId,
    code: FileId,
}

/// One source on its way to pages.
struct Sheet<'a> {
    press: &'a Press,
    main: Source,
    code: Bytes,
}

impl Press {
    /// Loads the fonts, from this folder or the system's.
    pub fn new(own_fonts: Option<&Path>) -> Result<Self> {
        let fonts = fonts::find(own_fonts)?;
        Ok(Self {
            library: LazyHash::new(Library::default()),
            book: LazyHash::new(FontBook::from_fonts(&fonts)),
            fonts,
            looks: LOOKS.iter().map(|(name, text)| Source::new(file(name), (*text).to_owned())).collect(),
            main: file("main.typ"),
            code: file(CODE),
        })
    }

    /// Sets a source. `what` names it in an error.
    pub(crate) fn set(&self, what: &str, source: String, code: Vec<u8>) -> Result<PagedDocument> {
        let sheet = Sheet { press: self, main: Source::new(self.main, source), code: Bytes::new(code) };
        typst::compile::<PagedDocument>(&sheet).output.map_err(|errors| {
            // The messages are Typst's own; the source, which holds personal data, is not shown.
            let why = errors.iter().map(|error| error.message.to_string()).collect::<Vec<_>>().join("; ");
            Error::Set { what: what.to_owned(), why }
        })
    }

    /// A PDF for printing: no tags, which readers of a printed page cannot use.
    pub(crate) fn pdf(&self, what: &str, document: &PagedDocument) -> Result<Vec<u8>> {
        self.write(what, document, PdfOptions { tagged: false, ..self.options(what) })
    }

    /// A PDF to be read on a screen and aloud: PDF/UA-1 (ISO 14289-1), which the writer checks.
    pub(crate) fn accessible_pdf(&self, what: &str, document: &PagedDocument) -> Result<Vec<u8>> {
        let standards = PdfStandards::new(&[PdfStandard::Ua_1])
            .map_err(|error| Error::Set { what: what.to_owned(), why: error.message().to_string() })?;
        self.write(what, document, PdfOptions { standards, ..self.options(what) })
    }

    /// No time and no chance: the same pages give the same bytes.
    fn options(&self, what: &str) -> PdfOptions {
        PdfOptions {
            ident: Smart::Custom(what.to_owned()),
            creator: Smart::Custom(Some("Kintsugi".into())),
            ..PdfOptions::default()
        }
    }

    fn write(&self, what: &str, document: &PagedDocument, options: PdfOptions) -> Result<Vec<u8>> {
        typst_pdf::pdf(document, &options).map_err(|errors| {
            let why = errors.iter().map(|error| error.message.to_string()).collect::<Vec<_>>().join("; ");
            Error::Set { what: what.to_owned(), why }
        })
    }

    /// Forgets what was kept to set pages faster, where it was not used for some batches.
    pub(crate) fn forget(&self) {
        typst::comemo::evict(2);
    }

    /// The width of a line in em, as it is printed; the first character that the fonts do not have, where there is one.
    pub(crate) fn width(&self, text: &str, language: Language, bold: bool) -> std::result::Result<f64, char> {
        let weight = if bold { FontWeight::BOLD } else { FontWeight::REGULAR };
        let variant = FontVariant { weight, ..FontVariant::default() };
        let index = self.book.select(&fonts::family(language).to_lowercase(), variant);
        let Some(font) = index.and_then(|index| self.fonts.get(index)) else { return Err(text.chars().next().unwrap_or(' ')) };
        let font = font.clone().instantiate(variant, Abs::pt(10.5), &FontVariations::default());
        let face = font.ttf();
        let em = f64::from(face.units_per_em());
        text.chars().try_fold(0.0, |sum, c| {
            let glyph = face.glyph_index(c).ok_or(c)?;
            Ok(sum + face.glyph_hor_advance(glyph).map_or(1.0, |advance| f64::from(advance) / em))
        })
    }
}

fn file(name: &str) -> FileId {
    let path = VirtualPath::new(name).expect("a plain name is a path");
    RootedPath::new(VirtualRoot::Project, path).intern()
}

impl World for Sheet<'_> {
    fn library(&self) -> &LazyHash<Library> {
        &self.press.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.press.book
    }

    fn main(&self) -> FileId {
        self.press.main
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        let look = self.press.looks.iter().find(|look| look.id() == id);
        if id == self.press.main { Some(self.main.clone()) } else { look.cloned() }.ok_or(FileError::AccessDenied)
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        if id == self.press.code { Ok(self.code.clone()) } else { Err(FileError::AccessDenied) }
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.press.fonts.get(index).cloned()
    }

    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}
