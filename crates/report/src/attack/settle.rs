//! What would settle it: for each doubt that is left, which log or file would end it, and of what time.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use kintsugi_case::{Attack, Doubt, Language, Settling, Verdict};

use super::words::{Word, with};
use super::{plain, span, written};
use crate::reason;

/// A doubt, what hangs on it, and what would settle it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The doubt.
    pub doubt: Doubt,
    /// How sure it is now.
    pub verdict: Verdict,
    /// The reason, in the language asked for.
    pub reason: String,
    /// Tables concerned.
    pub tables: Vec<String>,
    /// Endpoints concerned.
    pub endpoints: Vec<String>,
    /// Bases with this reason.
    pub bases: Vec<u32>,
    /// Cells that wait for it.
    pub cells: u64,
    /// When the statements were, milliseconds since 1970 UTC; 0 where no statement is behind it.
    pub from_ms: i64,
    /// Until when.
    pub to_ms: i64,
    /// What would settle it, the surest first, with the time of which it is wanted.
    pub by: Vec<(Settling, String)>,
}

/// Every doubt of a picture, the one with most cells first; `possible` before `excluded`.
pub fn settle(attack: &Attack, language: Language, zone: &TimeZone) -> Vec<Settled> {
    let mut doubts: BTreeMap<(std::cmp::Reverse<Verdict>, &str), Settled> = BTreeMap::new();
    for outcome in &attack.outcomes {
        let Some(doubt) = Doubt::of(outcome.verdict, &outcome.reason) else { continue };
        let key = (std::cmp::Reverse(outcome.verdict), outcome.reason.as_str());
        let settled = doubts.entry(key).or_insert_with(|| empty(doubt, outcome.verdict, &outcome.reason));
        settled.cells += outcome.cells();
        settled.bases.push(outcome.basis);
        note(&mut settled.tables, &outcome.table);
        if let Some(shape) = outcome.shape.and_then(|shape| attack.shape(shape)) {
            note(&mut settled.endpoints, &shape.endpoint);
        }
        for taken in outcome.taken.iter().filter(|taken| taken.first_at_ms != 0) {
            settled.from_ms = if settled.from_ms == 0 { taken.first_at_ms } else { settled.from_ms.min(taken.first_at_ms) };
            settled.to_ms = settled.to_ms.max(taken.last_at_ms);
        }
    }
    let mut settled: Vec<Settled> = doubts.into_values().filter(|settled| settled.cells > 0).collect();
    for settled in &mut settled {
        settled.by = by(settled, attack, language, zone);
        settled.reason = reason(&settled.reason, language).into_owned();
    }
    settled.sort_by_key(|settled| std::cmp::Reverse((settled.verdict, settled.cells)));
    settled
}

fn empty(doubt: Doubt, verdict: Verdict, reason: &str) -> Settled {
    let (tables, endpoints, bases, by) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    Settled { doubt, verdict, reason: reason.to_owned(), tables, endpoints, bases, cells: 0, from_ms: 0, to_ms: 0, by }
}

fn note(list: &mut Vec<String>, one: &str) {
    if !one.is_empty() && !list.iter().any(|known| known == one) {
        list.push(one.to_owned());
    }
}

/// What would settle a doubt, in words: the file that is missing first, then each kind with its time or page.
fn by(settled: &Settled, attack: &Attack, language: Language, zone: &TimeZone) -> Vec<(Settling, String)> {
    let gaps = attack.gaps.iter().filter(|gap| settled.from_ms == 0 || gap.to_ms >= settled.from_ms - DAY_MS);
    let near = gaps.filter(|gap| settled.to_ms == 0 || gap.from_ms <= settled.to_ms + DAY_MS);
    let missing = near.filter(|gap| !gap.missing.is_empty()).map(|gap| {
        let at = |at_ms| written(at_ms, zone, "%Y-%m-%d %H:%M");
        let names = plain(&gap.missing.join(", "));
        (Settling::WebLog, with(Word::Missing, language, &[&names, &at(gap.from_ms), &at(gap.to_ms)]))
    });
    let kinds = settled.doubt.settled_by().iter().map(|kind| (*kind, worded(*kind, settled, language, zone)));
    missing.chain(kinds).collect()
}

/// How far from a statement a missing file still matters.
const DAY_MS: i64 = 86_400_000;

fn worded(kind: Settling, settled: &Settled, language: Language, zone: &TimeZone) -> String {
    let label = kind.label(language);
    let pages = settled.endpoints.iter().map(|endpoint| plain(endpoint)).collect::<Vec<_>>().join(", ");
    let when = || span(settled.from_ms, settled.to_ms, zone);
    let of = match kind {
        Settling::Rights => String::new(),
        Settling::EndpointSql => pages,
        Settling::SnapshotThen | Settling::PhysicalCopy if settled.from_ms != 0 => {
            written(settled.from_ms, zone, "%Y-%m-%d %H:%M %Z")
        }
        _ if settled.from_ms != 0 => when(),
        _ => String::new(),
    };
    match (of.is_empty(), language) {
        (true, _) => label.to_owned(),
        (false, Language::Ja) => format!("{label}（{of}）"),
        (false, _) => format!("{label} ({of})"),
    }
}
