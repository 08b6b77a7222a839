//! The snapshot's tables as statements name them.

use kintsugi_case::{ColumnSet, FieldMeaning, SourceSpec};
use kintsugi_find::{Column, Table, quoted};

use crate::mentioned::Mentioned;
use crate::named::Named;

/// The tables of one source.
#[derive(Clone, Debug)]
pub(crate) struct Catalog {
    tables: Vec<Table>,
    /// Statements can be evaluated on a restored server, and are rewritten for it too.
    restored: bool,
    /// The source whose tables statements name as they come, while it has no snapshot.
    open: Option<String>,
}

/// Tables that statements may name; more stay without a name.
const NAMED_TABLES_MAX: usize = 4096;
/// Columns of one of them: as many as a set of columns holds.
const NAMED_COLUMNS_MAX: usize = 64;
/// What stands for all columns of a table of which nobody names one.
const ALL: &str = "*";

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
        let tables = tables.iter().filter(|table| table.source == source).cloned().collect();
        Self { tables, restored: false, open: None }
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

    /// The tables that the case file describes, without rows: statements add what they name.
    pub(crate) fn of_case(source: &SourceSpec) -> Self {
        let mut catalog = Self { tables: Vec::new(), restored: false, open: Some(source.name.clone()) };
        for (name, spec) in &source.tables {
            let columns = spec.key.iter().chain(spec.fields.keys()).chain(spec.references.keys()).cloned().collect();
            let Some(at) = catalog.learn(&Named { table: name.clone(), columns }) else { continue };
            let table = &mut catalog.tables[at];
            for column in &mut table.columns {
                column.meaning = spec.fields.get(&column.name).copied();
            }
            table.key = spec.key.iter().filter_map(|key| table.column(key)).collect();
        }
        catalog
    }

    /// Whether statements alone tell what tables there are.
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Takes a table in as a statement names it; gives its place where something was new.
    pub(crate) fn learn(&mut self, named: &Named) -> Option<usize> {
        let source = self.open.clone()?;
        let known = self.find(&named.table);
        if known.is_none() && self.tables.len() >= NAMED_TABLES_MAX {
            return None;
        }
        let at = known.unwrap_or_else(|| {
            self.tables.push(nameless(self.tables.len(), source, &named.table));
            self.tables.len() - 1
        });
        let columns = &mut self.tables[at].columns;
        let before = columns.len();
        for name in &named.columns {
            let is_known = columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
            if !is_known && columns.len() < NAMED_COLUMNS_MAX {
                columns.push(Column { name: name.clone(), meaning: None });
            }
        }
        (known.is_none() || columns.len() > before).then_some(at)
    }

    pub(crate) fn len(&self) -> usize {
        self.tables.len()
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
    /// Where a table is named without any of its columns, or whole rows are meant, all of them.
    pub(crate) fn named_in(&self, text: &str) -> Vec<(usize, ColumnSet)> {
        let mentioned = Mentioned::of(text);
        let everything = mentioned.means_everything();
        let named = self.tables.iter().enumerate().filter(|(_, table)| everything || mentioned.names(&table.name));
        let columns = |table: &Table| {
            let all = table.columns.iter().enumerate().take(64);
            let some: ColumnSet = all.clone().filter(|(_, c)| mentioned.names(&c.name)).map(|(at, _)| at).collect();
            if some.is_empty() || everything || mentioned.means_whole(&table.name) {
                all.map(|(at, _)| at).collect()
            } else {
                some
            }
        };
        named.map(|(at, table)| (at, columns(table))).collect()
    }
}

/// A table of which nothing but the name is known.
fn nameless(at: usize, source: String, name: &str) -> Table {
    Table {
        id: u32::try_from(at + 1).unwrap_or(u32::MAX),
        source,
        name: name.to_owned(),
        columns: vec![Column { name: ALL.into(), meaning: None }],
        key: Vec::new(),
        rows: 0,
        duplicates: 0,
        misshapen: 0,
        person: None,
        references: Vec::new(),
    }
}
