//! Requests taken apart, their values read in every way; what reads as SQL must not have passed the cheap test before.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| kintsugi_replay::fuzz::request(data));
