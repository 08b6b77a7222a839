//! Why: the chain from a fact, a notice or a person down to the evidence line.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Html;
use kintsugi_case::{NoticeNumber, PersonId};
use kintsugi_report::{Chain, why_fact, why_notice, why_person};
use kintsugi_store::FactRecord;

use super::Rail;
use super::rail::moment;
use crate::failure::Failure;
use crate::portal::statement::value;
use crate::publish;
use crate::session::Session;
use crate::site::Site;
use crate::standing::Standing;
use crate::visitor::Visitor;

/// Links of a chain shown.
const LINKS_MAX: usize = 60;

/// The page.
#[derive(Template)]
#[template(path = "console/why.html")]
pub(crate) struct Why {
    pub(crate) f: Rail,
    pub(crate) what: String,
    pub(crate) chain: Option<Chain>,
    /// A fact's history, newest first, each with when it was written down.
    pub(crate) history: Vec<(String, FactRecord)>,
    /// The published documents that state it.
    pub(crate) cited: Vec<String>,
}

impl Why {
    /// A fact by its name in the reader's language.
    fn heading(&self) -> String {
        kintsugi_report::fact_words(&self.what, self.f.w.0).map_or_else(|| self.what.clone(), |words| words.name)
    }

    fn value(&self, record: &FactRecord) -> String {
        value(&record.fact.value, self.f.w.0)
    }

    fn as_of(&self, record: &FactRecord) -> String {
        super::facts::as_of(&record.fact.as_of)
    }

    fn source(&self, record: &FactRecord) -> String {
        kintsugi_report::fact_source(&record.fact, self.f.w.0)
    }
}

/// `GET /why/{what}`: a fact's name, a notice's number, or `person-` and a person's number.
pub(crate) async fn show(
    State(site): State<Site>,
    visitor: Visitor,
    session: Session,
    Path(what): Path<String>,
) -> Result<Html<String>, Failure> {
    let who = session.who.clone();
    let (f, standing) = Rail::new(&site, &visitor, session, "").await?;
    let mut chain = chain(&site, standing.as_deref(), &what, &who).await?;
    if let Some(chain) = &mut chain {
        chain.links.truncate(LINKS_MAX);
    }
    let mut history = site.store.fact_history(&what).await?;
    history.reverse();
    history.truncate(LINKS_MAX);
    let history = history.into_iter().map(|record| (moment(&site, record.recorded_at_ms), record)).collect();
    let citations = publish::citations(&site.store, &site.case).await?;
    let cited = citations.into_iter().filter(|(name, _)| *name == what).map(|(_, document)| document).collect();
    Ok(Html(Why { f, what, chain, history, cited }.render()?))
}

async fn chain(site: &Site, standing: Option<&Standing>, what: &str, who: &str) -> Result<Option<Chain>, Failure> {
    if let Some(id) = what.strip_prefix("person-").and_then(|id| id.parse().ok()) {
        return person(site, standing, PersonId(id), who).await;
    }
    match NoticeNumber::parse(what) {
        Ok(number) => notice(site, standing, number, who).await,
        Err(_) => Ok(why_fact(what, &site.store.facts().await?, standing.map(|standing| &standing.scope))),
    }
}

async fn person(site: &Site, standing: Option<&Standing>, id: PersonId, who: &str) -> Result<Option<Chain>, Failure> {
    site.store.audit(who, &format!("viewed why of person {id}"), site.now_ms()).await?;
    let person = site.store.person(id).await?;
    Ok(standing.zip(person).map(|(standing, person)| why_person(id, &standing.scope, &person.exposed, &standing.bases)))
}

async fn notice(site: &Site, standing: Option<&Standing>, number: NoticeNumber, who: &str) -> Result<Option<Chain>, Failure> {
    let Some(notice) = site.store.notice_by_number(number).await? else { return Ok(None) };
    let Some(person) = person(site, standing, notice.person, who).await? else { return Ok(None) };
    let mut chain = why_notice(number, notice.state, &person);
    let event = |event: &kintsugi_store::NoticeEvent| kintsugi_report::Link {
        what: event.state.name().into(),
        detail: format!("{} {}", moment(site, event.at_ms), event.detail).trim().to_owned(),
    };
    chain.links.splice(0..0, notice.events.iter().map(event));
    Ok(Some(chain))
}
