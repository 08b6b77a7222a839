//! The evidence in custody: what was read of each file, and what was not.

use askama::Template;
use axum::extract::State;
use axum::response::Html;

use super::Rail;
use super::rail::moment;
use crate::evidence::{EvidenceFile, LogRead};
use crate::failure::Failure;
use crate::session::Session;
use crate::site::Site;
use crate::visitor::Visitor;

/// The page.
#[derive(Template)]
#[template(path = "console/evidence.html")]
pub(crate) struct Evidence {
    pub(crate) f: Rail,
    pub(crate) files: Vec<FileLine>,
}

/// A file in the table.
#[derive(Clone, Debug)]
pub(crate) struct FileLine {
    pub(crate) file: EvidenceFile,
    pub(crate) lines: String,
    pub(crate) covers: String,
    /// What is missing; empty where nothing is.
    pub(crate) missing: Vec<String>,
    pub(crate) taken_at: String,
}

/// `GET /evidence`
pub(crate) async fn show(State(site): State<Site>, visitor: Visitor, session: Session) -> Result<Html<String>, Failure> {
    let (f, _) = Rail::new(&site, &visitor, session, "/evidence").await?;
    let files = site.evidence.iter().map(|file| line(&site, &f, file)).collect();
    Ok(Html(Evidence { f, files }.render()?))
}

fn line(site: &Site, f: &Rail, file: &EvidenceFile) -> FileLine {
    let span = |log: &LogRead| Some(format!("{} – {}", moment(site, log.first_at_ms?), moment(site, log.last_at_ms?)));
    FileLine {
        lines: file.log.as_ref().map(|log| f.w.number(log.lines)).unwrap_or_default(),
        covers: file.log.as_ref().and_then(span).unwrap_or_default(),
        missing: file.log.as_ref().map(|log| missing(site, f, log)).unwrap_or_default(),
        taken_at: moment(site, file.taken_at_ms),
        file: file.clone(),
    }
}

fn missing(site: &Site, f: &Rail, log: &LogRead) -> Vec<String> {
    let unread = (log.unread > 0).then(|| f.w.count("evidence-unread", log.unread));
    let truncated = log.truncated.as_ref().map(|why| f.w.t1("evidence-truncated", "why", why));
    let gap = |(from, to): &(i64, i64)| f.w.with("evidence-gap", &[("from", &moment(site, *from)), ("to", &moment(site, *to))]);
    unread.into_iter().chain(truncated).chain(log.gaps.iter().map(gap)).collect()
}
