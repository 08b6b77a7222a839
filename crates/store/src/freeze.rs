//! Freezing: a scope version with its persons, records, bases and facts, written in one transaction or not at all.

use kintsugi_case::{BasisSummary, ExposedRecord, Fact, PersonId, PersonProfile, ScopeVersion};

use crate::{Result, Store};

/// What a scope version is signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreezeDraft {
    /// SHA-256 over the canonical text of everything in it, lower-case hex.
    pub digest: String,
    /// Signature of the digest, base64.
    pub signature: String,
    /// The public half of the case key, base64.
    pub public_key: String,
    /// Milliseconds since 1970 UTC.
    pub frozen_at_ms: i64,
    /// The year in notice numbers.
    pub year: u16,
}

/// One record of a person, and the fact that links it to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordRef {
    /// The source's name.
    pub source: String,
    /// The table.
    pub table: String,
    /// The record's key.
    pub key: String,
    /// What links it to the person's other records.
    pub linked_by: String,
}

/// A scope version being written. Dropped without [`Freeze::commit`], it leaves nothing behind.
pub struct Freeze {
    version: ScopeVersion,
}

impl Store {
    /// Starts a scope version. `None` where the newest version has the same digest: then nothing changes.
    pub async fn begin_freeze(&self, _draft: FreezeDraft) -> Result<Option<Freeze>> {
        unimplemented!()
    }
}

impl Freeze {
    /// The version as it will be once committed.
    pub fn version(&self) -> &ScopeVersion {
        &self.version
    }

    /// Writes the bases. Call it before [`Freeze::person`].
    pub async fn bases(&mut self, _bases: &[BasisSummary]) -> Result<()> {
        unimplemented!()
    }

    /// Writes a person with their records and what of these was exposed. Rows are gathered and written in batches.
    pub async fn person(
        &mut self,
        _id: PersonId,
        _profile: &PersonProfile,
        _records: &[RecordRef],
        _exposed: &[ExposedRecord],
    ) -> Result<()> {
        unimplemented!()
    }

    /// Writes the facts that are computed from this version.
    pub async fn facts(&mut self, _facts: &[Fact]) -> Result<()> {
        unimplemented!()
    }

    /// Makes the version and everything in it lasting.
    pub async fn commit(self) -> Result<ScopeVersion> {
        unimplemented!()
    }
}
