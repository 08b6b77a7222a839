//! What answers while a server runs: made anew when a scope version, a cited fact or a template is new, so that nobody is
//! answered with what was true when the server began.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use kintsugi_notify::MailKind;
use kintsugi_serve::CurrentDesk;
use kintsugi_store::Store;

use crate::answering::Answers;
use crate::citing;
use crate::folder::Folder;

/// What the worker sends.
const KINDS: [MailKind; 2] = [MailKind::Answer, MailKind::Reply];

/// Between two looks at what answers depend on.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What answers depend on: the scope version, and the digest of each template and of each fact that it cites.
type Words = (u32, Vec<(String, String)>);

/// What answers, for the worker and for the pages.
pub(crate) struct AnswerRoom<'a> {
    folder: &'a Folder,
    store: Store,
    smtp: Option<&'a str>,
    desk: CurrentDesk,
    answers: Option<Arc<Answers>>,
    words: Option<Words>,
    looked_at: Instant,
}

impl<'a> AnswerRoom<'a> {
    /// Refuses where the templates have mistakes, or cite what contradicts itself.
    pub(crate) async fn open(folder: &'a Folder, store: Store, smtp: Option<&'a str>) -> Result<Self> {
        if folder.case.mail.is_some() && store.newest_scope().await?.is_some() {
            citing::templates(folder, &store).await?;
        }
        let (desk, looked_at) = (CurrentDesk::default(), Instant::now());
        let mut room = Self { folder, store, smtp, desk, answers: None, words: None, looked_at };
        room.look().await?;
        Ok(room)
    }

    /// What the pages show.
    pub(crate) fn desk(&self) -> CurrentDesk {
        self.desk.clone()
    }

    /// What answers now; none before a scope is frozen, without mail settings, or while what it would say has a fault: jobs wait.
    pub(crate) async fn current(&mut self) -> Option<Arc<Answers>> {
        if self.looked_at.elapsed() >= LOOK_EVERY {
            self.looked_at = Instant::now();
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "nothing is answered now");
                self.put(None, None);
            }
        }
        self.answers.clone()
    }

    async fn look(&mut self) -> Result<()> {
        let (Some(_), Some(scope)) = (&self.folder.case.mail, self.store.newest_scope().await?) else { return Ok(()) };
        let templates = citing::standing(self.folder, &self.store).await?;
        let words = (scope.number, templates.hashes().to_vec());
        if self.words.as_ref() != Some(&words) {
            let answers = Answers::of(self.folder, &self.store, self.smtp, &KINDS, (&scope, templates)).await?;
            self.put(Some(Arc::new(answers)), Some(words));
        }
        Ok(())
    }

    fn put(&mut self, answers: Option<Arc<Answers>>, words: Option<Words>) {
        self.desk.set(answers.as_ref().map(|answers| Arc::clone(&answers.desk)));
        (self.answers, self.words) = (answers, words);
    }
}
