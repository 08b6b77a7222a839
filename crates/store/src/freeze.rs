//! Freezing: a scope version with its persons, records, bases and facts, written in one transaction or not at all.

use std::collections::BTreeSet;

use kintsugi_case::{BasisSummary, ExposedRecord, Fact, PersonId, PersonProfile, ScopeVersion, Urgency, Verdict};
use sha2::{Digest, Sha256};
use sqlx::{Any, Transaction};

use crate::bulk::PERSON_BY_MAIL;
use crate::content::{Content, seal_row};
use crate::database::Alone;
use crate::error::During;
use crate::identity::Identities;
use crate::rows::{Cell, Insert, arguments, fields_text};
use crate::{Result, Store, sealed};

/// Persons gathered before they are written.
const PERSONS_MAX: usize = 500;

/// What a scope version begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FreezeDraft {
    /// Milliseconds since 1970 UTC.
    pub frozen_at_ms: i64,
    /// The year in notice numbers.
    pub year: u16,
}

/// What a scope version is signed with, known when everything in it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeSeal {
    /// SHA-256 over the canonical text of everything in it, lower-case hex.
    pub digest: String,
    /// Signature of the digest, base64.
    pub signature: String,
    /// The public half of the case key, base64.
    pub public_key: String,
}

/// One record of a person, and the fact that links it to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordRef {
    /// The source's name.
    pub source: String,
    /// The table.
    pub table: String,
    /// The record's key.
    pub key: String,
    /// What links it to the person's other records.
    pub linked_by: String,
}

/// A scope version being written. Dropped without [`Freeze::commit`], it leaves nothing behind.
pub struct Freeze {
    store: Store,
    transaction: Transaction<'static, Any>,
    number: u32,
    draft: FreezeDraft,
    /// The digest of the version before.
    before: Option<String>,
    gathered: Vec<Person>,
    identities: Option<Identities>,
    content: Content,
    persons: Insert<10>,
    other_mail: Insert<3>,
    records: Insert<7>,
    exposed: Insert<16>,
}

/// A person as the caller gave them.
pub(crate) struct Person {
    id: PersonId,
    profile: PersonProfile,
    pub(crate) records: Vec<RecordRef>,
    exposed: Vec<ExposedRecord>,
}

impl Store {
    /// Starts a scope version.
    pub async fn begin_freeze(&self, draft: FreezeDraft) -> Result<Freeze> {
        let mut transaction = self.begin_alone(Alone::Freeze, "start a scope version").await?;
        let newest = crate::scope::newest(&mut transaction).await?;
        let number = newest.as_ref().map_or(1, |version| version.number + 1);
        let identities = if number > 1 { Some(Identities::open(&mut transaction).await?) } else { None };
        self.loosen(&mut transaction, PERSON_BY_MAIL).await?;
        let before = newest.map(|version| version.digest);
        Ok(Freeze::new(self.clone(), transaction, number, draft, before, identities))
    }
}

async fn write_version(transaction: &mut Transaction<'static, Any>, version: &ScopeVersion, year: u16) -> Result<()> {
    let ScopeVersion { number, frozen_at_ms, digest, signature, public_key } = version;
    let mut insert = Insert::new("INSERT INTO scope_version (number, frozen_at_ms, digest, signature, public_key, case_year)");
    let year = Cell::Int(i64::from(year));
    insert.push([(*number).into(), (*frozen_at_ms).into(), digest.into(), signature.into(), public_key.into(), year]);
    insert.write_all(transaction, "write a scope version").await
}

impl Freeze {
    fn new(
        store: Store,
        transaction: Transaction<'static, Any>,
        number: u32,
        draft: FreezeDraft,
        before: Option<String>,
        identities: Option<Identities>,
    ) -> Self {
        Self {
            store,
            transaction,
            number,
            draft,
            before,
            gathered: Vec::with_capacity(PERSONS_MAX),
            identities,
            content: Content::default(),
            other_mail: Insert::new("INSERT INTO person_mail (scope_version, mail_index, person)"),
            persons: Insert::new(
                "INSERT INTO person (scope_version, id, profile, mail_index, language, verdict, records, exposed, told, \
                 urgency)",
            ),
            records: Insert::new(
                "INSERT INTO person_record (scope_version, person, place, source, source_table, record_key, linked_by)",
            ),
            exposed: Insert::new(
                "INSERT INTO exposed_record (scope_version, person, place, source, source_table, record_key, fields, \
                 source_columns, verdict, basis, evidence, line, at_ms, observed_bytes, predicted_bytes, detail)",
            ),
        }
    }

    /// The number that the version will have.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Writes the bases.
    pub async fn bases(&mut self, bases: &[BasisSummary]) -> Result<()> {
        let mut insert = Insert::new(
            "INSERT INTO basis (scope_version, id, technique, rule, shape, endpoint, source_table, verdict, reason, \
             statements, agreeing)",
        );
        for basis in bases {
            self.content.basis(&self.store.keys, self.number, basis);
            insert.push(basis_row(self.number, basis));
        }
        insert.write_all(&mut self.transaction, "write the bases").await
    }

    /// Writes a person with their records and what of these was exposed. Rows are gathered and written in batches.
    ///
    /// In the first version a person has the number given here. In later ones a person keeps the number that their
    /// records had before, so that notices and rights stay with whom they belong to, and only new persons get new numbers.
    pub async fn person(
        &mut self,
        id: PersonId,
        profile: &PersonProfile,
        records: &[RecordRef],
        exposed: &[ExposedRecord],
    ) -> Result<()> {
        let (profile, records, exposed) = (profile.clone(), records.to_vec(), exposed.to_vec());
        self.gathered.push(Person { id, profile, records, exposed });
        if self.gathered.len() < PERSONS_MAX {
            return Ok(());
        }
        self.take_gathered().await?;
        self.persons.write_full(&mut self.transaction, "write persons").await?;
        self.other_mail.write_full(&mut self.transaction, "write further mail addresses").await?;
        self.records.write_full(&mut self.transaction, "write records of persons").await?;
        self.exposed.write_full(&mut self.transaction, "write exposed records").await
    }

    /// Writes the facts that are computed from this version.
    pub async fn facts(&mut self, facts: &[Fact]) -> Result<()> {
        self.store.lock(&mut self.transaction, Alone::Facts).await?;
        for fact in facts {
            crate::fact::append_computed(&mut self.transaction, fact, self.draft.frozen_at_ms).await?;
        }
        Ok(())
    }

    /// Makes the version and everything in it lasting. `None`, and nothing written, where the version before has the same
    /// digest.
    pub async fn commit(mut self, seal: ScopeSeal) -> Result<Option<ScopeVersion>> {
        if self.before.as_ref() == Some(&seal.digest) {
            return Ok(None);
        }
        let ScopeSeal { digest, signature, public_key } = seal;
        let FreezeDraft { frozen_at_ms, year } = self.draft;
        let version = ScopeVersion { number: self.number, frozen_at_ms, digest, signature, public_key };
        write_version(&mut self.transaction, &version, year).await?;
        self.take_gathered().await?;
        self.persons.write_all(&mut self.transaction, "write persons").await?;
        self.other_mail.write_all(&mut self.transaction, "write further mail addresses").await?;
        self.records.write_all(&mut self.transaction, "write records of persons").await?;
        self.exposed.write_all(&mut self.transaction, "write exposed records").await?;
        seal_row(self.number, self.content).write_all(&mut self.transaction, "seal a scope version").await?;
        self.store.tighten(&mut self.transaction, PERSON_BY_MAIL).await?;
        self.transaction.commit().await.during("commit a scope version")?;
        self.store.refresh_statistics().await?;
        Ok(Some(version))
    }

    /// Turns gathered persons into rows.
    async fn take_gathered(&mut self) -> Result<()> {
        let gathered = std::mem::take(&mut self.gathered);
        let ids = match &mut self.identities {
            Some(identities) => identities.assign(&mut self.transaction, &gathered).await?,
            None => gathered.iter().map(|person| person.id).collect(),
        };
        for (id, person) in ids.into_iter().zip(gathered) {
            self.push_person(id, &person);
        }
        Ok(())
    }

    fn push_person(&mut self, id: PersonId, person: &Person) {
        let (scope, keys) = (self.number, &self.store.keys);
        self.content.person(keys, scope, (id, &person.profile), &person.records, &person.exposed);
        let verdict = strongest(&person.exposed);
        let mail = sealed::mail_index(keys, person.profile.email.open());
        let others = person.profile.other_emails.open().iter().filter_map(|address| sealed::mail_index(keys, address));
        let others: BTreeSet<[u8; 16]> = others.filter(|other| Some(*other) != mail).collect();
        self.other_mail.rows(others.into_iter().map(|other| [scope.into(), other.into(), id.0.into()]));
        self.persons.push([
            scope.into(),
            id.0.into(),
            sealed::profile(keys, id, &person.profile).into(),
            mail.into(),
            person.profile.language.tag().into(),
            verdict.map(Verdict::name).into(),
            (person.records.len() as u64).into(),
            exposed_count(&person.exposed).into(),
            told(&person.exposed).into(),
            Urgency::of(&person.exposed).map_or(0, Urgency::rank).into(),
        ]);
        for (place, record) in (1_u64..).zip(&person.records) {
            self.records.push(record_row(scope, id, place, record));
        }
        for (place, record) in (1_u64..).zip(&person.exposed) {
            let detail = sealed::detail(keys, id, place, record);
            self.exposed.push(exposed_row(scope, id, place, record, detail));
        }
    }
}

impl Store {
    /// Tells the database how the tables are filled, without which it may choose bad plans after so large a change.
    async fn refresh_statistics(&self) -> Result<()> {
        let analyze = sqlx::query_with("ANALYZE", arguments([]).during("count rows for plans")?);
        analyze.execute(self.writer()).await.during("count rows for plans").map(drop)
    }
}

/// The strongest verdict over what a person must be told about.
fn strongest(exposed: &[ExposedRecord]) -> Option<Verdict> {
    let personal = exposed.iter().filter(|record| record.fields.iter().any(|field| field.is_personal()));
    personal.map(|record| record.verdict).max()
}

/// Records of which something was, or may have been, taken.
fn exposed_count(exposed: &[ExposedRecord]) -> u64 {
    let taken = exposed.iter().filter(|record| record.verdict > Verdict::Excluded);
    taken.map(|record| (&record.source, &record.table, &record.key)).collect::<BTreeSet<_>>().len() as u64
}

/// A digest of what a notice says about a person: which fields of which records, how sure.
/// Two versions in which it is the same tell the person the same, so they are not told again.
pub(crate) fn told(exposed: &[ExposedRecord]) -> [u8; 16] {
    let taken = exposed.iter().filter(|record| record.verdict > Verdict::Excluded);
    let lines: BTreeSet<String> = taken
        .map(|r| {
            format!("{}\u{1f}{}\u{1f}{}\u{1f}{}\u{1f}{}\n", r.source, r.table, r.key, fields_text(&r.fields), r.verdict.name())
        })
        .collect();
    let mut digest = Sha256::new();
    lines.iter().for_each(|line| digest.update(line));
    let mut short = [0; 16];
    short.copy_from_slice(&digest.finalize()[..16]);
    short
}

fn basis_row(scope: u32, basis: &BasisSummary) -> [Cell; 11] {
    [
        scope.into(),
        basis.id.0.into(),
        basis.technique.name().into(),
        (&basis.rule).into(),
        (&basis.shape).into(),
        (&basis.endpoint).into(),
        (&basis.table).into(),
        basis.verdict.name().into(),
        (&basis.reason).into(),
        basis.statements.into(),
        basis.agreeing.into(),
    ]
}

fn record_row(scope: u32, person: PersonId, place: u64, record: &RecordRef) -> [Cell; 7] {
    [
        scope.into(),
        person.0.into(),
        place.into(),
        (&record.source).into(),
        (&record.table).into(),
        (&record.key).into(),
        (&record.linked_by).into(),
    ]
}

fn exposed_row(scope: u32, person: PersonId, place: u64, record: &ExposedRecord, detail: Vec<u8>) -> [Cell; 16] {
    [
        scope.into(),
        person.0.into(),
        place.into(),
        (&record.source).into(),
        (&record.table).into(),
        (&record.key).into(),
        fields_text(&record.fields).as_str().into(),
        (&record.columns).into(),
        record.verdict.name().into(),
        record.basis.0.into(),
        record.line.evidence.0.into(),
        record.line.line.into(),
        record.at_ms.into(),
        record.observed_bytes.into(),
        record.predicted_bytes.into(),
        detail.into(),
    ]
}
