//! What can fail while records become persons.

/// What this crate's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An operation that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// find.db could not be read or written.
    #[error("cannot resolve the records of find.db")]
    Find(#[from] kintsugi_find::Error),
    /// More registrations than one run can number.
    #[error("{0} registrations are more than one run can number (4,294,967,294)")]
    TooMany(u64),
}
