//! Where messages are kept: one file that only grows, and a small index of it in memory (some 100 bytes a message).
//!
//! Each message is a line `MAIL at_ms bytes from to` followed by its bytes and a line end. What a crash cut off at the end
//! is dropped when the file is opened again.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{Error, Received};

const FILE: &str = "mailbox.spool";
/// The longest header line: two addresses of 254 characters and two numbers fit well.
const HEADER_BYTES_MAX: u64 = 2000;

/// Keeps messages.
#[derive(Debug)]
pub(crate) struct Spool {
    path: PathBuf,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    kept: Kept,
    end: u64,
    entries: Vec<Entry>,
    /// The latest message to each address, in lower case.
    latest: HashMap<Box<str>, u32>,
}

#[derive(Debug)]
enum Kept {
    File(File),
    /// Where no folder was given: gone with the process.
    Memory(Vec<u8>),
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    offset: u64,
    header: u32,
    bytes: u32,
    at_ms: i64,
    /// The message before this one to the same address.
    previous: Option<u32>,
}

/// A message with its number and when it came.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// From 0, in the order of arrival.
    pub(crate) number: u32,
    pub(crate) at_ms: i64,
    pub(crate) received: Received,
}

impl Spool {
    /// Opens the spool in `dir`, or one in memory.
    pub(crate) fn open(dir: Option<&Path>) -> Result<Self, Error> {
        let Some(dir) = dir else {
            let inner = Inner { kept: Kept::Memory(Vec::new()), end: 0, entries: Vec::new(), latest: HashMap::new() };
            return Ok(Self { path: PathBuf::from("memory"), inner: Mutex::new(inner) });
        };
        let path = dir.join(FILE);
        let inner = Inner::read(&path).map_err(|source| Error::Spool { path: path.clone(), source })?;
        Ok(Self { path, inner: Mutex::new(inner) })
    }

    /// Keeps one message for one recipient.
    pub(crate) fn keep(&self, from: &str, to: &str, at_ms: i64, raw: &[u8]) -> Result<(), Error> {
        self.lock().keep(from, to, at_ms, raw).map_err(|source| self.error(source))
    }

    pub(crate) fn count(&self) -> u64 {
        self.lock().entries.len() as u64
    }

    /// The message with this number.
    pub(crate) fn message(&self, number: u32) -> Result<Option<Message>, Error> {
        self.lock().message(number).map_err(|source| self.error(source))
    }

    /// The newest messages before number `before`, newest first.
    pub(crate) fn newest(&self, before: Option<u32>, count: u32) -> Result<Vec<Message>, Error> {
        let inner = self.lock();
        let end = before.unwrap_or(u32::MAX).min(inner.entries.len() as u32);
        (end.saturating_sub(count)..end)
            .rev()
            .filter_map(|number| inner.message(number).transpose())
            .collect::<io::Result<_>>()
            .map_err(|source| self.error(source))
    }

    /// Messages to addresses that contain `text`, newest first, at most `count`.
    pub(crate) fn find(&self, text: &str, count: usize) -> Result<Vec<Message>, Error> {
        let inner = self.lock();
        let mut numbers = inner.numbers_to(&text.trim().to_lowercase(), count);
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        numbers.truncate(count);
        numbers
            .into_iter()
            .filter_map(|number| inner.message(number).transpose())
            .collect::<io::Result<_>>()
            .map_err(|source| self.error(source))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, source: io::Error) -> Error {
        Error::Spool { path: self.path.clone(), source }
    }
}

impl Inner {
    /// Reads the headers of an earlier run and drops what was cut off.
    fn read(path: &Path) -> io::Result<Self> {
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir)?;
        }
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let whole = file.metadata()?.len();
        let mut inner = Self { kept: Kept::File(file.try_clone()?), end: 0, entries: Vec::new(), latest: HashMap::new() };
        let mut reader = BufReader::new(&file);
        while let Some(header) = next_header(&mut reader)? {
            let size = header.text.len() as u64 + u64::from(header.bytes) + 1;
            if inner.end + size > whole {
                break;
            }
            inner.enter(header.to(), header.text.len() as u32, header.bytes, header.at_ms);
            inner.end += size;
            reader.seek(SeekFrom::Start(inner.end))?;
        }
        file.set_len(inner.end)?;
        Ok(inner)
    }

    fn keep(&mut self, from: &str, to: &str, at_ms: i64, raw: &[u8]) -> io::Result<()> {
        let header = format!("MAIL {at_ms} {} {} {}\n", raw.len(), word(from), word(to));
        let mut record = Vec::with_capacity(header.len() + raw.len() + 1);
        record.extend_from_slice(header.as_bytes());
        record.extend_from_slice(raw);
        record.push(b'\n');
        match &mut self.kept {
            Kept::File(file) => file.write_all_at(&record, self.end)?,
            Kept::Memory(bytes) => bytes.extend_from_slice(&record),
        }
        self.enter(to, header.len() as u32, raw.len() as u32, at_ms);
        self.end += record.len() as u64;
        Ok(())
    }

    fn enter(&mut self, to: &str, header: u32, bytes: u32, at_ms: i64) {
        let number = self.entries.len() as u32;
        let previous = self.latest.insert(to.to_lowercase().into_boxed_str(), number);
        self.entries.push(Entry { offset: self.end, header, bytes, at_ms, previous });
    }

    fn message(&self, number: u32) -> io::Result<Option<Message>> {
        let Some(entry) = self.entries.get(number as usize) else { return Ok(None) };
        let size = (entry.header + entry.bytes) as usize;
        let mut record = vec![0; size];
        match &self.kept {
            Kept::File(file) => file.read_exact_at(&mut record, entry.offset)?,
            Kept::Memory(bytes) => record.copy_from_slice(&bytes[entry.offset as usize..][..size]),
        }
        let raw = record.split_off(entry.header as usize);
        let header = String::from_utf8_lossy(&record);
        let mut words = header.trim_end().split(' ').skip(3).map(str::to_owned);
        let (from, to) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        Ok(Some(Message { number, at_ms: entry.at_ms, received: Received { from, to, raw } }))
    }

    /// Up to `count` numbers for each address that contains `text`; the address itself alone, where it is one.
    fn numbers_to(&self, text: &str, count: usize) -> Vec<u32> {
        let chain = |last: u32| {
            std::iter::successors(Some(last), |&number| self.entries.get(number as usize).and_then(|entry| entry.previous))
                .take(count)
        };
        match self.latest.get(text) {
            Some(&last) => chain(last).collect(),
            None => self.latest.iter().filter(|(to, _)| to.contains(text)).flat_map(|(_, &last)| chain(last)).collect(),
        }
    }
}

struct Header {
    text: String,
    at_ms: i64,
    bytes: u32,
}

impl Header {
    fn to(&self) -> &str {
        self.text.trim_end().rsplit(' ').next().unwrap_or_default()
    }
}

/// The next header, or nothing where the file ends or goes on with something else.
fn next_header(reader: &mut impl BufRead) -> io::Result<Option<Header>> {
    let mut line = Vec::new();
    reader.take(HEADER_BYTES_MAX).read_until(b'\n', &mut line)?;
    let Ok(text) = String::from_utf8(line) else { return Ok(None) };
    let words: Vec<&str> = text.trim_end().split(' ').collect();
    let (["MAIL", at_ms, bytes, _, _], true) = (words.as_slice(), text.ends_with('\n')) else { return Ok(None) };
    let (Ok(at_ms), Ok(bytes)) = (at_ms.parse(), bytes.parse()) else { return Ok(None) };
    Ok(Some(Header { at_ms, bytes, text }))
}

/// An address without blanks, so that it is one word of a header; the empty sender (RFC 5321 4.5.5) as `<>`.
fn word(address: &str) -> String {
    if address.is_empty() {
        return "<>".to_owned();
    }
    address.chars().map(|c| if c.is_whitespace() || c.is_control() { '?' } else { c }).take(500).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::{FILE, Spool};

    fn recipients(spool: &Spool, text: &str) -> Vec<(u32, String)> {
        spool.find(text, 10).unwrap().into_iter().map(|found| (found.number, found.received.to)).collect()
    }

    #[test]
    fn finds_messages_by_address_newest_first() {
        let spool = Spool::open(None).unwrap();
        for (to, text) in [("Hanako@example.jp", "one"), ("taro@example.jp", "two"), ("hanako@example.jp", "three")] {
            spool.keep("desk@example.com", to, 7, text.as_bytes()).unwrap();
        }
        assert_eq!(recipients(&spool, "HANAKO@example.jp"), [(2, "hanako@example.jp".into()), (0, "Hanako@example.jp".into())]);
        assert_eq!(recipients(&spool, "taro").len(), 1);
        assert_eq!(recipients(&spool, "nobody"), []);
        let newest = spool.newest(None, 2).unwrap();
        assert_eq!(newest.iter().map(|message| message.number).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(newest[0].received.raw, b"three");
        assert_eq!(spool.newest(Some(1), 5).unwrap().len(), 1);
    }

    #[test]
    fn keeps_messages_across_runs_and_drops_what_was_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::open(Some(dir.path())).unwrap();
        spool.keep("", "taro@example.jp", 5, b"MAIL 1 2 looks like a header\r\n").unwrap();
        spool.keep("a@example.com", "taro@example.jp", 6, b"second").unwrap();
        drop(spool);
        let mut file = std::fs::OpenOptions::new().append(true).open(dir.path().join(FILE)).unwrap();
        file.write_all(b"MAIL 7 1000 a@example.com b@example.com\nonly a few").unwrap();
        let spool = Spool::open(Some(dir.path())).unwrap();
        assert_eq!(spool.count(), 2);
        spool.keep("a@example.com", "jiro@example.jp", 8, b"third").unwrap();
        assert_eq!(Spool::open(Some(dir.path())).unwrap().message(2).unwrap().unwrap().received.raw, b"third");
        assert_eq!(recipients(&spool, "taro@example.jp").len(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_on_the_machine_reads_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        Spool::open(Some(dir.path())).unwrap();
        let mode = std::fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
