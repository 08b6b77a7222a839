//! Snapshots of sources: tables and rows, whatever they were written as. One file per format below.
//!
//! A table is read from `TABLE.csv` or `TABLE.parquet` where there is such a file, else from a SQL dump, else from a SQLite
//! file. A dump beside files for every table of the case file is not opened: it holds the same rows a second time.

mod csv;
pub(crate) mod found;
mod parquet;
mod row;
mod sql;
mod sqlite;
mod text;

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use kintsugi_case::SourceSpec;
use kintsugi_vault::Keys;
use serde::{Deserialize, Serialize};

use crate::collect::manifest_name;
use crate::open::EvidenceFile;
use crate::{CustodyEntry, Error, Result, custody};
pub use found::{FoundList, FoundRecord, FoundReport, read_found};
use row::Sink;

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
#[derive(Debug)]
pub struct SnapshotReader {
    spec: SourceSpec,
    metas: Vec<TableMeta>,
    /// Beside `metas`: where each is read from.
    files: Vec<(Kind, EvidenceFile)>,
    notes: Vec<String>,
    /// Table, file that is read, file of its own that is not.
    duplicates: Vec<(String, String, String)>,
    /// Dumps that are not read, as every table has a file of its own: they show the order of the rows.
    dumps: Vec<EvidenceFile>,
}

/// What a file of a snapshot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Csv,
    Parquet,
    Sql,
    Sqlite,
    Other,
}

impl Kind {
    /// By the name without the ending of a packing; a lone file of another name is a dump.
    fn of(path: &Path, alone: bool) -> Self {
        let name = unpacked_name(path);
        match name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).as_deref() {
            Some("csv") => Self::Csv,
            Some("parquet") => Self::Parquet,
            Some("sql" | "dump") => Self::Sql,
            Some("db" | "sqlite" | "sqlite3") => Self::Sqlite,
            _ if alone => Self::Sql,
            _ => Self::Other,
        }
    }

    /// The name in the custody manifest.
    const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Sql => "sql",
            Self::Sqlite => "sqlite",
            Self::Other => "not read: no table, dump or database by its name",
        }
    }

    /// Whether the file is one table, named by the file.
    const fn is_table(self) -> bool {
        matches!(self, Self::Csv | Self::Parquet)
    }
}

/// The file's name without `.gz` or `.zst`.
fn unpacked_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let packing = [".gz", ".zst"].into_iter().find_map(|ending| name.strip_suffix(ending));
    packing.map_or(name.clone(), str::to_owned)
}

fn table_name(path: &Path) -> String {
    let name = unpacked_name(path);
    name.rsplit_once('.').map_or(name.clone(), |(table, _)| table.to_owned())
}

/// The files of a source's snapshot: the file named, or all files of the folder named, sorted; none while there is no
/// snapshot.
pub(crate) fn files(case_dir: &Path, source: &SourceSpec) -> Result<Vec<PathBuf>> {
    let Some(snapshot) = &source.snapshot else { return Ok(Vec::new()) };
    let path = case_dir.join(snapshot);
    if snapshot.contains("://") {
        return Err(Error::Snapshot {
            path: snapshot.clone().into(),
            reason: "databases over the network are not read in this version".into(),
        });
    }
    if path.is_file() {
        return Ok(vec![path]);
    }
    let mut files = files_in(&path).map_err(|_| Error::NoFile { pattern: snapshot.clone() })?;
    files.sort();
    if files.is_empty() { Err(Error::NoFile { pattern: snapshot.clone() }) } else { Ok(files) }
}

fn files_in(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let hidden = |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    Ok(paths.into_iter().filter(|path| path.is_file() && !hidden(path)).collect())
}

/// The format as it goes into the custody manifest.
pub(crate) fn format_of(path: &Path) -> String {
    Kind::of(path, false).name().to_owned()
}

impl SnapshotReader {
    /// Finds the tables of a source's snapshot: `TABLE.csv` and `TABLE.parquet` files first, then SQL dumps for the tables
    /// that have no file of their own, then SQLite files. Everything that is read must be in custody.
    pub fn open(case_dir: &Path, source: &SourceSpec, keys: &Keys) -> Result<Self> {
        let entries = custody(case_dir, keys)?;
        let taken: BTreeMap<&str, &CustodyEntry> = entries.iter().map(|entry| (entry.path.as_str(), entry)).collect();
        Self::find(case_dir, source, &|path| {
            let name = manifest_name(case_dir, path);
            let entry = taken.get(name.as_str()).ok_or_else(|| Error::NotCollected { path: name.clone().into() })?;
            EvidenceFile::in_custody(case_dir, entry, keys)
        })
    }

    /// The same before anything is in custody: for `check`.
    pub(crate) fn look(case_dir: &Path, source: &SourceSpec) -> Result<Self> {
        Self::find(case_dir, source, &|path| Ok(EvidenceFile::unchecked(path.into(), manifest_name(case_dir, path))))
    }

    fn find(case_dir: &Path, source: &SourceSpec, open: &dyn Fn(&Path) -> Result<EvidenceFile>) -> Result<Self> {
        let paths = files(case_dir, source)?;
        let alone = paths.len() == 1;
        let mut found = Self {
            spec: source.clone(),
            metas: Vec::new(),
            files: Vec::new(),
            notes: Vec::new(),
            duplicates: Vec::new(),
            dumps: Vec::new(),
        };
        let kinds: Vec<(Kind, &PathBuf)> = paths.iter().map(|path| (Kind::of(path, alone), path)).collect();
        for wanted in [Kind::Csv, Kind::Parquet, Kind::Sql, Kind::Sqlite, Kind::Other] {
            for &(kind, path) in kinds.iter().filter(|(kind, _)| *kind == wanted) {
                found.file(kind, path, open)?;
            }
        }
        found.sort();
        Ok(found)
    }

    fn file(&mut self, kind: Kind, path: &Path, open: &dyn Fn(&Path) -> Result<EvidenceFile>) -> Result<()> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if kind == Kind::Other {
            self.notes.push(format!("{name} is {}", Kind::Other.name()));
            return Ok(());
        }
        if !kind.is_table() && self.is_complete() {
            self.notes.push(format!("{name} is not read: every table has a file of its own"));
            if kind == Kind::Sql {
                self.dumps.extend(open(path).ok());
            }
            return Ok(());
        }
        let file = open(path)?;
        for (table, columns) in self.tables_of(kind, path, &file)? {
            if let Some(meta) = self.metas.iter().find(|meta| meta.name == table) {
                if kind.is_table() {
                    self.duplicates.push((table.clone(), meta.file.clone(), file.name.clone()));
                }
                self.notes.push(format!("table {table} is not read from {name}: another file has it"));
                continue;
            }
            self.metas.push(TableMeta { name: table, columns, file: file.name.clone() });
            self.files.push((kind, file.clone()));
        }
        Ok(())
    }

    /// Whether every table of the case file is there, so that a dump or database has nothing to add.
    fn is_complete(&self) -> bool {
        let has = |name: &String| self.metas.iter().any(|meta| meta.name == *name);
        self.files.iter().any(|(kind, _)| kind.is_table()) && self.spec.tables.keys().all(has)
    }

    /// Name and columns of the tables in a file.
    fn tables_of(&self, kind: Kind, path: &Path, file: &EvidenceFile) -> Result<Vec<(String, Vec<String>)>> {
        match kind {
            Kind::Csv => Ok(vec![(table_name(path), csv::columns(file, &self.spec.csv)?)]),
            Kind::Parquet => Ok(vec![(table_name(path), parquet::columns(file)?)]),
            Kind::Sql => sql::tables(file, self.spec.dbms, self.spec.csv.encoding),
            Kind::Sqlite => sqlite::tables(file),
            Kind::Other => Ok(Vec::new()),
        }
    }

    fn sort(&mut self) {
        let mut both: Vec<_> = std::mem::take(&mut self.metas).into_iter().zip(std::mem::take(&mut self.files)).collect();
        both.sort_by(|a, b| a.0.name.cmp(&b.0.name));
        (self.metas, self.files) = both.into_iter().unzip();
    }

    /// The tables, by name.
    pub fn tables(&self) -> &[TableMeta] {
        &self.metas
    }

    /// What of the snapshot is not read, and why, for people.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Tables with two files of their own: (table, the file that is read, the other).
    pub(crate) fn duplicates(&self) -> &[(String, String, String)] {
        &self.duplicates
    }

    /// Hands the rows of a table over in file order, one value a column, `None` for NULL, until `each` breaks.
    /// What `each` got counts only if the result is `Ok`: a changed file is noticed at its end.
    pub fn read_table(&self, name: &str, each: &mut dyn FnMut(&[Option<&str>]) -> ControlFlow<()>) -> Result<TableReport> {
        let missing = || Error::NoTable { source_name: self.spec.name.clone(), table: name.to_owned() };
        let at = self.metas.iter().position(|meta| meta.name == name).ok_or_else(missing)?;
        let (meta, (kind, file)) = (&self.metas[at], &self.files[at]);
        let mut sink = Sink::new(&meta.file, meta.columns.len(), each);
        match kind {
            Kind::Csv => csv::read(file, &self.spec.csv, &mut sink)?,
            Kind::Parquet => parquet::read(file, &mut sink)?,
            Kind::Sql => sql::read(file, self.spec.dbms, self.spec.csv.encoding, meta, &mut sink)?,
            Kind::Sqlite => sqlite::read(file, meta, &mut sink)?,
            Kind::Other => {}
        }
        Ok(sink.report)
    }

    /// Hands the named columns of a table's rows over in the order of a SQL dump that lies beside the tables' own files, which
    /// may be sorted; `false` where there is none. A heap has its rows in the order of the dump.
    pub fn read_dumped(&self, name: &str, columns: &[&str], each: &mut dyn FnMut(&[Option<&str>])) -> Result<bool> {
        for file in &self.dumps {
            let tables = sql::tables(file, self.spec.dbms, self.spec.csv.encoding)?;
            let Some((_, found)) = tables.into_iter().find(|(table, _)| table == name) else { continue };
            let places: Option<Vec<usize>> =
                columns.iter().map(|column| found.iter().position(|known| known.eq_ignore_ascii_case(column))).collect();
            let Some(places) = places else { continue };
            let meta = TableMeta { name: name.to_owned(), columns: found, file: file.name.clone() };
            let mut picked = |row: &[Option<&str>]| {
                let values: Vec<Option<&str>> = places.iter().map(|&at| row.get(at).copied().flatten()).collect();
                each(&values);
                ControlFlow::Continue(())
            };
            let mut sink = Sink::new(&meta.file, meta.columns.len(), &mut picked);
            sql::read(file, self.spec.dbms, self.spec.csv.encoding, &meta, &mut sink)?;
            return Ok(true);
        }
        Ok(false)
    }
}
