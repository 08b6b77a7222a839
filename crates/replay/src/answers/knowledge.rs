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
            let Some(yes) = looks.read(shape.endpoint, asked) else {
                known.unread += 1;
                continue;
            };
            known.yes += u64::from(yes);
            known.read += 1;
            let number = library.test(question, &asked.literals);
            let test = Test { number, question, literals: &asked.literals, hole: plan.hole };
            let piece = library.piece(plan, question, &asked.literals)?;
            let answer = Answer { test, piece, yes };
            match piece {
                Piece::Slice(at, 1) => known.characters.entry(at).or_default().push(answer),
                _ => known.pieces.push(answer),
            }
        }
        Ok(known)
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

    /// What the answers about a position leave: one character, the end (`Some(None)`), or several (`None`).
    pub(super) fn character(&self, at: usize, candidates: &[char], library: &mut Library<'_>) -> Result<Option<Option<char>>> {
        let Some(answers) = self.characters.get(&at) else { return Ok(None) };
        let (mut best, mut found) = (answers.len() / ANSWERS_A_MISTAKE, Vec::new());
        for other in std::iter::once(None).chain(candidates.iter().copied().map(Some)) {
            let piece = Value::Text(other.map_or_else(String::new, String::from));
            let count = wrong(answers, |_| piece.clone(), best, library)?;
            if count < best {
                (best, found) = (count, vec![other]);
            } else if count == best {
                found.push(other);
            }
        }
        Ok(if let [one] = found[..] { Some(one) } else { None })
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

/// How many answers a value's pieces contradict, counted up to one more than `limit`.
fn wrong(answers: &[Answer<'_>], piece: impl Fn(&Answer<'_>) -> Value, limit: usize, library: &mut Library<'_>) -> Result<usize> {
    let mut wrong = 0;
    for answer in answers {
        wrong += usize::from(library.says(&answer.test, &piece(answer))? != answer.yes);
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
