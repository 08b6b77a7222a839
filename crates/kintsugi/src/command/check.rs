//! `kintsugi check`: the case file and everything that it refers to.

use anyhow::{Result, bail};
use serde_json::json;

use super::Outcome;
use crate::finish::Finish;
use crate::folder::Folder;

/// Refuses with every mistake that the disk can tell; the text itself was checked when the folder was opened.
pub(crate) fn check(folder: &Folder) -> Result<Outcome> {
    folder.refuse(kintsugi_evidence::check_files(&folder.root, &folder.case))?;
    crate::citing::check(folder)?;
    let mut faults = super::dkim::faults(folder);
    faults.extend(super::listen::fault(folder));
    if !faults.is_empty() {
        bail!("{}", faults.join("\n"));
    }
    let case = &folder.case;
    let tables: usize = case.sources.iter().map(|source| source.tables.len()).sum();
    let alone: String =
        case.sources.iter().filter(|source| source.snapshot.is_none()).map(|source| without(&source.name)).collect();
    let text = format!(
        "{} is in order: {} sources with {tables} tables, {} sets of evidence, {} rules, {} facts.{alone}",
        case.case.id,
        case.sources.len(),
        case.evidence.len(),
        case.rules.len(),
        case.facts.len()
    );
    Ok(Outcome::new(Finish::Done, text, json!({ "case": case.case.id, "tables": tables })))
}

/// What a source without a snapshot is good for.
fn without(source: &str) -> String {
    format!(
        "\n  note: `{source}` has no snapshot yet. Values can be read from the logs alone (`kintsugi export values`); which records \
         they are, and who is affected, can only be said once it arrives."
    )
}
