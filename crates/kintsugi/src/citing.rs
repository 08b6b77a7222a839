//! What notices cite: the case's templates with the facts that stand and, once notices go out, which facts they stated.

use std::path::PathBuf;

use anyhow::{Result, bail};
use kintsugi_case::{Fact, FactKind, FactValue, Language};
use kintsugi_notify::{FactBook, MailKind, Templates, TemplatesError};
use kintsugi_store::{Edition, FactRecord, Published, Store};

use crate::command::now_ms;
use crate::folder::Folder;

/// The case's templates with the facts of the store, in which those of the case file are entered first. Each mistake in them
/// is shown before anything is sent.
pub(crate) async fn templates(folder: &Folder, store: &Store) -> Result<Templates> {
    store.put_entered_facts(&folder.case.facts, now_ms()).await?;
    standing(folder, store).await
}

/// The same with the facts as they stand, for a process that lives long: the case file that it read when it began may say what
/// is not true any more.
pub(crate) async fn standing(folder: &Folder, store: &Store) -> Result<Templates> {
    read(folder, kintsugi_report::citable(&store.facts().await?))
}

/// Refuses with every mistake in the templates, before there is a scope version: what one could hold counts as known.
pub(crate) fn check(folder: &Folder) -> Result<()> {
    let computed = |name| Fact {
        name,
        value: FactValue::Text(String::new()),
        as_of: String::new(),
        source: String::new(),
        query: String::new(),
        scope_version: 0,
        kind: FactKind::Computed,
        replaces: false,
    };
    let facts = folder.case.facts.iter().cloned().chain(kintsugi_report::computed_names().into_iter().map(computed));
    read(folder, facts.collect()).map(drop)
}

fn read(folder: &Folder, facts: Vec<Fact>) -> Result<Templates> {
    let (dir, zone): (PathBuf, _) = (folder.root.join("templates"), folder.case.case.timezone.clone());
    match Templates::load(&dir, FactBook::new(facts, zone)) {
        Ok(templates) => Ok(templates),
        Err(TemplatesError::Mistakes(mistakes)) => {
            let shown = mistakes.iter().map(|m| format!("{}:{}: {} ({})", m.file, m.line, m.message, m.help));
            bail!("{}", shown.collect::<Vec<_>>().join("\n"))
        }
        Err(error) => Err(error.into()),
    }
}

/// Writes down which facts the notices of these kinds state from now on: a document of the fact book, whose next version
/// begins where its words or its facts are new. Notices that state no fact leave nothing.
pub(crate) async fn record(folder: &Folder, store: &Store, templates: &Templates, kinds: &[MailKind]) -> Result<()> {
    let records = store.fact_records().await?;
    for &kind in kinds {
        let (mut editions, mut new) = (Vec::new(), false);
        for &language in &folder.case.case.languages {
            let before = store.published(kind.name(), language).await?.into_iter().next();
            let cites = templates.facts(kind, language).next().is_some();
            new |= before.map_or(cites, |before| !same(&before, templates, (kind, language)));
            editions.push(edition(templates, (kind, language), &records));
        }
        if new {
            store.publish(kind.name(), "command line", &editions, now_ms()).await?;
        }
    }
    Ok(())
}

fn edition(templates: &Templates, (kind, language): (MailKind, Language), records: &[FactRecord]) -> Edition {
    let place = |fact: &Fact| records.iter().find(|record| record.fact == *fact).map(|record| record.sequence);
    let facts = templates.facts(kind, language).filter_map(place).collect();
    Edition { language, body: templates.source(kind, language).to_owned(), note: String::new(), facts }
}

/// Whether the last version has these words and these facts, whenever they were entered.
fn same(before: &Published, templates: &Templates, (kind, language): (MailKind, Language)) -> bool {
    let mut stated: Vec<&Fact> = before.facts.iter().map(|record| &record.fact).collect();
    stated.sort_by_key(|fact| &fact.name);
    before.body == templates.source(kind, language) && stated.into_iter().eq(templates.facts(kind, language))
}
