//! `kintsugi notify preview` and `notify test`: what would arrive, before it does. Every edge class and some persons chosen
//! by a seed, rendered as they would be sent, into a folder for staff; or sent to staff, marked as a test.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use kintsugi_case::{Channel, Private, ScopeVersion};
use kintsugi_notify::{Composer, EdgeClass, Mail};
use kintsugi_store::{Leased, PlannedNotice, Store};
use serde_json::json;

use super::{Outcome, block_on, notify, now_ms, plan};
use crate::citing;
use crate::finish::Finish;
use crate::folder::Folder;

/// Notices read at a time.
const PAGE: u32 = 2_000;

/// Mails that one test sends, at most: a mistyped number floods nobody.
const TEST_MAILS_MAX: usize = 50;

/// A notice chosen to be looked at, and why.
struct Chosen {
    why: String,
    serial: u64,
}

/// Writes the mails into a folder.
pub(crate) fn preview(folder: &Folder, out: &Path, sample: u32, seed: u64) -> Result<Outcome> {
    block_on(async {
        let store = folder.store().await?;
        let (composer, mails, chosen) = mails(folder, &store, sample, seed).await?;
        drop(composer);
        std::fs::create_dir_all(out).with_context(|| format!("{} cannot be made", out.display()))?;
        for (name, mail) in &mails {
            for (ending, bytes) in [
                ("eml", mail.bytes.open().as_slice()),
                ("txt", mail.text.open().as_bytes()),
                ("html", mail.html.open().as_bytes()),
            ] {
                let path = out.join(format!("{name}.{ending}"));
                write_private(&path, bytes)?;
            }
        }
        store.audit("command line", &format!("previewed {} notices", mails.len()), now_ms()).await?;
        store.close().await;
        let text = format!(
            "  {} mails as they would arrive, in {} (eml, txt, html). They hold personal data: for staff alone.\n{}",
            mails.len(),
            out.display(),
            listed(&chosen)
        );
        Ok(Outcome::new(Finish::Done, text, json!({ "mails": mails.len(), "chosen": chosen })))
    })
}

/// Sends the same mails to staff.
pub(crate) fn test(folder: &Folder, to: &[String], smtp: Option<&str>, sample: u32, seed: u64) -> Result<Outcome> {
    let spec = notify::mail_spec(folder, smtp)?;
    block_on(async {
        let store = folder.store().await?;
        let (composer, mails, _) = mails(folder, &store, sample, seed).await?;
        for address in to {
            if !store.persons_with_mail(address).await?.is_empty() {
                bail!("one of these addresses is that of a person of this case: a test goes to staff alone");
            }
        }
        if mails.len() * to.len() > TEST_MAILS_MAX {
            bail!(
                "that would be {} mails; a test sends {TEST_MAILS_MAX} at most: take a smaller --sample",
                mails.len() * to.len()
            );
        }
        let sender = notify::sender(folder, &spec)?;
        let mut refused = Vec::new();
        for address in to {
            for (_, mail) in &mails {
                let mail = composer.as_test(mail, &Private::new(address.clone()), now_ms())?;
                if !matches!(sender.send(&mail).await, kintsugi_notify::Outcome::Accepted { .. }) {
                    refused.push(address.clone());
                }
            }
        }
        store
            .audit("command line", &format!("sent {} test mails to staff", mails.len() * to.len() - refused.len()), now_ms())
            .await?;
        store.close().await;
        let text = format!("  {} test mails were accepted, {} were not", mails.len() * to.len() - refused.len(), refused.len());
        let finish = Finish::with_gaps(!refused.is_empty());
        Ok(Outcome::new(finish, text, json!({ "sent": mails.len() * to.len() - refused.len(), "not_sent": refused.len() })))
    })
}

/// The mails to look at, each with its name.
async fn mails(
    folder: &Folder,
    store: &Store,
    sample: u32,
    seed: u64,
) -> Result<(Composer, Vec<(String, Mail)>, BTreeMap<String, String>)> {
    let Some(scope) = store.newest_scope().await? else {
        bail!("nothing is frozen yet: run `kintsugi freeze` first");
    };
    store.plan_notices(scope.number, now_ms()).await?;
    let composer = notify::composer(folder, store, &scope, citing::templates(folder, store).await?).await?;
    let chosen = choose(folder, store, &scope, sample, seed).await?;
    let portal = folder.case.mail.as_ref().map(|mail| mail.portal.clone()).unwrap_or_default();
    let (mut mails, mut numbers) = (Vec::new(), BTreeMap::new());
    for one in chosen {
        let Some(letter) = store.planned_letter(scope.number, one.serial).await? else { continue };
        numbers.insert(one.why.clone(), letter.number.to_string());
        match compose(&composer, &letter, &portal) {
            Ok(mail) => mails.push((one.why, mail)),
            // No mail can be made for who has no address: that is a letter.
            Err(why) => {
                numbers.insert(one.why, format!("{}: {why}", letter.number));
            }
        }
    }
    Ok((composer, mails, numbers))
}

fn compose(composer: &Composer, letter: &Leased, portal: &str) -> Result<Mail> {
    let link = format!("{portal}/n/{}", letter.link_code);
    Ok(composer.notice(&notify::content(letter, &link), now_ms())?)
}

/// One notice of each edge class and of each kind and language, and `sample` others by the seed: those whose hashes with
/// it are the smallest, so that the same seed chooses the same persons.
async fn choose(folder: &Folder, store: &Store, scope: &ScopeVersion, sample: u32, seed: u64) -> Result<Vec<Chosen>> {
    let (today, country) = (plan::today(folder), folder.case.notify.country.as_str());
    let (mut first, mut drawn) = (BTreeMap::<String, u64>::new(), BTreeMap::<String, u64>::new());
    let mut after = 0;
    loop {
        let page = store.planned_notices((scope.number, Channel::Mail), after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.serial;
        for notice in &page {
            for why in reasons(notice, &plan::classes(notice, country, today)) {
                first.entry(why).or_insert(notice.serial);
            }
            drawn.insert(kintsugi_notify::hash(&format!("{seed}/{}", notice.serial)), notice.serial);
            if drawn.len() > sample as usize {
                drawn.pop_last();
            }
        }
    }
    let random = drawn.into_values().enumerate().map(|(at, serial)| Chosen { why: format!("random-{:02}", at + 1), serial });
    Ok(first.into_iter().map(|(why, serial)| Chosen { why, serial }).chain(random).collect())
}

fn reasons(notice: &PlannedNotice, classes: &[EdgeClass]) -> Vec<String> {
    let kind = format!("{}-{}", notice.kind.name(), notice.profile.language.tag());
    classes.iter().map(|class| class.name().to_owned()).chain([kind]).collect()
}

fn listed(chosen: &BTreeMap<String, String>) -> String {
    chosen.iter().map(|(why, number)| format!("  {why:<20} {number}")).collect::<Vec<_>>().join("\n")
}

/// A file that its owner alone reads.
fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(bytes));
    written.with_context(|| format!("{} cannot be written", path.display()))
}
