//! The one place where resolving touches find.db: registrations in, persons out.

use std::collections::HashMap;

use kintsugi_case::{CaseFile, Language, PersonId};
use kintsugi_find::{FindDb, Followed, Link, LinkFact, PersonWriter, Table};
use rayon::prelude::*;

use crate::key::{Entry, JOINING, Values, columns, entries};
use crate::language::Hint;
use crate::sets::{Place, Sets};
use crate::{Error, PhoneRule, Result};

/// Rows that are read before all cores make keys of them.
const BATCH_ROWS: usize = 8192;

/// Up to this many registrations, one pass makes all three keys (72 bytes a registration at a time); above, each key has
/// a pass of its own (24 bytes), so that ten million fit beside everything else.
const ONE_PASS_MAX: Place = 4_000_000;

/// What resolving came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// Registrations: rows of tables that hold persons.
    pub registrations: u64,
    /// Persons.
    pub persons: u64,
    /// Registrations joined to an earlier one, by the fact that did it.
    pub joined: Vec<(LinkFact, u64)>,
    /// Records that belong to a person through their person column.
    pub belonging: u64,
    /// Persons known only from such a record, because the registration it names is not in the snapshot.
    pub persons_without_registration: u64,
    /// Records of tables with a person column that lead to nobody and say nothing about a person themselves.
    pub records_without_person: u64,
}

/// Makes persons of the records in `db` and writes them there, numbered from 1 by their first registration. The same
/// records give the same persons.
pub fn resolve(db: &mut FindDb, case: &CaseFile) -> Result<Resolved> {
    let db = &*db;
    let places = Places::new(db)?;
    let mut sets = Sets::new(places.count);
    let phones = PhoneRule::of_zone(&case.case.timezone);
    let mut hints = vec![None; places.count as usize];
    let joined = join(db, &places, &mut sets, phones, &mut hints)?;
    let mut run = Run {
        db,
        writer: db.begin_persons()?,
        languages: &case.case.languages,
        resolved: Resolved { joined, ..Resolved::default() },
        owners: HashMap::new(),
        next: 1,
    };
    run.registrations(&places, &mut sets, &hints)?;
    run.belonging()?;
    let Run { writer, mut resolved, next, .. } = run;
    resolved.persons = next - 1;
    writer.finish()?;
    Ok(resolved)
}

/// Registrations by place: the rows of each person table, one after the other. A row kept aside leaves its place empty.
struct Places {
    /// (table, place of its row 1, rows).
    tables: Vec<(Table, Place, Place)>,
    count: Place,
}

impl Places {
    fn new(db: &FindDb) -> Result<Self> {
        let (mut tables, mut count) = (Vec::new(), 0u64);
        for table in db.tables().iter().filter(|table| table.is_of_persons()) {
            let rows = db.last_row(table.id)?;
            let numbered = |number: u64| Place::try_from(number).map_err(|_| Error::TooMany(number));
            tables.push((table.clone(), numbered(count)?, numbered(rows)?));
            count += rows;
        }
        // One place is kept free of meaning, for marks.
        let count = Place::try_from(count).ok().filter(|&count| count < Place::MAX).ok_or(Error::TooMany(count))?;
        Ok(Self { tables, count })
    }

    /// Table and row of a place.
    fn record(&self, place: Place) -> (u32, u64) {
        let at = self.tables.partition_point(|&(_, start, _)| start <= place).saturating_sub(1);
        self.tables.get(at).map_or((0, 0), |(table, start, _)| (table.id, u64::from(place - start) + 1))
    }
}

fn place_of(start: Place, row: u64) -> Place {
    start + Place::try_from(row - 1).unwrap_or_default()
}

/// Reads every registration of every person table in batches.
fn batches(db: &FindDb, places: &Places, mut each: impl FnMut(&[(Place, Values)])) -> Result<()> {
    for (table, start, _) in &places.tables {
        let mut batch: Vec<(Place, Values)> = Vec::with_capacity(BATCH_ROWS);
        db.scan_table(table.id, &columns(table), |row, values| {
            batch.push((place_of(*start, row), std::array::from_fn(|at| values[at].clone())));
            if batch.len() == BATCH_ROWS {
                each(&batch);
                batch.clear();
            }
            Ok::<(), Error>(())
        })?;
        each(&batch);
    }
    Ok(())
}

/// Joins what shares a key. On the way, notes what each registration says about the language.
fn join(
    db: &FindDb,
    places: &Places,
    sets: &mut Sets,
    phones: PhoneRule,
    hints: &mut [Option<Hint>],
) -> Result<Vec<(LinkFact, u64)>> {
    let mut joined = Vec::new();
    let facts_a_pass = if places.count <= ONE_PASS_MAX { JOINING.len() } else { 1 };
    for facts in JOINING.chunks(facts_a_pass) {
        let mut found: Vec<Vec<Entry>> = vec![Vec::new(); facts.len()];
        batches(db, places, |batch| {
            note_hints(batch, hints);
            let entries: Vec<_> = batch.par_iter().map(|(place, values)| entries(facts, values, *place, phones)).collect();
            for (at, found) in found.iter_mut().enumerate() {
                found.extend(entries.iter().filter_map(|entries| entries[at]));
            }
        })?;
        for (fact, mut entries) in facts.iter().zip(found) {
            entries.par_sort_unstable();
            joined.push((*fact, unite_equals(&entries, sets, *fact)));
        }
    }
    Ok(joined)
}

/// Entries are sorted by key, then place: each joins the one before it.
fn unite_equals(entries: &[Entry], sets: &mut Sets, fact: LinkFact) -> u64 {
    let pairs = entries.windows(2).filter(|pair| pair[0].agrees(&pair[1]));
    pairs.map(|pair| u64::from(sets.unite(pair[0].place, pair[1].place, fact))).sum()
}

fn note_hints(batch: &[(Place, Values)], hints: &mut [Option<Hint>]) {
    for (place, [name, kana, _, _, _, address, language]) in batch {
        let name = if name.is_empty() { kana } else { name };
        hints[*place as usize] = Some(Hint::of(language, name, address));
    }
}

/// Whose the rows of a table are: by row from 1, the person's number; 0 where nobody's.
type Owners = Vec<u64>;

struct Run<'a> {
    db: &'a FindDb,
    writer: PersonWriter<'a>,
    languages: &'a [Language],
    resolved: Resolved,
    /// By table, of tables whose rows others may belong to.
    owners: HashMap<u32, Owners>,
    next: u64,
}

impl Run<'_> {
    /// Numbers the persons by their first registration and writes every registration down.
    fn registrations(&mut self, places: &Places, sets: &mut Sets, hints: &[Option<Hint>]) -> Result<()> {
        let heard = heard(sets, hints);
        let mut numbers = vec![0u64; hints.len()];
        for (table, start, rows) in &places.tables {
            let mut owners = vec![0; *rows as usize];
            for place in *start..start + rows {
                if hints[place as usize].is_none() {
                    continue;
                }
                let root = sets.root(place) as usize;
                if numbers[root] == 0 {
                    numbers[root] = self.new_person(heard[root])?;
                }
                let link = sets.reason(place).map_or(Link::FIRST, |(fact, other)| Link { fact, other: places.record(other) });
                let row = u64::from(place - start) + 1;
                self.writer.record(PersonId(numbers[root]), table.id, row, link)?;
                self.resolved.registrations += 1;
                owners[(place - start) as usize] = numbers[root];
            }
            self.owners.insert(table.id, owners);
        }
        Ok(())
    }

    fn new_person(&mut self, hint: Hint) -> Result<u64> {
        let number = self.next;
        self.writer.person(PersonId(number), hint.language(self.languages))?;
        self.next += 1;
        Ok(number)
    }

    /// Follows the person columns of every table, those that lead to a known one first. Where none does, the columns lead
    /// in a circle or to a table that is not there, and the first such table is taken as it is.
    fn belonging(&mut self) -> Result<()> {
        let mut open: Vec<&Table> = self.db.tables().iter().filter(|table| table.person.is_some()).collect();
        loop {
            let known = |table: &&Table| self.db.person_table(table).is_some_and(|target| self.owners.contains_key(&target.id));
            let next = open.iter().position(known).unwrap_or(0);
            if open.is_empty() {
                return Ok(());
            }
            self.follow(open.remove(next))?;
        }
    }

    /// Writes down whose each row of a table is, where somebody must be told of it or another table leads here.
    fn follow(&mut self, table: &Table) -> Result<()> {
        let leads_here = |other: &Table| self.db.person_table(other).is_some_and(|target| target.id == table.id);
        let wanted = !table.personal_columns().is_empty() || self.db.has_exposures(table.id)?;
        let needed = self.db.tables().iter().any(leads_here);
        if !wanted && !needed {
            return Ok(());
        }
        let target = self.db.person_table(table).map(|target| target.id);
        let known = target.and_then(|id| self.owners.remove(&id));
        let mut rows = Following { table, target: target.unwrap_or_default(), missing: HashMap::new(), owners: Owners::new() };
        let db = self.db;
        db.follow_person(table.id, |row, followed| {
            let owner = self.owner(&mut rows, known.as_ref(), row, followed)?;
            if needed {
                rows.owners.resize(usize::try_from(row - 1).unwrap_or_default(), 0);
                rows.owners.push(owner);
            }
            Ok::<(), Error>(())
        })?;
        if let (Some(id), Some(known)) = (target, known) {
            self.owners.insert(id, known);
        }
        self.owners.insert(table.id, rows.owners);
        Ok(())
    }

    /// The person of one row, written down. A record that names a registration which is not in the snapshot, but holds
    /// personal data, still is somebody's: they are a person of their own, so that nobody is missed.
    fn owner(&mut self, rows: &mut Following<'_>, known: Option<&Owners>, row: u64, followed: Followed) -> Result<u64> {
        let registered = match followed {
            Followed::Row(target) => {
                let at = usize::try_from(target - 1).unwrap_or(usize::MAX);
                known.and_then(|owners| owners.get(at)).copied().filter(|&owner| owner != 0).map(|owner| (owner, target))
            }
            _ => None,
        };
        if let Some((owner, target)) = registered {
            let link = Link { fact: LinkFact::Reference, other: (rows.target, target) };
            self.writer.record(PersonId(owner), rows.table.id, row, link)?;
            self.resolved.belonging += 1;
            return Ok(owner);
        }
        if rows.table.personal_columns().is_empty() {
            self.resolved.records_without_person += 1;
            return Ok(0);
        }
        self.stranger(rows, row, followed)
    }

    /// Records that name the same missing registration are one person.
    fn stranger(&mut self, rows: &mut Following<'_>, row: u64, followed: Followed) -> Result<u64> {
        let named = match followed {
            Followed::Missing(key) => Some(key),
            Followed::Row(target) => Some(format!("#{target}")),
            Followed::Nowhere => None,
        };
        let earlier = named.as_ref().and_then(|key| rows.missing.get(key)).copied();
        let (owner, link) = match earlier {
            Some((owner, first)) => (owner, Link { fact: LinkFact::SameReference, other: (rows.table.id, first) }),
            None => (self.new_person(Hint::default())?, Link::FIRST),
        };
        if earlier.is_none() {
            self.resolved.persons_without_registration += 1;
            rows.missing.extend(named.map(|key| (key, (owner, row))));
        }
        self.writer.record(PersonId(owner), rows.table.id, row, link)?;
        Ok(owner)
    }
}

/// A table while its rows are followed to persons.
struct Following<'a> {
    table: &'a Table,
    target: u32,
    /// Persons made here, by the key of the missing registration, with their first row.
    missing: HashMap<String, (u64, u64)>,
    owners: Owners,
}

/// By the first registration of a person: what is heard about their language.
fn heard(sets: &mut Sets, hints: &[Option<Hint>]) -> Vec<Hint> {
    let mut heard = vec![Hint::default(); hints.len()];
    for (place, hint) in (0..).zip(hints) {
        let root = sets.root(place) as usize;
        heard[root] = heard[root].or_later(hint.unwrap_or_default());
    }
    heard
}
