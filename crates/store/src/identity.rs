//! Who is who across scope versions: a person of a new version keeps the number that their records had in an earlier
//! one. Numbers given anew by each run of `resolve` would hand notices and coupons to strangers as soon as a record
//! is added in front.

use std::collections::{BTreeMap, BTreeSet};

use kintsugi_case::PersonId;
use sqlx::{AnyConnection, AssertSqlSafe};

use crate::error::During;
use crate::freeze::Person;
use crate::rows::{Cell, Columns, Marks, arguments};
use crate::{RecordRef, Result};

/// Records of one look-up.
const RECORDS_MAX: usize = 1000;

type RecordName = (String, String, String);

/// Which numbers are given in the version being written.
pub(crate) struct Identities {
    given: BTreeSet<u64>,
    next: u64,
}

impl Identities {
    /// For a version that is not the first. The index by record is made when it is first needed: most cases have one version.
    pub(crate) async fn open(connection: &mut AnyConnection) -> Result<Self> {
        let operation = "find the numbers of persons";
        let index = "CREATE INDEX IF NOT EXISTS person_record_by_key ON person_record (record_key, source_table, source)";
        sqlx::query(index).execute(&mut *connection).await.during(operation)?;
        let newest =
            sqlx::query("SELECT COALESCE(MAX(id), 0) AS id FROM person").fetch_one(connection).await.during(operation)?;
        Ok(Self { given: BTreeSet::new(), next: newest.count("id")? + 1 })
    }

    /// The numbers of these persons, in their order.
    pub(crate) async fn assign(&mut self, connection: &mut AnyConnection, persons: &[Person]) -> Result<Vec<PersonId>> {
        let mut owners = BTreeMap::new();
        let records: Vec<&RecordRef> = persons.iter().flat_map(|person| &person.records).collect();
        for some in records.chunks(RECORDS_MAX) {
            collect_owners(connection, some, &mut owners).await?;
        }
        Ok(persons.iter().map(|person| self.assign_one(person, &owners)).collect())
    }

    fn assign_one(&mut self, person: &Person, owners: &BTreeMap<RecordName, BTreeSet<u64>>) -> PersonId {
        let earlier = person.records.iter().filter_map(|record| owners.get(&name(record))).flatten();
        let kept = earlier.filter(|id| !self.given.contains(id)).min().copied();
        let id = kept.unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        });
        self.given.insert(id);
        PersonId(id)
    }
}

fn name(record: &RecordRef) -> RecordName {
    (record.source.clone(), record.table.clone(), record.key.clone())
}

/// Adds who owned these records in any earlier version.
async fn collect_owners(
    connection: &mut AnyConnection,
    records: &[&RecordRef],
    owners: &mut BTreeMap<RecordName, BTreeSet<u64>>,
) -> Result<()> {
    let operation = "find the numbers of persons";
    let sql = format!(
        "SELECT DISTINCT r.person AS person, r.source AS source, r.source_table AS source_table, r.record_key AS record_key \
         FROM (VALUES {}) AS v JOIN person_record r \
         ON r.record_key = v.column3 AND r.source_table = v.column2 AND r.source = v.column1",
        Marks::of(connection).rows(1, records.len(), 3)
    );
    let cells = records.iter().flat_map(|r| [Cell::from(&r.source), Cell::from(&r.table), Cell::from(&r.key)]);
    let query = sqlx::query_with(AssertSqlSafe(sql), arguments(cells).during(operation)?);
    for row in query.fetch_all(connection).await.during(operation)? {
        let record = (row.text("source")?, row.text("source_table")?, row.text("record_key")?);
        owners.entry(record).or_default().insert(row.count("person")?);
    }
    Ok(())
}
