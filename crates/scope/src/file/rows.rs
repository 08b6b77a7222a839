//! Which row a record of a found file is: by its key, or by the values that agree.

use kintsugi_evidence::SnapshotReader;
use kintsugi_find::Table;

use super::sample::{Mapping, each_row};
use super::values::digest;
use crate::Result;

/// Columns by which rows are looked up.
const IDENTIFIERS_MAX: usize = 3;
/// Rows with one value that are looked at.
const CANDIDATES_MAX: usize = 64;

/// The rows of a table, by the columns that a list has. Four bytes a value and twelve an identifier: ten million rows of
/// seven columns take 640 MB.
pub(super) struct Rows {
    width: usize,
    /// Digests of the mapped columns, row after row; row numbers count from 1.
    cells: Vec<u32>,
    /// By identifier (its place among the mapping's pairs): digest and row, sorted.
    indexes: Vec<(usize, Vec<(u64, u32)>)>,
}

/// What a record came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Match {
    /// The rows that fit equally well.
    pub(super) rows: Vec<u64>,
    /// Beside the mapping's pairs: how the record's value stands to the row's.
    pub(super) cells: Vec<Cell>,
}

/// How a value of the file stands to the row's value of today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// The same, or both are empty.
    Same,
    /// The file has another one.
    Other,
    /// The file has none, or none that can be read.
    Absent,
}

impl Rows {
    pub(super) fn read(
        mapping: &Mapping,
        reader: &SnapshotReader,
        table: &Table,
        legacy: Option<&'static encoding_rs::Encoding>,
    ) -> Result<Self> {
        let width = mapping.pairs.len();
        let identifiers = identifiers(mapping, table);
        let (mut cells, mut indexes) = (Vec::new(), identifiers.iter().map(|&at| (at, Vec::new())).collect::<Vec<_>>());
        each_row(reader, table, &mut |row, values| {
            cells.resize(row as usize * width, 0);
            let start = (row as usize - 1) * width;
            for (at, pair) in mapping.pairs.iter().enumerate() {
                cells[start + at] = short(digest(values[pair.to], legacy));
            }
            for (at, index) in &mut indexes {
                let digest = digest(values[mapping.pairs[*at].to], legacy);
                if digest != 0 {
                    index.push((digest, row as u32));
                }
            }
        })?;
        indexes.iter_mut().for_each(|(_, index)| index.sort_unstable());
        Ok(Self { width, cells, indexes })
    }

    /// The row or rows of a record, where its values say so.
    pub(super) fn find(
        &self,
        mapping: &Mapping,
        values: &[Option<String>],
        legacy: Option<&'static encoding_rs::Encoding>,
    ) -> Option<Match> {
        let value = |at: usize| values.get(mapping.pairs[at].from).and_then(Option::as_deref);
        let digests: Vec<u64> = (0..self.width).map(|at| digest(value(at), legacy)).collect();
        let mut candidates: Vec<u32> = Vec::new();
        for (at, index) in &self.indexes {
            let wanted = digests[*at];
            let start = index.partition_point(|(digest, _)| *digest < wanted);
            let same = index[start..].iter().take_while(|(digest, _)| *digest == wanted).take(CANDIDATES_MAX + 1);
            let rows: Vec<u32> = same.map(|(_, row)| *row).collect();
            if wanted != 0 && rows.len() <= CANDIDATES_MAX {
                candidates.extend(rows);
            }
        }
        candidates.sort_unstable();
        candidates.dedup();
        let agreeing = |row: u32| {
            self.row(row).iter().zip(&digests).filter(|(ours, theirs)| **ours == short(**theirs) && **theirs != 0).count()
        };
        let most = candidates.iter().map(|&row| agreeing(row)).max()?;
        let filled = digests.iter().filter(|&&digest| digest != 0).count();
        // One value of many may be a coincidence.
        if most < filled.min(2) || most * 2 < filled {
            return None;
        }
        let rows: Vec<u32> = candidates.into_iter().filter(|&row| agreeing(row) == most).collect();
        let first = self.row(*rows.first()?);
        let cell = |at: usize| match (digests[at], first[at]) {
            (0, _) if value(at).is_some_and(|value| !value.trim().is_empty()) => Cell::Absent,
            (0, 0) => Cell::Same,
            (0, _) => Cell::Absent,
            (theirs, ours) if short(theirs) == ours => Cell::Same,
            _ => Cell::Other,
        };
        let cells = (0..self.width).map(cell).collect();
        Some(Match { rows: rows.into_iter().map(u64::from).collect(), cells })
    }

    fn row(&self, row: u32) -> &[u32] {
        let start = (row as usize - 1) * self.width;
        self.cells.get(start..start + self.width).unwrap_or_default()
    }
}

/// 0 stays 0.
const fn short(digest: u64) -> u32 {
    if digest == 0 { 0 } else { (digest >> 32) as u32 | 1 }
}

/// The key, where the list has it, and the columns with the most different values.
fn identifiers(mapping: &Mapping, table: &Table) -> Vec<usize> {
    let mut places: Vec<usize> = (0..mapping.pairs.len()).collect();
    places.sort_by_key(|&at| {
        let pair = mapping.pairs[at];
        (table.key != [pair.to], std::cmp::Reverse(pair.distinct), at)
    });
    places.truncate(IDENTIFIERS_MAX);
    places
}
