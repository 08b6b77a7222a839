//! One answer a question: a page with or without its row, a redirect, an answer that waits. What each statement asks is
//! compiled (`plan`); what the log shows of its answer is read as yes or no (`looks`); all answers about one value together
//! leave the characters that it can have (`knowledge`); and the value names its row (`naming`). A value that the answers
//! determine to its last character is proved.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use kintsugi_case::Shows;

use crate::conclusion::Conclusion;
use crate::data::Data;
use crate::delay::measured;
use crate::error::{Error, Failure, Result};
use crate::functions::fails_on_the_server;
use crate::investigation::Shape;
use crate::lexer::Literal;
use crate::patience::is_given_up;
use crate::rows::{self, Evaluator, Text};
use crate::statement::{Observation, Statement};

mod decode;
mod echo;
mod gaps;
mod knowledge;
mod looks;
mod meaning;
mod naming;
mod next;
mod normal;
mod plan;
mod supposed;
#[cfg(test)]
mod tests;
mod unclear;
mod values;

pub(crate) use plan::{Plan, Question, asks_the_server, plan};

use looks::{Effect, Expected, Kind, Looks};
use naming::Row;
use supposed::{Frame, Supposed};
use unclear::Unclear;
use values::Library;

/// The statements of a source that asked questions.
pub(crate) struct Answers {
    data: Rc<Data>,
    evaluator: Evaluator,
    asked: Vec<Asked>,
    effects: HashMap<(String, Vec<Literal>), Effect>,
}

/// A question, and what the log shows of its answer.
#[derive(Debug)]
struct Asked {
    shape: usize,
    literals: Box<[Literal]>,
    observed: Observation,
    expected: Expected,
    /// The parameter's value, as a page may show it again.
    value: Text,
}

/// Questions about the values of one row, by column.
type Rows<'a> = BTreeMap<naming::Place, BTreeMap<String, Vec<&'a Asked>>>;

impl Answers {
    pub(crate) fn new(data: Rc<Data>) -> Self {
        let evaluator = Evaluator::here(Rc::clone(&data));
        Self { data, evaluator, asked: Vec::new(), effects: HashMap::new() }
    }

    /// Takes a question; an error says why the page that it leads to cannot be told.
    pub(crate) fn take(&mut self, plan: &Plan, statement: Statement<'_>, shows: Shows, value: &str) -> Result<(), Failure> {
        let Statement { shape, literals, observed } = statement;
        if plan.same.iter().any(|&(one, other)| literals.get(one - 1) != literals.get(other - 1)) {
            return Err(rusqlite::Error::UserFunctionError("it asks about several values at once".into()).into());
        }
        let expected = self.expected(plan, literals)?.shown(shows);
        let value = Text::of_bytes(value.as_bytes());
        self.asked.push(Asked { shape, literals: literals.into(), observed, expected, value });
        Ok(())
    }

    /// Whether SQLite can read what a new shape asks; else the error says what it cannot.
    pub(crate) fn check(&self, plan: &Plan) -> std::result::Result<(), String> {
        let Some(question) = &plan.question else { return Ok(()) };
        let values = &question.value;
        let set = format!("SELECT ({}){} {}", values.value, values.numbers, values.tail);
        let prepared = [&set, &question.test].map(|sql| self.data.connection().prepare_cached(sql).map(|_| ()));
        prepared.into_iter().collect::<rusqlite::Result<()>>().map_err(|error| error.to_string())?;
        if values.sources.len() > 1 { self.try_out(&set) } else { Ok(()) }
    }

    /// Whether the values of a join come to an end; looked for once, before hundreds of thousands of questions are.
    fn try_out(&self, set: &str) -> std::result::Result<(), String> {
        let connection = self.data.connection();
        let first = || -> rusqlite::Result<()> {
            let mut statement = connection.prepare_cached(set)?;
            (1..=statement.parameter_count()).try_for_each(|place| statement.raw_bind_parameter(place, 1))?;
            statement.raw_query().next().map(|_| ())
        };
        match self.data.patience().run(connection, first) {
            Err(error) if is_given_up(&error) => Err(error.to_string()),
            // Whatever else fails for these literals need not fail for those that were asked with.
            _ => Ok(()),
        }
    }

    /// What the page does for yes and for no: as the snapshot has it, and where that does not know the page's rows, as must be
    /// supposed of a page that an intruder can read answers from.
    fn expected(&mut self, plan: &Plan, literals: &[Literal]) -> Result<Expected, Failure> {
        if plan.guessed
            && let Some(supposed) = &plan.supposed
        {
            return self.supposed(plan, supposed, literals);
        }
        self.both(&plan.frame, &plan.text, plan.question.is_some(), literals)
    }

    fn both(&mut self, frame: &rows::Plan, text: &str, asks: bool, literals: &[Literal]) -> Result<Expected, Failure> {
        if !asks {
            let effect = self.effect(frame, text, literals, None)?;
            return Ok(Expected { yes: effect, no: effect, is_known: true });
        }
        let yes = self.effect(frame, text, literals, Some(true))?;
        Ok(Expected { yes, no: self.effect(frame, text, literals, Some(false))?, is_known: true })
    }

    fn supposed(&mut self, plan: &Plan, supposed: &Supposed, literals: &[Literal]) -> Result<Expected, Failure> {
        let mut found: Option<Expected> = None;
        for Frame { plain, flipped } in [&supposed.row, &supposed.no_row] {
            let asks = plan.question.is_some();
            let expected = self.both(&plain.0, &plain.1, asks, literals)?;
            let matters = expected.differs();
            if !asks && self.both(&flipped.0, &flipped.1, false, literals)?.yes != expected.yes || matters {
                found = Some(match found {
                    Some(first) if !first.means(&expected) => Expected { is_known: false, ..first },
                    _ => expected,
                });
            }
        }
        let nothing = Effect { kind: Kind::Empty, waited_ms: 0 };
        Ok(found.unwrap_or(Expected { yes: nothing, no: nothing, is_known: false }))
    }

    fn effect(&mut self, frame: &rows::Plan, text: &str, literals: &[Literal], answer: Option<bool>) -> Result<Effect, Failure> {
        let mut bound = literals.to_vec();
        bound.extend(answer.map(|yes| Literal::Integer(i64::from(yes))));
        let key = (text.to_owned(), used(text, &bound));
        if let Some(effect) = self.effects.get(&key) {
            return Ok(*effect);
        }
        let (answer, waited) = measured(|| self.evaluator.answer(frame, &bound, Shows::Rows));
        let kind = match answer {
            Ok(answer) if answer.shown.rows == 0 => Kind::Empty,
            Ok(answer) => Kind::Rows(answer.shown.rows.into()),
            Err(Failure::Sqlite(error)) if fails_on_the_server(&error) => Kind::Failed,
            Err(error) => return Err(error),
        };
        let effect = Effect { kind, waited_ms: (waited * 1000.0) as u64 };
        if self.effects.len() < EFFECTS_KEPT_MAX {
            self.effects.insert(key, effect);
        }
        Ok(effect)
    }

    /// Reads all answers, and writes down what they give away.
    pub(crate) fn conclude(mut self, into: &mut Conclusion<'_>) -> Result<()> {
        let shapes = into.shapes;
        let (not_run, ran) = self.asked.into_iter().partition(|asked| into.nothing(asked.shape, &asked.observed).is_some());
        self.asked = ran;
        let not_run: Vec<Asked> = not_run;
        let mut library = Library::new(&self.data);
        let failed = |source| Error::Prepare { doing: "answering blind questions", source };
        let rows = by_row(&self.asked, shapes);
        let mut looks = Looks::of_known(&self.asked, shapes);
        looks.learn(&rows, shapes, &mut library).map_err(failed)?;
        meaning::learn(&mut looks, &rows, shapes, &mut library).map_err(failed)?;
        next::infer(&mut looks, &rows, shapes, &mut library).map_err(failed)?;
        let mut orders = naming::Orders::default();
        let decoding = into.wants_values();
        let (mut read, mut unclear) = (Vec::with_capacity(rows.len()), Unclear::default());
        for (place, columns) in &rows {
            library.go_to(columns);
            let row = Row::read((place, columns), shapes, &looks, decoding, &mut library, &mut unclear).map_err(failed)?;
            orders.count(&row);
            read.push(row);
        }
        read.iter().try_for_each(|row| row.conclude(&orders, into))?;
        for (place, columns) in &by_row(&not_run, shapes) {
            library.go_to(columns);
            for questions in columns.values() {
                naming::rule_out(place, questions, into, &mut library, &mut unclear)?;
            }
        }
        self.data.at(None);
        unclear.conclude(&self.data, into)
    }
}

impl Asked {
    /// Whether the server refused the request, or failed; a client that went away (499) may have its answer.
    fn was_refused(&self) -> bool {
        self.observed.status >= 400 && self.observed.status != 499
    }
}

fn by_row<'a>(asked: &'a [Asked], shapes: &[Shape]) -> Rows<'a> {
    let mut rows = Rows::new();
    for asked in asked {
        let Some(question) = shapes[asked.shape].question() else { continue };
        if question.value.sources.is_empty() {
            continue;
        }
        let place = naming::Place::of(&question.value, &asked.literals);
        let column = filled(&question.value.value, &asked.literals);
        rows.entry(place).or_default().entry(column).or_default().push(asked);
    }
    rows
}

/// Effects remembered, so that a hundred thousand statements with the same frame ask SQLite twice.
const EFFECTS_KEPT_MAX: usize = 100_000;

/// The places that a text names, from 1, in its order.
fn places(sql: &str) -> impl Iterator<Item = (&str, usize)> {
    sql.split('?').skip(1).map(|after| {
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        (&after[digits..], after[..digits].parse().unwrap_or(0))
    })
}

/// The literals at the places that a text names.
fn used(sql: &str, literals: &[Literal]) -> Vec<Literal> {
    places(sql).filter_map(|(_, place)| literals.get(place.wrapping_sub(1)).cloned()).collect()
}

/// A text with its literals in their places; a hole without a literal stays `?`.
fn filled(sql: &str, literals: &[Literal]) -> String {
    let mut text = sql.split('?').next().unwrap_or_default().to_owned();
    for (after, place) in places(sql) {
        match literals.get(place.wrapping_sub(1)) {
            Some(literal) => text.push_str(&format!("{literal:?}")),
            None => text.push('?'),
        }
        text.push_str(after);
    }
    text
}
