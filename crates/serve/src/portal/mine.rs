//! A person's own page, behind the link in their notice: the answer first, then what was taken and why we know,
//! what to do, what we offer, and how to check that this is genuine.
//!
//! Names of tables and columns, statements and addresses of the shop are not shown to the public.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Html;
use kintsugi_case::Verdict;

use crate::failure::Failure;
use crate::frame::Frame;
use crate::site::Site;
use crate::visitor::Visitor;

mod taken;
mod tell;

/// The page.
#[derive(Template)]
#[template(path = "portal/mine.html")]
pub(crate) struct Mine {
    pub(crate) f: Frame,
    /// The answer, one sentence.
    pub(crate) answer: String,
    /// What else there is to know at once.
    pub(crate) lines: Vec<String>,
    /// What the first button says.
    pub(crate) first_step: Option<String>,
    /// What was taken, record by record.
    pub(crate) groups: Vec<Group>,
    /// Records beyond those shown.
    pub(crate) more: u64,
    /// What is said about everything else.
    pub(crate) rest: Option<String>,
    pub(crate) steps: Vec<Step>,
    pub(crate) rights: Vec<Coupon>,
    /// The number of the newest notice.
    pub(crate) number: Option<String>,
}

impl Mine {
    fn more_text(&self) -> String {
        self.f.w.count("mine-more", self.more)
    }
}

/// One record: a card, or data without one.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) heading: String,
    /// When and where it was used.
    pub(crate) used: String,
    pub(crate) rows: Vec<Row>,
    pub(crate) whys: Vec<Why>,
    /// Whether its first seam is open.
    pub(crate) open: bool,
}

/// One field of a record.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) label: &'static str,
    pub(crate) sub: String,
    pub(crate) verdict: Verdict,
}

/// Why we know it, for the fields that share one basis.
#[derive(Clone, Debug)]
pub(crate) struct Why {
    pub(crate) ask: String,
    pub(crate) seam: Vec<String>,
    pub(crate) technical: Vec<(String, String)>,
}

/// One thing to do.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) title: String,
    pub(crate) note: String,
}

/// A coupon.
#[derive(Clone, Debug)]
pub(crate) struct Coupon {
    pub(crate) text: String,
    pub(crate) code: String,
    pub(crate) note: String,
    /// Whether it cannot be used any more.
    pub(crate) over: bool,
}

/// `GET /n/{code}`
pub(crate) async fn show(State(site): State<Site>, visitor: Visitor, Path(code): Path<String>) -> Result<Html<String>, Failure> {
    let now_ms = site.now_ms();
    if !site.limiters.look_ups.allow(visitor.caller, now_ms) {
        return Err(Failure::TooMany);
    }
    let target = site.store.link(&code, now_ms).await?.ok_or(Failure::Expired)?;
    let person = site.store.person(target.person).await?.ok_or(Failure::Expired)?;
    let own = Some(person.profile.language).filter(|language| language.has_pages()).unwrap_or(visitor.language);
    let language = visitor.chosen.unwrap_or(own);
    let frame = Frame::portal(&site, &visitor).in_language(language);
    let facts = site.store.facts().await?;
    let standing = site.cache.standing(&site).await?;
    let told = tell::Told { site: &site, frame, person: &person, standing: standing.as_deref(), facts: &facts };
    Ok(Html(told.page().render()?))
}
