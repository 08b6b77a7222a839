//! FIND 3: the intruder's statements out of requests, and the cells that each one returned.
//!
//! A log line is tested cheaply ([`suspect`](crate::suspect)), its parameter decoded as the server did (`request`), put
//! into the endpoint's SQL (`context`), cut into shape and literals (`lexer`), the shape compiled once into what it
//! selects from which tables (`plan`), evaluated on the snapshot (`data`, `functions`), and the bytes that the page must
//! then have had are compared with the bytes that the log shows (`page`). `verdict` says what follows.
//!
//! Not here: what becomes of the conclusions (`find`, `scope`). Evidence is read through `evidence` alone.

use std::path::Path;

use kintsugi_case::CaseFile;
use kintsugi_evidence::{CustodyEntry, LogReport};
use kintsugi_find::{ExposureWriter, Table};
use kintsugi_vault::Keys;

mod error;

pub use error::{Error, Result};

/// What replay works on.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The case folder.
    pub case_dir: &'a Path,
    /// The case file.
    pub case: &'a CaseFile,
    /// Opens copied evidence.
    pub keys: &'a Keys,
    /// Where find.db lies; it is read through a second connection.
    pub find: &'a Path,
    /// The tables in it.
    pub tables: &'a [Table],
    /// The files in custody; those that are no logs are passed over.
    pub evidence: &'a [CustodyEntry],
}

/// How far replay is.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// The log that is being read; empty while statements are evaluated.
    pub path: &'a str,
    /// Lines read so far.
    pub lines: u64,
    /// Statements recovered so far.
    pub statements: u64,
    /// Statements judged so far.
    pub judged: u64,
}

/// What replay did.
#[derive(Clone, Debug, Default)]
pub struct Replayed {
    /// Statements recovered from the logs.
    pub statements: u64,
    /// Shapes among them.
    pub shapes: u64,
    /// Statements whose observed answer agrees with the replay.
    pub agreeing: u64,
    /// Statements that could not be parsed or replayed: what they could name is possible.
    pub not_replayed: u64,
    /// Exposures written, one for each statement and row.
    pub exposures: u64,
    /// Bases written; their numbers run on from the `first_basis` given.
    pub bases: u32,
    /// How each log was read.
    pub logs: Vec<LogReport>,
}

/// Replays every log in custody and writes exposures, bases and log reports. Bases are numbered from `first_basis`.
pub fn replay(
    inputs: Inputs<'_>,
    first_basis: u32,
    writer: &mut ExposureWriter<'_>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Replayed> {
    let _ = (inputs, first_basis, writer, progress);
    Ok(Replayed::default())
}
