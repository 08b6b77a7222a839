//! Jobs: what the portal and the console ask a worker to do. `serve` writes them, a worker runs them.

use kintsugi_case::Private;

use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use crate::error::During;
use crate::rows::{Columns, as_i64};
use crate::{Result, Store, sealed};

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
    pub async fn enqueue(&self, kind: &str, payload: &Private<String>, now_ms: i64) -> Result<()> {
        let query = sqlx::query("INSERT INTO job (kind, payload, free_at_ms) VALUES ($1, $2, $3)");
        let query = query.bind(kind).bind(sealed::payload(&self.keys, kind, payload)).bind(now_ms);
        query.execute(self.writer()).await.during("add a job").map(drop)
    }

    /// Takes the oldest job that is free; it comes back when the lease ends before it is finished.
    pub async fn take_job(&self, worker: &str, lease_until_ms: i64, now_ms: i64) -> Result<Option<Job>> {
        let sql = format!(
            "UPDATE job SET free_at_ms = $1, worker = $2, attempts = attempts + 1 WHERE id = \
             (SELECT id FROM job WHERE free_at_ms <= $3 ORDER BY free_at_ms, id LIMIT 1 {}) RETURNING id, kind, payload, attempts",
            self.skip_locked()
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(lease_until_ms).bind(worker).bind(now_ms);
        let row = query.fetch_optional(self.writer()).await.during("take a job")?;
        row.map(|row| self.job(&row)).transpose()
    }

    fn job(&self, row: &AnyRow) -> Result<Job> {
        let kind = row.text("kind")?;
        let payload = sealed::open_payload(&self.keys, &kind, &row.bytes("payload")?)?;
        Ok(Job { id: row.count("id")?, kind, payload, attempts: row.small("attempts")?.saturating_sub(1) })
    }

    /// Removes a job that is done.
    pub async fn finish_job(&self, id: u64) -> Result<()> {
        let query = sqlx::query("DELETE FROM job WHERE id = $1").bind(as_i64(id));
        query.execute(self.writer()).await.during("finish a job").map(drop)
    }

    /// Gives a job back, to be taken again from `retry_at_ms` on.
    pub async fn return_job(&self, id: u64, retry_at_ms: i64) -> Result<()> {
        let query = sqlx::query("UPDATE job SET free_at_ms = $1, worker = '' WHERE id = $2").bind(retry_at_ms).bind(as_i64(id));
        query.execute(self.writer()).await.during("give a job back").map(drop)
    }

    /// Jobs that are not finished.
    pub async fn jobs_waiting(&self) -> Result<u64> {
        sqlx::query("SELECT COUNT(*) AS n FROM job").fetch_one(self.reader()).await.during("count jobs")?.count("n")
    }
}
