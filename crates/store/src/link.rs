//! Links to a person's page: the one in their notice, and those that "am I affected?" sends.

use kintsugi_case::PersonId;

use crate::{Result, Store};

/// Where a link leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkTarget {
    /// Whose page.
    pub person: PersonId,
    /// The notice it came with; none for a link that was asked for.
    pub notice_serial: Option<u64>,
}

impl Store {
    /// Makes a link to a person's page that works before `expires_at_ms`, and gives its code (26 characters).
    pub async fn create_link(&self, _person: PersonId, _expires_at_ms: i64) -> Result<String> {
        unimplemented!()
    }

    /// Where a code leads, of a notice or of an access link that has not expired. How it is typed does not matter.
    pub async fn link(&self, _code: &str, _now_ms: i64) -> Result<Option<LinkTarget>> {
        unimplemented!()
    }

    /// Erases access links that have expired, and says how many.
    pub async fn erase_expired_links(&self, _now_ms: i64) -> Result<u64> {
        unimplemented!()
    }
}
