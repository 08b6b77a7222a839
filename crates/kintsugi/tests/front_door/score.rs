//! Real evidence with known truth: recall, precision and what is proved, cell by cell, on every scenario of `testdata`,
//! none of them worse than before (`testdata/score.floor`).

use std::path::Path;
use std::process::Command;

#[test]
fn no_scenario_scores_worse_than_before() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut score = Command::new("python3");
    score.arg(root.join("scripts/score")).args(["--binary", env!("CARGO_BIN_EXE_kintsugi")]);
    let done = score.output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
}
