//! The file rule: a dump or list that was found, in any form and encoding, whole or in part, matched to our own records by
//! key or by value (`sample`, `rows`). What was found in the intruder's hands is proved; of what lay on our server, as much as
//! its log shows to have been downloaded (`download`).

mod download;
mod rows;
mod sample;
mod values;

use std::collections::BTreeMap;

use kintsugi_case::{BasisId, BasisSummary, ColumnSet, EvidenceLine, Exposure, FileRule, SourceSpec, Technique, Verdict};
use kintsugi_evidence::{CustodyEntry, EvidenceKind, FoundReport, SnapshotReader, is_named_by, read_found};
use kintsugi_find::{ExposureWriter, Table};
use rusqlite::Connection;

use crate::{Context, Error, Result};
use download::{Download, Extent};
use rows::{Cell, Match, Rows};
use sample::{Mapping, SAMPLE_RECORDS_MAX, Sample};

/// What a found file came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filed {
    /// The file, as in the custody manifest.
    pub path: String,
    /// What was read of it, and what was not.
    pub report: FoundReport,
    /// Records that are ours.
    pub matched: u64,
    /// Those among them that certainly reached the intruder.
    pub proved: u64,
    /// Addresses that downloaded it.
    pub clients: u64,
}

/// Applies one rule to every file that it names.
pub(crate) fn apply(
    rule: &FileRule,
    context: &Context<'_>,
    next_basis: &mut u32,
    writer: &mut ExposureWriter<'_>,
) -> Result<Vec<Filed>> {
    let Some(source) = context.case.source(&rule.source) else { return Ok(Vec::new()) };
    let named = |entry: &&CustodyEntry| entry.kind == EvidenceKind::Found && is_named_by(entry, &rule.evidence);
    let files = context.evidence.iter().filter(named);
    files.map(|entry| apply_to(rule, entry, source, context, next_basis, writer)).collect()
}

fn apply_to(
    rule: &FileRule,
    entry: &CustodyEntry,
    source: &SourceSpec,
    context: &Context<'_>,
    next_basis: &mut u32,
    writer: &mut ExposureWriter<'_>,
) -> Result<Filed> {
    let unreadable = |source| Error::Evidence { path: entry.path.clone(), source };
    let file = FoundFile { entry, source, context };
    let download = match &rule.served_at {
        Some(path) => Some(download::look(rule, path, entry, context)?),
        None => None,
    };
    let (sample, report) = file.sample()?;
    let reader = SnapshotReader::open(context.case_dir, source, context.keys).map_err(unreadable)?;
    let tables: Vec<&Table> = context.tables.iter().filter(|table| table.source == source.name).collect();
    let mappings = sample::mappings(&sample, &reader, &tables)?;
    let mut filed = Filed { path: entry.path.clone(), clients: download.map_or(0, |d| d.clients), report, ..Filed::default() };
    let connection = context.read_only().map_err(|source| Error::File { path: entry.path.clone(), source })?;
    let certain = file.certain(download)?;
    let mut bases = Bases { rule, entry, download, next: next_basis, known: BTreeMap::new() };
    for mapping in &mappings {
        let table = tables[mapping.table];
        let rows = Rows::read(mapping, &reader, table, sample.legacy)?;
        let held = Held { connection: &connection, table };
        let mut failure = None;
        let mut ordinal = 0;
        file.read(None, &mut |list, values, line, _| {
            let is_certain = ordinal < certain;
            ordinal += 1;
            if list != mapping.list || failure.is_some() {
                return;
            }
            let Some(found) = rows.find(mapping, values, sample.legacy) else { return };
            filed.matched += 1;
            filed.proved += u64::from(is_certain && found.rows.len() == 1);
            if let Err(error) = write(&held, mapping, &found, line, is_certain, &mut bases, writer) {
                failure = Some(error);
            }
        })?;
        failure.map_or(Ok(()), Err)?;
    }
    bases.finish(writer)?;
    Ok(filed)
}

/// A found file and how to read it.
struct FoundFile<'a> {
    entry: &'a CustodyEntry,
    source: &'a SourceSpec,
    context: &'a Context<'a>,
}

/// Takes the list, the values, the line and whether the record is whole.
type EachRecord<'a> = dyn FnMut(usize, &[Option<String>], u64, bool) + 'a;

impl FoundFile<'_> {
    fn read(&self, bytes_max: Option<u64>, each: &mut EachRecord<'_>) -> Result<FoundReport> {
        let Context { case_dir, keys, .. } = self.context;
        read_found(case_dir, self.entry, keys, self.source.dbms, bytes_max, &mut |record, _| {
            each(record.list, record.values, record.line, record.whole);
        })
        .map_err(|source| Error::Evidence { path: self.entry.path.clone(), source })
    }

    fn sample(&self) -> Result<(Sample, FoundReport)> {
        let mut records: Vec<Vec<Vec<Option<String>>>> = Vec::new();
        let report = self.read(None, &mut |list, values, _, _| {
            records.resize_with(records.len().max(list + 1), Vec::new);
            if records[list].len() < SAMPLE_RECORDS_MAX {
                records[list].push(values.to_vec());
            }
        })?;
        records.resize_with(report.lists.len(), Vec::new);
        Ok((Sample { lists: report.lists.clone(), records, legacy: report.legacy }, report))
    }

    /// How many records, from the first, certainly left: all of those found elsewhere, and of ours as many as were downloaded.
    fn certain(&self, download: Option<Download>) -> Result<u64> {
        let bytes = match download.map(|download| download.extent) {
            None | Some(Extent::Whole) => return Ok(u64::MAX),
            Some(Extent::Unknown) => return Ok(0),
            Some(Extent::First(bytes)) => bytes,
        };
        let mut whole = 0;
        self.read(Some(bytes), &mut |_, _, _, is_whole| whole += u64::from(is_whole))?;
        Ok(whole)
    }
}

/// The rows of a table that find.db holds: a second row with the same key was kept aside.
struct Held<'a> {
    connection: &'a Connection,
    table: &'a Table,
}

impl Held<'_> {
    fn has(&self, row: u64) -> rusqlite::Result<bool> {
        let (table, number) = (self.table.sql_name(), self.table.row_name());
        let mut select = self.connection.prepare_cached(&format!("SELECT 1 FROM {table} WHERE {number} = ?"))?;
        select.exists([row.cast_signed()])
    }
}

/// Why a file exposes what it does. Its order is the order of the bases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    InTheirHands,
    Downloaded,
    DownloadedInPart,
    Beyond,
    NotSeenDownloaded,
    OneOfThese,
    OtherValue,
}

impl Reason {
    const fn verdict(self) -> Verdict {
        match self {
            Self::InTheirHands | Self::Downloaded | Self::DownloadedInPart => Verdict::Proved,
            Self::Beyond | Self::NotSeenDownloaded | Self::OneOfThese | Self::OtherValue => Verdict::Possible,
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::InTheirHands => "the file that was found holds the record",
            Self::Downloaded => "the file holds the record, and the server sent all of it",
            Self::DownloadedInPart => {
                "the file's first bytes hold the record, and the server sent these to a client that had nothing of it"
            }
            Self::Beyond => "the file holds the record behind the bytes that were certainly sent",
            Self::NotSeenDownloaded => "the file holds the record and could be fetched; the logs show no download",
            Self::OneOfThese => "the file holds one of these records, and nothing says which",
            Self::OtherValue => "the file holds the record with another value than it has today",
        }
    }
}

fn write(
    held: &Held<'_>,
    mapping: &Mapping,
    found: &Match,
    line: u64,
    is_certain: bool,
    bases: &mut Bases<'_>,
    writer: &mut ExposureWriter<'_>,
) -> Result<()> {
    let sent = bases.reason(is_certain);
    let columns = |cell: Cell| -> ColumnSet {
        let pairs = mapping.pairs.iter().zip(&found.cells).filter(|(pair, found)| pair.shown && **found == cell);
        pairs.map(|(pair, _)| pair.to).collect()
    };
    let same = if found.rows.len() > 1 && sent.verdict() == Verdict::Proved { Reason::OneOfThese } else { sent };
    let other = if sent.verdict() == Verdict::Proved { Reason::OtherValue } else { sent };
    for &row in &found.rows {
        let has = held.has(row).map_err(|source| Error::File { path: bases.entry.path.clone(), source })?;
        for (columns, reason) in [(columns(Cell::Same), same), (columns(Cell::Other), other)] {
            if has && !columns.is_empty() {
                let basis = bases.of(held.table, reason);
                writer.push(&bases.exposure(held.table, row, columns, reason, basis, line)).map_err(Error::Find)?;
            }
        }
    }
    Ok(())
}

/// The bases of one file: one for each table and reason.
struct Bases<'a> {
    rule: &'a FileRule,
    entry: &'a CustodyEntry,
    download: Option<Download>,
    next: &'a mut u32,
    known: BTreeMap<(u32, Reason), BasisSummary>,
}

impl Bases<'_> {
    fn reason(&self, is_certain: bool) -> Reason {
        match self.download.map(|download| download.extent) {
            None => Reason::InTheirHands,
            Some(Extent::Whole) => Reason::Downloaded,
            Some(Extent::First(_)) if is_certain => Reason::DownloadedInPart,
            Some(Extent::First(_)) => Reason::Beyond,
            Some(Extent::Unknown) => Reason::NotSeenDownloaded,
        }
    }

    fn of(&mut self, table: &Table, reason: Reason) -> BasisId {
        let (rule, entry, next) = (self.rule, self.entry, &mut *self.next);
        let basis = self.known.entry((table.id, reason)).or_insert_with(|| {
            let id = BasisId(*next);
            *next += 1;
            summary(rule, entry, table, reason, id)
        });
        basis.statements += 1;
        basis.agreeing += u64::from(reason.verdict() == Verdict::Proved);
        basis.id
    }

    /// The line that shows it is the download's; where there is none, the file's own.
    fn exposure(&self, table: &Table, row: u64, columns: ColumnSet, reason: Reason, basis: BasisId, line: u64) -> Exposure {
        let own = EvidenceLine { evidence: self.entry.id, line };
        let download = self.download.filter(|download| download.extent != Extent::Unknown);
        Exposure {
            table: table.id,
            row,
            columns,
            verdict: reason.verdict(),
            basis,
            line: download.map_or(own, |download| download.line),
            at_ms: download.map_or(0, |download| download.at_ms),
            observed_bytes: download.map_or(0, |download| download.bytes),
            predicted_bytes: if download.is_some() { self.entry.bytes } else { 0 },
            literals: if download.is_some() && line > 0 { format!("line {line}") } else { String::new() },
        }
    }

    fn finish(self, writer: &mut ExposureWriter<'_>) -> Result<()> {
        self.known.values().try_for_each(|basis| writer.put_basis(basis).map_err(Error::Find))
    }
}

fn summary(rule: &FileRule, entry: &CustodyEntry, table: &Table, reason: Reason, id: BasisId) -> BasisSummary {
    let served = rule.served_at.as_ref().map(|path| format!(", served at {path}"));
    BasisSummary {
        id,
        technique: Technique::File,
        rule: format!("file {}{}", entry.path, served.unwrap_or_default()),
        shape: String::new(),
        endpoint: rule.served_at.clone().unwrap_or_default(),
        table: table.name.clone(),
        verdict: reason.verdict(),
        reason: reason.text().into(),
        statements: 0,
        agreeing: 0,
    }
}
