//! `kintsugi facts`: the fact book. Every fact that stands, what cites it, what contradicts, what must be issued again.

use anyhow::Result;
use kintsugi_case::{Fact, contradictions};
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
        let mut lines: Vec<String> = records.iter().map(|record| line(record, &cited(&record.fact))).collect();
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

fn part(lines: &mut Vec<String>, head: &str, of: &[String]) {
    if !of.is_empty() {
        lines.push(format!("\n{head}"));
        lines.extend(of.iter().map(|line| format!("  {line}")));
    }
}

fn line(record: &FactRecord, cited: &[&str]) -> String {
    let fact = &record.fact;
    let cited = if cited.is_empty() { String::new() } else { format!("; cited by {}", cited.join(", ")) };
    format!("{} = {} (as of {}; {}{cited})", fact.name, fact.value, fact.as_of, fact.source)
}

fn row(record: &FactRecord, cited: &[&str]) -> Value {
    let fact = &record.fact;
    json!({
        "name": fact.name, "value": fact.value.to_string(), "as_of": fact.as_of, "source": fact.source, "kind": fact.kind.name(),
        "query": fact.query, "scope_version": fact.scope_version, "sequence": record.sequence, "cited_by": cited,
    })
}
