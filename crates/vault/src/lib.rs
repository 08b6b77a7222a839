//! Keys, tokens, field encryption, blind indexes and signatures of one case; the only crate that stores a card number
//! or gives one out.
//!
//! [`Keys`] holds one master key (a file that only its owner reads) and derives every other key from it by HKDF
//! (RFC 5869), one per use, so that nothing computed for one use says anything about another. [`CardVaultWriter`] and
//! [`CardVault`] keep the card numbers of a case in one sealed file.
//!
//! There is no clock here, and no randomness but the making of the master key and of age's file keys: the same case
//! key and the same input give the same token, code, index and sealed bytes.

mod cards;
mod code;
mod error;
mod evidence;
mod keys;
mod purpose;
mod seal;
mod signature;

pub use cards::{CardVault, CardVaultWriter};
pub use code::random_code;
pub use error::{Error, Result};
pub use keys::Keys;
pub use purpose::Purpose;
pub use signature::verify;
