//! The report of a log as JSON, for find.db: what was read, and the gaps in it.

use kintsugi_evidence::LogReport;
use serde_json::json;

use crate::Clock;

/// The report in one line; `unread` names the first lines that could not be read.
pub(crate) fn json(report: &LogReport) -> String {
    let unread: Vec<_> = report.unread.iter().map(|unread| json!({"line": unread.line, "reason": unread.reason})).collect();
    let gaps: Vec<_> = report.gaps.iter().map(|gap| json!({"from_ms": gap.from_ms, "to_ms": gap.to_ms})).collect();
    json!({
        "path": report.path,
        "format": report.format.map(kintsugi_evidence::LogFormat::name),
        "not_read": report.not_read,
        "lines": report.lines,
        "read": report.read,
        "requests": report.requests,
        "repeated": report.repeated,
        "joined": report.joined,
        "missing": report.missing,
        "unread_count": report.unread_count,
        "unread": unread,
        "first_at_ms": report.first_at_ms,
        "last_at_ms": report.last_at_ms,
        "gaps": gaps,
        "truncated": report.truncated,
    })
    .to_string()
}

/// The same of a query log, with how its clock stands to that of the web logs.
pub(crate) fn queries_json(report: &kintsugi_evidence::QueryReport, clock: Option<&Clock>) -> String {
    let mut told = serde_json::to_value(report).unwrap_or_default();
    if let (Some(fields), Some(clock)) = (told.as_object_mut(), clock) {
        fields.insert("clock_ahead_ms".into(), clock.ahead_ms.into());
        fields.insert("clock_told_by".into(), clock.told_by.into());
    }
    told.to_string()
}
