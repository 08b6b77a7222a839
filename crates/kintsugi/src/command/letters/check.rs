//! What `kintsugi verify` says of letters: the store's own check, each letter composed again against the digest under which
//! it was entered, and each PDF that is still there against the digest of its batch.

use std::path::Path;

use anyhow::Result;
use kintsugi_store::{LetterBatch, Store};

use super::make::{Shop, name_of};
use crate::command::notify;
use crate::folder::Folder;
use crate::progress::count;

/// Checks everything that is known of letters; nothing is said where there are none.
pub(crate) async fn check(folder: &Folder, store: &Store, held: &mut Vec<String>, wrong: &mut Vec<String>) -> Result<()> {
    let check = store.check_letters().await?;
    wrong.extend(check.faults.iter().cloned());
    if check.more_faults > 0 {
        wrong.push(format!("and {} more about letters", count(check.more_faults)));
    }
    let batches = store.letter_batches().await?;
    if batches.is_empty() {
        return Ok(());
    }
    if check.holds() {
        let (letters, of) = (count(check.letters), count(check.batches));
        held.push(format!("letters: {letters} in {of} batches, each once, in its place and as its history says"));
    }
    if check.unwritten > 0 {
        held.push(format!("letters: {} batches are not written yet: `kintsugi letters` does", count(check.unwritten)));
    }
    let shop = match Shop::open(folder, store).await {
        Ok(shop) => shop,
        Err(error) => {
            held.push(format!("letters: what they say is not checked: {error:#}"));
            return Ok(());
        }
    };
    contents(folder, store, &shop, &batches, held, wrong).await?;
    files(&shop.out, &batches, held, wrong);
    Ok(())
}

/// Each letter as it would be made now, against what was entered.
async fn contents(
    folder: &Folder,
    store: &Store,
    shop: &Shop<'_>,
    batches: &[LetterBatch],
    held: &mut Vec<String>,
    wrong: &mut Vec<String>,
) -> Result<()> {
    let (scopes, mut same, mut changed) = (store.scopes().await?, 0, 0);
    for batch in batches {
        let number = batch.number;
        let Some(scope) = scopes.iter().find(|scope| scope.number == batch.scope_version) else {
            wrong.push(format!("batch {number} is of a scope version that is not there"));
            continue;
        };
        if batch.settings != shop.settings {
            changed += 1;
            continue;
        }
        let composer = notify::composer(folder, store, scope, shop.templates.clone()).await?;
        for entered in store.batch_pieces(batch).await? {
            let piece = shop.piece(&composer, &entered.letter, batch.begun_at_ms, String::new())?;
            if piece.is_ok_and(|piece| piece.digest() == entered.digest) {
                same += 1;
            } else {
                let (piece, notice) = (entered.piece, entered.letter.number);
                wrong.push(format!(
                    "letter {piece} of batch {number} ({notice}) is not what was entered: person, address or text"
                ));
            }
        }
    }
    if same > 0 {
        held.push(format!("letters: {} say what they said when they were entered, to the same person and address", count(same)));
    }
    if changed > 0 {
        held.push(format!(
            "letters: what {} batches say is not checked: templates or settings are others than when they were entered",
            count(changed)
        ));
    }
    Ok(())
}

/// The PDFs that are still there. They may be gone: a print shop has them, and nobody else needs them.
fn files(folder: &Path, batches: &[LetterBatch], held: &mut Vec<String>, wrong: &mut Vec<String>) {
    let mut same = 0;
    for batch in batches.iter().filter(|batch| batch.written_at_ms.is_some()) {
        let path = folder.join(format!("{}.pdf", name_of(batch.number)));
        match std::fs::read(&path) {
            Ok(bytes) if kintsugi_notify::hash_bytes(&bytes) == batch.digest => same += 1,
            Ok(_) => wrong.push(format!("{} is not the file that was written for its batch", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => wrong.push(format!("{} cannot be read: {error}", path.display())),
        }
    }
    if same > 0 {
        held.push(format!("letters: {} PDFs are as they were written", count(same)));
    }
}
