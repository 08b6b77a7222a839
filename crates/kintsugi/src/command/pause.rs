//! `kintsugi notify pause` and `notify resume`: every sender of the case, on whatever machine, waits or goes on.

use anyhow::{Result, bail};
use serde_json::json;

use super::{Outcome, block_on, now_ms, plan};
use crate::cli::Turn;
use crate::finish::Finish;
use crate::folder::Folder;

/// The longest reason, in characters; the console's form has the same.
const REASON_CHARS_MAX: usize = 300;

/// Pauses sending.
pub(crate) fn pause(folder: &Folder, turn: &Turn) -> Result<Outcome> {
    set(folder, turn, true)
}

/// Lets it go on.
pub(crate) fn resume(folder: &Folder, turn: &Turn) -> Result<Outcome> {
    set(folder, turn, false)
}

fn set(folder: &Folder, turn: &Turn, pause: bool) -> Result<Outcome> {
    let reason = turn.reason.trim();
    if reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX {
        bail!("say why: --reason TEXT, up to {REASON_CHARS_MAX} characters, without names or card numbers");
    }
    block_on(async {
        let store = folder.store().await?;
        let who = plan::planner(folder, &store, turn.by.as_deref()).await?;
        let is_new = match pause {
            true => store.pause_sending(&who, reason, now_ms()).await?,
            false => store.resume_sending(&who, reason, now_ms()).await?,
        };
        store.close().await;
        let text = match (pause, is_new) {
            (true, true) => "  Paused: senders finish the mails in their hands and wait.",
            (true, false) => "  Sending was paused already; nothing has changed.",
            (false, true) => "  Sending goes on: senders that wait begin again; `kintsugi notify` starts one.",
            (false, false) => "  Sending was not paused; nothing has changed.",
        };
        Ok(Outcome::new(Finish::Done, text, json!({ "paused": pause, "changed": is_new })))
    })
}
