//! What the fuzz targets under `fuzz/` reach into: the readers of what an intruder wrote. Only compiled for them.

use kintsugi_evidence::Glance;

use crate::dialect::Dialect;
use crate::lexer::template;
use crate::request::{Carried, Request, is_suspect};

/// Cuts a text into tokens in every dialect.
pub fn statement(text: &str) {
    for dialect in [Dialect::MySql, Dialect::PostgreSql, Dialect::Sqlite] {
        if let Ok(read) = template(text, dialect) {
            let _ = crate::rows::parses(&read.sql, dialect);
        }
    }
}

/// Takes a request apart and reads each of its values in every way. A value that asks for something must have been suspect.
pub fn request(bytes: &[u8]) {
    let mut parts = bytes.split(|&byte| byte == b'\n');
    let mut next = || parts.next().unwrap_or_default();
    let carried = Carried { target: next(), cookie: next(), agent: next(), body: next(), headers: next(), ..Carried::default() };
    let request = Request::of(&carried);
    let asks = request
        .parameters
        .iter()
        .any(|parameter| asks(&parameter.value) || parameter.readings().iter().any(|reading| asks(reading)));
    let line = [b"GET ", carried.target, b" HTTP/1.1"].concat();
    let headers = [b"", carried.agent, b"", b"", carried.headers];
    let glance = Glance { at_ms: 0, request: &line, query: b"", cookie: carried.cookie, headers, body: carried.body, raw: bytes };
    assert!(!asks || is_suspect(&glance), "an injection that nobody would look at");
}

/// Whether a value, pasted in the place of a number, makes a statement that looks into something. The words of SQL alone
/// (`waitforselect`) ask for nothing.
fn asks(value: &str) -> bool {
    crate::context::speaks_sql(value)
        && [Dialect::MySql, Dialect::PostgreSql, Dialect::Sqlite].into_iter().any(|dialect| {
            let read = crate::rows::query(&format!("SELECT 1 FROM t WHERE id = {value}"), dialect);
            read.map(|query| query.to_string()).is_ok_and(|sql| sql.matches("SELECT ").count() > 1 || sql.contains('('))
        })
}
