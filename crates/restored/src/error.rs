//! Why a restored server cannot be used.

/// A restored server that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL names no server that replay can ask.
    #[error("{place} is no MariaDB, MySQL or PostgreSQL (source {source_name})")]
    Url {
        /// The source.
        source_name: String,
        /// The URL without its secrets.
        place: String,
    },
    /// The server is away, or does not let the role in.
    #[error("cannot connect to the restored server {place}")]
    Connect {
        /// The URL without its secrets.
        place: String,
        /// Why.
        source: sqlx::Error,
    },
    /// The server does not answer.
    #[error("the restored server {place} did not answer within {seconds} seconds")]
    Silent {
        /// The URL without its secrets.
        place: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The role could write.
    #[error(
        "the role {role} on the restored server {place} could write ({why}); intruders' statements are only run by a role \
         that can read and nothing else: {grant}"
    )]
    Writes {
        /// The URL without its secrets.
        place: String,
        /// The role.
        role: String,
        /// What it could do.
        why: String,
        /// The statements that make a role which only reads.
        grant: String,
    },
    /// The session cannot be made what it must be.
    #[error("the session on the restored server {place} could not be made read-only: {why}")]
    Session {
        /// The URL without its secrets.
        place: String,
        /// What is in the way.
        why: String,
    },
    /// A question about the session itself failed.
    #[error("the restored server {place} did not answer what its session is")]
    Asked {
        /// The URL without its secrets.
        place: String,
        /// Why.
        source: sqlx::Error,
    },
}

/// What opening a restored server gives back, or why not.
pub type Result<T, E = Error> = std::result::Result<T, E>;
