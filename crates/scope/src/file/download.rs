//! How much of a file the server gave away: its own log says to whom and how many bytes.
//!
//! A client's first answer begins at the first byte: nobody resumes what they never began. A later one of just the bytes
//! that were missing completes it. Anything else may lie anywhere, so that what is not known to have been sent stays possible.

use std::cell::Cell;
use std::collections::HashMap;
use std::net::IpAddr;

use kintsugi_case::{EvidenceLine, FileRule};
use kintsugi_evidence::{CustodyEntry, EvidenceKind, LogLine, scan_lines};

use crate::{Context, Error, Result};

/// How much of a file somebody has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Extent {
    /// No download is known.
    #[default]
    Unknown,
    /// The first bytes.
    First(u64),
    /// All of it.
    Whole,
}

/// The download by which most of the file left.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Download {
    pub(super) extent: Extent,
    pub(super) line: EvidenceLine,
    pub(super) at_ms: i64,
    pub(super) bytes: u64,
    /// Addresses that downloaded.
    pub(super) clients: u64,
}

/// One answer of the server.
#[derive(Clone, Copy)]
struct Sent {
    status: u16,
    bytes: u64,
    line: EvidenceLine,
    at_ms: i64,
}

/// An answer's head is never shorter: a log that has a smaller number counts bodies only.
const HEAD_BYTES_MIN: u64 = 100;
/// What a head may take where the log counts it and no whole answer tells how much.
const HEAD_BYTES_MAX: u64 = 800;
/// A head that says which range it brings has one more line.
const RANGE_LINE_BYTES: u64 = 60;
/// Lines that are looked at for what the log counts.
const LOOKED_AT_MAX: u32 = 20_000;

/// What the logs show of a file.
pub(super) fn look(rule: &FileRule, served_at: &str, file: &CustodyEntry, context: &Context<'_>) -> Result<Download> {
    let mut seen = Seen { path: served_path(served_at, &file.path), sent: HashMap::new(), least_bytes: u64::MAX };
    for entry in context.evidence.iter().filter(|entry| entry.kind == EvidenceKind::Log && entry.source == rule.source) {
        let (word, looked_at) = (seen.path.rsplit('/').next().unwrap_or_default().to_owned(), Cell::new(0));
        let wanted = |line: &kintsugi_evidence::Glance<'_>| {
            looked_at.set(looked_at.get() + 1);
            looked_at.get() <= LOOKED_AT_MAX
                || memchr::memmem::find(line.raw, word.as_bytes()).is_some()
                || line.raw.contains(&b'%')
        };
        scan_lines(context.case_dir, entry, context.keys, &wanted, &mut |line| {
            seen.take(&line, EvidenceLine { evidence: entry.id, line: line.line });
        })
        .map_err(|source| Error::Evidence { path: entry.path.clone(), source })?;
    }
    Ok(seen.download(file.bytes))
}

/// A folder stands for the file of this name in it.
fn served_path(served_at: &str, file: &str) -> String {
    let name = file.rsplit('/').next().unwrap_or(file);
    if served_at.ends_with('/') { format!("{served_at}{name}") } else { served_at.to_owned() }
}

/// Answers about one file, by client.
struct Seen {
    path: String,
    sent: HashMap<Vec<u8>, Vec<Sent>>,
    least_bytes: u64,
}

impl Seen {
    fn take(&mut self, line: &LogLine<'_>, at: EvidenceLine) {
        if line.bytes > 0 {
            self.least_bytes = self.least_bytes.min(line.bytes);
        }
        let path = line.target.split(|&byte| byte == b'?').next().unwrap_or_default();
        let decoded = percent_encoding::percent_decode(path).decode_utf8_lossy();
        if line.method != b"GET" || !matches!(line.status, 200 | 206) || decoded != self.path.as_str() || is_own(line.client) {
            return;
        }
        let sent = Sent { status: line.status, bytes: line.bytes, line: at, at_ms: line.at_ms };
        self.sent.entry(line.client.to_vec()).or_default().push(sent);
    }

    fn download(&self, size: u64) -> Download {
        let counts_heads = self.least_bytes >= HEAD_BYTES_MIN;
        let best = self
            .sent
            .values()
            .filter_map(|sent| self.of_client(sent, size, counts_heads))
            .max_by_key(|download| (download.extent, std::cmp::Reverse(download.at_ms), std::cmp::Reverse(download.line)));
        Download { clients: self.sent.len() as u64, ..best.unwrap_or_default() }
    }

    /// The body's bytes of an answer, at least.
    fn body(&self, sent: &Sent, size: u64, counts_heads: bool) -> u64 {
        if !counts_heads {
            return sent.bytes;
        }
        let whole = self.sent.values().flatten().filter(|other| other.status == 200 && other.bytes > size);
        let head = whole.map(|other| other.bytes - size).min().filter(|&head| head <= HEAD_BYTES_MAX).unwrap_or(HEAD_BYTES_MAX);
        sent.bytes.saturating_sub(if sent.status == 206 { head + RANGE_LINE_BYTES } else { head })
    }

    fn of_client(&self, sent: &[Sent], size: u64, counts_heads: bool) -> Option<Download> {
        let mut sent = sent.to_vec();
        sent.sort_by_key(|sent| (sent.at_ms, sent.line));
        let mut best: Option<Download> = None;
        let (mut have, mut ranges) = (0, 0);
        for answer in &sent {
            let body = self.body(answer, size, counts_heads);
            // Of a log that counts heads, an answer longer than the file is whole.
            let whole = if counts_heads { answer.bytes > size } else { answer.bytes >= size };
            let completes = |start: u64| start > 0 && start + body == size;
            ranges += if answer.status == 206 { body } else { 0 };
            have = match answer.status {
                _ if whole && (answer.status == 200 || !counts_heads) => size,
                200 => have.max(body),
                _ if completes(have) || ranges == size => size,
                _ if have == 0 => body,
                _ => have,
            };
            let extent = if have >= size { Extent::Whole } else { Extent::First(have) };
            if best.is_none_or(|best| extent > best.extent) {
                best = Some(Download { extent, line: answer.line, at_ms: answer.at_ms, bytes: answer.bytes, clients: 1 });
            }
        }
        best
    }
}

/// The server itself: a look at its own file is no download.
fn is_own(client: &[u8]) -> bool {
    std::str::from_utf8(client).ok().and_then(|text| text.parse::<IpAddr>().ok()).is_some_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use kintsugi_case::EvidenceLine;

    use super::{Extent, Seen, Sent};

    /// A file of 10,000 bytes, and answers to one client as (status, bytes).
    fn check(answers: &[(u16, u64)], counts_heads: bool, expected: Extent) {
        let line = EvidenceLine::default();
        let sent = answers.iter().zip(1..).map(|(&(status, bytes), at_ms)| Sent { status, bytes, line, at_ms });
        let least_bytes = if counts_heads { 300 } else { 20 };
        let seen = Seen { path: String::new(), sent: HashMap::from([(b"c".to_vec(), sent.collect())]), least_bytes };
        assert_eq!(seen.download(10_000).extent, expected, "{answers:?}");
    }

    #[test]
    fn the_bytes_tell_how_much_left() {
        check(&[], false, Extent::Unknown);
        check(&[(200, 10_000)], false, Extent::Whole);
        check(&[(200, 4_000)], false, Extent::First(4_000));
        check(&[(206, 4_000)], false, Extent::First(4_000));
        check(&[(200, 4_000), (206, 6_000)], false, Extent::Whole);
        check(&[(206, 4_000), (206, 6_000)], false, Extent::Whole);
        // The second may be the same part again, or any other.
        check(&[(206, 4_000), (206, 4_000)], false, Extent::First(4_000));
        check(&[(200, 9_999)], false, Extent::First(9_999));
        // Where heads count, an answer just above the size is whole, and of a part only what is left without a head is sure.
        check(&[(200, 10_280)], true, Extent::Whole);
        check(&[(200, 10_280), (206, 4_000)], true, Extent::Whole);
        check(&[(206, 4_000)], true, Extent::First(4_000 - 860));
    }
}
