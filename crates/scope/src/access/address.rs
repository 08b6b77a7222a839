//! Which record the address of a request names.

use std::borrow::Cow;

use kintsugi_case::{Piece, RequestPattern};

/// A pattern, ready for the lines of a log.
pub(super) struct Address<'a> {
    pattern: &'a RequestPattern,
    /// The longest word that every matching address has, for passing over other lines.
    word: &'a [u8],
}

impl<'a> Address<'a> {
    pub(super) fn new(pattern: &'a RequestPattern) -> Self {
        let texts =
            pattern.path.iter().chain(pattern.query.iter().flat_map(|(_, value)| value)).filter_map(|piece| match piece {
                Piece::Text(text) => Some(text.as_str()),
                Piece::Cell { .. } => None,
            });
        let words = texts.flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric()));
        Self { pattern, word: words.max_by_key(|word| word.len()).unwrap_or_default().as_bytes() }
    }

    /// Whether a raw line may hold such a request. A percent sign may hide the word.
    pub(super) fn may_be_in(&self, line: &[u8]) -> bool {
        memchr::memmem::find(line, self.word).is_some() || memchr::memchr(b'%', line).is_some()
    }

    /// The values of the pattern's cells, in its order, where the address fits.
    pub(super) fn values(&self, method: &[u8], target: &[u8]) -> Option<Vec<String>> {
        if !method.eq_ignore_ascii_case(self.pattern.method.as_bytes()) {
            return None;
        }
        let target = std::str::from_utf8(target).ok()?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut values = Vec::new();
        take(&self.pattern.path, &plain_path(path), &mut values)?;
        for (name, pieces) in &self.pattern.query {
            let sent = query.split('&').filter_map(|part| part.split_once('=')).find(|(sent, _)| decoded(sent, true) == *name)?.1;
            take(pieces, &decoded(sent, true), &mut values)?;
        }
        Some(values)
    }
}

/// The path as the server understood it: decoded, empty segments and single dots gone, the host of a proxy request too.
fn plain_path(path: &str) -> String {
    let path = path.split_once("://").map_or(path, |(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]));
    let decoded = decoded(path, false);
    let segments = decoded.split('/').filter(|segment| !segment.is_empty() && *segment != ".");
    let plain: String = segments.flat_map(|segment| ["/", segment]).collect();
    if decoded.ends_with('/') { format!("{plain}/") } else { plain }
}

fn decoded(text: &str, plus: bool) -> Cow<'_, str> {
    let text: Cow<'_, str> = if plus && text.contains('+') { text.replace('+', " ").into() } else { text.into() };
    match percent_encoding::percent_decode_str(&text).decode_utf8_lossy() {
        Cow::Borrowed(_) => text,
        Cow::Owned(decoded) => decoded.into(),
    }
}

/// Takes the cells' values out of a text: each reaches to the next text of the pattern, and never over a slash.
fn take(pieces: &[Piece], text: &str, values: &mut Vec<String>) -> Option<()> {
    let mut rest = text;
    for (at, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Text(expected) => rest = rest.strip_prefix(expected.as_str())?,
            Piece::Cell { .. } => {
                let end = match pieces.get(at + 1) {
                    Some(Piece::Text(next)) => rest.find(next.as_str())?,
                    _ => rest.len(),
                };
                let value = rest.get(..end).filter(|value| !value.is_empty() && !value.contains('/'))?;
                values.push(value.to_owned());
                rest = &rest[end..];
            }
        }
    }
    rest.is_empty().then_some(())
}

#[cfg(test)]
mod tests {
    use kintsugi_case::RequestPattern;

    use super::Address;

    fn check(pattern: &str, request: &str, expected: Option<&[&str]>) {
        let pattern = RequestPattern::parse(pattern).unwrap();
        let (method, target) = request.split_once(' ').unwrap();
        let address = Address::new(&pattern);
        assert_eq!(
            address.values(method.as_bytes(), target.as_bytes()).as_deref(),
            expected.map(|v| v.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>()).as_deref(),
            "{request}"
        );
        assert!(expected.is_none() || address.may_be_in(target.as_bytes()), "{request}");
    }

    #[test]
    fn an_address_names_its_record_as_the_server_read_it() {
        let json = "GET /api/orders/{orders.id}.json";
        check(json, "GET /api/orders/17.json", Some(&["17"]));
        check(json, "GET /api/orders/17.json?cb=1", Some(&["17"]));
        check(json, "GET /api//%6frders/./%31%37.json", Some(&["17"]));
        check(json, "GET http://shop.example/api/orders/17.json", Some(&["17"]));
        check(json, "HEAD /api/orders/17.json", None);
        check(json, "GET /api/orders/17.jsonp", None);
        check(json, "GET /api/orders/17/lines.json", None);
        check(json, "GET /api/orders/.json", None);
        check("GET /order?no={orders.id}", "GET /order?lang=ja&no=17", Some(&["17"]));
        check("GET /order?no={orders.id}", "GET /order?lang=ja", None);
        check("GET /order?mail={orders.mail}", "GET /order?mail=a%40b.example+x", Some(&["a@b.example x"]));
        check("GET /o/{orders.year}-{orders.no}", "GET /o/2013-5", Some(&["2013", "5"]));
    }
}
