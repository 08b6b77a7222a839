//! What can fail in the store. No variant carries personal data or a connection's password.

/// What the store's functions return.
pub type Result<T> = std::result::Result<T, Error>;

/// An operation of the store that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database could not be opened.
    #[error("cannot open the store ({place})")]
    Open {
        /// The file, or the server's address without the password.
        place: String,
        /// Why.
        source: sqlx::Error,
    },
    /// The folder of the SQLite file could not be made.
    #[error("cannot make the folder {path}")]
    Folder {
        /// The folder.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The tables could not be made or brought up to date.
    #[error("cannot bring the tables of the store up to date")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// A statement failed.
    #[error("the store cannot {operation}")]
    Statement {
        /// What was to be done.
        operation: &'static str,
        /// Why.
        source: sqlx::Error,
    },
    /// A stored value is not one that this program writes.
    #[error("the store holds a {what} that this version does not know")]
    Value {
        /// Which kind of value.
        what: &'static str,
    },
    /// Sealed data does not open: the vault belongs to another case.
    #[error("the store holds {what} that the vault of this case cannot open")]
    Unseal {
        /// Which kind of data.
        what: &'static str,
        /// Why.
        source: kintsugi_vault::Error,
    },
    /// A notice cannot go from where it stands to where it should go.
    #[error("notice {serial} stands at `{state}` and cannot become `{wanted}`")]
    Transition {
        /// The notice.
        serial: u64,
        /// Where it stands.
        state: &'static str,
        /// Where it should go.
        wanted: &'static str,
    },
    /// Somebody gave another postal address between composing a letter and entering it.
    #[error("the letter of notice {serial} goes to another address by now: make the letters again")]
    OtherAddress {
        /// The notice.
        serial: u64,
    },
    /// There is no such notice.
    #[error("there is no notice {serial}")]
    NoNotice {
        /// The notice.
        serial: u64,
    },
    /// There is no such scope version.
    #[error("there is no scope version {number}")]
    NoScope {
        /// Its number.
        number: u32,
    },
}

/// Says what was being done when a statement failed.
pub(crate) trait During<T> {
    fn during(self, operation: &'static str) -> Result<T>;
}

impl<T> During<T> for std::result::Result<T, sqlx::Error> {
    fn during(self, operation: &'static str) -> Result<T> {
        self.map_err(|source| Error::Statement { operation, source })
    }
}

/// Whether a cause is that the database could not be written for want of room on its disk.
pub fn is_want_of_room(cause: &(dyn std::error::Error + 'static)) -> bool {
    let Some(sqlx::Error::Database(error)) = cause.downcast_ref() else { return false };
    error.code().is_some_and(|code| WANT_OF_ROOM.contains(&code.as_ref()))
}

/// SQLite's `FULL`, and its `IOERR` for writing, flushing and changing a file's size (<https://sqlite.org/rescode.html>);
/// PostgreSQL's `disk_full` and `io_error`.
const WANT_OF_ROOM: [&str; 7] = ["13", "778", "1034", "1546", "4874", "53100", "58030"];
