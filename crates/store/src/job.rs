//! Jobs: what the portal and the console ask a worker to do. `serve` writes them, a worker runs them.

use kintsugi_case::Private;

use crate::{Result, Store};

/// A job in a worker's hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its number, from 1.
    pub id: u64,
    /// What is to be done.
    pub kind: String,
    /// With what; stored sealed.
    pub payload: Private<String>,
    /// How often it was taken before.
    pub attempts: u32,
}

impl Store {
    /// Adds a job.
    pub async fn enqueue(&self, _kind: &str, _payload: &Private<String>, _now_ms: i64) -> Result<()> {
        unimplemented!()
    }

    /// Takes the oldest job that is free; it comes back when the lease ends before it is finished.
    pub async fn take_job(&self, _worker: &str, _lease_until_ms: i64, _now_ms: i64) -> Result<Option<Job>> {
        unimplemented!()
    }

    /// Removes a job that is done.
    pub async fn finish_job(&self, _id: u64) -> Result<()> {
        unimplemented!()
    }

    /// Gives a job back, to be taken again from `retry_at_ms` on.
    pub async fn return_job(&self, _id: u64, _retry_at_ms: i64) -> Result<()> {
        unimplemented!()
    }

    /// Jobs that are not finished.
    pub async fn jobs_waiting(&self) -> Result<u64> {
        unimplemented!()
    }
}
