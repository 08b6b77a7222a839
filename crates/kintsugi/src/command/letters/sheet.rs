//! Tables as offices write them: CSV with a head, in UTF-8 with or without a mark, UTF-16 with one, or Windows' Japanese
//! code page (windows-31j), fields split by commas, semicolons or tabs. Columns are found by name.

use std::path::Path;

use anyhow::{Context, Result, bail};
use encoding_rs::{Encoding, SHIFT_JIS, UTF_8};

/// A file that is larger is no list of letters.
const BYTES_MAX: u64 = 256 << 20;

/// A table that was read.
pub(super) struct Sheet {
    head: Vec<String>,
    /// With the line on which each begins, from 1, or why it could not be read.
    pub(super) rows: Vec<(u64, Result<csv::StringRecord, String>)>,
}

impl Sheet {
    /// Reads a file.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let size = std::fs::metadata(path).with_context(|| format!("{shown} cannot be read"))?.len();
        if size > BYTES_MAX {
            bail!("{shown} has {size} bytes: no list of letters is so long");
        }
        let bytes = std::fs::read(path).with_context(|| format!("{shown} cannot be read"))?;
        let Some(text) = decoded(&bytes) else {
            bail!("{shown} is neither UTF-8 nor UTF-16 with a byte order mark nor Shift_JIS");
        };
        Ok(Self::of(&text))
    }

    fn of(text: &str) -> Self {
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .has_headers(false)
            .delimiter(delimiter(text.lines().next().unwrap_or_default()))
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let (mut head, mut rows) = (None, Vec::new());
        let (mut record, mut place) = (csv::StringRecord::new(), Place { at: 0, line: 1 });
        loop {
            let line = match reader.read_record(&mut record) {
                Ok(false) => break,
                Ok(true) if head.is_none() => {
                    head = Some(record.iter().map(str::to_lowercase).collect());
                    continue;
                }
                Ok(true) => Ok(record.clone()),
                Err(error) => Err(error.to_string()),
            };
            let from = record.position().map_or(0, csv::Position::byte);
            rows.push((place.line_of(text, usize::try_from(from).unwrap_or(usize::MAX)), line));
        }
        Self { head: head.unwrap_or_default(), rows }
    }

    /// Where a column is.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.head.iter().position(|column| column == name)
    }
}

/// How far lines were counted. The reader's own count takes the line break of "\r\n" for the next record's.
struct Place {
    at: usize,
    line: u64,
}

impl Place {
    /// The line of a record that begins here, or behind the line breaks that are here.
    fn line_of(&mut self, text: &str, from: usize) -> u64 {
        let bytes = text.as_bytes();
        let from = from.min(bytes.len());
        let breaks = bytes[from..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let passed = bytes.get(self.at..from + breaks).unwrap_or_default();
        self.line += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.at = self.at.max(from + breaks);
        self.line
    }
}

/// The field at this place; empty where there is none.
pub(super) fn field(record: &csv::StringRecord, column: Option<usize>) -> &str {
    column.and_then(|column| record.get(column)).unwrap_or_default()
}

/// The text, by its mark, or else as UTF-8, or else as Shift_JIS; none where it is none of them.
fn decoded(bytes: &[u8]) -> Option<String> {
    let (encoding, mark) = Encoding::for_bom(bytes).unwrap_or((UTF_8, 0));
    let strictly = |encoding: &'static Encoding| {
        encoding.decode_without_bom_handling_and_without_replacement(&bytes[mark..]).map(|text| text.into_owned())
    };
    strictly(encoding).or_else(|| if mark == 0 { strictly(SHIFT_JIS) } else { None })
}

/// What splits the fields of this head.
fn delimiter(head: &str) -> u8 {
    let count = |delimiter: u8| head.bytes().filter(|byte| *byte == delimiter).count();
    [b',', b';', b'\t'].into_iter().rev().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::{Sheet, decoded, field};

    fn check(bytes: &[u8], expected: &[(u64, &str, &str)]) {
        let sheet = Sheet::of(&decoded(bytes).unwrap());
        let (notice, reason) = (sheet.column("notice"), sheet.column("reason"));
        let of = |(line, row): &(u64, Result<csv::StringRecord, String>)| {
            let row = row.as_ref().unwrap();
            (*line, field(row, notice).to_owned(), field(row, reason).to_owned())
        };
        let found: Vec<_> = sheet.rows.iter().map(of).collect();
        let expected: Vec<_> = expected.iter().map(|(line, a, b)| (*line, (*a).to_owned(), (*b).to_owned())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_sheet_reads_as_offices_write_it() {
        check(b"notice,reason\nK-1,moved\n", &[(2, "K-1", "moved")]);
        check("\u{feff}Notice ; x; REASON\r\n K-1 ;1;転居先不明\r\n".as_bytes(), &[(2, "K-1", "転居先不明")]);
        check(&encoding_rs::SHIFT_JIS.encode("reason\tnotice\n表示ソ\tK-2\n").0, &[(2, "K-2", "表示ソ")]);
        let utf_16: Vec<u8> = "\u{feff}notice,reason\nK-3,宛\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        check(&utf_16, &[(2, "K-3", "宛")]);
        // A field over two lines, and lines that are short or empty.
        check(b"notice,reason\n\nK-1,\"a\nb\"\nK-2\n", &[(3, "K-1", "a\nb"), (5, "K-2", "")]);
        check(b"", &[]);
        assert_eq!(decoded(&[0xff, 0xff, 0x00]), None);
    }
}
