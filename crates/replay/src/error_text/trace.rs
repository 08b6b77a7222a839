//! Runs a compiled text on the snapshot, twice: once on the values, and once on values whose characters are each replaced by
//! a character of its own. Where those come out tells which characters of which cell stand where in the text, whatever the
//! statement did in between (slices, concatenations, reversals), without a rule for each function.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use rusqlite::types::{ToSqlOutput, Value};

use super::plan::Plan;
use super::scalar::{Joined, Scalar, Take};
use crate::data::{Data, stored};
use crate::dialect::Dialect;
use crate::error::Failure;
use crate::functions::text_of;
use crate::lexer::Literal;
use crate::server::NativeRow;

/// A text, and where its characters come from.
#[derive(Debug, Default)]
pub(super) struct Traced {
    /// The text; `None` where it is NULL, or the server's own.
    pub(super) text: Option<String>,
    pub(super) pieces: Vec<Piece>,
    /// The offset at which its row was taken, where it has one.
    pub(super) offset: Option<usize>,
}

/// What a text holds of one cell.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) table: usize,
    /// The rows that it may come from: one, or several that the statement's order does not tell apart.
    pub(super) rows: Rc<[u32]>,
    pub(super) column: usize,
    /// Characters of the whole value.
    pub(super) length: usize,
    /// Characters of the text, and of the value, that are the same: from where, from where, how many.
    pub(super) spans: Vec<(usize, usize, usize)>,
    /// The value's characters cannot be followed; whether the whole text gives it back all the same.
    pub(super) opaque: Option<bool>,
    /// An empty value (or NULL) stands at this place of the text.
    pub(super) empty_at: Option<usize>,
    /// Which of the plan's subqueries it came from.
    pub(super) scalar: usize,
    /// It is the smallest or greatest value of a whole table.
    pub(super) of_all: bool,
}

/// Rows of a subquery.
#[derive(Debug, Default)]
struct Set {
    rows: Vec<Row>,
    /// How many rows of the whole lie before these.
    before: usize,
}

#[derive(Debug)]
struct Row {
    values: Vec<Value>,
    numbers: Vec<u32>,
    keys: Vec<Vec<u8>>,
}

type Outcome<T> = Result<T, Failure>;

/// Rows kept in memory over all sets; beyond it they are read again.
const ROWS_KEPT_MAX: usize = 2_000_000;
/// Sets of literals of one subquery after which a set is not kept whole, as it would not be used again.
const SETS_PER_QUERY_MAX: u32 = 12;
/// Rows read around an offset to see whether the order tells them apart.
const NEIGHBOURS: usize = 16;
/// The characters that stand for others: all planes but the first.
const MARKS: Range<u32> = 0x1_0000..0x11_0000;

/// Runs texts, keeping what it read.
pub(super) struct Tracer {
    data: Rc<Data>,
    dialect: Dialect,
    sets: HashMap<(String, Vec<String>), Rc<Set>>,
    /// The state of the tables that the statement saw, by name.
    state: String,
    kept: usize,
    asked: HashMap<String, u32>,
}

/// The value of a subquery: as it is, and with marks.
#[derive(Clone, Debug, Default)]
struct Both {
    real: Option<String>,
    marked: Option<String>,
    /// Marked, and with a mark in the place of empty values.
    probed: Option<String>,
}

/// Cells in the order of their marks.
#[derive(Debug, Default)]
struct Marks {
    cells: Vec<(u32, Piece)>,
    next: u32,
}

impl Marks {
    /// Marks for a cell of so many characters; `None` once there are no more.
    fn cell(&mut self, piece: Piece) -> Option<(String, String)> {
        let first = MARKS.start + self.next;
        let count = u32::try_from(piece.length.max(1)).ok()?;
        if first.checked_add(count)? > MARKS.end {
            return None;
        }
        self.next += count;
        let marks = |count: u32| (first..first + count).filter_map(char::from_u32).collect::<String>();
        let both = (marks(if piece.length == 0 { 0 } else { count }), marks(count));
        self.cells.push((first, piece));
        Some(both)
    }

    /// The cell of a mark, and which of its characters.
    fn of(&self, mark: char) -> Option<(usize, usize)> {
        let mark = u32::from(mark);
        let at = self.cells.partition_point(|(first, _)| *first <= mark).checked_sub(1)?;
        let (first, piece) = &self.cells[at];
        let within = (mark - first) as usize;
        (within < piece.length.max(1)).then_some((at, within))
    }
}

impl Tracer {
    pub(super) fn new(data: Rc<Data>, dialect: Dialect) -> Self {
        Self { data, dialect, sets: HashMap::new(), state: String::new(), kept: 0, asked: HashMap::new() }
    }

    pub(super) fn data(&self) -> &Data {
        &self.data
    }

    /// The text of one statement. An error is SQLite's: the statement was not replayed.
    pub(super) fn trace(&mut self, plan: &Plan, literals: &[Literal]) -> Outcome<Traced> {
        self.state = self.data.rewind(&plan.views)?.0;
        let mut marks = Marks::default();
        let mut values = Vec::with_capacity(plan.scalars.len());
        for (at, scalar) in plan.scalars.iter().enumerate() {
            values.push(self.value(scalar, at, literals, &mut marks)?);
        }
        let evaluate = |pick: fn(&Both) -> &Option<String>| {
            let holes: Vec<Value> = values.iter().map(|both| pick(both).clone().map_or(Value::Null, Value::Text)).collect();
            self.evaluate(&plan.text, literals, plan.hole, &holes)
        };
        let real = evaluate(|both| &both.real)?;
        let marked = evaluate(|both| &both.marked)?;
        let probed = if values.iter().any(|both| both.probed.is_some()) { evaluate(|both| &both.probed)? } else { None };
        let text = real.filter(|_| !plan.metadata);
        let pieces = pieces(marks, text.as_deref(), marked.as_deref(), probed.as_deref(), plan.reversible);
        let by_offset = |scalar: &&Scalar| scalar.limit.is_some() && matches!(scalar.take, Take::Row);
        let offset = plan.scalars.iter().find(by_offset).map(|scalar| self.window(scalar, literals)).transpose()?;
        Ok(Traced { text, pieces, offset: offset.map(|(offset, _)| offset) })
    }

    fn value(&mut self, scalar: &Scalar, at: usize, literals: &[Literal], marks: &mut Marks) -> Outcome<Both> {
        match &scalar.take {
            Take::Figure(sql) => {
                let figure = self.evaluate(sql, literals, scalar.first, &[])?;
                Ok(Both { real: figure.clone(), marked: figure, probed: None })
            }
            Take::All(joined) => self.joined(scalar, at, joined, literals, marks),
            Take::Row | Take::Extreme => {
                let (offset, count) = self.window(scalar, literals)?;
                let set = self.set(scalar, literals, offset, count)?;
                let here = offset.saturating_sub(set.before);
                // Without LIMIT, more than one row is an error of its own, which shows no value.
                let several = scalar.limit.is_none() && matches!(scalar.take, Take::Row) && set.rows.len() > 1;
                match set.rows.get(here).filter(|_| count > 0 && !several) {
                    Some(row) => self.item(scalar, at, row, &set.tied(here), literals, marks),
                    None => Ok(Both::default()),
                }
            }
        }
    }

    /// Offset and count of a subquery's LIMIT.
    fn window(&self, scalar: &Scalar, literals: &[Literal]) -> Outcome<(usize, usize)> {
        let Some(sql) = scalar.limit.as_ref().filter(|_| matches!(scalar.take, Take::Row)) else { return Ok((0, 1)) };
        let mut statement = self.data.connection().prepare_cached(sql)?;
        bind(&mut statement, literals, usize::MAX, &[])?;
        let mut rows = statement.raw_query();
        let Some(row) = rows.next()? else { return Ok((0, 1)) };
        let number = |at| -> Outcome<i64> { Ok(text_of(row.get_ref(at)?).and_then(|text| whole(&text)).unwrap_or(-1)) };
        Ok((usize::try_from(number(0)?).unwrap_or(0), usize::try_from(number(1)?).unwrap_or(usize::MAX)))
    }

    /// The value of one row.
    fn item(
        &self,
        scalar: &Scalar,
        at: usize,
        row: &Row,
        tied: &[&Row],
        literals: &[Literal],
        marks: &mut Marks,
    ) -> Outcome<Both> {
        let (mut marked, mut probed, mut empty) = (row.values.clone(), row.values.clone(), false);
        for (place, column) in scalar.columns.iter().enumerate() {
            let number = row.numbers[column.source];
            if !column.passes || number == 0 {
                continue;
            }
            let length = value_text(&row.values[place]).map_or(0, |text| text.chars().count());
            let rows = std::iter::once(row).chain(tied.iter().copied()).map(|row| row.numbers[column.source]).collect();
            let table = scalar.tables[column.source];
            let piece = Piece {
                table,
                rows,
                column: column.column,
                length,
                spans: Vec::new(),
                opaque: None,
                empty_at: None,
                scalar: at,
                of_all: scalar.of_all,
            };
            let Some((marks, probe)) = marks.cell(piece) else { continue };
            empty |= length == 0;
            if length > 0 {
                marked[place] = Value::Text(marks);
            }
            probed[place] = Value::Text(probe);
        }
        let evaluate = |values: &[Value]| self.evaluate(&scalar.item, literals, scalar.first, values);
        let real = evaluate(&row.values)?;
        Ok(Both { real, marked: evaluate(&marked)?, probed: if empty { evaluate(&probed)? } else { None } })
    }

    /// All rows in one value.
    fn joined(&mut self, scalar: &Scalar, at: usize, joined: &Joined, literals: &[Literal], marks: &mut Marks) -> Outcome<Both> {
        let separator = self.evaluate(&joined.separator, literals, scalar.first, &[])?.unwrap_or_default();
        let max = self.dialect.aggregate_bytes_max().unwrap_or(usize::MAX);
        let set = self.set(scalar, literals, 0, usize::MAX)?;
        let (mut real, mut marked, mut values) = (String::new(), String::new(), 0);
        for row in &set.rows {
            let both = self.item(scalar, at, row, &[], literals, marks)?;
            let Some(value) = both.real else { continue };
            if values > 0 {
                real.push_str(&separator);
                marked.push_str(&separator);
            }
            values += 1;
            let quoted = |text: String| if joined.json { serde_json::Value::String(text).to_string() } else { text };
            real.push_str(&quoted(value));
            marked.push_str(&quoted(both.marked.unwrap_or_default()));
            if real.len() > max {
                let end = (0..=max).rev().find(|&at| real.is_char_boundary(at)).unwrap_or(0);
                let kept = real[..end].chars().count();
                real.truncate(end);
                marked = marked.chars().take(kept).collect();
                break;
            }
        }
        if values == 0 {
            return Ok(Both::default());
        }
        let around = |text: String| if joined.json { format!("[{text}]") } else { text };
        Ok(Both { real: Some(around(real)), marked: Some(around(marked)), probed: None })
    }

    /// The rows of a subquery around an offset: all of them, if they can be used again.
    fn set(&mut self, scalar: &Scalar, literals: &[Literal], offset: usize, count: usize) -> Outcome<Rc<Set>> {
        let mut key = (scalar.rows.clone(), used(&scalar.rows, literals));
        key.1.push(self.state.clone());
        if let Some(set) = self.sets.get(&key) {
            return Ok(Rc::clone(set));
        }
        let asked = self.asked.entry(scalar.rows.clone()).or_default();
        *asked += 1;
        if *asked > SETS_PER_QUERY_MAX && count != usize::MAX {
            let before = offset.saturating_sub(NEIGHBOURS);
            let rows = self.rows(scalar, literals, Some((before, offset - before + NEIGHBOURS)))?;
            return Ok(Rc::new(Set { rows, before }));
        }
        let set = Rc::new(Set { rows: self.rows(scalar, literals, None)?, before: 0 });
        self.kept += set.rows.len();
        if self.kept > ROWS_KEPT_MAX {
            self.sets.clear();
            self.kept = set.rows.len();
        }
        self.sets.insert(key, Rc::clone(&set));
        Ok(set)
    }

    /// The rows of a subquery, all or those of an offset and a count: the restored server's where there is one.
    fn rows(&self, scalar: &Scalar, literals: &[Literal], limit: Option<(usize, usize)>) -> Outcome<Vec<Row>> {
        if scalar.columns.is_empty() {
            return self.rows_here(scalar, literals, limit);
        }
        let text = |value: Option<&[u8]>| value.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let push = |row: NativeRow<'_>, rows: &mut Vec<Row>| {
            rows.push(Row {
                values: row.values.iter().map(|value| text(*value).map_or(Value::Null, |text| stored(&text))).collect(),
                numbers: row.numbers,
                keys: row.ties.iter().map(|key| folded(key.map(<[u8]>::to_vec))).collect(),
            });
        };
        match self.data.native_rows(&scalar.native, literals, limit, push, Vec::new())? {
            Some(rows) => Ok(rows),
            None => self.rows_here(scalar, literals, limit),
        }
    }

    fn rows_here(&self, scalar: &Scalar, literals: &[Literal], limit: Option<(usize, usize)>) -> Outcome<Vec<Row>> {
        let window = limit.map(|(offset, count)| format!("{} LIMIT {count} OFFSET {offset}", scalar.rows));
        let mut statement = self.data.connection().prepare_cached(window.as_deref().unwrap_or(&scalar.rows))?;
        bind(&mut statement, literals, usize::MAX, &[])?;
        let (columns, tables) = (scalar.columns.len(), scalar.tables.len());
        let mut all = Vec::new();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            let numbers = (0..tables).map(|at| row.get::<_, Option<u32>>(columns + at).map(Option::unwrap_or_default));
            let keys = (0..scalar.keys).map(|at| Ok(folded(text_of(row.get_ref(columns + tables + at)?))));
            all.push(Row {
                values: (0..columns).map(|at| row.get::<_, Value>(at)).collect::<rusqlite::Result<_>>()?,
                numbers: numbers.collect::<rusqlite::Result<_>>()?,
                keys: keys.collect::<Outcome<_>>()?,
            });
        }
        Ok(all)
    }

    fn evaluate(&self, sql: &str, literals: &[Literal], first: usize, values: &[Value]) -> Outcome<Option<String>> {
        let mut statement = self.data.connection().prepare_cached(sql)?;
        bind(&mut statement, literals, first, values)?;
        let mut rows = statement.raw_query();
        let text = rows.next()?.map_or(Ok(None), |row| row.get_ref(0).map(text_of))?;
        Ok(text.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }
}

impl Set {
    /// The other rows that the statement's own order does not tell apart from this one.
    fn tied(&self, index: usize) -> Vec<&Row> {
        let Some(keys) = self.rows.get(index).map(|row| &row.keys).filter(|keys| !keys.is_empty()) else { return Vec::new() };
        let same = |row: &&Row| row.keys == *keys;
        let after = self.rows[index + 1..].iter().take_while(same);
        let before = self.rows[..index].iter().rev().take_while(same);
        before.chain(after).collect()
    }
}

/// What a text holds of each cell.
fn pieces(marks: Marks, real: Option<&str>, marked: Option<&str>, probed: Option<&str>, reversible: bool) -> Vec<Piece> {
    let (length, characters) = (real.map_or(0, |text| text.chars().count()), marked.unwrap_or_default().chars());
    let follows = real.is_some() && marked.map_or(0, |text| text.chars().count()) == length;
    let mut found: Vec<Piece> = marks.cells.iter().map(|(_, piece)| piece.clone()).collect();
    for (at, c) in characters.enumerate().filter(|_| follows) {
        if let Some((cell, within)) = marks.of(c) {
            let spans = &mut found[cell].spans;
            match spans.last_mut() {
                Some((from, of, count)) if *from + *count == at && *of + *count == within => *count += 1,
                _ => spans.push((at, within, 1)),
            }
        }
    }
    for (at, c) in probed.unwrap_or_default().chars().enumerate() {
        if let Some((cell, _)) = marks.of(c).filter(|(cell, _)| found[*cell].length == 0) {
            found[cell].empty_at = Some(at.min(length));
        }
    }
    if !follows {
        found.iter_mut().for_each(|piece| piece.opaque = Some(reversible && real.is_some()));
    }
    found
}

/// The literals that a query uses.
fn used(sql: &str, literals: &[Literal]) -> Vec<String> {
    places(sql).filter_map(|place| literals.get(place.wrapping_sub(1))).map(Literal::shown).collect()
}

fn places(sql: &str) -> impl Iterator<Item = usize> + '_ {
    sql.split('?').skip(1).filter_map(|after| {
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        after[..digits].parse().ok()
    })
}

/// A text with its literals in their places.
pub(super) fn filled(sql: &str, literals: &[Literal]) -> String {
    let mut text = sql.split('?').next().unwrap_or_default().to_owned();
    for after in sql.split('?').skip(1) {
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let place = after[..digits].parse::<usize>().unwrap_or(0);
        text.push_str(&literals.get(place.wrapping_sub(1)).map_or("?".into(), Literal::shown));
        text.push_str(&after[digits..]);
    }
    text
}

fn bind(statement: &mut rusqlite::Statement<'_>, literals: &[Literal], first: usize, values: &[Value]) -> Outcome<()> {
    for place in 1..=statement.parameter_count() {
        let value = match place.checked_sub(first) {
            Some(at) => values.get(at).cloned().unwrap_or(Value::Null),
            None => literals.get(place - 1).map_or(Value::Null, literal_value),
        };
        statement.raw_bind_parameter(place, ToSqlOutput::Owned(value))?;
    }
    Ok(())
}

/// Text that looks like a whole number is bound as one, as find.db stores it so.
fn literal_value(literal: &Literal) -> Value {
    match literal {
        Literal::Integer(number) => Value::Integer(*number),
        Literal::Decimal(text) => text.parse().map_or_else(|_| Value::Text(text.clone()), Value::Real),
        Literal::Text(text) => whole(text.as_bytes())
            .filter(|number| number.to_string() == *text)
            .map_or_else(|| Value::Text(text.clone()), Value::Integer),
        Literal::Bytes(bytes) => Value::Text(String::from_utf8_lossy(bytes).into_owned()),
    }
}

fn whole(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

fn value_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Integer(number) => Some(number.to_string()),
        Value::Real(number) => Some(number.to_string()),
        Value::Text(text) => Some(text.clone()),
        Value::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
    }
}

/// Text as a server's collation may compare it: what differs in case or in blanks at the end alone may tie.
fn folded(text: Option<Vec<u8>>) -> Vec<u8> {
    text.map_or(Vec::new(), |text| String::from_utf8_lossy(&text).trim_end().to_lowercase().into_bytes())
}
