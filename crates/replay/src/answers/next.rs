//! Answers that the log does not show, from what was asked next. A search asks what it does not know yet: of two answers, the
//! one after which the next question would have been idle was not given. Nothing of this knows a tool: the characters that
//! remain after each answer, and which of them the next question tells apart, decide.
//!
//! * A question that tells none of the remaining characters apart is idle. Of all histories of answers, the one with the
//!   fewest idle questions was the real one. Where one character alone remains, a question confirms: if it singles a
//!   character out, that is the one that was found.
//! * A search that goes on to the next position has found no end; one that stops has.
//! * An answer that waits delays the client's next request (`gaps`).

use std::collections::BTreeMap;

use rusqlite::Result;
use rusqlite::types::Value;

use super::gaps::Gaps;
use super::looks::Looks;
use super::values::{Library, Piece, Test};
use super::{Asked, Rows};
use crate::investigation::Shape;

/// Histories of answers kept at the same time; where more are possible, nothing follows.
const HISTORIES_MAX: usize = 64;

/// How many more idle questions than another a history may have before it is given up.
const IDLE_MAX: usize = 4;
/// Characters that stand for all others, two and two so that none of them is ever found alone.
const OTHERS: [char; 8] = ['\u{a5}', '\u{a6}', 'あ', 'い', '\u{fffc}', '\u{fffd}', '𠮷', '𠮸'];

/// A character, or the end.
type Candidate = Option<char>;

/// A question about one position of one value.
struct Step<'a> {
    asked: &'a Asked,
    test: Test<'a>,
    is_unread: bool,
}

/// Answers that may have been given, and what they leave.
#[derive(Clone)]
struct History {
    left: Vec<Candidate>,
    /// Questions that nobody would have asked.
    idle: usize,
    /// For each question, the answer; `None` where it was of no consequence.
    answers: Vec<Option<bool>>,
}

/// Finds the answers that follow.
pub(super) fn infer(looks: &mut Looks, rows: &Rows<'_>, shapes: &[Shape], library: &mut Library<'_>) -> Result<()> {
    let mut found = Vec::new();
    for questions in rows.values().flat_map(BTreeMap::values) {
        if questions.iter().any(|asked| is_unread(looks, shapes, asked)) {
            found.push(value(looks, questions, shapes, library)?);
        }
    }
    let certain = found.iter().flatten().flat_map(Position::agreed);
    looks.inferred.extend(certain.map(|(asked, yes)| (asked.observed.line, yes)));
    let gaps = Gaps::learn(rows, &looks.inferred, shapes);
    for position in found.iter_mut().flatten() {
        position
            .histories
            .retain(|history| position.steps.iter().zip(&history.answers).all(|(step, answer)| gaps.allow(step.asked, *answer)));
        let certain = position.agreed().collect::<Vec<_>>();
        looks.inferred.extend(certain.into_iter().map(|(asked, yes)| (asked.observed.line, yes)));
    }
    Ok(())
}

fn is_unread(looks: &Looks, shapes: &[Shape], asked: &Asked) -> bool {
    asked.expected.differs() && looks.read(&shapes[asked.shape], asked).is_none() && !asked.observed.refused()
}

/// What is known of one position: the questions and the histories that may have been.
struct Position<'a> {
    steps: Vec<Step<'a>>,
    histories: Vec<History>,
}

impl<'a> Position<'a> {
    /// The answers in which all histories agree, of those that the log does not show.
    fn agreed(&self) -> impl Iterator<Item = (&'a Asked, bool)> {
        let steps = self.steps.iter().enumerate().filter(|(_, step)| step.is_unread);
        steps.filter_map(|(at, step)| {
            let first = self.histories.first()?.answers[at]?;
            self.histories.iter().all(|history| history.answers[at] == Some(first)).then_some((step.asked, first))
        })
    }
}

/// The positions of one value, in order.
fn value<'a>(
    looks: &Looks,
    questions: &[&'a Asked],
    shapes: &'a [Shape],
    library: &mut Library<'_>,
) -> Result<Vec<Position<'a>>> {
    let mut positions: BTreeMap<usize, Vec<Step<'a>>> = BTreeMap::new();
    let mut alphabet: Vec<Candidate> = Vec::new();
    let mut in_time = questions.to_vec();
    in_time.sort_by_key(|asked| (asked.observed.at_ms, asked.observed.line));
    for asked in in_time {
        let Some((plan, question)) = shapes[asked.shape].asks() else { continue };
        let Some(Piece::Slice(at, 1)) = library.piece(plan, question, &asked.literals)? else { continue };
        if alphabet.is_empty() {
            let Ok(known) = library.set(&question.value, &asked.literals)? else { return Ok(Vec::new()) };
            let others = ('\u{1}'..=' ').chain(['\u{7f}']).chain(OTHERS).map(Some);
            alphabet = super::knowledge::characters(&known.alphabet).chain(others).collect();
            alphabet.sort_unstable();
            alphabet.dedup();
        }
        let number = library.test(question, &asked.literals);
        let test = Test { number, question, literals: &asked.literals, hole: plan.hole };
        positions.entry(at).or_default().push(Step { asked, test, is_unread: is_unread(looks, shapes, asked) });
    }
    let last = positions.keys().next_back().copied();
    let mut found = Vec::new();
    for (at, steps) in positions {
        let mut histories = histories(looks, &steps, shapes, &alphabet, library)?;
        // Nobody asks for what stands behind the end; where the search stopped, the end is what it found.
        let is_last = Some(at) == last;
        let ends = |history: &History| history.left.contains(&None);
        if !is_last || histories.iter().any(ends) {
            histories.retain(|history| if is_last { ends(history) } else { history.left != [None] });
        }
        let least = histories.iter().map(|history| history.idle).min().unwrap_or(0);
        histories.retain(|history| history.idle == least);
        let stands_for_others = |one: &Candidate| one.is_some_and(|one| OTHERS.contains(&one));
        if histories.iter().any(|history| history.left.iter().any(stands_for_others)) {
            histories.clear();
        }
        found.push(Position { steps, histories });
    }
    Ok(found)
}

/// All answers that may have been given to the questions about one position.
fn histories(
    looks: &Looks,
    steps: &[Step<'_>],
    shapes: &[Shape],
    alphabet: &[Candidate],
    library: &mut Library<'_>,
) -> Result<Vec<History>> {
    let mut all = vec![History { left: alphabet.to_vec(), idle: 0, answers: Vec::new() }];
    for (place, step) in steps.iter().enumerate() {
        // Of a question that cannot be worked out, nothing follows.
        let Some(yes) = says(step, alphabet, library)? else { return Ok(Vec::new()) };
        let is_yes = |one: &Candidate| yes.contains(one);
        let read = looks.read(&shapes[step.asked.shape], step.asked);
        let begins_anew = place > 0 && step.test.number == steps[0].test.number;
        let mut next = Vec::new();
        for mut history in all {
            if begins_anew && history.left.len() == 1 {
                history.left = alphabet.to_vec();
                history.answers.fill(None);
            }
            history.ask(read, &yes, alphabet.len(), &is_yes, &mut next);
        }
        let least = next.iter().map(|history| history.idle).min().unwrap_or(0);
        next.retain(|history| history.idle <= least + IDLE_MAX);
        if next.len() > HISTORIES_MAX {
            return Ok(Vec::new());
        }
        all = next;
    }
    Ok(all)
}

/// The characters for which a question's answer is yes.
fn says(step: &Step<'_>, alphabet: &[Candidate], library: &mut Library<'_>) -> Result<Option<Vec<Candidate>>> {
    let mut yes = Vec::new();
    for &candidate in alphabet {
        let piece = Value::Text(candidate.map_or_else(String::new, String::from));
        match library.says(&step.test, &piece)? {
            Some(true) => yes.push(candidate),
            Some(false) => {}
            None => return Ok(None),
        }
    }
    Ok(Some(yes))
}

impl History {
    /// Goes on with a question: as it was answered, where the log shows that, else with each answer after which it was worth
    /// asking.
    fn ask(self, read: Option<bool>, yes: &[Candidate], all: usize, is_yes: &dyn Fn(&Candidate) -> bool, next: &mut Vec<Self>) {
        let (left_yes, left_no): (Vec<Candidate>, Vec<Candidate>) = self.left.iter().partition(|one| is_yes(one));
        let (before, idle) = (&self.answers[..], self.idle);
        let with = |left: Vec<Candidate>, idle, answer| Self { left, idle, answers: [before, &[answer]].concat() };
        if let Some(answer) = read {
            let left = if answer { left_yes } else { left_no };
            next.push(with(if left.is_empty() { self.left.clone() } else { left }, idle, Some(answer)));
            return;
        }
        match (&left_yes[..], &left_no[..]) {
            ([], [one]) | ([one], []) => {
                // It confirms what was found; one that singles another out does not.
                let singles_out = match (yes.len(), all - yes.len()) {
                    (1, _) => Some(true),
                    (_, 1) => Some(false),
                    _ => None,
                };
                let confirms = singles_out.is_none_or(|side| side == is_yes(one));
                next.push(with(vec![*one], idle + usize::from(!confirms), Some(is_yes(one))));
            }
            ([], _) | (_, []) => next.push(with(self.left.clone(), idle + 1, None)),
            _ => {
                next.push(with(left_yes, idle, Some(true)));
                next.push(with(left_no, idle, Some(false)));
            }
        }
    }
}
