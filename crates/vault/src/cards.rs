//! `cards.sealed`: the card numbers of a case, the only file that holds any, in chunks sealed under the case key.
//!
//! Layout: a magic line; chunks of (length: u32 little-endian, sealed bytes); a last chunk that holds the number of
//! entries, so that a cut file is seen. A chunk's place is part of its seal: chunks cannot be swapped, dropped or taken
//! from elsewhere. The file appears under its name only when it is complete.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use kintsugi_case::Pan;
use zeroize::{Zeroize, Zeroizing};

use crate::{Error, Keys, Result};

const FILE: &str = "cards.sealed";
const MAGIC: &[u8] = b"kintsugi-cards-1\n";
/// Plain bytes of a chunk; one entry more may go over.
const CHUNK_BYTES: usize = 64 * 1024;
/// No chunk that this program wrote is longer; a changed length must not make us allocate gigabytes.
const SEALED_BYTES_MAX: usize = 2 * CHUNK_BYTES;

/// Writes the card numbers of a case. Dropped without [`CardVaultWriter::finish`], it leaves an older file as it was.
pub struct CardVaultWriter {
    keys: Keys,
    path: PathBuf,
    out: BufWriter<File>,
    chunk: Zeroizing<Vec<u8>>,
    chunks: u64,
    entries: u64,
}

impl CardVaultWriter {
    /// Starts a new file in the vault's folder; the finished file will replace an older one.
    pub fn create(dir: &Path, keys: &Keys) -> Result<Self> {
        let path = dir.join(FILE);
        let out = start(&path).map_err(|source| Error::WriteCards { path: path.clone(), source })?;
        // Twice the chunk, so that the buffer never grows and leaves an unwiped copy behind.
        let chunk = Zeroizing::new(Vec::with_capacity(SEALED_BYTES_MAX));
        Ok(Self { keys: keys.clone(), path, out, chunk, chunks: 0, entries: 0 })
    }

    /// Puts one card in. `expiry` is kept as the shop wrote it, at most 255 bytes of it.
    pub fn put(&mut self, token: &str, pan: &Pan, expiry: &str) -> Result<()> {
        for part in [token, pan.expose(), expiry] {
            let part = &part.as_bytes()[..part.floor_char_boundary(255)];
            self.chunk.push(part.len() as u8);
            self.chunk.extend_from_slice(part);
        }
        self.entries += 1;
        if self.chunk.len() >= CHUNK_BYTES { self.flush() } else { Ok(()) }
    }

    /// Completes the file. Returns how many cards it holds.
    pub fn finish(mut self) -> Result<u64> {
        self.flush()?;
        let count = self.entries.to_le_bytes();
        self.write_chunk(&end_context(self.chunks), &count)
            .and_then(|()| self.out.flush())
            .and_then(|()| self.out.get_ref().sync_all())
            .and_then(|()| fs::rename(unfinished(&self.path), &self.path))
            .map_err(|source| self.failed(source))?;
        Ok(self.entries)
    }

    fn flush(&mut self) -> Result<()> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let plain = std::mem::replace(&mut self.chunk, Zeroizing::new(Vec::with_capacity(SEALED_BYTES_MAX)));
        self.write_chunk(&chunk_context(self.chunks), &plain).map_err(|source| self.failed(source))?;
        self.chunks += 1;
        Ok(())
    }

    fn write_chunk(&mut self, context: &str, plain: &[u8]) -> io::Result<()> {
        let sealed = self.keys.seal(context, plain);
        self.out.write_all(&(sealed.len() as u32).to_le_bytes())?;
        self.out.write_all(&sealed)
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::WriteCards { path: self.path.clone(), source }
    }
}

/// The card numbers of a case, for reading.
pub struct CardVault {
    keys: Keys,
    path: PathBuf,
}

impl CardVault {
    /// Opens the file that [`CardVaultWriter`] finished.
    pub fn open(dir: &Path, keys: &Keys) -> Result<Self> {
        let path = dir.join(FILE);
        match fs::metadata(&path) {
            Ok(_) => Ok(Self { keys: keys.clone(), path }),
            Err(source) => Err(Error::ReadCards { path, source }),
        }
    }

    /// Hands every card (token, number, expiry) over, in the order in which they were put in. Returns how many there were.
    pub fn for_each(&self, mut each: impl FnMut(&str, &Pan, &str)) -> Result<u64> {
        let failed = |source| Error::ReadCards { path: self.path.clone(), source };
        let mut input = BufReader::new(File::open(&self.path).map_err(failed)?);
        check_magic(&mut input).map_err(failed)?;
        let (mut chunks, mut entries) = (0, 0);
        loop {
            let sealed = read_chunk(&mut input).map_err(failed)?;
            if let Ok(plain) = self.keys.unseal(&chunk_context(chunks), &sealed) {
                entries += hand_over(&Zeroizing::new(plain), &mut each).ok_or(Error::Unseal)?;
                chunks += 1;
            } else {
                let count = self.keys.unseal(&end_context(chunks), &sealed)?;
                return if count == u64::to_le_bytes(entries) { Ok(entries) } else { Err(Error::Unseal) };
            }
        }
    }
}

fn start(path: &Path) -> io::Result<BufWriter<File>> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(unfinished(path))?;
    let mut out = BufWriter::with_capacity(1 << 18, file);
    out.write_all(MAGIC)?;
    Ok(out)
}

fn unfinished(path: &Path) -> PathBuf {
    path.with_extension("unfinished")
}

fn chunk_context(number: u64) -> String {
    format!("vault.cards.{number}")
}

fn end_context(number: u64) -> String {
    format!("vault.cards.{number}.end")
}

fn check_magic(input: &mut impl Read) -> io::Result<()> {
    let mut magic = [0; MAGIC.len()];
    input.read_exact(&mut magic)?;
    if magic == *MAGIC { Ok(()) } else { Err(io::Error::new(io::ErrorKind::InvalidData, "not a sealed card file")) }
}

fn read_chunk(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > SEALED_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a chunk of the sealed card file is too long"));
    }
    let mut sealed = vec![0; length];
    input.read_exact(&mut sealed)?;
    Ok(sealed)
}

/// How many entries the chunk holds; `None` where it is not what [`CardVaultWriter::put`] writes.
fn hand_over(mut chunk: &[u8], each: &mut impl FnMut(&str, &Pan, &str)) -> Option<u64> {
    let mut entries = 0;
    while !chunk.is_empty() {
        let (token, number, expiry) = (part(&mut chunk)?, part(&mut chunk)?, part(&mut chunk)?);
        let mut pan = Pan::parse(number).ok()?;
        each(token, &pan, expiry);
        pan.zeroize();
        entries += 1;
    }
    Some(entries)
}

fn part<'a>(chunk: &mut &'a [u8]) -> Option<&'a str> {
    let (&length, rest) = chunk.split_first()?;
    let (part, rest) = rest.split_at_checked(usize::from(length))?;
    *chunk = rest;
    std::str::from_utf8(part).ok()
}
