//! Postal addresses as keys.

use crate::fold::folded;

/// The key of an address: widths, kana, hyphens and `丁目 番地 番 号` folded, so that `神南１丁目２番３号`, `神南一丁目2-3` and
/// `神南1-2-3` agree. `None` where it has no number: a town alone is no address and joins nobody.
pub fn address_key(address: &str) -> Option<String> {
    let text = numerals_before_chome(&folded(address));
    if !text.chars().any(|c| c.is_ascii_digit() || numeral(c).is_some()) {
        return None;
    }
    let mut key = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(c) = rest.chars().next() {
        let after_digit = key.ends_with(|c: char| c.is_ascii_digit());
        match divider(rest, after_digit) {
            Some(len) => {
                push_divider(&mut key);
                rest = &rest[len..];
            }
            None => {
                key.extend(letter(c));
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    key.truncate(key.trim_end_matches('-').len());
    Some(key)
}

/// The byte length of what divides the numbers of an address here. The long vowel mark divides only after a number.
fn divider(rest: &str, after_digit: bool) -> Option<usize> {
    let first = rest.chars().next()?;
    let hyphen = matches!(first, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' | '─' | '━');
    if hyphen || (after_digit && matches!(first, 'ー' | 'ノ')) {
        return Some(first.len_utf8());
    }
    let words = ["丁目", "番地ノ", "番地", "番", "号"];
    words.into_iter().find(|word| after_digit && rest.starts_with(word)).map(str::len)
}

fn push_divider(key: &mut String) {
    if !key.is_empty() && !key.ends_with('-') {
        key.push('-');
    }
}

/// Small ke and ka in place names are written both ways; points and commas are decoration.
fn letter(c: char) -> Option<char> {
    match c {
        'ヶ' => Some('ケ'),
        'ヵ' => Some('カ'),
        ',' | '.' | '、' | '。' | '・' => None,
        other => Some(other),
    }
}

fn numeral(c: char) -> Option<u32> {
    "〇一二三四五六七八九十".chars().position(|numeral| numeral == c).map(|value| value as u32)
}

/// `二十三丁目` as `23丁目`; numerals elsewhere belong to names (`三田`).
fn numerals_before_chome(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut pieces = text.split("丁目").peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            out.push_str(piece);
            break;
        }
        let head = piece.trim_end_matches(|c| numeral(c).is_some());
        let number = chome(&piece[head.len()..]);
        out.push_str(number.as_ref().map_or(piece, |_| head));
        out.extend(number.map(|number| number.to_string()));
        out.push_str("丁目");
    }
    out
}

/// The value of `一` to `九十九`; `None` for anything else.
fn chome(numerals: &str) -> Option<u32> {
    let values: Vec<u32> = numerals.chars().filter_map(numeral).collect();
    match *values.as_slice() {
        [one @ 1..=10] => Some(one),
        [10, one @ 1..=9] => Some(10 + one),
        [tens @ 1..=9, 10] => Some(tens * 10),
        [tens @ 1..=9, 10, one @ 1..=9] => Some(tens * 10 + one),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::address_key;
    use proptest::prelude::*;

    #[test]
    fn an_address_is_one_key_however_it_is_typed() {
        for written in [
            "東京都渋谷区神南1-2-3",
            "東京都渋谷区神南１丁目２番３号",
            "東京都渋谷区 神南一丁目2ー3",
            "東京都渋谷区神南１−２−３",
            "東京都渋谷区神南1丁目2番地の3",
        ] {
            assert_eq!(address_key(written).as_deref(), Some("東京都渋谷区神南1-2-3"), "{written}");
        }
        assert_eq!(address_key("千代田区霞ヶ関二十三丁目1"), address_key("千代田区霞ケ関23-1"));
        assert_eq!(address_key("12 Main St., Apt. 4"), address_key("12 main st apt 4"));
    }

    #[test]
    fn numbers_that_differ_stay_apart() {
        assert_ne!(address_key("神南1-2-3"), address_key("神南1-23"));
        assert_ne!(address_key("三田1-2-3"), address_key("神田1-2-3"));
        assert_ne!(address_key("神南1-2-3 タワー101"), address_key("神南1-2-3 タワー102"));
    }

    #[test]
    fn a_town_alone_joins_nobody() {
        assert_eq!((address_key(""), address_key("東京都渋谷区神南"), address_key("Tokyo")), (None, None, None));
    }

    proptest! {
        #[test]
        fn any_text_has_a_key_or_none(text in "\\PC*") {
            let _ = address_key(&text);
        }

        #[test]
        fn a_key_is_its_own_key(text in "[一二十丁目番地号ーの0-9０-９a-zA-Zヶ −-]{0,20}") {
            if let Some(key) = address_key(&text) {
                prop_assert_eq!(address_key(&key).unwrap_or_default(), key);
            }
        }
    }
}
