//! Bytes of a dump as tokens: names, words, strings, comments; with the line, and with bounds on everything that is held.

use std::io::{self, BufRead};

use super::Flavour;
use crate::snapshot::row::ROW_BYTES_MAX;

/// A name or word is never longer: where it seems to be, the file is no SQL.
const WORD_BYTES_MAX: usize = 64 * 1024;

/// A dump being read.
pub(super) struct Scanner {
    input: Box<dyn BufRead>,
    pub(super) flavour: Flavour,
    buffer: Vec<u8>,
    at: usize,
    /// Line ends before `counted`.
    lines: u64,
    counted: usize,
    ended: bool,
}

/// A piece of a statement's head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// Letters and digits, as written.
    Word(String),
    /// A quoted name.
    Name(String),
    /// A string; what it says is not kept.
    Text,
    /// Any other character.
    Sign(u8),
    /// The end of the file.
    End,
}

impl Token {
    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self, Self::Word(text) if text.eq_ignore_ascii_case(word))
    }

    /// The name of a table or column.
    pub(super) fn into_name(self) -> Option<String> {
        match self {
            Self::Word(text) | Self::Name(text) => Some(text),
            _ => None,
        }
    }
}

impl Scanner {
    pub(super) fn new(input: Box<dyn BufRead>, flavour: Flavour) -> Self {
        Self { input, flavour, buffer: Vec::new(), at: 0, lines: 0, counted: 0, ended: false }
    }

    /// The line of the next byte, from 1.
    pub(super) fn line(&mut self) -> u64 {
        self.lines += memchr::memchr_iter(b'\n', &self.buffer[self.counted..self.at]).count() as u64;
        self.counted = self.at;
        self.lines + 1
    }

    /// Bytes that are there without reading more.
    pub(super) fn rest(&self) -> &[u8] {
        &self.buffer[self.at..]
    }

    pub(super) fn advance(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// Reads one more block behind what is there. False at the end of the file.
    pub(super) fn fill(&mut self) -> io::Result<bool> {
        self.line();
        self.buffer.drain(..self.at);
        (self.at, self.counted) = (0, 0);
        let block = self.input.fill_buf()?;
        let bytes = block.len();
        self.buffer.extend_from_slice(block);
        self.input.consume(bytes);
        self.ended = bytes == 0;
        Ok(bytes > 0)
    }

    /// The next `bytes` bytes, fewer at the end of the file.
    pub(super) fn peek(&mut self, bytes: usize) -> io::Result<&[u8]> {
        while self.rest().len() < bytes && !self.ended && self.fill()? {}
        let end = self.buffer.len().min(self.at + bytes);
        Ok(&self.buffer[self.at..end])
    }

    pub(super) fn byte(&mut self) -> io::Result<Option<u8>> {
        if self.at < self.buffer.len() {
            return Ok(Some(self.buffer[self.at]));
        }
        Ok(self.peek(1)?.first().copied())
    }

    /// Goes to the first of these bytes, which stays the next one; at the end of the file that is an error.
    /// What was passed is handed to `keep`.
    pub(super) fn seek(&mut self, is_end: impl Fn(u8) -> bool, mut keep: impl FnMut(&[u8])) -> io::Result<u8> {
        loop {
            let rest = self.rest();
            if let Some(found) = rest.iter().position(|&byte| is_end(byte)) {
                keep(&rest[..found]);
                let byte = rest[found];
                self.advance(found);
                return Ok(byte);
            }
            keep(rest);
            self.advance(self.rest().len());
            if !self.fill()? {
                return Err(cut());
            }
        }
    }

    /// Passes blanks and comments.
    pub(super) fn skip_blank(&mut self) -> io::Result<()> {
        loop {
            let blank = self.rest().iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            self.advance(blank);
            let mysql = self.flavour == Flavour::MySql;
            match *self.peek(2)? {
                [b'-', b'-'] => self.skip_line()?,
                [b'#', ..] if mysql => self.skip_line()?,
                [b'/', b'*'] => self.skip_comment()?,
                [byte, ..] if byte.is_ascii_whitespace() => {}
                _ => return Ok(()),
            }
        }
    }

    /// Goes behind the next line end, or to the end of the file.
    pub(super) fn skip_line(&mut self) -> io::Result<()> {
        loop {
            match memchr::memchr(b'\n', self.rest()) {
                Some(end) => {
                    self.advance(end + 1);
                    return Ok(());
                }
                None => self.advance(self.rest().len()),
            }
            if !self.fill()? {
                return Ok(());
            }
        }
    }

    /// MySQL's `/*!50003 … */` are passed too: dumps put no rows into them.
    fn skip_comment(&mut self) -> io::Result<()> {
        self.advance(2);
        loop {
            self.seek(|byte| byte == b'*', |_| ())?;
            self.advance(1);
            if self.byte()? == Some(b'/') {
                self.advance(1);
                return Ok(());
            }
        }
    }

    /// The next token of a statement's head.
    pub(super) fn token(&mut self) -> io::Result<Token> {
        self.skip_blank()?;
        let Some(byte) = self.byte()? else { return Ok(Token::End) };
        match byte {
            b'\'' => self.skip_quoted(false).map(|()| Token::Text),
            b'"' | b'`' => self.name(byte).map(Token::Name),
            byte if is_word_byte(byte) => self.word().map(Token::Word),
            byte => {
                self.advance(1);
                Ok(Token::Sign(byte))
            }
        }
    }

    /// The next sign, if it is this one.
    pub(super) fn eat(&mut self, sign: u8) -> io::Result<bool> {
        self.skip_blank()?;
        let found = self.byte()? == Some(sign);
        self.advance(usize::from(found));
        Ok(found)
    }

    pub(super) fn word(&mut self) -> io::Result<String> {
        let mut word = Vec::new();
        while let Some(byte) = self.byte()?.filter(|&byte| is_word_byte(byte)) {
            word.push(byte);
            self.advance(1);
            bounded(word.len())?;
        }
        Ok(String::from_utf8_lossy(&word).into_owned())
    }

    /// A quoted name; a doubled quote stands for one.
    fn name(&mut self, quote: u8) -> io::Result<String> {
        let mut name = Vec::new();
        self.advance(1);
        loop {
            self.seek(|byte| byte == quote, |part| name.extend_from_slice(part))?;
            bounded(name.len())?;
            let doubled = self.peek(2)?.len() == 2 && self.peek(2)?[1] == quote;
            self.advance(1 + usize::from(doubled));
            if !doubled {
                return Ok(String::from_utf8_lossy(&name).into_owned());
            }
            name.push(quote);
        }
    }

    /// Passes a string or quoted name from its opening quote on. `escapes` says whether a backslash escapes in it whatever the
    /// flavour, as in PostgreSQL's `E'…'`.
    pub(super) fn skip_quoted(&mut self, escapes: bool) -> io::Result<()> {
        let Some(quote) = self.byte()? else { return Err(cut()) };
        let escapes = escapes || (self.flavour == Flavour::MySql && quote != b'`');
        self.advance(1);
        loop {
            // A doubled quote is an end and a beginning: the caller comes back for the second half.
            let end = self.seek(|byte| byte == quote || (escapes && byte == b'\\'), |_| ())?;
            self.advance(1);
            if end == quote {
                return Ok(());
            }
            self.peek(1)?;
            self.advance(usize::from(!self.rest().is_empty()));
        }
    }

    /// Goes behind the `;` that ends a statement.
    pub(super) fn skip_statement(&mut self) -> io::Result<()> {
        let mut before = b' ';
        loop {
            let is_stop = |byte| matches!(byte, b'\'' | b'"' | b'`' | b';' | b'-' | b'/' | b'#' | b'$');
            let Some(stop) = self.seek_or_end(is_stop, &mut before)? else { return Ok(()) };
            match stop {
                b';' => {
                    self.advance(1);
                    return Ok(());
                }
                b'\'' => self.skip_quoted(self.flavour == Flavour::PostgreSql && matches!(before, b'E' | b'e'))?,
                b'"' | b'`' => self.skip_quoted(false)?,
                b'$' if self.flavour == Flavour::PostgreSql => self.skip_dollar_quoted()?,
                _ => self.skip_comment_or_sign()?,
            }
            before = b' ';
        }
    }

    fn seek_or_end(&mut self, is_end: impl Fn(u8) -> bool, before: &mut u8) -> io::Result<Option<u8>> {
        let found = self.seek(is_end, |part| *before = *part.last().unwrap_or(before));
        match found {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && self.ended => Ok(None),
            found => found.map(Some),
        }
    }

    fn skip_comment_or_sign(&mut self) -> io::Result<()> {
        let mysql = self.flavour == Flavour::MySql;
        match *self.peek(2)? {
            [b'-', b'-'] | [b'/', b'*'] => self.skip_blank(),
            [b'#', ..] if mysql => self.skip_blank(),
            _ => {
                self.advance(1);
                Ok(())
            }
        }
    }

    /// `$$ … $$` or `$tag$ … $tag$`; a dollar that opens none is passed.
    fn skip_dollar_quoted(&mut self) -> io::Result<()> {
        self.advance(1);
        let tag = self.word()?;
        if self.byte()? != Some(b'$') {
            return Ok(());
        }
        self.advance(1);
        let end = format!("${tag}$");
        loop {
            self.seek(|byte| byte == b'$', |_| ())?;
            if self.peek(end.len())? == end.as_bytes() {
                self.advance(end.len());
                return Ok(());
            }
            self.advance(1);
        }
    }
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'@' || byte >= 0x80
}

fn bounded(length: usize) -> io::Result<()> {
    if length <= WORD_BYTES_MAX {
        Ok(())
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, "a name without end: this is no SQL"))
    }
}

/// What a dump that ends within a statement is.
pub(super) fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the dump ends within a statement")
}

/// What a row that never ends is.
pub(super) fn endless() -> io::Error {
    let text = format!("a row longer than {} MiB: a quote is not closed", ROW_BYTES_MAX >> 20);
    io::Error::new(io::ErrorKind::InvalidData, text)
}
