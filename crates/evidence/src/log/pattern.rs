//! Logs of which the case file gives the format: nginx's `log_format` or Apache's `LogFormat`, as it stands in the server's
//! configuration, after `nginx:` or `apache:`. Documented at
//! <https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format> and
//! <https://httpd.apache.org/docs/current/mod/mod_log_config.html#formats>.
//!
//! A field reaches to the text that follows it in the format; in quotes, escaped quotes are part of it. Fields that no
//! question needs are passed over.
//!
//! Not here: formats that are told by themselves (`combined` and the like, `json_access`).

use super::clf;
use super::fields::{Escaping, Fields, Reason, Request};
use super::time::Clock;

/// What stands at a place of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Field {
    Client,
    Forwarded,
    Time,
    RequestLine,
    Method,
    Uri,
    Query,
    Status,
    BodyBytes,
    BytesSent,
    Seconds,
    Millis,
    Micros,
    Referer,
    Agent,
    Host,
    Cookies,
    Cookie(String),
    Header(String),
    Body,
    Other,
}

#[derive(Clone, Debug)]
struct Place {
    field: Field,
    /// The text that follows it.
    until: Vec<u8>,
}

/// A format ready for reading.
#[derive(Debug)]
pub(crate) struct Pattern {
    before: Vec<u8>,
    places: Vec<Place>,
    escaping: Escaping,
    /// Cookies and headers that the format names one by one.
    cookies: Vec<u8>,
    headers: Vec<u8>,
}

/// A mistake in a format, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PatternMistake {
    pub(crate) message: String,
    pub(crate) help: String,
}

fn mistake(message: impl Into<String>, help: impl Into<String>) -> PatternMistake {
    PatternMistake { message: message.into(), help: help.into() }
}

/// Whether the case file gives a format rather than a name.
pub(crate) fn is_pattern(format: &str) -> bool {
    format.starts_with("nginx:") || format.starts_with("apache:")
}

/// nginx's variables by name.
const NGINX: [(&str, Field); 27] = [
    ("remote_addr", Field::Client),
    ("http_x_forwarded_for", Field::Forwarded),
    ("proxy_add_x_forwarded_for", Field::Forwarded),
    ("remote_user", Field::Other),
    ("time_local", Field::Time),
    ("time_iso8601", Field::Time),
    ("msec", Field::Time),
    ("request", Field::RequestLine),
    ("request_method", Field::Method),
    ("request_uri", Field::Uri),
    ("uri", Field::Uri),
    ("document_uri", Field::Uri),
    ("args", Field::Query),
    ("query_string", Field::Query),
    ("status", Field::Status),
    ("body_bytes_sent", Field::BodyBytes),
    ("bytes_sent", Field::BytesSent),
    ("request_time", Field::Seconds),
    ("upstream_response_time", Field::Other),
    ("request_length", Field::Other),
    ("http_referer", Field::Referer),
    ("http_user_agent", Field::Agent),
    ("host", Field::Host),
    ("http_host", Field::Host),
    ("server_name", Field::Host),
    ("http_cookie", Field::Cookies),
    ("request_body", Field::Body),
];

impl Pattern {
    /// Reads a format; its mistakes name what was meant.
    pub(crate) fn compile(format: &str) -> Result<Self, PatternMistake> {
        let parts = if let Some(text) = format.strip_prefix("nginx:") {
            nginx(text.trim())?
        } else if let Some(text) = format.strip_prefix("apache:") {
            apache(text.trim())?
        } else {
            return Err(mistake("a format without its server", "write `nginx: $remote_addr …` or `apache: %h …`"));
        };
        Self::of(parts)
    }

    fn of(parts: Vec<Part>) -> Result<Self, PatternMistake> {
        let mut pattern = Self {
            before: Vec::new(),
            places: Vec::new(),
            escaping: Escaping::Backslash,
            cookies: Vec::new(),
            headers: Vec::new(),
        };
        for part in parts {
            match (part, pattern.places.last_mut()) {
                (Part::Text(text), None) => pattern.before.extend(text),
                (Part::Text(text), Some(place)) => place.until.extend(text),
                (Part::Field(_, name), Some(place)) if place.until.is_empty() => {
                    return Err(mistake(
                        format!("nothing stands between `{name}` and the field before it"),
                        "their ends cannot be told apart",
                    ));
                }
                (Part::Field(field, _), _) => pattern.places.push(Place { field, until: Vec::new() }),
            }
        }
        if pattern.before.starts_with(b"{") {
            pattern.escaping = Escaping::Json;
        }
        let has = |wanted: &[Field]| pattern.places.iter().any(|place| wanted.contains(&place.field));
        let needed = [
            (has(&[Field::Time]), "when the request came", "`$time_local`, `%t`"),
            (has(&[Field::RequestLine, Field::Uri]), "what was asked for", "`$request`, `%r`"),
            (has(&[Field::Status]), "the status of the answer", "`$status`, `%>s`"),
        ];
        match needed.into_iter().find(|(found, _, _)| !found) {
            Some((_, what, names)) => Err(mistake(format!("the format does not say {what}"), format!("it needs one of {names}"))),
            None => Ok(pattern),
        }
    }

    /// Reads a line.
    pub(super) fn parse<'a>(&'a mut self, line: &'a [u8], clock: &mut Clock) -> Result<Fields<'a>, Reason> {
        if line.is_empty() {
            return Err("empty line");
        }
        self.cookies.clear();
        self.headers.clear();
        let mut rest = line.strip_prefix(self.before.as_slice()).ok_or("it does not begin as the format does")?;
        let mut found = Found::default();
        for at in 0..self.places.len() {
            let place = &self.places[at];
            let next_is_time = self.places.get(at + 1).is_some_and(|next| next.field == Field::Time);
            let (text, after) = split(rest, &place.until, at + 1 == self.places.len(), |after| {
                !next_is_time || self.places[at + 1].time(after, clock).is_some()
            })
            .ok_or("a field of the format is not there")?;
            match &place.field {
                Field::Cookie(name) if text != b"-" => named(&mut self.cookies, name, b"=", text, b"; "),
                Field::Header(name) if text != b"-" => named(&mut self.headers, name, b": ", text, b"\n"),
                field => found.take(field, text, clock)?,
            }
            rest = after;
        }
        found.finish(&self.cookies, &self.headers, self.escaping)
    }
}

impl Place {
    /// The time at the head of the text, if this place is there.
    fn time(&self, text: &[u8], clock: &mut Clock) -> Option<i64> {
        let (time, _) = split(text, &self.until, self.until.is_empty(), |_| true)?;
        clock.read_any(time)
    }
}

fn named(room: &mut Vec<u8>, name: &str, between: &[u8], text: &[u8], behind: &[u8]) {
    for part in [name.as_bytes(), between, text, behind] {
        room.extend_from_slice(part);
    }
}

/// The text up to `until` and what follows that; all of it for the last field of a format.
fn split<'a>(text: &'a [u8], until: &[u8], is_last: bool, mut fits: impl FnMut(&[u8]) -> bool) -> Option<(&'a [u8], &'a [u8])> {
    if is_last {
        let end = text.len().checked_sub(until.len())?;
        return text.ends_with(until).then(|| (&text[..end], &text[text.len()..]));
    }
    let in_quotes = until.starts_with(b"\"");
    let mut from = 0;
    loop {
        let at = from + find(text.get(from..)?, until)?;
        let escaped = in_quotes && text[..at].iter().rev().take_while(|&&byte| byte == b'\\').count() % 2 == 1;
        let after = &text[at + until.len()..];
        if !escaped && fits(after) {
            return Some((&text[..at], after));
        }
        from = at + 1;
    }
}

fn find(text: &[u8], until: &[u8]) -> Option<usize> {
    if let [byte] = until { memchr::memchr(*byte, text) } else { memchr::memmem::find(text, until) }
}

/// What was found so far.
#[derive(Default)]
struct Found<'a> {
    fields: Fields<'a>,
    at_ms: Option<i64>,
    line: Option<&'a [u8]>,
    method: &'a [u8],
    uri: Option<&'a [u8]>,
    query: Option<&'a [u8]>,
    body_bytes: Option<u64>,
    cookies: &'a [u8],
}

impl<'a> Found<'a> {
    fn take(&mut self, field: &Field, text: &'a [u8], clock: &mut Clock) -> Result<(), Reason> {
        let fields = &mut self.fields;
        match field {
            Field::Client => fields.client = text,
            Field::Forwarded => fields.forwarded = text,
            Field::Time => self.at_ms = Some(clock.read_any(text).ok_or("no time")?),
            Field::RequestLine => self.line = Some(text),
            Field::Method => self.method = text,
            Field::Uri => self.uri = self.uri.filter(|known| known.len() > text.len()).or(Some(text)),
            Field::Query => self.query = Some(text),
            Field::Status => fields.status = clf::status(text).ok_or("no status")?,
            Field::BodyBytes => self.body_bytes = clf::integer(text),
            Field::BytesSent => fields.bytes_sent = clf::integer(text),
            Field::Seconds => fields.duration_us = scaled(text, 1e6),
            Field::Millis => fields.duration_us = scaled(text, 1e3),
            Field::Micros => fields.duration_us = clf::integer(text),
            Field::Referer => fields.referer = text,
            Field::Agent => fields.agent = text,
            Field::Host => fields.host = text,
            Field::Cookies => self.cookies = text,
            Field::Body => fields.body = text,
            Field::Cookie(_) | Field::Header(_) | Field::Other => {}
        }
        Ok(())
    }

    fn finish(mut self, cookies: &'a [u8], headers: &'a [u8], escaping: Escaping) -> Result<Fields<'a>, Reason> {
        let fields = &mut self.fields;
        fields.at_ms = self.at_ms.ok_or("no time")?;
        fields.request = match (self.line, self.uri) {
            (Some(line), _) => Request::Line(line),
            (None, Some(uri)) => Request::Parts(self.method, uri, self.query.filter(|_| memchr::memchr(b'?', uri).is_none())),
            (None, None) => return Err("no request"),
        };
        // A format without `%b` but with `%O` tells the whole alone.
        fields.bytes = self.body_bytes.or(fields.bytes_sent).unwrap_or_default();
        fields.cookie = if self.cookies.is_empty() { cookies } else { self.cookies };
        fields.headers = headers;
        fields.escaping = escaping;
        Ok(self.fields)
    }
}

/// A number of seconds times `scale`; of several (`0.01, 0.02`, one for each upstream) none.
fn scaled(text: &[u8], scale: f64) -> Option<u64> {
    let number: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    let scaled = (number * scale).round();
    (0.0..1e15).contains(&scaled).then_some(scaled as u64)
}

enum Part {
    Text(Vec<u8>),
    Field(Field, String),
}

fn nginx(text: &str) -> Result<Vec<Part>, PatternMistake> {
    // As in the configuration, with its name and quotes: `log_format main escape=json '…';`
    let text = text.trim_end_matches(';').trim().trim_matches('\'');
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        parts.push(Part::Text(rest.as_bytes()[..at].to_vec()));
        let after = &rest[at + 1..];
        let (name, next) = match after.strip_prefix('{') {
            Some(inside) => inside.split_once('}').ok_or_else(|| mistake("a `${` without its `}`", "close it"))?,
            None => after.split_at(after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len())),
        };
        parts.push(Part::Field(nginx_field(name)?, format!("${name}")));
        rest = next;
    }
    parts.push(Part::Text(rest.as_bytes().to_vec()));
    parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
    Ok(parts)
}

/// A variable that nginx does not have may be one of a `map`; one that is nearly known was meant to be that.
fn nginx_field(name: &str) -> Result<Field, PatternMistake> {
    if let Some((_, field)) = NGINX.iter().find(|(known, _)| *known == name) {
        return Ok(field.clone());
    }
    if let Some(cookie) = name.strip_prefix("cookie_") {
        return Ok(Field::Cookie(cookie.to_owned()));
    }
    let near = NGINX.iter().map(|(known, _)| *known).find(|known| is_near(name, known));
    match near {
        Some(known) => Err(mistake(format!("nginx has no variable `${name}`"), format!("did you mean `${known}`?"))),
        None => Ok(name.strip_prefix("http_").map_or(Field::Other, |header| Field::Header(header.replace('_', "-")))),
    }
}

/// Whether one letter more, less, other or two swapped make the one name of the other.
fn is_near(name: &str, known: &str) -> bool {
    let (a, b) = (name.as_bytes(), known.as_bytes());
    let start = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[start..], &b[start..]);
    let end = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[..a.len() - end], &b[..b.len() - end]);
    known.len() > 4 && matches!((a, b), ([_], []) | ([], [_]) | ([_], [_]))
        || matches!((a, b), ([x, y], [u, v]) if x == v && y == u)
}

fn apache(text: &str) -> Result<Vec<Part>, PatternMistake> {
    let mut parts: Vec<Part> = Vec::new();
    let mut literal = Vec::new();
    let mut chars = text.trim_matches('\'').char_indices().peekable();
    let text = text.trim_matches('\'');
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => literal.push(match chars.next() {
                Some((_, 't')) => b'\t',
                Some((_, 'n')) => b'\n',
                Some((_, escaped)) if escaped.is_ascii() => escaped as u8,
                _ => return Err(mistake("a backslash that escapes nothing", "write `\\\\` for one")),
            }),
            '%' => {
                let (directive, length) = directive(&text[at + 1..])?;
                for _ in 0..text[at + 1..at + 1 + length].chars().count() {
                    chars.next();
                }
                match directive {
                    Directive::Percent => literal.push(b'%'),
                    Directive::Field(field, name) => {
                        // `%t` writes its own brackets.
                        let in_brackets = field == Field::Time && name == "%t";
                        if in_brackets {
                            literal.push(b'[');
                        }
                        parts.push(Part::Text(std::mem::take(&mut literal)));
                        parts.push(Part::Field(field, name));
                        if in_brackets {
                            literal.push(b']');
                        }
                    }
                }
            }
            other => literal.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    parts.push(Part::Text(literal));
    parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
    Ok(parts)
}

enum Directive {
    Percent,
    Field(Field, String),
}

/// What follows a percent sign, and its length: `>s`, `{Referer}i`, `!200,304{User-agent}i`.
fn directive(text: &str) -> Result<(Directive, usize), PatternMistake> {
    let modifiers =
        text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '!' | ',' | '<' | '>')).len();
    let rest = &text[modifiers..];
    let (argument, rest) = match rest.strip_prefix('{') {
        Some(inside) => inside.split_once('}').ok_or_else(|| mistake("a `%{` without its `}`", "close it"))?,
        None => ("", rest),
    };
    let rest = rest.trim_start_matches(['<', '>']);
    let letters = if rest.starts_with('^') { 3 } else { 1 };
    let letter = rest.get(..letters).ok_or_else(|| mistake("a `%` with nothing behind it", "write `%%` for a percent sign"))?;
    let length = text.len() - rest.len() + letters;
    let name = format!("%{}{letter}", if argument.is_empty() { String::new() } else { format!("{{{argument}}}") });
    if letter == "%" {
        return Ok((Directive::Percent, length));
    }
    Ok((Directive::Field(apache_field(letter, argument, &name)?, name), length))
}

fn apache_field(letter: &str, argument: &str, name: &str) -> Result<Field, PatternMistake> {
    Ok(match letter {
        "h" | "a" => Field::Client,
        "t" => Field::Time,
        "r" => Field::RequestLine,
        "m" => Field::Method,
        "U" => Field::Uri,
        "q" => Field::Query,
        "s" => Field::Status,
        "b" | "B" => Field::BodyBytes,
        "O" => Field::BytesSent,
        "D" => Field::Micros,
        "T" => match argument.to_ascii_lowercase().as_str() {
            "" | "s" => Field::Seconds,
            "ms" => Field::Millis,
            "us" => Field::Micros,
            _ => return Err(mistake(format!("Apache has no `{name}`"), "it has `%T`, `%{ms}T` and `%{us}T`")),
        },
        "v" | "V" => Field::Host,
        "C" => Field::Cookie(argument.to_owned()),
        "i" => match argument.to_ascii_lowercase().as_str() {
            "" => return Err(mistake("`%i` without the name of a header", "write `%{Referer}i`")),
            "referer" => Field::Referer,
            "user-agent" => Field::Agent,
            "cookie" => Field::Cookies,
            "host" => Field::Host,
            "x-forwarded-for" => Field::Forwarded,
            _ => Field::Header(argument.to_owned()),
        },
        "A" | "e" | "f" | "H" | "k" | "l" | "L" | "n" | "o" | "p" | "P" | "R" | "u" | "X" | "I" | "S" | "x" | "c" | "g" => {
            Field::Other
        }
        letter if letter.starts_with('^') => Field::Other,
        _ => {
            return Err(mistake(
                format!("Apache has no `{name}`"),
                "https://httpd.apache.org/docs/current/mod/mod_log_config.html lists them",
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fields::Unescaped;
    use super::super::time::Clock;
    use super::Pattern;

    fn check(format: &str, line: &str, expected: &str) {
        let mut pattern = Pattern::compile(format).unwrap_or_else(|mistake| panic!("{mistake:?}"));
        let shown = match pattern.parse(line.as_bytes(), &mut Clock::default()) {
            Err(reason) => reason.to_owned(),
            Ok(fields) => {
                let mut room = Unescaped::default();
                let l = room.line(1, line.as_bytes(), &fields);
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                let rest = [l.host, l.agent, l.referer, l.cookie, l.forwarded, l.body, l.headers].map(text);
                let rest: Vec<_> = rest.iter().filter(|text| !text.is_empty()).cloned().collect();
                let (client, method, target) = (text(l.client), text(l.method), text(l.target));
                format!(
                    "{} {client} {method} {target} {} {} {:?} {:?} | {}",
                    l.at_ms,
                    l.status,
                    l.bytes,
                    l.bytes_sent,
                    l.duration_us,
                    rest.join(" | ")
                )
            }
        };
        assert_eq!(shown, expected, "{line}");
    }

    #[test]
    fn formats_of_nginx() {
        let format = "nginx: $remote_addr - $remote_user [$time_local] \"$request\" $status $bytes_sent $request_time \"$request_body\" \"$cookie_uid\" \"$http_x_forwarded_for\" \"$http_accept_language\" $upstream_addr";
        check(
            format,
            r#"192.0.2.1 - a [b] c [22/Nov/2026:18:53:53 +0900] "POST /l HTTP/1.1" 200 28 0.005 "a=\x22b" "7" "203.0.113.9" "ja" 10.0.0.1:80"#,
            "1795341233000 192.0.2.1 POST /l 200 28 Some(28) Some(5000) | uid=7;  | 203.0.113.9 | a=\"b | accept-language: ja\n",
        );
        check(format, "192.0.2.1 - - [x", "a field of the format is not there");
        check(
            "nginx: {\"t\":\"$msec\",\"m\":\"$request_method\",\"u\":\"$uri\",\"q\":\"$args\",\"s\":$status}",
            r#"{"t":"1795341233.5","m":"GET","u":"/i","q":"id=\u0027\"","s":200}"#,
            "1795341233500  GET /i?id='\" 200 0 None None | ",
        );
    }

    #[test]
    fn formats_of_apache() {
        check(
            r#"apache: %v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\" %D %{uid}C %{X-Forwarded-For}i 100%%"#,
            r#"shop:443 192.0.2.1 - - [22/Nov/2026:18:53:53 +0900] "GET /i?q=\"a\" HTTP/1.1" 200 300 "-" "M" 1500 7 - 100%"#,
            "1795341233000 192.0.2.1 GET /i?q=\"a\" 200 300 Some(300) Some(1500) | shop | M | uid=7; ",
        );
        check(
            "apache: %{sec}t %m %U %q %s %B %{ms}T %{Cookie}i",
            "1795341233 GET /i ?id=5 200 28 12 uid=7; x=1",
            "1795341233000  GET /i?id=5 200 28 None Some(12000) | uid=7; x=1",
        );
    }

    #[test]
    fn mistakes_name_what_was_meant() {
        let mistake =
            |format: &str| Pattern::compile(format).map(|_| ()).map_err(|m| format!("{}: {}", m.message, m.help)).unwrap_err();
        assert_eq!(
            mistake("nginx: $remote_adr [$time_local]"),
            "nginx has no variable `$remote_adr`: did you mean `$remote_addr`?"
        );
        assert_eq!(
            mistake("nginx: $request $status"),
            "the format does not say when the request came: it needs one of `$time_local`, `%t`"
        );
        assert_eq!(
            mistake("nginx: $remote_addr$request"),
            "nothing stands between `$request` and the field before it: their ends cannot be told apart"
        );
        assert_eq!(
            mistake("apache: %h %t %Z"),
            "Apache has no `%Z`: https://httpd.apache.org/docs/current/mod/mod_log_config.html lists them"
        );
        assert_eq!(mistake("apache: %{Referer"), "a `%{` without its `}`: close it");
        assert_eq!(mistake("%h"), "a format without its server: write `nginx: $remote_addr …` or `apache: %h …`");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(line: Vec<u8>, format in r#"[%$a-z{}>" \\]{0,30}"#) {
            let mut pattern = Pattern::compile("apache: %h %t \"%r\" %>s %b \"%{X}i\"").unwrap();
            let _ = pattern.parse(&line, &mut Clock::default());
            let _ = Pattern::compile(&format!("nginx:{format}"));
            let _ = Pattern::compile(&format!("apache:{format}"));
        }
    }
}
