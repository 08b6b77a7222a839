//! FIND 1: evidence taken in, hashed, sealed and read; one file per log or dump format. Nothing is interpreted here:
//! what a line or a row means is decided further down the pipeline.
//!
//! - [`collect`] enters files in the custody manifest ([`custody()`] reads it back); a file that changed since is refused
//!   at every later read, at the latest when its last byte was read and before the caller uses what came of it.
//! - [`read_log`], [`scan_lines`], [`sift_lines`], [`read_line`] and [`read_lines`] read logs.
//! - [`read_queries`] reads the logs of database servers and of the SQL that applications run.
//! - [`SnapshotReader`] reads the tables of a source.
//! - [`read_found`] reads files that were found: dumps and lists of which nobody says what they are.
//! - [`check_files`] finds the mistakes of a case file that only the disk can tell.
//!
//! Evidence is opened read-only. Bad input is a value: what could be read is handed over, what could not is counted and
//! comes back with file and line (first 100 of each).

mod check;
mod collect;
mod custody;
mod error;
#[cfg(fuzzing)]
pub mod fuzz;
mod log;
mod open;
mod query;
mod snapshot;

pub use check::check_files;
pub use collect::{Collected, Progress, collect, is_named_by};
pub use custody::{CustodyEntry, EvidenceKind, custody};
pub use error::{Error, Result};
pub use log::{
    Detected, Gap, Glance, LogFormat, LogLine, LogReport, MissingLog, Parts, Sieve, Unread, detect, first_request, missing_logs,
    read_bytes, read_line, read_lines, read_log, scan_lines, sift_bytes, sift_lines,
};
pub use query::{
    QueryError, QueryErrorKind, QueryLine, QueryLogFormat, QueryReport, detect_queries, parse_queries, read_queries,
};
pub use snapshot::{BadRow, FoundList, FoundRecord, FoundReport, SnapshotReader, TableMeta, TableReport, read_found};

/// How many unread lines or rows a report names; the others are only counted.
pub const EXAMPLES_MAX: usize = 100;
