//! The time between a client's requests, where the log does not say how long answers took: one that waited delays the request
//! after it, or, where the log has the time of the end, comes late itself. Which of the two it is, and whether the gaps say
//! anything, is learned from answers that are known; a gap shorter than the wait excludes that there was one.

use std::collections::{BTreeMap, HashMap};

use kintsugi_case::EvidenceLine;

use super::{Asked, Rows};
use crate::investigation::Shape;

/// Known answers of each kind from which on gaps are believed.
const KNOWN_MIN: usize = 8;
/// So much of the known answers must agree with their gaps.
const AGREEMENT_MIN: f64 = 0.95;

/// What the gaps say.
#[derive(Default)]
pub(super) struct Gaps {
    /// For each question the gap that tells, milliseconds.
    told: HashMap<EvidenceLine, i64>,
}

/// How gaps agree with answers that are known.
#[derive(Default)]
struct Agreement {
    waited: usize,
    waited_long: usize,
    at_once: usize,
    at_once_short: usize,
}

impl Gaps {
    /// Learns from the answers known so far, by the question's line.
    pub(super) fn learn(rows: &Rows<'_>, known: &HashMap<EvidenceLine, bool>, shapes: &[Shape]) -> Self {
        let mut endpoints: BTreeMap<usize, Vec<&Asked>> = BTreeMap::new();
        for asked in rows.values().flat_map(BTreeMap::values).flatten().filter(|asked| asked.expected.by_time()) {
            endpoints.entry(shapes[asked.shape].endpoint).or_default().push(asked);
        }
        let mut gaps = Self::default();
        for asked in endpoints.values_mut() {
            asked.sort_by_key(|asked| (asked.observed.at_ms, asked.observed.line));
            let times: Vec<i64> = asked.iter().map(|asked| asked.observed.at_ms).collect();
            let between: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
            for late in [0, 1] {
                // The gap before a question, or the one after it.
                let gap = |at: usize| if late == 0 { at.checked_sub(1).and_then(|at| between.get(at)) } else { between.get(at) };
                let told = asked.iter().enumerate().filter_map(|(at, asked)| Some((asked.observed.line, *gap(at)?)));
                let told: HashMap<EvidenceLine, i64> = told.collect();
                if Agreement::of(asked, &told, known).is_good() {
                    gaps.told.extend(told);
                    break;
                }
            }
        }
        gaps
    }

    /// Whether an answer may have come, by the gap beside it.
    pub(super) fn allow(&self, asked: &Asked, answer: Option<bool>) -> bool {
        let (Some(answer), Some(&gap)) = (answer, self.told.get(&asked.observed.line)) else { return true };
        is_long(asked, gap) == waits(asked, answer)
    }
}

/// Whether the server waited for this answer.
fn waits(asked: &Asked, answer: bool) -> bool {
    (asked.expected.yes.waited_ms > asked.expected.no.waited_ms) == answer
}

/// Whether a gap leaves room for the wait. Times in whole seconds lose nothing: a wait moves them by as many.
fn is_long(asked: &Asked, gap: i64) -> bool {
    let wait = asked.expected.yes.waited_ms.max(asked.expected.no.waited_ms);
    gap >= i64::try_from(wait).unwrap_or(i64::MAX)
}

impl Agreement {
    fn of(asked: &[&Asked], told: &HashMap<EvidenceLine, i64>, known: &HashMap<EvidenceLine, bool>) -> Self {
        let mut agreement = Self::default();
        for asked in asked {
            let line = &asked.observed.line;
            let (Some(&answer), Some(&gap)) = (known.get(line), told.get(line)) else { continue };
            if waits(asked, answer) {
                agreement.waited += 1;
                agreement.waited_long += usize::from(is_long(asked, gap));
            } else {
                agreement.at_once += 1;
                agreement.at_once_short += usize::from(!is_long(asked, gap));
            }
        }
        agreement
    }

    fn is_good(&self) -> bool {
        let good = |all: usize, right: usize| all >= KNOWN_MIN && right as f64 >= AGREEMENT_MIN * all as f64;
        good(self.waited, self.waited_long) && good(self.at_once, self.at_once_short)
    }
}
