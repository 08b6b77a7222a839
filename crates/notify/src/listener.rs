//! The receiving side of SMTP (RFC 5321) and LMTP (RFC 2033) for what comes back: bounces, reports, replies. It takes mail for
//! the addresses that its [`Inbox`] knows and says 250 only when the inbox has written it down; while it cannot, it says 4xx,
//! and the mail server that delivers keeps the message.
//!
//! Here: who is let in, how long they may stay, and TLS. What is said in a session is `receiving`'s, what a message means
//! `bounce`'s. There is no AUTH: whoever may deliver here is known by the network.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use crate::ListenTls;
use crate::receiving::{Next, Receiving};

/// Where messages go.
pub trait Inbox: Clone + Send + Sync + 'static {
    /// Whether mail for this address belongs here.
    fn knows(&self, recipient: &str) -> bool;

    /// Writes down what a message to this address says. Called again with the same message after [`Kept::Later`].
    fn take(&self, recipient: &str, message: &[u8]) -> impl Future<Output = Kept> + Send;
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is written down.
    Yes,
    /// It cannot be written down now: it must be delivered again later.
    Later,
    /// It is no message at all.
    Never,
}

/// What the listener gives to whoever connects, at most.
#[derive(Clone, Copy, Debug)]
pub struct ListenLimits {
    /// Sessions at the same time: so many messages are in memory. Postfix opens 20 to one destination.
    pub sessions: usize,
    /// Bytes of a message: a bounce that quotes its mail whole, or a reply with pictures. Announced as SIZE (RFC 1870).
    pub message_bytes: usize,
    /// Bytes of a command's line. RFC 5321 4.5.3.1.4 asks for 512, parameters add to that. Lines of a message have no limit of
    /// their own: nothing here holds one, and what a broken mailer reports is worth having.
    pub line_bytes: usize,
    /// Recipients of one message (RFC 5321 4.5.3.1.8 asks for at least 100).
    pub recipients: usize,
    /// Commands in one session.
    pub commands: u32,
    /// Of these, those that are refused or not understood.
    pub faults: u32,
    /// Silence (RFC 5321 4.5.3.2.7: five minutes).
    pub idle: Duration,
    /// Silence while no place is left for others: Postfix calls it stress, and waits as long. And an answer that nobody reads.
    pub idle_when_full: Duration,
    /// A session, whatever is said in it.
    pub session: Duration,
    /// From STARTTLS to the end of the handshake.
    pub handshake: Duration,
}

impl Default for ListenLimits {
    fn default() -> Self {
        Self {
            sessions: 20,
            message_bytes: 10 * 1024 * 1024,
            line_bytes: 2048,
            recipients: 100,
            commands: 2000,
            faults: 20,
            idle: Duration::from_secs(300),
            idle_when_full: Duration::from_secs(10),
            session: Duration::from_secs(1800),
            handshake: Duration::from_secs(30),
        }
    }
}

/// How a listener speaks.
#[derive(Clone)]
pub struct ListenOptions {
    /// Its name in the greeting.
    pub host: String,
    /// What it gives at most.
    pub limits: ListenLimits,
    /// Offered as STARTTLS; none: sessions are in clear.
    pub tls: Option<ListenTls>,
    /// Whether mail is taken only after STARTTLS.
    pub tls_required: bool,
}

impl ListenOptions {
    /// With the usual limits, in clear.
    pub fn new(host: String) -> Self {
        Self { host, limits: ListenLimits::default(), tls: None, tls_required: false }
    }
}

/// Takes mail until it is dropped. Who finds no place is told to come again.
pub async fn listen<I: Inbox>(listener: TcpListener, options: ListenOptions, inbox: I) {
    let (room, options) = (Arc::new(Semaphore::new(options.limits.sessions)), Arc::new(options));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file handles: sessions that end give some back.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
            // Its buffer is empty, and it does not block: this waits for nobody.
            if let Ok(mut stream) = stream.into_std() {
                let _ = std::io::Write::write(&mut stream, b"421 4.3.2 no session is free, come again\r\n");
            }
            continue;
        };
        let guest = Guest { inbox: inbox.clone(), options: Arc::clone(&options), room: Arc::clone(&room) };
        tokio::spawn(async move {
            // A session that breaks off has not been told 250: its message comes again.
            drop(guest.serve(stream).await);
            drop(place);
        });
    }
}

/// How a conversation ended.
enum Ended {
    Closed,
    /// TLS is to begin.
    StartTls,
}

/// One connection.
struct Guest<I> {
    inbox: I,
    options: Arc<ListenOptions>,
    room: Arc<Semaphore>,
}

impl<I: Inbox> Guest<I> {
    async fn serve(self, mut stream: TcpStream) -> std::io::Result<()> {
        let (options, until) = (&self.options, Instant::now() + self.options.limits.session);
        stream.set_nodelay(true)?;
        let mut receiving = Receiving::new(self.inbox.clone(), Arc::clone(options));
        let greeting = format!("220 {} ESMTP and LMTP for what comes back\r\n", options.host);
        self.say(&mut stream, &greeting).await?;
        let ended = self.converse(&mut receiving, &mut stream, until).await?;
        let (Ended::StartTls, Some(tls)) = (ended, &options.tls) else { return Ok(()) };
        let mut stream = timeout(options.limits.handshake, tls.acceptor().accept(stream)).await??;
        receiving.secured();
        self.converse(&mut receiving, &mut stream, until).await?;
        self.within(stream.shutdown()).await
    }

    async fn converse<S>(&self, receiving: &mut Receiving<I>, stream: &mut S, until: Instant) -> std::io::Result<Ended>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let Some(read) = self.read(stream, &mut buffer, until).await? else {
                self.say(stream, "421 4.4.2 too long silent, or here\r\n").await?;
                return Ok(Ended::Closed);
            };
            if read == 0 {
                return Ok(Ended::Closed);
            }
            if let Some(ended) = self.answer(receiving, &buffer[..read], stream).await? {
                return Ok(ended);
            }
        }
    }

    /// Reads what comes; none where nothing came for too long. Who is silent gives way when others find no place.
    async fn read<S: AsyncRead + Unpin>(
        &self,
        stream: &mut S,
        buffer: &mut [u8],
        until: Instant,
    ) -> std::io::Result<Option<usize>> {
        let (limits, began) = (&self.options.limits, Instant::now());
        loop {
            let step = limits.idle_when_full.min(until.saturating_duration_since(Instant::now()));
            if let Ok(read) = timeout(step, stream.read(buffer)).await {
                return read.map(Some);
            }
            let patience = if self.room.available_permits() == 0 { limits.idle_when_full } else { limits.idle };
            if began.elapsed() >= patience || Instant::now() >= until {
                return Ok(None);
            }
        }
    }

    /// Answers what came, commands sent together (RFC 2920) with replies sent together. None: more may come.
    async fn answer<S>(&self, receiving: &mut Receiving<I>, came: &[u8], stream: &mut S) -> std::io::Result<Option<Ended>>
    where
        S: AsyncWrite + Unpin,
    {
        let (mut bytes, mut replies) = (came.iter(), String::new());
        let ended = loop {
            match receiving.step(&mut bytes) {
                Next::Read => break None,
                Next::Reply(reply) => replies.push_str(&reply),
                Next::Take(message) => replies.push_str(&receiving.take(&message).await),
                Next::ReplyAndClose(reply) => {
                    replies.push_str(&reply);
                    break Some(Ended::Closed);
                }
                // What follows in clear was put there by somebody in between (CVE-2011-0411): it is no part of the session.
                Next::StartTls if bytes.len() > 0 => {
                    replies.push_str("554 5.5.1 nothing may follow STARTTLS before TLS\r\n");
                    break Some(Ended::Closed);
                }
                Next::StartTls => {
                    replies.push_str("220 2.0.0 begin\r\n");
                    break Some(Ended::StartTls);
                }
            }
        };
        self.say(stream, &replies).await?;
        Ok(ended)
    }

    /// Whoever does not read the answers is as good as silent.
    async fn say<S: AsyncWrite + Unpin>(&self, stream: &mut S, words: &str) -> std::io::Result<()> {
        self.within(async {
            stream.write_all(words.as_bytes()).await?;
            stream.flush().await
        })
        .await
    }

    async fn within(&self, work: impl Future<Output = std::io::Result<()>>) -> std::io::Result<()> {
        timeout(self.options.limits.idle_when_full, work).await?
    }
}
