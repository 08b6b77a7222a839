//! The case file: every mistake has a place in the text and says what is wrong.
#![no_main]

use kintsugi_case::CaseFile;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Err(mistakes) = CaseFile::parse(text) else { return };
    assert!(!mistakes.is_empty());
    for mistake in mistakes {
        let (line, column) = mistake.line_column(text);
        assert!(line > 0 && column > 0 && !mistake.message.is_empty());
    }
});
