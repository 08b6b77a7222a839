//! Reading persons of the newest scope version.

use std::collections::BTreeMap;

use kintsugi_case::{EvidenceLine, ExposedRecord, Language, NoticeState, PersonId, PersonProfile, Private, Verdict};
use sqlx::any::AnyRow;
use sqlx::{AnyPool, AssertSqlSafe};

use crate::error::During;
use crate::rows::{Cell, Columns, arguments, as_i64};
use crate::{Error, NoticeView, RecordRef, Result, RightView, Store, sealed};

/// Everything about a person in the newest scope version.
#[derive(Clone, Debug)]
pub struct PersonView {
    /// Their number.
    pub id: PersonId,
    /// The scope version that this was read from.
    pub scope_version: u32,
    /// How they are addressed and reached.
    pub profile: PersonProfile,
    /// Their records.
    pub records: Vec<RecordRef>,
    /// What of these was exposed.
    pub exposed: Vec<ExposedRecord>,
    /// The strongest verdict; none where nothing of theirs is in question.
    pub verdict: Option<Verdict>,
    /// Their notices, newest first.
    pub notices: Vec<NoticeView>,
    /// What they are owed.
    pub rights: Vec<RightView>,
}

/// A person in a list.
#[derive(Clone, Debug)]
pub struct PersonLine {
    /// Their number.
    pub id: PersonId,
    /// Their name.
    pub name: Private<String>,
    /// The language in which they are told.
    pub language: Language,
    /// The strongest verdict.
    pub verdict: Option<Verdict>,
    /// How many records are theirs.
    pub records: u64,
    /// How many of these are exposed.
    pub exposed: u64,
    /// Where their newest notice stands; none where none is planned.
    pub notice: Option<NoticeState>,
}

/// Which persons a list shows. The default shows all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonFilter {
    /// Only those with this strongest verdict.
    pub verdict: Option<Verdict>,
    /// Only those whose notice stands here.
    pub notice: Option<NoticeState>,
    /// Only those with this mail address.
    pub mail: Option<Private<String>>,
}

impl Store {
    /// A person of the newest scope version.
    pub async fn person(&self, id: PersonId) -> Result<Option<PersonView>> {
        let sql = "SELECT scope_version, id, profile, language, verdict FROM person \
                   WHERE id = $1 AND scope_version = (SELECT MAX(number) FROM scope_version)";
        let row = sqlx::query(sql).bind(as_i64(id.0)).fetch_optional(self.reader()).await.during("read a person")?;
        let Some(row) = row else { return Ok(None) };
        let scope_version = row.small("scope_version")?;
        Ok(Some(PersonView {
            id,
            scope_version,
            profile: sealed::open_profile(&self.keys, id, &row.bytes("profile")?, row.language("language")?)?,
            records: self.records_of(scope_version, id).await?,
            exposed: self.exposed_of(self.reader(), scope_version, &[id]).await?.remove(&id).unwrap_or_default(),
            verdict: row.maybe_verdict("verdict")?,
            notices: self.notices_of(id).await?,
            rights: self.rights_of(id).await?,
        }))
    }

    /// The persons of the newest scope version who have this mail address, be it the first or a further one (case and surrounding blanks do not matter), by number.
    pub async fn persons_with_mail(&self, mail: &str) -> Result<Vec<PersonId>> {
        let Some(index) = sealed::mail_index(&self.keys, mail) else { return Ok(Vec::new()) };
        let sql = "SELECT id FROM person WHERE mail_index = $1 AND scope_version = (SELECT MAX(number) FROM scope_version) UNION \
                   SELECT person AS id FROM person_mail WHERE mail_index = $1 \
                   AND scope_version = (SELECT MAX(number) FROM scope_version) ORDER BY id";
        let rows = sqlx::query(sql).bind(index.to_vec()).fetch_all(self.reader()).await.during("find persons by mail address")?;
        rows.iter().map(|row| row.count("id").map(PersonId)).collect()
    }

    /// Up to `limit` persons after `after`, by number.
    pub async fn list_persons(&self, filter: &PersonFilter, after: PersonId, limit: u32) -> Result<Vec<PersonLine>> {
        let Some((conditions, mut cells)) = self.conditions(filter) else { return Ok(Vec::new()) };
        cells.push(after.0.into());
        cells.push(limit.into());
        let sql = format!(
            "SELECT p.id AS id, p.profile AS profile, p.language AS language, p.verdict AS verdict, p.records AS records, \
             p.exposed AS exposed, n.state AS notice {FROM}{conditions} AND p.id > ${} ORDER BY p.id LIMIT ${}",
            cells.len() - 1,
            cells.len()
        );
        let query = sqlx::query_with(AssertSqlSafe(sql), arguments(cells).during("list persons")?);
        let rows = query.fetch_all(self.reader()).await.during("list persons")?;
        rows.iter().map(|row| self.line(row)).collect()
    }

    /// How many persons the filter shows.
    pub async fn count_persons(&self, filter: &PersonFilter) -> Result<u64> {
        let Some((conditions, cells)) = self.conditions(filter) else { return Ok(0) };
        let from = if filter.notice.is_some() { FROM } else { FROM_PERSON };
        let sql = format!("SELECT COUNT(*) AS n {from}{conditions}");
        let query = sqlx::query_with(AssertSqlSafe(sql), arguments(cells).during("count persons")?);
        query.fetch_one(self.reader()).await.during("count persons")?.count("n")
    }

    /// What of each of these persons was exposed, in the order in which it was frozen.
    pub(crate) async fn exposed_of(
        &self,
        pool: &AnyPool,
        scope: u32,
        persons: &[PersonId],
    ) -> Result<BTreeMap<PersonId, Vec<ExposedRecord>>> {
        let mut found: BTreeMap<PersonId, Vec<ExposedRecord>> = BTreeMap::new();
        for some in persons.chunks(PERSONS_MAX) {
            let marks = self.marks();
            let sql = format!(
                "SELECT * FROM exposed_record WHERE scope_version = {} AND person IN ({}) ORDER BY person, place",
                marks.one(1),
                marks.list(2, some.len())
            );
            let cells = std::iter::once(scope.into()).chain(some.iter().map(|person| Cell::from(person.0)));
            let query = sqlx::query_with(AssertSqlSafe(sql), arguments(cells).during("read exposed records")?);
            for row in query.fetch_all(pool).await.during("read exposed records")? {
                let person = PersonId(row.count("person")?);
                found.entry(person).or_default().push(self.exposed_record(person, &row)?);
            }
        }
        Ok(found)
    }

    /// The profiles of these persons.
    pub(crate) async fn profiles_of(
        &self,
        pool: &AnyPool,
        scope: u32,
        persons: &[PersonId],
    ) -> Result<BTreeMap<PersonId, PersonProfile>> {
        let mut found = BTreeMap::new();
        for some in persons.chunks(PERSONS_MAX) {
            let marks = self.marks();
            let sql = format!(
                "SELECT id, profile, language FROM person WHERE scope_version = {} AND id IN ({})",
                marks.one(1),
                marks.list(2, some.len())
            );
            let cells = std::iter::once(scope.into()).chain(some.iter().map(|person| Cell::from(person.0)));
            let query = sqlx::query_with(AssertSqlSafe(sql), arguments(cells).during("read profiles")?);
            for row in query.fetch_all(pool).await.during("read profiles")? {
                let id = PersonId(row.count("id")?);
                let profile = sealed::open_profile(&self.keys, id, &row.bytes("profile")?, row.language("language")?)?;
                found.insert(id, profile);
            }
        }
        Ok(found)
    }

    async fn records_of(&self, scope: u32, person: PersonId) -> Result<Vec<RecordRef>> {
        let sql = "SELECT * FROM person_record WHERE scope_version = $1 AND person = $2 ORDER BY place";
        let query = sqlx::query(sql).bind(i64::from(scope)).bind(as_i64(person.0));
        query.fetch_all(self.reader()).await.during("read the records of a person")?.iter().map(record).collect()
    }

    /// The records of persons with numbers above `after`, up to `last`.
    pub(crate) async fn records_page(&self, scope: u32, after: u64, last: u64) -> Result<BTreeMap<PersonId, Vec<RecordRef>>> {
        let sql = "SELECT * FROM person_record WHERE scope_version = $1 AND person > $2 AND person <= $3 ORDER BY person, place";
        let query = sqlx::query(sql).bind(i64::from(scope)).bind(as_i64(after)).bind(as_i64(last));
        let mut found: BTreeMap<PersonId, Vec<RecordRef>> = BTreeMap::new();
        for row in query.fetch_all(self.reader()).await.during("read the records of persons")? {
            found.entry(PersonId(row.count("person")?)).or_default().push(record(&row)?);
        }
        Ok(found)
    }

    fn exposed_record(&self, person: PersonId, row: &AnyRow) -> Result<ExposedRecord> {
        let detail = sealed::open_detail(&self.keys, person, row.count("place")?, &row.bytes("detail")?)?;
        let [literals, card_brand, card_last4, service_brand, service_used_on] = detail;
        Ok(ExposedRecord {
            source: row.text("source")?,
            table: row.text("source_table")?,
            key: row.text("record_key")?,
            fields: row.fields("fields")?,
            columns: row.text("source_columns")?,
            verdict: row.verdict("verdict")?,
            basis: row.basis("basis")?,
            line: EvidenceLine { evidence: row.evidence("evidence")?, line: row.count("line")? },
            at_ms: row.int("at_ms")?,
            observed_bytes: row.count("observed_bytes")?,
            predicted_bytes: row.count("predicted_bytes")?,
            literals,
            card_brand,
            card_last4,
            service_brand,
            service_used_on,
        })
    }

    fn line(&self, row: &AnyRow) -> Result<PersonLine> {
        let id = PersonId(row.count("id")?);
        let profile = sealed::open_profile(&self.keys, id, &row.bytes("profile")?, row.language("language")?)?;
        Ok(PersonLine {
            id,
            name: profile.name,
            language: profile.language,
            verdict: row.maybe_verdict("verdict")?,
            records: row.count("records")?,
            exposed: row.count("exposed")?,
            notice: row.maybe_text("notice")?.map(|name| state(&name)).transpose()?,
        })
    }

    /// The conditions of a filter and their values; none where nobody can fit.
    fn conditions(&self, filter: &PersonFilter) -> Option<(String, Vec<Cell>)> {
        let mut sql = String::new();
        let mut cells = Vec::new();
        let mut add = |column: &str, cell: Cell| {
            cells.push(cell);
            sql += &format!(" AND {column} = ${}", cells.len());
        };
        if let Some(verdict) = filter.verdict {
            add("p.verdict", verdict.name().into());
        }
        if let Some(notice) = filter.notice {
            add("n.state", notice.name().into());
        }
        if let Some(mail) = &filter.mail {
            cells.push(sealed::mail_index(&self.keys, mail.open())?.into());
            let place = cells.len();
            sql += &format!(
                " AND (p.mail_index = ${place} OR p.id IN (SELECT m.person FROM person_mail m \
                 WHERE m.scope_version = p.scope_version AND m.mail_index = ${place}))"
            );
        }
        Some((sql, cells))
    }
}

/// The persons of the newest scope version.
const FROM_PERSON: &str = "FROM person p WHERE p.scope_version = (SELECT MAX(number) FROM scope_version)";

/// The persons of the newest scope version, each with their newest notice.
const FROM: &str = "FROM person p LEFT JOIN notice n ON n.serial = (SELECT MAX(m.serial) FROM notice m WHERE m.person = p.id \
                    AND m.channel = 'mail') \
                    WHERE p.scope_version = (SELECT MAX(number) FROM scope_version)";

/// Persons of one look-up.
const PERSONS_MAX: usize = 500;

/// The notice state with this name.
pub(crate) fn state(name: &str) -> Result<NoticeState> {
    NoticeState::from_name(name).ok_or(Error::Value { what: "notice state" })
}

fn record(row: &AnyRow) -> Result<RecordRef> {
    Ok(RecordRef {
        source: row.text("source")?,
        table: row.text("source_table")?,
        key: row.text("record_key")?,
        linked_by: row.text("linked_by")?,
    })
}
