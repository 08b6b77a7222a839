//! A make-believe mailbox: takes every mail by SMTP, keeps it, and shows it on a page.
//!
//! It is for the demo, for rehearsals and for tests; it delivers nothing to anybody. `smtp.rs` takes messages,
//! `spool.rs` keeps them, `page.rs` shows them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

mod page;
mod smtp;
mod spool;

use smtp::Mischief;
use spool::Spool;

/// How the mailbox misbehaves, for tests. The default behaves.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Wait this long before each reply.
    pub slow: Option<Duration>,
    /// Answer RCPT for this address with 550.
    pub refuse: Option<String>,
    /// Answer this many RCPT commands with 451 before behaving.
    pub busy: u64,
    /// At this many DATA commands, close the connection before asking for the message.
    pub close_before_data: u64,
    /// After this many final dots, close the connection without a reply. The message is kept.
    pub close_after_dot: u64,
}

/// A mailbox to be started.
#[derive(Clone, Debug)]
pub struct Mailbox {
    /// Where mail comes in; port 0 picks a free one.
    pub smtp: SocketAddr,
    /// Where the page is; port 0 picks a free one.
    pub http: SocketAddr,
    /// The folder where messages are kept; in memory where none is given.
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

/// A message that arrived, for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Envelope sender; `<>` for none.
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
    spool: Arc<Spool>,
    tasks: [JoinHandle<()>; 2],
}

impl Running {
    /// Messages taken so far, one for each recipient.
    pub fn count(&self) -> u64 {
        self.spool.count()
    }

    /// Every message, oldest first.
    pub fn messages(&self) -> Result<Vec<Received>, Error> {
        let mut newest_first = self.spool.newest(None, u32::MAX)?;
        newest_first.reverse();
        Ok(newest_first.into_iter().map(|message| message.received).collect())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Mailbox {
    /// A well-behaved mailbox at these addresses.
    pub fn new(smtp: SocketAddr, http: SocketAddr) -> Self {
        Self { smtp, http, dir: None, faults: Faults::default() }
    }

    /// A mailbox for a test: free ports of the loopback interface, messages in memory.
    pub fn for_test(faults: Faults) -> Self {
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        Self { faults, ..Self::new(anywhere, anywhere) }
    }

    /// Starts it.
    pub async fn start(self) -> Result<Running, Error> {
        let spool = Arc::new(Spool::open(self.dir.as_deref())?);
        let (smtp_listener, smtp) = listen(self.smtp).await?;
        let (http_listener, http) = listen(self.http).await?;
        let mail = tokio::spawn(smtp::listen(smtp_listener, spool.clone(), Arc::new(Mischief::new(self.faults))));
        let pages = tokio::spawn(page::listen(http_listener, spool.clone()));
        Ok(Running { smtp, http, spool, tasks: [mail, pages] })
    }
}

/// Runs a well-behaved mailbox until the task is dropped.
pub async fn serve(smtp: SocketAddr, http: SocketAddr, dir: Option<PathBuf>) -> Result<(), Error> {
    let _running = Mailbox { dir, ..Mailbox::new(smtp, http) }.start().await?;
    std::future::pending().await
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let listener = TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })?;
    let bound = listener.local_addr().map_err(|source| Error::Listen { address, source })?;
    Ok((listener, bound))
}
