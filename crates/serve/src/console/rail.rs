//! The frame of the console's pages: the rail with the stages in the order of the data and their counts.

use std::fmt::Display;
use std::sync::Arc;

use jiff::Timestamp;
use kintsugi_case::{Language, NoticeState, Verdict};

use crate::failure::Failure;
use crate::frame::own_name;
use crate::session::Session;
use crate::site::Site;
use crate::standing::Standing;
use crate::visitor::Visitor;
use crate::words::Words;

/// The frame of a page of the console. Templates call it `f`.
#[derive(Clone, Debug)]
pub(crate) struct Rail {
    pub(crate) w: Words,
    /// The case's title.
    pub(crate) case: String,
    /// What stands above the heading: the scope version.
    pub(crate) crumb: String,
    /// Who is signed in.
    pub(crate) who: String,
    /// The token for forms.
    pub(crate) token: String,
    pub(crate) here: String,
    pub(crate) parts: Vec<Part>,
    pub(crate) languages: Vec<Language>,
}

/// A part of the rail.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) title: String,
    pub(crate) places: Vec<Place>,
}

/// A place in the rail.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) address: &'static str,
    pub(crate) count: String,
    pub(crate) current: bool,
}

/// The counts in the rail.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RailCounts {
    pub(crate) facts: u64,
    pub(crate) evidence: u64,
}

impl Rail {
    /// The frame around the page at `address`.
    pub(crate) async fn new(
        site: &Site,
        visitor: &Visitor,
        session: Session,
        address: &'static str,
    ) -> Result<(Self, Option<Arc<Standing>>), Failure> {
        let standing = site.cache.standing(site).await?;
        let counts = RailCounts { facts: site.store.facts().await?.len() as u64, evidence: site.evidence.len() as u64 };
        let w = Words(visitor.language);
        let rail = Self {
            w,
            case: site.case.case.title.clone(),
            crumb: crumb(site, w, standing.as_deref()),
            who: session.who,
            token: session.token,
            here: visitor.here.clone(),
            parts: parts(w, standing.as_deref(), counts, address),
            languages: site.case.case.page_languages(),
        };
        Ok((rail, standing))
    }

    pub(crate) fn t(&self, key: &str) -> String {
        self.w.t(key)
    }

    pub(crate) fn t1(&self, key: &str, name: &str, value: impl Display) -> String {
        self.w.t1(key, name, value)
    }

    pub(crate) fn n(&self, number: &u64) -> String {
        self.w.number(*number)
    }

    pub(crate) fn lang(&self) -> &'static str {
        self.w.0.tag()
    }

    pub(crate) fn style(&self) -> &'static str {
        crate::asset::style()
    }

    pub(crate) fn icon(&self) -> &'static str {
        crate::asset::icon()
    }

    pub(crate) fn verdict(&self, verdict: &Verdict) -> &'static str {
        verdict.label(self.w.0)
    }

    pub(crate) fn state(&self, state: &NoticeState) -> String {
        self.w.t(&format!("state-{}", state.name()))
    }

    pub(crate) fn others(&self) -> Vec<(&'static str, &'static str, String)> {
        let others = self.languages.iter().filter(|language| **language != self.w.0);
        let joint = if self.here.contains('?') { '&' } else { '?' };
        others.map(|one| (one.tag(), own_name(*one), format!("{}{joint}lang={}", self.here, one.tag()))).collect()
    }
}

/// A moment as tables write it: `2013-04-19 02:14:05 JST`.
pub(crate) fn moment(site: &Site, at_ms: i64) -> String {
    match Timestamp::from_millisecond(at_ms) {
        Ok(at) if at_ms > 0 => at.to_zoned(site.case.case.timezone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string(),
        _ => String::new(),
    }
}

fn crumb(site: &Site, w: Words, standing: Option<&Standing>) -> String {
    match standing {
        Some(standing) => {
            let when = moment(site, standing.scope.frozen_at_ms);
            w.with("crumb-scope", &[("number", &standing.scope.number), ("when", &when)])
        }
        None => w.t("crumb-none"),
    }
}

fn parts(w: Words, standing: Option<&Standing>, counts: RailCounts, current: &'static str) -> Vec<Part> {
    let place = |key: &str, address: &'static str, count: Option<u64>| Place {
        name: w.t(key),
        address,
        count: count.map(|count| w.number(count)).unwrap_or_default(),
        current: address == current,
    };
    let statements = standing.map(|standing| standing.bases.iter().map(|basis| basis.statements).sum());
    let version = standing.map(|standing| format!("v{}", standing.scope.number)).unwrap_or_default();
    let scope = Place { count: version, ..place("rail-scope", "/scope", None) };
    let part = |key: &str, places: Vec<Place>| Part { title: w.t(key), places };
    vec![
        part(
            "rail-case",
            vec![
                place("rail-stand", "/", None),
                place("rail-facts", "/facts", Some(counts.facts)),
                place("rail-audit", "/audit", None),
            ],
        ),
        part(
            "rail-find",
            vec![
                place("rail-evidence", "/evidence", Some(counts.evidence)),
                place("rail-attack", "/attack", None),
                place("rail-statements", "/statements", statements),
                scope,
                place("rail-persons", "/persons", standing.map(|standing| standing.counts.persons)),
            ],
        ),
        part(
            "rail-tell",
            vec![
                place("rail-plan", "/plan", None),
                place("rail-notices", "/notices", standing.map(Standing::affected)),
                place("rail-replies", "/replies", None),
                place("rail-statement", "/statement", None),
            ],
        ),
        part("rail-mend", vec![place("rail-rights", "/rights", None)]),
    ]
}
