//! SQL as an intruder wrote it, cut into tokens in every dialect and read by the parser.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| kintsugi_replay::fuzz::statement(text));
