//! The general query log of MariaDB and MySQL (`general_log=ON`, `log_output=FILE`). A heading, then entries of
//! `TIME\tID COMMAND\tARGUMENT`, where MariaDB leaves out the time while the second is the same, and an argument goes on
//! over as many lines as the statement has. There are no error codes, rows or bytes.
//!
//! <https://mariadb.com/kb/en/general-query-log/>, <https://dev.mysql.com/doc/refman/8.4/en/query-log.html>

use std::collections::HashMap;

use super::QueryLine;
use super::read::{Out, Reason};
use super::time::Clock;

/// Connections whose user is remembered.
const USERS_MAX: usize = 100_000;

/// The commands of both servers (`sql/sql_parse.cc`, `command_name`).
const COMMANDS: [&str; 33] = [
    "Sleep",
    "Quit",
    "Init DB",
    "Query",
    "Field List",
    "Create DB",
    "Drop DB",
    "Refresh",
    "Shutdown",
    "Statistics",
    "Processlist",
    "Connect",
    "Kill",
    "Debug",
    "Ping",
    "Time",
    "Delayed insert",
    "Change user",
    "Binlog Dump",
    "Table Dump",
    "Connect Out",
    "Register Slave",
    "Register Replica",
    "Prepare",
    "Execute",
    "Long Data",
    "Close stmt",
    "Reset stmt",
    "Set option",
    "Fetch",
    "Daemon",
    "Binlog Dump GTID",
    "Reset connection",
];

pub(super) struct Parser {
    clock: Clock,
    at_ms: Option<i64>,
    users: HashMap<Vec<u8>, String>,
    open: Option<QueryLine>,
    /// Whether lines that go on belong to an entry (of a statement or not).
    within: bool,
}

impl Parser {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, at_ms: None, users: HashMap::new(), open: None, within: false }
    }

    pub(super) fn line(&mut self, number: u64, raw: &[u8], out: &mut Out<'_>) -> Result<(), Reason> {
        if let Some(entry) = entry(raw, &mut self.clock) {
            self.end(out);
            self.entry(number, &entry);
            return Ok(());
        }
        if is_heading(raw) {
            self.end(out);
            self.within = false;
            return Ok(());
        }
        if let Some(open) = &mut self.open {
            out.go_on(open, raw);
        }
        if self.within { Ok(()) } else { Err("before the first entry") }
    }

    fn entry(&mut self, number: u64, entry: &Entry<'_>) {
        self.at_ms = entry.at_ms.or(self.at_ms);
        self.within = true;
        match entry.command {
            "Connect" | "Change user" => self.connect(entry),
            "Quit" => drop(self.users.remove(entry.id)),
            "Query" | "Execute" => self.open = Some(self.statement(number, entry)),
            _ => {}
        }
    }

    fn connect(&mut self, entry: &Entry<'_>) {
        let text = String::from_utf8_lossy(entry.argument);
        let user = text.split(['@', ' ']).next().unwrap_or_default();
        if self.users.len() < USERS_MAX {
            self.users.insert(entry.id.to_vec(), user.to_owned());
        }
    }

    fn statement(&self, number: u64, entry: &Entry<'_>) -> QueryLine {
        QueryLine {
            line: number,
            at_ms: self.at_ms,
            connection: String::from_utf8_lossy(entry.id).into_owned(),
            user: self.users.get(entry.id).cloned().unwrap_or_default(),
            text: entry.argument.to_vec(),
            ..QueryLine::default()
        }
    }

    pub(super) fn end(&mut self, out: &mut Out<'_>) {
        self.open.take().into_iter().for_each(|line| out.statement(line));
    }
}

struct Entry<'a> {
    at_ms: Option<i64>,
    id: &'a [u8],
    command: &'static str,
    argument: &'a [u8],
}

pub(super) fn fits(raw: &[u8], clock: &mut Clock) -> bool {
    entry(raw, clock).is_some()
}

/// The server, when it starts or rotates the log.
pub(super) fn is_heading(raw: &[u8]) -> bool {
    raw.starts_with(b"Time") && raw.ends_with(b"Command\tArgument")
        || raw.starts_with(b"Tcp port: ")
        || raw.starts_with(b"TCP Port: ")
        || raw.ends_with(b" started with:")
}

fn entry<'a>(raw: &'a [u8], clock: &mut Clock) -> Option<Entry<'a>> {
    let tab = memchr::memchr(b'\t', &raw[..raw.len().min(40)])?;
    let (time, rest) = (&raw[..tab], &raw[tab + 1..]);
    let at_ms = if time.is_empty() { None } else { Some(clock.read(time)?) };
    let rest = rest.strip_prefix(b"\t").filter(|_| time.is_empty()).unwrap_or(rest);
    let rest = rest.trim_ascii_start();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (id, rest) = rest.split_at(digits);
    let rest = rest.strip_prefix(b" ").filter(|_| digits > 0)?;
    let end = memchr::memchr(b'\t', rest).unwrap_or(rest.len());
    let name = std::str::from_utf8(&rest[..end]).ok()?.trim_end();
    let command = COMMANDS.into_iter().find(|command| *command == name)?;
    Some(Entry { at_ms, id, command, argument: rest.get(end + 1..).unwrap_or_default() })
}
