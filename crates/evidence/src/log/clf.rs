//! What the formats that descend from the NCSA Common Log Format share:
//! `host ident user [time] "request" status bytes`, then what each adds.
//!
//! Servers escape what would break a quoted field (`fields` undoes that). Not here: fields that a `log_format` names
//! (`pattern`).

use super::fields::{Fields, Reason, Request};
use super::time::{Clock, TIME_BYTES};

/// The seven fields of the Common Log Format.
pub(super) fn common<'a>(line: &'a [u8], clock: &mut Clock) -> Result<Fields<'a>, Reason> {
    if line.is_empty() {
        return Err("empty line");
    }
    let (client, after) = split_at_byte(line, b' ').ok_or("no client address")?;
    let (at_ms, after) = time(after, clock).ok_or("no time in brackets")?;
    let (request, after) = quoted(after).ok_or("no request in quotes")?;
    let (status, after) = word(after).and_then(|(text, after)| Some((status(text)?, after))).ok_or("no status")?;
    let (bytes, rest) = word(after).and_then(|(text, after)| Some((byte_count(text)?, after))).ok_or("no byte count")?;
    Ok(Fields { at_ms, client, request: Request::Line(request), status, bytes, rest, ..Fields::default() })
}

/// The Common Log Format with referer and agent behind.
pub(super) fn combined<'a>(line: &'a [u8], clock: &mut Clock) -> Result<Fields<'a>, Reason> {
    let fields = common(line, clock)?;
    let (referer, after) = quoted(fields.rest).ok_or("no referer in quotes")?;
    let (agent, rest) = quoted(after).ok_or("no agent in quotes")?;
    Ok(Fields { referer, agent, rest, ..fields })
}

/// The time, and what follows it. A user name may hold blanks and brackets, so the first bracket need not be it.
fn time<'a>(text: &'a [u8], clock: &mut Clock) -> Option<(i64, &'a [u8])> {
    (0..text.len()).filter(|&at| text[at] == b'[').find_map(|open| {
        let inside = text.get(open + 1..)?;
        let (time, after) = inside.split_at_checked(TIME_BYTES)?;
        Some((clock.read(time)?, after.strip_prefix(b"]")?))
    })
}

/// A quoted field and what follows it. A quote that neither a blank nor the line end follows does not end the field:
/// some servers do not escape.
pub(super) fn quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let inside = text.strip_prefix(b" ").unwrap_or(text).strip_prefix(b"\"")?;
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', inside.get(at..)?)?;
        match (inside[at], inside.get(at + 1)) {
            (b'"', None | Some(b' ')) => return Some((&inside[..at], &inside[at + 1..])),
            (b'"', _) => at += 1,
            _ => at += 2,
        }
    }
}

/// The next word and what follows it.
pub(super) fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.strip_prefix(b" ").unwrap_or(text);
    // Words are short: a plain loop finds their end before a search of blocks has begun.
    let end = text.iter().position(|&byte| byte == b' ').unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

fn split_at_byte(text: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|&found| found == byte)?;
    (at > 0).then(|| text.split_at(at))
}

/// A status of three digits.
pub(super) fn status(text: &[u8]) -> Option<u16> {
    if text.len() == 3 { integer(text).map(|status| status as u16) } else { None }
}

fn byte_count(text: &[u8]) -> Option<u64> {
    if text == b"-" { Some(0) } else { integer(text) }
}

/// A number of at most 19 digits.
pub(super) fn integer(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 19 {
        return None;
    }
    text.iter().try_fold(0u64, |sum, &digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fields::{Request, Unescaped};
    use super::super::time::Clock;
    use super::{combined, common};

    fn check(request: &str, method: &str, target: &str) {
        let raw = format!(r#"192.0.2.1 - - [22/Nov/2026:18:53:53 +0900] "{request}" 200 28"#);
        let fields = common(raw.as_bytes(), &mut Clock::default()).unwrap_or_else(|reason| panic!("{reason}: {raw}"));
        let mut room = Unescaped::default();
        let line = room.line(1, raw.as_bytes(), &fields);
        let found = (String::from_utf8_lossy(line.method), String::from_utf8_lossy(line.target));
        assert_eq!((&*found.0, &*found.1), (method, target), "{request}");
    }

    #[test]
    fn requests_are_read_as_servers_write_them() {
        check("GET /item?id=5 HTTP/1.1", "GET", "/item?id=5");
        check("GET /item?id=5 UNION SELECT 1 HTTP/1.0", "GET", "/item?id=5 UNION SELECT 1");
        check("GET /", "GET", "/");
        check("GET HTTP/1.1", "GET", "");
        check("-", "", "-");
        check("", "", "");
        check(r"\x16\x03\x01", "", "\u{16}\u{3}\u{1}");
        check("what is this", "", "what is this");
    }

    #[test]
    fn escapes_of_nginx_and_apache_are_undone() {
        check(r"GET /?q=\x22a\x22\x5Cb HTTP/1.1", "GET", r#"/?q="a"\b"#);
        check(r#"GET /?q=\"a\"\\b\n HTTP/1.1"#, "GET", "/?q=\"a\"\\b\n");
        check(r"GET /?q=\q\x2 HTTP/1.1", "GET", r"/?q=\q\x2");
        check(r#"GET /?q="a"b HTTP/1.1"#, "GET", r#"/?q="a"b"#);
        check(r"GET /?q=\xE6\x97\xA5 HTTP/1.1", "GET", "/?q=日");
    }

    #[test]
    fn user_names_may_hold_blanks_and_brackets() {
        let line = br#"192.0.2.1 - a [b] c [22/Nov/2026:18:53:53 +0900] "GET / HTTP/1.1" 200 -"#;
        let fields = common(line, &mut Clock::default()).unwrap();
        assert_eq!((fields.status, fields.bytes, fields.request), (200, 0, Request::Line(b"GET / HTTP/1.1")));
    }

    #[test]
    fn what_is_missing_is_named() {
        let reason = |line: &str| common(line.as_bytes(), &mut Clock::default()).unwrap_err();
        assert_eq!(reason(""), "empty line");
        assert_eq!(reason("hello"), "no client address");
        assert_eq!(reason("hello world"), "no time in brackets");
        assert_eq!(reason("h - - [22/Nov/2026:18:53:53 +0900] GET"), "no request in quotes");
        assert_eq!(reason(r#"h - - [22/Nov/2026:18:53:53 +0900] "GET / HT"#), "no request in quotes");
        assert_eq!(reason(r#"h - - [22/Nov/2026:18:53:53 +0900] "G" 2000 1"#), "no status");
        assert_eq!(reason(r#"h - - [22/Nov/2026:18:53:53 +0900] "G" 200"#), "no byte count");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(junk in any::<Vec<u8>>(), field in any::<Vec<u8>>()) {
            let clock = &mut Clock::default();
            let _ = combined(&junk, clock);
            let line = [br#"h - - [22/Nov/2026:18:53:53 +0900] ""#, &field[..], br#"" 200 1 "-" ""#, &junk].concat();
            if let Ok(fields) = combined(&line, clock) {
                Unescaped::default().line(1, &line, &fields);
            }
        }
    }
}
