//! What an answer of the desk will say: one composer for the console's preview and for whoever sends it, so that what was
//! shown is what leaves.

use std::sync::{Arc, PoisonError, RwLock};

use kintsugi_case::Private;
use kintsugi_notify::{Composer, Mail, NoticeContent, Unsendable};
use kintsugi_store::Leased;

/// Writes answers to what people wrote back.
#[derive(Clone, Debug)]
pub struct AnswerDesk {
    composer: Composer,
    portal: String,
}

impl AnswerDesk {
    /// A desk with the mails of the newest scope version, and the portal's address.
    pub fn new(composer: Composer, portal: String) -> Self {
        Self { composer, portal }
    }

    /// What writes its mails.
    pub fn composer(&self) -> &Composer {
        &self.composer
    }

    /// The portal's address.
    pub fn portal(&self) -> &str {
        &self.portal
    }

    /// The answer to a message about a notice, to the address to which that notice went. `id` is the answer's own, unique in
    /// the case; `now_ms` is the Date of the mail, milliseconds since 1970 UTC.
    pub fn compose(&self, notice: &Leased, id: &str, words: &Private<String>, now_ms: i64) -> Result<Mail, Unsendable> {
        let link = format!("{}/n/{}", self.portal, notice.link_code);
        let content = NoticeContent {
            number: notice.number,
            person: &notice.profile,
            exposed: &notice.exposed,
            link: &link,
            earlier: None,
        };
        self.composer.reply(&content, id, words.open(), now_ms)
    }
}

/// The desk as it stands: another takes its place when what answers say is new. Cheap to clone; clones share it.
#[derive(Clone, Debug, Default)]
pub struct CurrentDesk(Arc<RwLock<Option<Arc<AnswerDesk>>>>);

impl CurrentDesk {
    /// The desk; none where nothing can be answered now.
    pub fn get(&self) -> Option<Arc<AnswerDesk>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another in its place.
    pub fn set(&self, desk: Option<Arc<AnswerDesk>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = desk;
    }
}
