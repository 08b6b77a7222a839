//! How much text a page shows, by what decides its bytes: the characters that a page may write as entities are counted
//! apart, as which of them a page writes so is learned (`page`).

use rusqlite::types::ValueRef;

use crate::functions::text_of;

/// The size of one value, or of a column over all rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text {
    /// Bytes in UTF-8.
    pub(crate) bytes: u32,
    /// `<` and `>`
    pub(crate) angles: u32,
    /// `&`
    pub(crate) ampersands: u32,
    /// `"`
    pub(crate) double_quotes: u32,
    /// `'`
    pub(crate) single_quotes: u32,
    /// Values that are NULL.
    pub(crate) nulls: u32,
}

impl Text {
    /// No value.
    pub(crate) const NULL: Self = Self { bytes: 0, angles: 0, ampersands: 0, double_quotes: 0, single_quotes: 0, nulls: 1 };

    /// The size of a value as the server sends it.
    pub(crate) fn of(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::NULL,
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Self::of_bytes(bytes),
            other => text_of(other).map_or(Self::NULL, |bytes| Self::of_bytes(&bytes)),
        }
    }

    /// The size of some text.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        let mut text = Self { bytes: u32::try_from(bytes.len()).unwrap_or(u32::MAX), ..Self::default() };
        for byte in bytes {
            match byte {
                b'<' | b'>' => text.angles += 1,
                b'&' => text.ampersands += 1,
                b'"' => text.double_quotes += 1,
                b'\'' => text.single_quotes += 1,
                _ => {}
            }
        }
        text
    }

    /// The counts, as they are kept.
    pub(super) const fn counts(&self) -> [u32; 6] {
        [self.bytes, self.nulls, self.angles, self.ampersands, self.double_quotes, self.single_quotes]
    }

    pub(super) const fn of_counts([bytes, nulls, angles, ampersands, double_quotes, single_quotes]: [u32; 6]) -> Self {
        Self { bytes, angles, ampersands, double_quotes, single_quotes, nulls }
    }

    fn add(&mut self, other: &Self) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.angles = self.angles.saturating_add(other.angles);
        self.ampersands = self.ampersands.saturating_add(other.ampersands);
        self.double_quotes = self.double_quotes.saturating_add(other.double_quotes);
        self.single_quotes = self.single_quotes.saturating_add(other.single_quotes);
        self.nulls = self.nulls.saturating_add(other.nulls);
    }
}

/// All that a page shows of an answer, column by column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Rows.
    pub(crate) rows: u32,
    /// The text of each column.
    pub(crate) columns: Vec<Text>,
}

impl Shown {
    /// Adds a row.
    pub(crate) fn add_row(&mut self, row: &[Text]) {
        self.rows += 1;
        self.columns.resize(self.columns.len().max(row.len()), Text::default());
        self.columns.iter_mut().zip(row).for_each(|(column, value)| column.add(value));
    }
}
