//! What can fail around evidence. What is merely bad input is no error: see the reports of `log` and `snapshot`.

use std::io;
use std::path::PathBuf;

/// What this crate's functions return.
pub type Result<T> = std::result::Result<T, Error>;

/// An operation on evidence that failed. No variant carries bytes of the evidence.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file of evidence could not be opened or read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not what was taken in.
    #[error("{path} has changed since it was taken in: its digest was {taken}, and is now {now}")]
    Changed {
        /// The file.
        path: PathBuf,
        /// The digest in the custody manifest, with the name of its kind.
        taken: String,
        /// The digest now, likewise, or a word for why there is none.
        now: String,
    },
    /// A file is read before it was taken in.
    #[error("{path} was not taken in: run `kintsugi collect` first")]
    NotCollected {
        /// The file.
        path: PathBuf,
    },
    /// A pattern or path of the case file leads to no file.
    #[error("no file matches {pattern}")]
    NoFile {
        /// The pattern as written.
        pattern: String,
    },
    /// The custody manifest could not be read or written.
    #[error("cannot read or write the custody manifest {path}")]
    Custody {
        /// The manifest.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line of the custody manifest does not follow from the one before, or is not signed by this case's key.
    #[error("the custody manifest {path} was changed at line {line}: {reason}")]
    CustodyBroken {
        /// The manifest.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What does not hold.
        reason: String,
    },
    /// The encrypted copy of a file could not be made or opened.
    #[error("cannot copy {path} into the case")]
    Copy {
        /// The file.
        path: PathBuf,
        /// Why.
        source: kintsugi_vault::Error,
    },
    /// A log is in a format that this version does not read.
    #[error("{path} is not read in this version: {reason}")]
    NotRead {
        /// The file.
        path: PathBuf,
        /// What it is.
        reason: String,
    },
    /// The file has no such line.
    #[error("{path} has no line {line}")]
    NoLine {
        /// The file.
        path: PathBuf,
        /// The line asked for.
        line: u64,
    },
    /// A snapshot cannot be read at all.
    #[error("cannot read the snapshot {path}: {reason}")]
    Snapshot {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The snapshot has no such table.
    #[error("the snapshot of source {source_name} has no table {table}")]
    NoTable {
        /// The source.
        source_name: String,
        /// The table asked for.
        table: String,
    },
}
