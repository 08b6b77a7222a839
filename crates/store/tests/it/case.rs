//! A small case to store: persons, records and exposures made from numbers, and a place to store them in.

use std::path::{Path, PathBuf};

use kintsugi_case::{
    BasisId, BasisSummary, EvidenceId, EvidenceLine, ExposedRecord, FieldMeaning, Language, PersonId, PersonProfile, Private,
    StoreSpec, Technique, Verdict,
};
use kintsugi_store::{FreezeDraft, RecordRef, ScopeSeal, Store};
use kintsugi_vault::Keys;

/// The fixed clock of the tests.
pub(crate) const NOW: i64 = 1_369_634_400_000;

/// A store that can be closed and opened again.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) spec: StoreSpec,
    pub(crate) dir: PathBuf,
}

impl Place {
    pub(crate) fn sqlite(dir: &Path) -> Self {
        Self { spec: StoreSpec::Sqlite, dir: dir.to_owned() }
    }

    pub(crate) async fn open(&self) -> Store {
        Store::open(&self.spec, &self.dir, &keys()).await.unwrap()
    }

    /// The database itself, past the store, for tests that tamper or look.
    pub(crate) async fn raw(&self) -> sqlx::AnyPool {
        sqlx::any::install_default_drivers();
        let url = match &self.spec {
            StoreSpec::Sqlite => format!("sqlite://{}", self.dir.join(".kintsugi/case.db").display()),
            StoreSpec::Postgres(url) => url.clone(),
        };
        sqlx::AnyPool::connect(&url).await.unwrap()
    }
}

pub(crate) fn keys() -> Keys {
    Keys::from_seed([7; 32])
}

/// A person to freeze.
#[derive(Clone)]
pub(crate) struct Someone {
    pub(crate) id: u64,
    /// Mail addresses, blanks between them.
    pub(crate) mail: String,
    pub(crate) records: Vec<String>,
    pub(crate) verdict: Option<Verdict>,
}

impl Someone {
    /// Person `id` with one card of their own, which was proved to be taken.
    pub(crate) fn new(id: u64) -> Self {
        Self { id, mail: format!("person{id}@example.jp"), records: vec![id.to_string()], verdict: Some(Verdict::Proved) }
    }

    pub(crate) fn with(self, verdict: impl Into<Option<Verdict>>) -> Self {
        Self { verdict: verdict.into(), ..self }
    }

    pub(crate) fn mail(self, mail: &str) -> Self {
        Self { mail: mail.to_owned(), ..self }
    }

    pub(crate) fn records(self, records: &[&str]) -> Self {
        Self { records: records.iter().map(|&key| key.to_owned()).collect(), ..self }
    }

    pub(crate) fn profile(&self) -> PersonProfile {
        PersonProfile {
            name: Private::new(format!("山田 花子{}", self.id)),
            email: Private::new(self.mail.split(' ').next().unwrap_or_default().to_owned()),
            other_emails: Private::new(self.mail.split(' ').skip(1).map(str::to_owned).collect()),
            phone: Private::new("03-1234-5678".to_owned()),
            postal_code: Private::new("100-0001".to_owned()),
            address: Private::new("東京都千代田区千代田1-1".to_owned()),
            language: if self.id.is_multiple_of(2) { Language::En } else { Language::Ja },
            ..PersonProfile::default()
        }
    }

    pub(crate) fn refs(&self) -> Vec<RecordRef> {
        let record = |key: &String| RecordRef {
            source: "shop".into(),
            table: "cards".into(),
            key: key.clone(),
            linked_by: "cards.customer_id".into(),
        };
        self.records.iter().map(record).collect()
    }

    pub(crate) fn exposed(&self) -> Vec<ExposedRecord> {
        let Some(verdict) = self.verdict else { return Vec::new() };
        self.records.iter().map(|key| exposed(key, verdict)).collect()
    }
}

pub(crate) fn exposed(key: &str, verdict: Verdict) -> ExposedRecord {
    ExposedRecord {
        source: "shop".into(),
        table: "cards".into(),
        key: key.into(),
        fields: vec![FieldMeaning::CardNumber, FieldMeaning::CardExpiry],
        columns: "pan,exp".into(),
        verdict,
        basis: BasisId(1),
        line: EvidenceLine { evidence: EvidenceId(2), line: 48_210 },
        at_ms: NOW - 1000,
        observed_bytes: 5120,
        predicted_bytes: 5120,
        literals: "17,\0 1".into(),
        card_brand: "Visa".into(),
        card_last4: "8431".into(),
        service_brand: "TABIDATA".into(),
        service_used_on: "2012-08-03".into(),
    }
}

pub(crate) fn basis() -> BasisSummary {
    BasisSummary {
        id: BasisId(1),
        technique: Technique::Union,
        rule: "replay".into(),
        shape: "SELECT a FROM cards ORDER BY id LIMIT ?, ?".into(),
        endpoint: "GET /item id".into(),
        table: "cards".into(),
        verdict: Verdict::Proved,
        reason: "every answer has the size that the replay predicts".into(),
        statements: 9,
        agreeing: 9,
    }
}

pub(crate) const DRAFT: FreezeDraft = FreezeDraft { frozen_at_ms: NOW, year: 2013 };

pub(crate) fn seal(digest: &str) -> ScopeSeal {
    ScopeSeal { digest: digest.into(), signature: "signature".into(), public_key: "key".into() }
}

/// Freezes these persons; the version's number.
pub(crate) async fn freeze(store: &Store, digest: &str, people: &[Someone]) -> u32 {
    let mut freeze = store.begin_freeze(DRAFT).await.unwrap();
    freeze.bases(&[basis()]).await.unwrap();
    for someone in people {
        let (profile, records, exposed) = (someone.profile(), someone.refs(), someone.exposed());
        freeze.person(PersonId(someone.id), &profile, &records, &exposed).await.unwrap();
    }
    freeze.commit(seal(digest)).await.unwrap().expect("another digest").number
}

/// Persons 1 to `count`, all affected.
pub(crate) fn everybody(count: u64) -> Vec<Someone> {
    (1..=count).map(Someone::new).collect()
}
