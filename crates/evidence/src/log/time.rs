//! Times of logs to milliseconds since 1970 UTC: `22/Nov/2026:18:53:53 +0900` of NCSA logs at speed, the others as they come.

use jiff::tz::TimeZone;

/// Bytes of such a time.
pub(super) const TIME_BYTES: usize = 26;

/// Reads times, remembering the last one: a busy server writes the same second many times over.
pub(super) struct Clock {
    last: [u8; TIME_BYTES],
    last_ms: i64,
    /// The zone of times that carry none.
    zone: TimeZone,
    /// The last civil hour and its offset in that zone, seconds.
    hour: Option<(i64, i64)>,
}

impl Default for Clock {
    fn default() -> Self {
        Self::in_zone(TimeZone::UTC)
    }
}

impl Clock {
    /// A clock for a log whose times are of this zone where they say none.
    pub(super) fn in_zone(zone: TimeZone) -> Self {
        Self { last: [0; TIME_BYTES], last_ms: 0, zone, hour: None }
    }

    /// Milliseconds since 1970 UTC; `None` where the text is no time of NCSA logs.
    pub(super) fn read(&mut self, text: &[u8]) -> Option<i64> {
        let text: &[u8; TIME_BYTES] = text.try_into().ok()?;
        if *text != self.last {
            self.last_ms = self.within_minute(text).or_else(|| parse(text))?;
            self.last = *text;
        }
        Some(self.last_ms)
    }

    /// A time in the minute of the last one, of which only the seconds are new.
    fn within_minute(&self, text: &[u8; TIME_BYTES]) -> Option<i64> {
        if text[..18] != self.last[..18] || text[20..] != self.last[20..] {
            return None;
        }
        let (second, last) = (number(&text[18..20])?, number(&self.last[18..20])?);
        (second <= 60).then_some(self.last_ms + (second - last) * 1000)
    }

    /// A time in any of the ways in which logs write it: as above, with a fraction, without a zone, ISO 8601, asctime, and
    /// seconds (or milli-, micro-, nanoseconds, told by their size) since 1970.
    pub(super) fn read_any(&mut self, text: &[u8]) -> Option<i64> {
        if text.len() == TIME_BYTES
            && let Some(at_ms) = self.read(text)
        {
            return Some(at_ms);
        }
        let text = text.strip_prefix(b"[").and_then(|text| text.strip_suffix(b"]")).unwrap_or(text);
        let (civil, rest) = match text {
            [_, _, b'/', ..] => ncsa(text)?,
            [_, _, _, _, b'-', ..] => iso(text)?,
            [b'A'..=b'Z', ..] => asctime(text)?,
            _ => return epoch(text),
        };
        let (fraction_ms, rest) = fraction(rest)?;
        let offset = match rest.trim_ascii() {
            b"" => self.offset(&civil),
            b"Z" | b"z" | b"UTC" | b"GMT" => 0,
            zone => signed_offset(zone)?,
        };
        Some((civil.seconds() - offset) * 1000 + fraction_ms)
    }

    /// The day and the time of day in columns of their own, in UTC.
    pub(super) fn read_utc(&mut self, day: &[u8], time: &[u8]) -> Option<i64> {
        let day = civil_day(day)?;
        let (civil, rest) = time_of_day(day, time)?;
        let (fraction_ms, _) = fraction(rest)?;
        Some(civil.seconds() * 1000 + fraction_ms)
    }

    fn offset(&mut self, civil: &Civil) -> i64 {
        let hour = civil.day * 24 + civil.second / 3600;
        match self.hour {
            Some((known, offset)) if known == hour => offset,
            _ => {
                let offset = self.offset_of_hour(civil.seconds());
                self.hour = Some((hour, offset));
                offset
            }
        }
    }

    /// Of a time that is there twice (the end of summer time), the earlier is meant.
    fn offset_of_hour(&self, seconds: i64) -> i64 {
        let utc = jiff::Timestamp::from_second(seconds).ok().map(|at| at.to_zoned(TimeZone::UTC).datetime());
        let zoned = utc.and_then(|civil| self.zone.to_zoned(civil).ok());
        zoned.map_or(0, |zoned| i64::from(zoned.offset().seconds()))
    }
}

/// A time on the wall.
struct Civil {
    /// Days since 1970-01-01.
    day: i64,
    /// Of that day.
    second: i64,
}

impl Civil {
    fn seconds(&self) -> i64 {
        self.day * 86_400 + self.second
    }
}

/// `22/Nov/2026:18:53:53`
fn ncsa(text: &[u8]) -> Option<(Civil, &[u8])> {
    let (date, rest) = text.split_at_checked(12)?;
    if date[2] != b'/' || date[6] != b'/' || date[11] != b':' {
        return None;
    }
    time_of_day(days(number(&date[7..11])?, month(&date[3..6])?, number(&date[..2])?)?, rest)
}

/// `2026-11-22T18:53:53`, with a blank instead of the `T` too.
fn iso(text: &[u8]) -> Option<(Civil, &[u8])> {
    let (date, rest) = text.split_at_checked(11)?;
    if !matches!(date[10], b'T' | b't' | b' ') {
        return None;
    }
    time_of_day(civil_day(&date[..10])?, rest)
}

/// `Sun Nov 22 18:53:53 2026`
fn asctime(text: &[u8]) -> Option<(Civil, &[u8])> {
    let (head, year) = text.split_at_checked(text.len().checked_sub(5)?)?;
    let (date, time) = head.split_at_checked(11)?;
    let day = number(date[8..10].trim_ascii_start())?;
    let civil = time_of_day(days(number(year.strip_prefix(b" ")?)?, month(&date[4..7])?, day)?, time)?.0;
    Some((civil, b""))
}

/// `2026-11-22`
fn civil_day(date: &[u8]) -> Option<i64> {
    if date.len() != 10 || date[4] != b'-' || date[7] != b'-' {
        return None;
    }
    days(number(&date[..4])?, number(&date[5..7])?, number(&date[8..])?)
}

/// `18:53:53` and what follows it.
fn time_of_day(day: i64, text: &[u8]) -> Option<(Civil, &[u8])> {
    let (time, rest) = text.split_at_checked(8)?;
    if time[2] != b':' || time[5] != b':' {
        return None;
    }
    let (hour, minute, second) = (number(&time[..2])?, number(&time[3..5])?, number(&time[6..])?);
    let known = hour < 24 && minute < 60 && second <= 60;
    known.then_some((Civil { day, second: hour * 3600 + minute * 60 + second }, rest))
}

/// `.244752` or `,244` in milliseconds, and what follows it.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let [b'.' | b',', digits @ ..] = text else { return Some((0, text)) };
    let count = digits.iter().take_while(|digit| digit.is_ascii_digit()).count();
    let ms = digits[..count].iter().chain(std::iter::repeat(&b'0')).take(3);
    Some((ms.fold(0, |ms, digit| ms * 10 + i64::from(digit - b'0')), &digits[count..]))
}

/// `+0900`, `+09:00` or `+09`.
fn signed_offset(text: &[u8]) -> Option<i64> {
    match text {
        [sign, a, b] => offset_seconds(&[*sign, *a, *b, b'0', b'0']),
        [sign, a, b, b':', c, d] => offset_seconds(&[*sign, *a, *b, *c, *d]),
        [_, _, _, _, _] => offset_seconds(text),
        _ => None,
    }
}

/// Seconds since 1970, with a fraction or an exponent; whole numbers too large for seconds are smaller units.
fn epoch(text: &[u8]) -> Option<i64> {
    if !text.first()?.is_ascii_digit() {
        return None;
    }
    match super::clf::integer(text) {
        Some(number) => Some(match number.checked_ilog10().unwrap_or(0) {
            0..=10 => number as i64 * 1000,
            11..=13 => number as i64,
            14..=16 => (number / 1000) as i64,
            _ => (number / 1_000_000) as i64,
        }),
        None => {
            let seconds: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
            (0.0..1e11).contains(&seconds).then_some((seconds * 1000.0).round() as i64)
        }
    }
}

fn parse(t: &[u8; TIME_BYTES]) -> Option<i64> {
    let separators = [(2, b'/'), (6, b'/'), (11, b':'), (14, b':'), (17, b':'), (20, b' ')];
    if separators.iter().any(|&(at, byte)| t[at] != byte) {
        return None;
    }
    let day = days(number(&t[7..11])?, month(&t[3..6])?, number(&t[0..2])?)?;
    let (hour, minute, second) = (number(&t[12..14])?, number(&t[15..17])?, number(&t[18..20])?);
    // 60: a leap second is written by some servers.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = day * 86_400 + hour * 3_600 + minute * 60 + second - offset_seconds(&t[21..26])?;
    Some(seconds * 1000)
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |sum, &digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
}

fn month(name: &[u8]) -> Option<i64> {
    let names = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    names.chunks(3).position(|month| month.eq_ignore_ascii_case(name)).map(|at| at as i64 + 1)
}

fn offset_seconds(text: &[u8]) -> Option<i64> {
    let sign = match text[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = (number(&text[1..3])?, number(&text[3..5])?);
    (hours <= 26 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar; `None` where the month has no such day.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    // Years are counted from March, so that the leap day comes last.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year_of_era) = (y.div_euclid(400), y.rem_euclid(400));
    let day_of_year = (153 * m + 2) / 5 + day - 1;
    Some(era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::fmt::strtime;
    use proptest::prelude::*;

    use super::Clock;

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "22/Nov/2026:18:53:53",
            "32/Nov/2026:18:53:53 +0900",
            "30/Feb/2026:18:53:53 +0900",
            "22/Foo/2026:18:53:53 +0900",
            "22/Nov/2026:24:53:53 +0900",
            "22/Nov/2026:18:53:5x +0900",
            "22/Nov/2026:18:53:53 *0900",
        ] {
            assert_eq!(Clock::default().read(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Clock::default().read(b"01/Jan/1970:09:00:01 +0900"), Some(1000));
        assert_eq!(Clock::default().read(b"29/Feb/2000:00:00:00 -0530"), Some(951_802_200_000));
    }

    #[test]
    fn times_are_read_in_every_way_they_are_written() {
        let read = |text: &str| Clock::in_zone(jiff::tz::TimeZone::get("Asia/Tokyo").unwrap()).read_any(text.as_bytes());
        for (text, expected) in [
            ("22/Nov/2026:18:53:53 +0900", 1_795_341_233_000),
            ("[22/Nov/2026:18:53:53 +0900]", 1_795_341_233_000),
            ("22/Nov/2026:18:53:53.244752 +0900", 1_795_341_233_244),
            ("22/Nov/2026:18:53:53.2", 1_795_341_233_200),
            ("2026-11-22T18:53:53+09:00", 1_795_341_233_000),
            ("2026-11-22T09:53:53.244Z", 1_795_341_233_244),
            ("2026-11-22 18:53:53,5", 1_795_341_233_500),
            ("Sun Nov 22 18:53:53 2026", 1_795_341_233_000),
            ("1795341233", 1_795_341_233_000),
            ("1795341233.244752", 1_795_341_233_245),
            ("1.795341233244e9", 1_795_341_233_244),
            ("1795341233244", 1_795_341_233_244),
            ("1795341233244752", 1_795_341_233_244),
            ("1795341233244752123", 1_795_341_233_244),
        ] {
            assert_eq!(read(text), Some(expected), "{text}");
        }
        for text in
            ["", "x", "2026-11-22", "2026-11-22T18:53:53+9", "Sun", "22/Nov/2026", "-5", "Nov", "1e300", "2026-11-22x18:53:53"]
        {
            assert_eq!(read(text), None, "{text}");
        }
        let clock = &mut Clock::default();
        assert_eq!(clock.read_utc(b"2026-11-22", b"09:53:53"), Some(1_795_341_233_000));
        assert_eq!(clock.read_utc(b"2026-11-22", b"9:53"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(junk in any::<Vec<u8>>(), text in "[0-9A-Za-z:/+. -]{0,40}") {
            let _ = Clock::default().read_any(&junk);
            let _ = Clock::default().read_any(text.as_bytes());
        }

        #[test]
        fn agrees_with_the_library(second in -2_000_000_000i64..7_000_000_000, hours in -12i8..=14) {
            let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(hours));
            let zoned = Timestamp::from_second(second).unwrap().to_zoned(zone);
            let text = strtime::format("%d/%b/%Y:%H:%M:%S %z", &zoned).unwrap();
            prop_assert_eq!(Clock::default().read(text.as_bytes()), Some(second * 1000), "{}", text);
            // A second time, from the first second of the same minute.
            let clock = &mut Clock::default();
            let first = format!("{}00{}", &text[..18], &text[20..]);
            prop_assert_eq!(clock.read(first.as_bytes()), Some(second.div_euclid(60) * 60_000));
            prop_assert_eq!(clock.read(text.as_bytes()), Some(second * 1000), "{}", text);
        }
    }
}
