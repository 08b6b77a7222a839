//! Real evidence with known truth: the scorer's precision and recall on `o01`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::desk::Desk;

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata")
}

#[test]
fn o01_is_found_cell_by_cell() {
    let scenario = testdata().join("o01");
    let desk = Desk::copy_of(&scenario);
    // The product never sees the truth.
    std::fs::remove_dir_all(desk.case().join("truth")).unwrap();
    for stage in ["collect", "scope"] {
        let said = desk.run(&[stage]);
        assert!(said.code <= 1, "{stage}: {}", said.err);
    }
    let exported = desk.root().join("exposures.csv");
    std::fs::write(&exported, desk.run(&["export", "exposures"]).out).unwrap();
    let score = Command::new("python3").arg(testdata().join("score.py")).arg(&scenario).arg(&exported).output().unwrap();
    let said = String::from_utf8_lossy(&score.stdout).into_owned();
    assert!(score.status.success(), "{said}{}", String::from_utf8_lossy(&score.stderr));
    assert!(said.contains("recall 1.0000 proved 1.0000 precision 1.0000"), "{said}");
}
