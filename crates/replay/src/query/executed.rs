//! What the query logs tell of the injections that web logs show: when each ran, by the database's clock, and what became of
//! it. A statement is known by the value that stood in its endpoint's place, of which a hash is kept.
//!
//! Not here: what follows from it for the injection (`fate`).

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use kintsugi_case::EvidenceLine;
use kintsugi_evidence::QueryErrorKind;

use super::fate::{Asked, Coverage, Fates};
use crate::rollback::Moment;
use crate::statement::Observation;

/// Statements from which the difference of the clocks is taken.
const SAMPLES_MAX: usize = 10_000;

/// A statement that the database ran, or tried to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// Where the query log has it.
    pub(crate) line: EvidenceLine,
    /// By the database's clock.
    pub(crate) at_ms: i64,
    /// Why it failed, where the log tells that it did.
    pub(crate) failed: Option<QueryErrorKind>,
    /// Rows of the answer, where the log tells them.
    pub(crate) rows_sent: Option<u64>,
    /// A digest of what its error message quotes.
    pub(crate) said: Option<u64>,
    /// How long the server took, microseconds, where the log tells it.
    pub(crate) duration_us: Option<u64>,
}

/// What an error message quotes: from its first double quote to its last, without any from the first single one.
pub(crate) fn quoted(message: &str) -> Option<u64> {
    let between = |quote: char| {
        let (first, last) = (message.find(quote)?, message.rfind(quote)?);
        message.get(first + 1..last)
    };
    let mut hasher = DefaultHasher::new();
    between('"').or_else(|| between('\''))?.hash(&mut hasher);
    Some(hasher.finish())
}

/// An endpoint, and a digest of the value in its place.
pub(super) type Text = (usize, u64);

/// The statements of the endpoints that the case file names.
#[derive(Debug, Default)]
pub(crate) struct Executed {
    by_value: HashMap<Text, Vec<Told>>,
    /// What the logs hold beside them.
    pub(super) coverage: Coverage,
    /// The injections of web logs, for what becomes of them.
    asked: Vec<Asked>,
    /// By how much the database's clock was ahead, of statements that only one request can have sent.
    samples: Vec<i64>,
    skew_ms: i64,
}

pub(super) fn text(endpoint: usize, value: &str) -> Text {
    let mut hasher = DefaultHasher::new();
    value.trim().hash(&mut hasher);
    (endpoint, hasher.finish())
}

impl Executed {
    /// Takes a statement of the query log.
    pub(crate) fn add(&mut self, endpoint: usize, value: &str, told: Told) {
        self.by_value.entry(text(endpoint, value)).or_default().push(told);
    }

    /// The statement that a request led to: of several with one text the nearest in time.
    pub(crate) fn find(&mut self, endpoint: usize, value: &str, observed: &Observation) -> Option<Told> {
        let key = text(endpoint, value);
        if !self.coverage.is_empty() {
            let first = value.split_once(';').map(|(first, _)| text(endpoint, first.trim_end_matches(['\'', '"', ')', ' '])));
            self.asked.push(Asked::new(key, observed).beginning_with(first));
        }
        let found = self.by_value.get(&key)?;
        let apart = |told: &&Told| (told.at_ms - observed.at_ms - self.skew_ms).abs();
        let best = *found.iter().min_by_key(|told| (apart(told), told.failed.is_none()))?;
        if found.iter().all(|told| told.line.evidence != best.line.evidence || told.line == best.line) {
            self.learn(best.at_ms - observed.at_ms);
        }
        Some(best)
    }

    fn learn(&mut self, ahead_ms: i64) {
        if self.samples.len() < SAMPLES_MAX {
            let at = self.samples.partition_point(|known| *known < ahead_ms);
            self.samples.insert(at, ahead_ms);
            self.skew_ms = self.samples[self.samples.len() / 2];
        }
    }

    /// What became of the injections of web logs. `ordinary` are requests with an ordinary value: endpoint, value and what the
    /// web log shows.
    pub(crate) fn fates<'a>(&mut self, ordinary: impl Iterator<Item = (usize, &'a str, &'a Observation)>) -> Fates {
        let ordinary: Vec<Asked> =
            ordinary.map(|(endpoint, value, observed)| Asked::new(text(endpoint, value), observed)).collect();
        let skew_ms = self.skew_ms().unwrap_or_else(|| self.coverage.skew_ms(&ordinary));
        let asked = std::mem::take(&mut self.asked);
        Fates::of(&asked, &self.by_value, &self.coverage.completed(&ordinary, &asked, skew_ms), skew_ms)
    }

    /// By how much the database's clock is ahead of the web server's, milliseconds; `None` where no statement tells.
    pub(crate) fn skew_ms(&self) -> Option<i64> {
        (!self.samples.is_empty()).then_some(self.skew_ms)
    }

    /// How many requests tell it.
    pub(crate) fn told_by(&self) -> u64 {
        self.samples.len() as u64
    }

    /// When the statement of a request ran: as the query log tells, else about the time of the request.
    pub(crate) fn moment(&self, told: Option<Told>, observed: &Observation) -> Moment {
        match told {
            Some(told) => Moment::exactly(told.at_ms, told.line),
            None => {
                let took = observed.duration_us.map_or(0, |us| (us / 1000).cast_signed());
                let at_ms = observed.at_ms + self.skew_ms;
                Moment::about(at_ms - took, at_ms + took)
            }
        }
    }
}
