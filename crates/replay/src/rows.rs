//! Rows in the page: UNION and whatever else makes a page show rows of the intruder's choice. A shape is compiled once
//! (`plan`, by way of `rewrite`), answered from the snapshot (`evaluate`), and the bytes that the page must then have had are
//! compared with those that the log shows (`page`). Here: what follows from that.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;

use kintsugi_case::{ColumnSet, Shows, Technique, Verdict};

use crate::conclusion::{Cells, Conclusion, Ground};
use crate::error::{Failure, Result};
use crate::query::Fate;
use crate::rollback::Unclear;
use crate::statement::{Observation, Statement, shown};
use crate::widened::Widened;

mod aggregate;
mod cache;
mod columns;
mod evaluate;
mod kept;
mod native;
mod page;
mod plan;
mod render;
mod rewrite;
mod row_json;
mod size;
mod width;
mod xml;

pub(crate) use evaluate::{Evaluator, Taken, bind, bind_as_written, number};
pub(crate) use native::{columns as native_columns, key_values};
pub(crate) use plan::{Plan, QUESTION, Values, by_itself, parses, plan, query, values};
pub(crate) use rewrite::{is_of_the_server, last, reads_the_server};
pub(crate) use size::Text;
pub(crate) use width::mismatch;

use evaluate::{Answer, Arrived};
use kept::Kept;
use page::{Known, Page, Seen};

use crate::data::Data;

const PARTIAL: &str = "the statement asked for a part of the value";
const CUT: &str = "the answer was cut at the server's limit for aggregates inside this row";
const EQUAL: &str = "the value that arrived is that of several records, and nobody can say whose it was";
const UNSEEN: &str = "nothing tells whether the page shows this column";
const CHANGED: &str = "the page had the size that these values give it, within what values that are not known allow";
const WIDE: &str = "too many of these values were changed since then, or are not known, for the page's size to tell";
const MOVED: &str = "rows came or went at about this time: whether this one was shown does not follow from the page's size";
const UNORDERED: &str = "without ORDER BY the server's order decides which row it was, and too few pages confirm it";

const NO_ROWS: &str = "the query log says that the statement sent no rows";
const OTHER_ROWS: &str = "the query log says that the statement sent another number of rows than the snapshot has for it";

/// What is unknown of a page's size is at most one part in so many of what is known, or the size tells nothing.
const KNOWN_SHARE: u64 = 4;

/// Statements of a shape that agree with the order in which rows came, before that order is believed.
const ORDER_TOLD_BY: usize = 4;

/// The statements of a source that asked for rows.
pub(crate) struct Rows {
    evaluator: Evaluator,
    answered: Kept,
    /// Ordinary pages by endpoint.
    ordinary: Vec<(usize, Seen)>,
    /// Pages asked for without the parameter.
    whole: Vec<(usize, Seen)>,
}

/// A statement that was replayed, with what the log shows of its answer.
struct Answered {
    shape: usize,
    observed: Observation,
    answer: Answer,
    value: Text,
    literals: Box<str>,
}

impl Rows {
    pub(crate) fn new(data: std::rc::Rc<Data>) -> Self {
        Self { evaluator: Evaluator::new(data), answered: Kept::default(), ordinary: Vec::new(), whole: Vec::new() }
    }

    /// Replays a statement that came by this parameter value; an error says why that cannot be done.
    pub(crate) fn take(
        &mut self,
        plan: &Plan,
        statement: Statement<'_>,
        shows: Shows,
        value: &str,
    ) -> std::result::Result<(), Failure> {
        let Statement { shape, literals, observed } = statement;
        let answer = self.evaluator.answer(plan, literals, shows)?;
        let value = Text::of_bytes(value.as_bytes());
        self.answered.push(&Answered { shape, observed, answer, value, literals: shown(literals).into_boxed_str() });
        Ok(())
    }

    /// Takes an ordinary request of an endpoint: it exposes nothing, and its size tells how the page comes about.
    pub(crate) fn learn(
        &mut self,
        endpoint: usize,
        plan: &Plan,
        statement: Statement<'_>,
        shows: Shows,
        value: &str,
    ) -> std::result::Result<(), Failure> {
        let Statement { literals, observed, .. } = statement;
        let answer = self.evaluator.answer(plan, literals, shows)?;
        if observed.status == 200 && !answer.unknown && answer.most.is_none() {
            let value = Text::of_bytes(value.as_bytes());
            self.ordinary.push((endpoint, Seen { shown: answer.shown, value, bytes: observed.bytes }));
        }
        Ok(())
    }

    /// Takes a request without the parameter: perhaps the page shows all rows then.
    pub(crate) fn learn_whole(&mut self, endpoint: usize, plan: &Plan, statement: Statement<'_>, shows: Shows) {
        let Statement { literals, observed, .. } = statement;
        if let Ok(answer) = self.evaluator.answer(plan, literals, shows)
            && observed.status == 200
            && !answer.unknown
        {
            self.whole.push((endpoint, Seen { shown: answer.shown, value: Text::default(), bytes: observed.bytes }));
        }
    }

    /// Judges every statement and writes down what follows.
    pub(crate) fn conclude(mut self, into: &mut Conclusion<'_>) -> Result<()> {
        let pages = self.pages(into);
        let orders = self.orders(&pages, into);
        let mut widened = Widened::default();
        self.answered.each(|statement| {
            let judged = judge(statement, &pages, into);
            into.judged(judged.agrees);
            widen(&judged, &orders, &mut widened);
            write(&judged, &orders, into)
        })?;
        widened.conclude(Technique::Union, self.evaluator.data(), into)
    }

    fn pages(&mut self, into: &Conclusion<'_>) -> HashMap<usize, Page> {
        let (mut seen, mut ordinary) = (HashMap::<usize, Thinned>::new(), HashMap::<usize, Thinned>::new());
        let mut own = HashMap::<usize, Thinned>::new();
        for (endpoint, page) in self.ordinary.drain(..) {
            ordinary.entry(endpoint).or_default().push(page.clone());
            seen.entry(endpoint).or_default().push(page);
        }
        let Ok(()) = self.answered.each(|Answered { shape, observed, answer, value, .. }| {
            let ran = into.nothing(*shape, observed).is_none();
            if ran && observed.status == 200 && !answer.unknown && !answer.unsure && answer.most.is_none() {
                let page = Seen { shown: answer.shown.clone(), value: *value, bytes: observed.bytes };
                let endpoint = into.shapes[*shape].endpoint;
                if into.shapes[*shape].shows_nothing_beside() {
                    own.entry(endpoint).or_default().push(page.clone());
                }
                seen.entry(endpoint).or_default().push(page);
            }
            Ok::<(), Infallible>(())
        });
        let alone = |endpoint: usize| ordinary.get(&endpoint).map_or(&[] as &[Seen], |pages| &pages.list);
        let whole = |endpoint: usize| {
            self.whole.iter().filter(|(of, _)| *of == endpoint).map(|(_, page)| page.clone()).collect::<Vec<_>>()
        };
        let learned = |(endpoint, pages): (usize, Thinned)| {
            let own = own.get(&endpoint).map_or(&[] as &[Seen], |pages| &pages.list);
            let known = Known { all: &pages.list, ordinary: alone(endpoint), whole: &whole(endpoint), own };
            Some((endpoint, page::learn_both(known)?))
        };
        seen.into_iter().filter_map(learned).collect()
    }

    /// What the pages of each shape say about the order in which its rows came.
    fn orders(&self, pages: &HashMap<usize, Page>, into: &Conclusion<'_>) -> HashMap<usize, Order> {
        let (mut shapes, mut known) = (HashMap::<usize, String>::new(), HashMap::<String, Agreement>::new());
        let Ok(()) = self.answered.each(|statement| {
            if !statement.observed.refused() && into.nothing(statement.shape, &statement.observed).is_none() {
                let agrees = judge(statement, pages, into).agrees;
                let walk = shapes.entry(statement.shape).or_insert_with(|| without_lists(&into.shapes[statement.shape].sql));
                known.entry(walk.clone()).or_default().count(agrees, statement.observed.bytes);
            }
            Ok::<(), Infallible>(())
        });
        shapes.into_iter().filter_map(|(shape, walk)| Some((shape, known.get(&walk)?.order()))).collect()
    }
}

/// A shape with its lists of literals as one: `NOT IN (?1, ?2, ?3)` grows from statement to statement.
fn without_lists(sql: &str) -> String {
    let mut pieces = Vec::new();
    for piece in sql.split(", ?") {
        let rest = piece.trim_start_matches(|c: char| c.is_ascii_digit());
        if pieces.is_empty() || !rest.is_empty() {
            pieces.push(rest);
        }
    }
    pieces
        .join(", ?")
        .split('?')
        .map(|piece| piece.trim_start_matches(|c: char| c.is_ascii_digit()))
        .collect::<Vec<_>>()
        .join("?")
}

/// Pages kept of an endpoint, before every second of them is left out.
const PAGES_KEPT_MAX: usize = 8192;

/// Some pages, spread over all that there were.
struct Thinned {
    list: Vec<Seen>,
    /// One in so many is kept.
    step: usize,
    seen: usize,
}

impl Default for Thinned {
    fn default() -> Self {
        Self { list: Vec::new(), step: 1, seen: 0 }
    }
}

impl Thinned {
    fn push(&mut self, page: Seen) {
        if self.seen.is_multiple_of(self.step) {
            self.list.push(page);
        }
        self.seen += 1;
        if self.list.len() == PAGES_KEPT_MAX {
            let mut even = false;
            self.list.retain(|_| {
                even = !even;
                even
            });
            self.step *= 2;
        }
    }
}

/// One statement with the verdict about it.
struct Judged<'a> {
    statement: &'a Answered,
    page: Option<&'a Page>,
    verdict: Verdict,
    reason: &'static str,
    agrees: bool,
    predicted: u64,
}

fn judge<'a>(statement: &'a Answered, pages: &'a HashMap<usize, Page>, into: &Conclusion<'_>) -> Judged<'a> {
    let page = pages.get(&into.shapes[statement.shape].endpoint);
    let Answered { answer, value, observed, .. } = statement;
    let predicted =
        page.and_then(|page| page.explains(&answer.shown, value, observed.bytes)).filter(|_| !answer.unknown && !answer.unsure);
    let without = page.and_then(|page| page.predicted(&answer.own, value));
    let most = answer.most.as_ref().map(|most| page.and_then(|page| page.predicted(most, value)));
    let (verdict, reason) = match (predicted, most) {
        (Some(least), Some(Some(most))) => {
            let known = without.map_or_else(|| answer.injected_bytes(), |without| least.saturating_sub(without));
            within(observed, (least, most), known, without)
        }
        (Some(_), Some(None)) => verdict(observed, None, without),
        _ => verdict(observed, predicted, without),
    };
    let differs = verdict == Verdict::Possible && predicted.is_some_and(|bytes| bytes != observed.bytes);
    let reason = answer.unclear.filter(|_| differs).map_or(reason, Unclear::reason);
    let (verdict, reason) = by_the_query_log(statement, (verdict, reason), into);
    let agrees =
        observed.status == 200 && verdict != Verdict::Excluded && (predicted == Some(observed.bytes) || reason == CHANGED);
    Judged { statement, page, verdict, reason, agrees, predicted: predicted.unwrap_or(0) }
}

/// What the query log says of the statement goes before what the page's size says: nothing sent is nothing taken, and other
/// rows than the replay has are not these rows.
fn by_the_query_log(statement: &Answered, by_size: (Verdict, &'static str), into: &Conclusion<'_>) -> (Verdict, &'static str) {
    let Answered { shape, observed, answer, .. } = statement;
    let endpoint = into.shapes[*shape].endpoint;
    let is_exact = into.endpoints.get(endpoint).shows == Shows::Rows && answer.most.is_none() && !answer.unknown;
    match into.fates.get(endpoint, observed) {
        _ if by_size.0 == Verdict::Excluded => by_size,
        Some(Fate::Nothing(reason)) => (Verdict::Excluded, reason),
        Some(Fate::Rows(0)) => (Verdict::Excluded, NO_ROWS),
        Some(Fate::Rows(rows)) if is_exact && by_size.0 == Verdict::Proved && rows != u64::from(answer.shown.rows) => {
            (Verdict::Possible, OTHER_ROWS)
        }
        _ => by_size,
    }
}

/// The verdict where some of the values are not known: the page lies between two sizes, of which `known` bytes are values.
fn within(seen: &Observation, (least, most): (u64, u64), known: u64, without: Option<u64>) -> (Verdict, &'static str) {
    let fits = seen.status == 200 && (least.min(most)..=least.max(most)).contains(&seen.bytes);
    match fits {
        true if least.abs_diff(most) * KNOWN_SHARE <= known => (Verdict::Proved, CHANGED),
        true => (Verdict::Possible, WIDE),
        false => verdict(seen, Some(if seen.bytes < least { least } else { most }), without),
    }
}

/// What the pages of a shape say about the order in which its rows came.
#[derive(Clone, Copy, Default)]
struct Order {
    /// Nearly all of them agree with it.
    agrees: bool,
    /// And they differ enough to tell it from others.
    told: bool,
}

/// How the pages of a shape agree with the replay.
#[derive(Default)]
struct Agreement {
    all: usize,
    agreeing: usize,
    /// Different sizes among those that agree, as far as they matter.
    sizes: HashSet<u64>,
}

impl Agreement {
    fn count(&mut self, agrees: bool, bytes: u64) {
        self.all += 1;
        if agrees {
            self.agreeing += 1;
            if self.sizes.len() < ORDER_TOLD_BY {
                self.sizes.insert(bytes);
            }
        }
    }

    fn order(&self) -> Order {
        let agrees = self.agreeing * 20 >= self.all * 19;
        Order { agrees, told: agrees && self.sizes.len() >= ORDER_TOLD_BY }
    }
}

fn write(judged: &Judged<'_>, orders: &HashMap<usize, Order>, into: &mut Conclusion<'_>) -> Result<()> {
    for taken in &judged.statement.answer.taken {
        let order = orders.get(&judged.statement.shape).copied().unwrap_or_default();
        let unordered = taken.by_place && !(order.told || order.agrees && taken.rows.scans);
        let columns = Columns::of(taken, judged.page);
        let mut done = Ok(());
        taken.for_each(&mut |arrived| {
            if done.is_ok() {
                done = expose(judged, taken, &columns[arrived.slot], arrived, unordered, into);
            }
        });
        done?;
    }
    Ok(())
}

/// Where the page does not fit the rows at the statement's place, and pages of its shape seldom do, it was another row; and
/// where its order is not followed, it may have been any.
fn widen(judged: &Judged<'_>, orders: &HashMap<usize, Order>, widened: &mut Widened) {
    let Answered { shape, observed, answer, .. } = judged.statement;
    let fits = judged.agrees || judged.predicted == 0 || orders.get(shape).is_some_and(|order| order.agrees);
    if judged.verdict != Verdict::Possible || fits && !answer.unsure {
        return;
    }
    for taken in answer.taken.iter().filter(|taken| taken.placed) {
        for (columns, &table) in Columns::of(taken, judged.page).iter().zip(&taken.rows.slots) {
            let all = ColumnSet(columns.whole.0 | columns.part.0 | columns.unseen.0);
            if !all.is_empty() {
                widened.add(*shape, table, all, *observed);
            }
        }
    }
}

/// The columns of one slot, by how they arrived.
#[derive(Clone, Copy, Default)]
struct Columns {
    whole: ColumnSet,
    part: ColumnSet,
    /// Whole if the page shows them, which nothing tells.
    unseen: ColumnSet,
}

impl Columns {
    /// What each slot's row carried on to the page.
    fn of(taken: &Taken, page: Option<&Page>) -> Vec<Self> {
        let mut slots = vec![Self::default(); taken.rows.slots.len()];
        for (at, column) in taken.rows.columns.iter().enumerate() {
            let place = taken.first_column + at;
            if page.is_some_and(|page| !page.shows(place) && !page.is_open(place)) {
                continue;
            }
            let open = page.is_some_and(|page| page.is_open(place));
            for piece in column.pieces() {
                let Some(slot) = slots.get_mut(piece.slot) else { continue };
                let whole = if open { &mut slot.unseen } else { &mut slot.whole };
                whole.0 |= piece.whole.0;
                slot.part.0 |= piece.part.0;
            }
        }
        for slot in &mut slots {
            slot.unseen = slot.unseen.without(slot.whole);
            slot.part = slot.part.without(slot.whole).without(slot.unseen);
        }
        slots
    }
}

/// One exposure for each way in which columns of the row arrived.
fn expose(
    judged: &Judged<'_>,
    taken: &Taken,
    columns: &Columns,
    arrived: Arrived,
    unordered: bool,
    into: &mut Conclusion<'_>,
) -> Result<()> {
    let doubt = match () {
        () if arrived.part => Some(CUT),
        () if arrived.equal => Some(EQUAL),
        () if judged.statement.answer.moved => Some(MOVED),
        () if unordered => Some(UNORDERED),
        () => None,
    };
    let kinds = [(columns.whole, doubt), (columns.part, doubt.or(Some(PARTIAL))), (columns.unseen, doubt.or(Some(UNSEEN)))];
    for (columns, doubt) in kinds.into_iter().filter(|(columns, _)| !columns.is_empty()) {
        let doubt = doubt.filter(|_| judged.verdict == Verdict::Proved);
        let (verdict, reason) = doubt.map_or((judged.verdict, judged.reason), |reason| (Verdict::Possible, reason));
        let shape = judged.statement.shape;
        let ground = Ground { shape, table: taken.rows.slots[arrived.slot], technique: Technique::Union, verdict, reason };
        let cells = Cells {
            row: arrived.row,
            columns,
            observed: judged.statement.observed,
            predicted_bytes: judged.predicted,
            agrees: judged.agrees,
            literals: &judged.statement.literals,
        };
        into.expose(ground, &cells)?;
    }
    Ok(())
}

/// `without` is the size of the page had the injected part given nothing.
fn verdict(seen: &Observation, predicted: Option<u64>, without: Option<u64>) -> (Verdict, &'static str) {
    use Verdict::{Excluded, Possible, Proved};
    match (seen.status, predicted) {
        (status, _) if seen.refused() => match status {
            401 | 403 | 406 | 429 => (Excluded, "the server refused the request"),
            300..=399 => (Excluded, "the server sent the client elsewhere instead of showing rows"),
            _ => (Excluded, "the request failed: the server sent an error instead of the page"),
        },
        (200, Some(bytes)) if bytes == seen.bytes && without == predicted => {
            (Possible, "the page has the same size with and without these values")
        }
        (200, Some(bytes)) if bytes == seen.bytes => (Proved, "the page had exactly the size that these values give it"),
        (200, _) if seen.bytes == 0 || without.is_some_and(|bytes| bytes == seen.bytes) => {
            (Excluded, "the page had the size it has without the values asked for")
        }
        (200, Some(bytes)) if seen.bytes < bytes => (Possible, "the page was smaller than these values make it"),
        (200, Some(_)) => (Possible, "the page was larger than these values make it"),
        (200, None) => (Possible, "too few pages of this kind to tell by their size what they showed"),
        _ => (Possible, "the connection ended before the page did"),
    }
}
