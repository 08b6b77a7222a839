//! Codes that people read from paper and type: Crockford's base32 alphabet, which leaves out I, L, O and U.

use rand::TryRng;
use zeroize::Zeroizing;

use crate::{Error, Result};

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters that one 256-bit block yields at 5 bits each.
const CHARS_PER_BLOCK: usize = 51;

/// `len` characters from as many blocks as it takes.
pub(crate) fn render(len: usize, block: impl Fn(u32) -> [u8; 32]) -> String {
    let blocks = len.div_ceil(CHARS_PER_BLOCK) as u32;
    (0..blocks).flat_map(|number| block_chars(block(number))).take(len).collect()
}

fn block_chars(block: [u8; 32]) -> impl Iterator<Item = char> {
    (0..CHARS_PER_BLOCK).map(move |at| {
        let bit = at * 5;
        let pair = u16::from_be_bytes([block[bit / 8], *block.get(bit / 8 + 1).unwrap_or(&0)]);
        char::from(ALPHABET[usize::from(pair >> (11 - bit % 8) & 31)])
    })
}

/// A code of `len` characters from the operating system's randomness: 5 bits each.
pub fn random_code(len: usize) -> Result<String> {
    let blocks = len.div_ceil(CHARS_PER_BLOCK);
    let mut bytes = Zeroizing::new(vec![[0; 32]; blocks]);
    for block in bytes.iter_mut() {
        rand::rngs::SysRng.try_fill_bytes(block).map_err(|_| Error::Random)?;
    }
    Ok(render(len, |number| bytes[number as usize]))
}

/// The code as it was printed, from the code as it was typed.
pub(crate) fn normalise(typed: &str) -> String {
    typed.chars().filter_map(plain_char).collect()
}

fn plain_char(c: char) -> Option<char> {
    let narrow = match c {
        '！'..='～' => char::from_u32(c as u32 - 0xFEE0).unwrap_or(c),
        other => other,
    };
    match narrow.to_ascii_uppercase() {
        'O' => Some('0'),
        'I' | 'L' => Some('1'),
        '-' | '‐' | '‑' | '–' | '−' | 'ー' | '_' | '.' => None,
        c if c.is_whitespace() => None,
        c => Some(c),
    }
}

#[cfg(test)]
mod tests {
    use super::{ALPHABET, normalise, random_code, render};

    #[test]
    fn random_codes_differ() {
        let (one, other) = (random_code(60).unwrap(), random_code(60).unwrap());
        assert_eq!((one.len(), other.len()), (60, 60));
        assert_ne!(one, other);
    }

    #[test]
    fn five_bits_make_a_character() {
        let mut block = [0; 32];
        let bits = [0u64, 1, 2, 3, 31, 30, 1, 0].iter().fold(0, |bits, five| bits << 5 | five);
        block[..5].copy_from_slice(&bits.to_be_bytes()[3..]);
        assert_eq!(render(8, |_| block), "0123ZY10");
    }

    #[test]
    fn a_code_can_be_longer_than_a_block() {
        let text = render(120, |number| [number as u8; 32]);
        assert_eq!(text.len(), 120);
        assert!(text.bytes().all(|c| ALPHABET.contains(&c)));
        assert!(text.starts_with("000000") && text[51..].starts_with("040G"));
    }

    #[test]
    fn typed_codes_are_forgiven_what_people_do() {
        for typed in ["AB01-1XYZ", "ab0l ixyz", " aBoI-Lxyz ", "ＡＢ０１－１ＸＹＺ", "abo1‐1xyz"] {
            assert_eq!(normalise(typed), "AB011XYZ", "{typed}");
        }
    }
}
