//! The evidence as pages show it. `serve` does not read evidence: whoever starts it hands over the manifest's entries.

use kintsugi_case::EvidenceId;

/// A file in custody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EvidenceFile {
    /// Its place in the custody manifest, from 1.
    pub id: EvidenceId,
    /// Its path.
    pub path: String,
    /// `log` or `snapshot`.
    pub kind: String,
    /// Its format, or why it was not read.
    pub format: String,
    /// The source that it belongs to.
    pub source: String,
    /// Bytes.
    pub bytes: u64,
    /// SHA-256, lower-case hex.
    pub sha256: String,
    /// Who took it in.
    pub taken_by: String,
    /// When, milliseconds since 1970 UTC.
    pub taken_at_ms: i64,
    /// What was read of it, where it is a log that was read.
    pub log: Option<LogRead>,
}

/// What was read of a log, and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogRead {
    /// Lines in the file.
    pub lines: u64,
    /// Lines that could not be read.
    pub unread: u64,
    /// The earliest request, milliseconds since 1970 UTC.
    pub first_at_ms: Option<i64>,
    /// The latest.
    pub last_at_ms: Option<i64>,
    /// Times without any line, from and to, milliseconds since 1970 UTC.
    pub gaps: Vec<(i64, i64)>,
    /// Why reading stopped before the end.
    pub truncated: Option<String>,
}

impl LogRead {
    /// Whether every line was read and none is known to be gone.
    pub fn is_complete(&self) -> bool {
        self.unread == 0 && self.gaps.is_empty() && self.truncated.is_none()
    }
}

/// What the logs that were read cover, together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Coverage {
    pub(crate) files: usize,
    pub(crate) first_at_ms: i64,
    pub(crate) last_at_ms: i64,
    pub(crate) complete: bool,
}

/// The coverage of these files; `None` where no log was read.
pub(crate) fn coverage(files: &[EvidenceFile]) -> Option<Coverage> {
    let logs: Vec<&LogRead> = files.iter().filter_map(|file| file.log.as_ref()).collect();
    Some(Coverage {
        files: logs.len(),
        first_at_ms: logs.iter().filter_map(|log| log.first_at_ms).min()?,
        last_at_ms: logs.iter().filter_map(|log| log.last_at_ms).max()?,
        complete: logs.iter().all(|log| log.is_complete()) && files.iter().all(|file| file.kind != "log" || file.log.is_some()),
    })
}

/// The file with this number.
pub(crate) fn file(files: &[EvidenceFile], id: EvidenceId) -> Option<&EvidenceFile> {
    files.iter().find(|file| file.id == id)
}
