//! What FIND concludes: for each cell, whether the intruder obtained it, and the line that shows it.

use serde::{Deserialize, Serialize};

/// A conclusion about a cell. Its order is its strength: the strongest verdict of several wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The evidence shows that the value did not reach the intruder.
    Excluded,
    /// The evidence cannot decide.
    Possible,
    /// The evidence shows that the value reached the intruder.
    Proved,
}

impl Verdict {
    /// Every verdict, strongest first.
    pub const ALL: [Self; 3] = [Self::Proved, Self::Possible, Self::Excluded];

    /// The word for it, in exports and on screens for staff.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::Possible => "possible",
            Self::Excluded => "excluded",
        }
    }

    /// The verdict with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.name() == name)
    }
}

/// How the intruder got at a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Technique {
    /// Rows added to the page's own by UNION, or the page's own query widened.
    Union,
    /// Values in the text of an error message.
    ErrorBased,
    /// One answer a question: a page with or without a row, a redirect, an error.
    BooleanBlind,
    /// One answer a question: the server waits, or does not.
    TimeBlind,
    /// Another way than the page: a table, a file, a program, another server that the database reaches by itself.
    OutOfBand,
    /// A sign-in without the password.
    LoginBypass,
    /// No statement: a record's number in an address that nobody checked.
    Access,
    /// No statement: a file that held the value.
    File,
    /// No statement: the cell lies within a window of use.
    Window,
}

impl Technique {
    /// Every technique.
    pub const ALL: [Self; 9] = [
        Self::Union,
        Self::ErrorBased,
        Self::BooleanBlind,
        Self::TimeBlind,
        Self::OutOfBand,
        Self::LoginBypass,
        Self::Access,
        Self::File,
        Self::Window,
    ];

    /// The word for it in exports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Union => "union",
            Self::ErrorBased => "error_based",
            Self::BooleanBlind => "boolean_blind",
            Self::TimeBlind => "time_blind",
            Self::OutOfBand => "out_of_band",
            Self::LoginBypass => "login_bypass",
            Self::Access => "access",
            Self::File => "file",
            Self::Window => "window",
        }
    }

    /// The technique with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|technique| technique.name() == name)
    }

    /// Whether a statement of the intruder's ran, which replay follows.
    pub const fn is_statement(self) -> bool {
        !matches!(self, Self::Access | Self::File | Self::Window)
    }
}

/// A file of evidence, by its place in the custody manifest (from 1; 0 means none).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EvidenceId(pub u32);

/// A line of evidence, counted from 1 in the uncompressed file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EvidenceLine {
    /// The file.
    pub evidence: EvidenceId,
    /// The line, from 1; 0 where the basis is no line.
    pub line: u64,
}

/// Why a group of exposures holds: one rule and, for replay, one shape of statement. Numbered within one run of `scope`, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BasisId(pub u32);

/// A set of columns of one table, by their position in it (the first 64).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ColumnSet(pub u64);

impl ColumnSet {
    /// The set with one more column.
    #[must_use]
    pub const fn with(self, column: usize) -> Self {
        Self(self.0 | 1 << column)
    }

    /// Whether the column is in the set.
    pub const fn has(self, column: usize) -> bool {
        self.0 >> column & 1 == 1
    }

    /// The columns that are in this set and not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether no column is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The positions, rising.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..64).filter(move |&column| self.has(column))
    }

    /// How many columns.
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }
}

impl FromIterator<usize> for ColumnSet {
    fn from_iter<I: IntoIterator<Item = usize>>(columns: I) -> Self {
        columns.into_iter().fold(Self::default(), Self::with)
    }
}

/// A cell as people name it: what the scorer and exports speak of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CellId {
    /// The source's name in the case file.
    pub source: String,
    /// The table.
    pub table: String,
    /// The key: the value, or a JSON array where the key has several columns.
    pub key: String,
    /// The column.
    pub column: String,
}

/// What one statement (or rule) did to one row: the exposed cells of that row share verdict, basis and line.
/// `table` and `row` are find.db's numbers of the table and of the row in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// find.db's number of the table.
    pub table: u32,
    /// The row's number in the snapshot, from 1.
    pub row: u64,
    /// The columns of the row.
    pub columns: ColumnSet,
    /// The conclusion.
    pub verdict: Verdict,
    /// Which rule and shape.
    pub basis: BasisId,
    /// The line that shows it.
    pub line: EvidenceLine,
    /// When, in milliseconds since 1970 UTC; 0 where unknown.
    pub at_ms: i64,
    /// Bytes that the server sent.
    pub observed_bytes: u64,
    /// Bytes that the replay predicts; 0 where nothing was predicted.
    pub predicted_bytes: u64,
    /// The literals that this statement put into the shape's places, comma-separated, card numbers masked.
    pub literals: String,
}

#[cfg(test)]
mod tests {
    use super::{ColumnSet, Verdict};

    #[test]
    fn the_strongest_verdict_is_the_greatest() {
        assert_eq!(Verdict::ALL.into_iter().max(), Some(Verdict::Proved));
        assert!(Verdict::Possible > Verdict::Excluded);
    }

    #[test]
    fn column_sets_are_sets() {
        let set: ColumnSet = [0, 3, 63].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 3, 63]);
        assert_eq!(set.without(ColumnSet::default().with(3)).len(), 2);
    }
}
