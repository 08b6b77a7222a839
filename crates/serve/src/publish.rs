//! Publishing the statement: the facts of now become its next version in each language, or the reason why not is given.
//! What was published is kept as it was, with the facts that it stated.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kintsugi_case::{CaseFile, Fact, Language};
use kintsugi_report::{ChronicleFrame, KnownTimes, NotPublished, NoteFault, Statement, StatementFrame};
use kintsugi_store::{Edition, FactRecord, Paper, Published, Store};

/// The name under which the statement is kept.
pub const STATEMENT: &str = "statement";

/// Why the statement was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The facts, or the note, do not allow it.
    #[error("the statement cannot be published ({}):\n{why}", language.tag())]
    Refused {
        /// In which language.
        language: Language,
        /// The facts that are in the way, both of each pair.
        why: NotPublished,
    },
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] kintsugi_store::Error),
    /// What was published cannot be read.
    #[error("version {version} of the statement cannot be read")]
    Body {
        /// Which version.
        version: u32,
        /// Why.
        source: serde_json::Error,
    },
}

/// A version of the statement as it was published.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) row: Published,
    pub(crate) statement: Statement,
}

/// A fact that a published document states and that is different by now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overtaken {
    /// Which document.
    pub document: String,
    /// Its version.
    pub version: u32,
    /// In which language.
    pub language: Language,
    /// The fact that it states.
    pub stated: Fact,
    /// The fact that stands; none where none does any more.
    pub stands: Option<Fact>,
}

/// Publishes the next version. `notes` say what is new, in each language of the case; a first version has none.
pub async fn publish(
    store: &Store,
    case: &CaseFile,
    by: &str,
    notes: &BTreeMap<Language, String>,
    now_ms: i64,
) -> Result<u32, PublishError> {
    let (records, around) = (store.fact_records().await?, chronicle_frame(store).await?);
    let mut editions = Vec::new();
    for &language in &case.case.page_languages() {
        let before = newest(store, language).await?;
        let note = notes.get(&language).map_or("", String::as_str).trim();
        let statement = compose(case, language, (&records, &around), before.as_ref(), note, now_ms)
            .map_err(|why| PublishError::Refused { language, why })?;
        editions.push(edition(language, &statement, if before.is_some() { note } else { "" }, &records)?);
    }
    let version = store.publish(STATEMENT, by, &editions, now_ms).await?;
    store.audit(by, &format!("published statement version {version}"), now_ms).await?;
    Ok(version)
}

/// The newest version of the statement; none before the first is published.
pub async fn published_version(store: &Store, case: &CaseFile) -> Result<Option<u32>, PublishError> {
    let language = case.case.page_languages().first().copied().unwrap_or(Language::Ja);
    Ok(store.published(STATEMENT, language).await?.first().map(|row| row.version))
}

/// What the newest versions of documents state and is different by now: the statement must be issued again, and whoever got
/// such a notice knows an earlier value.
pub async fn overtaken(store: &Store, case: &CaseFile) -> Result<Vec<Overtaken>, PublishError> {
    let records = store.fact_records().await?;
    let mut found = Vec::new();
    for row in newest_documents(store, case).await? {
        let language = row.language;
        for stated in &row.facts {
            let stands = newest_record(&records, &stated.fact.name).map(|record| record.fact.clone());
            let same = |one: &Fact| {
                (&one.value, &one.as_of, &one.source) == (&stated.fact.value, &stated.fact.as_of, &stated.fact.source)
            };
            if !stands.as_ref().is_some_and(same) {
                let (document, version) = (row.name.clone(), row.version);
                found.push(Overtaken { document, version, language, stated: stated.fact.clone(), stands });
            }
        }
    }
    Ok(found)
}

/// What each document states: the fact's name, then document, version and language.
pub async fn citations(store: &Store, case: &CaseFile) -> Result<Vec<(String, String)>, PublishError> {
    let mut found = Vec::new();
    for row in newest_documents(store, case).await? {
        let document = format!("{} v{} {}", row.name, row.version, row.language.tag());
        found.extend(row.facts.iter().map(|record| (record.fact.name.clone(), document.clone())));
    }
    Ok(found)
}

/// The newest version of the statement and of each kind of notice, in each language of the case.
async fn newest_documents(store: &Store, case: &CaseFile) -> Result<Vec<Published>, PublishError> {
    let spoken = |language: &Language| case.case.languages.contains(language) || case.case.page_languages().contains(language);
    let mut found = Vec::new();
    for (name, language) in store.documents().await?.into_iter().filter(|(_, language)| spoken(language)) {
        found.extend(store.published(&name, language).await?.into_iter().next());
    }
    Ok(found)
}

/// Every version in a language, newest first.
pub(crate) async fn versions(store: &Store, language: Language) -> Result<Vec<Kept>, PublishError> {
    store.published(STATEMENT, language).await?.into_iter().map(kept).collect()
}

/// The newest version in a language.
pub(crate) async fn newest(store: &Store, language: Language) -> Result<Option<Kept>, PublishError> {
    store.published(STATEMENT, language).await?.into_iter().next().map(kept).transpose()
}

/// A version as PDF; none where it was not set.
pub(crate) async fn paper(store: &Store, version: u32, language: Language) -> Result<Option<Paper>, PublishError> {
    Ok(store.paper(STATEMENT, version, language).await?)
}

/// Whether a version has a PDF.
pub(crate) async fn has_paper(store: &Store, version: u32, language: Language) -> Result<bool, PublishError> {
    Ok(store.papers(STATEMENT, language).await?.contains(&version))
}

fn kept(row: Published) -> Result<Kept, PublishError> {
    match serde_json::from_str(&row.body) {
        Ok(statement) => Ok(Kept { row, statement }),
        Err(source) => Err(PublishError::Body { version: row.version, source }),
    }
}

/// What the next version would say, from the facts that stand.
pub(crate) fn compose(
    case: &CaseFile,
    language: Language,
    (records, around): (&[FactRecord], &ChronicleFrame),
    before: Option<&Kept>,
    note: &str,
    now_ms: i64,
) -> Result<Statement, NotPublished> {
    let facts: Vec<Fact> = records.iter().map(|record| record.fact.clone()).collect();
    let portal = case.mail.as_ref().map_or_else(|| format!("https://{}", case.controller.domain), |mail| mail.portal.clone());
    let frame = StatementFrame { controller: &case.controller, portal: &portal, timezone: &case.case.timezone, language };
    let with_chronicle = |mut statement: Statement| {
        statement.chronicle = kintsugi_report::chronicle(&case.events, &facts, &frame, around)?;
        Ok(statement)
    };
    let Some(before) = before else { return kintsugi_report::statement(&facts, &frame).and_then(with_chronicle) };
    if note.is_empty() {
        // The facts come first: without them no note would help.
        return kintsugi_report::statement(&facts, &frame).and(Err(NotPublished::Note(NoteFault::Empty)));
    }
    let today = Timestamp::from_millisecond(now_ms).unwrap_or_default().to_zoned(case.case.timezone.clone()).date();
    let version = (before.row.version + 1, language.day(today));
    kintsugi_report::updated(&facts, &frame, &before.statement, (version.0, &version.1), note).and_then(with_chronicle)
}

/// What the chronicle needs of the store: times that are computed, and who must not be named.
pub(crate) async fn chronicle_frame(store: &Store) -> Result<ChronicleFrame, kintsugi_store::Error> {
    let scope = store.newest_scope().await?;
    let (attack, waiting) = match &scope {
        Some(scope) => (store.attack_span(scope.number).await?, store.conservation(scope.number).await?.waiting),
        None => (None, 0),
    };
    let notices = store.notices_span().await?;
    let times = KnownTimes {
        attack_first: attack.map(|span| span.0),
        attack_last: attack.map(|span| span.1),
        frozen: scope.map(|scope| scope.frozen_at_ms),
        first_notice: notices.map(|span| span.0),
        last_notice: notices.map(|span| span.1).filter(|_| waiting == 0),
    };
    Ok(ChronicleFrame { staff: store.staff_names().await?, times })
}

fn edition(language: Language, statement: &Statement, note: &str, records: &[FactRecord]) -> Result<Edition, PublishError> {
    let facts: Vec<Fact> = records.iter().map(|record| record.fact.clone()).collect();
    let cited = statement.cited(&facts).into_iter().filter_map(|at| records.get(at)).map(|record| record.sequence);
    let body = serde_json::to_string(statement).map_err(|source| PublishError::Body { version: 0, source })?;
    Ok(Edition { language, body, note: note.to_owned(), facts: cited.collect() })
}

/// The newest record of a name, as the statement chooses it.
fn newest_record<'a>(records: &'a [FactRecord], name: &str) -> Option<&'a FactRecord> {
    let of_name = records.iter().filter(|record| record.fact.name == name);
    of_name.max_by(|a, b| a.fact.as_of.cmp(&b.fact.as_of))
}
