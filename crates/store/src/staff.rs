//! Staff who may sign in to the console.

use crate::{Result, Store};

/// A member of staff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staff {
    /// The name they sign in with.
    pub name: String,
    /// The password's hash (a PHC string; the store does not know the password).
    pub password_hash: String,
    /// Raised at each change of password: sessions that carry an older one are over.
    pub generation: u64,
}

impl Store {
    /// Adds a member of staff, or sets a new password.
    pub async fn put_staff(&self, _name: &str, _password_hash: &str, _now_ms: i64) -> Result<()> {
        unimplemented!()
    }

    /// The member of staff with this name.
    pub async fn staff(&self, _name: &str) -> Result<Option<Staff>> {
        unimplemented!()
    }

    /// How many may sign in.
    pub async fn staff_count(&self) -> Result<u64> {
        unimplemented!()
    }
}
