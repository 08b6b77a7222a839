//! Without the typesetter (feature `letters`): how many letters are due, and how to get a build that makes them.

use anyhow::{Result, bail};

use crate::command::{Outcome, block_on};
use crate::folder::Folder;
use crate::progress::count;

/// Says that this build makes none.
pub(super) fn make(folder: &Folder) -> Result<Outcome> {
    let due = block_on(async {
        let store = folder.store().await?;
        let Some(scope) = store.newest_scope().await? else { bail!("nothing is frozen yet: run `kintsugi freeze` first") };
        let due = store.conservation(scope.number).await?.no_address;
        store.close().await;
        Ok(due)
    })?;
    bail!(
        "this build of kintsugi cannot make letters: it was built without the feature `letters`, and {} letters are due. Build \
         it with `cargo build --release --package kintsugi` (some minutes longer) and run this again",
        count(due)
    )
}
