//! The value that answers give by themselves, whichever row of the snapshot holds it, and if none does.

use kintsugi_case::Private;

use super::knowledge::Knowledge;
use super::values::Library;
use crate::Characters;

/// A value as far as the answers give it.
#[derive(Debug)]
pub(super) struct Decoded {
    /// Which characters.
    pub(super) characters: Characters,
    /// Those characters, in order.
    pub(super) text: Private<String>,
}

/// Every printable character of ASCII, and those of the column.
fn candidates(alphabet: &[char]) -> Vec<char> {
    let mut all: Vec<char> = (' '..='~').chain(alphabet.iter().copied()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Decodes the answers, position by position: where one character contradicts fewer of them than any other, it is known.
pub(super) fn decode(known: &Knowledge<'_>, alphabet: &[char], library: &mut Library<'_>) -> rusqlite::Result<Decoded> {
    let candidates = candidates(alphabet);
    let (mut text, mut ranges) = (String::new(), Vec::<(u64, u64)>::new());
    let mut end = None;
    for at in known.positions() {
        match known.character(at, &candidates, library)? {
            Some(Some(character)) => {
                text.push(character);
                extend(&mut ranges, at as u64);
            }
            Some(None) => end = end.or(Some(at as u64)),
            None => {}
        }
    }
    let complete =
        matches!((&ranges[..], end), ([(1, last)], Some(end)) if last + 1 == end) || (ranges.is_empty() && end == Some(1));
    let characters = if complete { Characters::All } else { Characters::Some(ranges) };
    Ok(Decoded { characters, text: Private::new(text) })
}

fn extend(ranges: &mut Vec<(u64, u64)>, at: u64) {
    match ranges.last_mut() {
        Some((_, last)) if *last + 1 == at => *last = at,
        _ => ranges.push((at, at)),
    }
}
