//! PostgreSQL's `csvlog`: 23 to 26 columns, by version; a value in quotes may hold line ends.
//!
//! <https://www.postgresql.org/docs/current/runtime-config-logging.html#RUNTIME-CONFIG-LOGGING-CSVLOG>

use super::postgresql::{Event, Sessions, Severity};
use super::read::{Out, RECORD_BYTES_MAX, Reason};
use super::time::Clock;

/// Columns since PostgreSQL 9.0.
const COLUMNS_MIN: usize = 22;

pub(super) struct Parser {
    clock: Clock,
    sessions: Sessions,
    /// A record whose quotes are still open: its lines.
    open: Vec<(u64, Vec<u8>)>,
    open_bytes: usize,
    quotes: usize,
}

impl Parser {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, sessions: Sessions::default(), open: Vec::new(), open_bytes: 0, quotes: 0 }
    }

    pub(super) fn line(&mut self, number: u64, raw: &[u8], out: &mut Out<'_>) -> Result<(), Reason> {
        let quotes = memchr::memchr_iter(b'"', raw).count();
        if self.open.is_empty() && quotes.is_multiple_of(2) {
            return self.record(number, raw, out);
        }
        self.quotes += quotes;
        self.open_bytes += raw.len() + 1;
        self.open.push((number, raw.to_vec()));
        if self.quotes.is_multiple_of(2) {
            let whole = self.open.iter().map(|(_, line)| line.as_slice()).collect::<Vec<_>>().join(&b'\n');
            let first = self.open[0].0;
            let read = self.record(first, &whole, out);
            if read.is_ok() {
                self.forget();
            } else {
                self.give_up(out);
            }
        } else if self.open_bytes > RECORD_BYTES_MAX {
            self.give_up(out);
        }
        Ok(())
    }

    fn forget(&mut self) {
        self.open.clear();
        (self.open_bytes, self.quotes) = (0, 0);
    }

    /// Quotes that never end, or no record when they do, as where a log begins in the middle of one: each line by itself.
    fn give_up(&mut self, out: &mut Out<'_>) {
        for (number, line) in std::mem::take(&mut self.open) {
            if let Err(reason) = self.record(number, &line, out) {
                out.not_read(number, reason);
            }
        }
        self.forget();
    }

    fn record(&mut self, number: u64, raw: &[u8], out: &mut Out<'_>) -> Result<(), Reason> {
        let fields = fields(raw);
        if fields.len() < COLUMNS_MIN {
            return Err("fewer columns than csvlog has");
        }
        let text = |at: usize| String::from_utf8_lossy(&fields[at]).into_owned();
        let severity = Severity::of(&text(11)).ok_or("no severity in its column")?;
        let event = Event {
            line: number,
            at_ms: Some(self.clock.read(&fields[0]).ok_or("the time is no time")?),
            process: if fields[5].is_empty() { text(3) } else { text(5) },
            user: text(1),
            severity,
            code: text(12),
            message: fields[13].clone(),
            detail: fields[14].clone(),
            statement: fields[19].clone(),
            cut: false,
        };
        self.sessions.take(event, out);
        Ok(())
    }

    pub(super) fn end(&mut self, out: &mut Out<'_>) {
        self.give_up(out);
        self.sessions.end(out);
    }
}

pub(super) fn fits(raw: &[u8], clock: &mut Clock) -> bool {
    let Some(comma) = memchr::memchr(b',', &raw[..raw.len().min(60)]) else { return false };
    clock.read(&raw[..comma]).is_some() && {
        let fields = fields(raw);
        fields.len() > 12 && std::str::from_utf8(&fields[11]).is_ok_and(|word| Severity::of(word).is_some())
    }
}

/// The values of a record; `""` in quotes is one quote.
pub(super) fn fields(raw: &[u8]) -> Vec<Vec<u8>> {
    let (mut fields, mut field, mut quoted) = (Vec::with_capacity(26), Vec::new(), false);
    let mut bytes = raw.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' if quoted && bytes.peek() == Some(&b'"') => {
                bytes.next();
                field.push(b'"');
            }
            b'"' => quoted = !quoted,
            b',' if !quoted => fields.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    fields.push(field);
    fields
}
