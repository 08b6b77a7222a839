//! Ordinary lines, let pass at speed: most lines of a log are of a form that every server writes alike and carry nothing that
//! anybody asked for. Such a line is recognised without being taken apart, and what stands behind the byte count (referer and
//! agent), which visitors send again and again, is looked at once and known again by its bytes.
//!
//! What is let pass is exactly what [`clf`] would read and the caller not want; of any other line nothing is said here, and
//! it is read as always. Not here: taking lines apart (`clf` and the formats above it).

use super::clf;
use super::fields::Parts;
use super::time::{Clock, TIME_BYTES};

/// Endings of lines that are remembered.
const TAILS_MAX: usize = 1024;
/// A longer one is looked at each time.
const TAIL_BYTES_MAX: usize = 512;

/// What a format has behind the byte count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behind {
    /// Whatever: no field of the format.
    Anything,
    /// Referer and agent in quotes, then whatever.
    RefererAndAgent,
}

/// Lets ordinary lines of one log pass.
pub(super) struct Passing {
    behind: Behind,
    /// Endings that can be read and are not wanted, each in the place that its bytes give it.
    tails: Vec<Vec<u8>>,
}

impl Passing {
    pub(super) fn new(behind: Behind) -> Self {
        Self { behind, tails: vec![Vec::new(); TAILS_MAX] }
    }

    /// When the request of a line came, where the line can be read and is not wanted; `None` says nothing.
    pub(super) fn passes(&mut self, line: &[u8], clock: &mut Clock, parts: Parts<'_>) -> Option<i64> {
        let (time, after) = split_time(line)?;
        let (request, after) = split_request(after)?;
        let tail = after_numbers(after)?;
        let at_ms = clock.read(time)?;
        (!(parts.request)(request) && self.tail_passes(tail, parts)).then_some(at_ms)
    }

    fn tail_passes(&mut self, tail: &[u8], parts: Parts<'_>) -> bool {
        if self.behind == Behind::Anything {
            return true;
        }
        let tail = known_part(tail);
        let place = place(tail);
        if *self.tails[place] == *tail {
            return !tail.is_empty();
        }
        let passes = tail_is_ordinary(tail, parts);
        if passes && tail.len() <= TAIL_BYTES_MAX {
            self.tails[place].clear();
            self.tails[place].extend_from_slice(tail);
        }
        passes
    }
}

/// Client, two more words and a time in brackets: the time, and what follows its bracket.
fn split_time(line: &[u8]) -> Option<(&[u8; TIME_BYTES], &[u8])> {
    // Addresses are short: a plain loop finds their end before a search of blocks has begun.
    let blank = line.iter().position(|&byte| byte == b' ').filter(|at| *at > 0)?;
    let after = &line[blank..];
    let inside = match after.strip_prefix(b" - - [") {
        Some(inside) => inside,
        None => &after[memchr::memchr(b'[', after)? + 1..],
    };
    let (time, after) = inside.split_first_chunk::<TIME_BYTES>()?;
    Some((time, after.strip_prefix(b"]")?))
}

/// A request without escapes and quotes, and what follows its quote.
fn split_request(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let inside = text.strip_prefix(b" \"")?;
    let end = memchr::memchr2(b'"', b'\\', inside)?;
    let after = inside[end..].strip_prefix(b"\"")?;
    Some((&inside[..end], after))
}

/// What follows status and byte count.
fn after_numbers(text: &[u8]) -> Option<&[u8]> {
    let [b' ', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b' ', after @ ..] = text else { return None };
    let digits = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let end = if digits == 0 && after.first() == Some(&b'-') { 1 } else { digits };
    // A number of more digits may be too large for one.
    let is_number = (1..=18).contains(&end) && matches!(after.get(end), None | Some(b' '));
    is_number.then(|| &after[end..])
}

/// An ending up to its last quote: fields behind it, such as durations, differ from line to line and are not looked at.
fn known_part(tail: &[u8]) -> &[u8] {
    if tail.last() == Some(&b'"') {
        return tail;
    }
    let end = memchr::memrchr(b'"', tail).map_or(0, |at| at + 1);
    // A quote that no blank follows ends no field.
    if tail.get(end) == Some(&b' ') { &tail[..end] } else { &[] }
}

fn tail_is_ordinary(tail: &[u8], parts: Parts<'_>) -> bool {
    let Some((referer, after)) = clf::quoted(tail) else { return false };
    let Some((agent, _)) = clf::quoted(after) else { return false };
    !(parts.header)(referer) && !(parts.header)(agent)
}

/// A place for an ending, by a few of its bytes: what shares one only drives the other out.
fn place(tail: &[u8]) -> usize {
    let Some((first, last)) = tail.first_chunk::<8>().zip(tail.last_chunk::<8>()) else { return 0 };
    let at = |part: usize| {
        let bytes = tail[(tail.len() - 8) / 4 * part..].first_chunk::<8>();
        bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
    };
    let parts = [u64::from_le_bytes(*first), at(1), at(2), at(3), u64::from_le_bytes(*last), tail.len() as u64];
    // FNV's prime; the high bits are the well mixed ones.
    let mixed = parts.into_iter().fold(0, |mixed: u64, part| (mixed.rotate_left(23) ^ part).wrapping_mul(0x100_0000_01b3));
    (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as usize % TAILS_MAX
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::super::{Glance, LogLine, LogReport, Parts, Sieve, sift_bytes};

    /// Somebody who wants requests with a `z` and headers with a `q`.
    fn request(line: &[u8]) -> bool {
        line.contains(&b'z')
    }

    fn header(value: &[u8]) -> bool {
        value.contains(&b'q')
    }

    fn wanted(glance: &Glance<'_>) -> bool {
        request(glance.request) || glance.headers.into_iter().any(header)
    }

    fn sifted(format: &str, log: &[u8], parts: Option<Parts<'_>>) -> (LogReport, Vec<Vec<u8>>) {
        let mut found = Vec::new();
        let mut each = |line: LogLine<'_>| found.push([line.line.to_string().as_bytes(), b" ", line.raw, line.target].concat());
        let report = sift_bytes(format, log, Sieve { wanted: &wanted, parts }, &mut each);
        (report, found)
    }

    fn check(log: &[u8]) {
        for format in ["common", "combined", "vhost_combined", "combined_timed", "combined_duration"] {
            let parts = Parts { request: &request, header: &header };
            let (slow, fast) = (sifted(format, log, None), sifted(format, log, Some(parts)));
            assert_eq!(slow, fast, "{format}: {}", String::from_utf8_lossy(log));
        }
    }

    #[test]
    fn lines_that_are_nearly_ordinary_are_read_as_always() {
        let line = r#"h - - [22/Nov/2026:18:53:53 +0900] "GET / HTTP/1.1" 200 5 "-" "x""#;
        for (from, to) in [
            ("", ""),
            ("h ", " "),
            ("- -", "- a [b"),
            ("22/Nov", "32/Nov"),
            ("] ", "]"),
            ("GET /", r#"GET /\""#),
            ("GET /", r#"GET /"a"#),
            ("200", "2000"),
            ("200", "2x0"),
            (" 5", " -"),
            (" 5", " -5"),
            (" 5", " 123456789012345678901234"),
            (" 5", " 5x"),
            (r#" "-""#, r#" -"#),
            (r#" "x""#, r#" "x"#),
            (r#" "x""#, r#" "x\""#),
            (r#" "x""#, r#" "x" 5"#),
            (r#" "x""#, r#" "x"5"#),
            (r#" "x""#, r#" "q" 5"#),
            (r#" "x""#, r#" "x" "q""#),
            (r#" "x""#, r#" "x\" "q""#),
            (r#" "x""#, ""),
            ("GET", "z"),
        ] {
            let line = line.replacen(from, to, 1);
            check(format!("{line}\n{line}\n{line}\r\n{}", &line[..line.len().saturating_sub(3)]).as_bytes());
        }
    }

    fn part(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
        prop_oneof![9 => select(texts).prop_map(str::to_owned), 1 => "[ -~\\n]{0,9}"]
    }

    fn line() -> impl Strategy<Value = String> {
        let front = part(&["192.0.2.1 - - [", "h - - [", "2001:db8::7 - bob [", "a:80 h - [x [", ""]);
        let time = part(&["22/Nov/2026:18:53:53 +0900", "22/Nov/2026:18:53:54 +0900", "25/Nov/2026:09:00:00 +0000", "x"]);
        let request = part(&["] \"GET / HTTP/1.1\"", "] \"GET /z?a=\\x22 HTTP/1.1\"", "] \"z\"", "] \"\"", "] \"a\"b\"", "]"]);
        let numbers = part(&[" 200 5", " 200 512", " 404 -", " 304 0 ", " 20 1", ""]);
        let referer = part(&[" \"-\"", " \"http://a/\"", " \"q\"", " \"a\"b\"", " \"a\\\"b\"", " -", ""]);
        let agent = part(&[" \"M/5.0 (X; Y)\"", " \"q\"", " \"\"", " \"x\\\\\"", " \"x", ""]);
        let behind = part(&["", "", " 0.008 759", " 18252", " \"-\"", " \"q\" 5", "\r", "x", " \\"]);
        (front, time, request, numbers, referer, agent, behind).prop_map(|(a, b, c, d, e, f, g)| [a, b, c, d, e, f, g].concat())
    }

    proptest! {
        #[test]
        fn what_passes_is_what_nobody_wants(lines in proptest::collection::vec(line(), 1..12), places in proptest::collection::vec(0usize..12, 0..30)) {
            // The same lines again and again, as endings are remembered.
            let again = places.iter().map(|at| &lines[at % lines.len()]);
            let log: String = lines.iter().chain(again).flat_map(|line| [line, "\n"]).collect();
            check(log.as_bytes());
        }
    }
}
