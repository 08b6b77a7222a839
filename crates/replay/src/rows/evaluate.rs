//! Runs a plan on the snapshot: what the page had to show, and the rows it came from. The rows of a query are found once and
//! looked up by LIMIT for each further statement; a hundred thousand statements are a join.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use kintsugi_case::{ColumnSet, Shows};
use rusqlite::Statement;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};

use super::cache::Cache;
use super::plan::{Bound, Branch, Limit, Plan, Rows};
use super::size::{Shown, Text};
use crate::data::Data;
use crate::error::Failure;
use crate::functions::tied;
use crate::joined::{EQUAL, PART, rows_of};
use crate::lexer::Literal;
use crate::patience::Patience;
use crate::rollback::{Side, Unclear};
use crate::server::NativeRow;

/// Sets of literals of one query after which LIMIT is left to SQLite, as whole sets would not be used again.
const SETS_PER_QUERY_MAX: usize = 12;
/// In `RowSet::numbers`: the rest is a place in `lists`.
const LIST: u32 = 1 << 31;

/// What a query gave.
#[derive(Debug, Default)]
pub(crate) struct RowSet {
    /// Size of each value, row by row.
    sizes: Vec<Text>,
    width: usize,
    /// For each slot the row of the snapshot, row by row: 0 where there is none.
    numbers: Vec<u32>,
    slots: usize,
    lists: Vec<Box<[u32]>>,
    /// For each row, the first of those that ORDER BY does not tell apart; empty where it tells all.
    ties: Vec<u32>,
}

/// A row of the snapshot, and how it arrived.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Arrived {
    /// The slot.
    pub(crate) slot: usize,
    /// The row's number.
    pub(crate) row: u64,
    /// Only a part of the value arrived: an aggregate was cut.
    pub(crate) part: bool,
    /// Its value arrived, or that of a row equal to it.
    pub(crate) equal: bool,
}

/// Rows from which a statement's text came.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    /// The query.
    pub(crate) rows: Arc<Rows>,
    /// The column of the page in which its first column stands.
    pub(crate) first_column: usize,
    /// The place in an order that nobody asked for decides which rows these are.
    pub(crate) by_place: bool,
    /// The place in some order decides it.
    pub(crate) placed: bool,
    pub(super) part: Part,
}

/// Which rows a statement took.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// A part of a set.
    Of { set: Arc<RowSet>, from: usize, to: usize },
    /// Few rows, for themselves.
    Rows(Vec<Arrived>),
}

/// A query's rows, and the part of them that a statement asked for.
struct Found {
    set: Arc<RowSet>,
    from: usize,
    to: usize,
    /// The order of the rows decided which these are, and nobody had asked for it.
    by_place: bool,
    /// The order of the rows decided it.
    placed: bool,
}

/// What the page had to show.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    /// All that the page shows.
    pub(crate) shown: Shown,
    /// What the page shows of its own.
    pub(crate) own: Shown,
    /// The rows of the snapshot behind the injected part.
    pub(crate) taken: Vec<Taken>,
    /// A part of the text is of unknown length.
    pub(crate) unknown: bool,
    /// Which of several rows the page shows is not known.
    pub(crate) unsure: bool,
    /// All that the page shows with the longest values in place of those that are unknown (changed or deleted since), where
    /// `shown` has the shortest.
    pub(crate) most: Option<Box<Shown>>,
    /// Rows came or went at about its time: whether these were among the answer is not known.
    pub(crate) moved: bool,
    /// A table was changed since in a way that cannot be undone.
    pub(crate) unclear: Option<Unclear>,
}

impl RowSet {
    #[cfg(test)]
    pub(super) fn of_values(values: usize) -> Self {
        Self { sizes: vec![Text::NULL; values], width: 1, ..Self::default() }
    }

    /// How many values it holds, some 30 bytes each.
    pub(super) fn values(&self) -> usize {
        self.sizes.len()
    }

    fn len(&self) -> usize {
        self.sizes.len() / self.width.max(1)
    }

    fn row(&self, at: usize) -> &[Text] {
        &self.sizes[at * self.width..(at + 1) * self.width]
    }

    fn arrived(&self, at: usize, each: &mut dyn FnMut(Arrived)) {
        for (slot, &number) in self.numbers[at * self.slots..(at + 1) * self.slots].iter().enumerate() {
            let one = [number];
            let list = if number & LIST == 0 { &one[..] } else { &self.lists[(number & !LIST) as usize] };
            for number in list.iter().filter(|number| **number > 0) {
                let row = u64::from(number & !(PART | EQUAL));
                each(Arrived { slot, row, part: number & PART != 0, equal: number & EQUAL != 0 });
            }
        }
    }

    /// The rows that ORDER BY does not tell from this one.
    fn tied(&self, at: usize) -> std::ops::Range<usize> {
        let Some(&first) = self.ties.get(at) else { return at..at + 1 };
        let count = self.ties[first as usize..].iter().take_while(|tie| **tie == first).count();
        first as usize..first as usize + count
    }
}

impl Taken {
    /// The table of a slot, and the columns of it that came whole.
    pub(crate) fn whole(&self, slot: usize) -> (usize, ColumnSet) {
        let pieces = self.rows.columns.iter().flat_map(|column| column.pieces()).filter(|piece| piece.slot == slot);
        (self.rows.slots[slot], ColumnSet(pieces.fold(0, |whole, piece| whole | piece.whole.0)))
    }

    /// Calls `each` with every row of the snapshot that arrived. A row that ORDER BY does not tell from another outside the
    /// limit is one of equals, and so are the others that would have made the page as large.
    pub(crate) fn for_each(&self, each: &mut dyn FnMut(Arrived)) {
        match &self.part {
            Part::Of { set, from, to } => set.each(*from, *to, each),
            Part::Rows(rows) => rows.iter().for_each(|arrived| each(*arrived)),
        }
    }
}

impl RowSet {
    fn each(&self, from: usize, to: usize, each: &mut dyn FnMut(Arrived)) {
        for at in from..to {
            let tied = self.tied(at);
            if tied.start >= from && tied.end <= to {
                self.arrived(at, each);
                continue;
            }
            // Ties decide by size alone, and only for a single row.
            let alike = |other: &usize| to - from > 1 || self.row(*other) == self.row(at);
            let candidates: Vec<usize> = tied.filter(alike).collect();
            let equal = candidates.len() > 1;
            for other in candidates {
                self.arrived(other, &mut |arrived| each(Arrived { equal: equal || arrived.equal, ..arrived }));
            }
        }
    }
}

/// Runs plans, keeping what it found.
pub(crate) struct Evaluator {
    data: Rc<Data>,
    cache: Cache,
    /// By query, the literals with which it was run: the first few.
    sets: HashMap<String, Vec<Vec<String>>>,
    /// The state of the tables that the statement sees, by name.
    state: String,
    queries: HashMap<String, Arc<Rows>>,
    /// Everything is evaluated on SQLite.
    here: bool,
}

type Outcome<T> = Result<T, Failure>;

impl Evaluator {
    pub(crate) fn new(data: Rc<Data>) -> Self {
        Self { data, cache: Cache::default(), sets: HashMap::new(), state: String::new(), queries: HashMap::new(), here: false }
    }

    /// One that asks no restored server: for the frames of questions, of which there are as many as questions.
    pub(crate) fn here(data: Rc<Data>) -> Self {
        Self { here: true, ..Self::new(data) }
    }

    pub(crate) fn data(&self) -> &Data {
        &self.data
    }

    /// Answers one statement. An error is the server's or SQLite's: the statement was not replayed.
    pub(crate) fn answer(&mut self, plan: &Plan, literals: &[Literal], shows: Shows) -> Outcome<Answer> {
        let (state, is_open) = self.data.rewind(&plan.views)?;
        self.state = state;
        let mut least = self.answer_now(plan, literals, shows)?;
        least.unclear = self.data.unclear(&plan.views);
        if !is_open && !plan.open_text {
            return Ok(least);
        }
        self.state.push_str("most");
        self.data.take_side(Side::Most)?;
        let most = self.answer_now(plan, literals, shows);
        self.data.take_side(Side::Least)?;
        Ok(least.up_to(most?))
    }

    fn answer_now(&mut self, plan: &Plan, literals: &[Literal], shows: Shows) -> Outcome<Answer> {
        let mut window = Window::new(plan.limit.as_ref(), literals, shows);
        let mut answer = Answer { unknown: plan.unknown_text, ..Answer::default() };
        let mut with_rows = 0;
        for (at, branch) in plan.branches.iter().enumerate() {
            let before = window.seen;
            match branch {
                Branch::Metadata => answer.unknown = true,
                Branch::Rows(rows) => self.rows(rows, literals, &mut window, &mut answer)?,
                Branch::Parts(parts) => self.parts(parts, literals, &mut window, &mut answer)?,
            }
            with_rows += usize::from(window.seen > before);
            if at == 0 && plan.branches.len() > 1 {
                answer.own = answer.shown.clone();
            }
        }
        answer.unsure = window.left_out && !plan.order.is_followed(with_rows);
        Ok(answer)
    }

    fn rows(&mut self, rows: &Rows, literals: &[Literal], window: &mut Window, answer: &mut Answer) -> Outcome<()> {
        let Found { set, from, to, by_place, placed } = self.look_up(rows, literals)?;
        let all = to - from;
        let (from, to) = window.take(from, to);
        let (by_place, placed) = (by_place || !rows.ties && to - from < all, placed || to - from < all);
        (from..to).for_each(|at| answer.shown.add_row(set.row(at)));
        if (to > from || placed) && !rows.silent && !rows.slots.is_empty() {
            let rows = self.shared(rows);
            answer.taken.push(Taken { rows, first_column: 0, by_place, placed, part: Part::Of { set, from, to } });
        }
        Ok(())
    }

    /// One row, whose columns are computed apart.
    fn parts(&mut self, parts: &[Rows], literals: &[Literal], window: &mut Window, answer: &mut Answer) -> Outcome<()> {
        let (from, to) = window.take(0, 1);
        if from == to {
            return Ok(());
        }
        let mut row = Vec::new();
        for (column, part) in parts.iter().enumerate() {
            let Found { set, from, to, by_place, placed } = self.look_up(part, literals)?;
            if from == to {
                row.push(part.missing.as_ref().map_or(Ok(Text::NULL), |sql| self.missing(sql, literals))?);
            } else {
                row.push(set.row(from)[0]);
            }
            if !part.slots.is_empty() && (from < to || placed) {
                let (rows, to) = (self.shared(part), to.min(from + 1));
                answer.taken.push(Taken { rows, first_column: column, by_place, placed, part: Part::Of { set, from, to } });
            }
        }
        answer.shown.add_row(&row);
        Ok(())
    }

    fn shared(&mut self, rows: &Rows) -> Arc<Rows> {
        if let Some(known) = self.queries.get(&rows.sql) {
            return Arc::clone(known);
        }
        let made = Arc::new(rows.clone());
        self.queries.insert(rows.sql.clone(), Arc::clone(&made));
        made
    }

    /// The query's rows with the part of them that LIMIT gives.
    fn look_up(&mut self, rows: &Rows, literals: &[Literal]) -> Outcome<Found> {
        let Some(limit) = &rows.limit else {
            let set = self.set(rows, literals)?;
            let to = set.len();
            return Ok(Found { set, from: 0, to, by_place: false, placed: false });
        };
        let (offset, count) = (number(&limit.offset, literals), number(&limit.count, literals));
        // Ties reach beyond the limit: all rows must be seen.
        if rows.ties || self.is_worth_keeping(&rows.sql, &self.key(&rows.sql, literals).1) {
            let set = self.set(rows, literals)?;
            let from = offset.min(set.len());
            let to = offset.saturating_add(count).min(set.len());
            let placed = to - from < set.len();
            return Ok(Found { set, from, to, by_place: placed && !rows.ties, placed });
        }
        let set = Arc::new(self.run(rows, literals, Some((offset, count.min(i64::MAX as usize))))?);
        let to = set.len();
        let placed = offset > 0 || to == count;
        Ok(Found { set, from: 0, to, by_place: placed, placed })
    }

    fn key(&self, sql: &str, literals: &[Literal]) -> (String, Vec<String>) {
        let mut used = used(sql, literals);
        used.push(self.state.clone());
        (sql.to_owned(), used)
    }

    /// Own rows of a page (`id=-4711`) differ in every statement and are cheap: after the first few they are not kept.
    fn is_worth_keeping(&self, sql: &str, literals: &Vec<String>) -> bool {
        self.sets.get(sql).is_none_or(|known| known.len() < SETS_PER_QUERY_MAX || known.contains(literals))
    }

    fn set(&mut self, rows: &Rows, literals: &[Literal]) -> Outcome<Arc<RowSet>> {
        let key = self.key(&rows.sql, literals);
        if let Some(set) = self.cache.get(&key) {
            return Ok(set);
        }
        let set = Arc::new(self.run(rows, literals, None)?);
        if self.is_worth_keeping(&key.0, &key.1) {
            let known = self.sets.entry(rows.sql.clone()).or_default();
            if !known.contains(&key.1) {
                known.push(key.1.clone());
            }
            self.cache.keep(key, &set);
        }
        Ok(set)
    }

    /// The rows of a query, all or those of an offset and a count: the restored server's where there is one. What the page
    /// shows to everybody is not worth its time.
    fn run(&self, query: &Rows, literals: &[Literal], limit: Option<(usize, usize)>) -> Outcome<RowSet> {
        if !self.here && !query.silent && !query.slots.is_empty() {
            let set = RowSet { width: query.columns.len(), slots: query.slots.len(), ..RowSet::default() };
            let push = |row: NativeRow<'_>, (set, tie): &mut (RowSet, Tie)| {
                set.sizes.extend(row.values.iter().map(|value| value.map_or(Text::NULL, Text::of_bytes)));
                set.numbers.extend(row.numbers);
                if query.ties {
                    tie.push(tied(row.ties.iter().copied()), set);
                }
            };
            let found = self.data.native_rows(&query.native, literals, limit, push, (set, Tie::default()))?;
            if let Some((set, _)) = found {
                return Ok(set.without_lone_ties());
            }
        }
        self.run_here(query, literals, limit)
    }

    fn run_here(&self, query: &Rows, literals: &[Literal], limit: Option<(usize, usize)>) -> Outcome<RowSet> {
        self.data.patience().run(self.data.connection(), || self.gathered(query, literals, limit))
    }

    fn gathered(&self, query: &Rows, literals: &[Literal], limit: Option<(usize, usize)>) -> Outcome<RowSet> {
        let rows_max = self.data.patience().rows_max();
        let window = limit.map(|(offset, count)| format!("{} LIMIT {count} OFFSET {offset}", query.sql));
        let mut statement = self.data.connection().prepare_cached(window.as_deref().unwrap_or(&query.sql))?;
        bind(&mut statement, literals, None)?;
        let (width, slots) = (query.columns.len(), query.slots.len());
        let mut set = RowSet { width, slots, ..RowSet::default() };
        let mut rows = statement.raw_query();
        let mut tie = Tie::default();
        while let Some(row) = rows.next()? {
            for at in 0..width {
                set.sizes.push(Text::of(row.get_ref(at)?));
            }
            for at in width..width + slots {
                set.push_rows(row.get_ref(at)?);
            }
            if query.ties {
                tie.push(row.get(width + slots)?, &mut set);
            }
            if set.len() as u64 > rows_max {
                return Err(Patience::too_many().into());
            }
        }
        Ok(set.without_lone_ties())
    }

    fn missing(&self, sql: &str, literals: &[Literal]) -> Outcome<Text> {
        let mut statement = self.data.connection().prepare_cached(sql)?;
        bind(&mut statement, literals, None)?;
        let mut rows = statement.raw_query();
        Ok(rows.next()?.map_or(Ok(Text::NULL), |row| row.get_ref(0).map(Text::of))?)
    }
}

/// What the rows read last are ordered by, and the first that had it.
#[derive(Default)]
struct Tie {
    keys: Option<Vec<u8>>,
    first: u32,
}

impl Tie {
    fn push(&mut self, keys: Vec<u8>, set: &mut RowSet) {
        let at = u32::try_from(set.ties.len()).unwrap_or(u32::MAX);
        if self.keys.as_ref() != Some(&keys) {
            (self.keys, self.first) = (Some(keys), at);
        }
        set.ties.push(self.first);
    }
}

impl Answer {
    /// The same, as far as it is not known up to another.
    fn up_to(mut self, most: Self) -> Self {
        self.moved = self.rows() != most.rows();
        if self.moved {
            self.taken.extend(most.taken);
        }
        self.most = (most.shown != self.shown).then(|| Box::new(most.shown));
        self
    }

    /// Bytes of what the page shows beside its own rows.
    pub(super) fn injected_bytes(&self) -> u64 {
        let bytes = |shown: &Shown| shown.columns.iter().map(|text| u64::from(text.bytes)).sum::<u64>();
        bytes(&self.shown).saturating_sub(bytes(&self.own))
    }

    /// The rows of the snapshot in it.
    fn rows(&self) -> Vec<(usize, usize, u64)> {
        let mut rows = Vec::new();
        for (at, taken) in self.taken.iter().enumerate() {
            taken.for_each(&mut |arrived| rows.push((at, arrived.slot, arrived.row)));
        }
        rows
    }
}

impl RowSet {
    /// Ties are kept only where there are any.
    fn without_lone_ties(mut self) -> Self {
        if self.ties.iter().zip(0..).all(|(tie, at)| *tie == at) {
            self.ties.clear();
        }
        self
    }

    fn push_rows(&mut self, value: ValueRef<'_>) {
        let list = rows_of(value);
        match list.as_slice() {
            [] => self.numbers.push(0),
            [row] if row & (PART | EQUAL) == 0 => self.numbers.push(*row),
            list => {
                self.numbers.push(LIST | u32::try_from(self.lists.len()).unwrap_or(0));
                self.lists.push(list.into());
            }
        }
    }
}

/// Which rows of the whole result the page shows.
struct Window {
    /// Rows still to pass over.
    skip: usize,
    /// Rows still to show.
    room: usize,
    /// Rows that there are.
    seen: usize,
    /// Some of them are not shown.
    left_out: bool,
}

impl Window {
    fn new(limit: Option<&Limit>, literals: &[Literal], shows: Shows) -> Self {
        let (skip, room) =
            limit.map_or((0, usize::MAX), |limit| (number(&limit.offset, literals), number(&limit.count, literals)));
        let shown = match shows {
            Shows::Rows => usize::MAX,
            Shows::FirstRow => 1,
            Shows::Exists | Shows::Nothing => 0,
        };
        Self { skip, room: room.min(shown), seen: 0, left_out: false }
    }

    /// The part of `from..to` that is shown.
    fn take(&mut self, from: usize, to: usize) -> (usize, usize) {
        self.seen += to - from;
        let skipped = self.skip.min(to - from);
        self.skip -= skipped;
        let from = from + skipped;
        let shown = self.room.min(to - from);
        self.room = self.room.saturating_sub(shown);
        self.left_out |= skipped > 0 || shown < to - from;
        (from, from + shown)
    }
}

/// The number that a bound has in a statement.
pub(crate) fn number(bound: &Bound, literals: &[Literal]) -> usize {
    let value = match bound {
        Bound::Fixed(text) => text.parse().ok(),
        Bound::Place(place) => match literals.get(place - 1) {
            Some(Literal::Integer(number)) => usize::try_from(*number).ok(),
            Some(other) => other.shown().parse().ok(),
            None => None,
        },
    };
    value.unwrap_or(usize::MAX)
}

/// The literals that a query uses, in the order in which it names them.
fn used(sql: &str, literals: &[Literal]) -> Vec<String> {
    let places = sql.split('?').skip(1).filter_map(|after| {
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        after[..digits].parse::<usize>().ok()
    });
    places.filter_map(|place| literals.get(place.wrapping_sub(1))).map(Literal::shown).collect()
}

/// Binds the literals; text that looks like a whole number is bound as one, as find.db stores it so.
pub(crate) fn bind(statement: &mut Statement<'_>, literals: &[Literal], hole: Option<(usize, Value)>) -> rusqlite::Result<()> {
    for place in 1..=statement.parameter_count() {
        let value = match &hole {
            Some((at, value)) if *at == place => value.clone(),
            _ => literals.get(place - 1).map_or(Value::Null, value_of),
        };
        statement.raw_bind_parameter(place, ToSqlOutput::Owned(value))?;
    }
    Ok(())
}

/// Binds the literals as they were written: `'4'` is a text. For what is compared with a text in the hole, not with find.db.
pub(crate) fn bind_as_written(statement: &mut Statement<'_>, literals: &[Literal], hole: (usize, Value)) -> rusqlite::Result<()> {
    for place in 1..=statement.parameter_count() {
        let value = match literals.get(place - 1) {
            _ if hole.0 == place => hole.1.clone(),
            Some(Literal::Text(text)) => Value::Text(text.clone()),
            // A number where it is compared with one.
            Some(Literal::Bytes(bytes)) => Value::Blob(bytes.clone()),
            Some(other) => value_of(other),
            None => Value::Null,
        };
        statement.raw_bind_parameter(place, ToSqlOutput::Owned(value))?;
    }
    Ok(())
}

fn value_of(literal: &Literal) -> Value {
    match literal {
        Literal::Integer(number) => Value::Integer(*number),
        Literal::Decimal(text) => text.parse().map_or_else(|_| Value::Text(text.clone()), Value::Real),
        Literal::Text(text) => whole_number(text).map_or_else(|| Value::Text(text.clone()), Value::Integer),
        Literal::Bytes(bytes) => match String::from_utf8(bytes.clone()) {
            Ok(text) => Value::Text(text),
            Err(error) => Value::Blob(error.into_bytes()),
        },
    }
}

fn whole_number(text: &str) -> Option<i64> {
    text.parse::<i64>().ok().filter(|number| number.to_string() == text)
}
