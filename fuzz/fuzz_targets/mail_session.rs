//! What strangers say to the listener for bounces and replies, by SMTP or LMTP, cut anywhere.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| kintsugi_notify::fuzz::session(data));
