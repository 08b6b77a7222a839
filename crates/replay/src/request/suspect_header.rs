//! The cheap test of a header's value. Brackets, blanks and signs are ordinary in one (agents, lists of types), quotes and
//! backslashes are not; without these it takes a call, a subquery, or a number with SQL behind it.
//!
//! Not here: the same for all other parts of a request (`suspect`).

use super::hidden::hides_text;
use super::keyword::{keyword_before, keyword_behind};
use super::suspect::{Escape, escape};

/// Whether referer, agent, host, forwarded address, or one of all headers, a line each, can carry an injection.
pub(super) fn is_suspect_headers(headers: [&[u8]; 5]) -> bool {
    let [known @ .., all] = headers;
    known.into_iter().any(is_suspect_header) || is_suspect_text(all) || values(all).any(|value| begins_sql(value) || hides(value))
}

/// Whether a header's value can carry one.
pub(crate) fn is_suspect_header(value: &[u8]) -> bool {
    is_suspect_text(value) || begins_sql(value) || hides(value)
}

/// The values of headers, a line each.
fn values(all: &[u8]) -> impl Iterator<Item = &[u8]> {
    all.split(|&byte| byte == b'\n').filter_map(|line| memchr::memchr(b':', line).map(|at| &line[at + 1..]))
}

/// Whether there is something in a text that ordinary headers do not hold.
fn is_suspect_text(text: &[u8]) -> bool {
    memchr::memchr3_iter(b'\'', b'\\', b'%', text).any(|at| text[at] != b'%' || is_hostile_escape(text, at))
        // `c` is the rarest letter of `select` in agents.
        || memchr::memchr3_iter(b'{', b'c', b'C', text).any(|at| text[at] == b'{' || is_select(text, at))
        || memchr::memchr2_iter(b'"', b'&', text).any(|at| match text[at] {
            b'"' => goes_on(&text[at + 1..]),
            _ => is_entity(&text[at + 1..]),
        })
}

/// Whether an escape is one that addresses in a referer do not hold.
fn is_hostile_escape(text: &[u8], at: usize) -> bool {
    match escape(text, at) {
        Escape::Blank => keyword_behind(&text[at + 3..]) || keyword_before(&text[..at]),
        // Of addresses in addresses.
        Escape::Hostile => !matches!(&text[at + 1..], [b'2', b'6' | b'b' | b'B', ..] | [b'3', b'd' | b'D', ..]),
        Escape::Ordinary | Escape::High => false,
    }
}

/// Whether the `c` there is that of `select`.
fn is_select(text: &[u8], at: usize) -> bool {
    let word = at.checked_sub(4).and_then(|start| text.get(start..start + 6));
    word.is_some_and(|word| word.eq_ignore_ascii_case(b"select"))
}

/// Whether SQL goes on behind a quote that closed a value.
fn goes_on(after: &[u8]) -> bool {
    // Browsers greet with brands such as `"Not A;Brand"`.
    if after.get(..3).is_some_and(|word| word.eq_ignore_ascii_case(b"not")) {
        return false;
    }
    let after = trimmed(after, b")% \t");
    keyword_behind(after) || matches!(after, [b'-' | b'#' | b'|' | b'&' | b'*' | b'<' | b'>' | b'=' | b'^' | b'/', ..])
}

/// Whether an HTML entity stands there, without its `&`.
fn is_entity(after: &[u8]) -> bool {
    let name = after.iter().take(8).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    after.first() == Some(&b'#') || name > 0 && after.get(name) == Some(&b';')
}

/// Whether a value, or SQL at once, stands first and SQL goes on behind it.
fn begins_sql(value: &[u8]) -> bool {
    let value = trimmed(value, b" \t-+");
    let length = value.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_')).count();
    let (word, after) = value.split_at(length);
    let is_number = word.first().is_some_and(u8::is_ascii_digit);
    match after {
        [b'(', ..] => !word.is_empty(),
        [b')' | b'#', ..] | [b'/', b'*', ..] | [b'-', b'-', ..] | [b'|', b'|', ..] => true,
        [b'-' | b'|' | b'&' | b'*' | b'<' | b'>' | b'=' | b';' | b'%', ..] => is_number,
        [b' ' | b'\t' | b'+', ..] => keyword_behind(value) || is_sql(trimmed(after, b" \t+")),
        _ => keyword_behind(value),
    }
}

/// Whether what stands behind a value and a blank is SQL.
fn is_sql(after: &[u8]) -> bool {
    keyword_behind(after) || after.starts_with(b"/*") || after.starts_with(b"--")
}

fn hides(value: &[u8]) -> bool {
    hides_text(trimmed(value, b" \t"))
}

/// A text without these bytes before it.
fn trimmed<'a>(text: &'a [u8], without: &[u8]) -> &'a [u8] {
    let at = text.iter().position(|byte| !without.contains(byte));
    &text[at.unwrap_or(text.len())..]
}

#[cfg(test)]
mod tests {
    use super::{is_suspect_header, is_suspect_headers};

    #[test]
    fn ordinary_headers_pass_by() {
        for value in [
            "-",
            "",
            "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/26.0.1410.64 Safari/537.36",
            "DoCoMo/2.0 F906i(c100;TB;W24H17)",
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 6_1_3 like Mac OS X) Version/6.0 Mobile/10B329",
            "curl/7.88.1",
            "python-requests/2.31.0",
            "Opera/9.80 (X11; Linux x86_64) Presto/2.12.388 Version/12.15",
            "http://shop.example/search?q=%E9%9F%93+or&page=2",
            "https://shop.example/r?to=https%3A%2F%2Fshop.example%2Fa%3Fb%3D1%26c%3D2",
            "https://www.google.com/search?q=wifi%20rental",
            "203.0.113.7, 10.0.0.1",
            "2001:db8::1",
            "shop.example:8080",
        ] {
            assert!(!is_suspect_header(value.as_bytes()), "{value}");
        }
        let all = "Host: shop.example\nAccept: text/html,image/*;q=0.8,*/*;q=0.5\nAccept-Language: en-US,en;q=0.5\nCookie: uid=142\n\
            Sec-CH-UA: \"Chromium\";v=\"118\", \"Not=A?Brand\";v=\"99\"\nIf-None-Match: W/\"5f-1a\"\nCache-Control: max-age=0\n\
            Content-Type: multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW\nContent-Length: 13\nDNT: 1\n\
            If-Modified-Since: Sat, 20 Apr 2013 10:00:00 GMT\nRange: bytes=0-99\nAccept-Encoding: gzip, deflate\n";
        assert!(!is_suspect_headers([b"", b"", b"", b"", all.as_bytes()]));
    }

    #[test]
    fn whatever_can_change_a_statement_is_looked_at() {
        for value in [
            "x' or '1",
            "sleep(5)",
            "-SLEEP(5)",
            r"x\x22",
            "%27",
            "(select 1)",
            "1 and SELECT",
            "5 AND SLEEP(5)",
            "5 or a",
            "-1 union table c",
            "5/**/or/**/1",
            "5)||1",
            "5-0",
            "x\" or \"1",
            "x\")-- -",
            "x\"=1-- -",
            "5&#32;or&#32;1",
            "5%20or%201",
            "NXx8MQ",
            "NSBPUiAx",
        ] {
            assert!(is_suspect_header(value.as_bytes()), "{value}");
            let all = format!("Host: shop.example\nX-Id: {value}\n");
            assert!(is_suspect_headers([b"", b"", b"", b"", all.as_bytes()]), "{value} among all headers");
        }
    }
}
