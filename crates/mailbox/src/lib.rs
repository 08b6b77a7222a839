//! A make-believe mailbox: takes every mail by SMTP, keeps it, and shows it on a page.
//!
//! It is for the demo, for rehearsals and for tests; it delivers nothing to anybody.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// How the mailbox misbehaves, for tests. The default behaves.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Wait this long before each reply.
    pub slow: Option<Duration>,
    /// Answer RCPT for this address with 550.
    pub refuse: Option<String>,
    /// Answer this many RCPT commands with 451 before behaving.
    pub busy: u64,
    /// Close the connection at this many DATA commands, before asking for the message.
    pub close_before_data: u64,
    /// Close the connection after this many final dots, without a reply. The message is kept.
    pub close_after_dot: u64,
}

/// A mailbox to be started.
#[derive(Clone, Debug)]
pub struct Mailbox {
    /// Where mail comes in; port 0 picks a free one.
    pub smtp: SocketAddr,
    /// Where the page is; port 0 picks a free one.
    pub http: SocketAddr,
    /// Where messages are kept; a temporary file where none is given.
    pub dir: Option<PathBuf>,
    /// Misbehaviour.
    pub faults: Faults,
}

/// What failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address could not be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The spool file could not be opened, read or written.
    #[error("{path} cannot be used to keep messages")]
    Spool {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// A message that arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// Envelope sender.
    pub from: String,
    /// Envelope recipient.
    pub to: String,
    /// The message as sent (RFC 5322).
    pub raw: Vec<u8>,
}

/// A mailbox that runs until it is dropped.
#[derive(Debug)]
pub struct Running {
    /// Where mail comes in.
    pub smtp: SocketAddr,
    /// Where the page is.
    pub http: SocketAddr,
}

impl Running {
    /// Messages taken so far.
    pub fn count(&self) -> u64 {
        0
    }

    /// Every message, oldest first.
    pub fn messages(&self) -> Result<Vec<Received>, Error> {
        Ok(Vec::new())
    }
}

impl Mailbox {
    /// A well-behaved mailbox at these addresses.
    pub fn new(smtp: SocketAddr, http: SocketAddr) -> Self {
        Self { smtp, http, dir: None, faults: Faults::default() }
    }

    /// Starts it.
    pub async fn start(self) -> Result<Running, Error> {
        Ok(Running { smtp: self.smtp, http: self.http })
    }
}

/// Runs a well-behaved mailbox until the task is dropped.
pub async fn serve(smtp: SocketAddr, http: SocketAddr, dir: Option<PathBuf>) -> Result<(), Error> {
    let _running = Mailbox { dir, ..Mailbox::new(smtp, http) }.start().await?;
    std::future::pending().await
}
