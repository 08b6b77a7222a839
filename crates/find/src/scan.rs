//! Snapshot rows for `resolve`: streamed in file order, and followed to the person they belong to.

use rusqlite::{Row, types::ValueRef};

use crate::key::text_of;
use crate::{Error, FindDb, Result, Table, quoted};

/// Where the person column of a row leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    /// To this row of the person table.
    Row(u64),
    /// To a key that no row there has.
    Missing(String),
    /// Nowhere: the column is NULL, or the case file and the snapshot leave it open where it leads.
    Nowhere,
}

impl FindDb {
    /// The highest row number of a table; rows kept aside leave gaps below it.
    pub fn last_row(&self, table: u32) -> Result<u64> {
        let table = self.table(table)?;
        let query = format!("SELECT ifnull(max({}), 0) FROM {} WHERE ? = 0", table.row_name(), table.sql_name());
        let last = self.one_row(&query, 0, |row| row.get::<_, i64>(0))?;
        Ok(last.unwrap_or_default().unsigned_abs())
    }

    /// Calls `each` with every row's number and the values of `columns` (empty for NULL and for a column that is
    /// `None`), by row number.
    pub fn scan_table<E: From<Error>>(
        &self,
        table: u32,
        columns: &[Option<usize>],
        mut each: impl FnMut(u64, &[String]) -> Result<(), E>,
    ) -> Result<(), E> {
        let table = self.table(table)?;
        let name = |at: &Option<usize>| at.map_or("NULL".into(), |at| quoted(&table.columns[at].name));
        let names: Vec<String> = columns.iter().map(name).collect();
        let row_name = table.row_name();
        let query = format!("SELECT {row_name}, {} FROM {} ORDER BY {row_name}", names.join(", "), table.sql_name());
        let mut values = vec![String::new(); columns.len()];
        self.each_row(&query, |row| {
            for (at, value) in values.iter_mut().enumerate() {
                refill(value, row.get_ref(at + 1).map_err(Error::read("a table"))?);
            }
            each(row_number(row, 0)?, &values)
        })
    }

    /// Calls `each` with every row of a table that belongs to another, by row number, and where its person column leads.
    pub fn follow_person<E: From<Error>>(
        &self,
        table: u32,
        mut each: impl FnMut(u64, Followed) -> Result<(), E>,
    ) -> Result<(), E> {
        let table = self.table(table)?;
        let query = self
            .follow_query(table)
            .unwrap_or_else(|| format!("SELECT {0}, NULL, NULL FROM {1} ORDER BY {0}", table.row_name(), table.sql_name()));
        self.each_row(&query, |row| {
            let value = text_of(row.get_ref(1).map_err(Error::read("a person column"))?);
            let target = row.get_ref(2).map_err(Error::read("a person column"))?;
            let followed = match (target, value) {
                (ValueRef::Integer(target), _) => Followed::Row(target.unsigned_abs()),
                (_, Some(value)) => Followed::Missing(value),
                _ => Followed::Nowhere,
            };
            each(row_number(row, 0)?, followed)
        })
    }

    /// The table that the person column leads to.
    pub fn person_table(&self, table: &Table) -> Option<&Table> {
        self.table_named(&table.source, &table.person.as_ref()?.table)
    }

    /// Row number, person column, row number there. `None` where the column or a key of one column is not there.
    fn follow_query(&self, table: &Table) -> Option<String> {
        let column = quoted(&table.columns[table.column(&table.person.as_ref()?.column)?].name);
        let (name, row) = (table.sql_name(), table.row_name());
        let Some(target) = self.person_table(table).filter(|target| target.key.len() == 1) else {
            return Some(format!("SELECT {row}, {column}, NULL FROM {name} ORDER BY {row}"));
        };
        let key = quoted(&target.columns[target.key[0]].name);
        let (target_name, target_row) = (target.sql_name(), target.row_name());
        Some(format!(
            "SELECT t.{row}, t.{column}, p.{target_row} FROM {name} t LEFT JOIN {target_name} p ON p.{key} = t.{column} ORDER BY t.{row}"
        ))
    }

    fn each_row<E: From<Error>>(&self, query: &str, mut each: impl FnMut(&Row<'_>) -> Result<(), E>) -> Result<(), E> {
        let failed = Error::read("a table");
        let mut select = self.connection.prepare(query).map_err(&failed)?;
        let mut rows = select.query([]).map_err(&failed)?;
        while let Some(row) = rows.next().map_err(&failed)? {
            each(row)?;
        }
        Ok(())
    }
}

fn row_number(row: &Row<'_>, at: usize) -> Result<u64> {
    row.get::<_, i64>(at).map(i64::unsigned_abs).map_err(Error::read("a row number"))
}

/// Puts a stored value into a buffer that is used again and again.
fn refill(buffer: &mut String, value: ValueRef<'_>) {
    buffer.clear();
    match value {
        ValueRef::Text(bytes) => buffer.push_str(&String::from_utf8_lossy(bytes)),
        other => buffer.push_str(&text_of(other).unwrap_or_default()),
    }
}
