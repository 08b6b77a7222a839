//! What can fail in replay. Bad evidence is no error: it is counted in the report of its log.

use crate::server::ServerError;

/// An operation of replay that failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A log could not be read.
    #[error("{path} could not be read")]
    Log {
        /// Which.
        path: String,
        /// Why.
        source: kintsugi_evidence::Error,
    },
    /// The card columns of a snapshot could not be read.
    #[error("the card columns of table {table} could not be read from the snapshot")]
    Snapshot {
        /// Which table.
        table: String,
        /// Why.
        source: kintsugi_evidence::Error,
    },
    /// The snapshot's rows could not be prepared for replay.
    #[error("the snapshot's rows could not be prepared for replay ({doing})")]
    Prepare {
        /// What was being done.
        doing: &'static str,
        /// Why.
        source: rusqlite::Error,
    },
    /// The restored server could not be asked.
    #[error("the restored server of source {source_name} could not be asked")]
    Server {
        /// Whose dump was restored there.
        source_name: String,
        /// Why.
        source: ServerError,
    },
    /// A conclusion could not be written.
    #[error("conclusions could not be written to find.db")]
    Write(#[source] kintsugi_find::Error),
}

/// Why a statement was not evaluated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// SQLite could not.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// The restored server did not.
    #[error(transparent)]
    Server(#[from] ServerError),
}

/// What replay gives back, or why not.
pub type Result<T, E = Error> = std::result::Result<T, E>;
