//! The audit log: who did and saw what. Rows are appended and never changed; each carries the hash of the one before.

use kintsugi_vault::Purpose;
use sqlx::any::AnyRow;

use crate::database::Alone;
use crate::error::During;
use crate::rows::{Columns, Insert, as_i64, storable};
use crate::{Result, Store};

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its place, from 1, without gaps.
    pub sequence: u64,
    /// When.
    pub at_ms: i64,
    /// A member of staff, an API key, or a part of the program.
    pub who: String,
    /// What: a verb and numbers, never personal data (`viewed person 48210`).
    pub what: String,
    /// Hash of this entry and the one before, lower-case hex.
    pub hash: String,
}

/// The first entry that does not fit the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditFault {
    /// Its place.
    pub sequence: u64,
}

impl Store {
    /// Appends an entry.
    pub async fn audit(&self, who: &str, what: &str, at_ms: i64) -> Result<()> {
        let operation = "append to the audit log";
        let (who, what) = (&storable(who), &storable(what));
        let mut transaction = self.begin_alone(Alone::Audit, operation).await?;
        let last = sqlx::query("SELECT * FROM audit ORDER BY sequence DESC LIMIT 1").fetch_optional(&mut *transaction).await;
        let last = last.during(operation)?.as_ref().map(entry).transpose()?;
        let sequence = last.as_ref().map_or(1, |last| last.sequence + 1);
        let before = last.map_or_else(String::new, |last| last.hash);
        let hash = self.audit_hash(&before, sequence, at_ms, who, what);
        let mut insert = Insert::new("INSERT INTO audit (sequence, at_ms, who, what, hash)");
        insert.push([sequence.into(), at_ms.into(), who.into(), what.into(), (&hash).into()]);
        insert.write_all(&mut transaction, operation).await?;
        transaction.commit().await.during(operation)
    }

    /// Up to `limit` entries after `after`, oldest first.
    pub async fn audit_entries(&self, after: u64, limit: u32) -> Result<Vec<AuditEntry>> {
        let sql = "SELECT * FROM audit WHERE sequence > $1 ORDER BY sequence LIMIT $2";
        let query = sqlx::query(sql).bind(as_i64(after)).bind(i64::from(limit));
        query.fetch_all(self.reader()).await.during("read the audit log")?.iter().map(entry).collect()
    }

    /// Recomputes the chain: `None` where it holds.
    pub async fn audit_fault(&self) -> Result<Option<AuditFault>> {
        let (mut sequence, mut before) = (0, String::new());
        loop {
            let entries = self.audit_entries(sequence, ENTRIES_MAX).await?;
            for entry in &entries {
                sequence += 1;
                let hash = self.audit_hash(&before, sequence, entry.at_ms, &entry.who, &entry.what);
                if entry.sequence != sequence || entry.hash != hash {
                    return Ok(Some(AuditFault { sequence }));
                }
                before = hash;
            }
            if entries.len() < ENTRIES_MAX as usize {
                return Ok(None);
            }
        }
    }

    /// Keyed, so that whoever can write to the database but lacks the case key cannot make a chain that holds.
    fn audit_hash(&self, before: &str, sequence: u64, at_ms: i64, who: &str, what: &str) -> String {
        let text = format!("{before}\0{sequence}\0{at_ms}\0{who}\0{what}");
        self.keys.blind_index(Purpose::Audit, &text).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Entries read at a time.
const ENTRIES_MAX: u32 = 5000;

fn entry(row: &AnyRow) -> Result<AuditEntry> {
    Ok(AuditEntry {
        sequence: row.count("sequence")?,
        at_ms: row.int("at_ms")?,
        who: row.text("who")?,
        what: row.text("what")?,
        hash: row.text("hash")?,
    })
}
