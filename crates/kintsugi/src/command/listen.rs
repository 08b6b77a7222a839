//! `kintsugi bounces --listen`: takes bounces and replies by LMTP and SMTP from the mail server in front of it, and says 250
//! only when the store has them.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use kintsugi_notify::{Inbox, Kept, ReturnPath, read_bounce_to};
use kintsugi_store::{ReplyKept, Store};
use tokio::sync::Mutex;

use super::bounces::{self, Filed, Tally};
use super::serve::wait_for_signal;
use super::{Outcome, block_on, now_ms};
use crate::folder::Folder;
use crate::progress;

/// Writes down what comes.
#[derive(Clone)]
struct Desk {
    store: Store,
    path: ReturnPath,
    tally: Arc<Mutex<Tally>>,
}

impl Inbox for Desk {
    /// The mailbox itself, and every address that was given to a notice: nobody else's guess is taken.
    fn knows(&self, recipient: &str) -> bool {
        let of_notice = self.path.read(recipient);
        of_notice.map_or_else(|| self.path.owns(recipient), |to| self.store.knows_return_code(to.number, &to.code))
    }

    async fn take(&self, recipient: &str, message: &[u8]) -> Kept {
        self.file(recipient, message).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "a message that came back could not be written down; it will come again");
            Kept::Later
        })
    }
}

impl Desk {
    async fn file(&self, recipient: &str, message: &[u8]) -> Result<Kept> {
        let Some(bounce) = read_bounce_to(message, &self.path, recipient) else { return Ok(Kept::Never) };
        let mut tally = self.tally.lock().await;
        match bounces::file_message(&self.store, &bounce, message, &mut tally).await? {
            Filed::Yes => Ok(Kept::Yes),
            Filed::Later => Ok(Kept::Later),
            Filed::Foreign => {
                let draft = bounces::draft(&bounce, message).map(|draft| kintsugi_store::ReplyDraft { number: None, ..draft });
                let Some(draft) = draft else { return Ok(Kept::Never) };
                let kept = self.store.put_reply(&draft, now_ms()).await?;
                Ok(if kept == ReplyKept::Full { Kept::Later } else { Kept::Yes })
            }
        }
    }
}

/// Listens until Ctrl-C or SIGTERM.
pub(crate) fn listen(folder: &Folder, address: SocketAddr) -> Result<Outcome> {
    let path = bounces::return_path(folder)?;
    block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
        let desk = Desk { store: folder.store().await?, path: path.clone(), tally: Arc::default() };
        progress::line(&format!("  bounces   LMTP and SMTP at {}", listener.local_addr()?));
        tokio::select! {
            () = kintsugi_notify::listen(listener, path.domain().to_owned(), desk.clone()) => {}
            () = wait_for_signal() => {}
        }
        desk.store.close().await;
        let tally = desk.tally.lock().await;
        Ok(bounces::outcome(&tally))
    })
}
