//! The public statement (お知らせとお詫び), written from facts alone.

use jiff::tz::TimeZone;
use kintsugi_case::{Contradiction, Controller, Fact, Language};

/// What stands around the facts: who speaks, where, in which language.
#[derive(Clone, Debug)]
pub struct StatementFrame<'a> {
    /// Who is responsible.
    pub controller: &'a Controller,
    /// The portal's address as people type it.
    pub portal: &'a str,
    /// The zone in which times are told.
    pub timezone: &'a TimeZone,
    /// The language.
    pub language: Language,
}

/// A piece of text; where it states a fact, the fact's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The words.
    pub text: String,
    /// The fact that these words state (the page links it to its why).
    pub fact: Option<String>,
}

/// A block of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// A paragraph.
    Paragraph(Vec<Run>),
    /// A list of steps, numbered.
    Steps(Vec<Vec<Run>>),
    /// A table: the head, then rows.
    Table {
        /// The head.
        head: Vec<String>,
        /// The rows.
        rows: Vec<Vec<Run>>,
    },
}

/// A heading and what stands under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The heading.
    pub heading: String,
    /// The blocks.
    pub blocks: Vec<Block>,
}

/// The statement, ready to be shown as a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its language.
    pub language: Language,
    /// Its title.
    pub title: String,
    /// Its date, in words: the newest as-of of the facts in it.
    pub dated: String,
    /// Who says it.
    pub by: String,
    /// The answer in one paragraph, before the first heading.
    pub lead: Vec<Run>,
    /// The sections.
    pub sections: Vec<Section>,
}

/// Why there is no statement yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotPublished {
    /// Facts that contradict each other.
    Contradictions(Vec<Contradiction>),
    /// Facts that the statement needs and that are not there.
    Missing(Vec<&'static str>),
}

/// Writes the statement.
pub fn statement(_facts: &[Fact], _frame: &StatementFrame<'_>) -> Result<Statement, NotPublished> {
    Err(NotPublished::Missing(vec!["records_exposed"]))
}
