//! How large a page with an error message is: bytes = page + message, after the page's escaping. The page around the message
//! is a constant of endpoint, status and channel that nobody wrote down, and neither is where the server cuts nor what the
//! page escapes: the reading under which most statements, with messages of different lengths, leave the same constant is
//! taken. Where several readings do equally well, what arrived is what arrived under all of them.

use std::collections::{BTreeMap, HashMap};

use super::channel::{Channel, Cut, Shown};

/// What a page does to the signs of HTML or JSON in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Escaping {
    None,
    /// `&`, `<`, `>`.
    Brackets,
    /// Likewise, and `"`.
    Double,
    /// Likewise, and `'` as `&#039;` or `&#x27;`.
    BothLong,
    /// Likewise, `'` as `&#39;` and `"` as `&#34;`.
    BothShort,
    /// A JSON string.
    Json,
    /// A JSON string in ASCII alone.
    JsonAscii,
}

const ESCAPINGS: [Escaping; 7] = [
    Escaping::None,
    Escaping::Brackets,
    Escaping::Double,
    Escaping::BothLong,
    Escaping::BothShort,
    Escaping::Json,
    Escaping::JsonAscii,
];

/// Where a message may be seen.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) endpoint: usize,
    pub(super) status: u16,
    /// The channel, by a number of the caller's.
    pub(super) channel: usize,
}

/// A statement's text with the page that it led to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sized<'a> {
    pub(super) channel: &'a Channel,
    pub(super) text: &'a str,
    pub(super) bytes: u64,
}

/// How messages of one place are to be read.
#[derive(Clone, Debug)]
struct Reading {
    cut: Cut,
    escaping: Escaping,
    /// The page without the message, bytes.
    page: i64,
}

/// The readings that were found.
#[derive(Debug, Default)]
pub(super) struct Pages {
    readings: HashMap<Place, Vec<Reading>>,
}

/// What a page shows, as far as its size tells.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    /// The size that it must have, bytes.
    pub(super) predicted: u64,
    /// Characters of the text: from the first to before the last that is shown.
    pub(super) from: usize,
    pub(super) to: usize,
}

impl Escaping {
    /// Bytes that a text takes on the page.
    fn bytes(self, text: &str) -> usize {
        match self {
            Self::None => text.len(),
            Self::Json => serde_json::to_string(text).map_or(0, |json| json.len()),
            Self::JsonAscii => text.chars().map(ascii_bytes).sum(),
            _ => text.chars().map(|c| self.html_bytes(c)).sum(),
        }
    }

    fn html_bytes(self, c: char) -> usize {
        match (c, self) {
            ('&', _) => 5,
            ('<' | '>', _) => 4,
            ('"', Self::Double | Self::BothLong) => 6,
            ('\'', Self::BothLong) => 6,
            ('"' | '\'', Self::BothShort) => 5,
            _ => c.len_utf8(),
        }
    }
}

fn ascii_bytes(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' => 2,
        ' '..='~' => 1,
        _ => 6 * c.len_utf16(),
    }
}

/// What is left of the observed sizes under one reading: for each remainder how many statements, and the shortest and longest
/// message among them.
type Remainders = BTreeMap<i64, (u64, usize, usize)>;

impl Pages {
    /// Finds the readings of every place.
    pub(super) fn learn<'a>(statements: impl Iterator<Item = (Place, Sized<'a>)>) -> Self {
        let mut by_place: HashMap<Place, Vec<Sized<'a>>> = HashMap::new();
        for (place, sized) in statements {
            by_place.entry(place).or_default().push(sized);
        }
        let readings = by_place.into_iter().map(|(place, all)| (place, readings(&all)));
        Self { readings: readings.collect() }
    }

    /// What the page showed of a text; `Ok(None)` where no error is raised, `Err` with the expected size where its size is
    /// another, or is not known.
    pub(super) fn seen(&self, place: &Place, sized: Sized<'_>) -> Result<Seen, Option<u64>> {
        let readings = self.readings.get(place).map_or(&[] as &[Reading], Vec::as_slice);
        let mut expected = None;
        let mut seen: Option<Seen> = None;
        for reading in readings {
            let Some(shown) = sized.channel.shown(sized.text, reading.cut) else { return Err(None) };
            let bytes = reading.escaping.bytes(&shown.message) as i64 + reading.page;
            let Ok(predicted) = u64::try_from(bytes) else { continue };
            expected = expected.or(Some(predicted));
            if predicted != sized.bytes {
                continue;
            }
            let Shown { from, to, .. } = shown;
            let now = Seen { predicted, from, to };
            seen = Some(seen.map_or(now.clone(), |before| Seen {
                from: before.from.max(now.from),
                to: before.to.min(now.to),
                ..now
            }));
        }
        seen.ok_or(expected)
    }
}

/// The readings of one place that explain most statements, all of them that do so equally well.
fn readings(all: &[Sized<'_>]) -> Vec<Reading> {
    let Some(first) = all.first() else { return Vec::new() };
    let mut best: Vec<Reading> = Vec::new();
    let mut most = 0;
    for &cut in first.channel.cuts() {
        for escaping in ESCAPINGS {
            let Some((page, count)) = constant(&remainders(all, cut, escaping)) else { continue };
            if count > most {
                (best, most) = (Vec::new(), count);
            }
            if count == most {
                best.push(Reading { cut, escaping, page });
            }
        }
    }
    best
}

fn remainders(all: &[Sized<'_>], cut: Cut, escaping: Escaping) -> Remainders {
    let mut remainders = Remainders::new();
    for sized in all {
        let Some(shown) = sized.channel.shown(sized.text, cut) else { continue };
        let length = escaping.bytes(&shown.message);
        let seen = remainders.entry(sized.bytes.cast_signed() - length as i64).or_insert((0, length, length));
        *seen = (seen.0 + 1, seen.1.min(length), seen.2.max(length));
    }
    remainders
}

/// The remainder that most messages of different length share: a page that is always the same shares none.
fn constant(remainders: &Remainders) -> Option<(i64, u64)> {
    let told = remainders.iter().filter(|(page, (_, low, high))| **page >= 0 && low < high);
    told.map(|(page, (count, ..))| (*page, *count)).max_by_key(|&(page, count)| (count, -page))
}

#[cfg(test)]
mod tests {
    use super::{Pages, Place, Seen, Sized};
    use crate::error_text::channel::Channel;

    const PAGE: u64 = 700;
    const FRAME: u64 = "XPATH syntax error: ''".len() as u64;

    fn place() -> Place {
        Place { endpoint: 0, status: 200, channel: 0 }
    }

    /// Texts with the bytes of their pages beyond page and frame; then what a further one shows.
    fn check(known: &[(&str, u64)], asked: (&str, u64), expected: Option<(usize, usize)>) {
        let sized = |text, bytes| Sized { channel: &Channel::XPath, text, bytes };
        let pages = Pages::learn(known.iter().map(|&(text, bytes)| (place(), sized(text, PAGE + FRAME + bytes))));
        let seen = pages.seen(&place(), sized(asked.0, PAGE + FRAME + asked.1)).ok();
        assert_eq!(seen.map(|Seen { from, to, .. }| (from, to)), expected, "{asked:?}");
    }

    #[test]
    fn the_constant_that_messages_of_different_length_share_is_the_page() {
        check(&[("~ab", 3), ("~abcd", 5), ("~abc", 900)], ("~x", 2), Some((0, 2)));
        check(&[("~ab", 3), ("~abcd", 5)], ("~x", 3), None);
        check(&[("~ab", 3), ("~ab", 3)], ("~ab", 3), None);
        check(&[("~ab", 3), ("~abcd", 3), ("~abcde", 3)], ("~abcd", 3), None);
    }

    #[test]
    fn what_a_cut_message_shows_is_what_it_shows_under_every_reading() {
        let long = format!("~{}", "x".repeat(40));
        check(&[("~ab", 3), ("~abcd", 5), (&long, 32)], (&long, 32), Some((0, 29)));
    }

    #[test]
    fn the_page_escapes_what_html_needs() {
        // ' is written as &#039; by this page, in the frame as well.
        let frame = 10;
        check(&[("~ab", 3 + frame), ("~a'b", 9 + frame), ("~a<b", 7 + frame)], ("~''", 13 + frame), Some((0, 3)));
    }
}
