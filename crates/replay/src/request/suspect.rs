//! The cheap test that says whether a request can carry an injection at all, before anything is decoded. It must never say
//! no to an injection; a false yes only costs the parsing of the line.
//!
//! What makes SQL of a value is a sign (a quote, a bracket, an operator, a comment), or a keyword after a blank, or an
//! encoding that may hide either. Ordinary requests have none of them: letters, digits, `/?&=-_.,:;@`, percent-encoded
//! text beyond ASCII, and words between blanks.
//!
//! Not here: headers, which hold brackets and blanks by nature (`suspect_header`); whether there is an injection (`context`);
//! and what the server made of the value (`decode`).

use kintsugi_evidence::Glance;

use super::suspect_header::is_suspect_headers;

/// Whether a request can carry an injection.
pub(crate) fn is_suspect(glance: &Glance<'_>) -> bool {
    is_suspect_request(glance.request)
        || values(glance.query)
        || values(glance.cookie)
        || values(glance.body)
        || is_suspect_headers(glance.headers)
}

/// Whether a request line, or a path, can carry one.
pub(crate) fn is_suspect_request(request: &[u8]) -> bool {
    let seen = match target(request) {
        Some(target) if keyword_before(target) => return true,
        Some(target) => seen(target),
        None => seen(request),
    };
    tells(seen, request) || path_tells(request)
}

/// The target of a request line as nearly all are. A blank follows it.
fn target(request: &[u8]) -> Option<&[u8]> {
    let [b'G', b'E', b'T', b' ', target @ ..] = request else { return None };
    match target.split_last_chunk::<9>() {
        Some((target @ [b'/', ..], b" HTTP/1.1" | b" HTTP/1.0" | b" HTTP/2.0" | b" HTTP/3.0")) => Some(target),
        _ => None,
    }
}

/// What a byte of a request says by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Ordinary,
    /// No ordinary value holds it.
    Hostile,
    /// A blank: what stands around it decides.
    Blank,
    Percent,
    /// A second one makes a comment.
    Dash,
    /// Ends a name; a second one in a value is a comparison.
    Equals,
    /// Ends a value.
    Separator,
}

const SIGNS: [Sign; 256] = signs();

const fn signs() -> [Sign; 256] {
    let mut signs = [Sign::Hostile; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        signs[byte] = match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'~' | b':' | b'@' | b',' | b'$' | 0x80..=0xff => {
                Sign::Ordinary
            }
            b'+' | b' ' => Sign::Blank,
            b'%' => Sign::Percent,
            b'-' => Sign::Dash,
            b'=' => Sign::Equals,
            b'?' | b'&' | b';' => Sign::Separator,
            _ => Sign::Hostile,
        };
        byte += 1;
    }
    signs
}

/// A bit for each sign that alone decides nothing: of an ordinary byte none, of a separator none either, as it says something
/// about values only.
const BITS: [u8; 256] = bits();
const HOSTILE: u8 = 1;
const TELLING: u8 = 2;

const fn bits() -> [u8; 256] {
    let (mut bits, mut byte) = ([0; 256], 0);
    while byte < 256 {
        bits[byte] = match SIGNS[byte] {
            Sign::Ordinary | Sign::Separator => 0,
            Sign::Hostile => HOSTILE,
            Sign::Blank | Sign::Percent | Sign::Dash | Sign::Equals => TELLING,
        };
        byte += 1;
    }
    bits
}

/// Whether a target, a query, cookies or a body can carry an injection.
fn values(text: &[u8]) -> bool {
    tells(seen(text), text)
}

/// What there is in a text: without a decision a byte, as most are done with by that.
fn seen(text: &[u8]) -> u8 {
    text.iter().fold(0, |seen, &byte| seen | BITS[usize::from(byte)])
}

/// Whether a text can carry an injection by what there is in it.
fn tells(seen: u8, text: &[u8]) -> bool {
    seen & HOSTILE != 0 || seen & TELLING != 0 && signs_tell(text)
}

/// Whether a segment of the path of a request line, or of a path, compares something, or may be base64 of text.
fn path_tells(request: &[u8]) -> bool {
    let path = &request[memchr::memchr(b'/', request).unwrap_or(request.len())..];
    let path = &path[..memchr::memchr2(b'?', b' ', path).unwrap_or(path.len())];
    path.split(|&byte| byte == b'/').any(|segment| compares(segment) || hides_text(segment))
}

/// Whether a segment of a path holds a sign of equality that is not that of a parameter behind it (`x;jsessionid=5`).
fn compares(segment: &[u8]) -> bool {
    memchr::memchr2(b'=', b';', segment).is_some_and(|at| segment[at] == b'=')
}

/// Whether a text without hostile bytes can, by what stands around the others.
fn signs_tell(text: &[u8]) -> bool {
    let (mut at, mut value_at, mut high) = (0, None, false);
    loop {
        // Most of a request by far: a loop of its own, without a decision a byte.
        let ordinary = text[at..].iter().take_while(|&&byte| SIGNS[usize::from(byte)] == Sign::Ordinary).count();
        high &= ordinary == 0;
        at += ordinary;
        if at >= text.len() {
            break;
        }
        let mut next_high = false;
        match SIGNS[usize::from(text[at])] {
            Sign::Ordinary => {}
            Sign::Hostile => return true,
            Sign::Blank if keyword_beside(text, at, at + 1) => return true,
            Sign::Blank => {}
            Sign::Dash if text.get(at + 1) == Some(&b'-') => return true,
            Sign::Dash => {}
            Sign::Percent => match escape(text, at, high) {
                Escape::Hostile => return true,
                Escape::Blank if keyword_beside(text, at, at + 3) => return true,
                Escape::High => next_high = true,
                Escape::Blank | Escape::Ordinary => {}
            },
            // Padding of base64 ends a value; any other sign of equality in one compares.
            Sign::Equals if value_at.is_some() && !is_padding(text, at) => return true,
            Sign::Equals => value_at = value_at.or(Some(at + 1)),
            Sign::Separator => {
                if value_at.take().is_some_and(|start| hides_text(&text[start..at])) {
                    return true;
                }
            }
        }
        at += if SIGNS[usize::from(text[at])] == Sign::Percent { 3 } else { 1 };
        high = next_high;
    }
    value_at.is_some_and(|start| hides_text(value_of(&text[start..])))
}

/// A value up to the blank before `HTTP/1.1`.
fn value_of(text: &[u8]) -> &[u8] {
    &text[..memchr::memchr(b' ', text).unwrap_or(text.len())]
}

fn is_padding(text: &[u8], at: usize) -> bool {
    matches!(text.get(at + 1), None | Some(b'&' | b';' | b' ' | b'=')) && at > 0 && text[at - 1] != b'&'
}

pub(super) enum Escape {
    Ordinary,
    Hostile,
    Blank,
    /// Part of a character beyond ASCII.
    High,
}

/// What a percent-encoded byte is; `high` where the one before was part of a character beyond ASCII.
pub(super) fn escape(text: &[u8], at: usize, high: bool) -> Escape {
    let digit = |at: usize| text.get(at).and_then(|byte| (*byte as char).to_digit(16));
    // `%u0027`, or a percent sign that is none: servers differ in what they make of it.
    let (Some(upper), Some(lower)) = (digit(at + 1), digit(at + 2)) else { return Escape::Hostile };
    match (upper * 16 + lower) as u8 {
        b' ' => Escape::Blank,
        // A blank to MySQL where the connection is latin1.
        0xa0 if !high => Escape::Blank,
        // Nothing is encoded so in UTF-8: an overlong quote, perhaps.
        0xc0 | 0xc1 if !high => Escape::Hostile,
        0x80..=0xff => Escape::High,
        b'/' | b':' | b',' | b'@' | b'?' => Escape::Ordinary,
        _ => Escape::Hostile,
    }
}

/// Whether the word before or behind a blank is one of SQL.
pub(super) fn keyword_beside(text: &[u8], start: usize, end: usize) -> bool {
    keyword_behind(&text[end.min(text.len())..]) || keyword_before(&text[..start])
}

/// Whether a text begins with one.
pub(super) fn keyword_behind(text: &[u8]) -> bool {
    let length = text.iter().take(FIRST_LETTERS.len()).take_while(|byte| is_word(byte)).count();
    is_keyword(&text[..length])
}

/// Whether a text ends with one.
pub(super) fn keyword_before(text: &[u8]) -> bool {
    // No keyword ends with a digit, and few with a vowel: most texts are done with.
    if text.last().is_none_or(|last| LAST_LETTERS & letter_bit(*last) == 0) {
        return false;
    }
    let length = text.iter().rev().take(FIRST_LETTERS.len() + 2).take_while(|byte| is_word(byte)).count();
    let word = &text[text.len() - length..];
    // `…&q=select+1`: `%20` in front leaves its digits on the word.
    is_keyword(word) || is_keyword(word.get(2..).unwrap_or_default())
}

fn is_word(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte == b'_'
}

/// Words with which SQL goes on after a value, or begins in place of one.
fn is_keyword(word: &[u8]) -> bool {
    let begins = word.first().is_some_and(|first| FIRST_LETTERS.get(word.len()).is_some_and(|of| of & letter_bit(*first) != 0));
    begins && of_length(word.len()).iter().any(|keyword| word.eq_ignore_ascii_case(keyword.as_bytes()))
}

/// A bit for each letter, whatever its case.
const fn letter_bit(byte: u8) -> u32 {
    if byte.is_ascii_alphabetic() { 1 << (byte.to_ascii_lowercase() - b'a') } else { 0 }
}

/// By length: the first letters of [`WORDS`]. Most words are none by this alone.
const FIRST_LETTERS: [u32; 10] = first_letters();

const fn first_letters() -> [u32; 10] {
    let (mut letters, mut at) = ([0; 10], 0);
    while at < WORDS.len() {
        let word = WORDS[at].as_bytes();
        letters[word.len()] |= letter_bit(word[0]);
        at += 1;
    }
    letters
}

/// The words of this length, which stand together.
fn of_length(length: usize) -> &'static [&'static str] {
    &WORDS[STARTS[length]..STARTS[length + 1]]
}

/// By length: where the words of this length or more begin in [`WORDS`].
const STARTS: [usize; 11] = starts();

const fn starts() -> [usize; 11] {
    let (mut starts, mut at) = ([0; 11], 0);
    while at < WORDS.len() {
        assert!(at == 0 || WORDS[at - 1].len() <= WORDS[at].len(), "words stand in order of length");
        let mut longer = WORDS[at].len() + 1;
        while longer < starts.len() {
            starts[longer] = at + 1;
            longer += 1;
        }
        at += 1;
    }
    starts
}

/// The letters that any of [`WORDS`] ends with.
const LAST_LETTERS: u32 = last_letters();

const fn last_letters() -> u32 {
    let (mut letters, mut at) = (0, 0);
    while at < WORDS.len() {
        let word = WORDS[at].as_bytes();
        letters |= letter_bit(word[word.len() - 1]);
        at += 1;
    }
    letters
}

/// In order of length.
const WORDS: [&str; 58] = [
    "or",
    "as",
    "is",
    "in",
    "on",
    "by",
    "and",
    "xor",
    "not",
    "div",
    "mod",
    "asc",
    "for",
    "set",
    "all",
    "any",
    "case",
    "desc",
    "from",
    "into",
    "join",
    "like",
    "lock",
    "then",
    "when",
    "with",
    "call",
    "exec",
    "cross",
    "fetch",
    "group",
    "ilike",
    "inner",
    "limit",
    "minus",
    "order",
    "rlike",
    "table",
    "union",
    "where",
    "binary",
    "escape",
    "except",
    "exists",
    "having",
    "insert",
    "offset",
    "regexp",
    "select",
    "sounds",
    "update",
    "values",
    "window",
    "between",
    "collate",
    "waitfor",
    "procedure",
    "intersect",
];

/// Bytes of a value that are looked at for what base64 hides.
const HIDDEN_BYTES_MAX: usize = 48;

/// Whether a value may be base64 of text. Tokens and numbers are of noise: control bytes, or no UTF-8.
pub(super) fn hides_text(value: &[u8]) -> bool {
    // No text begins with what these stand for; so do most words.
    if value.len() < 6 || matches!(value[0], b'g'..=b'v') {
        return false;
    }
    let (mut text, mut length) = ([0_u8; HIDDEN_BYTES_MAX], 0);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in value.iter().take(HIDDEN_BYTES_MAX / 3 * 4) {
        let Some(six) = six_bits(*byte) else { break };
        (bits, count) = (bits << 6 | six, count + 6);
        if count >= 8 {
            count -= 8;
            let byte = (bits >> count) as u8;
            if byte < b' ' && !matches!(byte, b'\t'..=b'\r') || byte == 0x7f {
                return false;
            }
            text[length] = byte;
            length += 1;
        }
    }
    let is_text = match std::str::from_utf8(&text[..length]) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    if length < 4 || !is_text {
        return false;
    }
    // Text that hides an injection holds more than letters and digits, or is base64 again.
    let more = text[..length].iter().any(|byte| byte.is_ascii() && !byte.is_ascii_alphanumeric());
    more || hides_text(&text[..length])
}

fn six_bits(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use kintsugi_evidence::Glance;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::{HOSTILE, WORDS, is_suspect, is_suspect_request, keyword_beside, path_tells, signs_tell};

    fn glance(target: &str) -> bool {
        let request = format!("GET {target} HTTP/1.1");
        is_suspect(&Glance {
            at_ms: 0,
            request: request.as_bytes(),
            query: b"",
            cookie: b"uid=142; PHPSESSID=4hd83hvk2l0q9s8d7f6g5h4j3k; lang=ja",
            headers: [b"http://shop.example/search?q=%E9%9F%93+or", b"Mozilla/5.0 (X11; rv:20.0)", b"", b"192.0.2.1", b""],
            body: b"name=%E9%9F%93%E5%9B%BD&mail=a%40example.com&note=ok+thanks",
            raw: b"",
        })
    }

    #[test]
    fn ordinary_requests_pass_by() {
        for target in [
            "/item?id=5",
            "/search?q=%E9%9F%93%E5%9B%BD",
            "/static/style.css?v=20130401",
            "/search?q=tokyo%20tower+view",
            "/a/b-c_d.e?from=2013-04-05&to=2013-05-06&next=%2Fmy",
            "/~user/x;jsessionid=0123456789ABCDEF",
            "/t?token=4hd83hvk2l0q9s8d7f6g5h4j3kAAAA&phone=09012345678",
            "/",
        ] {
            assert!(!glance(target), "{target}");
        }
    }

    #[test]
    fn nothing_that_can_change_a_statement_passes_by() {
        for target in [
            "/item?id=5%20union%20sElect%201",
            "/item?id=5%20%55NION",
            "/item?id=5%27",
            "/i?id=5%20AND%20SLEEP(5)",
            "/i?id=1+or+1",
            "/i?id=1%a0or%a01",
            "/i?id=1%C2%A0or",
            "/i?id=not+1",
            "/i?id=1||1",
            "/i?id=1=1",
            "/i?id=1%3D1",
            "/i?id=5%23",
            "/i?id=5--",
            "/i?id=1%09or%091",
            "/i?id=1%0aor",
            "/i?id=1/**/or/**/1",
            "/i?q=%95%5C",
            "/i?q=%bf%27",
            "/i?q=%c0%a7",
            "/i?q=%2527",
            "/i?q=%u0027",
            "/i?q=%26%2339%3B",
            "/i?q=MScgb3IgMT0x",
            "/i?q=MSBvciAxPTE=",
            "/i?q=NQxTRUxFQ1QMKA",
            "/i?a=1&q=5pelJyBvciAxPTE",
            "/items/5%20or%201",
            "/items/NSBvciAx",
            "/items/dj15dj15",
            "/items/5=1;",
            "/i?q=NXx8MQ",
            "/i?q=TlNCdmNpQXg",
            "/i?id=1;drop+table+x",
            "/i?id=1+table",
            "/i?id[]=1",
        ] {
            assert!(glance(target), "{target}");
        }
    }

    #[test]
    fn headers_and_cookies_are_looked_at() {
        let empty =
            Glance { at_ms: 0, request: b"GET / HTTP/1.1", query: b"", cookie: b"", headers: [b""; 5], body: b"", raw: b"" };
        assert!(!is_suspect(&empty));
        for header in [&b"x' or '1"[..], br"x\x22", b"%27", b"(select 1)", b"1 and SELECT"] {
            assert!(is_suspect(&Glance { headers: [b"", header, b"", b"", b""], ..empty }));
        }
        assert!(is_suspect(&Glance { cookie: b"uid=142 or 1", ..empty }));
        assert!(is_suspect(&Glance { cookie: b"uid=142%27", ..empty }));
        assert!(is_suspect(&Glance { body: b"{\"id\":\"1 or 1\"}", ..empty }));
        assert!(is_suspect(&Glance { query: b"id=1+or+1", ..empty }));
    }

    /// The words around a blank, without any short way.
    fn a_word_is_beside(text: &[u8], start: usize, end: usize) -> bool {
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let behind: Vec<u8> = text[end.min(text.len())..].iter().copied().take_while(is_word).collect();
        let mut before: Vec<u8> = text[..start].iter().rev().copied().take_while(is_word).collect();
        before.reverse();
        let known = |word: &[u8]| WORDS.iter().any(|one| word.eq_ignore_ascii_case(one.as_bytes()));
        known(&behind) || known(&before) || known(before.get(2..).unwrap_or_default())
    }

    proptest! {
        #[test]
        fn short_ways_say_what_the_long_way_says(parts in proptest::collection::vec(prop_oneof![
            3 => select(&WORDS[..]).prop_map(str::to_owned),
            2 => select(&["+", " ", "%20", "%A0", "%C2%A0", "=", "&", "--", "/", "?", "%2F", "5", "_"][..]).prop_map(str::to_owned),
            1 => "[ -~]{0,3}",
        ], 0..8)) {
            let text = format!("/{}", parts.concat());
            for (at, byte) in text.bytes().enumerate() {
                if matches!(byte, b'+' | b' ') {
                    prop_assert_eq!(keyword_beside(text.as_bytes(), at, at + 1), a_word_is_beside(text.as_bytes(), at, at + 1));
                }
            }
            // As it was before there were short ways: the target with the blank behind it, byte by byte.
            let whole = format!("{text} ");
            let hostile = whole.bytes().any(|byte| super::BITS[usize::from(byte)] & HOSTILE != 0);
            let line = format!("GET {text} HTTP/1.1");
            let long_way = hostile || signs_tell(whole.as_bytes()) || path_tells(whole.as_bytes());
            prop_assert_eq!(is_suspect_request(line.as_bytes()), long_way, "{}", text);
        }
    }
}
