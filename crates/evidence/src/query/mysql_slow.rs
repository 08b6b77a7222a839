//! The slow query log of MariaDB and MySQL (with `long_query_time=0`, every statement). Comment lines tell when, who, how
//! long, rows and bytes; then `use`, `SET timestamp=`, and the statement up to the next comment. `SET timestamp` is when the
//! statement began, in seconds since 1970 whatever the server's zone.
//!
//! <https://mariadb.com/kb/en/slow-query-log-overview/>, <https://dev.mysql.com/doc/refman/8.4/en/slow-query-log.html>

use super::mysql_general::is_heading;
use super::read::{Out, Reason};
use super::time::Clock;
use super::{QueryError, QueryLine};

pub(super) struct Parser {
    clock: Clock,
    /// Of the last `# Time:`, which a server leaves out while the second is the same.
    at_ms: Option<i64>,
    open: QueryLine,
    part: Part,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Outside,
    Comments,
    Text,
}

impl Parser {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, at_ms: None, open: QueryLine::default(), part: Part::Outside }
    }

    pub(super) fn line(&mut self, number: u64, raw: &[u8], out: &mut Out<'_>) -> Result<(), Reason> {
        if is_comment(raw) {
            return self.comment(number, raw, out);
        }
        if is_heading(raw) {
            self.end(out);
            return Ok(());
        }
        match self.part {
            Part::Outside => return Err("before the first entry"),
            Part::Comments => {
                if !self.is_setting(raw) {
                    (self.open.line, self.open.text, self.part) = (number, raw.to_vec(), Part::Text);
                }
            }
            Part::Text => out.go_on(&mut self.open, raw),
        }
        Ok(())
    }

    fn comment(&mut self, number: u64, raw: &[u8], out: &mut Out<'_>) -> Result<(), Reason> {
        let starts = raw.starts_with(b"# Time:") || (raw.starts_with(b"# User@Host:") && !self.open.user.is_empty());
        if self.part == Part::Text || (starts && self.part == Part::Comments) {
            self.end(out);
        }
        if self.part == Part::Outside {
            self.open = QueryLine { at_ms: self.at_ms, line: number, ..QueryLine::default() };
            self.part = Part::Comments;
        }
        if let Some(time) = raw.strip_prefix(b"# Time:") {
            self.at_ms = Some(self.clock.read(time.trim_ascii()).ok_or("the time is no time")?);
            self.open.at_ms = self.at_ms;
        } else if let Some(who) = raw.strip_prefix(b"# User@Host:") {
            self.who(&String::from_utf8_lossy(who));
        } else if raw.starts_with(b"# administrator command:") {
            self.forget();
        } else {
            self.figures(&String::from_utf8_lossy(raw));
        }
        Ok(())
    }

    /// ` shop[shop] @ localhost []`, in MySQL with `  Id:    15` behind.
    fn who(&mut self, text: &str) {
        text.trim_start().split(['[', ' ']).next().unwrap_or_default().clone_into(&mut self.open.user);
        if let Some((_, id)) = text.split_once("Id:") {
            id.trim().clone_into(&mut self.open.connection);
        }
    }

    /// `# Query_time: 0.000238  Lock_time: 0.000078  Rows_sent: 45  Rows_examined: 45`
    fn figures(&mut self, text: &str) {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        for pair in words.windows(2) {
            let value = pair[1];
            match pair[0] {
                "Query_time:" => self.open.duration_us = micros(value),
                "Rows_sent:" => self.open.rows_sent = value.parse().ok(),
                "Bytes_sent:" => self.open.bytes_sent = value.parse().ok(),
                "Thread_id:" => value.clone_into(&mut self.open.connection),
                "Errno:" | "Last_errno:" if value != "0" => {
                    self.open.error = Some(QueryError { code: value.to_owned(), ..QueryError::default() });
                }
                _ => {}
            }
        }
    }

    /// What the server puts between comments and statement.
    fn is_setting(&mut self, raw: &[u8]) -> bool {
        if let Some(rest) = raw.strip_prefix(b"SET timestamp=") {
            let digits = rest.split(|byte| *byte == b';').next().unwrap_or_default();
            // Behind it a client may have set a timestamp of its own: that is its statement.
            self.open.at_ms = self.clock.read(digits).or(self.open.at_ms);
            return true;
        }
        raw.len() > 4 && raw[..4].eq_ignore_ascii_case(b"use ") && raw.ends_with(b";")
    }

    fn forget(&mut self) {
        self.open = QueryLine::default();
        self.part = Part::Outside;
    }

    pub(super) fn end(&mut self, out: &mut Out<'_>) {
        if self.part == Part::Text {
            let mut line = std::mem::take(&mut self.open);
            if line.text.last() == Some(&b';') {
                line.text.pop();
            }
            out.statement(line);
        }
        self.forget();
    }
}

pub(super) fn fits(raw: &[u8]) -> bool {
    raw.starts_with(b"# User@Host:") || raw.starts_with(b"# Query_time:")
}

/// The comments that servers write; a statement may hold others.
fn is_comment(raw: &[u8]) -> bool {
    const NAMES: [&[u8]; 14] = [
        b"Time:",
        b"User@Host:",
        b"Query_time:",
        b"Thread_id:",
        b"Rows_affected:",
        b"Bytes_sent:",
        b"Full_scan:",
        b"Filesort:",
        b"administrator command:",
        b"QC_hit:",
        b"Stored_routine:",
        b"Schema:",
        b"Tmp_tables:",
        b"Pages_accessed:",
    ];
    let explain = raw.starts_with(b"# explain:") || raw.starts_with(b"#\n") || raw == b"#";
    explain || raw.strip_prefix(b"# ").is_some_and(|rest| NAMES.iter().any(|name| rest.starts_with(name)))
}

fn micros(seconds: &str) -> Option<u64> {
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let fraction: u64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(fraction)
}
