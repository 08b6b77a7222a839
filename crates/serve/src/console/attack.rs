//! The attack: who, in which phases, by which shapes of statement, what came of it, and what would settle the doubts. Behind
//! each shape a few statements, each as it was sent, as it was understood, and what it returned, masked.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Html;
use kintsugi_case::{Actor, Attack, AttackGroup, AttackShape, Outcome, Phase, ShownStatement, Verdict};
use kintsugi_report::attack::{About, Settled, Timeline, plain, settle, timeline};
use kintsugi_report::reason;
use serde::Deserialize;

use super::Rail;
use super::rail::moment;
use crate::failure::Failure;
use crate::session::Session;
use crate::site::Site;
use crate::visitor::Visitor;

/// Shapes of a phase in the table.
const SHAPES_MAX: usize = 12;
/// Actors shown one by one.
const ACTORS_MAX: usize = 8;

/// The page.
#[derive(Template)]
#[template(path = "console/attack.html")]
pub(crate) struct Page {
    pub(crate) f: Rail,
    pub(crate) drawing: Option<Timeline>,
    pub(crate) actors: Vec<ActorPart>,
    /// Actors beyond the first few.
    pub(crate) more: u64,
    pub(crate) others: u64,
    pub(crate) doubts: Vec<Settled>,
}

/// An actor with what they did.
pub(crate) struct ActorPart {
    pub(crate) place: usize,
    pub(crate) networks: String,
    pub(crate) agents: String,
    pub(crate) sessions: String,
    pub(crate) when: String,
    /// `cards: pan, exp`, verdict, cells, rows.
    pub(crate) took: Vec<(String, Verdict, u64, u64)>,
    pub(crate) phases: Vec<PhasePart>,
}

/// A phase of an actor.
pub(crate) struct PhasePart {
    pub(crate) name: &'static str,
    pub(crate) statements: u64,
    pub(crate) shapes: Vec<ShapeLine>,
    pub(crate) more: u64,
}

/// A shape in the table.
pub(crate) struct ShapeLine {
    pub(crate) id: u32,
    pub(crate) sql: String,
    pub(crate) endpoint: String,
    pub(crate) statements: u64,
    pub(crate) refused: u64,
    pub(crate) bytes: u64,
    pub(crate) cells: u64,
    pub(crate) verdict: Option<Verdict>,
}

/// `GET /attack`
pub(crate) async fn show(State(site): State<Site>, visitor: Visitor, session: Session) -> Result<Html<String>, Failure> {
    let (f, standing) = Rail::new(&site, &visitor, session, "/attack").await?;
    let none = Attack::default();
    let attack = standing.as_ref().and_then(|standing| standing.attack.as_ref()).unwrap_or(&none);
    let ranked = attack.ranked();
    let shown = ranked.iter().take(ACTORS_MAX).enumerate();
    let actors = shown.map(|(place, actor)| actor_part(&site, attack, place + 1, actor, &f)).collect();
    let drawing = timeline(attack, &about(&site, &f));
    let doubts = settle(attack, f.w.0, &site.case.case.timezone);
    let more = ranked.len().saturating_sub(ACTORS_MAX) as u64;
    let others = (attack.actors.len() - ranked.len()) as u64;
    Ok(Html(Page { f, drawing, actors, more, others, doubts }.render()?))
}

fn about<'a>(site: &'a Site, f: &Rail) -> About<'a> {
    let case = &site.case;
    About {
        case: &case.case.id,
        title: &case.case.title,
        controller: &case.controller.name,
        domain: &case.controller.domain,
        language: f.w.0,
        zone: &case.case.timezone,
        as_of_ms: 0,
        aware_at_ms: None,
        fields: &[],
        records: (0, 0),
    }
}

fn actor_part(site: &Site, attack: &Attack, place: usize, actor: &Actor, f: &Rail) -> ActorPart {
    let span = attack.span(Some(actor.id));
    let hauls = attack.hauls.iter().filter(|haul| haul.actor == Some(actor.id));
    let name = |haul: &kintsugi_case::Haul| plain(&format!("{}: {}", haul.table, haul.columns.join(", ")));
    ActorPart {
        place,
        networks: plain(&actor.networks.join(", ")),
        agents: plain(&actor.agents.join(", ")),
        sessions: actor.sessions.join(", "),
        when: span.map_or_else(String::new, |(from, to)| format!("{} – {}", moment(site, from.at_ms), moment(site, to.at_ms))),
        took: hauls.map(|haul| (name(haul), haul.verdict, haul.cells, haul.rows)).collect(),
        phases: Phase::ALL.into_iter().rev().filter_map(|phase| phase_part(attack, actor, phase, f)).collect(),
    }
}

fn phase_part(attack: &Attack, actor: &Actor, phase: Phase, f: &Rail) -> Option<PhasePart> {
    let mut groups: Vec<(&AttackGroup, &AttackShape)> = attack.groups_of(actor.id, phase).collect();
    let statements = groups.iter().map(|(group, _)| group.volume.statements).sum();
    let mut lines: Vec<ShapeLine> = groups.drain(..).map(|(group, shape)| shape_line(attack, group, shape)).collect();
    lines.sort_by_key(|line| std::cmp::Reverse((line.verdict, line.cells, line.statements)));
    let more = lines.len().saturating_sub(SHAPES_MAX) as u64;
    lines.truncate(SHAPES_MAX);
    (!lines.is_empty()).then(|| PhasePart { name: phase.label(f.w.0), statements, shapes: lines, more })
}

fn shape_line(attack: &Attack, group: &AttackGroup, shape: &AttackShape) -> ShapeLine {
    let taken = attack.outcomes_of(shape.id).flat_map(|outcome| outcome.taken.iter().map(move |taken| (outcome.verdict, taken)));
    let of_actor: Vec<_> = taken.filter(|(_, taken)| taken.actor == Some(group.actor)).collect();
    let verdict = of_actor.iter().map(|(verdict, _)| *verdict).max();
    ShapeLine {
        id: shape.id,
        sql: plain(if shape.injected().is_empty() { &shape.open } else { shape.injected() }),
        endpoint: plain(&shape.endpoint),
        statements: group.volume.statements,
        refused: group.volume.refused,
        bytes: group.volume.bytes,
        cells: of_actor.iter().filter(|(one, _)| Some(*one) == verdict).map(|(_, taken)| taken.cells).sum(),
        verdict,
    }
}

/// The page of a shape.
#[derive(Template)]
#[template(path = "console/attack_shape.html")]
pub(crate) struct ShapePage {
    pub(crate) f: Rail,
    pub(crate) sql: String,
    pub(crate) endpoint: String,
    pub(crate) phase: &'static str,
    /// What followed, each with its cells.
    pub(crate) outcomes: Vec<(Outcome, u64)>,
    pub(crate) doubts: Vec<Settled>,
    /// Statements of this page, each with its time.
    pub(crate) statements: Vec<(String, ShownStatement)>,
    /// The address of the page before and of the one after, without the page's number.
    pub(crate) before: Option<usize>,
    pub(crate) after: Option<usize>,
    /// Statements that are shown on all pages, and all that were asked.
    pub(crate) shown: u64,
    pub(crate) asked: u64,
}

/// Statements on a page.
const STATEMENTS_MAX: usize = 12;

/// Which page of a shape's statements is wanted, from 1.
#[derive(Deserialize)]
pub(crate) struct ShapeQuery {
    page: Option<usize>,
}

impl ShapePage {
    fn plain(&self, text: &str) -> String {
        plain(text)
    }
}

/// `GET /attack/{shape}`
pub(crate) async fn show_shape(
    State(site): State<Site>,
    visitor: Visitor,
    session: Session,
    Path(shape): Path<u32>,
    Query(query): Query<ShapeQuery>,
) -> Result<Html<String>, Failure> {
    let who = session.who.clone();
    let (f, standing) = Rail::new(&site, &visitor, session, "/attack").await?;
    let Some(standing) = standing else { return Err(Failure::NotFound) };
    let Some(attack) = standing.attack.as_ref() else { return Err(Failure::NotFound) };
    let Some(found) = attack.shape(shape) else { return Err(Failure::NotFound) };
    // Lines and statements may hold what the intruder asked about people: who looked is written down.
    site.store.audit(&who, &format!("viewed statements of shape {shape}"), site.now_ms()).await?;
    let statements = site.store.attack_statements(standing.scope.number, shape).await?;
    let outcomes: Vec<(Outcome, u64)> = attack.outcomes_of(shape).map(|outcome| told(outcome, &f)).collect();
    let of_shape = |doubt: &Settled| doubt.bases.iter().any(|basis| outcomes.iter().any(|(outcome, _)| outcome.basis == *basis));
    let doubts = settle(attack, f.w.0, &site.case.case.timezone).into_iter().filter(of_shape).collect();
    let asked = attack.groups.iter().filter(|group| group.shape == shape).map(|group| group.volume.statements).sum();
    let (shown, pages) = (statements.len() as u64, statements.len().div_ceil(STATEMENTS_MAX).max(1));
    let page = query.page.unwrap_or(1).clamp(1, pages);
    let of_page = statements.into_iter().skip((page - 1) * STATEMENTS_MAX).take(STATEMENTS_MAX);
    let statements = of_page.map(|one| (moment(&site, one.sample.moment.at_ms), one)).collect();
    let (before, after) = ((page > 1).then(|| page - 1), (page < pages).then_some(page + 1));
    let sql = plain(if found.sql.is_empty() { &found.open } else { &found.sql });
    let (endpoint, phase) = (plain(&found.endpoint), found.phase().label(f.w.0));
    Ok(Html(ShapePage { f, sql, endpoint, phase, outcomes, doubts, statements, before, after, shown, asked }.render()?))
}

/// An outcome with its reason in the reader's language, and its cells.
fn told(outcome: &Outcome, f: &Rail) -> (Outcome, u64) {
    let reason = reason(&outcome.reason, f.w.0).into_owned();
    (Outcome { reason, ..outcome.clone() }, outcome.cells())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_sheet_knows_the_drawing() {
        let sheet = include_str!("../../assets/site.css");
        assert!(sheet.contains(kintsugi_report::attack::style()), "copy report::attack::style() into site.css");
    }
}
