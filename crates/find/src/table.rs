//! A snapshot table as the case file and the snapshot describe it.

use kintsugi_case::{ColumnSet, FieldMeaning, PersonLink};

/// A column of a snapshot table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in the source.
    pub name: String,
    /// What it means, where the case file says so.
    pub meaning: Option<FieldMeaning>,
}

/// A foreign key: `column` of this table holds values of `target_column` in `target_table` of the same source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Position of the column in this table.
    pub column: usize,
    /// The table it points to.
    pub target_table: String,
    /// The column there.
    pub target_column: String,
}

/// A snapshot table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its number in find.db, from 1 in the order of loading. Exposures name it by this.
    pub id: u32,
    /// The source's name.
    pub source: String,
    /// The table's name in the source.
    pub name: String,
    /// The source's columns in their order; positions in a [`ColumnSet`] count from 0 here.
    pub columns: Vec<Column>,
    /// Positions of the key columns; empty where the case file names none.
    pub key: Vec<usize>,
    /// Rows stored (duplicates kept aside are not among them).
    pub rows: u64,
    /// Rows kept aside because an earlier row has their key.
    pub duplicates: u64,
    /// Rows kept aside because they had more or fewer values than the table has columns.
    pub misshapen: u64,
    /// To whom a row belongs, where it is no person itself.
    pub person: Option<PersonLink>,
    /// Foreign keys.
    pub references: Vec<Reference>,
}

impl Table {
    /// The table's name in SQL on find.db: `"SOURCE.TABLE"` with its quotes.
    pub fn sql_name(&self) -> String {
        quoted(&format!("{}.{}", self.source, self.name))
    }

    /// The name of the row number in SQL: `rowid`, or one of its other names where the source has a column called so.
    pub fn row_name(&self) -> &'static str {
        row_name(self.columns.iter().map(|column| column.name.as_str()))
    }

    /// The position of a column by name: as written, else in another case.
    pub fn column(&self, name: &str) -> Option<usize> {
        let exact = self.columns.iter().position(|column| column.name == name);
        exact.or_else(|| self.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name)))
    }

    /// The position of the first column with this meaning.
    pub fn column_meaning(&self, meaning: FieldMeaning) -> Option<usize> {
        self.columns.iter().position(|column| column.meaning == Some(meaning))
    }

    /// The columns about which a person must be told when they were taken.
    pub fn personal_columns(&self) -> ColumnSet {
        let personal = |column: &Column| column.meaning.is_some_and(FieldMeaning::is_personal);
        (0..self.columns.len().min(64)).filter(|&at| personal(&self.columns[at])).collect()
    }

    /// Whether each row is a registration of a person: it belongs to no other row and has something by which a person
    /// can be known or reached.
    pub fn is_of_persons(&self) -> bool {
        let identifies = |meaning: FieldMeaning| {
            matches!(
                meaning,
                FieldMeaning::PersonName
                    | FieldMeaning::PersonNameKana
                    | FieldMeaning::PersonEmail
                    | FieldMeaning::PersonPhone
                    | FieldMeaning::PersonAddress
                    | FieldMeaning::CardHolder
            )
        };
        self.person.is_none() && self.columns.iter().any(|column| column.meaning.is_some_and(identifies))
    }
}

/// A name as an SQL identifier, quotes doubled.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// SQLite gives the row number three names; a source may have used one or two of them for a column of its own.
pub(crate) fn row_name<'a>(columns: impl Iterator<Item = &'a str> + Clone) -> &'static str {
    let free = |name: &&str| !columns.clone().any(|column| column.eq_ignore_ascii_case(name));
    ["rowid", "_rowid_", "oid"].into_iter().find(free).unwrap_or("rowid")
}

/// The hidden column of a card number column with its last four digits.
pub(crate) fn last4_column(name: &str) -> String {
    quoted(&format!("{name}__last4"))
}

/// The hidden column of a card number column with its brand.
pub(crate) fn brand_column(name: &str) -> String {
    quoted(&format!("{name}__brand"))
}
