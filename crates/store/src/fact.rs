//! Facts with their history: a fact is never changed, a newer one stands beside it.

use kintsugi_case::Fact;

use crate::{Result, Store};

/// A fact as it was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactRecord {
    /// Its place in the history, from 1.
    pub sequence: u64,
    /// When it was written down.
    pub recorded_at_ms: i64,
    /// The fact.
    pub fact: Fact,
}

impl Store {
    /// The facts that stand: the entered ones as the case file has them now, in its order, then the newest computed one of each name.
    pub async fn facts(&self) -> Result<Vec<Fact>> {
        unimplemented!()
    }

    /// Everything that was ever written down under a name, oldest first.
    pub async fn fact_history(&self, _name: &str) -> Result<Vec<FactRecord>> {
        unimplemented!()
    }

    /// Writes down a computed fact; one that says the same as the newest of its name changes nothing.
    pub async fn put_fact(&self, _fact: &Fact, _now_ms: i64) -> Result<()> {
        unimplemented!()
    }

    /// Makes these the entered facts that stand (those of the case file); equal to what stands, nothing changes.
    pub async fn put_entered_facts(&self, _facts: &[Fact], _now_ms: i64) -> Result<()> {
        unimplemented!()
    }
}
