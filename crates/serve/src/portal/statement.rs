//! The public statement, written from facts alone, and where each of its figures comes from.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use kintsugi_case::{Fact, FactValue, Language};
use kintsugi_report::{Block, NotPublished, Run, Statement, StatementFrame};

use crate::failure::Failure;
use crate::frame::Frame;
use crate::site::Site;
use crate::visitor::Visitor;

/// A fact behind the statement.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) as_of: String,
    pub(crate) from: String,
}

/// The page.
#[derive(Template)]
#[template(path = "portal/statement.html")]
pub(crate) struct StatementPage {
    pub(crate) f: Frame,
    pub(crate) statement: Option<Statement>,
    pub(crate) sources: Vec<Source>,
}

/// `GET /statement`
pub(crate) async fn show(State(site): State<Site>, visitor: Visitor) -> Result<Html<String>, Failure> {
    let statement = write(&site, visitor.language).await?.ok();
    let facts = site.store.facts().await?;
    let sources = statement.as_ref().map(|statement| sources(statement, &facts, visitor.language)).unwrap_or_default();
    Ok(Html(StatementPage { f: Frame::portal(&site, &visitor), statement, sources }.render()?))
}

/// Writes the statement from the facts that stand.
pub(crate) async fn write(site: &Site, language: Language) -> Result<Result<Statement, NotPublished>, Failure> {
    let facts = site.store.facts().await?;
    let mail = site.case.mail.as_ref();
    let portal = mail.map_or_else(|| format!("https://{}", site.case.controller.domain), |mail| mail.portal.clone());
    let frame =
        StatementFrame { controller: &site.case.controller, portal: &portal, timezone: &site.case.case.timezone, language };
    Ok(kintsugi_report::statement(&facts, &frame))
}

/// The facts that the statement cites, each once, in the order of the facts.
pub(crate) fn sources(statement: &Statement, facts: &[Fact], language: Language) -> Vec<Source> {
    let cited: BTreeSet<&str> = runs(statement).into_iter().filter_map(|run| run.fact.as_deref()).collect();
    let newest = facts.iter().enumerate().filter(|(at, fact)| !facts[at + 1..].iter().any(|later| later.name == fact.name));
    newest.filter(|(_, fact)| cited.contains(fact.name.as_str())).map(|(_, fact)| source(fact, language)).collect()
}

fn runs(statement: &Statement) -> Vec<&Run> {
    let blocks = statement.sections.iter().flat_map(|section| &section.blocks);
    let inner = blocks.flat_map(|block| match block {
        Block::Paragraph(runs) => runs.iter().collect::<Vec<_>>(),
        Block::Steps(lists) | Block::Table { rows: lists, .. } => lists.iter().flatten().collect(),
    });
    statement.lead.iter().chain(inner).collect()
}

fn source(fact: &Fact, language: Language) -> Source {
    Source { name: fact.name.clone(), value: value(&fact.value, language), as_of: fact.as_of.clone(), from: fact.source.clone() }
}

/// A fact's value as people read it.
pub(crate) fn value(value: &FactValue, language: Language) -> String {
    match value {
        FactValue::Number(number) => language.number(*number),
        other => other.to_string(),
    }
}
