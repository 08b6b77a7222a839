//! When two writings of a value are the same value: in another encoding, width, case or spacing, with other dashes, with
//! zeros lost in front of a number, or without the characters that a file's encoding does not have.

use std::hash::{DefaultHasher, Hash, Hasher};

use encoding_rs::Encoding;
use unicode_normalization::UnicodeNormalization;

/// What stands for a character that an encoding does not have.
const REPLACEMENTS: [char; 3] = ['?', '〓', '\u{FFFD}'];
/// A date and time at midnight, as digits.
const MIDNIGHT: &str = "000000";

/// A value as it is compared; `None` where nothing is left of it. `legacy` is the file's encoding, where it lacks characters.
pub(super) fn normal(value: &str, legacy: Option<&'static Encoding>) -> Option<String> {
    let kept = legacy.map(|encoding| without_lost(value, encoding));
    let value = kept.as_deref().unwrap_or(value);
    let text: String = if value.is_ascii() {
        value.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_lowercase()).collect()
    } else {
        value.nfkc().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).map(plain_sign).collect()
    };
    let text = digits(&text).unwrap_or(text);
    (!text.is_empty()).then_some(text)
}

/// The digest of a value as it is compared; 0 where nothing is left of it.
pub(super) fn digest(value: Option<&str>, legacy: Option<&'static Encoding>) -> u64 {
    let Some(normal) = value.and_then(|value| normal(value, legacy)) else { return 0 };
    let mut hasher = DefaultHasher::new();
    normal.hash(&mut hasher);
    hasher.finish().max(1)
}

/// Whether a value by itself names somebody: long enough that two persons hardly share it by chance.
pub(super) fn is_strong(normal: &str) -> bool {
    let digits_only = normal.bytes().all(|byte| byte.is_ascii_digit());
    if digits_only { normal.len() >= 9 } else { normal.contains('@') || normal.chars().count() >= 8 }
}

fn without_lost(value: &str, encoding: &'static Encoding) -> String {
    let lost = |c: char| REPLACEMENTS.contains(&c) || (!c.is_ascii() && encoding.encode(c.encode_utf8(&mut [0; 4])).2);
    value.chars().filter(|&c| !lost(c)).collect()
}

/// Dashes and waves that encodings exchange for one another.
const fn plain_sign(c: char) -> char {
    match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FF0D}' => '-',
        '\u{301C}' => '~',
        other => other,
    }
}

/// A number, telephone number, card number or date without its signs and without zeros in front.
fn digits(text: &str) -> Option<String> {
    let is_sign = |byte: u8| b"-+/().:,t".contains(&byte);
    if !text.bytes().any(|byte| byte.is_ascii_digit()) || !text.bytes().all(|byte| byte.is_ascii_digit() || is_sign(byte)) {
        return None;
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let day = if digits.len() == 14 { digits.strip_suffix(MIDNIGHT).unwrap_or(&digits) } else { &digits };
    let plain = day.trim_start_matches('0');
    Some(if plain.is_empty() { "0".into() } else { plain.to_owned() })
}

#[cfg(test)]
mod tests {
    use encoding_rs::SHIFT_JIS;

    use super::{digest, is_strong, normal};

    fn check_same(writings: &[&str]) {
        let first = normal(writings[0], None);
        writings.iter().for_each(|writing| assert_eq!(normal(writing, None), first, "{writing}"));
    }

    #[test]
    fn writings_of_one_value_are_the_same() {
        check_same(&["090-1234-5678", "09012345678", "9012345678", "(090) 1234-5678"]);
        check_same(&["2013-04-19 00:00:00", "2013/04/19", "20130419"]);
        check_same(&["ﾔﾏﾀﾞ ﾊﾅｺ", "ヤマダ　ハナコ", "ヤマダハナコ"]);
        check_same(&["A@Example.com", "a@example.com "]);
        check_same(&["東京都千代田区１－２", "東京都千代田区1−2"]);
        check_same(&["", "  ", "\t"]);
        assert_ne!(normal("090-1234-5678", None), normal("090-1234-5679", None));
        assert_eq!(normal("000", None).as_deref(), Some("0"));
    }

    #[test]
    fn what_an_encoding_lost_is_left_out_on_both_sides() {
        let (ours, theirs) = ("\u{20BB7}田 花子", "?田 花子");
        assert_eq!(normal(ours, Some(SHIFT_JIS)), normal(theirs, Some(SHIFT_JIS)));
        assert_ne!(normal(ours, None), normal(theirs, None));
        assert_eq!(digest(Some("\u{20BB7}"), Some(SHIFT_JIS)), 0);
    }

    #[test]
    fn a_short_number_names_nobody() {
        assert!(is_strong("a@b.jp") && is_strong("9012345678") && !is_strong("1001") && !is_strong("visa"));
    }
}
