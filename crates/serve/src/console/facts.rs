//! Facts: every number, date and claim that a document may state, each with as-of, source and why.

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use kintsugi_case::{Contradiction, Fact, FactKind, FactValue};
use kintsugi_report::FactWords;

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

    /// Its name and sentence; one that people named keeps its name.
    fn words(&self, fact: &Fact) -> FactWords {
        let own = || FactWords { name: fact.name.clone(), sentence: String::new() };
        kintsugi_report::fact_words(&fact.name, self.f.w.0).unwrap_or_else(own)
    }

    fn source(&self, fact: &Fact) -> String {
        kintsugi_report::fact_source(fact, self.f.w.0)
    }

    /// A day as written, or a moment as tables write it.
    fn as_of(&self, fact: &Fact) -> String {
        as_of(&fact.as_of)
    }

    /// Whether its value is one line of figures.
    fn is_text(&self, fact: &Fact) -> bool {
        matches!(fact.value, FactValue::Text(_))
    }

    fn kind(&self, fact: &Fact) -> String {
        match fact.kind {
            FactKind::Entered => self.f.w.t("facts-entered"),
            FactKind::Computed => self.f.w.t("facts-computed"),
        }
    }
}

/// `2013-05-21T10:04:00+09:00` as tables write it: `2013-05-21 10:04 +09:00`.
pub(crate) fn as_of(written: &str) -> String {
    match (written.get(..10), written.get(10..11), written.get(11..16), written.get(19..)) {
        (Some(day), Some("T"), Some(time), Some(offset)) => format!("{day} {time} {offset}"),
        _ => written.to_owned(),
    }
}

/// `GET /facts`
pub(crate) async fn show(State(site): State<Site>, visitor: Visitor, session: Session) -> Result<Html<String>, Failure> {
    let (f, _) = Rail::new(&site, &visitor, session, "/facts").await?;
    let facts = site.store.facts().await?;
    let conflicts = kintsugi_case::contradictions(&facts);
    Ok(Html(Facts { f, facts, conflicts }.render()?))
}
