//! Mail that strangers send back: bounces, automatic answers, replies. An address never stays in what is kept of a bounce.
#![no_main]

use kintsugi_notify::{ReturnPath, read_bounce, read_reply};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(path) = ReturnPath::parse("bounces@kakehashi.example") else { return };
    if let Some(bounce) = read_bounce(data, &path) {
        let words = bounce.detail;
        assert!(!words.contains('@') && !words.contains(char::is_control), "an address or a control character is kept");
    }
    if let Some(reply) = read_reply(data) {
        let words = [reply.subject.into_open(), reply.from.into_open()];
        assert!(!words.iter().any(|line| line.contains('\n')), "a line break in a line");
    }
});
