//! Reading scope versions: their list, their bases, their counts.

use std::collections::BTreeMap;

use kintsugi_case::{BasisSummary, FieldMeaning, ScopeVersion, Technique, Verdict};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::error::During;
use crate::rows::{Columns, fields_of};
use crate::{Error, Result, Store};

/// Exposed records read at a time while counting.
const PAGE: i64 = 20_000;

/// Records that lost a field, by verdict, within one scope version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldCount {
    /// What was lost.
    pub field: FieldMeaning,
    /// How sure.
    pub verdict: Verdict,
    /// Records, each counted once, at its strongest verdict for this field.
    pub records: u64,
    /// Persons, each counted once, at their strongest verdict for this field.
    pub persons: u64,
}

/// What a scope version holds, counted from its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeCounts {
    /// Persons, affected or not.
    pub persons: u64,
    /// Persons by their strongest verdict, strongest first; those with none are absent.
    pub persons_by_verdict: Vec<(Verdict, u64)>,
    /// Records that belong to a person.
    pub records: u64,
    /// Records of these with something in question, by their strongest verdict, strongest first.
    pub records_by_verdict: Vec<(Verdict, u64)>,
}

impl Store {
    /// The newest scope version.
    pub async fn newest_scope(&self) -> Result<Option<ScopeVersion>> {
        let mut connection = self.reader().acquire().await.during("read the newest scope version")?;
        newest(&mut connection).await
    }

    /// Every scope version, oldest first.
    pub async fn scopes(&self) -> Result<Vec<ScopeVersion>> {
        let sql = "SELECT * FROM scope_version ORDER BY number";
        let rows = sqlx::query(sql).fetch_all(self.reader()).await.during("read the scope versions")?;
        rows.iter().map(version).collect()
    }

    /// The bases of a version, by number.
    pub async fn bases(&self, scope: u32) -> Result<Vec<BasisSummary>> {
        let sql = "SELECT * FROM basis WHERE scope_version = $1 ORDER BY id";
        let rows = sqlx::query(sql).bind(i64::from(scope)).fetch_all(self.reader()).await.during("read the bases")?;
        rows.iter().map(basis).collect()
    }

    /// Persons and records of a version, counted anew.
    pub async fn scope_counts(&self, scope: u32) -> Result<ScopeCounts> {
        let persons =
            self.verdict_counts(scope, "SELECT verdict, COUNT(*) AS n FROM person WHERE scope_version = $1 GROUP BY verdict");
        // The names of verdicts sort as their strength does, which a test holds fast.
        let records = self.verdict_counts(
            scope,
            "SELECT verdict, COUNT(*) AS n FROM (SELECT MAX(verdict) AS verdict FROM exposed_record WHERE scope_version = $1 \
             GROUP BY person, source, source_table, record_key) AS record GROUP BY verdict",
        );
        let (persons, records_by_verdict) = (persons.await?, records.await?);
        let in_question = |(verdict, n): &(Option<Verdict>, u64)| verdict.map(|verdict| (verdict, *n));
        Ok(ScopeCounts {
            persons: persons.iter().map(|(_, n)| n).sum(),
            persons_by_verdict: persons.iter().filter_map(in_question).collect(),
            records: self.count("SELECT COUNT(*) AS n FROM person_record WHERE scope_version = $1", scope).await?,
            records_by_verdict: records_by_verdict.iter().filter_map(in_question).collect(),
        })
    }

    /// Records that were taken (proved), by the hour of the first request that took each: the hour's start in milliseconds
    /// since 1970 UTC and the records, in order of time, hours without any left out.
    pub async fn records_by_hour(&self, scope: u32) -> Result<Vec<(i64, u64)>> {
        let sql = "SELECT hour, COUNT(*) AS n FROM (SELECT MIN(at_ms) / 3600000 AS hour FROM exposed_record \
                   WHERE scope_version = $1 AND verdict = 'proved' AND at_ms > 0 \
                   GROUP BY person, source, source_table, record_key) AS record GROUP BY hour ORDER BY hour";
        let rows = sqlx::query(sql).bind(i64::from(scope)).fetch_all(self.reader()).await.during("count records by hour")?;
        rows.iter().map(|row| Ok((row.int("hour")? * 3_600_000, row.count("n")?))).collect()
    }

    /// What was lost in a version, field by field in [`FieldMeaning::ALL`] order, strongest verdict first.
    pub async fn field_counts(&self, scope: u32) -> Result<Vec<FieldCount>> {
        let mut counter = FieldCounter::default();
        let (mut person, mut place) = (0_i64, 0_i64);
        loop {
            let rows = self.exposed_page(scope, person, place).await?;
            for row in &rows {
                (person, place) = (row.int("person")?, row.int("place")?);
                counter.add(row)?;
            }
            if (rows.len() as i64) < PAGE {
                return Ok(counter.finish());
            }
        }
    }

    async fn exposed_page(&self, scope: u32, person: i64, place: i64) -> Result<Vec<AnyRow>> {
        let sql = "SELECT person, place, source, source_table, record_key, fields, verdict FROM exposed_record \
                   WHERE scope_version = $1 AND (person, place) > ($2, $3) ORDER BY person, place LIMIT $4";
        let query = sqlx::query(sql).bind(i64::from(scope)).bind(person).bind(place).bind(PAGE);
        query.fetch_all(self.reader()).await.during("count exposed fields")
    }

    async fn verdict_counts(&self, scope: u32, sql: &'static str) -> Result<Vec<(Option<Verdict>, u64)>> {
        let rows = sqlx::query(sql).bind(i64::from(scope)).fetch_all(self.reader()).await.during("count verdicts")?;
        let counts: Result<Vec<_>> = rows.iter().map(|row| Ok((row.maybe_verdict("verdict")?, row.count("n")?))).collect();
        let mut counts = counts?;
        counts.sort_by_key(|(verdict, _)| std::cmp::Reverse(*verdict));
        Ok(counts)
    }

    async fn count(&self, sql: &'static str, scope: u32) -> Result<u64> {
        sqlx::query(sql).bind(i64::from(scope)).fetch_one(self.reader()).await.during("count rows")?.count("n")
    }
}

/// Counts fields over exposed records that come person by person, holding one person's at a time.
#[derive(Default)]
struct FieldCounter {
    person: i64,
    of_person: BTreeMap<(String, FieldMeaning), Verdict>,
    records: BTreeMap<(FieldMeaning, Verdict), u64>,
    persons: BTreeMap<(FieldMeaning, Verdict), u64>,
}

impl FieldCounter {
    fn add(&mut self, row: &AnyRow) -> Result<()> {
        let person = row.int("person")?;
        if person != self.person {
            self.end_person();
            self.person = person;
        }
        let record = [row.text("source")?, row.text("source_table")?, row.text("record_key")?].join("\u{1f}");
        let verdict = row.verdict("verdict")?;
        for field in fields_of(&row.text("fields")?)? {
            let known = self.of_person.entry((record.clone(), field)).or_insert(verdict);
            *known = verdict.max(*known);
        }
        Ok(())
    }

    fn end_person(&mut self) {
        let mut strongest: BTreeMap<FieldMeaning, Verdict> = BTreeMap::new();
        for ((_, field), verdict) in std::mem::take(&mut self.of_person) {
            *self.records.entry((field, verdict)).or_default() += 1;
            let known = strongest.entry(field).or_insert(verdict);
            *known = verdict.max(*known);
        }
        strongest.into_iter().for_each(|one| *self.persons.entry(one).or_default() += 1);
    }

    fn finish(mut self) -> Vec<FieldCount> {
        self.end_person();
        let every = FieldMeaning::ALL.into_iter().flat_map(|field| Verdict::ALL.map(|verdict| (field, verdict)));
        let count = |(field, verdict)| FieldCount {
            field,
            verdict,
            records: self.records.get(&(field, verdict)).copied().unwrap_or_default(),
            persons: self.persons.get(&(field, verdict)).copied().unwrap_or_default(),
        };
        every.map(count).filter(|count| count.records > 0).collect()
    }
}

/// The newest scope version as this connection sees it.
pub(crate) async fn newest(connection: &mut AnyConnection) -> Result<Option<ScopeVersion>> {
    let sql = "SELECT * FROM scope_version ORDER BY number DESC LIMIT 1";
    let row = sqlx::query(sql).fetch_optional(connection).await.during("read the newest scope version")?;
    row.as_ref().map(version).transpose()
}

fn version(row: &AnyRow) -> Result<ScopeVersion> {
    Ok(ScopeVersion {
        number: row.small("number")?,
        frozen_at_ms: row.int("frozen_at_ms")?,
        digest: row.text("digest")?,
        signature: row.text("signature")?,
        public_key: row.text("public_key")?,
    })
}

fn basis(row: &AnyRow) -> Result<BasisSummary> {
    Ok(BasisSummary {
        id: row.basis("id")?,
        technique: Technique::from_name(&row.text("technique")?).ok_or(Error::Value { what: "technique" })?,
        rule: row.text("rule")?,
        shape: row.text("shape")?,
        endpoint: row.text("endpoint")?,
        table: row.text("source_table")?,
        verdict: row.verdict("verdict")?,
        reason: row.text("reason")?,
        statements: row.count("statements")?,
        agreeing: row.count("agreeing")?,
    })
}

#[cfg(test)]
mod tests {
    use kintsugi_case::Verdict;

    #[test]
    fn the_names_of_verdicts_sort_as_their_strength() {
        let mut names = Verdict::ALL.map(Verdict::name);
        names.sort_unstable();
        assert_eq!(names.map(|name| Verdict::from_name(name).unwrap()), [Verdict::Excluded, Verdict::Possible, Verdict::Proved]);
    }
}
