//! The access rule: records fetched by their number, which the server gave to whoever asked. The log's addresses name the
//! records; who read those of many persons is no customer reading their own (`actors`), nor who goes
//! through the numbers in order (`walk`); the answer shows the record and the
//! rows that it refers to (`links`), whole if it was as long as the values need (`sizes`).

mod actors;
mod address;
mod links;
mod sizes;
mod walk;

use std::collections::{BTreeMap, HashMap};

use kintsugi_case::{
    AccessRule, BasisId, BasisSummary, ColumnSet, EvidenceId, EvidenceLine, Exposure, FieldMeaning, Technique, Verdict,
};
use kintsugi_evidence::{EvidenceKind, LogLine, scan_lines};
use kintsugi_find::{ExposureWriter, Table, quoted};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{CachedStatement, Connection, OptionalExtension, params_from_iter};

use crate::names::{find, position};
use crate::{Context, Error, Result};
use actors::{ActorId, Actors, Suspicion};
use address::Address;
use links::{Shown, shown};
use sizes::{Frames, Sizes, Writing};

/// What an access rule came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accessed {
    /// Requests that name a record and were answered.
    pub requests: u64,
    /// Actors who fetched records.
    pub actors: u64,
    /// Those who read about as many persons as the rule finds suspicious.
    pub intruders: u64,
    /// Those who read fewer, but went through the numbers in order.
    pub walkers: u64,
    /// Records of ours that they got.
    pub records: u64,
    /// Answers that they got about records that the snapshot does not hold.
    pub gone: u64,
}

/// One answer to a request that names a record.
struct Fetch {
    actor: ActorId,
    /// The record's row number; 0 where the snapshot has none.
    row: u64,
    line: EvidenceLine,
    at_ms: i64,
    status: u16,
    bytes: u64,
}

/// Applies one rule.
pub(crate) fn apply(
    rule: &AccessRule,
    context: &Context<'_>,
    next_basis: &mut u32,
    writer: &mut ExposureWriter<'_>,
) -> Result<Accessed> {
    let connection = context.read_only().map_err(failed(rule))?;
    let shown = shown(rule, context.tables)?;
    let root = find(context.tables, &rule.source, rule.request.table().unwrap_or_default())?;
    let mut records = Records::new(rule, root, &connection)?;
    let (mut actors, mut fetches) = (Actors::default(), Vec::new());
    for entry in context.evidence.iter().filter(|entry| entry.kind == EvidenceKind::Log && entry.source == rule.source) {
        read(rule, context, entry.id, &mut records, &mut actors, &mut fetches)?;
    }
    let answers = Answers { connection: &connection, shown: &shown };
    let frames = answers.frames(&fetches).map_err(failed(rule))?;
    let suspicions = actors.judge(rule.persons_per_actor_min);
    let count = |of: Suspicion| suspicions.iter().filter(|&&suspicion| suspicion == of).count() as u64;
    let mut accessed = Accessed {
        requests: fetches.len() as u64,
        actors: suspicions.len() as u64,
        intruders: count(Suspicion::Intruder),
        walkers: count(Suspicion::Walker),
        ..Accessed::default()
    };
    let mut bases = Bases { rule, next: next_basis, known: BTreeMap::new() };
    for fetch in &fetches {
        let suspicion = suspicions[fetch.actor.0 as usize];
        if suspicion == Suspicion::None {
            continue;
        }
        if fetch.row == 0 {
            accessed.gone += u64::from(suspicion == Suspicion::Intruder && fetch.status == 200);
            continue;
        }
        let answer = answers.answer(fetch.row).map_err(failed(rule))?;
        let finding = judge(fetch, suspicion, answer.predicted(frames.as_ref()));
        accessed.records += u64::from(finding.verdict == Verdict::Proved);
        write(&answers, &answer, fetch, finding, &mut bases, writer)?;
    }
    bases.finish(writer)?;
    Ok(accessed)
}

fn failed(rule: &AccessRule) -> impl Fn(rusqlite::Error) -> Error {
    let table = rule.request.table().unwrap_or_default().to_owned();
    move |source| Error::Access { table: table.clone(), source }
}

fn read(
    rule: &AccessRule,
    context: &Context<'_>,
    id: EvidenceId,
    records: &mut Records<'_>,
    actors: &mut Actors,
    fetches: &mut Vec<Fetch>,
) -> Result<()> {
    let Some(entry) = context.evidence.iter().find(|entry| entry.id == id) else { return Ok(()) };
    let address = Address::new(&rule.request);
    let mut failure = None;
    let mut take = |line: &LogLine<'_>| -> rusqlite::Result<()> {
        let Some(values) = address.values(line.method, line.target) else { return Ok(()) };
        let number = number(&values);
        // What was not found, sent on or refused showed no record; it may be a step of a walk.
        if !(200..300).contains(&line.status) && line.status != 304 {
            let known = actors.known(line.client, line.agent, !line.referer.is_empty());
            known.zip(number).into_iter().for_each(|(actor, number)| actors.asked(actor, line.at_ms, number, None));
            return Ok(());
        }
        let actor = actors.actor(line.client, line.agent, !line.referer.is_empty());
        let found = records.find(&values)?;
        let person = found.map(|(_, person)| person);
        person.into_iter().for_each(|person| actors.read(actor, person));
        number.into_iter().for_each(|number| actors.asked(actor, line.at_ms, number, person));
        let row = found.map_or(0, |(row, _)| row);
        let line_id = EvidenceLine { evidence: id, line: line.line };
        fetches.push(Fetch { actor, row, line: line_id, at_ms: line.at_ms, status: line.status, bytes: line.bytes });
        Ok(())
    };
    let wanted = |line: &kintsugi_evidence::Glance<'_>| address.may_be_in(line.raw);
    scan_lines(context.case_dir, entry, context.keys, &wanted, &mut |line| {
        if let Err(error) = take(&line) {
            failure.get_or_insert(error);
        }
    })
    .map_err(|source| Error::Evidence { path: entry.path.clone(), source })?;
    failure.map_or(Ok(()), |source| Err(failed(rule)(source)))
}

/// The number by which an address names its record, where it is one number.
fn number(values: &[String]) -> Option<i64> {
    let mut numbers = values.iter().filter_map(|value| value.parse().ok());
    numbers.next().filter(|_| numbers.next().is_none())
}

/// Looks records up by the values in an address.
struct Records<'a> {
    statement: CachedStatement<'a>,
    /// Persons by the value of the column that names them.
    persons: HashMap<String, u64>,
}

impl<'a> Records<'a> {
    fn new(rule: &AccessRule, root: &Table, connection: &'a Connection) -> Result<Self> {
        let columns = rule.request.cells().map(|(_, column)| position(root, column)).collect::<Result<Vec<_>>>()?;
        let names: Vec<String> = columns.iter().map(|&at| quoted(&root.columns[at].name)).collect();
        let person = match &root.person {
            Some(link) => format!("t.{}", quoted(&link.column)),
            None => format!("t.{}", root.row_name()),
        };
        let by_key = columns.len() == root.key.len() && columns.iter().all(|at| root.key.contains(at));
        let table = if by_key { root.sql_name() } else { indexed(root, &names, connection).map_err(failed(rule))? };
        let row = if by_key { root.row_name() } else { "record" };
        let person = if by_key { person } else { "t.person".into() };
        let conditions: Vec<String> = names.iter().enumerate().map(|(at, name)| format!("t.{name} = ?{}", at + 1)).collect();
        let sql = format!("SELECT t.{row}, {person} FROM {table} t WHERE {} LIMIT 1", conditions.join(" AND "));
        let statement = connection.prepare_cached(&sql).map_err(failed(rule))?;
        Ok(Self { statement, persons: HashMap::new() })
    }

    /// The row number of the record and the number of its person.
    fn find(&mut self, values: &[String]) -> rusqlite::Result<Option<(u64, u64)>> {
        // Numbers are stored as such; an address may write them with zeros in front.
        let value = |text: &String| text.parse::<i64>().map_or_else(|_| Value::Text(text.clone()), Value::Integer);
        let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?.unsigned_abs(), text(row.get_ref(1)?)));
        let mut found = self.statement.query_row(params_from_iter(values.iter().map(value)), read).optional()?;
        if found.is_none() {
            found = self.statement.query_row(params_from_iter(values.iter()), read).optional()?;
        }
        let Some((row, person)) = found else { return Ok(None) };
        let next = self.persons.len() as u64;
        Ok(Some((row, *self.persons.entry(person).or_insert(next))))
    }
}

/// A copy of the columns by which an address names records, in memory, with an index: they are no key.
fn indexed(root: &Table, names: &[String], connection: &Connection) -> rusqlite::Result<String> {
    let person = root.person.as_ref().map_or_else(|| root.row_name().to_owned(), |link| quoted(&link.column));
    let list = names.join(", ");
    connection.execute_batch(&format!(
        "CREATE TEMP TABLE addressed AS SELECT {} AS record, {person} AS person, {list} FROM {};
         CREATE INDEX temp.addressed_by_value ON addressed ({list});",
        root.row_name(),
        root.sql_name()
    ))?;
    Ok("temp.addressed".into())
}

fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// What the answers show of the snapshot.
struct Answers<'a> {
    connection: &'a Connection,
    shown: &'a [Shown<'a>],
}

/// What the answer about one record shows.
struct Answer {
    /// Beside `Answers::shown`: the rows, and whether there is no doubt which.
    rows: Vec<(Vec<u64>, bool)>,
    /// Which tables have a row, as a set.
    signature: u64,
    /// Bytes of the values in every writing; `None` where a value is not in find.db.
    values: Option<[i64; 4]>,
}

impl Answer {
    fn predicted(&self, frames: Option<&Frames>) -> Option<u64> {
        frames?.predicted(self.signature, self.values?)
    }
}

impl Answers<'_> {
    fn frames(&self, fetches: &[Fetch]) -> rusqlite::Result<Option<Frames>> {
        let mut sizes = Sizes::default();
        for fetch in fetches.iter().filter(|fetch| fetch.row > 0 && fetch.status == 200).take(FRAMES_FROM_MAX) {
            let answer = self.answer(fetch.row)?;
            let Some(values) = answer.values else { return Ok(None) };
            sizes.add(answer.signature, values, fetch.bytes);
        }
        Ok(sizes.frames())
    }

    fn answer(&self, record: u64) -> rusqlite::Result<Answer> {
        let mut answer = Answer { rows: Vec::new(), signature: 0, values: Some([0; 4]) };
        for (at, shown) in self.shown.iter().enumerate() {
            let mut select = self.connection.prepare_cached(&shown.sql)?;
            let rows = select.query_map([record.cast_signed()], |row| Ok(row.get::<_, i64>(0)?.unsigned_abs()))?;
            let rows = rows.collect::<rusqlite::Result<Vec<u64>>>()?;
            answer.signature |= u64::from(!rows.is_empty()) << at.min(63);
            for row in &rows {
                let lengths = self.lengths(shown, *row)?;
                answer.values = answer.values.zip(lengths).map(|(a, b)| std::array::from_fn(|at| a[at] + b[at]));
            }
            let certain = shown.certain || rows.len() == 1;
            answer.rows.push((rows, certain));
        }
        Ok(answer)
    }

    /// Bytes of a row's shown values. A part of a value is as long as any other; a card number is not in find.db.
    fn lengths(&self, shown: &Shown<'_>, row: u64) -> rusqlite::Result<Option<[i64; 4]>> {
        let secret =
            |at: usize| matches!(shown.table.columns[at].meaning, Some(FieldMeaning::CardNumber | FieldMeaning::CardCode));
        if shown.columns.iter().any(secret) {
            return Ok(None);
        }
        if shown.columns.is_empty() {
            return Ok(Some([0; 4]));
        }
        let names: Vec<String> = shown.columns.iter().map(|at| quoted(&shown.table.columns[at].name)).collect();
        let (list, table, number) = (names.join(", "), shown.table.sql_name(), shown.table.row_name());
        let mut select = self.connection.prepare_cached(&format!("SELECT {list} FROM {table} WHERE {number} = ?"))?;
        let mut lengths = [0; 4];
        select.query_row([row.cast_signed()], |row| {
            for at in 0..names.len() {
                let value = row.get_ref(at)?;
                let value = (!matches!(value, ValueRef::Null)).then(|| text(value));
                for (sum, writing) in lengths.iter_mut().zip(Writing::ALL) {
                    *sum += writing.bytes(value.as_deref());
                }
            }
            Ok(())
        })?;
        Ok(Some(lengths))
    }
}

/// Answers from which the frame is learnt: more would only repeat it.
const FRAMES_FROM_MAX: usize = 100_000;

/// Why an answer exposes what it does. Its order is the order of the bases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    ToTheByte,
    ByStatus,
    OtherLength,
    Shorter,
    OfARange,
    NotSentAgain,
    OneOfMany,
    InOrder,
    PartShown,
    OneOfTheseRows,
}

impl Reason {
    const fn text(self) -> &'static str {
        match self {
            Self::ToTheByte => "the answer was as long as the record's values need, to the byte",
            Self::ByStatus => "the record was asked for by its number, and the server answered with it",
            Self::OtherLength => "the server answered with the record, longer than its values of today need",
            Self::Shorter => "the answer was shorter than the record's values of today need: it was cut, or the record changed",
            Self::OfARange => "only a range of the answer was asked for",
            Self::NotSentAgain => "the server answered that nothing changed since an earlier answer",
            Self::OneOfMany => "somebody behind the same address or network read the records of many persons",
            Self::InOrder => {
                "somebody went through the record numbers in order, about fewer persons than the rule takes for proof"
            }
            Self::PartShown => "the answer shows a part of the value",
            Self::OneOfTheseRows => "the answer shows one of these rows, and nothing says which",
        }
    }
}

#[derive(Clone, Copy)]
struct Finding {
    verdict: Verdict,
    reason: Reason,
    predicted: u64,
}

fn judge(fetch: &Fetch, suspicion: Suspicion, predicted: Option<u64>) -> Finding {
    let (verdict, reason) = match (fetch.status, predicted) {
        _ if suspicion == Suspicion::Doubtful => (Verdict::Possible, Reason::OneOfMany),
        _ if suspicion == Suspicion::Walker => (Verdict::Possible, Reason::InOrder),
        (304, _) => (Verdict::Possible, Reason::NotSentAgain),
        (200 | 203, Some(bytes)) if fetch.bytes < bytes => (Verdict::Possible, Reason::Shorter),
        (200 | 203, Some(bytes)) if fetch.bytes > bytes => (Verdict::Proved, Reason::OtherLength),
        (200 | 203 | 206, Some(bytes)) if fetch.bytes == bytes => (Verdict::Proved, Reason::ToTheByte),
        (200 | 203, _) if fetch.bytes > 0 => (Verdict::Proved, Reason::ByStatus),
        (200 | 203, _) => (Verdict::Possible, Reason::Shorter),
        _ => (Verdict::Possible, Reason::OfARange),
    };
    Finding { verdict, reason, predicted: predicted.unwrap_or(0) }
}

fn write(
    answers: &Answers<'_>,
    answer: &Answer,
    fetch: &Fetch,
    finding: Finding,
    bases: &mut Bases<'_>,
    writer: &mut ExposureWriter<'_>,
) -> Result<()> {
    for (shown, (rows, certain)) in answers.shown.iter().zip(&answer.rows) {
        let whole =
            if *certain { finding } else { Finding { verdict: Verdict::Possible, reason: Reason::OneOfTheseRows, ..finding } };
        let part = Finding { verdict: Verdict::Possible, reason: Reason::PartShown, ..finding };
        for (columns, finding) in [(shown.columns, whole), (shown.parts.without(shown.columns), part)] {
            for &row in rows.iter().filter(|_| !columns.is_empty()) {
                let basis = bases.of(shown.table, finding);
                writer.push(&exposure(shown.table, row, columns, finding, basis, fetch)).map_err(Error::Find)?;
            }
        }
    }
    Ok(())
}

fn exposure(table: &Table, row: u64, columns: ColumnSet, finding: Finding, basis: BasisId, fetch: &Fetch) -> Exposure {
    Exposure {
        table: table.id,
        row,
        columns,
        verdict: finding.verdict,
        basis,
        line: fetch.line,
        at_ms: fetch.at_ms,
        observed_bytes: fetch.bytes,
        predicted_bytes: finding.predicted,
        literals: String::new(),
    }
}

/// The bases of one rule: one for each table and reason.
struct Bases<'a> {
    rule: &'a AccessRule,
    next: &'a mut u32,
    known: BTreeMap<(u32, Reason), BasisSummary>,
}

impl Bases<'_> {
    fn of(&mut self, table: &Table, finding: Finding) -> BasisId {
        let basis = self.known.entry((table.id, finding.reason)).or_insert_with(|| {
            let id = BasisId(*self.next);
            *self.next += 1;
            summary(self.rule, table, finding, id)
        });
        basis.statements += 1;
        basis.agreeing += u64::from(finding.reason == Reason::ToTheByte);
        basis.id
    }

    fn finish(self, writer: &mut ExposureWriter<'_>) -> Result<()> {
        self.known.values().try_for_each(|basis| writer.put_basis(basis).map_err(Error::Find))
    }
}

fn summary(rule: &AccessRule, table: &Table, finding: Finding, id: BasisId) -> BasisSummary {
    let endpoint = rule.request.to_string();
    BasisSummary {
        id,
        technique: Technique::Access,
        rule: format!("access {endpoint}, from {} persons an actor", rule.persons_per_actor_min),
        shape: String::new(),
        endpoint,
        table: table.name.clone(),
        verdict: finding.verdict,
        reason: finding.reason.text().into(),
        statements: 0,
        agreeing: 0,
    }
}
