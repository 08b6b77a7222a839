//! Links to a person's page: the one in their notice, and those that "am I affected?" sends.

use kintsugi_case::PersonId;
use kintsugi_vault::Purpose;
use sqlx::any::AnyRow;

use crate::error::During;
use crate::outbox::LINK_CODE_LENGTH;
use crate::rows::{Columns, as_i64};
use crate::{Result, Store};

/// Where a link leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkTarget {
    /// Whose page.
    pub person: PersonId,
    /// The notice it came with; none for a link that was asked for.
    pub notice_serial: Option<u64>,
}

impl Store {
    /// Makes a link to a person's page that works before `expires_at_ms`, and gives its code (26 characters).
    pub async fn create_link(&self, person: PersonId, expires_at_ms: i64) -> Result<String> {
        let operation = "make a link";
        let mut transaction = self.begin(operation).await?;
        let insert = sqlx::query("INSERT INTO access_link (person, expires_at_ms) VALUES ($1, $2) RETURNING id");
        let row = insert.bind(as_i64(person.0)).bind(expires_at_ms).fetch_one(&mut *transaction).await.during(operation)?;
        let id = row.int("id")?;
        let code = self.access_code(id, expires_at_ms);
        let hash = self.keys.code_hash(Purpose::AccessLink, &code);
        let update = sqlx::query("UPDATE access_link SET code_hash = $1 WHERE id = $2").bind(hash.to_vec()).bind(id);
        update.execute(&mut *transaction).await.during(operation)?;
        transaction.commit().await.during(operation)?;
        Ok(code)
    }

    /// The code of an access link. The time is part of it, so that a store made anew, whose numbers start again, never
    /// makes a code that an old mail carries.
    fn access_code(&self, id: i64, expires_at_ms: i64) -> String {
        let number = (expires_at_ms as u64) << 20 | (id as u64 & 0xf_ffff);
        self.keys.code(Purpose::AccessLink, number, LINK_CODE_LENGTH)
    }

    /// Where a code leads, of a notice or of an access link that has not expired. How it is typed does not matter.
    pub async fn link(&self, code: &str, now_ms: i64) -> Result<Option<LinkTarget>> {
        let notice = self.keys.code_hash(Purpose::LinkToken, code).to_vec();
        let access = self.keys.code_hash(Purpose::AccessLink, code).to_vec();
        let sql = "SELECT person, serial FROM notice WHERE link_hash = $1 UNION ALL \
                   SELECT person, 0 AS serial FROM access_link WHERE code_hash = $2 AND expires_at_ms > $3";
        let query = sqlx::query(sql).bind(notice).bind(access).bind(now_ms);
        let row = query.fetch_optional(self.reader()).await.during("follow a link")?;
        row.map(|row| target(&row)).transpose()
    }

    /// Erases access links that have expired, and says how many.
    pub async fn erase_expired_links(&self, now_ms: i64) -> Result<u64> {
        let query = sqlx::query("DELETE FROM access_link WHERE expires_at_ms <= $1").bind(now_ms);
        query.execute(self.writer()).await.during("erase expired links").map(|done| done.rows_affected())
    }
}

fn target(row: &AnyRow) -> Result<LinkTarget> {
    let serial = row.count("serial")?;
    Ok(LinkTarget { person: PersonId(row.count("person")?), notice_serial: (serial > 0).then_some(serial) })
}
