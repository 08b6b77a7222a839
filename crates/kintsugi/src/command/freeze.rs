//! `kintsugi freeze`: what FIND concluded becomes a scope version: numbered, signed, and the only thing anybody is told from.

use anyhow::{Context, Result, anyhow, bail};
use kintsugi_case::ScopeVersion;
use kintsugi_find::{FindDb, PersonRow, ScopeCounts, TableCount};
use kintsugi_store::{FreezeDraft, RecordRef, ScopeSeal, Store};
use serde_json::json;
use tokio::sync::mpsc;

use super::{Outcome, block_on, now_ms};
use crate::attack;
use crate::facts::{self, Tally};
use crate::finish::Finish;
use crate::folder::Folder;
use crate::progress::{Stage, count};

/// Persons on their way from find.db to the live store at any moment.
const PERSONS_IN_FLIGHT_MAX: usize = 2_000;

/// Freezes the scope; the same scope again changes nothing.
pub(crate) fn freeze(folder: &Folder) -> Result<Outcome> {
    let db = folder.find()?.mapped()?;
    let counts = db.counts()?;
    if counts.persons == 0 {
        bail!("no persons were resolved yet: run `kintsugi scope` and `kintsugi resolve` first");
    }
    let stage = Stage::begin("freeze");
    block_on(async {
        let store = folder.store().await?;
        store.put_entered_facts(&folder.case.facts, now_ms()).await?;
        let version = match unchanged(&store, &db).await? {
            Some(version) => version,
            None => write(folder, db, &store, &counts, &stage).await?,
        };
        if !store.has_attack(version.number).await? {
            stage.says("drawing the attack");
            let (attack, shown) = attack::frozen(folder)?;
            store.put_attack(version.number, &attack, &shown).await?;
        }
        store.close().await;
        stage.end(&format!("scope version {}, {} persons affected", version.number, count(counts.persons_affected())));
        let data = json!({
            "version": version.number, "digest": version.digest, "signature": version.signature,
            "persons": counts.persons, "persons_affected": counts.persons_affected(),
        });
        Ok(Outcome::new(Finish::Done, summary(&counts), data))
    })
}

/// How many, how sure. Records and persons are two numbers, both shown (rule 2).
fn summary(counts: &ScopeCounts) -> String {
    let exposed = || counts.tables.iter().filter(|table| table.personal && table.proved + table.possible > 0);
    let sum = |of: fn(&TableCount) -> u64| count(exposed().map(of).sum());
    format!(
        "  {} of {} records proved taken, {} possible; {} of {} persons affected",
        sum(|table| table.proved),
        sum(|table| table.stored),
        sum(|table| table.possible),
        count(counts.persons_affected()),
        count(counts.persons),
    )
}

/// The newest version, where it already says what find.db says. Where there is none yet, nothing is read for it.
async fn unchanged(store: &Store, db: &FindDb) -> Result<Option<ScopeVersion>> {
    let Some(newest) = store.newest_scope().await? else { return Ok(None) };
    Ok((newest.digest == db.digest()?).then_some(newest))
}

/// Everything in one transaction: bases, persons with what of theirs was exposed, facts. The digest is taken on the way.
async fn write(folder: &Folder, db: FindDb, store: &Store, counts: &ScopeCounts, stage: &Stage) -> Result<ScopeVersion> {
    let draft = FreezeDraft { frozen_at_ms: now_ms(), year: folder.case.case.year() };
    let mut freeze = store.begin_freeze(draft).await?;
    freeze.bases(&db.bases()?).await?;
    let (sender, mut receiver) = mpsc::channel(PERSONS_IN_FLIGHT_MAX);
    let reader = tokio::task::spawn_blocking(move || read_persons(&db, &sender));
    let mut tally = Tally::default();
    let mut done = 0;
    while let Some(person) = receiver.recv().await {
        let records: Vec<_> = person.records.iter().map(record).collect();
        freeze.person(person.id, &person.profile, &records, &person.exposed).await?;
        tally.count(&person);
        done += 1;
        stage.at(done, counts.persons, "persons");
    }
    let digest = reader.await.map_err(|error| anyhow!(error))??;
    freeze.facts(&facts::of_scope(folder, counts, &tally, freeze.number(), draft.frozen_at_ms)).await?;
    match freeze.commit(seal(folder, digest)?).await? {
        Some(version) => Ok(version),
        // Somebody else froze the same meanwhile.
        None => store.newest_scope().await?.context("a scope version is there and cannot be read"),
    }
}

fn seal(folder: &Folder, digest: String) -> Result<ScopeSeal> {
    let keys = folder.keys()?;
    Ok(ScopeSeal { signature: keys.sign(digest.as_bytes()), public_key: keys.public_key(), digest })
}

/// Reads persons in their order, for the digest; stops when nobody listens any more.
fn read_persons(db: &FindDb, sender: &mpsc::Sender<PersonRow>) -> Result<String> {
    db.persons_digested(|person| sender.blocking_send(person).map_err(|_| anyhow!("the live store took no more persons")))
}

fn record(found: &kintsugi_find::RecordRef) -> RecordRef {
    RecordRef {
        source: found.source.clone(),
        table: found.table.clone(),
        key: found.key.clone(),
        linked_by: found.linked_by.clone(),
    }
}
