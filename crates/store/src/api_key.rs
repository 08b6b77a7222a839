//! API keys of the merchant's engineers, stored hashed.

use kintsugi_vault::Purpose;

use crate::error::During;
use crate::rows::{Columns, storable};
use crate::{Result, Store};

/// Who presented a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// The name that staff gave it.
    pub name: String,
}

impl Store {
    /// Stores the hash of a key under a name; an earlier key of this name ends.
    pub async fn put_api_key(&self, name: &str, secret: &str, now_ms: i64) -> Result<()> {
        let sql = "INSERT INTO api_key (name, secret_hash, created_at_ms) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE \
                   SET secret_hash = excluded.secret_hash, created_at_ms = excluded.created_at_ms";
        let query = sqlx::query(sql).bind(storable(name)).bind(self.secret_hash(secret)).bind(now_ms);
        query.execute(self.writer()).await.during("write an API key").map(drop)
    }

    /// Whose key this is.
    pub async fn api_key(&self, secret: &str) -> Result<Option<ApiKey>> {
        let query = sqlx::query("SELECT name FROM api_key WHERE secret_hash = $1").bind(self.secret_hash(secret));
        let row = query.fetch_optional(self.reader()).await.during("look an API key up")?;
        row.map(|row| Ok(ApiKey { name: row.text("name")? })).transpose()
    }

    /// Ends the key of this name.
    pub async fn revoke_api_key(&self, name: &str) -> Result<()> {
        let query = sqlx::query("DELETE FROM api_key WHERE name = $1").bind(storable(name));
        query.execute(self.writer()).await.during("end an API key").map(drop)
    }

    fn secret_hash(&self, secret: &str) -> Vec<u8> {
        self.keys.blind_index(Purpose::ApiKey, secret).to_vec()
    }
}
