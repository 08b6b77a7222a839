//! Cells for export: one line per cell, the strongest verdict with the basis that gives it.

use kintsugi_case::{BasisSummary, CellId, ColumnSet, EvidenceLine, Exposure, Verdict};

use crate::conclusion::{Conclusion, conclude};
use crate::{Error, FindDb, Result};

/// A cell with the conclusion about it.
#[derive(Clone, Debug)]
pub struct ExportedCell<'a> {
    /// The cell.
    pub cell: &'a CellId,
    /// The strongest verdict.
    pub verdict: Verdict,
    /// The basis that gives it (the lowest number of several).
    pub basis: &'a BasisSummary,
    /// When the cell was first taken with this verdict, milliseconds since 1970 UTC; 0 where unknown.
    pub first_at_ms: i64,
    /// When last.
    pub last_at_ms: i64,
    /// The first evidence line of the basis.
    pub line: EvidenceLine,
}

impl FindDb {
    /// Calls `each` once per cell, by table, row and column.
    pub fn export_exposures<E: From<Error>>(&self, mut each: impl FnMut(ExportedCell<'_>) -> Result<(), E>) -> Result<(), E> {
        let bases = self.bases_by_id()?;
        self.exposed_rows(|exposures| {
            let (table, row) = (self.table(exposures[0].table)?, exposures[0].row);
            let conclusions = conclude(exposures);
            let mut cell = CellId {
                source: table.source.clone(),
                table: table.name.clone(),
                key: self.key_text(table.id, row)?,
                column: String::new(),
            };
            for (at, column) in table.columns.iter().enumerate().take(64) {
                let Some(Conclusion { first, .. }) = conclusions.iter().find(|conclusion| conclusion.columns.has(at)) else {
                    continue;
                };
                column.name.clone_into(&mut cell.column);
                let basis = bases.get(&first.basis).ok_or(Error::NoBasis(first.basis.0))?;
                let behind = behind(exposures, at, first);
                let (first_at_ms, last_at_ms) = span(behind.clone());
                let line = behind.clone().next().map_or(first.line, |exposure| exposure.line);
                each(ExportedCell { cell: &cell, verdict: first.verdict, basis, first_at_ms, last_at_ms, line })?;
            }
            Ok(())
        })
    }
}

/// The exposures that give a cell its verdict, those of the deciding basis first.
fn behind<'a>(exposures: &'a [Exposure], column: usize, first: &'a Exposure) -> impl Iterator<Item = &'a Exposure> + Clone {
    let same = move |exposure: &&Exposure| exposure.verdict == first.verdict && exposure.columns.has(column);
    let deciding = move |exposure: &&Exposure| exposure.basis == first.basis;
    let of_basis = exposures.iter().filter(same).filter(deciding);
    of_basis.chain(exposures.iter().filter(same).filter(move |exposure| !deciding(exposure)))
}

/// First and last moment; moments that are not known (0) do not count.
fn span<'a>(exposures: impl Iterator<Item = &'a Exposure>) -> (i64, i64) {
    let known = exposures.map(|exposure| exposure.at_ms).filter(|&at| at != 0);
    known.fold((0, 0), |(first, last), at| (if first == 0 { at } else { first.min(at) }, last.max(at)))
}

/// The names of the columns in a set, comma-separated, as the source has them.
pub(crate) fn column_names(table: &crate::Table, columns: ColumnSet) -> String {
    let names = columns.iter().filter_map(|at| table.columns.get(at)).map(|column| column.name.as_str());
    names.collect::<Vec<_>>().join(",")
}
