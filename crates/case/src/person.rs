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
}

impl Language {
    /// Every language for which the product has words.
    pub const ALL: [Self; 2] = [Self::Ja, Self::En];

    /// The BCP 47 tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Ja => "ja",
            Self::En => "en",
        }
    }

    /// The language with this tag (regions and scripts are ignored).
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
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
}
