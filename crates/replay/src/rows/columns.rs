//! What a value carries: which columns of which rows, whole or in part. Rows are known by slots: a slot is one occurrence
//! of a table in a statement, and beside each row of an answer stands, slot by slot, the row of the snapshot it came from.
//! Who makes slots is `rewrite`; what an expression does to what it is made of is `render`.

use kintsugi_case::ColumnSet;

/// Columns carried, slot by slot.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Carried(Vec<Piece>);

/// What is carried of one slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Piece {
    /// The slot's number in the plan.
    pub(crate) slot: usize,
    /// Whole values.
    pub(crate) whole: ColumnSet,
    /// Parts of values, or what nobody can tell.
    pub(crate) part: ColumnSet,
}

/// How an expression passes on what it is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// The whole value.
    Whole,
    /// A part of it, or a figure from which it cannot be had back.
    Part,
    /// An answer about it at most.
    Not,
}

impl Carried {
    /// One column of one slot.
    pub(crate) fn column(slot: usize, column: usize) -> Self {
        // Columns beyond the set's width share its last place.
        let whole = ColumnSet::default().with(column.min(63));
        Self(vec![Piece { slot, whole, part: ColumnSet::default() }])
    }

    /// Adds what another value carries.
    pub(crate) fn add(&mut self, other: &Self, how: How) {
        for piece in &other.0 {
            let both = ColumnSet(piece.whole.0 | piece.part.0);
            let (whole, part) = match how {
                How::Whole => (piece.whole, piece.part),
                How::Part => (ColumnSet::default(), both),
                How::Not => continue,
            };
            let mine = self.piece(piece.slot);
            mine.whole = ColumnSet(mine.whole.0 | whole.0);
            mine.part = ColumnSet(mine.part.0 | part.0);
        }
    }

    fn piece(&mut self, slot: usize) -> &mut Piece {
        let at = self.0.iter().position(|piece| piece.slot == slot).unwrap_or_else(|| {
            self.0.push(Piece { slot, whole: ColumnSet::default(), part: ColumnSet::default() });
            self.0.len() - 1
        });
        &mut self.0[at]
    }

    /// The same, known by other slots.
    pub(crate) fn moved(mut self, to: &dyn Fn(usize) -> usize) -> Self {
        self.0.iter_mut().for_each(|piece| piece.slot = to(piece.slot));
        self
    }

    /// What is carried, slot by slot; a column that is there whole is not named as a part.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = Piece> + '_ {
        self.0.iter().map(|piece| Piece { part: piece.part.without(piece.whole), ..*piece })
    }
}
