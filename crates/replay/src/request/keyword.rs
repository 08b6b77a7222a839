//! Words of SQL beside a blank: with one of them SQL goes on after a value, or begins in place of one.
//!
//! Not here: what a blank is, and what else makes SQL of a value (`suspect`).

/// Whether the word before or behind a blank is one of SQL.
pub(super) fn keyword_beside(text: &[u8], start: usize, end: usize) -> bool {
    keyword_behind(&text[end.min(text.len())..]) || keyword_before(&text[..start])
}

/// Whether a text begins with one.
pub(super) fn keyword_behind(text: &[u8]) -> bool {
    let length = text.iter().take(LENGTH_MAX + 1).take_while(|byte| is_word(**byte)).count();
    is_keyword(&text[..length])
}

/// Whether a text ends with one.
pub(super) fn keyword_before(text: &[u8]) -> bool {
    // No keyword ends with a digit, and few with a vowel: most texts are done with.
    if text.last().is_none_or(|last| LAST_LETTERS & letter_bit(*last) == 0) {
        return false;
    }
    let length = text.iter().rev().take(LENGTH_MAX + 3).take_while(|byte| is_word(**byte)).count();
    let word = &text[text.len() - length..];
    // `…&q=select+1`: `%20` in front leaves its digits on the word.
    is_keyword(word) || is_keyword(word.get(2..).unwrap_or_default())
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_keyword(word: &[u8]) -> bool {
    let begins = word.first().is_some_and(|first| FIRST_LETTERS.get(word.len()).is_some_and(|of| of & letter_bit(*first) != 0));
    begins && PACKED[STARTS[word.len()]..STARTS[word.len() + 1]].contains(&packed(word))
}

/// A word as a number, whatever the case of its letters: words of one length differ in it where they differ. (`_` becomes a
/// byte that no word holds.)
const fn packed(word: &[u8]) -> u128 {
    let (mut packed, mut at) = (0, 0);
    while at < word.len() {
        packed = packed << 8 | (word[at] | 0x20) as u128;
        at += 1;
    }
    packed
}

/// [`WORDS`], packed.
const PACKED: [u128; WORDS.len()] = all_packed();

const fn all_packed() -> [u128; WORDS.len()] {
    let (mut all, mut at) = ([0; WORDS.len()], 0);
    while at < WORDS.len() {
        all[at] = packed(WORDS[at].as_bytes());
        at += 1;
    }
    all
}

/// Bytes of the longest word.
const LENGTH_MAX: usize = 9;

/// A bit for each letter, whatever its case.
const fn letter_bit(byte: u8) -> u32 {
    if byte.is_ascii_alphabetic() { 1 << (byte.to_ascii_lowercase() - b'a') } else { 0 }
}

/// By length: the first letters of [`WORDS`]. Most words are none by this alone.
const FIRST_LETTERS: [u32; LENGTH_MAX + 1] = first_letters();

const fn first_letters() -> [u32; LENGTH_MAX + 1] {
    let (mut letters, mut at) = ([0; LENGTH_MAX + 1], 0);
    while at < WORDS.len() {
        let word = WORDS[at].as_bytes();
        letters[word.len()] |= letter_bit(word[0]);
        at += 1;
    }
    letters
}

/// By length: where the words of this length or more begin in [`WORDS`].
const STARTS: [usize; LENGTH_MAX + 2] = starts();

const fn starts() -> [usize; LENGTH_MAX + 2] {
    let (mut starts, mut at) = ([0; LENGTH_MAX + 2], 0);
    while at < WORDS.len() {
        assert!(at == 0 || WORDS[at - 1].len() <= WORDS[at].len(), "words stand in order of length");
        let mut longer = WORDS[at].len() + 1;
        while longer < starts.len() {
            starts[longer] = at + 1;
            longer += 1;
        }
        at += 1;
    }
    starts
}

/// The letters that any of [`WORDS`] ends with.
const LAST_LETTERS: u32 = last_letters();

const fn last_letters() -> u32 {
    let (mut letters, mut at) = (0, 0);
    while at < WORDS.len() {
        let word = WORDS[at].as_bytes();
        letters |= letter_bit(word[word.len() - 1]);
        at += 1;
    }
    letters
}

/// In order of length.
pub(super) const WORDS: [&str; 58] = [
    "or",
    "as",
    "is",
    "in",
    "on",
    "by",
    "and",
    "xor",
    "not",
    "div",
    "mod",
    "asc",
    "for",
    "set",
    "all",
    "any",
    "case",
    "desc",
    "from",
    "into",
    "join",
    "like",
    "lock",
    "then",
    "when",
    "with",
    "call",
    "exec",
    "cross",
    "fetch",
    "group",
    "ilike",
    "inner",
    "limit",
    "minus",
    "order",
    "rlike",
    "table",
    "union",
    "where",
    "binary",
    "escape",
    "except",
    "exists",
    "having",
    "insert",
    "offset",
    "regexp",
    "select",
    "sounds",
    "update",
    "values",
    "window",
    "between",
    "collate",
    "waitfor",
    "procedure",
    "intersect",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::{WORDS, keyword_beside};

    /// The words around a blank, without any short way.
    fn a_word_is_beside(text: &[u8], start: usize, end: usize) -> bool {
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let behind: Vec<u8> = text[end.min(text.len())..].iter().copied().take_while(is_word).collect();
        let mut before: Vec<u8> = text[..start].iter().rev().copied().take_while(is_word).collect();
        before.reverse();
        let known = |word: &[u8]| WORDS.iter().any(|one| word.eq_ignore_ascii_case(one.as_bytes()));
        known(&behind) || known(&before) || known(before.get(2..).unwrap_or_default())
    }

    proptest! {
        #[test]
        fn short_ways_say_what_the_long_way_says(parts in proptest::collection::vec(prop_oneof![
            3 => select(&WORDS[..]).prop_map(str::to_owned),
            2 => select(&["+", " ", "%20", "=", "&", "/", "5", "_"][..]).prop_map(str::to_owned),
            1 => "[ -~]{0,3}",
        ], 0..8)) {
            let text = parts.concat();
            for (at, byte) in text.bytes().enumerate() {
                if matches!(byte, b'+' | b' ') {
                    prop_assert_eq!(keyword_beside(text.as_bytes(), at, at + 1), a_word_is_beside(text.as_bytes(), at, at + 1));
                }
            }
        }
    }
}
