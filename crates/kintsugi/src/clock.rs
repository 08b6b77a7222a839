//! How the clocks of a database and of its web server stand to each other, for people and as JSON.

use anyhow::Result;
use kintsugi_evidence::CustodyEntry;
use kintsugi_find::FindDb;
use kintsugi_replay::Clock;
use serde_json::{Value, json};

/// What the last `scope` found, source by source.
pub(crate) fn known(db: &FindDb, custody: &[CustodyEntry]) -> Result<Vec<Clock>> {
    let mut clocks: Vec<Clock> = Vec::new();
    for (id, report) in db.log_reports()? {
        let report: Value = serde_json::from_str(&report).unwrap_or_default();
        let Some(ahead_ms) = report.get("clock_ahead_ms").and_then(Value::as_i64) else { continue };
        let Some(entry) = custody.iter().find(|entry| entry.id == id) else { continue };
        let told_by = report.get("clock_told_by").and_then(Value::as_u64).unwrap_or(0);
        if clocks.iter().all(|clock| clock.source != entry.source) {
            clocks.push(Clock { source: entry.source.clone(), ahead_ms, told_by });
        }
    }
    Ok(clocks)
}

/// `  shop: the database's clock is 9 h 0 min 0.4 s ahead of the web server's (by 215 requests)`
pub(crate) fn text(clock: &Clock) -> String {
    let Clock { source, ahead_ms, told_by } = clock;
    let by = match told_by {
        0 => "to a quarter of an hour, by the times of all requests".to_owned(),
        1 => "by 1 request".to_owned(),
        more => format!("by {more} requests"),
    };
    let way = if *ahead_ms < 0 { "behind" } else { "ahead of" };
    format!("  {source}: the database's clock is {} {way} the web server's ({by})", span(ahead_ms.unsigned_abs()))
}

/// The same for other programs.
pub(crate) fn data(clock: &Clock) -> Value {
    json!({ "source": clock.source, "database_ahead_ms": clock.ahead_ms, "told_by": clock.told_by })
}

/// Milliseconds as hours, minutes and seconds, from the first that is there.
fn span(ms: u64) -> String {
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, (ms % 60_000) as f64 / 1000.0);
    match (hours, minutes) {
        (0, 0) => format!("{seconds:.1} s"),
        (0, minutes) => format!("{minutes} min {seconds:.1} s"),
        (hours, minutes) => format!("{hours} h {minutes} min {seconds:.1} s"),
    }
}

#[cfg(test)]
mod tests {
    use kintsugi_replay::Clock;

    use super::text;

    #[test]
    fn a_difference_is_said_with_its_grounds() {
        let check = |ahead_ms, told_by, expected: &str| {
            assert_eq!(text(&Clock { source: "shop".into(), ahead_ms, told_by }), expected);
        };
        check(400, 215, "  shop: the database's clock is 0.4 s ahead of the web server's (by 215 requests)");
        check(-61_000, 1, "  shop: the database's clock is 1 min 1.0 s behind the web server's (by 1 request)");
        check(
            9 * 3_600_000,
            0,
            "  shop: the database's clock is 9 h 0 min 0.0 s ahead of the web server's (to a quarter of an hour, by the times of all requests)",
        );
    }
}
