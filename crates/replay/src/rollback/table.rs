//! One table, rolled back row by row: each write is undone, from the last one that the snapshot holds to the first.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use kintsugi_case::EvidenceLine;
use kintsugi_find::Table;

use super::parse::{Change, Condition, Conflict, Given};
use super::session::Write;

/// A row: its number in the snapshot, or from [`GONE`] on one that the snapshot does not have.
pub(super) type RowId = u64;
/// The first number of rows that the snapshot does not have.
pub(super) const GONE: RowId = 1 << 40;
/// Rows that a deletion by another column than the key can have deleted at most, to be undone.
pub(super) const DELETED_MAX: usize = 64;
/// Combinations of the values of a condition that are looked at.
const VALUES_MAX: usize = 4096;
/// Rows known from earlier writes that a write without key is compared with.
const KNOWN_MAX: usize = 50_000;

/// A value at an earlier time, where it was another.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Was {
    Value(Option<String>),
    Unknown,
}

/// Columns that had another value. A row that the snapshot does not have is unknown in all others.
pub(super) type Cells = BTreeMap<usize, Was>;

/// A row at an earlier time.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Then {
    /// As the snapshot has it.
    AsDumped,
    Absent,
    There(Rc<Cells>),
    /// It may have been there.
    Perhaps(Rc<Cells>),
}

/// What a write did to a row.
pub(super) struct Effect {
    pub(super) row: RowId,
    pub(super) before: Then,
    pub(super) after: Then,
}

/// A write, and how to undo it.
pub(super) struct Step {
    pub(super) at_ms: i64,
    pub(super) line: EvidenceLine,
    pub(super) effects: Vec<Effect>,
}

pub(super) type Columns = Vec<usize>;
pub(super) type Key = Vec<String>;

/// The snapshot's rows that the writes are about.
#[derive(Default)]
pub(super) struct Rows {
    /// By columns and their values.
    by: HashMap<Columns, HashMap<Key, Vec<RowId>>>,
    values: HashMap<RowId, Vec<Option<String>>>,
    /// How many rows of the whole table hold one value of these columns, at most: of what was deleted the snapshot has none.
    shared: HashMap<Columns, usize>,
}

/// What earlier writes tell of a row.
#[derive(Clone)]
enum Known {
    Gone,
    /// Values, each with the place of the write that gave it.
    Cells(HashMap<usize, (Option<String>, usize)>),
}

/// Values as they are compared: `014` is text, `10.50` is 10.5.
pub(super) fn normal(text: &str) -> String {
    let numeric = text.contains('.') && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    if numeric { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() }
}

/// The columns of a condition in order, and each combination of their values.
pub(super) fn combinations(condition: &Condition) -> Option<(Columns, Vec<Key>)> {
    let Condition::Columns(list) = condition else { return None };
    let mut list: Vec<&(usize, Vec<String>)> = list.iter().collect();
    list.sort_by_key(|(column, _)| *column);
    list.dedup_by_key(|(column, _)| *column);
    let mut keys = vec![Vec::new()];
    for (_, values) in &list {
        keys = keys
            .into_iter()
            .flat_map(|key: Key| values.iter().map(move |value| [key.clone(), vec![normal(value)]].concat()))
            .collect();
        if keys.len() > VALUES_MAX {
            return None;
        }
    }
    Some((list.into_iter().map(|(column, _)| *column).collect(), keys))
}

/// The values of some columns among others; `None` where one is missing, or there are none.
fn part_of(columns: &[usize], values: &[String], wanted: &[usize]) -> Option<Key> {
    let part = wanted.iter().map(|at| columns.iter().position(|column| column == at).map(|at| values[at].clone()));
    part.collect::<Option<Key>>().filter(|key| !key.is_empty())
}

/// The columns, none of them the whole key, by whose values rows were deleted.
pub(super) fn emptying(table: &Table, writes: &[Write]) -> Vec<Columns> {
    let deleted = writes.iter().filter_map(|write| match &write.change {
        Change::Delete { condition } => combinations(condition).map(|(columns, _)| columns),
        _ => None,
    });
    let mut found: Vec<Columns> = deleted.filter(|columns| !table.key.iter().all(|key| columns.contains(key))).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The columns that an inserted row can be found by: its key, or without one all that is known of it.
fn found_by(table: &Table, secrets: &HashSet<usize>, columns: &[usize], row: &[Given]) -> (Columns, Key) {
    let given = |column: usize| match columns.iter().position(|known| *known == column).map(|at| &row[at]) {
        Some(Given::Value(Some(text))) => Some(normal(text)),
        _ => None,
    };
    let mut key = table.key.clone();
    key.sort_unstable();
    let values: Option<Key> = key.iter().map(|&column| given(column)).collect();
    if let Some(values) = values.filter(|values| !values.is_empty()) {
        return (key, values);
    }
    let all = (0..table.columns.len()).filter(|column| !secrets.contains(column));
    all.filter_map(|column| given(column).map(|text| (column, text))).unzip()
}

impl Rows {
    /// What the snapshot must be searched for.
    pub(super) fn wanted(table: &Table, secrets: &HashSet<usize>, writes: &[Write], shared: HashMap<Columns, usize>) -> Self {
        let mut rows = Self { shared, ..Self::default() };
        for write in writes {
            match &write.change {
                Change::Insert { columns, rows: inserted, .. } => {
                    for row in inserted {
                        let (columns, key) = found_by(table, secrets, columns, row);
                        rows.want(columns, key);
                    }
                }
                Change::Update { condition, .. } | Change::Delete { condition } => {
                    let Some((columns, keys)) = combinations(condition) else { continue };
                    let mut key = table.key.clone();
                    key.sort_unstable();
                    for values in keys {
                        if let Some(own) = part_of(&columns, &values, &key) {
                            rows.want(key.clone(), own);
                        }
                        rows.want(columns.clone(), values);
                    }
                }
                Change::Unclear(_) => {}
            }
        }
        rows
    }

    fn want(&mut self, columns: Columns, key: Key) {
        if !columns.is_empty() {
            self.by.entry(columns).or_default().entry(key).or_default();
        }
    }

    /// Takes a row of the snapshot.
    pub(super) fn take(&mut self, row: RowId, values: &[Option<String>]) {
        let mut wanted = false;
        for (columns, keys) in &mut self.by {
            let key: Option<Key> = columns.iter().map(|&at| values[at].as_deref().map(normal)).collect();
            if let Some(found) = key.and_then(|key| keys.get_mut(&key)) {
                found.push(row);
                wanted = true;
            }
        }
        if wanted {
            self.values.insert(row, values.to_vec());
        }
    }

    fn with(&self, columns: &[usize], key: &[String]) -> &[RowId] {
        self.by.get(columns).and_then(|keys| keys.get(key)).map_or(&[], Vec::as_slice)
    }
}

/// The writes to one table, in order of time, with what they are undone by.
pub(super) struct Undo<'a> {
    table: &'a Table,
    secrets: &'a HashSet<usize>,
    key: Columns,
    rows: &'a Rows,
    current: HashMap<RowId, Then>,
    /// Rows that the snapshot does not have, by key.
    gone: HashMap<Key, RowId>,
    next: RowId,
}

/// Whether the snapshot shows that a write took place, by its place in the list.
pub(super) fn reflected(table: &Table, secrets: &HashSet<usize>, rows: &Rows, writes: &[Write]) -> Vec<(i64, bool)> {
    let undo = Undo::new(table, secrets, rows);
    let (mut seen, mut found) = (HashSet::new(), Vec::new());
    for write in writes.iter().rev() {
        let keys = match &write.change {
            Change::Insert { columns, rows: inserted, .. } => inserted
                .iter()
                .map(|row| found_by(table, secrets, columns, row))
                .filter(|(columns, _)| *columns == undo.key)
                .map(|(_, key)| key)
                .collect(),
            Change::Update { condition, .. } | Change::Delete { condition } => match combinations(condition) {
                Some((columns, keys)) if columns == undo.key => keys,
                // Whatever it was about, the rows before it can no longer be compared.
                _ => break,
            },
            Change::Unclear(_) => break,
        };
        for key in keys {
            if let Some(is) = undo.shows(write, &key).filter(|_| seen.insert(key.clone())) {
                found.push((write.at_ms, is));
            }
        }
    }
    found
}

impl<'a> Undo<'a> {
    pub(super) fn new(table: &'a Table, secrets: &'a HashSet<usize>, rows: &'a Rows) -> Self {
        let mut key = table.key.clone();
        key.sort_unstable();
        Self { table, secrets, key, rows, current: HashMap::new(), gone: HashMap::new(), next: GONE }
    }

    fn shows(&self, write: &Write, key: &[String]) -> Option<bool> {
        let row = self.rows.with(&self.key, key).first();
        match &write.change {
            Change::Insert { conflict: Conflict::None, .. } => Some(row.is_some()),
            Change::Delete { .. } => Some(row.is_none()),
            Change::Update { sets, .. } => row.map(|&row| !self.contradicts(row, sets.iter().map(|(at, given)| (*at, given)))),
            _ => None,
        }
    }

    /// Undoes the writes; the steps are in order of time.
    pub(super) fn all(mut self, writes: &[Write]) -> Vec<Step> {
        let known = earlier(self.table, self.secrets, &self.key, writes);
        let mut steps = Vec::with_capacity(writes.len());
        for (write, known) in writes.iter().zip(known).rev() {
            let mut effects = Vec::new();
            match &write.change {
                Change::Insert { columns, rows, conflict } => {
                    rows.iter().rev().for_each(|row| self.insert(columns, row, conflict, &known, &mut effects));
                }
                Change::Update { sets, condition } => self.update(sets, condition, &known, &mut effects),
                Change::Delete { condition } => self.delete(condition, &known, &mut effects),
                Change::Unclear(_) => {}
            }
            if !effects.is_empty() {
                steps.push(Step { at_ms: write.at_ms, line: write.line, effects });
            }
        }
        steps.reverse();
        steps
    }

    fn then(&self, row: RowId) -> Then {
        let default = if row >= GONE { Then::Absent } else { Then::AsDumped };
        self.current.get(&row).cloned().unwrap_or(default)
    }

    fn set(&mut self, row: RowId, before: Then, effects: &mut Vec<Effect>) {
        let after = self.then(row);
        self.current.insert(row, before.clone());
        effects.push(Effect { row, before, after });
    }

    fn cell(&self, row: RowId, column: usize) -> Was {
        let changed = match self.current.get(&row) {
            Some(Then::There(cells) | Then::Perhaps(cells)) => cells.get(&column).cloned(),
            _ => None,
        };
        let dumped = || match self.rows.values.get(&row) {
            Some(values) => Was::Value(values[column].clone()),
            None => Was::Unknown,
        };
        changed.unwrap_or_else(dumped)
    }

    /// Whether the row, as it stood after a write, holds other values than the write gave it.
    fn contradicts<'b>(&self, row: RowId, mut sets: impl Iterator<Item = (usize, &'b Given)>) -> bool {
        sets.any(|(column, given)| match (given, self.cell(row, column)) {
            (Given::Value(new), Was::Value(is)) if !self.secrets.contains(&column) => {
                new.as_deref().map(normal) != is.as_deref().map(normal)
            }
            _ => false,
        })
    }

    /// Rows that were there with these values, or may have been.
    fn matching(&self, columns: &[usize], key: &[String]) -> Vec<RowId> {
        let mut rows: Vec<RowId> = self.rows.with(columns, key).to_vec();
        if *columns == self.key {
            rows.extend(self.gone.get(key));
        } else {
            let changed = self.current.iter().filter(|(_, then)| matches!(then, Then::There(_) | Then::Perhaps(_)));
            rows.extend(changed.map(|(row, _)| *row).filter(|row| self.rows.with(columns, key).binary_search(row).is_err()));
        }
        let fits = |row: &RowId| {
            columns.iter().zip(key).all(|(&column, value)| match self.cell(*row, column) {
                Was::Value(is) => is.as_deref().map(normal).as_ref() == Some(value),
                Was::Unknown => true,
            })
        };
        rows.retain(|row| self.then(*row) != Then::Absent && fits(row));
        rows.sort_unstable();
        rows
    }

    fn key_of(&self, row: RowId) -> Option<Key> {
        let parts = self.key.iter().map(|&column| match self.cell(row, column) {
            Was::Value(Some(text)) => Some(normal(&text)),
            _ => None,
        });
        parts.collect()
    }

    fn cells(&self, row: RowId) -> Cells {
        match self.current.get(&row) {
            Some(Then::There(cells) | Then::Perhaps(cells)) => (**cells).clone(),
            _ => Cells::new(),
        }
    }

    fn update(&mut self, sets: &[(usize, Given)], condition: &Condition, known: &HashMap<Key, Known>, effects: &mut Vec<Effect>) {
        let Some((columns, keys)) = combinations(condition) else { return };
        for key in keys {
            for row in self.matching(&columns, &key) {
                if self.contradicts(row, sets.iter().map(|(at, given)| (*at, given))) {
                    continue;
                }
                let before = self.key_of(row).and_then(|key| known.get(&key));
                let mut cells = self.cells(row);
                for (column, _) in sets {
                    cells.insert(*column, before.map_or(Was::Unknown, |known| known.cell(*column)));
                }
                let cells = Rc::new(cells);
                let then = if matches!(self.then(row), Then::Perhaps(_)) { Then::Perhaps(cells) } else { Then::There(cells) };
                self.set(row, then, effects);
            }
        }
    }

    fn insert(
        &mut self,
        columns: &[usize],
        row: &[Given],
        conflict: &Conflict,
        known: &HashMap<Key, Known>,
        effects: &mut Vec<Effect>,
    ) {
        let (by, key) = found_by(self.table, self.secrets, columns, row);
        // Without a key, the last of those that are equal is the one that came last.
        let Some(&found) = self.matching(&by, &key).last() else { return };
        if *conflict == Conflict::None && self.contradicts(found, columns.iter().copied().zip(row)) {
            return;
        }
        let before = match conflict {
            Conflict::None => Then::Absent,
            Conflict::Replace => self.replaced(found, &key, known, &(0..self.table.columns.len()).collect::<Vec<_>>()),
            Conflict::Update(changed) => self.replaced(found, &key, known, changed),
        };
        self.set(found, before, effects);
    }

    /// A row before a write that puts it there or changes it.
    fn replaced(&self, row: RowId, key: &[String], known: &HashMap<Key, Known>, changed: &[usize]) -> Then {
        let before = known.get(key);
        if matches!(before, Some(Known::Gone)) {
            return Then::Absent;
        }
        let mut cells = self.cells(row);
        for column in changed.iter().filter(|column| !self.key.contains(column)) {
            cells.insert(*column, before.map_or(Was::Unknown, |known| known.cell(*column)));
        }
        let cells = Rc::new(cells);
        if before.is_some() { Then::There(cells) } else { Then::Perhaps(cells) }
    }

    fn delete(&mut self, condition: &Condition, known: &HashMap<Key, Known>, effects: &mut Vec<Effect>) {
        let Some((columns, keys)) = combinations(condition) else { return };
        if columns.iter().any(|column| self.secrets.contains(column)) {
            return;
        }
        for values in keys {
            let given: Cells = columns.iter().zip(&values).map(|(&at, value)| (at, Was::Value(Some(value.clone())))).collect();
            match part_of(&columns, &values, &self.key) {
                Some(key) => self.bring_back(key.clone(), known.get(&key), given, effects),
                None => self.bring_back_some(&columns, &values, known, &given, effects),
            }
        }
    }

    /// A row whose key is known. One that is there was put there later, or never deleted.
    fn bring_back(&mut self, key: Key, known: Option<&Known>, given: Cells, effects: &mut Vec<Effect>) {
        let is_there = !self.matching(&self.key.clone(), &key).is_empty();
        if is_there || matches!(known, Some(Known::Gone)) {
            return;
        }
        let mut cells = given;
        if let Some(known) = known {
            (0..self.table.columns.len()).for_each(|at| {
                cells.entry(at).or_insert_with(|| known.cell(at));
            });
        }
        let row = self.new_row();
        self.gone.insert(key, row);
        self.set(row, Then::There(Rc::new(cells)), effects);
    }

    /// Rows that are only known by another column: those that earlier writes name, and perhaps others.
    fn bring_back_some(
        &mut self,
        columns: &[usize],
        values: &[String],
        known: &HashMap<Key, Known>,
        given: &Cells,
        effects: &mut Vec<Effect>,
    ) {
        let emptied = known.contains_key(&emptied(columns, values));
        let mut rows: Vec<&Key> = known.iter().filter(|(_, known)| known.has(columns, values)).map(|(key, _)| key).collect();
        rows.sort_unstable();
        let named = rows.len();
        for key in rows {
            let mut cells = given.clone();
            self.key.iter().zip(key).for_each(|(&at, text)| {
                cells.insert(at, Was::Value(Some(text.clone())));
            });
            self.bring_back(key.clone(), known.get(key), cells, effects);
        }
        let more = self.rows.shared.get(columns).copied().unwrap_or(1).clamp(1, DELETED_MAX).saturating_sub(named);
        for _ in 0..if emptied { 0 } else { more } {
            let row = self.new_row();
            self.set(row, Then::Perhaps(Rc::new(given.clone())), effects);
        }
    }

    fn new_row(&mut self) -> RowId {
        self.next += 1;
        self.next - 1
    }
}

impl Known {
    fn cell(&self, column: usize) -> Was {
        match self {
            Self::Cells(cells) => cells.get(&column).map_or(Was::Unknown, |(value, _)| Was::Value(value.clone())),
            Self::Gone => Was::Unknown,
        }
    }

    fn has(&self, columns: &[usize], values: &[String]) -> bool {
        let Self::Cells(cells) = self else { return false };
        columns
            .iter()
            .zip(values)
            .all(|(column, value)| cells.get(column).is_some_and(|(is, _)| is.as_deref().map(normal).as_ref() == Some(value)))
    }
}

/// A name under which it is known that rows with these values had been deleted; no row's key is like it.
fn emptied(columns: &[usize], values: &[String]) -> Key {
    let list: Vec<String> = columns.iter().map(ToString::to_string).collect();
    [vec!["\0emptied".to_owned(), list.join(",")], values.to_vec()].concat()
}

/// For each write what the writes before it tell of the rows that it is about.
fn earlier(table: &Table, secrets: &HashSet<usize>, key: &[usize], writes: &[Write]) -> Vec<HashMap<Key, Known>> {
    let mut teller = Teller { table, secrets, key, known: HashMap::new(), voided: HashMap::new(), emptied: HashSet::new() };
    writes.iter().enumerate().map(|(at, write)| teller.take(at, write)).collect()
}

struct Teller<'a> {
    table: &'a Table,
    secrets: &'a HashSet<usize>,
    key: &'a [usize],
    known: HashMap<Key, Known>,
    /// The last write that may have changed a column of any row.
    voided: HashMap<usize, usize>,
    emptied: HashSet<Key>,
}

impl Teller<'_> {
    fn take(&mut self, at: usize, write: &Write) -> HashMap<Key, Known> {
        match &write.change {
            Change::Insert { columns, rows, conflict } => {
                rows.iter().flat_map(|row| self.insert(at, columns, row, conflict)).collect()
            }
            Change::Update { sets, condition } => self.update(at, sets, condition),
            Change::Delete { condition } => self.delete(at, condition),
            Change::Unclear(_) => {
                self.known.clear();
                self.emptied.clear();
                HashMap::new()
            }
        }
    }

    /// What is known of a row, without what a write by another column may have changed since.
    fn tell(&self, key: &Key) -> Option<(Key, Known)> {
        let mut known = self.known.get(key)?.clone();
        if let Known::Cells(cells) = &mut known {
            cells.retain(|column, (_, at)| self.voided.get(column).is_none_or(|voided| *at > *voided));
        }
        Some((key.clone(), known))
    }

    fn insert(&mut self, at: usize, columns: &[usize], row: &[Given], conflict: &Conflict) -> Option<(Key, Known)> {
        self.emptied.clear();
        let (by, key) = found_by(self.table, self.secrets, columns, row);
        if by != self.key {
            return None;
        }
        let told = self.tell(&key);
        let given = columns.iter().zip(row).filter_map(|(&column, given)| match given {
            Given::Value(value) => Some((column, (value.clone(), at))),
            Given::Unknown => None,
        });
        match (conflict, self.known.get_mut(&key)) {
            (Conflict::Update(changed), Some(Known::Cells(cells))) => changed.iter().for_each(|column| {
                cells.remove(column);
            }),
            // Whether the row was new or changed is not known: only what both ways give it.
            (Conflict::Update(changed), None) => {
                let cells = given.filter(|(column, _)| changed.contains(column) || self.key.contains(column)).collect();
                self.known.insert(key, Known::Cells(cells));
            }
            _ => {
                self.known.insert(key, Known::Cells(given.collect()));
            }
        }
        told
    }

    fn update(&mut self, at: usize, sets: &[(usize, Given)], condition: &Condition) -> HashMap<Key, Known> {
        let Some((columns, keys)) = combinations(condition).filter(|(columns, _)| columns == self.key) else {
            // Rows meant by another column: what they held can no longer be told.
            let known: Vec<Key> = if self.known.len() <= KNOWN_MAX { self.known.keys().cloned().collect() } else { Vec::new() };
            let told = known.iter().filter_map(|key| self.tell(key)).collect();
            sets.iter().for_each(|(column, _)| {
                self.voided.insert(*column, at);
            });
            return told;
        };
        debug_assert_eq!(columns, self.key);
        let mut told = HashMap::new();
        for key in keys {
            told.extend(self.tell(&key));
            let known = self.known.entry(key).or_insert_with(|| Known::Cells(HashMap::new()));
            // A row that was gone is there again only by an INSERT that the log does not hold.
            if let Known::Cells(cells) = known {
                for (column, given) in sets {
                    match given {
                        Given::Value(value) => cells.insert(*column, (value.clone(), at)),
                        Given::Unknown => cells.remove(column),
                    };
                }
            }
        }
        told
    }

    fn delete(&mut self, _at: usize, condition: &Condition) -> HashMap<Key, Known> {
        let Some((columns, keys)) = combinations(condition) else { return HashMap::new() };
        let mut told = HashMap::new();
        for values in keys {
            if columns == self.key {
                told.extend(self.tell(&values));
                self.known.insert(values, Known::Gone);
                continue;
            }
            if self.known.len() <= KNOWN_MAX {
                let named: Vec<Key> = self.known.keys().cloned().collect();
                let told_here: Vec<(Key, Known)> =
                    named.iter().filter_map(|key| self.tell(key)).filter(|(_, known)| known.has(&columns, &values)).collect();
                for (key, known) in told_here {
                    self.known.insert(key.clone(), Known::Gone);
                    told.insert(key, known);
                }
            }
            if !self.emptied.insert(emptied(&columns, &values)) {
                told.insert(emptied(&columns, &values), Known::Gone);
            }
        }
        told
    }
}
