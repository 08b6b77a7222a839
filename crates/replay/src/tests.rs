//! Behaviour of replay on small cases: log lines and rows in, what was exposed out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use kintsugi_case::{
    BasisSummary, CsvOptions, Dbms, Encoding, EndpointSpec, EvidenceId, EvidenceLine, Exposure, FieldMeaning, ParameterPlace,
    Shows, SourceSpec,
};
use kintsugi_find::{Column, Table};

use crate::RecoveredValue;
use crate::catalog::Catalog;
use crate::conclusion::Sink;
use crate::data::{Data, NoSnapshot, Secrets};
use crate::dialect::Dialect;
use crate::error::Result;
use crate::investigation::Investigation;
use crate::statement::{Observation, Seen};

mod elsewhere;
mod fast_reject;
mod query_log;

/// Five people: (id, name, code). Their names differ in length, so that sizes tell them apart.
pub(crate) const PEOPLE: [(i64, &str, &str); 5] =
    [(11, "Ann", "123"), (12, "Bertil", "4567"), (13, "佐藤", "890"), (14, "D", "111"), (19, "Ernestine", "222")];
/// A page without its rows, and what each row adds around its text.
pub(crate) const PAGE: u64 = 500;
pub(crate) const FRAME: u64 = 40;

/// The security codes, which find.db does not hold.
pub(crate) struct Codes;

impl Secrets for Codes {
    fn read(&self, _: &Table, columns: &[usize], each: &mut dyn FnMut(u64, &[Option<&str>])) -> Result<()> {
        assert_eq!(columns, [2], "only what find.db does not hold is read");
        PEOPLE.iter().zip(1..).for_each(|((_, _, code), row)| each(row, &[Some(*code)]));
        Ok(())
    }
}

#[derive(Default)]
struct Written {
    exposures: Vec<Exposure>,
    bases: Vec<BasisSummary>,
    /// The values that were handed over, one a line.
    values: String,
}

impl Sink for Written {
    fn exposure(&mut self, exposure: &Exposure) -> Result<()> {
        self.exposures.push(exposure.clone());
        Ok(())
    }

    fn basis(&mut self, basis: &BasisSummary) -> Result<()> {
        self.bases.push(basis.clone());
        Ok(())
    }

    fn wants_values(&self) -> bool {
        true
    }

    fn value(&mut self, value: RecoveredValue) -> Result<()> {
        let RecoveredValue { table, column, row, characters, value, .. } = value;
        let _ = writeln!(self.values, "{table}.{column} {row}: {} ({characters})", value.open());
        Ok(())
    }
}

fn table(id: u32, name: &str, columns: &[(&str, Option<FieldMeaning>)]) -> Table {
    Table {
        id,
        source: "shop".into(),
        name: name.into(),
        columns: columns.iter().map(|&(name, meaning)| Column { name: name.into(), meaning }).collect(),
        key: vec![0],
        rows: 5,
        duplicates: 0,
        misshapen: 0,
        person: None,
        references: Vec::new(),
    }
}

/// The page whose parameter is attacked.
fn item(shows: Shows) -> EndpointSpec {
    EndpointSpec {
        method: "GET".into(),
        path: "/item".into(),
        parameter: "id".into(),
        place: ParameterPlace::Query,
        sql: "SELECT id, title FROM items WHERE id={p} ORDER BY id".into(),
        shows,
        errors: false,
    }
}

/// A source of which there is no snapshot, and nothing in the case file but its name.
fn alone(endpoints: &[EndpointSpec]) -> Investigation<'static> {
    let source = SourceSpec {
        name: "shop".into(),
        dbms: Dbms::MariaDb,
        snapshot: None,
        csv: CsvOptions { header: true, delimiter: b',', null: String::new(), encoding: Encoding::Utf8 },
        taken_at: None,
        tables: BTreeMap::new(),
        snapshot_span: 0..0,
        server: None,
    };
    let data = Data::in_memory().expect("memory");
    Investigation::new(endpoints, Dialect::MySql, Catalog::of_case(&source), data, &NoSnapshot).expect("memory")
}

/// The table of the five.
pub(crate) fn people() -> Table {
    table(1, "people", &[("id", None), ("name", Some(FieldMeaning::PersonName)), ("code", Some(FieldMeaning::CardCode))])
}

fn investigation(shows: Shows) -> Investigation<'static> {
    investigation_of(&item(shows))
}

fn investigation_of(page: &EndpointSpec) -> Investigation<'static> {
    investigation_in(std::slice::from_ref(page), Dialect::MySql)
}

/// Likewise for pages, or for none that anybody wrote down, on a server of this dialect.
fn investigation_in(pages: &[EndpointSpec], dialect: Dialect) -> Investigation<'static> {
    let people = people();
    let items = table(2, "items", &[("id", None), ("title", None)]);
    let data = Data::in_memory().expect("memory");
    let rows: Vec<String> = PEOPLE.iter().map(|(id, name, _)| format!("({id}, '{name}', 'present')")).collect();
    let sql = format!(
        "CREATE TABLE \"shop.people\" (id, name, code); INSERT INTO \"shop.people\" VALUES {};
         CREATE TABLE \"shop.items\" (id, title); INSERT INTO \"shop.items\" VALUES (5, 'router')",
        rows.join(", ")
    );
    data.connection().execute_batch(&sql).expect("rows");
    Investigation::new(pages, dialect, Catalog::new(&[people, items], "shop"), data, &Codes).expect("memory")
}

/// A log line.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) target: String,
    pub(crate) status: u16,
    pub(crate) bytes: u64,
    pub(crate) took_ms: Option<u64>,
}

/// Replays lines of (target, status, bytes) on the five people; each exposure is `id columns verdict`, one a line.
fn check(shows: Shows, lines: &[(&str, u16, u64)], expected: &str) -> Vec<BasisSummary> {
    let line = |&(target, status, bytes): &(&str, u16, u64)| Line { target: target.into(), status, bytes, took_ms: None };
    check_lines(shows, &lines.iter().map(line).collect::<Vec<_>>(), expected)
}

/// The values that these lines give away, one a line.
pub(crate) fn values(shows: Shows, lines: &[Line]) -> String {
    replayed(shows, lines).values
}

/// Likewise without a snapshot; `written`: the case file has the page's own SQL.
pub(crate) fn values_alone(written: bool, lines: &[Line]) -> String {
    let endpoints = [item(Shows::Rows)];
    replay_of(alone(if written { &endpoints } else { &[] }), lines).values
}

fn replayed(shows: Shows, lines: &[Line]) -> Written {
    replay_of(investigation(shows), lines)
}

fn replay_of(mut investigation: Investigation<'_>, lines: &[Line]) -> Written {
    for (Line { target, status, bytes, took_ms }, line) in lines.iter().zip(1..) {
        let line = EvidenceLine { evidence: EvidenceId(1), line };
        let duration_us = took_ms.map(|ms| ms * 1000);
        let observed = Observation { line, at_ms: 0, status: *status, bytes: *bytes, duration_us };
        let carried = crate::request::Carried { target: target.as_bytes(), ..Default::default() };
        let seen = Seen { observed, method: "GET", carried };
        investigation.take(seen).expect("the line is taken");
    }
    let mut written = Written::default();
    investigation.conclude("shop", crate::Next { basis: 1, actor: 1, shape: 1 }, &mut written, &mut |_| ()).expect("conclusions");
    written
}

/// Likewise, with how long the answers took.
pub(crate) fn check_lines(shows: Shows, lines: &[Line], expected: &str) -> Vec<BasisSummary> {
    let written = replayed(shows, lines);
    let mut found = String::new();
    for exposure in &written.exposures {
        assert_eq!(exposure.table, 1, "what the page shows to everybody is no exposure");
        let names = ["id", "name", "code"];
        let columns: Vec<&str> = exposure.columns.iter().map(|at| names[at]).collect();
        let id = usize::try_from(exposure.row).map(|row| PEOPLE[row - 1].0).expect("a row");
        let _ = writeln!(found, "{id} {} {}", columns.join(","), exposure.verdict.name());
    }
    assert_eq!(
        found.trim_end(),
        expected.trim_end(),
        "{:?}",
        written.bases.iter().map(|basis| &basis.reason).collect::<Vec<_>>()
    );
    written.bases
}

/// A union of constants, as tools try it, whose text has this length.
fn probe(text: &str) -> (String, u16, u64) {
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    (format!("/item?id=-1+UNION+ALL+SELECT+NULL,0x{hex}--+-"), 200, PAGE + FRAME + text.len() as u64)
}

/// The person at this place, in the newer form of a well-known tool: name and code between marks.
fn at(place: usize) -> String {
    format!(
        "/item?id=-7+UNION+ALL+SELECT+NULL,(SELECT+CONCAT(0x71,IFNULL(CAST(name+AS+CHAR+CHARACTER+SET+utf8mb4),0x20),0x71,code)+FROM+shop.people+ORDER+BY+id+LIMIT+{place},1)--+-"
    )
}

fn size(place: usize) -> u64 {
    let (_, name, code) = PEOPLE[place];
    PAGE + FRAME + (name.len() + code.len()) as u64 + 2
}

#[test]
fn a_row_is_proved_where_its_page_has_the_size_of_its_values() {
    let lines: Vec<_> = (0..4).map(|place| (at(place), size(place))).collect();
    let lines: Vec<_> = lines.iter().map(|(target, bytes)| (target.as_str(), 200, *bytes)).collect();
    let bases =
        check(Shows::FirstRow, &lines, "11 name,code proved\n12 name,code proved\n13 name,code proved\n14 name,code proved");
    assert_eq!((bases.len(), bases[0].statements, bases[0].agreeing), (1, 4, 4));
    assert!(bases[0].shape.ends_with("FROM shop.people ORDER BY id LIMIT ?, ?)"), "{}", bases[0].shape);
}

#[test]
fn what_failed_was_refused_or_came_back_empty_is_excluded() {
    let (one, two, three, four, five) = (at(0), at(1), at(2), at(3), at(4));
    let lines = [
        (one.as_str(), 200, size(0)),
        (two.as_str(), 200, size(1)),
        (three.as_str(), 500, 300),
        (four.as_str(), 403, 1000),
        (five.as_str(), 302, 0),
        (five.as_str(), 200, size(4) + 7),
    ];
    check(
        Shows::FirstRow,
        &lines,
        // The page of the last fits no row at its place: it may have been any.
        "11 name,code proved\n12 name,code proved\n13 name,code excluded\n14 name,code excluded\n19 name,code excluded\n19 name,code possible\n\
         11 name,code possible\n12 name,code possible\n13 name,code possible\n14 name,code possible\n19 name,code possible",
    );
}

#[test]
fn pages_that_are_always_the_same_prove_nothing() {
    let (one, two) = (at(0), at(1));
    check(Shows::FirstRow, &[(&one, 200, 700), (&two, 200, 700)], "11 name,code possible\n12 name,code possible");
}

#[test]
fn a_single_statement_for_all_rows_is_proved_by_the_probes_before_it() {
    let (short, long) = (probe("abc"), probe("abcdefgh"));
    let array = "/item?id=-1+UNION+ALL+SELECT+NULL,JSON_ARRAYAGG(CONCAT_WS(0x2c,id,name))+FROM+shop.people--+-";
    let text = "[\"11,Ann\",\"12,Bertil\",\"13,佐藤\",\"14,D\",\"19,Ernestine\"]".len() as u64;
    let lines = [(short.0.as_str(), short.1, short.2), (&long.0, long.1, long.2), (array, 200, PAGE + FRAME + text)];
    let all: Vec<String> = PEOPLE.iter().map(|(id, ..)| format!("{id} id,name proved")).collect();
    check(Shows::Rows, &lines, &all.join("\n"));
}

#[test]
fn rows_of_the_union_itself_are_counted_with_their_frames() {
    let (short, long) = (probe("abc"), probe("abcdefgh"));
    let pair = |text: &str| format!("/item?id=-1+UNION+ALL+SELECT+NULL,'{text}'+UNION+ALL+SELECT+NULL,'x'--+-");
    let (two, three) = (pair("a"), pair("abc"));
    let plain = "/item?id=-1+UNION+ALL+SELECT+id,name+FROM+people--+-";
    let text: usize = PEOPLE.iter().map(|(id, name, _)| id.to_string().len() + name.len()).sum();
    let lines = [
        (short.0.as_str(), 200, short.2),
        (&long.0, 200, long.2),
        (&two, 200, PAGE + 2 * FRAME + 2),
        (&three, 200, PAGE + 2 * FRAME + 4),
        (plain, 200, PAGE + 5 * FRAME + text as u64),
    ];
    let all: Vec<String> = PEOPLE.iter().map(|(id, ..)| format!("{id} id,name proved")).collect();
    check(Shows::Rows, &lines, &all.join("\n"));
}

#[test]
fn the_older_form_with_limit_on_the_union_is_followed() {
    let old = |place: usize| format!("/item?id=-3+UNION+ALL+SELECT+NULL,CONCAT(0x71,name)+FROM+people+LIMIT+{place},1%23");
    let size = |place: usize| PAGE + FRAME + 1 + PEOPLE[place].1.len() as u64;
    let all: Vec<(String, u64)> = (0..5).map(|place| (old(place), size(place))).collect();
    let lines: Vec<_> = all.iter().map(|(target, bytes)| (target.as_str(), 200, *bytes)).collect();
    let proved: Vec<String> = PEOPLE.iter().map(|(id, ..)| format!("{id} name proved")).collect();
    check(Shows::Rows, &lines, &proved.join("\n"));
    check(Shows::Rows, &lines[..2], "11 name possible\n12 name possible");
}

#[test]
fn counts_and_the_servers_own_tables_expose_no_cell() {
    let lines = [
        ("/item?id=-1+UNION+ALL+SELECT+NULL,(SELECT+COUNT(*)+FROM+people)--+-", 200, 541),
        ("/item?id=-1+UNION+ALL+SELECT+NULL,CONCAT(0x71,COUNT(name))+FROM+people--+-", 200, 542),
        ("/item?id=-1+UNION+ALL+SELECT+NULL,table_name+FROM+information_schema.tables--+-", 200, 2000),
        ("/item?id=5+ORDER+BY+9--+-", 500, 100),
        ("/item?id=5+AND+1=1", 200, 546),
    ];
    check(Shows::Rows, &lines, "");
}

#[test]
fn a_part_of_a_value_is_possible_only() {
    let part = |place: usize| format!("/item?id=-1+UNION+SELECT+1,(SELECT+MID(name,1,2)+FROM+people+LIMIT+{place},1)");
    let (one, four) = (part(0), part(3));
    check(Shows::Rows, &[(&one, 200, PAGE + 3), (&four, 200, PAGE + 2)], "11 name possible\n14 name possible");
}

#[test]
fn what_cannot_be_followed_is_possible_for_what_it_names() {
    let lines = [("/item?id=5+AND+(SELECT+name+FROM+people+LIMIT+0,1)+SOUNDS+LIKE+0x41", 200, 546)];
    let bases =
        check(Shows::Rows, &lines, "11 name possible\n12 name possible\n13 name possible\n14 name possible\n19 name possible");
    assert!(bases[0].reason.starts_with("the statement could not be replayed: "), "{}", bases[0].reason);
}

#[test]
fn a_page_that_shows_its_own_first_row_hides_the_others() {
    let hidden = at(0).replace("-7", "5");
    check(Shows::FirstRow, &[(&hidden, 200, 546)], "");
}

/// A page with an error message around this text.
const MESSAGE: u64 = 400 + "XPATH syntax error: ''".len() as u64;

/// A slice of the name of the person at this place, between marks, in an error message.
fn said(place: usize, from: usize, count: usize) -> (String, u64) {
    let target = format!(
        "/item?id=5+AND+EXTRACTVALUE(7,CONCAT(0x5c,0x71,(SELECT+MID((IFNULL(CAST(name+AS+CHAR),0x20)),{from},{count})+FROM+people+ORDER+BY+id+LIMIT+{place},1),0x71))"
    );
    let slice: String = PEOPLE[place].1.chars().skip(from - 1).take(count).collect();
    (target, MESSAGE + 3 + slice.len() as u64)
}

fn check_said(lines: &[(String, u64)], expected: &str) {
    let lines: Vec<_> = lines.iter().map(|(target, bytes)| (target.as_str(), 200, *bytes)).collect();
    check(Shows::Rows, &lines, expected);
}

#[test]
fn a_value_in_an_error_message_is_proved_by_the_size_of_its_page() {
    let lines: Vec<_> = (0..5).map(|place| said(place, 1, 18)).collect();
    check_said(&lines, "11 name proved\n12 name proved\n13 name proved\n14 name proved\n19 name proved");
}

#[test]
fn slices_of_a_value_are_put_together_and_what_is_missing_leaves_it_possible() {
    let lines = [said(0, 1, 4), said(4, 1, 4), said(4, 5, 4), said(4, 9, 4), said(1, 1, 4), said(3, 1, 4)];
    check_said(&lines, "11 name proved\n19 name proved\n19 name proved\n19 name proved\n12 name possible\n14 name proved");
}

#[test]
fn a_message_cut_by_the_server_shows_a_part() {
    let names = |mark: usize| {
        format!("/item?id=5+AND+UPDATEXML(1,CONCAT(0x7e,REPEAT(0x71,{mark}),(SELECT+name+FROM+people+WHERE+id=19)),1)")
    };
    let lines = [(names(1), MESSAGE + 11), (names(3), MESSAGE + 13), (names(24), MESSAGE + 32), (names(30), MESSAGE + 32)];
    check_said(&lines, "19 name proved\n19 name proved\n19 name proved\n19 name proved");
    let lines = [(names(19), MESSAGE + 29), (names(20), MESSAGE + 30), (names(25), MESSAGE + 32)];
    check_said(&lines, "19 name proved\n19 name proved\n19 name proved");
}

#[test]
fn a_page_that_is_always_the_same_shows_no_message() {
    let lines: Vec<_> = (0..5).map(|place| (said(place, 1, 18).0, 700)).collect();
    check_said(&lines, "11 name excluded\n12 name excluded\n13 name excluded\n14 name excluded\n19 name excluded");
}

#[test]
fn a_key_that_collides_with_itself_shows_its_value() {
    let key = |place: usize| {
        let target = format!(
            "/item?id=5+AND+(SELECT+1+FROM(SELECT+COUNT(*),CONCAT(0x71,(SELECT+name+FROM+people+LIMIT+{place},1),0x71,FLOOR(RAND(0)*2))x+FROM+INFORMATION_SCHEMA.PLUGINS+GROUP+BY+x)a)"
        );
        (target, 450 + PEOPLE[place].1.len() as u64)
    };
    check_said(&[key(0), key(1), key(2)], "11 name proved\n12 name proved\n13 name proved");
}

#[test]
fn columns_of_the_pages_own_query_are_those_of_its_first_row() {
    let own = |id: i64| format!("/item?id=-5+UNION+SELECT+1,2+FROM+people+WHERE+id={id}+AND+EXTRACTVALUE(1,CONCAT(0x7e,name))");
    check_said(&[(own(11), MESSAGE + 4), (own(12), MESSAGE + 7)], "11 name proved\n12 name proved");
}

#[test]
fn a_message_raised_by_procedure_analyse_is_followed() {
    let analyse = |place: usize| {
        format!("/item?id=5+PROCEDURE+ANALYSE(EXTRACTVALUE(1,CONCAT(0x5c,(SELECT+name+FROM+people+LIMIT+{place},1))),1)--+-")
    };
    check_said(&[(analyse(0), MESSAGE + 4), (analyse(1), MESSAGE + 7)], "11 name proved\n12 name proved");
}
