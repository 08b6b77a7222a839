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

/// Takes a request apart and reads each of its values in every way. A value that reads as SQL must have been suspect.
pub fn request(bytes: &[u8]) {
    let mut parts = bytes.split(|&byte| byte == b'\n');
    let mut next = || parts.next().unwrap_or_default();
    let carried = Carried { target: next(), cookie: next(), agent: next(), body: next(), headers: next(), ..Carried::default() };
    let request = Request::of(&carried);
    let speaks = request.parameters.iter().any(|parameter| {
        let plain = crate::context::speaks_sql(&parameter.value);
        plain || parameter.readings().iter().any(|reading| crate::context::speaks_sql(reading))
    });
    let line = [b"GET ", carried.target, b" HTTP/1.1"].concat();
    let headers = [b"", carried.agent, b"", b"", carried.headers];
    let glance = Glance { at_ms: 0, request: &line, query: b"", cookie: carried.cookie, headers, body: carried.body, raw: bytes };
    assert!(!speaks || is_suspect(&glance), "an injection that nobody would look at");
}
