//! From exposures to what a page shows: one group per record, each field once at its strongest verdict.

use std::collections::BTreeMap;

use kintsugi_case::{ExposedRecord, FieldMeaning, Verdict};

/// A record, and for each of its fields the exposure that decides it.
pub(super) struct Record<'a> {
    /// The exposure to name the record by.
    pub(super) head: &'a ExposedRecord,
    /// Field by field in reading order.
    pub(super) fields: Vec<(FieldMeaning, &'a ExposedRecord)>,
}

impl Record<'_> {
    /// The strongest verdict.
    pub(super) fn verdict(&self) -> Verdict {
        self.fields.iter().map(|(_, exposed)| exposed.verdict).max().unwrap_or(Verdict::Excluded)
    }

    /// Whether it is about a card.
    pub(super) fn is_card(&self) -> bool {
        !self.head.card_last4.is_empty()
    }
}

/// The records of a person, strongest verdict first, cards before others.
pub(super) fn records(exposed: &[ExposedRecord]) -> Vec<Record<'_>> {
    let mut by_key: BTreeMap<(&str, &str, &str), Vec<&ExposedRecord>> = BTreeMap::new();
    for one in exposed {
        by_key.entry((&one.source, &one.table, &one.key)).or_default().push(one);
    }
    let mut records: Vec<Record<'_>> = by_key.into_values().filter_map(|all| record(&all)).collect();
    records.sort_by_key(|record| (std::cmp::Reverse(record.verdict()), !record.is_card(), record.head.at_ms));
    records
}

fn record<'a>(all: &[&'a ExposedRecord]) -> Option<Record<'a>> {
    let head = all.iter().copied().max_by_key(|one| (one.verdict, !one.card_last4.is_empty()))?;
    let strongest = |field: FieldMeaning| {
        let having = all.iter().copied().filter(|one| one.fields.contains(&field));
        having.max_by_key(|one| one.verdict).map(|one| (field, one))
    };
    let personal = FieldMeaning::ALL.into_iter().filter(|field| field.is_personal());
    let fields: Vec<_> = personal.filter_map(strongest).collect();
    (!fields.is_empty()).then_some(Record { head, fields })
}
