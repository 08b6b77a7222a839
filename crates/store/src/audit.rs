//! The audit log: who did and saw what. Rows are appended and never changed; each carries the hash of the one before.

use crate::{Result, Store};

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its place, from 1, without gaps.
    pub sequence: u64,
    /// When.
    pub at_ms: i64,
    /// A member of staff, an API key, or a part of the program.
    pub who: String,
    /// What: a verb and numbers, never personal data (`viewed person 48210`).
    pub what: String,
    /// Hash of this entry and the one before, lower-case hex.
    pub hash: String,
}

/// The first entry that does not fit the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditFault {
    /// Its place.
    pub sequence: u64,
}

impl Store {
    /// Appends an entry.
    pub async fn audit(&self, _who: &str, _what: &str, _at_ms: i64) -> Result<()> {
        unimplemented!()
    }

    /// Up to `limit` entries after `after`, oldest first.
    pub async fn audit_entries(&self, _after: u64, _limit: u32) -> Result<Vec<AuditEntry>> {
        unimplemented!()
    }

    /// Recomputes the chain: `None` where it holds.
    pub async fn audit_fault(&self) -> Result<Option<AuditFault>> {
        unimplemented!()
    }
}
