//! The value that answers give by themselves, whichever row of the snapshot holds it, and if none does.

use kintsugi_case::Private;

use super::knowledge::{Knowledge, Standing};
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

/// Decodes the answers, position by position: where one character contradicts fewer of them than any other, it is known.
/// A value is complete where its end was found, or its length asked for.
pub(super) fn decode(known: &Knowledge<'_>, alphabet: &[char], library: &mut Library<'_>) -> rusqlite::Result<Decoded> {
    let (mut text, mut ranges) = (String::new(), Vec::<(u64, u64)>::new());
    let mut end = None;
    let positions: Vec<usize> = known.positions().collect();
    for at in positions {
        match known.standing(at, alphabet, library)? {
            Standing::Known(Some(character)) => {
                text.push(character);
                extend(&mut ranges, at as u64);
            }
            Standing::Known(None) => end = end.or(Some(at as u64)),
            Standing::Open | Standing::Contradicted => {}
        }
    }
    let length = if let [] | [(1, _)] = ranges[..] { known.length(library)? } else { None };
    let read = ranges.first().map_or(0, |(_, last)| *last);
    let by_length = length.is_some_and(|(length, bytes)| if bytes { length == text.len() } else { length as u64 == read });
    let by_end = end == Some(read + 1) && matches!(ranges[..], [] | [(1, _)]);
    let characters = if by_length || by_end { Characters::All } else { Characters::Some(ranges) };
    Ok(Decoded { characters, text: Private::new(text) })
}

fn extend(ranges: &mut Vec<(u64, u64)>, at: u64) {
    match ranges.last_mut() {
        Some((_, last)) if *last + 1 == at => *last = at,
        _ => ranges.push((at, at)),
    }
}
