//! HTTP archives.
#![no_main]

use kintsugi_evidence::read_bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = read_bytes("har", data, &mut |line| assert!(line.line > 0));
});
