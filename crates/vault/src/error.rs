//! What can fail in the vault. No variant carries a key, a card number or anything else that was sealed.

use std::io;
use std::path::PathBuf;

/// What the vault's functions return.
pub type Result<T> = std::result::Result<T, Error>;

/// An operation of the vault that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The key file could not be made; an existing one is never overwritten.
    #[error("cannot create the key file {path}")]
    CreateKey {
        /// The key file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The key file could not be read.
    #[error("cannot read the key file {path}")]
    ReadKey {
        /// The key file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The key file holds something else.
    #[error("{path} is not a key file of this program")]
    KeyFormat {
        /// The key file.
        path: PathBuf,
    },
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes for the case key")]
    Random,
    /// Sealed bytes were changed, cut, made for another context or under another key.
    #[error("sealed data does not open: it was changed, or belongs to another case or place")]
    Unseal,
    /// The sealed file of card numbers could not be written.
    #[error("cannot write the sealed card file {path}")]
    WriteCards {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The sealed file of card numbers could not be read, or was cut.
    #[error("cannot read the sealed card file {path}")]
    ReadCards {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Evidence could not be encrypted.
    #[error("cannot encrypt evidence")]
    EncryptEvidence(#[source] io::Error),
    /// Encrypted evidence does not open under this case's key.
    #[error("cannot decrypt evidence: {reason}")]
    DecryptEvidence {
        /// What age says.
        reason: String,
    },
}
