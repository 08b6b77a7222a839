//! What can fail in `find.db`. No variant carries a value of a record.

use std::path::PathBuf;

/// What this crate's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An operation on `find.db` that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An old file could not be cleared away.
    #[error("cannot clear {path}")]
    Clear {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file could not be made or opened.
    #[error("cannot open {path}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// The file was made by another version of the program.
    #[error("{path} has layout {found}, this program reads layout {expected}: run `kintsugi collect` again")]
    Layout {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: i64,
        /// What was expected.
        expected: i64,
    },
    /// A snapshot table could not be written.
    #[error("cannot load table {source_name}.{table}")]
    Load {
        /// The source's name.
        source_name: String,
        /// The table.
        table: String,
        /// Why.
        source: rusqlite::Error,
    },
    /// A key column is not among the columns.
    #[error("table {table} has no column {column}, which its key names")]
    KeyColumn {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// A card number could not be put into the vault.
    #[error("cannot put a card number of table {table} into the vault")]
    Vault {
        /// The table.
        table: String,
        /// Why.
        source: kintsugi_vault::Error,
    },
    /// Something could not be written.
    #[error("cannot write {what}")]
    Write {
        /// What.
        what: &'static str,
        /// Why.
        source: rusqlite::Error,
    },
    /// Something could not be read.
    #[error("cannot read {what}")]
    Read {
        /// What.
        what: &'static str,
        /// Why.
        source: rusqlite::Error,
    },
    /// An exposure names a table that is not there.
    #[error("there is no table number {0}")]
    NoTable(u32),
    /// An exposure names a row that is not there.
    #[error("table {table} has no row {row}")]
    NoRow {
        /// The table.
        table: String,
        /// The row.
        row: u64,
    },
    /// An exposure names a basis that was never put down.
    #[error("there is no basis number {0}")]
    NoBasis(u32),
    /// Stored words that this program does not know.
    #[error("{what} holds an unknown word")]
    Word {
        /// Where.
        what: &'static str,
    },
}

impl Error {
    pub(crate) fn read(what: &'static str) -> impl Fn(rusqlite::Error) -> Self {
        move |source| Self::Read { what, source }
    }

    pub(crate) fn write(what: &'static str) -> impl Fn(rusqlite::Error) -> Self {
        move |source| Self::Write { what, source }
    }
}

/// Whether a cause is that something could not be written for want of room: the disk or the user's share of it is full, or
/// the file may not grow.
pub fn is_want_of_room(cause: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    if let Some(rusqlite::Error::SqliteFailure(error, _)) = cause.downcast_ref() {
        return WANT_OF_ROOM.contains(&error.extended_code);
    }
    let io = cause.downcast_ref::<std::io::Error>();
    io.is_some_and(|error| matches!(error.kind(), FileTooLarge | QuotaExceeded | StorageFull))
}

/// SQLite says these when the system takes no more bytes: `SQLITE_FULL`, and `SQLITE_IOERR_` with `WRITE`, `FSYNC`,
/// `TRUNCATE` and `SHMSIZE` (<https://sqlite.org/rescode.html>).
const WANT_OF_ROOM: [i32; 5] = [13, 778, 1034, 1546, 4874];
