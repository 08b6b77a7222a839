//! `22/Nov/2026:18:53:53 +0900`, the time of NCSA logs, to milliseconds since 1970 UTC.

/// Bytes of such a time.
pub(super) const TIME_BYTES: usize = 26;

/// Reads times, remembering the last one: a busy server writes the same second many times over.
#[derive(Default)]
pub(super) struct Clock {
    last: [u8; TIME_BYTES],
    last_ms: i64,
}

impl Clock {
    /// Milliseconds since 1970 UTC; `None` where the text is no time.
    pub(super) fn read(&mut self, text: &[u8]) -> Option<i64> {
        let text: &[u8; TIME_BYTES] = text.try_into().ok()?;
        if *text != self.last {
            self.last_ms = parse(text)?;
            self.last = *text;
        }
        Some(self.last_ms)
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

    proptest! {
        #[test]
        fn agrees_with_the_library(second in -2_000_000_000i64..7_000_000_000, hours in -12i8..=14) {
            let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(hours));
            let zoned = Timestamp::from_second(second).unwrap().to_zoned(zone);
            let text = strtime::format("%d/%b/%Y:%H:%M:%S %z", &zoned).unwrap();
            prop_assert_eq!(Clock::default().read(text.as_bytes()), Some(second * 1000), "{}", text);
        }
    }
}
