//! Rights: what was issued, what was used, what it costs if all are used.

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use kintsugi_store::RightTotals;

use super::Rail;
use crate::failure::Failure;
use crate::session::Session;
use crate::site::Site;
use crate::visitor::Visitor;

/// The page.
#[derive(Template)]
#[template(path = "console/rights.html")]
pub(crate) struct Rights {
    pub(crate) f: Rail,
    pub(crate) totals: Vec<RightTotals>,
}

/// `GET /rights`
pub(crate) async fn show(State(site): State<Site>, visitor: Visitor, session: Session) -> Result<Html<String>, Failure> {
    let (f, _) = Rail::new(&site, &visitor, session, "/rights").await?;
    let totals = site.store.right_totals().await?;
    Ok(Html(Rights { f, totals }.render()?))
}
