//! Rows in the page: UNION and whatever else makes a page show rows of the intruder's choice. A shape is compiled once
//! (`plan`), answered from the snapshot (`evaluate`), and the bytes that the page must then have had are compared with those
//! that the log shows (`page`). Here: what follows from that.

use std::convert::Infallible;

use kintsugi_case::{Shows, Technique, Verdict};
use rusqlite::Error as Failure;

use crate::conclusion::{Cells, Conclusion, Ground};
use crate::error::Result;
use crate::statement::{Observation, Statement, shown};

mod columns;
mod evaluate;
mod kept;
mod page;
mod plan;

pub(crate) use evaluate::{Evaluator, Taken, bind, number};
pub(crate) use plan::{Plan, Values, last, parses, plan, query, reads_the_server, values};

use evaluate::Answer;
use kept::Kept;
use page::{Pages, Sizes};

use crate::data::Data;
use crate::dialect::Dialect;

const PARTIAL: &str = "the statement asked for a part of the value";
const CUT: &str = "the answer was cut at the server's limit for aggregates inside this row";

/// The statements of a source that asked for rows.
pub(crate) struct Rows {
    evaluator: Evaluator,
    answered: Kept,
}

/// A statement that was replayed, with what the log shows of its answer.
struct Answered {
    shape: usize,
    observed: Observation,
    answer: Answer,
    literals: Box<str>,
}

impl Rows {
    pub(crate) fn new(data: std::rc::Rc<Data>, dialect: Dialect) -> Self {
        Self { evaluator: Evaluator::new(data, dialect), answered: Kept::default() }
    }

    /// Replays a statement; an error says why that cannot be done.
    pub(crate) fn take(&mut self, plan: &Plan, statement: Statement<'_>, shows: Shows) -> std::result::Result<(), Failure> {
        let Statement { shape, literals, observed } = statement;
        let answer = self.evaluator.answer(plan, literals, shows)?;
        self.answered.push(&Answered { shape, observed, answer, literals: shown(literals).into_boxed_str() });
        Ok(())
    }

    /// Judges every statement and writes down what follows.
    pub(crate) fn conclude(self, into: &mut Conclusion<'_>) -> Result<()> {
        let pages = self.pages(into);
        drop(self.evaluator);
        self.answered.each(|statement| judge(statement, &pages, into))
    }

    fn pages(&self, into: &Conclusion<'_>) -> Pages {
        let mut sizes = Sizes::default();
        let Ok(()) = self.answered.each(|statement| {
            if statement.observed.status == 200 && !statement.answer.metadata {
                let endpoint = into.shapes[statement.shape].endpoint;
                sizes.add(endpoint, statement.answer.rows, statement.answer.text, statement.observed.bytes);
            }
            Ok::<(), Infallible>(())
        });
        sizes.pages()
    }
}

/// One statement and what it took from one query, with the verdict about it.
struct About<'a> {
    statement: &'a Answered,
    taken: &'a Taken,
    verdict: Verdict,
    reason: &'static str,
    agrees: bool,
    predicted: u64,
}

fn judge(statement: &Answered, pages: &Pages, into: &mut Conclusion<'_>) -> Result<()> {
    let endpoint = into.shapes[statement.shape].endpoint;
    let answer = &statement.answer;
    let predicted = pages.predicted(endpoint, answer.rows, answer.text).filter(|_| !answer.metadata);
    let without = pages.predicted(endpoint, answer.own_rows, answer.own_text);
    let (verdict, reason) = verdict(&statement.observed, predicted, without);
    let agrees = statement.observed.status == 200 && predicted == Some(statement.observed.bytes);
    into.judged(agrees);
    for taken in &answer.taken {
        write(&About { statement, taken, verdict, reason, agrees, predicted: predicted.unwrap_or(0) }, into)?;
    }
    Ok(())
}

/// One exposure for each row and kind of arrival: whole values, and parts of values.
fn write(about: &About<'_>, into: &mut Conclusion<'_>) -> Result<()> {
    let mut done = Ok(());
    about.taken.for_each(|source, row, whole| {
        let partial = about.verdict.min(Verdict::Possible);
        let kinds = if whole {
            [(source.whole, about.verdict, about.reason), (source.part, partial, PARTIAL)]
        } else {
            [(source.whole, partial, CUT), (source.part, partial, CUT)]
        };
        for (columns, verdict, reason) in kinds.into_iter().filter(|(columns, ..)| !columns.is_empty()) {
            let reason = if about.verdict == Verdict::Excluded { about.reason } else { reason };
            let shape = about.statement.shape;
            let ground = Ground { shape, table: source.table, technique: Technique::Union, verdict, reason };
            let cells = Cells {
                row,
                columns,
                observed: about.statement.observed,
                predicted_bytes: about.predicted,
                agrees: about.agrees,
                literals: &about.statement.literals,
            };
            if done.is_ok() {
                done = into.expose(ground, &cells);
            }
        }
    });
    done
}

/// `without` is the size of the page had the injected part given nothing.
fn verdict(seen: &Observation, predicted: Option<u64>, without: Option<u64>) -> (Verdict, &'static str) {
    use Verdict::{Excluded, Possible, Proved};
    match (seen.status, predicted) {
        (status, _) if seen.refused() => match status {
            401 | 403 | 406 | 429 => (Excluded, "the server refused the request"),
            300..=399 => (Excluded, "the server sent the client elsewhere instead of showing rows"),
            _ => (Excluded, "the request failed: the server sent an error instead of the page"),
        },
        (200, Some(bytes)) if bytes == seen.bytes => (Proved, "the page had exactly the size that these values give it"),
        (200, _) if seen.bytes == 0 || without.is_some_and(|bytes| bytes == seen.bytes) => {
            (Excluded, "the page had the size it has without the values asked for")
        }
        (200, Some(bytes)) if seen.bytes < bytes => (Possible, "the page was smaller than these values make it"),
        (200, Some(_)) => (Possible, "the page was larger than these values make it"),
        (200, None) => (Possible, "too few pages of this kind to tell by their size what they showed"),
        _ => (Possible, "the connection ended before the page did"),
    }
}
