//! What can fail while rules are applied.

/// An operation of scope that failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Replay failed.
    #[error("the intruder's statements could not be replayed")]
    Replay(#[source] kintsugi_replay::Error),
    /// find.db could not be read or written.
    #[error("conclusions could not be written to find.db")]
    Find(#[source] kintsugi_find::Error),
    /// A window rule could not be applied.
    #[error("the window over {table}.{column} could not be applied")]
    Window {
        /// The table of uses.
        table: String,
        /// Its column of time.
        column: String,
        /// Why.
        source: rusqlite::Error,
    },
    /// An access rule could not be applied.
    #[error("the records of {table} that were fetched by their number could not be looked up")]
    Access {
        /// The table of the records.
        table: String,
        /// Why.
        source: rusqlite::Error,
    },
    /// Evidence could not be read.
    #[error("{path} could not be read")]
    Evidence {
        /// The file, as in the custody manifest.
        path: String,
        /// Why.
        source: kintsugi_evidence::Error,
    },
    /// A found file could not be matched.
    #[error("{path} could not be matched to our records")]
    File {
        /// The file, as in the custody manifest.
        path: String,
        /// Why.
        source: rusqlite::Error,
    },
    /// A rule speaks of a table or column that the snapshot does not hold.
    #[error("a rule speaks of {name}, which is not in the snapshot")]
    Unknown {
        /// `table.column`
        name: String,
    },
}

/// What scope gives back, or why not.
pub type Result<T, E = Error> = std::result::Result<T, E>;
