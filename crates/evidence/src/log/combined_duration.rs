//! The combined format with Apache's `%D` behind: how long the server took, in microseconds.

use super::clf;
use super::fields::{Fields, Reason};
use super::time::Clock;

pub(super) fn parse<'a>(line: &'a [u8], clock: &mut Clock) -> Result<Fields<'a>, Reason> {
    let fields = clf::combined(line, clock)?;
    let duration_us = clf::word(fields.rest).and_then(|(text, _)| clf::integer(text));
    Ok(Fields { duration_us, ..fields })
}

/// Whether a line is of this format: exactly one number behind the agent.
pub(super) fn fits(line: &[u8], clock: &mut Clock) -> bool {
    parse(line, clock)
        .is_ok_and(|fields| fields.duration_us.is_some() && clf::word(fields.rest).is_some_and(|(_, after)| after.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::super::time::Clock;
    use super::{fits, parse};

    #[test]
    fn microseconds_stand_behind_the_agent() {
        let line = br#"198.18.68.69 - - [22/Nov/2026:18:55:12 +0900] "GET / HTTP/1.1" 200 784 "-" "Mozilla/5.0" 18252"#;
        assert_eq!(parse(line, &mut Clock::default()).unwrap().duration_us, Some(18_252));
        assert!(fits(line, &mut Clock::default()));
        assert!(!fits(&[line, &b" 1"[..]].concat(), &mut Clock::default()));
    }
}
