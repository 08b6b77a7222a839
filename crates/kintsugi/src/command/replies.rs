//! `kintsugi bounces --replies` and `kintsugi notify answer`: what people wrote back, and the answer of somebody at the desk.
//! It goes to the address to which the notice went, and not to whoever the message says it is from.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use kintsugi_case::{NoticeState, Private};
use kintsugi_notify::{MailKind, answer_words};
use kintsugi_store::{AnswerDraft, AnswerKept, ReplyView, Store};
use serde_json::json;

use super::{Outcome, block_on, notify, now_ms, plan};
use crate::answering::Answers;
use crate::finish::Finish;
use crate::folder::Folder;

/// Messages read at a time.
const PAGE: u32 = 200;

/// Shows every message, oldest first. Who looked is written down.
pub(crate) fn replies(folder: &Folder) -> Result<Outcome> {
    block_on(async {
        let store = folder.store().await?;
        let all = all(&store).await?;
        store.audit("command line", &format!("looked at {} replies", all.len()), now_ms()).await?;
        store.close().await;
        let open = all.iter().filter(|reply| reply.number.is_some() && reply.answers.is_empty()).count();
        let mut text: String = all.iter().map(|reply| shown(folder, reply)).collect();
        text.push_str(&format!("  {} messages, {open} of them about notices and without an answer", all.len()));
        let data: Vec<_> = all.iter().map(as_json).collect();
        Ok(Outcome::new(Finish::Done, text, json!({ "replies": data })))
    })
}

async fn all(store: &Store) -> Result<Vec<ReplyView>> {
    let mut all: Vec<ReplyView> = Vec::new();
    loop {
        let page = store.replies(all.last().map_or(0, |reply| reply.id), PAGE).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

fn shown(folder: &Folder, reply: &ReplyView) -> String {
    let about = reply.number.map_or_else(|| "no notice of this case".to_owned(), |number| number.to_string());
    let (from, subject) = (reply.from.open(), reply.subject.open());
    let mut text =
        format!("  {}  {}  {about}\n     from {from} (says the message)\n     {subject}\n", reply.id, day(folder, reply.at_ms));
    text.extend(reply.text.open().lines().map(|line| format!("     | {line}\n")));
    if reply.attachments > 0 {
        text.push_str(&format!("     {} attachments were not kept\n", reply.attachments));
    }
    for answer in &reply.answers {
        text.push_str(&format!("     answered by {} on {}: {}\n", answer.who, day(folder, answer.at_ms), answer.stands().name()));
        text.extend(answer.words.open().lines().map(|line| format!("     > {line}\n")));
    }
    text.push('\n');
    text
}

fn day(folder: &Folder, at_ms: i64) -> String {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or_default().to_zoned(folder.case.case.timezone.clone());
    at.strftime("%Y-%m-%d %H:%M %Z").to_string()
}

fn as_json(reply: &ReplyView) -> serde_json::Value {
    let answers = reply.answers.iter();
    let answers = answers
        .map(|answer| json!({ "by": answer.who, "at_ms": answer.at_ms, "words": answer.words.open(), "state": answer.stands().name() }));
    json!({
        "id": reply.id, "notice": reply.number.map(|number| number.to_string()), "at_ms": reply.at_ms,
        "from": reply.from.open(), "subject": reply.subject.open(), "text": reply.text.open(),
        "attachments": reply.attachments, "answers": answers.collect::<Vec<_>>(),
    })
}

/// Sends one answer, written down before it leaves and after.
pub(crate) fn answer(folder: &Folder, reply: u64, text: &Path, by: Option<&str>, smtp: Option<&str>) -> Result<Outcome> {
    notify::mail_spec(folder, smtp)?;
    let words = words(text)?;
    block_on(async {
        let store = folder.store().await?;
        let Some(asked) = store.reply(reply).await? else {
            bail!("there is no message {reply}: kintsugi bounces --replies shows them");
        };
        let Some(number) = asked.number else {
            bail!("message {reply} belongs to no notice: nobody is shown to have written it, so no answer goes out from here");
        };
        let who = plan::planner(folder, &store, by).await?;
        let Some(answers) = Answers::open(folder, &store, smtp, &[MailKind::Reply]).await? else {
            bail!("notice {number} is not there any more");
        };
        let draft = AnswerDraft { reply, who: &who, words: &words, form: None, job: None };
        let sent = match store.put_answer(&draft, now_ms()).await? {
            AnswerKept::ToSend(id) => answers.deliver(&store, id).await?,
            AnswerKept::Known(_) => None,
        };
        let Some(sent) = sent else {
            bail!("these words were sent to message {reply} already, or may have been: kintsugi bounces --replies shows it");
        };
        store.close().await;
        let state = sent.state.name();
        let text = format!("  The answer to message {reply} (notice {number}): {state} {}", sent.detail);
        let finish = Finish::with_gaps(sent.state != NoticeState::Accepted);
        Ok(Outcome::new(finish, text, json!({ "answer": sent.id, "notice": number.to_string(), "state": state })))
    })
}

fn words(file: &Path) -> Result<Private<String>> {
    let text = if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text).context("standard input cannot be read")?;
        text
    } else {
        std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?
    };
    Ok(answer_words(&text)?)
}
