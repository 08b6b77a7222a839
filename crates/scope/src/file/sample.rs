//! What a found file's columns are: a sample of its records is looked up by value in every table of the snapshot, and the
//! columns that agree on the rows found are the same, whatever they are called and in whatever order they stand.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use kintsugi_evidence::{FoundList, SnapshotReader};
use kintsugi_find::Table;

use super::values::{digest, is_strong, normal};
use crate::{Error, Result};

/// Records of each list that are looked at.
pub(super) const SAMPLE_RECORDS_MAX: usize = 1_000;
/// A value that so many rows of a column have names no row.
const ROWS_A_VALUE_MAX: u32 = 8;
/// A value that so many records of the sample have names no record.
const RECORDS_A_VALUE_MAX: usize = 50;

/// The sample: by list, its records.
#[derive(Default)]
pub(super) struct Sample {
    pub(super) lists: Vec<FoundList>,
    pub(super) records: Vec<Vec<Vec<Option<String>>>>,
    pub(super) legacy: Option<&'static encoding_rs::Encoding>,
}

/// A list of the file that holds records of a table.
#[derive(Clone, Debug)]
pub(super) struct Mapping {
    pub(super) list: usize,
    /// The table, by its place among the tables given.
    pub(super) table: usize,
    pub(super) pairs: Vec<Pair>,
}

/// A column of the list that is a column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) from: usize,
    pub(super) to: usize,
    /// Whether the list shows this column of the table, and not only one that refers to it.
    pub(super) shown: bool,
    /// Records of the sample whose values agree.
    pub(super) agreeing: u32,
    /// Different values among them.
    pub(super) distinct: u32,
}

/// A value of the sample that a row has.
struct Hit {
    list: u32,
    record: u32,
    from: u16,
    table: u16,
    to: u16,
    row: u64,
    digest: u64,
}

/// A record of the sample and the row that it is.
#[derive(Clone, Copy)]
struct Identified {
    record: usize,
    row: u64,
    /// Whether more than a number that is a key says so.
    sure: bool,
}

/// The mappings of a file, the list's own table first.
pub(super) fn mappings(sample: &Sample, reader: &SnapshotReader, tables: &[&Table]) -> Result<Vec<Mapping>> {
    let hits = hits(sample, reader, tables)?;
    let mut identified: HashMap<(usize, usize), Vec<Identified>> = HashMap::new();
    let mut of: HashMap<(usize, usize), HashMap<usize, Vec<&Hit>>> = HashMap::new();
    for hit in &hits {
        let place = (hit.list as usize, usize::from(hit.table));
        of.entry(place).or_default().entry(hit.record as usize).or_default().push(hit);
    }
    for (place, records) in of {
        let table = tables[place.1];
        let mut found: Vec<Identified> = records
            .iter()
            .filter_map(|(&record, hits)| identify(record, hits, &sample.records[place.0][record], table, sample))
            .collect();
        found.sort_by_key(|found| found.record);
        if !found.is_empty() {
            identified.insert(place, found);
        }
    }
    let rows = rows_of(&identified, reader, tables, sample)?;
    let mut all = Vec::new();
    for list in 0..sample.lists.len() {
        all.extend(of_list(list, sample, tables, &identified, &rows));
    }
    Ok(all)
}

/// The tables that a list may hold records of: the one it is named after, else any.
fn may_hold(list: &FoundList, table: &Table, tables: &[&Table]) -> bool {
    let own = |name: &str| list.name.rsplit('.').next().is_some_and(|last| last.eq_ignore_ascii_case(name));
    own(&table.name) || !tables.iter().any(|other| own(&other.name))
}

fn hits(sample: &Sample, reader: &SnapshotReader, tables: &[&Table]) -> Result<Vec<Hit>> {
    let mut places: HashMap<u64, Vec<(u32, u32, u16)>> = HashMap::new();
    for (list, records) in sample.records.iter().enumerate() {
        for (record, values) in records.iter().enumerate() {
            for (from, value) in values.iter().enumerate().take(64) {
                let digest = digest(value.as_deref(), sample.legacy);
                if digest != 0 {
                    places.entry(digest).or_default().push((list as u32, record as u32, from as u16));
                }
            }
        }
    }
    places.retain(|_, at| at.len() <= RECORDS_A_VALUE_MAX);
    let (mut hits, mut counts) = (Vec::new(), HashMap::<(u64, u16, u16), u32>::new());
    for (number, table) in tables.iter().enumerate() {
        let lists: HashSet<u32> = (0..sample.lists.len())
            .filter(|&list| may_hold(&sample.lists[list], table, tables))
            .map(|list| list as u32)
            .collect();
        if lists.is_empty() {
            continue;
        }
        each_row(reader, table, &mut |row, values| {
            for (to, value) in values.iter().enumerate().take(64) {
                let digest = digest(*value, sample.legacy);
                let Some(places) = places.get(&digest) else { continue };
                let count = counts.entry((digest, number as u16, to as u16)).or_default();
                *count += 1;
                if *count <= ROWS_A_VALUE_MAX {
                    let own = places.iter().filter(|(list, ..)| lists.contains(list));
                    hits.extend(own.map(|&(list, record, from)| Hit {
                        list,
                        record,
                        from,
                        table: number as u16,
                        to: to as u16,
                        row,
                        digest,
                    }));
                }
            }
        })?;
    }
    hits.retain(|hit| counts[&(hit.digest, hit.table, hit.to)] <= ROWS_A_VALUE_MAX);
    Ok(hits)
}

/// The row that most of a record's values are in, where there is one.
fn identify(record: usize, hits: &[&Hit], values: &[Option<String>], table: &Table, sample: &Sample) -> Option<Identified> {
    let mut columns: HashMap<u64, (u64, bool)> = HashMap::new();
    for hit in hits {
        let (from, key) = columns.entry(hit.row).or_default();
        *from |= 1 << hit.from;
        *key |= table.key == [usize::from(hit.to)];
    }
    let most = columns.values().map(|(from, _)| from.count_ones()).max()?;
    let mut best = columns.iter().filter(|(_, (from, _))| from.count_ones() == most);
    let (&row, &(from, key)) = best.next()?;
    let strong = |at: usize| {
        let value = values.get(at).and_then(Option::as_deref).and_then(|value| normal(value, sample.legacy));
        from >> at & 1 == 1 && value.is_some_and(|value| is_strong(&value))
    };
    let sure = most >= 2 || (0..64).any(strong);
    (best.next().is_none() && (sure || key)).then_some(Identified { record, row, sure })
}

/// The digests of the identified rows' values.
type Rows = HashMap<(usize, u64), Vec<u64>>;

fn rows_of(
    identified: &HashMap<(usize, usize), Vec<Identified>>,
    reader: &SnapshotReader,
    tables: &[&Table],
    sample: &Sample,
) -> Result<Rows> {
    let mut rows = Rows::new();
    for (number, table) in tables.iter().enumerate() {
        let of_table = identified.iter().filter(|((_, of), _)| *of == number).flat_map(|(_, found)| found);
        let wanted: HashSet<u64> = of_table.map(|found| found.row).collect();
        if wanted.is_empty() {
            continue;
        }
        each_row(reader, table, &mut |row, values| {
            if wanted.contains(&row) {
                rows.insert((number, row), values.iter().map(|value| digest(*value, sample.legacy)).collect());
            }
        })?;
    }
    Ok(rows)
}

/// Tables of a list, the one that explains most of its columns first; further ones only for columns that are left.
fn of_list(
    list: usize,
    sample: &Sample,
    tables: &[&Table],
    identified: &HashMap<(usize, usize), Vec<Identified>>,
    rows: &Rows,
) -> Vec<Mapping> {
    let mut found: Vec<(u64, Mapping)> = Vec::new();
    for table in 0..tables.len() {
        let Some(identified) = identified.get(&(list, table)) else { continue };
        let pairs = pairs(list, table, sample, tables, identified, rows);
        let agreeing: u64 = pairs.iter().map(|pair| u64::from(pair.agreeing)).sum();
        if is_ours(&pairs, identified, tables[table]) {
            found.push((agreeing, Mapping { list, table, pairs }));
        }
    }
    found.sort_by_key(|(agreeing, mapping)| (std::cmp::Reverse(*agreeing), mapping.table));
    let (mut claimed, mut kept) = (HashSet::new(), Vec::new());
    for (_, mut mapping) in found {
        let table = tables[mapping.table];
        for pair in &mut mapping.pairs {
            pair.shown = !claimed.contains(&pair.from);
        }
        let own = |pair: &&Pair| pair.shown && (kept.is_empty() || !is_link(table, pair.to));
        if mapping.pairs.iter().any(|pair| own(&pair)) {
            claimed.extend(mapping.pairs.iter().map(|pair| pair.from));
            kept.push(mapping);
        }
    }
    kept
}

/// Whether a column only says which row it is or to which it belongs.
fn is_link(table: &Table, column: usize) -> bool {
    let name = &table.columns[column].name;
    table.key.contains(&column)
        || table.references.iter().any(|reference| reference.column == column)
        || table.person.as_ref().is_some_and(|link| link.column == *name)
}

/// Numbers alone coincide; where nothing else names the rows, some other column must agree throughout.
fn is_ours(pairs: &[Pair], identified: &[Identified], table: &Table) -> bool {
    let sure = identified.iter().filter(|found| found.sure).count();
    if pairs.is_empty() {
        return false;
    }
    if sure * 2 >= identified.len() {
        return true;
    }
    pairs
        .iter()
        .any(|pair| !table.key.contains(&pair.to) && pair.agreeing >= 5 && pair.agreeing as usize * 10 >= identified.len() * 9)
}

/// Columns that agree on at least half of the identified records, the best agreement first.
fn pairs(list: usize, table: usize, sample: &Sample, tables: &[&Table], identified: &[Identified], rows: &Rows) -> Vec<Pair> {
    let (columns, named) = (tables[table].columns.len().min(64), &sample.lists[list].columns);
    let width = sample.records[list].iter().map(Vec::len).max().unwrap_or(0).min(64);
    let mut agreeing = vec![vec![0u32; columns]; width];
    let mut filled = vec![0u32; width];
    let mut distinct = vec![HashSet::new(); width];
    for found in identified {
        let Some(ours) = rows.get(&(table, found.row)) else { continue };
        for (from, value) in sample.records[list][found.record].iter().enumerate().take(width) {
            let theirs = digest(value.as_deref(), sample.legacy);
            if theirs == 0 {
                continue;
            }
            filled[from] += 1;
            distinct[from].insert(theirs);
            for (to, _) in ours.iter().enumerate().take(columns).filter(|(_, ours)| **ours == theirs) {
                agreeing[from][to] += 1;
            }
        }
    }
    let same_name = |from: usize, to: usize| {
        let ours = &tables[table].columns[to].name;
        named.get(from).is_some_and(|name| {
            name.eq_ignore_ascii_case(ours) || name.to_ascii_lowercase().ends_with(&format!(".{}", ours.to_ascii_lowercase()))
        })
    };
    let mut candidates: Vec<(u32, bool, usize, usize)> = Vec::new();
    for (from, counts) in agreeing.iter().enumerate() {
        for (to, &agree) in counts.iter().enumerate() {
            let same = same_name(from, to);
            // A column that is empty in the whole sample agrees by its name alone.
            if (agree > 0 && agree * 2 >= filled[from]) || (filled[from] == 0 && same) {
                candidates.push((agree * 1000 / filled[from].max(1), same, from, to));
            }
        }
    }
    candidates.sort_by_key(|&(ratio, same, from, to)| (std::cmp::Reverse((same, ratio)), from, to));
    let (mut from_taken, mut to_taken, mut pairs) = (HashSet::new(), HashSet::new(), Vec::new());
    for (_, _, from, to) in candidates {
        if !from_taken.contains(&from) && !to_taken.contains(&to) {
            from_taken.insert(from);
            to_taken.insert(to);
            let distinct = distinct[from].len() as u32;
            pairs.push(Pair { from, to, shown: true, agreeing: agreeing[from][to], distinct });
        }
    }
    pairs
}

/// Hands every row of a table over by its number, straight from the sealed snapshot: card numbers and codes are in memory
/// only here, and nothing is kept but digests.
pub(super) fn each_row(reader: &SnapshotReader, table: &Table, each: &mut dyn FnMut(u64, &[Option<&str>])) -> Result<()> {
    let mut row = 0;
    let read = reader.read_table(&table.name, &mut |values| {
        row += 1;
        if values.len() == table.columns.len() {
            each(row, values);
        }
        ControlFlow::Continue(())
    });
    read.map(|_| ()).map_err(|source| Error::Evidence { path: table.name.clone(), source })
}
