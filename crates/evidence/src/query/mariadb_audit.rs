//! The `server_audit` plugin of MariaDB, to a file: one line an event, `TIME,server,user,host,connection,query,OPERATION,
//! database,'statement',code`. The code is the error number, 0 for none. The plugin cuts the statement at
//! `server_audit_query_log_limit` bytes (1024 by default) without saying so, and writes `\'`, `\\`, `\n`, `\r` and `\t`.
//!
//! <https://mariadb.com/kb/en/mariadb-audit-plugin-log-format/>

use super::read::{Out, Reason};
use super::time::Clock;
use super::{QueryError, QueryLine};

/// From here on a statement may have been cut: the plugin's default limit.
const CUT_FROM_BYTES: usize = 1024;

pub(super) struct Parser {
    clock: Clock,
}

impl Parser {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock }
    }

    pub(super) fn line(&mut self, number: u64, raw: &[u8], out: &mut Out<'_>) -> Result<(), Reason> {
        let event = event(raw, &mut self.clock).ok_or("no event of server_audit")?;
        // QUERY, and with server_audit_events QUERY_DDL and its like: the operation stays QUERY. TABLE events repeat it.
        if event.operation != b"QUERY" {
            return Ok(());
        }
        let (text, code) = statement(event.object).ok_or("the statement does not end")?;
        let error = (code != "0").then(|| QueryError { code: code.to_owned(), ..QueryError::default() });
        out.statement(QueryLine {
            line: number,
            at_ms: Some(event.at_ms),
            connection: String::from_utf8_lossy(event.connection).into_owned(),
            user: String::from_utf8_lossy(event.user).into_owned(),
            cut: text.len() >= CUT_FROM_BYTES,
            text,
            error,
            ..QueryLine::default()
        });
        Ok(())
    }
}

struct Event<'a> {
    at_ms: i64,
    user: &'a [u8],
    connection: &'a [u8],
    operation: &'a [u8],
    /// `'statement',code`
    object: &'a [u8],
}

pub(super) fn fits(raw: &[u8], clock: &mut Clock) -> bool {
    event(raw, clock).is_some()
}

fn event<'a>(raw: &'a [u8], clock: &mut Clock) -> Option<Event<'a>> {
    let mut fields = raw.splitn(9, |byte| *byte == b',');
    let time = fields.next().filter(|time| time.len() == 17 && time[8] == b' ')?;
    let at_ms = clock.read(time)?;
    let (_server, user, _host) = (fields.next()?, fields.next()?, fields.next()?);
    let (connection, query, operation) = (fields.next()?, fields.next()?, fields.next()?);
    let (_database, object) = (fields.next()?, fields.next()?);
    let number = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let upper = |byte: &u8| byte.is_ascii_uppercase() || *byte == b'_';
    let shaped = number(connection) && number(query) && operation.iter().all(upper) && !operation.is_empty();
    shaped.then_some(Event { at_ms, user, connection, operation, object })
}

/// Text and code of `'statement',code`.
fn statement(object: &[u8]) -> Option<(Vec<u8>, &str)> {
    let mut rest = object.strip_prefix(b"'")?;
    let mut text = Vec::with_capacity(rest.len());
    loop {
        let at = memchr::memchr2(b'\\', b'\'', rest)?;
        text.extend_from_slice(&rest[..at]);
        if rest[at] == b'\'' {
            let code = std::str::from_utf8(&rest[at + 1..]).ok()?.strip_prefix(',')?;
            let is_code = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_digit());
            return is_code.then_some((text, code));
        }
        text.push(unescaped(*rest.get(at + 1)?));
        rest = &rest[at + 2..];
    }
}

fn unescaped(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'f' => 12,
        other => other,
    }
}
