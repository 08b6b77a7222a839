//! The snapshot's tables as statements name them.

use kintsugi_case::{ColumnSet, FieldMeaning};
use kintsugi_find::{Table, quoted};

/// The tables of one source.
#[derive(Clone, Debug)]
pub(crate) struct Catalog {
    tables: Vec<Table>,
    /// Statements can be evaluated on a restored server, and are rewritten for it too.
    restored: bool,
}

/// A table as a statement needs it: with or without the card columns that find.db does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct View {
    /// Index in the catalog.
    pub(crate) table: usize,
    /// Whether card numbers and security codes are wanted in it.
    pub(crate) secrets: bool,
}

/// The column of a view that holds the row's number.
pub(crate) const ROW: &str = "kintsugi_row";
/// The column of a view that says where the row stands when nobody asks for an order.
pub(crate) const ORDER: &str = "kintsugi_order";

impl Catalog {
    pub(crate) fn new(tables: &[Table], source: &str) -> Self {
        Self { tables: tables.iter().filter(|table| table.source == source).cloned().collect(), restored: false }
    }

    /// The same, with a restored server beside the snapshot.
    pub(crate) fn restored(self, restored: bool) -> Self {
        Self { restored, ..self }
    }

    /// Whether statements are to be rewritten for a restored server too.
    pub(crate) fn is_restored(&self) -> bool {
        self.restored
    }

    pub(crate) fn tables(&self) -> impl Iterator<Item = &Table> {
        self.tables.iter()
    }

    pub(crate) fn table(&self, at: usize) -> &Table {
        &self.tables[at]
    }

    /// The names of all tables and columns.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let columns = self.tables.iter().flat_map(|table| &table.columns).map(|column| column.name.as_str());
        self.tables.iter().map(|table| table.name.as_str()).chain(columns)
    }

    /// The table with this name; the schema before it is left aside, as a source has one of them.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        let exact = self.tables.iter().position(|table| table.name == name);
        exact.or_else(|| self.tables.iter().position(|table| table.name.eq_ignore_ascii_case(name)))
    }

    /// The columns of a table that only the sealed snapshot holds.
    pub(crate) fn secrets(&self, table: usize) -> impl Iterator<Item = usize> + '_ {
        let secret = |meaning: Option<FieldMeaning>| meaning.is_some_and(FieldMeaning::is_card_secret);
        let columns = self.tables[table].columns.iter().enumerate();
        columns.filter(move |(_, column)| secret(column.meaning)).map(|(at, _)| at)
    }

    /// The view's name in SQL.
    pub(crate) fn view_name(&self, view: View) -> String {
        quoted(&format!("{}{}", self.tables[view.table].name, if view.secrets { " with card data" } else { "" }))
    }

    /// Tables and columns whose names occur in a text as words: what a statement that nobody can read could name.
    /// Where a table is named without any of its columns, all of them.
    pub(crate) fn named_in(&self, text: &str) -> Vec<(usize, ColumnSet)> {
        let words: std::collections::HashSet<String> = words(text).collect();
        let named = self.tables.iter().enumerate().filter(|(_, table)| words.contains(&table.name.to_lowercase()));
        let columns = |table: &Table| {
            let all = table.columns.iter().enumerate().take(64);
            let some: ColumnSet = all.clone().filter(|(_, c)| words.contains(&c.name.to_lowercase())).map(|(at, _)| at).collect();
            if some.is_empty() { all.map(|(at, _)| at).collect() } else { some }
        };
        named.map(|(at, table)| (at, columns(table))).collect()
    }
}

fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    let pieces = text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$')));
    pieces.filter(|word| !word.is_empty()).map(str::to_lowercase)
}
