//! The seal over what a scope version holds in this store: taken while it is frozen, taken again by `verify`. The version's
//! own digest is over find.db, of which the store holds what can be told; this one is over what the store holds.
//!
//! Each basis and each person (profile, records, exposures) is one keyed hash; the seal is their sum, so that it needs no
//! order and no memory. Who lacks the case key can neither make a row that fits nor leave one out.

use kintsugi_case::{BasisSummary, ExposedRecord, PersonId, PersonProfile};
use kintsugi_vault::{Keys, Purpose};
use serde_json::json;

use crate::error::During;
use crate::freeze::RecordRef;
use crate::rows::{Columns, Insert, as_i64, storable};
use crate::{Error, Result, Store, sealed};

/// Persons read at a time.
const PAGE: i64 = 1_000;

/// What is gathered of a version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Content {
    /// Bases and persons.
    things: u64,
    sum: u128,
}

impl Content {
    fn add(&mut self, keys: &Keys, scope: u32, text: &str) {
        let hash = keys.blind_index(Purpose::Audit, &format!("scope content\0{scope}\0{text}"));
        self.things += 1;
        self.sum = self.sum.wrapping_add(u128::from_be_bytes(hash));
    }

    pub(crate) fn basis(&mut self, keys: &Keys, scope: u32, b: &BasisSummary) {
        let (technique, verdict) = (b.technique.name(), b.verdict.name());
        let text = json!([
            "basis",
            b.id.0,
            technique,
            storable(&b.rule),
            storable(&b.shape),
            storable(&b.endpoint),
            storable(&b.table),
            verdict,
            storable(&b.reason),
            b.statements,
            b.agreeing
        ]);
        self.add(keys, scope, &text.to_string());
    }

    pub(crate) fn person(
        &mut self,
        keys: &Keys,
        scope: u32,
        (id, profile): (PersonId, &PersonProfile),
        records: &[RecordRef],
        exposed: &[ExposedRecord],
    ) {
        let p = profile;
        let parts = [&p.name, &p.email, &p.phone, &p.postal_code, &p.address, &p.birth_date].map(|part| part.open().as_str());
        let records = records.iter().map(|r| [&r.source, &r.table, &r.key, &r.linked_by].map(|part| storable(part)));
        let exposed = exposed.iter().map(exposed_text);
        let text = json!([
            "person",
            id.0,
            p.language.tag(),
            parts,
            p.deceased,
            p.no_marketing,
            p.other_emails.open(),
            records.collect::<Vec<_>>(),
            exposed.collect::<Vec<_>>()
        ]);
        self.add(keys, scope, &text.to_string());
    }

    fn seal(self) -> Vec<u8> {
        self.sum.to_be_bytes().to_vec()
    }
}

fn exposed_text(e: &ExposedRecord) -> serde_json::Value {
    let fields: Vec<&str> = e.fields.iter().map(|field| field.name()).collect();
    let where_from = (storable(&e.source), storable(&e.table), storable(&e.key), storable(&e.columns));
    json!([
        where_from,
        fields,
        e.verdict.name(),
        e.basis.0,
        e.line.evidence.0,
        e.line.line,
        e.at_ms,
        e.observed_bytes,
        e.predicted_bytes,
        e.literals,
        e.card_brand,
        e.card_last4,
        e.service_brand,
        e.service_used_on
    ])
}

/// A row for the seal of a version.
pub(crate) fn seal_row(scope: u32, content: Content) -> Insert<3> {
    let mut insert = Insert::new("INSERT INTO scope_content (scope_version, things, seal)");
    insert.push([scope.into(), content.things.into(), content.seal().into()]);
    insert
}

impl Store {
    /// Whether the store still holds what was frozen under this number; none where it was frozen before versions had a seal.
    pub async fn content_holds(&self, scope: u32) -> Result<Option<bool>> {
        let operation = "read the seal of a scope version";
        let query = sqlx::query("SELECT things, seal FROM scope_content WHERE scope_version = $1").bind(i64::from(scope));
        let Some(row) = query.fetch_optional(self.reader()).await.during(operation)? else { return Ok(None) };
        let mut content = Content::default();
        for basis in self.bases(scope).await? {
            content.basis(&self.keys, scope, &basis);
        }
        let mut after = 0;
        loop {
            match self.content_page(scope, after, &mut content).await {
                Ok(Some(last)) => after = last,
                Ok(None) => break,
                // What does not open was not sealed for its place.
                Err(Error::Unseal { .. } | Error::Value { .. }) => return Ok(Some(false)),
                Err(error) => return Err(error),
            }
        }
        Ok(Some(row.count("things")? == content.things && row.bytes("seal")? == content.seal()))
    }

    /// Adds some persons after this one; the last of them.
    async fn content_page(&self, scope: u32, after: u64, content: &mut Content) -> Result<Option<u64>> {
        let operation = "read a scope version again";
        let sql = "SELECT id, profile, language FROM person WHERE scope_version = $1 AND id > $2 ORDER BY id LIMIT $3";
        let query = sqlx::query(sql).bind(i64::from(scope)).bind(as_i64(after)).bind(PAGE);
        let rows = query.fetch_all(self.reader()).await.during(operation)?;
        let ids = rows.iter().map(|row| row.count("id").map(PersonId)).collect::<Result<Vec<_>>>()?;
        let Some(last) = ids.last().copied() else { return Ok(None) };
        let (mut exposed, mut records) =
            (self.exposed_of(self.reader(), scope, &ids).await?, self.records_page(scope, after, last.0).await?);
        for (row, id) in rows.iter().zip(&ids) {
            let profile = sealed::open_profile(&self.keys, *id, &row.bytes("profile")?, row.language("language")?)?;
            let (records, exposed) = (records.remove(id).unwrap_or_default(), exposed.remove(id).unwrap_or_default());
            content.person(&self.keys, scope, (*id, &profile), &records, &exposed);
        }
        Ok(Some(last.0))
    }
}
