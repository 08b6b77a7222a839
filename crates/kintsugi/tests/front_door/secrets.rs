//! Rule 14: no card number and no verification code in any file, log, page or mail that a run leaves.

use std::collections::HashSet;
use std::path::Path;

use crate::desk::{Desk, Post};

#[test]
fn no_card_number_leaves_the_vault() {
    let desk = Desk::drill(600, 21);
    let numbers = card_numbers(&desk);
    assert!(numbers.len() > 500);
    let post = Post::open();
    let mut heard = Vec::new();
    for args in [["run", "--smtp", &post.url()].as_slice(), &["why", "1"], &["export", "exposures"], &["why", "records_exposed"]]
    {
        let said = desk.run(args);
        heard.extend([said.out.into_bytes(), said.err.into_bytes()]);
    }
    for bytes in heard.iter().chain(&post.texts()) {
        assert_none(bytes, &numbers, "what was said or sent");
    }
    for path in files(&desk.case().join(".kintsugi")) {
        assert_none(&std::fs::read(&path).unwrap(), &numbers, &path.display().to_string());
    }
}

/// The card numbers of the drill's snapshot.
fn card_numbers(desk: &Desk) -> HashSet<Vec<u8>> {
    let csv = std::fs::read_to_string(desk.case().join("snapshot/cards.csv")).unwrap();
    let column = csv.lines().next().unwrap().split(',').position(|name| name == "pan").unwrap();
    csv.lines().skip(1).filter_map(|line| line.split(',').nth(column)).map(|pan| pan.as_bytes().to_vec()).collect()
}

/// Every run of digits, and every window of a card number's length in it, is looked up.
fn assert_none(bytes: &[u8], numbers: &HashSet<Vec<u8>>, place: &str) {
    for run in bytes.split(|byte| !byte.is_ascii_digit()).filter(|run| run.len() >= 14) {
        for length in 14..=16 {
            assert!(!run.windows(length).any(|window| numbers.contains(window)), "a card number in {place}");
        }
    }
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() { found.extend(files(&entry.path())) } else { found.push(entry.path()) }
    }
    found
}
