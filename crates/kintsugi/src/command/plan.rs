//! `kintsugi notify plan`: who gets what by which channel, the edge classes, the forecast; and whether what would be sent is
//! what a second person approved.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::BufRead as _;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use jiff::civil::Date;
use kintsugi_case::{ApprovalRule, Channel, ScopeVersion, Urgency};
use kintsugi_notify::{EdgeClass, Templates};
use kintsugi_store::{FollowUp, PlanContent, PlanLine, PlannedNotice, Store};
use serde_json::json;

use super::{Outcome, block_on, now_ms};
use crate::citing;
use crate::finish::Finish;
use crate::folder::Folder;
use crate::forecast::{Forecast, forecast};
use crate::progress::{Stage, count};
use crate::remark;

/// The environment variable that holds the planner's password where nobody types it.
const PASSWORD: &str = "KINTSUGI_STAFF_PASSWORD";

/// Notices read at a time.
const PAGE: u32 = 2_000;

/// Plans what is not planned yet, writes the plan down and shows it.
pub(crate) fn plan(folder: &Folder, by: Option<&str>) -> Result<Outcome> {
    plan_of(folder, by, None)
}

/// The same for what follows the notices.
pub(crate) fn plan_of(folder: &Folder, by: Option<&str>, follow_up: Option<FollowUp>) -> Result<Outcome> {
    let channel = follow_up.map_or(Channel::Mail, FollowUp::channel);
    block_on(async {
        let store = folder.store().await?;
        let templates = citing::templates(folder, &store).await?;
        let Some(scope) = store.newest_scope().await? else {
            bail!("nothing is frozen yet: run `kintsugi freeze` first");
        };
        let by = planner(folder, &store, by).await?;
        let stage = Stage::begin("plan");
        match follow_up {
            None => drop(store.plan_notices(scope.number, now_ms()).await?),
            Some(what) => drop(store.plan_follow_ups(scope.number, what, now_ms()).await?),
        }
        let content = content(folder, &store, (&scope, channel), &templates).await?;
        let survey = survey(folder, &store, (&scope, channel), &stage).await?;
        let mut remarks = survey.remarks();
        let line = store.conservation(scope.number).await?;
        if follow_up.is_some() && line.accepted < line.persons {
            remarks.push(("nothing-follows".into(), count(line.persons - line.accepted)));
        }
        let gone = store.told_and_gone(scope.number).await?;
        if gone > 0 {
            remarks.push(("told-and-gone".into(), count(gone)));
        }
        let number = store.put_plan(&content, &by, &remarks, now_ms()).await?;
        store
            .audit(
                &by,
                &format!("planned notices of scope version {}: plan {number}, digest {}", scope.number, content.digest()),
                now_ms(),
            )
            .await?;
        stage.end(&format!("plan {number}, {} notices", count(survey.notices)));
        store.close().await;
        Ok(outcome(folder, number, &by, &content, &remarks))
    })
}

/// Who acts. Where two persons must agree it is somebody who can sign in, shown by their password: otherwise one person
/// could plan in another's name and approve in their own.
pub(crate) async fn planner(folder: &Folder, store: &Store, by: Option<&str>) -> Result<String> {
    let Some(name) = by else {
        if folder.case.notify.approval == ApprovalRule::TwoPerson {
            bail!("say who you are: --by NAME (a name that can sign in to the console)");
        }
        return Ok("command line".into());
    };
    let known = store.staff(name).await?;
    let password = match std::env::var(PASSWORD) {
        Ok(password) => password,
        Err(_) => {
            crate::progress::line(&format!("Password of {name}:"));
            let mut line = String::new();
            std::io::stdin().lock().read_line(&mut line).context("the password cannot be read")?;
            line.trim_end_matches(['\r', '\n']).to_owned()
        }
    };
    if !kintsugi_serve::password_fits(password, known.map(|staff| staff.password_hash)).await {
        bail!("this is not the password of somebody called {name}; `kintsugi staff {name}` makes a new one");
    }
    Ok(name.to_owned())
}

/// Why nothing may be sent; none where no approval is asked for or one covers exactly what would be sent.
pub(crate) async fn not_approved(
    folder: &Folder,
    store: &Store,
    (scope, channel): (&ScopeVersion, Channel),
    templates: &Templates,
) -> Result<Option<Vec<String>>> {
    if folder.case.notify.approval == ApprovalRule::None {
        return Ok(None);
    }
    let now = content(folder, store, (scope, channel), templates).await?;
    let Some(approved) = store.approved_plan(channel).await? else {
        return Ok(Some(vec!["no plan was approved yet".into()]));
    };
    if approved.digest == now.digest() {
        return Ok(None);
    }
    let mut why = vec![format!("plan {} was approved, and since then:", approved.number)];
    why.extend(approved.content.changes_to(&now));
    Ok(Some(why))
}

/// Everything that an approval covers, as it is now.
async fn content(
    folder: &Folder,
    store: &Store,
    (scope, channel): (&ScopeVersion, Channel),
    templates: &Templates,
) -> Result<PlanContent> {
    let mut words = templates.hashes().to_vec();
    words.push(("settings in case.toml".into(), kintsugi_notify::hash(&settings(folder))));
    Ok(PlanContent {
        scope_version: scope.number,
        scope_digest: scope.digest.clone(),
        channel,
        words,
        lines: store.plan_lines(scope.number, channel).await?,
    })
}

/// Everything but persons that a letter's words depend on, as one digest.
#[cfg(feature = "letters")]
pub(crate) fn letter_words(folder: &Folder, templates: &Templates) -> String {
    let mut text = settings(folder);
    let letters = |name: &str| name.starts_with("letter") || name.starts_with("fact ");
    for (name, hash) in templates.hashes().iter().filter(|(name, _)| letters(name)) {
        let _ = write!(text, "\n{name} {hash}");
    }
    kintsugi_notify::hash(&text)
}

/// What of the case file stands in every mail.
fn settings(folder: &Folder) -> String {
    let (case, controller) = (&folder.case, &folder.case.controller);
    let contact = &controller.contact;
    let mut text =
        [&controller.name, &controller.domain, &contact.phone, &contact.hours, &contact.email].map(String::as_str).join("\n");
    let _ = write!(text, "\n{:?}\n{:?}\n{:?}", controller.brands, case.case.languages, case.case.timezone.iana_name());
    if let Some(mail) = &case.mail {
        let _ = write!(text, "\n{}\n{}", mail.from, mail.portal);
    }
    if let Some(letters) = &case.letters {
        let _ = write!(text, "\n{:?} {:?}", letters.window, letters.sender);
    }
    for remedy in &case.remedies {
        let _ = write!(text, "\n{:?} {} {} {:?} {:?}", remedy.kind, remedy.amount, remedy.currency, remedy.to, remedy.until);
    }
    text
}

/// What going through all planned notices shows.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    pub(crate) notices: u64,
    /// Notices that mail could not reach, at any address: letters now.
    came_back: u64,
    /// Affected persons by how soon they must be told.
    urgencies: Vec<(Option<Urgency>, u64)>,
    edges: BTreeMap<EdgeClass, u64>,
    forecast: Option<Forecast>,
}

impl Survey {
    fn remarks(&self) -> Vec<(String, String)> {
        let turn = |(urgency, persons): &(Option<Urgency>, u64)| {
            (format!("turn-{}", urgency.map_or("unknown", Urgency::name)), count(*persons))
        };
        let turns = self.urgencies.iter().map(turn);
        let edges = EdgeClass::ALL
            .into_iter()
            .map(|class| (class.name().to_owned(), count(self.edges.get(&class).copied().unwrap_or_default())));
        let came_back = (self.came_back > 0).then(|| ("came-back".to_owned(), count(self.came_back)));
        turns.chain(edges).chain(came_back).chain(self.forecast.iter().flat_map(Forecast::remarks)).collect()
    }
}

async fn survey(folder: &Folder, store: &Store, (scope, channel): (&ScopeVersion, Channel), stage: &Stage) -> Result<Survey> {
    let (mut survey, mut domains) = (Survey::default(), BTreeMap::<String, u64>::new());
    let (today, country) = (today(folder), folder.case.notify.country.as_str());
    let mut after = 0;
    loop {
        let page = store.planned_notices((scope.number, channel), after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.serial;
        for notice in &page {
            survey.notices += 1;
            for class in classes(notice, country, today) {
                *survey.edges.entry(class).or_default() += 1;
            }
            if let Some((_, domain)) = notice.profile.email.open().rsplit_once('@') {
                *domains.entry(domain.to_lowercase()).or_default() += 1;
            }
        }
        stage.at(survey.notices, survey.notices, "notices looked at");
    }
    survey.urgencies = if channel == Channel::Mail { store.urgencies(scope.number).await? } else { Vec::new() };
    survey.came_back = if channel == Channel::Mail { store.turned_into_letters(scope.number).await? } else { 0 };
    let letters = survey.edges.get(&EdgeClass::NoAddress).copied().unwrap_or_default() + survey.came_back;
    survey.forecast =
        Some(forecast(&folder.case, survey.notices - letters, letters, domains.values().copied().max().unwrap_or(0)));
    Ok(survey)
}

/// The edge classes of a planned notice.
pub(crate) fn classes(notice: &PlannedNotice, country: &str, today: Date) -> Vec<EdgeClass> {
    EdgeClass::of(&notice.profile, notice.shares_address, country, today)
}

/// Today in the case's zone.
pub(crate) fn today(folder: &Folder) -> Date {
    Timestamp::from_millisecond(now_ms()).unwrap_or_default().to_zoned(folder.case.case.timezone.clone()).date()
}

fn outcome(folder: &Folder, number: u32, by: &str, content: &PlanContent, remarks: &[(String, String)]) -> Outcome {
    let occasion = if content.channel == Channel::Mail { "notices" } else { content.channel.name() };
    let (version, digest) = (content.scope_version, content.digest());
    let mut text = format!("  Plan {number} by {by}: {occasion}, scope version {version}, digest {digest}\n");
    text.push_str("\n  notices  kind      language  verdict   by\n");
    for line in &content.lines {
        let _ = writeln!(text, "{}", line_text(line));
    }
    text.push('\n');
    for (name, value) in remarks {
        let _ = writeln!(text, "  {value:>9}  {}", remark::words(name));
    }
    let place = folder.root.display();
    let sends = if content.channel == Channel::Mail { "notify".to_owned() } else { format!("notify {occasion}") };
    text.push_str(&match folder.case.notify.approval {
        ApprovalRule::TwoPerson => {
            format!("\n  Next: look at it (kintsugi notify preview {place}); somebody else than {by} approves it in the console.")
        }
        ApprovalRule::None => format!("\n  [notify] approval = \"none\": kintsugi {sends} {place} sends it."),
    });
    let lines: Vec<_> = content.lines.iter().map(line_json).collect();
    let remarks: BTreeMap<_, _> = remarks.iter().cloned().collect();
    let words: BTreeMap<_, _> = content.words.iter().cloned().collect();
    let data = json!({
        "plan": number, "by": by, "scope_version": content.scope_version, "digest": content.digest(),
        "words": words, "lines": lines, "remarks": remarks,
    });
    Outcome::new(Finish::Done, text, data)
}

fn line_text(line: &PlanLine) -> String {
    let verdict = line.verdict.map_or("-", kintsugi_case::Verdict::name);
    let way = if line.by_mail { "mail" } else { "no address" };
    format!("  {:>7}  {:<8}  {:<8}  {verdict:<8}  {way}", count(line.notices), line.kind.name(), line.language.tag())
}

fn line_json(line: &PlanLine) -> serde_json::Value {
    json!({
        "kind": line.kind.name(), "language": line.language.tag(), "verdict": line.verdict.map(kintsugi_case::Verdict::name),
        "by_mail": line.by_mail, "notices": line.notices,
    })
}
