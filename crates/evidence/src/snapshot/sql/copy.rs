//! Rows as PostgreSQL's COPY writes them: a line a row, tabs between values, `\N` for NULL, up to a line `\.`
//! (PostgreSQL manual, COPY, "Text Format").

use std::io;
use std::ops::ControlFlow;

use super::scan::{Scanner, cut};
use super::statement::EachRow;
use crate::snapshot::row::{ROW_BYTES_MAX, Row};

/// What a line's reader gets: the line, or `None` where it is too long, and its number.
type EachLine<'a> = dyn FnMut(Option<&[u8]>, u64) -> ControlFlow<()> + 'a;

impl Scanner {
    /// Rows up to the end of the data.
    pub(super) fn each_copy_row(&mut self, row: &mut Row, each: &mut EachRow<'_>) -> io::Result<ControlFlow<()>> {
        self.each_copy_line(&mut |line, number| match line {
            Some(line) => {
                values(line, row);
                each(row, number, None)
            }
            None => each(row, number, Some("a row longer than 16 MiB")),
        })
    }

    /// Lines up to the end of the data.
    pub(super) fn each_copy_line(&mut self, each: &mut EachLine<'_>) -> io::Result<ControlFlow<()>> {
        loop {
            let number = self.line();
            let Some(end) = self.line_end()? else {
                self.skip_line()?;
                if each(None, number).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                continue;
            };
            let line = &self.rest()[..end];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let flow = if line == br"\." { None } else { Some(each(Some(line), number)) };
            self.advance(end + 1);
            match flow {
                None => return Ok(ControlFlow::Continue(())),
                Some(ControlFlow::Break(())) => return Ok(ControlFlow::Break(())),
                Some(ControlFlow::Continue(())) => {}
            }
        }
    }

    /// Where the line ends; `None` where it is too long to be a row.
    fn line_end(&mut self) -> io::Result<Option<usize>> {
        let mut looked = 0;
        loop {
            let rest = self.rest();
            if let Some(end) = memchr::memchr(b'\n', &rest[looked..]) {
                return Ok(Some(looked + end));
            }
            looked = rest.len();
            if looked > ROW_BYTES_MAX {
                return Ok(None);
            }
            if !self.fill()? {
                return Err(cut());
            }
        }
    }
}

fn values(line: &[u8], row: &mut Row) {
    row.clear();
    for field in line.split(|&byte| byte == b'\t') {
        if field == br"\N" {
            row.end_null();
        } else {
            value(field, row);
            row.end_value();
        }
    }
}

fn value(field: &[u8], row: &mut Row) {
    let mut rest = field;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        row.extend(&rest[..at]);
        let (byte, used) = escape(&rest[at + 1..]);
        row.extend(&[byte]);
        rest = &rest[at + 1 + used..];
    }
    row.extend(rest);
}

/// The byte that an escape stands for, and how many bytes it takes behind its backslash.
fn escape(text: &[u8]) -> (u8, usize) {
    match text {
        [] => (b'\\', 0),
        [b'b', ..] => (8, 1),
        [b'f', ..] => (0x0c, 1),
        [b'n', ..] => (b'\n', 1),
        [b'r', ..] => (b'\r', 1),
        [b't', ..] => (b'\t', 1),
        [b'v', ..] => (0x0b, 1),
        [b'x', digit, ..] if digit.is_ascii_hexdigit() => digits(&text[1..], 2, 16, 1),
        [b'0'..=b'7', ..] => digits(text, 3, 8, 0),
        [byte, ..] => (*byte, 1),
    }
}

fn digits(text: &[u8], most: usize, radix: u32, before: usize) -> (u8, usize) {
    let digits = text.iter().take(most).map_while(|&byte| char::from(byte).to_digit(radix));
    let (value, count) = digits.fold((0u32, 0), |(value, count), digit| (value * radix + digit, count + 1));
    (value as u8, before + count)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Row, values};

    fn check(line: &[u8], expected: &str) {
        let mut row = Row::default();
        values(line, &mut row);
        assert_eq!(row.to_test(), expected);
    }

    #[test]
    fn values_are_what_the_manual_says() {
        check(b"1\t\\N\t\ta", "1|NULL||a");
        check(br"a\tb\n\\N\.", "a\tb\n\\N.");
        check(br"\101\x42\x4g\q\", "AB\u{4}gq\\");
        check("山田\t\\\\N".as_bytes(), "山田|\\N");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(line in any::<Vec<u8>>()) {
            values(&line, &mut Row::default());
        }
    }
}
