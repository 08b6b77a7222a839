//! One person: records, what was exposed, notices, rights. Name and contact stand behind a click that is logged.

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::Html;
use kintsugi_case::{ExposedRecord, PersonId};
use kintsugi_store::{NoticeView, PersonView};

use super::Rail;
use super::answer::{AnswerForm, Answered, MESSAGES_MAX, Message};
use super::decide::{Decide, Decided};
use super::rail::moment;
use super::sign_in::TokenForm;
use crate::evidence;
use crate::failure::Failure;
use crate::session::Session;
use crate::site::Site;
use crate::visitor::Visitor;

/// Rows shown of each list.
const ROWS_MAX: usize = 60;

/// The page.
#[derive(Template)]
#[template(path = "console/person.html")]
pub(crate) struct Person {
    pub(crate) f: Rail,
    pub(crate) person: PersonView,
    /// Label and value; none while it is hidden.
    pub(crate) profile: Option<Vec<(String, String)>>,
    pub(crate) exposed: Vec<ExposedLine>,
    pub(crate) notices: Vec<NoticeLine>,
    pub(crate) decided: Option<String>,
    /// What they wrote back, newest first.
    pub(crate) messages: Vec<Message>,
    /// Where it can be answered.
    pub(crate) form: Option<AnswerForm>,
    /// What became of an answer.
    pub(crate) answered: Option<String>,
}

/// An exposed record in the table.
#[derive(Clone, Debug)]
pub(crate) struct ExposedLine {
    pub(crate) exposed: ExposedRecord,
    pub(crate) at: String,
    pub(crate) file: String,
}

/// A notice with its history in words.
#[derive(Clone, Debug)]
pub(crate) struct NoticeLine {
    pub(crate) notice: NoticeView,
    /// What can be decided about it.
    pub(crate) decide: Decide,
    /// (when, state, detail)
    pub(crate) events: Vec<(String, String, String)>,
}

/// `GET /persons/{id}`
pub(crate) async fn show(
    State(site): State<Site>,
    visitor: Visitor,
    session: Session,
    Path(id): Path<u64>,
    Query(decided): Query<Decided>,
    Query(answered): Query<Answered>,
) -> Result<Html<String>, Failure> {
    site.store.audit(&session.who, &format!("viewed person {id}"), site.now_ms()).await?;
    page(&site, &visitor, session, PersonId(id), false, (&decided, &answered)).await
}

/// `POST /persons/{id}`: with name and contact.
pub(crate) async fn show_profile(
    State(site): State<Site>,
    visitor: Visitor,
    session: Session,
    Path(id): Path<u64>,
    Form(form): Form<TokenForm>,
) -> Result<Html<String>, Failure> {
    if !session.fits(&site, &form.token) {
        return Err(Failure::Form);
    }
    site.store.audit(&session.who, &format!("viewed name and contact of person {id}"), site.now_ms()).await?;
    page(&site, &visitor, session, PersonId(id), true, (&Decided::default(), &Answered::default())).await
}

async fn page(
    site: &Site,
    visitor: &Visitor,
    session: Session,
    id: PersonId,
    open: bool,
    (decided, answered): (&Decided, &Answered),
) -> Result<Html<String>, Failure> {
    let person = site.store.person(id).await?.ok_or(Failure::NotFound)?;
    let (f, _) = Rail::new(site, visitor, session, "/persons").await?;
    let replies = site.store.replies_of(id, MESSAGES_MAX).await?;
    let page = Person {
        form: AnswerForm::about(site, &f, id, &replies).await?,
        messages: replies.into_iter().map(|reply| Message::new(site, reply)).collect(),
        answered: answered.said(&f),
        profile: open.then(|| profile(&f, &person)),
        exposed: person.exposed.iter().take(ROWS_MAX).map(|one| exposed(site, one)).collect(),
        notices: person.notices.iter().map(|notice| notice_line(site, &f, notice)).collect(),
        decided: decided.said(f.w),
        f,
        person,
    };
    Ok(Html(page.render()?))
}

fn profile(f: &Rail, person: &PersonView) -> Vec<(String, String)> {
    let profile = &person.profile;
    let lines = [
        ("field-name", &profile.name),
        ("field-email", &profile.email),
        ("field-phone", &profile.phone),
        ("field-postal_code", &profile.postal_code),
        ("field-address", &profile.address),
    ];
    lines.into_iter().map(|(key, value)| (f.w.t(key), value.open().clone())).collect()
}

fn exposed(site: &Site, one: &ExposedRecord) -> ExposedLine {
    let file = evidence::file(&site.evidence, one.line.evidence).map(|file| file.path.clone()).unwrap_or_default();
    ExposedLine { exposed: one.clone(), at: moment(site, one.at_ms), file }
}

fn notice_line(site: &Site, f: &Rail, notice: &NoticeView) -> NoticeLine {
    let event = |event: &kintsugi_store::NoticeEvent| {
        (moment(site, event.at_ms), f.w.t(&format!("state-{}", event.state.name())), event.detail.clone())
    };
    NoticeLine {
        notice: notice.clone(),
        decide: Decide::about(site, [notice].into_iter()),
        events: notice.events.iter().map(event).collect(),
    }
}
