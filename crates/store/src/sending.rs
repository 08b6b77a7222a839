//! Whether sending is paused. Staff pause it and let it go on; every sender of the store, on whatever machine, looks before
//! it takes notices in hand. What people ask for themselves (an answer, a link to their page) is no part of this.

use crate::database::Alone;
use crate::error::During;
use crate::rows::{Columns, Insert, storable};
use crate::{Result, Store};

/// That sending is paused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Since when.
    pub at_ms: i64,
    /// Who paused it.
    pub who: String,
    /// Why, in their words.
    pub reason: String,
}

impl Store {
    /// The pause that holds now; none where notices may go.
    pub async fn paused(&self) -> Result<Option<Pause>> {
        let newest = "SELECT at_ms, who, paused, reason FROM sending ORDER BY sequence DESC LIMIT 1";
        let row = sqlx::query(newest).fetch_optional(self.reader()).await.during("read whether sending is paused")?;
        let Some(row) = row.filter(|row| row.int("paused").is_ok_and(|paused| paused == 1)) else { return Ok(None) };
        Ok(Some(Pause { at_ms: row.int("at_ms")?, who: row.text("who")?, reason: row.text("reason")? }))
    }

    /// Pauses sending; false where it was paused already, by whoever did it first.
    pub async fn pause_sending(&self, who: &str, reason: &str, at_ms: i64) -> Result<bool> {
        self.turn_sending(true, (who, reason), at_ms).await
    }

    /// Lets sending go on; false where it was not paused.
    pub async fn resume_sending(&self, who: &str, reason: &str, at_ms: i64) -> Result<bool> {
        self.turn_sending(false, (who, reason), at_ms).await
    }

    async fn turn_sending(&self, pause: bool, (who, reason): (&str, &str), at_ms: i64) -> Result<bool> {
        let operation = if pause { "pause sending" } else { "let sending go on" };
        let mut transaction = self.begin_alone(Alone::Sending, operation).await?;
        let newest = sqlx::query("SELECT paused FROM sending ORDER BY sequence DESC LIMIT 1");
        let newest = newest.fetch_optional(&mut *transaction).await.during(operation)?;
        let is_paused = newest.map(|row| row.int("paused")).transpose()?.is_some_and(|paused| paused == 1);
        if is_paused == pause {
            return Ok(false);
        }
        let (who, reason) = (&storable(who), &storable(reason));
        let mut insert = Insert::new("INSERT INTO sending (at_ms, who, paused, reason)");
        insert.push([at_ms.into(), who.into(), i64::from(pause).into(), reason.into()]);
        insert.write_all(&mut transaction, operation).await?;
        transaction.commit().await.during(operation)?;
        let what = if pause { "paused sending" } else { "let sending go on" };
        self.audit(who, what, at_ms).await?;
        Ok(true)
    }
}
