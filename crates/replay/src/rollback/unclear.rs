//! Why a change of a table cannot be undone, and what a verdict says of it.

/// Why a write cannot be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Unclear {
    /// A statement that writes could not be read.
    Unread,
    /// Which rows it changed does not follow from its text.
    Rows,
    /// It filled the table from elsewhere.
    Source,
    /// The table itself was changed.
    Layout,
    /// It names its rows by a value that is not kept.
    Secret,
    /// There are more writes than are held.
    TooMany,
}

impl Unclear {
    const ALL: [Self; 6] = [Self::Unread, Self::Rows, Self::Source, Self::Layout, Self::Secret, Self::TooMany];

    /// The reason of a verdict that stays possible for it.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Unread => {
                "the page has another size than the values of today give it, and since then a statement that could not be read changed the table"
            }
            Self::Rows => {
                "the page has another size than the values of today give it, and since then a statement changed rows of the table that its text does not name"
            }
            Self::Source => {
                "the page has another size than the values of today give it, and since then a statement filled the table from elsewhere"
            }
            Self::Layout => {
                "the page has another size than the values of today give it, and since then the table itself was changed"
            }
            Self::Secret => {
                "the page has another size than the values of today give it, and since then a statement changed rows that it names by a card number or code"
            }
            Self::TooMany => {
                "the page has another size than the values of today give it, and since then there were more writes than are undone"
            }
        }
    }

    /// Its number, from 1.
    pub(crate) fn number(self) -> u64 {
        Self::ALL.iter().zip(1..).find(|(one, _)| **one == self).map_or(0, |(_, number)| number)
    }

    /// That of a number; 0 is none.
    pub(crate) fn of_number(number: u64) -> Option<Self> {
        usize::try_from(number).ok()?.checked_sub(1).and_then(|at| Self::ALL.get(at)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::Unclear;

    #[test]
    fn each_has_a_number_of_its_own() {
        for one in Unclear::ALL {
            assert_eq!(Unclear::of_number(one.number()), Some(one));
        }
        assert_eq!(Unclear::of_number(0), None);
    }
}
