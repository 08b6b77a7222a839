//! The one way in which an answer of the desk leaves: for `notify answer` and for the worker that sends what the console wrote
//! down. What keeps it up to date while a server runs: `answer_room`.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use kintsugi_case::{NoticeState, ScopeVersion};
use kintsugi_notify::{Mail, MailKind, Outcome as Sent, Sender, Templates, Unsendable};
use kintsugi_serve::AnswerDesk;
use kintsugi_store::{AnswerView, Store};

use crate::citing;
use crate::command::{composer, mail_spec, now_ms, sender};
use crate::folder::Folder;

/// What writes and sends answers.
pub(crate) struct Answers {
    /// Writes them.
    pub(crate) desk: Arc<AnswerDesk>,
    /// Sends them.
    pub(crate) sender: Sender,
}

impl Answers {
    /// What answers; none before a scope is frozen, or without mail settings. The facts that answers of these kinds cite are
    /// written down as stated from now on.
    pub(crate) async fn open(folder: &Folder, store: &Store, smtp: Option<&str>, kinds: &[MailKind]) -> Result<Option<Self>> {
        let (Some(_), Some(scope)) = (&folder.case.mail, store.newest_scope().await?) else { return Ok(None) };
        let templates = citing::templates(folder, store).await?;
        Self::of(folder, store, smtp, kinds, (&scope, templates)).await.map(Some)
    }

    /// The same of a scope version, in these words.
    pub(crate) async fn of(
        folder: &Folder,
        store: &Store,
        smtp: Option<&str>,
        kinds: &[MailKind],
        (scope, templates): (&ScopeVersion, Templates),
    ) -> Result<Self> {
        let spec = mail_spec(folder, smtp)?;
        citing::record(folder, store, &templates, kinds).await?;
        let composer = composer(folder, store, scope, templates).await?;
        let sender = sender(folder, &spec)?;
        Ok(Self { desk: Arc::new(AnswerDesk::new(composer, spec.portal)), sender })
    }

    /// Sends an answer that was written down, and writes down how it ended. None where it is not there to be sent: another
    /// sender has it in hand, or had it.
    pub(crate) async fn deliver(&self, store: &Store, id: u64) -> Result<Option<AnswerView>> {
        let answer = store.answer(id).await?.with_context(|| format!("there is no answer {id}"))?;
        let reply = store.reply(answer.reply).await?;
        let Some(number) = reply.and_then(|reply| reply.number) else {
            bail!("message {} belongs to no notice", answer.reply);
        };
        let notice = store.letter_of(number).await?.with_context(|| format!("notice {number} is not there any more"))?;
        let mail = self.desk.compose(&notice, &format!("{}.{id}", answer.reply), &answer.words, now_ms());
        if !store.take_answer(id).await? {
            return Ok(None);
        }
        let (state, detail) = self.ended(mail).await;
        store.end_answer(id, state, &detail).await?;
        if state != NoticeState::Intended {
            let what = format!("answered message {} about notice {number}: {}", answer.reply, state.name());
            store.audit(&answer.who, &what, now_ms()).await?;
        }
        Ok(Some(AnswerView { state, detail, ..answer }))
    }

    async fn ended(&self, mail: Result<Mail, Unsendable>) -> (NoticeState, String) {
        let mail = match mail {
            Ok(mail) => mail,
            Err(why) => return (NoticeState::Refused, why.to_string()),
        };
        match self.sender.send(&mail).await {
            Sent::Accepted { reply } => (NoticeState::Accepted, reply),
            Sent::Refused { reply } => (NoticeState::Refused, reply),
            Sent::Unknown { why } => (NoticeState::Unknown, why),
            Sent::NotSent { why } => (NoticeState::Intended, why),
            Sent::Later { .. } => (NoticeState::Intended, "the recipient's domain has had its share for now".into()),
        }
    }
}
