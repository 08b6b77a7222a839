//! The plan of what is to be told, and the second person's approval of it: of exactly this scope version, these words and
//! these counts. Whoever planned it cannot approve it.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use kintsugi_case::{ApprovalRule, Channel, Verdict};
use kintsugi_store::{NotApproved, PlanLine, PlanRecord};
use serde::Deserialize;

use super::Rail;
use super::rail::moment;
use super::sending::Paused;
use crate::failure::Failure;
use crate::session::Session;
use crate::site::Site;
use crate::visitor::Visitor;

/// The page.
#[derive(Template)]
#[template(path = "console/plan.html")]
pub(crate) struct PlanPage {
    pub(crate) f: Rail,
    pub(crate) plan: Option<PlanRecord>,
    /// When it was planned and approved, in words.
    pub(crate) planned: String,
    pub(crate) approved: String,
    /// Whether a newer scope version is frozen.
    pub(crate) overtaken: bool,
    /// Whether whoever looks at it planned it.
    pub(crate) own: bool,
    /// Whether the case asks for an approval.
    pub(crate) asked: bool,
    /// Why the last attempt to approve did nothing.
    pub(crate) fault: Option<String>,
    /// Whether sending is paused.
    pub(crate) paused: Option<Paused>,
}

impl PlanPage {
    fn total(&self) -> String {
        let lines = self.plan.iter().flat_map(|plan| &plan.content.lines);
        self.f.w.number(lines.map(|line| line.notices).sum::<u64>())
    }

    fn kind(&self, line: &PlanLine) -> String {
        let occasion = self.plan.as_ref().map_or(Channel::Mail, |plan| plan.content.channel);
        match occasion {
            Channel::Mail => self.f.t(&format!("kind-{}", line.kind.name())),
            follows => self.f.t(&format!("occasion-{}", follows.name())),
        }
    }

    fn way(&self, line: &PlanLine) -> String {
        self.f.t(if line.by_mail { "plan-by-mail" } else { "state-no_address" })
    }

    fn verdict(&self, line: &PlanLine) -> String {
        line.verdict.map_or_else(|| "–".into(), |verdict: Verdict| format!("{} {}", verdict.mark(), self.f.verdict(&verdict)))
    }

    /// What a remark says. Plans that were written down in words say it themselves.
    fn remark(&self, name: &str) -> String {
        let key = format!("remark-{name}");
        Some(self.f.t(&key)).filter(|words| *words != key).unwrap_or_else(|| name.to_owned())
    }

    fn short(&self, hash: &str) -> String {
        hash.chars().take(16).collect()
    }
}

/// What became of the form.
#[derive(Deserialize)]
pub(crate) struct PlanQuery {
    #[serde(default)]
    fault: String,
}

/// `GET /plan`
pub(crate) async fn show(
    State(site): State<Site>,
    visitor: Visitor,
    session: Session,
    Query(query): Query<PlanQuery>,
) -> Result<Html<String>, Failure> {
    let who = session.who.clone();
    let (f, standing) = Rail::new(&site, &visitor, session, "/plan").await?;
    let plan = site.store.newest_plan().await?;
    let when = |at_ms: Option<i64>| at_ms.map(|at_ms| moment(&site, at_ms)).unwrap_or_default();
    let known = ["same", "overtaken", "already", "reason"].contains(&query.fault.as_str());
    let page = PlanPage {
        planned: when(plan.as_ref().map(|plan| plan.planned_at_ms)),
        approved: when(plan.as_ref().and_then(|plan| plan.approval.as_ref()).map(|approval| approval.at_ms)),
        overtaken: plan.as_ref().zip(standing).is_some_and(|(plan, now)| plan.content.scope_version != now.scope.number),
        own: plan.as_ref().is_some_and(|plan| plan.planned_by.trim().to_lowercase() == who.trim().to_lowercase()),
        asked: site.case.notify.approval == ApprovalRule::TwoPerson,
        fault: known.then(|| f.t(&format!("plan-fault-{}", query.fault))),
        paused: Paused::now(&site).await?,
        plan,
        f,
    };
    Ok(Html(page.render()?))
}

/// The form.
#[derive(Deserialize)]
pub(crate) struct ApproveForm {
    token: String,
    plan: u32,
    digest: String,
}

/// `POST /plan`: approves what was shown, if that is still what is planned.
pub(crate) async fn approve(
    State(site): State<Site>,
    session: Session,
    Form(form): Form<ApproveForm>,
) -> Result<Response, Failure> {
    if !session.fits(&site, &form.token) {
        return Err(Failure::Form);
    }
    let now_ms = site.now_ms();
    let done = site.store.approve_plan(form.plan, &form.digest, &session.who, now_ms).await?;
    let (what, to) = match done {
        Ok(()) => (format!("approved plan {}, digest {}", form.plan, form.digest), "/plan"),
        Err(NotApproved::SamePerson) => (format!("tried to approve their own plan {}", form.plan), "/plan?fault=same"),
        Err(NotApproved::Overtaken) => {
            (format!("tried to approve plan {}, which is overtaken", form.plan), "/plan?fault=overtaken")
        }
        Err(NotApproved::Already) => return Ok(Redirect::to("/plan?fault=already").into_response()),
    };
    site.store.audit(&session.who, &what, now_ms).await?;
    Ok(Redirect::to(to).into_response())
}
