//! FIND 3: the intruder's statements out of requests, and the cells that each one returned.
//!
//! A log line is tested cheaply (`request`), its parameter decoded as the server did (`request`), put
//! into the endpoint's SQL (`context`), cut into shape and literals (`lexer`) and given to the engine of the channel by which
//! its answer left (`investigation`): `rows`, `answers`, `error_text`. An engine evaluates on the snapshot (`data`, `functions`), predicts what the log
//! must then show, and says what follows where the two agree (`conclusion`).
//!
//! Not here: what becomes of the conclusions (`find`, `scope`). Evidence is read through `evidence` alone.

use std::path::Path;

use kintsugi_case::{AttackPart, BasisSummary, CaseFile, EndpointSpec, EvidenceId, Exposure, SourceSpec};
use kintsugi_evidence::{CustodyEntry, LogReport};
use kintsugi_find::{ExposureWriter, Table};
use kintsugi_vault::Keys;

mod answers;
mod attack;
mod catalog;
mod conclusion;
mod context;
mod data;
mod delay;
mod dialect;
mod elsewhere;
mod error;
mod error_text;
mod functions;
#[cfg(fuzzing)]
pub mod fuzz;
mod investigation;
mod joined;
mod lexer;
mod log_report;
mod login;
mod logs;
mod mentioned;
mod named;
mod ordinary;
mod patience;
mod plain;
mod query;
mod recovered;
mod request;
mod rollback;
mod rows;
mod server;
mod sizes;
mod statement;
mod statements;
#[cfg(test)]
mod tests;
mod walk;
mod widened;

pub use dialect::Dialect;
pub use error::{Error, Result};
pub use recovered::{Characters, RecoveredValue};
pub use server::{EachRow, OnServer, Server, ServerError, Servers};
pub use statements::{AttackStatement, statements};

use catalog::Catalog;
use conclusion::Sink;
use data::{Data, NoSnapshot, Sealed, Secrets};
use investigation::Investigation;
use logs::read_logs;
use patience::Patience;
use query::Queries;
use rollback::{History, Past};
use server::Restored;
use statement::Seen;

/// What replay works on.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The case folder.
    pub case_dir: &'a Path,
    /// The case file.
    pub case: &'a CaseFile,
    /// Opens copied evidence.
    pub keys: &'a Keys,
    /// Where find.db lies; it is read through a second connection.
    pub find: &'a Path,
    /// The tables in it.
    pub tables: &'a [Table],
    /// The files in custody; those that are no logs are passed over.
    pub evidence: &'a [CustodyEntry],
    /// Servers on which dumps were restored; statements of other sources are evaluated on SQLite.
    pub servers: &'a Servers,
}

/// How far replay is.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// The log that is being read; empty while statements are evaluated.
    pub path: &'a str,
    /// Lines read so far.
    pub lines: u64,
    /// Statements recovered so far.
    pub statements: u64,
    /// Statements judged so far.
    pub judged: u64,
}

/// How the clock of a source's database stands to that of its web server, as their logs tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    /// The source of the case file.
    pub source: String,
    /// By how much the database's clock is ahead, milliseconds: the median over the requests below.
    pub ahead_ms: i64,
    /// Requests whose statement is known by its text; 0 where only the times of all of them tell it, to a quarter of an hour.
    pub told_by: u64,
}

/// What replay did.
#[derive(Clone, Debug, Default)]
pub struct Replayed {
    /// Statements recovered from the logs.
    pub statements: u64,
    /// Shapes among them.
    pub shapes: u64,
    /// Statements whose observed answer agrees with the replay.
    pub agreeing: u64,
    /// Statements that could not be parsed or replayed: what they name is possible.
    pub not_replayed: u64,
    /// Statements that could not be parsed or replayed either, but name no table of the snapshot.
    pub nameless: u64,
    /// Exposures written, one for each statement and row.
    pub exposures: u64,
    /// Bases written; their numbers run on from the `first_basis` given.
    pub bases: u32,
    /// Actors of the picture of the attack.
    pub actors: u32,
    /// How each log was read.
    pub logs: Vec<LogReport>,
    /// What restored servers did, source by source.
    pub servers: Vec<OnServer>,
    /// How the clocks of databases and web servers stand to each other, source by source.
    pub clocks: Vec<Clock>,
}

/// Replays every log in custody and writes exposures, bases and log reports. Bases are numbered from `first_basis`.
pub fn replay(
    inputs: Inputs<'_>,
    first_basis: u32,
    writer: &mut ExposureWriter<'_>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Replayed> {
    replay_sources(inputs, first_basis, &mut Written(writer), progress)
}

/// Replays every log in custody for the values that its answers give away; nothing is written. Values come in no order.
pub fn recover(
    inputs: Inputs<'_>,
    each: &mut dyn FnMut(RecoveredValue),
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Replayed> {
    replay_sources(inputs, 1, &mut ValuesOnly(each), progress)
}

fn replay_sources(
    inputs: Inputs<'_>,
    first_basis: u32,
    sink: &mut dyn Sink,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Replayed> {
    let mut total = Replayed::default();
    for source in &inputs.case.sources {
        let next = Next { basis: first_basis + total.bases, actor: 1 + total.actors, shape: 1 + total.shapes as u32 };
        let replayed = replay_source(inputs, source, next, sink, progress)?;
        total.add(replayed);
    }
    Ok(total)
}

/// The numbers that run on from source to source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Next {
    pub(crate) basis: u32,
    pub(crate) actor: u32,
    pub(crate) shape: u32,
}

fn replay_source(
    inputs: Inputs<'_>,
    source: &SourceSpec,
    next: Next,
    sink: &mut dyn Sink,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Replayed> {
    let dialect = Dialect::of(source.dbms);
    let sealed = Sealed { case_dir: inputs.case_dir, source, keys: inputs.keys };
    // Cells can only be named once there is a snapshot; values can be read before.
    let alone = sink.wants_values() && !inputs.tables.iter().any(|table| table.source == source.name);
    let (catalog, data) = if alone {
        (Catalog::of_case(source), Data::in_memory()?)
    } else {
        let catalog = Catalog::new(inputs.tables, &source.name);
        let restored = restored(inputs, source, dialect, &catalog)?;
        (catalog.restored(restored.is_some()), Data::open(inputs.find)?.beside(restored))
    };
    let mut queries = query::read(inputs, source, (dialect, &catalog))?;
    let read = std::mem::take(&mut queries.read);
    data.patience().with_rows(catalog.tables().map(|table| table.rows).sum());
    Patience::bound_memory(data.connection(), inputs.tables.iter().map(|table| table.rows).sum())
        .map_err(|source| Error::Prepare { doing: "bounding memory", source })?;
    if !alone {
        let history = History::of(std::mem::take(&mut queries.writes), &catalog, &data)?;
        data.remember(Past::new(history, dialect));
    }
    let secrets: &dyn Secrets = if alone { &NoSnapshot } else { &sealed };
    let mut investigation = Investigation::new(&inputs.case.endpoints, dialect, catalog, data, secrets)?;
    investigation.know(std::mem::take(&mut queries.executed));
    let mut logs = Vec::new();
    let one_by_one = sink.wants_statements();
    if one_by_one {
        investigation.listen();
    }
    let mut take = |seen: Seen<'_>| {
        investigation.take(seen)?;
        investigation.told(&source.name, next, sink)?;
        Ok(investigation.statements())
    };
    for (id, report) in read_logs(inputs, &source.name, &mut take, progress)? {
        sink.log_report(id, &log_report::json(&report))?;
        logs.push(report);
    }
    let learned = if one_by_one { Vec::new() } else { query::learn(inputs, source, &investigation.unwritten())? };
    let is_known = |spec: &EndpointSpec| {
        let of = |spec: &EndpointSpec| (spec.method.clone(), spec.path.clone(), spec.parameter.clone(), spec.place);
        inputs.case.endpoints.iter().any(|known| of(known) == of(spec))
    };
    let learned: Vec<EndpointSpec> = learned.into_iter().filter(|spec| !is_known(spec)).collect();
    if !learned.is_empty() {
        let case = with_endpoints(inputs.case, learned);
        return replay_source(Inputs { case: &case, ..inputs }, source, next, sink, progress);
    }
    investigation.awoken(std::mem::take(&mut queries.stored).found());
    unseen(inputs, source, queries, &mut investigation)?;
    investigation.told(&source.name, next, sink)?;
    if one_by_one {
        return Ok(Replayed { statements: investigation.statements(), logs, ..investigation.counted() });
    }
    let statements = investigation.statements();
    let mut judged = |judged| progress(Progress { path: "", lines: 0, statements, judged });
    let mut replayed = investigation.conclude(&source.name, next, sink, &mut judged)?;
    for (id, report) in read {
        sink.log_report(id, &log_report::queries_json(&report, replayed.clocks.first()))?;
    }
    replayed.logs = logs;
    Ok(replayed)
}

/// The case with what the query logs tell of parameters that nobody wrote down: the logs are read once more with it.
fn with_endpoints(case: &CaseFile, learned: Vec<EndpointSpec>) -> CaseFile {
    let mut case = case.clone();
    case.endpoints.extend(learned);
    case
}

/// The restored server of a source, if the case has one.
fn restored(inputs: Inputs<'_>, source: &SourceSpec, dialect: Dialect, catalog: &Catalog) -> Result<Option<Restored>> {
    let Some(server) = inputs.servers.get(&source.name) else { return Ok(None) };
    let failed = |cause| Error::Server { source_name: source.name.clone(), source: cause };
    Restored::open(server, &source.name, dialect, catalog).map(Some).map_err(failed)
}

/// Takes what the query logs alone show: statements whose parameter no web log has, with their requests.
fn unseen(inputs: Inputs<'_>, source: &SourceSpec, mut queries: Queries, investigation: &mut Investigation<'_>) -> Result<()> {
    let wanted = investigation.unseen(&queries, &inputs.case.endpoints);
    if wanted.is_empty() {
        return Ok(());
    }
    let asked = queries.requests(inputs, source, &wanted)?;
    investigation.join(queries, asked, &inputs.case.endpoints)
}

struct Written<'a, 'b>(&'a mut ExposureWriter<'b>);

impl Sink for Written<'_, '_> {
    fn exposure(&mut self, exposure: &Exposure) -> Result<()> {
        self.0.push(exposure).map_err(Error::Write)
    }

    fn basis(&mut self, basis: &BasisSummary) -> Result<()> {
        self.0.put_basis(basis).map_err(Error::Write)
    }

    fn log_report(&mut self, evidence: EvidenceId, report: &str) -> Result<()> {
        self.0.put_log_report(evidence, report).map_err(Error::Write)
    }

    fn attack(&mut self, part: AttackPart) -> Result<()> {
        self.0.put_attack(&part).map_err(Error::Write)
    }
}

/// Hands values on and leaves the rest.
struct ValuesOnly<'a>(&'a mut dyn FnMut(RecoveredValue));

impl Sink for ValuesOnly<'_> {
    fn exposure(&mut self, _: &Exposure) -> Result<()> {
        Ok(())
    }

    fn basis(&mut self, _: &BasisSummary) -> Result<()> {
        Ok(())
    }

    fn wants_values(&self) -> bool {
        true
    }

    fn value(&mut self, value: RecoveredValue) -> Result<()> {
        (self.0)(value);
        Ok(())
    }
}

impl Replayed {
    fn add(&mut self, other: Self) {
        self.statements += other.statements;
        self.shapes += other.shapes;
        self.agreeing += other.agreeing;
        self.not_replayed += other.not_replayed;
        self.nameless += other.nameless;
        self.exposures += other.exposures;
        self.bases += other.bases;
        self.actors += other.actors;
        self.logs.extend(other.logs);
        self.servers.extend(other.servers);
        self.clocks.extend(other.clocks);
    }
}
