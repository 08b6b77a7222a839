//! The public statement as it was published, every version of it under an address that lasts, and a feed of them.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{Html, IntoResponse, Redirect, Response};
use jiff::Timestamp;
use kintsugi_case::{Fact, FactValue, Language};
use kintsugi_report::{Block, Change, Moment, Statement};

use crate::failure::Failure;
use crate::frame::Frame;
use crate::publish::{self, Kept};
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

/// A version in the list.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) number: u32,
    pub(crate) day: String,
    pub(crate) note: String,
}

/// The page.
#[derive(Template)]
#[template(path = "portal/statement.html")]
pub(crate) struct StatementPage {
    pub(crate) f: Frame,
    pub(crate) statement: Option<Statement>,
    pub(crate) sources: Vec<Source>,
    /// Every version, newest first.
    pub(crate) versions: Vec<Version>,
    /// The version on this page.
    pub(crate) number: u32,
    /// Whether there is a PDF of it.
    pub(crate) paper: bool,
    /// What changed since the version before.
    pub(crate) changes: Vec<Change>,
    /// The zone in which times are told.
    pub(crate) zone: String,
}

impl StatementPage {
    /// The chronicle, day by day.
    fn days(&self) -> Vec<(&str, Vec<&Moment>)> {
        let mut days: Vec<(&str, Vec<&Moment>)> = Vec::new();
        for moment in self.statement.iter().flat_map(|statement| &statement.chronicle) {
            match days.last_mut() {
                Some((day, moments)) if *day == moment.day => moments.push(moment),
                _ => days.push((&moment.day, vec![moment])),
            }
        }
        days
    }

    /// The time of an entry for machines.
    fn written(&self, moment: &Moment) -> String {
        rfc3339(moment.at_ms)
    }

    /// Whether a newer version stands.
    fn superseded(&self) -> bool {
        self.versions.first().is_some_and(|newest| newest.number > self.number)
    }
}

/// `GET /statement`: the newest version.
pub(crate) async fn show(State(site): State<Site>, visitor: Visitor) -> Result<Html<String>, Failure> {
    let all = publish::versions(&site.store, visitor.language).await?;
    let newest = all.first().map_or(0, |kept| kept.row.version);
    page(&site, &visitor, &all, newest).await
}

/// `GET /statement/{version}`: a version as it was, for good.
pub(crate) async fn show_version(
    State(site): State<Site>,
    visitor: Visitor,
    Path(version): Path<u32>,
) -> Result<Html<String>, Failure> {
    let all = publish::versions(&site.store, visitor.language).await?;
    if all.iter().all(|kept| kept.row.version != version) {
        return Err(Failure::NotFound);
    }
    page(&site, &visitor, &all, version).await
}

async fn page(site: &Site, visitor: &Visitor, all: &[Kept], number: u32) -> Result<Html<String>, Failure> {
    let at = all.iter().position(|kept| kept.row.version == number);
    let (this, before) = (at.and_then(|at| all.get(at)), at.and_then(|at| all.get(at + 1)));
    let paper = publish::has_paper(&site.store, number, visitor.language).await?;
    let page = StatementPage {
        paper,
        f: Frame::portal(site, visitor),
        statement: this.map(|kept| kept.statement.clone()),
        sources: this.map(|kept| sources(kept, visitor.language)).unwrap_or_default(),
        versions: all.iter().map(|kept| version(site, visitor.language, kept)).collect(),
        number,
        changes: this
            .zip(before)
            .map(|(this, before)| kintsugi_report::changes(&before.statement, &this.statement))
            .unwrap_or_default(),
        zone: this.and_then(|kept| kept.statement.chronicle.first()).map(|first| zone(site, visitor, first)).unwrap_or_default(),
    };
    Ok(Html(page.render()?))
}

fn zone(site: &Site, visitor: &Visitor, first: &Moment) -> String {
    let at = Timestamp::from_millisecond(first.at_ms).unwrap_or_default();
    visitor.language.zone(&at.to_zoned(site.case.case.timezone.clone()))
}

/// `GET /chronicle`: an address that can be told; the chronicle is part of the statement.
pub(crate) async fn chronicle() -> Redirect {
    Redirect::to("/statement#chronicle")
}

fn version(site: &Site, language: Language, kept: &Kept) -> Version {
    let at = Timestamp::from_millisecond(kept.row.published_at_ms).unwrap_or_default();
    let day = language.day(at.to_zoned(site.case.case.timezone.clone()).date());
    let note = kept.statement.updates.iter().find(|update| update.version == kept.row.version);
    let note = note.map(|update| update.runs.iter().map(|run| run.text.as_str()).collect()).unwrap_or_default();
    Version { number: kept.row.version, day, note }
}

/// The facts that a version states, each once, in the order of the facts.
fn sources(kept: &Kept, language: Language) -> Vec<Source> {
    kept.row.facts.iter().map(|record| source(&record.fact, language)).collect()
}

fn source(fact: &Fact, language: Language) -> Source {
    Source {
        name: fact.name.clone(),
        value: value(&fact.value, language),
        as_of: crate::console::facts::as_of(&fact.as_of),
        from: kintsugi_report::fact_source(fact, language),
    }
}

/// A fact's value as people read it.
pub(crate) fn value(value: &FactValue, language: Language) -> String {
    match value {
        FactValue::Number(number) => language.number(*number),
        other => other.to_string(),
    }
}

/// `GET /statement/{version}/pdf`: the same on paper, as it was published.
pub(crate) async fn paper(State(site): State<Site>, visitor: Visitor, Path(version): Path<u32>) -> Result<Response, Failure> {
    let Some(paper) = publish::paper(&site.store, version, visitor.language).await? else { return Err(Failure::NotFound) };
    let name = format!("inline; filename=\"statement-{version}-{}.pdf\"", visitor.language.tag());
    let head = [(header::CONTENT_TYPE, "application/pdf".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((head, paper.pdf).into_response())
}

/// The feed (RFC 4287).
#[derive(Template)]
#[template(path = "portal/statement.xml")]
pub(crate) struct Feed {
    pub(crate) f: Frame,
    pub(crate) title: String,
    /// When the newest version was published, RFC 3339.
    pub(crate) updated: String,
    /// The year of the case, in the feed's ids.
    pub(crate) year: u16,
    /// Version, and when it was published.
    pub(crate) entries: Vec<(Version, String)>,
}

/// `GET /statement.atom`
pub(crate) async fn feed(State(site): State<Site>, visitor: Visitor) -> Result<Response, Failure> {
    let all = publish::versions(&site.store, visitor.language).await?;
    let Some(newest) = all.first() else { return Err(Failure::NotFound) };
    let page = Feed {
        f: Frame::portal(&site, &visitor),
        title: newest.statement.title.clone(),
        updated: rfc3339(newest.row.published_at_ms),
        year: site.case.case.year(),
        entries: all.iter().map(|kept| (version(&site, visitor.language, kept), rfc3339(kept.row.published_at_ms))).collect(),
    };
    Ok(([(header::CONTENT_TYPE, "application/atom+xml; charset=utf-8")], page.render()?).into_response())
}

fn rfc3339(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms).map(|at| at.to_string()).unwrap_or_default()
}
