//! A batch: letters set one by one on all cores, put together into one PDF, with the pages of each piece known.

use std::fmt::Write as _;

use kintsugi_case::{Language, PaperLine, Window};
use sha2::{Digest, Sha256};
use typst::model::DocumentInfo;
use typst_layout::PagedDocument;

use crate::address::{AddressBlock, POINTS, shown};
use crate::code::{Code, code};
use crate::fonts::family;
use crate::hands::on_all_cores;
use crate::source::{body, list, literal};
use crate::words::words;
use crate::{Error, Press, Result};

/// What is the same on every letter.
#[derive(Clone, Debug)]
pub struct Stationery {
    /// The envelope.
    pub window: Window,
    /// Who writes.
    pub controller: String,
    /// Their address, as lines.
    pub sender: Vec<String>,
    /// Telephone; empty where there is none.
    pub phone: String,
    /// Its hours.
    pub hours: String,
    /// Mail address; empty where there is none.
    pub email: String,
}

/// One letter.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Its place, printed small on it: `0001-000012`.
    pub sequence: String,
    /// The person's number in the case.
    pub person: u64,
    /// What stands in the window.
    pub address: AddressBlock,
    /// In which language.
    pub language: Language,
    /// The notice's number.
    pub number: String,
    /// The day, in words.
    pub day: String,
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub lines: Vec<PaperLine>,
    /// The page that says whether a notice is genuine.
    pub verify: String,
}

/// A batch, ready for the print shop.
#[derive(Debug)]
pub struct Batch {
    /// The PDF.
    pub pdf: Vec<u8>,
    /// Pages of each piece, in the order of the pieces.
    pub pages: Vec<u32>,
}

impl Piece {
    /// SHA-256 of (person, address, text), lower-case hex: what was said to whom, kept without keeping it. Each part is led by
    /// its length, so that no two triples have one text.
    pub fn digest(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n{}\n", self.number, self.language.tag(), self.day, self.subject);
        for line in &self.lines {
            let _ = writeln!(text, "{:?} {}", line.kind, line.cells.join("\u{1f}"));
        }
        let mut hash = Sha256::new();
        for part in [self.person.to_string().as_str(), self.address.text().as_str(), text.as_str()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What the 2D code says: the page with the number filled in.
    pub fn link(&self) -> String {
        format!("{}?number={}", self.verify, self.number)
    }
}

impl Press {
    /// Sets a batch. `name` is its name in the PDF (`batch-0001`).
    pub fn batch(&self, name: &str, stationery: &Stationery, pieces: &[Piece]) -> Result<Batch> {
        let set = on_all_cores(pieces, |piece| self.piece(stationery, piece))?;
        let pages: Vec<u32> = set.iter().map(|one| u32::try_from(one.pages().len()).unwrap_or(u32::MAX)).collect();

        let all = set.into_iter().flat_map(|one| one.pages().to_vec()).collect();
        let pdf = self.pdf(name, &PagedDocument::new(all, DocumentInfo::default()))?;
        self.forget();
        Ok(Batch { pdf, pages })
    }

    /// Sets one letter in the largest type in which it is one page. How many pages a longer one has is known when it is set:
    /// it is set again to say so.
    fn piece(&self, stationery: &Stationery, piece: &Piece) -> Result<PagedDocument> {
        let code = code(&piece.link()).ok_or_else(|| Error::Code { what: piece.number.clone() })?;
        let set = |total, size| self.set(&piece.number, source(stationery, piece, &code, (total, size)), code.pixels.clone());
        for size in SIZES {
            let once = set(1, size)?;
            if once.pages().len() <= 1 {
                return Ok(once);
            }
        }
        let total = set(1, SEVERAL_PAGES)?.pages().len();
        set(total, SEVERAL_PAGES)
    }
}

/// Sizes of the type, points, largest first; no letter is set smaller than the last.
const SIZES: [f64; 3] = [12.0, 11.0, 10.0];

/// The size in which letters of several pages are set: there is room.
const SEVERAL_PAGES: f64 = 11.0;

fn source(stationery: &Stationery, piece: &Piece, code: &Code, (total, size): (usize, f64)) -> String {
    let (words, shown, mut out) = (words(piece.language), shown(stationery.window), String::with_capacity(8 * 1024));
    out.push_str("#import \"letter.typ\": *\n#show: letter.with((");
    let mut text = |name: &str, value: &str| {
        let _ = write!(out, "{name}: {}, ", literal(value));
    };
    for (name, value) in [
        ("family", family(piece.language)),
        ("language", piece.language.tag().split('-').next().unwrap_or("ja")),
        ("controller", &stationery.controller),
        ("phone", &stationery.phone),
        ("hours", &stationery.hours),
        ("email", &stationery.email),
        ("number", &piece.number),
        ("sequence", &piece.sequence),
        ("day", &piece.day),
        ("subject", &piece.subject),
        ("verify", &piece.verify),
        ("number-word", words.number),
        ("questions-word", words.questions),
        ("ready-word", words.ready),
        ("genuine-word", words.genuine),
        ("check-word", words.check),
        ("mail-word", words.mail),
    ] {
        text(name, value);
    }
    let lines = list(piece.address.lines.iter().map(String::as_str));
    let _ = write!(out, "name: {}, size: {size}pt, ", piece.address.name);
    let sender = list(stationery.sender.iter().map(String::as_str));
    let _ = write!(out, "lines: {lines}, sender: {sender}, code-size: {}, total: {total}, points: {POINTS}pt, ", code.size);
    let _ = write!(out, "left: {}mm, top: {}mm, width: {}mm, ", shown.left, shown.top, shown.width);
    let _ = writeln!(out, "dl: {}))", stationery.window == Window::Dl);
    out.push_str(&body(&piece.lines));
    out
}
