//! The times of query logs, to milliseconds since 1970 UTC. Civil times are those of the zone that the case file declares
//! for the file, unless they carry a zone of their own.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

/// Reads times, remembering the last one: a busy server writes the same second many times over.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    zone: TimeZone,
    last: Vec<u8>,
    last_ms: Option<i64>,
}

impl Clock {
    pub(super) fn new(zone: TimeZone) -> Self {
        Self { zone, last: Vec::new(), last_ms: None }
    }

    /// `261122 18:53:53`, `261122  8:53:53` (MariaDB, MySQL to 5.6), `20261122 18:55:11` (server_audit),
    /// `2026-11-22T10:51:08.123456Z`, `2026-11-22 18:58:31.581 JST`, `2026-11-22T19:02:13.337+09:00`, `1795344668.123`.
    pub(super) fn read(&mut self, text: &[u8]) -> Option<i64> {
        if text != self.last.as_slice() || self.last.is_empty() {
            self.last_ms = parse(text, &self.zone);
            self.last.clear();
            self.last.extend_from_slice(text);
        }
        self.last_ms
    }
}

fn parse(text: &[u8], zone: &TimeZone) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let bytes = text.as_bytes();
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match (digits, bytes.get(digits)) {
        (6, Some(b' ')) => {
            let (year, rest) = (number(&bytes[..2])?, &text[6..]);
            // MySQL's own rule for two digits: 70 and later are of the last century.
            let year = if year >= 70 { 1900 + year } else { 2000 + year };
            civil(year, number(&bytes[2..4])?, number(&bytes[4..6])?, rest, zone)
        }
        (8, Some(b' ')) => civil(number(&bytes[..4])?, number(&bytes[4..6])?, number(&bytes[6..8])?, &text[8..], zone),
        (4, Some(b'-')) if bytes.len() > 10 && bytes[7] == b'-' && matches!(bytes[10], b' ' | b'T') => {
            civil(number(&bytes[..4])?, number(&bytes[5..7])?, number(&bytes[8..10])?, &text[11..], zone)
        }
        (10, None | Some(b'.')) => epoch(text),
        _ => None,
    }
}

fn epoch(text: &str) -> Option<i64> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole = fraction.bytes().all(|byte| byte.is_ascii_digit());
    whole.then_some(seconds.parse::<i64>().ok()? * 1000 + millis(fraction)?)
}

/// The first three digits of a fraction.
fn millis(fraction: &str) -> Option<i64> {
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(3);
    digits.into_iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
}

fn civil(year: i64, month: i64, day: i64, rest: &str, zone: &TimeZone) -> Option<i64> {
    let rest = rest.trim_start();
    let time_bytes = rest.bytes().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b',')).count();
    let (time, named) = rest.split_at(time_bytes);
    let (time, fraction) = time.split_once(['.', ',']).unwrap_or((time, ""));
    let mut parts = time.split(':').map(|part| part.parse::<i8>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    let date = jiff::civil::Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok()?;
    // 60: a leap second.
    let at = date.to_datetime(jiff::civil::Time::new(hour, minute, second.min(59), 0).ok()?);
    let second_ms = zoned(at, named.trim(), zone)?;
    Some(second_ms + millis(fraction)?)
}

fn zoned(at: DateTime, named: &str, zone: &TimeZone) -> Option<i64> {
    let in_zone = |zone: &TimeZone| zone.to_ambiguous_timestamp(at).compatible().ok();
    let declared = in_zone(zone)?;
    if named.is_empty() || zone.to_offset_info(declared).abbreviation() == named {
        return Some(declared.as_millisecond());
    }
    let offset = offset(named).or_else(|| abbreviation(named));
    Some(offset.map_or(Some(declared), |offset| in_zone(&TimeZone::fixed(offset)))?.as_millisecond())
}

/// `Z`, `+09`, `+09:00`, `+0900`.
fn offset(text: &str) -> Option<Offset> {
    if text == "Z" {
        return Some(Offset::UTC);
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: Vec<u8> = text.bytes().skip(1).filter(|byte| *byte != b':').collect();
    let hours = number(digits.get(..2)?)?;
    let minutes = if digits.len() == 4 { number(&digits[2..])? } else { 0 };
    Offset::from_seconds((sign * (hours * 3600 + minutes * 60)).try_into().ok()?).ok()
}

/// PostgreSQL writes the zone's abbreviation. Those that mean one thing only; of others, the declared zone is believed.
fn abbreviation(name: &str) -> Option<Offset> {
    let hours = match name {
        "UTC" | "GMT" | "WET" => 0,
        "CET" | "WEST" => 1,
        "CEST" | "EET" => 2,
        "EEST" | "MSK" => 3,
        "HKT" | "AWST" => 8,
        "JST" | "KST" => 9,
        "AEST" => 10,
        "AEDT" => 11,
        "NZST" => 12,
        "NZDT" => 13,
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        _ => return None,
    };
    Offset::from_hours(hours).ok()
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |sum, &digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::Clock;

    fn check(text: &str, zone: &str, expected: Option<&str>) {
        let found = Clock::new(TimeZone::get(zone).unwrap()).read(text.as_bytes());
        assert_eq!(found, expected.map(|time| time.parse::<Timestamp>().unwrap().as_millisecond()), "{text}");
    }

    #[test]
    fn every_way_of_writing_the_same_moment() {
        let moment = Some("2026-11-22T09:08:31Z");
        for text in [
            "261122 18:08:31",
            "20261122 18:08:31",
            "2026-11-22 18:08:31",
            "2026-11-22 18:08:31 JST",
            "2026-11-22 09:08:31 UTC",
            "2026-11-22T09:08:31Z",
            "2026-11-22T18:08:31.000000+09:00",
            "2026-11-22 04:08:31 EST",
            "2026-11-22 14:38:31 +0530",
            "1795338511",
        ] {
            check(text, "Asia/Tokyo", moment);
        }
        check("2026-11-22 18:08:31.581 JST", "Asia/Tokyo", Some("2026-11-22T09:08:31.581Z"));
        check("261122  8:08:31", "UTC", Some("2026-11-22T08:08:31Z"));
        check("2026-07-01 12:00:00 CEST", "Europe/Berlin", Some("2026-07-01T10:00:00Z"));
        check("2026-07-01 12:00:00", "Europe/Berlin", Some("2026-07-01T10:00:00Z"));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "261322 18:08:31", "2026-11-22", "2026-11-22 25:00:00", "hello", "99999", "2026-11-22T18:08"] {
            check(text, "UTC", None);
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "[0-9 :.TZ+-]{0,32}") {
            let _ = Clock::new(TimeZone::UTC).read(text.as_bytes());
        }
    }
}
