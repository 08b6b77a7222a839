//! `kintsugi bounces`: what came back, read from a Maildir, and what becomes of each notice by it. `listen` takes the same
//! mail by LMTP and SMTP.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use kintsugi_case::NoticeState;
use kintsugi_notify::{Bounce, BounceKind, ReturnPath, read_bounce, read_reply};
use kintsugi_store::{ReplyDraft, ReplyKept, Report, Reported, Store};
use serde_json::json;

use super::{Outcome, block_on, now_ms};
use crate::finish::Finish;
use crate::folder::Folder;
use crate::progress::{Stage, count};

/// Messages above this size are no bounces: they stay where they are, and are counted.
const MESSAGE_BYTES_MAX: u64 = 20 * 1024 * 1024;

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    kinds: BTreeMap<BounceKind, u64>,
    /// Notices that wait for a person, or are known to have arrived.
    moved: u64,
    /// Notices that go to the person's next mail address.
    next_address: u64,
    /// Notices that become letters.
    letters: u64,
    /// Reports about notices that a sender has in hand: they must come again.
    in_hand: u64,
    /// Reports that were there already.
    known: u64,
    /// Messages that belong to no notice of this case.
    pub(crate) foreign: u64,
    /// What people wrote, kept for the desk.
    replies: u64,
    /// Files that could not be read; they stay in `new`.
    unread: Vec<PathBuf>,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filed {
    /// It is written down.
    Yes,
    /// It belongs to no notice of this case.
    Foreign,
    /// It must be read again later.
    Later,
}

/// The mailbox of bounces.
pub(crate) fn return_path(folder: &Folder) -> Result<ReturnPath> {
    let path = folder.case.mail.as_ref().and_then(|mail| mail.return_path.as_deref());
    let Some(path) = path.and_then(ReturnPath::parse) else {
        bail!("the case file's [mail] has no return_path: without it no bounce can be matched to its notice");
    };
    Ok(path)
}

/// Reads a Maildir.
pub(crate) fn bounces(folder: &Folder, maildir: Option<&Path>) -> Result<Outcome> {
    let path = return_path(folder)?;
    let Some(maildir) = maildir else {
        bail!(
            "say which Maildir is read, or where to listen: kintsugi bounces MAILDIR CASE, kintsugi bounces --listen ADDRESS CASE"
        );
    };
    let files = waiting(maildir)?;
    block_on(async {
        let (store, stage) = (folder.store().await?, Stage::begin("bounces"));
        let mut tally = Tally::default();
        for (done, file) in (1..).zip(&files) {
            match read(file, &path) {
                Some((bounce, bytes)) => {
                    if file_message(&store, &bounce, &bytes, &mut tally).await? != Filed::Later {
                        file_away(maildir, file)?;
                    }
                }
                None => tally.unread.push(file.clone()),
            }
            stage.at(done, files.len() as u64, "messages");
        }
        store.close().await;
        stage.end(&format!("{} messages read", count(files.len() as u64 - tally.unread.len() as u64)));
        Ok(outcome(&tally))
    })
}

/// What waits in `new`, in the order of the names, which begin with the time of arrival.
fn waiting(maildir: &Path) -> Result<Vec<PathBuf>> {
    let new = maildir.join("new");
    let entries = std::fs::read_dir(&new)
        .with_context(|| format!("{} is no Maildir: {} cannot be listed", maildir.display(), new.display()))?;
    let mut files = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    files.sort();
    Ok(files)
}

fn read(file: &Path, path: &ReturnPath) -> Option<(Bounce, Vec<u8>)> {
    let size = std::fs::metadata(file).ok().filter(std::fs::Metadata::is_file)?.len();
    let bytes = std::fs::read(file).ok().filter(|_| size <= MESSAGE_BYTES_MAX)?;
    read_bounce(&bytes, path).map(|bounce| (bounce, bytes))
}

/// Writes down what a message says. The same message may come again: it is written down once.
pub(crate) async fn file_message(store: &Store, bounce: &Bounce, bytes: &[u8], tally: &mut Tally) -> Result<Filed> {
    let detail = format!("{}: {}", bounce.kind.name(), bounce.detail);
    let reported = match &bounce.returned {
        None => Reported::Foreign,
        Some(to) => store.record_report(to.number, &to.code, report_of(bounce.kind), &detail, now_ms()).await?,
    };
    if reported == Reported::InHand {
        tally.in_hand += 1;
        return Ok(Filed::Later);
    }
    *tally.kinds.entry(bounce.kind).or_default() += 1;
    match reported {
        Reported::Moved(NoticeState::Intended) => tally.next_address += 1,
        Reported::Moved(NoticeState::NoAddress) => tally.letters += 1,
        Reported::Moved(_) => tally.moved += 1,
        Reported::Known => tally.known += u64::from(bounce.kind != BounceKind::Reply),
        Reported::Noted(_) | Reported::InHand => {}
        Reported::Foreign => {
            tally.foreign += 1;
            return Ok(Filed::Foreign);
        }
    }
    if bounce.kind == BounceKind::Reply
        && let Some(draft) = draft(bounce, bytes)
    {
        let kept = store.put_reply(&draft, now_ms()).await?;
        tally.replies += u64::from(kept == ReplyKept::New);
    }
    Ok(Filed::Yes)
}

/// A message for the desk to read.
pub(crate) fn draft(bounce: &Bounce, bytes: &[u8]) -> Option<ReplyDraft> {
    let words = read_reply(bytes)?;
    let number = bounce.returned.as_ref().map(|to| to.number);
    Some(ReplyDraft { number, from: words.from, subject: words.subject, text: words.text, attachments: words.attachments })
}

/// What a message that came back does to its notice.
const fn report_of(kind: BounceKind) -> Report {
    match kind {
        BounceKind::Hard => Report::Dead,
        BounceKind::Soft | BounceKind::Full => Report::Failed,
        BounceKind::Blocked => Report::Refused,
        BounceKind::Delivered | BounceKind::OutOfOffice => Report::Arrived,
        BounceKind::Delayed | BounceKind::Reply => Report::Said,
    }
}

/// Marks a message as seen, as mail programs do: it goes to `cur` with the flag S.
fn file_away(maildir: &Path, file: &Path) -> Result<()> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let (cur, base) = (maildir.join("cur"), name.split(":2,").next().unwrap_or_default().to_owned());
    std::fs::create_dir_all(&cur)?;
    std::fs::rename(file, cur.join(format!("{base}:2,S"))).with_context(|| format!("{} cannot be moved to cur", file.display()))
}

/// What was read, as people read it.
pub(crate) fn outcome(tally: &Tally) -> Outcome {
    let kinds = BounceKind::ALL.into_iter().filter_map(|kind| tally.kinds.get(&kind).map(|n| (kind.name(), *n)));
    let kinds: Vec<(&str, u64)> = kinds.collect();
    let mut lines: Vec<String> = kinds.iter().map(|(kind, n)| format!("  {:>9} {kind}", count(*n))).collect();
    let moved = tally.moved + tally.next_address + tally.letters;
    lines.push(format!("  {:>9} notices stand elsewhere now", count(moved)));
    let mut add = |n: u64, what: &str| lines.extend((n > 0).then(|| format!("  {:>9} {what}", count(n))));
    add(tally.next_address, "of these go to the person's next mail address: run `kintsugi notify`");
    add(tally.letters, "of these become letters: no other mail address is left");
    add(tally.replies, "replies of people are kept: kintsugi bounces --replies");
    add(tally.known, "reported before");
    add(tally.in_hand, "came while their notice was being sent: they must come again");
    add(tally.foreign, "belong to no notice of this case: a person should look at them");
    add(tally.unread.len() as u64, "could not be read, still in new:");
    lines.extend(tally.unread.iter().map(|file| format!("            {}", file.display())));
    let data = json!({
        "kinds": kinds.into_iter().collect::<BTreeMap<_, _>>(), "moved": moved, "next_address": tally.next_address,
        "letters": tally.letters, "replies": tally.replies, "in_hand": tally.in_hand, "known": tally.known,
        "foreign": tally.foreign, "unread": tally.unread,
    });
    let gaps = tally.foreign + tally.in_hand > 0 || !tally.unread.is_empty();
    Outcome::new(Finish::with_gaps(gaps), lines.join("\n"), data)
}
