//! What the query log says of a statement that a web log shows, as a verdict.

use kintsugi_case::{EndpointSpec, Shows};
use kintsugi_evidence::{QueryError, QueryLine};

use super::{Line, at, investigation, investigation_of, item, replay_of, size};
use crate::query::Queries;

/// A statement of the page, with the error number that it failed with and the rows that it sent.
fn ran(target: &str, code: &str, rows_sent: Option<u64>) -> QueryLine {
    let value = crate::request::Request::parse(target.as_bytes()).parameters[0].value.clone();
    let text = format!("SELECT id, title FROM items WHERE id={value} ORDER BY id").into_bytes();
    let error = (!code.is_empty()).then(|| QueryError { code: code.into(), ..QueryError::default() });
    QueryLine { at_ms: Some(0), text, error, rows_sent, ..QueryLine::default() }
}

/// The people at the first five places are asked for, and the page has the size of each; the log says this of the second.
fn check(second: Option<QueryLine>, expected: &str) {
    let targets: Vec<String> = (0..5).map(at).collect();
    let mut log: Vec<QueryLine> = targets.iter().map(|target| ran(target, "", Some(1))).collect();
    match second {
        Some(line) => log[1] = line,
        None => drop(log.remove(1)),
    }
    // Ordinary visitors, of whom the log has every one.
    let visits: Vec<String> = (20..30).map(|id| format!("/item?id={id}")).collect();
    log.extend(visits.iter().map(|target| ran(target, "", Some(0))));
    let mut lines: Vec<Line> = targets.iter().zip(0..).map(|(target, place)| line(target, size(place))).collect();
    lines.extend(visits.iter().map(|target| line(target, 500)));
    let mut investigation = investigation(Shows::FirstRow);
    investigation.know(Queries::of_lines(&log, &[item(Shows::FirstRow)]).executed);
    let written = replay_of(investigation, &lines);
    let about_second: Vec<&str> = written.exposures.iter().filter(|one| one.row == 2).map(|one| one.verdict.name()).collect();
    assert_eq!(about_second.join(" "), expected);
    let others = written.exposures.iter().filter(|one| one.row != 2);
    assert!(others.map(|one| one.verdict.name()).eq(["proved"; 4]), "the others are as they were");
}

/// One statement asks for an error message with a name in it; the log has this message, and the page this size.
fn check_message(message: &str, bytes: u64, errors: bool, expected: &str) {
    let target = "/item?id=5+AND+EXTRACTVALUE(1,CONCAT(0x7e,(SELECT+name+FROM+people+ORDER+BY+id+LIMIT+1,1)))";
    let error = QueryError { code: "1105".into(), message: kintsugi_case::Private::new(message.into()) };
    let log = [QueryLine { error: Some(error), ..ran(target, "", None) }];
    let spec = EndpointSpec { errors, ..item(Shows::Rows) };
    let mut investigation = investigation_of(&spec);
    investigation.know(Queries::of_lines(&log, &[spec]).executed);
    let written = replay_of(investigation, &[line(target, bytes)]);
    let told: Vec<String> = written.exposures.iter().map(|one| format!("{} {}", one.row, one.verdict.name())).collect();
    assert_eq!(told.join(" "), expected);
}

#[test]
fn the_logs_own_error_message_shows_the_value_where_sizes_cannot_tell() {
    let message = "XPATH syntax error: '~Bertil'";
    check_message(message, 700, true, "2 proved");
    check_message(message, 700, false, "2 possible");
    check_message(message, 12, true, "2 possible");
    check_message("XPATH syntax error: '~Ann'", 700, true, "2 possible");
}

fn line(target: &str, bytes: u64) -> Line {
    Line { target: target.into(), status: 200, bytes, took_ms: None }
}

#[test]
fn what_the_database_did_not_answer_is_excluded_whatever_the_page() {
    let second = at(1);
    check(Some(ran(&second, "", Some(1))), "proved");
    check(Some(ran(&second, "", None)), "proved");
    for code in ["1142", "1064", "1054"] {
        check(Some(ran(&second, code, None)), "excluded");
    }
    check(Some(ran(&second, "", Some(0))), "excluded");
    check(None, "excluded");
    // Stopped on the way: something may have been sent.
    check(Some(ran(&second, "1317", None)), "proved");
}

#[test]
fn what_a_stored_value_became_a_part_of_can_have_read_any_record() {
    let logged = |text: &str| QueryLine { at_ms: Some(0), text: text.as_bytes().to_vec(), ..QueryLine::default() };
    let kept = logged("INSERT INTO items (title) VALUES ('x'' UNION SELECT name FROM people-- -')");
    let run = logged("SELECT id FROM items WHERE title='x' UNION SELECT name FROM people-- -'");
    let queries = Queries::of_lines(&[kept, run], &[item(Shows::Rows)]);
    let mut investigation = investigation(Shows::Rows);
    investigation.awoken(queries.stored.found());
    let written = replay_of(investigation, &[]);
    assert!(written.exposures.iter().map(|one| one.verdict.name()).eq(["possible"; 5]));
    assert!(written.bases[0].reason.contains("a value that was stored before"), "{}", written.bases[0].reason);
}

#[test]
fn a_union_of_different_width_is_excluded_whatever_the_page() {
    let written = replay_of(investigation(Shows::Rows), &[line("/item?id=-1+UNION+SELECT+name+FROM+people--+-", 900)]);
    assert!(written.exposures.iter().map(|one| one.verdict.name()).eq(["excluded"; 5]), "{:?}", written.exposures.len());
}

#[test]
fn the_databases_own_durations_stand_in_where_the_web_log_has_none() {
    // A search through the code of each character of the first name, and of the end behind it; no web log says how long.
    let (mut log, mut lines) = (Vec::new(), Vec::new());
    for (at, code) in [u64::from(b'A'), u64::from(b'n'), u64::from(b'n'), 0].into_iter().enumerate() {
        let (mut low, mut high) = (0, 0x00FF_FFFF_u64);
        while low < high {
            let middle = u64::midpoint(low, high);
            let asked = format!("ORD(MID((SELECT name FROM people ORDER BY id LIMIT 0,1),{},1))>{middle}", at + 1);
            let target = format!("/item?id=5+AND+(SELECT+1+FROM+(SELECT(SLEEP(2-(IF({asked},0,2)))))x)").replace(' ', "+");
            let took = if code > middle { 2_003_000 } else { 900 };
            log.push(QueryLine { duration_us: Some(took), ..ran(&target, "", None) });
            lines.push(line(&target, 700));
            if code > middle { low = middle + 1 } else { high = middle }
        }
    }
    let replayed = |log: &[QueryLine]| {
        let mut investigation = investigation(Shows::Rows);
        investigation.know(Queries::of_lines(log, &[item(Shows::Rows)]).executed);
        let written = replay_of(investigation, &lines);
        let told: Vec<String> = written.exposures.iter().map(|one| format!("{} {}", one.row, one.verdict.name())).collect();
        told.join(" ")
    };
    assert_eq!(replayed(&log), "1 proved");
    let without: Vec<QueryLine> = log.iter().map(|line| QueryLine { duration_us: None, ..line.clone() }).collect();
    assert_ne!(replayed(&without), "1 proved");
}
