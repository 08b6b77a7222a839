//! Coupon codes as people read and type them: `7K3M-9QXT-0A5B-CDEF-GH2J`.

use std::fmt;

use kintsugi_case::Private;

/// Characters of a code: 5 random bits each, 100 in all (rule 12 asks for 80).
const LENGTH: usize = 20;
const GROUP: usize = 4;

/// A coupon's code, read. It prints as `[private]`; [`CouponCode::display`] gives it for the person it belongs to.
#[derive(Clone, PartialEq, Eq)]
pub struct CouponCode(Private<String>);

/// Why some text is no coupon code. The text is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Another number of characters.
    #[error("a coupon code has {LENGTH} characters, and this has {found}")]
    Length {
        /// How many there are, hyphens and blanks apart.
        found: usize,
    },
    /// A character that no code has.
    #[error("a coupon code has digits and letters without U: look at character {place} again")]
    Character {
        /// Which, from 1, hyphens and blanks apart.
        place: usize,
    },
}

impl CouponCode {
    /// Reads a code as people type it: any case, full-width forms, with or without hyphens and blanks,
    /// O for 0, I and L for 1.
    pub fn parse(typed: &str) -> Result<Self, CodeError> {
        let folded: Vec<char> = typed.chars().filter_map(fold).collect();
        if folded.len() != LENGTH {
            return Err(CodeError::Length { found: folded.len() });
        }
        match folded.iter().position(|&c| !is_code_character(c)) {
            Some(at) => Err(CodeError::Character { place: at + 1 }),
            None => Ok(Self(Private::new(folded.into_iter().collect()))),
        }
    }

    /// The 20 characters without hyphens, as the vault makes and hashes them.
    pub fn open(&self) -> &str {
        self.0.open()
    }

    /// The code in groups of four, as it is printed.
    pub fn display(&self) -> String {
        let groups: Vec<&str> = (0..LENGTH / GROUP).map(|at| &self.open()[at * GROUP..(at + 1) * GROUP]).collect();
        groups.join("-")
    }
}

impl fmt::Debug for CouponCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CouponCode({})", self.0)
    }
}

/// What a typed character counts as; separators vanish.
fn fold(c: char) -> Option<char> {
    let narrow = match c {
        '！'..='～' => char::from_u32(c as u32 - 0xFEE0).unwrap_or(c),
        other => other,
    };
    match narrow.to_ascii_uppercase() {
        '-' | '‐' | '−' | 'ー' => None,
        blank if blank.is_whitespace() => None,
        'O' => Some('0'),
        'I' | 'L' => Some('1'),
        other => Some(other),
    }
}

/// Crockford's alphabet: no I, L, O, U.
fn is_code_character(c: char) -> bool {
    c.is_ascii_digit() || (c.is_ascii_uppercase() && !matches!(c, 'I' | 'L' | 'O' | 'U'))
}

#[cfg(test)]
mod tests {
    use super::{CodeError, CouponCode};

    const PLAIN: &str = "7K3M9QXT0A5BCDEFGH21";

    #[test]
    fn reads_a_code_however_it_is_typed() {
        for typed in [
            PLAIN,
            "7K3M-9QXT-0A5B-CDEF-GH21",
            " 7k3m 9qxt oa5b cdef gh2l ",
            "７Ｋ３Ｍ－９ＱＸＴ－０Ａ５Ｂ－ＣＤＥＦ－ＧＨ２１",
            "7K3M9QXTOA5BCDEFGH2i",
        ] {
            assert_eq!(CouponCode::parse(typed).unwrap().open(), PLAIN, "{typed}");
        }
    }

    #[test]
    fn prints_in_groups_but_not_by_accident() {
        let code = CouponCode::parse(PLAIN).unwrap();
        assert_eq!(code.display(), "7K3M-9QXT-0A5B-CDEF-GH21");
        assert_eq!(format!("{code:?}"), "CouponCode([private])");
    }

    #[test]
    fn says_what_to_look_at_again() {
        assert_eq!(CouponCode::parse("7K3M"), Err(CodeError::Length { found: 4 }));
        assert_eq!(CouponCode::parse("7K3M-9QXT-0A5B-CDEF-GHU1"), Err(CodeError::Character { place: 19 }));
        assert_eq!(CouponCode::parse(""), Err(CodeError::Length { found: 0 }));
    }

    proptest::proptest! {
        #[test]
        fn never_panics_and_what_it_prints_reads_back(typed in ".*") {
            if let Ok(code) = CouponCode::parse(&typed) {
                assert_eq!(CouponCode::parse(&code.display()), Ok(code));
            }
        }
    }
}
