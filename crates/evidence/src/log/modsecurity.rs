//! The audit log of ModSecurity 2 and 3 in its serial form: a record of sections a request, each begun by
//! `--BOUNDARY-LETTER--`. A: time, id and addresses; B: request line and headers; C (or I): the request's body; F: the
//! answer's head; E: its body; H: what ModSecurity made of it; Z: the end. Documented at
//! <https://github.com/owasp-modsecurity/ModSecurity/wiki/ModSecurity-2-Data-Formats>.
//!
//! The boundary is drawn for each record, so a body that holds something like a boundary does not end the record that it is
//! in: until the record's own Z every line belongs to it. Only where that never comes (a cut log) is a later A believed.
//! Behind a proxy A names the proxy; the client is then taken from what H quotes of the server's error log.

use std::ops::Range;

use super::clf;
use super::fields::{Escaping, Fields, Reason, Request, header};
use super::time::Clock;

/// A longer record is given up.
const RECORD_BYTES_MAX: usize = 8 << 20;
/// How often a record that does not end is searched for a beginning of another one.
const RETRIES_MAX: usize = 16;

/// Gathers the lines of a record.
#[derive(Default)]
pub(super) struct Reader {
    /// The record's lines, with line ends.
    record: Vec<u8>,
    /// The number of its first line.
    first_line: u64,
    lines: u64,
    boundary: Vec<u8>,
    /// Where a marker of another record's beginning stands in this one.
    other_begin: Option<(usize, u64)>,
    /// The record that was handed over last is still in `record`.
    is_done: bool,
    retries: usize,
}

/// What a line did.
pub(super) enum Step {
    /// It belongs to a record that goes on, or stands between records.
    Gathered,
    /// It ended a record: see [`Reader::fields`].
    Ended,
    /// It belongs to no record.
    Stray,
    /// A record was given up: so many lines, from this one on, were not read.
    GivenUp { first: u64, lines: u64 },
}

impl Reader {
    /// Takes a line.
    pub(super) fn line(&mut self, number: u64, line: &[u8]) -> Step {
        if self.is_done {
            self.clear();
        }
        let marker = marker(line);
        if self.boundary.is_empty() {
            let Some((boundary, b'A')) = marker else { return if line.is_empty() { Step::Gathered } else { Step::Stray } };
            self.boundary = boundary.to_vec();
            self.first_line = number;
            self.push(line);
            return Step::Gathered;
        }
        if let Some((boundary, letter)) = marker {
            if boundary == self.boundary && letter == b'Z' {
                self.push(line);
                self.is_done = true;
                self.retries = 0;
                return Step::Ended;
            }
            if boundary != self.boundary && letter == b'A' && self.other_begin.is_none() {
                self.other_begin = Some((self.record.len(), self.lines));
            }
        }
        self.push(line);
        if self.record.len() > RECORD_BYTES_MAX { self.give_up() } else { Step::Gathered }
    }

    fn push(&mut self, line: &[u8]) {
        self.record.extend_from_slice(line);
        self.record.push(b'\n');
        self.lines += 1;
    }

    fn clear(&mut self) {
        self.record.clear();
        self.boundary.clear();
        (self.lines, self.other_begin, self.is_done) = (0, None, false);
    }

    /// Gives up a record that does not end; lines from another record's beginning on come again through [`Self::again`].
    fn give_up(&mut self) -> Step {
        self.retries += 1;
        let first = self.first_line;
        match self.other_begin.take().filter(|_| self.retries <= RETRIES_MAX) {
            Some((at, lines)) => {
                self.record.drain(..at);
                self.boundary.clear();
                Step::GivenUp { first, lines }
            }
            None => {
                let lines = self.lines;
                self.clear();
                Step::GivenUp { first, lines }
            }
        }
    }

    /// Lines that wait to be read once more after a record was given up, and the number of the first.
    pub(super) fn again(&mut self) -> Option<(u64, Vec<u8>)> {
        if !self.boundary.is_empty() || self.record.is_empty() || self.is_done {
            return None;
        }
        let waiting = std::mem::take(&mut self.record);
        let lines = memchr::memchr_iter(b'\n', &waiting).count() as u64;
        let first = self.first_line + self.lines - lines;
        self.clear();
        Some((first, waiting))
    }

    /// The end of the file: a record that goes on was cut.
    pub(super) fn end(&mut self) -> Option<Step> {
        (!self.boundary.is_empty() && !self.is_done).then(|| self.give_up())
    }

    /// Lines of the record that was ended.
    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    /// The request of the record that was ended, the line that shows it best (the body's, or the request line's) and the
    /// record's text.
    pub(super) fn fields(&self, clock: &mut Clock) -> (u64, &[u8], Result<Fields<'_>, Reason>) {
        let sections = self.sections();
        let shown = if sections.body.is_empty() { &sections.request } else { &sections.body };
        let before = memchr::memchr_iter(b'\n', &self.record[..shown.start]).count() as u64;
        (self.first_line + before, &self.record, self.read(&sections, clock))
    }

    fn read(&self, sections: &Sections, clock: &mut Clock) -> Result<Fields<'_>, Reason> {
        let text = |range: &Range<usize>| &self.record[range.clone()];
        let head = text(&sections.audit);
        let (time, rest) = head.strip_prefix(b"[").and_then(|rest| cut(rest, b']')).ok_or("no time in brackets")?;
        let (_, rest) = clf::word(rest).ok_or("no unique id")?;
        let (client, _) = clf::word(rest).ok_or("no client address")?;
        let (request, headers) = cut(text(&sections.request), b'\n').ok_or("no request line")?;
        let (status_line, answer) = cut(text(&sections.answer), b'\n').unwrap_or_default();
        let notes = text(&sections.notes);
        let stopwatch = stopwatch(notes);
        Ok(Fields {
            at_ms: clock.read_any(time).ok_or("no time")?,
            client: quoted_client(notes).unwrap_or(client),
            request: Request::Line(request.trim_ascii_end()),
            status: clf::word(status_line)
                .and_then(|(_, after)| clf::word(after))
                .and_then(|(text, _)| clf::status(text.trim_ascii()))
                .unwrap_or(0),
            bytes: clf::integer(header(answer, b"Content-Length")).unwrap_or(0),
            duration_us: stopwatch.map(|(_, duration_us)| duration_us),
            referer: header(headers, b"Referer"),
            agent: header(headers, b"User-Agent"),
            host: header(headers, b"Host"),
            cookie: header(headers, b"Cookie"),
            forwarded: header(headers, b"X-Forwarded-For"),
            headers,
            body: whole_body(text(&sections.body), headers),
            response: text(&sections.response),
            escaping: Escaping::None,
            ..Fields::default()
        })
    }

    fn sections(&self) -> Sections {
        let mut sections = Sections::default();
        let (mut start, mut letter) = (0, 0);
        let mut at = 0;
        for line in self.record.split_inclusive(|&byte| byte == b'\n') {
            let end = at + line.len();
            if let Some((boundary, next)) = marker(line.trim_ascii_end())
                && boundary == self.boundary
            {
                sections.set(letter, without_last_line_end(&self.record, start..at));
                (start, letter) = (end, next);
            }
            at = end;
        }
        sections
    }
}

/// Where the sections of a record lie.
#[derive(Debug, Default)]
struct Sections {
    audit: Range<usize>,
    request: Range<usize>,
    body: Range<usize>,
    answer: Range<usize>,
    response: Range<usize>,
    notes: Range<usize>,
}

impl Sections {
    fn set(&mut self, letter: u8, range: Range<usize>) {
        let section = match letter {
            b'A' => &mut self.audit,
            b'B' => &mut self.request,
            // I is C without the contents of files, where C was not kept.
            b'C' => &mut self.body,
            b'I' if self.body.is_empty() => &mut self.body,
            b'F' => &mut self.answer,
            b'E' => &mut self.response,
            b'H' => &mut self.notes,
            _ => return,
        };
        *section = range;
    }
}

/// ModSecurity ends a section with a line end of its own.
fn without_last_line_end(record: &[u8], range: Range<usize>) -> Range<usize> {
    let end = if record[range.clone()].ends_with(b"\n") { range.end - 1 } else { range.end };
    range.start..end
}

/// The body without line ends that were written behind it.
fn whole_body<'a>(body: &'a [u8], headers: &[u8]) -> &'a [u8] {
    match clf::integer(header(headers, b"Content-Length")) {
        Some(length) => &body[..body.len().min(usize::try_from(length).unwrap_or(usize::MAX))],
        None => body,
    }
}

/// `--BOUNDARY-LETTER--`
fn marker(line: &[u8]) -> Option<(&[u8], u8)> {
    let inside = line.strip_prefix(b"--")?.strip_suffix(b"--")?;
    let (boundary, [b'-', letter @ b'A'..=b'Z']) = inside.split_at_checked(inside.len().checked_sub(2)?)? else { return None };
    let is_boundary = (4..=64).contains(&boundary.len()) && boundary.iter().all(u8::is_ascii_alphanumeric);
    is_boundary.then_some((boundary, *letter))
}

fn cut(text: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(byte, text);
    match at {
        Some(at) => Some((&text[..at], &text[at + 1..])),
        None => (byte == b'\n' && !text.is_empty()).then_some((text, b"")),
    }
}

/// `Stopwatch: 1795344827240532 4258 (- - -)`: start and duration in microseconds.
fn stopwatch(notes: &[u8]) -> Option<(i64, u64)> {
    let (start, rest) = clf::word(header(notes, b"Stopwatch"))?;
    Some((clf::integer(start)? as i64, clf::integer(clf::word(rest)?.0)?))
}

/// `Apache-Error: … [client 198.18.13.106] …`
fn quoted_client(notes: &[u8]) -> Option<&[u8]> {
    let quoted = header(notes, b"Apache-Error");
    let at = memchr::memmem::find(quoted, b"[client ")?;
    let (client, _) = cut(&quoted[at + 8..], b']')?;
    (!client.is_empty()).then(|| super::json_access::without_port(client))
}

/// Whether a line begins a record.
pub(super) fn fits(line: &[u8]) -> bool {
    matches!(marker(line), Some((_, b'A')))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::time::Clock;
    use super::{Reader, Step};

    /// What is read of a log: requests, and lines given up.
    fn read(text: &str) -> Vec<String> {
        let (mut reader, mut found) = (Reader::default(), Vec::new());
        let mut queue: Vec<(u64, Vec<u8>)> =
            text.lines().enumerate().map(|(at, line)| (at as u64 + 1, line.as_bytes().to_vec())).collect();
        queue.reverse();
        loop {
            let step = match queue.pop() {
                Some((number, line)) => reader.line(number, &line),
                None => match reader.end() {
                    Some(step) => step,
                    None => return found,
                },
            };
            match step {
                Step::Gathered => {}
                Step::Stray => found.push("stray".into()),
                Step::GivenUp { first, lines } => found.push(format!("given up {first}+{lines}")),
                Step::Ended => {
                    let (line, _, fields) = reader.fields(&mut Clock::default());
                    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                    found.push(match fields {
                        Err(reason) => reason.to_owned(),
                        Ok(f) => format!(
                            "{line} {} {} {:?} {} {} {:?} [{}]",
                            f.at_ms,
                            text(f.client),
                            f.request,
                            f.status,
                            f.bytes,
                            f.duration_us,
                            text(f.body)
                        ),
                    });
                }
            }
            if let Some((first, waiting)) = reader.again() {
                let lines = waiting.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).enumerate();
                let mut lines: Vec<_> = lines.map(|(at, line)| (first + at as u64, line)).collect();
                lines.pop();
                queue.extend(lines.into_iter().rev());
            }
        }
    }

    fn record(boundary: &str, body: &str) -> String {
        format!(
            "--{boundary}-A--\n[22/Nov/2026:19:53:47.244752 +0900] id 127.0.0.1 38024 127.0.0.1 8080\n--{boundary}-B--\nPOST /login HTTP/1.1\nHost: shop\n\n--{boundary}-C--\n{body}\n--{boundary}-F--\nHTTP/1.1 302 FOUND\nContent-Length: 193\n\n--{boundary}-H--\nApache-Error: [file \"x\"] [client 198.18.13.106] ModSecurity\nStopwatch: 1795344827240532 4258 (- - -)\n\n--{boundary}-Z--\n\n"
        )
    }

    const REQUEST: &str = r#"1795344827244 198.18.13.106 Line([80, 79, 83, 84, 32, 47, 108, 111, 103, 105, 110, 32, 72, 84, 84, 80, 47, 49, 46, 49]) 302 193 Some(4258)"#;

    #[test]
    fn records_are_put_together() {
        let log = record("2a0b3e41", "a=1") + &record("b8dcc317", "b=2");
        assert_eq!(read(&log), [format!("8 {REQUEST} [a=1]"), format!("26 {REQUEST} [b=2]")]);
    }

    #[test]
    fn a_forged_record_in_a_body_stays_a_body() {
        let forged = record("deadbeef", "x=1");
        let found = read(&record("2a0b3e41", &forged));
        assert_eq!((found.len(), found[0].contains("--deadbeef-Z--")), (1, true));
    }

    #[test]
    fn a_cut_record_is_given_up_and_the_next_is_read() {
        let log = record("2a0b3e41", "a=1");
        let cut: String = log.lines().take(9).map(|line| format!("{line}\n")).collect();
        let found = read(&(cut.clone() + &record("b8dcc317", "b=2")));
        assert_eq!(found, ["given up 1+9".to_owned(), format!("17 {REQUEST} [b=2]")]);
        assert_eq!(read(&cut), ["given up 1+9"]);
        assert_eq!(read("x\n--a-A--\n"), ["stray", "stray"]);
    }

    proptest! {
        #[test]
        fn no_lines_make_it_panic(lines in proptest::collection::vec("(--[ab]{4}-[ABCFHZ]--|[a-z\\[\\] :]{0,20})", 0..40)) {
            let _ = read(&lines.join("\n"));
        }
    }
}
