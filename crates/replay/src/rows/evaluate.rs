//! Runs a plan on the snapshot: the bytes of text that the page had to show, and the rows they came from. The rows of a
//! query are found once and looked up by LIMIT for each further statement; a hundred thousand statements are a join.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use kintsugi_case::Shows;
use rusqlite::Statement;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};

use super::plan::{Aggregate, Bound, Branch, Join, Limit, Part, Plan, Rows, Source};
use crate::data::Data;
use crate::dialect::Dialect;
use crate::functions::text_of;
use crate::lexer::Literal;

/// Rows kept in memory over all cached queries; beyond it the cache is emptied.
const CACHED_ROWS_MAX: usize = 40_000_000;
/// Aggregates kept; beyond it they are computed again, as those that differ in every statement are not used twice.
const AGGREGATES_MAX: usize = 10_000;
/// Sets of literals of one query after which LIMIT is left to SQLite, as whole sets would not be used again.
const SETS_PER_QUERY_MAX: u32 = 12;

/// What a query gave: for each row the bytes of text, and the row number in each source.
#[derive(Debug, Default)]
pub(crate) struct RowSet {
    lengths: Vec<u32>,
    /// `width` numbers a row; 0 where an outer join found none.
    numbers: Vec<u32>,
    width: usize,
}

/// Rows from which a statement's text came.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    /// What was taken of which tables; the set's columns.
    pub(crate) sources: Arc<[Source]>,
    pub(super) set: Arc<RowSet>,
    pub(super) from: usize,
    pub(super) to: usize,
    /// From this row on, only a part arrived (an aggregate cut at its limit).
    pub(crate) whole_to: usize,
}

/// What the page had to show.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    /// Bytes of text in all shown columns of all shown rows.
    pub(crate) text: u64,
    /// Rows shown.
    pub(crate) rows: u64,
    /// Rows of the page's own among them.
    pub(crate) own_rows: u64,
    /// Bytes of text in those.
    pub(crate) own_text: u64,
    /// The rows of the snapshot behind the injected part.
    pub(crate) taken: Vec<Taken>,
    /// It read the server's own tables: the text is not known.
    pub(crate) metadata: bool,
    /// There was an answer, but the page shows only its first row, and that was another.
    pub(crate) hidden: bool,
}

impl RowSet {
    pub(crate) fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Rows whose bytes of text are of no more use.
    pub(super) fn of_numbers(numbers: Vec<u32>, width: usize) -> Self {
        Self { lengths: Vec::new(), numbers, width }
    }
}

impl Taken {
    /// The row numbers, those of a row after one another.
    pub(super) fn numbers(&self) -> &[u32] {
        &self.set.numbers[self.from * self.set.width..self.to * self.set.width]
    }

    /// Calls `each` with source, row number and whether it arrived whole.
    pub(crate) fn for_each(&self, mut each: impl FnMut(&Source, u64, bool)) {
        for row in self.from..self.to {
            for (source, &number) in self.sources.iter().zip(&self.set.numbers[row * self.set.width..]) {
                if number > 0 {
                    each(source, u64::from(number), row < self.whole_to);
                }
            }
        }
    }
}

/// Runs plans, keeping what it found.
pub(crate) struct Evaluator {
    data: Rc<Data>,
    dialect: Dialect,
    cache: HashMap<(String, Vec<String>), Arc<RowSet>>,
    cached_rows: usize,
    sets: HashMap<String, u32>,
    aggregates: HashMap<(String, Vec<String>), (u64, Taken)>,
    sources: HashMap<String, Arc<[Source]>>,
}

type Outcome<T> = Result<T, rusqlite::Error>;

impl Evaluator {
    pub(crate) fn new(data: Rc<Data>, dialect: Dialect) -> Self {
        Self {
            data,
            dialect,
            cache: HashMap::new(),
            cached_rows: 0,
            sets: HashMap::new(),
            aggregates: HashMap::new(),
            sources: HashMap::new(),
        }
    }

    /// Answers one statement. An error is the server's or SQLite's: the statement was not replayed.
    pub(crate) fn answer(&mut self, plan: &Plan, literals: &[Literal], shows: Shows) -> Outcome<Answer> {
        let mut window = Window::new(plan.limit.as_ref(), literals, shows);
        let mut answer = Answer::default();
        for (at, branch) in plan.branches.iter().enumerate() {
            let own = at == 0;
            match branch {
                Branch::Metadata => answer.metadata = true,
                Branch::Rows(rows) => self.rows(rows, literals, own, &mut window, &mut answer)?,
                Branch::Scalars(parts) => self.scalars(parts, literals, own, &mut window, &mut answer)?,
            }
        }
        answer.hidden = answer.taken.is_empty() && window.passed_over;
        Ok(answer)
    }

    fn rows(&mut self, rows: &Rows, literals: &[Literal], own: bool, window: &mut Window, answer: &mut Answer) -> Outcome<()> {
        let (set, from, to) = self.look_up(rows, literals)?;
        let (from, to) = window.take(from, to);
        answer.text += set.lengths[from..to].iter().map(|length| u64::from(*length)).sum::<u64>();
        answer.rows += (to - from) as u64;
        if own {
            answer.own_rows += (to - from) as u64;
            answer.own_text += answer.text;
        }
        if to > from && !rows.silent && !rows.sources.is_empty() {
            answer.taken.push(Taken { sources: self.sources(rows), set, from, to, whole_to: to });
        }
        Ok(())
    }

    /// One row, whose columns are computed apart.
    fn scalars(
        &mut self,
        parts: &[Part],
        literals: &[Literal],
        own: bool,
        window: &mut Window,
        answer: &mut Answer,
    ) -> Outcome<()> {
        let (from, to) = window.take(0, 1);
        if from == to {
            return Ok(());
        }
        answer.rows += 1;
        answer.own_rows += u64::from(own);
        for part in parts {
            match part {
                Part::Row(rows) => self.scalar(rows, literals, answer)?,
                Part::Aggregate(aggregate) => self.aggregate(aggregate, literals, answer)?,
            }
        }
        Ok(())
    }

    fn scalar(&mut self, rows: &Rows, literals: &[Literal], answer: &mut Answer) -> Outcome<()> {
        let (set, from, to) = self.look_up(rows, literals)?;
        if from == to {
            answer.text += rows.missing.as_ref().map_or(Ok(0), |sql| self.length(sql, literals, None))?;
            return Ok(());
        }
        answer.text += u64::from(set.lengths[from]);
        if !rows.sources.is_empty() {
            answer.taken.push(Taken { sources: self.sources(rows), set, from, to: from + 1, whole_to: from + 1 });
        }
        Ok(())
    }

    /// The query's rows with the part of them that LIMIT gives.
    fn look_up(&mut self, rows: &Rows, literals: &[Literal]) -> Outcome<(Arc<RowSet>, usize, usize)> {
        let Some(limit) = &rows.limit else {
            let set = self.set(&rows.sql, rows.sources.len(), literals)?;
            let all = set.len();
            return Ok((set, 0, all));
        };
        let (offset, count) = (number(&limit.offset, literals), number(&limit.count, literals));
        if self.is_cached(&rows.sql, literals) || self.sets.get(&rows.sql).copied().unwrap_or(0) < SETS_PER_QUERY_MAX {
            let set = self.set(&rows.sql, rows.sources.len(), literals)?;
            let from = offset.min(set.len());
            let to = offset.saturating_add(count).min(set.len());
            return Ok((set, from, to));
        }
        let sql = format!("{} LIMIT {count} OFFSET {offset}", rows.sql);
        let set = self.run(&sql, rows.sources.len(), literals)?;
        let all = set.len();
        Ok((Arc::new(set), 0, all))
    }

    fn is_cached(&self, sql: &str, literals: &[Literal]) -> bool {
        self.cache.contains_key(&(sql.to_owned(), used(sql, literals)))
    }

    fn set(&mut self, sql: &str, width: usize, literals: &[Literal]) -> Outcome<Arc<RowSet>> {
        let key = (sql.to_owned(), used(sql, literals));
        if let Some(set) = self.cache.get(&key) {
            return Ok(Arc::clone(set));
        }
        let set = Arc::new(self.run(sql, width, literals)?);
        *self.sets.entry(sql.to_owned()).or_default() += 1;
        // Own rows of a page (`id=-4711`) differ in every statement and are cheap: not worth a place.
        if self.sets[sql] <= SETS_PER_QUERY_MAX {
            self.cached_rows += set.len();
            if self.cached_rows > CACHED_ROWS_MAX {
                self.cache.clear();
                self.cached_rows = set.len();
            }
            self.cache.insert(key, Arc::clone(&set));
        }
        Ok(set)
    }

    fn run(&self, sql: &str, width: usize, literals: &[Literal]) -> Outcome<RowSet> {
        let mut statement = self.data.connection().prepare_cached(sql)?;
        bind(&mut statement, literals, None)?;
        let mut set = RowSet { width, ..RowSet::default() };
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            set.lengths.push(row.get::<_, Option<u32>>(0)?.unwrap_or(0));
            for at in 0..width {
                set.numbers.push(row.get::<_, Option<u32>>(at + 1)?.unwrap_or(0));
            }
        }
        Ok(set)
    }

    fn length(&self, sql: &str, literals: &[Literal], hole: Option<(usize, Value)>) -> Outcome<u64> {
        let mut statement = self.data.connection().prepare_cached(sql)?;
        bind(&mut statement, literals, hole)?;
        let mut rows = statement.raw_query();
        let length = rows.next()?.map_or(Ok(None), |row| row.get::<_, Option<i64>>(0))?;
        Ok(length.unwrap_or(0).unsigned_abs())
    }

    fn sources(&mut self, rows: &Rows) -> Arc<[Source]> {
        let make = || Arc::from(rows.sources.clone());
        Arc::clone(self.sources.entry(rows.sql.clone()).or_insert_with(make))
    }

    fn aggregate(&mut self, aggregate: &Aggregate, literals: &[Literal], answer: &mut Answer) -> Outcome<()> {
        let key = (
            format!("{};{}", aggregate.outer, aggregate.rows.sql),
            used(&format!("{};{}", aggregate.outer, aggregate.rows.sql), literals),
        );
        if !self.aggregates.contains_key(&key) {
            if self.aggregates.len() >= AGGREGATES_MAX {
                self.aggregates.clear();
            }
            let joined = self.joined(aggregate, literals)?;
            self.aggregates.insert(key.clone(), joined);
        }
        let (text, taken) = &self.aggregates[&key];
        answer.text += text;
        if taken.to > 0 && !taken.sources.is_empty() {
            answer.taken.push(taken.clone());
        }
        Ok(())
    }

    fn joined(&mut self, aggregate: &Aggregate, literals: &[Literal]) -> Outcome<(u64, Taken)> {
        let mut joined = Joined::new(self.dialect.aggregate_bytes_max());
        let mut set = RowSet { width: aggregate.rows.sources.len(), ..RowSet::default() };
        if let Join::Figure(sql) = &aggregate.join {
            let mut statement = self.data.connection().prepare_cached(sql)?;
            bind(&mut statement, literals, None)?;
            let mut rows = statement.raw_query();
            joined.text = rows.next()?.map_or(Ok(None), |row| row.get_ref(0).map(text_of))?.unwrap_or_default();
        } else {
            let separator = separator(&aggregate.join, literals);
            let mut statement = self.data.connection().prepare_cached(&aggregate.rows.sql)?;
            bind(&mut statement, literals, None)?;
            let mut rows = statement.raw_query();
            while let Some(row) = rows.next()? {
                let value = row.get_ref(0)?;
                for at in 0..set.width {
                    set.numbers.push(row.get::<_, Option<u32>>(at + 1)?.unwrap_or(0));
                }
                set.lengths.push(0);
                if !joined.push(&aggregate.join, value, &separator) {
                    break;
                }
            }
            joined.end(&aggregate.join);
        }
        let value = joined.value();
        let to = set.len();
        let whole_to = to - usize::from(joined.cut);
        let text = self.length(&aggregate.outer, literals, Some((aggregate.hole, value)))?;
        let sources = self.sources(&aggregate.rows);
        Ok((text, Taken { sources, set: Arc::new(set), from: 0, to, whole_to }))
    }
}

/// The text of an aggregate as it grows, cut at the server's limit.
struct Joined {
    text: Vec<u8>,
    max: usize,
    values: usize,
    cut: bool,
}

impl Joined {
    fn new(max: Option<usize>) -> Self {
        Self { text: Vec::new(), max: max.unwrap_or(usize::MAX), values: 0, cut: false }
    }

    /// Takes one value; `false` once the limit is reached.
    fn push(&mut self, join: &Join, value: ValueRef<'_>, separator: &[u8]) -> bool {
        let text = match (join, value) {
            (Join::JsonArray, ValueRef::Null) => b"null".to_vec(),
            (Join::JsonArray, ValueRef::Text(text) | ValueRef::Blob(text)) => json_string(text),
            (_, ValueRef::Null) => return true,
            (_, other) => text_of(other).unwrap_or_default(),
        };
        if self.values > 0 {
            self.text.extend_from_slice(separator);
        }
        self.values += 1;
        self.text.extend(text);
        if self.text.len() > self.max {
            self.cut = true;
            self.text.truncate(boundary(&self.text, self.max));
        }
        !self.cut
    }

    fn end(&mut self, join: &Join) {
        if *join == Join::JsonArray && self.values > 0 {
            self.text.insert(0, b'[');
            self.text.push(b']');
        }
    }

    /// The text; NULL where there was no value.
    fn value(&mut self) -> Value {
        let text = std::mem::take(&mut self.text);
        if text.is_empty() && self.values == 0 {
            return Value::Null;
        }
        String::from_utf8(text).map_or_else(|error| Value::Blob(error.into_bytes()), Value::Text)
    }
}

/// The last place at or before `max` where a UTF-8 character begins.
fn boundary(text: &[u8], max: usize) -> usize {
    (0..=max).rev().find(|&at| text.get(at).is_none_or(|byte| byte & 0xC0 != 0x80)).unwrap_or(0)
}

fn json_string(text: &[u8]) -> Vec<u8> {
    serde_json::to_vec(&String::from_utf8_lossy(text)).unwrap_or_default()
}

fn separator(join: &Join, literals: &[Literal]) -> Vec<u8> {
    match join {
        Join::Text(Bound::Fixed(text)) => text.clone().into_bytes(),
        Join::Text(Bound::Place(place)) => match literals.get(place - 1) {
            Some(Literal::Bytes(bytes)) => bytes.clone(),
            Some(literal) => literal.shown().into_bytes(),
            None => b",".to_vec(),
        },
        Join::JsonArray | Join::Figure(_) => b",".to_vec(),
    }
}

/// Which rows of the whole result the page shows.
struct Window {
    /// Rows still to pass over.
    skip: usize,
    /// Rows still to show.
    room: usize,
    /// A row was not shown because the page had no room for it.
    passed_over: bool,
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
        Self { skip, room: room.min(shown), passed_over: false }
    }

    /// The part of `from..to` that is shown.
    fn take(&mut self, from: usize, to: usize) -> (usize, usize) {
        let skipped = self.skip.min(to - from);
        self.skip -= skipped;
        let from = from + skipped;
        let shown = self.room.min(to - from);
        self.room = self.room.saturating_sub(shown);
        self.passed_over |= shown < to - from;
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
    let places = sql.split('?').skip(1).map(|after| after.bytes().take_while(u8::is_ascii_digit).count().min(after.len()));
    let places = places.zip(sql.split('?').skip(1)).filter_map(|(digits, after)| after[..digits].parse::<usize>().ok());
    places.filter_map(|place| literals.get(place.wrapping_sub(1))).map(Literal::shown).collect()
}

/// Binds the literals; text that looks like a whole number is bound as one, as find.db stores it so.
pub(crate) fn bind(statement: &mut Statement<'_>, literals: &[Literal], hole: Option<(usize, Value)>) -> Outcome<()> {
    for place in 1..=statement.parameter_count() {
        let value = match &hole {
            Some((at, value)) if *at == place => value.clone(),
            _ => literals.get(place - 1).map_or(Value::Null, value_of),
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
