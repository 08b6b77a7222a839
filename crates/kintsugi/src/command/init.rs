//! `kintsugi init`: a case folder to fill in. What is there already is never overwritten.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;

use super::Outcome;
use crate::finish::Finish;

const CASE_FILE: &str = include_str!("../../init/case.toml");

/// Makes the folders, the case file and the templates of the notices.
pub(crate) fn init(folder: &Path) -> Result<Outcome> {
    for name in ["templates", "snapshot", "weblog"] {
        let path = folder.join(name);
        std::fs::create_dir_all(&path).with_context(|| format!("{} cannot be made", path.display()))?;
    }
    let mut files = vec![("case.toml".to_owned(), CASE_FILE)];
    files.extend(kintsugi_notify::default_templates().iter().map(|(name, text)| (format!("templates/{name}"), *text)));
    let mut made = Vec::new();
    for (name, text) in files {
        let path = folder.join(&name);
        if !path.exists() {
            std::fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))?;
            made.push(name);
        }
    }
    let text = format!(
        "Made {} in {}.\nNext: fill in case.toml, put the log into weblog/ and the snapshot into snapshot/, then `kintsugi check {1}`.",
        if made.is_empty() { "nothing new".to_owned() } else { made.join(", ") },
        folder.display()
    );
    Ok(Outcome::new(Finish::Done, text, json!({ "made": made })))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_case_file_that_init_writes_is_one() {
        assert!(kintsugi_case::CaseFile::parse(super::CASE_FILE).is_ok());
    }
}
