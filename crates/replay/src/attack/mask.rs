//! A shape without anything that could be about a person, for files that leave the house. Literals are out of a shape
//! already; but a name in it is whatever the intruder wrote (`WHERE mail = "a@example.jp"` is a name to some servers), so
//! only names stay that the server or the snapshot has.

use std::collections::HashSet;

use sqlparser::keywords::ALL_KEYWORDS;

use crate::catalog::Catalog;

/// What stands for a name that is nobody's business.
const MASK: &str = "…";

/// Names of servers' own tables and columns that attacks read, beside what SQL has for keywords.
const SERVER_NAMES: [&str; 44] = [
    "information_schema",
    "pg_catalog",
    "pg_class",
    "pg_attribute",
    "pg_namespace",
    "pg_tables",
    "pg_user",
    "pg_shadow",
    "pg_database",
    "pg_stat_activity",
    "sqlite_master",
    "sqlite_schema",
    "mysql",
    "innodb_table_stats",
    "schemata",
    "tables",
    "columns",
    "table_name",
    "table_schema",
    "column_name",
    "column_type",
    "data_type",
    "schema_name",
    "table_type",
    "table_rows",
    "user_privileges",
    "privilege_type",
    "grantee",
    "is_grantable",
    "super_priv",
    "file_priv",
    "authentication_string",
    "password",
    "user",
    "host",
    "db",
    "sys",
    "relname",
    "attname",
    "nspname",
    "datname",
    "usename",
    "tbl_name",
    "sql",
];

/// Every name that is neither a keyword, a call, the server's nor the snapshot's becomes a mark.
pub(super) fn masked(sql: &str, catalog: &Catalog) -> String {
    let known: HashSet<String> = catalog.names().map(str::to_lowercase).collect();
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '`' | '[' => quoted_length(rest, first),
            c if is_name(c) => rest.find(|c: char| !(is_name(c) || c.is_numeric())).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        let bare = token.trim_matches(['"', '`', '[', ']']).to_lowercase();
        let is_call = after.trim_start().starts_with('(') && token.is_ascii();
        match is_name(first) || length > 1 {
            true if known.contains(&bare) || is_plain_word(&bare) || is_name(first) && is_call => out.push_str(token),
            true => out.push_str(MASK),
            // A literal that was left, and every sign that is none of SQL's.
            false if first.is_ascii_digit() => out.push('?'),
            false => out.push(if first.is_control() { ' ' } else { first }),
        }
        rest = after;
    }
    out
}

fn is_name(c: char) -> bool {
    c.is_alphabetic() || matches!(c, '_' | '@' | '$')
}

/// The length of a quoted name, its quotes included; of the quote alone where it does not end.
fn quoted_length(text: &str, open: char) -> usize {
    let close = if open == '[' { ']' } else { open };
    text[1..].find(close).map_or(1, |at| at + 2)
}

fn is_plain_word(name: &str) -> bool {
    let upper = name.to_uppercase();
    ALL_KEYWORDS.binary_search(&upper.as_str()).is_ok() || SERVER_NAMES.contains(&name)
}

#[cfg(test)]
mod tests {
    use kintsugi_find::{Column, Table};

    use super::masked;
    use crate::catalog::Catalog;

    fn check(sql: &str, expected: &str) {
        let table = Table {
            id: 1,
            source: "shop".into(),
            name: "people".into(),
            columns: vec![Column { name: "mail".into(), meaning: None }],
            key: vec![0],
            rows: 0,
            duplicates: 0,
            misshapen: 0,
            person: None,
            references: Vec::new(),
        };
        assert_eq!(masked(sql, &Catalog::new(&[table], "shop")), expected);
    }

    #[test]
    fn names_of_the_server_and_the_snapshot_stay() {
        let sql = "UNION SELECT CONCAT(mail, ?) FROM shop.people LIMIT ?, ?";
        check(sql, "UNION SELECT CONCAT(mail, ?) FROM ….people LIMIT ?, ?");
        let sql = "AND ORD(MID((SELECT table_name FROM information_schema.tables), ?, ?)) > ?";
        check(sql, sql);
    }

    #[test]
    fn anything_else_may_be_about_a_person() {
        check("WHERE mail = \"hanako@example.jp\" OR mail = 佐藤", "WHERE mail = … OR mail = …");
        check("WHERE mail = hanako@example.jp", "WHERE mail = ….…");
        check("SELECT `mail` FROM \"people\" AS \"yamada\"", "SELECT `mail` FROM \"people\" AS …");
        check("WHERE mail = \"cut", "WHERE mail = \"…");
        check("WHERE 090-1234 \u{1b}[31m", "WHERE ???-????  [??…");
        check("WHERE yamada1970", "WHERE …");
    }
}
