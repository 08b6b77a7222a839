//! `kintsugi publish`: the statement's next version, from the facts that stand. What was published stays as it was.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use kintsugi_case::Language;
use kintsugi_serve::{Overtaken, PublishError, STATEMENT};
use kintsugi_store::Store;
use serde_json::json;

use super::{Outcome, block_on, now_ms};
use crate::finish::Finish;
use crate::folder::Folder;

/// Who publishes, in the store's records.
const WHO: &str = "command line";

/// Publishes the next version; `notes` are `ja=…`, `en=…`: what is new in it.
pub(crate) fn publish(folder: &Folder, notes: &[String]) -> Result<Outcome> {
    let notes = notes.iter().map(|note| read(note)).collect::<Result<BTreeMap<_, _>>>()?;
    block_on(async {
        let store = folder.store().await?;
        let version = kintsugi_serve::publish(&store, &folder.case, WHO, &notes, now_ms()).await?;
        set_on_paper(folder, &store).await;
        store.close().await;
        Ok(published(version))
    })
}

/// Publishes the first version at the end of a run. A later one is a decision: what calls for it is only listed.
pub(crate) fn first(folder: &Folder) -> Result<Outcome> {
    block_on(async {
        let store = folder.store().await?;
        let outcome = match kintsugi_serve::published_version(&store, &folder.case).await? {
            Some(version) => again(folder, &store, version).await?,
            None => match kintsugi_serve::publish(&store, &folder.case, WHO, &BTreeMap::new(), now_ms()).await {
                Ok(version) => published(version),
                Err(error @ PublishError::Refused { .. }) => {
                    let data = json!({ "published": null, "refused": error.to_string() });
                    Outcome::new(Finish::with_gaps(true), format!("  {}", error.to_string().replace('\n', "\n    ")), data)
                }
                Err(error) => return Err(error.into()),
            },
        };
        set_on_paper(folder, &store).await;
        store.close().await;
        Ok(outcome)
    })
}

/// The PDF beside the page. The page is published and stays so where there is none: no fonts, or a build without letters.
#[cfg(feature = "letters")]
pub(super) async fn set_on_paper(folder: &Folder, store: &Store) {
    if let Err(error) = crate::statement_paper::set_missing(folder, store).await {
        crate::progress::line(&format!("  the statement is published, and there is no PDF of it: {error:#}"));
    }
}

/// A build without letters makes none: the page is published alone.
#[cfg(not(feature = "letters"))]
pub(super) async fn set_on_paper(_: &Folder, _: &Store) {}

/// What stands in a published version and is different by now.
async fn again(folder: &Folder, store: &Store, version: u32) -> Result<Outcome> {
    let mut overtaken = kintsugi_serve::overtaken(store, &folder.case).await?;
    overtaken.retain(|one| one.document == STATEMENT);
    let data = json!({ "published": version, "overtaken": overtaken.len() });
    let text = match overtaken.is_empty() {
        true => format!("  statement: version {version} stands; its facts have not changed"),
        false => format!(
            "  statement: version {version} states {} facts that are different by now: kintsugi facts lists them, kintsugi publish issues it again",
            overtaken.len()
        ),
    };
    Ok(Outcome::new(Finish::Done, text, data))
}

fn published(version: u32) -> Outcome {
    Outcome::new(Finish::Done, format!("  statement: version {version} is published"), json!({ "published": version }))
}

/// `ja=…` as language and note.
fn read(note: &str) -> Result<(Language, String)> {
    let Some((tag, text)) = note.split_once('=') else { bail!("--note is LANGUAGE=TEXT, as in --note \"en=More is known.\"") };
    match Language::from_tag(tag) {
        Some(language) => Ok((language, text.to_owned())),
        None => bail!("--note {tag}=…: there is no language {tag}; there are ja and en"),
    }
}

/// One line for each fact that a document states and that is different by now.
pub(crate) fn overtaken_lines(overtaken: &[Overtaken]) -> Vec<String> {
    let line = |one: &Overtaken| {
        let stands =
            one.stands.as_ref().map_or_else(|| "nothing".to_owned(), |fact| format!("{} (as of {})", fact.value, fact.as_of));
        let (document, version, language) = (&one.document, one.version, one.language.tag());
        format!(
            "{document} v{version} {language}: {} = {} (as of {}), now {stands}",
            one.stated.name, one.stated.value, one.stated.as_of
        )
    };
    overtaken.iter().map(line).collect()
}
