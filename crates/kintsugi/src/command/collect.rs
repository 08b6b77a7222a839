//! `kintsugi collect`: evidence and snapshots are taken in: hashed, sealed, entered in the custody manifest; the
//! snapshots' rows go to find.db, card numbers to the vault.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::{Context, Result};
use kintsugi_case::SourceSpec;
use kintsugi_evidence::{SnapshotReader, TableReport};
use kintsugi_find::{FindDb, TableLoaded};
use kintsugi_vault::{CardVaultWriter, Keys};
use serde_json::json;

use super::{Outcome, now_ms};
use crate::finish::Finish;
use crate::folder::Folder;
use crate::progress::{Stage, count};

/// Rows between two looks at the progress line.
const ROWS_A_LOOK: u64 = 20_000;

/// What was taken in and what was kept aside.
#[derive(Default)]
struct Loaded {
    rows: u64,
    cards: u64,
    kept_aside: u64,
    notes: Vec<String>,
    tables: BTreeMap<String, u64>,
}

/// Takes in what the case file names. Doing it again changes nothing and takes in what is new.
pub(crate) fn collect(folder: &Folder) -> Result<Outcome> {
    folder.refuse(kintsugi_evidence::check_files(&folder.root, &folder.case))?;
    let keys = folder.keys()?;
    let stage = Stage::begin("collect");
    let taken = kintsugi_evidence::collect(&folder.root, &folder.case, &keys, &who(), now_ms(), &mut |at| {
        stage.at(at.bytes_done >> 20, at.bytes_total >> 20, "MiB");
    })?;
    let unchanged = taken.new == 0 && folder.find_db().exists();
    let loaded = if unchanged { Loaded::default() } else { load_snapshots(folder, &keys, &stage)? };
    let figure = if unchanged {
        format!("{} files, nothing new", count(taken.unchanged as u64))
    } else {
        let tables = loaded.tables.iter().map(|(name, rows)| format!("{} {name}", count(*rows))).collect::<Vec<_>>();
        let tables = if tables.is_empty() { "no snapshot yet".to_owned() } else { tables.join(", ") };
        format!("{} files sealed; {tables}", count(taken.files.len() as u64))
    };
    stage.end(&figure);
    let data = json!({
        "files": taken.files.len(), "new": taken.new, "rows": loaded.rows, "cards": loaded.cards,
        "kept_aside": loaded.kept_aside, "tables": loaded.tables, "notes": loaded.notes,
    });
    let text = loaded.notes.iter().map(|note| format!("  note: {note}")).collect::<Vec<_>>().join("\n");
    Ok(Outcome::new(Finish::with_gaps(!loaded.notes.is_empty()), text, data))
}

/// Who takes the evidence in: the user of the system.
fn who() -> String {
    std::env::var("SUDO_USER").or_else(|_| std::env::var("USER")).unwrap_or_else(|_| "unknown".into())
}

/// Makes find.db anew from the sealed snapshots. It is written beside and renamed, so that a failure leaves the old one.
fn load_snapshots(folder: &Folder, keys: &Keys, stage: &Stage) -> Result<Loaded> {
    let path = folder.find_db();
    let fresh = PathBuf::from(format!("{}.new", path.display()));
    let mut db = FindDb::create(&fresh)?;
    let mut cards = CardVaultWriter::create(&folder.own().join("vault"), keys)?;
    let mut loaded = Loaded::default();
    for source in &folder.case.sources {
        load_source(folder, source, keys, &mut db, &mut cards, &mut loaded, stage)?;
    }
    loaded.cards = cards.finish()?;
    drop(db);
    std::fs::rename(&fresh, &path).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(loaded)
}

fn load_source(
    folder: &Folder,
    source: &SourceSpec,
    keys: &Keys,
    db: &mut FindDb,
    cards: &mut CardVaultWriter,
    loaded: &mut Loaded,
    stage: &Stage,
) -> Result<()> {
    let reader = SnapshotReader::open(&folder.root, source, keys)?;
    loaded.notes.extend(reader.notes().iter().cloned());
    for meta in reader.tables().iter().filter(|meta| source.tables.contains_key(&meta.name)) {
        let spec = &source.tables[&meta.name];
        let mut writer = db.load_table(&source.name, &meta.name, spec, &meta.columns, keys, cards)?;
        let mut failed = None;
        let mut rows = 0;
        let report = reader.read_table(&meta.name, &mut |values| {
            rows += 1;
            if rows % ROWS_A_LOOK == 0 {
                stage.says(format!("{}: {} rows", meta.name, count(rows)));
            }
            match writer.push(values) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        if let Some(error) = failed {
            return Err(error.into());
        }
        let table = writer.finish()?;
        note_table(&meta.name, &report, &table, loaded);
    }
    Ok(())
}

/// What could not be used is counted and named, never dropped in silence.
fn note_table(name: &str, report: &TableReport, table: &TableLoaded, loaded: &mut Loaded) {
    loaded.rows += table.rows;
    loaded.tables.insert(name.to_owned(), table.rows);
    loaded.kept_aside += report.kept_aside_count + table.duplicate_count + table.misshapen;
    for row in report.kept_aside.iter().take(3) {
        loaded.notes.push(format!("{}:{}: row kept aside: {}", row.file, row.line, row.reason));
    }
    let mut count_of = |number: u64, what: &str| {
        if number > 0 {
            loaded.notes.push(format!("{name}: {} {what}", count(number)));
        }
    };
    count_of(report.kept_aside_count, "rows could not be read and are kept aside");
    count_of(table.duplicate_count, "rows have a key that an earlier row has; the first one counts");
    count_of(table.misshapen, "rows have more or fewer values than the table has columns");
    count_of(table.cards_unreadable, "card numbers fail their check digit; they are kept as a digest");
    if let Some(place) = &report.truncated {
        loaded.notes.push(format!("{name}: reading stopped before the end: {place}"));
    }
}
