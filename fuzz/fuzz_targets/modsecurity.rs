//! The serial audit log of ModSecurity: every line is in a record, between records, or counted as unread.
#![no_main]

use kintsugi_evidence::read_bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let report = read_bytes("modsecurity", data, &mut |line| assert!(line.line > 0));
    assert_eq!(report.lines, report.read + report.unread_count);
});
