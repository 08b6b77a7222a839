//! Opening evidence for reading: the file or its encrypted copy, read once from front to end, its digest computed on the
//! way by a thread of its own, decompressed by what its first bytes say. The digest is the BLAKE3 that was taken together with
//! the SHA-256 (docs/decisions/0009), or the SHA-256 where the manifest has nothing else.
//!
//! The digest is known only at the end, so the rule is: read, [`Opened::finish`], and only then believe what was read.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use flate2::bufread::MultiGzDecoder;
use kintsugi_vault::Keys;
use sha2::{Digest, Sha256};

use crate::custody::{CustodyEntry, copy_path};
use crate::{Error, Result};

/// Bytes of a block on its way from the reading thread.
const BLOCK_BYTES: usize = 1024 * 1024;
/// Blocks that may wait: with the one in hand on either side, 5 MiB a file. Larger blocks wake the other thread less often: of
/// 256 KiB ones that cost a tenth of the time.
const BLOCKS_WAITING_MAX: usize = 3;

/// A file to be read, and what is known of it.
#[derive(Clone, Debug)]
pub(crate) struct EvidenceFile {
    /// Where the bytes are: the file, or its encrypted copy.
    pub(crate) path: PathBuf,
    /// The path as in the custody manifest, for people.
    pub(crate) name: String,
    /// The keys that open the encrypted copy; `None` where the bytes are those of the file itself.
    copy_keys: Option<Keys>,
    /// The digest that it must have; `None` for a look before it is taken in.
    taken: Option<Taken>,
}

/// The digest of a file as it was taken in, lower-case hex.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Taken {
    Sha256(String),
    Blake3(String),
}

impl Taken {
    fn of(entry: &CustodyEntry) -> Self {
        match &entry.blake3 {
            Some(digest) => Self::Blake3(digest.clone()),
            None => Self::Sha256(entry.sha256.clone()),
        }
    }

    fn hasher(&self) -> Hasher {
        match self {
            Self::Sha256(_) => Hasher::Sha256(Box::default()),
            Self::Blake3(_) => Hasher::Blake3(Box::default()),
        }
    }

    /// As people read it.
    fn text(&self) -> String {
        match self {
            Self::Sha256(digest) => format!("SHA-256 {digest}"),
            Self::Blake3(digest) => format!("BLAKE3 {digest}"),
        }
    }
}

/// A digest being computed.
enum Hasher {
    /// Nobody will ask.
    None,
    Sha256(Box<Sha256>),
    Blake3(Box<blake3::Hasher>),
}

impl Hasher {
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::None => {}
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Blake3(hasher) => drop(hasher.update(bytes)),
        }
    }

    fn finish(self) -> Option<Taken> {
        match self {
            Self::None => None,
            Self::Sha256(hasher) => Some(Taken::Sha256(hex(&hasher.finalize()))),
            Self::Blake3(hasher) => Some(Taken::Blake3(hex(hasher.finalize().as_bytes()))),
        }
    }
}

impl EvidenceFile {
    /// A file in custody. A file whose length differs is refused at once.
    pub(crate) fn in_custody(case_dir: &Path, entry: &CustodyEntry, keys: &Keys) -> Result<Self> {
        let path = if entry.copied { copy_path(case_dir, entry.id) } else { case_dir.join(&entry.path) };
        let copy_keys = entry.copied.then(|| keys.clone());
        let file = Self { path, name: entry.path.clone(), copy_keys, taken: Some(Taken::of(entry)) };
        let bytes = fs::metadata(&file.path).map_err(|source| file.unreadable(source))?.len();
        if !entry.copied && bytes != entry.bytes {
            return Err(file.changed(format!("another one ({bytes} bytes where there were {})", entry.bytes)));
        }
        Ok(file)
    }

    /// A file in custody of which only the beginning is wanted: its digest is not checked.
    pub(crate) fn glanced_at(case_dir: &Path, entry: &CustodyEntry, keys: &Keys) -> Self {
        let path = if entry.copied { copy_path(case_dir, entry.id) } else { case_dir.join(&entry.path) };
        Self { path, name: entry.path.clone(), copy_keys: entry.copied.then(|| keys.clone()), taken: None }
    }

    /// A file that nobody vouches for yet.
    pub(crate) fn unchecked(path: PathBuf, name: String) -> Self {
        Self { path, name, copy_keys: None, taken: None }
    }

    /// Whether the bytes lie in a plain file that a library may open by path.
    pub(crate) fn is_plain_file(&self) -> bool {
        self.copy_keys.is_none()
    }

    pub(crate) fn unreadable(&self, source: io::Error) -> Error {
        Error::Read { path: PathBuf::from(&self.name), source }
    }

    fn changed(&self, now: String) -> Error {
        let taken = self.taken.as_ref().map(Taken::text).unwrap_or_default();
        Error::Changed { path: PathBuf::from(&self.name), taken, now }
    }

    /// Starts reading, decompressed.
    pub(crate) fn open(&self) -> Result<Opened> {
        let (raw, worker) = self.start()?;
        let reader = decompressed(raw).map_err(|source| self.unreadable(source))?;
        Ok(Opened { reader, seal: Seal { file: self.clone(), worker } })
    }

    /// The same, as if only its first `bytes` bytes were there.
    pub(crate) fn open_first(&self, bytes: u64) -> Result<Opened> {
        let (raw, worker) = self.start()?;
        let reader = decompressed(raw.take(bytes)).map_err(|source| self.unreadable(source))?;
        Ok(Opened { reader, seal: Seal { file: self.clone(), worker } })
    }

    /// Reads all of it for its digest alone.
    pub(crate) fn verify(&self) -> Result<()> {
        let (raw, worker) = self.start()?;
        drop(raw);
        Seal { file: self.clone(), worker }.check()
    }

    fn start(&self) -> Result<(Raw, Worker)> {
        let file = File::open(&self.path).map_err(|source| self.unreadable(source))?;
        let (sender, blocks) = sync_channel(BLOCKS_WAITING_MAX);
        let (back, spent) = channel();
        let (keys, hasher) = (self.copy_keys.clone(), self.taken.as_ref().map_or(Hasher::None, Taken::hasher));
        let worker = std::thread::spawn(move || match keys {
            None => send_all(file, sender, &spent, hasher),
            Some(keys) => send_all(keys.decrypt_evidence(file).map_err(io::Error::other)?, sender, &spent, hasher),
        });
        Ok((Raw { blocks, back, block: Vec::new(), at: 0 }, worker))
    }
}

/// A file being read.
pub(crate) struct Opened {
    pub(crate) reader: Box<dyn BufRead>,
    pub(crate) seal: Seal,
}

impl Opened {
    /// Reads what is left for the digest and says whether the file is what was taken in.
    pub(crate) fn finish(self) -> Result<()> {
        // The reading thread may be waiting to hand over a block: without a reader it goes on by itself.
        drop(self.reader);
        self.seal.check()
    }
}

/// What is left to do once a file was read: see whether it is what was taken in.
pub(crate) struct Seal {
    file: EvidenceFile,
    worker: Worker,
}

/// The reading thread: gives the digest, if somebody will ask for it.
type Worker = JoinHandle<io::Result<Option<Taken>>>;

impl Seal {
    /// Waits for the digest. The reader must be gone by now: the reading thread may be waiting to hand a block over.
    pub(crate) fn check(self) -> Result<()> {
        let read = self.worker.join().unwrap_or_else(|_| Err(io::Error::other("the reading thread failed")));
        let now = read.map_err(|source| self.file.unreadable(source))?;
        match now {
            Some(now) if self.file.taken.as_ref() != Some(&now) => Err(self.file.changed(now.text())),
            _ => Ok(()),
        }
    }
}

/// Reads and hashes to the end, also when nobody listens any more, unless nobody will ask for the digest.
/// Blocks that come back are filled again: memory that was never used costs more to get than to read a file into.
fn send_all(
    mut input: impl Read,
    sender: SyncSender<Vec<u8>>,
    spent: &Receiver<Vec<u8>>,
    mut hasher: Hasher,
) -> io::Result<Option<Taken>> {
    let to_the_end = !matches!(hasher, Hasher::None);
    let mut sender = Some(sender);
    let mut spare = Vec::new();
    while sender.is_some() || to_the_end {
        let mut block = spent.try_recv().unwrap_or_else(|_| std::mem::take(&mut spare));
        fill(&mut block, &mut input)?;
        if block.is_empty() {
            break;
        }
        hasher.update(&block);
        let unsent = match &sender {
            Some(sender) => sender.send(block).err().map(|unsent| unsent.0),
            None => Some(block),
        };
        if let Some(block) = unsent {
            (sender, spare) = (None, block);
        }
    }
    Ok(hasher.finish())
}

/// Fills a block as far as the input goes; empty at its end.
fn fill(block: &mut Vec<u8>, input: &mut impl Read) -> io::Result<()> {
    block.resize(BLOCK_BYTES, 0);
    let mut filled = 0;
    while filled < BLOCK_BYTES {
        match input.read(&mut block[filled..]) {
            Ok(0) => break,
            Ok(bytes) => filled += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    block.truncate(filled);
    Ok(())
}

/// A digest as it is written everywhere: lower-case hex.
pub(crate) fn hex(digest: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(digest)
}

/// The bytes as they lie, block by block. Ends early where reading failed; [`Seal::check`] then says so.
struct Raw {
    blocks: Receiver<Vec<u8>>,
    /// Where blocks go that were read.
    back: Sender<Vec<u8>>,
    block: Vec<u8>,
    at: usize,
}

impl BufRead for Raw {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at >= self.block.len() {
            let next = self.blocks.recv().unwrap_or_default();
            let spent = std::mem::replace(&mut self.block, next);
            self.at = 0;
            if !spent.is_empty() {
                // The reading thread may be at its end and want no more.
                let _ = self.back.send(spent);
            }
        }
        Ok(&self.block[self.at..])
    }

    fn consume(&mut self, bytes: usize) {
        self.at += bytes;
    }
}

impl Read for Raw {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let bytes = self.fill_buf()?.read(out)?;
        self.consume(bytes);
        Ok(bytes)
    }
}

fn decompressed(mut raw: impl BufRead + 'static) -> io::Result<Box<dyn BufRead>> {
    Ok(match Compression::of(raw.fill_buf()?) {
        Compression::None => Box::new(raw),
        Compression::Gzip => Box::new(BufReader::with_capacity(BLOCK_BYTES, MultiGzDecoder::new(raw))),
        Compression::Zstd => Box::new(BufReader::with_capacity(BLOCK_BYTES, zstd::Decoder::with_buffer(raw)?)),
    })
}

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Compression {
    /// By the first bytes (RFC 1952 2.3.1, RFC 8878 3.1.1 and 3.1.2), never by the name.
    pub(crate) fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::None,
        }
    }
}
