//! How often somebody may ask. Counted in memory, in windows of ten minutes; a restart forgets.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use crate::site::Limits;

const WINDOW_MS: i64 = 10 * 60 * 1000;
/// Beyond this many callers in one window, the oldest windows are forgotten first.
const CALLERS_MAX: usize = 100_000;

/// One limit.
pub(crate) struct Limiter<K> {
    most: u32,
    seen: Mutex<HashMap<K, (i64, u32)>>,
}

impl<K: Hash + Eq> Limiter<K> {
    fn new(most: u32) -> Self {
        Self { most, seen: Mutex::new(HashMap::new()) }
    }

    /// Counts one more; `false` where it is one too many.
    pub(crate) fn allow(&self, caller: K, now_ms: i64) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= CALLERS_MAX {
            seen.retain(|_, (since, _)| now_ms - *since < WINDOW_MS);
            if seen.len() >= CALLERS_MAX {
                seen.clear();
            }
        }
        let (since, count) = seen.entry(caller).or_insert((now_ms, 0));
        if now_ms - *since >= WINDOW_MS {
            (*since, *count) = (now_ms, 0);
        }
        *count = count.saturating_add(1);
        *count <= self.most
    }
}

/// Every limit of a site.
pub(crate) struct Limiters {
    pub(crate) checks: Limiter<IpAddr>,
    pub(crate) checks_for_one_address: Limiter<[u8; 16]>,
    pub(crate) look_ups: Limiter<IpAddr>,
    pub(crate) sign_ins: Limiter<IpAddr>,
    pub(crate) sign_ins_for_one_name: Limiter<String>,
    pub(crate) wrong_keys: Limiter<IpAddr>,
}

impl Limiters {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            checks: Limiter::new(limits.checks),
            checks_for_one_address: Limiter::new(limits.checks_for_one_address),
            look_ups: Limiter::new(limits.look_ups),
            sign_ins: Limiter::new(limits.sign_ins),
            sign_ins_for_one_name: Limiter::new(limits.sign_ins),
            wrong_keys: Limiter::new(limits.wrong_keys),
        }
    }
}

/// The caller that an address stands for: an IPv6 customer holds a /64 at least (RFC 6177).
pub(crate) fn caller(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::{Limiter, WINDOW_MS, caller};

    #[test]
    fn one_too_many_waits_for_the_next_window() {
        let limiter = Limiter::new(2);
        assert_eq!([0, 1, 2].map(|at| limiter.allow("a", at)), [true, true, false]);
        assert!(limiter.allow("b", 3));
        assert!(limiter.allow("a", WINDOW_MS));
    }

    #[test]
    fn a_network_of_version_6_is_one_caller() {
        let [a, b, c] = ["2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1"].map(|text| caller(text.parse().unwrap()));
        assert_eq!(a, b);
        assert_ne!(a, c);
    }
}
