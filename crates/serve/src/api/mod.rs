//! The API for the merchant's engineers, under `/api/v1`. `docs/api.md` says how to use it.

mod problem;
pub(crate) mod redeem;
