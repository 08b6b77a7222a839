//! The case folder: where everything of one case lies.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use kintsugi_case::CaseFile;
use kintsugi_evidence::LogReport;
use kintsugi_find::FindDb;
use kintsugi_store::Store;
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
        Ok(if Keys::exist(&vault) { Keys::open(&vault)? } else { Keys::create(&vault)? })
    }

    /// find.db, as `collect` left it.
    pub(crate) fn find(&self) -> Result<FindDb> {
        let path = self.find_db();
        if !path.exists() {
            bail!("nothing was collected yet: run `kintsugi collect` first");
        }
        Ok(FindDb::open(&path)?)
    }

    /// The live store.
    pub(crate) async fn store(&self) -> Result<Store> {
        Ok(Store::open(&self.case.store, &self.root, &self.keys()?).await?)
    }

    /// Which logs stand behind "not affected"; none before `scope` read them.
    pub(crate) fn coverage(&self) -> Result<Option<Coverage>> {
        if !self.find_db().exists() {
            return Ok(None);
        }
        let mut coverage: Option<Coverage> = None;
        for (_, json) in FindDb::open_read_only(&self.find_db())?.log_reports()? {
            let report: LogReport = serde_json::from_str(&json).context("a log report in find.db cannot be read")?;
            coverage = Coverage::with(coverage, &report);
        }
        Ok(coverage)
    }
}

/// The period that the logs which were read cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Coverage {
    /// The first request, milliseconds since 1970 UTC.
    pub(crate) first_at_ms: i64,
    /// The last request.
    pub(crate) last_at_ms: i64,
    /// Whether every file and every line was read, and nothing was cut off.
    pub(crate) complete: bool,
}

impl Coverage {
    fn with(sum: Option<Self>, report: &LogReport) -> Option<Self> {
        let complete = report.not_read.is_none() && report.unread_count == 0 && report.truncated.is_none();
        let (Some(first_at_ms), Some(last_at_ms)) = (report.first_at_ms, report.last_at_ms) else {
            return sum.map(|sum| Self { complete: sum.complete && complete, ..sum });
        };
        let sum = sum.unwrap_or(Self { first_at_ms, last_at_ms, complete: true });
        Some(Self {
            first_at_ms: sum.first_at_ms.min(first_at_ms),
            last_at_ms: sum.last_at_ms.max(last_at_ms),
            complete: sum.complete && complete,
        })
    }
}
