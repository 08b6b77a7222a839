//! Questions of which it cannot be worked out here what they ask: their evaluation fails, takes too long or gives too much.
//! Nothing of theirs ends the work. What an answer to one says is not known, so it rules nothing out; and where the values
//! themselves cannot be had, every row of their tables may have been asked for, and is possible with the reason.
//!
//! Not here: how long an evaluation may take (`patience`), and questions of a shape that cannot be read at all
//! (`investigation`).

use std::collections::BTreeMap;
use std::rc::Rc;

use kintsugi_case::{ColumnSet, Technique, Verdict};
use rusqlite::ErrorCode;

use super::Asked;
use crate::conclusion::{Cells, Conclusion, Ground};
use crate::data::Data;
use crate::error::{Error, Result};
use crate::rows::Values;
use crate::statement::Observation;

const UNCLEAR: &str = "what the questions ask for could not be worked out";

/// What was worked out; `Err`: why it could not be.
pub(super) type Told<T> = std::result::Result<T, Rc<str>>;

/// Sets apart what fails because of what was asked from what fails because of this machine, which stays an error.
pub(super) fn told<T>(worked_out: rusqlite::Result<T>) -> rusqlite::Result<Told<T>> {
    use ErrorCode::{CannotOpen, DatabaseCorrupt, DiskFull, NotADatabase, PermissionDenied, ReadOnly, SystemIoFailure};
    match worked_out {
        Ok(value) => Ok(Ok(value)),
        Err(error) => match error.sqlite_error_code() {
            Some(CannotOpen | DatabaseCorrupt | DiskFull | NotADatabase | PermissionDenied | ReadOnly | SystemIoFailure) => {
                Err(error)
            }
            _ => Ok(Err(error.to_string().into())),
        },
    }
}

/// Questions whose values could not be had, by shape, table, verdict and reason.
#[derive(Default)]
pub(super) struct Unclear(BTreeMap<(usize, usize, Verdict, String), Asking>);

struct Asking {
    columns: ColumnSet,
    technique: Technique,
    /// The first of them.
    observed: Observation,
    statements: u64,
}

impl Unclear {
    /// Adds questions about one value, which had this verdict.
    pub(super) fn add(&mut self, questions: &[&Asked], values: &Values, verdict: Verdict, reason: &str) {
        let Some(first) = questions.first() else { return };
        let technique = if first.expected.by_time() { Technique::TimeBlind } else { Technique::BooleanBlind };
        for source in &values.sources {
            let key = (first.shape, source.table, verdict, reason.to_owned());
            let fresh = || Asking { columns: ColumnSet::default(), technique, observed: first.observed, statements: 0 };
            let asking = self.0.entry(key).or_insert_with(fresh);
            asking.columns = ColumnSet(asking.columns.0 | source.whole.0 | source.part.0);
            asking.statements += questions.len() as u64;
        }
    }

    /// Adds questions that were answered, or refused, and cannot be worked out.
    pub(super) fn add_asked(&mut self, questions: &[&Asked], values: &Values, why: &str) {
        let (refused, answered): (Vec<&Asked>, Vec<&Asked>) = questions.iter().partition(|asked| asked.was_refused());
        if answered.is_empty() {
            self.add(&refused, values, Verdict::Excluded, super::naming::REFUSED);
        } else {
            self.add(&answered, values, Verdict::Possible, &format!("{UNCLEAR}: {why}"));
        }
    }

    /// Writes down every row of their tables.
    pub(super) fn conclude(self, data: &Data, into: &mut Conclusion<'_>) -> Result<()> {
        for ((shape, table, verdict, reason), Asking { columns, technique, observed, statements }) in self.0 {
            into.replayed.not_replayed += statements;
            let ground = Ground { shape, table, technique, verdict, reason: "" };
            let basis = into.open_basis(shape, into.summary(&ground, &reason), statements);
            let rows = data.row_numbers(into.catalog.table(table));
            for row in rows.map_err(|source| Error::Prepare { doing: "listing the rows of a table", source })? {
                let cells = Cells { row, columns, observed, predicted_bytes: 0, agrees: false, literals: "" };
                into.put(basis, table, verdict, &cells)?;
            }
        }
        Ok(())
    }
}
