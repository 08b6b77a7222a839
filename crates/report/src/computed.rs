//! The facts that the program itself vouches for: counts of a frozen scope, and the conservation line.

use kintsugi_case::{Conservation, Fact, FieldMeaning, Verdict};

/// How often a field was exposed with a verdict. Records and persons are two numbers (rule 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldCount {
    /// The field.
    pub field: FieldMeaning,
    /// The verdict.
    pub verdict: Verdict,
    /// Records whose strongest verdict for the field is this.
    pub records: u64,
    /// Persons whose strongest verdict for the field is this.
    pub persons: u64,
}

/// The counts of a frozen scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The scope version.
    pub scope_version: u32,
    /// When it was frozen, RFC 3339 with the case's offset.
    pub as_of: String,
    /// Rows of the tables in which at least one record was exposed.
    pub records_stored: u64,
    /// Records whose strongest verdict is proved.
    pub records_proved: u64,
    /// Records whose strongest verdict is possible.
    pub records_possible: u64,
    /// Persons whose strongest verdict is proved.
    pub persons_proved: u64,
    /// Persons whose strongest verdict is possible.
    pub persons_possible: u64,
    /// Exposed records that belong to nobody who could be resolved.
    pub records_without_person: u64,
    /// Per field and verdict.
    pub fields: Vec<FieldCount>,
    /// The first time at which something was taken, RFC 3339; empty where unknown.
    pub taken_first_at: String,
    /// The last time, RFC 3339; empty where unknown.
    pub taken_last_at: String,
}

/// The facts of a scope version, in a fixed order.
pub fn computed(_counts: &Counts) -> Vec<Fact> {
    Vec::new()
}

/// The conservation line as facts; they replace the ones before them, because mails go on being sent.
pub fn conservation_facts(_line: &Conservation, _scope_version: u32, _as_of: &str) -> Vec<Fact> {
    Vec::new()
}
