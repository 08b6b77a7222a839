//! What a server and the program behind it made of a value: percent-encoding and plus first, and where that gives no SQL,
//! whatever else programs decode: once more, `%u0027`, HTML entities, base64, JSON, a filter that cuts words out.
//!
//! Not here: where values stand in a request (`request`), whether a reading is an injection (`context`).

use bstr::ByteSlice;
use encoding_rs::SHIFT_JIS;
use percent_encoding::percent_decode;

/// Readings of a value beside the plain one.
const READINGS_MAX: usize = 24;
/// Encodings in encodings that are undone.
const DEPTH_MAX: usize = 3;
/// Longer values are read plainly alone: servers take requests of 8 KiB by default, and every reading is tried in every context.
const VALUE_BYTES_MAX: usize = 64 << 10;

/// Undoes percent-encoding, and the plus of forms.
pub(crate) fn bytes(value: &[u8], plus_is_blank: bool) -> Vec<u8> {
    let spaced = if plus_is_blank { value.replace("+", " ") } else { value.to_vec() };
    percent_decode(&spaced).collect()
}

/// Text of bytes: UTF-8, or Shift_JIS where it is whole in that, or UTF-8 with marks for what is neither.
pub(crate) fn text(bytes: Vec<u8>) -> String {
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return text,
        Err(error) => error.into_bytes(),
    };
    match SHIFT_JIS.decode_without_bom_handling(&bytes) {
        (text, false) => text.into_owned(),
        _ => String::from_utf8_lossy(&bytes).into_owned(),
    }
}

/// The text with every byte beyond ASCII apart: what a database makes of it that does not know the encoding. The second
/// byte of a character of Shift_JIS may then be a backslash or a letter.
fn byte_by_byte(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| if byte.is_ascii() { byte as char } else { char::REPLACEMENT_CHARACTER }).collect()
}

/// What a program may have made of a value beside its plain reading, likelier first, each once.
pub(crate) fn readings(raw: &[u8], plain: &str) -> Vec<String> {
    if raw.len() > VALUE_BYTES_MAX {
        return Vec::new();
    }
    let mut found: Vec<String> = Vec::new();
    if std::str::from_utf8(raw).is_err() {
        found.push(byte_by_byte(raw));
    }
    let mut from = 0;
    let mut layer = vec![plain.to_owned()];
    for _ in 0..DEPTH_MAX {
        for text in &layer {
            for reading in once(text).into_iter().flatten() {
                if found.len() < READINGS_MAX && reading != plain && !found.contains(&reading) {
                    found.push(reading);
                }
            }
        }
        layer = found[from..].to_vec();
        from = found.len();
    }
    found
}

/// One encoding undone, whichever applies.
fn once(text: &str) -> Vec<Vec<String>> {
    vec![
        percent(text).into_iter().collect(),
        percent_u(text).into_iter().collect(),
        entities(text).into_iter().collect(),
        json(text),
        base64(text).into_iter().collect(),
        without_nul(text).into_iter().collect(),
        filtered(text),
    ]
}

fn percent(text: &str) -> Option<String> {
    let has_escape = text.as_bytes().windows(3).any(|w| w[0] == b'%' && w[1].is_ascii_hexdigit() && w[2].is_ascii_hexdigit());
    has_escape.then(|| self::text(percent_decode(text.as_bytes()).collect()))
}

/// `%u0027`, as IIS and scripts with `unescape` read it.
fn percent_u(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut found) = (text, false);
    while let Some(at) = rest.find("%u").or_else(|| rest.find("%U")) {
        out.push_str(&rest[..at]);
        let digits = rest.get(at + 2..at + 6).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32) {
            Some(c) => {
                found = true;
                // Full-width forms are mapped to their ASCII likes by code pages.
                out.push(if ('\u{ff01}'..='\u{ff5e}').contains(&c) { char::from_u32(c as u32 - 0xfee0).unwrap_or(c) } else { c });
                rest = &rest[at + 6..];
            }
            None => {
                out.push_str(&rest[at..at + 2]);
                rest = &rest[at + 2..];
            }
        }
    }
    out.push_str(rest);
    found.then_some(out)
}

fn entities(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut found) = (text, false);
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let name = rest[at + 1..].split_once(';').map(|(name, _)| name).filter(|name| name.len() <= 10);
        match name.and_then(entity) {
            Some(c) => {
                found = true;
                out.push(c);
                rest = &rest[at + name.map_or(0, str::len) + 2..];
            }
            None => {
                out.push('&');
                rest = &rest[at + 1..];
            }
        }
    }
    out.push_str(rest);
    found.then_some(out)
}

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let hexadecimal = number.strip_prefix(['x', 'X']);
        let code = hexadecimal.map_or_else(|| number.parse().ok(), |digits| u32::from_str_radix(digits, 16).ok());
        return code.and_then(char::from_u32);
    }
    Some(match name {
        "quot" => '"',
        "apos" => '\'',
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "nbsp" => ' ',
        "lpar" => '(',
        "rpar" => ')',
        "comma" => ',',
        _ => return None,
    })
}

/// The texts in a JSON value.
fn json(text: &str) -> Vec<String> {
    if !text.trim_start().starts_with(['{', '[', '"']) {
        return Vec::new();
    }
    serde_json::from_str(text).map(|value| leaves(&value).into_iter().map(|(_, text)| text).collect()).unwrap_or_default()
}

/// Texts and numbers of a JSON value with the names under which they stand (`a.b`; elements of arrays under the array's).
pub(crate) fn leaves(value: &serde_json::Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    // serde_json refuses values nested deeper than 128, so that recursion is bounded.
    gather(value, String::new(), &mut found);
    found
}

fn gather(value: &serde_json::Value, name: String, found: &mut Vec<(String, String)>) {
    match value {
        serde_json::Value::String(text) => found.push((name, text.clone())),
        serde_json::Value::Number(number) => found.push((name, number.to_string())),
        serde_json::Value::Array(list) => list.iter().for_each(|value| gather(value, name.clone(), found)),
        serde_json::Value::Object(members) => members.iter().for_each(|(member, value)| {
            let inner = if name.is_empty() { member.clone() } else { format!("{name}.{member}") };
            gather(value, inner, found);
        }),
        serde_json::Value::Null | serde_json::Value::Bool(_) => {}
    }
}

/// Base64 of text, plain or for URLs, with or without padding. A plus may have come as a blank.
fn base64(text: &str) -> Option<String> {
    let plain: String = text.trim().replace([' ', '-'], "+").replace('_', "/");
    let plain = plain.trim_end_matches('=');
    if plain.len() < 6 {
        return None;
    }
    let decoded = data_encoding::BASE64_NOPAD.decode(plain.as_bytes()).ok();
    // Trailing bits that are not zero come from cut values; the last character then says too little to be kept.
    let decoded =
        decoded.or_else(|| data_encoding::BASE64_NOPAD.decode(&plain.as_bytes()[..plain.len() - plain.len() % 4]).ok())?;
    let text = String::from_utf8(decoded).ok()?;
    text.chars().all(|c| !c.is_control() || c.is_ascii_whitespace()).then_some(text)
}

fn without_nul(text: &str) -> Option<String> {
    text.contains('\0').then(|| text.replace('\0', ""))
}

/// What is left where a filter cuts out comments or keywords: `un/**/ion`, `selselectect`.
fn filtered(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(cut) = without_comments_in_words(text) {
        found.push(cut);
    }
    let lower = text.to_ascii_lowercase();
    for word in ["select", "union", "where", "from", "and", "or"] {
        if let Some(cut) = cut_once(text, &lower, word) {
            found.push(cut);
        }
    }
    // A filter cuts all of its words.
    let all = ["select", "union", "where", "from", "and", "or"].iter().fold(text.to_owned(), |text, word| {
        let lower = text.to_ascii_lowercase();
        cut_once(&text, &lower, word).unwrap_or(text)
    });
    if all != text {
        found.push(all);
    }
    found
}

/// The text without the word wherever it stands, if the word is there again after that.
fn cut_once(text: &str, lower: &str, word: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (at, _) in lower.match_indices(word) {
        out.push_str(&text[from..at]);
        from = at + word.len();
    }
    out.push_str(&text[from..]);
    (from > 0 && out.to_ascii_lowercase().contains(word)).then_some(out)
}

/// Comments between two letters are gone, so that the word is whole.
fn without_comments_in_words(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut found) = (text, false);
    while let Some(at) = rest.find("/*") {
        let Some(end) = rest[at + 2..].find("*/").map(|end| at + 2 + end + 2) else { break };
        let in_word =
            rest[..at].ends_with(|c: char| c.is_ascii_alphabetic()) && rest[end..].starts_with(|c: char| c.is_ascii_alphabetic());
        out.push_str(&rest[..if in_word { at } else { end }]);
        found |= in_word;
        rest = &rest[end..];
    }
    out.push_str(rest);
    found.then_some(out)
}

#[cfg(test)]
mod tests {
    use super::{readings, text};

    fn check(value: &str, expected: &str) {
        let found = readings(value.as_bytes(), value);
        assert!(found.iter().any(|reading| reading == expected), "{value}: {found:?}");
    }

    #[test]
    fn encodings_in_encodings_are_undone() {
        check("1%27 or 1", "1' or 1");
        check("1%2527 or 1", "1' or 1");
        check("1%u0027 or 1", "1' or 1");
        check("1%uff07 or 1", "1' or 1");
        check("1&#39; or &quot;&#x41;", "1' or \"A");
        check("MScgb3IgMT0x", "1' or 1=1");
        check("MScgb3IgMT0x==", "1' or 1=1");
        check("eyJpZCI6IjEnIG9yIDEifQ", "1' or 1");
        check(r#"{"a":{"b":["x","1' or 1"]}}"#, "1' or 1");
        check("MSUyNyBvciAx", "1' or 1");
        check("1 un/**/ion sel/*x*/ect 1", "1 union select 1");
        check("1 ununionion selselectect 1", "1 union select 1");
        check("1 uni\0on", "1 union");
    }

    #[test]
    fn an_ordinary_value_has_no_other_reading() {
        for value in ["5", "abc", "tokyo tower", "韓国", "a&b", "100%", "2013-04-05", "/*", "%u12"] {
            assert_eq!(readings(value.as_bytes(), value), [] as [&str; 0], "{value}");
        }
    }

    #[test]
    fn shift_jis_is_read_as_text_and_byte_by_byte() {
        let bytes = b"\x95\x5c' or 1";
        assert_eq!(text(bytes.to_vec()), "表' or 1");
        assert_eq!(readings(bytes, "表' or 1")[0], "\u{fffd}\\' or 1");
        assert_eq!(text(b"\xff\xfe'".to_vec()), "\u{fffd}\u{fffd}'");
    }

    proptest::proptest! {
        #[test]
        fn any_value_can_be_read(value in "[a-z%u0-9&#;{}\\[\\]\"'*/ é]{0,60}") {
            let _ = readings(value.as_bytes(), &value);
        }
    }
}
