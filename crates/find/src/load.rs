//! Snapshot rows into find.db: card numbers become tokens at this door, and the first row of a key wins.

use std::collections::HashMap;

use kintsugi_case::{FieldMeaning, Pan, TableSpec};
use kintsugi_vault::{CardVaultWriter, Keys, Purpose};
use rusqlite::{Connection, Statement, types::ValueRef};

use crate::table::{brand_column, last4_column, row_name};
use crate::{Column, Error, FindDb, Reference, Result, Table, quoted};

/// How many duplicates a report names one by one; all are in `kept_aside`.
const DUPLICATES_NAMED_MAX: u32 = 100;

/// A row whose key an earlier row already had. Rows count from 1 in file order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duplicate {
    /// The row kept aside.
    pub row: u64,
    /// The row that has the key.
    pub first_row: u64,
}

/// What became of a table's rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableLoaded {
    /// Rows stored.
    pub rows: u64,
    /// Rows kept aside because an earlier row has their key.
    pub duplicate_count: u64,
    /// The first of them (at most 100).
    pub duplicates: Vec<Duplicate>,
    /// Rows kept aside because they had more or fewer values than the table has columns.
    pub misshapen: u64,
    /// Values of card number columns that became tokens.
    pub cards: u64,
    /// Values of card number columns that are no card numbers; they are stored as a keyed digest.
    pub cards_unreadable: u64,
    /// Values of security code columns that were there; none is stored.
    pub codes: u64,
}

/// What happens to a column's values at the door.
#[derive(Clone, Copy)]
enum Door {
    Verbatim,
    /// Card number: the token, with the expiry date of that column beside it in the vault.
    Card {
        expiry: Option<usize>,
    },
    Code,
}

/// Takes the rows of one table, in file order. Nothing is kept unless [`TableWriter::finish`] is called.
pub struct TableWriter<'a> {
    connection: &'a Connection,
    tables: &'a mut Vec<Table>,
    table: Table,
    insert: Option<Statement<'a>>,
    doors: Vec<Door>,
    keys: &'a Keys,
    cards: &'a mut CardVaultWriter,
    /// Row number of the last row, stored or not.
    row: u64,
    loaded: TableLoaded,
    done: bool,
}

impl FindDb {
    /// Begins a table. `columns` are the snapshot's, in its order; what `spec` says of others is left aside,
    /// except that a key column which is not there is an error.
    pub fn load_table<'a>(
        &'a mut self,
        source: &str,
        name: &str,
        spec: &TableSpec,
        columns: &[String],
        keys: &'a Keys,
        cards: &'a mut CardVaultWriter,
    ) -> Result<TableWriter<'a>> {
        let id = u32::try_from(self.tables.len() + 1).unwrap_or(u32::MAX);
        let table = describe(id, source, name, spec, columns)?;
        let connection = &self.connection;
        let doors = doors(&table);
        let insert = begin(connection, &table).map_err(|source| load_error(&table, source))?;
        Ok(TableWriter {
            connection,
            tables: &mut self.tables,
            table,
            insert: Some(insert),
            doors,
            keys,
            cards,
            row: 0,
            loaded: TableLoaded::default(),
            done: false,
        })
    }
}

impl TableWriter<'_> {
    /// Stores one row; `None` is NULL.
    pub fn push(&mut self, values: &[Option<&str>]) -> Result<()> {
        self.row += 1;
        if values.len() != self.table.columns.len() {
            self.loaded.misshapen += 1;
            return Ok(());
        }
        self.bind(values)?;
        let inserted = self.insert.as_mut().map_or(Ok(0), Statement::raw_execute);
        inserted.map_err(|source| load_error(&self.table, source))?;
        self.loaded.rows += 1;
        Ok(())
    }

    fn bind(&mut self, values: &[Option<&str>]) -> Result<()> {
        let mut hidden = values.len() + 2;
        self.bind_at(1, ValueRef::Integer(self.row.cast_signed()))?;
        for (at, value) in values.iter().enumerate() {
            let place = at + 2;
            match self.doors[at] {
                Door::Verbatim => self.bind_at(place, value.map_or(ValueRef::Null, stored_as))?,
                Door::Code => {
                    let present = value.is_some_and(|code| !code.is_empty());
                    self.loaded.codes += u64::from(present);
                    self.bind_at(place, if present { ValueRef::Text(b"present") } else { ValueRef::Null })?;
                }
                Door::Card { expiry } => {
                    let expiry = expiry.and_then(|at| values[at]).unwrap_or_default();
                    let card = self.tokenise(*value, expiry)?;
                    for (place, text) in [place, hidden, hidden + 1].into_iter().zip(card) {
                        self.bind_at(place, text.as_deref().map_or(ValueRef::Null, |text| ValueRef::Text(text.as_bytes())))?;
                    }
                    hidden += 2;
                }
            }
        }
        Ok(())
    }

    /// Token, last four digits and brand of what stands in a card number column. What is no card number (a mistyped
    /// one is one digit from a real one) becomes a keyed digest, so that equal values stay equal.
    fn tokenise(&mut self, value: Option<&str>, expiry: &str) -> Result<[Option<String>; 3]> {
        let Some(text) = value.filter(|text| !text.is_empty()) else { return Ok([value.map(str::to_owned), None, None]) };
        let Ok(pan) = Pan::parse(text) else {
            self.loaded.cards_unreadable += 1;
            let digest = self.keys.blind_index(Purpose::CardText, text);
            let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            return Ok([Some(format!("txt_{hex}")), None, None]);
        };
        let token = self.keys.pan_token(&pan);
        let put = self.cards.put(&token, &pan, expiry);
        put.map_err(|source| Error::Vault { table: self.table.name.clone(), source })?;
        self.loaded.cards += 1;
        Ok([Some(token), Some(pan.last4().to_owned()), Some(pan.brand().name().to_owned())])
    }

    fn bind_at(&mut self, place: usize, value: ValueRef<'_>) -> Result<()> {
        let Some(insert) = self.insert.as_mut() else { return Ok(()) };
        let bound = insert.raw_bind_parameter(place, rusqlite::types::ToSqlOutput::Borrowed(value));
        bound.map_err(|source| load_error(&self.table, source))
    }

    /// Builds the key's index, keeps duplicates aside and makes the table visible.
    pub fn finish(mut self) -> Result<TableLoaded> {
        self.insert = None;
        let mut loaded = std::mem::take(&mut self.loaded);
        self.seal(&mut loaded).map_err(|source| load_error(&self.table, source))?;
        self.done = true;
        self.table.rows = loaded.rows;
        self.table.duplicates = loaded.duplicate_count;
        self.table.misshapen = loaded.misshapen;
        self.tables.push(self.table.clone());
        Ok(loaded)
    }

    fn seal(&self, loaded: &mut TableLoaded) -> rusqlite::Result<()> {
        if !self.table.key.is_empty() {
            self.index_key(loaded)?;
        }
        write_description(self.connection, &self.table, loaded)?;
        self.connection.execute_batch("COMMIT")
    }

    /// The unique index usually builds at once; only where it does not are the duplicates looked for.
    fn index_key(&self, loaded: &mut TableLoaded) -> rusqlite::Result<()> {
        let (name, columns) = (self.table.sql_name(), key_list(&self.table, ""));
        let index = quoted(&format!("{}.{} key", self.table.source, self.table.name));
        let unique = format!("CREATE UNIQUE INDEX {index} ON {name} ({columns})");
        match self.connection.execute_batch(&unique) {
            Err(error) if is_constraint(&error) => {
                self.connection.execute_batch(&format!("CREATE INDEX {index} ON {name} ({columns})"))?;
                self.keep_aside(loaded)?;
                self.connection.execute_batch(&format!("DROP INDEX {index}; {unique}"))
            }
            other => other,
        }
    }

    fn keep_aside(&self, loaded: &mut TableLoaded) -> rusqlite::Result<()> {
        let (id, name, row) = (self.table.id, self.table.sql_name(), self.table.row_name());
        let same = self.table.key.iter().map(|&at| quoted(&self.table.columns[at].name)).map(|c| format!("e.{c} = t.{c}"));
        let same = same.collect::<Vec<_>>().join(" AND ");
        let count = self.connection.execute(
            &format!(
                "INSERT INTO kept_aside SELECT {id}, t.{row}, (SELECT min(e.{row}) FROM {name} e WHERE {same}) AS first_row
                 FROM {name} t WHERE EXISTS (SELECT 1 FROM {name} e WHERE {same} AND e.{row} < t.{row})"
            ),
            [],
        )?;
        let aside = format!("SELECT rownumber FROM kept_aside WHERE tbl = {id}");
        self.connection.execute(&format!("DELETE FROM {name} WHERE {row} IN ({aside})"), [])?;
        loaded.duplicate_count = count as u64;
        loaded.rows -= count as u64;
        loaded.duplicates = first_duplicates(self.connection, id)?;
        Ok(())
    }
}

impl Drop for TableWriter<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.insert = None;
            // Nothing can be told from here; an unfinished load is as if it had never begun.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }
}

fn load_error(table: &Table, source: rusqlite::Error) -> Error {
    Error::Load { source_name: table.source.clone(), table: table.name.clone(), source }
}

fn is_constraint(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation)
}

fn key_list(table: &Table, prefix: &str) -> String {
    let names = table.key.iter().map(|&at| format!("{prefix}{}", quoted(&table.columns[at].name)));
    names.collect::<Vec<_>>().join(", ")
}

fn describe(id: u32, source: &str, name: &str, spec: &TableSpec, columns: &[String]) -> Result<Table> {
    let meanings: HashMap<&str, FieldMeaning> = spec.fields.iter().map(|(column, &meaning)| (column.as_str(), meaning)).collect();
    let mut table = Table {
        id,
        source: source.to_owned(),
        name: name.to_owned(),
        columns: columns.iter().map(|n| Column { name: n.clone(), meaning: meanings.get(n.as_str()).copied() }).collect(),
        key: Vec::new(),
        rows: 0,
        duplicates: 0,
        misshapen: 0,
        person: spec.person.clone(),
        references: Vec::new(),
    };
    for column in &spec.key {
        let missing = || Error::KeyColumn { table: name.to_owned(), column: column.clone() };
        table.key.push(table.column(column).ok_or_else(missing)?);
    }
    table.references = references(&table, spec);
    Ok(table)
}

fn references(table: &Table, spec: &TableSpec) -> Vec<Reference> {
    let known = spec.references.iter().filter_map(|(column, (target_table, target_column))| {
        let column = table.column(column)?;
        Some(Reference { column, target_table: target_table.clone(), target_column: target_column.clone() })
    });
    known.collect()
}

fn doors(table: &Table) -> Vec<Door> {
    let expiry = table.column_meaning(FieldMeaning::CardExpiry);
    let door = |column: &Column| match column.meaning {
        Some(FieldMeaning::CardNumber) => Door::Card { expiry },
        Some(FieldMeaning::CardCode) => Door::Code,
        _ => Door::Verbatim,
    };
    table.columns.iter().map(door).collect()
}

/// Makes the table and prepares its one statement: row number, the source's columns, the hidden ones.
fn begin<'a>(connection: &'a Connection, table: &Table) -> rusqlite::Result<Statement<'a>> {
    let mut columns: Vec<String> = table.columns.iter().map(|column| quoted(&column.name)).collect();
    for column in table.columns.iter().filter(|column| column.meaning == Some(FieldMeaning::CardNumber)) {
        columns.extend([last4_column(&column.name), brand_column(&column.name)]);
    }
    let list = columns.join(", ");
    let marks = vec!["?"; columns.len() + 1].join(", ");
    let row = row_name(table.columns.iter().map(|column| column.name.as_str()));
    connection.execute_batch(&format!("BEGIN; CREATE TABLE {} ({list});", table.sql_name()))?;
    connection.prepare(&format!("INSERT INTO {} ({row}, {list}) VALUES ({marks})", table.sql_name()))
}

fn write_description(connection: &Connection, table: &Table, loaded: &TableLoaded) -> rusqlite::Result<()> {
    let key = table.key.iter().map(usize::to_string).collect::<Vec<_>>().join(" ");
    let link = table.person.as_ref();
    connection.execute(
        "INSERT INTO snapshot_tables VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rusqlite::params![
            table.id,
            table.source,
            table.name,
            key,
            loaded.rows.cast_signed(),
            loaded.duplicate_count.cast_signed(),
            loaded.misshapen.cast_signed(),
            link.map(|link| &link.table),
            link.map(|link| &link.column),
        ],
    )?;
    for (place, column) in table.columns.iter().enumerate() {
        let meaning = column.meaning.map(FieldMeaning::name);
        let values = rusqlite::params![table.id, place as u32, column.name, meaning];
        connection.execute("INSERT INTO snapshot_columns VALUES (?, ?, ?, ?)", values)?;
    }
    for reference in &table.references {
        let values = rusqlite::params![table.id, reference.column as u32, reference.target_table, reference.target_column];
        connection.execute("INSERT INTO snapshot_references VALUES (?, ?, ?, ?)", values)?;
    }
    Ok(())
}

fn first_duplicates(connection: &Connection, table: u32) -> rusqlite::Result<Vec<Duplicate>> {
    let mut select =
        connection.prepare("SELECT rownumber, first_row FROM kept_aside WHERE tbl = ? ORDER BY rownumber LIMIT ?")?;
    let named = select.query_map(rusqlite::params![table, DUPLICATES_NAMED_MAX], |row| {
        Ok(Duplicate { row: row.get::<_, i64>(0)?.unsigned_abs(), first_row: row.get::<_, i64>(1)?.unsigned_abs() })
    })?;
    named.collect()
}

/// How a value is stored: canonical integers as numbers (indexes are smaller, comparisons are those of the source).
fn stored_as(text: &str) -> ValueRef<'_> {
    match canonical_integer(text) {
        Some(number) => ValueRef::Integer(number),
        None => ValueRef::Text(text.as_bytes()),
    }
}

/// The number that prints as exactly this text: no leading zero, no plus sign, no minus zero, within 64 bits.
fn canonical_integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let plain = match digits {
        [] => false,
        [b'0'] => text.len() == 1,
        [b'1'..=b'9', rest @ ..] => rest.len() < 19 && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::canonical_integer;

    #[test]
    fn only_what_prints_back_the_same_is_a_number() {
        for text in ["0", "7", "-7", "1000", "9223372036854775807", "-9223372036854775808"] {
            assert_eq!(canonical_integer(text).map(|n| n.to_string()).as_deref(), Some(text));
        }
        for text in ["", "-", "-0", "+7", "007", "0312345678", "1.0", " 7", "7 ", "９", "9223372036854775808", "1e3"] {
            assert_eq!(canonical_integer(text), None, "{text}");
        }
    }
}
