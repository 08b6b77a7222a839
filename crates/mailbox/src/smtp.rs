//! The receiving side of SMTP (RFC 5321) with PIPELINING, 8BITMIME, SMTPUTF8 and SIZE: takes everything, relays nothing.

use std::slice::Iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use smtp_proto::request::receiver::{DataReceiver, DummyDataReceiver, RequestReceiver};
use smtp_proto::{Error as ProtocolError, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::Faults;
use crate::spool::Spool;

/// The largest message that is taken.
const MESSAGE_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Recipients of one message (RFC 5321 4.5.3.1.8 asks for at least 100).
const RECIPIENTS_MAX: usize = 100;
const IDLE: Duration = Duration::from_secs(300);
const GREETING: &str = "220 mailbox.localhost ESMTP make-believe mailbox, nothing leaves it\r\n";
const HELLO: &str =
    "250-mailbox.localhost\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE 10485760\r\n";

/// The misbehaviour that is left, shared by all sessions.
#[derive(Debug)]
pub(crate) struct Mischief {
    slow: Option<Duration>,
    refuse: Option<String>,
    busy: AtomicU64,
    close_before_data: AtomicU64,
    close_after_dot: AtomicU64,
}

impl Mischief {
    pub(crate) fn new(faults: Faults) -> Self {
        Self {
            slow: faults.slow,
            refuse: faults.refuse.map(|address| address.to_lowercase()),
            busy: AtomicU64::new(faults.busy),
            close_before_data: AtomicU64::new(faults.close_before_data),
            close_after_dot: AtomicU64::new(faults.close_after_dot),
        }
    }
}

/// Whether one is left of `counter`; takes it.
fn takes_one(counter: &AtomicU64) -> bool {
    counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}

/// Takes sessions until it is dropped.
pub(crate) async fn listen(listener: TcpListener, spool: Arc<Spool>, mischief: Arc<Mischief>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let session = Session::new(spool.clone(), mischief.clone());
                tokio::spawn(async move {
                    if let Err(error) = session.run(stream).await {
                        tracing::debug!(%error, "a mail session broke off");
                    }
                });
            }
            Err(error) => {
                // Out of file handles: sessions that end give some back.
                tracing::warn!(%error, "a mail session could not begin");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// What the session does after a step.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// Everything that came is used up.
    Read,
    Reply(String),
    ReplyAndClose(String),
    Close,
}

enum Phase {
    Commands,
    Data(DataReceiver, Vec<u8>),
    /// The rest of a message that is too large.
    TooLarge(DummyDataReceiver),
}

struct Session {
    spool: Arc<Spool>,
    mischief: Arc<Mischief>,
    receiver: RequestReceiver,
    phase: Phase,
    from: Option<String>,
    to: Vec<String>,
}

impl Session {
    fn new(spool: Arc<Spool>, mischief: Arc<Mischief>) -> Self {
        Self { spool, mischief, receiver: RequestReceiver::default(), phase: Phase::Commands, from: None, to: Vec::new() }
    }

    async fn run(mut self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        self.send(&mut stream, GREETING).await?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = match tokio::time::timeout(IDLE, stream.read(&mut buffer)).await {
                Ok(read) => read?,
                Err(_) => return self.send(&mut stream, "421 4.4.2 too long silent\r\n").await,
            };
            if read == 0 || !self.answer(&buffer[..read], &mut stream).await? {
                return Ok(());
            }
        }
    }

    /// Answers what came, commands sent together (RFC 2920) with replies sent together. False ends the session.
    async fn answer(&mut self, came: &[u8], stream: &mut TcpStream) -> std::io::Result<bool> {
        let mut bytes = came.iter();
        let mut replies = String::new();
        loop {
            match self.step(&mut bytes) {
                Next::Read => {
                    stream.write_all(replies.as_bytes()).await?;
                    return Ok(true);
                }
                Next::Reply(reply) if self.mischief.slow.is_some() => self.send(stream, &reply).await?,
                Next::Reply(reply) => replies.push_str(&reply),
                Next::ReplyAndClose(reply) => {
                    replies.push_str(&reply);
                    self.send(stream, &replies).await?;
                    return Ok(false);
                }
                Next::Close => {
                    stream.write_all(replies.as_bytes()).await?;
                    return Ok(false);
                }
            }
        }
    }

    async fn send(&self, stream: &mut TcpStream, text: &str) -> std::io::Result<()> {
        if let Some(slow) = self.mischief.slow {
            tokio::time::sleep(slow).await;
        }
        stream.write_all(text.as_bytes()).await
    }

    fn step(&mut self, bytes: &mut Iter<'_, u8>) -> Next {
        match &mut self.phase {
            Phase::Commands => self.command(bytes),
            Phase::Data(receiver, message) => {
                let whole = receiver.ingest(bytes, message);
                if whole {
                    return self.message_came();
                }
                if message.len() > MESSAGE_BYTES_MAX {
                    self.phase = Phase::TooLarge(DummyDataReceiver::new_data(receiver));
                }
                Next::Read
            }
            Phase::TooLarge(rest) => {
                if !rest.ingest(bytes) {
                    return Next::Read;
                }
                self.reset();
                reply("552 5.3.4 larger than 10485760 bytes")
            }
        }
    }

    fn command(&mut self, bytes: &mut Iter<'_, u8>) -> Next {
        // The receiver lends its own bytes to the request: it must not be borrowed while the session changes.
        let mut receiver = std::mem::take(&mut self.receiver);
        let next = match receiver.ingest(bytes) {
            Ok(request) => self.request(request),
            Err(ProtocolError::NeedsMoreData { .. }) => Next::Read,
            Err(ProtocolError::UnknownCommand) => reply("500 5.5.1 not a command"),
            Err(ProtocolError::ResponseTooLong) => Next::ReplyAndClose("500 5.5.6 line too long\r\n".to_owned()),
            Err(_) => reply("501 5.5.4 not understood"),
        };
        self.receiver = receiver;
        next
    }

    fn request(&mut self, request: Request<std::borrow::Cow<'_, str>>) -> Next {
        match request {
            Request::Ehlo { .. } => {
                self.reset();
                Next::Reply(HELLO.to_owned())
            }
            Request::Helo { .. } => {
                self.reset();
                reply("250 mailbox.localhost")
            }
            Request::Mail { from } if from.size > MESSAGE_BYTES_MAX => reply("552 5.3.4 larger than 10485760 bytes"),
            Request::Mail { .. } if self.from.is_some() => reply("503 5.5.1 one message at a time"),
            Request::Mail { from } => {
                self.from = Some(from.address.into_owned());
                reply("250 2.1.0 ok")
            }
            Request::Rcpt { to } => self.recipient(to.address.into_owned()),
            Request::Data => self.data(),
            Request::Rset => {
                self.reset();
                reply("250 2.0.0 ok")
            }
            Request::Noop { .. } => reply("250 2.0.0 ok"),
            Request::Quit => Next::ReplyAndClose("221 2.0.0 bye\r\n".to_owned()),
            Request::Vrfy { .. } => reply("252 2.1.5 send it and see"),
            _ => reply("502 5.5.1 not here"),
        }
    }

    fn recipient(&mut self, address: String) -> Next {
        if self.from.is_none() {
            return reply("503 5.5.1 who sends it?");
        }
        if takes_one(&self.mischief.busy) {
            return reply("451 4.3.0 busy, come back later");
        }
        if self.mischief.refuse.as_deref() == Some(address.to_lowercase().as_str()) {
            return reply("550 5.1.1 no such person");
        }
        if self.to.len() >= RECIPIENTS_MAX {
            return reply("452 4.5.3 too many recipients");
        }
        self.to.push(address);
        reply("250 2.1.5 ok")
    }

    fn data(&mut self) -> Next {
        if self.to.is_empty() {
            return reply("503 5.5.1 to whom?");
        }
        if takes_one(&self.mischief.close_before_data) {
            return Next::Close;
        }
        self.phase = Phase::Data(DataReceiver::new(), Vec::new());
        reply("354 go ahead")
    }

    fn message_came(&mut self) -> Next {
        let Phase::Data(_, message) = std::mem::replace(&mut self.phase, Phase::Commands) else { return Next::Read };
        let from = self.from.take().unwrap_or_default();
        let (to, at_ms) = (std::mem::take(&mut self.to), now_ms());
        let kept = to.iter().try_for_each(|to| self.spool.keep(&from, to, at_ms, &message));
        if takes_one(&self.mischief.close_after_dot) {
            return Next::Close;
        }
        match kept {
            Ok(()) => Next::Reply(format!("250 2.0.0 kept as {}\r\n", self.spool.count())),
            Err(error) => {
                tracing::error!(error = %error, "a message could not be kept");
                reply("452 4.3.1 cannot keep it")
            }
        }
    }

    fn reset(&mut self) {
        (self.phase, self.from) = (Phase::Commands, None);
        self.to.clear();
    }
}

fn reply(text: &str) -> Next {
    Next::Reply(format!("{text}\r\n"))
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
