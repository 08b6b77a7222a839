//! What an answer looks like in the log, and what a look means. A page with its row and a page without it have each their
//! status and size; which is which is learned from statements whose answer is known beforehand (a tool's own `AND 1=1`),
//! or else from the snapshot: the reading under which the answers agree with the values that are there.

use std::collections::HashMap;

use super::values::Library;
use super::{Asked, Rows, naming};
use crate::investigation::Shape;
use crate::statement::Observation;

/// What a statement does to the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Effect {
    /// Rows on the page.
    pub(super) rows: u64,
    /// Milliseconds for which it makes the server wait.
    pub(super) waited_ms: u64,
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

#[derive(Clone, Copy, Debug, Default)]
struct Votes {
    with_rows: u64,
    without: u64,
}

/// Votes from which on a look is known.
const VOTES_MIN: u64 = 3;
/// How much of the votes must agree.
const AGREEMENT_MIN: f64 = 0.9;

impl Expected {
    /// Whether the answer can only be felt in how long it takes.
    pub(super) fn by_time(&self) -> bool {
        self.yes.waited_ms.abs_diff(self.no.waited_ms) >= 50
    }

    fn by_rows(&self) -> bool {
        (self.yes.rows > 0) != (self.no.rows > 0)
    }
}

impl Votes {
    /// Whether a page with this look has rows; `None` where the votes do not agree.
    fn has_rows(self) -> Option<bool> {
        let (all, most) = (self.with_rows + self.without, self.with_rows.max(self.without));
        (all >= VOTES_MIN && most as f64 >= AGREEMENT_MIN * all as f64).then_some(self.with_rows > self.without)
    }

    fn add(&mut self, has_rows: bool, weight: u64) {
        *(if has_rows { &mut self.with_rows } else { &mut self.without }) += weight;
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
            looks.vote(shapes[one.shape].endpoint, one, one.expected.yes.rows > 0);
        }
        looks
    }

    fn vote(&mut self, endpoint: usize, asked: &Asked, has_rows: bool) {
        self.votes.entry((endpoint, look(&asked.observed))).or_default().add(has_rows, 1);
    }

    /// Where no statement with a known answer tells both looks apart, lets the snapshot: each question votes as the value
    /// at its place would have answered.
    pub(super) fn learn(&mut self, rows: &Rows<'_>, shapes: &[Shape], library: &mut Library<'_>) -> rusqlite::Result<()> {
        let told = self.endpoints_told();
        for (place, columns) in rows {
            for asked in columns.values().flatten() {
                let endpoint = shapes[asked.shape].endpoint;
                if told.contains(&endpoint) || !asked.expected.by_rows() {
                    continue;
                }
                if let Some(yes) = naming::predicted(place, asked, shapes, library)? {
                    let effect = if yes { asked.expected.yes } else { asked.expected.no };
                    self.vote(endpoint, asked, effect.rows > 0);
                }
            }
        }
        Ok(())
    }

    /// Endpoints of which a look with rows and one without are known.
    fn endpoints_told(&self) -> Vec<usize> {
        let known = |endpoint: usize, rows: bool| {
            self.votes.iter().any(|((of, _), votes)| *of == endpoint && votes.has_rows() == Some(rows))
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
        let has_rows = self.votes.get(&(endpoint, look(observed)))?.has_rows()?;
        expected.by_rows().then_some(has_rows == (expected.yes.rows > 0))
    }
}
