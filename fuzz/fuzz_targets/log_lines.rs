//! Every format whose requests have one line each.
#![no_main]

use kintsugi_evidence::{detect, read_bytes};
use libfuzzer_sys::fuzz_target;

const FORMATS: [&str; 10] = [
    "combined",
    "common",
    "vhost_combined",
    "combined_timed",
    "combined_duration",
    "json",
    "modsecurity_json",
    "w3c",
    "haproxy",
    "alb",
];

fuzz_target!(|data: &[u8]| {
    let lines: Vec<&[u8]> = data.split(|&byte| byte == b'\n').collect();
    let _ = detect(&lines);
    for format in FORMATS {
        let mut requests = 0;
        let report = read_bytes(format, data, &mut |line| requests += u64::from(line.line > 0));
        assert_eq!((report.lines, report.requests), (report.read + report.unread_count, requests), "{format}");
    }
});
