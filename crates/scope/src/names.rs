//! Tables and columns by the names that rules have for them.

use kintsugi_find::Table;

use crate::{Error, Result};

/// A table of a source.
pub(crate) fn find<'a>(tables: &'a [Table], source: &str, name: &str) -> Result<&'a Table> {
    let found = tables.iter().find(|table| table.source == source && table.name == name);
    found.ok_or_else(|| Error::Unknown { name: name.to_owned() })
}

/// The place of a column in its table.
pub(crate) fn position(table: &Table, column: &str) -> Result<usize> {
    table.column(column).ok_or_else(|| Error::Unknown { name: format!("{}.{column}", table.name) })
}
