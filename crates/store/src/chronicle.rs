//! What the chronicle needs to know of times, and who must not be named in it.

use crate::error::During;
use crate::rows::Columns;
use crate::{Result, Store};

impl Store {
    /// When the first and the last of what a version holds was taken; none where no time is known.
    pub async fn attack_span(&self, scope: u32) -> Result<Option<(i64, i64)>> {
        let sql = "SELECT MIN(at_ms) AS first_ms, MAX(at_ms) AS last_ms FROM exposed_record WHERE scope_version = $1 \
                   AND at_ms > 0 AND verdict <> 'excluded'";
        let row = sqlx::query(sql).bind(i64::from(scope)).fetch_one(self.reader()).await.during("read when it happened")?;
        Ok(row.maybe_int("first_ms")?.zip(row.maybe_int("last_ms")?))
    }

    /// When the first and the last notice were accepted; what only follows notices does not count.
    pub async fn notices_span(&self) -> Result<Option<(i64, i64)>> {
        let sql = "SELECT MIN(e.at_ms) AS first_ms, MAX(e.at_ms) AS last_ms FROM notice_event e JOIN notice n \
                   ON n.serial = e.serial WHERE e.state = 'accepted' AND n.channel = 'mail'";
        let row = sqlx::query(sql).fetch_one(self.reader()).await.during("read when notices were sent")?;
        Ok(row.maybe_int("first_ms")?.zip(row.maybe_int("last_ms")?))
    }

    /// The names with which staff sign in.
    pub async fn staff_names(&self) -> Result<Vec<String>> {
        let rows = sqlx::query("SELECT name FROM staff ORDER BY name").fetch_all(self.reader()).await;
        rows.during("read who is staff")?.iter().map(|row| row.text("name")).collect()
    }
}
