//! Staff who may sign in to the console.

use sqlx::any::AnyRow;

use crate::error::During;
use crate::rows::{Columns, storable};
use crate::{Result, Store};

/// A member of staff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staff {
    /// The name they sign in with.
    pub name: String,
    /// The password's hash (a PHC string; the store does not know the password).
    pub password_hash: String,
    /// Raised at each change of password: sessions that carry an older one are over.
    pub generation: u64,
}

impl Store {
    /// Adds a member of staff, or sets a new password.
    pub async fn put_staff(&self, name: &str, password_hash: &str, now_ms: i64) -> Result<()> {
        let sql = "INSERT INTO staff (name, password_hash, generation, changed_at_ms) VALUES ($1, $2, 1, $3) \
                   ON CONFLICT (name) DO UPDATE SET password_hash = excluded.password_hash, \
                   generation = staff.generation + 1, changed_at_ms = excluded.changed_at_ms";
        let query = sqlx::query(sql).bind(storable(name)).bind(password_hash).bind(now_ms);
        query.execute(self.writer()).await.during("write a member of staff").map(drop)
    }

    /// The member of staff with this name.
    pub async fn staff(&self, name: &str) -> Result<Option<Staff>> {
        let query = sqlx::query("SELECT * FROM staff WHERE name = $1").bind(storable(name));
        let row = query.fetch_optional(self.reader()).await.during("read a member of staff")?;
        let staff = |row: AnyRow| {
            Ok(Staff { name: row.text("name")?, password_hash: row.text("password_hash")?, generation: row.count("generation")? })
        };
        row.map(staff).transpose()
    }

    /// How many may sign in.
    pub async fn staff_count(&self) -> Result<u64> {
        sqlx::query("SELECT COUNT(*) AS n FROM staff").fetch_one(self.reader()).await.during("count staff")?.count("n")
    }
}
