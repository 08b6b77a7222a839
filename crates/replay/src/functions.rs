//! What SQLite must learn to answer as MariaDB, MySQL and PostgreSQL do: string functions of theirs, and the length of
//! a value on a page.

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Result};

type Body = fn(&Context<'_>) -> Result<Value>;

/// Name, number of arguments (-1: any) and body. A function that is not here fails, and its statement is not replayed.
const FUNCTIONS: [(&str, i32, Body); 49] = [
    ("text_len", 1, text_len),
    ("concat", -1, concat),
    ("concat_ws", -1, concat_ws),
    ("convert_text", 1, same),
    ("length", 1, bytes),
    ("octet_length", 1, bytes),
    ("char_length", 1, characters),
    ("character_length", 1, characters),
    ("if", 3, choose),
    ("left", 2, left),
    ("right", 2, right),
    ("mid", 3, mid),
    ("ord", 1, bytes_of_character),
    ("code_point", 1, code_point),
    ("ascii", 1, first_byte),
    ("chr", 1, character),
    ("lcase", 1, lower),
    ("lower", 1, lower),
    ("upper", 1, upper),
    ("concat_present", -1, concat_present),
    ("mid_to_end", 2, mid_to_end),
    ("mysql_char", -1, bytes_of_codes),
    ("mysql_hex", 1, mysql_hex),
    ("mysql_quote", 1, mysql_quote),
    ("pg_quote", 1, pg_quote),
    ("kintsugi_element", -1, xml_element),
    ("kintsugi_json", 1, json),
    ("kintsugi_leaf", 2, xml_leaf),
    ("kintsugi_xml_text", 1, xml_text),
    ("to_base64", 1, to_base64),
    ("reverse", 1, reverse),
    ("repeat", 2, repeat),
    ("space", 1, space),
    ("elt", -1, elt),
    ("greatest", -1, greatest),
    ("least", -1, least),
    ("isnull", 1, is_null),
    ("kintsugi_compare", 2, compare),
    ("kintsugi_like", 3, like),
    ("kintsugi_tie", -1, tie),
    ("kintsugi_instr", 2, instr),
    ("kintsugi_locate", -1, locate),
    ("kintsugi_matches", 3, matches_pattern),
    ("kintsugi_divisor", 1, divisor),
    ("find_in_set", 2, find_in_set),
    ("strcmp", 2, strcmp),
    ("conv", 3, conv),
    ("encode", 2, encode),
    ("convert_to", 2, same),
];

/// Teaches a connection the functions.
pub(crate) fn register(connection: &Connection) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    for (name, arguments, body) in FUNCTIONS {
        connection.create_scalar_function(name, arguments, flags, body)?;
    }
    // Not deterministic: SQLite would call it before it is needed.
    connection.create_scalar_function("kintsugi_fail", 0, FunctionFlags::SQLITE_UTF8, |_| failed("more than one row"))?;
    connection.create_collation("kintsugi_ci", |one, other| folded(one).cmp(&folded(other)))
}

/// Text as MySQL's usual collations compare it: neither case, nor accents, nor blanks at the end.
fn folded(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    let text = text.trim_end_matches(' ');
    if text.is_ascii() {
        return text.to_ascii_uppercase();
    }
    text.nfd().filter(|c| !unicode_normalization::char::is_combining_mark(*c)).flat_map(char::to_uppercase).collect()
}

/// The bytes of a value as the server sends it to the page.
pub(crate) fn text_of(value: ValueRef<'_>) -> Option<Vec<u8>> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string().into_bytes()),
        ValueRef::Real(number) => Some(number.to_string().into_bytes()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(bytes.to_vec()),
    }
}

fn argument(context: &Context<'_>, at: usize) -> Option<Vec<u8>> {
    text_of(context.get_raw(at))
}

fn string(context: &Context<'_>, at: usize) -> Option<String> {
    argument(context, at).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn whole(context: &Context<'_>, at: usize) -> i64 {
    string(context, at).and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

fn length(count: usize) -> Value {
    Value::Integer(i64::try_from(count).unwrap_or(i64::MAX))
}

/// Text where it is text, so that comparisons with columns hold.
fn value(bytes: Vec<u8>) -> Value {
    String::from_utf8(bytes).map_or_else(|error| Value::Blob(error.into_bytes()), Value::Text)
}

fn text_len(context: &Context<'_>) -> Result<Value> {
    let count = match context.get_raw(0) {
        ValueRef::Null => 0,
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
        other => text_of(other).map_or(0, |bytes| bytes.len()),
    };
    Ok(length(count))
}

/// NULL if any piece is NULL (MySQL; SQLite's own leaves NULL out).
fn concat(context: &Context<'_>) -> Result<Value> {
    let mut all = Vec::new();
    for at in 0..context.len() {
        let Some(piece) = argument(context, at) else { return Ok(Value::Null) };
        all.extend(piece);
    }
    Ok(value(all))
}

fn concat_ws(context: &Context<'_>) -> Result<Value> {
    let Some(separator) = argument(context, 0) else { return Ok(Value::Null) };
    let pieces: Vec<_> = (1..context.len()).filter_map(|at| argument(context, at)).collect();
    Ok(value(pieces.join(&separator[..])))
}

fn same(context: &Context<'_>) -> Result<Value> {
    Ok(argument(context, 0).map_or(Value::Null, value))
}

fn bytes(context: &Context<'_>) -> Result<Value> {
    Ok(argument(context, 0).map_or(Value::Null, |bytes| length(bytes.len())))
}

fn characters(context: &Context<'_>) -> Result<Value> {
    Ok(string(context, 0).map_or(Value::Null, |text| length(text.chars().count())))
}

fn choose(context: &Context<'_>) -> Result<Value> {
    let yes = match context.get_raw(0) {
        ValueRef::Null => false,
        _ => whole(context, 0) != 0,
    };
    Ok(argument(context, if yes { 1 } else { 2 }).map_or(Value::Null, value))
}

fn left(context: &Context<'_>) -> Result<Value> {
    let count = usize::try_from(whole(context, 1)).unwrap_or(0);
    Ok(string(context, 0).map_or(Value::Null, |text| Value::Text(text.chars().take(count).collect())))
}

fn right(context: &Context<'_>) -> Result<Value> {
    let count = usize::try_from(whole(context, 1)).unwrap_or(0);
    let tail = |text: String| text.chars().skip(text.chars().count().saturating_sub(count)).collect();
    Ok(string(context, 0).map_or(Value::Null, |text| Value::Text(tail(text))))
}

/// Positions count from 1, from the end where negative; 0 gives nothing.
fn mid(context: &Context<'_>) -> Result<Value> {
    let Some(text) = string(context, 0) else { return Ok(Value::Null) };
    let (from, count) = (whole(context, 1), usize::try_from(whole(context, 2)).unwrap_or(0));
    let characters: Vec<char> = text.chars().collect();
    let start = match from {
        0 => characters.len(),
        1.. => usize::try_from(from - 1).unwrap_or(usize::MAX),
        _ => characters.len().saturating_sub(usize::try_from(-from).unwrap_or(usize::MAX)),
    };
    Ok(Value::Text(characters.into_iter().skip(start).take(count).collect()))
}

fn first_byte(context: &Context<'_>) -> Result<Value> {
    Ok(argument(context, 0).map_or(Value::Null, |bytes| Value::Integer(bytes.first().map_or(0, |byte| i64::from(*byte)))))
}

/// MySQL's ORD: the bytes of the first character as one number.
fn bytes_of_character(context: &Context<'_>) -> Result<Value> {
    let Some(text) = string(context, 0) else { return Ok(Value::Null) };
    let first: String = text.chars().take(1).collect();
    Ok(Value::Integer(first.bytes().fold(0, |number, byte| number << 8 | i64::from(byte))))
}

/// PostgreSQL's ASCII: the code point of the first character, 0 of no character.
fn code_point(context: &Context<'_>) -> Result<Value> {
    let Some(text) = string(context, 0) else { return Ok(Value::Null) };
    Ok(Value::Integer(text.chars().next().map_or(0, |first| i64::from(u32::from(first)))))
}

fn character(context: &Context<'_>) -> Result<Value> {
    let character = u32::try_from(whole(context, 0)).ok().and_then(char::from_u32);
    Ok(character.map_or(Value::Null, |character| Value::Text(character.into())))
}

fn upper(context: &Context<'_>) -> Result<Value> {
    Ok(string(context, 0).map_or(Value::Null, |text| Value::Text(text.to_uppercase())))
}

/// PostgreSQL's and SQLite's CONCAT leaves NULL out.
fn concat_present(context: &Context<'_>) -> Result<Value> {
    Ok(value((0..context.len()).filter_map(|at| argument(context, at)).flatten().collect()))
}

fn mid_to_end(context: &Context<'_>) -> Result<Value> {
    let Some(text) = string(context, 0) else { return Ok(Value::Null) };
    let count = text.chars().count();
    let skip = match whole(context, 1) {
        0 => count,
        from @ 1.. => usize::try_from(from - 1).unwrap_or(usize::MAX),
        from => count.saturating_sub(usize::try_from(-from).unwrap_or(usize::MAX)),
    };
    Ok(Value::Text(text.chars().skip(skip).collect()))
}

/// MySQL's CHAR: the bytes of its numbers, NULL left out.
fn bytes_of_codes(context: &Context<'_>) -> Result<Value> {
    let codes = (0..context.len()).filter(|&at| !matches!(context.get_raw(at), ValueRef::Null));
    let bytes = codes.flat_map(|at| {
        let code = whole(context, at).to_be_bytes();
        let from = code.iter().position(|byte| *byte != 0).unwrap_or(7).max(4);
        code[from..].to_vec()
    });
    Ok(value(bytes.collect()))
}

/// Of a number its hexadecimal form, of a text that of its bytes.
fn mysql_hex(context: &Context<'_>) -> Result<Value> {
    Ok(match context.get_raw(0) {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Text(format!("{number:X}")),
        _ => Value::Text(hex(&argument(context, 0).unwrap_or_default())),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = std::fmt::Write::write_fmt(&mut text, format_args!("{byte:02X}"));
        text
    })
}

fn mysql_quote(context: &Context<'_>) -> Result<Value> {
    let Some(text) = string(context, 0) else { return Ok(Value::Text("NULL".into())) };
    let escaped = text.replace('\\', "\\\\").replace('\'', "\\'").replace('\0', "\\0").replace('\u{1a}', "\\Z");
    Ok(Value::Text(format!("'{escaped}'")))
}

fn pg_quote(context: &Context<'_>) -> Result<Value> {
    let Some(text) = string(context, 0) else { return Ok(Value::Null) };
    let mark = if text.contains('\\') { "E" } else { "" };
    Ok(Value::Text(format!("{mark}'{}'", text.replace('\\', "\\\\").replace('\'', "''"))))
}

/// A value within JSON.
fn json(context: &Context<'_>) -> Result<Value> {
    Ok(Value::Text(match context.get_raw(0) {
        ValueRef::Null => "null".into(),
        ValueRef::Integer(number) => number.to_string(),
        _ => serde_json::Value::String(string(context, 0).unwrap_or_default()).to_string(),
    }))
}

/// Text within XML as PostgreSQL escapes it (`escape_xml`).
fn xml_text(context: &Context<'_>) -> Result<Value> {
    let Some(text) = string(context, 0) else { return Ok(Value::Null) };
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "&#x0d;");
    Ok(Value::Text(escaped))
}

/// A name and what it holds; without anything in it, it is one tag.
fn xml_element(context: &Context<'_>) -> Result<Value> {
    let Some(name) = string(context, 0) else { return Ok(Value::Null) };
    let parts: Vec<Vec<u8>> = (1..context.len()).filter_map(|at| argument(context, at)).collect();
    Ok(if parts.is_empty() { Value::Text(format!("<{name}/>")) } else { enclosed(&name, &parts.concat()) })
}

/// The same of one value, and nothing of NULL.
fn xml_leaf(context: &Context<'_>) -> Result<Value> {
    let (Some(name), Some(inner)) = (string(context, 0), argument(context, 1)) else { return Ok(Value::Null) };
    Ok(enclosed(&name, &inner))
}

fn enclosed(name: &str, inner: &[u8]) -> Value {
    value([format!("<{name}>").as_bytes(), inner, format!("</{name}>").as_bytes()].concat())
}

/// In lines of 76 characters, as MySQL writes it.
fn to_base64(context: &Context<'_>) -> Result<Value> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let Some(bytes) = argument(context, 0) else { return Ok(Value::Null) };
    let mut text = String::new();
    for (at, three) in bytes.chunks(3).enumerate() {
        if at > 0 && at % 19 == 0 {
            text.push('\n');
        }
        let bits = three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        let digit = |place: usize| char::from(DIGITS[(bits >> (18 - 6 * place)) as usize & 63]);
        (0..4).for_each(|place| text.push(if place <= three.len() { digit(place) } else { '=' }));
    }
    Ok(Value::Text(text))
}

fn reverse(context: &Context<'_>) -> Result<Value> {
    Ok(string(context, 0).map_or(Value::Null, |text| Value::Text(text.chars().rev().collect())))
}

/// Bytes that a repetition may make, as the servers' packets are limited too.
const REPEATED_MAX: usize = 1 << 20;

fn repeat(context: &Context<'_>) -> Result<Value> {
    let Some(text) = string(context, 0) else { return Ok(Value::Null) };
    let count = usize::try_from(whole(context, 1)).unwrap_or(0);
    let short = text.len().saturating_mul(count) <= REPEATED_MAX;
    Ok(if short { Value::Text(text.repeat(count)) } else { Value::Null })
}

fn space(context: &Context<'_>) -> Result<Value> {
    let count = usize::try_from(whole(context, 0)).unwrap_or(0);
    Ok(if count <= REPEATED_MAX { Value::Text(" ".repeat(count)) } else { Value::Null })
}

fn elt(context: &Context<'_>) -> Result<Value> {
    let at = usize::try_from(whole(context, 0)).unwrap_or(0);
    let chosen = (1..context.len()).contains(&at).then(|| argument(context, at)).flatten();
    Ok(chosen.map_or(Value::Null, value))
}

fn greatest(context: &Context<'_>) -> Result<Value> {
    extreme(context, std::cmp::Ordering::Greater)
}

fn least(context: &Context<'_>) -> Result<Value> {
    extreme(context, std::cmp::Ordering::Less)
}

fn extreme(context: &Context<'_>, wanted: std::cmp::Ordering) -> Result<Value> {
    let mut best = context.get_raw(0);
    for at in 0..context.len() {
        let other = context.get_raw(at);
        match ordering(other, best) {
            None => return Ok(Value::Null),
            Some(ordering) if ordering == wanted => best = other,
            Some(_) => {}
        }
    }
    best.try_into().map_err(|error| rusqlite::Error::UserFunctionError(Box::new(error)))
}

fn is_null(context: &Context<'_>) -> Result<Value> {
    Ok(Value::Integer(i64::from(matches!(context.get_raw(0), ValueRef::Null))))
}

/// Below, at or above 0, as MySQL compares: text with text by collation, anything with a number as numbers ('12abc' is 12).
fn compare(context: &Context<'_>) -> Result<Value> {
    Ok(ordering(context.get_raw(0), context.get_raw(1)).map_or(Value::Null, |ordering| Value::Integer(ordering as i64)))
}

fn ordering(one: ValueRef<'_>, other: ValueRef<'_>) -> Option<std::cmp::Ordering> {
    match (one, other) {
        (ValueRef::Null, _) | (_, ValueRef::Null) => None,
        (ValueRef::Text(one) | ValueRef::Blob(one), ValueRef::Text(other) | ValueRef::Blob(other)) => {
            Some(folded(&String::from_utf8_lossy(one)).cmp(&folded(&String::from_utf8_lossy(other))))
        }
        (ValueRef::Integer(one), ValueRef::Integer(other)) => Some(one.cmp(&other)),
        (one, other) => figure(one).partial_cmp(&figure(other)),
    }
}

/// The number with which a text begins; bytes in hexadecimal are one number.
fn figure(value: ValueRef<'_>) -> f64 {
    if let ValueRef::Blob(bytes) = value {
        return bytes.iter().fold(0.0, |number, byte| number * 256.0 + f64::from(*byte));
    }
    let text = text_of(value).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let text = text.trim_start();
    let end = text.char_indices().find(|&(at, c)| !(c.is_ascii_digit() || c == '.' || at == 0 && matches!(c, '+' | '-')));
    text[..end.map_or(text.len(), |(at, _)| at)].parse().unwrap_or(0.0)
}

/// `(text, pattern, kind)`: LIKE with the backslash as escape; kind is `exact` or `any case`.
fn like(context: &Context<'_>) -> Result<Value> {
    let (Some(text), Some(pattern)) = (string(context, 0), string(context, 1)) else { return Ok(Value::Null) };
    let any_case = string(context, 2).as_deref() == Some("any case");
    let prepared = |text: String| if any_case { text.to_uppercase() } else { text };
    let (text, pattern): (Vec<char>, Vec<char>) = (prepared(text).chars().collect(), prepared(pattern).chars().collect());
    Ok(Value::Integer(i64::from(matches(&text, &pattern))))
}

/// Greedy with one place to come back to, so that no pattern takes more than text times pattern steps.
fn matches(text: &[char], pattern: &[char]) -> bool {
    let (mut at, mut place, mut back) = (0, 0, None);
    while at < text.len() {
        let escaped = pattern.get(place) == Some(&'\\') && place + 1 < pattern.len();
        let wanted = pattern.get(place + usize::from(escaped));
        match wanted {
            Some('%') if !escaped => {
                back = Some((place + 1, at));
                place += 1;
            }
            Some(c) if !escaped && *c == '_' || *c == text[at] => {
                at += 1;
                place += 1 + usize::from(escaped);
            }
            _ => match back {
                Some((after, from)) => {
                    (place, at) = (after, from + 1);
                    back = Some((after, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[place..].iter().all(|c| *c == '%')
}

/// Keys that ORDER BY compares, as bytes that are the same where it sees no difference.
fn tie(context: &Context<'_>) -> Result<Value> {
    let keys: Vec<Option<Vec<u8>>> = (0..context.len()).map(|at| argument(context, at)).collect();
    Ok(Value::Blob(tied(keys.iter().map(Option::as_deref))))
}

/// Values as ORDER BY may compare them, so that rows which it may not tell apart have the same.
pub(crate) fn tied<'a>(values: impl Iterator<Item = Option<&'a [u8]>>) -> Vec<u8> {
    let mut keys = Vec::new();
    for value in values {
        match value {
            None => keys.push(0),
            Some(bytes) => {
                keys.push(1);
                keys.extend(folded(&String::from_utf8_lossy(bytes)).into_bytes());
            }
        }
        keys.push(0xFF);
    }
    keys
}

/// What a statement's failure on the server begins with, as SQLite reports it.
const FAILED: &str = "the server fails: ";

fn failed(why: &str) -> Result<Value> {
    Err(rusqlite::Error::UserFunctionError(format!("{FAILED}{why}").into()))
}

/// Whether a statement failed as it would on the server, rather than because of something that is not known here.
pub(crate) fn fails_on_the_server(error: &rusqlite::Error) -> bool {
    let text = error.to_string();
    text.contains(FAILED) || text.contains("integer overflow")
}

/// What is divided by (PostgreSQL).
fn divisor(context: &Context<'_>) -> Result<Value> {
    match context.get_raw(0) {
        ValueRef::Integer(0) => failed("division by zero"),
        ValueRef::Real(0.0) => failed("division by zero"),
        other => other.try_into().map_err(|error| rusqlite::Error::UserFunctionError(Box::new(error))),
    }
}

/// `(text, piece)`: where it begins, from 1; 0 where nowhere.
fn instr(context: &Context<'_>) -> Result<Value> {
    Ok(found(string(context, 0), string(context, 1), 1))
}

/// `(piece, text[, from])`
fn locate(context: &Context<'_>) -> Result<Value> {
    let from = if context.len() > 2 { whole(context, 2) } else { 1 };
    Ok(found(string(context, 1), string(context, 0), usize::try_from(from).unwrap_or(0)))
}

fn found(text: Option<String>, piece: Option<String>, from: usize) -> Value {
    let (Some(text), Some(piece)) = (text, piece) else { return Value::Null };
    let (text, piece): (Vec<char>, Vec<char>) = (text.chars().collect(), piece.chars().collect());
    let begins = (from.max(1)..=text.len() + 1).find(|&at| text[at - 1..].starts_with(&piece));
    length(begins.unwrap_or(0))
}

fn find_in_set(context: &Context<'_>) -> Result<Value> {
    let (Some(piece), Some(set)) = (string(context, 0), string(context, 1)) else { return Ok(Value::Null) };
    let at = if set.is_empty() { None } else { set.split(',').position(|one| folded(one) == folded(&piece)) };
    Ok(length(at.map_or(0, |at| at + 1)))
}

fn strcmp(context: &Context<'_>) -> Result<Value> {
    let (Some(one), Some(other)) = (string(context, 0), string(context, 1)) else { return Ok(Value::Null) };
    Ok(Value::Integer(folded(&one).cmp(&folded(&other)) as i64))
}

/// `(number, from base, to base)`
fn conv(context: &Context<'_>) -> Result<Value> {
    let base = |at| u32::try_from(whole(context, at)).ok().filter(|base| (2..=36).contains(base));
    let (Some(digits), Some(from), Some(to)) = (string(context, 0), base(1), base(2)) else { return Ok(Value::Null) };
    let end = digits.find(|c: char| !c.is_digit(from)).unwrap_or(digits.len());
    let (mut number, mut text) = (u64::from_str_radix(&digits[..end], from).unwrap_or(0), Vec::new());
    loop {
        text.extend(char::from_digit((number % u64::from(to)) as u32, to));
        number /= u64::from(to);
        if number == 0 {
            break;
        }
    }
    Ok(Value::Text(text.into_iter().rev().map(|c| c.to_ascii_uppercase()).collect()))
}

/// `(bytes, form)`: hexadecimal or base64.
fn encode(context: &Context<'_>) -> Result<Value> {
    match (argument(context, 0), string(context, 1).as_deref()) {
        (Some(bytes), Some("hex")) => Ok(Value::Text(hex(&bytes).to_lowercase())),
        (Some(_), Some("base64")) => to_base64(context),
        _ => Ok(Value::Null),
    }
}

/// Patterns that are kept compiled.
const PATTERNS_KEPT_MAX: usize = 256;

thread_local! {
    static PATTERNS: std::cell::RefCell<std::collections::HashMap<String, Option<regex::Regex>>> = std::cell::RefCell::default();
}

/// `(text, pattern, any case)`: a regular expression. One that cannot be read, or grows too large, matches neither way: the
/// intruder wrote it, and one of theirs must not end the work on all others.
fn matches_pattern(context: &Context<'_>) -> Result<Value> {
    let (Some(text), Some(pattern)) = (string(context, 0), string(context, 1)) else { return Ok(Value::Null) };
    let any_case = whole(context, 2) != 0;
    let said = PATTERNS.with_borrow_mut(|known| {
        if known.len() >= PATTERNS_KEPT_MAX {
            known.clear();
        }
        let key = format!("{}{pattern}", u8::from(any_case));
        let compiled = known.entry(key).or_insert_with(|| {
            let built = regex::RegexBuilder::new(&pattern).case_insensitive(any_case).size_limit(1 << 20).build();
            built.ok()
        });
        compiled.as_ref().map(|pattern| pattern.is_match(&text))
    });
    match said {
        Some(yes) => Ok(Value::Integer(i64::from(yes))),
        None => Ok(Value::Null),
    }
}

fn lower(context: &Context<'_>) -> Result<Value> {
    Ok(string(context, 0).map_or(Value::Null, |text| Value::Text(text.to_lowercase())))
}

#[cfg(test)]
mod tests {
    fn check(sql: &str, expected: &str) {
        let connection = rusqlite::Connection::open_in_memory().expect("memory");
        super::register(&connection).expect("functions");
        let found = connection.query_row(&format!("SELECT {sql}"), [], |row| Ok(super::text_of(row.get_ref(0)?)));
        let text = found.expect("a value").map_or("NULL".into(), |bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert_eq!(text, expected, "{sql}");
    }

    #[test]
    fn strings_are_those_of_the_server() {
        check("CONCAT('a', 1, NULL)", "NULL");
        // As PostgreSQL 15 writes them.
        check("kintsugi_json('a\"b') || kintsugi_json(5) || kintsugi_json(NULL)", "\"a\\\"b\"5null");
        check("kintsugi_element('r', kintsugi_xml_text('a&<>\"''b'))", "<r>a&amp;&lt;&gt;\"'b</r>");
        check("kintsugi_element('r', '') || kintsugi_element('r', NULL)", "<r></r><r/>");
        check("concat_present(kintsugi_leaf('x', 'a'), kintsugi_leaf('y', NULL), kintsugi_leaf('z', 3))", "<x>a</x><z>3</z>");
        check("CONCAT('a', 1, 'é')", "a1é");
        check("CONCAT_WS('-', 'a', NULL, 2)", "a-2");
        check("IFNULL(CAST(NULL AS CHAR), ' ')", " ");
        check("LENGTH('é')", "2");
        check("CHAR_LENGTH('é')", "1");
        check("MID('abcdef', 2, 3)", "bcd");
        check("MID('abcdef', -2, 3)", "ef");
        check("IF(1>2, 'a', 'b')", "b");
        check("ORD('a')", "97");
        check("ORD('é')", "50089");
        check("CODE_POINT('é')", "233");
        check("CODE_POINT('')", "0");
        check("text_len('日本')", "6");
        check("text_len(NULL)", "0");
        check("CHAR(65, 66)", "AB");
        check("REPEAT('é', 3)", "ééé");
        check("REPEAT('x', 99999999)", "NULL");
        check("REVERSE('aé')", "éa");
        check("ELT(2, 'a', 'b')", "b");
        check("ELT(3, 'a', 'b')", "NULL");
        check("kintsugi_instr('abcb', 'b')", "2");
        check("kintsugi_locate('b', 'abcb', 3)", "4");
        check("kintsugi_locate('', 'abc')", "1");
        check("FIND_IN_SET('B', 'a,b')", "2");
        check("FIND_IN_SET('', 'a,b')", "0");
        check("STRCMP('a', 'B')", "-1");
        check("CONV('3f', 16, 10)", "63");
        check("kintsugi_matches('4111', '^4[01]', 0)", "1");
        check("ENCODE('Aé', 'hex')", "41c3a9");
    }
}
