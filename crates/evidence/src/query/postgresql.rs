//! What the three logs of PostgreSQL have in common: events of sessions, and the statements that they tell.
//!
//! A statement is logged when it starts (`log_statement`), when it ends (`log_duration`, `log_min_duration_statement`), by
//! `pgaudit`, and once more when it fails (`log_min_error_statement`), so one statement can be told up to four times; here
//! it is one line, that of the first telling. A server that speaks Japanese is understood too.
//!
//! <https://www.postgresql.org/docs/current/runtime-config-logging.html>, <https://github.com/pgaudit/pgaudit#format>

use std::collections::{HashMap, VecDeque};

use kintsugi_case::Private;

use super::read::Out;
use super::{QueryError, QueryLine};

/// Sessions whose last statement may still be told more about.
const SESSIONS_MAX: usize = 4096;

/// How grave an event is, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    Log,
    Error,
    Other,
}

impl Severity {
    pub(super) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "LOG" | "ログ" => Self::Log,
            "ERROR" | "FATAL" | "PANIC" | "エラー" | "致命的エラー" => Self::Error,
            "WARNING" | "NOTICE" | "INFO" | "DEBUG" | "DEBUG1" | "DEBUG2" | "DEBUG3" | "DEBUG4" | "DEBUG5" | "警告" => {
                Self::Other
            }
            _ => return None,
        })
    }
}

/// One message of a server process.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) line: u64,
    pub(super) at_ms: Option<i64>,
    pub(super) process: String,
    pub(super) user: String,
    pub(super) severity: Severity,
    pub(super) code: String,
    pub(super) message: Vec<u8>,
    pub(super) detail: Vec<u8>,
    pub(super) statement: Vec<u8>,
    pub(super) cut: bool,
}

/// The last statement of each session, until the next one.
#[derive(Default)]
pub(super) struct Sessions {
    open: HashMap<String, Open>,
    /// Sessions in the order of their first statement.
    order: VecDeque<String>,
}

struct Open {
    line: QueryLine,
    /// pgaudit's number of the statement within the session.
    audit: Option<u64>,
}

impl Sessions {
    pub(super) fn take(&mut self, event: Event, out: &mut Out<'_>) {
        match event.severity {
            Severity::Error => self.error(event, out),
            Severity::Log => self.log(event, out),
            Severity::Other => {}
        }
    }

    fn log(&mut self, event: Event, out: &mut Out<'_>) {
        let message = event.message.as_slice();
        if message.starts_with(b"AUDIT: ") {
            return self.audit(event, out);
        }
        let (duration_us, message) = duration(message);
        let Some(text) = statement(message) else {
            if let (Some(_), true, Some(open)) = (duration_us, message.is_empty(), self.open.get_mut(&event.process)) {
                open.line.duration_us = duration_us;
            }
            return;
        };
        if let (Some(_), Some(open)) = (duration_us, self.open.get_mut(&event.process))
            && open.line.text == text
            && open.line.duration_us.is_none()
        {
            open.line.duration_us = duration_us;
            return;
        }
        let (text, parameters) = (text.to_vec(), parameters(&event.detail));
        self.open(QueryLine { duration_us, parameters, ..begun(event, text) }, None, out);
    }

    fn error(&mut self, event: Event, out: &mut Out<'_>) {
        let message = Private::new(String::from_utf8_lossy(&event.message).into_owned());
        let error = Some(QueryError { code: event.code.clone(), message });
        if let Some(open) = self.open.get_mut(&event.process)
            && open.line.error.is_none()
            && (event.statement.is_empty() || same(&open.line.text, &event.statement))
        {
            open.line.error = error;
        } else if !event.statement.is_empty() {
            let text = event.statement.clone();
            self.open(QueryLine { error, ..begun(event, text) }, None, out);
        }
    }

    /// `SESSION,1,1,READ,SELECT,TABLE,public.t,"select …",<none>`, with `pgaudit.log_rows` the rows behind.
    fn audit(&mut self, event: Event, out: &mut Out<'_>) {
        let fields = super::postgresql_csv::fields(&event.message);
        let (Some(text), id) = (fields.get(7), number(fields.get(1))) else { return };
        let rows_sent = number(fields.get(9));
        let open = self.open.get_mut(&event.process);
        if let Some(open) = open.filter(|open| open.audit.map_or(same(&open.line.text, text), |known| Some(known) == id)) {
            open.audit = id;
            open.line.rows_sent = rows_sent.or(open.line.rows_sent);
        } else if !text.starts_with(b"<previously logged>") {
            self.open(QueryLine { rows_sent, ..begun(event, text.clone()) }, id, out);
        }
    }

    fn open(&mut self, line: QueryLine, audit: Option<u64>, out: &mut Out<'_>) {
        let process = line.connection.clone();
        if let Some(before) = self.open.insert(process.clone(), Open { line, audit }) {
            out.statement(before.line);
            return;
        }
        self.order.push_back(process);
        if self.order.len() > SESSIONS_MAX
            && let Some(oldest) = self.order.pop_front().and_then(|oldest| self.open.remove(&oldest))
        {
            out.statement(oldest.line);
        }
    }

    pub(super) fn end(&mut self, out: &mut Out<'_>) {
        let mut left: Vec<_> = self.open.drain().map(|(_, open)| open.line).collect();
        self.order.clear();
        left.sort_by_key(|line| line.line);
        left.into_iter().for_each(|line| out.statement(line));
    }
}

fn begun(event: Event, text: Vec<u8>) -> QueryLine {
    let Event { line, at_ms, process, user, cut, .. } = event;
    QueryLine { line, at_ms, connection: process, user, text, cut, ..QueryLine::default() }
}

fn same(one: &[u8], other: &[u8]) -> bool {
    one.trim_ascii() == other.trim_ascii()
}

fn number(field: Option<&Vec<u8>>) -> Option<u64> {
    std::str::from_utf8(field?).ok()?.parse().ok()
}

/// `duration: 0.304 ms`, and what follows.
fn duration(message: &[u8]) -> (Option<u64>, &[u8]) {
    let read = || {
        let rest = message.strip_prefix(b"duration: ").or_else(|| message.strip_prefix("期間: ".as_bytes()))?;
        let end = memchr::memchr(b' ', rest)?;
        let micros = std::str::from_utf8(&rest[..end]).ok()?.parse::<f64>().ok().filter(|ms| *ms >= 0.0)? * 1000.0;
        let rest = rest[end..].strip_prefix(b" ms").or_else(|| rest[end..].strip_prefix(" ミリ秒".as_bytes()))?;
        Some((micros as u64, rest.trim_ascii_start()))
    };
    read().map_or((None, message), |(micros, rest)| (Some(micros), rest))
}

/// The text behind `statement: ` or `execute NAME: `. What is only parsed or bound was not run.
fn statement(message: &[u8]) -> Option<&[u8]> {
    let plain = ["statement: ", "文: "].iter().find_map(|word| message.strip_prefix(word.as_bytes()));
    plain.or_else(|| {
        let named = ["execute ", "実行 "].iter().find_map(|word| message.strip_prefix(word.as_bytes()))?;
        memchr::memmem::find(named, b": ").map(|at| &named[at + 2..])
    })
}

/// `parameters: $1 = '304', $2 = NULL`
fn parameters(detail: &[u8]) -> Vec<Option<Vec<u8>>> {
    let mut found = Vec::new();
    let Some(start) = memchr::memmem::find(detail, b"$1 = ") else { return found };
    let mut rest = &detail[start..];
    while let Some(value) = memchr::memmem::find(rest, b" = ").map(|at| &rest[at + 3..]) {
        let Some((value, after)) = parameter(value) else { return found };
        found.push(value);
        let Some(next) = after.strip_prefix(b", $") else { return found };
        rest = next;
    }
    found
}

fn parameter(text: &[u8]) -> Option<(Option<Vec<u8>>, &[u8])> {
    if let Some(rest) = text.strip_prefix(b"NULL") {
        return Some((None, rest));
    }
    let mut rest = text.strip_prefix(b"'")?;
    let mut value = Vec::new();
    loop {
        let at = memchr::memchr(b'\'', rest)?;
        value.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(after) = rest.strip_prefix(b"'") else { return Some((Some(value), rest)) };
        value.push(b'\'');
        rest = after;
    }
}
