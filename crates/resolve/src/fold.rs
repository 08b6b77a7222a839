//! What all keys have in common: NFKC, small letters, one kind of kana, no blanks.

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

/// A text in the form in which keys are compared: NFKC (full-width and half-width forms fold), small letters, hiragana
/// as katakana; blanks and characters that nobody sees vanish.
pub(crate) fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.bytes().filter(|byte| byte.is_ascii_graphic()).map(|byte| char::from(byte.to_ascii_lowercase())).collect();
    }
    let mut out = fold_once(text.chars());
    // A blank that vanishes, or kana that change, may leave two characters side by side that compose to one.
    for _ in 0..COMPOSITIONS_MAX {
        if is_nfkc_quick(out.chars()) == IsNormalized::Yes {
            break;
        }
        let again = fold_once(out.nfkc());
        if again == out {
            break;
        }
        out = again;
    }
    out
}

/// Rounds until nothing composes any more; real names and addresses need one.
const COMPOSITIONS_MAX: u32 = 8;

fn fold_once(text: impl Iterator<Item = char>) -> String {
    text.flat_map(char::to_lowercase).map(katakana).filter(|&c| !is_unseen(c)).collect()
}

/// Hiragana U+3041 to U+3096 and its repeat marks as katakana, 0x60 further on.
fn katakana(c: char) -> char {
    match c {
        'ぁ'..='ゖ' | 'ゝ' | 'ゞ' => char::from_u32(c as u32 + 0x60).unwrap_or(c),
        other => other,
    }
}

/// Blanks, control characters, and marks that only tell how to lay a text out.
fn is_unseen(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{00AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::folded;
    use proptest::prelude::*;

    #[test]
    fn widths_kana_case_and_blanks_fold() {
        for written in ["ヤマダ ハナコ", "ﾔﾏﾀﾞ　ﾊﾅｺ", "やまだはなこ", "ヤマタ\u{3099}ハナコ"] {
            assert_eq!(folded(written), "ヤマダハナコ", "{written}");
        }
        assert_eq!(folded("Ｔａｒｏ　YAMADA"), folded("taro yamada"));
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in "\\PC*") {
            let once = folded(&text);
            prop_assert_eq!(folded(&once), once);
        }

        #[test]
        fn the_short_way_for_ascii_is_the_long_way(text in "[ -~\\t]*") {
            let long = folded(&format!("{text}\u{200B}"));
            prop_assert_eq!(folded(&text), long);
        }
    }
}
