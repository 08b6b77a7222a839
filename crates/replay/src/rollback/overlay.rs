//! The tables as they stood at a moment, for statements to run on: a layer over the view of a table that takes out rows
//! which came or changed later, and puts in rows as they were. What is unknown stands there twice, with the shortest and with
//! the longest value that the column has: between the two lies what a page may have shown.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use kintsugi_find::{Table, quoted};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Result};

use super::Unclear;
use super::history::{History, Moment, TableHistory};
use super::table::{Cells, Effect, GONE, RowId, Then, Was};
use crate::catalog::{Catalog, ORDER, ROW, View};
use crate::data::stored;
use crate::dialect::Dialect;

/// Of values that are not known, the shortest or the longest are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Side {
    /// Rows that may have been there were not.
    #[default]
    Least,
    /// They were.
    Most,
}

/// One value in so many is shorter, and one longer, than what is taken for the shortest and the longest: a single address of
/// a thousand characters would make every size possible. Where the unknown value is such a one, the size will not fit.
const RARE: i64 = 100;
/// Rows for which a place in the table's order is looked for.
const PLACED_MAX: usize = 2_000;

/// The tables that changed, each as it stands at the moment that was asked for last.
pub(crate) struct Past {
    dialect: Dialect,
    tables: HashMap<usize, RefCell<Now>>,
    side: Cell<Side>,
    placed: Cell<usize>,
}

/// A table at a moment.
struct Now {
    history: TableHistory,
    /// Steps before this place had been taken, those from the next on had not; those between may have been.
    from: usize,
    to: usize,
    /// Rows that were not as the snapshot has them, before the steps that may have been taken.
    rows: HashMap<RowId, Then>,
    /// Rows with something unknown.
    open: BTreeSet<RowId>,
    layers: Vec<Layer>,
}

/// A view, with its layer.
struct Layer {
    base: String,
    gone: String,
    then: String,
    columns: Vec<String>,
    key: Vec<usize>,
    numbered: bool,
    /// The shortest and the longest value of a column, rare ones left aside.
    extremes: HashMap<usize, (Value, Value)>,
}

impl Past {
    pub(crate) fn new(history: History, dialect: Dialect) -> Self {
        let now = |history: TableHistory| {
            let end = history.steps.len();
            let (rows, open, layers) = (HashMap::new(), BTreeSet::new(), Vec::new());
            RefCell::new(Now { history, from: end, to: end, rows, open, layers })
        };
        let tables = history.tables.into_iter().map(|(table, history)| (table, now(history))).collect();
        Self { dialect, tables, side: Cell::default(), placed: Cell::default() }
    }

    /// Whether a table has a layer.
    pub(crate) fn has(&self, table: usize) -> bool {
        self.tables.get(&table).is_some_and(|now| !now.borrow().history.steps.is_empty())
    }

    /// Why a change of one of these tables after the moment could not be undone.
    pub(crate) fn unclear(&self, views: &[View], at: Moment) -> Option<Unclear> {
        let mut of = views.iter().filter_map(|view| self.tables.get(&view.table));
        of.find_map(|now| now.borrow().history.unclear.filter(|(last, _)| *last > at.from_ms).map(|(_, why)| why))
    }

    /// Makes the view `name` over the view `base` of a table.
    pub(crate) fn layer(&self, connection: &Connection, catalog: &Catalog, view: View, base: &str) -> Result<()> {
        let Some(now) = self.tables.get(&view.table) else { return Ok(()) };
        let (table, name) = (catalog.table(view.table), catalog.view_name(view));
        let plain = name.trim_matches('"');
        let layer = Layer {
            base: base.to_owned(),
            gone: quoted(&format!("gone from {plain}")),
            then: quoted(&format!("once in {plain}")),
            columns: table.columns.iter().map(|column| quoted(&column.name)).collect(),
            key: table.key.clone(),
            numbered: is_numbered(table),
            extremes: HashMap::new(),
        };
        connection.execute_batch(&layer.create(&name))?;
        let now = &mut *now.borrow_mut();
        now.layers.push(layer);
        let rows: Vec<RowId> = now.touched(now.from, now.history.steps.len()).into_iter().collect();
        let last = now.layers.len() - 1;
        rows.into_iter().try_for_each(|row| {
            let then = now.then(row);
            now.layers[last].put(connection, self, row, &then)
        })
    }

    /// Brings the tables of these views to a moment. What they then hold has this name, an empty one if it is the snapshot; the
    /// second says whether something in it is unknown.
    pub(crate) fn rewind(&self, connection: &Connection, views: &[View], at: Option<Moment>) -> Result<(String, bool)> {
        let (mut name, mut is_open) = (String::new(), false);
        let mut tables: Vec<usize> = views.iter().map(|view| view.table).collect();
        tables.sort_unstable();
        tables.dedup();
        for table in tables {
            let Some(now) = self.tables.get(&table) else { continue };
            let now = &mut *now.borrow_mut();
            let end = now.history.steps.len();
            let (from, to) = at.map_or((end, end), |at| (now.taken(&at, false), now.taken(&at, true)));
            now.go(connection, self, from, to)?;
            if from < end {
                name.push_str(&format!("{table}:{from}-{to} "));
            }
            is_open |= !now.open.is_empty();
        }
        Ok((name, is_open))
    }

    /// Which of the unknown values stand there.
    pub(crate) fn take_side(&self, connection: &Connection, side: Side) -> Result<()> {
        if self.side.replace(side) == side { Ok(()) } else { Self::show_side(connection, side) }
    }

    /// Lets statements see these of the unknown values.
    pub(crate) fn show_side(connection: &Connection, side: Side) -> Result<()> {
        connection.execute("UPDATE kintsugi_side SET side = ?", [side_number(side)]).map(|_| ())
    }

    /// What the layers need.
    pub(crate) fn prepare(connection: &Connection) -> Result<()> {
        connection.execute_batch("CREATE TEMP TABLE kintsugi_side (side INTEGER); INSERT INTO kintsugi_side VALUES (1)")
    }
}

const fn side_number(side: Side) -> i64 {
    match side {
        Side::Least => 1,
        Side::Most => 2,
    }
}

fn is_numbered(table: &Table) -> bool {
    table.key.len() == 1 && !table.columns.iter().any(|column| column.name.eq_ignore_ascii_case("rowid"))
}

impl Now {
    /// Steps that had been taken by then, at least or at most.
    fn taken(&self, at: &Moment, most: bool) -> usize {
        self.history.steps.partition_point(|step| step.is_before(at, most))
    }

    fn effects(&self, from: usize, to: usize) -> impl DoubleEndedIterator<Item = &Effect> {
        self.history.steps[from..to.max(from)].iter().flat_map(|step| &step.effects)
    }

    fn touched(&self, from: usize, to: usize) -> BTreeSet<RowId> {
        self.effects(from, to).map(|effect| effect.row).collect()
    }

    fn go(&mut self, connection: &Connection, past: &Past, from: usize, to: usize) -> Result<()> {
        if (from, to) == (self.from, self.to) {
            return Ok(());
        }
        let rows = self.touched(from.min(self.from), to.max(self.to));
        let changed: Vec<(RowId, Then)> = if from < self.from {
            self.effects(from, self.from).rev().map(|effect| (effect.row, effect.before.clone())).collect()
        } else {
            self.effects(self.from, from).map(|effect| (effect.row, effect.after.clone())).collect()
        };
        self.rows.extend(changed);
        (self.from, self.to) = (from, to);
        for row in rows {
            let then = self.then(row);
            if is_open(row, &then, self.layers.first().map_or(0, |layer| layer.columns.len())) {
                self.open.insert(row);
            } else {
                self.open.remove(&row);
            }
            for layer in &mut self.layers {
                layer.put(connection, past, row, &then)?;
            }
        }
        Ok(())
    }

    /// A row at the moment: before the steps that may have been taken, and after them.
    fn then(&self, row: RowId) -> Then {
        let default = if row >= GONE { Then::Absent } else { Then::AsDumped };
        let before = self.rows.get(&row).cloned().unwrap_or(default);
        match self.effects(self.from, self.to).rev().find(|effect| effect.row == row) {
            Some(effect) => either(before, effect.after.clone()),
            None => before,
        }
    }
}

/// A row that was one or the other.
fn either(one: Then, other: Then) -> Then {
    use Then::{Absent, AsDumped, Perhaps, There};
    if one == other {
        return one;
    }
    let cells = |then: &Then| match then {
        There(cells) | Perhaps(cells) => (**cells).clone(),
        AsDumped | Absent => Cells::new(),
    };
    let sure = |then: &Then| matches!(then, AsDumped | There(_));
    match (&one, &other) {
        (Absent, there) | (there, Absent) => Perhaps(Rc::new(cells(there))),
        _ => {
            let (left, right) = (cells(&one), cells(&other));
            let columns: BTreeSet<usize> = left.keys().chain(right.keys()).copied().collect();
            let merged = columns.into_iter().map(|at| {
                let same = left.get(&at) == right.get(&at);
                (at, if same { left[&at].clone() } else { Was::Unknown })
            });
            let merged = Rc::new(merged.collect());
            if sure(&one) && sure(&other) { There(merged) } else { Perhaps(merged) }
        }
    }
}

fn is_open(row: RowId, then: &Then, columns: usize) -> bool {
    match then {
        Then::Perhaps(_) => true,
        Then::There(cells) => cells.values().any(|was| *was == Was::Unknown) || row >= GONE && cells.len() < columns,
        Then::AsDumped | Then::Absent => false,
    }
}

impl Layer {
    fn create(&self, name: &str) -> String {
        let Self { base, gone, then, .. } = self;
        let number = if self.numbered { "rowid, " } else { "" };
        let list = format!("{ROW}, {ORDER}, {number}{}", self.columns.join(", "));
        format!(
            "CREATE TEMP TABLE {gone} (line INTEGER PRIMARY KEY);
             CREATE TEMP TABLE {then} AS SELECT {list}, 0 AS kintsugi_side, 0 AS kintsugi_id FROM {base} LIMIT 0;
             CREATE TEMP VIEW {name} AS SELECT {list} FROM {base} WHERE {ROW} NOT IN (SELECT line FROM {gone})
             UNION ALL SELECT {list} FROM {then} WHERE kintsugi_side IN (0, (SELECT side FROM kintsugi_side))"
        )
    }

    /// Shows a row as it was.
    fn put(&mut self, connection: &Connection, past: &Past, row: RowId, then: &Then) -> Result<()> {
        let Self { gone, then: once, .. } = &*self;
        connection.prepare_cached(&format!("DELETE FROM {once} WHERE kintsugi_id = ?"))?.execute([row.cast_signed()])?;
        if row < GONE {
            let sql = match then {
                Then::AsDumped => format!("DELETE FROM {gone} WHERE line = ?"),
                _ => format!("INSERT OR IGNORE INTO {gone} VALUES (?)"),
            };
            connection.prepare_cached(&sql)?.execute([row.cast_signed()])?;
        }
        let (cells, perhaps) = match then {
            Then::AsDumped | Then::Absent => return Ok(()),
            Then::There(cells) => (cells, false),
            Then::Perhaps(cells) => (cells, true),
        };
        let sides: &[i64] = match (perhaps, is_open(row, then, self.columns.len())) {
            (true, _) => &[2],
            (false, true) => &[1, 2],
            (false, false) => &[0],
        };
        sides.iter().try_for_each(|side| self.put_side(connection, past, row, cells, *side))
    }

    fn put_side(&mut self, connection: &Connection, past: &Past, row: RowId, cells: &Cells, side: i64) -> Result<()> {
        let Self { base, then: once, columns, .. } = self;
        let (once, width) = (once.clone(), columns.len());
        if row < GONE {
            let sql = format!("INSERT INTO {once} SELECT *, {side}, {row} FROM {base} WHERE {ROW} = ?");
            connection.prepare_cached(&sql)?.execute([row.cast_signed()])?;
        } else {
            let sql = format!("INSERT INTO {once} ({ROW}, {ORDER}, kintsugi_side, kintsugi_id) VALUES (0, 1e18, {side}, {row})");
            connection.execute(&sql, [])?;
        }
        let changed: Vec<usize> = if row < GONE { cells.keys().copied().collect() } else { (0..width).collect() };
        let update =
            |column: &str| format!("UPDATE {once} SET {column} = ? WHERE kintsugi_id = {row} AND kintsugi_side = {side}");
        let mut updates = Vec::new();
        for at in changed {
            let sql = update(&self.columns[at]);
            let value = match cells.get(&at) {
                Some(Was::Value(text)) => text.as_deref().map_or(Value::Null, stored),
                Some(Was::Unknown) | None => {
                    let (least, most) = self.extremes(connection, at)?;
                    if side == 2 { most } else { least }
                }
            };
            updates.push((sql, value));
        }
        for (sql, value) in updates {
            connection.execute(&sql, [value])?;
        }
        self.place(connection, past, row, side)
    }

    /// Where the row stood when nobody asked for an order: PostgreSQL puts a changed row elsewhere, a row that is gone stood
    /// among those of its time. Behind the one before it by key.
    fn place(&self, connection: &Connection, past: &Past, row: RowId, side: i64) -> Result<()> {
        let Self { base, then: once, columns, key, .. } = self;
        let [key] = key[..] else { return Ok(()) };
        let moved = row >= GONE || past.dialect == Dialect::PostgreSql;
        if !moved || past.dialect.rows_follow_key() || past.placed.get() >= PLACED_MAX {
            return Ok(());
        }
        past.placed.set(past.placed.get() + 1);
        let (here, key) = (format!("kintsugi_id = {row} AND kintsugi_side = {side}"), &columns[key]);
        let sql = format!(
            "SELECT {ORDER} FROM {base} WHERE {key} < (SELECT {key} FROM {once} WHERE {here}) ORDER BY {key} DESC LIMIT 1"
        );
        let before: Option<f64> = connection.query_row(&sql, [], |row| row.get::<_, f64>(0)).optional()?;
        let sql = format!(
            "UPDATE {once} SET {ORDER} = ?{} WHERE {here}",
            if self.numbered { format!(", rowid = {key}") } else { String::new() }
        );
        connection.execute(&sql, [before.unwrap_or(0.0) + 0.5])?;
        Ok(())
    }

    fn extremes(&mut self, connection: &Connection, column: usize) -> Result<(Value, Value)> {
        if let Some(known) = self.extremes.get(&column) {
            return Ok(known.clone());
        }
        let name = &self.columns[column];
        let count = format!("SELECT count({name}) FROM {}", self.base);
        let passed_over = connection.query_row(&count, [], |row| row.get::<_, i64>(0))? / RARE;
        let find = |order: &str| {
            let sql = format!(
                "SELECT {name} FROM {} WHERE {name} IS NOT NULL ORDER BY length(CAST({name} AS BLOB)) {order} LIMIT 1 OFFSET {passed_over}",
                self.base
            );
            connection.query_row(&sql, [], |row| row.get::<_, Value>(0)).optional()
        };
        let both = (find("ASC")?.unwrap_or(Value::Null), find("DESC")?.unwrap_or(Value::Null));
        self.extremes.insert(column, both.clone());
        Ok(both)
    }
}
