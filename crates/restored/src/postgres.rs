//! A read-only session on PostgreSQL. Every query runs in a transaction of its own, through a cursor: its rows come in text as
//! the server writes them, a batch at a time, and DECLARE takes one query and nothing else.

use std::time::Duration;

use kintsugi_replay::{EachRow, Server, ServerError};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, Row, ValueRef, raw_sql};
use tokio::runtime::Runtime;

use crate::error::{Error, Result};
use crate::{Settings, connected, runtime};

/// Rows fetched at a time.
const BATCH_ROWS: u32 = 10_000;

/// What stops a statement at the time limit (`query_canceled`).
const CANCELED: &str = "57014";

/// The first right of the current role beyond reading, if it has one.
const WRITES: &str = "
SELECT what FROM (
  SELECT 1 AS at, 'it is a superuser or may make roles, databases or replicas' AS what FROM pg_roles
    WHERE rolname = current_user AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication)
  UNION ALL
  SELECT 2, 'it is a member of ' || r.rolname FROM pg_roles r
    WHERE r.rolname IN ('pg_write_all_data', 'pg_write_server_files', 'pg_read_server_files', 'pg_execute_server_program')
    AND pg_has_role(current_user, r.oid, 'MEMBER')
  UNION ALL
  SELECT 3, 'it may change table ' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
  UNION ALL
  SELECT 4, 'it may use sequence ' || c.relname FROM pg_class c
    WHERE CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(c.oid, 'USAGE, UPDATE') ELSE false END
) rights ORDER BY at, what LIMIT 1";

/// A session.
pub(crate) struct Session {
    runtime: Runtime,
    connection: PgConnection,
    version: String,
}

impl Session {
    /// Connects, looks at the role's rights, and makes sure that a transaction only reads.
    pub(crate) fn open(url: &str, place: &str, settings: &Settings) -> Result<Self> {
        let runtime = runtime(place)?;
        let options = options(url, settings).map_err(|source| Error::Connect { place: place.to_owned(), source })?;
        let role = options.get_username().to_owned();
        let connection = runtime.block_on(async { connected(place, options.connect()).await })?;
        let mut session = Self { runtime, connection, version: String::new() };
        session.refuse_writing(place, &role)?;
        let asked = |source| Error::Asked { place: place.to_owned(), source };
        session.version = format!("PostgreSQL {}", session.one("SHOW server_version").map_err(asked)?.unwrap_or_default());
        session.run("BEGIN READ ONLY").map_err(asked)?;
        let read_only = session.one("SHOW transaction_read_only").map_err(asked)?;
        session.run("ROLLBACK").map_err(asked)?;
        if read_only.as_deref() == Some("on") {
            return Ok(session);
        }
        Err(Error::Session { place: place.to_owned(), why: "its transactions are not read-only".into() })
    }

    fn refuse_writing(&mut self, place: &str, role: &str) -> Result<()> {
        let asked = |source| Error::Asked { place: place.to_owned(), source };
        let Some(why) = self.one(WRITES).map_err(asked)? else { return Ok(()) };
        let database = self.one("SELECT current_database()").map_err(asked)?.unwrap_or_default();
        let grant = format!(
            "CREATE ROLE replay LOGIN PASSWORD '...'; GRANT CONNECT ON DATABASE \"{database}\" TO replay; \
             GRANT USAGE ON SCHEMA public TO replay; GRANT SELECT ON ALL TABLES IN SCHEMA public TO replay;"
        );
        Err(Error::Writes { place: place.to_owned(), role: role.to_owned(), why, grant })
    }

    fn run(&mut self, sql: &'static str) -> sqlx::Result<()> {
        self.runtime.block_on(self.connection.execute(raw_sql(sql))).map(|_| ())
    }

    /// The first value of a statement of our own.
    fn one(&mut self, sql: &'static str) -> sqlx::Result<Option<String>> {
        let row: Option<PgRow> = self.runtime.block_on(self.connection.fetch_optional(raw_sql(sql)))?;
        Ok(row.as_ref().and_then(|row| values(row).into_iter().next().flatten().map(|text| text.to_owned())))
            .map(|text| text.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn read(&mut self, sql: &str, each: &mut EachRow<'_>) -> sqlx::Result<()> {
        let Self { runtime, connection, .. } = self;
        runtime.block_on(async {
            connection.execute(raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")).await?;
            // Prepared, so that the server itself refuses a second statement behind the first.
            let declare = format!("DECLARE kintsugi NO SCROLL CURSOR FOR {sql}");
            sqlx::query(AssertSqlSafe(declare)).persistent(false).execute(&mut *connection).await?;
            loop {
                let fetch = AssertSqlSafe(format!("FETCH {BATCH_ROWS} FROM kintsugi"));
                let rows: Vec<PgRow> = connection.fetch_all(raw_sql(fetch)).await?;
                rows.iter().for_each(|row| each(&values(row)));
                if rows.len() < BATCH_ROWS as usize {
                    return Ok(());
                }
            }
        })
    }
}

impl Server for Session {
    fn version(&self) -> &str {
        &self.version
    }

    fn query(&mut self, sql: &str, each: &mut EachRow<'_>) -> Result<(), ServerError> {
        let read = self.read(sql, each).map_err(|error| server_error(&error));
        match self.run("ROLLBACK") {
            Ok(()) => read,
            Err(_) => Err(ServerError::Lost),
        }
    }
}

/// The values of a row, as text.
fn values(row: &PgRow) -> Vec<Option<&[u8]>> {
    let value = |at| row.try_get_raw(at).ok().filter(|value| !value.is_null()).and_then(|value| value.as_bytes().ok());
    (0..row.len()).map(value).collect()
}

fn options(url: &str, settings: &Settings) -> sqlx::Result<PgConnectOptions> {
    let options: PgConnectOptions = url.parse()?;
    let options = match &settings.password {
        Some(password) => options.password(password.open()),
        None => options,
    };
    let time = settings.statement_time.max(Duration::from_millis(1)).as_millis().to_string();
    let session = [
        ("default_transaction_read_only", "on"),
        ("statement_timeout", &time),
        ("lock_timeout", &time),
        // The whole answer is wanted, in the order of an ordinary SELECT, from the table's beginning.
        ("cursor_tuple_fraction", "1"),
        ("synchronize_seqscans", "off"),
    ];
    Ok(options.application_name("kintsugi").extra_float_digits(None).options(session).disable_statement_logging())
}

fn server_error(error: &sqlx::Error) -> ServerError {
    match error {
        sqlx::Error::Database(error) => match error.code().as_deref() {
            Some(CANCELED) => ServerError::TimedOut,
            code => ServerError::Refused(code.unwrap_or("without a code").to_owned()),
        },
        _ => ServerError::Lost,
    }
}
