//! Values that the evidence gives away by itself: read out of answers, error texts and bodies, with or without a snapshot.
//! They are handed over one by one and kept nowhere; who asks for them decides what becomes of them.

use kintsugi_case::{EvidenceLine, FieldMeaning, Private};

/// A value that reached the intruder, as far as the evidence shows it.
#[derive(Clone, Debug)]
pub struct RecoveredValue {
    /// The source of the case file.
    pub source: String,
    /// The table that the statements named.
    pub table: String,
    /// The column.
    pub column: String,
    /// What the case file says that the column holds.
    pub meaning: Option<FieldMeaning>,
    /// Which row, as the statements chose it (`ORDER BY id LIMIT 5,1`) or by its key (`id=7`).
    pub row: String,
    /// Which characters of the value arrived.
    pub characters: Characters,
    /// The value; characters that did not arrive are left out.
    pub value: Private<String>,
    /// The first line that gives a part of it.
    pub first: EvidenceLine,
    /// The last one.
    pub last: EvidenceLine,
}

/// Which characters of a value are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Characters {
    /// All of them.
    All,
    /// Ranges of positions, from 1, both ends included, in ascending order.
    Some(Vec<(u64, u64)>),
    /// None by themselves: so many bytes of rows arrived, at most.
    Bytes(u64),
}

impl std::fmt::Display for Characters {
    /// `complete`, or `1-18,37-40`, or `1200 bytes`; `none` where nothing is known but that it was asked for.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::All => f.write_str("complete"),
            Self::Bytes(bytes) => write!(f, "{bytes} bytes"),
            Self::Some(ranges) if ranges.is_empty() => f.write_str("none"),
            Self::Some(ranges) => {
                let texts: Vec<String> = ranges.iter().map(|(from, to)| format!("{from}-{to}")).collect();
                f.write_str(&texts.join(","))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Characters;

    #[test]
    fn what_is_known_of_a_value_is_named_by_its_positions() {
        let check = |characters: Characters, expected: &str| assert_eq!(characters.to_string(), expected);
        check(Characters::All, "complete");
        check(Characters::Some(vec![(1, 18), (37, 40)]), "1-18,37-40");
        check(Characters::Some(Vec::new()), "none");
        check(Characters::Bytes(1200), "1200 bytes");
    }
}
