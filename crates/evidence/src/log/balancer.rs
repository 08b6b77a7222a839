//! Logs of load balancers that are text with a fixed order of fields: HAProxy's HTTP format
//! (<https://docs.haproxy.org/3.0/configuration.html#8.2.3>) and Amazon's Application and Classic Load Balancer
//! (<https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html>).

use super::clf;
use super::fields::{Fields, Reason, Request};
use super::json_access::without_port;
use super::time::Clock;

/// `… haproxy[14389]: 10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in static/srv1 10/0/30/69/109 200 2750 … "GET / HTTP/1.1"`.
/// The time has no zone: the log's is used.
pub(super) fn haproxy<'a>(line: &'a [u8], clock: &mut Clock) -> Result<Fields<'a>, Reason> {
    if line.is_empty() {
        return Err("empty line");
    }
    let (open, at_ms) = memchr::memchr_iter(b'[', line)
        .find_map(|open| {
            let inside = &line[open + 1..];
            let close = memchr::memchr(b']', &inside[..inside.len().min(40)])?;
            Some((open, clock.read_any(&inside[..close]).filter(|_| inside[..close].contains(&b'/'))?))
        })
        .ok_or("no time in brackets")?;
    let client = line[..open].trim_ascii_end().rsplit(|&byte| byte == b' ').next().unwrap_or_default();
    let after = &line[open..];
    let after = &after[memchr::memchr(b']', after).map_or(0, |at| at + 1)..];
    let (_, after) = clf::word(after).ok_or("no frontend")?;
    let (_, after) = clf::word(after).ok_or("no backend and server")?;
    let (timers, after) = clf::word(after).filter(|(timers, _)| are_timers(timers)).ok_or("no timers")?;
    let (status, after) = clf::word(after).and_then(|(text, after)| Some((clf::status(text)?, after))).ok_or("no status")?;
    let (bytes, after) = clf::word(after).and_then(|(text, after)| Some((count(text)?, after))).ok_or("no byte count")?;
    let quote = memchr::memmem::find(after, b" \"").ok_or("no request in quotes")?;
    let request = after[quote + 2..].strip_suffix(b"\"").unwrap_or(&after[quote + 2..]);
    let total = timers.rsplit(|&byte| byte == b'/').next().and_then(count);
    Ok(Fields {
        at_ms: at_ms.saturating_add(total.map_or(0, |ms| ms as i64)),
        client: without_port(client),
        request: Request::Line(request),
        status,
        bytes,
        bytes_sent: Some(bytes),
        duration_us: total.and_then(|ms| ms.checked_mul(1000)),
        ..Fields::default()
    })
}

/// A count; HAProxy puts a plus before what went on after it was logged.
fn count(text: &[u8]) -> Option<u64> {
    clf::integer(text.strip_prefix(b"+").unwrap_or(text))
}

/// `10/0/30/69/109`; -1 for what was not reached. No other format has them at this place.
fn are_timers(text: &[u8]) -> bool {
    let mut timers = text.split(|&byte| byte == b'/');
    timers.clone().count() >= 4 && timers.all(|timer| timer == b"-1" || count(timer).is_some())
}

/// Whether a line is of HAProxy's HTTP format.
pub(super) fn fits_haproxy(line: &[u8], clock: &mut Clock) -> bool {
    haproxy(line, clock).is_ok()
}

/// `https 2026-11-22T09:53:53.186641Z app/shop/5 192.0.2.1:2817 10.0.0.1:80 0.086 0.048 0.037 200 200 0 57 "GET https://shop:443/i
/// HTTP/1.1" "agent" …`; the Classic Load Balancer has no type in front.
pub(super) fn amazon<'a>(line: &'a [u8], clock: &mut Clock) -> Result<Fields<'a>, Reason> {
    if line.is_empty() {
        return Err("empty line");
    }
    let (kind, after) = clf::word(line).ok_or("no type")?;
    let typed = matches!(kind, b"http" | b"https" | b"h2" | b"grpcs" | b"ws" | b"wss");
    let (time, after) = if typed { clf::word(after).ok_or("no time")? } else { (kind, after) };
    let at_ms = clock.read_any(time).ok_or("no time")?;
    let mut words = [&b""[..]; 10];
    let mut rest = after;
    for word in &mut words {
        (*word, rest) = clf::word(rest).ok_or("fewer fields than a load balancer writes")?;
    }
    let [_, client, _, request_s, target_s, response_s, status, _, _, sent] = words;
    let (request, rest) = clf::quoted(rest).ok_or("no request in quotes")?;
    let (agent, _) = clf::quoted(rest).unwrap_or((b"", rest));
    let sent = clf::integer(sent).ok_or("no byte count")?;
    Ok(Fields {
        at_ms,
        client: without_port(client),
        request: Request::Line(request),
        // A connection that ended before an answer has a dash.
        status: if status == b"-" { 0 } else { clf::status(status).ok_or("no status")? },
        bytes: sent,
        bytes_sent: Some(sent),
        duration_us: [request_s, target_s, response_s].into_iter().try_fold(0, |sum, text| Some(sum + seconds_us(text)?)),
        agent,
        ..Fields::default()
    })
}

/// Seconds with a fraction; `-1` where a stage did not come to its end.
fn seconds_us(text: &[u8]) -> Option<u64> {
    let seconds: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (0.0..1e9).contains(&seconds).then_some((seconds * 1e6).round() as u64)
}

/// Whether a line is of a load balancer of Amazon.
pub(super) fn fits_amazon(line: &[u8], clock: &mut Clock) -> bool {
    amazon(line, clock).is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fields::{Fields, Reason, Unescaped};
    use super::super::time::Clock;
    use super::{amazon, fits_amazon, fits_haproxy, haproxy};

    fn shown(line: &str, fields: Result<Fields<'_>, Reason>) -> String {
        let fields = match fields {
            Err(reason) => return reason.to_owned(),
            Ok(fields) => fields,
        };
        let mut room = Unescaped::default();
        let l = room.line(1, line.as_bytes(), &fields);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (client, method, target, host) = (text(l.client), text(l.method), text(l.target), text(l.host));
        format!("{} {client} {method} {target} {} {} {:?} {host}", l.at_ms, l.status, l.bytes, l.duration_us)
    }

    #[test]
    fn lines_of_haproxy() {
        let line = r#"Feb  6 12:14:14 lb haproxy[14389]: 192.0.2.1:33317 [22/Nov/2026:18:53:53.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} "GET /i?id=5' HTTP/1.1""#;
        let clock = || Clock::in_zone(jiff::tz::TimeZone::get("Asia/Tokyo").unwrap());
        assert_eq!(
            shown(line, haproxy(line.as_bytes(), &mut clock())),
            "1795341233764 192.0.2.1 GET /i?id=5' 200 2750 Some(109000) "
        );
        assert!(fits_haproxy(line.as_bytes(), &mut clock()));
        let combined = r#"192.0.2.1 - - [22/Nov/2026:18:53:53 +0900] "GET /a/b/c/d HTTP/1.1" 200 5 "http://a/b/c" "x""#;
        assert!(!fits_haproxy(combined.as_bytes(), &mut clock()));
        assert_eq!(shown("x", haproxy(b"haproxy[1]: Proxy started", &mut clock())), "no time in brackets");
    }

    #[test]
    fn lines_of_amazon() {
        let line = r#"https 2026-11-22T09:53:53.186641Z app/shop/50dc6c495c0c9188 192.0.2.1:2817 10.0.0.1:80 0.086 0.048 0.037 200 200 0 57 "GET https://www.example.com:443/i?id=5 HTTP/1.1" "curl/7.46.0" ECDHE TLSv1.2 arn "Root=1" "www.example.com" "arn" 1 2026-11-22T09:53:52.135Z "forward" "-" "-""#;
        assert_eq!(
            shown(line, amazon(line.as_bytes(), &mut Clock::default())),
            "1795341233186 192.0.2.1 GET /i?id=5 200 57 Some(171000) www.example.com:443"
        );
        let classic = r#"2026-11-22T09:53:53.186641Z lb 192.0.2.1:2817 10.0.0.1:80 0.1 0.1 -1 200 200 0 57 "GET http://www.example.com:80/ HTTP/1.1" "curl" - -"#;
        assert_eq!(
            shown(classic, amazon(classic.as_bytes(), &mut Clock::default())),
            "1795341233186 192.0.2.1 GET / 200 57 None www.example.com:80"
        );
        assert!(fits_amazon(line.as_bytes(), &mut Clock::default()));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(junk: Vec<u8>) {
            let clock = &mut Clock::default();
            let _ = (haproxy(&junk, clock).is_ok(), amazon(&junk, clock).is_ok());
            let line = [br#"h:1 [22/Nov/2026:18:53:53.655] "#, &junk[..]].concat();
            let _ = haproxy(&line, clock);
            let _ = amazon(&[b"http 2026-11-22T09:53:53Z ", &junk[..]].concat(), clock);
        }
    }
}
