//! Who asked what: the statements of one source by actor and shape, with counts, times and a few samples, in bounded
//! memory. A hundred thousand statements of one shape are one group.
//!
//! `actors` tells who a request is from, `phase` what a shape is about, `mask` what of it can be shown to others. Not here:
//! what a statement took (`conclusion`), and the picture itself (`report`).

mod actors;
mod mask;
mod phase;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use kintsugi_case::{
    ActorLines, AttackGroup, AttackPart, AttackSample, AttackShape, BasisId, EvidenceLine, Moment, Technique, Volume, mask_pans,
};

use crate::Next;
use crate::catalog::Catalog;
use crate::conclusion::{Sink, unnumbered};
use crate::context::{Endpoints, speaks_sql};
use crate::error::Result;
use crate::investigation::Shape;
use crate::lexer::Literal;
use crate::request::Carried;
use crate::statement::Observation;

use actors::Actors;
pub(crate) use actors::Who;

/// Actor and shape pairs that are told apart; what is beyond goes to the last one.
const GROUPS_MAX: usize = 65_536;
/// Spans of time of one group; with more of them, each becomes twice as long.
const SPANS_MAX: usize = 256;
/// The shortest span, milliseconds.
const SPAN_MS: i64 = 1_000;
/// Statements kept to be shown.
const SAMPLES_MAX: usize = 2_048;
/// How much of one is kept, in characters.
const SAMPLE_CHARS_MAX: usize = 4_000;

/// The statements of one source.
#[derive(Default)]
pub(crate) struct Attack {
    actors: Actors,
    /// Who sends the statements that are being taken.
    current: usize,
    groups: HashMap<(usize, usize), Group>,
    lines: Vec<ActorLines>,
    /// Statements come in the order of their lines: not where they are joined from a query log afterwards.
    in_order: bool,
    samples: Vec<AttackSample>,
    /// Statements one by one, where somebody wants them.
    events: Option<Vec<Event>>,
}

/// A statement on its way to whoever wants them one by one.
pub(crate) struct Event {
    pub(crate) shape: usize,
    pub(crate) observed: Observation,
    pub(crate) who: Who,
}

/// Statements of one shape by one actor.
struct Group {
    volume: Volume,
    first: Moment,
    last: Moment,
    times: BTreeMap<i64, u64>,
    span_ms: i64,
}

/// A statement as it is taken.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'a> {
    /// Index of the endpoint.
    pub(crate) endpoint: usize,
    /// Index of the shape.
    pub(crate) shape: usize,
    /// The shape's text with numbered places.
    pub(crate) sql: &'a str,
    /// What stood in them; none where the statement cannot be read.
    pub(crate) literals: &'a [Literal],
    /// The value of the parameter.
    pub(crate) text: &'a str,
    /// What came back.
    pub(crate) observed: Observation,
    /// It asks about card data bit by bit: its literals are as good as the data.
    pub(crate) hides: bool,
}

/// How sure it is that a statement was meant as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meant {
    /// A list, a sum or a stray quote: an honest value may come out so.
    NotSurely,
    /// It has words of SQL; several such shapes are no accident.
    Perhaps,
    /// It has a query or a call of its own.
    Surely,
}

impl Meant {
    /// Judges the intruder's part of a shape and the value that it came from.
    fn of(injected: &str, text: &str) -> Self {
        const WORDS: [&str; 12] =
            ["and", "or", "not", "order", "group", "having", "like", "rlike", "regexp", "case", "between", "is"];
        let mut words = injected.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_ascii_lowercase);
        match () {
            // What no context makes a statement of may be a sentence: "select from here".
            () if speaks_sql(text) => {
                if injected.is_empty() {
                    Self::Perhaps
                } else {
                    Self::Surely
                }
            }
            () if words.any(|word| WORDS.contains(&word.as_str()) || word == "union" || word == "select") => Self::Perhaps,
            () => Self::NotSurely,
        }
    }
}

impl Attack {
    /// From here on every statement is also kept one by one, until [`Attack::events`] takes them.
    pub(crate) fn listen(&mut self) {
        self.events = Some(Vec::new());
    }

    /// The statements since the last call.
    pub(crate) fn events(&mut self) -> Vec<Event> {
        self.events.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The statements that follow are of this request; `in_agent` where one stands in its `User-Agent`.
    pub(crate) fn asked_by(&mut self, carried: &Carried<'_>, in_agent: bool) {
        self.from(Who::of(carried, in_agent));
        self.in_order = true;
    }

    /// The statements that follow are this client's.
    pub(crate) fn from(&mut self, who: Who) {
        self.current = self.actors.of(who);
        self.in_order = false;
    }

    /// Takes a statement.
    pub(crate) fn take(&mut self, asking: Asking<'_>, endpoints: &Endpoints) {
        let Asking { shape, observed, .. } = asking;
        self.line(observed.line);
        let key = (self.current, shape);
        if !self.groups.contains_key(&key) {
            let injected = &asking.sql[endpoints.injected(asking.endpoint, asking.sql)];
            self.actors.asked(self.current, Meant::of(injected, asking.text));
        }
        let count = if self.groups.len() < GROUPS_MAX || self.groups.contains_key(&key) {
            self.groups.entry(key).or_insert_with(|| Group::new(observed)).add(observed)
        } else {
            0
        };
        if is_sampled(count) && self.samples.len() < SAMPLES_MAX {
            self.samples.push(sample(self.current, asking));
        }
        if let Some(events) = &mut self.events {
            events.push(Event { shape, observed, who: self.actors.get(self.current).clone() });
        }
    }

    /// Notes whose line this is; consecutive statements of one actor are one entry.
    fn line(&mut self, line: EvidenceLine) {
        let actor = self.current as u32;
        if let Some(last) = self.lines.last_mut()
            && last.actor == actor
            && last.first.evidence == line.evidence
            && last.last <= line.line
            && self.in_order
        {
            last.last = line.line;
            return;
        }
        self.lines.push(ActorLines { first: line, last: line.line, actor });
    }

    /// Hands everything over. Numbers of actors and shapes run on from those given; gives the numbers after them.
    pub(crate) fn conclude(self, told: &Told<'_>, next: Next, sink: &mut dyn Sink) -> Result<u32> {
        let (actors, of) = self.actors.finish(next.actor, &first_lines(&self.groups));
        let last = actors.len() as u32;
        for actor in actors {
            sink.attack(AttackPart::Actor(actor))?;
        }
        let families = told.families(self.groups.keys().map(|(_, shape)| *shape).collect(), next.shape, sink)?;
        for group in gathered(self.groups, &of, &families) {
            sink.attack(AttackPart::Group(group))?;
        }
        for sample in self.samples {
            let (actor, shape) = (of[sample.actor as usize], families[&(sample.shape as usize)]);
            sink.attack(AttackPart::Sample(AttackSample { actor, shape, ..sample }))?;
        }
        for lines in joined(self.lines, &of) {
            sink.attack(AttackPart::Lines(lines))?;
        }
        for (shape, basis, _) in told.links {
            if let Some(&shape) = families.get(shape) {
                sink.attack(AttackPart::Basis { shape, basis: basis.0 })?;
            }
        }
        Ok(last)
    }
}

/// What the shapes are, as the investigation ends.
pub(crate) struct Told<'a> {
    pub(crate) source: &'a str,
    pub(crate) catalog: &'a Catalog,
    pub(crate) endpoints: &'a Endpoints,
    pub(crate) shapes: &'a [Shape],
    /// Which shape each basis rests on, and how its answers left.
    pub(crate) links: &'a [(usize, BasisId, Technique)],
}

impl Told<'_> {
    /// Hands over the shapes, those that differ in the length of a list alone as one; gives the number of each.
    fn families(&self, shapes: BTreeSet<usize>, next: u32, sink: &mut dyn Sink) -> Result<HashMap<usize, u32>> {
        let (mut numbers, mut known) = (HashMap::new(), HashMap::new());
        for at in shapes {
            let shape = self.shape(at, next);
            let family = (shape.endpoint.clone(), shortened(shape.injected()), shape.phase, shape.technique, shape.open.clone());
            let id = *known.entry(family).or_insert(shape.id);
            numbers.insert(at, id);
            if id == shape.id {
                sink.attack(AttackPart::Shape(shape))?;
            }
        }
        Ok(numbers)
    }

    /// A shape in the words of the picture; its number runs on from `next`.
    pub(crate) fn shape(&self, at: usize, next: u32) -> AttackShape {
        let shape = &self.shapes[at];
        let part = self.endpoints.injected(shape.endpoint, &shape.sql);
        let (begins, ends) = (unnumbered(&shape.sql[..part.start]).len(), unnumbered(&shape.sql[..part.end]).len());
        let sql = unnumbered(&shape.sql);
        let injected = &sql[begins..ends];
        let of_bases = self.links.iter().find(|(shape, ..)| *shape == at).map(|(_, _, technique)| *technique);
        let is_about = phase::of(shape, injected, self.catalog);
        AttackShape {
            id: number(at, next),
            source: self.source.to_owned(),
            endpoint: self.endpoints.get(shape.endpoint).name.clone(),
            masked: mask::masked(injected, self.catalog),
            phase: Some(phase::settled(is_about, injected, of_bases.is_some())),
            technique: of_bases.or_else(|| phase::technique(shape, injected)),
            open: shape.channel().err().unwrap_or_default().to_owned(),
            begins,
            ends,
            sql,
        }
    }
}

fn number(shape: usize, next: u32) -> u32 {
    next + shape as u32
}

/// A shape's text with its lists shortened: `IN (?, ?, ?)` is `IN (?, …)`.
fn shortened(text: &str) -> String {
    let mut short = text.replace("?, ?", "?, …");
    loop {
        let shorter = short.replace("…, ?", "…").replace("…, …", "…");
        if shorter.len() == short.len() {
            return short;
        }
        short = shorter;
    }
}

impl Group {
    fn new(observed: Observation) -> Self {
        let moment = moment(observed);
        Self { volume: Volume::default(), first: moment, last: moment, times: BTreeMap::new(), span_ms: SPAN_MS }
    }

    /// Gives how many statements there are now.
    fn add(&mut self, observed: Observation) -> u64 {
        let moment = moment(observed);
        self.volume.add(Volume { statements: 1, refused: u64::from(observed.refused()), bytes: observed.bytes });
        if (moment.at_ms, moment.line) < (self.first.at_ms, self.first.line) {
            self.first = moment;
        }
        if (moment.at_ms, moment.line) > (self.last.at_ms, self.last.line) {
            self.last = moment;
        }
        *self.times.entry(floor(moment.at_ms, self.span_ms)).or_default() += 1;
        if self.times.len() > SPANS_MAX {
            (self.times, self.span_ms) = (widened(&self.times, self.span_ms * 2), self.span_ms * 2);
        }
        self.volume.statements
    }

    /// Another provisional actor turned out to be the same.
    fn join(&mut self, other: Self) {
        self.volume.add(other.volume);
        self.first = [self.first, other.first].into_iter().min_by_key(|m| (m.at_ms, m.line)).unwrap_or(self.first);
        self.last = [self.last, other.last].into_iter().max_by_key(|m| (m.at_ms, m.line)).unwrap_or(self.last);
        self.span_ms = self.span_ms.max(other.span_ms);
        self.times = widened(&self.times, self.span_ms);
        widened(&other.times, self.span_ms).into_iter().for_each(|(at, count)| *self.times.entry(at).or_default() += count);
    }
}

fn moment(observed: Observation) -> Moment {
    Moment { at_ms: observed.at_ms, line: observed.line }
}

fn floor(at_ms: i64, span_ms: i64) -> i64 {
    at_ms.div_euclid(span_ms) * span_ms
}

fn widened(times: &BTreeMap<i64, u64>, span_ms: i64) -> BTreeMap<i64, u64> {
    let mut wide = BTreeMap::new();
    times.iter().for_each(|(at, count)| *wide.entry(floor(*at, span_ms)).or_default() += count);
    wide
}

/// The first three statements of a group are kept, then the 10th, the 100th, and so on.
fn is_sampled(count: u64) -> bool {
    (1..=3).contains(&count) || count > 3 && 10_u64.checked_pow(count.ilog10()) == Some(count)
}

fn sample(actor: usize, asking: Asking<'_>) -> AttackSample {
    let Asking { shape, sql, literals, text, observed, hides, .. } = asking;
    let kept = |text: String| mask_pans(&text).chars().take(SAMPLE_CHARS_MAX).collect::<String>();
    let (decoded, sql) =
        if hides { (String::new(), unnumbered(sql)) } else { (kept(text.to_owned()), kept(filled(sql, literals))) };
    let (moment, status, bytes) = (moment(observed), observed.status, observed.bytes);
    AttackSample { actor: actor as u32, shape: shape as u32, moment, status, bytes, decoded, sql }
}

/// The statement with its literals in their places.
fn filled(sql: &str, literals: &[Literal]) -> String {
    let mut text = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(at) = rest.find('?') {
        let after = &rest[at + 1..];
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let literal = after[..digits].parse::<usize>().ok().and_then(|place| literals.get(place.checked_sub(1)?));
        text.push_str(&rest[..at]);
        match literal {
            Some(literal) => text.push_str(&written(literal)),
            None => text.push_str(&rest[at..=at + digits]),
        }
        rest = &after[digits..];
    }
    text.push_str(rest);
    text
}

fn written(literal: &Literal) -> String {
    match literal {
        Literal::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Literal::Integer(number) => number.to_string(),
        Literal::Decimal(number) => number.clone(),
        Literal::Bytes(bytes) => format!("0x{}", data_encoding::HEXLOWER.encode(bytes)),
    }
}

/// The first statement of each provisional actor.
fn first_lines(groups: &HashMap<(usize, usize), Group>) -> HashMap<usize, (i64, EvidenceLine)> {
    let mut first: HashMap<usize, (i64, EvidenceLine)> = HashMap::new();
    for ((actor, _), group) in groups {
        let begins = (group.first.at_ms, group.first.line);
        let known = first.entry(*actor).or_insert(begins);
        *known = begins.min(*known);
    }
    first
}

/// The groups of the actors as they turned out, by actor and shape.
fn gathered(groups: HashMap<(usize, usize), Group>, of: &[u32], families: &HashMap<usize, u32>) -> Vec<AttackGroup> {
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(key, _)| *key);
    let mut gathered: BTreeMap<(u32, u32), Group> = BTreeMap::new();
    for ((actor, shape), group) in groups {
        match gathered.entry((of[actor], families[&shape])) {
            std::collections::btree_map::Entry::Occupied(mut known) => known.get_mut().join(group),
            std::collections::btree_map::Entry::Vacant(place) => drop(place.insert(group)),
        }
    }
    let part = |((actor, shape), group): ((u32, u32), Group)| AttackGroup {
        actor,
        shape,
        volume: group.volume,
        first: group.first,
        last: group.last,
        times: group.times.into_iter().collect(),
        span_ms: group.span_ms,
    };
    gathered.into_iter().map(part).collect()
}

/// Lines in order, no two runs over one line, neighbours of one actor joined. A run within another one cuts it in two.
fn joined(mut lines: Vec<ActorLines>, of: &[u32]) -> Vec<ActorLines> {
    lines.iter_mut().for_each(|lines| lines.actor = of[lines.actor as usize]);
    lines.sort_by_key(|lines| (lines.first, std::cmp::Reverse(lines.last)));
    let (mut apart, mut open): (Vec<ActorLines>, Vec<ActorLines>) = (Vec::new(), Vec::new());
    for next in lines {
        while open.last().is_some_and(|top| top.first.evidence != next.first.evidence || top.last < next.first.line) {
            close(&mut open, &mut apart);
        }
        if let Some(top) = open.last_mut() {
            add_run(&mut apart, ActorLines { last: next.first.line.saturating_sub(1), ..*top });
            top.first.line = next.first.line;
        }
        open.push(next);
    }
    while !open.is_empty() {
        close(&mut open, &mut apart);
    }
    apart
}

/// Ends the innermost run; the one around it goes on behind it.
fn close(open: &mut Vec<ActorLines>, apart: &mut Vec<ActorLines>) {
    let Some(run) = open.pop() else { return };
    add_run(apart, run);
    if let Some(around) = open.last_mut() {
        around.first.line = around.first.line.max(run.last + 1);
    }
}

fn add_run(apart: &mut Vec<ActorLines>, run: ActorLines) {
    if run.last < run.first.line {
        return;
    }
    match apart.last_mut() {
        Some(last) if last.actor == run.actor && last.first.evidence == run.first.evidence => last.last = last.last.max(run.last),
        _ => apart.push(run),
    }
}

#[cfg(test)]
mod tests {
    use kintsugi_case::{ActorLines, EvidenceId, EvidenceLine};

    use super::{Meant, filled, is_sampled, joined, shortened};
    use crate::dialect::Dialect;
    use crate::lexer::template;

    #[test]
    fn a_statement_that_is_joined_later_cuts_the_run_around_it() {
        let run = |first, last, actor| ActorLines { first: EvidenceLine { evidence: EvidenceId(1), line: first }, last, actor };
        let check = |runs: &[ActorLines], expected: &[(u64, u64, u32)]| {
            let found = joined(runs.to_vec(), &[0, 1, 2, 3]);
            assert_eq!(found.iter().map(|run| (run.first.line, run.last, run.actor)).collect::<Vec<_>>(), expected);
        };
        check(
            &[run(1, 90, 1), run(100, 120, 1), run(5, 5, 2), run(7, 7, 3)],
            &[(1, 4, 1), (5, 5, 2), (6, 6, 1), (7, 7, 3), (8, 120, 1)],
        );
        check(&[run(1, 9, 1), run(5, 12, 2), run(20, 20, 1)], &[(1, 4, 1), (5, 12, 2), (20, 20, 1)]);
    }

    #[test]
    fn samples_thin_out() {
        let kept: Vec<u64> = (0..=120_000).filter(|count| is_sampled(*count)).collect();
        assert_eq!(kept, [1, 2, 3, 10, 100, 1000, 10_000, 100_000]);
    }

    #[test]
    fn lists_of_any_length_are_one_shape() {
        assert_eq!(shortened("a IN (?, ?, ?, ?) LIMIT ?, ?"), "a IN (?, …) LIMIT ?, …");
        assert_eq!(shortened("a IN (?, ?) LIMIT ?, ?"), "a IN (?, …) LIMIT ?, …");
        assert_eq!(shortened("SELECT ?, NULL"), "SELECT ?, NULL");
    }

    #[test]
    fn honest_values_are_not_taken_for_an_attack() {
        let meant = [("(?, ?, ?)", "5,6,7"), ("AND ?", "rock' and 'roll"), ("UNION SELECT ?", "0 UNION SELECT(1)")]
            .map(|(injected, text)| Meant::of(injected, text));
        assert_eq!(meant, [Meant::NotSurely, Meant::Perhaps, Meant::Surely]);
    }

    #[test]
    fn literals_return_to_their_places() {
        let sql = "SELECT a FROM t WHERE b = 'it''s' LIMIT 109111, 1";
        let template = template(sql, Dialect::MySql).expect("a statement");
        assert_eq!(filled(&template.sql, &template.literals), sql);
    }
}
