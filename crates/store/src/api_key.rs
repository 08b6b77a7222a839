//! API keys of the merchant's engineers, stored hashed.

use crate::{Result, Store};

/// Who presented a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// The name that staff gave it.
    pub name: String,
}

impl Store {
    /// Stores the hash of a key under a name; an earlier key of this name ends.
    pub async fn put_api_key(&self, _name: &str, _secret: &str, _now_ms: i64) -> Result<()> {
        unimplemented!()
    }

    /// Whose key this is.
    pub async fn api_key(&self, _secret: &str) -> Result<Option<ApiKey>> {
        unimplemented!()
    }

    /// Ends the key of this name.
    pub async fn revoke_api_key(&self, _name: &str) -> Result<()> {
        unimplemented!()
    }
}
