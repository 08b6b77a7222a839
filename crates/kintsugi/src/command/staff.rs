//! `kintsugi staff`: lets a person sign in to the console. The password is made here, shown once and stored hashed.

use anyhow::Result;
use serde_json::json;

use super::{Outcome, block_on, now_ms};
use crate::finish::Finish;
use crate::folder::Folder;

/// Makes or renews a sign-in; the result is the password.
pub(crate) fn staff(folder: &Folder, name: &str) -> Result<Outcome> {
    let password = kintsugi_vault::random_code(20)?;
    let hash = kintsugi_serve::hash_password(&password)?;
    block_on(async {
        let store = folder.store().await?;
        store.put_staff(name, &hash, now_ms()).await?;
        store.audit("command line", &format!("sign-in of {name} made"), now_ms()).await?;
        store.close().await;
        Ok(())
    })?;
    Ok(Outcome::new(Finish::Done, password.clone(), json!({ "name": name, "password": password })))
}
