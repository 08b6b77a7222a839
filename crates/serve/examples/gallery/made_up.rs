//! A made-up case: a store with a frozen scope, notices in every state and rights. For the gallery and the tests.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use kintsugi_case::{
    BasisId, BasisSummary, CaseFile, EvidenceId, EvidenceLine, ExposedRecord, Fact, FactKind, FactValue, FieldMeaning, Language,
    PersonId, PersonProfile, Private, Technique, Verdict,
};
use kintsugi_notify::{Composer, FactBook, Templates};
use kintsugi_serve::{AnswerDesk, CurrentDesk, EvidenceFile, LogRead, Options, Site, hash_password};
use kintsugi_store::{FreezeDraft, Hold, Outcome, RecordRef, ReplyDraft, ScopeSeal, Store};
use kintsugi_vault::Keys;

/// 2013-05-27 12:00 in Tokyo.
pub(crate) const NOW_MS: i64 = 1_369_623_600_000;
/// 2013-04-19 02:14:05 in Tokyo.
const TAKEN_MS: i64 = 1_366_305_245_000;

/// The staff member of the case and the password.
pub(crate) const STAFF: (&str, &str) = ("m.sato", "a long made-up password");
/// The shop's key.
pub(crate) const API_KEY: &str = "made-up-key-of-the-shop";

const CASE: &str = r#"
version = 1
[case]
id = "tabidata-2013"
title = "TABIDATA 2013"
timezone = "Asia/Tokyo"
aware_at = 2013-04-23T17:00:00+09:00
languages = ["ja", "en"]
[controller]
name = "株式会社カケハシレンタル"
domain = "kakehashi.example"
brands = ["TABIDATA", "Tabi Cellular"]
contact = { phone = "0120-000-000", email = "desk@kakehashi.example", hours = "平日 10:00–19:00" }
[[source]]
name = "shop"
dbms = "mariadb"
snapshot = "snapshot"
[source.tables.cards]
key = ["id"]
fields = { pan = "card.number" }
[mail]
from = "TABIDATA <notice@kakehashi.example>"
smtp = "smtp://127.0.0.1:2525"
portal = "http://127.0.0.1:8080"
[[remedy]]
kind = "coupon"
amount = 3000
currency = "JPY"
to = "proved"
until = 2014-06-30
"#;

/// The case and where its pages are.
pub(crate) struct MadeUp {
    /// The site.
    pub(crate) site: Site,
    /// The store behind it.
    pub(crate) store: Store,
    /// The code in the link of a person whose data was taken.
    pub(crate) link: String,
    /// The code of a link to a person of whom nothing was taken.
    pub(crate) untouched: String,
    /// The code of a link to a person with possible exposure alone.
    pub(crate) possible: String,
    /// Of the first person's coupon.
    pub(crate) coupon: String,
    /// Of the first person's coupon that ended yesterday.
    pub(crate) ended: String,
}

fn now() -> i64 {
    NOW_MS
}

/// Options for loopback without TLS.
pub(crate) fn loopback() -> Options {
    Options { loopback: true, secure: false, ..Options::default() }
}

/// Makes the case in a folder, with this many affected persons.
pub(crate) async fn make(dir: &Path, persons: u64, options: Options) -> MadeUp {
    let case = CaseFile::parse(CASE).expect("the made-up case file is right");
    let keys = Keys::from_seed([7; 32]);
    let store = Store::open(&case.store, dir, &keys).await.expect("the store opens");
    freeze(&store, persons).await;
    let codes = send(&store, persons).await;
    store.issue_rights(1, "coupon-1", &case.remedies[0], Some(1_404_140_400_000), NOW_MS).await.expect("rights");
    store.put_staff(STAFF.0, &hash_password(STAFF.1).expect("hash"), NOW_MS).await.expect("staff");
    store.put_api_key("shop", API_KEY, NOW_MS).await.expect("key");
    store.issue_rights(1, "coupon-2", &case.remedies[0], Some(NOW_MS - 86_400_000), NOW_MS).await.expect("rights");
    let coupon = code_of(&store, "coupon-1").await;
    let ended = code_of(&store, "coupon-2").await;
    let link_to = |id| store.create_link(PersonId(id), NOW_MS + 86_400_000);
    let (untouched, possible) = (link_to(persons + 1).await.expect("link"), link_to(persons).await.expect("link"));
    kintsugi_serve::publish(&store, &case, STAFF.0, &BTreeMap::new(), NOW_MS).await.expect("the statement");
    let current = CurrentDesk::default();
    current.set(Some(Arc::new(desk(&store, &case).await)));
    let site = Site::new(store.clone(), case, keys, evidence(), now, options).answering(current);
    MadeUp { site, store, link: codes, untouched, possible, coupon, ended }
}

/// What writes answers, from the templates that ship.
async fn desk(store: &Store, case: &CaseFile) -> AnswerDesk {
    let scope = store.newest_scope().await.expect("the scope").expect("a frozen one");
    let templates = Templates::parse(&[], FactBook::default()).expect("the shipped templates");
    AnswerDesk::new(Composer::new(case, templates, &scope, &[], None).expect("mail"), "http://127.0.0.1:8080".into())
}

/// Somebody writes back about the first notice of a person.
pub(crate) async fn write_back(store: &Store, person: u64, text: &str) {
    let notice = store.notices_of(PersonId(person)).await.expect("notices").pop().expect("a notice");
    let said = |text: &str| Private::new(text.to_owned());
    let draft = ReplyDraft {
        number: Some(notice.number),
        from: said("<Hanako> <h@b.example>"),
        subject: said("Re: <b>notice</b>"),
        text: said(text),
        attachments: 0,
    };
    store.put_reply(&draft, NOW_MS - 600_000).await.expect("a reply");
}

/// The code of the first person's coupon of this remedy.
async fn code_of(store: &Store, remedy: &str) -> String {
    let rights = store.rights_of(PersonId(1)).await.expect("rights");
    rights.iter().find(|right| right.remedy == remedy).expect("the right").code.open().clone()
}

/// A store without a scope version.
pub(crate) async fn make_empty(dir: &Path, options: Options) -> Site {
    let case = CaseFile::parse(CASE).expect("the made-up case file is right");
    let keys = Keys::from_seed([7; 32]);
    let store = Store::open(&case.store, dir, &keys).await.expect("the store opens");
    store.put_staff(STAFF.0, &hash_password(STAFF.1).expect("hash"), NOW_MS).await.expect("staff");
    Site::new(store, case, keys, Vec::new(), now, options)
}

async fn freeze(store: &Store, persons: u64) {
    let draft = FreezeDraft { frozen_at_ms: NOW_MS - 6 * 86_400_000, year: 2013 };
    let mut freeze = store.begin_freeze(draft).await.expect("freeze");
    freeze.bases(&bases(persons)).await.expect("bases");
    for id in 1..=persons + 2 {
        let exposed = if id <= persons { exposed(id, persons) } else { Vec::new() };
        let records =
            [RecordRef { source: "shop".into(), table: "cards".into(), key: id.to_string(), linked_by: "customer_id".into() }];
        freeze.person(PersonId(id), &profile(id), &records, &exposed).await.expect("person");
    }
    freeze.facts(&facts(persons)).await.expect("facts");
    let seal = ScopeSeal {
        digest: "5f3a9c1e".repeat(8),
        signature: "bWFkZSB1cCBzaWduYXR1cmUsIG5vdCBhIHJlYWwgb25l".into(),
        public_key: "bWFkZSB1cCBrZXk".into(),
    };
    freeze.commit(seal).await.expect("commit").expect("a new version");
    store.put_entered_facts(&[entered("unauthorised_use_cases", 172)], NOW_MS).await.expect("entered facts");
}

fn bases(persons: u64) -> Vec<BasisSummary> {
    let basis = |id, shape: &str, verdict, statements, agreeing, reason: &str| BasisSummary {
        id: BasisId(id),
        technique: Technique::Union,
        rule: "replay".into(),
        shape: shape.into(),
        endpoint: "GET /item id".into(),
        table: "cards".into(),
        verdict,
        reason: reason.into(),
        statements,
        agreeing,
    };
    let rows = "SELECT id, name, descr, price FROM items WHERE id=? UNION ALL SELECT NULL, CONCAT(?, IFNULL(CAST(pan AS CHAR), ?), ?), NULL, NULL FROM shop.cards ORDER BY id LIMIT ?,1";
    let schema = "SELECT id, name, descr, price FROM items WHERE id=? UNION ALL SELECT NULL, column_name, NULL, NULL FROM information_schema.columns LIMIT ?,1";
    let window = BasisSummary {
        technique: Technique::Window,
        rule: "window orders.created_at 2011-03-07..2013-04-23".into(),
        endpoint: String::new(),
        ..basis(3, "", Verdict::Possible, 0, 0, "used the service while the intruder could get in")
    };
    vec![
        basis(1, rows, Verdict::Proved, persons, persons, "status 200 and the size agrees with the replay"),
        basis(2, schema, Verdict::Excluded, 64, 64, "returns the names of columns, no record"),
        window,
    ]
}

fn profile(id: u64) -> PersonProfile {
    let english = id.is_multiple_of(2);
    PersonProfile {
        name: Private::new(if english { format!("Hanako Takahashi {id}") } else { format!("髙橋 花子{id}") }),
        email: Private::new(if id == 9 { String::new() } else { format!("person{id}@mail.example") }),
        phone: Private::new("03-0000-0000".into()),
        postal_code: Private::new("100-0000".into()),
        address: Private::new("東京都架空区1-2-3".into()),
        language: if english { Language::En } else { Language::Ja },
        ..PersonProfile::default()
    }
}

fn exposed(id: u64, persons: u64) -> Vec<ExposedRecord> {
    let card = ExposedRecord {
        source: "shop".into(),
        table: "cards".into(),
        key: (48_210 + id).to_string(),
        fields: vec![FieldMeaning::CardNumber, FieldMeaning::CardExpiry, FieldMeaning::CardCode, FieldMeaning::CardHolder],
        columns: "holder,pan,exp,cvv".into(),
        verdict: Verdict::Proved,
        basis: BasisId(1),
        line: EvidenceLine { evidence: EvidenceId(1), line: 2_918_334 + id },
        at_ms: TAKEN_MS + (id as i64 * 17 % 7) * (id as i64 % 5) * 1_000_000,
        observed_bytes: 1374,
        predicted_bytes: 1374,
        literals: format!("-4821, {}", 48_210 + id),
        card_brand: "Visa".into(),
        card_last4: format!("{:04}", 4242 + id),
        service_brand: "TABIDATA".into(),
        service_used_on: "2012-08-03".into(),
    };
    let home = ExposedRecord {
        fields: vec![FieldMeaning::PersonAddress],
        columns: "bill_address".into(),
        verdict: Verdict::Possible,
        basis: BasisId(3),
        line: EvidenceLine::default(),
        at_ms: 0,
        predicted_bytes: 0,
        ..card.clone()
    };
    if id == persons { vec![home] } else { vec![card, home] }
}

fn facts(persons: u64) -> Vec<Fact> {
    let counts = kintsugi_report::Counts {
        scope_version: 1,
        as_of: "2013-05-21T10:04:00+09:00".into(),
        records_stored: persons * 146_701 / 109_112,
        records_proved: persons - 1,
        records_possible: 1,
        persons_proved: persons - 1,
        persons_possible: 1,
        records_without_person: 0,
        fields: Vec::new(),
        taken_first_at: "2013-04-19T02:14:05+09:00".into(),
        taken_last_at: "2013-04-19T08:54:05+09:00".into(),
    };
    kintsugi_report::computed(&counts)
}

fn entered(name: &str, value: i64) -> Fact {
    Fact {
        name: name.into(),
        value: FactValue::Number(value),
        as_of: "2013-04-26".into(),
        source: "決済代行会社とカード会社".into(),
        query: String::new(),
        scope_version: 0,
        kind: FactKind::Entered,
        replaces: false,
    }
}

/// Sends to everybody in memory: the fifth is refused, the seventh unknown, one is held. Gives the first one's link.
async fn send(store: &Store, persons: u64) -> String {
    store.plan_notices(1, NOW_MS - 7_200_000).await.expect("plan");
    let hold = Hold { who: "m.sato".into(), reason: "address questioned".into(), until_ms: NOW_MS + 172_800_000 };
    let _ = store.hold(3, &hold, NOW_MS - 7_000_000).await;
    let most = u32::try_from(persons).expect("few");
    let leased = store.lease_notices(1, most, "made-up", NOW_MS, NOW_MS - 3_600_000).await.expect("lease");
    let outcome = |serial| match serial {
        5 => Outcome::Refused { reply: "550 5.1.1 no such mailbox".into() },
        7 => Outcome::Unknown { why: "connection closed after the data".into() },
        _ => Outcome::Accepted { reply: "250 2.0.0 queued".into() },
    };
    let outcomes: Vec<_> = leased.iter().map(|one| (one.serial, outcome(one.serial))).collect();
    store.record_outcomes(&outcomes, NOW_MS - 3_500_000).await.expect("outcomes");
    leased.into_iter().find(|one| one.serial == 1).map(|one| one.link_code).expect("the first notice")
}

fn evidence() -> Vec<EvidenceFile> {
    let log = EvidenceFile {
        id: EvidenceId(1),
        path: "weblog/access.log".into(),
        kind: "log".into(),
        format: "combined".into(),
        source: "shop".into(),
        bytes: 812_345_678,
        sha256: "9b1d7c02".repeat(8),
        taken_by: "m.sato".into(),
        taken_at_ms: NOW_MS - 30 * 86_400_000,
        log: Some(LogRead {
            lines: 3_214_778,
            unread: 0,
            first_at_ms: Some(TAKEN_MS - 12 * 86_400_000),
            last_at_ms: Some(TAKEN_MS + 4 * 86_400_000),
            gaps: Vec::new(),
            truncated: None,
        }),
    };
    let rows = EvidenceFile {
        id: EvidenceId(2),
        path: "snapshot/cards.csv".into(),
        kind: "snapshot".into(),
        format: "csv".into(),
        log: None,
        ..log.clone()
    };
    vec![log, rows]
}
