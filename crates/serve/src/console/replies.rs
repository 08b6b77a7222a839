//! What people wrote back. The list names nobody; the words of one message stand behind a click that is written down.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Html;
use kintsugi_store::{AnswerView, ReplyView};
use serde::Deserialize;

use super::Rail;
use super::answer::{AnswerForm, Message};
use super::rail::moment;
use crate::failure::Failure;
use crate::session::Session;
use crate::site::Site;
use crate::visitor::Visitor;

const REPLIES_MAX: u32 = 100;

/// The list.
#[derive(Template)]
#[template(path = "console/replies.html")]
pub(crate) struct RepliesPage {
    pub(crate) f: Rail,
    /// Oldest first, each with its time in words.
    pub(crate) replies: Vec<(String, ReplyView)>,
    /// The message after which the next page starts.
    pub(crate) next: Option<u64>,
}

/// One message.
#[derive(Template)]
#[template(path = "console/reply.html")]
pub(crate) struct ReplyPage {
    pub(crate) f: Rail,
    pub(crate) when: String,
    pub(crate) reply: ReplyView,
    /// Each with its time in words.
    pub(crate) answers: Vec<(String, AnswerView)>,
    /// Where it can be answered.
    pub(crate) form: Option<AnswerForm>,
}

/// Where the page starts.
#[derive(Deserialize)]
pub(crate) struct RepliesQuery {
    #[serde(default)]
    after: u64,
}

/// `GET /replies`
pub(crate) async fn show(
    State(site): State<Site>,
    visitor: Visitor,
    session: Session,
    Query(query): Query<RepliesQuery>,
) -> Result<Html<String>, Failure> {
    let (f, _) = Rail::new(&site, &visitor, session, "/replies").await?;
    let replies = site.store.replies(query.after, REPLIES_MAX).await?;
    let full = replies.len() as u64 == u64::from(REPLIES_MAX);
    let next = replies.last().filter(|_| full).map(|reply| reply.id);
    let replies = replies.into_iter().map(|reply| (moment(&site, reply.at_ms), reply)).collect();
    Ok(Html(RepliesPage { f, replies, next }.render()?))
}

/// `GET /replies/{id}`: the words; who reads them is written down.
pub(crate) async fn show_one(
    State(site): State<Site>,
    visitor: Visitor,
    session: Session,
    Path(id): Path<u64>,
) -> Result<Html<String>, Failure> {
    let who = session.who.clone();
    let Some(reply) = site.store.reply(id).await? else { return Err(Failure::NotFound) };
    site.store.audit(&who, &format!("read message {id}"), site.now_ms()).await?;
    let (f, _) = Rail::new(&site, &visitor, session, "/replies").await?;
    let form = match reply.person {
        Some(person) => AnswerForm::about(&site, &f, person, std::slice::from_ref(&reply)).await?,
        None => None,
    };
    let Message { reply, when, answers } = Message::new(&site, reply);
    Ok(Html(ReplyPage { f, when, reply, answers, form }.render()?))
}
