//! The five people at earlier times: what a query log says was written, and how the table then looks.

use kintsugi_case::{EvidenceId, EvidenceLine};
use kintsugi_evidence::QueryLine;

use super::{History, Moment, Past, Sessions, Side, Unclear};
use crate::catalog::{Catalog, View};
use crate::data::Data;
use crate::dialect::Dialect;
use crate::tests::{Codes, PEOPLE, people};

const VIEW: View = View { table: 0, secrets: false };

/// The five people, and the past that these statements leave; the first ran at 10, the next at 20 and so on.
fn data(statements: &[&str]) -> (Data, Catalog) {
    let rows: Vec<String> = PEOPLE.iter().map(|(id, name, _)| format!("({id}, '{name}', 'present')")).collect();
    data_of(&rows, statements)
}

/// The same of other rows.
fn data_of(rows: &[String], statements: &[&str]) -> (Data, Catalog) {
    let catalog = Catalog::new(&[people()], "shop");
    let data = Data::in_memory().expect("memory");
    let sql = format!("CREATE TABLE \"shop.people\" (id, name, code); INSERT INTO \"shop.people\" VALUES {}", rows.join(", "));
    data.connection().execute_batch(&sql).expect("rows");
    let mut sessions = Sessions::new(Dialect::MySql, &catalog);
    for (text, number) in statements.iter().zip(1..) {
        let line =
            QueryLine { line: number, at_ms: Some(10 * number as i64), text: text.as_bytes().to_vec(), ..QueryLine::default() };
        sessions.take(&line, EvidenceLine { evidence: EvidenceId(1), line: number });
    }
    let history = History::of(sessions.finish(), &catalog, &data).expect("a history");
    data.remember(Past::new(history, Dialect::MySql));
    data.prepare(VIEW, &catalog, &Codes).expect("a view");
    (data, catalog)
}

/// Just after what is logged at this time, if anything is.
fn at(at_ms: i64) -> Moment {
    Moment::exactly(at_ms, EvidenceLine { evidence: EvidenceId(1), line: 1_000 })
}

fn rows(data: &Data, catalog: &Catalog) -> String {
    let sql = format!("SELECT kintsugi_row || ':' || id || ' ' || name FROM {} ORDER BY id, name", catalog.view_name(VIEW));
    let mut statement = data.connection().prepare(&sql).expect("the view");
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).expect("rows");
    rows.map(|row| row.expect("a row")).collect::<Vec<_>>().join(", ")
}

/// The table at some times, each `time: rows`; where something is unknown, with the shortest and the longest values.
fn check(statements: &[&str], expected: &[(i64, &str)]) {
    let (data, catalog) = data(statements);
    for (at_ms, told) in expected {
        data.at(Some(at(*at_ms)));
        let (_, is_open) = data.rewind(&[VIEW]).expect("the table of then");
        let mut found = rows(&data, &catalog);
        if is_open {
            data.take_side(Side::Most).expect("the longest values");
            found = format!("{found} | {}", rows(&data, &catalog));
            data.take_side(Side::Least).expect("the shortest values");
        }
        assert_eq!(found, *told, "at {at_ms}");
    }
}

const NOW: &str = "1:11 Ann, 2:12 Bertil, 3:13 佐藤, 4:14 D, 5:19 Ernestine";

#[test]
fn a_row_that_came_later_was_not_there() {
    let then = "1:11 Ann, 2:12 Bertil, 3:13 佐藤, 4:14 D";
    check(
        &["SELECT 1", "INSERT INTO people (id, name, code) VALUES (19, 'Ernestine', '222')"],
        &[(5, then), (20, NOW), (5, then)],
    );
    check(&["SELECT 1", "INSERT INTO people (name, code) VALUES ('Ernestine', '222')"], &[(5, then), (25, NOW)]);
    check(&["INSERT INTO people (id, name) VALUES (14, 'D'), (19, 'Ernestine')"], &[(5, "1:11 Ann, 2:12 Bertil, 3:13 佐藤")]);
}

#[test]
fn a_value_that_was_replaced_is_unknown_unless_an_earlier_write_gives_it() {
    let open =
        "1:11 Ann, 2:12 D, 3:13 佐藤, 4:14 D, 5:19 Ernestine | 1:11 Ann, 2:12 Ernestine, 3:13 佐藤, 4:14 D, 5:19 Ernestine";
    let known = "1:11 Ann, 2:12 Bo, 3:13 佐藤, 4:14 D, 5:19 Ernestine";
    let writes = ["UPDATE people SET name='Bo' WHERE id=12", "UPDATE people SET name='Bertil' WHERE id=12"];
    check(&writes, &[(25, NOW), (15, known), (5, open), (15, known)]);
}

#[test]
fn a_row_that_was_deleted_was_there_with_what_the_log_knows_of_it() {
    let gone = "0:9 Zoë, 1:11 Ann, 2:12 Bertil, 3:13 佐藤, 4:14 D, 5:19 Ernestine";
    let writes = ["INSERT INTO people VALUES (9, 'Zoë', '1')", "DELETE FROM people WHERE id=9", "DELETE FROM people WHERE id=9"];
    check(&writes, &[(15, gone), (25, NOW), (5, NOW)]);
    let (data, catalog) = data(&["SELECT 1", "DELETE FROM people WHERE id=15"]);
    data.at(Some(at(5)));
    assert!(data.rewind(&[VIEW]).expect("then").1);
    assert!(rows(&data, &catalog).contains("0:15 D"));
}

#[test]
fn deleted_by_another_column_a_row_may_have_been_there() {
    let perhaps = format!("{NOW} | {}", NOW.replace("Ann,", "Ann, 0:11 Bo,"));
    check(&["DELETE FROM people WHERE name='Bo'"], &[(5, &perhaps), (15, NOW)]);
    let known = "0:9 Bo, 1:11 Ann, 2:12 Bertil, 3:13 佐藤, 4:14 D, 5:19 Ernestine";
    check(&["INSERT INTO people VALUES (9, 'Bo', '1')", "DELETE FROM people WHERE name='Bo'"], &[(15, known)]);
}

#[test]
fn as_many_may_have_been_deleted_as_others_share_a_value() {
    let rows = [(11, "Ann"), (12, "Ann"), (13, "Ann"), (14, "Bo")].map(|(id, name)| format!("({id}, '{name}', 'present')"));
    let (data, catalog) = data_of(&rows, &["DELETE FROM people WHERE name='Eva'"]);
    data.at(Some(at(5)));
    assert!(data.rewind(&[VIEW]).expect("then").1);
    data.take_side(Side::Most).expect("most");
    assert_eq!(rows_named(&data, &catalog, "Eva"), 3);
    data.take_side(Side::Least).expect("least");
    assert_eq!(rows_named(&data, &catalog, "Eva"), 0);
}

fn rows_named(data: &Data, catalog: &Catalog, name: &str) -> usize {
    let sql = format!("SELECT count(*) FROM {} WHERE name = ?", catalog.view_name(VIEW));
    let count = data.connection().query_row(&sql, [name], |row| row.get::<_, i64>(0)).expect("a count");
    usize::try_from(count).expect("a count")
}

#[test]
fn what_cannot_be_followed_row_by_row_is_said_with_its_reason() {
    let check = |statement: &str, expected: Option<Unclear>| {
        let (data, _) = data(&["SELECT 1", statement]);
        data.at(Some(at(5)));
        assert_eq!(data.unclear(&[VIEW]), expected, "{statement}");
        data.at(Some(at(25)));
        assert_eq!(data.unclear(&[VIEW]), None, "{statement} was before");
    };
    check("UPDATE people SET name='x' WHERE code='123'", Some(Unclear::Secret));
    check("DELETE FROM people WHERE code='123'", Some(Unclear::Secret));
    check("UPDATE people SET name='x' WHERE length(name)=3", Some(Unclear::Rows));
    let many: Vec<String> = (0..5000).map(|id| id.to_string()).collect();
    check(&format!("UPDATE people SET name='x' WHERE id IN ({})", many.join(",")), Some(Unclear::Rows));
    check("UPDATE people SET name='Bertil' WHERE id=12", None);
}

#[test]
fn writes_that_took_no_effect_are_not_undone() {
    check(&["BEGIN", "INSERT INTO people (id, name) VALUES (19, 'Ernestine')", "ROLLBACK"], &[(5, NOW)]);
    let open = format!("{NOW} | {}", NOW.replace("14 D", "14 Ernestine"));
    let later = "UPDATE people SET name='D' WHERE id=14";
    check(&["UPDATE people SET name='Someone else' WHERE id=11", later], &[(5, &open), (25, NOW)]);
    check(&["INSERT INTO people (id, name) VALUES (11, 'Not Ann')", later], &[(5, &open), (25, NOW)]);
    // After the dump.
    check(
        &[
            "UPDATE people SET name='D' WHERE id=14",
            "DELETE FROM people WHERE id=11",
            "INSERT INTO people (id, name) VALUES (20, 'F')",
        ],
        &[(15, NOW), (99, NOW)],
    );
}

#[test]
fn replaced_rows_may_have_been_there_or_not() {
    let replaced = "1:11 Ann, 2:12 Bertil, 3:13 佐藤, 4:14 D | 1:11 Ann, 2:12 Bertil, 3:13 佐藤, 4:14 D, 5:19 Ernestine";
    check(&["REPLACE INTO people (id, name, code) VALUES (19, 'Ernestine', '222')"], &[(5, replaced)]);
    let upsert = "INSERT INTO people (id, name) VALUES (19, 'x') ON DUPLICATE KEY UPDATE name='Ernestine'";
    check(&["INSERT INTO people VALUES (19, 'Eva', '1')", upsert], &[(15, &NOW.replace("Ernestine", "Eva"))]);
}

#[test]
fn about_a_time_both_states_are_possible() {
    let (data, catalog) = data(&["INSERT INTO people (id, name, code) VALUES (19, 'Ernestine', '222')"]);
    data.at(Some(Moment { from_ms: 5, to_ms: 15, line: None }));
    assert!(data.rewind(&[VIEW]).expect("then").1);
    assert_eq!(rows(&data, &catalog), "1:11 Ann, 2:12 Bertil, 3:13 佐藤, 4:14 D");
    data.take_side(Side::Most).expect("most");
    assert_eq!(rows(&data, &catalog), NOW);
}
