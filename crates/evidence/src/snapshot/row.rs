//! One row on its way from a file to the caller, and the account of the rows that did not get through.

use std::ops::{ControlFlow, Range};

use super::{BadRow, TableReport};
use crate::EXAMPLES_MAX;

/// A row is never longer: where it seems to be, a quote was not closed.
pub(super) const ROW_BYTES_MAX: usize = 16 << 20;

/// A row's values, one behind the other in one buffer that is used again for the next row.
#[derive(Debug, Default)]
pub(super) struct Row {
    bytes: Vec<u8>,
    values: Vec<Option<Range<usize>>>,
    /// Where the value that is being written starts.
    start: usize,
}

impl Row {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.values.clear();
        self.start = 0;
    }

    /// Adds bytes to the value that is being written.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The value that is being written.
    pub(super) fn value(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Puts other bytes in the place of the value that is being written.
    pub(super) fn replace_value(&mut self, bytes: &[u8]) {
        self.bytes.truncate(self.start);
        self.bytes.extend_from_slice(bytes);
    }

    /// Ends a value.
    pub(super) fn end_value(&mut self) {
        self.values.push(Some(self.start..self.bytes.len()));
        self.start = self.bytes.len();
    }

    /// Ends a value that is NULL.
    pub(super) fn end_null(&mut self) {
        self.bytes.truncate(self.start);
        self.values.push(None);
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    pub(super) fn bytes_len(&self) -> usize {
        self.bytes.len()
    }

    /// The values as text; `None` where they are not.
    fn texts(&self) -> Option<Vec<Option<&str>>> {
        let text = std::str::from_utf8(&self.bytes).ok()?;
        self.values.iter().map(|value| value.as_ref().map_or(Some(None), |range| text.get(range.clone()).map(Some))).collect()
    }

    /// The values as text of their own, what is not being replaced.
    pub(super) fn owned(&self) -> Vec<Option<String>> {
        let text = |range: &Range<usize>| String::from_utf8_lossy(&self.bytes[range.clone()]).into_owned();
        self.values.iter().map(|value| value.as_ref().map(text)).collect()
    }

    /// The values as text, what is not being replaced: for names, not for data.
    pub(super) fn lossy(&self) -> Vec<String> {
        let text = |range: &Range<usize>| String::from_utf8_lossy(&self.bytes[range.clone()]).into_owned();
        self.values.iter().map(|value| value.as_ref().map(text).unwrap_or_default()).collect()
    }
}

/// Which value of a row each column of the table has, where a statement names columns in an order of its own.
#[derive(Debug)]
pub(super) struct Order {
    from: Vec<Option<usize>>,
    values: usize,
}

impl Order {
    /// `None` where the rows have the table's own order.
    pub(super) fn new(table: &[String], row: &[String]) -> Option<Self> {
        if row.is_empty() || table == row {
            return None;
        }
        let from = table.iter().map(|column| row.iter().position(|name| name == column)).collect();
        Some(Self { from, values: row.len() })
    }

    fn pick<'a>(&self, values: &[Option<&'a str>]) -> Vec<Option<&'a str>> {
        self.from.iter().map(|at| at.and_then(|at| values[at])).collect()
    }
}

/// Where rows go.
pub(super) struct Sink<'a> {
    file: &'a str,
    columns: usize,
    each: &'a mut dyn FnMut(&[Option<&str>]) -> ControlFlow<()>,
    /// Whether U+FFFD stands for bytes that could not be decoded.
    pub(super) transcoded: bool,
    pub(super) report: TableReport,
}

impl<'a> Sink<'a> {
    pub(super) fn new(file: &'a str, columns: usize, each: &'a mut dyn FnMut(&[Option<&str>]) -> ControlFlow<()>) -> Self {
        Self { file, columns, each, transcoded: false, report: TableReport::default() }
    }

    /// Hands a row over, or keeps it aside.
    pub(super) fn row(&mut self, row: &Row, line: u64, order: Option<&Order>) -> ControlFlow<()> {
        let expected = order.map_or(self.columns, |order| order.values);
        if row.len() != expected {
            self.keep_aside(line, format!("{} values where the table has {expected} columns", row.len()));
            return ControlFlow::Continue(());
        }
        let damaged = self.transcoded && memchr::memmem::find(&row.bytes, "\u{FFFD}".as_bytes()).is_some();
        let Some(values) = row.texts().filter(|_| !damaged) else {
            self.keep_aside(line, "bytes that are no text in the declared encoding");
            return ControlFlow::Continue(());
        };
        self.report.rows += 1;
        match order {
            None => (self.each)(&values),
            Some(order) => (self.each)(&order.pick(&values)),
        }
    }

    pub(super) fn keep_aside(&mut self, line: u64, reason: impl Into<String>) {
        self.report.kept_aside_count += 1;
        if self.report.kept_aside.len() < EXAMPLES_MAX {
            self.report.kept_aside.push(BadRow { file: self.file.to_owned(), line, reason: reason.into() });
        }
    }

    pub(super) fn truncated(&mut self, line: u64, why: impl std::fmt::Display) {
        self.report.truncated = Some(format!("after line {line}: {why}"));
    }
}

#[cfg(test)]
impl Row {
    /// The values with bars between them, for tests.
    pub(super) fn to_test(&self) -> String {
        let value = |value: &Option<Range<usize>>| match value {
            None => "NULL".into(),
            Some(range) => String::from_utf8_lossy(&self.bytes[range.clone()]).into_owned(),
        };
        self.values.iter().map(value).collect::<Vec<_>>().join("|")
    }
}
