//! Applications that write a JSON object a statement. Their fields have no common names, so a case file declares them:
//! `format = "application_sql_json time=ts sql=stmt connection=worker user=account error=err rows=n bytes=size
//! duration_ms=took"`; what is not declared is looked for under the names most often used. A dot goes into an object.

use kintsugi_case::Private;
use serde_json::Value;

use super::read::{Out, Reason};
use super::time::Clock;
use super::{QueryError, QueryLine};

/// What can be declared, and the names looked for where it is not.
const FIELDS: [(&str, &[&str]); 11] = [
    ("time", &["time", "timestamp", "ts", "@timestamp", "date", "datetime"]),
    ("sql", &["sql", "query", "statement", "stmt", "db.statement", "db.query.text"]),
    ("connection", &["connection", "connection_id", "conn", "pid", "thread", "session"]),
    ("user", &["user", "db.user", "username"]),
    ("error", &["error", "err", "error_message", "exception"]),
    ("code", &["error_code", "code", "sqlstate", "errno"]),
    ("rows", &["rows", "rows_sent", "row_count"]),
    ("bytes", &["bytes_sent", "bytes"]),
    ("duration_ms", &["duration_ms", "took_ms", "elapsed_ms"]),
    ("duration_s", &["duration", "elapsed", "took"]),
    ("parameters", &["parameters", "params", "bindings", "args"]),
];

pub(super) struct Parser {
    clock: Clock,
    declared: Vec<(String, String)>,
}

impl Parser {
    /// `format` is the case file's, with what it declares.
    pub(super) fn new(clock: Clock, format: &str) -> Self {
        let pairs = format.split_ascii_whitespace().filter_map(|word| word.split_once('='));
        Self { clock, declared: pairs.map(|(field, name)| (field.to_owned(), name.to_owned())).collect() }
    }

    pub(super) fn line(&mut self, number: u64, raw: &[u8], out: &mut Out<'_>) -> Result<(), Reason> {
        let object: Value = serde_json::from_str(&String::from_utf8_lossy(raw)).map_err(|_| "no JSON object")?;
        let Some(sql) = self.field(&object, "sql").and_then(Value::as_str) else { return Ok(()) };
        let text = |field: &str| self.field(&object, field).map(plain).unwrap_or_default();
        let number_of = |field: &str| self.field(&object, field).and_then(amount);
        let (code, message) = (text("code"), text("error"));
        let failed = !message.is_empty() || (!code.is_empty() && code != "0" && code != "00000");
        let duration_us = number_of("duration_ms").map(|ms| ms * 1e3).or_else(|| number_of("duration_s").map(|s| s * 1e6));
        let time = text("time");
        let mut line = QueryLine {
            line: number,
            at_ms: None,
            connection: text("connection"),
            user: text("user"),
            text: sql.as_bytes().to_vec(),
            parameters: self.field(&object, "parameters").map(bound).unwrap_or_default(),
            error: failed.then(|| QueryError { code, message: Private::new(message) }),
            rows_sent: number_of("rows").map(|rows| rows as u64),
            bytes_sent: number_of("bytes").map(|bytes| bytes as u64),
            duration_us: duration_us.map(|micros| micros as u64),
            cut: false,
        };
        line.at_ms = self.clock.read(time.as_bytes()).or_else(|| epoch(&time));
        out.statement(line);
        Ok(())
    }

    fn field<'a>(&self, object: &'a Value, field: &str) -> Option<&'a Value> {
        if let Some((_, name)) = self.declared.iter().find(|(declared, _)| declared == field) {
            return found(object, name);
        }
        let (_, names) = FIELDS.iter().find(|(known, _)| *known == field)?;
        names.iter().find_map(|name| found(object, name))
    }
}

/// One of the names that are looked for holds SQL.
pub(super) fn fits(raw: &[u8]) -> bool {
    let verb = |text: &str| {
        let word = text.trim_start().split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
        ["select", "insert", "update", "delete", "with", "begin", "set", "pragma"]
            .iter()
            .any(|verb| word.eq_ignore_ascii_case(verb))
    };
    let sql = |object: &Value| FIELDS[1].1.iter().find_map(|name| found(object, name)?.as_str().map(verb)).unwrap_or(false);
    raw.starts_with(b"{") && serde_json::from_slice::<Value>(raw).is_ok_and(|object| sql(&object))
}

fn found<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let direct = object.get(name);
    direct.or_else(|| name.split('.').try_fold(object, |inner, part| inner.get(part))).filter(|value| !value.is_null())
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn amount(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).filter(|number| *number >= 0.0)
}

fn bound(value: &Value) -> Vec<Option<Vec<u8>>> {
    let values = value.as_array().map(Vec::as_slice).unwrap_or_default();
    values.iter().map(|value| (!value.is_null()).then(|| plain(value).into_bytes())).collect()
}

/// Milliseconds, or seconds with a fraction, since 1970.
fn epoch(text: &str) -> Option<i64> {
    let number: f64 = text.parse().ok()?;
    (number > 1e8).then_some(if number > 1e11 { number as i64 } else { (number * 1000.0) as i64 })
}
