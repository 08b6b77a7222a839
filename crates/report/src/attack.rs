//! The picture of an attack as people and other tools read it: in a terminal, as a timeline, and in the formats in which
//! incidents are shared. Values in, text out.
//!
//! What leaves the house (`timesketch`, `stix`, `misp`, `veris`) holds the intruder's side alone: shapes without literals
//! and without names that are not the database's, networks and programs of intruders, counts. Nothing in it is about a
//! person whose data was taken.

mod misp;
mod name;
mod settle;
mod stix;
mod terminal;
mod timeline;
mod timesketch;
mod veris;
mod words;

use jiff::{Timestamp, tz::TimeZone};
use kintsugi_case::{Attack, FieldMeaning, Language};

pub use misp::misp;
pub use settle::{Settled, settle};
pub use stix::stix;
pub use terminal::{Screen, picture};
pub use timeline::{Timeline, style, timeline};
pub use timesketch::{Event, TimesketchForm, event_line, head};
pub use veris::veris;

/// What every rendering of the picture needs beside it.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The case's identifier.
    pub case: &'a str,
    /// Its title.
    pub title: &'a str,
    /// The controller's legal name.
    pub controller: &'a str,
    /// The controller's domain.
    pub domain: &'a str,
    /// In whose words.
    pub language: Language,
    /// In whose time.
    pub zone: &'a TimeZone,
    /// When the newest evidence was taken in, milliseconds since 1970 UTC: the picture is as of then.
    pub as_of_ms: i64,
    /// When the controller became aware, where the case file says it.
    pub aware_at_ms: Option<i64>,
    /// Records of each meaning with a proved and a possible cell.
    pub fields: &'a [(FieldMeaning, u64, u64)],
    /// Records with a proved cell, and with a possible one alone.
    pub records: (u64, u64),
}

/// Text of the intruder's, as it may be shown: signs that a terminal or a page would obey (control characters, marks that
/// turn the direction of writing) become pictures of themselves.
pub fn plain(text: &str) -> String {
    text.chars().map(plain_char).collect()
}

fn plain_char(c: char) -> char {
    match c {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
            '\u{fffd}'
        }
        other => other,
    }
}

/// A moment as lists have it: `2013-04-19 02:14:05`.
fn moment(at_ms: i64, zone: &TimeZone) -> String {
    written(at_ms, zone, "%Y-%m-%d %H:%M:%S")
}

/// A moment in a form of its own; nothing where it is not known.
fn written(at_ms: i64, zone: &TimeZone, form: &str) -> String {
    let at = Timestamp::from_millisecond(at_ms).ok().filter(|_| at_ms != 0);
    at.map(|at| at.to_zoned(zone.clone()).strftime(form).to_string()).unwrap_or_default()
}

/// From and to, with the day once where it is one day, and the zone.
fn span(from_ms: i64, to_ms: i64, zone: &TimeZone) -> String {
    let day = |at| written(at, zone, "%Y-%m-%d");
    let ends = if day(from_ms) == day(to_ms) { written(to_ms, zone, "%H:%M:%S") } else { moment(to_ms, zone) };
    let begins = moment(from_ms, zone);
    let name = written(from_ms, zone, "%Z");
    if from_ms == to_ms { format!("{begins} {name}") } else { format!("{begins} – {ends} {name}") }
}

/// RFC 3339 in UTC with milliseconds, as exchange formats want it.
fn utc(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms).map(|at| at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()).unwrap_or_default()
}

/// Bytes as people read them: `48.2 MB`.
fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let (mut value, mut unit) = (count as f64, 0);
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

fn number(language: Language, count: u64) -> String {
    language.number(i64::try_from(count).unwrap_or(i64::MAX))
}

/// The statements of intruders, and how many others sent values that came out as statements.
fn counted(attack: &Attack) -> (u64, u64, u64) {
    let (mut of_intruders, mut of_others) = (0, 0);
    for group in &attack.groups {
        let intruder = attack.actors.iter().any(|actor| actor.id == group.actor && actor.intruder);
        *if intruder { &mut of_intruders } else { &mut of_others } += group.volume.statements;
    }
    (of_intruders, of_others, attack.actors.iter().filter(|actor| !actor.intruder).count() as u64)
}

#[cfg(test)]
mod tests {
    use super::{bytes, plain};

    #[test]
    fn what_a_terminal_would_obey_is_only_shown() {
        assert_eq!(plain("a\u{1b}[31m\r\nb\u{9b}c\u{202e}d\u{7f}"), "a␛[31m␍␊b\u{fffd}c\u{fffd}d␡");
        assert_eq!(plain("UNION SELECT 佐藤"), "UNION SELECT 佐藤");
    }

    #[test]
    fn bytes_are_read_in_their_unit() {
        assert_eq!([0, 999, 1_000, 48_213_004, 999_999].map(bytes), ["0 B", "999 B", "1.0 kB", "48.2 MB", "1.0 MB"]);
    }
}
