//! Scope versions: numbered, frozen, signed.

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use kintsugi_case::ScopeVersion;

use super::Rail;
use super::rail::moment;
use crate::failure::Failure;
use crate::session::Session;
use crate::site::Site;
use crate::visitor::Visitor;

/// The page.
#[derive(Template)]
#[template(path = "console/scope.html")]
pub(crate) struct Scope {
    pub(crate) f: Rail,
    /// Versions, newest first, each with its time in words.
    pub(crate) versions: Vec<(String, ScopeVersion)>,
}

/// `GET /scope`
pub(crate) async fn show(State(site): State<Site>, visitor: Visitor, session: Session) -> Result<Html<String>, Failure> {
    let (f, _) = Rail::new(&site, &visitor, session, "/scope").await?;
    let versions = site.store.scopes().await?;
    let versions = versions.into_iter().rev().map(|version| (moment(&site, version.frozen_at_ms), version)).collect();
    Ok(Html(Scope { f, versions }.render()?))
}
