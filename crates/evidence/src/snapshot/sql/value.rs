//! Rows as INSERT writes them: `(1,'a',NULL,0x00,_binary 'x','y'::text,replace('a\nb','\n',char(10)))`.

use std::io;
use std::ops::ControlFlow;

use super::Flavour;
use super::scan::{Scanner, cut, endless};
use super::statement::EachRow;
use crate::snapshot::row::{ROW_BYTES_MAX, Row};

/// Functions within functions; dumps nest two.
const DEPTH_MAX: u32 = 8;
const EXPRESSION: &str = "a value is an expression that is not read";

/// A value outside a row: an argument of a function.
enum Scalar {
    Null,
    Bytes(Vec<u8>),
    /// Something that is not evaluated here.
    Odd,
}

impl Scanner {
    /// Rows up to the `;`.
    pub(super) fn each_value_row(&mut self, row: &mut Row, each: &mut EachRow<'_>) -> io::Result<ControlFlow<()>> {
        loop {
            if !self.eat(b'(')? {
                // `ON DUPLICATE KEY UPDATE …`, or the end.
                self.skip_statement()?;
                return Ok(ControlFlow::Continue(()));
            }
            let line = self.line();
            let odd = self.row(row)?;
            if each(row, line, odd).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            self.eat(b',')?;
        }
    }

    /// One row, its opening parenthesis gone. A reason where it cannot be used.
    fn row(&mut self, row: &mut Row) -> io::Result<Option<&'static str>> {
        row.clear();
        let mut odd = None;
        loop {
            self.skip_blank()?;
            let values = row.len();
            if !self.value(row)? {
                odd = Some(EXPRESSION);
                self.skip_expression()?;
                if row.len() == values {
                    row.end_null();
                }
            }
            self.skip_blank()?;
            match self.byte()? {
                Some(b',') => self.advance(1),
                Some(b')') => {
                    self.advance(1);
                    return Ok(odd);
                }
                Some(_) => odd = Some(EXPRESSION),
                None => return Err(cut()),
            }
            if row.bytes_len() > ROW_BYTES_MAX {
                return Err(endless());
            }
        }
    }

    /// One value into the row. False where it is none that is read here; some of it may be gone then.
    fn value(&mut self, row: &mut Row) -> io::Result<bool> {
        match self.byte()? {
            Some(b'\'') => {
                self.string(false, &mut |part| row.extend(part))?;
                return self.after_string(row);
            }
            Some(b'0'..=b'9' | b'-' | b'+' | b'.') => self.number(row)?,
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' => return self.named(row),
            _ => return Ok(false),
        }
        self.ends_here()
    }

    /// `123`, `-1.5e3`, `0xCAFE`: as it is written.
    fn number(&mut self, row: &mut Row) -> io::Result<()> {
        let mut before = b'e';
        while let Some(byte) = self.byte()? {
            let sign = matches!(byte, b'-' | b'+') && matches!(before, b'e' | b'E');
            if !sign && !byte.is_ascii_alphanumeric() && byte != b'.' {
                break;
            }
            row.extend(&[byte]);
            self.advance(1);
            before = byte;
            if row.bytes_len() > ROW_BYTES_MAX {
                return Err(endless());
            }
        }
        row.end_value();
        Ok(())
    }

    /// A string from its opening quote on, what it says handed to `keep`.
    fn string(&mut self, escapes: bool, keep: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let escapes = escapes || self.flavour == Flavour::MySql;
        let mut held = 0;
        self.advance(1);
        loop {
            let end = self.seek(
                |byte| byte == b'\'' || (escapes && byte == b'\\'),
                |part| {
                    held += part.len();
                    if held <= ROW_BYTES_MAX {
                        keep(part);
                    }
                },
            )?;
            if held > ROW_BYTES_MAX {
                return Err(endless());
            }
            self.advance(1);
            match end {
                b'\\' => self.escape(keep)?,
                _ if self.byte()? == Some(b'\'') => {
                    keep(b"'");
                    self.advance(1);
                }
                _ => return Ok(()),
            }
        }
    }

    /// MySQL's escapes, and those of PostgreSQL's `E'…'` that `pg_dump` writes.
    fn escape(&mut self, keep: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let Some(byte) = self.byte()? else { return Err(cut()) };
        self.advance(1);
        let mysql = self.flavour == Flavour::MySql;
        match byte {
            b'0' if mysql => keep(&[0]),
            b'Z' if mysql => keep(&[0x1a]),
            b'%' | b'_' if mysql => keep(&[b'\\', byte]),
            b'b' => keep(&[8]),
            b'f' if !mysql => keep(&[0x0c]),
            b'n' => keep(b"\n"),
            b'r' => keep(b"\r"),
            b't' => keep(b"\t"),
            other => keep(&[other]),
        }
        Ok(())
    }

    /// What may stand behind a string: `::type`, `COLLATE name`, `|| more`.
    fn after_string(&mut self, row: &mut Row) -> io::Result<bool> {
        loop {
            self.skip_blank()?;
            match *self.peek(2)? {
                [b',' | b')', ..] => break,
                [b':', b':'] => {
                    self.skip_expression()?;
                    break;
                }
                [b'|', b'|'] => {
                    self.advance(2);
                    self.skip_blank()?;
                    let Scalar::Bytes(more) = self.scalar(0)? else { return Ok(false) };
                    row.extend(&more);
                }
                _ => return Ok(false),
            }
        }
        row.end_value();
        Ok(true)
    }

    fn ends_here(&mut self) -> io::Result<bool> {
        self.skip_blank()?;
        if self.peek(2)? == b"::" {
            self.skip_expression()?;
        }
        Ok(matches!(self.byte()?, Some(b',' | b')')))
    }

    /// A value that starts with a word: NULL, TRUE, `_binary '…'`, `X'…'`, `E'…'`, a function.
    fn named(&mut self, row: &mut Row) -> io::Result<bool> {
        let word = self.word()?.to_ascii_lowercase();
        match (word.as_str(), self.byte()?) {
            ("null", _) => {
                row.end_null();
                return self.ends_here();
            }
            ("true" | "false", _) => row.extend(self.boolean(word == "true")),
            ("x" | "b", Some(b'\'')) => {
                row.extend(if word == "x" { b"0x" } else { b"0b" });
                self.string(false, &mut |part| row.extend(part))?;
            }
            ("e" | "n", Some(b'\'')) => self.string(word == "e", &mut |part| row.extend(part))?,
            (charset, _) if charset.starts_with('_') => return self.charset_string(charset == "_binary", row),
            (_, Some(b'(')) => match self.call(&word, 0)? {
                Scalar::Bytes(bytes) => row.extend(&bytes),
                Scalar::Null | Scalar::Odd => return Ok(false),
            },
            _ => return Ok(false),
        }
        self.after_string(row)
    }

    /// As the system writes its booleans elsewhere, so that a column has one spelling.
    fn boolean(&self, yes: bool) -> &'static [u8] {
        match (self.flavour, yes) {
            (Flavour::PostgreSql, true) => b"t",
            (Flavour::PostgreSql, false) => b"f",
            (_, true) => b"1",
            (_, false) => b"0",
        }
    }

    /// `_utf8mb4'…'` is text; `_binary '…'` is shown as hexadecimal where it is no text.
    fn charset_string(&mut self, binary: bool, row: &mut Row) -> io::Result<bool> {
        self.skip_blank()?;
        if self.byte()? != Some(b'\'') {
            return Ok(false);
        }
        self.string(false, &mut |part| row.extend(part))?;
        if binary && std::str::from_utf8(row.value()).is_err() {
            let hex = format!("0x{}", data_encoding::HEXUPPER.encode(row.value()));
            row.replace_value(hex.as_bytes());
        }
        self.after_string(row)
    }

    /// Goes to the comma or parenthesis that ends a value.
    fn skip_expression(&mut self) -> io::Result<()> {
        let mut depth = 0u32;
        loop {
            match self.seek(|byte| matches!(byte, b'\'' | b'"' | b'`' | b'(' | b')' | b',' | b';'), |_| ())? {
                b'\'' | b'"' | b'`' => {
                    self.skip_quoted(false)?;
                    continue;
                }
                b',' | b')' if depth == 0 => return Ok(()),
                // No expression of a dump holds one: this is where the next statement begins.
                b';' => return Err(cut()),
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            self.advance(1);
        }
    }

    /// A function with its arguments, the next byte being its parenthesis: what SQLite's `.dump` writes for line ends.
    fn call(&mut self, function: &str, depth: u32) -> io::Result<Scalar> {
        self.advance(1);
        let mut arguments = Vec::new();
        loop {
            self.skip_blank()?;
            arguments.push(self.scalar(depth + 1)?);
            self.skip_blank()?;
            match self.byte()? {
                Some(b',') => self.advance(1),
                Some(b')') => {
                    self.advance(1);
                    return Ok(apply(function, &arguments));
                }
                Some(_) => self.skip_expression()?,
                None => return Err(cut()),
            }
            if arguments.len() > 64 {
                return Ok(Scalar::Odd);
            }
        }
    }

    fn scalar(&mut self, depth: u32) -> io::Result<Scalar> {
        let mut bytes = Vec::new();
        match self.byte()? {
            Some(b'\'') => self.string(false, &mut |part| bytes.extend_from_slice(part))?,
            Some(b'0'..=b'9') => bytes = self.word()?.into_bytes(),
            Some(byte) if byte.is_ascii_alphabetic() => {
                let word = self.word()?.to_ascii_lowercase();
                return match self.byte()? {
                    Some(b'(') if depth < DEPTH_MAX => self.call(&word, depth),
                    _ if word == "null" => Ok(Scalar::Null),
                    _ => Ok(Scalar::Odd),
                };
            }
            _ => {
                self.skip_expression()?;
                return Ok(Scalar::Odd);
            }
        }
        Ok(Scalar::Bytes(bytes))
    }
}

fn apply(function: &str, arguments: &[Scalar]) -> Scalar {
    match (function, arguments) {
        ("replace", [Scalar::Bytes(text), Scalar::Bytes(from), Scalar::Bytes(to)]) if !from.is_empty() => {
            Scalar::Bytes(replace(text, from, to))
        }
        ("char", codes) => {
            codes.iter().map(character).collect::<Option<String>>().map_or(Scalar::Odd, |s| Scalar::Bytes(s.into()))
        }
        ("unistr", [Scalar::Bytes(text)]) => unistr(text).map_or(Scalar::Odd, Scalar::Bytes),
        _ => Scalar::Odd,
    }
}

fn replace(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let (mut out, mut start) = (Vec::with_capacity(text.len()), 0);
    for at in memchr::memmem::find_iter(text, from) {
        out.extend_from_slice(&text[start..at]);
        out.extend_from_slice(to);
        start = at + from.len();
    }
    out.extend_from_slice(&text[start..]);
    out
}

fn character(code: &Scalar) -> Option<char> {
    let Scalar::Bytes(digits) = code else { return None };
    char::from_u32(std::str::from_utf8(digits).ok()?.parse().ok()?)
}

/// SQLite's `unistr`: `\u000a`, `\\`.
fn unistr(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let (c, used) = match after.as_bytes().first()? {
            b'\\' => ('\\', 1),
            b'u' => (char::from_u32(u32::from_str_radix(after.get(1..5)?, 16).ok()?)?, 5),
            _ => (char::from_u32(u32::from_str_radix(after.get(0..4)?, 16).ok()?)?, 4),
        };
        out.push(c);
        rest = &after[used..];
    }
    out.push_str(rest);
    Some(out.into_bytes())
}
