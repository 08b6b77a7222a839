//! Which row a value belongs to: by the value first, by its position second. Where several rows hold the values that were
//! read, the order of the statement decides, if it was right about the rows that their values name; what stays undecided is
//! possible for all candidates.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::rc::Rc;

use kintsugi_case::{ColumnSet, Technique, Verdict};
use rusqlite::Result as Outcome;

use super::decode::{Decoded, decode};
use super::knowledge::Knowledge;
use super::looks::Looks;
use super::unclear::Unclear;
use super::values::{Library, Set, Test};
use super::{Asked, filled};
use crate::RecoveredValue;
use crate::conclusion::{Cells, Conclusion, Ground};
use crate::error::{Error, Result};
use crate::investigation::Shape;
use crate::lexer::Literal;
use crate::rows::{Values, number};
use crate::statement::shown;

/// The row that questions ask for: the rest of their subquery, and the offset in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    tail: String,
    offset: usize,
}

/// A row that was asked for, with what is known of each of its columns.
pub(super) struct Row<'a> {
    place: &'a Place,
    columns: Vec<Column<'a>>,
}

struct Column<'a> {
    /// What is asked about, whichever row: endpoint and value.
    subject: (usize, &'a str),
    questions: &'a [&'a Asked],
    known: Knowledge<'a>,
    set: Rc<Set>,
    /// Indexes in the set of the values that fit.
    fitting: Vec<usize>,
    /// What the answers give by themselves, where somebody wants to know it.
    decoded: Option<Decoded>,
    /// Of those, the ones that the answers determine to the last character: all hold one value.
    whole: bool,
    /// The endpoint's pages differ from question to question.
    varies: bool,
    /// Of some question it could not be worked out what it asks.
    unclear: bool,
}

/// How a row was found.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Found {
    /// The only one with these values, or the one at its position among them.
    One,
    /// One of several.
    Several,
    /// No row has these values; this is the one at the position.
    Changed,
    /// The log does not show the answers.
    Unread,
}

/// What all rows together show: how often the order of a subquery's rows was right about rows that their values name, and
/// whether the answers differ at all.
#[derive(Debug, Default)]
pub(super) struct Orders {
    seen: HashMap<String, (u64, u64)>,
    /// Answers yes, answers read and answers not read, by what they are about.
    answers: HashMap<(usize, String), (u64, u64, u64)>,
}

const DETERMINED: &str = "every character of the value follows from the answers that the log shows";
const PARTIAL: &str = "the answers that the log shows give only a part of the value";
const SEVERAL: &str = "several records hold the value that the answers give: which of them was read cannot be told";
const CHANGED: &str = "the answers give a value that no record of the snapshot holds: it may have changed since";
const UNREAD: &str = "the log does not show what the server answered";
const INFERRED: &str =
    "the log does not show the answers, but what was asked next gives each of them, and together they give the value of a record";
const FOLLOWS: &str = "the log does not show the answers; what was asked next gives too few of them";
const VARIES: &str =
    "the sizes of the pages differ from question to question, as those of compressed pages do: they show no answer";
const UNCLEAR: &str = "what some of the questions ask of the value could not be worked out: the others do not determine it";
const CONSTANT: &str = "the server answered alike whatever was asked";
pub(super) const REFUSED: &str = "the server refused the request";

/// Answers that must follow from what was asked next before a value that nothing else shows is proved.
const INFERRED_MIN: u64 = 8;
/// Answers from which on it means something that they are all the same.
const CONSTANT_MIN: u64 = 16;

impl Place {
    pub(super) fn of(values: &Values, literals: &[Literal]) -> Self {
        let offset = values.limit.as_ref().map_or(0, |limit| number(&limit.offset, literals));
        Self { tail: filled(&format!("{} {}", values.numbers, values.tail), literals), offset }
    }
}

/// The answer that the value at a question's place gives; `None` where there is no such value.
pub(super) fn predicted(place: &Place, asked: &Asked, shapes: &[Shape], library: &mut Library<'_>) -> Outcome<Option<bool>> {
    let Some((plan, question)) = shapes[asked.shape].asks() else { return Ok(None) };
    let Ok(set) = library.set(&question.value, &asked.literals)? else { return Ok(None) };
    let Some(value) = set.values.get(place.offset) else { return Ok(None) };
    let Some(piece) = library.piece(plan, question, &asked.literals)? else { return Ok(None) };
    let piece = piece.of(value, set.numeric);
    let number = library.test(question, &asked.literals);
    library.says(&Test { number, question, literals: &asked.literals, hole: plan.hole }, &piece)
}

impl<'a> Row<'a> {
    /// Reads what the answers say of each column; what cannot be worked out is set aside.
    pub(super) fn read(
        (place, columns): (&'a Place, &'a BTreeMap<String, Vec<&'a Asked>>),
        shapes: &'a [Shape],
        looks: &Looks,
        decoding: bool,
        library: &mut Library<'_>,
        unclear: &mut Unclear,
    ) -> Outcome<Self> {
        let columns = columns.values().map(|questions| Column::read(questions, shapes, looks, decoding, library, unclear));
        let columns = columns.filter_map(Outcome::transpose).collect::<Outcome<_>>()?;
        Ok(Self { place, columns })
    }

    /// Indexes of the rows whose values fit all columns that were read.
    fn fitting(&self) -> Vec<usize> {
        let mut read = self.columns.iter().filter(|column| column.known.read > 0);
        let Some(first) = read.next() else { return Vec::new() };
        let others: Vec<&Column<'_>> = read.collect();
        let fits = |index: &&usize| others.iter().all(|column| column.fitting.binary_search(index).is_ok());
        first.fitting.iter().filter(fits).copied().collect()
    }

    /// Writes down what follows.
    pub(super) fn conclude(&self, orders: &Orders, into: &mut Conclusion<'_>) -> Result<()> {
        let together = self.fitting();
        for column in &self.columns {
            let fitting = if together.is_empty() { &column.fitting } else { &together };
            let (found, indexes) = column.find(self.place, fitting, orders.trusts(&self.place.tail));
            let (verdict, reason) = column.verdict(found, orders.is_constant(column.subject));
            column.conclude(verdict, reason, &indexes, into)?;
            column.hand_over(self.place.offset, into)?;
        }
        Ok(())
    }
}

impl<'a> Column<'a> {
    fn read(
        questions: &'a [&'a Asked],
        shapes: &'a [Shape],
        looks: &Looks,
        decoding: bool,
        library: &mut Library<'_>,
        unclear: &mut Unclear,
    ) -> Outcome<Option<Self>> {
        let first = questions.first().and_then(|asked| Some((shapes[asked.shape].question()?, asked)));
        let Some((question, asked)) = first else { return Ok(None) };
        let set = match library.set(&question.value, &asked.literals)? {
            Ok(set) => set,
            Err(why) => {
                unclear.add_asked(questions, &question.value, &why);
                return Ok(None);
            }
        };
        let known = Knowledge::of(questions, set.numeric, shapes, looks, library)?;
        let fitting = fitting(&known, &set, library)?;
        let whole = match fitting.first() {
            Some(&index) => known.is_whole(&set.values[index], &set.alphabet, library)?,
            None => false,
        };
        let subject = (shapes[asked.shape].endpoint, question.value.value.as_str());
        let wanted = decoding && known.read > 0;
        let decoded = wanted.then(|| decode(&known, &set.alphabet, library)).transpose()?;
        let (varies, unclear) = (looks.varies(subject.0), known.is_unclear(library));
        Ok(Some(Self { varies, unclear, decoded, subject, questions, known, set, fitting, whole }))
    }

    /// The rows that were read, or that may have been.
    fn find(&self, place: &Place, fitting: &[usize], trusted: Option<bool>) -> (Found, Vec<usize>) {
        let tied = self.set.tied(place.offset);
        let sure = trusted.unwrap_or(tied.len() == 1) || self.set.values.len() == 1;
        let here: Vec<usize> = if sure || trusted.is_none() { tied.collect() } else { (0..self.set.values.len()).collect() };
        if self.known.read == 0 {
            return (Found::Unread, here);
        }
        match fitting {
            [] => (Found::Changed, here),
            [one] => (Found::One, vec![*one]),
            several => {
                let near: Vec<usize> = several.iter().copied().filter(|index| sure && here.contains(index)).collect();
                match near.len() {
                    0 => (Found::Several, several.to_vec()),
                    1 => (Found::One, near),
                    _ => (Found::Several, near),
                }
            }
        }
    }

    fn conclude(&self, verdict: Verdict, reason: &'static str, indexes: &[usize], into: &mut Conclusion<'_>) -> Result<()> {
        let Some(last) = self.questions.last() else { return Ok(()) };
        let technique = if self.known.by_time { Technique::TimeBlind } else { Technique::BooleanBlind };
        let Some(question) = into.shapes[last.shape].question() else { return Ok(()) };
        let literals = shown(&last.literals);
        for (at, source) in question.value.sources.iter().enumerate() {
            let part = (source.part, verdict.min(Verdict::Possible), if verdict == Verdict::Proved { PARTIAL } else { reason });
            for (columns, verdict, reason) in [(source.whole, verdict, reason), part] {
                let ground = Ground { shape: last.shape, table: source.table, technique, verdict, reason };
                let rows = indexes.iter().map(|index| self.set.numbers[index * self.set.width + at]).filter(|row| *row > 0);
                self.write(ground, columns, rows, &literals, into)?;
            }
        }
        Ok(())
    }

    /// Hands the value over to whoever wants it.
    fn hand_over(&self, offset: usize, into: &mut Conclusion<'_>) -> Result<()> {
        let (Some(decoded), [first, .., last] | [first @ last]) = (&self.decoded, self.questions) else { return Ok(()) };
        let Some(question) = into.shapes[first.shape].question() else { return Ok(()) };
        let row = question.value.row(&first.literals, offset);
        for source in &question.value.sources {
            let table = into.catalog.table(source.table);
            let Some(column) = source.whole.iter().next() else { continue };
            let (table, column) = (table.name.clone(), &table.columns[column]);
            let value = RecoveredValue {
                source: into.catalog.table(source.table).source.clone(),
                table,
                column: column.name.clone(),
                meaning: column.meaning,
                row: row.clone(),
                characters: decoded.characters.clone(),
                value: decoded.text.clone(),
                first: first.observed.line,
                last: last.observed.line,
            };
            into.value(value)?;
        }
        Ok(())
    }

    fn write(
        &self,
        ground: Ground,
        columns: ColumnSet,
        rows: impl Iterator<Item = u32>,
        literals: &str,
        into: &mut Conclusion<'_>,
    ) -> Result<()> {
        let Some(last) = self.questions.last().filter(|_| !columns.is_empty()) else { return Ok(()) };
        let mut written = false;
        for row in rows {
            let observed = last.observed;
            let agrees = ground.verdict == Verdict::Proved;
            let cells = Cells { row: u64::from(row), columns, observed, predicted_bytes: 0, agrees, literals };
            into.expose(ground, &cells)?;
            written = true;
        }
        if written {
            into.tally(ground, self.questions.len() as u64 - 1, self.known.read.saturating_sub(1));
        }
        Ok(())
    }

    fn verdict(&self, found: Found, constant: bool) -> (Verdict, &'static str) {
        use Verdict::{Excluded, Possible, Proved};
        let known = &self.known;
        match found {
            _ if known.read == 0 && self.questions.iter().all(|asked| asked.was_refused()) => (Excluded, REFUSED),
            _ if constant => (Excluded, CONSTANT),
            _ if self.unclear && !(found == Found::One && self.whole) => (Possible, UNCLEAR),
            Found::Unread | Found::Changed | Found::One | Found::Several if self.varies && !self.whole && !known.by_time => {
                (Possible, VARIES)
            }
            Found::Unread => (Possible, UNREAD),
            Found::Changed | Found::One | Found::Several if known.inferred > 0 && (!self.whole || found == Found::Changed) => {
                (Possible, FOLLOWS)
            }
            Found::One if known.inferred > 0 && known.inferred < INFERRED_MIN => (Possible, FOLLOWS),
            Found::One if known.inferred > 0 => (Proved, INFERRED),
            Found::Changed => (Possible, CHANGED),
            Found::One | Found::Several if !self.whole => (Possible, PARTIAL),
            Found::Several => (Possible, SEVERAL),
            Found::One => (Proved, DETERMINED),
        }
    }
}

/// Writes down that questions which the database did not run got no answer about the value at their place.
pub(super) fn rule_out(
    place: &Place,
    questions: &[&Asked],
    into: &mut Conclusion<'_>,
    library: &mut Library<'_>,
    unclear: &mut Unclear,
) -> Result<()> {
    let Some((last, others)) = questions.split_last() else { return Ok(()) };
    let (Some(reason), Some(question)) = (into.nothing(last.shape, &last.observed), into.shapes[last.shape].question()) else {
        return Ok(());
    };
    let set = library.set(&question.value, &last.literals);
    let Ok(set) = set.map_err(|source| Error::Prepare { doing: "answering blind questions", source })? else {
        unclear.add(questions, &question.value, Verdict::Excluded, reason);
        return Ok(());
    };
    let technique = if last.expected.by_time() { Technique::TimeBlind } else { Technique::BooleanBlind };
    let literals = shown(&last.literals);
    for (at, source) in question.value.sources.iter().enumerate() {
        let columns = ColumnSet(source.whole.0 | source.part.0);
        let ground = Ground { shape: last.shape, table: source.table, technique, verdict: Verdict::Excluded, reason };
        for row in set.tied(place.offset).map(|index| set.numbers[index * set.width + at]).filter(|row| *row > 0) {
            let (row, observed) = (u64::from(row), last.observed);
            let cells = Cells { row, columns, observed, predicted_bytes: 0, agrees: false, literals: &literals };
            into.expose(ground, &cells)?;
        }
        into.tally(ground, others.len() as u64, 0);
    }
    Ok(())
}

/// The values that contradict the fewest answers, if they fit at all.
fn fitting(known: &Knowledge<'_>, set: &Set, library: &mut Library<'_>) -> Outcome<Vec<usize>> {
    let (mut best, mut fitting) = (usize::MAX, Vec::new());
    for (index, value) in set.values.iter().enumerate().filter(|_| known.read > 0) {
        let Some(wrong) = known.misfit(value, library)?.filter(|wrong| *wrong <= best) else { continue };
        if wrong < best {
            (best, fitting) = (wrong, Vec::new());
        }
        fitting.push(index);
    }
    Ok(fitting)
}

impl Set {
    /// The indexes that the statement's order does not tell apart from this one.
    fn tied(&self, index: usize) -> Range<usize> {
        if index >= self.values.len() {
            return 0..0;
        }
        let Some(group) = self.ties.get(index) else { return index..index + 1 };
        let from = self.ties.partition_point(|other| other < group);
        from..self.ties.partition_point(|other| other <= group)
    }
}

impl Orders {
    /// Counts a row that its values name.
    pub(super) fn count(&mut self, row: &Row<'_>) {
        for column in &row.columns {
            let (yes, read, unread) = self.answers.entry((column.subject.0, column.subject.1.to_owned())).or_default();
            *yes += column.known.yes;
            *read += column.known.read;
            // What only follows from the next question cannot tell that nothing was answered.
            *unread += column.known.unread + column.known.inferred + u64::from(column.unclear);
        }
        let ([index], Some(column)) = (&row.fitting()[..], row.columns.iter().find(|column| column.whole)) else { return };
        let (right, all) = self.seen.entry(row.place.tail.clone()).or_default();
        *all += 1;
        *right += u64::from(column.set.tied(row.place.offset).contains(index));
    }

    /// Whether all answers about something were the same, whatever was asked: then there were none.
    fn is_constant(&self, (endpoint, value): (usize, &str)) -> bool {
        let known = self.answers.get(&(endpoint, value.to_owned()));
        known.is_some_and(|&(yes, read, unread)| unread == 0 && read >= CONSTANT_MIN && (yes == 0 || yes == read))
    }

    /// Whether the order was right nine times in ten; `None` where nothing was there to judge by.
    fn trusts(&self, tail: &str) -> Option<bool> {
        self.seen.get(tail).map(|(right, all)| right * 10 >= all * 9)
    }
}
