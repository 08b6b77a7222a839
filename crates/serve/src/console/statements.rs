//! The statements that the intruder got executed, by shape, and what each shape proves.

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use kintsugi_case::BasisSummary;
use kintsugi_report::reason;

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
    let mut bases = standing.map(|standing| standing.bases.clone()).unwrap_or_default();
    bases.iter_mut().for_each(|basis| basis.reason = reason(&basis.reason, f.w.0).into_owned());
    Ok(Html(Statements { f, bases }.render()?))
}
