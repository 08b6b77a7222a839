//! The Combined Log Format, the default of nginx (`combined`) and of Apache on Debian:
//! `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"`. More fields may follow (nginx's sample configuration adds
//! `"$http_x_forwarded_for"`); they are left alone.

use super::clf;
use super::fields::{Fields, Reason};
use super::time::Clock;

pub(super) fn parse<'a>(line: &'a [u8], clock: &mut Clock) -> Result<Fields<'a>, Reason> {
    clf::combined(line, clock)
}

/// Whether a line is of this format and of none that has more to say.
pub(super) fn fits(line: &[u8], clock: &mut Clock) -> bool {
    parse(line, clock).is_ok()
}

#[cfg(test)]
mod tests {
    use super::super::time::Clock;
    use super::parse;

    #[test]
    fn a_line_of_nginx() {
        let line = br#"198.51.100.36 - - [22/Nov/2026:18:53:54 +0900] "GET / HTTP/1.1" 200 649 "-" "DoCoMo/2.0 F906i(c100;TB;W24H17)" "203.0.113.9""#;
        let fields = parse(line, &mut Clock::default()).unwrap();
        assert_eq!((fields.client, fields.status, fields.bytes), (&b"198.51.100.36"[..], 200, 649));
        assert_eq!((fields.referer, fields.agent), (&b"-"[..], &b"DoCoMo/2.0 F906i(c100;TB;W24H17)"[..]));
        assert_eq!(fields.at_ms, 1_795_341_234_000);
    }
}
