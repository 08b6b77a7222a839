//! The web server's log: requests in the order of time, in nginx's combined format, rotated each Sunday.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};

use crate::calendar::{ROTATIONS, civil};
use crate::page::Answer;
use crate::{Error, write_error};

/// A request as the server answered it.
#[derive(Clone, Debug)]
pub(crate) struct Hit {
    /// When it was answered, milliseconds since 1970 UTC.
    pub(crate) at_ms: i64,
    pub(crate) client: Ipv4Addr,
    pub(crate) method: &'static str,
    /// Path and query; the whole request line where `method` is empty.
    pub(crate) target: String,
    pub(crate) answer: Answer,
    pub(crate) referer: &'static str,
    pub(crate) agent: &'static str,
}

/// Writes the log.
pub(crate) struct WebLog {
    folder: PathBuf,
    /// Rotations that have happened.
    rotated: usize,
    out: Out,
    path: PathBuf,
    /// The second that was written last, and how it is written.
    second: i64,
    stamp: String,
    lines: u64,
}

enum Out {
    Plain(BufWriter<File>),
    Gzip(Box<GzEncoder<BufWriter<File>>>),
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(out) => out.write(bytes),
            Self::Gzip(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Plain(out) => out.flush(),
            Self::Gzip(out) => out.try_finish().and_then(|()| out.get_mut().flush()),
        }
    }
}

impl WebLog {
    pub(crate) fn create(folder: &Path) -> Result<Self, Error> {
        let (path, out) = open(folder, 0)?;
        Ok(Self { folder: folder.to_owned(), rotated: 0, out, path, second: -1, stamp: String::new(), lines: 0 })
    }

    /// Writes a line. Hits come in the order of time.
    pub(crate) fn write(&mut self, hit: &Hit) -> Result<(), Error> {
        let second = hit.at_ms.div_euclid(1000);
        while ROTATIONS.get(self.rotated).is_some_and(|&at| second >= at) {
            self.rotate()?;
        }
        if second != self.second {
            self.second = second;
            self.stamp = civil(second).strftime("%d/%b/%Y:%H:%M:%S +0900").to_string();
        }
        self.lines += 1;
        let Hit { client, answer: Answer { status, bytes }, referer, agent, target, method, .. } = hit;
        let stamp = &self.stamp;
        if method.is_empty() {
            writeln!(self.out, "{client} - - [{stamp}] \"{target}\" {status} {bytes} \"{referer}\" \"{agent}\"")
        } else {
            writeln!(self.out, "{client} - - [{stamp}] \"{method} {target} HTTP/1.1\" {status} {bytes} \"{referer}\" \"{agent}\"")
        }
        .map_err(write_error(&self.path))
    }

    /// Ends the log and says how many lines it has.
    pub(crate) fn finish(mut self) -> Result<u64, Error> {
        while self.rotated < ROTATIONS.len() {
            self.rotate()?;
        }
        self.out.flush().map_err(write_error(&self.path))?;
        Ok(self.lines)
    }

    fn rotate(&mut self) -> Result<(), Error> {
        self.out.flush().map_err(write_error(&self.path))?;
        self.rotated += 1;
        (self.path, self.out) = open(&self.folder, self.rotated)?;
        Ok(())
    }
}

/// The oldest file has the highest number; the newest has none and is not compressed yet.
fn open(folder: &Path, rotated: usize) -> Result<(PathBuf, Out), Error> {
    let age = ROTATIONS.len() - rotated;
    let path = folder.join(if age == 0 { "access.log".to_owned() } else { format!("access.log.{age}.gz") });
    let file = BufWriter::with_capacity(1 << 18, File::create(&path).map_err(write_error(&path))?);
    let out =
        if age == 0 { Out::Plain(file) } else { Out::Gzip(Box::new(GzBuilder::new().mtime(0).write(file, Compression::fast()))) };
    Ok((path, out))
}
