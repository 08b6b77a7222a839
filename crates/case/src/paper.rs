//! What stands on paper, line by line, before it is set: `notify` and `report` write it, `letter` sets it.

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PaperLineKind {
    /// The answer that leads.
    Answer,
    /// A heading.
    Heading,
    /// A heading within a section.
    SmallHeading,
    /// A numbered step; numbers begin at 1 after each heading.
    Step,
    /// An item of a list.
    Item,
    /// A line of a table: one text a cell.
    Row,
    /// The head of a table.
    RowHead,
    /// Small print.
    Small,
    /// An address to type.
    Typed,
    /// A paragraph.
    Paragraph,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PaperLine {
    /// What it is.
    pub kind: PaperLineKind,
    /// Its words; one text a cell, rows alone have several.
    pub cells: Vec<String>,
}

impl PaperLine {
    /// A line of one cell.
    pub fn new(kind: PaperLineKind, words: impl Into<String>) -> Self {
        Self { kind, cells: vec![words.into()] }
    }
}
