//! Who did and saw what, and whether the chain of entries holds.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Html;
use kintsugi_store::AuditEntry;
use serde::Deserialize;

use super::Rail;
use super::rail::moment;
use crate::failure::Failure;
use crate::session::Session;
use crate::site::Site;
use crate::visitor::Visitor;

const ENTRIES_MAX: u32 = 200;

/// The page.
#[derive(Template)]
#[template(path = "console/audit.html")]
pub(crate) struct Audit {
    pub(crate) f: Rail,
    /// Entries, oldest first, each with its time in words.
    pub(crate) entries: Vec<(String, AuditEntry)>,
    /// The place of the first entry that does not fit.
    pub(crate) fault: Option<u64>,
    /// The place after which the next page starts.
    pub(crate) next: Option<u64>,
}

/// Where the page starts.
#[derive(Deserialize)]
pub(crate) struct AuditQuery {
    #[serde(default)]
    after: u64,
}

/// `GET /audit`
pub(crate) async fn show(
    State(site): State<Site>,
    visitor: Visitor,
    session: Session,
    Query(query): Query<AuditQuery>,
) -> Result<Html<String>, Failure> {
    let (f, _) = Rail::new(&site, &visitor, session, "/audit").await?;
    let entries = site.store.audit_entries(query.after, ENTRIES_MAX).await?;
    let full = entries.len() as u64 == u64::from(ENTRIES_MAX);
    let next = entries.last().filter(|_| full).map(|entry| entry.sequence);
    let fault = site.store.audit_fault().await?.map(|fault| fault.sequence);
    let entries = entries.into_iter().map(|entry| (moment(&site, entry.at_ms), entry)).collect();
    Ok(Html(Audit { f, entries, fault, next }.render()?))
}
