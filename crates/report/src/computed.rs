//! The facts that the program itself vouches for: counts of a frozen scope, and the conservation line.

use kintsugi_case::{Conservation, Fact, FactKind, FactValue, FieldMeaning, Verdict};

/// The source of facts that a scope version holds.
pub(crate) const SCOPE: &str = "computed from the frozen scope version";

/// The source of facts about notices.
pub(crate) const OUTBOX: &str = "the outbox, counted from the persons' side";

/// How often a field was exposed with a verdict. Records and persons are two numbers (rule 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldCount {
    /// The field.
    pub field: FieldMeaning,
    /// The verdict.
    pub verdict: Verdict,
    /// Records whose strongest verdict for the field is this.
    pub records: u64,
    /// Persons whose strongest verdict for the field is this.
    pub persons: u64,
}

/// The counts of a frozen scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The scope version.
    pub scope_version: u32,
    /// When it was frozen, RFC 3339 with the case's offset.
    pub as_of: String,
    /// Rows of the tables in which at least one record was exposed.
    pub records_stored: u64,
    /// Records whose strongest verdict is proved.
    pub records_proved: u64,
    /// Records whose strongest verdict is possible.
    pub records_possible: u64,
    /// Persons whose strongest verdict is proved.
    pub persons_proved: u64,
    /// Persons whose strongest verdict is possible.
    pub persons_possible: u64,
    /// Exposed records that belong to nobody who could be resolved.
    pub records_without_person: u64,
    /// Per field and verdict.
    pub fields: Vec<FieldCount>,
    /// The first time at which something was taken, RFC 3339; empty where unknown.
    pub taken_first_at: String,
    /// The last time, RFC 3339; empty where unknown.
    pub taken_last_at: String,
}

/// The facts of a scope version, in a fixed order. `query` of each can be run over what `kintsugi export exposures` writes
/// (one row per cell; `strongest` stands for the strongest verdict of the record, or of the person).
/// From the second scope version on they replace those of the version before: a scope may shrink.
pub fn computed(counts: &Counts) -> Vec<Fact> {
    let mut facts = totals(counts);
    for field in FieldMeaning::ALL {
        for verdict in [Verdict::Proved, Verdict::Possible] {
            facts.extend(of_field(counts, field, verdict));
        }
    }
    let times =
        [("taken_first_at", &counts.taken_first_at, "min(first_at)"), ("taken_last_at", &counts.taken_last_at, "max(last_at)")];
    for (name, value, of) in times.into_iter().filter(|(_, value, _)| !value.is_empty()) {
        let query = format!("SELECT {of} FROM exposures WHERE verdict <> 'excluded'");
        facts.push(fact(counts, name, FactValue::Date(value.clone()), query));
    }
    facts
}

/// The facts that a notice may cite: what people entered, and what the newest scope version holds. Counts of notices change
/// while notices go out, so no notice can state them.
pub fn citable(facts: &[Fact]) -> Vec<Fact> {
    let newest = facts.iter().map(|fact| fact.scope_version).max().unwrap_or(0);
    let stands = |fact: &&Fact| fact.kind == FactKind::Entered || (fact.source == SCOPE && fact.scope_version == newest);
    facts.iter().filter(stands).cloned().collect()
}

/// The name of every fact that a scope version can hold.
pub fn computed_names() -> Vec<String> {
    let each =
        FieldMeaning::ALL.into_iter().flat_map(|field| [Verdict::Proved, Verdict::Possible].map(|verdict| (field, verdict)));
    let fields = each.map(|(field, verdict)| FieldCount { field, verdict, records: 1, persons: 1 }).collect();
    let (taken_first_at, taken_last_at) = ("taken".to_owned(), "taken".to_owned());
    let facts = computed(&Counts { fields, taken_first_at, taken_last_at, ..Counts::default() });
    facts.into_iter().map(|fact| fact.name).collect()
}

fn totals(counts: &Counts) -> Vec<Fact> {
    const RECORDS: &str = "SELECT count(DISTINCT (source, table, key)) FROM exposures WHERE strongest";
    const PERSONS: &str = "SELECT count(DISTINCT person) FROM exposures WHERE strongest";
    let (records, persons) = (counts.records_proved + counts.records_possible, counts.persons_proved + counts.persons_possible);
    let numbers = [
        ("records_stored", counts.records_stored, "SELECT sum(rows) FROM tables WHERE any record in it is exposed".into()),
        ("records_exposed", records, format!("{RECORDS} IN ('proved', 'possible')")),
        ("records_proved", counts.records_proved, format!("{RECORDS} = 'proved'")),
        ("records_possible", counts.records_possible, format!("{RECORDS} = 'possible'")),
        ("records_without_person", counts.records_without_person, format!("{RECORDS} <> 'excluded' AND person IS NULL")),
        ("persons_affected", persons, format!("{PERSONS} IN ('proved', 'possible')")),
        ("persons_proved", counts.persons_proved, format!("{PERSONS} = 'proved'")),
        ("persons_possible", counts.persons_possible, format!("{PERSONS} = 'possible'")),
    ];
    numbers.into_iter().map(|(name, value, query)| fact(counts, name, number(value), query)).collect()
}

/// Both numbers of a field and a verdict, where the field was exposed at all.
fn of_field(counts: &Counts, field: FieldMeaning, verdict: Verdict) -> Vec<Fact> {
    let of_field = || counts.fields.iter().filter(move |count| count.field == field);
    if !of_field().any(|count| count.verdict > Verdict::Excluded && count.records + count.persons > 0) {
        return Vec::new();
    }
    let (mut records, mut persons) = (0, 0);
    of_field().filter(|count| count.verdict == verdict).for_each(|count| {
        records += count.records;
        persons += count.persons;
    });
    let one = |unit: &str, of: &str, value: u64| {
        let filter = format!("field = '{}' AND strongest = '{}'", field.name(), verdict.name());
        let query = format!("SELECT count(DISTINCT {of}) FROM exposures WHERE {filter}");
        fact(counts, &field_fact(unit, field, verdict), number(value), query)
    };
    vec![one("records", "(source, table, key)", records), one("persons", "person", persons)]
}

/// The name of a field's fact: `records.card.number.proved`.
pub(crate) fn field_fact(unit: &str, field: FieldMeaning, verdict: Verdict) -> String {
    format!("{unit}.{}.{}", field.name(), verdict.name())
}

fn fact(counts: &Counts, name: &str, value: FactValue, query: String) -> Fact {
    Fact {
        name: name.to_owned(),
        value,
        as_of: counts.as_of.clone(),
        source: SCOPE.into(),
        query,
        scope_version: counts.scope_version,
        kind: FactKind::Computed,
        replaces: counts.scope_version > 1,
    }
}

fn number(value: u64) -> FactValue {
    FactValue::Number(i64::try_from(value).unwrap_or(i64::MAX))
}

/// The conservation line as facts (rule 4); they replace the ones before them, because mails go on being sent.
pub fn conservation_facts(line: &Conservation, scope_version: u32, as_of: &str) -> Vec<Fact> {
    let counts = Counts { scope_version, as_of: as_of.to_owned(), ..Counts::default() };
    let parts = [
        ("notices_persons", line.persons, "persons with a verdict above excluded"),
        ("notices_accepted", line.accepted, "their notice is accepted"),
        ("notices_refused", line.refused, "their notice is refused"),
        ("notices_unknown", line.unknown, "their notice is unknown"),
        ("notices_held", line.held, "their notice is held"),
        ("notices_no_address", line.letters(), "their way is a letter, wherever it stands"),
        ("notices_waiting", line.waiting, "their notice waits or is being sent"),
    ];
    let each = parts.into_iter().map(|(name, value, which)| {
        let query = format!("SELECT count(*) FROM persons LEFT JOIN notices: {which}");
        Fact { replaces: true, source: OUTBOX.into(), ..fact(&counts, name, number(value), query) }
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::{Counts, FieldCount, computed, conservation_facts};
    use kintsugi_case::{Conservation, FieldMeaning, Verdict, contradictions};

    fn counts(scope_version: u32, records_proved: u64) -> Counts {
        Counts {
            scope_version,
            as_of: format!("2013-05-2{scope_version}T10:00:00+09:00"),
            records_stored: 30,
            records_proved,
            records_possible: 3,
            persons_proved: 8,
            persons_possible: 2,
            fields: vec![FieldCount { field: FieldMeaning::CardNumber, verdict: Verdict::Proved, records: 10, persons: 8 }],
            taken_first_at: "2013-04-19T02:14:05+09:00".into(),
            ..Counts::default()
        }
    }

    #[test]
    fn every_count_is_a_fact_with_its_query() {
        let facts = computed(&counts(1, 10));
        let shown: Vec<String> = facts.iter().map(|fact| format!("{} = {}", fact.name, fact.value)).collect();
        assert_eq!(
            shown,
            [
                "records_stored = 30",
                "records_exposed = 13",
                "records_proved = 10",
                "records_possible = 3",
                "records_without_person = 0",
                "persons_affected = 10",
                "persons_proved = 8",
                "persons_possible = 2",
                "records.card.number.proved = 10",
                "persons.card.number.proved = 8",
                "records.card.number.possible = 0",
                "persons.card.number.possible = 0",
                "taken_first_at = 2013-04-19T02:14:05+09:00",
            ]
        );
        assert!(facts.iter().all(|fact| !fact.query.is_empty() && !fact.as_of.is_empty() && !fact.source.is_empty()));
    }

    #[test]
    fn a_later_scope_may_shrink_and_sending_may_go_on() {
        let mut facts = computed(&counts(1, 10));
        facts.extend(computed(&counts(2, 9)));
        for waiting in [5, 0] {
            let line = Conservation { persons: 10, accepted: 10 - waiting, waiting, ..Conservation::default() };
            facts.extend(conservation_facts(&line, 2, "2013-05-27T17:00:00+09:00"));
        }
        assert_eq!(contradictions(&facts), []);
    }
}
