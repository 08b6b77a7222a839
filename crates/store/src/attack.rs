//! The picture of the attack as of a scope version: written once, sealed, read by the console.

use kintsugi_case::{Attack, ShownStatement};
use kintsugi_vault::Keys;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::database::Alone;
use crate::error::During;
use crate::rows::{Cell, Columns, Insert};
use crate::{Error, Result, Store};

impl Store {
    /// Whether a version has its picture.
    pub async fn has_attack(&self, scope: u32) -> Result<bool> {
        let sql = "SELECT scope_version FROM attack_picture WHERE scope_version = $1";
        let row = sqlx::query(sql).bind(i64::from(scope)).fetch_optional(self.reader()).await;
        Ok(row.during("look for the picture of the attack")?.is_some())
    }

    /// Writes the picture of a version with statements to be shown, unless it has one.
    pub async fn put_attack(&self, scope: u32, attack: &Attack, shown: &[ShownStatement]) -> Result<()> {
        let operation = "write the picture of the attack";
        let mut transaction = self.begin_alone(Alone::Freeze, operation).await?;
        let known = sqlx::query("SELECT scope_version FROM attack_picture WHERE scope_version = $1").bind(i64::from(scope));
        if known.fetch_optional(&mut *transaction).await.during(operation)?.is_some() {
            return Ok(());
        }
        let mut pictures: Insert<2> = Insert::new("INSERT INTO attack_picture (scope_version, picture)");
        pictures.push([scope.into(), sealed(&self.keys, &place(scope, None), attack).into()]);
        pictures.write_all(&mut transaction, operation).await?;
        let mut statements: Insert<4> = Insert::new("INSERT INTO attack_statement (scope_version, shape, place, statement)");
        for (at, one) in (1_u64..).zip(shown) {
            let shape = one.sample.shape;
            let statement = sealed(&self.keys, &place(scope, Some((shape, at))), one);
            statements.push([scope.into(), shape.into(), Cell::from(at), statement.into()]);
        }
        statements.write_all(&mut transaction, operation).await?;
        transaction.commit().await.during(operation)
    }

    /// The picture of a version; none where it was frozen by an earlier program.
    pub async fn attack(&self, scope: u32) -> Result<Option<Attack>> {
        let operation = "read the picture of the attack";
        let sql = "SELECT picture FROM attack_picture WHERE scope_version = $1";
        let row = sqlx::query(sql).bind(i64::from(scope)).fetch_optional(self.reader()).await.during(operation)?;
        row.map(|row| open(&self.keys, &place(scope, None), &row.bytes("picture")?)).transpose()
    }

    /// The statements of a shape that are kept to be shown.
    pub async fn attack_statements(&self, scope: u32, shape: u32) -> Result<Vec<ShownStatement>> {
        let sql = "SELECT place, statement FROM attack_statement WHERE scope_version = $1 AND shape = $2 ORDER BY place";
        let query = sqlx::query(sql).bind(i64::from(scope)).bind(i64::from(shape));
        let rows = query.fetch_all(self.reader()).await.during("read statements of the attack")?;
        let opened = rows.iter().map(|row| {
            let at = row.count("place")?;
            open(&self.keys, &place(scope, Some((shape, at))), &row.bytes("statement")?)
        });
        opened.collect()
    }
}

fn place(scope: u32, statement: Option<(u32, u64)>) -> String {
    match statement {
        None => format!("store.attack_picture/{scope}"),
        Some((shape, at)) => format!("store.attack_statement/{scope}/{shape}/{at}"),
    }
}

fn sealed(keys: &Keys, place: &str, value: &impl Serialize) -> Vec<u8> {
    // Numbers and texts always have a form in JSON.
    keys.seal(place, &serde_json::to_vec(value).unwrap_or_default())
}

fn open<T: DeserializeOwned>(keys: &Keys, place: &str, sealed: &[u8]) -> Result<T> {
    let what = "the picture of the attack";
    let plain = keys.unseal(place, sealed).map_err(|source| Error::Unseal { what, source })?;
    serde_json::from_slice(&plain).map_err(|_| Error::Value { what })
}
