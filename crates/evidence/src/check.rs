//! The mistakes of a case file that only the disk can tell: files that are missing, columns that no table has.

use std::path::Path;

use kintsugi_case::{CaseFile, Mistake};

/// Compares the case file with what lies in its folder. Nothing needs to be in custody for this.
pub fn check_files(case_dir: &Path, case: &CaseFile) -> Vec<Mistake> {
    let _ = (case_dir, case);
    todo!()
}
