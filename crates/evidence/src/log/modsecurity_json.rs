//! The audit log of ModSecurity in JSON, an object a line: version 2 (`SecAuditLogFormat JSON`: `transaction`, `request`,
//! `response` side by side) and version 3 (all inside `transaction`). Documented at
//! <https://github.com/owasp-modsecurity/ModSecurity/wiki/Reference-Manual-(v2.x)#secauditlogformat>.
//!
//! Not here: the serial form (`modsecurity`).

use super::clf;
use super::fields::{Escaping, Fields, Reason, Request};
use super::json_text::{Value, elements, members};
use super::time::Clock;

/// Reads lines; holds bodies that came in pieces.
#[derive(Default)]
pub(super) struct Reader {
    body: Vec<u8>,
    response: Vec<u8>,
}

/// The parts of a record.
#[derive(Default)]
struct Parts<'a> {
    transaction: &'a [u8],
    request: &'a [u8],
    response: &'a [u8],
    audit: &'a [u8],
}

impl Reader {
    /// Reads a line.
    pub(super) fn parse<'a>(&'a mut self, line: &'a [u8], clock: &mut Clock) -> Result<Fields<'a>, Reason> {
        if line.is_empty() {
            return Err("empty line");
        }
        let parts = Parts::of(line)?;
        let transaction = |names: &[&[u8]]| member(parts.transaction, names).first();
        let request = |names: &[&[u8]]| member(parts.request, names);
        let at_ms = clock.read_any(transaction(&[b"time", b"time_stamp", b"timestamp"])).ok_or("no time in it")?;
        let (method, uri) = (request(&[b"method"]).text(), request(&[b"uri"]).text());
        let request_line = request(&[b"request_line"]).text();
        pieces(request(&[b"body"]), &mut self.body);
        pieces(member(parts.response, &[b"body"]), &mut self.response);
        let headers = object(request(&[b"headers"]));
        let header = |name: &[u8]| in_headers(headers, name);
        let answer = object(member(parts.response, &[b"headers"]));
        let client = error_client(parts.audit).unwrap_or_else(|| transaction(&[b"remote_address", b"client_ip"]));
        Ok(Fields {
            at_ms,
            client,
            request: match (request_line, uri) {
                (b"", b"") => return Err("no request in it"),
                (b"", uri) => Request::Parts(method, uri, None),
                (line, _) => Request::Line(line),
            },
            status: clf::status(member(parts.response, &[b"status", b"http_code"]).text()).unwrap_or(0),
            bytes: clf::integer(in_headers(answer, b"Content-Length")).unwrap_or(0),
            referer: header(b"Referer"),
            agent: header(b"User-Agent"),
            host: header(b"Host"),
            cookie: header(b"Cookie"),
            forwarded: header(b"X-Forwarded-For"),
            headers,
            body: &self.body,
            response: &self.response,
            escaping: Escaping::Json,
            ..Fields::default()
        })
    }
}

impl<'a> Parts<'a> {
    fn of(line: &'a [u8]) -> Result<Self, Reason> {
        let mut all = members(line);
        let mut parts = Parts::default();
        for (name, value) in all.by_ref() {
            parts.set(name, value);
        }
        all.after().ok_or("no whole JSON object")?;
        // Version 3 has request and response inside the transaction.
        if parts.request.is_empty() {
            members(parts.transaction).for_each(|(name, value)| parts.set(name, value));
        }
        if parts.request.is_empty() { Err("no request in it") } else { Ok(parts) }
    }

    fn set(&mut self, name: &[u8], value: Value<'a>) {
        match name {
            b"transaction" => self.transaction = object(value),
            b"request" => self.request = object(value),
            b"response" => self.response = object(value),
            b"audit_data" => self.audit = object(value),
            _ => {}
        }
    }
}

fn object(value: Value<'_>) -> &[u8] {
    if let Value::Object(text) = value { text } else { b"" }
}

/// The first member of one of these names.
fn member<'a>(object: &'a [u8], names: &[&[u8]]) -> Value<'a> {
    members(object).find(|(name, _)| names.contains(name)).map_or(Value::Bare(b"null"), |(_, value)| value)
}

/// A header's value; header names keep no case.
fn in_headers<'a>(headers: &'a [u8], name: &[u8]) -> &'a [u8] {
    members(headers).find(|(found, _)| found.eq_ignore_ascii_case(name)).map_or(b"", |(_, value)| value.first())
}

/// A text, or the texts of an array put together; escapes stay.
fn pieces(value: Value<'_>, room: &mut Vec<u8>) {
    room.clear();
    match value {
        Value::Array(array) => elements(array).for_each(|piece| room.extend_from_slice(piece.text())),
        other => room.extend_from_slice(other.text()),
    }
}

/// The client as the server's error log names it, which knows what stands behind a proxy.
fn error_client(audit: &[u8]) -> Option<&[u8]> {
    let quoted = member(audit, &[b"error_messages"]).first();
    let at = memchr::memmem::find(quoted, b"[client ")?;
    let rest = &quoted[at + 8..];
    let client = &rest[..memchr::memchr(b']', rest)?];
    (!client.is_empty()).then(|| super::json_access::without_port(client))
}

/// Whether a line is of this format.
pub(super) fn fits(line: &[u8], clock: &mut Clock) -> bool {
    line.starts_with(b"{\"transaction\"") && Reader::default().parse(line, clock).is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fields::Unescaped;
    use super::super::time::Clock;
    use super::{Reader, fits};

    fn check(line: &str, expected: &str) {
        let mut reader = Reader::default();
        let fields = reader.parse(line.as_bytes(), &mut Clock::default()).unwrap_or_else(|reason| panic!("{reason}: {line}"));
        let mut room = Unescaped::default();
        let line = room.line(1, line.as_bytes(), &fields);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (client, method, target) = (text(line.client), text(line.method), text(line.target));
        let found = format!("{} {client} {method} {target} {} {} {}", line.at_ms, line.status, line.bytes, text(line.body));
        assert_eq!(found, expected);
        assert_eq!(text(line.headers), "Host: shop\nX-A: b\n");
    }

    #[test]
    fn both_versions_are_read() {
        let two = r#"{"transaction":{"time":"22/Nov/2026:19:53:47.244752 +0900","transaction_id":"x","remote_address":"127.0.0.1"},"request":{"request_line":"POST /login HTTP/1.1","headers":{"Host":"shop","X-A":"b"},"body":["a=1&","b=\"2\""]},"response":{"protocol":"HTTP/1.1","status":302,"headers":{"Content-Length":"193"},"body":""},"audit_data":{"error_messages":["[file \"apache2_util.c\"] [client 198.18.13.106] ModSecurity: x"]}}"#;
        check(two, r#"1795344827244 198.18.13.106 POST /login 302 193 a=1&b="2""#);
        let three = r#"{"transaction":{"client_ip":"192.0.2.1","time_stamp":"Sun Nov 22 10:53:47 2026","request":{"method":"GET","http_version":1.1,"uri":"/i?id=5","body":"","headers":{"Host":"shop","X-A":"b"}},"response":{"http_code":200,"headers":{"content-length":"12"}},"messages":[]}}"#;
        check(three, "1795344827000 192.0.2.1 GET /i?id=5 200 12 ");
        assert!(fits(three.as_bytes(), &mut Clock::default()) && fits(two.as_bytes(), &mut Clock::default()));
        assert!(!fits(&two.as_bytes()[..two.len() - 1], &mut Clock::default()));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(junk in r#"[\[\]{}",:\\a1 ]{0,60}"#) {
            let line = format!(r#"{{"transaction":{{"time":1}},"request":{{"uri":"/","body":[{junk}]}}}}"#);
            let _ = Reader::default().parse(line.as_bytes(), &mut Clock::default());
            let _ = Reader::default().parse(junk.as_bytes(), &mut Clock::default());
        }
    }
}
