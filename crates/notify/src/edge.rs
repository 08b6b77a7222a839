//! Edge classes: persons whose notice can go wrong in a way that staff should see before anything is sent.

use jiff::civil::Date;
use kintsugi_case::PersonProfile;

/// Who is no minor in most countries.
const FULL_AGE: i16 = 18;

/// Why a notice deserves a look. A person may be of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EdgeClass {
    /// No name is known: the notice greets nobody by name.
    NoName,
    /// No mail address is known: a letter.
    NoAddress,
    /// Another person who is told has the same mail address: two notices, one each.
    SharedAddress,
    /// The postal address is in another country than the case's.
    ForeignAddress,
    /// Under 18 by the day of birth in the source: their parents read it.
    Minor,
    /// The source says that they have died: their family reads it.
    Deceased,
    /// They want no advertising. They are told all the same.
    NoMarketing,
}

impl EdgeClass {
    /// Every class.
    pub const ALL: [Self; 7] = [
        Self::NoName,
        Self::NoAddress,
        Self::SharedAddress,
        Self::ForeignAddress,
        Self::Minor,
        Self::Deceased,
        Self::NoMarketing,
    ];

    /// The word for it, in plans and file names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoName => "no-name",
            Self::NoAddress => "no-mail-address",
            Self::SharedAddress => "shared-address",
            Self::ForeignAddress => "foreign-address",
            Self::Minor => "minor",
            Self::Deceased => "deceased",
            Self::NoMarketing => "no-marketing",
        }
    }

    /// The classes of a person. `country` is the case's (ISO 3166-1).
    pub fn of(person: &PersonProfile, shares_address: bool, country: &str, today: Date) -> Vec<Self> {
        let is = |class: &Self| match class {
            Self::NoName => person.name.open().is_empty(),
            Self::NoAddress => person.email.open().is_empty(),
            Self::SharedAddress => shares_address,
            Self::ForeignAddress => is_foreign(person.address.open(), person.postal_code.open(), country),
            Self::Minor => is_minor(person.birth_date.open(), today),
            Self::Deceased => person.deceased,
            Self::NoMarketing => person.no_marketing,
        };
        Self::ALL.into_iter().filter(is).collect()
    }
}

/// Whether an address is in another country. Known for Japan alone: an address there has a postal code of seven digits
/// or is written in Japanese. Elsewhere nothing is said to be foreign.
fn is_foreign(address: &str, postal_code: &str, country: &str) -> bool {
    let digits = postal_code.chars().filter(char::is_ascii_digit).count();
    let japanese = address.chars().any(|c| matches!(c, 'ぁ'..='ヿ' | '都' | '道' | '府' | '県' | '市' | '区'));
    let post = digits == 7 && postal_code.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '〒' | ' '));
    country == "JP" && !address.trim().is_empty() && !japanese && !post
}

/// Under 18 today, by a date as shops write it: `2010-04-01`, `2010/4/1`, `20100401`, with a time behind or not.
pub(crate) fn is_minor(birth_date: &str, today: Date) -> bool {
    let Some(born) = day(birth_date) else { return false };
    let years = today.year() - born.year() - i16::from((today.month(), today.day()) < (born.month(), born.day()));
    (0..FULL_AGE).contains(&years)
}

fn day(text: &str) -> Option<Date> {
    let day = text.trim().split([' ', 'T']).next().unwrap_or_default();
    let parts: Vec<&str> = day.split(['-', '/', '.']).collect();
    let (year, month, date) = match parts[..] {
        [year, month, date] => (year, month, date),
        [whole] if whole.len() == 8 && whole.is_ascii() => (&whole[..4], &whole[4..6], &whole[6..]),
        _ => return None,
    };
    Date::new(year.parse().ok()?, month.parse().ok()?, date.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use kintsugi_case::{PersonProfile, Private};

    use super::EdgeClass::{ForeignAddress, Minor, NoAddress, NoMarketing, NoName, SharedAddress};
    use super::{EdgeClass, is_minor};

    fn person(name: &str, email: &str, address: &str, postal_code: &str) -> PersonProfile {
        let [name, email, address, postal_code] = [name, email, address, postal_code].map(|t| Private::new(t.to_owned()));
        PersonProfile { name, email, address, postal_code, ..PersonProfile::default() }
    }

    fn check(person: &PersonProfile, shares: bool, expected: &[EdgeClass]) {
        assert_eq!(EdgeClass::of(person, shares, "JP", date(2013, 5, 27)), expected);
    }

    #[test]
    fn classes_are_told_by_what_the_source_says() {
        check(&person("山田 花子", "a@example.jp", "東京都千代田区1-1", "100-0001"), false, &[]);
        check(&person("", "a@example.jp", "1-1 Chiyoda, Tokyo", "1000001"), true, &[NoName, SharedAddress]);
        check(&person("A", "", "12 High Street, London", "SW1A 1AA"), false, &[NoAddress, ForeignAddress]);
        check(&person("A", "a@example.com", "", ""), false, &[]);
        let young =
            PersonProfile { birth_date: Private::new("2010/4/1".into()), no_marketing: true, ..person("A", "a@b.c", "", "") };
        check(&young, false, &[Minor, NoMarketing]);
    }

    #[test]
    fn a_minor_is_under_eighteen_on_the_day() {
        let minor = |text: &str| is_minor(text, date(2013, 5, 27));
        assert!(minor("1995-05-28") && minor("20100401") && minor("2010-04-01 00:00:00"));
        assert!(!minor("1995-05-27") && !minor("1950-01-01") && !minor("") && !minor("H7.5.28") && !minor("2050-01-01"));
    }
}
