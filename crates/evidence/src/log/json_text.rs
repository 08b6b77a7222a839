//! JSON text walked without building it: the members of an object where they lie, nested values passed over by counting
//! brackets, so that depth costs nothing. Broken JSON ends the walk; what was seen before it stands.
//!
//! Not here: what members mean (`json_access`, `modsecurity_json`).

/// A value where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// Between the quotes, escapes not undone.
    Text(&'a [u8]),
    /// A number, `true`, `false` or `null`.
    Bare(&'a [u8]),
    /// All of it with its braces.
    Object(&'a [u8]),
    /// All of it with its brackets.
    Array(&'a [u8]),
}

impl<'a> Value<'a> {
    /// What a text or a number says; empty for anything else.
    pub(super) fn text(self) -> &'a [u8] {
        match self {
            Self::Text(text) => text,
            Self::Bare(b"null" | b"true" | b"false") | Self::Object(_) | Self::Array(_) => b"",
            Self::Bare(text) => text,
        }
    }

    /// The text, or the first text of an array (as header values are kept).
    pub(super) fn first(self) -> &'a [u8] {
        match self {
            Self::Array(array) => elements(array).next().map_or(b"", Self::text),
            other => other.text(),
        }
    }
}

/// The members of the object that the text begins with.
pub(super) fn members(text: &[u8]) -> Members<'_> {
    let text = text.trim_ascii_start();
    Members { rest: text.strip_prefix(b"{"), end: None }
}

/// The elements of the array that the text begins with.
pub(super) fn elements(text: &[u8]) -> impl Iterator<Item = Value<'_>> {
    let mut rest = text.trim_ascii_start().strip_prefix(b"[");
    std::iter::from_fn(move || {
        let (value, after) = value(rest?.trim_ascii_start())?;
        rest = after.trim_ascii_start().strip_prefix(b",");
        Some(value)
    })
}

/// Walks over members; see [`members`].
pub(super) struct Members<'a> {
    rest: Option<&'a [u8]>,
    end: Option<&'a [u8]>,
}

impl<'a> Members<'a> {
    /// Whether the object was whole: what follows its closing brace, once all members were seen.
    pub(super) fn after(&self) -> Option<&'a [u8]> {
        self.end
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a [u8], Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest.take()?.trim_ascii_start();
        if let Some(after) = rest.strip_prefix(b"}") {
            self.end = Some(after);
            return None;
        }
        let (key, after) = string(rest)?;
        let (value, after) = value(after.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start())?;
        match after.trim_ascii_start() {
            [b',', after @ ..] => self.rest = Some(after),
            [b'}', after @ ..] => self.end = Some(after),
            _ => {}
        }
        Some((key, value))
    }
}

fn value(text: &[u8]) -> Option<(Value<'_>, &[u8])> {
    match text.first()? {
        b'"' => string(text).map(|(text, after)| (Value::Text(text), after)),
        b'{' => nested(text).map(|(text, after)| (Value::Object(text), after)),
        b'[' => nested(text).map(|(text, after)| (Value::Array(text), after)),
        _ => {
            let end = text.iter().position(|byte| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace())?;
            (end > 0).then(|| (Value::Bare(&text[..end]), &text[end..]))
        }
    }
}

/// Between the quotes, and what follows the closing one.
fn string(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let inside = text.strip_prefix(b"\"")?;
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', inside.get(at..)?)?;
        if inside[at] == b'"' {
            return Some((&inside[..at], &inside[at + 1..]));
        }
        at += 2;
    }
}

/// An object or an array to its closing sign, and what follows.
fn nested(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (mut at, mut depth) = (0, 0_usize);
    loop {
        match text.get(at)? {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b'"' => {
                let (inside, _) = string(&text[at..])?;
                at += inside.len() + 1;
            }
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(text.split_at(at));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Value, elements, members};

    fn seen(text: &str) -> String {
        let mut walk = members(text.as_bytes());
        let all: Vec<_> = walk.by_ref().map(|(key, value)| format!("{}={}", key.escape_ascii(), shown(value))).collect();
        format!("{} {}", all.join(" "), walk.after().map_or("cut".to_owned(), |after| format!("[{}]", after.escape_ascii())))
    }

    fn shown(value: Value<'_>) -> String {
        match value {
            Value::Text(text) => format!("'{}'", text.escape_ascii()),
            Value::Bare(text) | Value::Object(text) | Value::Array(text) => text.escape_ascii().to_string(),
        }
    }

    #[test]
    fn members_are_seen_where_they_lie() {
        assert_eq!(seen(r#" { "a" : "b\"c" , "d":-1.5e3,"e":null } x"#), r#"a='b\\\"c' d=-1.5e3 e=null [ x]"#);
        assert_eq!(seen(r#"{"a":{"b":["}",{}]},"c":[]}"#), r#"a={\"b\":[\"}\",{}]} c=[] []"#);
        assert_eq!(seen("{}"), " []");
    }

    #[test]
    fn broken_json_ends_the_walk() {
        for (text, expected) in
            [("", " cut"), ("x", " cut"), (r#"{"a":1,"b":"x"#, "a=1 cut"), (r#"{"a":1 "b":2}"#, "a=1 cut"), (r#"{"a"}"#, " cut")]
        {
            assert_eq!(seen(text), expected, "{text}");
        }
        let deep = format!("{{\"a\":{}", "[".repeat(1 << 20));
        assert_eq!(seen(&deep), " cut");
    }

    #[test]
    fn elements_come_in_order() {
        let found: Vec<_> = elements(br#"["a", 2 ,["b"],{}]"#).map(shown).collect();
        assert_eq!(found, ["'a'", "2", r#"[\"b\"]"#, "{}"]);
        assert_eq!(Value::Array(br#"["first","second"]"#).first(), b"first");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(text in r#"[\[\]{}",:\\a1 ]{0,80}"#) {
            let _ = seen(&text);
            let _ = elements(text.as_bytes()).count();
        }
    }
}
