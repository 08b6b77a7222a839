//! The case folder: where everything of one case lies.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use kintsugi_case::CaseFile;
use kintsugi_vault::Keys;

use crate::mistakes::Mistakes;

/// A case folder with its checked case file.
pub(crate) struct Folder {
    /// The folder.
    pub(crate) root: PathBuf,
    /// What people wrote.
    pub(crate) case: CaseFile,
    /// Its text, for mistakes that show themselves later.
    text: String,
}

impl Folder {
    /// Opens a case folder and checks its case file.
    pub(crate) fn open(root: &Path) -> Result<Self> {
        let file = root.join("case.toml");
        if !file.exists() {
            bail!("{} is no case folder: it has no case.toml (`kintsugi init {0}` makes one)", root.display());
        }
        let text = std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        match CaseFile::parse(&text) {
            Ok(case) => Ok(Self { root: root.to_owned(), case, text }),
            Err(mistakes) => Err(Mistakes { file: file.display().to_string(), text, mistakes }.into()),
        }
    }

    /// Turns mistakes found on the disk into the error that shows them.
    pub(crate) fn refuse(&self, mistakes: Vec<kintsugi_case::Mistake>) -> Result<()> {
        if mistakes.is_empty() {
            return Ok(());
        }
        let file = self.root.join("case.toml").display().to_string();
        Err(Mistakes { file, text: self.text.clone(), mistakes }.into())
    }

    /// The program's own folder inside the case folder.
    pub(crate) fn own(&self) -> PathBuf {
        self.root.join(".kintsugi")
    }

    /// find.db.
    pub(crate) fn find_db(&self) -> PathBuf {
        self.own().join("find.db")
    }

    /// The case's keys, made on first use.
    pub(crate) fn keys(&self) -> Result<Keys> {
        let vault = self.own().join("vault");
        if vault.join("key").exists() {
            return Ok(Keys::open(&vault)?);
        }
        std::fs::create_dir_all(&vault).with_context(|| format!("{} cannot be made", vault.display()))?;
        Ok(Keys::create(&vault)?)
    }
}
