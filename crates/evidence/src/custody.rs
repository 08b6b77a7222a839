//! The custody manifest: who took in which file, when, from where, with what digest.
//!
//! `.kintsugi/custody.jsonl` holds one JSON object a line and is only ever appended to. Each line carries the SHA-256 of
//! the line before and the case key's signature over itself, so that no line can be changed, dropped or put in between.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use kintsugi_case::EvidenceId;
use kintsugi_vault::{Keys, verify};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::open::hex;
use crate::{Error, Result};

/// What a file of evidence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// A log of a server, named by an `[[evidence]]` of the case file.
    Log,
    /// A log of the statements that a database ran, likewise.
    QueryLog,
    /// Part of a source's snapshot.
    Snapshot,
    /// A dump or list that was found, named by a file rule.
    Found,
}

/// One file in custody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustodyEntry {
    /// Its number in the case, from 1.
    pub id: EvidenceId,
    /// Where it lay, relative to the case folder where it lay in it.
    pub path: String,
    /// Its length in bytes, as it lay (compressed files are not opened for this).
    pub bytes: u64,
    /// SHA-256 of those bytes, lower-case hex.
    pub sha256: String,
    /// BLAKE3 of the same bytes, taken in the same reading, lower-case hex: what later readings are checked by, at a quarter of
    /// the work. `None` in manifests of older versions.
    pub blake3: Option<String>,
    /// What it is.
    pub kind: EvidenceKind,
    /// The format found in it or named in the case file ([`crate::LogFormat::name`], [`crate::QueryLogFormat::name`], `csv`, `sql`, `sqlite`, `parquet`),
    /// `empty`, or `not read: ` and why.
    pub format: String,
    /// The source of the case file that it belongs to.
    pub source: String,
    /// The zone of its times where its format carries none, by its IANA name; `None` in manifests of older versions.
    pub timezone: Option<String>,
    /// Who took it in.
    pub taken_by: String,
    /// When, milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// Whether the case holds an encrypted copy, which is then what is read.
    pub copied: bool,
    /// SHA-256 of the manifest's line before, lower-case hex; zeros for the first.
    pub previous: String,
    /// The case key's signature over the line without this field, base64.
    pub signature: String,
}

/// A line of the manifest as it is written. The order of the fields is the order in the file, and is what is signed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: u32,
    path: String,
    bytes: u64,
    sha256: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    blake3: Option<String>,
    kind: EvidenceKind,
    format: String,
    source: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    timezone: Option<String>,
    taken_by: String,
    at_ms: i64,
    copied: bool,
    previous: String,
    #[serde(skip_serializing_if = "String::is_empty", default)]
    signature: String,
}

/// What stands for the line before the first.
pub(crate) fn no_line() -> String {
    "0".repeat(64)
}

/// The manifest of a case, checked from its first line to its last. Empty where nothing was taken in yet.
pub fn custody(case_dir: &Path, keys: &Keys) -> Result<Vec<CustodyEntry>> {
    let path = manifest_path(case_dir);
    match fs::read_to_string(&path) {
        Ok(text) => parse(&path, &text, keys).map(|manifest| manifest.entries),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(Error::Custody { path, source }),
    }
}

fn manifest_path(case_dir: &Path) -> PathBuf {
    case_dir.join(".kintsugi/custody.jsonl")
}

/// Where the encrypted copy of a file lies.
pub(crate) fn copy_path(case_dir: &Path, id: EvidenceId) -> PathBuf {
    case_dir.join(format!(".kintsugi/evidence/{:06}.age", id.0))
}

/// The manifest opened for appending, locked against a second `collect`.
pub(crate) struct Manifest {
    path: PathBuf,
    file: File,
    pub(crate) entries: Vec<CustodyEntry>,
    last: String,
}

struct Parsed {
    entries: Vec<CustodyEntry>,
    last: String,
}

impl Manifest {
    pub(crate) fn open(case_dir: &Path, keys: &Keys) -> Result<Self> {
        let path = manifest_path(case_dir);
        let failed = |source| Error::Custody { path: path.clone(), source };
        let (file, text) = open_locked(&path).map_err(failed)?;
        let Parsed { entries, last } = parse(&path, &text, keys)?;
        Ok(Self { path, file, entries, last })
    }

    /// The number of the next file.
    pub(crate) fn next_id(&self) -> EvidenceId {
        EvidenceId(self.entries.len() as u32 + 1)
    }

    /// Signs and writes the next line. It is on the disk when this returns.
    pub(crate) fn append(&mut self, mut entry: CustodyEntry, keys: &Keys) -> Result<()> {
        entry.id = self.next_id();
        entry.previous.clone_from(&self.last);
        entry.signature = keys.sign(entry.signed_text().as_bytes());
        let line = entry.text();
        self.write(&line).map_err(|source| Error::Custody { path: self.path.clone(), source })?;
        self.last = hex(&Sha256::digest(line.as_bytes()));
        self.entries.push(entry);
        Ok(())
    }

    fn write(&mut self, line: &str) -> io::Result<()> {
        self.file.write_all(format!("{line}\n").as_bytes())?;
        self.file.sync_data()
    }
}

fn open_locked(path: &Path) -> io::Result<(File, String)> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    file.lock()?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok((file, text))
}

fn parse(path: &Path, text: &str, keys: &Keys) -> Result<Parsed> {
    let mut parsed = Parsed { entries: Vec::new(), last: no_line() };
    for (at, line) in text.lines().enumerate() {
        let broken = |reason: String| Error::CustodyBroken { path: path.into(), line: at + 1, reason };
        let entry = parse_line(line, at, &parsed.last, keys).map_err(broken)?;
        parsed.last = hex(&Sha256::digest(line.as_bytes()));
        parsed.entries.push(entry);
    }
    Ok(parsed)
}

fn parse_line(text: &str, at: usize, last: &str, keys: &Keys) -> std::result::Result<CustodyEntry, String> {
    let line: Line = serde_json::from_str(text).map_err(|error| format!("it is no line of this program ({error})"))?;
    let entry = CustodyEntry::from(line);
    if entry.id.0 as usize != at + 1 || entry.previous != last {
        return Err("it does not follow from the line before".into());
    }
    if entry.text() != text || !verify(&keys.public_key(), entry.signed_text().as_bytes(), &entry.signature) {
        return Err("its signature is not of this case's key".into());
    }
    Ok(entry)
}

impl CustodyEntry {
    fn signed_text(&self) -> String {
        Self { signature: String::new(), ..self.clone() }.text()
    }

    fn text(&self) -> String {
        serde_json::to_string(&Line::from(self.clone())).expect("numbers and text have a JSON form")
    }
}

impl From<Line> for CustodyEntry {
    fn from(line: Line) -> Self {
        let Line {
            id,
            path,
            bytes,
            sha256,
            blake3,
            kind,
            format,
            source,
            timezone,
            taken_by,
            at_ms,
            copied,
            previous,
            signature,
        } = line;
        let id = EvidenceId(id);
        Self { id, path, bytes, sha256, blake3, kind, format, source, timezone, taken_by, at_ms, copied, previous, signature }
    }
}

impl From<CustodyEntry> for Line {
    fn from(entry: CustodyEntry) -> Self {
        let CustodyEntry {
            id,
            path,
            bytes,
            sha256,
            blake3,
            kind,
            format,
            source,
            timezone,
            taken_by,
            at_ms,
            copied,
            previous,
            signature,
        } = entry;
        Self {
            id: id.0,
            path,
            bytes,
            sha256,
            blake3,
            kind,
            format,
            source,
            timezone,
            taken_by,
            at_ms,
            copied,
            previous,
            signature,
        }
    }
}
