//! Reading scope versions: their list, their bases, their counts.

use kintsugi_case::{BasisSummary, FieldMeaning, ScopeVersion, Verdict};

use crate::{Result, Store};

/// Records that lost a field, by verdict, within one scope version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldCount {
    /// What was lost.
    pub field: FieldMeaning,
    /// How sure.
    pub verdict: Verdict,
    /// Records, each counted once, at its strongest verdict for this field.
    pub records: u64,
    /// Persons, each counted once, at their strongest verdict for this field.
    pub persons: u64,
}

/// What a scope version holds, counted from its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeCounts {
    /// Persons, affected or not.
    pub persons: u64,
    /// Persons by their strongest verdict; those with none are absent.
    pub persons_by_verdict: Vec<(Verdict, u64)>,
    /// Records that belong to a person.
    pub records: u64,
    /// Records with something exposed, by their strongest verdict.
    pub records_by_verdict: Vec<(Verdict, u64)>,
}

impl Store {
    /// The newest scope version.
    pub async fn newest_scope(&self) -> Result<Option<ScopeVersion>> {
        unimplemented!()
    }

    /// Every scope version, oldest first.
    pub async fn scopes(&self) -> Result<Vec<ScopeVersion>> {
        unimplemented!()
    }

    /// The bases of a version, by number.
    pub async fn bases(&self, _scope: u32) -> Result<Vec<BasisSummary>> {
        unimplemented!()
    }

    /// Persons and records of a version, counted anew.
    pub async fn scope_counts(&self, _scope: u32) -> Result<ScopeCounts> {
        unimplemented!()
    }

    /// What was lost in a version, field by field in [`FieldMeaning::ALL`] order, strongest verdict first.
    pub async fn field_counts(&self, _scope: u32) -> Result<Vec<FieldCount>> {
        unimplemented!()
    }
}
