//! `kintsugi bounces --listen`: takes bounces and replies by LMTP and SMTP from the mail server in front of it, and says 250
//! only when the store has them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use kintsugi_notify::{Inbox, Kept, ListenOptions, ListenTls, ReturnPath, read_bounce_to};
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

/// Between two readings of the certificate: it is renewed while the listener runs.
const RENEW_EVERY: Duration = Duration::from_secs(60 * 60);

/// How the case's listener speaks.
fn options(folder: &Folder, host: &str) -> Result<ListenOptions> {
    let spec = folder.case.mail.as_ref().and_then(|mail| mail.bounces_tls.as_ref());
    let Some(spec) = spec else { return Ok(ListenOptions::new(host.to_owned())) };
    let tls = ListenTls::read(&folder.root.join(&spec.certificate), &folder.root.join(&spec.key));
    let tls = Some(tls.context("[mail] bounces_tls")?);
    Ok(ListenOptions { tls, tls_required: spec.required, ..ListenOptions::new(host.to_owned()) })
}

/// What is wrong with the certificate that `[mail]` names, in one sentence.
pub(crate) fn fault(folder: &Folder) -> Option<String> {
    options(folder, "").err().map(|error| format!("{error:#}"))
}

/// Listens until Ctrl-C or SIGTERM.
pub(crate) fn listen(folder: &Folder, address: SocketAddr) -> Result<Outcome> {
    let path = bounces::return_path(folder)?;
    let options = options(folder, path.domain())?;
    block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
        let desk = Desk { store: folder.store().await?, path: path.clone(), tally: Arc::default() };
        progress::line(&format!("  bounces   {}LMTP and SMTP at {}", words(&options), listener.local_addr()?));
        let tls = options.tls.clone();
        tokio::select! {
            () = kintsugi_notify::listen(listener, options, desk.clone()) => {}
            () = renew(tls) => {}
            () = wait_for_signal() => {}
        }
        desk.store.close().await;
        let tally = desk.tally.lock().await;
        Ok(bounces::outcome(&tally))
    })
}

const fn words(options: &ListenOptions) -> &'static str {
    match (&options.tls, options.tls_required) {
        (None, _) => "",
        (Some(_), false) => "with STARTTLS: ",
        (Some(_), true) => "after STARTTLS alone: ",
    }
}

/// Reads the certificate again from time to time; never ends.
async fn renew(tls: Option<ListenTls>) {
    let Some(tls) = tls else { return std::future::pending().await };
    loop {
        tokio::time::sleep(RENEW_EVERY).await;
        if let Err(error) = tls.renew() {
            tracing::warn!(%error, "the certificate could not be read again; the one before is used");
        }
    }
}
