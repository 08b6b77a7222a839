//! `kintsugi notify`: one notice per person, written down before it is sent and accounted for after.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::{Context, Result, bail};
use kintsugi_case::{ApprovalRule, Channel, Conservation, MailSpec, ScopeVersion};
use kintsugi_notify::{
    Composer, Coverage, Credentials, EarlierNotice, Limits, MailKind, NoticeContent, ReturnPath, RunOptions, Sender, Signer,
    Templates, Timeouts, authorities,
};
use kintsugi_store::{FollowUp, Leased, Store, Waiting};
use serde_json::json;

use super::{Outcome, block_on, dkim, now_ms, plan};
use crate::cli::Resend;
use crate::finish::Finish;
use crate::folder::Folder;
use crate::outbox::StoreOutbox;
use crate::progress::{Stage, count};
use crate::reins::{self, Reins};
use crate::{citing, facts, progress};

/// Sends what is not yet accepted.
pub(crate) fn notify(folder: &Folder, smtp: Option<&str>, resend: Option<Resend>) -> Result<Outcome> {
    let spec = mail_spec(folder, smtp)?;
    block_on(async {
        let store = folder.store().await?;
        let templates = citing::templates(folder, &store).await?;
        let Some(scope) = store.newest_scope().await? else {
            bail!("nothing is frozen yet: run `kintsugi freeze` first");
        };
        let stage = Stage::begin("notify");
        end_dead_senders(&store).await?;
        store.release_ended_holds(now_ms()).await?;
        store.plan_notices(scope.number, now_ms()).await?;
        if let Some(why) = plan::not_approved(folder, &store, (&scope, Channel::Mail), &templates).await? {
            let line = store.conservation(scope.number).await?;
            store.close().await;
            stage.end("nothing was sent: the plan is not approved");
            return Ok(unapproved(folder, &line, &why));
        }
        let waiting = match resend {
            Some(Resend::Refused) => put_back(&store, &scope).await?,
            None => Waiting::All,
        };
        let stopped = send(folder, &store, (&scope, waiting), &spec, templates, &stage).await?;
        let line = store.conservation(scope.number).await?;
        for fact in facts::of_conservation(folder, &line, &scope) {
            store.put_fact(&fact, now_ms()).await?;
        }
        let cleared = store.conservation_of_cleared(scope.number).await?;
        stage.end(&format!("{} of {} persons told by mail", count(line.accepted), count(line.persons)));
        store.close().await;
        Ok(outcome(&line, &cleared, stopped.as_deref()))
    })
}

/// What senders that died had in hand becomes unknown: those whose lease has ended, and those of this machine whose process is
/// gone. Senders that live, here or elsewhere, keep theirs: several may share one store.
async fn end_dead_senders(store: &Store) -> Result<()> {
    store.reap_leases(now_ms()).await?;
    for worker in store.senders().await? {
        let process = worker.strip_prefix(&worker_name("")).and_then(|pid| pid.parse::<u32>().ok());
        let gone = |pid: u32| pid == std::process::id() || !Path::new(&format!("/proc/{pid}")).exists();
        if Path::new("/proc/self").exists() && process.is_some_and(gone) {
            store.reap_leases_of(&worker, now_ms()).await?;
        }
    }
    Ok(())
}

/// The name under which a process of this machine sends.
fn worker_name(process: impl std::fmt::Display) -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("notify-{}-{process}", host.trim())
}

/// Sends what follows the notices: a reminder, or the closing word. Whoever was not told gets neither.
pub(crate) fn follow_up(folder: &Folder, smtp: Option<&str>, what: FollowUp) -> Result<Outcome> {
    let (spec, channel) = (mail_spec(folder, smtp)?, what.channel());
    block_on(async {
        let store = folder.store().await?;
        let templates = citing::templates(folder, &store).await?;
        let Some(scope) = store.newest_scope().await? else {
            bail!("nothing is frozen yet: run `kintsugi freeze` first");
        };
        let stage = Stage::begin(channel.name());
        end_dead_senders(&store).await?;
        // Where two persons agree, what follows is what they agreed on: later days bring nobody in by themselves.
        if folder.case.notify.approval == ApprovalRule::None {
            store.plan_follow_ups(scope.number, what, now_ms()).await?;
        }
        let unapproved = plan::not_approved(folder, &store, (&scope, channel), &templates).await?;
        let stopped = match &unapproved {
            Some(_) => None,
            None => send(folder, &store, (&scope, Waiting::FollowUp(channel)), &spec, templates, &stage).await?,
        };
        let line = store.follow_up_line(scope.number, channel).await?;
        store.close().await;
        stage.end(&format!("{} of {} accepted", count(line.accepted), count(line.persons)));
        Ok(match unapproved {
            Some(why) => not_sent(folder, &line, &format!("notify {} --plan --by NAME", channel.name()), &why),
            None => outcome(&line, &Conservation::default(), stopped.as_deref()),
        })
    })
}

/// Which right is about to end, for a reminder: of the case file's days.
pub(crate) fn reminder(folder: &Folder) -> FollowUp {
    FollowUp::Reminder { ends_by_ms: now_ms() + i64::from(folder.case.notify.remind_days) * 24 * 60 * 60 * 1000 }
}

/// Puts what was refused back, and says so in the audit log.
async fn put_back(store: &Store, scope: &ScopeVersion) -> Result<Waiting> {
    let (number, notices) = store.resend_refused(scope.number, "command line", now_ms()).await?;
    store
        .audit("command line", &format!("put back {notices} refused notices of scope version {}", scope.number), now_ms())
        .await?;
    progress::line(&format!("  {} refused notices are sent again", count(notices)));
    Ok(Waiting::Resend(number))
}

/// Nothing was sent: why, and what to do.
fn unapproved(folder: &Folder, line: &Conservation, why: &[String]) -> Outcome {
    not_sent(folder, line, "notify plan --by NAME", why)
}

fn not_sent(folder: &Folder, line: &Conservation, plan: &str, why: &[String]) -> Outcome {
    let place = folder.root.display();
    let why: String = why.iter().map(|why| format!("\n  - {why}")).collect();
    let text = format!(
        "{}\n  Nothing was sent: [notify] approval = \"two-person\", and no approval covers what would be sent.{why}\n  \
         Plan: kintsugi {plan} {place}    Then somebody else approves in the console: kintsugi serve {place}",
        conservation_text(line)
    );
    let data = json!({ "persons": line.persons, "waiting": line.waiting, "approved": false, "holds": line.holds() });
    Outcome::new(Finish::DoneWithGaps, text, data)
}

/// The case's mail settings, with another server where one was named.
pub(crate) fn mail_spec(folder: &Folder, smtp: Option<&str>) -> Result<MailSpec> {
    let Some(mut spec) = folder.case.mail.clone() else {
        bail!("the case file has no [mail] section: it says from whom notices come and by which server they go");
    };
    if let Some(url) = smtp {
        spec.smtp = vec![url.to_owned()];
    }
    Ok(spec)
}

/// Speaks to the mail server, with the user and the password of the environment and the keys of the vault.
pub(crate) fn sender(folder: &Folder, spec: &MailSpec) -> Result<Sender> {
    let credentials = Credentials::from_env(|name| std::env::var(name).ok())?;
    let sender = match std::env::var_os("KINTSUGI_SMTP_CA") {
        Some(path) => Sender::trusting(spec, credentials, Timeouts::default(), authorities(Path::new(&path))?)?,
        None => Sender::new(spec, credentials, Timeouts::default())?,
    };
    let keys = spec.dkim.iter().map(|key| Ok((key.selector.clone(), dkim::pem(folder, key)?)));
    Ok(sender.signing(Signer::new(dkim::domain(folder, spec), keys.collect::<Result<Vec<_>>>()?)?))
}

/// What a leased notice says.
pub(crate) fn content<'a>(letter: &'a Leased, link: &'a str) -> NoticeContent<'a> {
    let earlier = letter.before.as_ref().map(|before| EarlierNotice {
        number: before.number,
        at_ms: before.at_ms,
        exposed: &before.exposed,
        kind: letter.kind,
    });
    NoticeContent { number: letter.number, person: &letter.profile, exposed: &letter.exposed, link, earlier }
}

/// What writes the mails of a scope version.
pub(crate) async fn composer(folder: &Folder, store: &Store, scope: &ScopeVersion, templates: Templates) -> Result<Composer> {
    let bases = store.bases(scope.number).await?;
    let coverage =
        folder.coverage()?.map(|c| Coverage { first_at_ms: c.first_at_ms, last_at_ms: c.last_at_ms, complete: c.complete });
    Ok(Composer::new(&folder.case, templates, scope, &bases, coverage)?)
}

/// What the notices that wait are.
const fn kinds(waiting: &Waiting) -> &'static [MailKind] {
    match waiting {
        Waiting::All | Waiting::Resend(_) => &[MailKind::Notice, MailKind::Correction],
        Waiting::FollowUp(Channel::Closing) => &[MailKind::Closing],
        Waiting::FollowUp(_) => &[MailKind::Reminder],
    }
}

/// Sends; gives the reason where it stopped before the outbox was empty.
async fn send(
    folder: &Folder,
    store: &Store,
    (scope, waiting): (&ScopeVersion, Waiting),
    spec: &MailSpec,
    templates: Templates,
    stage: &Stage,
) -> Result<Option<String>> {
    if let Some(pause) = store.paused().await? {
        return Ok(Some(reins::said(&pause)));
    }
    citing::record(folder, store, &templates, kinds(&waiting)).await?;
    let composer = composer(folder, store, scope, templates).await?;
    let portal = spec.portal.clone();
    let (bounces, codes) = (spec.return_path.as_deref().and_then(ReturnPath::parse), store.clone());
    let compose = move |letter: &Leased| {
        let link = format!("{portal}/n/{}", letter.link_code);
        let content = content(letter, &link);
        let mail = match letter.channel {
            Channel::Mail => composer.notice(&content, now_ms())?,
            Channel::Reminder => composer.notice_as(MailKind::Reminder, &content, now_ms())?,
            Channel::Closing => composer.notice_as(MailKind::Closing, &content, now_ms())?,
        };
        Ok(match &bounces {
            Some(path) => mail.bouncing_to(path.address(letter.number, &codes.return_code(letter.serial, letter.contact))),
            None => mail,
        })
    };
    let to_send = match waiting {
        Waiting::FollowUp(channel) => store.follow_up_line(scope.number, channel).await?.waiting,
        _ => store.conservation(scope.number).await?.waiting + store.conservation_of_cleared(scope.number).await?.waiting,
    };
    let worker = worker_name(std::process::id());
    let mut outbox = StoreOutbox { store: store.clone(), scope: scope.number, waiting, worker, next_address: 0 };
    let (per_minute, per_domain_minute) = (spec.per_minute, spec.per_domain_minute);
    let limits = Limits { per_minute, per_domain_minute, per_hour: folder.case.notify.per_hour() };
    let options = RunOptions::new(spec.connections).paced(limits);
    let reins = Reins::new(store.clone(), Arc::clone(&options.stop));
    let mut shown = |at: kintsugi_notify::Progress| stage.at(at.accepted + at.refused + at.unknown, to_send, "mails");
    let (sender, compose) = (sender(folder, spec)?, Arc::new(compose));
    loop {
        let (before, compose) = (outbox.next_address, Arc::clone(&compose));
        let report =
            kintsugi_notify::run(&mut outbox, &sender, options.clone(), move |letter: &Leased| compose(letter), &mut shown).await;
        let report = report.context("the notices could not all be accounted for")?;
        // Notices whose address was refused wait again, with the next one: there is an end, as addresses have.
        let again = outbox.next_address > before && report.stopped.is_none() && !options.stop.load(Ordering::Relaxed);
        if !reins.interrupted().await? && !again {
            return Ok(report.stopped);
        }
    }
}

fn outcome(line: &Conservation, cleared: &Conservation, stopped: Option<&str>) -> Outcome {
    let mut text = conservation_text(line);
    if cleared.persons > 0 {
        text.push_str(&format!("\n  told before, not affected any more:\n{}", conservation_text(cleared)));
    }
    if let Some(why) = stopped {
        text.push_str(&format!("\n  Sending stopped: {why}. Run `kintsugi notify` again when that is over."));
    }
    let data = json!({
        "persons": line.persons, "accepted": line.accepted, "refused": line.refused, "unknown": line.unknown,
        "held": line.held, "no_address": line.no_address, "batched": line.batched,
        "printed": line.printed, "returned": line.returned, "waiting": line.waiting, "holds": line.holds(),
        "stopped": stopped,
        "cleared": { "persons": cleared.persons, "accepted": cleared.accepted, "waiting": cleared.waiting },
    });
    let gaps = !line.is_complete() || !cleared.is_complete() || stopped.is_some();
    if !line.holds() || !cleared.holds() {
        progress::line("error: the conservation line does not hold: this is a defect, please report it");
    }
    Outcome::new(Finish::with_gaps(gaps), text, data)
}

/// The conservation line as people read it.
fn conservation_text(line: &Conservation) -> String {
    let parts = [
        (line.accepted, "accepted by mail"),
        (line.refused, "refused"),
        (line.unknown, "unknown"),
        (line.held, "held"),
        (line.printed, "by letter"),
        (line.batched, "letters at the print shop"),
        (line.no_address, "letters due"),
        (line.returned, "letters returned"),
        (line.waiting, "waiting"),
    ];
    let parts = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", count(*n)));
    format!("  {} persons = {}", count(line.persons), parts.collect::<Vec<_>>().join(" + "))
}

#[cfg(test)]
mod tests {
    use super::{Conservation, conservation_text};

    #[test]
    fn the_conservation_line_reads_as_a_sum() {
        let line = Conservation { persons: 98_377, accepted: 98_000, no_address: 377, ..Conservation::default() };
        assert_eq!(conservation_text(&line), "  98,377 persons = 98,000 accepted by mail + 377 letters due");
    }
}
