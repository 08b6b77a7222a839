//! A line of a log taken apart, still escaped as the server wrote it, and how the escapes are undone for the lines that
//! somebody wants. Not here: where a field stands in a line (one file per format).
//!
//! What would break a field is escaped: nginx writes `\x22`, Apache `\"`, `\\`, `\n`, `\x22`; JSON has its own escapes;
//! CloudFront and some W3C servers percent-encode header values, IIS writes `+` for a blank.

use super::LogLine;
use super::json_text::{Value, elements, members};

/// Why a line could not be read.
pub(super) type Reason = &'static str;

/// How the fields of a line are escaped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Escaping {
    /// `\x22`, `\"`, `\\`, `\n`: what nginx and Apache write.
    #[default]
    Backslash,
    /// RFC 8259 7, and nginx's `\x22` inside JSON (`escape=default`).
    Json,
    /// Nothing is escaped: the request as it came (audit logs).
    None,
    /// Header values have `+` or `%20` for a blank, and `%25` for `%`; the URI is as it came (W3C logs).
    W3c,
}

/// What was asked, as a format has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request<'a> {
    /// `GET /item?id=5 HTTP/1.1`
    Line(&'a [u8]),
    /// Method, path, and the query where it stands apart.
    Parts(&'a [u8], &'a [u8], Option<&'a [u8]>),
}

/// A line taken apart; fields still escaped, absent ones empty.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    pub(super) at_ms: i64,
    pub(super) client: &'a [u8],
    pub(super) request: Request<'a>,
    pub(super) status: u16,
    pub(super) bytes: u64,
    pub(super) bytes_sent: Option<u64>,
    pub(super) duration_us: Option<u64>,
    pub(super) referer: &'a [u8],
    pub(super) agent: &'a [u8],
    pub(super) host: &'a [u8],
    pub(super) cookie: &'a [u8],
    pub(super) forwarded: &'a [u8],
    /// All headers of the request, a line each, where the format has them.
    pub(super) headers: &'a [u8],
    pub(super) body: &'a [u8],
    pub(super) response: &'a [u8],
    /// What stands behind the fields above.
    pub(super) rest: &'a [u8],
    pub(super) escaping: Escaping,
}

impl Default for Fields<'_> {
    fn default() -> Self {
        Self {
            at_ms: 0,
            client: b"",
            request: Request::Line(b""),
            status: 0,
            bytes: 0,
            bytes_sent: None,
            duration_us: None,
            referer: b"",
            agent: b"",
            host: b"",
            cookie: b"",
            forwarded: b"",
            headers: b"",
            body: b"",
            response: b"",
            rest: b"",
            escaping: Escaping::Backslash,
        }
    }
}

/// A line before its escapes are undone: enough to say whether it is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Glance<'a> {
    /// When the server finished the request, milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// Request line, or path.
    pub request: &'a [u8],
    /// The query, where the format has it apart.
    pub query: &'a [u8],
    /// Cookies.
    pub cookie: &'a [u8],
    /// Referer, agent, host, forwarded address, and all headers where the format has them.
    pub headers: [&'a [u8]; 5],
    /// The request's body.
    pub body: &'a [u8],
    /// The whole line.
    pub raw: &'a [u8],
}

/// Two cheap questions about parts of a line. Both answer no only where a line with this part is not wanted for its sake,
/// whatever else it holds; a line of which neither says yes is not wanted. A yes says nothing.
#[derive(Clone, Copy)]
pub struct Parts<'a> {
    /// Of a request line. Asked about a line once or not at all.
    pub request: &'a dyn Fn(&[u8]) -> bool,
    /// Of a header's value, by its bytes alone: the answer is remembered.
    pub header: &'a dyn Fn(&[u8]) -> bool,
}

/// Says which lines of a log somebody wants, before escapes are undone.
#[derive(Clone, Copy)]
pub struct Sieve<'a> {
    /// The last word.
    pub wanted: &'a dyn Fn(&Glance<'_>) -> bool,
    /// What is asked before lines are taken apart.
    pub parts: Option<Parts<'a>>,
}

impl<'a> Fields<'a> {
    pub(super) fn glance(&self, raw: &'a [u8]) -> Glance<'a> {
        let (request, query) = match self.request {
            Request::Line(line) => (line, None),
            Request::Parts(_, path, query) => (path, query),
        };
        Glance {
            at_ms: self.at_ms,
            request,
            query: query.unwrap_or_default(),
            cookie: self.cookie,
            headers: [self.referer, self.agent, self.host, self.forwarded, self.headers],
            body: self.body,
            raw,
        }
    }
}

/// Room for fields whose escapes are undone; kept from line to line.
#[derive(Default)]
pub(super) struct Unescaped {
    request: Vec<u8>,
    referer: Vec<u8>,
    agent: Vec<u8>,
    cookie: Vec<u8>,
    forwarded: Vec<u8>,
    headers: Vec<u8>,
    body: Vec<u8>,
    response: Vec<u8>,
}

impl Unescaped {
    /// The line as callers see it.
    pub(super) fn line<'a>(&'a mut self, number: u64, raw: &'a [u8], fields: &Fields<'a>) -> LogLine<'a> {
        let escaping = fields.escaping;
        let (method, target) = match fields.request {
            Request::Line(line) => method_and_target(plain(line, escaping, &mut self.request)),
            Request::Parts(method, path, query) => (method, joined(path, query, escaping, &mut self.request)),
        };
        let (host, target) = without_origin(target);
        LogLine {
            line: number,
            at_ms: fields.at_ms,
            client: fields.client,
            method,
            target,
            status: fields.status,
            bytes: fields.bytes,
            bytes_sent: fields.bytes_sent,
            duration_us: fields.duration_us,
            agent: dash_is_empty(plain(fields.agent, escaping, &mut self.agent)),
            referer: dash_is_empty(plain(fields.referer, escaping, &mut self.referer)),
            host: if fields.host.is_empty() { host } else { dash_is_empty(fields.host) },
            cookie: dash_is_empty(plain(fields.cookie, escaping, &mut self.cookie)),
            forwarded: dash_is_empty(plain(fields.forwarded, escaping, &mut self.forwarded)),
            headers: header_lines(fields.headers, escaping, &mut self.headers),
            body: dash_is_empty(plain(fields.body, escaping, &mut self.body)),
            response: plain(fields.response, escaping, &mut self.response),
            raw,
        }
    }
}

fn dash_is_empty(field: &[u8]) -> &[u8] {
    if field == b"-" { b"" } else { field }
}

/// Path and query in one, in `room` where they stand apart or are escaped.
fn joined<'a>(path: &'a [u8], query: Option<&'a [u8]>, escaping: Escaping, room: &'a mut Vec<u8>) -> &'a [u8] {
    // What a server logs of the URI in W3C format is what it was sent.
    let escaping = if escaping == Escaping::W3c { Escaping::None } else { escaping };
    let Some(query) = query.filter(|query| !query.is_empty() && **query != *b"-") else { return plain(path, escaping, room) };
    room.clear();
    unescape_into(path, escaping, room);
    if !query.starts_with(b"?") {
        room.push(b'?');
    }
    unescape_into(query, escaping, room);
    room
}

/// `http://host/path` asks a server for `/path` of that host (RFC 9112 3.2.2); some formats always write it so.
fn without_origin(target: &[u8]) -> (&[u8], &[u8]) {
    let Some(rest) = target.strip_prefix(b"http://").or_else(|| target.strip_prefix(b"https://")) else { return (b"", target) };
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    (&rest[..end], &rest[end..])
}

/// `GET /a b HTTP/1.1`: older servers let blanks through, so the target reaches to the last word if that is a protocol.
fn method_and_target(request: &[u8]) -> (&[u8], &[u8]) {
    let Some(space) = memchr::memchr(b' ', request) else { return (b"", request) };
    let (method, target) = (&request[..space], &request[space + 1..]);
    if method.is_empty() || !method.iter().all(u8::is_ascii_uppercase) {
        return (b"", request);
    }
    match memchr::memrchr(b' ', target) {
        Some(last) if target[last + 1..].starts_with(b"HTTP/") => (method, &target[..last]),
        _ if target.starts_with(b"HTTP/") => (method, b""),
        _ => (method, target),
    }
}

/// The field without its escapes, in `room` where it has any.
fn plain<'a>(field: &'a [u8], escaping: Escaping, room: &'a mut Vec<u8>) -> &'a [u8] {
    let has_any = match escaping {
        Escaping::None => false,
        Escaping::Backslash | Escaping::Json => memchr::memchr(b'\\', field).is_some(),
        Escaping::W3c => memchr::memchr2(b'+', b'%', field).is_some(),
    };
    if !has_any {
        return field;
    }
    room.clear();
    unescape_into(field, escaping, room);
    room
}

/// Headers that the format has as a JSON object, as lines.
fn header_lines<'a>(headers: &'a [u8], escaping: Escaping, room: &'a mut Vec<u8>) -> &'a [u8] {
    if escaping != Escaping::Json || headers.is_empty() {
        return headers;
    }
    room.clear();
    for (name, value) in members(headers) {
        let values: Vec<Value<'_>> = if let Value::Array(array) = value { elements(array).collect() } else { vec![value] };
        for value in values {
            unescape_into(name, escaping, room);
            room.extend_from_slice(b": ");
            unescape_into(value.text(), escaping, room);
            room.push(b'\n');
        }
    }
    room
}

fn unescape_into(field: &[u8], escaping: Escaping, room: &mut Vec<u8>) {
    let mark = match escaping {
        Escaping::None => return room.extend_from_slice(field),
        Escaping::W3c => return percent_into(field, room),
        Escaping::Backslash | Escaping::Json => b'\\',
    };
    let mut rest = field;
    while let Some(at) = memchr::memchr(mark, rest) {
        room.extend_from_slice(&rest[..at]);
        rest = if escaping == Escaping::Json { json_escape(&rest[at + 1..], room) } else { escape(&rest[at + 1..], room) };
    }
    room.extend_from_slice(rest);
}

fn push<'a>(byte: u8, after: &'a [u8], room: &mut Vec<u8>) -> &'a [u8] {
    room.push(byte);
    after
}

/// One escape, its backslash gone. What is no escape stays as it is written.
fn escape<'a>(text: &'a [u8], room: &mut Vec<u8>) -> &'a [u8] {
    match text {
        [b'x' | b'X', high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
            push(hex_digit(*high) << 4 | hex_digit(*low), after, room)
        }
        [byte @ (b'"' | b'\\'), after @ ..] => push(*byte, after, room),
        [b'n', after @ ..] => push(b'\n', after, room),
        [b'r', after @ ..] => push(b'\r', after, room),
        [b't', after @ ..] => push(b'\t', after, room),
        [b'v', after @ ..] => push(0x0b, after, room),
        [b'f', after @ ..] => push(0x0c, after, room),
        [b'b', after @ ..] => push(0x08, after, room),
        _ => push(b'\\', text, room),
    }
}

/// One escape of JSON, its backslash gone.
fn json_escape<'a>(text: &'a [u8], room: &mut Vec<u8>) -> &'a [u8] {
    match text {
        [b'u', rest @ ..] => {
            let Some((unit, after)) = code_unit(rest) else { return push(b'\\', text, room) };
            let (code, after) = match after {
                [b'\\', b'u', low @ ..] if (0xd800..0xdc00).contains(&unit) => match code_unit(low) {
                    Some((low, after)) if (0xdc00..0xe000).contains(&low) => {
                        (0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00), after)
                    }
                    _ => (unit, after),
                },
                _ => (unit, after),
            };
            let shown = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
            room.extend_from_slice(shown.encode_utf8(&mut [0; 4]).as_bytes());
            after
        }
        [b'/', after @ ..] => push(b'/', after, room),
        _ => escape(text, room),
    }
}

fn code_unit(text: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, after) = text.split_at_checked(4)?;
    let unit =
        digits.iter().try_fold(0, |unit, &digit| digit.is_ascii_hexdigit().then(|| unit << 4 | u32::from(hex_digit(digit))));
    Some((unit?, after))
}

fn percent_into(field: &[u8], room: &mut Vec<u8>) {
    let mut rest = field;
    while let [byte, after @ ..] = rest {
        rest = match rest {
            [b'%', high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                push(hex_digit(*high) << 4 | hex_digit(*low), after, room)
            }
            [b'+', after @ ..] => push(b' ', after, room),
            _ => push(*byte, after, room),
        };
    }
}

fn hex_digit(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

/// The value of a header in a block of header lines; the last one where it comes several times.
pub(super) fn header<'a>(headers: &'a [u8], name: &[u8]) -> &'a [u8] {
    let value = |line: &'a [u8]| {
        let (found, value) = line.split_at_checked(name.len())?;
        found.eq_ignore_ascii_case(name).then_some(())?;
        value.strip_prefix(b":").map(<[u8]>::trim_ascii)
    };
    headers.split(|&byte| byte == b'\n').filter_map(value).next_back().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Escaping, Fields, Request, Unescaped, header};

    fn check(escaping: Escaping, field: &str, expected: &str) {
        let fields = Fields {
            request: Request::Parts(b"GET", field.as_bytes(), None),
            agent: field.as_bytes(),
            escaping,
            ..Fields::default()
        };
        let mut room = Unescaped::default();
        let line = room.line(1, b"", &fields);
        assert_eq!(String::from_utf8_lossy(line.agent), expected, "{field}");
    }

    #[test]
    fn escapes_of_json_are_undone() {
        check(Escaping::Json, r#"a\"b\\c\/d\n"#, "a\"b\\c/d\n");
        check(Escaping::Json, r"\u0027 \u65e5 \ud83d\ude00 \ud83d \uzz \x22", "' 日 😀 \u{fffd} \\uzz \"");
        check(Escaping::Json, r"\", "\\");
        check(Escaping::None, r"\x22", r"\x22");
        check(Escaping::W3c, "Mozilla/5.0+(x)%2520+%2", "Mozilla/5.0 (x)%20 %2");
    }

    #[test]
    fn path_and_query_are_put_together() {
        let target = |path: &str, query: &str| {
            let request = Request::Parts(b"GET", path.as_bytes(), Some(query.as_bytes()));
            let fields = Fields { request, ..Fields::default() };
            String::from_utf8_lossy(Unescaped::default().line(1, b"", &fields).target).into_owned()
        };
        assert_eq!(target("/item", "id=5"), "/item?id=5");
        assert_eq!(target("/item", "?id=5"), "/item?id=5");
        assert_eq!(target("/item", "-"), "/item");
        assert_eq!(target("https://shop.example:443/item?id=5", ""), "/item?id=5");
        assert_eq!(target("http://shop.example", ""), "");
    }

    #[test]
    fn headers_are_found_whatever_their_case() {
        let block = b"Host: a\r\nuser-agent:  x y \r\nHost: b\n";
        assert_eq!(
            (header(block, b"user-agent"), header(block, b"HOST"), header(block, b"Ho")),
            (&b"x y"[..], &b"b"[..], &b""[..])
        );
    }
}
