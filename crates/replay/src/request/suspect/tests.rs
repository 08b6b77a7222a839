//! What passes by, what is looked at, and the short way against the long one.

use kintsugi_evidence::Glance;
use proptest::prelude::*;
use proptest::sample::select;

use super::{Escape, SIGNS, Sign, escape, is_padding, is_suspect, is_suspect_request, value_of, values};
use crate::request::hidden::hides_text;
use crate::request::keyword::{WORDS, keyword_beside};

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
    let empty = Glance { at_ms: 0, request: b"GET / HTTP/1.1", query: b"", cookie: b"", headers: [b""; 5], body: b"", raw: b"" };
    assert!(!is_suspect(&empty));
    for header in [&b"x' or '1"[..], br"x\x22", b"%27", b"(select 1)", b"1 and SELECT"] {
        assert!(is_suspect(&Glance { headers: [b"", header, b"", b"", b""], ..empty }));
    }
    assert!(is_suspect(&Glance { cookie: b"uid=142 or 1", ..empty }));
    assert!(is_suspect(&Glance { cookie: b"uid=142%27", ..empty }));
    assert!(is_suspect(&Glance { body: b"{\"id\":\"1 or 1\"}", ..empty }));
    assert!(is_suspect(&Glance { query: b"id=1+or+1", ..empty }));
}

/// The same without any short way: hostile bytes first, then byte by byte, then each segment of the path.
fn long_way(text: &[u8], has_path: bool) -> bool {
    let path = has_path.then(|| &text[text.iter().position(|&byte| byte == b'/').unwrap_or(text.len())..]);
    text.iter().any(|&byte| SIGNS[usize::from(byte)] == Sign::Hostile) || signs_tell(text) || path.is_some_and(path_tells)
}

fn signs_tell(text: &[u8]) -> bool {
    let mut value_at = None;
    for (at, &byte) in text.iter().enumerate() {
        let tells = match SIGNS[usize::from(byte)] {
            Sign::Ordinary | Sign::Slash => false,
            Sign::Hostile => true,
            Sign::Blank => keyword_beside(text, at, at + 1),
            Sign::Dash => text.get(at + 1) == Some(&b'-'),
            Sign::Percent => match escape(text, at) {
                Escape::Hostile => true,
                Escape::Blank => keyword_beside(text, at, at + 3),
                Escape::High | Escape::Ordinary => false,
            },
            Sign::Equals if value_at.is_some() => !is_padding(text, at),
            Sign::Equals => {
                value_at = Some(at + 1);
                false
            }
            Sign::Separator => value_at.take().is_some_and(|start| hides_text(&text[start..at])),
        };
        if tells {
            return true;
        }
    }
    value_at.is_some_and(|start| hides_text(value_of(&text[start..])))
}

fn path_tells(path: &[u8]) -> bool {
    let path = path.split(|byte| matches!(byte, b'?' | b' ')).next().unwrap_or_default();
    let compares = |segment: &[u8]| segment.iter().find(|byte| matches!(byte, b'=' | b';')) == Some(&b'=');
    path.split(|&byte| byte == b'/').any(|segment| compares(segment) || hides_text(segment))
}

fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        3 => select(&WORDS[..]).prop_map(str::to_owned),
        2 => select(&["+", " ", "%20", "%A0", "%C2%A0", "%C0", "=", "==", ";", "&", "--", "/", "?", "%2F", "5", "_", "日"][..]).prop_map(str::to_owned),
        1 => "[A-Za-z0-9]{6,12}",
        1 => "[ -~]{0,3}",
    ];
    // Longer than the blocks that are looked at, too.
    proptest::collection::vec(part, 0..30).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn the_short_way_says_what_the_long_way_says(text in text()) {
        prop_assert_eq!(values(text.as_bytes()), long_way(text.as_bytes(), false), "{}", text);
        prop_assert_eq!(is_suspect_request(text.as_bytes()), long_way(text.as_bytes(), true), "{}", text);
        for method in ["GET", "POST", "PUT"] {
            let line = format!("{method} /{text} HTTP/1.1");
            prop_assert_eq!(is_suspect_request(line.as_bytes()), long_way(line.as_bytes(), true), "{}", line);
        }
    }
}
