//! What can fail in replay. Bad evidence is no error: it is counted in the report of its log.

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
    /// A conclusion could not be written.
    #[error("conclusions could not be written to find.db")]
    Write(#[source] kintsugi_find::Error),
}

/// What replay gives back, or why not.
pub type Result<T, E = Error> = std::result::Result<T, E>;
