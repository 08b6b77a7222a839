//! Where we stand: the figures with their why, where everybody is, how the data was taken and when.

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use jiff::Timestamp;
use kintsugi_case::{BasisSummary, Conservation, Fact, Verdict};

use super::Rail;
use crate::chart::{self, BarPart, Hours};
use crate::failure::Failure;
use crate::portal::statement::value;
use crate::session::Session;
use crate::site::Site;
use crate::standing::Standing;
use crate::visitor::Visitor;
use crate::words::Words;

/// Beyond this age a count that people report must be asked for again.
const REPORTED_DAYS_MAX: i64 = 14;
/// Shapes shown here; the others are behind the link.
const SHAPES_MAX: usize = 8;
/// Characters of a shape shown here.
const SHAPE_CHARS_MAX: usize = 72;

/// The page.
#[derive(Template)]
#[template(path = "console/stand.html")]
pub(crate) struct Stand {
    pub(crate) f: Rail,
    pub(crate) figures: Vec<Figure>,
    /// None while no notice is planned.
    pub(crate) line: Option<Conservation>,
    pub(crate) parts: Vec<BarPart>,
    pub(crate) bases: Vec<BasisSummary>,
    pub(crate) hours: Option<Hours>,
    pub(crate) frozen: bool,
    pub(crate) conflicts: usize,
    /// Whether sending is paused.
    pub(crate) paused: bool,
}

/// A label, a number, an as-of, and its why.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    pub(crate) label: String,
    pub(crate) value: String,
    pub(crate) note: String,
    /// Whether the note is a warning.
    pub(crate) due: bool,
    /// The name of the fact, or none.
    pub(crate) fact: Option<&'static str>,
}

impl Stand {
    fn hours_note(&self, hours: &Hours) -> String {
        match hours.from == hours.to {
            true => self.f.w.t2("stand-hours-note", "day", &hours.from, "zone", &hours.zone),
            false => self.f.w.with("stand-hours-days", &[("from", &hours.from), ("to", &hours.to), ("zone", &hours.zone)]),
        }
    }

    fn state(&self, part: &BarPart) -> String {
        self.f.w.t(&format!("state-{}", part.state))
    }

    fn description(&self) -> String {
        let parts: Vec<String> =
            self.parts.iter().map(|part| format!("{} {}", self.f.w.number(part.count), self.state(part))).collect();
        parts.join(&self.f.w.t("list-joint"))
    }
}

impl Stand {
    /// What a shape reads: from its UNION to its last FROM left out, cut to what a line holds.
    fn short(&self, basis: &BasisSummary) -> String {
        let upper = basis.shape.to_ascii_uppercase();
        let short = match (upper.find("UNION"), upper.rfind(" FROM ")) {
            (Some(_), Some(from)) => format!("UNION …{}", basis.shape.get(from..).unwrap_or_default()),
            _ => basis.shape.clone(),
        };
        match short.char_indices().nth(SHAPE_CHARS_MAX) {
            Some((end, _)) => format!("{}…", &short[..end]),
            None => short,
        }
    }
}

/// `GET /`
pub(crate) async fn show(State(site): State<Site>, visitor: Visitor, session: Session) -> Result<Html<String>, Failure> {
    let (f, standing) = Rail::new(&site, &visitor, session, "/").await?;
    let facts = site.store.facts().await?;
    let line = match &standing {
        Some(standing) => Some(site.cache.conservation(&site, standing.scope.number).await?),
        None => None,
    };
    let line = line.filter(|line| line.accounted() > 0 || line.persons == 0);
    let standing = standing.as_deref();
    let page = Stand {
        figures: standing.map(|standing| figures(&site, f.w, standing, &facts)).unwrap_or_default(),
        parts: line.as_ref().map(chart::whole).unwrap_or_default(),
        line,
        bases: standing.map(|standing| largest(&standing.bases)).unwrap_or_default(),
        hours: standing.and_then(|standing| chart::hours(&standing.hours, &site.case.case.timezone)),
        frozen: standing.is_some(),
        conflicts: kintsugi_case::contradictions(&facts).len(),
        paused: site.store.paused().await?.is_some(),
        f,
    };
    Ok(Html(page.render()?))
}

/// The bases with the strongest verdict and the most statements first.
fn largest(bases: &[BasisSummary]) -> Vec<BasisSummary> {
    let mut bases = bases.to_vec();
    bases.sort_by_key(|basis| (std::cmp::Reverse((basis.verdict, basis.statements)), basis.id));
    bases.truncate(SHAPES_MAX);
    bases
}

fn figures(site: &Site, w: Words, standing: &Standing, facts: &[Fact]) -> Vec<Figure> {
    vec![stored(w, standing, facts), taken(w, standing), persons(w, standing), misuse(site, w, facts)]
}

/// The newest fact of a name.
fn newest<'a>(facts: &'a [Fact], name: &str) -> Option<&'a Fact> {
    facts.iter().rfind(|fact| fact.name == name)
}

fn stored(w: Words, standing: &Standing, facts: &[Fact]) -> Figure {
    let label = w.t("stand-stored");
    match newest(facts, "records_stored") {
        Some(fact) => {
            let day = fact.as_of.get(..10).unwrap_or(&fact.as_of);
            let note = w.with("stand-as-of", &[("day", &day), ("source", &kintsugi_report::fact_source(fact, w.0))]);
            Figure { label, value: value(&fact.value, w.0), note, due: false, fact: Some("records_stored") }
        }
        None => Figure { label, value: w.number(standing.counts.records), note: String::new(), due: false, fact: None },
    }
}

fn taken(w: Words, standing: &Standing) -> Figure {
    let (possible, excluded) = (w.number(standing.records(Verdict::Possible)), w.number(standing.records(Verdict::Excluded)));
    Figure {
        label: w.t("stand-taken"),
        value: w.number(standing.records(Verdict::Proved)),
        note: w.with("stand-taken-note", &[("possible", &possible), ("excluded", &excluded)]),
        due: false,
        fact: Some("records_exposed"),
    }
}

fn persons(w: Words, standing: &Standing) -> Figure {
    let (all, possible) = (w.number(standing.counts.persons), w.number(standing.persons(Verdict::Possible)));
    Figure {
        label: w.t("stand-persons"),
        value: w.number(standing.affected()),
        note: w.with("stand-persons-note", &[("all", &all), ("possible", &possible)]),
        due: false,
        fact: Some("persons_affected"),
    }
}

fn misuse(site: &Site, w: Words, facts: &[Fact]) -> Figure {
    let label = w.t("stand-misuse");
    let Some(fact) = newest(facts, "unauthorised_use_cases") else {
        return Figure { label, value: w.t("stand-unknown"), note: w.t("stand-misuse-note"), due: false, fact: None };
    };
    let day = fact.as_of.get(..10).unwrap_or(&fact.as_of);
    let days = age_days(site, day).unwrap_or(0);
    let due = days > REPORTED_DAYS_MAX;
    let note = match due {
        true => w.with("stand-old", &[("day", &day), ("days", &w.number(days.unsigned_abs()))]),
        false => w.with("stand-as-of", &[("day", &day), ("source", &kintsugi_report::fact_source(fact, w.0))]),
    };
    Figure { label, value: value(&fact.value, w.0), note, due, fact: Some("unauthorised_use_cases") }
}

/// How many days ago a day was, where the case is.
fn age_days(site: &Site, day: &str) -> Option<i64> {
    let then: jiff::civil::Date = day.parse().ok()?;
    let today = Timestamp::from_millisecond(site.now_ms()).ok()?.to_zoned(site.case.case.timezone.clone()).date();
    then.until(today).ok().map(|span| i64::from(span.get_days()))
}
