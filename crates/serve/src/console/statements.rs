//! The statements that the intruder got executed, by shape, and what each shape proves.

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use kintsugi_case::BasisSummary;

use super::Rail;
use crate::failure::Failure;
use crate::session::Session;
use crate::site::Site;
use crate::visitor::Visitor;

/// The page.
#[derive(Template)]
#[template(path = "console/statements.html")]
pub(crate) struct Statements {
    pub(crate) f: Rail,
    pub(crate) bases: Vec<BasisSummary>,
}

/// `GET /statements`
pub(crate) async fn show(State(site): State<Site>, visitor: Visitor, session: Session) -> Result<Html<String>, Failure> {
    let (f, standing) = Rail::new(&site, &visitor, session, "/statements").await?;
    let bases = standing.map(|standing| standing.bases.clone()).unwrap_or_default();
    Ok(Html(Statements { f, bases }.render()?))
}
