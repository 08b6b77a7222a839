//! Records by name: the key as exports, pages and digests write it.

use rusqlite::{OptionalExtension, Row, types::ValueRef};

use crate::{Error, FindDb, Result, Table, quoted};

impl FindDb {
    /// A record's key: the value, or a JSON array of texts where the key has several columns;
    /// `#ROW` where the case file names no key, or all of it is NULL.
    pub fn key_text(&self, table: u32, row: u64) -> Result<String> {
        let table = self.table(table)?;
        if table.key.is_empty() {
            return Ok(format!("#{row}"));
        }
        let found = self.one_row(&key_query(table), row, |found| key_of(found, table, row));
        found?.ok_or_else(|| Error::NoRow { table: table.name.clone(), row })
    }

    /// Runs a cached query that takes a row number and gives at most one row.
    pub(crate) fn one_row<T>(
        &self,
        query: &str,
        row: u64,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        let asked = self.connection.prepare_cached(query).and_then(|mut q| q.query_row([row.cast_signed()], read).optional());
        asked.map_err(Error::read("a record"))
    }
}

/// Reads the key columns of the record with the row number `?`.
fn key_query(table: &Table) -> String {
    let columns: Vec<String> = table.key.iter().map(|&at| quoted(&table.columns[at].name)).collect();
    format!("SELECT {} FROM {} WHERE {} = ?", columns.join(", "), table.sql_name(), table.row_name())
}

/// The key's text from a row whose first columns are the key's.
pub(crate) fn key_of(found: &Row<'_>, table: &Table, row: u64) -> rusqlite::Result<String> {
    let values = (0..table.key.len()).map(|at| found.get_ref(at).map(text_of)).collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(match values.as_slice() {
        values if values.iter().all(Option::is_none) => format!("#{row}"),
        [Some(value)] => value.clone(),
        values => serde_json::Value::from(values.to_vec()).to_string(),
    })
}

/// A stored value as the snapshot had it; `None` is NULL.
pub(crate) fn text_of(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
    }
}
