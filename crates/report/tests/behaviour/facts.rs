//! An invented case's facts.

use kintsugi_case::{Conservation, Contact, Controller, Fact, FactKind, FactValue, FieldMeaning, Verdict};
use kintsugi_report::{Counts, FieldCount, computed, conservation_facts};

pub(crate) fn controller() -> Controller {
    Controller {
        name: "カケハシレンタル株式会社".into(),
        domain: "kakehashi.example".into(),
        brands: vec!["TABIDATA".into(), "Tabi Cellular".into()],
        contact: Contact { phone: "0120-000-000".into(), email: "privacy@kakehashi.example".into(), hours: "10-19".into() },
    }
}

pub(crate) fn entered(name: &str, value: FactValue, as_of: &str) -> Fact {
    Fact {
        name: name.into(),
        value,
        as_of: as_of.into(),
        source: "somebody".into(),
        query: String::new(),
        scope_version: 0,
        kind: FactKind::Entered,
        replaces: false,
    }
}

pub(crate) fn counts() -> Counts {
    let of = |field, verdict, records, persons| FieldCount { field, verdict, records, persons };
    Counts {
        scope_version: 1,
        as_of: "2013-05-21T10:00:00+09:00".into(),
        records_stored: 12_345,
        records_proved: 9_876,
        records_possible: 0,
        persons_proved: 8_765,
        persons_possible: 0,
        records_without_person: 0,
        fields: vec![
            of(FieldMeaning::CardNumber, Verdict::Proved, 9_876, 8_765),
            of(FieldMeaning::PersonAddress, Verdict::Proved, 9_000, 8_000),
            of(FieldMeaning::PersonAddress, Verdict::Possible, 876, 765),
        ],
        taken_first_at: "2013-04-19T02:14:05+09:00".into(),
        taken_last_at: "2013-04-23T16:59:58+09:00".into(),
    }
}

pub(crate) fn facts() -> Vec<Fact> {
    let mut facts = vec![
        entered("discovered_at", FactValue::Date("2013-04-23".into()), "2013-04-23"),
        entered("forms_closed_at", FactValue::Date("2013-04-23T17:00:00+09:00".into()), "2013-04-23"),
        entered("unauthorised_use_cases", FactValue::Number(172), "2013-04-26"),
    ];
    facts.extend(computed(&counts()));
    let line = Conservation { persons: 8_765, accepted: 8_700, no_address: 65, ..Conservation::default() };
    facts.extend(conservation_facts(&line, 1, "2013-05-27T17:00:00+09:00"));
    facts
}
