//! `kintsugi api-key`: lets a machine of the merchant use the API. The key is shown once and stored hashed.

use anyhow::Result;
use serde_json::json;

use super::{Outcome, block_on, now_ms};
use crate::finish::Finish;
use crate::folder::Folder;

/// Makes or renews a key; the result is the key.
pub(crate) fn api_key(folder: &Folder, name: &str) -> Result<Outcome> {
    let key = kintsugi_vault::random_code(32)?;
    block_on(async {
        let store = folder.store().await?;
        store.put_api_key(name, &key, now_ms()).await?;
        store.audit("command line", &format!("API key of {name} made"), now_ms()).await?;
        store.close().await;
        Ok(())
    })?;
    Ok(Outcome::new(Finish::Done, key.clone(), json!({ "name": name, "key": key })))
}
