//! All that was written between the first statement of the query logs and the dump, table by table, ready to be undone.

use std::collections::{BTreeMap, HashMap, HashSet};

use kintsugi_case::EvidenceLine;

use super::Unclear;
use super::parse::Change;
use super::session::Write;
use super::table::{DELETED_MAX, Rows, Step, Undo, combinations, emptying, reflected};
use crate::catalog::Catalog;
use crate::data::Data;
use crate::error::Result;

/// When a statement ran, by the database's clock: not before the one, not after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
    /// Where the query log has it: of writes in the same second, those above were before it.
    pub(crate) line: Option<EvidenceLine>,
}

/// How far a request and its statement may be apart beside the request's duration and the clocks' difference, milliseconds:
/// web logs know only the second.
const SLACK_MS: i64 = 2_000;

impl Moment {
    /// A time by the database's clock that the query log tells.
    pub(crate) const fn exactly(at_ms: i64, line: EvidenceLine) -> Self {
        Self { from_ms: at_ms, to_ms: at_ms, line: Some(line) }
    }

    /// About the time of a request or of several.
    pub(crate) const fn about(first_ms: i64, last_ms: i64) -> Self {
        Self { from_ms: first_ms - SLACK_MS, to_ms: last_ms + SLACK_MS, line: None }
    }
}

impl Step {
    /// Whether the write came before the statement; the other side says what counts where that is open.
    pub(super) fn is_before(&self, moment: &Moment, otherwise: bool) -> bool {
        match moment.line {
            Some(line) if line.evidence == self.line.evidence => (self.at_ms, self.line) < (moment.from_ms, line),
            // Another log of the same time: it may know no more than the second.
            Some(_) if otherwise => self.at_ms <= moment.to_ms,
            Some(_) => self.at_ms < moment.from_ms,
            None if otherwise => self.at_ms <= moment.to_ms,
            None => self.at_ms <= moment.from_ms,
        }
    }
}

/// The writes to one table.
#[derive(Default)]
pub(super) struct TableHistory {
    pub(super) steps: Vec<Step>,
    /// The last change that could not be undone: when, and why.
    pub(super) unclear: Option<(i64, Unclear)>,
}

/// The writes to the tables of a source.
#[derive(Default)]
pub(crate) struct History {
    pub(super) tables: BTreeMap<usize, TableHistory>,
}

impl History {
    /// Undoes these writes, which are in order of time, as far as the snapshot holds them.
    pub(crate) fn of(writes: Vec<Write>, catalog: &Catalog, data: &Data) -> Result<Self> {
        let mut by_table: BTreeMap<usize, Vec<Write>> = BTreeMap::new();
        for write in writes {
            by_table.entry(write.table).or_default().push(write);
        }
        let mut found = Vec::new();
        for (table, mut writes) in by_table {
            let secrets: HashSet<usize> = catalog.secrets(table).collect();
            let of = catalog.table(table);
            let mut shared = HashMap::new();
            for columns in emptying(of, &writes) {
                let most = data.most_alike(of, &columns)?;
                shared.insert(columns, most);
            }
            writes.iter_mut().for_each(|write| give_up(write, &secrets, &shared));
            let mut rows = Rows::wanted(of, &secrets, &writes, shared);
            data.each_row(of, &mut |row, values| rows.take(row, values))?;
            found.push((table, secrets, rows, writes));
        }
        let seen =
            found.iter().flat_map(|(table, secrets, rows, writes)| reflected(catalog.table(*table), secrets, rows, writes));
        let dumped_ms = dumped_ms(seen.collect());
        let tables = found.into_iter().map(|(table, secrets, rows, mut writes)| {
            writes.retain(|write| write.at_ms <= dumped_ms);
            let unclear = writes.iter().rev().find_map(|write| match write.change {
                Change::Unclear(why) => Some((write.at_ms, why)),
                _ => None,
            });
            let steps = Undo::new(catalog.table(table), &secrets, &rows).all(&writes);
            (table, TableHistory { steps, unclear })
        });
        Ok(Self { tables: tables.collect() })
    }
}

/// Makes of a write that cannot be followed row by row one that cannot be undone. `shared`: how many rows hold one value of
/// these columns, at most.
fn give_up(write: &mut Write, secrets: &HashSet<usize>, shared: &HashMap<Vec<usize>, usize>) {
    let (Change::Update { condition, .. } | Change::Delete { condition }) = &write.change else { return };
    let why = match combinations(condition) {
        None => Some(Unclear::Rows),
        Some((columns, _)) if columns.iter().any(|column| secrets.contains(column)) => Some(Unclear::Secret),
        Some((columns, _)) if shared.get(&columns).is_some_and(|most| *most > DELETED_MAX) => Some(Unclear::Rows),
        Some(_) => None,
    };
    if let Some(why) = why {
        write.change = Change::Unclear(why);
    }
}

/// The last time whose writes the snapshot holds: where most writes before it show in the snapshot and most after it do not. A
/// write of a transaction that was never committed, or that found no row, does not move it.
fn dumped_ms(mut seen: Vec<(i64, bool)>) -> i64 {
    seen.sort_unstable();
    let after = seen.iter().filter(|(_, is)| *is).count();
    let (mut wrong, mut best, mut at) = (after, after, i64::MIN);
    for (index, (at_ms, is)) in seen.iter().enumerate() {
        wrong = if *is { wrong - 1 } else { wrong + 1 };
        if wrong <= best && seen.get(index + 1).is_none_or(|(next, _)| next > at_ms) {
            (best, at) = (wrong, *at_ms);
        }
    }
    // Nothing speaks against the last writes, nor for them: they are before the dump where the log simply ends there.
    if seen.last().is_none_or(|(last, _)| *last == at) { i64::MAX } else { at }
}

#[cfg(test)]
mod tests {
    use super::dumped_ms;

    #[test]
    fn the_dump_is_where_writes_stop_to_show() {
        let check = |seen: &[(i64, bool)], expected: i64| assert_eq!(dumped_ms(seen.to_vec()), expected);
        check(&[], i64::MAX);
        check(&[(1, true), (2, true)], i64::MAX);
        check(&[(1, true), (2, true), (3, false), (4, false)], 2);
        check(&[(1, true), (2, false), (3, true), (4, true)], i64::MAX);
        check(&[(1, false), (2, false)], i64::MIN);
    }
}
