//! Without the typesetter (feature `letters`): what `kintsugi verify` can say of letters that it cannot compose.

use anyhow::Result;
use kintsugi_store::Store;

use crate::folder::Folder;
use crate::progress::count;

/// The store's own check alone.
pub(crate) async fn check(_: &Folder, store: &Store, held: &mut Vec<String>, wrong: &mut Vec<String>) -> Result<()> {
    let check = store.check_letters().await?;
    wrong.extend(check.faults.iter().cloned());
    if check.more_faults > 0 {
        wrong.push(format!("and {} more about letters", count(check.more_faults)));
    }
    if check.batches > 0 {
        held.push("letters: what they say is not checked: this build has no feature `letters`".into());
    }
    Ok(())
}
