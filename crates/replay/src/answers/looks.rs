//! What an answer looks like in the log, and what a look means. A page with its row and a page without it have each their
//! status and size; which is which is learned from statements whose answer is known beforehand (a tool's own `AND 1=1`),
//! or else from the snapshot: the reading under which the answers agree with the values that are there. Where neither tells,
//! the reading under which the answers do not contradict each other (`meaning`), and where the log shows no answers, what
//! was asked next (`next`).

use std::collections::{BTreeMap, HashMap};

use kintsugi_case::Shows;

use super::echo::Echo;
use super::values::Library;
use super::{Asked, Rows, naming};
use crate::investigation::Shape;

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
    /// Whether it is known which is which; else only that they differ.
    pub(super) is_known: bool,
}

/// Status and size, without what the page repeats of the question.
pub(super) type Look = (u16, u64);

/// What looks mean.
#[derive(Debug, Default)]
pub(super) struct Looks {
    pages: HashMap<usize, Pages>,
    votes: HashMap<(usize, Look), Votes>,
    /// What looks mean for the questions of a shape, where that was learned from the answers themselves.
    pub(super) meanings: HashMap<usize, HashMap<Look, bool>>,
    /// Answers that follow from what was asked next, by the question's line.
    pub(super) inferred: HashMap<kintsugi_case::EvidenceLine, bool>,
}

/// How the pages of an endpoint's questions differ.
#[derive(Debug, Default)]
struct Pages {
    echo: Echo,
    /// The sizes from which on a page is a large one, by status, where sizes spread around two.
    large_from: HashMap<u16, u64>,
    /// Their sizes differ from question to question, and nothing tells two kinds apart.
    varies: bool,
}

#[derive(Clone, Debug, Default)]
struct Votes(BTreeMap<Kind, u64>);

/// Votes from which on a look is known.
const VOTES_MIN: u64 = 3;
/// How much of the votes must agree.
const AGREEMENT_MIN: f64 = 0.9;
/// Different sizes of an endpoint's pages from which on they are looked at for kinds.
const SIZES_MIN: usize = 16;

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

    /// The same on a page that shows no more than its first row, or whether there is any.
    pub(super) fn shown(self, shows: Shows) -> Self {
        Self { yes: self.yes.shown(shows), no: self.no.shown(shows), ..self }
    }

    /// The answer that a page of this kind is.
    fn answer(&self, kind: Kind) -> Option<bool> {
        (self.by_page() && self.is_known).then_some(self.yes.kind == kind).filter(|yes| *yes || self.no.kind == kind)
    }

    /// Whether the pages for yes and no differ in what is on them.
    fn by_page(&self) -> bool {
        self.yes.kind != self.no.kind
    }

    /// Whether the answer shows at all.
    pub(super) fn differs(&self) -> bool {
        self.by_page() || self.by_time()
    }

    /// Whether another expectation reads answers alike.
    pub(super) fn means(&self, other: &Self) -> bool {
        let signs = |one: &Self| (one.yes.kind.cmp(&one.no.kind), one.yes.waited_ms.cmp(&one.no.waited_ms));
        signs(self) == signs(other)
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

impl Pages {
    fn learn(asked: &[&Asked]) -> Self {
        let mut pages = Self { echo: Echo::learn(asked), ..Self::default() };
        let mut sizes: HashMap<u16, Vec<u64>> = HashMap::new();
        for one in asked {
            let (status, size) = pages.look(one);
            sizes.entry(status).or_default().push(size);
        }
        for (status, mut sizes) in sizes {
            sizes.sort_unstable();
            let mut different = sizes.clone();
            different.dedup();
            // A few odd pages among many of two sizes are the server's matter.
            if different.len() < SIZES_MIN || different.len() * 8 <= sizes.len() {
                continue;
            }
            match large_from(&sizes) {
                Some(from) => drop(pages.large_from.insert(status, from)),
                None => pages.varies = true,
            }
        }
        pages
    }

    fn look(&self, asked: &Asked) -> Look {
        let observed = &asked.observed;
        let size = self.echo.rest(observed.bytes, &asked.value);
        match self.large_from.get(&observed.status) {
            Some(&from) => (observed.status, if size < from { 0 } else { from }),
            None => (observed.status, size),
        }
    }
}

/// Where sizes (rising) fall apart into two heaps: the gap between them is wider than either heap.
fn large_from(sizes: &[u64]) -> Option<u64> {
    let gaps = sizes.windows(2).enumerate().map(|(at, pair)| (pair[1] - pair[0], at + 1));
    let (gap, at) = gaps.max()?;
    let (small, large) = sizes.split_at(at);
    let width = |heap: &[u64]| heap.last().zip(heap.first()).map_or(0, |(last, first)| last - first);
    let is_heap = |heap: &[u64]| heap.len() * 50 >= sizes.len();
    (is_heap(small) && is_heap(large) && gap > width(small) && gap > width(large)).then(|| large[0])
}

impl Looks {
    /// Learns from statements whose answer does not depend on the snapshot.
    pub(super) fn of_known(asked: &[Asked], shapes: &[Shape]) -> Self {
        let mut looks = Self::default();
        let mut endpoints: HashMap<usize, Vec<&Asked>> = HashMap::new();
        for one in asked {
            endpoints.entry(shapes[one.shape].endpoint).or_default().push(one);
        }
        looks.pages = endpoints.iter().map(|(endpoint, asked)| (*endpoint, Pages::learn(asked))).collect();
        for one in asked.iter().filter(|one| shapes[one.shape].question().is_none() && one.expected.is_known) {
            looks.vote(shapes[one.shape].endpoint, one, one.expected.yes.kind);
        }
        looks
    }

    fn vote(&mut self, endpoint: usize, asked: &Asked, kind: Kind) {
        let look = self.look(endpoint, asked);
        self.votes.entry((endpoint, look)).or_default().add(kind, 1);
    }

    /// What the log shows of an answer.
    pub(super) fn look(&self, endpoint: usize, asked: &Asked) -> Look {
        self.pages.get(&endpoint).map_or((asked.observed.status, asked.observed.bytes), |pages| pages.look(asked))
    }

    /// Whether the pages of an endpoint differ from question to question, so that none can be read.
    pub(super) fn varies(&self, endpoint: usize) -> bool {
        self.pages.get(&endpoint).is_some_and(|pages| pages.varies)
    }

    /// Where no statement with a known answer tells both looks apart, lets the snapshot: each question votes as the value
    /// at its place would have answered.
    pub(super) fn learn(&mut self, rows: &Rows<'_>, shapes: &[Shape], library: &mut Library<'_>) -> rusqlite::Result<()> {
        let told = self.endpoints_told();
        for (place, columns) in rows {
            library.go_to(columns);
            for asked in columns.values().flatten() {
                let endpoint = shapes[asked.shape].endpoint;
                if told.contains(&endpoint) || !asked.expected.by_page() || !asked.expected.is_known {
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
    pub(super) fn read(&self, shape: &Shape, asked: &Asked) -> Option<bool> {
        let Asked { observed, expected, .. } = asked;
        if expected.by_time() {
            let took_ms = observed.duration_us? / 1000;
            let middle = u64::midpoint(expected.yes.waited_ms, expected.no.waited_ms);
            return Some((took_ms > middle) == (expected.yes.waited_ms > middle));
        }
        let look = self.look(shape.endpoint, asked);
        if let Some(meaning) = self.meanings.get(&asked.shape) {
            return meaning.get(&look).copied();
        }
        let kind = self.votes.get(&(shape.endpoint, look))?.kind()?;
        expected.answer(kind).or_else(|| expected.answer(kind.kin()?))
    }
}

#[cfg(test)]
mod tests {
    use super::large_from;

    #[test]
    fn two_heaps_of_sizes_are_told_apart_only_where_the_gap_is_wider_than_both() {
        assert_eq!(large_from(&[400, 402, 405, 611, 615, 622]), Some(611));
        assert_eq!(large_from(&[400, 440, 480, 500, 540, 580]), None);
        assert_eq!(large_from(&[400]), None);
    }
}
