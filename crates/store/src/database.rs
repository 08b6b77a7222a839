//! Opening the store: which database, its pools and its migrations; and the few things in which the two databases differ.

use std::path::Path;

use kintsugi_case::StoreSpec;
use kintsugi_vault::Keys;

use crate::Result;

/// The live store of one case. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Store {
    pub(crate) keys: Keys,
}

impl Store {
    /// Opens the store that the case file names, making it and bringing its tables up to date where needed.
    pub async fn open(_spec: &StoreSpec, _case_dir: &Path, _keys: &Keys) -> Result<Self> {
        unimplemented!()
    }

    /// Writes down what is in memory and closes every connection.
    pub async fn close(&self) {
        unimplemented!()
    }
}
