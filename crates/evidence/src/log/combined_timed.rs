//! The combined format with nginx's `$request_time` (seconds, three decimals) and `$bytes_sent` behind.

use super::clf;
use super::fields::{Fields, Reason};
use super::time::Clock;

pub(super) fn parse<'a>(line: &'a [u8], clock: &mut Clock) -> Result<Fields<'a>, Reason> {
    let fields = clf::combined(line, clock)?;
    let Some((duration, after)) = clf::word(fields.rest) else { return Ok(fields) };
    let bytes_sent = clf::word(after).and_then(|(text, _)| clf::integer(text));
    Ok(Fields { duration_us: seconds_to_us(duration), bytes_sent, ..fields })
}

/// Whether a line is of this format: exactly a time and a byte count behind the agent.
pub(super) fn fits(line: &[u8], clock: &mut Clock) -> bool {
    parse(line, clock).is_ok_and(|fields| {
        let sent = clf::word(fields.rest).and_then(|(_, after)| clf::word(after));
        fields.duration_us.is_some() && sent.is_some_and(|(text, after)| clf::integer(text).is_some() && after.is_empty())
    })
}

/// `1.234` seconds; the point is what tells it from a count.
fn seconds_to_us(text: &[u8]) -> Option<u64> {
    let point = memchr::memchr(b'.', text)?;
    let (whole, decimals) = (&text[..point], &text[point + 1..]);
    let digits = decimals.len().min(6);
    let fraction = clf::integer(&decimals[..digits])? * 10u64.pow(6 - digits as u32);
    clf::integer(whole)?.checked_mul(1_000_000)?.checked_add(fraction)
}

#[cfg(test)]
mod tests {
    use super::super::time::Clock;
    use super::{fits, parse, seconds_to_us};

    #[test]
    fn the_time_is_read_and_its_absence_forgiven() {
        let line = r#"198.18.206.94 - - [22/Nov/2026:18:53:49 +0900] "GET /track HTTP/1.1" 200 603 "-" "x" 0.008 759"#;
        let clock = &mut Clock::default();
        assert_eq!(parse(line.as_bytes(), clock).unwrap().duration_us, Some(8_000));
        assert!(fits(line.as_bytes(), clock));
        let without = line.strip_suffix(" 0.008 759").unwrap();
        assert_eq!(parse(without.as_bytes(), clock).unwrap().duration_us, None);
        assert!(!fits(without.as_bytes(), clock));
    }

    #[test]
    fn seconds_have_a_point() {
        assert_eq!(seconds_to_us(b"12.5"), Some(12_500_000));
        assert_eq!(seconds_to_us(b"0.0000019"), Some(1));
        for text in ["12", "-", "1.", ".5", "1.2.3"] {
            assert_eq!(seconds_to_us(text.as_bytes()), None, "{text}");
        }
    }
}
