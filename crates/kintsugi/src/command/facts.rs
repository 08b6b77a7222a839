//! `kintsugi facts`: the fact book. Every fact that stands, what cites it, what contradicts, what must be issued again.

use std::fmt::Write as _;

use anyhow::Result;
use kintsugi_case::{Fact, FactValue, contradictions};
use kintsugi_serve::STATEMENT;
use kintsugi_store::FactRecord;
use serde_json::{Value, json};

use super::publish::overtaken_lines;
use super::{Outcome, block_on, now_ms};
use crate::finish::Finish;
use crate::folder::Folder;

/// Lists the facts; with a name, everything that was ever written down under it.
pub(crate) fn facts(folder: &Folder, name: Option<&str>) -> Result<Outcome> {
    block_on(async {
        let store = folder.store().await?;
        store.put_entered_facts(&folder.case.facts, now_ms()).await?;
        let records = match name {
            Some(name) => store.fact_history(name).await?,
            None => store.fact_records().await?,
        };
        let citations = kintsugi_serve::citations(&store, &folder.case).await?;
        let overtaken = kintsugi_serve::overtaken(&store, &folder.case).await?;
        let standing = store.facts().await?;
        store.close().await;
        let cited = |fact: &Fact| -> Vec<&str> {
            citations.iter().filter(|(name, _)| *name == fact.name).map(|(_, document)| document.as_str()).collect()
        };
        let widths = widths(&records);
        let mut lines: Vec<String> = records.iter().map(|record| line(record, &cited(&record.fact), widths)).collect();
        let conflicts: Vec<String> = contradictions(&standing).iter().map(ToString::to_string).collect();
        let (of_statement, of_notices): (Vec<_>, Vec<_>) = overtaken.into_iter().partition(|one| one.document == STATEMENT);
        let (again, told) = (overtaken_lines(&of_statement), overtaken_lines(&of_notices));
        part(&mut lines, "These contradict each other; nothing that cites them can be published:", &conflicts);
        part(&mut lines, "These documents must be issued again (kintsugi publish):", &again);
        part(&mut lines, "These notices said something that is different by now; who got them still believes it:", &told);
        let data = json!({
            "facts": records.iter().map(|record| row(record, &cited(&record.fact))).collect::<Vec<Value>>(),
            "contradictions": conflicts, "issue_again": again, "told_before": told,
        });
        Ok(Outcome::new(Finish::with_gaps(!conflicts.is_empty()), lines.join("\n"), data))
    })
}

/// Characters of a text that are shown of each of its lines; `--json` has all.
const WORDS_MAX: usize = 60;

fn part(lines: &mut Vec<String>, head: &str, of: &[String]) {
    if !of.is_empty() {
        lines.push(format!("\n{head}"));
        lines.extend(of.iter().map(|line| format!("  {line}")));
    }
}

/// The widest name and the widest value that is no text.
fn widths(records: &[FactRecord]) -> (usize, usize) {
    let values = records.iter().filter(|record| !matches!(record.fact.value, FactValue::Text(_)));
    let value = values.map(|record| record.fact.value.to_string().chars().count()).max().unwrap_or(0);
    (records.iter().map(|record| record.fact.name.chars().count()).max().unwrap_or(0), value)
}

/// Name, value, day and source in columns; words, and who cites the fact, below.
fn line(record: &FactRecord, cited: &[&str], widths: (usize, usize)) -> String {
    let fact = &record.fact;
    let (value, words) = match &fact.value {
        FactValue::Text(words) => (String::new(), Some(words)),
        value => (value.to_string(), None),
    };
    let (width, of_value) = widths;
    let day = fact.as_of.get(..10).unwrap_or(&fact.as_of);
    let mut line = format!("  {:<width$}  {value:<of_value$}  as of {day:<10}  {}", fact.name, fact.source);
    for words in words.into_iter().flat_map(|words| words.lines()) {
        let cut = words.char_indices().nth(WORDS_MAX).map_or(words.len(), |(at, _)| at);
        let _ = write!(line, "\n      {}{}", &words[..cut], if cut < words.len() { "…" } else { "" });
    }
    if !cited.is_empty() {
        let _ = write!(line, "\n      cited by {}", cited.join(", "));
    }
    line
}

fn row(record: &FactRecord, cited: &[&str]) -> Value {
    let fact = &record.fact;
    json!({
        "name": fact.name, "value": fact.value.to_string(), "as_of": fact.as_of, "source": fact.source, "kind": fact.kind.name(),
        "query": fact.query, "scope_version": fact.scope_version, "sequence": record.sequence, "cited_by": cited,
    })
}
