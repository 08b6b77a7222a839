//! The live store's outbox as `notify` wants it: leases in, outcomes out.

use jiff::Timestamp;
use kintsugi_notify::{Outbox, Outcome, blames_address};
use kintsugi_store::{Leased, Store, Waiting};

/// How long a sender may hold a batch. A process that dies loses its lease then; what it had in hand becomes unknown.
const LEASE_MS: i64 = 15 * 60 * 1000;

/// How long a mail that was not taken waits before it is tried again: shorter than the pause between two passes of a run,
/// longer than it takes to lease it twice within one.
const RETRY_MS: i64 = 4 * 1000;

/// The outbox of one scope version.
pub(crate) struct StoreOutbox {
    /// The live store.
    pub(crate) store: Store,
    /// The scope version that is told.
    pub(crate) scope: u32,
    /// Which of them.
    pub(crate) waiting: Waiting,
    /// Who sends.
    pub(crate) worker: String,
    /// How many notices were refused because of their address: they go on to the next contact point.
    pub(crate) next_address: u64,
}

impl Outbox for StoreOutbox {
    type Letter = Leased;
    type Error = kintsugi_store::Error;

    async fn lease(&mut self, after: u64, limit: usize) -> Result<Vec<Leased>, Self::Error> {
        if self.store.paused().await?.is_some() {
            return Ok(Vec::new());
        }
        let now = Timestamp::now().as_millisecond();
        let count = u32::try_from(limit).unwrap_or(u32::MAX);
        self.store.lease_notices_after(self.scope, (after, self.waiting), count, &self.worker, now + LEASE_MS, now).await
    }

    fn serial(letter: &Leased) -> u64 {
        letter.serial
    }

    async fn record(&mut self, outcomes: &[(u64, Outcome)]) -> Result<(), Self::Error> {
        let now = Timestamp::now().as_millisecond();
        let outcomes: Vec<_> = outcomes.iter().map(|(serial, outcome)| (*serial, stored(outcome, now))).collect();
        let dead = outcomes.iter().filter(|(_, outcome)| matches!(outcome, kintsugi_store::Outcome::Undeliverable { .. }));
        self.next_address += dead.count() as u64;
        self.store.record_outcomes(&outcomes, now).await
    }
}

/// A sender's outcome in the store's words.
fn stored(outcome: &Outcome, now_ms: i64) -> kintsugi_store::Outcome {
    match outcome.clone() {
        Outcome::Accepted { reply } => kintsugi_store::Outcome::Accepted { reply },
        Outcome::Refused { reply } if blames_address(&reply) => kintsugi_store::Outcome::Undeliverable { reply },
        Outcome::Refused { reply } => kintsugi_store::Outcome::Refused { reply },
        Outcome::Unknown { why } => kintsugi_store::Outcome::Unknown { why },
        Outcome::Later { wait } => kintsugi_store::Outcome::NotSent {
            why: "its turn had not come yet".into(),
            retry_at_ms: now_ms.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)),
        },
        Outcome::NotSent { why } => kintsugi_store::Outcome::NotSent { why, retry_at_ms: now_ms + RETRY_MS },
    }
}
