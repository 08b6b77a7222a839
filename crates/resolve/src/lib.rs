//! FIND 5: records to persons, by exact keys alone.
//!
//! Two registrations are one person when they share a name and a mail address, a name and a telephone number, or a name
//! and an address, each in its normal form ([`name_key`], [`mail_key`], [`PhoneRule`], [`address_key`]). A mail address
//! or an address alone never joins: families share both, and two persons are two notices (rule 6). The fact that
//! joins two records is kept, so that every record of a person can say why it is theirs.
//!
//! Start with [`resolve`]. Not here: likeness and guessing. Where the keys do not agree, two persons are told.

mod address;
mod driver;
mod error;
mod fold;
mod key;
mod language;
mod mail;
mod name;
mod phone;
mod sets;

pub use address::address_key;
pub use driver::{Resolved, resolve};
pub use error::{Error, Result};
pub use mail::mail_key;
pub use name::name_key;
pub use phone::PhoneRule;
