//! SQL dumps: `mysqldump`/`mariadb-dump` (INSERT), `pg_dump` (COPY and INSERT), SQLite's `.dump` (INSERT). Statement by
//! statement, value by value, never a whole statement in memory: one INSERT may be a gigabyte.
//!
//! `scan` splits bytes into tokens, `statement` finds the statements with rows, `value` and `copy` read rows.

mod copy;
mod scan;
mod statement;
mod value;

use std::io::{self, BufRead};
use std::ops::ControlFlow;

use kintsugi_case::{Dbms, Encoding};

use super::row::{Order, Row, Sink};
use super::{TableMeta, text};
use crate::Result;
use crate::open::{EvidenceFile, Opened};
use scan::Scanner;
use statement::{Rows, Statement};

/// What differs between the dumps of database systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flavour {
    /// MariaDB and MySQL: a backslash escapes in every string.
    MySql,
    /// PostgreSQL: only in `E'…'`; dollar quotes.
    PostgreSql,
    /// SQLite: nowhere.
    Sqlite,
}

impl From<Dbms> for Flavour {
    fn from(dbms: Dbms) -> Self {
        match dbms {
            Dbms::MariaDb | Dbms::MySql => Self::MySql,
            Dbms::PostgreSql => Self::PostgreSql,
            Dbms::Sqlite => Self::Sqlite,
        }
    }
}

/// Name and columns of every table in a dump, in its order.
pub(super) fn tables(file: &EvidenceFile, dbms: Dbms, encoding: Encoding) -> Result<Vec<(String, Vec<String>)>> {
    let Opened { reader, seal } = file.open()?;
    let mut found = Vec::new();
    // A cut dump has the tables that it has; the rows' report then says where it ends.
    let _ = text::utf8(reader, encoding).and_then(|reader| find_tables(&mut Scanner::new(reader, dbms.into()), &mut found));
    seal.check()?;
    Ok(found)
}

/// What [`each_row`] hands over: table, columns, row, line, and why the row cannot be used, where it cannot.
pub(super) type EachRow<'a> = dyn FnMut(&str, &[String], &Row, u64, Option<&'static str>) + 'a;

/// Hands every row of every table over, with the columns that the dump has for it.
pub(super) fn each_row(reader: Box<dyn BufRead>, dbms: Dbms, each: &mut EachRow<'_>) -> io::Result<()> {
    let mut scanner = Scanner::new(reader, dbms.into());
    let (mut tables, mut row): (Vec<(String, Vec<String>)>, _) = (Vec::new(), Row::default());
    while let Some(statement) = scanner.statement()? {
        match statement {
            Statement::Table(table, columns) if !has(&tables, &table) => tables.push((table, columns)),
            Statement::Rows(rows) => {
                let defined = tables.iter().find(|(name, _)| *name == rows.table).map(|(_, columns)| columns);
                let columns = if rows.columns.is_empty() { defined.unwrap_or(&rows.columns) } else { &rows.columns };
                let _ = scanner.each_row(&rows, &mut row, &mut |row, line, odd| {
                    each(&rows.table, columns, row, line, odd);
                    ControlFlow::Continue(())
                })?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn find_tables(scanner: &mut Scanner, found: &mut Vec<(String, Vec<String>)>) -> io::Result<()> {
    while let Some(statement) = scanner.statement()? {
        match statement {
            Statement::Table(table, columns) if !has(found, &table) => found.push((table, columns)),
            Statement::Rows(rows) => {
                let new = !has(found, &rows.table);
                if new && rows.columns.is_empty() {
                    let count = scanner.first_row_len(&rows)?;
                    found.push((rows.table, (1..=count).map(|n| format!("column{n}")).collect()));
                    continue;
                }
                scanner.skip_rows(&rows)?;
                if new {
                    found.push((rows.table, rows.columns));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn has(found: &[(String, Vec<String>)], table: &str) -> bool {
    found.iter().any(|(name, _)| name == table)
}

/// Hands every row of one table over.
pub(super) fn read(file: &EvidenceFile, dbms: Dbms, encoding: Encoding, meta: &TableMeta, sink: &mut Sink<'_>) -> Result<()> {
    let Opened { reader, seal } = file.open()?;
    sink.transcoded = encoding != Encoding::Utf8;
    if let Ok(reader) = text::utf8(reader, encoding).map_err(|error| sink.truncated(0, error)) {
        let mut scanner = Scanner::new(reader, dbms.into());
        read_statements(&mut scanner, meta, sink).unwrap_or_else(|error| sink.truncated(scanner.line() - 1, error));
    }
    seal.check()
}

fn read_statements(scanner: &mut Scanner, meta: &TableMeta, sink: &mut Sink<'_>) -> io::Result<()> {
    let mut row = Row::default();
    while let Some(statement) = scanner.statement()? {
        let Statement::Rows(rows) = statement else { continue };
        if rows.table != meta.name {
            scanner.skip_rows(&rows)?;
        } else if read_rows(scanner, &rows, meta, &mut row, sink)?.is_break() {
            return Ok(());
        }
    }
    Ok(())
}

fn read_rows(
    scanner: &mut Scanner,
    rows: &Rows,
    meta: &TableMeta,
    row: &mut Row,
    sink: &mut Sink<'_>,
) -> io::Result<ControlFlow<()>> {
    let order = Order::new(&meta.columns, &rows.columns);
    scanner.each_row(rows, row, &mut |row, line, odd| match odd {
        None => sink.row(row, line, order.as_ref()),
        Some(reason) => {
            sink.keep_aside(line, reason);
            ControlFlow::Continue(())
        }
    })
}
