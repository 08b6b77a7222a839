//! Logs of web servers: what they are, line by line. One file per format below.

mod balancer;
mod clf;
mod combined;
mod combined_duration;
mod combined_timed;
mod common;
mod fields;
mod har;
mod json_access;
mod json_text;
pub(crate) mod lines;
mod modsecurity;
mod modsecurity_json;
mod other;
mod passing;
mod pattern;
mod read;
mod rotation;
mod time;
mod vhost_combined;
mod w3c;

pub use fields::{Glance, Parts, Sieve};
pub use read::{detect, first_request, read_bytes, read_line, read_lines, read_log, scan_lines, sift_bytes, sift_lines};
pub use rotation::{MissingLog, missing_logs};

pub(crate) use pattern::{Pattern, is_pattern};
pub(crate) use read::format_of;

use serde::{Deserialize, Serialize};

/// A format of web server logs that this version reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// NCSA Combined Log Format, as nginx and Apache write it by default.
    Combined,
    /// NCSA Common Log Format: combined without referer and agent.
    Common,
    /// Combined with `host:port` in front (Apache's `vhost_combined`).
    VhostCombined,
    /// Combined with nginx's `$request_time` and `$bytes_sent` behind.
    CombinedTimed,
    /// Combined with Apache's `%D` (microseconds) behind.
    CombinedDuration,
    /// A JSON object a line: nginx, Caddy, Traefik and others.
    Json,
    /// ModSecurity's audit log, serial: requests with their bodies.
    Modsecurity,
    /// ModSecurity's audit log, a JSON object a line.
    ModsecurityJson,
    /// W3C extended: IIS, CloudFront.
    W3c,
    /// HAProxy's HTTP format.
    Haproxy,
    /// Amazon's Application and Classic Load Balancer.
    Alb,
    /// An HTTP archive: requests and responses with their bodies.
    Har,
    /// What the case file says: `nginx: …` or `apache: …`.
    Declared,
}

impl LogFormat {
    /// Every format.
    pub const ALL: [Self; 13] = [
        Self::Combined,
        Self::Common,
        Self::VhostCombined,
        Self::CombinedTimed,
        Self::CombinedDuration,
        Self::Json,
        Self::Modsecurity,
        Self::ModsecurityJson,
        Self::W3c,
        Self::Haproxy,
        Self::Alb,
        Self::Har,
        Self::Declared,
    ];

    /// The name in case files and in the custody manifest.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Combined => "combined",
            Self::Common => "common",
            Self::VhostCombined => "vhost_combined",
            Self::CombinedTimed => "combined_timed",
            Self::CombinedDuration => "combined_duration",
            Self::Json => "json",
            Self::Modsecurity => "modsecurity",
            Self::ModsecurityJson => "modsecurity_json",
            Self::W3c => "w3c",
            Self::Haproxy => "haproxy",
            Self::Alb => "alb",
            Self::Har => "har",
            Self::Declared => "log_format",
        }
    }

    /// The format with this name, or of this `nginx: …` or `apache: …` without mistakes.
    pub fn from_name(name: &str) -> Option<Self> {
        if is_pattern(name) {
            return Pattern::compile(name).ok().map(|_| Self::Declared);
        }
        Self::ALL.into_iter().find(|format| *format != Self::Declared && format.name() == name)
    }

    /// Whether it holds the bodies of requests, which an access log of the same requests has not.
    pub const fn has_bodies(self) -> bool {
        matches!(self, Self::Modsecurity | Self::ModsecurityJson | Self::Har)
    }
}

/// What the first lines of a file show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detected {
    /// A log that this version reads.
    Log(LogFormat),
    /// No line at all.
    Empty,
    /// Something else.
    NotRead {
        /// What it looks like.
        reason: String,
    },
}

/// A request as a log tells it. Escapes of the log (`\x22`, `\"`, `\u0022`) are undone; percent-encoding is not. What a format
/// does not tell is empty or `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogLine<'a> {
    /// From 1, in the uncompressed file.
    pub line: u64,
    /// When the server finished the request, milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// Address or name of the client.
    pub client: &'a [u8],
    /// `GET`; empty where the request line is no HTTP (`target` then holds all of it).
    pub method: &'a [u8],
    /// Path and query as sent, without scheme and host.
    pub target: &'a [u8],
    /// Response status.
    pub status: u16,
    /// Bytes of the response's body; of the whole response where the format tells only that; 0 where the log has `-`.
    pub bytes: u64,
    /// Bytes of the whole response with its head, where the format tells it beside or instead of the body's.
    pub bytes_sent: Option<u64>,
    /// How long the server took, microseconds, where the format tells it.
    pub duration_us: Option<u64>,
    /// `User-Agent`; empty where the log has `-` or the format has none.
    pub agent: &'a [u8],
    /// `Referer`, likewise.
    pub referer: &'a [u8],
    /// The server's name as asked for.
    pub host: &'a [u8],
    /// `Cookie`: all of it, or the values that the format logs.
    pub cookie: &'a [u8],
    /// `X-Forwarded-For`: whom a proxy says that it speaks for. Anybody can send one.
    pub forwarded: &'a [u8],
    /// All headers of the request, `Name: value` a line, in formats that keep them.
    pub headers: &'a [u8],
    /// The request's body as sent.
    pub body: &'a [u8],
    /// The response's body, as far as it was kept.
    pub response: &'a [u8],
    /// The whole line as it stands in the file, without its line end.
    pub raw: &'a [u8],
}

/// A line that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// From 1, in the uncompressed file.
    pub line: u64,
    /// Why.
    pub reason: String,
}

/// A time of 12 hours or more from which the log has no line: a quiet server, or lines that are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The line before, milliseconds since 1970 UTC.
    pub from_ms: i64,
    /// The line after.
    pub to_ms: i64,
}

/// What was read of a log, and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogReport {
    /// The file's path as in the custody manifest.
    pub path: String,
    /// Its format; `None` where this version does not read it (see `not_read`) or it is empty.
    pub format: Option<LogFormat>,
    /// Why the file was not read.
    pub not_read: Option<String>,
    /// Lines in the file.
    pub lines: u64,
    /// Lines that were read. `lines` = `read` + `unread_count`.
    pub read: u64,
    /// Requests in them: fewer where a request has several lines or a line is a heading.
    #[serde(default)]
    pub requests: u64,
    /// The first lines that were not.
    pub unread: Vec<Unread>,
    /// How many were not.
    pub unread_count: u64,
    /// The earliest request, milliseconds since 1970 UTC.
    pub first_at_ms: Option<i64>,
    /// The latest.
    pub last_at_ms: Option<i64>,
    /// The longest gaps, at most 20, in order of time.
    pub gaps: Vec<Gap>,
    /// Lines that an earlier log has word for word, of those that were looked at: two copies of one log, or an overlap.
    #[serde(default)]
    pub repeated: u64,
    /// Requests of which another log has the body or the answer.
    #[serde(default)]
    pub joined: u64,
    /// Logs that are missing just before this one, by the names of its set.
    #[serde(default)]
    pub missing: Vec<String>,
    /// Where and why reading stopped before the end, as in a cut gzip file.
    pub truncated: Option<String>,
}
