//! A case folder for tests, made file by file.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use kintsugi_case::CaseFile;
use kintsugi_evidence::{Collected, CustodyEntry, LogReport, Result, collect, read_log};
use kintsugi_vault::Keys;
use tempfile::TempDir;

pub(crate) struct Folder {
    dir: TempDir,
    toml: String,
    pub(crate) keys: Keys,
}

impl Folder {
    pub(crate) fn new() -> Self {
        let toml = r#"
            version = 1
            [case]
            id = "t"
            title = "t"
            timezone = "Asia/Tokyo"
            languages = ["ja"]
            [controller]
            name = "Kakehashi Rental KK"
            domain = "kakehashi.example"
            brands = ["TABIDATA"]
        "#;
        Self { dir: tempfile::tempdir().unwrap(), toml: toml.to_owned(), keys: Keys::from_seed([7; 32]) }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub(crate) fn with(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.put(name, bytes);
        self
    }

    pub(crate) fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.file(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn toml(mut self, text: &str) -> Self {
        self.toml += text;
        self
    }

    pub(crate) fn source(self, dbms: &str, rest: &str) -> Self {
        let text = format!("[[source]]\nname = \"shop\"\ndbms = \"{dbms}\"\nsnapshot = \"snapshot\"\n{rest}\n");
        self.toml(&text)
    }

    /// An `[[evidence]]` with this pattern; a source without tables stands behind it.
    pub(crate) fn evidence(self, pattern: &str, rest: &str) -> Self {
        let text = format!("[[evidence]]\npath = \"{pattern}\"\nsource = \"shop\"\n{rest}\n");
        self.toml(&text)
    }

    pub(crate) fn case(&self) -> CaseFile {
        CaseFile::parse(&self.toml).unwrap_or_else(|mistakes| panic!("{mistakes:?}\n{}", self.toml))
    }

    pub(crate) fn text(&self) -> &str {
        &self.toml
    }

    pub(crate) fn collect(&self) -> Result<Collected> {
        collect(self.path(), &self.case(), &self.keys, "tests", 1_366_704_000_000, &mut |_| ())
    }

    pub(crate) fn entry(&self, name: &str) -> CustodyEntry {
        let files = self.collect().unwrap().files;
        files.into_iter().find(|entry| entry.path == name).unwrap_or_else(|| panic!("{name} is not in custody"))
    }

    /// The report and the targets of the lines that were read.
    pub(crate) fn read_log(&self, name: &str) -> Result<(LogReport, Vec<String>)> {
        let mut targets = Vec::new();
        let report = read_log(self.path(), &self.entry(name), &self.keys, &mut |line| {
            targets.push(String::from_utf8_lossy(line.target).into_owned());
        })?;
        Ok((report, targets))
    }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}
