//! Every format of query logs: an intruder writes most of what stands in them.
#![no_main]

use jiff::tz::TimeZone;
use kintsugi_evidence::{QueryLogFormat, detect_queries, parse_queries};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let lines: Vec<&[u8]> = data.split(|&byte| byte == b'\n').collect();
    let _ = detect_queries(&lines);
    for format in QueryLogFormat::ALL {
        let (mut statements, mut input) = (0, data);
        let report = parse_queries(&mut input, format.name(), &TimeZone::UTC, &mut |_| statements += 1);
        let counted = (report.lines, report.statements);
        assert_eq!(counted, (report.read + report.unread_count, statements), "{}", format.name());
    }
});
