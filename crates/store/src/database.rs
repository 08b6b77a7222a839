//! Opening the store: which database, its pools and its migrations; and the few things in which the two databases differ.
//!
//! SQLite: WAL, so that readers never wait for the writer, and `synchronous = FULL`, so that what was committed survives
//! a power cut: a notice that was accepted must not be sent again. A freeze is one transaction and pays for one flush.
//! All writing of a process goes through one connection, where it queues fairly instead of by SQLite's polling.
//! PostgreSQL: one pool; rows are leased with `SKIP LOCKED`, and what must run alone takes an advisory lock.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kintsugi_case::StoreSpec;
use kintsugi_vault::Keys;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Any, AnyConnection, AnyPool, AssertSqlSafe, ConnectOptions, Executor, SqlSafeStr, Transaction};

use crate::error::During;
use crate::rows::Marks;
use crate::{Error, Result};

/// The newest version of the tables. A migration is added below it and never changed once it was released.
const TABLES: &str = include_str!("../migrations/0001_tables.sql");
const DOCUMENTS: &str = include_str!("../migrations/0003_documents.sql");
const ATTACK: &str = include_str!("../migrations/0007_attack.sql");
const PLANS: &str = include_str!("../migrations/0005_plans.sql");
const REPLIES: &str = include_str!("../migrations/0017_replies.sql");
const SCOPE_CONTENT: &str = include_str!("../migrations/0019_scope_content.sql");
const PERSON_MAIL: &str = include_str!("../migrations/0021_person_mail.sql");
const LETTERS: &str = include_str!("../migrations/0031_letters.sql");
const POSTAL_ADDRESSES: &str = include_str!("../migrations/0033_postal_addresses.sql");
const URGENCY: &str = include_str!("../migrations/0035_urgency.sql");
const SENDING: &str = include_str!("../migrations/0037_sending.sql");
const ANSWER_FORMS: &str = include_str!("../migrations/0041_answer_forms.sql");
const CONTACT_POINTS: &str = include_str!("../migrations/0011_contact_points.sql");

/// Tables whose rows are appended and never changed or erased, which triggers enforce in both databases.
pub(crate) const APPEND_ONLY: [&str; 8] =
    ["scope_version", "basis", "person", "person_record", "exposed_record", "fact", "notice_event", "audit"];
/// The same, of [`DOCUMENTS`].
const APPEND_ONLY_DOCUMENTS: [&str; 2] = ["document", "document_fact"];
/// The same, of [`ATTACK`].
const APPEND_ONLY_ATTACK: [&str; 2] = ["attack_picture", "attack_statement"];
/// The same, of [`PLANS`].
const APPEND_ONLY_PLANS: [&str; 2] = ["plan", "approval"];

const SQLITE_READERS_MAX: u32 = 4;
/// Pages that a connection keeps in memory; sorting takes as much again. Nothing here grows with the case.
const WRITER_CACHE_KIB: u32 = 64 * 1024;
const READER_CACHE_KIB: u32 = 16 * 1024;
const POSTGRES_CONNECTIONS_MAX: u32 = 16;
/// How long a statement waits for another process's freeze, or for a free connection.
const WAIT: Duration = Duration::from_secs(120);

/// The live store of one case. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Store {
    pub(crate) keys: Keys,
    pub(crate) kind: DatabaseKind,
    read: AnyPool,
    write: AnyPool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DatabaseKind {
    Sqlite,
    Postgres,
}

/// What must not run twice at the same time. The numbers are PostgreSQL advisory lock keys.
#[derive(Clone, Copy)]
pub(crate) enum Alone {
    Freeze = 0x6b69_0001,
    Plan = 0x6b69_0002,
    Issue = 0x6b69_0003,
    Audit = 0x6b69_0004,
    Facts = 0x6b69_0005,
    Publish = 0x6b69_0006,
    Approve = 0x6b69_0007,
    Answer = 0x6b69_0008,
    Letters = 0x6b69_0009,
    Sending = 0x6b69_000a,
}

impl Store {
    /// Opens the store that the case file names, making it and bringing its tables up to date where needed.
    pub async fn open(spec: &StoreSpec, case_dir: &Path, keys: &Keys) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let store = match spec {
            StoreSpec::Sqlite => Self::open_sqlite(case_dir, keys).await?,
            StoreSpec::Postgres(url) => Self::open_postgres(url, keys).await?,
        };
        store.migrate().await?;
        store.restore_indexes().await?;
        Ok(store)
    }

    /// Writes down what is in memory and closes every connection.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }

    async fn open_sqlite(case_dir: &Path, keys: &Keys) -> Result<Self> {
        let path = sqlite_path(case_dir)?;
        let url = format!("sqlite://{}?mode=rwc", escaped(&path));
        let options = url.parse::<AnyConnectOptions>().map_err(|source| open_error(path.display(), source))?;
        let failed = |source| open_error(path.display(), source);
        let folder = path.parent().unwrap_or(case_dir);
        let write = sqlite_pool(1, WRITER_CACHE_KIB, folder, &options).await.map_err(failed)?;
        let read = sqlite_pool(SQLITE_READERS_MAX, READER_CACHE_KIB, folder, &options).await.map_err(failed)?;
        Ok(Self { keys: keys.clone(), kind: DatabaseKind::Sqlite, read, write })
    }

    async fn open_postgres(url: &str, keys: &Keys) -> Result<Self> {
        let place = without_password(url);
        let options = url.parse::<AnyConnectOptions>().map_err(|source| open_error(&place, source))?;
        let made = pool_options(POSTGRES_CONNECTIONS_MAX).connect_with(options.disable_statement_logging()).await;
        let pool = made.map_err(|source| open_error(&place, source))?;
        Ok(Self { keys: keys.clone(), kind: DatabaseKind::Postgres, read: pool.clone(), write: pool })
    }

    async fn migrate(&self) -> Result<()> {
        let safe = |sql: String| AssertSqlSafe(sql).into_sql_str();
        let (tables, documents) = (safe(for_database(self.kind, TABLES)), safe(for_database(self.kind, DOCUMENTS)));
        let guards = safe(refusal(self.kind).to_owned() + &append_only_triggers(self.kind, &APPEND_ONLY));
        let document_guards = safe(append_only_triggers(self.kind, &APPEND_ONLY_DOCUMENTS));
        let plans = safe(for_database(self.kind, PLANS));
        let plan_guards = safe(append_only_triggers(self.kind, &APPEND_ONLY_PLANS));
        let attack = safe(for_database(self.kind, ATTACK));
        let attack_guards = safe(append_only_triggers(self.kind, &APPEND_ONLY_ATTACK));
        let migration =
            |version, name: &'static str, sql| Migration::new(version, name.into(), MigrationType::Simple, sql, false);
        let migrator = Migrator::with_migrations(vec![
            migration(1, "tables", tables),
            migration(2, "append only", guards),
            migration(3, "documents", documents),
            migration(4, "append only documents", document_guards),
            migration(5, "plans", plans),
            migration(6, "append only plans", plan_guards),
            migration(7, "attack", attack),
            migration(8, "append only attack", attack_guards),
            migration(11, "contact points", safe(for_database(self.kind, CONTACT_POINTS))),
            migration(17, "replies", safe(for_database(self.kind, REPLIES))),
            migration(19, "scope content", safe(for_database(self.kind, SCOPE_CONTENT))),
            migration(20, "append only scope content", safe(append_only_triggers(self.kind, &["scope_content"]))),
            migration(21, "person mail", safe(for_database(self.kind, PERSON_MAIL))),
            migration(22, "append only person mail", safe(append_only_triggers(self.kind, &["person_mail"]))),
            migration(31, "letters", safe(for_database(self.kind, LETTERS))),
            migration(33, "postal addresses", safe(for_database(self.kind, POSTAL_ADDRESSES))),
            migration(34, "append only postal addresses", safe(append_only_triggers(self.kind, &["postal_address"]))),
            migration(35, "urgency", safe(for_database(self.kind, URGENCY))),
            migration(37, "sending", safe(for_database(self.kind, SENDING))),
            migration(38, "append only sending", safe(append_only_triggers(self.kind, &["sending"]))),
            migration(41, "answer forms", safe(for_database(self.kind, ANSWER_FORMS))),
        ]);
        migrator.run(&self.write).await.map_err(Error::Migrate)
    }

    /// A pool for statements that only read.
    pub(crate) fn reader(&self) -> &AnyPool {
        &self.read
    }

    /// A pool for single statements that write.
    pub(crate) fn writer(&self) -> &AnyPool {
        &self.write
    }

    /// A transaction that writes. On SQLite it has the write lock from its start, so it never fails half-way for want of it.
    pub(crate) async fn begin(&self, operation: &'static str) -> Result<Transaction<'static, Any>> {
        match self.kind {
            DatabaseKind::Sqlite => self.write.begin_with("BEGIN IMMEDIATE").await.during(operation),
            DatabaseKind::Postgres => self.write.begin().await.during(operation),
        }
    }

    /// A transaction that writes and is the only one of its sort until it ends.
    pub(crate) async fn begin_alone(&self, sort: Alone, operation: &'static str) -> Result<Transaction<'static, Any>> {
        let mut transaction = self.begin(operation).await?;
        self.lock(&mut transaction, sort).await?;
        Ok(transaction)
    }

    /// Makes a transaction the only one of its sort. On SQLite every transaction that writes is alone.
    pub(crate) async fn lock(&self, connection: &mut AnyConnection, sort: Alone) -> Result<()> {
        if self.kind == DatabaseKind::Postgres {
            let lock = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(sort as i64);
            lock.execute(connection).await.during("wait for its turn")?;
        }
        Ok(())
    }

    /// How long lists of values are marked.
    pub(crate) const fn marks(&self) -> Marks {
        match self.kind {
            DatabaseKind::Sqlite => Marks::Plain,
            DatabaseKind::Postgres => Marks::Numbered,
        }
    }

    /// What ends a sub-select whose rows one worker takes and others must pass over.
    pub(crate) const fn skip_locked(&self) -> &'static str {
        match self.kind {
            DatabaseKind::Sqlite => "",
            DatabaseKind::Postgres => "FOR UPDATE SKIP LOCKED",
        }
    }
}

/// The SQLite file, in a folder that is there.
fn sqlite_path(case_dir: &Path) -> Result<PathBuf> {
    let folder = case_dir.join(".kintsugi");
    std::fs::create_dir_all(&folder).map_err(|source| Error::Folder { path: folder.clone(), source })?;
    let folder = folder.canonicalize().map_err(|source| Error::Folder { path: folder.clone(), source })?;
    Ok(folder.join("case.db"))
}

async fn sqlite_pool(connections: u32, cache_kib: u32, folder: &Path, options: &AnyConnectOptions) -> sqlx::Result<AnyPool> {
    let pragmas: Arc<str> = sqlite_pragmas(cache_kib, folder).into();
    let pool = pool_options(connections).after_connect(move |connection, _| {
        let pragmas = Arc::clone(&pragmas);
        Box::pin(async move { connection.execute(sqlx::raw_sql(AssertSqlSafe(pragmas.as_ref()))).await.map(drop) })
    });
    pool.connect_with(options.clone().disable_statement_logging()).await
}

fn pool_options(connections: u32) -> AnyPoolOptions {
    AnyPoolOptions::new().max_connections(connections).acquire_timeout(WAIT).idle_timeout(None).max_lifetime(None)
}

/// What is too large to sort in memory (an index of ten million persons) is sorted in files in the case folder, without a
/// name and gone when closed: nothing is written outside of it. No `mmap`: every connection's view of the file would count
/// as memory of its own.
fn sqlite_pragmas(cache_kib: u32, folder: &Path) -> String {
    let (wait_ms, folder) = (WAIT.as_millis(), folder.to_string_lossy().replace('\'', "''"));
    format!(
        "PRAGMA busy_timeout = {wait_ms}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
         PRAGMA temp_store_directory = '{folder}'; PRAGMA temp_store = FILE; \
         PRAGMA cache_size = -{cache_kib}; PRAGMA wal_autocheckpoint = 4000; PRAGMA analysis_limit = 1000"
    )
}

/// The tables as this database writes them.
fn for_database(kind: DatabaseKind, tables: &str) -> String {
    match kind {
        DatabaseKind::Sqlite => tables.replace("AUTO_KEY", "INTEGER PRIMARY KEY AUTOINCREMENT"),
        DatabaseKind::Postgres => tables
            .replace("INTEGER", "BIGINT")
            .replace("BLOB", "BYTEA")
            .replace("AUTO_KEY", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"),
    }
}

/// What the triggers of PostgreSQL call.
const fn refusal(kind: DatabaseKind) -> &'static str {
    match kind {
        DatabaseKind::Sqlite => "",
        DatabaseKind::Postgres => {
            "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME; END $$;\n"
        }
    }
}

/// Triggers that refuse every change and erasure of a row in these tables.
fn append_only_triggers(kind: DatabaseKind, tables: &[&str]) -> String {
    let one: fn(&&str) -> String = match kind {
        DatabaseKind::Sqlite => |table| {
            ["UPDATE", "DELETE"]
                .map(|change| {
                    format!(
                        "CREATE TRIGGER {table}_refuses_{change} BEFORE {change} ON {table} \
                         BEGIN SELECT RAISE(ABORT, 'rows of {table} are never changed'); END;\n"
                    )
                })
                .concat()
        },
        DatabaseKind::Postgres => |table| {
            format!(
                "CREATE TRIGGER {table}_refuses BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} \
                 FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();\n"
            )
        },
    };
    tables.iter().map(one).collect()
}

/// A path as the driver's URL wants it: what could end the path is percent-encoded.
fn escaped(path: &Path) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
    let mut out = String::new();
    for c in path.to_string_lossy().chars() {
        match c {
            c if c.is_ascii() && plain(c) => out.push(c),
            c => c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| out += &format!("%{byte:02X}")),
        }
    }
    out
}

/// A server's URL as it may be shown.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "PostgreSQL".to_owned() };
    let rest = rest.split('?').next().unwrap_or_default();
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    format!("{scheme}://{place}")
}

fn open_error(place: impl ToString, source: sqlx::Error) -> Error {
    Error::Open { place: place.to_string(), source }
}

#[cfg(test)]
mod tests {
    use super::{escaped, without_password};
    use std::path::Path;

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(without_password("postgres://me:p@ss@db.example/case?sslmode=require"), "postgres://db.example/case");
        assert_eq!(without_password("nonsense"), "PostgreSQL");
    }

    #[test]
    fn a_path_with_odd_characters_is_one_path() {
        assert_eq!(escaped(Path::new("/a b/事?c%/case.db")), "/a%20b/%E4%BA%8B%3Fc%25/case.db");
    }
}
