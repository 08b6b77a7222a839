//! Snapshots of sources: tables and rows, whatever they were written as. One file per format below.

use std::ops::ControlFlow;
use std::path::Path;

use kintsugi_case::SourceSpec;
use kintsugi_vault::Keys;
use serde::{Deserialize, Serialize};

use crate::Result;

/// A table of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableMeta {
    /// Its name; a schema other than `public` stands in front with a dot.
    pub name: String,
    /// Its columns, in their order.
    pub columns: Vec<String>,
    /// The file that it is read from, as in the custody manifest.
    pub file: String,
}

/// A row that could not be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadRow {
    /// The file, as in the custody manifest.
    pub file: String,
    /// The line in the uncompressed file, from 1; the row's number where the format has no lines.
    pub line: u64,
    /// Why. Never with values of the row.
    pub reason: String,
}

/// What was read of a table, and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableReport {
    /// Rows handed over.
    pub rows: u64,
    /// The first rows that could not be used.
    pub kept_aside: Vec<BadRow>,
    /// How many could not.
    pub kept_aside_count: u64,
    /// Where and why reading stopped before the end, as in a cut gzip file.
    pub truncated: Option<String>,
}

/// The tables of a source as they stood.
pub struct SnapshotReader {}

impl SnapshotReader {
    /// Finds the tables of a source's snapshot: `TABLE.csv` and `TABLE.parquet` files first, then SQL dumps for the tables
    /// that have no file of their own, then SQLite files. Everything in it must be in custody.
    pub fn open(case_dir: &Path, source: &SourceSpec, keys: &Keys) -> Result<Self> {
        let _ = (case_dir, source, keys);
        todo!()
    }

    /// The tables, by name.
    pub fn tables(&self) -> &[TableMeta] {
        todo!()
    }

    /// What of the snapshot is not read, and why, for people.
    pub fn notes(&self) -> &[String] {
        todo!()
    }

    /// Hands the rows of a table over in file order, one value a column, `None` for NULL, until `each` breaks.
    /// What `each` got counts only if the result is `Ok`: a changed file is noticed at its end.
    pub fn read_table(&self, name: &str, each: &mut dyn FnMut(&[Option<&str>]) -> ControlFlow<()>) -> Result<TableReport> {
        let _ = (name, each);
        todo!()
    }
}
