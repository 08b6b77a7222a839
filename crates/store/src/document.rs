//! Documents as they were published: every version is kept, none is ever changed, and each says which facts it states,
//! in the version of the fact that it had.

use kintsugi_case::Language;
use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;

use crate::database::Alone;
use crate::error::During;
use crate::fact::{FactRecord, record};
use crate::rows::{Columns, Insert};
use crate::{Error, Result, Store};

/// One language of a document that is to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edition {
    /// The language.
    pub language: Language,
    /// The document, in a form that its writer can read back.
    pub body: String,
    /// What is new in it, as told to readers; empty in a first version.
    pub note: String,
    /// The facts that it states, by their place in the history.
    pub facts: Vec<u64>,
}

/// A version of a document in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Which document.
    pub name: String,
    /// From 1, rising; the same in each language.
    pub version: u32,
    /// The language.
    pub language: Language,
    /// When.
    pub published_at_ms: i64,
    /// By whom.
    pub published_by: String,
    /// What is new in it.
    pub note: String,
    /// The document.
    pub body: String,
    /// SHA-256 of the body.
    pub digest: String,
    /// The facts that it states, as they were.
    pub facts: Vec<FactRecord>,
}

impl Store {
    /// Publishes the next version of a document in each of its languages, and gives its number.
    pub async fn publish(&self, name: &str, by: &str, editions: &[Edition], now_ms: i64) -> Result<u32> {
        let operation = "publish a document";
        let mut transaction = self.begin_alone(Alone::Publish, operation).await?;
        let last = sqlx::query("SELECT COALESCE(MAX(version), 0) AS n FROM document WHERE name = $1").bind(name);
        let version = last.fetch_one(&mut *transaction).await.during(operation)?.small("n")? + 1;
        let mut documents: Insert<8> =
            Insert::new("INSERT INTO document (name, version, language, published_at_ms, published_by, note, body, digest)");
        let mut facts: Insert<4> = Insert::new("INSERT INTO document_fact (name, version, language, fact)");
        for edition in editions {
            let tag = edition.language.tag();
            let digest = digest(&edition.body);
            documents.push([
                name.into(),
                version.into(),
                tag.into(),
                now_ms.into(),
                by.into(),
                edition.note.as_str().into(),
                edition.body.as_str().into(),
                digest.as_str().into(),
            ]);
            for fact in &edition.facts {
                facts.push([name.into(), version.into(), tag.into(), (*fact).into()]);
            }
        }
        documents.write_all(&mut transaction, operation).await?;
        facts.write_all(&mut transaction, operation).await?;
        transaction.commit().await.during(operation)?;
        Ok(version)
    }

    /// Every version of a document in a language, newest first.
    pub async fn published(&self, name: &str, language: Language) -> Result<Vec<Published>> {
        let sql = "SELECT * FROM document WHERE name = $1 AND language = $2 ORDER BY version DESC";
        let query = sqlx::query(sql).bind(name).bind(language.tag());
        let rows = query.fetch_all(self.reader()).await.during("read documents")?;
        let mut all = rows.iter().map(published).collect::<Result<Vec<_>>>()?;
        let sql = "SELECT d.version AS document_version, f.* FROM document_fact d JOIN fact f ON f.sequence = d.fact \
                   WHERE d.name = $1 AND d.language = $2 ORDER BY f.sequence";
        let query = sqlx::query(sql).bind(name).bind(language.tag());
        for row in query.fetch_all(self.reader()).await.during("read the facts of documents")? {
            let version = row.small("document_version")?;
            if let Some(document) = all.iter_mut().find(|document| document.version == version) {
                document.facts.push(record(&row)?);
            }
        }
        Ok(all)
    }
}

fn digest(body: &str) -> String {
    Sha256::digest(body.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn published(row: &AnyRow) -> Result<Published> {
    Ok(Published {
        name: row.text("name")?,
        version: row.small("version")?,
        language: Language::from_tag(&row.text("language")?).ok_or(Error::Value { what: "language" })?,
        published_at_ms: row.int("published_at_ms")?,
        published_by: row.text("published_by")?,
        note: row.text("note")?,
        body: row.text("body")?,
        digest: row.text("digest")?,
        facts: Vec::new(),
    })
}
