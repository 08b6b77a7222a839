//! The NCSA Common Log Format: `%h %l %u %t "%r" %>s %b`.

use super::clf;
use super::fields::{Fields, Reason};
use super::time::Clock;

pub(super) fn parse<'a>(line: &'a [u8], clock: &mut Clock) -> Result<Fields<'a>, Reason> {
    clf::common(line, clock)
}

/// Whether a line is of this format: with nothing behind the byte count, for else it is some other one.
pub(super) fn fits(line: &[u8], clock: &mut Clock) -> bool {
    parse(line, clock).is_ok_and(|fields| fields.rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::time::Clock;
    use super::{fits, parse};

    #[test]
    fn the_line_of_the_apache_manual() {
        let line = br#"127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326"#;
        let fields = parse(line, &mut Clock::default()).unwrap();
        assert_eq!((fields.at_ms, fields.status, fields.bytes), (971_211_336_000, 200, 2326));
        assert!(fits(line, &mut Clock::default()));
        assert!(!fits(&[line, &br#" "-" "-""#[..]].concat(), &mut Clock::default()));
    }
}
