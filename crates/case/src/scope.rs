//! The frozen scope: what is told, and from which nothing but a new version departs.

use crate::{BasisId, EvidenceLine, FieldMeaning, Technique, Verdict};

/// A frozen, numbered, signed set of exposures and persons. Nothing is ever told from anything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeVersion {
    /// From 1, rising.
    pub number: u32,
    /// When it was frozen, milliseconds since 1970 UTC.
    pub frozen_at_ms: i64,
    /// SHA-256 over the canonical text of everything in it, lower-case hex.
    pub digest: String,
    /// Ed25519 signature (RFC 8032) of the digest by the case key, base64.
    pub signature: String,
    /// The public half of the case key, base64.
    pub public_key: String,
}

/// Why a group of exposures holds, as told to staff and to the affected person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasisSummary {
    /// Its number.
    pub id: BasisId,
    /// How.
    pub technique: Technique,
    /// The rule of the case file in words (`replay`, `window orders.created_at 2011-03-07..2013-04-23`).
    pub rule: String,
    /// The statement's shape as SQL, literals lifted out (`?`); empty where there is no statement.
    pub shape: String,
    /// The request's method, path and parameter (`GET /item id`); empty where there is none.
    pub endpoint: String,
    /// Table, as the snapshot names it.
    pub table: String,
    /// Verdict of the group.
    pub verdict: Verdict,
    /// Why this verdict, one sentence in English for staff.
    pub reason: String,
    /// Statements of the shape that came to this verdict for this reason.
    pub statements: u64,
    /// Those of them whose observed answer has exactly the bytes that the replay predicts.
    pub agreeing: u64,
}

/// What of one record was exposed by one basis, with what a person needs to recognise it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExposedRecord {
    /// The source's name.
    pub source: String,
    /// The table.
    pub table: String,
    /// The record's key.
    pub key: String,
    /// The meanings of the exposed columns, in [`FieldMeaning::ALL`] order.
    pub fields: Vec<FieldMeaning>,
    /// The exposed columns by name, comma-separated (meanings or not): staff only.
    pub columns: String,
    /// The conclusion.
    pub verdict: Verdict,
    /// Why.
    pub basis: BasisId,
    /// The evidence line.
    pub line: EvidenceLine,
    /// When it was taken, milliseconds since 1970 UTC; 0 where unknown.
    pub at_ms: i64,
    /// Bytes that the server sent.
    pub observed_bytes: u64,
    /// Bytes that the replay predicts.
    pub predicted_bytes: u64,
    /// The literals of this statement.
    pub literals: String,
    /// Brand of the card in the record (`Visa`); empty where there is none.
    pub card_brand: String,
    /// Last four digits of the card in the record; empty where there is none.
    pub card_last4: String,
    /// The brand under which the person used the service; empty where unknown.
    pub service_brand: String,
    /// The day of that use (`2012-08-03`); empty where unknown.
    pub service_used_on: String,
}
