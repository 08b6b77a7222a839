//! Facts that the binary gathers from the stages for the fact book.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kintsugi_case::{Conservation, Fact, FieldMeaning, ScopeVersion, Verdict};
use kintsugi_find::{PersonRow, ScopeCounts};
use kintsugi_report::{Counts, FieldCount};

use crate::command::now_ms;
use crate::folder::Folder;

/// A time as facts write it: RFC 3339 with the offset of the case's zone.
pub(crate) fn moment(folder: &Folder, at_ms: i64) -> String {
    let zone = folder.case.case.timezone.clone();
    let zoned = Timestamp::from_millisecond(at_ms).map(|at| at.to_zoned(zone));
    zoned.map(|at| at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()).unwrap_or_default()
}

/// The conservation line as it stands now.
pub(crate) fn of_conservation(folder: &Folder, line: &Conservation, scope: &ScopeVersion) -> Vec<Fact> {
    kintsugi_report::conservation_facts(line, scope.number, &moment(folder, now_ms()))
}

/// Records and persons by field and verdict, counted while persons go by. Each counts once per field, at its strongest.
#[derive(Default)]
pub(crate) struct Tally {
    fields: BTreeMap<(FieldMeaning, Verdict), (u64, u64)>,
    taken_first_ms: Option<i64>,
    taken_last_ms: Option<i64>,
}

impl Tally {
    /// Counts one person.
    pub(crate) fn count(&mut self, person: &PersonRow) {
        let mut of_person: BTreeMap<FieldMeaning, Verdict> = BTreeMap::new();
        let mut of_records: BTreeMap<(&str, &str, FieldMeaning), Verdict> = BTreeMap::new();
        for exposed in &person.exposed {
            for &field in &exposed.fields {
                strengthen(of_person.entry(field).or_insert(exposed.verdict), exposed.verdict);
                let record = (exposed.table.as_str(), exposed.key.as_str(), field);
                strengthen(of_records.entry(record).or_insert(exposed.verdict), exposed.verdict);
            }
            if exposed.at_ms != 0 {
                self.taken_first_ms = Some(self.taken_first_ms.map_or(exposed.at_ms, |first| first.min(exposed.at_ms)));
                self.taken_last_ms = Some(self.taken_last_ms.map_or(exposed.at_ms, |last| last.max(exposed.at_ms)));
            }
        }
        for ((_, _, field), verdict) in of_records {
            self.fields.entry((field, verdict)).or_default().0 += 1;
        }
        for (field, verdict) in of_person {
            self.fields.entry((field, verdict)).or_default().1 += 1;
        }
    }
}

fn strengthen(held: &mut Verdict, verdict: Verdict) {
    *held = (*held).max(verdict);
}

/// The facts of a scope version.
pub(crate) fn of_scope(folder: &Folder, counts: &ScopeCounts, tally: &Tally, scope: u32, frozen_at_ms: i64) -> Vec<Fact> {
    let exposed = || counts.tables.iter().filter(|table| table.personal && table.proved + table.possible > 0);
    let time = |at: Option<i64>| at.map(|at| moment(folder, at)).unwrap_or_default();
    let field = |(&(field, verdict), &(records, persons)): (&(FieldMeaning, Verdict), &(u64, u64))| FieldCount {
        field,
        verdict,
        records,
        persons,
    };
    kintsugi_report::computed(&Counts {
        scope_version: scope,
        as_of: moment(folder, frozen_at_ms),
        records_stored: exposed().map(|table| table.stored).sum(),
        records_proved: exposed().map(|table| table.proved).sum(),
        records_possible: exposed().map(|table| table.possible).sum(),
        persons_proved: counts.persons_proved,
        persons_possible: counts.persons_possible,
        records_without_person: counts.records_without_owner,
        fields: tally.fields.iter().map(field).collect(),
        taken_first_at: time(tally.taken_first_ms),
        taken_last_at: time(tally.taken_last_ms),
    })
}
