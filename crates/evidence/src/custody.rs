//! The custody manifest: who took in which file, when, from where, with what digest.
//!
//! `.kintsugi/custody.jsonl` holds one JSON object a line and is only ever appended to. Each line carries the SHA-256 of
//! the line before and the case key's signature over itself, so that no line can be changed, dropped or put in between.

use std::path::Path;

use kintsugi_case::EvidenceId;
use kintsugi_vault::Keys;

use crate::Result;

/// What a file of evidence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvidenceKind {
    /// A log of a server, named by an `[[evidence]]` of the case file.
    Log,
    /// Part of a source's snapshot.
    Snapshot,
}

/// One file in custody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustodyEntry {
    /// Its number in the case, from 1.
    pub id: EvidenceId,
    /// Where it lay, relative to the case folder where it lay in it.
    pub path: String,
    /// Its length in bytes, as it lay (compressed files are not opened for this).
    pub bytes: u64,
    /// SHA-256 of those bytes, lower-case hex.
    pub sha256: String,
    /// What it is.
    pub kind: EvidenceKind,
    /// The format found in it or named in the case file ([`crate::LogFormat::name`], `csv`, `sql`, `sqlite`, `parquet`),
    /// or `not read: ` and why.
    pub format: String,
    /// The source of the case file that it belongs to.
    pub source: String,
    /// Who took it in.
    pub taken_by: String,
    /// When, milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// Whether the case holds an encrypted copy, which is then what is read.
    pub copied: bool,
    /// SHA-256 of the manifest's line before, lower-case hex; zeros for the first.
    pub previous: String,
    /// The case key's signature over the line without this field, base64.
    pub signature: String,
}

/// The manifest of a case, checked from its first line to its last. Empty where nothing was taken in yet.
pub fn custody(case_dir: &Path, keys: &Keys) -> Result<Vec<CustodyEntry>> {
    let _ = (case_dir, keys);
    todo!()
}
