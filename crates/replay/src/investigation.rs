//! The statements of one source, from the log lines to a verdict about each row that they asked for.

use std::collections::HashMap;

use kintsugi_case::{BasisId, BasisSummary, ColumnSet, EndpointSpec, EvidenceLine, Exposure, Technique, Verdict, mask_pans};

use crate::Replayed;
use crate::catalog::{Catalog, View};
use crate::context::{Endpoints, Injection};
use crate::data::{Data, Secrets};
use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::evaluate::{Answer, Evaluator, Taken};
use crate::lexer::{Literal, Template};
use crate::page::{Pages, Sizes};
use crate::plan::{Plan, plan};
use crate::request::Request;

/// How much of a statement's literals is kept for `why`, in characters.
const LITERALS_SHOWN_MAX: usize = 160;

/// What replay needs of a log line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) line: EvidenceLine,
    pub(crate) at_ms: i64,
    pub(crate) method: &'a str,
    pub(crate) target: &'a [u8],
    pub(crate) status: u16,
    pub(crate) bytes: u64,
}

/// Where conclusions go.
pub(crate) trait Sink {
    fn exposure(&mut self, exposure: &Exposure) -> Result<()>;
    fn basis(&mut self, basis: &BasisSummary) -> Result<()>;
}

/// One source's statements.
pub(crate) struct Investigation<'a> {
    catalog: Catalog,
    dialect: Dialect,
    endpoints: Endpoints,
    evaluator: Evaluator,
    secrets: &'a dyn Secrets,
    shapes: HashMap<(usize, String), usize>,
    shape_list: Vec<Shape>,
    answered: Vec<Answered>,
    /// What could not be replayed, by endpoint, table and reason.
    open: HashMap<(usize, usize, String), Open>,
    statements: u64,
    not_replayed: u64,
    nameless: u64,
}

struct Shape {
    endpoint: usize,
    sql: String,
    plan: Result<Plan, String>,
}

/// A statement that was replayed, with what the log shows of its answer.
struct Answered {
    shape: usize,
    line: EvidenceLine,
    at_ms: i64,
    status: u16,
    bytes: u64,
    answer: Answer,
    literals: Box<str>,
}

/// Statements that nobody could follow: what they could name is possible.
struct Open {
    columns: ColumnSet,
    line: EvidenceLine,
    at_ms: i64,
    bytes: u64,
    statements: u64,
    shape: String,
}

impl<'a> Investigation<'a> {
    pub(crate) fn new(specs: &[EndpointSpec], dialect: Dialect, catalog: Catalog, data: Data, secrets: &'a dyn Secrets) -> Self {
        Self {
            catalog,
            dialect,
            endpoints: Endpoints::new(specs, dialect),
            evaluator: Evaluator::new(data, dialect),
            secrets,
            shapes: HashMap::new(),
            shape_list: Vec::new(),
            answered: Vec::new(),
            open: HashMap::new(),
            statements: 0,
            not_replayed: 0,
            nameless: 0,
        }
    }

    pub(crate) fn statements(&self) -> u64 {
        self.statements
    }

    /// Takes a log line that may carry a statement.
    pub(crate) fn take(&mut self, seen: Seen<'_>) -> Result<()> {
        let request = Request::parse(seen.target);
        for injection in self.endpoints.injections(seen.method, &request) {
            self.statements += 1;
            self.injection(injection, seen)?;
        }
        Ok(())
    }

    fn injection(&mut self, injection: Injection, seen: Seen<'_>) -> Result<()> {
        let Injection { endpoint, template, text } = injection;
        let template = match template {
            Ok(template) => template,
            Err(reason) => {
                self.leave_open(endpoint, reason, &text, "", seen);
                return Ok(());
            }
        };
        let shape = self.shape(endpoint, &template)?;
        let answer = match &self.shape_list[shape].plan {
            Ok(plan) => self
                .evaluator
                .answer(plan, &template.literals, self.endpoints.get(endpoint).shows)
                .map_err(|error| error.to_string()),
            Err(reason) => Err(reason.clone()),
        };
        match answer {
            Ok(answer) => self.answered.push(Answered {
                shape,
                line: seen.line,
                at_ms: seen.at_ms,
                status: seen.status,
                bytes: seen.bytes,
                answer,
                literals: shown(&template.literals).into_boxed_str(),
            }),
            Err(reason) => self.leave_open(endpoint, &reason, &text, &template.sql, seen),
        }
        Ok(())
    }

    fn shape(&mut self, endpoint: usize, template: &Template) -> Result<usize> {
        let key = (endpoint, template.sql.clone());
        if let Some(&shape) = self.shapes.get(&key) {
            return Ok(shape);
        }
        let plan = plan(&template.sql, template.literals.len(), self.dialect, &self.catalog);
        for view in plan.as_ref().map_or(&[] as &[View], |plan| &plan.views) {
            self.evaluator.data().prepare(*view, &self.catalog, self.secrets)?;
        }
        self.shape_list.push(Shape { endpoint, sql: template.sql.clone(), plan });
        self.shapes.insert(key, self.shape_list.len() - 1);
        Ok(self.shape_list.len() - 1)
    }

    /// Puts a statement aside that could not be followed. One that the server refused took nothing.
    fn leave_open(&mut self, endpoint: usize, reason: &str, text: &str, shape: &str, seen: Seen<'_>) {
        if self.endpoints.get(endpoint).bound || refused(seen.status, seen.bytes) {
            return;
        }
        let named = self.catalog.named_in(text);
        if named.is_empty() {
            self.nameless += 1;
            return;
        }
        self.not_replayed += 1;
        for (table, columns) in named {
            let key = (endpoint, table, reason.to_owned());
            let open = self.open.entry(key).or_insert_with(|| Open {
                columns: ColumnSet::default(),
                line: seen.line,
                at_ms: seen.at_ms,
                bytes: seen.bytes,
                statements: 0,
                shape: shape.to_owned(),
            });
            open.columns = ColumnSet(open.columns.0 | columns.0);
            open.statements += 1;
        }
    }

    /// Judges every statement and writes down what follows.
    pub(crate) fn conclude(mut self, first_basis: u32, sink: &mut dyn Sink, progress: &mut dyn FnMut(u64)) -> Result<Replayed> {
        let pages = self.pages();
        let mut bases = Bases { first: first_basis, next: first_basis, known: HashMap::new(), list: Vec::new() };
        let mut replayed = Replayed {
            statements: self.statements,
            shapes: self.shape_list.len() as u64,
            not_replayed: self.not_replayed,
            nameless: self.nameless,
            ..Replayed::default()
        };
        let answered = std::mem::take(&mut self.answered);
        for (at, statement) in answered.iter().enumerate() {
            self.judge(statement, &pages, &mut bases, sink, &mut replayed)?;
            if at % 1024 == 0 {
                progress(at as u64);
            }
        }
        drop(answered);
        self.conclude_open(&mut bases, sink, &mut replayed)?;
        replayed.bases = bases.next - first_basis;
        for (_, basis) in bases.list {
            sink.basis(&basis)?;
        }
        Ok(replayed)
    }

    fn pages(&self) -> Pages {
        let mut sizes = Sizes::default();
        for statement in &self.answered {
            if statement.status == 200 && !statement.answer.metadata {
                let endpoint = self.shape_list[statement.shape].endpoint;
                sizes.add(endpoint, statement.answer.rows, statement.answer.text, statement.bytes);
            }
        }
        sizes.pages()
    }

    fn judge(
        &mut self,
        statement: &Answered,
        pages: &Pages,
        bases: &mut Bases,
        sink: &mut dyn Sink,
        replayed: &mut Replayed,
    ) -> Result<()> {
        let endpoint = self.shape_list[statement.shape].endpoint;
        let answer = &statement.answer;
        let predicted = pages.predicted(endpoint, answer.rows, answer.text).filter(|_| !answer.metadata);
        let without = pages.predicted(endpoint, answer.own_rows, answer.own_text);
        let (verdict, reason) = verdict(statement, predicted, without);
        let agrees = statement.status == 200 && predicted == Some(statement.bytes);
        replayed.agreeing += u64::from(agrees);
        for taken in &answer.taken {
            let about = About { statement, taken, verdict, reason, agrees, predicted: predicted.unwrap_or(0) };
            replayed.exposures += self.write(&about, bases, sink)?;
        }
        Ok(())
    }

    /// One exposure for each row and kind of arrival: whole values, and parts of values.
    fn write(&self, about: &About<'_>, bases: &mut Bases, sink: &mut dyn Sink) -> Result<u64> {
        let mut written = 0;
        let mut failure = None;
        about.taken.for_each(|source, row, whole| {
            let partial = about.verdict.min(Verdict::Possible);
            let kinds = if whole {
                [(source.whole, about.verdict, about.reason), (source.part, partial, PARTIAL)]
            } else {
                [(source.whole, partial, CUT), (source.part, partial, CUT)]
            };
            for (columns, verdict, reason) in kinds.into_iter().filter(|(columns, ..)| !columns.is_empty()) {
                let reason = if about.verdict == Verdict::Excluded { about.reason } else { reason };
                let basis = self.basis(about.statement.shape, source.table, verdict, reason, bases);
                bases.count(basis, about);
                let exposure = self.exposure(about, source.table, row, columns, verdict, basis);
                if let Err(error) = sink.exposure(&exposure) {
                    failure.get_or_insert(error);
                }
                written += 1;
            }
        });
        failure.map_or(Ok(written), Err)
    }

    fn exposure(
        &self,
        about: &About<'_>,
        table: usize,
        row: u64,
        columns: ColumnSet,
        verdict: Verdict,
        basis: BasisId,
    ) -> Exposure {
        Exposure {
            table: self.catalog.table(table).id,
            row,
            columns,
            verdict,
            basis,
            line: about.statement.line,
            at_ms: about.statement.at_ms,
            observed_bytes: about.statement.bytes,
            predicted_bytes: about.predicted,
            literals: about.statement.literals.to_string(),
        }
    }

    fn basis(&self, shape: usize, table: usize, verdict: Verdict, reason: &'static str, bases: &mut Bases) -> BasisId {
        let key = (shape, table, verdict, reason);
        if let Some(&basis) = bases.known.get(&key) {
            return basis;
        }
        let summary = self.summary(self.shape_list[shape].endpoint, &self.shape_list[shape].sql, table, verdict, reason);
        let id = bases.push(summary);
        bases.known.insert(key, id);
        id
    }

    fn summary(&self, endpoint: usize, shape: &str, table: usize, verdict: Verdict, reason: &str) -> BasisSummary {
        BasisSummary {
            id: BasisId::default(),
            technique: Technique::Union,
            rule: "replay".into(),
            shape: unnumbered(shape),
            endpoint: self.endpoints.get(endpoint).name.clone(),
            table: self.catalog.table(table).name.clone(),
            verdict,
            reason: reason.to_owned(),
            statements: 0,
            agreeing: 0,
        }
    }

    /// What could not be followed is possible for every row of the tables it names: one exposure a row.
    fn conclude_open(&self, bases: &mut Bases, sink: &mut dyn Sink, replayed: &mut Replayed) -> Result<()> {
        let mut open: Vec<_> = self.open.iter().collect();
        open.sort_by_key(|((endpoint, table, reason), open)| (open.line, *endpoint, *table, (*reason).clone()));
        for ((endpoint, table, reason), open) in open {
            let reason = format!("the statement could not be replayed: {reason}");
            let mut summary = self.summary(*endpoint, &open.shape, *table, Verdict::Possible, &reason);
            summary.statements = open.statements;
            let basis = bases.push(summary);
            for row in self.every_row(*table)? {
                let exposure = Exposure {
                    table: self.catalog.table(*table).id,
                    row,
                    columns: open.columns,
                    verdict: Verdict::Possible,
                    basis,
                    line: open.line,
                    at_ms: open.at_ms,
                    observed_bytes: open.bytes,
                    predicted_bytes: 0,
                    literals: String::new(),
                };
                sink.exposure(&exposure)?;
                replayed.exposures += 1;
            }
        }
        Ok(())
    }

    fn every_row(&self, table: usize) -> Result<Vec<u64>> {
        let read = || self.evaluator.row_numbers(self.catalog.table(table));
        read().map_err(|source| Error::Prepare { doing: "listing the rows of a table", source })
    }
}

const PARTIAL: &str = "the statement asked for a part of the value";
const CUT: &str = "the answer was cut at the server's limit for aggregates inside this row";

/// One statement and what it took from one query, with the verdict about it.
struct About<'a> {
    statement: &'a Answered,
    taken: &'a Taken,
    verdict: Verdict,
    reason: &'static str,
    agrees: bool,
    predicted: u64,
}

struct Bases {
    first: u32,
    next: u32,
    known: HashMap<(usize, usize, Verdict, &'static str), BasisId>,
    /// Each with the line of the statement that was counted last: a statement with many rows counts once.
    list: Vec<(EvidenceLine, BasisSummary)>,
}

impl Bases {
    fn push(&mut self, mut summary: BasisSummary) -> BasisId {
        let id = BasisId(self.next);
        self.next += 1;
        summary.id = id;
        self.list.push((EvidenceLine::default(), summary));
        id
    }

    fn count(&mut self, id: BasisId, about: &About<'_>) {
        let (last, basis) = &mut self.list[(id.0 - self.first) as usize];
        if *last != about.statement.line {
            *last = about.statement.line;
            basis.statements += 1;
            basis.agreeing += u64::from(about.agrees);
        }
    }
}

/// Whether the server's status says that nothing was shown. A client that closed the connection (499) may have read.
fn refused(status: u16, bytes: u64) -> bool {
    match status {
        499 => bytes == 0,
        200 | 206 => false,
        _ => true,
    }
}

/// `without` is the size of the page had the injected part given nothing.
fn verdict(statement: &Answered, predicted: Option<u64>, without: Option<u64>) -> (Verdict, &'static str) {
    use Verdict::{Excluded, Possible, Proved};
    match (statement.status, predicted) {
        (status, _) if refused(status, statement.bytes) => match status {
            401 | 403 | 406 | 429 => (Excluded, "the server refused the request"),
            300..=399 => (Excluded, "the server sent the client elsewhere instead of showing rows"),
            _ => (Excluded, "the request failed: the server sent an error instead of the page"),
        },
        (200, Some(bytes)) if bytes == statement.bytes => (Proved, "the page had exactly the size that these values give it"),
        (200, _) if statement.bytes == 0 || without.is_some_and(|bytes| bytes == statement.bytes) => {
            (Excluded, "the page had the size it has without the values asked for")
        }
        (200, Some(bytes)) if statement.bytes < bytes => (Possible, "the page was smaller than these values make it"),
        (200, Some(_)) => (Possible, "the page was larger than these values make it"),
        (200, None) => (Possible, "too few pages of this kind to tell by their size what they showed"),
        _ => (Possible, "the connection ended before the page did"),
    }
}

/// The numbers and texts of a statement, as `why` shows them; bytes in hexadecimal are a tool's marks.
fn shown(literals: &[Literal]) -> String {
    let kept = literals.iter().filter(|literal| !matches!(literal, Literal::Bytes(_)));
    let list: Vec<String> = kept.map(Literal::shown).collect();
    mask_pans(&list.join(",")).chars().take(LITERALS_SHOWN_MAX).collect()
}

/// The shape as people read it: `?` without numbers.
fn unnumbered(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len());
    let mut after_place = false;
    for c in sql.chars() {
        if !(after_place && c.is_ascii_digit()) {
            text.push(c);
            after_place = c == '?';
        }
    }
    text
}
