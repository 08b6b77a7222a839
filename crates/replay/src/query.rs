//! Query logs: what the database says that it ran, joined to the requests of the web logs. The web log says who asked and
//! what was answered, the query log says what was run; a parameter that no web log shows (a form, a cookie) is read here.
//!
//! `around` finds an endpoint's value in a statement, `joining` finds its request. Not here: the formats (`evidence`), and
//! what a statement took (the engines).

mod around;
mod executed;
mod fate;
mod joining;
mod learned;
mod stored;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use kintsugi_case::{EndpointSpec, EvidenceId, EvidenceLine, ParameterPlace, SourceSpec};
use kintsugi_evidence::{EvidenceKind, Glance, QueryErrorKind, QueryLine, QueryReport, read_queries, scan_lines};

use crate::Inputs;
use crate::attack::Who;
use crate::catalog::Catalog;
use crate::context::is_more_than_a_value;
use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::logs::carried;
use crate::rollback::{Sessions, Write};
use crate::statement::Observation;
use around::Around;

pub(crate) use executed::{Executed, Told, quoted};
pub(crate) use fate::{Fate, Fates, nothing};
pub(crate) use joining::{join, skew_ms};
pub(crate) use learned::{Unwritten, learn};
pub(crate) use stored::{Awoken, Stored};

/// A statement of an endpoint, as the database ran it.
#[derive(Clone, Debug)]
pub(crate) struct Ran {
    /// Where the query log has it.
    pub(crate) line: EvidenceLine,
    /// By the database's clock.
    pub(crate) at_ms: i64,
    /// What stood in the parameter's place.
    pub(crate) value: String,
    /// Why it failed, where the log tells that it did.
    pub(crate) failed: Option<QueryErrorKind>,
}

/// A request to an endpoint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// What the web log shows.
    pub(crate) observed: Observation,
    /// Client and agent, as one number.
    pub(crate) client: u64,
}

/// What the query logs of a source tell.
#[derive(Default)]
pub(crate) struct Queries {
    /// The statements of the endpoints whose parameter web logs do not show, by the endpoint's place in the case file.
    pub(crate) ran: HashMap<usize, Vec<Ran>>,
    /// Who the clients of [`Asked`] are.
    pub(crate) clients: HashMap<u64, Who>,
    /// Those of the others that are more than an ordinary value.
    pub(crate) executed: Executed,
    /// What was written, in order of time.
    pub(crate) writes: Vec<Write>,
    /// Values that were stored and came back as a part of a statement.
    pub(crate) stored: Stored,
    /// How each log was read.
    pub(crate) read: Vec<(EvidenceId, QueryReport)>,
}

/// Clients whose names are kept.
const CLIENTS_MAX: usize = 1 << 17;

/// Whether a web log of the usual formats leaves the parameter out.
fn is_unseen(spec: &EndpointSpec) -> bool {
    !matches!(spec.place, ParameterPlace::Query | ParameterPlace::Path)
}

/// Whether a value may be what is left of an injection: something in it that words, dates and addresses do not have.
fn is_odd(value: &str) -> bool {
    value.contains(['\'', '"', '(', ')', ';', '=', '<', '>', '#', '|', '&'])
        || ["--", "/*"].iter().any(|mark| value.contains(mark))
}

/// Reads every query log of a source.
pub(crate) fn read(inputs: Inputs<'_>, source: &SourceSpec, (dialect, catalog): (Dialect, &Catalog)) -> Result<Queries> {
    let specs = inputs.case.endpoints.iter().enumerate();
    let places: Vec<Place> = specs.filter_map(|(at, spec)| Place::of(at, spec)).collect();
    let mut queries = Queries::default();
    let mut sessions = Sessions::new(dialect, catalog);
    for entry in inputs.evidence.iter().filter(|entry| entry.kind == EvidenceKind::QueryLog && entry.source == source.name) {
        let report = read_queries(inputs.case_dir, entry, inputs.keys, &mut |line| {
            let place = EvidenceLine { evidence: entry.id, line: line.line };
            queries.take(&line, place, &places, dialect);
            sessions.take(&line, place);
        });
        let report = report.map_err(|source| Error::Log { path: entry.path.clone(), source })?;
        queries.read.push((entry.id, report));
    }
    queries.ran.values_mut().for_each(|ran| ran.sort_by_key(|ran| (ran.at_ms, ran.line)));
    queries.drop_retold();
    queries.writes = sessions.finish();
    Ok(queries)
}

/// Where an endpoint's value stands in a statement.
struct Place {
    endpoint: usize,
    around: Around,
    is_unseen: bool,
}

impl Place {
    fn of(endpoint: usize, spec: &EndpointSpec) -> Option<Self> {
        let is_unseen = is_unseen(spec);
        // A value that is bound does nothing: where the web log shows it, nothing more need be known.
        let wanted = is_unseen || spec.sql.contains("{p}");
        Around::of(&spec.sql).filter(|_| wanted).map(|around| Self { endpoint, around, is_unseen })
    }
}

impl Queries {
    /// What these lines of one log tell, its first line on line 1.
    #[cfg(test)]
    pub(crate) fn of_lines(lines: &[QueryLine], specs: &[EndpointSpec]) -> Self {
        let places: Vec<Place> = specs.iter().enumerate().filter_map(|(at, spec)| Place::of(at, spec)).collect();
        let mut queries = Self::default();
        for (line, number) in lines.iter().zip(1..) {
            queries.take(line, EvidenceLine { evidence: EvidenceId(2), line: number }, &places, Dialect::MySql);
        }
        queries
    }

    fn take(&mut self, line: &QueryLine, place: EvidenceLine, places: &[Place], dialect: Dialect) {
        let Some(at_ms) = line.at_ms else { return };
        let text = String::from_utf8_lossy(&line.text);
        let parameter = line.parameters.first().and_then(Option::as_deref).map(String::from_utf8_lossy);
        let failed = line.error.as_ref().map(kintsugi_evidence::QueryError::kind);
        let said = line.error.as_ref().and_then(|error| quoted(error.message.open()));
        let (mut strange, mut ordinary) = (Vec::new(), false);
        self.executed.coverage.minute(at_ms);
        for Place { endpoint, around, is_unseen } in places {
            let value = around.value(&text, parameter.as_deref()).filter(|_| !line.cut || *is_unseen);
            let Some(value) = value else {
                strange.extend(around.begins(&text).then_some((*endpoint, None)));
                continue;
            };
            let read_as = executed::text(*endpoint, &value);
            self.executed.coverage.ordinary(read_as, at_ms);
            if is_more_than_a_value(&value) {
                self.executed.add(
                    *endpoint,
                    &value,
                    Told { line: place, at_ms, failed, rows_sent: line.rows_sent, said, duration_us: line.duration_us },
                );
            }
            if is_odd(&value) {
                strange.push((*endpoint, Some(read_as)));
            } else {
                ordinary = true;
            }
            if *is_unseen {
                self.ran.entry(*endpoint).or_default().push(Ran { line: place, at_ms, value, failed });
            }
        }
        let explained = strange.iter().any(|(_, read_as)| read_as.is_some());
        self.stored.take(line, place, dialect, explained || ordinary);
        if !ordinary && !strange.is_empty() {
            self.executed.coverage.strange(at_ms, strange);
        }
    }

    /// Two logs of one server (general and audit) tell each statement twice: the one that tells most of them is believed,
    /// with the errors of the others.
    fn drop_retold(&mut self) {
        for ran in self.ran.values_mut() {
            let mut counts: HashMap<_, usize> = HashMap::new();
            ran.iter().for_each(|ran| *counts.entry(ran.line.evidence).or_default() += 1);
            let Some(best) = counts.iter().max_by_key(|(evidence, count)| (**count, std::cmp::Reverse(**evidence))) else {
                continue;
            };
            let best = *best.0;
            let mut errors: HashMap<String, QueryErrorKind> = HashMap::new();
            let others = ran.iter().filter(|ran| ran.line.evidence != best);
            errors.extend(others.filter_map(|ran| Some((ran.value.clone(), ran.failed?))));
            // Rotated files of one log follow each other in time and are no second telling.
            let overlaps = counts.len() > 1 && overlap(ran, best);
            if overlaps {
                ran.retain(|ran| ran.line.evidence == best);
                ran.iter_mut().for_each(|ran| ran.failed = ran.failed.or_else(|| errors.get(&ran.value).copied()));
            }
        }
    }

    /// Every request to these endpoints, in the order of the web logs' times.
    pub(crate) fn requests(
        &mut self,
        inputs: Inputs<'_>,
        source: &SourceSpec,
        wanted: &[usize],
    ) -> Result<HashMap<usize, Vec<Asked>>> {
        let mut asked: HashMap<usize, Vec<Asked>> = HashMap::new();
        let clients = &mut self.clients;
        let specs: Vec<(usize, &EndpointSpec)> = wanted.iter().map(|&at| (at, &inputs.case.endpoints[at])).collect();
        let near =
            |glance: &Glance<'_>| specs.iter().any(|(_, spec)| memchr::memmem::find(glance.raw, spec.path.as_bytes()).is_some());
        for entry in inputs.evidence.iter().filter(|entry| entry.kind == EvidenceKind::Log && entry.source == source.name) {
            let report = scan_lines(inputs.case_dir, entry, inputs.keys, &near, &mut |line| {
                let path = line.target.split(|byte| *byte == b'?').next().unwrap_or_default();
                let of = specs.iter().filter(|(_, spec)| spec.path.as_bytes() == path && spec.method.as_bytes() == line.method);
                for (at, _) in of {
                    let observed = Observation {
                        line: EvidenceLine { evidence: entry.id, line: line.line },
                        at_ms: line.at_ms,
                        status: line.status,
                        bytes: line.bytes,
                        duration_us: line.duration_us,
                    };
                    let mut hasher = DefaultHasher::new();
                    (line.client, line.agent).hash(&mut hasher);
                    let client = hasher.finish();
                    if clients.len() < CLIENTS_MAX {
                        clients.entry(client).or_insert_with(|| Who::of(&carried(&line), false));
                    }
                    asked.entry(*at).or_default().push(Asked { observed, client });
                }
            });
            report.map_err(|source| Error::Log { path: entry.path.clone(), source })?;
        }
        asked.values_mut().for_each(|asked| asked.sort_by_key(|asked| (asked.observed.at_ms, asked.observed.line)));
        Ok(asked)
    }
}

/// Whether another file has statements from within the time of this one.
fn overlap(ran: &[Ran], best: EvidenceId) -> bool {
    let times = |own: bool| ran.iter().filter(move |ran| (ran.line.evidence == best) == own).map(|ran| ran.at_ms);
    let (Some(first), Some(last)) = (times(true).min(), times(true).max()) else { return false };
    times(false).filter(|at| (first..=last).contains(at)).count() * 2 > times(false).count()
}
