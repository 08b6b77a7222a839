//! A SQLite database file, read in place and untouched (`immutable`: no lock, no journal); packed or encrypted ones in
//! memory, up to a bound, for nothing of them may touch the disk in the clear.

use std::path::PathBuf;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, MAIN_DB, OpenFlags};

use super::TableMeta;
use super::parquet::{packing, unpacked};
use super::row::{Row, Sink};
use crate::open::{Compression, EvidenceFile};
use crate::{Error, Result};

/// Bytes of a packed database, unpacked. A larger one can be unpacked first.
const UNPACKED_BYTES_MAX: u64 = 1 << 30;

/// Name and columns of the tables.
pub(super) fn tables(file: &EvidenceFile) -> Result<Vec<(String, Vec<String>)>> {
    let database = open(file)?;
    find_tables(&database).map_err(|error| broken(file, &error))
}

fn find_tables(database: &Connection) -> rusqlite::Result<Vec<(String, Vec<String>)>> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
    let mut statement = database.prepare(sql)?;
    let names = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    names.into_iter().map(|name| Ok((columns(database, &name)?, name))).map(|both| both.map(|(c, n)| (n, c))).collect()
}

fn columns(database: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let statement = database.prepare(&select(table))?;
    Ok(statement.column_names().into_iter().map(str::to_owned).collect())
}

fn select(table: &str) -> String {
    format!("SELECT * FROM \"{}\"", table.replace('"', "\"\""))
}

/// Hands every row of one table over, in the order of the file (by rowid, or by key where there is none).
pub(super) fn read(file: &EvidenceFile, meta: &TableMeta, sink: &mut Sink<'_>) -> Result<()> {
    let database = open(file)?;
    let mut read = 0;
    rows(&database, meta, &mut read, sink).unwrap_or_else(|error| sink.truncated(read, error));
    Ok(())
}

fn rows(database: &Connection, meta: &TableMeta, read: &mut u64, sink: &mut Sink<'_>) -> rusqlite::Result<()> {
    let mut statement = database.prepare(&select(&meta.name))?;
    let mut rows = statement.query([])?;
    let mut row = Row::default();
    while let Some(found) = rows.next()? {
        row.clear();
        *read += 1;
        (0..meta.columns.len()).try_for_each(|at| found.get_ref(at).map(|value| put(value, &mut row)))?;
        if sink.row(&row, *read, None).is_break() {
            break;
        }
    }
    Ok(())
}

fn put(value: ValueRef<'_>, row: &mut Row) {
    match value {
        ValueRef::Null => return row.end_null(),
        ValueRef::Integer(number) => row.extend(number.to_string().as_bytes()),
        // `{:?}` writes 1 as 1.0, like SQLite.
        ValueRef::Real(number) => row.extend(format!("{number:?}").as_bytes()),
        ValueRef::Text(text) => row.extend(text),
        ValueRef::Blob(bytes) if std::str::from_utf8(bytes).is_ok() => row.extend(bytes),
        ValueRef::Blob(bytes) => row.extend(format!("0x{}", data_encoding::HEXUPPER.encode(bytes)).as_bytes()),
    }
    row.end_value();
}

fn open(file: &EvidenceFile) -> Result<Connection> {
    if file.is_plain_file() && packing(file)? == Compression::None {
        file.verify()?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        return Connection::open_with_flags(uri(&file.path.to_string_lossy()), flags).map_err(|error| broken(file, &error));
    }
    in_memory(unpacked(file, UNPACKED_BYTES_MAX)?).map_err(|error| broken(file, &error))
}

fn in_memory(mut bytes: Vec<u8>) -> rusqlite::Result<Connection> {
    // In write-ahead mode (SQLite file format, 1.3.3) a database wants shared memory beside its file; here it has neither.
    if let Some([write @ 2, read @ 2]) = bytes.get_mut(18..20) {
        (*write, *read) = (1, 1);
    }
    let mut database = Connection::open_in_memory()?;
    database.deserialize_read_exact(MAIN_DB, bytes.as_slice(), bytes.len(), true)?;
    Ok(database)
}

fn uri(path: &str) -> String {
    let escaped = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{escaped}?immutable=1")
}

fn broken(file: &EvidenceFile, error: &rusqlite::Error) -> Error {
    Error::Snapshot { path: PathBuf::from(&file.name), reason: error.to_string() }
}
