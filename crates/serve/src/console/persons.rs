//! Persons by number. Names are not in this list: each is behind a click that is logged.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Html;
use kintsugi_case::{NoticeState, PersonId, Private, Verdict};
use kintsugi_store::{PersonFilter, PersonLine};
use serde::Deserialize;

use super::Rail;
use crate::failure::Failure;
use crate::session::Session;
use crate::site::Site;
use crate::standing::Standing;
use crate::visitor::Visitor;

const PERSONS_MAX: u32 = 50;

/// The page.
#[derive(Template)]
#[template(path = "console/persons.html")]
pub(crate) struct Persons {
    pub(crate) f: Rail,
    pub(crate) filters: Vec<Filter>,
    pub(crate) persons: Vec<PersonLine>,
    /// The address of the next page.
    pub(crate) next: Option<String>,
}

/// A filter in the address bar.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) count: String,
    pub(crate) current: bool,
}

/// Which persons are listed.
#[derive(Deserialize, Default)]
pub(crate) struct PersonsQuery {
    #[serde(default)]
    verdict: String,
    #[serde(default)]
    notice: String,
    #[serde(default)]
    after: u64,
}

/// `GET /persons`
pub(crate) async fn show(
    State(site): State<Site>,
    visitor: Visitor,
    session: Session,
    Query(query): Query<PersonsQuery>,
) -> Result<Html<String>, Failure> {
    let (f, standing) = Rail::new(&site, &visitor, session, "/persons").await?;
    let filter =
        PersonFilter { verdict: Verdict::from_name(&query.verdict), notice: NoticeState::from_name(&query.notice), mail: None };
    let persons = match standing {
        Some(_) => site.store.list_persons(&filter, PersonId(query.after), PERSONS_MAX).await?,
        None => Vec::new(),
    };
    let full = persons.len() as u64 == u64::from(PERSONS_MAX);
    let next = persons.last().filter(|_| full).map(|last| {
        format!(
            "/persons?verdict={}&notice={}&after={}",
            filter.verdict.map_or("", Verdict::name),
            filter.notice.map_or("", NoticeState::name),
            last.id
        )
    });
    let filters = standing.map(|standing| filters(&f, &standing, &filter)).unwrap_or_default();
    Ok(Html(Persons { f, filters, persons, next }.render()?))
}

/// What the search form sends, as a POST: a mail address never stands in an address bar or a log.
#[derive(Deserialize)]
pub(crate) struct FindForm {
    #[serde(default)]
    wanted: String,
    #[serde(default)]
    token: String,
}

/// `POST /persons`
pub(crate) async fn find(
    State(site): State<Site>,
    visitor: Visitor,
    session: Session,
    axum::Form(form): axum::Form<FindForm>,
) -> Result<Html<String>, Failure> {
    if !session.fits(&site, &form.token) {
        return Err(Failure::Form);
    }
    let who = session.who.clone();
    let (f, standing) = Rail::new(&site, &visitor, session, "/persons").await?;
    let persons = match (form.wanted.trim().parse(), &standing) {
        (_, None) => Vec::new(),
        (Ok(id), Some(_)) => numbered(&site, id).await?,
        (Err(_), Some(_)) => with_mail(&site, form.wanted.trim(), &who).await?,
    };
    let filters = standing.map(|standing| filters(&f, &standing, &PersonFilter::default())).unwrap_or_default();
    Ok(Html(Persons { f, filters, persons, next: None }.render()?))
}

async fn numbered(site: &Site, id: u64) -> Result<Vec<PersonLine>, Failure> {
    let Some(before) = id.checked_sub(1) else { return Ok(Vec::new()) };
    let found = site.store.list_persons(&PersonFilter::default(), PersonId(before), 1).await?;
    Ok(found.into_iter().filter(|person| person.id == PersonId(id)).collect())
}

/// A search by address is written down, because it tells who is among the persons.
async fn with_mail(site: &Site, mail: &str, who: &str) -> Result<Vec<PersonLine>, Failure> {
    site.store.audit(who, "searched persons by mail address", site.now_ms()).await?;
    let filter = PersonFilter { mail: Some(Private::new(mail.to_owned())), ..PersonFilter::default() };
    Ok(site.store.list_persons(&filter, PersonId(0), PERSONS_MAX).await?)
}

fn filters(f: &Rail, standing: &Standing, current: &PersonFilter) -> Vec<Filter> {
    let all = Filter {
        name: f.w.t("state-all"),
        address: "/persons".into(),
        count: f.w.number(standing.counts.persons),
        current: *current == PersonFilter::default(),
    };
    let verdicts = Verdict::ALL.into_iter().map(|verdict| Filter {
        name: verdict.label(f.w.0).into(),
        address: format!("/persons?verdict={}", verdict.name()),
        count: f.w.number(standing.persons(verdict)),
        current: current.verdict == Some(verdict),
    });
    [all].into_iter().chain(verdicts).collect()
}
