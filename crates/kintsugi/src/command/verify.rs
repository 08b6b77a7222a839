//! `kintsugi verify`: whether what the case claims still holds: chains, signatures, the history of every notice, the sum over
//! all persons. It changes nothing; exit code 1 with what is wrong.

use anyhow::Result;
use kintsugi_find::FindDb;
use kintsugi_store::Store;
use serde_json::json;

use super::{Outcome, block_on};
use crate::finish::Finish;
use crate::folder::Folder;
use crate::progress::{Stage, count};

/// Checks everything that can be checked without the people who did it.
pub(crate) fn verify(folder: &Folder) -> Result<Outcome> {
    let stage = Stage::begin("verify");
    let (mut held, mut wrong) = (Vec::new(), Vec::new());
    match kintsugi_evidence::custody(&folder.root, &folder.keys()?) {
        Ok(entries) => held.push(format!("custody: {} entries, chained and signed", count(entries.len() as u64))),
        Err(error) => wrong.push(format!("custody: {error}")),
    }
    block_on(async {
        let store = folder.store().await?;
        match store.audit_fault().await? {
            None => held.push("audit log: the chain holds".into()),
            Some(fault) => wrong.push(format!("audit log: the chain breaks at entry {}", fault.sequence)),
        }
        signatures(folder, &store.scopes().await?, &mut held, &mut wrong)?;
        contents(folder, &store, &mut held, &mut wrong).await?;
        let check = store.check_outbox().await?;
        if check.holds() {
            let (notices, events) = (count(check.notices), count(check.events));
            held.push(format!(
                "notices: {notices}, each with the content it was planned for; the sum held after each of {events} events"
            ));
        }
        wrong.extend(check.faults.iter().cloned());
        if check.more_faults > 0 {
            wrong.push(format!("and {} more", count(check.more_faults)));
        }
        super::letters::check(folder, &store, &mut held, &mut wrong).await?;
        store.close().await;
        Ok(())
    })?;
    stage.end(&if wrong.is_empty() { "everything holds".to_owned() } else { format!("{} things are wrong", wrong.len()) });
    let lines = held.iter().map(|line| format!("  holds  {line}")).chain(wrong.iter().map(|line| format!("  WRONG  {line}")));
    let text = lines.collect::<Vec<_>>().join("\n");
    Ok(Outcome::new(Finish::with_gaps(!wrong.is_empty()), text, json!({ "holds": held, "wrong": wrong })))
}

/// What the store holds of each version, against the seal that was taken when it was frozen; and the newest version's digest
/// against find.db, where that is still there: the digest is over find.db, of which the store holds what can be told.
async fn contents(folder: &Folder, store: &Store, held: &mut Vec<String>, wrong: &mut Vec<String>) -> Result<()> {
    let scopes = store.scopes().await?;
    for scope in &scopes {
        let number = scope.number;
        match store.content_holds(number).await? {
            Some(true) => {
                held.push(format!("scope version {number}: persons, records, exposures and bases are as they were frozen"))
            }
            Some(false) => wrong.push(format!("scope version {number}: what the store holds is not what was frozen")),
            None => held.push(format!("scope version {number}: frozen before versions had a seal; its content is not checked")),
        }
    }
    if let Some(newest) = scopes.iter().max_by_key(|scope| scope.number).filter(|_| folder.find_db().exists()) {
        let same = FindDb::open_read_only(&folder.find_db())?.digest()? == newest.digest;
        let what = if same { "is what find.db gives now" } else { "is not what find.db gives now: `freeze` makes the next one" };
        held.push(format!("scope version {}: its digest {what}", newest.number));
    }
    Ok(())
}

/// Each scope version's signature, and that it was made with this case's key.
fn signatures(
    folder: &Folder,
    scopes: &[kintsugi_case::ScopeVersion],
    held: &mut Vec<String>,
    wrong: &mut Vec<String>,
) -> Result<()> {
    let own = folder.keys()?.public_key();
    let before = wrong.len();
    for scope in scopes {
        if !kintsugi_vault::verify(&scope.public_key, scope.digest.as_bytes(), &scope.signature) {
            wrong.push(format!("scope version {}: the signature does not fit its digest", scope.number));
        } else if scope.public_key != own {
            wrong.push(format!("scope version {}: signed with another key than this case's", scope.number));
        }
    }
    if wrong.len() == before {
        held.push(format!("scope versions: {}, each signed with the case key", scopes.len()));
    }
    Ok(())
}
