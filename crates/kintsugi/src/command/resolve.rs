//! `kintsugi resolve`: the persons behind the records.

use anyhow::Result;
use serde_json::json;

use super::Outcome;
use crate::finish::Finish;
use crate::folder::Folder;
use crate::progress::{Stage, count};

/// Joins records to persons by exact normalised keys.
pub(crate) fn resolve(folder: &Folder) -> Result<Outcome> {
    let mut db = folder.find()?.mapped()?;
    let stage = Stage::begin("resolve");
    stage.says("records to persons");
    let resolved = kintsugi_resolve::resolve(&mut db, &folder.case)?;
    stage.end(&format!("{} registrations are {} persons", count(resolved.registrations), count(resolved.persons)));
    let joined: u64 = resolved.joined.iter().map(|(_, number)| number).sum();
    let data = json!({
        "registrations": resolved.registrations, "persons": resolved.persons, "joined": joined,
        "belonging": resolved.belonging, "records_without_person": resolved.records_without_person,
    });
    Ok(Outcome::new(Finish::Done, "", data))
}
