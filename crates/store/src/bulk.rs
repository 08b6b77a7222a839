//! Indexes over keys in no order (digests), while very many rows are written on SQLite.
//!
//! Each new row of such an index lies on a page of its own. Once the index no longer fits into the cache, a row costs a
//! page to read, write and flush, and ten times the rows cost far more than ten times as much. So a bulk write takes the
//! index away and sorts it anew at its end. Whoever looks for a row meanwhile finds it, more slowly. A process that dies
//! in between leaves the index missing; [`Store::restore_indexes`] makes it when the store is opened.
//!
//! PostgreSQL keeps its indexes: there a store is shared, and taking an index away would lock everybody out.

use sqlx::{AnyConnection, AssertSqlSafe};

use crate::database::DatabaseKind;
use crate::error::During;
use crate::{Result, Store};

/// An index that a bulk write takes away. The migrations make it in the same words.
#[derive(Clone, Copy)]
pub(crate) struct Loose {
    name: &'static str,
    /// What follows `CREATE`, up to the name.
    sort: &'static str,
    /// What follows the name.
    on: &'static str,
}

/// Persons by mail address.
pub(crate) const PERSON_BY_MAIL: Loose =
    Loose { name: "person_by_mail", sort: "INDEX", on: "ON person (mail_index, scope_version) WHERE mail_index IS NOT NULL" };
/// Notices by the code in their link.
pub(crate) const NOTICE_BY_LINK: Loose = Loose { name: "notice_by_link", sort: "UNIQUE INDEX", on: "ON notice (link_hash)" };
/// Rights by their code.
pub(crate) const RIGHT_BY_CODE: Loose =
    Loose { name: "person_right_by_code", sort: "UNIQUE INDEX", on: "ON person_right (code_hash)" };

impl Store {
    /// Takes the index away until [`Store::tighten`].
    pub(crate) async fn loosen(&self, connection: &mut AnyConnection, index: Loose) -> Result<()> {
        if self.kind == DatabaseKind::Postgres {
            return Ok(());
        }
        let sql = format!("DROP INDEX IF EXISTS {}", index.name);
        sqlx::query(AssertSqlSafe(sql)).execute(connection).await.during("take an index away").map(drop)
    }

    /// Makes the index, unless it is there.
    pub(crate) async fn tighten(&self, connection: &mut AnyConnection, index: Loose) -> Result<()> {
        if self.kind == DatabaseKind::Postgres {
            return Ok(());
        }
        let sql = format!("CREATE {} IF NOT EXISTS {} {}", index.sort, index.name, index.on);
        sqlx::query(AssertSqlSafe(sql)).execute(connection).await.during("make an index").map(drop)
    }

    /// Makes what a process that died left loose.
    pub(crate) async fn restore_indexes(&self) -> Result<()> {
        let mut connection = self.writer().acquire().await.during("make an index")?;
        for index in [PERSON_BY_MAIL, NOTICE_BY_LINK, RIGHT_BY_CODE] {
            self.tighten(&mut connection, index).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{NOTICE_BY_LINK, PERSON_BY_MAIL, RIGHT_BY_CODE};

    #[test]
    fn the_migrations_make_the_same_indexes() {
        let tables = include_str!("../migrations/0001_tables.sql");
        for index in [PERSON_BY_MAIL, NOTICE_BY_LINK, RIGHT_BY_CODE] {
            let words = format!("CREATE {} {} {};", index.sort, index.name, index.on);
            assert!(tables.contains(&words), "{words}");
        }
    }
}
