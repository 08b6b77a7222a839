//! The outbox: notices are planned once, leased to a sender in batches, and their outcomes written down in batches.

use kintsugi_case::{Conservation, ExposedRecord, NoticeNumber, PersonId, PersonProfile};

use crate::{Result, Store};

/// What planning did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Planned {
    /// New notices to be sent.
    pub new: u64,
    /// New notices to persons without a mail address.
    pub no_address: u64,
}

/// A notice in a sender's hand, with what it needs to be composed.
#[derive(Clone, Debug)]
pub struct Leased {
    /// Its place in the case, from 1.
    pub serial: u64,
    /// Its number as printed.
    pub number: NoticeNumber,
    /// To whom.
    pub person: PersonId,
    /// From which scope version.
    pub scope_version: u32,
    /// How they are addressed and reached.
    pub profile: PersonProfile,
    /// What of theirs was exposed.
    pub exposed: Vec<ExposedRecord>,
    /// The code in the link to the person's page.
    pub link_code: String,
    /// How often sending was tried before.
    pub attempts: u32,
}

/// What became of an attempt to send a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The mail server took responsibility.
    Accepted {
        /// Its reply.
        reply: String,
    },
    /// The mail server refused for good.
    Refused {
        /// Its reply.
        reply: String,
    },
    /// The message may have been taken.
    Unknown {
        /// Why nobody knows.
        why: String,
    },
    /// The message was certainly not taken; it waits again.
    NotSent {
        /// Why.
        why: String,
        /// Not to be tried again before this time; 0 means at once.
        retry_at_ms: i64,
    },
}

impl Store {
    /// Plans a notice for each affected person of the scope version who was not already told the same by an earlier
    /// one. Run again, it plans nothing new (one notice per person, scope version and channel: rule 4).
    pub async fn plan_notices(&self, _scope: u32, _now_ms: i64) -> Result<Planned> {
        unimplemented!()
    }

    /// Takes up to `count` notices in hand, in serial order: they stand at `sending` before this returns. No other worker gets them.
    pub async fn lease_notices(
        &self,
        _scope: u32,
        _count: u32,
        _worker: &str,
        _lease_until_ms: i64,
        _now_ms: i64,
    ) -> Result<Vec<Leased>> {
        unimplemented!()
    }

    /// Writes down what became of leased notices. A notice that is not `sending` any more (its lease ended) only
    /// gets the event: where it stands is for a person to settle.
    pub async fn record_outcomes(&self, _outcomes: &[(u64, Outcome)], _now_ms: i64) -> Result<()> {
        unimplemented!()
    }

    /// Makes unknown what stands at `sending` past the end of its lease, and says how many: a sender that died may or may not have sent them.
    pub async fn reap_leases(&self, _now_ms: i64) -> Result<u64> {
        unimplemented!()
    }

    /// Like [`Store::reap_leases`], whatever the leases say: for the start of a run that is the only sender.
    pub async fn reap_all_leases(&self, _now_ms: i64) -> Result<u64> {
        unimplemented!()
    }

    /// When the earliest notice that waits for a retry may be tried again.
    pub async fn next_retry_at(&self, _scope: u32) -> Result<Option<i64>> {
        unimplemented!()
    }

    /// Where the affected persons of a scope version stand, counted from persons and notices anew.
    pub async fn conservation(&self, _scope: u32) -> Result<Conservation> {
        unimplemented!()
    }
}
