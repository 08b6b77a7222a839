//! Access logs with a JSON object a line: nginx's `log_format escape=json`, whatever its members are called, Caddy, Traefik,
//! Apache with a JSON `LogFormat`, Google's `httpRequest` and Elastic Common Schema. Members are known by a closed list of
//! names, compared without case and signs (`bytes_sent`, `bytesSent`). Documented at
//! <https://nginx.org/en/docs/http/ngx_http_log_module.html>, <https://caddyserver.com/docs/caddyfile/directives/log>,
//! <https://doc.traefik.io/traefik/observe/logs-and-access-logs/>.
//!
//! Not here: the audit log of ModSecurity in JSON (`modsecurity_json`), JSON of databases.

use super::clf;
use super::fields::{Escaping, Fields, Reason, Request};
use super::json_text::{Value, members};
use super::time::Clock;

/// Objects in objects that are looked into.
const DEPTH_MAX: usize = 4;
/// Names that are remembered; a line with more members is read more slowly.
const ROLES_MAX: usize = 128;

/// What a member says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Time,
    Client,
    Forwarded,
    Method,
    /// Path and query; the query may stand apart.
    Uri,
    Query,
    RequestLine,
    Status,
    BodyBytes,
    BytesSent,
    /// Seconds where it has a fraction.
    Duration,
    Seconds,
    Millis,
    Micros,
    Nanos,
    Referer,
    Agent,
    Cookie,
    Host,
    Body,
    ResponseBody,
    Headers,
    /// An object whose members count like those around it.
    Inside,
    /// An object about the answer.
    Answer,
    Other,
}

/// The role of a member by its name, without case and signs.
fn role(name: &[u8]) -> Role {
    let plain: Vec<u8> = name.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect();
    match plain.as_slice() {
        b"time" | b"timestamp" | b"ts" | b"timeiso8601" | b"timelocal" | b"msec" | b"datetime" | b"date" | b"startutc"
        | b"starttime" | b"eventtime" | b"accesstime" | b"logtime" => Role::Time,
        b"remoteaddr" | b"remoteip" | b"clientip" | b"clientaddr" | b"client" | b"ip" | b"sourceip" | b"remotehost"
        | b"srcip" | b"clientaddress" | b"remoteaddress" | b"sourceaddress" => Role::Client,
        b"httpxforwardedfor" | b"xforwardedfor" | b"xff" | b"forwardedfor" | b"proxyaddxforwardedfor" => Role::Forwarded,
        b"method" | b"requestmethod" | b"httpmethod" | b"verb" | b"httprequestmethod" => Role::Method,
        b"uri" | b"requesturi" | b"url" | b"requesturl" | b"originaluri" | b"requestpath" | b"httpurl" | b"urloriginal"
        | b"target" | b"path" | b"uripath" | b"urlpath" | b"documenturi" | b"original" => Role::Uri,
        b"query" | b"args" | b"querystring" | b"urlquery" | b"requestquery" => Role::Query,
        b"request" | b"requestline" | b"requestfull" | b"httprequest" => Role::RequestLine,
        b"status"
        | b"statuscode"
        | b"responsestatus"
        | b"httpstatus"
        | b"responsecode"
        | b"downstreamstatus"
        | b"httpresponsestatuscode"
        | b"httpstatuscode"
        | b"code" => Role::Status,
        b"bodybytessent"
        | b"size"
        | b"bytes"
        | b"responsesize"
        | b"downstreamcontentsize"
        | b"bodysize"
        | b"bodybytes"
        | b"httpresponsebodybytes" => Role::BodyBytes,
        b"bytessent" | b"httpresponsebytes" | b"bytesout" | b"responsebytes" => Role::BytesSent,
        b"requesttime" | b"responsetimes" | b"requesttimes" | b"latency" => Role::Seconds,
        b"duration" if name == b"Duration" => Role::Nanos,
        b"duration" | b"responsetime" | b"elapsed" | b"timetaken" => Role::Duration,
        b"durationms" | b"requesttimems" | b"responsetimems" | b"latencyms" | b"elapsedms" | b"tookms" => Role::Millis,
        b"durationus" | b"requesttimeus" | b"responsetimeus" | b"latencyus" | b"elapsedus" => Role::Micros,
        b"durationns" | b"eventduration" => Role::Nanos,
        b"referer" | b"referrer" | b"httpreferer" | b"httpreferrer" | b"requestreferer" | b"requestreferrer" => Role::Referer,
        b"ua" | b"useragent" | b"httpuseragent" | b"agent" | b"requestuseragent" | b"useragentoriginal" => Role::Agent,
        b"cookie" | b"cookies" | b"httpcookie" | b"requestcookie" => Role::Cookie,
        b"host" | b"httphost" | b"servername" | b"vhost" | b"requesthost" | b"virtualhost" | b"domain" => Role::Host,
        b"requestbody" | b"body" | b"reqbody" | b"postdata" | b"payload" | b"httprequestbodycontent" => Role::Body,
        b"responsebody" | b"respbody" | b"resbody" | b"httpresponsebodycontent" => Role::ResponseBody,
        b"headers" | b"requestheaders" | b"reqheaders" => Role::Headers,
        b"req" | b"http" | b"source" => Role::Inside,
        b"res" | b"response" | b"resp" => Role::Answer,
        _ => Role::Other,
    }
}

/// Reads lines; remembers at which place which member stood, as a server writes them in one order.
#[derive(Default)]
pub(super) struct Reader {
    roles: Vec<(Box<[u8]>, Role)>,
}

/// What was found so far.
#[derive(Default)]
struct Found<'a> {
    fields: Fields<'a>,
    time: Option<i64>,
    method: &'a [u8],
    uri: Option<&'a [u8]>,
    query: Option<&'a [u8]>,
    line: Option<&'a [u8]>,
    status: Option<u16>,
    body_bytes: Option<u64>,
}

impl Reader {
    /// Reads a line.
    pub(super) fn parse<'a>(&mut self, line: &'a [u8], clock: &mut Clock) -> Result<Fields<'a>, Reason> {
        if line.is_empty() {
            return Err("empty line");
        }
        let mut found = Found::default();
        let mut place = 0;
        if !self.walk(line, (0, false), &mut place, clock, &mut found) {
            return Err("no whole JSON object");
        }
        found.finish()
    }

    /// Walks over an object; whether it was whole.
    fn walk<'a>(
        &mut self,
        object: &'a [u8],
        (depth, answer): (usize, bool),
        place: &mut usize,
        clock: &mut Clock,
        found: &mut Found<'a>,
    ) -> bool {
        let mut all = members(object);
        for (name, value) in all.by_ref() {
            let role = self.role_at(*place, name);
            *place += 1;
            match (role, value) {
                (Role::Other, _) => {}
                (Role::Headers, Value::Object(headers)) if !answer => found.headers(headers),
                (Role::Headers, _) => {}
                (role, Value::Object(inner)) if depth < DEPTH_MAX && (is_entered(role) || answer) => {
                    self.walk(inner, (depth + 1, answer || role == Role::Answer), place, clock, found);
                }
                (Role::Body, _) if answer => found.fields.response = value.text(),
                (role, value) => found.take(role, value, clock),
            }
        }
        all.after().is_some()
    }

    fn role_at(&mut self, place: usize, name: &[u8]) -> Role {
        match self.roles.get(place) {
            Some((known, role)) if **known == *name => *role,
            Some(_) => {
                self.roles[place] = (name.into(), role(name));
                self.roles[place].1
            }
            None if place == self.roles.len() && place < ROLES_MAX => {
                self.roles.push((name.into(), role(name)));
                self.roles[place].1
            }
            None => role(name),
        }
    }
}

fn is_entered(role: Role) -> bool {
    matches!(role, Role::Inside | Role::Answer | Role::RequestLine | Role::Uri | Role::Client)
}

impl<'a> Found<'a> {
    fn take(&mut self, role: Role, value: Value<'a>, clock: &mut Clock) {
        let text = value.first();
        let fields = &mut self.fields;
        match role {
            Role::Time => self.time = self.time.or_else(|| clock.read_any(text)),
            Role::Client => fields.client = without_port(text),
            Role::Forwarded => fields.forwarded = text,
            Role::Method => self.method = text,
            Role::Uri => self.uri = longest(self.uri, text),
            Role::Query => self.query = Some(text),
            Role::RequestLine => self.line = Some(text),
            Role::Status => self.status = clf::status(text).or(self.status),
            Role::BodyBytes => self.body_bytes = clf::integer(text),
            Role::BytesSent => fields.bytes_sent = clf::integer(text),
            Role::Duration | Role::Seconds | Role::Millis | Role::Micros | Role::Nanos => {
                fields.duration_us = duration_us(role, text).or(fields.duration_us);
            }
            Role::Referer => fields.referer = text,
            Role::Agent => fields.agent = text,
            Role::Cookie => fields.cookie = text,
            Role::Host => fields.host = text,
            Role::Body => fields.body = text,
            Role::ResponseBody => fields.response = text,
            Role::Headers | Role::Inside | Role::Answer | Role::Other => {}
        }
    }

    fn headers(&mut self, object: &'a [u8]) {
        self.fields.headers = object;
        for (name, value) in members(object) {
            let field = match role(name) {
                Role::Referer => &mut self.fields.referer,
                Role::Agent => &mut self.fields.agent,
                Role::Cookie => &mut self.fields.cookie,
                Role::Host => &mut self.fields.host,
                Role::Forwarded => &mut self.fields.forwarded,
                _ => continue,
            };
            *field = value.first();
        }
    }

    fn finish(mut self) -> Result<Fields<'a>, Reason> {
        let fields = &mut self.fields;
        fields.at_ms = self.time.ok_or("no time in it")?;
        fields.request = match (self.uri, self.line) {
            (Some(uri), _) if !self.method.is_empty() => {
                let query = self.query.filter(|_| memchr::memchr(b'?', uri).is_none());
                Request::Parts(self.method, uri, query)
            }
            (_, Some(line)) => Request::Line(line),
            _ => return Err("no request in it"),
        };
        fields.status = self.status.ok_or("no status in it")?;
        fields.bytes = self.body_bytes.or(fields.bytes_sent).unwrap_or_default();
        fields.escaping = Escaping::Json;
        Ok(self.fields)
    }
}

/// Of several members that name the address, the one that says most (`url.original` and `url.path`).
fn longest<'a>(known: Option<&'a [u8]>, text: &'a [u8]) -> Option<&'a [u8]> {
    known.filter(|known| known.len() >= text.len()).or(Some(text))
}

fn duration_us(role: Role, text: &[u8]) -> Option<u64> {
    let has_fraction = text.iter().any(|byte| matches!(byte, b'.' | b'e' | b's'));
    let scale = match role {
        Role::Seconds => 1e6,
        // A whole number under a name without a unit may be anything: better no duration than a wrong one.
        Role::Duration if has_fraction => 1e6,
        Role::Millis => 1e3,
        Role::Micros => 1.0,
        Role::Nanos => 1e-3,
        _ => return None,
    };
    seconds(text.strip_suffix(b"s").unwrap_or(text), scale)
}

/// A number times `scale`, if it is one and no time of day.
fn seconds(text: &[u8], scale: f64) -> Option<u64> {
    let number: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    let scaled = (number * scale).round();
    (0.0..1e15).contains(&scaled).then_some(scaled as u64)
}

/// `192.0.2.1:5678` and `[2001:db8::1]:5678` without the port.
pub(super) fn without_port(client: &[u8]) -> &[u8] {
    if let Some(inside) = client.strip_prefix(b"[") {
        return inside.split(|&byte| byte == b']').next().unwrap_or_default();
    }
    let mut colons = memchr::memchr_iter(b':', client);
    match (colons.next(), colons.next()) {
        (Some(at), None) => &client[..at],
        _ => client,
    }
}

/// Whether a line is of this format.
pub(super) fn fits(line: &[u8], clock: &mut Clock) -> bool {
    line.starts_with(b"{") && Reader::default().parse(line, clock).is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fields::Unescaped;
    use super::super::time::Clock;
    use super::{Reader, fits};

    fn check(line: &str, expected: &str) {
        let clock = &mut Clock::default();
        let shown = match Reader::default().parse(line.as_bytes(), clock) {
            Err(reason) => reason.to_owned(),
            Ok(fields) => {
                let mut room = Unescaped::default();
                let line = room.line(1, line.as_bytes(), &fields);
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                let extra: Vec<_> = [line.host, line.agent, line.referer, line.cookie, line.forwarded, line.body, line.headers]
                    .into_iter()
                    .filter(|field| !field.is_empty())
                    .map(text)
                    .collect();
                format!(
                    "{} {} {} {} {} {} {:?} {:?} | {}",
                    line.at_ms,
                    text(line.client),
                    text(line.method),
                    text(line.target),
                    line.status,
                    line.bytes,
                    line.bytes_sent,
                    line.duration_us,
                    extra.join(" | ")
                )
            }
        };
        assert_eq!(shown, expected, "{line}");
    }

    #[test]
    fn nginx_under_any_names() {
        check(
            r#"{"time":"2026-11-22T18:57:09+09:00","remote_addr":"198.18.244.88","method":"GET","uri":"/i?q=\"x\u0027","status":200,"body_bytes_sent":603,"bytes_sent":759,"request_time":0.002,"upstream_time":"0.001","referer":"","ua":"M","cookie":"uid=1"}"#,
            r#"1795341429000 198.18.244.88 GET /i?q="x' 200 603 Some(759) Some(2000) | M | uid=1"#,
        );
        check(
            r#"{"@timestamp":"1795341429.123","client":"192.0.2.1","request":"POST /login HTTP/1.1","status":"302","bytes":"193","request_body":"a=b\\x27","requestTime":"1.5"}"#,
            "1795341429123 192.0.2.1 POST /login 302 193 None Some(1500000) | a=b\\x27",
        );
        check(
            r#"{"msec":1795341429.123,"host":"shop","request_method":"GET","uri":"/i","args":"id=5","status":200}"#,
            "1795341429123  GET /i?id=5 200 0 None None | shop",
        );
    }

    #[test]
    fn caddy_traefik_google_and_elastic() {
        check(
            r#"{"level":"info","ts":1795341429.5,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"192.0.2.1","client_ip":"203.0.113.9","proto":"HTTP/2.0","method":"GET","host":"shop","uri":"/i?id=5","headers":{"User-Agent":["M"],"Cookie":["uid=1"],"X-A":["b","c"]}},"bytes_read":0,"user_id":"","duration":0.0009,"size":12,"status":200,"resp_headers":{"Server":["Caddy"]}}"#,
            "1795341429500 203.0.113.9 GET /i?id=5 200 12 None Some(900) | shop | M | uid=1 | User-Agent: M\nCookie: uid=1\nX-A: b\nX-A: c\n",
        );
        check(
            r#"{"ClientAddr":"192.0.2.1:4711","DownstreamContentSize":12,"DownstreamStatus":200,"Duration":1500000,"RequestHost":"shop","RequestMethod":"GET","RequestPath":"/i?id=5","StartUTC":"2026-11-22T09:57:09.5Z","time":"2026-11-22T18:57:10+09:00"}"#,
            "1795341429500 192.0.2.1 GET /i?id=5 200 12 None Some(1500) | shop",
        );
        check(
            r#"{"httpRequest":{"requestMethod":"GET","requestUrl":"https://shop/i?id=5","status":200,"responseSize":"12","userAgent":"M","remoteIp":"192.0.2.1","latency":"0.25s"},"timestamp":"2026-11-22T09:57:09Z"}"#,
            "1795341429000 192.0.2.1 GET /i?id=5 200 12 None Some(250000) | shop | M",
        );
        check(
            r#"{"@timestamp":"2026-11-22T09:57:09Z","http":{"request":{"method":"POST","body":{"content":"x"}},"response":{"status_code":200,"body":{"bytes":12}}},"url":{"path":"/i","original":"/i?id=5"},"source":{"ip":"192.0.2.1"},"user_agent":{"original":"M"}}"#,
            "1795341429000 192.0.2.1 POST /i?id=5 200 12 None None | ",
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        check("", "empty line");
        check(r#"{"time":"2026-11-22T18:57:09Z","method":"GET","uri":"/","#, "no whole JSON object");
        check(r#"{"time":"x","method":"GET","uri":"/","status":200}"#, "no time in it");
        check(r#"{"time":"2026-11-22T18:57:09Z","msg":"server running"}"#, "no request in it");
        check(r#"{"time":"2026-11-22T18:57:09Z","method":"GET","uri":"/"}"#, "no status in it");
        assert!(!fits(br#"{"time":"2026-11-22T18:57:08+09:00","status":200}"#, &mut Clock::default()));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(junk in r#"[\[\]{}",:\\a1 ]{0,40}"#, name in "[a-zA-Z_]{0,12}") {
            let mut reader = Reader::default();
            let _ = reader.parse(junk.as_bytes(), &mut Clock::default());
            let line = format!(r#"{{"time":1,"request":"{junk}","{name}":{junk},"status":200}}"#);
            if let Ok(fields) = reader.parse(line.as_bytes(), &mut Clock::default()) {
                Unescaped::default().line(1, line.as_bytes(), &fields);
            }
        }
    }
}
