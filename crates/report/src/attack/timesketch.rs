//! Events for Timesketch: one a statement, with the three columns that it wants (`message`, `datetime`, `timestamp_desc`;
//! <https://timesketch.org/guides/user/import-from-json-csv/>) and more beside them. A spreadsheet may open the file too:
//! nothing in it runs as a formula.

use kintsugi_case::{AttackShape, Verdict};
use serde_json::{Value, json};

use super::{plain, utc};

/// In which of its forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimesketchForm {
    /// Comma-separated values with a header.
    Csv,
    /// One JSON object a line.
    Jsonl,
}

/// A statement as an event.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// Milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// Its shape.
    pub shape: &'a AttackShape,
    /// The actor's number.
    pub actor: u32,
    /// The sender's address.
    pub address: &'a str,
    /// What the program called itself.
    pub agent: &'a str,
    /// HTTP status.
    pub status: u16,
    /// Bytes of the answer.
    pub bytes: u64,
    /// How sure it is that it took something, the strongest verdict; none where no cell hangs on it.
    pub verdict: Option<Verdict>,
    /// File and line.
    pub place: &'a str,
}

const COLUMNS: [&str; 14] = [
    "message",
    "datetime",
    "timestamp_desc",
    "timestamp",
    "actor",
    "phase",
    "technique",
    "endpoint",
    "statement",
    "src_ip",
    "user_agent",
    "status_code",
    "bytes",
    "verdict",
];

/// The header, where the form has one.
pub fn head(form: TimesketchForm) -> Option<String> {
    (form == TimesketchForm::Csv).then(|| COLUMNS.join(",") + ",evidence")
}

/// An event in one line.
pub fn event_line(form: TimesketchForm, event: &Event<'_>) -> String {
    let fields = fields(event);
    match form {
        TimesketchForm::Csv => fields.iter().map(|(_, value)| field(value)).collect::<Vec<_>>().join(","),
        TimesketchForm::Jsonl => {
            Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()).to_string()
        }
    }
}

fn fields(event: &Event<'_>) -> Vec<(&'static str, Value)> {
    let shape = event.shape;
    let phase = shape.phase();
    let statement = if shape.masked.is_empty() { "a value that cannot be read" } else { &shape.masked };
    let verdict = event.verdict.map_or("", Verdict::name);
    let message = format!("{}: {statement} ({})", phase.label(kintsugi_case::Language::En), endpoint(&shape.endpoint));
    let values = [
        json!(plain(&message)),
        json!(utc(event.at_ms).replace('Z', "+00:00")),
        json!("SQL injection"),
        // Microseconds.
        json!(event.at_ms.saturating_mul(1000)),
        json!(event.actor),
        json!(phase.name()),
        json!(shape.technique.map_or("", kintsugi_case::Technique::name)),
        json!(endpoint(&shape.endpoint)),
        json!(plain(statement)),
        json!(plain(event.address)),
        json!(plain(event.agent)),
        json!(event.status),
        json!(event.bytes),
        json!(verdict),
    ];
    COLUMNS.into_iter().zip(values).chain([("evidence", json!(plain(event.place)))]).collect()
}

/// An endpoint for others (`GET /items id`): of a path and of names that a request chose, only plain words in lower case
/// stay. Where a blank in them leaves open which word is which, only the method does.
pub(super) fn endpoint(endpoint: &str) -> String {
    let words: Vec<&str> = endpoint.split(' ').collect();
    match words.as_slice() {
        [method, path] => format!("{method} {}", path_for_others(path)),
        [method, path, name] => format!("{method} {} {}", path_for_others(path), segment(name)),
        [method, path, kind @ ("header" | "cookie"), name] => {
            format!("{method} {} {kind} {}", path_for_others(path), segment(name))
        }
        [method, ..] => format!("{method} …"),
        [] => String::new(),
    }
}

fn path_for_others(path: &str) -> String {
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// A segment or name, if it is a plain word.
fn segment(segment: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '<' | '>');
    let digits = segment.chars().filter(char::is_ascii_digit).count();
    let begins = segment.trim_start_matches(['<', '.', '_']).chars().next();
    let plain = segment.chars().all(is_word) && segment.len() <= 32 && digits < 5;
    if plain && begins.is_none_or(|c| c.is_ascii_lowercase() || c.is_ascii_digit()) {
        segment.to_owned()
    } else {
        "…".to_owned()
    }
}

/// A field as RFC 4180 wants it. One that a spreadsheet would run gets an apostrophe in front.
fn field(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => return other.to_string(),
    };
    let formula = text.trim_start().starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::{Event, TimesketchForm, endpoint, event_line, head};
    use kintsugi_case::{AttackShape, Phase, Verdict};

    fn line(form: TimesketchForm, agent: &str) -> String {
        let shape = AttackShape {
            endpoint: "GET /items id".into(),
            masked: "UNION SELECT pan, ? FROM cards".into(),
            phase: Some(Phase::Data),
            ..AttackShape::default()
        };
        let verdict = Some(Verdict::Proved);
        let (address, place) = ("203.0.113.7", "access.log:7");
        let event =
            Event { at_ms: 1_366_300_000_123, shape: &shape, actor: 1, address, agent, status: 200, bytes: 9, verdict, place };
        event_line(form, &event)
    }

    #[test]
    fn an_event_has_what_timesketch_wants_and_no_formula_runs() {
        assert!(head(TimesketchForm::Csv).is_some_and(|head| head.starts_with("message,datetime,timestamp_desc,")));
        assert_eq!(
            line(TimesketchForm::Csv, "=cmd|' /C calc'!A0"),
            "\"Taking data: UNION SELECT pan, ? FROM cards (GET /items id)\",2013-04-18T15:46:40.123+00:00,SQL injection,\
             1366300000123000,1,data,,GET /items id,\"UNION SELECT pan, ? FROM cards\",203.0.113.7,'=cmd|' /C calc'!A0,200,9,\
             proved,access.log:7"
        );
        let event: serde_json::Value = serde_json::from_str(&line(TimesketchForm::Jsonl, "x\u{1b}[2J")).expect("JSON");
        assert!(["message", "datetime", "timestamp_desc"].iter().all(|name| event[name].is_string()));
        assert_eq!(event["user_agent"], "x␛[2J");
    }

    #[test]
    fn a_path_that_names_somebody_is_not_told() {
        assert_eq!(endpoint("GET /users/hanako@example.jp/orders id"), "GET /users/…/orders id");
        assert_eq!(endpoint("GET /track/09012345678 佐藤"), "GET /track/… …");
        assert_eq!(endpoint("GET /members/AI MURAKAMI/orders id"), "GET …");
        assert_eq!(endpoint("GET /members/MURAKAMI/<2>"), "GET /members/…/<2>");
        assert_eq!(endpoint("GET /items header user-agent"), "GET /items header user-agent");
    }
}
