//! What an answer looks like in the log, and what a look means. A page with its row and a page without it have each their
//! status and size; which is which is learned from statements whose answer is known beforehand (a tool's own `AND 1=1`),
//! or else from the snapshot: the reading under which the answers agree with the values that are there.

use std::collections::{BTreeMap, HashMap};

use kintsugi_case::Shows;

use super::values::Library;
use super::{Asked, Rows, naming};
use crate::investigation::Shape;
use crate::statement::Observation;

/// What a statement does to the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Effect {
    /// What the page then is.
    pub(super) kind: Kind,
    /// Milliseconds for which it makes the server wait.
    pub(super) waited_ms: u64,
}

/// What there is on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// No row.
    Empty,
    /// So many rows.
    Rows(u64),
    /// What the page says when its statement fails, which may be what it says without a row.
    Failed,
}

/// What it does for yes and for no.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    pub(super) yes: Effect,
    pub(super) no: Effect,
}

/// Status and size.
type Look = (u16, u64);

/// What looks mean, by endpoint.
#[derive(Debug, Default)]
pub(super) struct Looks {
    votes: HashMap<(usize, Look), Votes>,
}

#[derive(Clone, Debug, Default)]
struct Votes(BTreeMap<Kind, u64>);

/// Votes from which on a look is known.
const VOTES_MIN: u64 = 3;
/// How much of the votes must agree.
const AGREEMENT_MIN: f64 = 0.9;

impl Effect {
    /// The same on a page that shows no more than its first row, or whether there is any.
    pub(super) fn shown(self, shows: Shows) -> Self {
        match (self.kind, shows) {
            (Kind::Rows(_), Shows::FirstRow | Shows::Exists) => Self { kind: Kind::Rows(1), ..self },
            _ => self,
        }
    }
}

impl Kind {
    /// What a page may show as the same: many say of a failed statement that there is nothing.
    const fn kin(self) -> Option<Self> {
        match self {
            Self::Empty => Some(Self::Failed),
            Self::Failed => Some(Self::Empty),
            Self::Rows(_) => None,
        }
    }
}

impl Expected {
    /// Whether the answer can only be felt in how long it takes.
    pub(super) fn by_time(&self) -> bool {
        self.yes.waited_ms.abs_diff(self.no.waited_ms) >= 50
    }

    /// The answer that a page of this kind is.
    fn answer(&self, kind: Kind) -> Option<bool> {
        self.by_page().then_some(self.yes.kind == kind).filter(|yes| *yes || self.no.kind == kind)
    }

    /// Whether the pages for yes and no differ in what is on them.
    fn by_page(&self) -> bool {
        self.yes.kind != self.no.kind
    }
}

impl Votes {
    /// What a page with this look is; `None` where the votes do not agree.
    fn kind(&self) -> Option<Kind> {
        let all: u64 = self.0.values().sum();
        let (kind, most) = self.0.iter().max_by_key(|(_, votes)| **votes)?;
        (all >= VOTES_MIN && *most as f64 >= AGREEMENT_MIN * all as f64).then_some(*kind)
    }

    fn add(&mut self, kind: Kind, weight: u64) {
        *self.0.entry(kind).or_default() += weight;
    }
}

fn look(observed: &Observation) -> Look {
    (observed.status, observed.bytes)
}

impl Looks {
    /// Learns from statements whose answer does not depend on the snapshot.
    pub(super) fn of_known(asked: &[Asked], shapes: &[Shape]) -> Self {
        let mut looks = Self::default();
        for one in asked.iter().filter(|one| shapes[one.shape].question().is_none()) {
            looks.vote(shapes[one.shape].endpoint, one, one.expected.yes.kind);
        }
        looks
    }

    fn vote(&mut self, endpoint: usize, asked: &Asked, kind: Kind) {
        self.votes.entry((endpoint, look(&asked.observed))).or_default().add(kind, 1);
    }

    /// Where no statement with a known answer tells both looks apart, lets the snapshot: each question votes as the value
    /// at its place would have answered.
    pub(super) fn learn(&mut self, rows: &Rows<'_>, shapes: &[Shape], library: &mut Library<'_>) -> rusqlite::Result<()> {
        let told = self.endpoints_told();
        for (place, columns) in rows {
            for asked in columns.values().flatten() {
                let endpoint = shapes[asked.shape].endpoint;
                if told.contains(&endpoint) || !asked.expected.by_page() {
                    continue;
                }
                if let Some(yes) = naming::predicted(place, asked, shapes, library)? {
                    let effect = if yes { asked.expected.yes } else { asked.expected.no };
                    self.vote(endpoint, asked, effect.kind);
                }
            }
        }
        Ok(())
    }

    /// Endpoints of which a look with rows and one without are known.
    fn endpoints_told(&self) -> Vec<usize> {
        let known = |endpoint: usize, rows: bool| {
            let is = |kind: Kind| matches!(kind, Kind::Rows(_)) == rows;
            self.votes.iter().any(|((of, _), votes)| *of == endpoint && votes.kind().is_some_and(is))
        };
        let mut endpoints: Vec<usize> = self.votes.keys().map(|(endpoint, _)| *endpoint).collect();
        endpoints.sort_unstable();
        endpoints.dedup();
        endpoints.into_iter().filter(|&endpoint| known(endpoint, true) && known(endpoint, false)).collect()
    }

    /// The answer that the log shows; `None` where it cannot be told.
    pub(super) fn read(&self, endpoint: usize, asked: &Asked) -> Option<bool> {
        let Asked { observed, expected, .. } = asked;
        if expected.by_time() {
            let took_ms = observed.duration_us? / 1000;
            let middle = u64::midpoint(expected.yes.waited_ms, expected.no.waited_ms);
            return Some((took_ms > middle) == (expected.yes.waited_ms > middle));
        }
        let kind = self.votes.get(&(endpoint, look(observed)))?.kind()?;
        expected.answer(kind).or_else(|| expected.answer(kind.kin()?))
    }
}
