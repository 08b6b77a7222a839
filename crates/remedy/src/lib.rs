//! MEND: what persons are owed, what it costs, and how coupons are written. Rules only: rights live in `kintsugi-store`.

mod code;
mod cost;
mod terms;

pub use code::{CodeError, CouponCode};
pub use cost::{Cost, costs};
pub use terms::{entitled, remedy_name, usable_until_ms};
