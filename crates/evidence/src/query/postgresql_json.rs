//! PostgreSQL's `jsonlog` (since 15): one object a line.
//!
//! <https://www.postgresql.org/docs/current/runtime-config-logging.html#RUNTIME-CONFIG-LOGGING-JSONLOG>

use serde::Deserialize;

use super::postgresql::{Event, Sessions, Severity};
use super::read::{Out, Reason};
use super::time::Clock;

pub(super) struct Parser {
    clock: Clock,
    sessions: Sessions,
}

#[derive(Deserialize)]
struct Entry {
    timestamp: String,
    #[serde(default)]
    user: String,
    #[serde(default)]
    pid: u64,
    #[serde(default)]
    session_id: String,
    error_severity: String,
    #[serde(default)]
    state_code: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    statement: String,
}

impl Parser {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, sessions: Sessions::default() }
    }

    pub(super) fn line(&mut self, number: u64, raw: &[u8], out: &mut Out<'_>) -> Result<(), Reason> {
        let text = String::from_utf8_lossy(raw);
        let entry: Entry = serde_json::from_str(&text).map_err(|_| "no entry of jsonlog")?;
        let severity = Severity::of(&entry.error_severity).ok_or("an unknown severity")?;
        let event = Event {
            line: number,
            at_ms: Some(self.clock.read(entry.timestamp.as_bytes()).ok_or("the time is no time")?),
            process: if entry.session_id.is_empty() { entry.pid.to_string() } else { entry.session_id },
            user: entry.user,
            severity,
            code: entry.state_code,
            message: entry.message.into_bytes(),
            detail: entry.detail.into_bytes(),
            statement: entry.statement.into_bytes(),
            cut: false,
        };
        self.sessions.take(event, out);
        Ok(())
    }

    pub(super) fn end(&mut self, out: &mut Out<'_>) {
        self.sessions.end(out);
    }
}

pub(super) fn fits(raw: &[u8]) -> bool {
    raw.starts_with(b"{") && serde_json::from_slice::<Entry>(raw).is_ok_and(|entry| Severity::of(&entry.error_severity).is_some())
}
