//! The statement as staff see it: its versions, which of its facts are different by now, what stands in the way of the next
//! version, and the form that publishes it.

use std::collections::BTreeMap;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};
use kintsugi_case::{Fact, Language};
use kintsugi_report::{Change, NotPublished, Statement};

use super::Rail;
use super::rail::moment;
use crate::failure::Failure;
use crate::frame::own_name;
use crate::portal::statement::value;
use crate::publish::{self, Kept, Overtaken, PublishError};
use crate::session::Session;
use crate::site::Site;
use crate::visitor::Visitor;

/// The longest note, in characters.
const NOTE_CHARS_MAX: usize = 1000;

/// The page.
#[derive(Template)]
#[template(path = "console/statement.html")]
pub(crate) struct StatementPage {
    pub(crate) f: Rail,
    /// Each version with when it was published, newest first.
    pub(crate) versions: Vec<(String, Kept)>,
    pub(crate) overtaken: Vec<Overtaken>,
    /// What the next version would change.
    pub(crate) changes: Vec<Change>,
    /// What stands in the way, one line each.
    pub(crate) refused: Vec<String>,
    /// Where notes are asked for: tag and name of each language, and what was typed.
    pub(crate) notes: Vec<(&'static str, &'static str, String)>,
}

impl StatementPage {
    fn name(&self, fact: &Fact) -> String {
        kintsugi_report::fact_words(&fact.name, self.f.w.0).map_or_else(|| fact.name.clone(), |words| words.name)
    }

    fn value(&self, fact: &Fact) -> String {
        value(&fact.value, self.f.w.0)
    }

    fn as_of(&self, fact: &Fact) -> String {
        super::facts::as_of(&fact.as_of)
    }
}

/// `GET /statement`
pub(crate) async fn show(State(site): State<Site>, visitor: Visitor, session: Session) -> Result<Html<String>, Failure> {
    page(&site, &visitor, session, None, &BTreeMap::new()).await
}

/// `POST /statement`: publishes, or says which facts are in the way.
pub(crate) async fn publish(
    State(site): State<Site>,
    visitor: Visitor,
    session: Session,
    Form(fields): Form<BTreeMap<String, String>>,
) -> Result<Response, Failure> {
    if !session.fits(&site, fields.get("token").map_or("", String::as_str)) {
        return Err(Failure::Form);
    }
    let cut = |text: &String| text.chars().take(NOTE_CHARS_MAX).collect::<String>();
    let note = |language: Language| fields.get(&format!("note-{}", language.tag())).map(|text| (language, cut(text)));
    let notes: BTreeMap<Language, String> = site.case.case.page_languages().into_iter().filter_map(note).collect();
    match publish::publish(&site.store, &site.case, &session.who, &notes, site.now_ms()).await {
        Ok(_) => Ok(Redirect::to("/statement").into_response()),
        Err(PublishError::Refused { why, .. }) => Ok(page(&site, &visitor, session, Some(why), &notes).await?.into_response()),
        Err(error) => Err(error.into()),
    }
}

async fn page(
    site: &Site,
    visitor: &Visitor,
    session: Session,
    refused: Option<NotPublished>,
    typed: &BTreeMap<Language, String>,
) -> Result<Html<String>, Failure> {
    let (f, _) = Rail::new(site, visitor, session, "/statement").await?;
    let versions = publish::versions(&site.store, f.w.0).await?;
    let next = next(site, f.w.0).await?;
    let changes = match (versions.first(), &next) {
        (Some(kept), Ok(next)) => kintsugi_report::changes(&Statement { updates: Vec::new(), ..kept.statement.clone() }, next),
        _ => Vec::new(),
    };
    let refused = refused.or_else(|| next.err()).map(|why| why.to_string().lines().map(str::to_owned).collect());
    let asked = site.case.case.page_languages().into_iter().filter(|_| !versions.is_empty());
    let page = StatementPage {
        overtaken: overtaken(site, f.w.0).await?,
        notes: asked.map(|one| (one.tag(), own_name(one), typed.get(&one).cloned().unwrap_or_default())).collect(),
        versions: versions.into_iter().map(|kept| (moment(site, kept.row.published_at_ms), kept)).collect(),
        changes,
        refused: refused.unwrap_or_default(),
        f,
    };
    Ok(Html(page.render()?))
}

/// What the standing statement says and is different by now.
async fn overtaken(site: &Site, language: Language) -> Result<Vec<Overtaken>, Failure> {
    let mut all = publish::overtaken(&site.store, &site.case).await?;
    all.retain(|one| one.document == publish::STATEMENT && one.language == language);
    Ok(all)
}

/// The text that the facts of now give.
async fn next(site: &Site, language: Language) -> Result<Result<Statement, NotPublished>, Failure> {
    let records = site.store.fact_records().await?;
    let around = publish::chronicle_frame(&site.store).await?;
    Ok(publish::compose(&site.case, language, (&records, &around), None, "", site.now_ms()))
}
