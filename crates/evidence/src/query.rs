//! Query logs: what database servers and applications write about the statements that they ran. One file per format below.
//!
//! The text of a statement, its parameters and the server's error message hold personal data (an error-based attack leaves
//! the stolen values in them), so none of them can be printed by accident. What a statement means, and which request it
//! belongs to, is decided in `replay`.

mod application_json;
mod application_text;
mod mariadb_audit;
mod mysql_general;
mod mysql_slow;
mod postgresql;
mod postgresql_csv;
mod postgresql_json;
mod postgresql_stderr;
mod read;
mod time;

use std::fmt;

use kintsugi_case::Private;
use serde::{Deserialize, Serialize};

use crate::{Gap, Unread};

pub use read::{detect_queries, parse_queries, read_queries};

pub(crate) use read::format_of;

/// A format of query logs that this version reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueryLogFormat {
    /// General query log of MariaDB or MySQL.
    MysqlGeneral,
    /// Slow query log of MariaDB or MySQL.
    MysqlSlow,
    /// `server_audit` plugin of MariaDB, to a file.
    MariadbAudit,
    /// PostgreSQL to stderr, with any `log_line_prefix` that has a time or a process.
    PostgresqlStderr,
    /// PostgreSQL's `csvlog`.
    PostgresqlCsv,
    /// PostgreSQL's `jsonlog`.
    PostgresqlJson,
    /// An application that writes a time and the SQL on a line.
    ApplicationText,
    /// An application that writes a JSON object a statement.
    ApplicationJson,
}

impl QueryLogFormat {
    /// Every format.
    pub const ALL: [Self; 8] = [
        Self::MysqlGeneral,
        Self::MysqlSlow,
        Self::MariadbAudit,
        Self::PostgresqlStderr,
        Self::PostgresqlCsv,
        Self::PostgresqlJson,
        Self::ApplicationText,
        Self::ApplicationJson,
    ];

    /// The name in case files and in the custody manifest.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MysqlGeneral => "mysql_general",
            Self::MysqlSlow => "mysql_slow",
            Self::MariadbAudit => "mariadb_audit",
            Self::PostgresqlStderr => "postgresql_stderr",
            Self::PostgresqlCsv => "postgresql_csv",
            Self::PostgresqlJson => "postgresql_json",
            Self::ApplicationText => "application_sql",
            Self::ApplicationJson => "application_sql_json",
        }
    }

    /// The format with this name. What follows the name declares fields (see `application_json.rs`).
    pub fn from_name(name: &str) -> Option<Self> {
        let first = name.split_ascii_whitespace().next()?;
        Self::ALL.into_iter().find(|format| format.name() == first)
    }
}

/// A statement as a query log tells it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct QueryLine {
    /// Where it begins, from 1, in the uncompressed file.
    pub line: u64,
    /// When, milliseconds since 1970 UTC: when it began, in most formats; when it had ended, in those that log it then.
    /// `None` where the log has no time before this line.
    pub at_ms: Option<i64>,
    /// The server's number or name for the connection; empty where the log has none.
    pub connection: String,
    /// The database user; empty where the log has none.
    pub user: String,
    /// The statement.
    pub text: Vec<u8>,
    /// Values bound to it, in order, where the log shows them; `None` is NULL.
    pub parameters: Vec<Option<Vec<u8>>>,
    /// What the server said instead of an answer.
    pub error: Option<QueryError>,
    /// Rows of the answer, where the format tells it.
    pub rows_sent: Option<u64>,
    /// Bytes of the answer on the wire, likewise.
    pub bytes_sent: Option<u64>,
    /// How long the server took, microseconds, likewise.
    pub duration_us: Option<u64>,
    /// Whether the log may hold only the first part of the text.
    pub cut: bool,
}

/// The lengths, not the bytes: a statement holds personal data.
impl fmt::Debug for QueryLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryLine")
            .field("line", &self.line)
            .field("at_ms", &self.at_ms)
            .field("connection", &self.connection)
            .field("text_bytes", &self.text.len())
            .field("parameters", &self.parameters.len())
            .field("error", &self.error)
            .field("rows_sent", &self.rows_sent)
            .field("bytes_sent", &self.bytes_sent)
            .field("duration_us", &self.duration_us)
            .finish_non_exhaustive()
    }
}

/// A statement that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryError {
    /// The server's code: an error number (MariaDB, MySQL) or an SQLSTATE (PostgreSQL); empty where the log has none.
    pub code: String,
    /// The server's words, where the log has them. They may hold stolen values.
    pub message: Private<String>,
}

impl QueryError {
    /// Why it failed, as far as the code or the words say it.
    pub fn kind(&self) -> QueryErrorKind {
        QueryErrorKind::of_code(&self.code).unwrap_or_else(|| QueryErrorKind::of_words(self.message.open()))
    }
}

/// Kinds of failure that differ in what the client can have got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueryErrorKind {
    /// No right to a table, column or function.
    AccessDenied,
    /// The statement was never run: it could not be parsed.
    Syntax,
    /// It was never run: it names a table, column or function that is not there, or selects other columns than the query
    /// before it.
    Name,
    /// It was stopped: a time limit, or somebody.
    Stopped,
    /// It ran and failed on a value: the message may carry that value.
    Value,
    /// Something else.
    Other,
}

impl QueryErrorKind {
    /// Error numbers: MariaDB's and MySQL's error reference. SQLSTATEs: PostgreSQL's appendix A.
    fn of_code(code: &str) -> Option<Self> {
        Some(match code {
            "" | "00000" => return None,
            "1044" | "1045" | "1142" | "1143" | "1227" | "1370" | "42501" | "28000" | "28P01" => Self::AccessDenied,
            "1064" | "1065" | "1149" | "42601" | "42000" => Self::Syntax,
            "1054" | "1146" | "1222" | "1305" | "1109" | "1049" | "1241" | "1630" => Self::Name,
            "42703" | "42P01" | "42883" | "42804" | "42725" | "42803" | "42P10" | "3F000" => Self::Name,
            "1317" | "1969" | "3024" | "1205" | "1213" | "57014" | "55P03" | "40P01" => Self::Stopped,
            "1105" | "1062" | "1690" | "1292" | "1367" | "1365" | "1242" | "3140" | "3143" => Self::Value,
            _ if code.starts_with("22") && code.len() == 5 => Self::Value,
            "21000" | "23505" => Self::Value,
            _ => Self::Other,
        })
    }

    /// Logs without codes: PostgreSQL writes none to stderr unless the prefix asks for it.
    fn of_words(words: &str) -> Self {
        let has = |part: &str| words.contains(part);
        if has("permission denied") || has("Access denied") || has("command denied") {
            Self::AccessDenied
        } else if has("syntax error") || has("unterminated quoted") || has("error in your SQL syntax") || has("incomplete input")
        {
            Self::Syntax
        } else if has("canceling statement") || has("interrupted") || has("max_statement_time") {
            Self::Stopped
        } else if has("does not exist")
            || has("no such ")
            || has("must have the same number of columns")
            || has("do not have the same number")
            || has("cannot be matched")
            || has("must appear in the GROUP BY")
            || has("is not in select list")
        {
            Self::Name
        } else if has("invalid input") || has("out of range") || has("division by zero") || has("XPATH") || has("malformed") {
            Self::Value
        } else {
            Self::Other
        }
    }
}

/// What was read of a query log, and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryReport {
    /// The file's path as in the custody manifest.
    pub path: String,
    /// Its format; `None` where this version does not read it.
    pub queries: Option<QueryLogFormat>,
    /// Lines in the file.
    pub lines: u64,
    /// Lines that were read, those that belong to no statement (headings, connections) among them.
    /// `lines` = `read` + `unread_count`.
    pub read: u64,
    /// The first lines that were not.
    pub unread: Vec<Unread>,
    /// How many were not.
    pub unread_count: u64,
    /// Statements found.
    pub statements: u64,
    /// Those that failed, as far as the log tells.
    pub failed: u64,
    /// Those whose text may be cut.
    pub cut: u64,
    /// Those without a time.
    pub undated: u64,
    /// The earliest statement, milliseconds since 1970 UTC.
    pub first_at_ms: Option<i64>,
    /// The latest.
    pub last_at_ms: Option<i64>,
    /// The longest gaps, at most 20, in order of time.
    pub gaps: Vec<Gap>,
    /// Where and why reading stopped before the end, as in a cut gzip file.
    pub truncated: Option<String>,
}
