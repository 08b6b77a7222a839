//! The W3C extended log format: IIS (blanks between fields) and Amazon CloudFront (tabs). `#Fields:` names the columns and
//! may change in the middle of a file; day and time are UTC. Documented at <https://www.w3.org/TR/WD-logfile.html>,
//! <https://learn.microsoft.com/windows/win32/http/w3c-logging> and
//! <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html>.

use super::clf;
use super::fields::{Escaping, Fields, Reason, Request};
use super::time::Clock;

/// Columns that are read; a line with more is not of this format.
const COLUMNS_MAX: usize = 128;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Date,
    Time,
    Client,
    Method,
    Stem,
    Query,
    Status,
    Bytes,
    Taken,
    Agent,
    Referer,
    Cookie,
    Host,
    Forwarded,
    Other,
}

/// Reads lines by the last `#Fields:`.
#[derive(Default)]
pub(super) struct Reader {
    columns: Vec<Column>,
}

impl Reader {
    /// Reads a line; `None` for a directive.
    pub(super) fn parse<'a>(&mut self, line: &'a [u8], clock: &mut Clock) -> Option<Result<Fields<'a>, Reason>> {
        if let Some(directive) = line.strip_prefix(b"#") {
            if let Some(names) = directive.strip_prefix(b"Fields:") {
                let names = names.split(u8::is_ascii_whitespace).filter(|name| !name.is_empty());
                self.columns = names.take(COLUMNS_MAX).map(column).collect();
            }
            return None;
        }
        Some(self.row(line, clock))
    }

    fn row<'a>(&self, line: &'a [u8], clock: &mut Clock) -> Result<Fields<'a>, Reason> {
        if line.is_empty() {
            return Err("empty line");
        }
        if self.columns.is_empty() {
            return Err("no #Fields line before it");
        }
        let separator = if memchr::memchr(b'\t', line).is_some() { b'\t' } else { b' ' };
        let mut texts = line.split(|&byte| byte == separator);
        let mut fields = Fields { escaping: Escaping::W3c, ..Fields::default() };
        let (mut date, mut time, mut method, mut stem, mut query) = (&b""[..], &b""[..], &b""[..], &b""[..], None);
        for column in &self.columns {
            let text = texts.next().ok_or("fewer fields than #Fields names")?;
            match column {
                Column::Date => date = text,
                Column::Time => time = text,
                Column::Client => fields.client = text,
                Column::Method => method = text,
                Column::Stem => stem = text,
                Column::Query => query = Some(text),
                Column::Status => fields.status = clf::status(text).ok_or("no status")?,
                Column::Bytes => fields.bytes_sent = clf::integer(text),
                Column::Taken => fields.duration_us = taken_us(text),
                Column::Agent => fields.agent = text,
                Column::Referer => fields.referer = text,
                Column::Cookie => fields.cookie = text,
                Column::Host => fields.host = text,
                Column::Forwarded => fields.forwarded = text,
                Column::Other => {}
            }
        }
        if texts.next().is_some() {
            return Err("more fields than #Fields names");
        }
        fields.at_ms = clock.read_utc(date, time).ok_or("no time")?;
        fields.request = Request::Parts(method, stem, query);
        fields.bytes = fields.bytes_sent.unwrap_or_default();
        if stem.is_empty() { Err("no request") } else { Ok(fields) }
    }
}

fn column(name: &[u8]) -> Column {
    match name.to_ascii_lowercase().as_slice() {
        b"date" => Column::Date,
        b"time" => Column::Time,
        b"c-ip" => Column::Client,
        b"cs-method" => Column::Method,
        b"cs-uri-stem" | b"cs-uri" => Column::Stem,
        b"cs-uri-query" => Column::Query,
        b"sc-status" => Column::Status,
        b"sc-bytes" => Column::Bytes,
        b"time-taken" => Column::Taken,
        b"cs(user-agent)" => Column::Agent,
        b"cs(referer)" => Column::Referer,
        b"cs(cookie)" => Column::Cookie,
        b"cs-host" | b"cs(host)" | b"x-host-header" => Column::Host,
        b"x-forwarded-for" => Column::Forwarded,
        _ => Column::Other,
    }
}

/// Milliseconds without a fraction (IIS), seconds with one (CloudFront).
fn taken_us(text: &[u8]) -> Option<u64> {
    if let Some(ms) = clf::integer(text) {
        return ms.checked_mul(1000);
    }
    let seconds: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (0.0..1e9).contains(&seconds).then_some((seconds * 1e6).round() as u64)
}

/// Whether a line heads such a log.
pub(super) fn fits(line: &[u8]) -> bool {
    let Some(names) = line.strip_prefix(b"#Fields:") else { return false };
    [&b"cs-method"[..], b"cs-uri-stem", b"sc-status"].iter().all(|name| memchr::memmem::find(names, name).is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fields::Unescaped;
    use super::super::time::Clock;
    use super::{Reader, fits};

    fn check(lines: &[&str], expected: &str) {
        let (mut reader, clock) = (Reader::default(), &mut Clock::default());
        let last = lines.iter().filter_map(|line| Some((line, reader.parse(line.as_bytes(), clock)?))).last();
        let (raw, fields) = last.expect("a row");
        let shown = match fields {
            Err(reason) => reason.to_owned(),
            Ok(fields) => {
                let mut room = Unescaped::default();
                let l = room.line(1, raw.as_bytes(), &fields);
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                let (client, method, target, agent) = (text(l.client), text(l.method), text(l.target), text(l.agent));
                format!("{} {client} {method} {target} {} {} {:?} {agent}", l.at_ms, l.status, l.bytes, l.duration_us)
            }
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn iis_and_cloudfront() {
        let head = "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status sc-bytes time-taken";
        assert!(fits(head.as_bytes()));
        check(
            &[
                "#Software: Microsoft Internet Information Services 10.0",
                head,
                "2026-11-22 09:53:53 10.0.0.1 GET /i id=5%27+or+1 80 - 192.0.2.1 Mozilla/5.0+(x) 200 28 15",
            ],
            "1795341233000 192.0.2.1 GET /i?id=5%27+or+1 200 28 Some(15000) Mozilla/5.0 (x)",
        );
        let head = "#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type time-taken";
        check(
            &[
                "#Version: 1.0",
                head,
                "2026-11-22\t09:53:53\tNRT57\t28\t192.0.2.1\tGET\td1.cloudfront.net\t/i\t200\t-\tMozilla/5.0%20(x)\tid=5\t-\tMiss\t0.015",
            ],
            "1795341233000 192.0.2.1 GET /i?id=5 200 28 Some(15000) Mozilla/5.0 (x)",
        );
        check(&["2026-11-22 09:53:53 x"], "no #Fields line before it");
        check(&["#Fields: date time", "2026-11-22 09:53:53 x"], "more fields than #Fields names");
        check(&["#Fields: date time cs-method", "2026-11-22 09:53:53"], "fewer fields than #Fields names");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(junk: Vec<u8>) {
            let mut reader = Reader::default();
            reader.parse(b"#Fields: date time cs-uri-stem", &mut Clock::default());
            let _ = reader.parse(&junk, &mut Clock::default());
            let _ = reader.parse(&[b"#Fields:", &junk[..]].concat(), &mut Clock::default());
        }
    }
}
