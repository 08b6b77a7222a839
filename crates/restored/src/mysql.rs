//! A read-only session on MariaDB or MySQL. Every query runs in a read-only transaction of its own, as a prepared statement:
//! PREPARE takes one query and nothing else, and its text goes over in hexadecimal. Rows come in text, as the server writes
//! them.

use futures_util::TryStreamExt;
use kintsugi_replay::{EachRow, Server, ServerError};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, Row, ValueRef, raw_sql};
use tokio::runtime::Runtime;

use crate::error::{Error, Result};
use crate::{Settings, connected, runtime};

/// What stops a statement at the time limit: MariaDB's number and MySQL's.
const TIMED_OUT: [u16; 2] = [1969, 3024];

/// Rights that only read.
const READING: [&str; 4] = ["USAGE", "SELECT", "SHOW VIEW", "SHOW DATABASES"];

/// Modes that change how a literal is read.
const OTHER_LITERALS: [&str; 2] = ["NO_BACKSLASH_ESCAPES", "ANSI_QUOTES"];

/// A session.
pub(crate) struct Session {
    runtime: Runtime,
    connection: MySqlConnection,
    version: String,
}

impl Session {
    /// Connects, looks at the role's rights, and makes sure that the session only reads.
    pub(crate) fn open(url: &str, place: &str, settings: &Settings) -> Result<Self> {
        let runtime = runtime(place)?;
        let options = options(url, settings).map_err(|source| Error::Connect { place: place.to_owned(), source })?;
        let (role, database) = (options.get_username().to_owned(), options.get_database().unwrap_or("shop").to_owned());
        let connection = runtime.block_on(async { connected(place, options.connect()).await })?;
        let mut session = Self { runtime, connection, version: String::new() };
        session.refuse_writing(place, &role, &database)?;
        session.read_only(place, settings)?;
        Ok(session)
    }

    fn refuse_writing(&mut self, place: &str, role: &str, database: &str) -> Result<()> {
        let grants = self.all("SHOW GRANTS").map_err(|source| Error::Asked { place: place.to_owned(), source })?;
        let Some(why) = grants.iter().find_map(|grant| writes(grant)) else { return Ok(()) };
        let grant =
            format!("CREATE USER replay@localhost IDENTIFIED BY '...'; GRANT SELECT ON `{database}`.* TO replay@localhost;");
        Err(Error::Writes { place: place.to_owned(), role: role.to_owned(), why, grant })
    }

    fn read_only(&mut self, place: &str, settings: &Settings) -> Result<()> {
        let asked = |source| Error::Asked { place: place.to_owned(), source };
        let refused = |why: &str| Error::Session { place: place.to_owned(), why: why.to_owned() };
        let version = self.one("SELECT VERSION()").map_err(asked)?;
        let mariadb = version.contains("MariaDB");
        self.version = if mariadb { version.replacen("-MariaDB", " (MariaDB)", 1) } else { format!("MySQL {version}") };
        let modes = self.one("SELECT @@SESSION.sql_mode").map_err(asked)?;
        if let Some(mode) = OTHER_LITERALS.iter().find(|mode| modes.contains(**mode)) {
            return Err(refused(&format!("its sql_mode has {mode}")));
        }
        let seconds = settings.statement_time.as_secs_f64();
        let limit = match mariadb {
            true => format!("SET SESSION max_statement_time = {seconds}"),
            false => format!("SET SESSION max_execution_time = {}", settings.statement_time.as_millis()),
        };
        self.run(&limit).map_err(asked)?;
        self.run("SET SESSION TRANSACTION READ ONLY").map_err(asked)?;
        let name = if mariadb { "SELECT @@SESSION.tx_read_only" } else { "SELECT @@SESSION.transaction_read_only" };
        if self.one(name).map_err(asked)? != "1" {
            return Err(refused("its transactions are not read-only"));
        }
        Ok(())
    }

    fn run(&mut self, sql: &str) -> sqlx::Result<()> {
        self.runtime.block_on(self.connection.execute(raw_sql(AssertSqlSafe(sql.to_owned())))).map(|_| ())
    }

    fn one(&mut self, sql: &'static str) -> sqlx::Result<String> {
        Ok(self.all(sql)?.into_iter().next().unwrap_or_default())
    }

    /// The first value of every row of a statement of our own.
    fn all(&mut self, sql: &'static str) -> sqlx::Result<Vec<String>> {
        let rows: Vec<MySqlRow> = self.runtime.block_on(self.connection.fetch_all(raw_sql(sql)))?;
        let first =
            |row: &MySqlRow| values(row).first().copied().flatten().map(|text| String::from_utf8_lossy(text).into_owned());
        Ok(rows.iter().filter_map(first).collect())
    }

    fn read(&mut self, sql: &str, each: &mut EachRow<'_>) -> sqlx::Result<()> {
        let Self { runtime, connection, .. } = self;
        let text = sql.bytes().fold(String::with_capacity(sql.len() * 2), |text, byte| text + &format!("{byte:02x}"));
        runtime.block_on(async {
            connection.execute(raw_sql("START TRANSACTION READ ONLY")).await?;
            let held = format!("SET @kintsugi = CONVERT(0x{text} USING utf8mb4)");
            connection.execute(raw_sql(AssertSqlSafe(held))).await?;
            connection.execute(raw_sql("PREPARE kintsugi FROM @kintsugi")).await?;
            let mut rows = connection.fetch(raw_sql("EXECUTE kintsugi"));
            while let Some(row) = rows.try_next().await? {
                each(&values(&row));
            }
            Ok(())
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

/// The values of a row, as text: all rows here come by the text protocol.
fn values(row: &MySqlRow) -> Vec<Option<&[u8]>> {
    let value = |at| match row.try_get_raw(at) {
        Ok(value) if !value.is_null() => row.try_get_unchecked::<&[u8], usize>(at).ok(),
        _ => None,
    };
    (0..row.len()).map(value).collect()
}

fn options(url: &str, settings: &Settings) -> sqlx::Result<MySqlConnectOptions> {
    let url = url.strip_prefix("mariadb://").map_or_else(|| url.to_owned(), |rest| format!("mysql://{rest}"));
    let options: MySqlConnectOptions = url.parse()?;
    let options = match &settings.password {
        Some(password) => options.password(password.open()),
        None => options,
    };
    // The server's own modes and zone are those in which the shop's statements ran.
    let options = options.pipes_as_concat(false).no_engine_substitution(false).timezone(None);
    Ok(options.disable_statement_logging())
}

/// What a line of SHOW GRANTS allows beyond reading.
fn writes(grant: &str) -> Option<String> {
    if grant.contains("WITH GRANT OPTION") {
        return Some("it may grant".into());
    }
    let rights = grant.strip_prefix("GRANT ")?;
    let Some((rights, _)) = rights.split_once(" ON ") else { return Some("it has roles, whose rights are not looked at".into()) };
    let beyond = names(rights).into_iter().find(|right| !READING.contains(&right.as_str()));
    beyond.map(|right| format!("it has the right {right}"))
}

/// `SELECT (a, b), INSERT` is SELECT and INSERT.
fn names(rights: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let outside: String = rights
        .chars()
        .filter(|c| {
            depth += usize::from(*c == '(');
            let kept = depth == 0;
            depth -= usize::from(*c == ')' && depth > 0);
            kept
        })
        .collect();
    outside.split(',').map(|right| right.trim().to_ascii_uppercase()).collect()
}

fn server_error(error: &sqlx::Error) -> ServerError {
    let sqlx::Error::Database(error) = error else { return ServerError::Lost };
    match error.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number) {
        Some(number) if TIMED_OUT.contains(&number) => ServerError::TimedOut,
        Some(number) => ServerError::Refused(number.to_string()),
        None => ServerError::Refused("without a code".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::writes;

    #[test]
    fn a_role_that_could_write_is_told_by_its_grants() {
        let check = |grant: &str, expected: Option<&str>| assert_eq!(writes(grant).as_deref(), expected, "{grant}");
        check("GRANT USAGE ON *.* TO `replay`@`localhost` IDENTIFIED BY PASSWORD '*00'", None);
        check("GRANT SELECT, SHOW VIEW ON `shop`.* TO `replay`@`localhost`", None);
        check("GRANT SELECT (id, name) ON `shop`.`items` TO `replay`@`localhost`", None);
        check("GRANT SELECT, INSERT ON `shop`.* TO `shop`@`localhost`", Some("it has the right INSERT"));
        check("GRANT FILE ON *.* TO `shop`@`localhost`", Some("it has the right FILE"));
        check("GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION", Some("it may grant"));
        check("GRANT `reader` TO `shop`@`localhost`", Some("it has roles, whose rights are not looked at"));
    }
}
