//! The file itself: made, opened, and asked what tables it has.

use std::path::{Path, PathBuf};

use kintsugi_case::{FieldMeaning, PersonLink};
use rusqlite::{Connection, OpenFlags};

use crate::{Column, Error, Reference, Result, Table, layout};

/// Rows are written in bulk and read in their order: larger pages than SQLite's own 4 KiB are fewer reads and look-ups.
const PAGE_BYTES: u32 = 16 * 1024;

/// As much of the file as [`FindDb::mapped`] maps. It counts as the process's memory while it is read, and with ten million
/// records `freeze` must stay under 2 GiB in all.
const MAPPED_BYTES: i64 = 768 * 1024 * 1024;

/// `find.db` of one case folder.
#[derive(Debug)]
pub struct FindDb {
    pub(crate) connection: Connection,
    pub(crate) tables: Vec<Table>,
    path: PathBuf,
}

impl FindDb {
    /// Makes an empty file, in the place of any that was there: find.db is always made anew from the evidence.
    pub fn create(path: &Path) -> Result<Self> {
        for end in ["", "-wal", "-shm", "-journal"] {
            clear(&with_end(path, end))?;
        }
        let connection = Connection::open(path).map_err(opening(path))?;
        connection.pragma_update(None, "page_size", PAGE_BYTES).map_err(opening(path))?;
        settle(&connection, path).map_err(opening(path))?;
        // Until everything is loaded there is no other reader, and a torn file would be made anew anyway.
        connection.execute_batch("PRAGMA journal_mode = MEMORY;").map_err(opening(path))?;
        for part in [layout::SCHEMA, layout::EXPOSURE_INDEX, layout::PERSON_INDEX] {
            connection.execute_batch(part).map_err(opening(path))?;
        }
        connection.pragma_update(None, "user_version", layout::VERSION).map_err(opening(path))?;
        Ok(Self { connection, tables: Vec::new(), path: path.to_owned() })
    }

    /// Opens a file that a `collect` made.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_with(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
    }

    /// Opens it for reading alone; any number of readers may stand beside one writer.
    pub fn open_read_only(path: &Path) -> Result<Self> {
        Self::open_with(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    fn open_with(path: &Path, access: OpenFlags) -> Result<Self> {
        let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(opening(path))?;
        settle(&connection, path).map_err(opening(path))?;
        let found = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(opening(path))?;
        if found != layout::VERSION {
            return Err(Error::Layout { path: path.to_owned(), found, expected: layout::VERSION });
        }
        let tables = read_tables(&connection).map_err(Error::read("the list of tables"))?;
        Ok(Self { connection, tables, path: path.to_owned() })
    }

    /// Reads through a mapping of the file: for whoever looks up persons and records all over it. With a million persons the
    /// cache holds a quarter of the file, and copying pages into it would be a tenth of `freeze`.
    pub fn mapped(self) -> Result<Self> {
        self.connection.pragma_update(None, "mmap_size", MAPPED_BYTES).map_err(opening(&self.path))?;
        Ok(self)
    }

    /// Where the file lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every snapshot table, in the order of loading (which is the order of their numbers).
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// The table with this number.
    pub fn table(&self, id: u32) -> Result<&Table> {
        let place = (id as usize).checked_sub(1);
        place.and_then(|at| self.tables.get(at)).ok_or(Error::NoTable(id))
    }

    /// The table of a source by name: as written, else in another case.
    pub fn table_named(&self, source: &str, name: &str) -> Option<&Table> {
        let of_source = || self.tables.iter().filter(|table| table.source == source);
        of_source().find(|table| table.name == name).or_else(|| of_source().find(|t| t.name.eq_ignore_ascii_case(name)))
    }

    /// Lets readers stand beside the writer from here on (write-ahead log); a no-op where it is so already.
    pub(crate) fn share(&self) -> rusqlite::Result<()> {
        self.connection.execute_batch("PRAGMA journal_mode = WAL;")
    }
}

/// Settings of every connection. What is too large to sort in memory (an index of ten million records) is sorted in files
/// beside the database, without a name and gone when closed, so that no record leaves the case folder (rule 14).
/// The cache may grow to 256 MiB: with a million persons, look-ups by person and by record touch the file all over.
/// Sorting takes as much again.
/// `synchronous = OFF`: after a power cut the file is made anew.
fn settle(connection: &Connection, path: &Path) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(64);
    connection.busy_timeout(std::time::Duration::from_secs(30))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    connection.pragma_update(None, "temp_store_directory", folder.to_string_lossy().as_ref())?;
    connection.execute_batch("PRAGMA temp_store = FILE; PRAGMA synchronous = OFF; PRAGMA cache_size = -262144;")
}

fn opening(path: &Path) -> impl Fn(rusqlite::Error) -> Error {
    move |source| Error::Open { path: path.to_owned(), source }
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn clear(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(Error::Clear { path: path.to_owned(), source }),
        _ => Ok(()),
    }
}

fn read_tables(connection: &Connection) -> rusqlite::Result<Vec<Table>> {
    let mut select = connection.prepare(
        "SELECT id, source, name, key_columns, stored, duplicates, misshapen, person_table, person_column
         FROM snapshot_tables ORDER BY id",
    )?;
    let tables = select.query_map([], |row| {
        let id: u32 = row.get(0)?;
        let key: String = row.get(3)?;
        let link = row.get::<_, Option<String>>(7)?.zip(row.get::<_, Option<String>>(8)?);
        Ok(Table {
            id,
            source: row.get(1)?,
            name: row.get(2)?,
            columns: read_columns(connection, id)?,
            key: key.split(' ').filter_map(|place| place.parse().ok()).collect(),
            rows: row.get::<_, i64>(4)?.unsigned_abs(),
            duplicates: row.get::<_, i64>(5)?.unsigned_abs(),
            misshapen: row.get::<_, i64>(6)?.unsigned_abs(),
            person: link.map(|(table, column)| PersonLink { table, column }),
            references: read_references(connection, id)?,
        })
    })?;
    tables.collect()
}

fn read_columns(connection: &Connection, table: u32) -> rusqlite::Result<Vec<Column>> {
    let mut select = connection.prepare_cached("SELECT name, meaning FROM snapshot_columns WHERE tbl = ? ORDER BY place")?;
    let columns = select.query_map([table], |row| {
        let meaning: Option<String> = row.get(1)?;
        Ok(Column { name: row.get(0)?, meaning: meaning.as_deref().and_then(FieldMeaning::from_name) })
    })?;
    columns.collect()
}

fn read_references(connection: &Connection, table: u32) -> rusqlite::Result<Vec<Reference>> {
    let mut select = connection
        .prepare_cached("SELECT place, target_table, target_column FROM snapshot_references WHERE tbl = ? ORDER BY place")?;
    let references = select.query_map([table], |row| {
        Ok(Reference { column: row.get::<_, u32>(0)? as usize, target_table: row.get(1)?, target_column: row.get(2)? })
    })?;
    references.collect()
}
