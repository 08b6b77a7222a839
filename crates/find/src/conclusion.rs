//! What all exposures of one row come to: the strongest verdict of each cell wins, and says by which basis.

use std::collections::HashMap;

use kintsugi_case::{BasisId, BasisSummary, ColumnSet, Exposure, Verdict};

use crate::{Error, FindDb, Result};

/// The cells of one row that one basis decides with one verdict. No cell is in two conclusions of its row.
#[derive(Debug)]
pub(crate) struct Conclusion<'a> {
    pub(crate) columns: ColumnSet,
    /// The earliest exposure behind it (by basis, then evidence line).
    pub(crate) first: &'a Exposure,
}

/// The verdict wins by strength, then the basis with the lower number, then the earlier line. Excluded cells come last.
pub(crate) fn conclude(exposures: &[Exposure]) -> Vec<Conclusion<'_>> {
    let mut found: Vec<Conclusion<'_>> = Vec::new();
    let mut decided = ColumnSet::default();
    for verdict in Verdict::ALL {
        let (mut before, mut basis) = (decided, BasisId(0));
        for exposure in exposures.iter().filter(|exposure| exposure.verdict == verdict) {
            // One basis may reach a row by several lines (a statement a column, a retry): one conclusion for all.
            if exposure.basis != basis {
                (before, basis) = (decided, exposure.basis);
            }
            let fresh = exposure.columns.without(before);
            if fresh.is_empty() {
                continue;
            }
            decided = ColumnSet(decided.0 | fresh.0);
            match found.last_mut() {
                Some(last) if last.first.basis == basis && last.first.verdict == verdict => last.columns.0 |= fresh.0,
                _ => found.push(Conclusion { columns: fresh, first: exposure }),
            }
        }
    }
    found
}

impl FindDb {
    /// Calls `each` with all exposures of one row, row after row in order of table and row.
    pub(crate) fn exposed_rows<E: From<Error>>(&self, mut each: impl FnMut(&[Exposure]) -> Result<(), E>) -> Result<(), E> {
        let mut of_row: Vec<Exposure> = Vec::new();
        self.exposures(|exposure| {
            if of_row.first().is_some_and(|first| (first.table, first.row) != (exposure.table, exposure.row)) {
                each(&of_row)?;
                of_row.clear();
            }
            of_row.push(exposure);
            Ok::<(), E>(())
        })?;
        if of_row.is_empty() { Ok(()) } else { each(&of_row) }
    }

    /// The bases by number.
    pub(crate) fn bases_by_id(&self) -> Result<HashMap<BasisId, BasisSummary>> {
        Ok(self.bases()?.into_iter().map(|basis| (basis.id, basis)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::conclude;
    use kintsugi_case::{BasisId, ColumnSet, EvidenceId, EvidenceLine, Exposure, Verdict};

    fn exposure(basis: u32, line: u64, verdict: Verdict, columns: &[usize]) -> Exposure {
        Exposure {
            table: 1,
            row: 1,
            columns: columns.iter().copied().collect(),
            verdict,
            basis: BasisId(basis),
            line: EvidenceLine { evidence: EvidenceId(1), line },
            at_ms: 0,
            observed_bytes: 0,
            predicted_bytes: 0,
            literals: String::new(),
        }
    }

    /// `basis:line verdict columns` of every conclusion.
    fn check(exposures: &[Exposure], expected: &[&str]) {
        let shown = conclude(exposures).into_iter().map(|c| {
            let columns: Vec<String> = c.columns.iter().map(|at| at.to_string()).collect();
            format!("{}:{} {} {}", c.first.basis.0, c.first.line.line, c.first.verdict.name(), columns.join(","))
        });
        assert_eq!(shown.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_strongest_verdict_wins_a_cell_and_only_the_rest_stays_with_the_weaker() {
        let (proved, possible, excluded) = (Verdict::Proved, Verdict::Possible, Verdict::Excluded);
        check(&[exposure(1, 5, possible, &[0, 1, 2]), exposure(2, 9, proved, &[1])], &["2:9 proved 1", "1:5 possible 0,2"]);
        check(&[exposure(1, 5, excluded, &[0, 1]), exposure(1, 9, proved, &[0, 1])], &["1:9 proved 0,1"]);
        check(&[exposure(1, 5, excluded, &[0, 1])], &["1:5 excluded 0,1"]);
    }

    #[test]
    fn several_lines_of_one_basis_are_one_conclusion_and_a_second_basis_adds_only_what_is_new() {
        let proved = Verdict::Proved;
        let all = [exposure(1, 5, proved, &[0]), exposure(1, 6, proved, &[1]), exposure(2, 1, proved, &[0, 1, 2])];
        check(&all, &["1:5 proved 0,1", "2:1 proved 2"]);
    }

    #[test]
    fn the_sixty_fourth_column_counts() {
        let all = [exposure(1, 5, Verdict::Proved, &[63])];
        assert_eq!(conclude(&all)[0].columns, ColumnSet(1 << 63));
    }
}
