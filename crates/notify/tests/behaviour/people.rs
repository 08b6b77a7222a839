//! An invented case and invented people.

use std::sync::OnceLock;

use kintsugi_case::{
    BasisId, BasisSummary, CaseFile, EvidenceLine, ExposedRecord, FieldMeaning, Language, NoticeNumber, PersonProfile, Private,
    ScopeVersion, Technique, Verdict,
};
use kintsugi_notify::{Composer, Coverage, FactBook, Mail, NoticeContent, Templates};

const CASE: &str = r#"
version = 1
[case]
id = "tabidata-2013"
title = "Cards taken from the shop"
timezone = "Asia/Tokyo"
aware_at = 2013-04-23T17:00:00+09:00
languages = ["ja", "en"]
[controller]
name = "カケハシレンタル株式会社"
domain = "kakehashi.example"
brands = ["TABIDATA", "Tabi Cellular"]
contact = { phone = "0120-000-000", hours = "平日 10時から19時、土日祝 10時から16時", email = "privacy@kakehashi.example" }
[[source]]
name = "shop"
dbms = "mariadb"
snapshot = "snapshot"
[source.tables.customers]
key = ["id"]
fields = { name = "person.name", kana = "person.name_kana", email = "person.email", phone = "person.phone" }
[source.tables.cards]
key = ["id"]
person = { table = "customers", column = "customer_id" }
references = { customer_id = "customers.id" }
fields = { holder = "card.holder", pan = "card.number", exp = "card.expiry", cvv = "card.code", bill_address = "person.address" }
[mail]
from = "TABIDATA お客様窓口 <notice@kakehashi.example>"
smtp = "smtp://127.0.0.1:2525"
[[remedy]]
kind = "coupon"
amount = 3000
currency = "JPY"
to = "proved"
until = 2014-06-30
"#;

pub(crate) fn case() -> CaseFile {
    CaseFile::parse(CASE).unwrap()
}

pub(crate) fn ms(time: &str) -> i64 {
    time.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

pub(crate) fn scope() -> ScopeVersion {
    ScopeVersion {
        number: 2,
        frozen_at_ms: ms("2013-05-21T10:00:00+09:00"),
        digest: String::new(),
        signature: String::new(),
        public_key: String::new(),
    }
}

pub(crate) fn bases() -> Vec<BasisSummary> {
    let basis = |id, technique, verdict| BasisSummary {
        id: BasisId(id),
        technique,
        rule: String::new(),
        shape: String::new(),
        endpoint: String::new(),
        table: "cards".into(),
        verdict,
        reason: String::new(),
        statements: 1,
        agreeing: 1,
    };
    vec![
        basis(1, Technique::Union, Verdict::Proved),
        basis(2, Technique::Union, Verdict::Possible),
        basis(3, Technique::Window, Verdict::Possible),
    ]
}

pub(crate) fn coverage(complete: bool) -> Coverage {
    Coverage { first_at_ms: ms("2013-03-01T00:00:00+09:00"), last_at_ms: ms("2013-04-23T17:00:00+09:00"), complete }
}

pub(crate) fn composer() -> &'static Composer {
    static COMPOSER: OnceLock<Composer> = OnceLock::new();
    COMPOSER.get_or_init(|| composer_with(Some(coverage(true))))
}

pub(crate) fn composer_with(coverage: Option<Coverage>) -> Composer {
    Composer::new(&case(), Templates::parse(&[], FactBook::default()).unwrap(), &scope(), &bases(), coverage).unwrap()
}

pub(crate) fn person(name: &str, email: &str, language: Language) -> PersonProfile {
    PersonProfile { name: Private::new(name.into()), email: Private::new(email.into()), language, ..Default::default() }
}

const CARD: [FieldMeaning; 5] = [
    FieldMeaning::CardNumber,
    FieldMeaning::CardExpiry,
    FieldMeaning::CardCode,
    FieldMeaning::CardHolder,
    FieldMeaning::PersonAddress,
];

pub(crate) fn card(key: &str, brand: &str, last4: &str, basis: u32) -> ExposedRecord {
    let verdict = if basis == 1 { Verdict::Proved } else { Verdict::Possible };
    ExposedRecord {
        source: "shop".into(),
        table: "cards".into(),
        key: key.into(),
        fields: CARD.to_vec(),
        columns: "pan,exp,cvv,holder,bill_address".into(),
        verdict,
        basis: BasisId(basis),
        line: EvidenceLine::default(),
        at_ms: if basis == 3 { 0 } else { ms("2013-04-19T02:14:05+09:00") },
        observed_bytes: 1374,
        predicted_bytes: 1374,
        literals: "48210".into(),
        card_brand: brand.into(),
        card_last4: last4.into(),
        service_brand: "TABIDATA".into(),
        service_used_on: "2012-08-03".into(),
    }
}

pub(crate) fn registration(key: &str, fields: &[FieldMeaning], basis: u32) -> ExposedRecord {
    ExposedRecord {
        table: "customers".into(),
        fields: fields.to_vec(),
        service_brand: String::new(),
        service_used_on: String::new(),
        ..card(key, "", "", basis)
    }
}

pub(crate) const LINK: &str = "https://kakehashi.example/n/7KQMX2VD94HTR6WE7KQMX2VD94";

pub(crate) fn notice(person: &PersonProfile, exposed: &[ExposedRecord]) -> Mail {
    let content = NoticeContent { number: NoticeNumber::new(2013, 48_210), person, exposed, link: LINK, earlier: None };
    composer().notice(&content, ms("2013-05-27T09:00:00+09:00")).unwrap()
}
