//! Facts: every number, date and claim that a document may state, each with as-of, source and why.

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use kintsugi_case::{Contradiction, Fact, FactKind};

use super::Rail;
use crate::failure::Failure;
use crate::portal::statement::value;
use crate::session::Session;
use crate::site::Site;
use crate::visitor::Visitor;

/// The page.
#[derive(Template)]
#[template(path = "console/facts.html")]
pub(crate) struct Facts {
    pub(crate) f: Rail,
    pub(crate) facts: Vec<Fact>,
    pub(crate) conflicts: Vec<Contradiction>,
}

impl Facts {
    fn value(&self, fact: &Fact) -> String {
        value(&fact.value, self.f.w.0)
    }

    fn kind(&self, fact: &Fact) -> String {
        match fact.kind {
            FactKind::Entered => self.f.w.t("facts-entered"),
            FactKind::Computed => self.f.w.t("facts-computed"),
        }
    }
}

/// `GET /facts`
pub(crate) async fn show(State(site): State<Site>, visitor: Visitor, session: Session) -> Result<Html<String>, Failure> {
    let (f, _) = Rail::new(&site, &visitor, session, "/facts").await?;
    let facts = site.store.facts().await?;
    let conflicts = kintsugi_case::contradictions(&facts);
    Ok(Html(Facts { f, facts, conflicts }.render()?))
}
