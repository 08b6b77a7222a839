//! CSV (RFC 4180) with declared delimiter, NULL marker and encoding. A reader of our own, because what libraries drop
//! matters here: `""` and nothing are two values, and an unclosed quote must cost one row, not the rest of the file.

use std::collections::HashSet;
use std::io::{self, BufRead};
use std::path::PathBuf;

use kintsugi_case::{CsvOptions, Encoding};

use super::row::{ROW_BYTES_MAX, Row, Sink};
use super::text;
use crate::open::{EvidenceFile, Opened};
use crate::{Error, Result};

/// The columns by the first line; `column1`, `column2` … where the case file says that it is no header.
pub(super) fn columns(file: &EvidenceFile, options: &CsvOptions) -> Result<Vec<String>> {
    let Opened { reader, seal } = file.open()?;
    // A packing that is broken from its start on has no columns; the rows' report then says why.
    let first = first_record(reader, options).unwrap_or_default();
    seal.check()?;
    if !options.header {
        return Ok((1..=first.len()).map(|n| format!("column{n}")).collect());
    }
    let mut seen = HashSet::new();
    match first.iter().find(|name| !seen.insert(name.as_str())) {
        None => Ok(first),
        Some(twice) => {
            let reason = format!("column {twice} stands twice in the first line");
            Err(Error::Snapshot { path: PathBuf::from(&file.name), reason })
        }
    }
}

fn first_record(reader: Box<dyn BufRead>, options: &CsvOptions) -> io::Result<Vec<String>> {
    let mut records = Records::new(text::utf8(reader, options.encoding)?, options);
    let mut row = Row::default();
    let found = records.next(&mut row)?;
    Ok(found.map_or_else(Vec::new, |_| row.lossy()))
}

/// Hands every row over.
pub(super) fn read(file: &EvidenceFile, options: &CsvOptions, sink: &mut Sink<'_>) -> Result<()> {
    let Opened { reader, seal } = file.open()?;
    sink.transcoded = options.encoding != Encoding::Utf8;
    if let Ok(reader) = text::utf8(reader, options.encoding).map_err(|error| sink.truncated(0, error)) {
        let mut records = Records::new(reader, options);
        rows(&mut records, options.header, sink).unwrap_or_else(|error| sink.truncated(records.line - 1, error));
    }
    seal.check()
}

fn rows(records: &mut Records<'_>, header: bool, sink: &mut Sink<'_>) -> io::Result<()> {
    let mut row = Row::default();
    if header {
        records.next(&mut row)?;
    }
    while let Some((line, result)) = records.next(&mut row)? {
        match result {
            Ok(()) if sink.row(&row, line, None).is_break() => return Ok(()),
            Ok(()) => {}
            Err(reason) => sink.keep_aside(line, reason),
        }
    }
    Ok(())
}

/// The records of a file.
pub(super) struct Records<'a> {
    input: Box<dyn BufRead>,
    options: &'a CsvOptions,
    /// Bytes read and not yet used, from `start`.
    buffer: Vec<u8>,
    start: usize,
    ended: bool,
    /// The line at which the next record starts.
    line: u64,
}

/// How taking one record out of the buffer went.
enum Taken {
    /// That many bytes.
    Record(usize),
    /// The buffer ends before the record.
    More,
    /// The line at its start is no record.
    Bad(&'static str),
}

impl<'a> Records<'a> {
    pub(super) fn new(input: Box<dyn BufRead>, options: &'a CsvOptions) -> Self {
        Self { input, options, buffer: Vec::new(), start: 0, ended: false, line: 1 }
    }

    /// The next record and the line where it starts; a reason where that line is none. Empty lines are no records.
    pub(super) fn next(&mut self, row: &mut Row) -> io::Result<Option<(u64, std::result::Result<(), &'static str>)>> {
        loop {
            self.skip_empty_lines();
            if self.start == self.buffer.len() && self.ended {
                return Ok(None);
            }
            let line = self.line;
            match take(&self.buffer[self.start..], self.ended, self.options, row) {
                Taken::Record(bytes) => {
                    self.advance(bytes);
                    return Ok(Some((line, Ok(()))));
                }
                Taken::More if self.buffer.len() - self.start < ROW_BYTES_MAX => self.fill()?,
                Taken::More => return Ok(Some((line, Err(self.skip_line("a row longer than 16 MiB: a quote is not closed"))))),
                Taken::Bad(reason) => return Ok(Some((line, Err(self.skip_line(reason))))),
            }
        }
    }

    fn skip_empty_lines(&mut self) {
        loop {
            match &self.buffer[self.start..] {
                [b'\n', ..] => self.advance(1),
                [b'\r', b'\n', ..] => self.advance(2),
                _ => return,
            }
        }
    }

    /// Goes on after the next line end. Where a long junk line has none in the buffer, the buffer goes.
    fn skip_line(&mut self, reason: &'static str) -> &'static str {
        let rest = &self.buffer[self.start..];
        let bytes = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        self.advance(bytes);
        reason
    }

    fn advance(&mut self, bytes: usize) {
        let used = &self.buffer[self.start..self.start + bytes];
        self.line += memchr::memchr_iter(b'\n', used).count() as u64;
        self.start += bytes;
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        // Doubling: a long record is looked at from its start again each time.
        let goal = (self.buffer.len() * 2).max(1 << 18);
        while self.buffer.len() < goal && !self.ended {
            let block = self.input.fill_buf()?;
            let bytes = block.len();
            self.ended = bytes == 0;
            self.buffer.extend_from_slice(block);
            self.input.consume(bytes);
        }
        Ok(())
    }
}

fn take(text: &[u8], ended: bool, options: &CsvOptions, row: &mut Row) -> Taken {
    row.clear();
    let mut at = 0;
    loop {
        let field = match text.get(at) {
            Some(b'"') => quoted(text, at + 1, ended, options.delimiter, row),
            _ => bare(text, at, ended, options, row),
        };
        match field {
            Field::Next(next) => at = next,
            Field::Last(next) => return Taken::Record(next),
            Field::More => return Taken::More,
            Field::Bad(reason) => return Taken::Bad(reason),
        }
    }
}

/// How reading one field went: where the next field, or the next record, starts.
enum Field {
    Next(usize),
    Last(usize),
    More,
    Bad(&'static str),
}

fn bare(text: &[u8], start: usize, ended: bool, options: &CsvOptions, row: &mut Row) -> Field {
    let end = memchr::memchr2(options.delimiter, b'\n', &text[start..]).map(|at| start + at);
    let (value, field) = match end {
        Some(end) if text[end] == options.delimiter => (&text[start..end], Field::Next(end + 1)),
        Some(end) => (without_return(&text[start..end]), Field::Last(end + 1)),
        None if ended => (without_return(&text[start..]), Field::Last(text.len())),
        None => return Field::More,
    };
    if value == options.null.as_bytes() {
        row.end_null();
    } else {
        row.extend(value);
        row.end_value();
    }
    field
}

fn without_return(value: &[u8]) -> &[u8] {
    value.strip_suffix(b"\r").unwrap_or(value)
}

/// A quoted field is never NULL, whatever it says.
fn quoted(text: &[u8], start: usize, ended: bool, delimiter: u8, row: &mut Row) -> Field {
    let mut at = start;
    loop {
        let Some(quote) = memchr::memchr(b'"', &text[at..]).map(|found| at + found) else {
            return if ended { Field::Bad("a quote is not closed") } else { Field::More };
        };
        row.extend(&text[at..quote]);
        let field = match &text[quote + 1..] {
            [b'"', ..] => {
                row.extend(b"\"");
                at = quote + 2;
                continue;
            }
            [byte, ..] if *byte == delimiter => Field::Next(quote + 2),
            [b'\n', ..] => Field::Last(quote + 2),
            [b'\r', b'\n', ..] => Field::Last(quote + 3),
            [] | [b'\r'] if ended => Field::Last(text.len()),
            [] | [b'\r'] => return Field::More,
            _ => return Field::Bad("text behind a closing quote"),
        };
        row.end_value();
        return field;
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use kintsugi_case::{CsvOptions, Encoding};
    use proptest::prelude::*;

    use super::{Records, Row};

    fn options() -> CsvOptions {
        CsvOptions { header: true, delimiter: b',', null: "\\N".into(), encoding: Encoding::Utf8 }
    }

    fn records(text: &[u8], block: usize, options: &CsvOptions) -> Vec<(u64, Result<String, &'static str>)> {
        let bytes = text.to_vec();
        let input = Box::new(BufReader::with_capacity(block, std::io::Cursor::new(bytes)));
        let (mut records, mut row, mut found) = (Records::new(input, options), Row::default(), Vec::new());
        while let Some((line, result)) = records.next(&mut row).unwrap() {
            found.push((line, result.map(|()| row.to_test())));
        }
        found
    }

    fn check(text: &str, expected: &[(u64, Result<&str, &'static str>)]) {
        let found = records(text.as_bytes(), 3, &options());
        let found: Vec<_> = found.iter().map(|(line, record)| (*line, record.as_deref().map_err(|reason| *reason))).collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn fields_are_what_rfc_4180_says() {
        check("a,b\n1,2\n", &[(1, Ok("a|b")), (2, Ok("1|2"))]);
        check("a,b\r\n1,2", &[(1, Ok("a|b")), (2, Ok("1|2"))]);
        check("\"a,b\",\"c\"\"d\",\"e\nf\"\nx", &[(1, Ok("a,b|c\"d|e\nf")), (3, Ok("x"))]);
        check(",\n\n\n\"\",", &[(1, Ok("|")), (4, Ok("|"))]);
        check("5\" pipe,b\n", &[(1, Ok("5\" pipe|b"))]);
    }

    #[test]
    fn null_is_the_bare_marker_only() {
        check("\\N,\"\\N\",\\N \n", &[(1, Ok("NULL|\\N|\\N "))]);
        let empty = CsvOptions { null: String::new(), ..options() };
        assert_eq!(records(b"a,,\"\"\n", 9, &empty), [(1, Ok("a|NULL|".into()))]);
    }

    #[test]
    fn a_bad_line_costs_itself_only() {
        check("a\n\"b\"c\nd\n", &[(1, Ok("a")), (2, Err("text behind a closing quote")), (3, Ok("d"))]);
        check("a\n\"b\nc\n", &[(1, Ok("a")), (2, Err("a quote is not closed")), (3, Ok("c"))]);
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(rows in proptest::collection::vec(proptest::collection::vec("[a,\"\n\r\\\\N表]{0,6}", 2..4), 0..6), block in 1usize..20) {
            let quote = |value: &String| format!("\"{}\"", value.replace('"', "\"\""));
            let text: String = rows.iter().map(|row| row.iter().map(quote).collect::<Vec<_>>().join(",") + "\n").collect();
            let found: Vec<_> = records(text.as_bytes(), block, &options()).into_iter().map(|(_, row)| row.unwrap()).collect();
            prop_assert_eq!(found, rows.iter().map(|row| row.join("|")).collect::<Vec<_>>());
        }

        #[test]
        fn no_bytes_make_it_panic_or_lose_lines(bytes in proptest::collection::vec(prop_oneof![Just(b'"'), Just(b','), Just(b'\n'), any::<u8>()], 0..300), block in 1usize..40) {
            prop_assert_eq!(records(&bytes, block, &options()), records(&bytes, 4096, &options()));
        }
    }
}
