//! The public statement (お知らせとお詫び), written from facts alone. Its words are files (`words/`), its numbers and dates
//! are facts or nothing; the headings are those under which readers and the regulator look (APPI Rules, article 8:
//! outline, data items, number of persons, cause, secondary damage, response to persons, prevention).

use std::collections::BTreeSet;
use std::fmt;

use jiff::tz::TimeZone;
use kintsugi_case::{
    Contradiction, Controller, Fact, FactKind, FactValue, FieldMeaning, Language, Verdict, contradictions, day_in_words,
    newest_fact,
};

use serde::{Deserialize, Serialize};

use crate::chronicle::{EventFault, Moment};
use crate::computed::{OUTBOX, field_fact};
use crate::words::{Line, lines, of};

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The words.
    pub text: String,
    /// The fact that these words state (the page links it to its why).
    pub fact: Option<String>,
}

/// A block of a section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// The heading.
    pub heading: String,
    /// The blocks.
    pub blocks: Vec<Block>,
}

/// What was added to a statement after it was first published (追記).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// The version of the statement that brought it.
    pub version: u32,
    /// The day, in words.
    pub dated: String,
    /// What it says.
    pub runs: Vec<Run>,
}

/// The statement, ready to be shown as a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
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
    /// What happened when, oldest first.
    #[serde(default)]
    pub chronicle: Vec<Moment>,
    /// What was added since, oldest first.
    #[serde(default)]
    pub updates: Vec<Update>,
}

impl Statement {
    /// Every piece of text that it states now, in reading order: without the updates of earlier days.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        let sections = self.sections.iter().flat_map(|section| section.blocks.iter().flat_map(Block::runs));
        self.lead.iter().chain(sections).chain(self.chronicle.iter().flat_map(|moment| &moment.runs))
    }

    /// The places in `facts` of the facts that it states, in their order: its own, and those of its newest update.
    pub fn cited(&self, facts: &[Fact]) -> Vec<usize> {
        let newest = self.updates.last().into_iter().flat_map(|update| &update.runs);
        let names: BTreeSet<&str> = self.runs().chain(newest).filter_map(|run| run.fact.as_deref()).collect();
        let mut places: Vec<usize> = names.into_iter().filter_map(|name| newest_fact(facts, name)).collect();
        places.sort_unstable();
        places
    }
}

impl Block {
    fn runs(&self) -> Box<dyn Iterator<Item = &Run> + '_> {
        match self {
            Self::Paragraph(runs) => Box::new(runs.iter()),
            Self::Steps(rows) | Self::Table { rows, .. } => Box::new(rows.iter().flatten()),
        }
    }
}

/// Why there is no statement yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotPublished {
    /// Facts that contradict each other.
    Contradictions(Vec<Contradiction>),
    /// Facts that the statement needs and that are not there.
    Missing(Vec<&'static str>),
    /// Facts that a newer one has overtaken.
    Stale(Vec<Stale>),
    /// A note that cannot stand as it was written.
    Note(NoteFault),
    /// An entry of the chronicle that cannot be published: its place in the case file, and why.
    Event(usize, EventFault),
}

/// A fact that the statement would state although it is of an earlier scope version, and the fact that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// The fact of the earlier version.
    pub fact: Fact,
    /// A fact of the newest version.
    pub newer: Fact,
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of =
            |fact: &Fact| format!("{} = {} (as of {}, scope version {})", fact.name, fact.value, fact.as_of, fact.scope_version);
        write!(f, "{} is older than {}", of(&self.fact), of(&self.newer))
    }
}

/// Why a note cannot stand as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoteFault {
    /// It says nothing: a version after the first says what is new in it.
    Empty,
    /// It has a figure of its own, which must be a fact.
    Figure(char),
    /// It cites what is no fact, or a brace is not closed.
    Unknown(String),
}

impl fmt::Display for NoteFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a note must say what is new"),
            Self::Figure(figure) => write!(f, "the figure {figure} in the note is no fact: cite one by its {{name}}"),
            Self::Unknown(name) => write!(f, "the note cites {{{name}}}, and there is no such fact"),
        }
    }
}

/// One reason a line, each with the facts it is about.
impl fmt::Display for NotPublished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = match self {
            Self::Contradictions(found) => found.iter().map(ToString::to_string).collect(),
            Self::Missing(names) => names.iter().map(|name| format!("there is no fact {name}")).collect(),
            Self::Stale(found) => found.iter().map(ToString::to_string).collect(),
            Self::Note(fault) => vec![fault.to_string()],
            Self::Event(place, fault) => vec![format!("[[event]] {place} cannot be published: {fault}")],
        };
        f.write_str(&lines.join("\n"))
    }
}

/// Without these there is nothing to state.
const NEEDED: [&str; 4] = ["records_stored", "records_exposed", "persons_affected", "persons_proved"];

/// Writes the statement. Two facts that cannot both be published stop it and are named (rule 1).
pub fn statement(facts: &[Fact], frame: &StatementFrame<'_>) -> Result<Statement, NotPublished> {
    let found = contradictions(facts);
    if !found.is_empty() {
        return Err(NotPublished::Contradictions(found));
    }
    let writer = Writer { facts, frame };
    let missing: Vec<&str> = NEEDED.into_iter().filter(|name| writer.fact(name).is_none()).collect();
    if !missing.is_empty() {
        return Err(NotPublished::Missing(missing));
    }
    let statement = writer.statement();
    let stale = stale(&statement, facts);
    if stale.is_empty() { Ok(statement) } else { Err(NotPublished::Stale(stale)) }
}

/// The next version of a published statement: its text from the facts of now, its updates kept, and a new one that says
/// what changed. `day` is the day of publication in words.
pub fn updated(
    facts: &[Fact],
    frame: &StatementFrame<'_>,
    before: &Statement,
    (version, day): (u32, &str),
    note: &str,
) -> Result<Statement, NotPublished> {
    let mut next = statement(facts, frame)?;
    let runs = Writer { facts, frame }.note(note).map_err(NotPublished::Note)?;
    next.updates = before.updates.clone();
    next.updates.push(Update { version, dated: day.to_owned(), runs });
    let stale = stale(&next, facts);
    if stale.is_empty() { Ok(next) } else { Err(NotPublished::Stale(stale)) }
}

/// Cited facts about notices that were counted before the newest scope version.
fn stale(statement: &Statement, facts: &[Fact]) -> Vec<Stale> {
    let Some(newer) = facts.iter().max_by_key(|fact| fact.scope_version) else { return Vec::new() };
    let cited = statement.cited(facts).into_iter().map(|at| &facts[at]);
    let old = cited.filter(|fact| fact.kind == FactKind::Computed && fact.scope_version < newer.scope_version);
    old.map(|fact| Stale { fact: fact.clone(), newer: newer.clone() }).collect()
}

pub(crate) struct Writer<'a> {
    pub(crate) facts: &'a [Fact],
    pub(crate) frame: &'a StatementFrame<'a>,
}

impl Writer<'_> {
    fn statement(&self) -> Statement {
        let mut statement = Statement {
            title: String::new(),
            dated: String::new(),
            by: self.frame.controller.name.clone(),
            lead: Vec::new(),
            sections: Vec::new(),
            chronicle: Vec::new(),
            updates: Vec::new(),
        };
        for line in lines(of(self.frame.language)) {
            self.line(line, &mut statement);
        }
        statement.sections.retain(|section| !section.blocks.is_empty());
        statement.dated = self.dated(&statement);
        statement
    }

    fn line(&self, line: Line<'_>, statement: &mut Statement) {
        match line {
            Line::Title(title) => statement.title = title.to_owned(),
            Line::Lead(wordings) => self.lead(&wordings, &mut statement.lead),
            Line::Heading(heading) => {
                statement.sections.push(Section { heading: heading.to_owned(), blocks: Vec::new() });
            }
            within => {
                if let Some(section) = statement.sections.last_mut() {
                    self.block(within, &mut section.blocks);
                }
            }
        }
    }

    /// The lead is one paragraph: its sentences follow each other as the language has it.
    fn lead(&self, wordings: &[&str], lead: &mut Vec<Run>) {
        let between = if lead.is_empty() || self.frame.language == Language::Ja { "" } else { " " };
        if let Some(runs) = self.worded(wordings) {
            plain(lead, between);
            lead.extend(runs);
        }
    }

    fn block(&self, line: Line<'_>, blocks: &mut Vec<Block>) {
        match line {
            Line::Fields => blocks.extend(self.fields()),
            Line::Contact => blocks.extend(self.contact()),
            Line::Paragraph(wordings) => blocks.extend(self.worded(&wordings).map(Block::Paragraph)),
            Line::Step(wordings) => {
                let Some(step) = self.worded(&wordings) else { return };
                match blocks.last_mut() {
                    Some(Block::Steps(steps)) => steps.push(step),
                    _ => blocks.push(Block::Steps(vec![step])),
                }
            }
            Line::Title(_) | Line::Lead(_) | Line::Heading(_) => {}
        }
    }

    /// The newest fact of this name. What only an earlier scope version said does not stand any more; counts of notices do,
    /// until they are found to be stale.
    fn fact(&self, name: &str) -> Option<&Fact> {
        let newest = self.facts.iter().map(|fact| fact.scope_version).max().unwrap_or(0);
        let stands = |fact: &&Fact| fact.kind == FactKind::Entered || fact.source == OUTBOX || fact.scope_version == newest;
        newest_fact(self.facts, name).map(|at| &self.facts[at]).filter(stands)
    }

    /// A note: words, and facts by name. A figure of its own is a claim without a fact.
    pub(crate) fn note(&self, note: &str) -> Result<Vec<Run>, NoteFault> {
        let note = note.trim();
        if note.is_empty() {
            return Err(NoteFault::Empty);
        }
        let mut runs = Vec::new();
        let mut rest = note;
        while let Some((before, after)) = rest.split_once('{') {
            self.words(before, &mut runs)?;
            let (name, after) = after.split_once('}').ok_or_else(|| NoteFault::Unknown(after.to_owned()))?;
            runs.push(self.cited(name).ok_or_else(|| NoteFault::Unknown(name.to_owned()))?);
            rest = after;
        }
        self.words(rest, &mut runs)?;
        Ok(runs)
    }

    /// The same, where this word may stand with its figures: a network address.
    pub(crate) fn note_around(&self, note: &str, address: &str) -> Result<Vec<Run>, NoteFault> {
        let mut runs = Vec::new();
        let mut rest = note;
        while let Some(at) = rest.to_ascii_lowercase().find(address) {
            if !rest[..at].trim().is_empty() {
                runs.extend(self.note(&rest[..at])?);
            }
            plain(&mut runs, &format!(" {} ", &rest[at..at + address.len()]));
            rest = &rest[at + address.len()..];
        }
        if !rest.trim().is_empty() {
            runs.extend(self.note(rest)?);
        }
        Ok(runs)
    }

    fn words(&self, words: &str, runs: &mut Vec<Run>) -> Result<(), NoteFault> {
        match words.chars().find(|c| c.is_numeric()) {
            Some(figure) => Err(NoteFault::Figure(figure)),
            None => {
                plain(runs, words);
                Ok(())
            }
        }
    }

    /// The first wording whose facts are all known.
    fn worded(&self, wordings: &[&str]) -> Option<Vec<Run>> {
        wordings.iter().find_map(|wording| self.wording(wording))
    }

    fn wording(&self, wording: &str) -> Option<Vec<Run>> {
        let mut runs: Vec<Run> = Vec::new();
        let mut rest = wording;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}')?;
            plain(&mut runs, before);
            match self.around(name) {
                Some(words) => plain(&mut runs, &words),
                None => runs.push(self.cited(name)?),
            }
            rest = after;
        }
        plain(&mut runs, rest);
        Some(runs)
    }

    /// Words that are no fact but the frame's.
    fn around(&self, name: &str) -> Option<String> {
        let and = if self.frame.language == Language::Ja { "、" } else { " and " };
        match name {
            "brands" => Some(self.frame.controller.brands.join(and)),
            "portal" => Some(self.frame.portal.to_owned()),
            _ => None,
        }
    }

    /// A fact in words; `as_of:` before its name gives the day for which it holds. A count of nothing is no statement.
    fn cited(&self, name: &str) -> Option<Run> {
        let (of_day, name) = name.strip_prefix("as_of:").map_or((false, name), |name| (true, name));
        let fact = self.fact(name).filter(|fact| fact.value != FactValue::Number(0))?;
        let text = if of_day { self.day(&fact.as_of) } else { self.value(&fact.value) };
        Some(Run { text, fact: Some(name.to_owned()) })
    }

    fn value(&self, value: &FactValue) -> String {
        value.words(self.frame.language, self.frame.timezone)
    }

    fn day(&self, written: &str) -> String {
        day_in_words(written, self.frame.language)
    }

    /// One row per field that was exposed; records and persons are two numbers (rule 2).
    fn fields(&self) -> Option<Block> {
        let head = match self.frame.language {
            Language::Ja => ["項目", "確認済み（記録）", "確認済み（人数）", "可能性あり（記録）", "可能性あり（人数）"],
            _ => ["Item", "Confirmed (records)", "Confirmed (people)", "Possible (records)", "Possible (people)"],
        };
        let rows: Vec<Vec<Run>> = FieldMeaning::ALL.into_iter().filter_map(|field| self.field_row(field)).collect();
        (!rows.is_empty()).then(|| Block::Table { head: head.map(str::to_owned).into(), rows })
    }

    fn field_row(&self, field: FieldMeaning) -> Option<Vec<Run>> {
        let label = Run { text: field.label(self.frame.language).to_owned(), fact: None };
        let columns = [Verdict::Proved, Verdict::Possible]
            .into_iter()
            .flat_map(|verdict| ["records", "persons"].map(|unit| field_fact(unit, field, verdict)));
        let cells: Vec<Run> = columns.filter_map(|name| self.cell(name)).collect();
        let exposed = field.is_personal() && cells.iter().any(|cell| cell.text != "0");
        (exposed && cells.len() == 4).then(|| std::iter::once(label).chain(cells).collect())
    }

    fn cell(&self, name: String) -> Option<Run> {
        let text = self.value(&self.fact(&name)?.value);
        Some(Run { text, fact: Some(name) })
    }

    fn contact(&self) -> Vec<Block> {
        let contact = &self.frame.controller.contact;
        let (phone, mail, open, close) = match self.frame.language {
            Language::Ja => ("電話　", "メール　", "（", "）"),
            _ => ("Phone: ", "Email: ", " (", ")"),
        };
        let hours = if contact.hours.is_empty() { String::new() } else { format!("{open}{}{close}", contact.hours) };
        let lines = [
            (self.frame.controller.name.as_str(), String::new(), String::new()),
            (contact.phone.as_str(), phone.to_owned(), hours),
            (contact.email.as_str(), mail.to_owned(), String::new()),
        ];
        let filled = lines.into_iter().filter(|(value, ..)| !value.is_empty());
        filled.map(|(value, before, after)| paragraph(format!("{before}{value}{after}"))).collect()
    }

    /// The newest day for which a cited fact holds.
    fn dated(&self, statement: &Statement) -> String {
        let cited = statement.runs().filter_map(|run| run.fact.as_deref()).filter_map(|name| self.fact(name));
        cited.map(|fact| fact.as_of.as_str()).max().map_or_else(String::new, |newest| self.day(newest))
    }
}

fn plain(runs: &mut Vec<Run>, words: &str) {
    match runs.last_mut() {
        _ if words.is_empty() => {}
        Some(Run { text, fact: None }) => text.push_str(words),
        _ => runs.push(Run { text: words.to_owned(), fact: None }),
    }
}

fn paragraph(text: String) -> Block {
    Block::Paragraph(vec![Run { text, fact: None }])
}
