//! `kintsugi letters`: the notices that no mail can reach, on paper. Each letter is entered in the store before its batch is
//! written, and stands there until the print shop says what became of it.

use std::path::Path;

use anyhow::Result;
use serde_json::json;

use super::Outcome;
use crate::finish::Finish;
use crate::folder::Folder;

mod addresses;
#[cfg(feature = "letters")]
mod check;
#[cfg(not(feature = "letters"))]
#[path = "letters/check_without.rs"]
mod check;
#[cfg(feature = "letters")]
mod make;
#[cfg(not(feature = "letters"))]
#[path = "letters/without.rs"]
mod make;
mod returned;
mod sheet;

pub(super) use check::check;

/// Makes what is due, or reads what the print shop returns, or addresses that were given.
pub(crate) fn letters(folder: &Folder, returned: Option<&Path>, addresses: Option<&Path>) -> Result<Outcome> {
    match (returned, addresses) {
        (Some(file), _) => returned::returned(folder, file),
        (None, Some(file)) => addresses::addresses(folder, file),
        (None, None) => make::make(folder),
    }
}

/// The outcome of both halves: counts, and what a person must look at, one line each.
fn outcome(lines: Vec<String>, aside: &[String], data: serde_json::Value) -> Outcome {
    let text = lines.into_iter().chain(aside.iter().map(|line| format!("    {line}"))).collect::<Vec<_>>().join("\n");
    let data = json!({ "letters": data, "aside": aside });
    Outcome::new(Finish::with_gaps(!aside.is_empty()), text, data)
}
