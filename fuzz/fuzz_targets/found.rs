//! Files that were found: dumps of every database system, lists, JSON, in any encoding.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| kintsugi_evidence::fuzz::found(data));
