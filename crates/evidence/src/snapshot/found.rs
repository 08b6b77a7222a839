//! Files that were found: dumps and lists of which nobody says what they are. Packing, encoding and form are told by the
//! content, and whatever can be read of a file that was cut is read.
//!
//! Not here: whose records these are (`scope` matches them to the snapshot by their values).

mod encoding;
mod form;
mod json;

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{self, BufRead, Read};
use std::path::Path;
use std::rc::Rc;

use kintsugi_case::{CsvOptions, Dbms, Encoding};
use kintsugi_vault::Keys;

use super::csv::Records;
use super::row::Row;
use super::{sql, text};
use crate::open::{EvidenceFile, Opened};
use crate::{CustodyEntry, EXAMPLES_MAX, Result, Unread};
use form::Form;

/// Bytes of a file by which its encoding and form are told.
const HEAD_BYTES: usize = 1 << 20;

/// One record of a found file.
#[derive(Clone, Copy, Debug)]
pub struct FoundRecord<'a> {
    /// Its list, by its place in [`FoundReport::lists`].
    pub list: usize,
    /// Its values beside the list's columns; a record may have fewer or, in a list without names, more.
    pub values: &'a [Option<String>],
    /// Its line in the uncompressed file, from 1; 0 where the form has no lines.
    pub line: u64,
    /// Whether the file goes on behind it: the last record of a part may be cut.
    pub whole: bool,
}

/// A table of a dump, or the one list of any other file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundList {
    /// The table's name in a dump, the member's in JSON; else empty.
    pub name: String,
    /// Its columns; the first line of a text without other names, which may be data.
    pub columns: Vec<String>,
}

/// What was read of a found file, and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundReport {
    /// The form and encoding, for people.
    pub form: String,
    /// The encoding, where it may lack characters that our records have.
    pub legacy: Option<&'static encoding_rs::Encoding>,
    /// The lists in it.
    pub lists: Vec<FoundList>,
    /// Records handed over.
    pub records: u64,
    /// Why the file was not read.
    pub not_read: Option<String>,
    /// The first lines that could not be read.
    pub unread: Vec<Unread>,
    /// How many could not.
    pub unread_count: u64,
    /// Where and why reading stopped before the end.
    pub truncated: Option<String>,
}

/// Reads a found file in custody, or only what its first `bytes_max` bytes hold, and hands every record over.
pub fn read_found(
    case_dir: &Path,
    entry: &CustodyEntry,
    keys: &Keys,
    dbms: Dbms,
    bytes_max: Option<u64>,
    each: &mut dyn FnMut(FoundRecord<'_>, &[FoundList]),
) -> Result<FoundReport> {
    let file = EvidenceFile::in_custody(case_dir, entry, keys)?;
    let Opened { reader, seal } = file.open_first(bytes_max.unwrap_or(u64::MAX))?;
    let report = read_bytes(reader, dbms, each);
    seal.check()?;
    Ok(report)
}

/// Reads the bytes of a found file.
pub(crate) fn read_bytes(
    input: Box<dyn BufRead>,
    dbms: Dbms,
    each: &mut dyn FnMut(FoundRecord<'_>, &[FoundList]),
) -> FoundReport {
    let end = Rc::new(RefCell::new(End::default()));
    let input = Tracked { input, end: end.clone(), head: Vec::new(), at: 0 };
    let mut reading = Reading { report: FoundReport::default(), places: HashMap::new(), last: None, each };
    reading.file(input, dbms, &end);
    let mut report = reading.report;
    report.truncated = end.borrow().error.clone();
    report
}

/// How a file ended.
#[derive(Default)]
struct End {
    /// The last byte read.
    last: Option<u8>,
    error: Option<String>,
}

/// The file's bytes. An error in its packing is an end like any other, so that what was read until then is not lost.
struct Tracked {
    input: Box<dyn BufRead>,
    end: Rc<RefCell<End>>,
    /// Bytes that were looked at before reading began.
    head: Vec<u8>,
    at: usize,
}

impl Tracked {
    fn look(&mut self) -> &[u8] {
        while self.head.len() < HEAD_BYTES {
            let block = self.next_block().to_vec();
            if block.is_empty() {
                break;
            }
            self.input.consume(block.len());
            self.head.extend_from_slice(&block);
        }
        &self.head
    }

    fn next_block(&mut self) -> &[u8] {
        match self.input.fill_buf() {
            Ok(block) => block,
            Err(error) => {
                self.end.borrow_mut().error.get_or_insert(error.to_string());
                &[]
            }
        }
    }
}

impl BufRead for Tracked {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at < self.head.len() { Ok(&self.head[self.at..]) } else { Ok(self.next_block()) }
    }

    fn consume(&mut self, bytes: usize) {
        let last = match self.head.get(self.at..self.at + bytes) {
            Some(used) => {
                self.at += bytes;
                used.last().copied()
            }
            None => {
                let last = self.input.fill_buf().ok().and_then(|block| block.get(..bytes)?.last().copied());
                self.input.consume(bytes);
                last
            }
        };
        let mut end = self.end.borrow_mut();
        end.last = last.or(end.last);
    }
}

impl Read for Tracked {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let bytes = self.fill_buf()?.read(out)?;
        self.consume(bytes);
        Ok(bytes)
    }
}

/// A record that waits until it is known whether another follows.
struct Waiting {
    list: usize,
    values: Vec<Option<String>>,
    line: u64,
}

/// The account of a file while it is read.
struct Reading<'a> {
    report: FoundReport,
    places: HashMap<String, usize>,
    last: Option<Waiting>,
    each: &'a mut dyn FnMut(FoundRecord<'_>, &[FoundList]),
}

impl Reading<'_> {
    fn file(&mut self, mut input: Tracked, dbms: Dbms, end: &Rc<RefCell<End>>) {
        if let Some(reason) = form::not_text(input.look()) {
            self.report.not_read = Some(reason.into());
            return;
        }
        let encoding = encoding::of(&input.head);
        let form = Form::of(&encoding.decode(&input.head).0);
        self.report.form = format!("{} in {}", form.name(), encoding.name());
        self.report.legacy = (!encoding.can_encode_everything()).then_some(encoding);
        let input = text::decoded(Box::new(input), encoding);
        let ended = match form {
            Form::Sql(flavour) => self.sql(input, flavour.unwrap_or(dbms)),
            Form::Json => self.json(input),
            Form::Delimited(delimiter) => self.delimited(input, delimiter),
        };
        if let Err(error) = ended {
            end.borrow_mut().error.get_or_insert(error.to_string());
        }
        // The last line of a text is whole where its end is there; a row of a dump or of JSON is closed by a bracket.
        let closed = !matches!(form, Form::Delimited(_)) || end.borrow().last == Some(b'\n');
        self.hand_over(closed);
    }

    /// The place of a list by its name.
    fn list(&mut self, name: &str, columns: &[String]) -> usize {
        if let Some(&known) = self.places.get(name) {
            return known;
        }
        self.report.lists.push(FoundList { name: name.to_owned(), columns: columns.to_vec() });
        self.places.insert(name.to_owned(), self.report.lists.len() - 1);
        self.report.lists.len() - 1
    }

    fn record(&mut self, list: usize, values: Vec<Option<String>>, line: u64) {
        self.hand_over(true);
        self.last = Some(Waiting { list, values, line });
    }

    fn hand_over(&mut self, whole: bool) {
        let Some(Waiting { list, values, line }) = self.last.take() else { return };
        self.report.records += 1;
        (self.each)(FoundRecord { list, values: &values, line, whole }, &self.report.lists);
    }

    fn bad(&mut self, line: u64, reason: &str) {
        self.report.unread_count += 1;
        if self.report.unread.len() < EXAMPLES_MAX {
            self.report.unread.push(Unread { line, reason: reason.to_owned() });
        }
    }

    fn sql(&mut self, input: Box<dyn BufRead>, dbms: Dbms) -> io::Result<()> {
        sql::each_row(input, dbms, &mut |table, columns, row, line, odd| {
            let list = self.list(table, columns);
            match odd {
                None => self.record(list, row.owned(), line),
                Some(reason) => self.bad(line, reason),
            }
        })
    }

    fn delimited(&mut self, input: Box<dyn BufRead>, delimiter: u8) -> io::Result<()> {
        let options = CsvOptions { header: false, delimiter, null: "\\N".into(), encoding: Encoding::Utf8 };
        let mut records = Records::new(input, &options);
        let mut row = Row::default();
        while let Some((line, result)) = records.next(&mut row)? {
            let list = self.list("", &row.lossy());
            match result {
                Ok(()) => self.record(list, row.owned(), line),
                Err(reason) => self.bad(line, reason),
            }
        }
        Ok(())
    }

    fn json(&mut self, input: Box<dyn BufRead>) -> io::Result<()> {
        json::each_record(input, &mut |name, members| {
            let list = self.list(name, &[]);
            let columns = &mut self.report.lists[list].columns;
            let mut values = vec![None; columns.len()];
            for (member, value) in members {
                let at = columns.iter().position(|known| *known == member).unwrap_or_else(|| {
                    columns.push(member);
                    values.push(None);
                    columns.len() - 1
                });
                values[at] = value;
            }
            self.record(list, values, 0);
        })
    }
}
