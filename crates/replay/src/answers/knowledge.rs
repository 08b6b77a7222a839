//! What all answers about one value say together: which values fit them, and whether they leave no other.

use std::collections::BTreeMap;

use rusqlite::Result;
use rusqlite::types::Value;

use super::Asked;
use super::looks::Looks;
use super::values::{Library, Piece, Test};
use crate::investigation::Shape;

/// The answers about one value that the log shows.
#[derive(Debug, Default)]
pub(super) struct Knowledge<'a> {
    /// Answers about single characters, by position.
    characters: BTreeMap<usize, Vec<Answer<'a>>>,
    /// Answers about longer pieces.
    pieces: Vec<Answer<'a>>,
    /// The values are numbers.
    numeric: bool,
    /// Answers that the log does not show.
    pub(super) unread: u64,
    /// Answers yes, and all that were read.
    pub(super) yes: u64,
    pub(super) read: u64,
    /// Of those, answers that follow from what was asked next.
    pub(super) inferred: u64,
    /// Questions of which it cannot be told what piece of the value they are about.
    unclear: u64,
    /// Whether an answer was felt in its time.
    pub(super) by_time: bool,
}

#[derive(Debug)]
struct Answer<'a> {
    test: Test<'a>,
    piece: Piece,
    yes: bool,
}

/// One answer in so many may be wrong: servers stumble, and intruders ask again when they see it.
const ANSWERS_A_MISTAKE: usize = 8;

impl<'a> Knowledge<'a> {
    /// Reads the answers to questions about one value.
    pub(super) fn of(
        questions: &[&'a Asked],
        numeric: bool,
        shapes: &'a [Shape],
        looks: &Looks,
        library: &mut Library<'_>,
    ) -> Result<Self> {
        let mut known = Self { numeric, ..Self::default() };
        for asked in questions {
            let shape = &shapes[asked.shape];
            let Some((plan, question)) = shape.asks() else { continue };
            known.by_time |= asked.expected.by_time();
            let read = looks.read(shape, asked);
            let Some(yes) = read.or_else(|| looks.inferred.get(&asked.observed.line).copied()) else {
                known.unread += 1;
                continue;
            };
            let Some(piece) = library.piece(plan, question, &asked.literals)? else {
                known.unclear += 1;
                continue;
            };
            known.inferred += u64::from(read.is_none());
            known.yes += u64::from(yes);
            known.read += 1;
            let number = library.test(question, &asked.literals);
            let test = Test { number, question, literals: &asked.literals, hole: plan.hole };
            let answer = Answer { test, piece, yes };
            match piece {
                Piece::Slice(at, 1) => known.characters.entry(at).or_default().push(answer),
                _ => known.pieces.push(answer),
            }
        }
        Ok(known)
    }

    /// Whether it could not be worked out of some question what it asks: its answer then rules nothing out.
    pub(super) fn is_unclear(&self, library: &Library<'_>) -> bool {
        let mut answers = self.characters.values().flatten().chain(&self.pieces);
        self.unclear > 0 || answers.any(|answer| library.is_unclear(&answer.test))
    }

    /// How many answers a value contradicts; `None` where they are too many for it to fit.
    pub(super) fn misfit(&self, value: &str, library: &mut Library<'_>) -> Result<Option<usize>> {
        let characters: Vec<char> = value.chars().collect();
        let mut all = 0;
        for (&at, answers) in &self.characters {
            let one = at.checked_sub(1).and_then(|at| characters.get(at)).map_or_else(String::new, char::to_string);
            let Some(wrong) = tolerated(answers, |_| Value::Text(one.clone()), library)? else { return Ok(None) };
            all += wrong;
        }
        let wrong = tolerated(&self.pieces, |answer| answer.piece.of(value, self.numeric), library)?;
        Ok(wrong.map(|wrong| all + wrong))
    }

    /// Whether the answers leave no other value: at each position, no other character of the
    /// column's fits, nor an end.
    pub(super) fn is_whole(&self, value: &str, alphabet: &[char], library: &mut Library<'_>) -> Result<bool> {
        let characters: Vec<char> = value.chars().collect();
        let pieces = wrong(&self.pieces, |answer| answer.piece.of(value, self.numeric), self.pieces.len(), library)?;
        for at in 0..characters.len() {
            for other in self.fitting_characters(&characters, at, alphabet, library)? {
                if self.pieces.is_empty() || self.pieces_allow(&characters, at, other, pieces, library)? {
                    return Ok(false);
                }
            }
        }
        Ok(!characters.is_empty() || self.allows_no_beginning(alphabet, library)?)
    }

    /// What else could stand at a position (`None`: the end) by the answers about it: what contradicts no more of them than
    /// the character that is there.
    fn fitting_characters(
        &self,
        characters: &[char],
        at: usize,
        alphabet: &[char],
        library: &mut Library<'_>,
    ) -> Result<Vec<Option<char>>> {
        let others = alternatives(alphabet, characters[at]);
        let Some(answers) = self.characters.get(&(at + 1)) else { return Ok(others.collect()) };
        let single = |c: Option<char>| Value::Text(c.map_or_else(String::new, String::from));
        let here = wrong(answers, |_| single(Some(characters[at])), answers.len(), library)?;
        let mut fitting = Vec::new();
        for other in others {
            let piece = single(other);
            if wrong(answers, |_| piece.clone(), here, library)? <= here {
                fitting.push(other);
            }
        }
        Ok(fitting)
    }

    /// Whether the answers about longer pieces are contradicted no more often by the value with another character.
    fn pieces_allow(
        &self,
        characters: &[char],
        at: usize,
        other: Option<char>,
        here: usize,
        library: &mut Library<'_>,
    ) -> Result<bool> {
        let changed: String = match other {
            Some(other) => characters.iter().enumerate().map(|(place, &c)| if place == at { other } else { c }).collect(),
            None => characters[..at].iter().collect(),
        };
        Ok(wrong(&self.pieces, |answer| answer.piece.of(&changed, self.numeric), here, library)? <= here)
    }

    /// The positions that were asked about, rising.
    pub(super) fn positions(&self) -> impl Iterator<Item = usize> {
        self.characters.keys().copied()
    }

    /// What the answers about a position leave, among ASCII, `more` characters and, if need be, all others.
    pub(super) fn standing(&self, at: usize, more: &[char], library: &mut Library<'_>) -> Result<Standing> {
        let Some(answers) = self.characters.get(&at) else { return Ok(Standing::Open) };
        let ascii: Vec<Option<char>> = characters(more).collect();
        let mistakes = answers.len() / ANSWERS_A_MISTAKE;
        let (wrong, found) = fitting(answers, &ascii, mistakes, library)?;
        match found[..] {
            // A search that names characters takes the one for known that it never has to name.
            [one] if answers.iter().all(|answer| answer.test.question.names_values) => Ok(Standing::Known(one)),
            [one] if fitting(answers, &FAR.map(Some), wrong, library)?.1.is_empty() => Ok(Standing::Known(one)),
            [] => far(answers, library),
            _ => Ok(Standing::Open),
        }
    }

    /// The length that the answers leave; `None` where none was asked for, or several remain.
    pub(super) fn length(&self, library: &mut Library<'_>) -> Result<Option<(usize, bool)>> {
        let lengths = self.pieces.iter().filter_map(|answer| match answer.piece {
            Piece::Length { bytes } => Some((answer, bytes)),
            _ => None,
        });
        let (answers, bytes): (Vec<&Answer<'_>>, Vec<bool>) = lengths.unzip();
        let (Some(&bytes), mut left) = (bytes.first(), None) else { return Ok(None) };
        for length in 0..=LENGTH_MAX {
            let number = Value::Integer(i64::try_from(length).unwrap_or(i64::MAX));
            let mut fits = true;
            for answer in &answers {
                fits &= library.says(&answer.test, &number)?.is_none_or(|said| said == answer.yes);
            }
            match (fits, left) {
                (true, Some(_)) => return Ok(None),
                (true, None) => left = Some(length),
                _ => {}
            }
        }
        // The longest one stands for all that are longer.
        Ok(left.filter(|length| *length < LENGTH_MAX).map(|length| (length, bytes)))
    }

    /// Of an empty value: whether the answers exclude every first character.
    fn allows_no_beginning(&self, alphabet: &[char], library: &mut Library<'_>) -> Result<bool> {
        for other in alphabet {
            if self.misfit(&other.to_string(), library)?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// What stands at a position of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// This character; `None`: the value has ended.
    Known(Option<char>),
    /// Several would fit.
    Open,
    /// Nothing fits.
    Contradicted,
}

/// Characters that stand for all beyond ASCII: where none of them fits, the answers leave none of the others either.
const FAR: [char; 6] = ['\u{a0}', 'ÿ', 'あ', '\u{fffd}', '😀', '𠮷'];
/// Longest value whose length is looked for.
const LENGTH_MAX: usize = 4096;

/// The end, printable ASCII, and these.
pub(super) fn characters(more: &[char]) -> impl Iterator<Item = Option<char>> {
    let others = more.iter().copied().filter(|c| !(' '..='~').contains(c));
    std::iter::once(None).chain((' '..='~').map(Some)).chain(others.collect::<Vec<_>>().into_iter().map(Some))
}

/// Those that contradict the fewest answers, and how many: at most `mistakes`.
fn fitting(
    answers: &[Answer<'_>],
    candidates: &[Option<char>],
    mistakes: usize,
    library: &mut Library<'_>,
) -> Result<(usize, Vec<Option<char>>)> {
    let (mut best, mut found) = (mistakes, Vec::new());
    for &other in candidates {
        let piece = Value::Text(other.map_or_else(String::new, String::from));
        let count = wrong(answers, |_| piece.clone(), best, library)?;
        if count < best {
            (best, found) = (count, vec![other]);
        } else if count == best {
            found.push(other);
        }
    }
    Ok((best, found))
}

/// What stands at a position beyond ASCII, where the answers compare the number of the character.
fn far(answers: &[Answer<'_>], library: &mut Library<'_>) -> Result<Standing> {
    let bounds: Vec<(&Test<'_>, bool)> = answers.iter().map(|answer| (&answer.test, answer.yes)).collect();
    let Some(near) = library.between(&bounds)? else { return Ok(Standing::Open) };
    let near: Vec<Option<char>> = near.into_iter().map(Some).collect();
    Ok(match fitting(answers, &near, answers.len() / ANSWERS_A_MISTAKE, library)?.1[..] {
        [] => Standing::Contradicted,
        [one] => Standing::Known(one),
        _ => Standing::Open,
    })
}

/// How many answers a value's pieces contradict, counted up to one more than `limit`.
fn wrong(answers: &[Answer<'_>], piece: impl Fn(&Answer<'_>) -> Value, limit: usize, library: &mut Library<'_>) -> Result<usize> {
    let mut wrong = 0;
    for answer in answers {
        wrong += usize::from(library.says(&answer.test, &piece(answer))? == Some(!answer.yes));
        if wrong > limit {
            break;
        }
    }
    Ok(wrong)
}

/// How many answers a value's pieces contradict; `None` where they are more than may be mistaken.
fn tolerated(answers: &[Answer<'_>], piece: impl Fn(&Answer<'_>) -> Value, library: &mut Library<'_>) -> Result<Option<usize>> {
    let allowed = answers.len() / ANSWERS_A_MISTAKE;
    Ok(Some(wrong(answers, piece, allowed, library)?).filter(|wrong| *wrong <= allowed))
}

/// What could stand at a position instead: the end, or another of the characters that the column knows.
fn alternatives(alphabet: &[char], here: char) -> impl Iterator<Item = Option<char>> {
    std::iter::once(None).chain(alphabet.iter().copied().filter(move |&c| c != here).map(Some))
}
