//! Facts with their history: a fact is never changed, a newer one stands beside it.

use kintsugi_case::{Fact, FactKind, FactValue};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::database::Alone;
use crate::error::During;
use crate::rows::{Cell, Columns, Insert, storable};
use crate::{Error, Result, Store};

/// A fact as it was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactRecord {
    /// Its place in the history, from 1.
    pub sequence: u64,
    /// When it was written down.
    pub recorded_at_ms: i64,
    /// The fact.
    pub fact: Fact,
}

/// The entered facts of the newest batch. A batch that holds none has one row with an empty name.
const ENTERED: &str = "SELECT * FROM fact WHERE kind = 'entered' AND batch = (SELECT MAX(batch) FROM fact WHERE kind = 'entered') \
                       AND name <> '' ORDER BY sequence";
const COMPUTED: &str = "SELECT * FROM fact WHERE sequence IN (SELECT MAX(sequence) FROM fact WHERE kind = 'computed' GROUP BY name) \
                        ORDER BY sequence";

impl Store {
    /// The facts that stand: the entered ones as the case file has them now, in its order, then the newest computed one of each name.
    pub async fn facts(&self) -> Result<Vec<Fact>> {
        Ok(self.fact_records().await?.into_iter().map(|record| record.fact).collect())
    }

    /// The facts that stand, as [`Store::facts`] has them, each with its place in the history.
    pub async fn fact_records(&self) -> Result<Vec<FactRecord>> {
        let mut records = Vec::new();
        for sql in [ENTERED, COMPUTED] {
            let rows = sqlx::query(sql).fetch_all(self.reader()).await.during("read facts")?;
            records.extend(rows.iter().map(record).collect::<Result<Vec<_>>>()?);
        }
        Ok(records)
    }

    /// Everything that was ever written down under a name, oldest first.
    pub async fn fact_history(&self, name: &str) -> Result<Vec<FactRecord>> {
        let sql = "SELECT * FROM fact WHERE name = $1 ORDER BY sequence";
        let rows = sqlx::query(sql).bind(storable(name)).fetch_all(self.reader()).await.during("read the history of a fact")?;
        rows.iter().map(record).collect()
    }

    /// Writes down a computed fact; one that says the same as the newest of its name changes nothing.
    pub async fn put_fact(&self, fact: &Fact, now_ms: i64) -> Result<()> {
        let mut transaction = self.begin_alone(Alone::Facts, "write a fact").await?;
        append_computed(&mut transaction, fact, now_ms).await?;
        transaction.commit().await.during("write a fact")
    }

    /// Makes these the entered facts that stand (those of the case file); equal to what stands, nothing changes.
    pub async fn put_entered_facts(&self, facts: &[Fact], now_ms: i64) -> Result<()> {
        let mut transaction = self.begin_alone(Alone::Facts, "write entered facts").await?;
        let entered: Vec<Fact> = facts.iter().map(|fact| Fact { kind: FactKind::Entered, ..fact.clone() }).collect();
        if read(&mut transaction, ENTERED).await? == entered {
            return Ok(());
        }
        append(&mut transaction, if entered.is_empty() { vec![none_entered()] } else { entered }, now_ms).await?;
        transaction.commit().await.during("write entered facts")
    }
}

/// A fact with its place in the history.
pub(crate) fn record(row: &AnyRow) -> Result<FactRecord> {
    Ok(FactRecord { sequence: row.count("sequence")?, recorded_at_ms: row.int("recorded_at_ms")?, fact: fact(row)? })
}

/// Writes a computed fact unless the newest of its name says the same. The caller holds [`Alone::Facts`].
pub(crate) async fn append_computed(connection: &mut AnyConnection, new: &Fact, now_ms: i64) -> Result<()> {
    let sql = "SELECT * FROM fact WHERE name = $1 AND kind = 'computed' ORDER BY sequence DESC LIMIT 1";
    let newest = sqlx::query(sql).bind(storable(&new.name)).fetch_optional(&mut *connection).await.during("read a fact")?;
    let computed = Fact { kind: FactKind::Computed, ..new.clone() };
    match newest.as_ref().map(fact).transpose()? {
        Some(known) if known == computed => Ok(()),
        _ => append(connection, vec![computed], now_ms).await,
    }
}

async fn read(connection: &mut AnyConnection, sql: &'static str) -> Result<Vec<Fact>> {
    let rows = sqlx::query(sql).fetch_all(connection).await.during("read facts")?;
    rows.iter().map(fact).collect()
}

/// Appends facts as one batch, which is numbered by its first sequence number.
async fn append(connection: &mut AnyConnection, facts: Vec<Fact>, now_ms: i64) -> Result<()> {
    let last = sqlx::query("SELECT COALESCE(MAX(sequence), 0) AS n FROM fact").fetch_one(&mut *connection).await;
    let batch = last.during("write facts")?.count("n")? + 1;
    let mut insert = Insert::new(
        "INSERT INTO fact (sequence, batch, recorded_at_ms, name, value_kind, value, as_of, source, query, scope_version, \
         kind, replaces)",
    );
    for (sequence, fact) in (batch..).zip(&facts) {
        insert.push(row(sequence, batch, now_ms, fact));
    }
    insert.write_all(connection, "write facts").await
}

fn row(sequence: u64, batch: u64, now_ms: i64, fact: &Fact) -> [Cell; 12] {
    let kind = match fact.value {
        FactValue::Number(_) => "number",
        FactValue::Date(_) => "date",
        FactValue::Text(_) => "text",
    };
    [
        sequence.into(),
        batch.into(),
        now_ms.into(),
        (&fact.name).into(),
        kind.into(),
        fact.value.to_string().as_str().into(),
        (&fact.as_of).into(),
        (&fact.source).into(),
        (&fact.query).into(),
        fact.scope_version.into(),
        fact.kind.name().into(),
        i64::from(fact.replaces).into(),
    ]
}

fn fact(row: &AnyRow) -> Result<Fact> {
    let text = row.text("value")?;
    let value = match row.text("value_kind")?.as_str() {
        "number" => FactValue::Number(text.parse().map_err(|_| Error::Value { what: "fact that is no number" })?),
        "date" => FactValue::Date(text),
        _ => FactValue::Text(text),
    };
    Ok(Fact {
        name: row.text("name")?,
        value,
        as_of: row.text("as_of")?,
        source: row.text("source")?,
        query: row.text("query")?,
        scope_version: row.small("scope_version")?,
        kind: if row.text("kind")? == FactKind::Entered.name() { FactKind::Entered } else { FactKind::Computed },
        replaces: row.int("replaces")? != 0,
    })
}

/// Stands for "the case file has no facts any more", which a table that is only appended to must be able to say.
fn none_entered() -> Fact {
    Fact {
        name: String::new(),
        value: FactValue::Text(String::new()),
        as_of: String::new(),
        source: String::new(),
        query: String::new(),
        scope_version: 0,
        kind: FactKind::Entered,
        replaces: false,
    }
}
