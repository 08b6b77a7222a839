//! Formats given in a case file, and lines read by them: the format is the first line.
#![no_main]

use kintsugi_evidence::read_bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let end = data.iter().position(|&byte| byte == b'\n').unwrap_or(data.len());
    let Ok(format) = std::str::from_utf8(&data[..end]) else { return };
    for server in ["nginx:", "apache:"] {
        let report = read_bytes(&format!("{server}{format}"), &data[end..], &mut |_| ());
        assert_eq!(report.lines, report.read + report.unread_count);
    }
});
