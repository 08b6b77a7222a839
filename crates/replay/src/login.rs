//! Sign-ins without the password. `' OR 1=1 --` in a sign-in gives the intruder the first row that the tampered statement
//! finds, in the server's natural order; the session then carries a value of that row (a cookie), and pages that are keyed by
//! that value show what they would have shown to the person. The query log says which sessions followed.
//!
//! A row is proved where the session that follows asked with a value of the row that the replay foretells; what a session
//! page shows is proved where the same client then asked for that page and got it.

use std::collections::BTreeMap;
use std::rc::Rc;

use kintsugi_case::{ColumnSet, Shows, Technique, Verdict};
use rusqlite::OptionalExtension;

use crate::catalog::{Catalog, ROW, View};
use crate::conclusion::{Cells, Conclusion, Ground};
use crate::data::Data;
use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::lexer::{Literal, Template};
use crate::query::{Asked, Ran};
use crate::rollback::Moment;
use crate::rows::{Evaluator, Plan, Taken, plan};

/// How long a session is followed where no other sign-in ends it, milliseconds.
const SESSION_MS: i64 = 12 * 3_600_000;
/// How far a statement of a session may lie before its sign-in or behind the next one: requests overlap.
const SLACK_MS: i64 = 1_000;

const CARRIED: &str = "the sign-in found this row: the session that followed asked with its value";
const SHOWN: &str = "the session of a sign-in without the password was shown this row";
const PASSING: &str = "a tool that asked questions through the sign-in was signed in and sent this row on the way";
const UNSEEN: &str = "a sign-in without the password was accepted and found this row; what its session carried is not shown";

/// A sign-in whose statement was tampered with.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// Index of the shape.
    pub(crate) shape: usize,
    pub(crate) template: Template,
    /// By the database's clock; the web server's where no query log has it.
    pub(crate) at_ms: i64,
    pub(crate) asked: Asked,
    /// It was one of many questions with one answer each: being signed in was the answer, not the aim.
    pub(crate) is_question: bool,
}

impl Attempt {
    /// What a tool is sent on the way to its answers it need not have kept.
    fn verdict(&self, reason: &'static str) -> (Verdict, &'static str) {
        if self.is_question { (Verdict::Possible, PASSING) } else { (Verdict::Proved, reason) }
    }
}

/// A page that is keyed by what the session carries: its statements, and the requests to it.
#[derive(Debug)]
pub(crate) struct Session {
    /// Index of the shape.
    pub(crate) shape: usize,
    /// The statement for an ordinary value.
    pub(crate) template: Template,
    pub(crate) ran: Vec<Ran>,
    pub(crate) asked: Vec<Asked>,
}

/// The sign-ins of a source.
pub(crate) struct Logins {
    data: Rc<Data>,
    dialect: Dialect,
    evaluator: Evaluator,
    attempts: Vec<(Attempt, Plan)>,
    sessions: Vec<(Session, Plan)>,
}

impl Logins {
    pub(crate) fn new(data: Rc<Data>, dialect: Dialect) -> Self {
        Self { evaluator: Evaluator::new(Rc::clone(&data)), data, dialect, attempts: Vec::new(), sessions: Vec::new() }
    }

    /// What a tampered or session statement selects; the views must then be made.
    pub(crate) fn plan(&self, template: &Template, catalog: &Catalog) -> std::result::Result<Plan, String> {
        plan(&template.sql, template.literals.len(), self.dialect, catalog).map(Plan::of_own_rows)
    }

    /// Whether the statement finds a row.
    pub(crate) fn finds(&mut self, plan: &Plan, literals: &[Literal]) -> Option<bool> {
        self.evaluator.answer(plan, literals, Shows::FirstRow).ok().map(|answer| answer.shown.rows > 0)
    }

    pub(crate) fn attempt(&mut self, attempt: Attempt, plan: Plan) {
        self.attempts.push((attempt, plan));
    }

    pub(crate) fn session(&mut self, session: Session, plan: Plan) {
        self.sessions.push((session, plan));
    }

    /// Judges every sign-in that was accepted, and writes down what follows.
    pub(crate) fn conclude(mut self, into: &mut Conclusion<'_>) -> Result<()> {
        let mut attempts = std::mem::take(&mut self.attempts);
        attempts.sort_by_key(|(attempt, _)| (attempt.at_ms, attempt.asked.observed.line));
        for at in 0..attempts.len() {
            let (attempt, plan) = &attempts[at];
            if !(300..400).contains(&attempt.asked.observed.status) {
                into.judged(false);
                continue;
            }
            let next = attempts[at + 1..].iter().find(|(next, _)| next.asked.client == attempt.asked.client);
            let until = next.map_or(Until::after(attempt), |(next, _)| Until::next(next));
            self.accepted(attempt, plan, until, into)?;
        }
        Ok(())
    }

    fn accepted(&mut self, attempt: &Attempt, plan: &Plan, until: Until, into: &mut Conclusion<'_>) -> Result<()> {
        // The sign-in and the pages behind it see the tables of that time.
        self.data.at(Some(Moment::about(attempt.at_ms, attempt.at_ms)));
        let Ok(answer) = self.evaluator.answer(plan, &attempt.template.literals, Shows::FirstRow) else {
            into.judged(false);
            return Ok(());
        };
        let rows = rows_of(&answer.taken);
        let mut followed = false;
        for at in 0..self.sessions.len() {
            for (&(table, row), &columns) in &rows {
                let Some((value, carried)) = self.carried(at, attempt, until, (table, row, columns), into.catalog)? else {
                    continue;
                };
                followed = true;
                let (verdict, reason) = attempt.verdict(CARRIED);
                let ground = Ground { table, shape: attempt.shape, technique: Technique::LoginBypass, verdict, reason };
                into.expose(ground, &cells(row, carried, &attempt.asked))?;
                self.shown(at, attempt, until, &value, into)?;
            }
        }
        into.judged(followed);
        if followed {
            return Ok(());
        }
        for ((table, row), columns) in rows {
            let ground = Ground {
                table,
                shape: attempt.shape,
                technique: Technique::LoginBypass,
                verdict: Verdict::Possible,
                reason: UNSEEN,
            };
            into.expose(ground, &cells(row, columns, &attempt.asked))?;
        }
        Ok(())
    }

    /// The value of the row that a statement of the session asked with, and the column it stands in (a key first).
    fn carried(
        &self,
        session: usize,
        attempt: &Attempt,
        until: Until,
        (table, row, columns): (usize, u64, ColumnSet),
        catalog: &Catalog,
    ) -> Result<Option<(String, ColumnSet)>> {
        let (session, _) = &self.sessions[session];
        let within =
            session.ran.iter().filter(|ran| ran.at_ms >= attempt.at_ms - SLACK_MS && ran.at_ms <= until.at_ms + SLACK_MS);
        let asked_with: Vec<&str> = within.map(|ran| ran.value.as_str()).collect();
        if asked_with.is_empty() || self.visits(&session.asked, attempt, until).next().is_none() {
            return Ok(None);
        }
        let mut named: Vec<usize> =
            (0..catalog.table(table).columns.len().min(64)).filter(|&at| columns.0 & (1 << at) != 0).collect();
        named.sort_by_key(|at| !catalog.table(table).key.contains(at));
        for column in named {
            let value = self.value(View { table, secrets: false }, row, column, catalog)?;
            if let Some(value) = value.filter(|value| asked_with.contains(&value.as_str())) {
                return Ok(Some((value, std::iter::once(column).collect())));
            }
        }
        Ok(None)
    }

    /// Requests for a session page by the same client, from the sign-in to the next one, that were answered.
    fn visits<'a>(&self, asked: &'a [Asked], attempt: &'a Attempt, until: Until) -> impl Iterator<Item = &'a Asked> {
        let from = attempt.asked.observed.line;
        asked.iter().filter(move |asked| {
            let line = asked.observed.line;
            let after =
                if line.evidence == from.evidence { line > from } else { asked.observed.at_ms >= attempt.asked.observed.at_ms };
            let before = until
                .line
                .is_none_or(|end| if line.evidence == end.evidence { line < end } else { asked.observed.at_ms <= until.web_ms });
            asked.client == attempt.asked.client && after && before && !asked.observed.refused() && asked.observed.bytes > 0
        })
    }

    /// What the session's page showed for a value.
    fn shown(&mut self, session: usize, attempt: &Attempt, until: Until, value: &str, into: &mut Conclusion<'_>) -> Result<()> {
        let (page, plan) = &self.sessions[session];
        let literals = with_value(&page.template.literals, value);
        let Some(visit) = self.visits(&page.asked, attempt, until).next().copied() else { return Ok(()) };
        let Ok(answer) = self.evaluator.answer(plan, &literals, Shows::Rows) else { return Ok(()) };
        for ((table, row), columns) in rows_of(&answer.taken) {
            let (verdict, reason) = attempt.verdict(SHOWN);
            let ground = Ground { table, shape: page.shape, technique: Technique::LoginBypass, verdict, reason };
            into.expose(ground, &cells(row, columns, &visit))?;
        }
        Ok(())
    }

    fn value(&self, view: View, row: u64, column: usize, catalog: &Catalog) -> Result<Option<String>> {
        let name = kintsugi_find::quoted(&catalog.table(view.table).columns[column].name);
        let sql = format!("SELECT CAST({name} AS TEXT) FROM {} WHERE {ROW} = ?", catalog.view_name(view));
        let read = || {
            let mut statement = self.data.connection().prepare_cached(&sql)?;
            statement.query_row([row.cast_signed()], |row| row.get::<_, Option<String>>(0)).optional()
        };
        let found = read().map_err(|source| Error::Prepare { doing: "reading the row that a sign-in found", source })?;
        Ok(found.flatten())
    }
}

/// Where a session ends.
#[derive(Clone, Copy, Debug)]
struct Until {
    at_ms: i64,
    web_ms: i64,
    line: Option<kintsugi_case::EvidenceLine>,
}

impl Until {
    fn next(attempt: &Attempt) -> Self {
        let observed = &attempt.asked.observed;
        Self { at_ms: attempt.at_ms, web_ms: observed.at_ms, line: Some(observed.line) }
    }

    fn after(attempt: &Attempt) -> Self {
        Self { at_ms: attempt.at_ms + SESSION_MS, web_ms: attempt.asked.observed.at_ms + SESSION_MS, line: None }
    }
}

/// The literals of the page's statement with the session's value in place of the ordinary one.
fn with_value(literals: &[Literal], value: &str) -> Vec<Literal> {
    let own = value.parse().map_or_else(|_| Literal::Text(value.to_owned()), Literal::Integer);
    std::iter::once(own).chain(literals.iter().skip(1).cloned()).collect()
}

/// Whole values, by table and row.
fn rows_of(taken: &[Taken]) -> BTreeMap<(usize, u64), ColumnSet> {
    let mut rows: BTreeMap<(usize, u64), ColumnSet> = BTreeMap::new();
    for taken in taken {
        taken.for_each(&mut |arrived| {
            let (table, whole) = taken.whole(arrived.slot);
            let columns = rows.entry((table, arrived.row)).or_default();
            *columns = ColumnSet(columns.0 | whole.0);
        });
    }
    rows
}

fn cells(row: u64, columns: ColumnSet, asked: &Asked) -> Cells<'static> {
    Cells { row, columns, observed: asked.observed, predicted_bytes: 0, agrees: true, literals: "" }
}
