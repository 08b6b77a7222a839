//! Taking evidence in: every file that the case file names is hashed and entered in the custody manifest, once.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use kintsugi_case::{CaseFile, EvidenceSpec, FileRule, RuleSpec};
use kintsugi_vault::Keys;
use sha2::{Digest, Sha256};

use crate::custody::{CustodyEntry, EvidenceKind, Manifest, copy_path, no_line};
use crate::open::hex;
use crate::{Error, Result, log, query, snapshot};

/// Bytes hashed between two reports of progress.
const STEP_BYTES: usize = 1 << 20;

/// What [`collect`] found.
#[derive(Clone, Debug)]
pub struct Collected {
    /// The whole manifest, in its order.
    pub files: Vec<CustodyEntry>,
    /// Files taken in now.
    pub new: usize,
    /// Files that were in custody and have not changed.
    pub unchanged: usize,
}

/// How far a long operation is.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// The file in hand.
    pub path: &'a str,
    /// Bytes done of all files.
    pub bytes_done: u64,
    /// Bytes of all files.
    pub bytes_total: u64,
}

/// A file that the case file names.
#[derive(Debug)]
struct Named {
    path: PathBuf,
    /// As it goes into the manifest.
    name: String,
    kind: EvidenceKind,
    source: String,
    /// As the case file has it.
    format: String,
    /// The zone of times that carry none: the file's own, or the case's.
    timezone: Option<String>,
    copy: bool,
}

/// Takes in every snapshot file and every file that an `[[evidence]]` pattern matches. Doing it again changes nothing and
/// takes in what is new; a file that changed is [`Error::Changed`], and a pattern without a file [`Error::NoFile`].
/// A file that was copied may be gone from where it lay.
pub fn collect(
    case_dir: &Path,
    case: &CaseFile,
    keys: &Keys,
    who: &str,
    now_ms: i64,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Collected> {
    let mut manifest = Manifest::open(case_dir, keys)?;
    let named = named_files(case_dir, case, &manifest.entries)?;
    let digests = hash_all(&named, progress)?;
    let known = unchanged(&manifest.entries, &named, &digests)?;
    let taken = manifest.entries.len();
    for (file, digest) in named.iter().zip(&digests) {
        if !known.contains(file.name.as_str()) {
            take_in(case_dir, &mut manifest, keys, file, digest, (who, now_ms))?;
        }
    }
    Ok(Collected { new: manifest.entries.len() - taken, unchanged: known.len(), files: manifest.entries })
}

/// The names of those that are in custody as they are; a digest that differs from the manifest's is an error.
fn unchanged<'a>(entries: &[CustodyEntry], named: &'a [Named], digests: &[Hashed]) -> Result<HashSet<&'a str>> {
    let taken: HashMap<&str, &str> = entries.iter().map(|entry| (entry.path.as_str(), entry.sha256.as_str())).collect();
    let mut known = HashSet::new();
    for (file, hashed) in named.iter().zip(digests) {
        match taken.get(file.name.as_str()) {
            None => continue,
            Some(&sha256) if sha256 == hashed.sha256 => known.insert(file.name.as_str()),
            Some(&sha256) => {
                let (path, now) = (PathBuf::from(&file.name), format!("SHA-256 {}", hashed.sha256));
                return Err(Error::Changed { path, taken: format!("SHA-256 {sha256}"), now });
            }
        };
    }
    Ok(known)
}

/// Everything the case file names: snapshots in its order, then evidence in its order, each file once.
fn named_files(case_dir: &Path, case: &CaseFile, taken: &[CustodyEntry]) -> Result<Vec<Named>> {
    let mut named = Vec::new();
    for source in &case.sources {
        let files = snapshot::files(case_dir, source)?;
        named.extend(files.into_iter().map(|path| Named {
            name: manifest_name(case_dir, &path),
            path,
            kind: EvidenceKind::Snapshot,
            source: source.name.clone(),
            format: "auto".into(),
            timezone: None,
            copy: false,
        }));
    }
    for spec in &case.evidence {
        let files = matching(case_dir, &spec.path);
        if files.is_empty() && !taken.iter().any(|entry| entry.copied && glob_fits(&spec.path, &entry.path)) {
            return Err(Error::NoFile { pattern: spec.path.clone() });
        }
        named.extend(files.into_iter().map(|path| evidence_file(case_dir, case, spec, path)));
    }
    for rule in found_rules(case) {
        let files = matching(case_dir, &rule.evidence);
        if files.is_empty() {
            return Err(Error::NoFile { pattern: rule.evidence.clone() });
        }
        named.extend(files.into_iter().map(|path| Named {
            name: manifest_name(case_dir, &path),
            path,
            kind: EvidenceKind::Found,
            source: rule.source.clone(),
            format: "auto".into(),
            timezone: None,
            copy: false,
        }));
    }
    let mut seen = HashSet::new();
    named.retain(|file| seen.insert(file.name.clone()));
    Ok(named)
}

fn evidence_file(case_dir: &Path, case: &CaseFile, spec: &EvidenceSpec, path: PathBuf) -> Named {
    let (kind, format, source) = (EvidenceKind::Log, spec.format.clone(), spec.source.clone());
    let zone = spec.timezone.as_ref().unwrap_or(&case.case.timezone);
    let timezone = zone.iana_name().map(str::to_owned);
    Named { name: manifest_name(case_dir, &path), path, kind, source, format, timezone, copy: spec.copy }
}

fn found_rules(case: &CaseFile) -> impl Iterator<Item = &FileRule> {
    case.rules.iter().filter_map(|rule| if let RuleSpec::File(rule) = rule { Some(rule) } else { None })
}

/// Whether a pattern of the case file names a file of the custody manifest.
pub fn is_named_by(entry: &CustodyEntry, pattern: &str) -> bool {
    entry.path == pattern || glob_fits(pattern, &entry.path)
}

fn glob_fits(pattern: &str, path: &str) -> bool {
    glob::Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(path))
}

/// The files that a pattern of the case file matches, sorted by path.
pub(crate) fn matching(case_dir: &Path, pattern: &str) -> Vec<PathBuf> {
    let folder = glob::Pattern::escape(&case_dir.to_string_lossy());
    let full = if Path::new(pattern).is_absolute() { pattern.to_owned() } else { format!("{folder}/{pattern}") };
    let found = glob::glob(&full).into_iter().flatten().flatten();
    found.filter(|path| path.is_file()).collect()
}

/// The path as it goes into the manifest: relative to the case folder where it lies in it.
pub(crate) fn manifest_name(case_dir: &Path, path: &Path) -> String {
    path.strip_prefix(case_dir).unwrap_or(path).to_string_lossy().into_owned()
}

fn take_in(
    case_dir: &Path,
    manifest: &mut Manifest,
    keys: &Keys,
    file: &Named,
    hashed: &Hashed,
    (who, now_ms): (&str, i64),
) -> Result<()> {
    let (kind, format) = kind_and_format(file)?;
    if file.copy {
        copy_encrypted(&file.path, &copy_path(case_dir, manifest.next_id()), keys, hashed)?;
    }
    let entry = CustodyEntry {
        id: manifest.next_id(),
        path: file.name.clone(),
        bytes: hashed.bytes,
        sha256: hashed.sha256.clone(),
        blake3: Some(hashed.blake3.clone()),
        kind,
        format,
        source: file.source.clone(),
        timezone: file.timezone.clone(),
        taken_by: who.to_owned(),
        at_ms: now_ms,
        copied: file.copy,
        previous: no_line(),
        signature: String::new(),
    };
    manifest.append(entry, keys)
}

/// What a file is by its content, where the case file does not say.
fn kind_and_format(file: &Named) -> Result<(EvidenceKind, String)> {
    if file.kind == EvidenceKind::Snapshot {
        return Ok((EvidenceKind::Snapshot, snapshot::format_of(&file.path)));
    }
    if file.kind == EvidenceKind::Found {
        return Ok((EvidenceKind::Found, "told by its content".to_owned()));
    }
    if let Some(format) = query::format_of(&file.path, &file.name, &file.format)? {
        return Ok((EvidenceKind::QueryLog, format));
    }
    Ok((EvidenceKind::Log, log::format_of(&file.path, &file.name, &file.format)?))
}

/// Copies a file into the case, encrypted, and makes sure that what was copied is what was hashed.
fn copy_encrypted(from: &Path, to: &Path, keys: &Keys, hashed: &Hashed) -> Result<()> {
    let unreadable = |source| Error::Read { path: from.into(), source };
    let mut input = Hashing { input: File::open(from).map_err(unreadable)?, hasher: Sha256::new() };
    let mut output = BufWriter::new(create_private(to).map_err(unreadable)?);
    keys.encrypt_evidence(&mut input, &mut output).map_err(|source| Error::Copy { path: from.into(), source })?;
    output.flush().and_then(|()| output.get_ref().sync_all()).map_err(unreadable)?;
    let now = hex(&input.hasher.finalize());
    if now == hashed.sha256 {
        return Ok(());
    }
    Err(Error::Changed { path: from.into(), taken: format!("SHA-256 {}", hashed.sha256), now: format!("SHA-256 {now}") })
}

fn create_private(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

struct Hashing {
    input: File,
    hasher: Sha256,
}

impl Read for Hashing {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let bytes = self.input.read(out)?;
        self.hasher.update(&out[..bytes]);
        Ok(bytes)
    }
}

/// Digests and length of a file.
#[derive(Clone, Debug, Default)]
struct Hashed {
    sha256: String,
    blake3: String,
    bytes: u64,
}

/// What a hashing thread tells: the file's place in the list, and bytes done or the end.
enum Told {
    Bytes(usize, u64),
    Done(usize, io::Result<Hashed>),
}

/// Hashes all files, as many at a time as there are cores, and gives their digests in the order of the list.
fn hash_all(named: &[Named], progress: &mut dyn FnMut(Progress<'_>)) -> Result<Vec<Hashed>> {
    let bytes_total = named.iter().map(|file| fs::metadata(&file.path).map_or(0, |meta| meta.len())).sum();
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(named.len());
    let next = AtomicUsize::new(0);
    let (tell, told) = channel();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (tell, next) = (tell.clone(), &next);
            scope.spawn(move || hash_some(named, next, &tell));
        }
        drop(tell);
        gather(named, &told, bytes_total, progress)
    })
}

fn hash_some(named: &[Named], next: &AtomicUsize, tell: &Sender<Told>) {
    while let Some((at, file)) = Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, named.get(at)?))) {
        let hashed = hash_file(&file.path, &mut |bytes| tell.send(Told::Bytes(at, bytes)).is_ok());
        if tell.send(Told::Done(at, hashed)).is_err() {
            return;
        }
    }
}

fn gather(
    named: &[Named],
    told: &Receiver<Told>,
    bytes_total: u64,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Vec<Hashed>> {
    let mut digests = vec![Hashed::default(); named.len()];
    let mut bytes_done = 0;
    for message in told {
        match message {
            Told::Bytes(at, bytes) => {
                bytes_done += bytes;
                progress(Progress { path: &named[at].name, bytes_done, bytes_total });
            }
            Told::Done(at, Ok(hashed)) => digests[at] = hashed,
            Told::Done(at, Err(source)) => return Err(Error::Read { path: PathBuf::from(&named[at].name), source }),
        }
    }
    Ok(digests)
}

/// `step` is told how many bytes were done since, and says whether anybody still wants to know.
fn hash_file(path: &Path, step: &mut dyn FnMut(u64) -> bool) -> io::Result<Hashed> {
    let mut input = File::open(path)?;
    let (mut sha256, mut blake3) = (Sha256::new(), blake3::Hasher::new());
    let mut block = vec![0; STEP_BYTES];
    let mut total = 0;
    loop {
        let bytes = input.read(&mut block)?;
        sha256.update(&block[..bytes]);
        blake3.update(&block[..bytes]);
        total += bytes as u64;
        if bytes == 0 || !step(bytes as u64) {
            let (sha256, blake3) = (hex(&sha256.finalize()), hex(blake3.finalize().as_bytes()));
            return Ok(Hashed { sha256, blake3, bytes: total });
        }
    }
}
