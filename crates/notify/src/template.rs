//! Templates: files of the case with a closed set of fields. An unknown field stops before anything is sent.

use std::path::{Path, PathBuf};

/// A mistake in a template: where it is and what was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateMistake {
    /// The file's name.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, one sentence.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// Why templates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplatesError {
    /// A file is there and cannot be read.
    #[error("cannot read the template {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Mistakes in the text.
    #[error("{} mistakes in the templates", .0.len())]
    Mistakes(Vec<TemplateMistake>),
}

/// The templates of a case, parsed and checked.
#[derive(Clone, Debug)]
pub struct Templates {}

impl Templates {
    /// Reads `notice.LANGUAGE.txt` and `answer.LANGUAGE.txt` from a folder; a file that is not there is the default one.
    pub fn load(_dir: &Path) -> Result<Self, TemplatesError> {
        Ok(Self {})
    }
}

/// The templates that ship: (file name, text). `kintsugi init` writes them into the case.
pub fn default_templates() -> &'static [(&'static str, &'static str)] {
    &[]
}
