//! The parameters of a request as the server decoded them, and the cheap test that says whether a raw log line can hold
//! an injection at all.

use bstr::ByteSlice;
use percent_encoding::percent_decode;

/// A request line's target, cut into its pieces. Values are decoded once, as the server does.
#[derive(Debug, PartialEq)]
pub(crate) struct Request {
    /// The path, decoded.
    pub(crate) path: String,
    /// Names and values of the query string, in order.
    pub(crate) query: Vec<(String, String)>,
}

impl Request {
    /// Takes a target (`/item?id=5`) apart. Bytes that are no UTF-8 become the replacement character.
    pub(crate) fn parse(target: &[u8]) -> Self {
        let (path, query) = target.split_once_str("?").unwrap_or((target, b""));
        let pairs = query.split_str("&").filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once_str("=").unwrap_or((pair, b"")));
        Self { path: decode(path, false), query: pairs.map(|(name, value)| (decode(name, true), decode(value, true))).collect() }
    }
}

fn decode(bytes: &[u8], plus_is_blank: bool) -> String {
    let spaced = if plus_is_blank { bytes.replace("+", " ") } else { bytes.to_vec() };
    percent_decode(&spaced).decode_utf8_lossy().into_owned()
}

/// Whether a raw line may carry SQL: `select`, `union`, a quote, or letters that nobody needs to percent-encode.
/// It must never say no to an injection; a false yes only costs the parsing of the line.
pub(crate) fn is_suspect(line: &[u8]) -> bool {
    let target = request_part(line);
    memchr::memchr3_iter(b'%', b's', b'S', target).any(|at| match target[at] {
        b'%' => is_suspect_escape(&target[at..]),
        _ => target.get(at..at + 6).is_some_and(|word| word.eq_ignore_ascii_case(b"select")),
    }) || memchr::memchr2(b'\'', b'(', target).is_some()
}

/// A quote, a bracket, a letter or an underscore in percent-encoding.
fn is_suspect_escape(bytes: &[u8]) -> bool {
    let digit = |at: usize| bytes.get(at).and_then(|b| (*b as char).to_digit(16));
    let (Some(high), Some(low)) = (digit(1), digit(2)) else { return false };
    let byte = (high * 16 + low) as u8;
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'\'' | b'"' | b'(')
}

/// The part of a line up to the end of its first quoted field: the request, where logs are written as usual.
fn request_part(line: &[u8]) -> &[u8] {
    let Some(open) = memchr::memchr(b'"', line) else { return line };
    // Apache writes a quote inside a field as \".
    let closes = |&at: &usize| at > open && line[at - 1] != b'\\' && line.get(at + 1).is_none_or(|next| *next == b' ');
    let close = memchr::memchr_iter(b'"', line).find(closes).unwrap_or(line.len());
    &line[open + 1..close]
}

#[cfg(test)]
mod tests {
    use super::{Request, is_suspect};

    #[test]
    fn values_are_decoded_once() {
        let request = Request::parse(b"/it%65m?id=5%20UNION+ALL&q=%E9%9F%93&x=%2541&y");
        assert_eq!(request.path, "/item");
        let pairs: Vec<_> = request.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("id", "5 UNION ALL"), ("q", "韓"), ("x", "%41"), ("y", "")]);
    }

    #[test]
    fn the_cheap_test_lets_ordinary_lines_pass_by() {
        let line =
            |target: &str| format!("192.0.2.1 - - [01/Jan/2013:00:00:00 +0900] \"GET {target} HTTP/1.1\" 200 5 \"-\" \"x (y)\"");
        for ordinary in ["/item?id=5", "/search?q=%E9%9F%93%E5%9B%BD", "/static/style.css", "/search?q=from%20tokyo"] {
            assert!(!is_suspect(line(ordinary).as_bytes()), "{ordinary}");
        }
        for hostile in ["/item?id=5%20union%20sElect%201", "/item?id=5%20%55NION", "/item?id=5%27", "/i?id=5%20AND%20SLEEP(5)"] {
            assert!(is_suspect(line(hostile).as_bytes()), "{hostile}");
        }
    }
}
