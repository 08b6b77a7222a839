//! A small shop: two customers, three cards, two orders; everybody and everything invented.

use std::collections::BTreeMap;
use std::path::PathBuf;

use kintsugi_case::{
    BasisId, BasisSummary, ColumnSet, EvidenceId, EvidenceLine, Exposure, FieldMeaning, Language, PersonId, PersonLink,
    TableSpec, Technique, Verdict,
};
use kintsugi_find::{FindDb, Link, LinkFact, TableLoaded};
use kintsugi_vault::{CardVaultWriter, Keys};
use tempfile::TempDir;

/// A case folder's find.db with its vault; gone when dropped.
pub(crate) struct Shop {
    pub(crate) folder: TempDir,
    pub(crate) keys: Keys,
    pub(crate) db: FindDb,
}

/// A number of a test BIN with its check digit: no such number is written down in the tree.
pub(crate) fn pan(head: &str, place: u32) -> String {
    let body = format!("{head}{place:0width$}", width = 15 - head.len());
    let sum: u32 = body.bytes().rev().enumerate().map(|(at, digit)| doubled(u32::from(digit - b'0'), at % 2 == 0)).sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

fn doubled(digit: u32, twice: bool) -> u32 {
    let value = if twice { digit * 2 } else { digit };
    value / 10 + value % 10
}

pub(crate) fn spec(key: &[&str], fields: &[(&str, &str)]) -> TableSpec {
    let meaning = |name: &str| FieldMeaning::from_name(name).unwrap();
    TableSpec {
        key: key.iter().map(|&column| column.to_owned()).collect(),
        fields: fields.iter().map(|&(column, name)| (column.to_owned(), meaning(name))).collect(),
        ..TableSpec::default()
    }
}

pub(crate) fn owned(mut spec: TableSpec, table: &str, column: &str) -> TableSpec {
    spec.person = Some(PersonLink { table: table.into(), column: column.into() });
    spec
}

impl Shop {
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = FindDb::create(&folder.path().join("find.db")).unwrap();
        Self { folder, keys: Keys::from_seed([7; 32]), db }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.db.path().to_owned()
    }

    /// Loads one table; `NULL` stands for NULL.
    pub(crate) fn load(&mut self, name: &str, spec: &TableSpec, columns: &[&str], rows: &[&[&str]]) -> TableLoaded {
        let vault = self.folder.path().join(format!("vault-{name}"));
        std::fs::create_dir(&vault).unwrap();
        let mut cards = CardVaultWriter::create(&vault, &self.keys).unwrap();
        let columns: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
        let mut writer = self.db.load_table("shop", name, spec, &columns, &self.keys, &mut cards).unwrap();
        for row in rows {
            let values: Vec<Option<&str>> = row.iter().map(|&value| (value != "NULL").then_some(value)).collect();
            writer.push(&values).unwrap();
        }
        let loaded = writer.finish().unwrap();
        cards.finish().unwrap();
        loaded
    }

    /// Cards come before customers, as snapshots come by file name.
    pub(crate) fn filled() -> Self {
        let mut shop = Self::empty();
        let fields = [("pan", "card.number"), ("exp", "card.expiry"), ("cvv", "card.code"), ("holder", "card.holder")];
        let cards = owned(spec(&["id"], &fields), "customers", "customer_id");
        let (one, two, three) = (pan("411111", 1), pan("545454", 2), pan("355555", 3));
        let rows: [&[&str]; 3] = [
            &["501", "1", &one, "1215", "123", "HANAKO YAMADA"],
            &["502", "1", &two, "1214", "NULL", "HANAKO YAMADA"],
            &["503", "2", &three, "0116", "999", "TARO SATO"],
        ];
        shop.load("cards", &cards, &["id", "customer_id", "pan", "exp", "cvv", "holder"], &rows);
        let fields = [("name", "person.name"), ("email", "person.email"), ("address", "person.address")];
        let rows: [&[&str]; 2] =
            [&["1", "山田 花子", "hanako@example.jp", "NULL"], &["2", "佐藤 太郎", "no address", "東京都港区三田1-2-3"]];
        shop.load("customers", &spec(&["id"], &fields), &["id", "name", "email", "address"], &rows);
        shop.orders();
        shop
    }

    fn orders(&mut self) {
        let fields = [("brand", "service.brand"), ("at", "service.used_at")];
        let mut orders = owned(spec(&["id"], &fields), "customers", "customer_id");
        orders.references = BTreeMap::from([("card_id".into(), ("cards".into(), "id".into()))]);
        let rows: [&[&str]; 4] = [
            &["9001", "1", "501", "TABIDATA", "2012-08-03 10:00:00"],
            &["9002", "1", "501", "Tabi Cellular", "2011-01-01 10:00:00"],
            &["9003", "1", "NULL", "Tabi no WiFi", "2013-01-02 03:04:05"],
            &["9004", "2", "NULL", "Tabi Cellular", "2012-12-31 23:59:59"],
        ];
        self.load("orders", &orders, &["id", "customer_id", "card_id", "brand", "at"], &rows);
    }

    pub(crate) fn table(&self, name: &str) -> u32 {
        self.db.table_named("shop", name).unwrap().id
    }

    /// Writes one scope run.
    pub(crate) fn scope(&mut self, bases: &[BasisSummary], exposures: &[Exposure]) {
        let mut writer = self.db.begin_scope().unwrap();
        bases.iter().for_each(|basis| writer.put_basis(basis).unwrap());
        exposures.iter().for_each(|exposure| writer.push(exposure).unwrap());
        assert_eq!(writer.finish().unwrap(), exposures.len() as u64);
    }

    /// Both customers with their cards, as resolve would write them.
    pub(crate) fn persons(&mut self) {
        let (cards, customers) = (self.table("cards"), self.table("customers"));
        let mut writer = self.db.begin_persons().unwrap();
        for (person, rows) in [(1, vec![1, 2]), (2, vec![3])] {
            writer.person(PersonId(person), Language::Ja).unwrap();
            writer.record(PersonId(person), customers, person, Link::FIRST).unwrap();
            let link = Link { fact: LinkFact::Reference, other: (customers, person) };
            rows.into_iter().for_each(|row| writer.record(PersonId(person), cards, row, link).unwrap());
        }
        writer.finish().unwrap();
    }
}

pub(crate) fn basis(number: u32, technique: Technique, verdict: Verdict) -> BasisSummary {
    BasisSummary {
        id: BasisId(number),
        technique,
        rule: "replay".into(),
        shape: "SELECT pan FROM cards LIMIT ?,1".into(),
        endpoint: "GET /item id".into(),
        table: "cards".into(),
        verdict,
        reason: "size agrees".into(),
        statements: 3,
        agreeing: 2,
    }
}

pub(crate) fn exposure(table: u32, row: u64, columns: &[usize], verdict: Verdict, basis: u32, line: u64) -> Exposure {
    Exposure {
        table,
        row,
        columns: columns.iter().copied().collect::<ColumnSet>(),
        verdict,
        basis: BasisId(basis),
        line: EvidenceLine { evidence: EvidenceId(1), line },
        at_ms: 1000 * line.cast_signed(),
        observed_bytes: 4711,
        predicted_bytes: 4711,
        literals: (row - 1).to_string(),
    }
}
