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

/// A document as it stands on paper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paper {
    /// SHA-256 of the PDF, lower-case hex.
    pub digest: String,
    /// The PDF.
    pub pdf: Vec<u8>,
}

impl Store {
    /// Keeps the PDF of a published version. The first that was kept stays.
    pub async fn keep_paper(&self, document: &Published, pdf: &[u8], now_ms: i64) -> Result<()> {
        let sql = "INSERT INTO document_paper (name, version, language, made_at_ms, digest, pdf) VALUES ($1, $2, $3, $4, $5, $6) \
                   ON CONFLICT DO NOTHING";
        let query = sqlx::query(sql).bind(document.name.as_str()).bind(i64::from(document.version)).bind(document.language.tag());
        let query = query.bind(now_ms).bind(hex(pdf)).bind(pdf.to_vec());
        query.execute(self.writer()).await.during("keep a document as PDF").map(drop)
    }

    /// The PDF of a published version; none where it was not made.
    pub async fn paper(&self, name: &str, version: u32, language: Language) -> Result<Option<Paper>> {
        let sql = "SELECT digest, pdf FROM document_paper WHERE name = $1 AND version = $2 AND language = $3";
        let query = sqlx::query(sql).bind(name).bind(i64::from(version)).bind(language.tag());
        let row = query.fetch_optional(self.reader()).await.during("read a document as PDF")?;
        row.map(|row| Ok(Paper { digest: row.text("digest")?, pdf: row.bytes("pdf")? })).transpose()
    }

    /// Which versions of a document in a language have a PDF.
    pub async fn papers(&self, name: &str, language: Language) -> Result<Vec<u32>> {
        let sql = "SELECT version FROM document_paper WHERE name = $1 AND language = $2 ORDER BY version";
        let query = sqlx::query(sql).bind(name).bind(language.tag());
        let rows = query.fetch_all(self.reader()).await.during("read which documents are PDF")?;
        rows.iter().map(|row| row.small("version")).collect()
    }

    /// The name and the language of everything that was ever published.
    pub async fn documents(&self) -> Result<Vec<(String, Language)>> {
        let query = sqlx::query("SELECT DISTINCT name, language FROM document ORDER BY name, language");
        let rows = query.fetch_all(self.reader()).await.during("read which documents there are")?;
        let language = |row: &AnyRow| Language::from_tag(&row.text("language")?).ok_or(Error::Value { what: "language" });
        rows.iter().map(|row| Ok((row.text("name")?, language(row)?))).collect()
    }

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
    hex(body.as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
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
