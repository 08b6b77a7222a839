//! Answering what a person wrote back: the words, the mail as it would arrive, and the button that has it sent. The page writes
//! the answer down; a worker sends it as `kintsugi notify answer` does.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use kintsugi_case::{NoticeNumber, PersonId, Private, mask_pans};
use kintsugi_notify::{ANSWER_CHARS_MAX, AnswerFault, Mail, Unsendable, answer_words};
use kintsugi_store::{AnswerDraft, AnswerKept, AnswerView, ReplyView};
use serde::Deserialize;

use super::Rail;
use super::rail::moment;
use crate::answer_desk::AnswerDesk;
use crate::failure::Failure;
use crate::form_token;
use crate::frame::own_name;
use crate::job::ANSWER_JOB;
use crate::session::Session;
use crate::site::Site;
use crate::visitor::Visitor;

/// Messages of one person that are shown, newest first.
pub(crate) const MESSAGES_MAX: u32 = 20;

/// The form in which an answer is written.
#[derive(Clone, Debug)]
pub(crate) struct AnswerForm {
    /// To whom.
    pub(crate) person: PersonId,
    /// The messages that it can answer, each in words.
    pub(crate) messages: Vec<(u64, String)>,
    pub(crate) chosen: u64,
    /// The language in which they are told: tag, and name in itself.
    pub(crate) language: (&'static str, &'static str),
    pub(crate) typed: String,
    /// Why what was typed is no answer.
    pub(crate) fault: Option<String>,
}

impl AnswerForm {
    /// A form for these messages, newest first: the newest without an answer is chosen. None where nothing can be answered
    /// from here.
    pub(crate) async fn about(site: &Site, f: &Rail, person: PersonId, replies: &[ReplyView]) -> Result<Option<Self>, Failure> {
        let open = replies.iter().find(|reply| reply.answers.is_empty()).or(replies.first());
        let (Some(open), Some(_), Some(view)) = (open, site.answers.get(), site.store.person(person).await?) else {
            return Ok(None);
        };
        let named = |reply: &ReplyView| {
            let words = f.t1("replies-one", "number", reply.id);
            (reply.id, format!("{words} · {}", moment(site, reply.at_ms)))
        };
        Ok(Some(Self {
            person,
            messages: replies.iter().map(named).collect(),
            chosen: open.id,
            language: (view.profile.language.tag(), own_name(view.profile.language)),
            typed: String::new(),
            fault: None,
        }))
    }

    /// Whether there is nothing to choose.
    pub(crate) fn only(&self) -> bool {
        self.messages.len() == 1
    }
}

/// A message on its person's page: without its words, which stand behind a click that is written down.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) reply: ReplyView,
    pub(crate) when: String,
    /// Each with its time in words.
    pub(crate) answers: Vec<(String, AnswerView)>,
}

impl Message {
    /// A message with its times in words.
    pub(crate) fn new(site: &Site, mut reply: ReplyView) -> Self {
        let answers = std::mem::take(&mut reply.answers).into_iter();
        let answers = answers.map(|answer| (moment(site, answer.at_ms), answer)).collect();
        Self { when: moment(site, reply.at_ms), answers, reply }
    }
}

/// What became of the form, carried in the address of the person's page.
#[derive(Deserialize, Default)]
pub(crate) struct Answered {
    /// An answer that was written down.
    answered: Option<u64>,
    /// An answer that was there already.
    known: Option<u64>,
}

impl Answered {
    /// In words.
    pub(crate) fn said(&self, f: &Rail) -> Option<String> {
        let known = self.known.map(|id| f.t1("writing-known", "number", id));
        self.answered.map(|id| f.t1("writing-done", "number", id)).or(known)
    }
}

/// The page between writing and sending: the words to be mended, or the mail as it would arrive.
#[derive(Template)]
#[template(path = "console/answer.html")]
pub(crate) struct AnswerPage {
    pub(crate) f: Rail,
    pub(crate) number: NoticeNumber,
    pub(crate) form: AnswerForm,
    /// The mail; none while the words are to be mended.
    pub(crate) mail: Option<Mail>,
    /// Whether it was to be sent, and says something else than when it was looked at.
    pub(crate) changed: bool,
    /// The sender as it stands in the mail.
    pub(crate) from: String,
    /// This form's own secret: sent twice, it answers once.
    pub(crate) secret: String,
    /// What was looked at, as a digest.
    pub(crate) seen: String,
}

/// What the form sends.
#[derive(Deserialize)]
pub(crate) struct AnswerFields {
    #[serde(default)]
    token: String,
    #[serde(default)]
    reply: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    form: String,
    #[serde(default)]
    seen: String,
    #[serde(default)]
    act: String,
}

/// What is answered, by whom.
struct Asked {
    person: PersonId,
    reply: ReplyView,
    number: NoticeNumber,
    who: String,
}

/// `GET /persons/{id}/answer`: where a reader comes back to after signing in.
pub(crate) async fn back(_: Session, Path(id): Path<u64>) -> Redirect {
    Redirect::to(&format!("/persons/{id}#messages"))
}

/// `POST /persons/{id}/answer`
pub(crate) async fn post(
    State(site): State<Site>,
    visitor: Visitor,
    session: Session,
    Path(id): Path<u64>,
    Form(fields): Form<AnswerFields>,
) -> Result<Response, Failure> {
    if !session.fits(&site, &fields.token) {
        return Err(Failure::Form);
    }
    let desk = site.answers.get().ok_or(Failure::NotFound)?;
    let asked = asked(&site, PersonId(id), &session, &fields).await?;
    let (words, sending) = (answer_words(&fields.text), fields.act == "send" && is_secret(&fields.form));
    let mail = match &words {
        Ok(words) => Some(compose(&site, &desk, &asked, words).await?),
        Err(_) => None,
    };
    if let (true, Ok(words), Some(Ok(mail))) = (sending, &words, &mail)
        && seen(mail) == fields.seen
    {
        return send(&site, &asked, words, &fields.form).await;
    }
    let mut page = page(&site, &visitor, session, &asked, fields.text).await?;
    match (words, mail) {
        (Ok(_), _) if fields.act == "change" => {}
        (Ok(_), Some(Ok(mail))) => {
            audit(&site, &asked, "previewed an answer").await?;
            page.changed = sending;
            page.seen = seen(&mail);
            page.mail = Some(mail);
        }
        (Ok(_), _) => page.form.fault = Some(page.f.t("writing-fault-address")),
        (Err(fault), _) => page.form.fault = Some(page.f.t1(key(fault), "max", page.f.n(&(ANSWER_CHARS_MAX as u64)))),
    }
    Ok(Html(page.render()?).into_response())
}

/// The mail as it was looked at: what would arrive otherwise by now is not sent unseen.
fn seen(mail: &Mail) -> String {
    kintsugi_notify::hash(&[&mail.to, &mail.subject, &mail.text].map(|part| part.open().as_str()).join("\0"))
}

const fn key(fault: AnswerFault) -> &'static str {
    match fault {
        AnswerFault::Length => "writing-fault-length",
        AnswerFault::CardNumber => "writing-fault-card",
    }
}

/// As [`form_token::new_secret`] makes them.
fn is_secret(typed: &str) -> bool {
    typed.len() == 26 && typed.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// The message, if it is about a notice of this person.
async fn asked(site: &Site, person: PersonId, session: &Session, fields: &AnswerFields) -> Result<Asked, Failure> {
    let id = fields.reply.parse().map_err(|_| Failure::NotFound)?;
    let reply = site.store.reply(id).await?.filter(|reply| reply.person == Some(person)).ok_or(Failure::NotFound)?;
    let number = reply.number.ok_or(Failure::NotFound)?;
    Ok(Asked { person, reply, number, who: session.who.clone() })
}

async fn page(site: &Site, visitor: &Visitor, session: Session, asked: &Asked, typed: String) -> Result<AnswerPage, Failure> {
    let (f, _) = Rail::new(site, visitor, session, "/persons").await?;
    let form = AnswerForm::about(site, &f, asked.person, std::slice::from_ref(&asked.reply)).await?.ok_or(Failure::NotFound)?;
    let from = site.case.mail.as_ref().map(|mail| mail.from.clone()).unwrap_or_default();
    // A card number that was typed is refused, and stands on no page either.
    let form = AnswerForm { typed: mask_pans(&typed), ..form };
    let (secret, seen) = (form_token::new_secret(), String::new());
    Ok(AnswerPage { f, number: asked.number, form, mail: None, changed: false, from, secret, seen })
}

/// The mail as it would arrive.
async fn compose(
    site: &Site,
    desk: &AnswerDesk,
    asked: &Asked,
    words: &Private<String>,
) -> Result<Result<Mail, Unsendable>, Failure> {
    let notice = site.store.letter_of(asked.number).await?.ok_or(Failure::NotFound)?;
    Ok(desk.compose(&notice, &format!("{}.preview", asked.reply.id), words, site.now_ms()))
}

/// Who looked at a mail, which holds a name and an address, or asked for an answer: without its words.
async fn audit(site: &Site, asked: &Asked, what: &str) -> Result<(), Failure> {
    let what = format!("{what} to message {} about notice {}", asked.reply.id, asked.number);
    Ok(site.store.audit(&asked.who, &what, site.now_ms()).await?)
}

/// Writes the answer down, to be sent by a worker.
async fn send(site: &Site, asked: &Asked, words: &Private<String>, form: &str) -> Result<Response, Failure> {
    let draft = AnswerDraft { reply: asked.reply.id, who: &asked.who, words, form: Some(form), job: Some(ANSWER_JOB) };
    let said = match site.store.put_answer(&draft, site.now_ms()).await? {
        AnswerKept::Known(id) => format!("known={id}"),
        AnswerKept::ToSend(id) => {
            audit(site, asked, &format!("asked for answer {id}")).await?;
            format!("answered={id}")
        }
    };
    Ok(Redirect::to(&format!("/persons/{}?{said}#messages", asked.person)).into_response())
}
