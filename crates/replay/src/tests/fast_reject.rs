//! The fast reject against the full look: whatever the full look finds an injection in, the fast reject must let through. Over
//! statements that parse, made of a small grammar: what is asked, how it breaks out of the page's SQL, how it evades a filter,
//! how it is encoded, and by which part of a request it enters.
//!
//! Random bytes are no use here: a text such as `5SELECTunion` looks like SQL to the full look, and asks for nothing.

use std::fmt::Write as _;

use data_encoding::{BASE64, BASE64URL_NOPAD};
use kintsugi_case::{EndpointSpec, ParameterPlace, Shows};
use kintsugi_evidence::Glance;
use proptest::prelude::*;
use proptest::sample::select;

use crate::context::Endpoints;
use crate::dialect::Dialect;
use crate::request::{Carried, Request, is_suspect};

/// The SQL of pages: numbers, names, searches, lists, orders and limits.
const PAGES: [&str; 8] = [
    "SELECT a,b FROM t WHERE id={p}",
    "SELECT a,b FROM t WHERE n='{p}'",
    "SELECT a,b FROM t WHERE n=\"{p}\"",
    "SELECT a,b FROM t WHERE (id={p}) AND c=1",
    "SELECT a,b FROM t WHERE n LIKE '%{p}%'",
    "SELECT a,b FROM t WHERE id IN ({p})",
    "SELECT a,b FROM t ORDER BY {p}",
    "SELECT a,b FROM t LIMIT {p}",
];

/// What stands before the intruder's own SQL: an ordinary value, and what closes the page's quotes and brackets.
const OPENINGS: [&str; 12] = ["5", "-1", "", "1e0", "5'", "'", "x\"", "5)", "x')", "x%'", "x%')", "5))"];

/// What they ask: rows, one answer, a wait, a message, another statement.
const ASKED: [&str; 40] = [
    " UNION SELECT a,b FROM c",
    " UNION ALL SELECT NULL,b FROM c WHERE d=1",
    " UNION DISTINCT (SELECT a,b FROM c)",
    " UNION SELECT 1,2",
    " UNION TABLE c",
    " UNION VALUES(1,2)",
    " EXCEPT SELECT a,b FROM c",
    " INTERSECT SELECT a,b FROM c",
    " AND 1=1",
    " AND 1",
    " OR 1",
    " OR a",
    " OR NOT 1",
    " XOR 1",
    " OR a IS NULL",
    " OR a IN (1,2)",
    " OR a LIKE 0x61",
    " AND a BETWEEN 1 AND 2",
    " AND a REGEXP b",
    " DIV 1",
    " MOD 2",
    "-(SELECT a FROM c)",
    "*1",
    "||1",
    "&&1",
    "=1",
    "<2",
    " AND EXISTS(SELECT a FROM c)",
    " AND (SELECT ASCII(SUBSTRING(a,1,1)) FROM c LIMIT 0,1)>64",
    " AND CASE WHEN (SELECT a FROM c)=1 THEN 1 ELSE 0 END",
    " AND SLEEP(5)",
    " OR IF(1,SLEEP(5),0)",
    "-SLEEP(5)",
    " AND EXTRACTVALUE(1,CONCAT(0x7e,(SELECT a FROM c)))",
    " AND 1=CAST((SELECT a FROM c) AS INT)",
    " ORDER BY 3",
    " GROUP BY a",
    " LIMIT 1",
    ";SELECT a FROM c",
    " HAVING 1",
];

/// What stands behind: nothing, a comment to the end, or what fits the page's own quotes and brackets.
const ENDINGS: [&str; 11] = ["", "-- -", "-- ", "--", "#", "/*", ";", " OR '1", " OR 'x' LIKE '%", " AND (1", " OR \"1"];

/// What stands for a blank.
const BLANKS: [&str; 10] = [" ", " ", "\t", "\n", "\r\n", "\x0b", "\x0c", "/**/", "/*x*/", "  "];

/// How words are written.
#[derive(Clone, Copy, Debug)]
enum Case {
    Upper,
    Lower,
    Mixed,
    /// `/*!50000UNION*/`
    Versioned,
}

/// How a value is encoded, innermost first.
#[derive(Clone, Copy, Debug)]
enum Encoding {
    /// As it stands.
    Not,
    Percent,
    PercentU,
    Entities,
    Base64,
    Base64ForUrls,
    Json,
}

/// By which part of a request a value enters.
#[derive(Clone, Copy, Debug)]
enum Entry {
    Query,
    /// In the third parameter.
    LateQuery,
    Path,
    Cookie,
    Referer,
    Agent,
    Forwarded,
    Form,
    JsonBody,
    Multipart,
}

/// A request.
#[derive(Debug, Default)]
struct Sent {
    target: Vec<u8>,
    cookie: Vec<u8>,
    referer: Vec<u8>,
    agent: Vec<u8>,
    forwarded: Vec<u8>,
    body: Vec<u8>,
    headers: Vec<u8>,
}

/// A page, and the server that runs it. Elsewhere than in MySQL, double quotes hold a name: whatever stands in them is SQL, and
/// none of it is an injection.
fn pages() -> impl Strategy<Value = (&'static str, Dialect)> {
    let dialects = select(&[Dialect::MySql, Dialect::PostgreSql, Dialect::Sqlite][..]);
    (select(&PAGES[..]), dialects).prop_map(|(page, dialect)| (page, if page.contains('"') { Dialect::MySql } else { dialect }))
}

fn statement() -> impl Strategy<Value = String> {
    let case = select(&[Case::Upper, Case::Lower, Case::Mixed, Case::Versioned][..]);
    (select(&OPENINGS[..]), select(&ASKED[..]), select(&ENDINGS[..]), select(&BLANKS[..]), case)
        .prop_map(|(opening, asked, ending, blank, case)| opening.to_owned() + &evaded(&format!("{asked}{ending}"), blank, case))
}

/// A statement with other blanks and other letters.
fn evaded(sql: &str, blank: &str, case: Case) -> String {
    let lettered = match case {
        Case::Upper => sql.to_owned(),
        Case::Lower => sql.to_ascii_lowercase(),
        Case::Mixed => {
            sql.char_indices().map(|(at, c)| if at % 2 == 0 { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() }).collect()
        }
        Case::Versioned => ["UNION", "SELECT", "AND", "OR"]
            .iter()
            .fold(sql.to_owned(), |sql, word| sql.replacen(&format!(" {word} "), &format!(" /*!50000{word}*/ "), 1)),
    };
    // Behind `--` stands a blank that no comment replaces.
    match lettered.split_once("-- ") {
        Some((before, after)) => before.replace(' ', blank) + "-- " + after,
        None => lettered.replace(' ', blank),
    }
}

fn encoded(value: &str, encoding: Encoding) -> String {
    let each = |write: fn(&mut String, char)| {
        value.chars().fold(String::new(), |mut text, c| {
            if c.is_ascii_alphanumeric() {
                text.push(c)
            } else {
                write(&mut text, c)
            }
            text
        })
    };
    match encoding {
        Encoding::Not => value.to_owned(),
        Encoding::Percent => each(|text, c| {
            let _ = write!(text, "%{:02X}", c as u32);
        }),
        Encoding::PercentU => each(|text, c| {
            let _ = write!(text, "%u{:04x}", c as u32);
        }),
        Encoding::Entities => each(|text, c| {
            let _ = write!(text, "&#{};", c as u32);
        }),
        Encoding::Base64 => BASE64.encode(value.as_bytes()),
        Encoding::Base64ForUrls => BASE64URL_NOPAD.encode(value.as_bytes()),
        Encoding::Json => serde_json::json!({ "id": value }).to_string(),
    }
}

/// Puts a value into a request as programs do: `thrifty` encodes what must be alone, with `+` for blanks.
fn sent(value: &str, entry: Entry, thrifty: bool) -> Sent {
    let coded = |bare: &[u8], plus: bool| {
        value.bytes().fold(String::new(), |mut text, byte| {
            match byte {
                b' ' if plus && thrifty => text.push('+'),
                _ if byte.is_ascii_alphanumeric() || thrifty && bare.contains(&byte) => text.push(byte as char),
                _ => {
                    let _ = write!(text, "%{byte:02X}");
                }
            }
            text
        })
    };
    let query = coded(b"-._~'()*!/,:@;|=<>", true);
    let raw = || value.bytes().map(|byte| if byte.is_ascii_control() && byte != b'\t' { b' ' } else { byte }).collect();
    let plain = || b"/item".to_vec();
    match entry {
        Entry::Query => Sent { target: format!("/item?id={query}").into(), ..Sent::default() },
        Entry::LateQuery => Sent { target: format!("/item?a=1&b=x&id={query}&z=2").into(), ..Sent::default() },
        Entry::Path => Sent { target: format!("/item/{}", coded(b"-._~'()*!,:@;|=<>+", false)).into(), ..Sent::default() },
        Entry::Cookie => {
            Sent { target: plain(), cookie: format!("a=1; id={}", coded(b"-._~'()*!/: +|=<>", false)).into(), ..Sent::default() }
        }
        Entry::Referer => Sent { target: plain(), referer: raw(), ..Sent::default() },
        Entry::Agent => Sent { target: plain(), agent: raw(), ..Sent::default() },
        Entry::Forwarded => Sent { target: plain(), forwarded: raw(), ..Sent::default() },
        Entry::Form => Sent { target: plain(), body: format!("a=1&id={query}").into(), ..Sent::default() },
        Entry::JsonBody => {
            Sent { target: plain(), body: serde_json::json!({ "a": 1, "id": value }).to_string().into(), ..Sent::default() }
        }
        Entry::Multipart => Sent {
            target: plain(),
            body: format!("--b0\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\n{value}\r\n--b0--\r\n").into(),
            headers: b"Content-Type: multipart/form-data; boundary=b0\n".to_vec(),
            ..Sent::default()
        },
    }
}

/// The endpoint that such a request reaches.
fn endpoint(page: &str, entry: Entry) -> EndpointSpec {
    let (place, parameter) = match entry {
        Entry::Query | Entry::LateQuery => (ParameterPlace::Query, "id"),
        Entry::Path => (ParameterPlace::Path, "id"),
        Entry::Cookie => (ParameterPlace::Cookie, "id"),
        Entry::Referer => (ParameterPlace::Header, "referer"),
        Entry::Agent => (ParameterPlace::Header, "user-agent"),
        Entry::Forwarded => (ParameterPlace::Header, "x-forwarded-for"),
        Entry::Form | Entry::Multipart => (ParameterPlace::Form, "id"),
        Entry::JsonBody => (ParameterPlace::Json, "id"),
    };
    let path = if place == ParameterPlace::Path { "/item/<id>" } else { "/item" };
    EndpointSpec {
        method: "GET".into(),
        path: path.into(),
        parameter: parameter.into(),
        place,
        sql: page.into(),
        shows: Shows::Rows,
        errors: false,
    }
}

/// Whether the full look finds an injection that reads as SQL, with the page's SQL written down or inferred.
fn is_found(sent: &Sent, specs: &[EndpointSpec], dialect: Dialect) -> bool {
    let Sent { target, cookie, referer, agent, forwarded, body, headers } = sent;
    let carried = Carried { client: b"", target, cookie, agent, referer, forwarded, headers, body };
    let injections = Endpoints::new(specs, dialect).injections("GET", &Request::of(&carried));
    injections.iter().any(|found| found.template.as_ref().is_ok_and(|read| crate::rows::parses(&read.sql, dialect)))
}

fn is_let_through(sent: &Sent) -> bool {
    let line = [b"GET ", &sent.target[..], b" HTTP/1.1"].concat();
    let headers = [&sent.referer[..], &sent.agent, b"", &sent.forwarded, &sent.headers];
    is_suspect(&Glance { at_ms: 0, request: &line, query: b"", cookie: &sent.cookie, headers, body: &sent.body, raw: b"" })
}

fn entries() -> impl Strategy<Value = Entry> {
    use Entry::{Agent, Cookie, Form, Forwarded, JsonBody, LateQuery, Multipart, Path, Query, Referer};
    select(&[Query, LateQuery, Path, Cookie, Referer, Agent, Forwarded, Form, JsonBody, Multipart][..])
}

fn encodings() -> impl Strategy<Value = Vec<Encoding>> {
    use Encoding::{Base64, Base64ForUrls, Entities, Json, Not, Percent, PercentU};
    let one = select(&[Not, Percent, PercentU, Entities, Base64, Base64ForUrls, Json][..]);
    proptest::collection::vec(one, 0..3)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]
    #[test]
    fn no_statement_is_rejected_before_it_is_looked_at(
        statement in statement(),
        encodings in encodings(),
        entry in entries(),
        (page, dialect) in pages(),
        thrifty: bool,
        is_written: bool,
    ) {
        let value = encodings.iter().fold(statement.clone(), |value, encoding| encoded(&value, *encoding));
        let sent = sent(&value, entry, thrifty);
        let specs = if is_written { vec![endpoint(page, entry)] } else { Vec::new() };
        prop_assert!(is_let_through(&sent) || !is_found(&sent, &specs, dialect), "{} by {}", statement, String::from_utf8_lossy(&sent.target));
    }
}
