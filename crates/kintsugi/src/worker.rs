//! The worker: does what the portal and the console wrote down. `serve` never does it itself.

use std::time::Duration;

use anyhow::{Result, bail};
use kintsugi_case::{NoticeState, Private};
use kintsugi_notify::{AnswerContent, Outcome, Page};
use kintsugi_serve::{ANSWER_JOB, CHECK_JOB, CheckJob, answer_of};
use kintsugi_store::{Job, Store};
use tokio::sync::watch;

use crate::answer_room::AnswerRoom;
use crate::answering::Answers;
use crate::command::now_ms;

/// How long a worker may have a job before another may take it.
const LEASE_MS: i64 = 5 * 60 * 1000;

/// How long a job waits after a mail server did not take its mail.
const RETRY_MS: i64 = 60 * 1000;

/// How often a job is tried.
const ATTEMPTS_MAX: u32 = 10;

/// How long the link in an answer works.
const LINK_MS: i64 = 24 * 60 * 60 * 1000;

/// Between two looks at an empty queue.
const IDLE: Duration = Duration::from_millis(300);

/// Between two times of erasing links that have expired.
const ERASE_MS: i64 = 60 * 60 * 1000;

/// Answers "am I affected?" by mail, and sends what the desk answers.
pub(crate) struct Worker<'a> {
    store: Store,
    name: String,
    room: AnswerRoom<'a>,
}

impl<'a> Worker<'a> {
    /// A worker for a store.
    pub(crate) fn new(store: Store, room: AnswerRoom<'a>) -> Self {
        Self { store, name: format!("serve-{}", std::process::id()), room }
    }

    /// Works until it is told to stop. A job that fails is given back; the reason goes to the log, without what it holds.
    pub(crate) async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        let mut erased_at = 0;
        while !*stopped.borrow() {
            if now_ms() - erased_at > ERASE_MS {
                erased_at = now_ms();
                if let Err(error) = self.store.erase_expired_links(erased_at).await {
                    tracing::warn!(%error, "expired links were not erased");
                }
            }
            let worked = self.step().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "a job failed");
                false
            });
            if !worked {
                tokio::select! {
                    () = tokio::time::sleep(IDLE) => {}
                    _ = stopped.changed() => {}
                }
            }
        }
    }

    /// Takes one job and does it; `false` where there was none or it has to wait.
    async fn step(&mut self) -> Result<bool> {
        let Some(answers) = self.room.current().await else { return Ok(false) };
        let now = now_ms();
        let Some(job) = self.store.take_job(&self.name, now + LEASE_MS, now).await? else { return Ok(false) };
        match self.work(&answers, &job).await {
            Ok(()) => self.store.finish_job(job.id).await?,
            Err(error) if job.attempts + 1 >= ATTEMPTS_MAX => {
                tracing::warn!(job = job.id, %error, "given up");
                self.give_up(&job).await?;
                self.store.finish_job(job.id).await?;
            }
            Err(error) => {
                tracing::warn!(job = job.id, %error, "will be tried again");
                self.store.return_job(job.id, now_ms() + RETRY_MS).await?;
            }
        }
        Ok(true)
    }

    async fn work(&self, answers: &Answers, job: &Job) -> Result<()> {
        match job.kind.as_str() {
            CHECK_JOB => self.answer(answers, job).await,
            ANSWER_JOB => self.deliver(answers, answer_of(&job.payload)?).await,
            other => bail!("a job of the kind {other} is not known here"),
        }
    }

    /// What the desk wrote. Where nothing certainly left it is tried again; where nobody knows it is not.
    async fn deliver(&self, answers: &Answers, id: u64) -> Result<()> {
        match answers.deliver(&self.store, id).await? {
            Some(answer) if answer.state == NoticeState::Intended => bail!("answer {id} did not leave: {}", answer.detail),
            _ => Ok(()),
        }
    }

    /// What is not tried any more says so where it is shown.
    async fn give_up(&self, job: &Job) -> Result<()> {
        if job.kind == ANSWER_JOB {
            self.store.give_up_answer(answer_of(&job.payload)?).await?;
        }
        Ok(())
    }

    /// One mail to the address that was typed, with a link for each person who has it (rule 6), whoever asked.
    async fn answer(&self, answers: &Answers, job: &Job) -> Result<()> {
        let check = CheckJob::from_payload(&job.payload)?;
        if check.mail.open().is_empty() {
            return Ok(());
        }
        let mut pages = Vec::new();
        for person in self.store.persons_with_mail(check.mail.open()).await? {
            let code = self.store.create_link(person, now_ms() + LINK_MS).await?;
            let name = self.store.person(person).await?.map_or_else(|| Private::new(String::new()), |view| view.profile.name);
            pages.push(Page { name, link: format!("{}/n/{code}", answers.desk.portal()) });
        }
        let id = format!("answer-{}-{}", job.id, job.attempts);
        let content = AnswerContent { id, to: &check.mail, language: check.language, pages: &pages };
        let mail = answers.desk.composer().answer(&content, now_ms())?;
        match answers.sender.send(&mail).await {
            Outcome::Later { .. } => bail!("the recipient's domain has had its share for now"),
            Outcome::NotSent { why } => bail!("the mail server did not take an answer: {why}"),
            Outcome::Accepted { .. } | Outcome::Refused { .. } | Outcome::Unknown { .. } => Ok(()),
        }
    }
}
