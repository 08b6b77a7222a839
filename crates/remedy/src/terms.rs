//! Who holds a right, and until when.

use jiff::{ToSpan, tz::TimeZone};
use kintsugi_case::{RemedyKind, RemedySpec, RemedyTo, Verdict};

/// The name under which the rights of the `place`-th remedy of the case file (from 1) are kept: `coupon-1`.
/// It must not depend on the amount: a corrected amount is no second coupon.
pub fn remedy_name(place: usize, spec: &RemedySpec) -> String {
    match spec.kind {
        RemedyKind::Coupon => format!("coupon-{place}"),
    }
}

/// Whether a person with this strongest verdict holds the right.
pub const fn entitled(to: RemedyTo, verdict: Option<Verdict>) -> bool {
    match (to, verdict) {
        (_, Some(Verdict::Proved)) => true,
        (RemedyTo::Affected, Some(Verdict::Possible)) => true,
        (RemedyTo::Proved | RemedyTo::Affected, _) => false,
    }
}

/// The end of the last day in the case's zone, in milliseconds since 1970 UTC: the right can be used before it.
/// `None` where the right does not end (or ends after what a calendar holds).
pub fn usable_until_ms(spec: &RemedySpec, zone: &TimeZone) -> Option<i64> {
    let next_day = spec.until?.checked_add(1.day()).ok()?;
    next_day.to_zoned(zone.clone()).ok().map(|start| start.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::{entitled, remedy_name, usable_until_ms};
    use jiff::{civil::date, tz::TimeZone};
    use kintsugi_case::{RemedyKind, RemedySpec, RemedyTo, Verdict};

    fn spec() -> RemedySpec {
        RemedySpec {
            kind: RemedyKind::Coupon,
            amount: 3000,
            currency: "JPY".into(),
            to: RemedyTo::Proved,
            until: Some(date(2014, 5, 31)),
        }
    }

    #[test]
    fn the_verdict_decides() {
        let who = |to| [None, Some(Verdict::Excluded), Some(Verdict::Possible), Some(Verdict::Proved)].map(|v| entitled(to, v));
        assert_eq!(who(RemedyTo::Proved), [false, false, false, true]);
        assert_eq!(who(RemedyTo::Affected), [false, false, true, true]);
    }

    #[test]
    fn a_corrected_amount_is_no_second_coupon() {
        assert_eq!(remedy_name(1, &spec()), remedy_name(1, &RemedySpec { amount: 5000, ..spec() }));
    }

    #[test]
    fn the_last_day_counts_to_its_end_where_the_case_is() {
        let tokyo = TimeZone::get("Asia/Tokyo").unwrap();
        let end = usable_until_ms(&spec(), &tokyo).unwrap();
        assert_eq!(jiff::Timestamp::from_millisecond(end).unwrap().to_string(), "2014-05-31T15:00:00Z");
        assert_eq!(usable_until_ms(&RemedySpec { until: None, ..spec() }, &tokyo), None);
    }
}
