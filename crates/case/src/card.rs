//! Card numbers: checked, masked, never printed.

use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A primary account number: 12 to 19 digits that pass the Luhn check (ISO/IEC 7812-1).
/// It is wiped from memory when dropped and prints as its last 4 digits.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Pan(String);

/// Why some text is no card number. The text itself is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PanError {
    /// Not 12 to 19 digits once blanks and hyphens are gone.
    #[error("a card number has 12 to 19 digits")]
    Length,
    /// The check digit is wrong.
    #[error("the check digit is wrong")]
    CheckDigit,
}

impl Pan {
    /// Reads a card number as people and shops write it (blanks and hyphens are dropped).
    pub fn parse(text: &str) -> Result<Self, PanError> {
        let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        if !(12..=19).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(PanError::Length);
        }
        if luhn_valid(digits.as_bytes()) { Ok(Self(digits)) } else { Err(PanError::CheckDigit) }
    }

    /// The digits. Only the vault and the in-memory replay call this.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The last four digits, which screens may show (PCI DSS 3.4.1).
    pub fn last4(&self) -> &str {
        &self.0[self.0.len() - 4..]
    }

    /// The brand by the issuer identification number.
    pub fn brand(&self) -> CardBrand {
        CardBrand::of(&self.0)
    }
}

impl fmt::Debug for Pan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pan(…{})", self.last4())
    }
}

/// The brand of a card by its leading digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CardBrand {
    /// Visa: 4.
    Visa,
    /// Mastercard: 51-55, 2221-2720.
    Mastercard,
    /// JCB: 3528-3589.
    Jcb,
    /// American Express: 34, 37.
    Amex,
    /// Diners Club: 300-305, 3095, 36, 38-39.
    Diners,
    /// Discover: 6011, 644-649, 65.
    Discover,
    /// UnionPay: 62.
    UnionPay,
    /// None of these.
    Other,
}

impl CardBrand {
    const ALL: [Self; 8] =
        [Self::Visa, Self::Mastercard, Self::Jcb, Self::Amex, Self::Diners, Self::Discover, Self::UnionPay, Self::Other];

    fn of(digits: &str) -> Self {
        let head = |n: usize| digits.get(..n).and_then(|s| s.parse::<u32>().ok()).unwrap_or(0);
        match (head(1), head(2), head(3), head(4)) {
            (4, ..) => Self::Visa,
            (_, 51..=55, ..) | (.., 2221..=2720) => Self::Mastercard,
            (.., 3528..=3589) => Self::Jcb,
            (_, 34 | 37, ..) => Self::Amex,
            (_, 36 | 38 | 39, ..) | (_, _, 300..=305, _) | (.., 3095) => Self::Diners,
            (_, 65, ..) | (_, _, 644..=649, _) | (.., 6011) => Self::Discover,
            (_, 62, ..) => Self::UnionPay,
            _ => Self::Other,
        }
    }

    /// The name as people know it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Visa => "Visa",
            Self::Mastercard => "Mastercard",
            Self::Jcb => "JCB",
            Self::Amex => "American Express",
            Self::Diners => "Diners Club",
            Self::Discover => "Discover",
            Self::UnionPay => "UnionPay",
            Self::Other => "",
        }
    }

    /// The brand with this [`Self::name`].
    pub fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|brand| brand.name() == name).unwrap_or(Self::Other)
    }
}

/// Whether the digits pass the Luhn check (ISO/IEC 7812-1 annex B).
fn luhn_valid(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let value = u32::from(digit - b'0');
            match (place % 2 == 1, value * 2) {
                (false, _) => value,
                (true, twice) if twice > 9 => twice - 9,
                (true, twice) => twice,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Replaces all but the last four digits of everything in `text` that could be a card number:
/// runs of 13 to 19 digits, also grouped by single blanks or hyphens, that pass the Luhn check.
pub fn mask_pans(text: &str) -> String {
    let mut out: Vec<char> = text.chars().collect();
    let mut start = 0;
    while start < out.len() {
        let places = digit_run(&out, start);
        let Some(&last) = places.last() else {
            start += 1;
            continue;
        };
        mask_run(&mut out, &places);
        start = last + 1;
    }
    out.into_iter().collect()
}

/// The places of the digits of a run that starts at `start`, stepping over single separators.
fn digit_run(text: &[char], start: usize) -> Vec<usize> {
    let mut places = Vec::new();
    let mut at = start;
    while at < text.len() {
        if text[at].is_ascii_digit() {
            places.push(at);
        } else if !(matches!(text[at], ' ' | '-' | '+')
            && !places.is_empty()
            && text.get(at + 1).is_some_and(char::is_ascii_digit))
        {
            break;
        }
        at += 1;
    }
    places
}

fn mask_run(text: &mut [char], places: &[usize]) {
    let digits: Vec<u8> = places.iter().map(|&at| text[at] as u8).collect();
    let mut from = 0;
    while from + 13 <= digits.len() {
        let longest = (13..=19.min(digits.len() - from)).rev().find(|&n| luhn_valid(&digits[from..from + n]));
        match longest {
            Some(n) => {
                places[from..from + n - 4].iter().for_each(|&at| text[at] = '*');
                from += n;
            }
            None => from += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CardBrand, Pan, PanError, luhn_valid, mask_pans};

    /// A number of a test BIN with its check digit: no such number is written down in the tree.
    fn number(head: &str, len: usize) -> String {
        let body = format!("{head:0<width$}", width = len - 1);
        (0..10).map(|check| format!("{body}{check}")).find(|n| luhn_valid(n.as_bytes())).unwrap()
    }

    #[test]
    fn reads_what_shops_write_and_shows_the_last_four() {
        let digits = number("411111", 16);
        let grouped = format!("{} {}-{} {}", &digits[..4], &digits[4..8], &digits[8..12], &digits[12..]);
        let pan = Pan::parse(&grouped).unwrap();
        assert_eq!((pan.expose(), pan.last4(), pan.brand()), (digits.as_str(), &digits[12..], CardBrand::Visa));
        assert_eq!(format!("{pan:?}"), format!("Pan(…{})", &digits[12..]));
    }

    #[test]
    fn refuses_what_is_no_card_number_without_repeating_it() {
        assert_eq!(Pan::parse("4111"), Err(PanError::Length));
        assert_eq!(Pan::parse("41111111111111ab"), Err(PanError::Length));
        let mut wrong = number("411111", 16);
        let last = wrong.pop().unwrap();
        wrong.push(if last == '9' { '0' } else { char::from(last as u8 + 1) });
        assert_eq!(Pan::parse(&wrong), Err(PanError::CheckDigit));
    }

    #[test]
    fn knows_the_brands() {
        let brand = |head: &str, len| Pan::parse(&number(head, len)).unwrap().brand();
        assert_eq!(brand("355555", 16), CardBrand::Jcb);
        assert_eq!(brand("545454", 16), CardBrand::Mastercard);
        assert_eq!(brand("222300", 16), CardBrand::Mastercard);
        assert_eq!(brand("371111", 15), CardBrand::Amex);
        assert_eq!(brand("361111", 14), CardBrand::Diners);
    }

    #[test]
    fn masks_card_numbers_inside_other_text() {
        let digits = number("411111", 16);
        let grouped = format!("{}-{}-{}-{}", &digits[..4], &digits[4..8], &digits[8..12], &digits[12..]);
        let last4 = &digits[12..];
        assert_eq!(mask_pans(&format!("pan='{digits}' x")), format!("pan='************{last4}' x"));
        assert_eq!(mask_pans(&grouped), format!("****-****-****-{last4}"));
        assert_eq!(mask_pans("order 2013-04-23 17:00, 03-1234-5678"), "order 2013-04-23 17:00, 03-1234-5678");
    }
}
