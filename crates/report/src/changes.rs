//! What changed from one version of a document to the next, line by line, so that nothing is altered silently.

use similar::{ChangeTag, TextDiff};

use crate::chronicle::Moment;
use crate::statement::{Block, Run, Statement};

/// A line that is in one version and not in the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Whether the later version has it.
    pub added: bool,
    /// The line.
    pub text: String,
}

/// The lines that the later version dropped and added, in reading order.
pub fn changes(earlier: &Statement, later: &Statement) -> Vec<Change> {
    let (earlier, later) = (lines(earlier), lines(later));
    let (old, new): (Vec<&str>, Vec<&str>) =
        (earlier.iter().map(String::as_str).collect(), later.iter().map(String::as_str).collect());
    let diff = TextDiff::from_slices(&old, &new);
    let changed = diff.iter_all_changes().filter(|change| change.tag() != ChangeTag::Equal);
    changed.map(|change| Change { added: change.tag() == ChangeTag::Insert, text: change.value().to_owned() }).collect()
}

/// A statement as lines of text: its date changes with every version and is left out.
pub fn lines(statement: &Statement) -> Vec<String> {
    let mut lines = vec![statement.title.clone(), statement.by.clone(), words(&statement.lead)];
    for section in &statement.sections {
        lines.push(section.heading.clone());
        for block in &section.blocks {
            match block {
                Block::Paragraph(runs) => lines.push(words(runs)),
                Block::Steps(steps) => lines.extend(steps.iter().map(|step| words(step))),
                Block::Table { head, rows } => lines.extend(rows.iter().map(|row| cells(head, row))),
            }
        }
    }
    let moment = |one: &Moment| format!("{} {}: {}", one.day, one.time, words(&one.runs));
    lines.extend(statement.chronicle.iter().map(moment));
    lines.extend(statement.updates.iter().map(|update| format!("{}: {}", update.dated, words(&update.runs))));
    lines
}

fn words(runs: &[Run]) -> String {
    runs.iter().map(|run| run.text.as_str()).collect()
}

/// A row of a table, each cell with its heading.
fn cells(head: &[String], row: &[Run]) -> String {
    let named = head.iter().zip(row).skip(1).map(|(head, run)| format!("{head} {}", run.text));
    let first = row.first().map_or("", |run| run.text.as_str());
    format!("{first}: {}", named.collect::<Vec<_>>().join(", "))
}
