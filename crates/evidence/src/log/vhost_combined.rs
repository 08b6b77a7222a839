//! Apache's `vhost_combined`: the combined format with `%v:%p` (host and port) in front.

use super::clf;
use super::fields::{Fields, Reason};
use super::time::Clock;

pub(super) fn parse<'a>(line: &'a [u8], clock: &mut Clock) -> Result<Fields<'a>, Reason> {
    let (_, rest) = split(line).ok_or("no host and port in front")?;
    clf::combined(rest, clock)
}

/// Whether a line is of this format: `host:port`, then an address instead of the `-` that the plain format has there.
pub(super) fn fits(line: &[u8], clock: &mut Clock) -> bool {
    let address = |text: &[u8]| text.iter().any(|byte| matches!(byte, b'.' | b':'));
    split(line).and_then(|(_, rest)| clf::word(rest)).is_some_and(|(client, _)| address(client)) && parse(line, clock).is_ok()
}

fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (host, rest) = clf::word(line)?;
    let colon = memchr::memrchr(b':', host)?;
    clf::integer(&host[colon + 1..])?;
    Some((host, rest.strip_prefix(b" ")?))
}

#[cfg(test)]
mod tests {
    use super::super::time::Clock;
    use super::{fits, parse};

    #[test]
    fn the_host_is_not_the_client() {
        let line = br#"shop.example:443 192.0.2.7 - - [22/Nov/2026:18:53:54 +0900] "GET / HTTP/1.1" 200 649 "-" "x""#;
        assert_eq!(parse(line, &mut Clock::default()).unwrap().client, b"192.0.2.7");
        assert!(fits(line, &mut Clock::default()));
    }

    #[test]
    fn an_ipv6_client_is_no_host_and_port() {
        let line = br#"2001:db8::1 - - [22/Nov/2026:18:53:54 +0900] "GET / HTTP/1.1" 200 649 "-" "x""#;
        assert!(!fits(line, &mut Clock::default()));
    }
}
