//! How the database server reads SQL text, as far as replay must know it.

use kintsugi_case::Dbms;
use sqlparser::dialect as parser;

/// A family of servers that read SQL alike. To add one, give it an arm in each function here; docs/adding-a-dialect.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// MySQL and MariaDB.
    MySql,
    /// PostgreSQL.
    PostgreSql,
    /// SQLite.
    Sqlite,
}

impl Dialect {
    /// The dialect of a database system.
    pub const fn of(dbms: Dbms) -> Self {
        match dbms {
            Dbms::MariaDb | Dbms::MySql => Self::MySql,
            Dbms::PostgreSql => Self::PostgreSql,
            Dbms::Sqlite => Self::Sqlite,
        }
    }

    /// sqlparser's name for it.
    pub(crate) fn parser(self) -> &'static dyn parser::Dialect {
        match self {
            Self::MySql => &parser::MySqlDialect {},
            Self::PostgreSql => &parser::PostgreSqlDialect {},
            Self::Sqlite => &parser::SQLiteDialect {},
        }
    }

    /// Whether a backslash in a string escapes the next character (MySQL's default `sql_mode`).
    pub(crate) const fn escapes_by_backslash(self) -> bool {
        matches!(self, Self::MySql)
    }

    /// Whether `"x"` is a string and not a name.
    pub(crate) const fn double_quotes_are_strings(self) -> bool {
        matches!(self, Self::MySql)
    }

    /// Whether rows without ORDER BY come in the order of the primary key (InnoDB clusters by it), not of the file.
    pub(crate) const fn rows_follow_key(self) -> bool {
        matches!(self, Self::MySql)
    }

    /// Bytes at which JSON_ARRAYAGG and GROUP_CONCAT are cut (`group_concat_max_len`; MariaDB's default since 10.2).
    pub(crate) const fn aggregate_bytes_max(self) -> Option<usize> {
        match self {
            Self::MySql => Some(1_048_576),
            Self::PostgreSql | Self::Sqlite => None,
        }
    }
}
