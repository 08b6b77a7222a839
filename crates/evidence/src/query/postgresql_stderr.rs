//! PostgreSQL to stderr: `PREFIX` + `SEVERITY:  MESSAGE`, then lines with the same prefix and `DETAIL:`, `STATEMENT:` and
//! their like, then lines that go on with a tab. The prefix is whatever `log_line_prefix` says; its parts are recognised by
//! what they look like: a time (`%t`, `%m`, `%n`), a process or session (`%p`, `%c`), `user@database` or `user=`, an SQLSTATE.

use super::postgresql::{Event, Sessions, Severity};
use super::read::{Out, Reason};
use super::time::Clock;

/// Bytes of a line in which the severity is looked for.
const PREFIX_BYTES_MAX: usize = 512;

pub(super) struct Parser {
    clock: Clock,
    sessions: Sessions,
    open: Option<Event>,
    part: Part,
}

/// What the lines of an event add to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Message,
    Detail,
    Statement,
    Other,
}

impl Part {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "DETAIL" | "詳細" => Self::Detail,
            "STATEMENT" | "文" | "ステートメント" => Self::Statement,
            "HINT" | "CONTEXT" | "QUERY" | "LOCATION" | "BACKTRACE" | "ヒント" | "コンテキスト" | "場所" => {
                Self::Other
            }
            _ => return None,
        })
    }
}

impl Parser {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, sessions: Sessions::default(), open: None, part: Part::Message }
    }

    pub(super) fn line(&mut self, number: u64, raw: &[u8], out: &mut Out<'_>) -> Result<(), Reason> {
        let goes_on = raw.starts_with(b"\t") && self.open.is_some();
        match said(raw).filter(|_| !goes_on) {
            Some((prefix, Word::Severity(severity), text)) => {
                self.close(out);
                self.open = Some(self.event(number, prefix, severity, text));
                self.part = Part::Message;
                Ok(())
            }
            Some((_, Word::Part(part), text)) => {
                self.part = part;
                self.add(text, out, false);
                if self.open.is_some() { Ok(()) } else { Err("goes on with a message that is not here") }
            }
            None if self.open.is_some() => {
                self.add(raw.strip_prefix(b"\t").unwrap_or(raw), out, true);
                Ok(())
            }
            None => Err("before the first message"),
        }
    }

    fn event(&mut self, line: u64, prefix: &[u8], severity: Severity, text: &[u8]) -> Event {
        let found = Prefix::parse(&String::from_utf8_lossy(prefix), &mut self.clock);
        Event {
            line,
            at_ms: found.at_ms,
            process: found.process,
            user: found.user,
            severity,
            code: found.code,
            message: text.to_vec(),
            detail: Vec::new(),
            statement: Vec::new(),
            cut: false,
        }
    }

    fn add(&mut self, text: &[u8], out: &Out<'_>, new_line: bool) {
        let Some(event) = &mut self.open else { return };
        let part = match self.part {
            Part::Message => &mut event.message,
            Part::Detail => &mut event.detail,
            Part::Statement => &mut event.statement,
            Part::Other => return,
        };
        event.cut |= out.add(part, text, new_line);
    }

    fn close(&mut self, out: &mut Out<'_>) {
        if let Some(event) = self.open.take() {
            self.sessions.take(event, out);
        }
    }

    pub(super) fn end(&mut self, out: &mut Out<'_>) {
        self.close(out);
        self.sessions.end(out);
    }
}

enum Word {
    Severity(Severity),
    Part(Part),
}

pub(super) fn fits(raw: &[u8], clock: &mut Clock) -> bool {
    match said(raw) {
        Some((prefix, Word::Severity(_), _)) => {
            let prefix = Prefix::parse(&String::from_utf8_lossy(prefix), clock);
            prefix.at_ms.is_some() || !prefix.process.is_empty()
        }
        _ => false,
    }
}

/// Prefix, word and text of a line: the first `WORD:  ` of PostgreSQL's words.
fn said(raw: &[u8]) -> Option<(&[u8], Word, &[u8])> {
    let head = &raw[..raw.len().min(PREFIX_BYTES_MAX)];
    memchr::memmem::find_iter(head, b":  ").find_map(|at| {
        let start = head[..at].iter().rposition(|byte| byte.is_ascii() && !byte.is_ascii_alphanumeric()).map_or(0, |at| at + 1);
        let word = std::str::from_utf8(&head[start..at]).ok()?;
        let word = Severity::of(word).map(Word::Severity).or_else(|| Part::of(word).map(Word::Part))?;
        Some((&raw[..start], word, &raw[at + 3..]))
    })
}

/// What a prefix tells.
#[derive(Default)]
struct Prefix {
    at_ms: Option<i64>,
    process: String,
    user: String,
    code: String,
}

impl Prefix {
    fn parse(text: &str, clock: &mut Clock) -> Self {
        let mut found = Self { process: bracketed(text), ..Self::default() };
        // A colon between two digits is of a time; others part the words, as in Amazon's `%t:%r:%u@%d:[%p]:`.
        let bytes = text.as_bytes();
        let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
        let parts = |(at, c): (usize, char)| match c {
            ':' => !(digit(at.checked_sub(1)) && digit(Some(at + 1))),
            _ => c.is_ascii_whitespace() || matches!(c, '[' | ']' | '(' | ')' | ',' | '|' | ';'),
        };
        let cuts: Vec<usize> = text.char_indices().filter(|place| parts(*place)).map(|(at, _)| at).collect();
        let starts = std::iter::once(0).chain(cuts.iter().map(|at| at + 1));
        let words = starts.zip(cuts.iter().copied().chain([text.len()])).map(|(start, end)| &text[start..end]);
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        let mut at = 0;
        while let Some(word) = words.get(at) {
            match found.time(&words[at..], clock) {
                0 => {
                    found.word(word);
                    at += 1;
                }
                taken => at += taken,
            }
        }
        found
    }

    /// Reads a time at the front of `words`, and gives how many words it took.
    fn time(&mut self, words: &[&str], clock: &mut Clock) -> usize {
        if self.at_ms.is_some() || !words[0].starts_with(|c: char| c.is_ascii_digit()) {
            return 0;
        }
        for count in [3, 2, 1] {
            let Some(some) = words.get(..count) else { continue };
            let zone_fits = count < 3 || some[2].bytes().all(|byte| byte.is_ascii_uppercase()) || some[2].starts_with(['+', '-']);
            if zone_fits && let Some(at_ms) = clock.read(some.join(" ").as_bytes()) {
                self.at_ms = Some(at_ms);
                return count;
            }
        }
        0
    }

    fn word(&mut self, word: &str) {
        let value = |names: &[&str]| names.iter().find_map(|name| word.strip_prefix(name)?.strip_prefix('='));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if let Some(user) = value(&["user", "usr", "u"]) {
            user.split(['@', ',']).next().unwrap_or_default().clone_into(&mut self.user);
        } else if let Some(process) = value(&["pid", "process", "p"]) {
            process.clone_into(&mut self.process);
        } else if let Some(code) = value(&["error", "sqlstate", "state", "e", "code"]) {
            code.clone_into(&mut self.code);
        } else if word.contains('=') {
        } else if let Some((user, _database)) = word.split_once('@') {
            user.clone_into(&mut self.user);
        } else if self.process.is_empty() && (is_session(word) || digits(word.split('-').next().unwrap_or_default())) {
            // `%p-%l` counts lines behind the process.
            let end = if is_session(word) { word.len() } else { word.find('-').unwrap_or(word.len()) };
            word[..end].clone_into(&mut self.process);
        } else if is_sqlstate(word) {
            word.clone_into(&mut self.code);
        }
    }
}

/// The first number in brackets, maybe with the count of lines behind it: where most prefixes have the process.
fn bracketed(text: &str) -> String {
    let words = text.split('[').skip(1).filter_map(|rest| rest.split(']').next());
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut processes = words.map(|word| word.split_once('-').map_or((word, "0"), |(process, lines)| (process, lines)));
    let found = processes.find(|(process, lines)| digits(process) && digits(lines));
    found.map(|(process, _)| process.to_owned()).unwrap_or_default()
}

/// `6b02bd76.2f`: `%c`.
fn is_session(word: &str) -> bool {
    let hex = |text: &str| !text.is_empty() && text.len() <= 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    word.split_once('.').is_some_and(|(start, process)| start.len() >= 6 && hex(start) && hex(process))
}

fn is_sqlstate(word: &str) -> bool {
    word.len() == 5
        && word.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
        && word.bytes().any(|byte| byte.is_ascii_digit())
}
