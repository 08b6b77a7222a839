//! The chain behind an answer, as a terminal shows it.

use kintsugi_case::{
    BasisId, BasisSummary, EvidenceId, EvidenceLine, ExposedRecord, FieldMeaning, NoticeNumber, NoticeState, PersonId,
    ScopeVersion, Technique, Verdict,
};
use kintsugi_report::{why_fact, why_notice, why_person};

use crate::facts::facts;

fn scope() -> ScopeVersion {
    ScopeVersion {
        number: 1,
        frozen_at_ms: 1_369_098_000_000,
        digest: "0123456789abcdef0123456789abcdef".into(),
        signature: String::new(),
        public_key: String::new(),
    }
}

fn basis() -> BasisSummary {
    BasisSummary {
        id: BasisId(3),
        technique: Technique::Union,
        rule: "replay".into(),
        shape: "SELECT id, name FROM items WHERE id = ? UNION ALL SELECT NULL, CONCAT(pan, exp) FROM cards LIMIT ?, ?".into(),
        endpoint: "GET /item id".into(),
        table: "cards".into(),
        verdict: Verdict::Proved,
        reason: "the answer has the size that the replay predicts".into(),
        statements: 9_876,
        agreeing: 9_876,
    }
}

fn record() -> ExposedRecord {
    ExposedRecord {
        source: "shop".into(),
        table: "cards".into(),
        key: "48211".into(),
        fields: vec![FieldMeaning::CardNumber, FieldMeaning::CardExpiry],
        columns: "pan,exp".into(),
        verdict: Verdict::Proved,
        basis: BasisId(3),
        line: EvidenceLine { evidence: EvidenceId(2), line: 2_918_334 },
        at_ms: 1_366_305_245_000,
        observed_bytes: 1_374,
        predicted_bytes: 1_374,
        literals: "-7741, 48210, 1".into(),
        card_brand: "Visa".into(),
        card_last4: "4242".into(),
        service_brand: "TABIDATA".into(),
        service_used_on: "2012-08-03".into(),
    }
}

#[test]
fn a_person_down_to_the_evidence_line() {
    insta::assert_snapshot!(why_person(PersonId(7), &scope(), &[record()], &[basis()]), @r"
    Person 7 is affected: proved.
    ├─ scope      scope version 1, frozen 2013-05-21 01:00:00 UTC
    │             SHA-256 0123456789abcdef…, signed by the case key
    ├─ record     ● shop.cards 48211, Visa ending in 4242
    │             proved: pan, exp, taken 2013-04-18 17:14:05 UTC
    ├─ statement  basis 3: rule replay, union
    │             the answer has the size that the replay predicts
    │             GET /item id: SELECT id, name FROM items WHERE id = ? UNION ALL SELECT NULL, CONCAT(pan, exp) FROM cards LIMIT ?, ?
    │             here with -7741, 48210, 1
    │             9,876 of 9,876 statements of this shape agree with the replay
    ╰─ evidence   evidence 2, line 2,918,334
                  the server sent 1,374 bytes, the replay predicts 1,374
    ");
}

#[test]
fn a_notice_leads_to_its_person() {
    let person = why_person(PersonId(7), &scope(), &[], &[]);
    insta::assert_snapshot!(why_notice(NoticeNumber::new(2013, 7), NoticeState::Unknown, &person), @r"
    Notice K-2013-000007-6 is unknown: it was handed over and the answer was never seen: it is not sent again blindly.
    ├─ person  Person 7 is not affected.
    ╰─ scope   scope version 1, frozen 2013-05-21 01:00:00 UTC
               SHA-256 0123456789abcdef…, signed by the case key
    ");
}

#[test]
fn a_fact_names_its_query_or_its_source() {
    let facts = facts();
    insta::assert_snapshot!(why_fact("records_proved", &facts, Some(&scope())).unwrap(), @r"
    records_proved = 9,876
    ├─ as of   2013-05-21T10:00:00+09:00
    ├─ source  computed from the frozen scope version (computed)
    ├─ query   SELECT count(DISTINCT (source, table, key)) FROM exposures WHERE strongest = 'proved'
    ╰─ scope   scope version 1, frozen 2013-05-21 01:00:00 UTC
               SHA-256 0123456789abcdef…, signed by the case key
    ");
    insta::assert_snapshot!(why_fact("unauthorised_use_cases", &facts, Some(&scope())).unwrap(), @r"
    unauthorised_use_cases = 172
    ├─ as of   2013-04-26
    ╰─ source  somebody (entered)
    ");
    assert_eq!(why_fact("nothing", &facts, None), None);
}
