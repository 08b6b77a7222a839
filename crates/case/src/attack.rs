//! The picture of an attack: who asked, in which phases, by which shapes of statement, and what came of each.
//!
//! `replay` hands it over part by part ([`AttackPart`]), `find` keeps the parts and puts them together ([`Attack`]), the live
//! store carries the whole, and `report` draws it. Not here: what a single statement took ([`Exposure`](crate::Exposure)).

use serde::{Deserialize, Serialize};

use crate::{EvidenceLine, Language, Technique, Verdict};

/// What an intruder is about with a statement. The order is that of most attacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Whether a parameter can be injected at all, and how.
    Probing,
    /// How many columns the page's statement has, and which of them it shows.
    Columns,
    /// The server's own tables: names, versions, rights, how many rows there are.
    Schema,
    /// Rows.
    Data,
}

impl Phase {
    /// Every phase, in order.
    pub const ALL: [Self; 4] = [Self::Probing, Self::Columns, Self::Schema, Self::Data];

    /// The word for it in exports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Probing => "probing",
            Self::Columns => "columns",
            Self::Schema => "schema",
            Self::Data => "data",
        }
    }

    /// What staff read.
    pub const fn label(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Probing, Language::Ja) => "探索",
            (Self::Columns, Language::Ja) => "列の特定",
            (Self::Schema, Language::Ja) => "構造の読み取り",
            (Self::Data, Language::Ja) => "データの取得",
            (Self::Probing, _) => "Probing",
            (Self::Columns, _) => "Finding columns",
            (Self::Schema, _) => "Reading the schema",
            (Self::Data, _) => "Taking data",
        }
    }
}

/// When something was and the line that shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// Milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// The line.
    pub line: EvidenceLine,
}

/// How much was asked, and how much came back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Statements.
    pub statements: u64,
    /// Of these, those that the server's status says were refused or failed.
    pub refused: u64,
    /// Bytes of the answers.
    pub bytes: u64,
}

impl Volume {
    /// Both together.
    pub const fn add(&mut self, other: Self) {
        self.statements += other.statements;
        self.refused += other.refused;
        self.bytes += other.bytes;
    }
}

/// Someone whose requests carried statements: requests of one network and program, or of one session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// From 1, by the first statement.
    pub id: u32,
    /// Networks: /24, /48, or what the log writes in the place of an address.
    pub networks: Vec<String>,
    /// Addresses, the first few.
    pub addresses: Vec<String>,
    /// What the programs called themselves, the first few; empty where a statement stood in it.
    pub agents: Vec<String>,
    /// Digests of session cookies, the first few.
    pub sessions: Vec<String>,
    /// Addresses, agents and sessions that the lists leave out.
    pub unlisted: u64,
    /// Whether anything was asked that no honest value looks like. A name with an apostrophe may come out as a statement too.
    pub intruder: bool,
}

/// Statements that differ in literals alone, or in how many of them a list has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttackShape {
    /// From 1.
    pub id: u32,
    /// The source of the case file.
    pub source: String,
    /// `GET /item id`
    pub endpoint: String,
    /// The statement with `?` for literals; empty where it cannot be read.
    pub sql: String,
    /// Where in `sql` the intruder's part begins, in bytes.
    pub begins: usize,
    /// Where it ends.
    pub ends: usize,
    /// That part without any name that is not the server's or the snapshot's: nothing in it is about a person.
    pub masked: String,
    /// What it is about.
    pub phase: Option<Phase>,
    /// How its answer left.
    pub technique: Option<Technique>,
    /// Why it could not be followed; empty where it was.
    pub open: String,
}

impl AttackShape {
    /// The intruder's part.
    pub fn injected(&self) -> &str {
        self.sql.get(self.begins..self.ends).unwrap_or(&self.sql)
    }

    /// What it is about.
    pub fn phase(&self) -> Phase {
        self.phase.unwrap_or(Phase::Probing)
    }
}

/// What one actor asked in one shape.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttackGroup {
    /// Who.
    pub actor: u32,
    /// In which shape.
    pub shape: u32,
    /// How much.
    pub volume: Volume,
    /// The first statement.
    pub first: Moment,
    /// The last one.
    pub last: Moment,
    /// Statements by time: the start of a span and how many lie in it, rising.
    pub times: Vec<(i64, u64)>,
    /// The length of these spans, milliseconds.
    pub span_ms: i64,
}

/// One statement of a shape, kept to be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttackSample {
    /// Who.
    pub actor: u32,
    /// In which shape.
    pub shape: u32,
    /// When, and its line.
    pub moment: Moment,
    /// HTTP status.
    pub status: u16,
    /// Bytes of the answer.
    pub bytes: u64,
    /// The parameter's value as the server decoded it; card numbers masked. Empty where it asks about card data bit by bit.
    pub decoded: String,
    /// The statement with its literals, likewise.
    pub sql: String,
}

/// A statement as a page shows it: as it was sent, as it was understood, and what it returned, masked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownStatement {
    /// The statement.
    pub sample: AttackSample,
    /// File and line.
    pub place: String,
    /// The line as it stands there, card numbers masked; empty where it asks about card data bit by bit.
    pub raw: String,
    /// Rows that depend on it, the first few.
    pub rows: Vec<ShownRow>,
    /// Rows that are left out.
    pub rows_more: u64,
}

/// A row that a statement returned, its values masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownRow {
    /// The table.
    pub table: String,
    /// The record's key.
    pub key: String,
    /// How sure.
    pub verdict: Verdict,
    /// Columns with their masked values.
    pub cells: Vec<(String, String)>,
}

/// What followed from the statements of a shape, or from a rule without statements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The basis.
    pub basis: u32,
    /// The shape; none where a rule needs no statement.
    pub shape: Option<u32>,
    /// The rule.
    pub rule: String,
    /// How the answers left.
    pub technique: Technique,
    /// Whose rows.
    pub table: String,
    /// How sure.
    pub verdict: Verdict,
    /// In one sentence.
    pub reason: String,
    /// Statements behind it.
    pub statements: u64,
    /// Of these, those whose observed answer is the predicted one.
    pub agreeing: u64,
    /// Columns concerned.
    pub columns: Vec<String>,
    /// By actor (none where no statement shows who): rows and cells, each counted once.
    pub taken: Vec<Taken>,
}

impl Outcome {
    /// Cells of all actors together; one that several took counts for each.
    pub fn cells(&self) -> u64 {
        self.taken.iter().map(|taken| taken.cells).sum()
    }

    /// Rows, likewise.
    pub fn rows(&self) -> u64 {
        self.taken.iter().map(|taken| taken.rows).sum()
    }
}

/// What one actor got on one basis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Who.
    pub actor: Option<u32>,
    /// Rows.
    pub rows: u64,
    /// Cells.
    pub cells: u64,
    /// The first time; 0 where unknown.
    pub first_at_ms: i64,
    /// The last.
    pub last_at_ms: i64,
}

/// What one actor got of one table, each cell once, at its strongest verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Haul {
    /// Who; none where no statement shows it.
    pub actor: Option<u32>,
    /// The table.
    pub table: String,
    /// How sure.
    pub verdict: Verdict,
    /// Rows with such a cell.
    pub rows: u64,
    /// Cells.
    pub cells: u64,
    /// Their columns.
    pub columns: Vec<String>,
}

/// Consecutive lines of one actor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorLines {
    /// The first of them.
    pub first: EvidenceLine,
    /// The line in the same file up to which every statement is this actor's.
    pub last: u64,
    /// Who.
    pub actor: u32,
}

/// What replay hands over, part by part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttackPart {
    /// Someone.
    Actor(Actor),
    /// A shape.
    Shape(AttackShape),
    /// What someone asked in a shape.
    Group(AttackGroup),
    /// A statement to be shown.
    Sample(AttackSample),
    /// Whose lines these are.
    Lines(ActorLines),
    /// Which shape a basis rests on.
    Basis {
        /// The shape.
        shape: u32,
        /// The basis.
        basis: u32,
    },
}

/// A time without any log line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogGap {
    /// The log in whose report it stands.
    pub path: String,
    /// Files that are missing, by name.
    pub missing: Vec<String>,
    /// The last line before it, milliseconds since 1970 UTC.
    pub from_ms: i64,
    /// The first line after it.
    pub to_ms: i64,
}

/// The picture of an attack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attack {
    /// By number.
    pub actors: Vec<Actor>,
    /// By number.
    pub shapes: Vec<AttackShape>,
    /// By actor and shape.
    pub groups: Vec<AttackGroup>,
    /// By basis.
    pub outcomes: Vec<Outcome>,
    /// What each actor got, by actor, table and verdict.
    pub hauls: Vec<Haul>,
    /// Times without log lines that touch the attack.
    pub gaps: Vec<LogGap>,
    /// Cells by the strongest verdict of each: proved, possible, excluded.
    pub cells: [u64; 3],
    /// The files of evidence, by number.
    pub files: Vec<(u32, String)>,
}

impl Attack {
    /// The shape with this number.
    pub fn shape(&self, id: u32) -> Option<&AttackShape> {
        self.shapes.iter().find(|shape| shape.id == id)
    }

    /// Those who asked something that can be read as a statement.
    pub fn intruders(&self) -> impl Iterator<Item = &Actor> {
        self.actors.iter().filter(|actor| actor.intruder)
    }

    /// What an actor asked in a phase.
    pub fn groups_of(&self, actor: u32, phase: Phase) -> impl Iterator<Item = (&AttackGroup, &AttackShape)> {
        let of_actor = self.groups.iter().filter(move |group| group.actor == actor);
        of_actor.filter_map(move |group| Some((group, self.shape(group.shape).filter(|shape| shape.phase() == phase)?)))
    }

    /// Cells of an actor with this verdict.
    pub fn cells_of(&self, actor: u32, verdict: Verdict) -> u64 {
        let of_actor = self.hauls.iter().filter(|haul| haul.actor == Some(actor) && haul.verdict == verdict);
        of_actor.map(|haul| haul.cells).sum()
    }

    /// Intruders, those who got most first.
    pub fn ranked(&self) -> Vec<&Actor> {
        let mut ranked: Vec<&Actor> = self.intruders().collect();
        let asked = |actor: &Actor| self.volume(actor.id, None).statements;
        let rank = |actor: &&Actor| Verdict::ALL.map(|verdict| self.cells_of(actor.id, verdict));
        ranked.sort_by_key(|actor| std::cmp::Reverse((rank(actor), asked(actor), std::cmp::Reverse(actor.id))));
        ranked
    }

    /// How much an actor asked, in one phase or in all.
    pub fn volume(&self, actor: u32, phase: Option<Phase>) -> Volume {
        let mut volume = Volume::default();
        for phase in Phase::ALL.into_iter().filter(|one| phase.is_none_or(|phase| phase == *one)) {
            self.groups_of(actor, phase).for_each(|(group, _)| volume.add(group.volume));
        }
        volume
    }

    /// What followed from a shape.
    pub fn outcomes_of(&self, shape: u32) -> impl Iterator<Item = &Outcome> {
        self.outcomes.iter().filter(move |outcome| outcome.shape == Some(shape))
    }

    /// The file with this number.
    pub fn file(&self, id: u32) -> &str {
        self.files.iter().find(|(file, _)| *file == id).map_or("", |(_, path)| path)
    }

    /// `access.log:48213`
    pub fn place(&self, line: EvidenceLine) -> String {
        format!("{}:{}", self.file(line.evidence.0), line.line)
    }

    /// First and last statement of an actor, or of everybody.
    pub fn span(&self, actor: Option<u32>) -> Option<(Moment, Moment)> {
        let of_actor = || self.groups.iter().filter(move |group| actor.is_none_or(|actor| group.actor == actor));
        let first = of_actor().map(|group| group.first).min_by_key(|moment| (moment.at_ms, moment.line))?;
        let last = of_actor().map(|group| group.last).max_by_key(|moment| (moment.at_ms, moment.line))?;
        Some((first, last))
    }
}

#[cfg(test)]
mod tests {
    use super::Phase;
    use crate::Language;

    #[test]
    fn every_phase_has_a_word_in_every_language() {
        for language in Language::ALL {
            assert!(Phase::ALL.into_iter().all(|phase| !phase.label(language).is_empty() && !phase.name().is_empty()));
        }
    }
}
