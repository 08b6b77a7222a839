//! Rights: what persons are owed. A coupon is redeemed at most once, whatever runs at the same time (rule 12).

use kintsugi_case::{PersonId, Private, RemedySpec};

use crate::{Result, Store};

/// A right of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RightView {
    /// Its number, from 1.
    pub id: u64,
    /// Whose.
    pub person: PersonId,
    /// Which remedy of the case.
    pub remedy: String,
    /// Its worth, in the currency's smallest usual unit.
    pub amount: u64,
    /// ISO 4217.
    pub currency: String,
    /// When it was issued.
    pub issued_at_ms: i64,
    /// It can be used before this time.
    pub usable_until_ms: Option<i64>,
    /// The coupon's code, 20 characters without hyphens.
    pub code: Private<String>,
    /// When it was redeemed.
    pub redeemed_at_ms: Option<i64>,
    /// The order it was redeemed with; empty before.
    pub order_ref: String,
}

/// What issuing did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Issued {
    /// New rights.
    pub new: u64,
    /// Rights of this remedy in all.
    pub total: u64,
}

/// What a remedy costs and has cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RightTotals {
    /// Which remedy of the case.
    pub remedy: String,
    /// ISO 4217.
    pub currency: String,
    /// Rights issued.
    pub issued: u64,
    /// Their worth if all are used.
    pub amount_issued: u64,
    /// Rights redeemed.
    pub redeemed: u64,
    /// Their worth.
    pub amount_redeemed: u64,
}

/// A shop's request to redeem a coupon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedeemRequest {
    /// The API key's name; idempotency keys of different clients never meet.
    pub client: String,
    /// The code as typed.
    pub code: Private<String>,
    /// The shop's order.
    pub order_ref: String,
    /// The shop's name for this request: the same request again gets the same answer.
    pub idempotency_key: String,
}

/// The answer to a [`RedeemRequest`]. A repeated request gets the answer of the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redemption {
    /// This request redeemed the coupon.
    Redeemed {
        /// The right.
        right: u64,
        /// Its worth.
        amount: u64,
        /// ISO 4217.
        currency: String,
        /// When.
        at_ms: i64,
    },
    /// It was redeemed before, by another request.
    AlreadyRedeemed {
        /// When.
        at_ms: i64,
    },
    /// Its time is over.
    Expired {
        /// Since when.
        since_ms: i64,
    },
    /// No coupon has this code.
    Unknown,
    /// The idempotency key was used for another code or order.
    KeyReused,
}

impl Store {
    /// Gives each entitled person of the scope version one right of this remedy. Run again, it gives nobody a second one.
    pub async fn issue_rights(
        &self,
        _scope: u32,
        _remedy: &str,
        _spec: &RemedySpec,
        _usable_until_ms: Option<i64>,
        _now_ms: i64,
    ) -> Result<Issued> {
        unimplemented!()
    }

    /// Redeems a coupon. The decision is one compare-and-set statement of the database.
    pub async fn redeem(&self, _request: &RedeemRequest, _now_ms: i64) -> Result<Redemption> {
        unimplemented!()
    }

    /// The rights of a person.
    pub async fn rights_of(&self, _person: PersonId) -> Result<Vec<RightView>> {
        unimplemented!()
    }

    /// What each remedy costs if all is used, and what was used.
    pub async fn right_totals(&self) -> Result<Vec<RightTotals>> {
        unimplemented!()
    }
}
