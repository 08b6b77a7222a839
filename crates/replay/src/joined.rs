//! Aggregates for SQLite that join values as the servers do, and beside each the rows that it joined. Rows of the snapshot are
//! a number where there is one, else a list of 32-bit numbers with marks ([`PART`], [`EQUAL`]).

use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Result};

use crate::functions::text_of;

/// In a list of rows: only a part of this row's value arrived.
pub(crate) const PART: u32 = 1 << 31;
/// In a list of rows: the value that arrived is that of several rows, and nobody can say whose it was.
pub(crate) const EQUAL: u32 = 1 << 30;

/// Teaches a connection the aggregates.
pub(crate) fn register(connection: &Connection) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_aggregate_function("kintsugi_join", 4, flags, Join { rows: false })?;
    connection.create_aggregate_function("kintsugi_join_rows", 5, flags, Join { rows: true })?;
    connection.create_aggregate_function("kintsugi_group", 1, flags, Group)?;
    connection.create_scalar_function("kintsugi_one", 1, flags, |context| {
        let first = rows_of(context.get_raw(0)).first().map(|row| i64::from(row & !(PART | EQUAL)));
        Ok(first.map_or(Value::Null, Value::Integer))
    })?;
    connection.create_aggregate_function("kintsugi_single", 2, flags, Single)?;
    connection.create_aggregate_function("kintsugi_first", 2, flags, First)
}

/// The rows in a value that stands for rows.
pub(crate) fn rows_of(value: ValueRef<'_>) -> Vec<u32> {
    match value {
        ValueRef::Integer(row) => u32::try_from(row).ok().filter(|row| *row > 0).into_iter().collect(),
        ValueRef::Blob(list) => {
            list.chunks_exact(4).map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect()
        }
        _ => Vec::new(),
    }
}

/// Rows as a value: a plain number where it is one row without a mark.
fn value_of(rows: &[u32]) -> Value {
    match rows {
        [] => Value::Null,
        [row] if row & (PART | EQUAL) == 0 => Value::Integer(i64::from(*row)),
        rows => Value::Blob(rows.iter().flat_map(|row| row.to_le_bytes()).collect()),
    }
}

/// `(kind, limit in bytes, separator, value[, row])`: the joined text, or its rows.
struct Join {
    rows: bool,
}

/// A text as it grows, cut at the server's limit.
#[derive(Default)]
struct Joined {
    kind: String,
    text: Vec<u8>,
    values: usize,
    cut: bool,
    rows: Vec<u32>,
    /// Values that DISTINCT has seen, with the rows that had them.
    seen: std::collections::HashMap<Vec<u8>, Vec<u32>>,
}

impl Aggregate<Joined, Value> for Join {
    fn init(&self, _: &mut Context<'_>) -> Result<Joined> {
        Ok(Joined::default())
    }

    fn step(&self, context: &mut Context<'_>, joined: &mut Joined) -> Result<()> {
        if joined.kind.is_empty() {
            joined.kind = context.get(0)?;
        }
        let rows = if self.rows { rows_of(context.get_raw(4)) } else { Vec::new() };
        joined.push(context, &rows);
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, joined: Option<Joined>) -> Result<Value> {
        let Some(joined) = joined else { return Ok(Value::Null) };
        Ok(if self.rows { value_of(&joined.gathered()) } else { joined.value() })
    }
}

impl Joined {
    fn push(&mut self, context: &Context<'_>, rows: &[u32]) {
        let Some(text) = piece(&self.kind, context.get_raw(3)) else { return };
        if self.kind.ends_with("distinct") {
            let known = self.seen.contains_key(&text);
            self.seen.entry(text.clone()).or_default().extend_from_slice(rows);
            if known {
                return;
            }
        }
        if !self.cut {
            self.add(context, &text, rows);
        }
    }

    fn add(&mut self, context: &Context<'_>, text: &[u8], rows: &[u32]) {
        if self.values > 0 {
            match self.kind.split(' ').next() {
                Some("text") => self.text.extend(text_of(context.get_raw(2)).unwrap_or_default()),
                _ if self.kind.starts_with("json wide") => self.text.extend_from_slice(b", "),
                _ => self.text.push(b','),
            }
        }
        self.values += 1;
        self.text.extend_from_slice(text);
        let limit = usize::try_from(context.get::<Option<i64>>(1).ok().flatten().unwrap_or(i64::MAX)).unwrap_or(usize::MAX);
        if self.text.len() > limit {
            self.cut = true;
            self.text.truncate(boundary(&self.text, limit));
        }
        let mark = if self.cut { PART } else { 0 };
        self.rows.extend(rows.iter().map(|row| row | mark));
    }

    /// The rows whose values were joined.
    fn gathered(self) -> Vec<u32> {
        if !self.kind.ends_with("distinct") {
            return self.rows;
        }
        let mut rows: Vec<u32> = self
            .seen
            .into_values()
            .flat_map(|rows| {
                let mark = if rows.len() > 1 { EQUAL } else { 0 };
                rows.into_iter().map(move |row| row | mark)
            })
            .collect();
        rows.sort_unstable();
        if self.cut { rows.iter().map(|row| row | PART).collect() } else { rows }
    }

    fn value(self) -> Value {
        if self.values == 0 {
            return Value::Null;
        }
        let mut text = self.text;
        let brackets = match self.kind.split(' ').next() {
            Some("json") => Some((b'[', b']')),
            Some("array") => Some((b'{', b'}')),
            _ => None,
        };
        if let Some((open, close)) = brackets {
            text.insert(0, open);
            text.push(close);
        }
        String::from_utf8(text).map_or_else(|error| Value::Blob(error.into_bytes()), Value::Text)
    }
}

/// One value as it stands in the joined text; `None` where NULL is left out.
fn piece(kind: &str, value: ValueRef<'_>) -> Option<Vec<u8>> {
    match (kind.split(' ').next(), value) {
        (Some("json"), ValueRef::Null) => Some(b"null".to_vec()),
        (Some("array"), ValueRef::Null) => Some(b"NULL".to_vec()),
        (_, ValueRef::Null) => None,
        (Some("json"), ValueRef::Text(text) | ValueRef::Blob(text)) => {
            Some(serde_json::to_vec(&String::from_utf8_lossy(text)).unwrap_or_default())
        }
        (Some("array"), ValueRef::Text(text)) => Some(array_element(text)),
        (_, other) => text_of(other),
    }
}

/// PostgreSQL quotes an element that is empty, is the word NULL, or has a blank, comma, brace, quote or backslash in it.
fn array_element(text: &[u8]) -> Vec<u8> {
    let odd = |byte: &u8| matches!(byte, b'{' | b'}' | b',' | b'"' | b'\\') || byte.is_ascii_whitespace();
    if !text.is_empty() && !text.iter().any(odd) && !text.eq_ignore_ascii_case(b"null") {
        return text.to_vec();
    }
    let mut quoted = vec![b'"'];
    for &byte in text {
        if matches!(byte, b'"' | b'\\') {
            quoted.push(b'\\');
        }
        quoted.push(byte);
    }
    quoted.push(b'"');
    quoted
}

/// The last place at or before `max` where a UTF-8 character begins.
fn boundary(text: &[u8], max: usize) -> usize {
    (0..=max).rev().find(|&at| text.get(at).is_none_or(|byte| byte & 0xC0 != 0x80)).unwrap_or(0)
}

/// The rows of a group: equals where there are several.
struct Group;

impl Aggregate<Vec<u32>, Value> for Group {
    fn init(&self, _: &mut Context<'_>) -> Result<Vec<u32>> {
        Ok(Vec::new())
    }

    fn step(&self, context: &mut Context<'_>, rows: &mut Vec<u32>) -> Result<()> {
        rows.extend(rows_of(context.get_raw(0)));
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, rows: Option<Vec<u32>>) -> Result<Value> {
        Ok(value_of(&equals(rows.unwrap_or_default())))
    }
}

fn equals(rows: Vec<u32>) -> Vec<u32> {
    if rows.len() > 1 { rows.into_iter().map(|row| row | EQUAL).collect() } else { rows }
}

/// `(row, value)`: the row where one alone has a value.
struct Single;

impl Aggregate<(usize, Vec<u32>), Value> for Single {
    fn init(&self, _: &mut Context<'_>) -> Result<(usize, Vec<u32>)> {
        Ok((0, Vec::new()))
    }

    fn step(&self, context: &mut Context<'_>, (values, rows): &mut (usize, Vec<u32>)) -> Result<()> {
        if !matches!(context.get_raw(1), ValueRef::Null) {
            *values += 1;
            *rows = rows_of(context.get_raw(0));
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, single: Option<(usize, Vec<u32>)>) -> Result<Value> {
        Ok(single.filter(|(values, _)| *values == 1).map_or(Value::Null, |(_, rows)| value_of(&rows)))
    }
}

/// `(row, value ORDER BY value)`: the rows with the first value that is not NULL.
struct First;

impl Aggregate<(Option<Vec<u8>>, Vec<u32>), Value> for First {
    fn init(&self, _: &mut Context<'_>) -> Result<(Option<Vec<u8>>, Vec<u32>)> {
        Ok((None, Vec::new()))
    }

    fn step(&self, context: &mut Context<'_>, (first, rows): &mut (Option<Vec<u8>>, Vec<u32>)) -> Result<()> {
        let Some(value) = text_of(context.get_raw(1)) else { return Ok(()) };
        if *first.get_or_insert_with(|| value.clone()) == value {
            rows.extend(rows_of(context.get_raw(0)));
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, first: Option<(Option<Vec<u8>>, Vec<u32>)>) -> Result<Value> {
        Ok(first.map_or(Value::Null, |(_, rows)| value_of(&equals(rows))))
    }
}
