//! docs/data.md against the schema, and the source against the promise that some tables are only ever appended to.

use std::collections::BTreeSet;
use std::path::Path;

use sqlx::Row;

use crate::case::Place;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The part of docs/data.md about one place.
fn part(place: &str) -> String {
    let text = read("../../docs/data.md");
    text.split("\n## ").find(|part| part.starts_with(place)).expect("a part about this place").to_owned()
}

/// Tables and their columns as docs/data.md lists them: `### name`, then rows that begin with a column in back-quotes.
fn documented() -> BTreeSet<(String, String)> {
    let mut table = String::new();
    let mut found = BTreeSet::new();
    for line in part("case.db").lines() {
        if let Some(name) = line.strip_prefix("### ") {
            table = name.trim().to_owned();
        } else if let Some(rest) = line.strip_prefix("| `") {
            found.insert((table.clone(), rest.split('`').next().unwrap_or_default().to_owned()));
        }
    }
    found
}

#[tokio::test]
async fn every_table_and_column_is_documented() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::sqlite(dir.path());
    place.open().await.close().await;
    let sql = "SELECT m.name AS table_name, c.name AS column_name FROM sqlite_master m, pragma_table_info(m.name) c \
               WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name <> '_sqlx_migrations'";
    let rows = sqlx::query(sql).fetch_all(&place.raw().await).await.unwrap();
    let there: BTreeSet<(String, String)> = rows.iter().map(|row| (row.get("table_name"), row.get("column_name"))).collect();
    let documented = documented();
    assert_eq!(there.difference(&documented).collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "not in docs/data.md");
    assert_eq!(documented.difference(&there).collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "not in the schema");
}

#[test]
fn every_table_of_find_db_is_documented() {
    let layout = read("../find/src/layout.rs");
    let after = |text: &str, mark: &str| -> BTreeSet<String> {
        let names = text.split(mark).skip(1).filter_map(|rest| rest.split([' ', '\n']).next());
        names.map(str::to_owned).collect()
    };
    assert_eq!(after(&part("find.db"), "\n### "), after(&layout, "CREATE TABLE "));
}

#[test]
fn every_table_says_who_writes_reads_and_erases_it() {
    let text = read("../../docs/data.md");
    for section in text.split("\n### ").skip(1) {
        for word in ["Written by", "Read by", "Erased"] {
            assert!(section.contains(word), "{word} is missing: {}", section.lines().next().unwrap_or_default());
        }
    }
}

#[test]
fn no_statement_changes_or_erases_what_is_only_appended_to() {
    let tables = [
        "scope_version",
        "basis",
        "person",
        "person_record",
        "exposed_record",
        "fact",
        "notice_event",
        "audit",
        "document",
        "document_fact",
        "attack_picture",
        "attack_statement",
        "plan",
        "approval",
        "postal_address",
    ];
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).collect();
        for three in words.windows(3) {
            let hit = match three {
                ["UPDATE", table, _] | ["DELETE", "FROM", table] | ["INSERT", "OR", table] | ["REPLACE", "INTO", table] => {
                    tables.contains(table)
                }
                // An index holds nothing of its own.
                ["DROP", "INDEX", _] => false,
                ["TRUNCATE" | "DROP", ..] => !path.ends_with("database.rs"),
                _ => false,
            };
            assert!(!hit, "{}: {}", path.display(), three.join(" "));
        }
    }
}
