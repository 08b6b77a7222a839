//! Rows on their way in and out: inserts of many rows a statement, and typed reading of columns.

use kintsugi_case::{BasisId, EvidenceId, FieldMeaning, Language, Verdict};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{AnyConnection, Arguments, AssertSqlSafe, Row};

use crate::error::During;
use crate::{Error, Result};

/// Rows of one statement.
const ROWS_MAX: usize = 500;
/// Values of one statement: SQLite takes 32,766, PostgreSQL 65,535.
const VALUES_MAX: usize = 30_000;

/// A value on its way into a column.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    Int(i64),
    MaybeInt(Option<i64>),
    Text(String),
    MaybeText(Option<String>),
    Bytes(Vec<u8>),
    MaybeBytes(Option<Vec<u8>>),
}

impl Cell {
    pub(crate) fn add_to(self, arguments: &mut AnyArguments) -> sqlx::Result<()> {
        match self {
            Self::Int(value) => arguments.add(value),
            Self::MaybeInt(value) => arguments.add(value),
            Self::Text(value) => arguments.add(value),
            Self::MaybeText(value) => arguments.add(value),
            Self::Bytes(value) => arguments.add(value),
            Self::MaybeBytes(value) => arguments.add(value),
        }
        .map_err(sqlx::Error::Encode)
    }
}

impl From<i64> for Cell {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

/// Counts and numbers; what no column can hold becomes the greatest that it can.
impl From<u64> for Cell {
    fn from(value: u64) -> Self {
        Self::Int(as_i64(value))
    }
}

impl From<u32> for Cell {
    fn from(value: u32) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<Option<i64>> for Cell {
    fn from(value: Option<i64>) -> Self {
        Self::MaybeInt(value)
    }
}

impl From<&str> for Cell {
    fn from(value: &str) -> Self {
        Self::Text(storable(value))
    }
}

/// Text as both databases can store it: PostgreSQL has no character NUL, which junk in evidence and in requests may
/// carry, so its picture stands for it.
pub(crate) fn storable(text: &str) -> String {
    if text.contains('\0') { text.replace('\0', "\u{2400}") } else { text.to_owned() }
}

impl From<&String> for Cell {
    fn from(value: &String) -> Self {
        Self::from(value.as_str())
    }
}

impl From<Option<&str>> for Cell {
    fn from(value: Option<&str>) -> Self {
        Self::MaybeText(value.map(str::to_owned))
    }
}

impl From<Vec<u8>> for Cell {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl From<[u8; 16]> for Cell {
    fn from(value: [u8; 16]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl From<Option<[u8; 16]>> for Cell {
    fn from(value: Option<[u8; 16]>) -> Self {
        Self::MaybeBytes(value.map(|bytes| bytes.to_vec()))
    }
}

/// A count or a number as a column holds it.
pub(crate) fn as_i64(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The arguments of a statement.
pub(crate) fn arguments(cells: impl IntoIterator<Item = Cell>) -> sqlx::Result<AnyArguments> {
    let mut arguments = AnyArguments::default();
    cells.into_iter().try_for_each(|cell| cell.add_to(&mut arguments))?;
    Ok(arguments)
}

/// Gathers rows of `COLUMNS` values and writes them, many a statement: `head VALUES (…), (…)`.
pub(crate) struct Insert<const COLUMNS: usize> {
    head: &'static str,
    rows: Vec<[Cell; COLUMNS]>,
}

impl<const COLUMNS: usize> Insert<COLUMNS> {
    /// `head` ends before `VALUES`.
    pub(crate) const fn new(head: &'static str) -> Self {
        Self { head, rows: Vec::new() }
    }

    pub(crate) fn push(&mut self, row: [Cell; COLUMNS]) {
        self.rows.push(row);
    }

    pub(crate) fn rows(&mut self, rows: impl IntoIterator<Item = [Cell; COLUMNS]>) {
        self.rows.extend(rows);
    }

    /// Rows gathered.
    pub(crate) const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Writes what fills whole statements.
    pub(crate) async fn write_full(&mut self, connection: &mut AnyConnection, operation: &'static str) -> Result<()> {
        while self.rows.len() >= rows_a_statement(COLUMNS) {
            self.write_some(connection, operation).await?;
        }
        Ok(())
    }

    /// Writes everything.
    pub(crate) async fn write_all(&mut self, connection: &mut AnyConnection, operation: &'static str) -> Result<()> {
        while !self.rows.is_empty() {
            self.write_some(connection, operation).await?;
        }
        Ok(())
    }

    async fn write_some(&mut self, connection: &mut AnyConnection, operation: &'static str) -> Result<()> {
        let count = self.rows.len().min(rows_a_statement(COLUMNS));
        let sql = format!("{} VALUES {}", self.head, Marks::of(connection).rows(1, count, COLUMNS));
        let values = arguments(self.rows.drain(..count).flatten()).during(operation)?;
        sqlx::query_with(AssertSqlSafe(sql), values).execute(connection).await.during(operation).map(drop)
    }
}

const fn rows_a_statement(columns: usize) -> usize {
    let by_values = VALUES_MAX / columns;
    if by_values < ROWS_MAX { by_values } else { ROWS_MAX }
}

/// How a statement marks where its values go.
///
/// SQLite gives each `$1` a name, and both the library and the driver look every name up by walking the list of them:
/// a statement of 8,000 values spends its time there (measured: 130,000 persons frozen in 46 s instead of a few).
/// So long lists of values use `?` there, in the order of the values, and no `$1` beside it. PostgreSQL knows `$1` alone.
#[derive(Clone, Copy)]
pub(crate) enum Marks {
    Plain,
    Numbered,
}

impl Marks {
    /// How this database marks values.
    pub(crate) fn of(connection: &AnyConnection) -> Self {
        if connection.backend_name() == "PostgreSQL" { Self::Numbered } else { Self::Plain }
    }

    /// The mark of the value at this place, from 1.
    pub(crate) fn one(self, place: usize) -> String {
        match self {
            Self::Plain => "?".to_owned(),
            Self::Numbered => format!("${place}"),
        }
    }

    /// `$1, $2, $3`: `count` values from `first` on, for `IN (…)`.
    pub(crate) fn list(self, first: usize, count: usize) -> String {
        (first..first + count).map(|place| self.one(place)).collect::<Vec<_>>().join(", ")
    }

    /// `($1, $2), ($3, $4)`: `rows` rows of `columns` values, from `first` on.
    pub(crate) fn rows(self, first: usize, rows: usize, columns: usize) -> String {
        let row = |at| format!("({})", self.list(first + at * columns, columns));
        (0..rows).map(row).collect::<Vec<_>>().join(", ")
    }
}

/// Typed reading of columns by name.
pub(crate) trait Columns {
    fn int(&self, column: &str) -> Result<i64>;
    fn maybe_int(&self, column: &str) -> Result<Option<i64>>;
    fn text(&self, column: &str) -> Result<String>;
    fn maybe_text(&self, column: &str) -> Result<Option<String>>;
    fn bytes(&self, column: &str) -> Result<Vec<u8>>;

    /// A count or a number that is never negative.
    fn count(&self, column: &str) -> Result<u64> {
        u64::try_from(self.int(column)?).map_err(|_| Error::Value { what: "negative count" })
    }

    /// A number that fits 32 bits.
    fn small(&self, column: &str) -> Result<u32> {
        u32::try_from(self.int(column)?).map_err(|_| Error::Value { what: "number over 32 bits" })
    }

    fn verdict(&self, column: &str) -> Result<Verdict> {
        Verdict::from_name(&self.text(column)?).ok_or(Error::Value { what: "verdict" })
    }

    fn maybe_verdict(&self, column: &str) -> Result<Option<Verdict>> {
        let named = |name: String| Verdict::from_name(&name).ok_or(Error::Value { what: "verdict" });
        self.maybe_text(column)?.map(named).transpose()
    }

    fn language(&self, column: &str) -> Result<Language> {
        Language::from_tag(&self.text(column)?).ok_or(Error::Value { what: "language" })
    }

    fn basis(&self, column: &str) -> Result<BasisId> {
        self.small(column).map(BasisId)
    }

    fn evidence(&self, column: &str) -> Result<EvidenceId> {
        self.small(column).map(EvidenceId)
    }

    /// Meanings written by [`fields_text`].
    fn fields(&self, column: &str) -> Result<Vec<FieldMeaning>> {
        fields_of(&self.text(column)?)
    }
}

impl Columns for AnyRow {
    fn int(&self, column: &str) -> Result<i64> {
        self.try_get(column).during("read a number")
    }

    fn maybe_int(&self, column: &str) -> Result<Option<i64>> {
        self.try_get(column).during("read a number")
    }

    fn text(&self, column: &str) -> Result<String> {
        self.try_get(column).during("read text")
    }

    fn maybe_text(&self, column: &str) -> Result<Option<String>> {
        self.try_get(column).during("read text")
    }

    fn bytes(&self, column: &str) -> Result<Vec<u8>> {
        self.try_get(column).during("read bytes")
    }
}

/// Meanings as one text, in their order.
pub(crate) fn fields_text(fields: &[FieldMeaning]) -> String {
    fields.iter().map(|field| field.name()).collect::<Vec<_>>().join(",")
}

/// Meanings out of the text that [`fields_text`] made.
pub(crate) fn fields_of(text: &str) -> Result<Vec<FieldMeaning>> {
    let named = |name| FieldMeaning::from_name(name).ok_or(Error::Value { what: "field meaning" });
    text.split(',').filter(|name| !name.is_empty()).map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::{Cell, Marks, fields_of, fields_text};
    use kintsugi_case::FieldMeaning;

    #[test]
    fn marks_count_on() {
        assert_eq!(Marks::Numbered.rows(1, 2, 2), "($1, $2), ($3, $4)");
        assert_eq!(Marks::Plain.rows(1, 2, 2), "(?, ?), (?, ?)");
        assert_eq!(Marks::Numbered.list(2, 3), "$2, $3, $4");
    }

    #[test]
    fn meanings_read_back() {
        assert_eq!(fields_of(&fields_text(&FieldMeaning::ALL)).unwrap(), FieldMeaning::ALL);
        assert_eq!(fields_of("").unwrap(), []);
        assert!(fields_of("person.mail").is_err());
    }

    #[test]
    fn a_nul_in_evidence_can_be_stored() {
        assert!(matches!(Cell::from("a\0b"), Cell::Text(text) if text == "a\u{2400}b"));
    }
}
