//! Persons: data subjects, resolved from records.

use crate::Private;

/// A person's number within the case, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonId(pub u64);

impl std::fmt::Display for PersonId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The language in which a person is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    /// Japanese.
    #[default]
    Ja,
    /// English.
    En,
    /// Chinese in simplified script.
    ZhHans,
    /// Chinese in traditional script, as used in Taiwan.
    ZhHant,
    /// Korean.
    Ko,
}

impl Language {
    /// Every language in which notices are written.
    pub const ALL: [Self; 5] = [Self::Ja, Self::En, Self::ZhHans, Self::ZhHant, Self::Ko];

    /// The BCP 47 tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Ja => "ja",
            Self::En => "en",
            Self::ZhHans => "zh-Hans",
            Self::ZhHant => "zh-Hant",
            Self::Ko => "ko",
        }
    }

    /// Whether pages and statements are written in it too, not notices alone.
    pub const fn has_pages(self) -> bool {
        matches!(self, Self::Ja | Self::En)
    }

    /// The language with this tag. Regions are ignored but for Chinese, whose script they tell where the tag does not.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let tag = tag.trim().to_lowercase().replace('_', "-");
        let mut parts = tag.split('-');
        let primary = parts.next().unwrap_or_default();
        if primary == "zh" {
            let traditional = parts.any(|part| matches!(part, "hant" | "tw" | "hk" | "mo"));
            return Some(if traditional { Self::ZhHant } else { Self::ZhHans });
        }
        Self::ALL.into_iter().find(|language| language.tag() == primary)
    }
}

/// How a person is addressed and reached: the values of their first record that has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonProfile {
    /// Name as they write it; empty where none is known.
    pub name: Private<String>,
    /// Mail address; empty where none is known or it cannot be one.
    pub email: Private<String>,
    /// Telephone number as written.
    pub phone: Private<String>,
    /// Postal code.
    pub postal_code: Private<String>,
    /// Postal address.
    pub address: Private<String>,
    /// The language in which they are told.
    pub language: Language,
    /// The day of birth as written; empty where none is known.
    pub birth_date: Private<String>,
    /// Whether the source says that they have died.
    pub deceased: bool,
    /// Whether they want no advertising.
    pub no_marketing: bool,
    /// Mail addresses of their other records, in the order in which they are tried when mail to `email` comes back.
    pub other_emails: Private<Vec<String>>,
}

#[cfg(test)]
mod tests {
    use super::Language;
    use super::Language::{En, Ja, Ko, ZhHans, ZhHant};

    fn check(tag: &str, expected: Option<Language>) {
        assert_eq!(Language::from_tag(tag), expected, "{tag}");
    }

    #[test]
    fn tags_are_read_as_browsers_and_shops_write_them() {
        Language::ALL.into_iter().for_each(|language| check(language.tag(), Some(language)));
        for (tag, language) in [("ja-JP", Ja), ("EN_us", En), ("zh", ZhHans), ("zh-CN", ZhHans), ("zh_TW", ZhHant), ("ko-KR", Ko)]
        {
            check(tag, Some(language));
        }
        check("zh-Hant-HK", Some(ZhHant));
        check("fr", None);
        check("", None);
    }
}
