//! Telephone numbers as keys: E.164 where the numbering plan is known.

use jiff::tz::TimeZone;
use phonenumber::{Mode, country};

use crate::fold::folded;

/// Fewest digits of a number that may join two records; shorter ones are extensions and placeholders.
const DIGITS_MIN: usize = 8;

/// How numbers without a country code are read: by the case's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhoneRule {
    region: Option<country::Id>,
}

impl PhoneRule {
    /// The rule of a zone. Zones of countries that are not known here leave national numbers as their digits.
    pub fn of_zone(zone: &TimeZone) -> Self {
        let region = match zone.iana_name().unwrap_or_default() {
            "Asia/Tokyo" | "Japan" => Some(country::JP),
            "Asia/Seoul" => Some(country::KR),
            "Asia/Taipei" => Some(country::TW),
            "Asia/Singapore" => Some(country::SG),
            "Asia/Hong_Kong" => Some(country::HK),
            "Asia/Shanghai" => Some(country::CN),
            "Australia/Sydney" | "Australia/Melbourne" | "Australia/Brisbane" | "Australia/Perth" => Some(country::AU),
            "Europe/London" => Some(country::GB),
            "Europe/Paris" => Some(country::FR),
            "Europe/Berlin" => Some(country::DE),
            "Europe/Madrid" => Some(country::ES),
            "Europe/Rome" => Some(country::IT),
            "Europe/Amsterdam" => Some(country::NL),
            "America/New_York" | "America/Chicago" | "America/Denver" | "America/Los_Angeles" => Some(country::US),
            "America/Toronto" | "America/Vancouver" => Some(country::CA),
            _ => None,
        };
        Self { region }
    }

    /// The key of a number: E.164 (`+81312345678`), or `:` and the digits where it fits no numbering plan known here.
    /// `None` where there are too few digits to join anybody.
    pub fn key(self, written: &str) -> Option<String> {
        let plain = plain(written);
        if plain.len() < DIGITS_MIN {
            return None;
        }
        let quick = if self.region == Some(country::JP) { japanese(&plain) } else { None };
        quick.or_else(|| self.by_plan(&plain)).or(Some(format!(":{plain}")))
    }

    /// By the numbering plans of the world: a hundred times slower than [`japanese`].
    fn by_plan(self, plain: &str) -> Option<String> {
        let number = phonenumber::parse(self.region, plain).ok()?;
        number.is_valid().then(|| number.format().mode(Mode::E164).to_string())
    }
}

/// Digits, with a plus sign before them where one is written. `(0)` after a country code is how the zero to leave out is
/// written.
fn plain(written: &str) -> String {
    let folded = folded(written).replace("(0)", "");
    let digits = folded.chars().enumerate().filter(|&(at, c)| c.is_ascii_digit() || (at == 0 && c == '+'));
    digits.map(|(_, c)| c).collect()
}

/// Numbers of the Japanese plan have ten digits with the leading zero, mobile and IP numbers eleven.
fn japanese(plain: &str) -> Option<String> {
    let national = match plain.strip_prefix("+81") {
        Some(rest) => rest.strip_prefix('0').unwrap_or(rest),
        None => plain.strip_prefix('0')?,
    };
    let mobile = matches!(national.as_bytes(), [b'5' | b'6' | b'7' | b'8' | b'9', b'0', ..]);
    let fits = national.len() == if mobile { 10 } else { 9 } && !national.starts_with('0');
    fits.then(|| format!("+81{national}"))
}

#[cfg(test)]
mod tests {
    use super::PhoneRule;
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    fn rule(zone: &str) -> PhoneRule {
        PhoneRule::of_zone(&TimeZone::get(zone).unwrap())
    }

    #[test]
    fn a_number_is_one_key_however_it_is_typed() {
        let key = |written| rule("Asia/Tokyo").key(written);
        for written in
            ["03-1234-5678", "０３（１２３４）５６７８", "0312345678", "+81 3 1234 5678", "+81(0)3-1234-5678", "03ー1234ー5678"]
        {
            assert_eq!(key(written).as_deref(), Some("+81312345678"), "{written}");
        }
        assert_eq!(key("090-1234-5678"), key("+819012345678"));
        assert_eq!(key("+1 212-555-0123"), rule("America/New_York").key("(212) 555-0123"));
    }

    #[test]
    fn what_is_no_number_joins_nobody_or_only_its_equal() {
        let key = |written| rule("Asia/Tokyo").key(written);
        assert_eq!((key(""), key("-"), key("1234"), key("なし")), (None, None, None, None));
        assert_eq!(key("99999999999999999999").as_deref(), Some(":99999999999999999999"));
    }

    #[test]
    fn an_unknown_zone_leaves_national_numbers_as_they_are() {
        assert_eq!(rule("UTC").key("03-1234-5678").as_deref(), Some(":0312345678"));
        assert_eq!(rule("UTC").key("+81 3-1234-5678").as_deref(), Some("+81312345678"));
    }

    proptest! {
        #[test]
        fn separators_never_matter(digits in "0[1-9][0-9]{8}", gaps in prop::collection::vec(1usize..10, 0..3)) {
            let mut written = digits.clone();
            let mut gaps = gaps;
            gaps.sort_unstable();
            gaps.iter().rev().for_each(|&at| written.insert(at, '-'));
            prop_assert_eq!(rule("Asia/Tokyo").key(&written), rule("Asia/Tokyo").key(&digits));
        }

        #[test]
        fn any_text_has_a_key_or_none(text in "[0-9+() -]{0,24}") {
            let _ = rule("Asia/Tokyo").key(&text);
        }
    }
}
