//! The receiving side of SMTP (RFC 5321) and LMTP (RFC 2033) for what comes back: bounces, reports, replies. It takes mail for
//! the addresses that its [`Inbox`] knows and says 250 only when the inbox has written it down; while it cannot, it says 4xx,
//! and the mail server that delivers keeps the message. What a message means is `bounce`'s.
//!
//! No TLS and no AUTH: it is for a mail server on the same machine or the same private network.

use std::borrow::Cow;
use std::slice::Iter;
use std::sync::Arc;
use std::time::Duration;

use smtp_proto::request::receiver::{DataReceiver, DummyDataReceiver, RequestReceiver};
use smtp_proto::{Error as ProtocolError, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// The largest message that is taken: a bounce that quotes its mail whole, or a reply with pictures.
const MESSAGE_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Recipients of one message (RFC 5321 4.5.3.1.8 asks for at least 100).
const RECIPIENTS_MAX: usize = 100;
/// Sessions at the same time: this many messages are in memory, at most.
const SESSIONS_MAX: usize = 16;
/// Commands that are not understood, or refused, before a session is ended.
const FAULTS_MAX: u32 = 20;
const IDLE: Duration = Duration::from_secs(300);

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

impl Kept {
    const fn reply(self) -> &'static str {
        match self {
            Self::Yes => "250 2.0.0 written down",
            Self::Later => "451 4.3.0 cannot be written down now, deliver it again later",
            Self::Never => "554 5.6.0 this is no message",
        }
    }
}

/// Takes mail until it is dropped.
pub async fn listen<I: Inbox>(listener: TcpListener, host: String, inbox: I) {
    let (room, host) = (Arc::new(Semaphore::new(SESSIONS_MAX)), Arc::<str>::from(host));
    loop {
        // Who waits for room waits in the listener's own queue.
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let session = Session::new(inbox.clone(), Arc::clone(&host));
                tokio::spawn(async move {
                    // A session that breaks off has not been told 250: its message comes again.
                    drop(session.run(stream).await);
                    drop(place);
                });
            }
            // Out of file handles: sessions that end give some back.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// What the session does after a step.
enum Next {
    /// Everything that came is used up.
    Read,
    Reply(String),
    ReplyAndClose(String),
    /// A message is whole.
    Take(Vec<u8>),
}

enum Phase {
    Commands,
    Data(DataReceiver, Vec<u8>),
    /// The rest of a message that is too large.
    TooLarge(DummyDataReceiver),
}

struct Session<I> {
    inbox: I,
    host: Arc<str>,
    receiver: RequestReceiver,
    phase: Phase,
    /// After LHLO each recipient gets an answer of its own.
    lmtp: bool,
    greeted: bool,
    from: bool,
    to: Vec<String>,
    faults: u32,
}

impl<I: Inbox> Session<I> {
    fn new(inbox: I, host: Arc<str>) -> Self {
        let (receiver, phase) = (RequestReceiver::default(), Phase::Commands);
        Self { inbox, host, receiver, phase, lmtp: false, greeted: false, from: false, to: Vec::new(), faults: 0 }
    }

    async fn run(mut self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        stream.write_all(format!("220 {} ESMTP and LMTP for what comes back\r\n", self.host).as_bytes()).await?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = match tokio::time::timeout(IDLE, stream.read(&mut buffer)).await {
                Ok(read) => read?,
                Err(_) => return stream.write_all(b"421 4.4.2 too long silent\r\n").await,
            };
            if read == 0 || !self.answer(&buffer[..read], &mut stream).await? {
                return Ok(());
            }
        }
    }

    /// Answers what came, commands sent together (RFC 2920) with replies sent together. False ends the session.
    async fn answer(&mut self, came: &[u8], stream: &mut TcpStream) -> std::io::Result<bool> {
        let (mut bytes, mut replies) = (came.iter(), String::new());
        loop {
            let open = match self.step(&mut bytes) {
                Next::Read => {
                    stream.write_all(replies.as_bytes()).await?;
                    return Ok(true);
                }
                Next::Reply(reply) => {
                    self.faults += u32::from(reply.starts_with('5'));
                    replies.push_str(&reply);
                    self.faults <= FAULTS_MAX
                }
                Next::Take(message) => {
                    replies.push_str(&self.take(&message).await);
                    true
                }
                Next::ReplyAndClose(reply) => {
                    replies.push_str(&reply);
                    false
                }
            };
            if !open {
                stream.write_all(replies.as_bytes()).await?;
                return Ok(false);
            }
        }
    }

    fn step(&mut self, bytes: &mut Iter<'_, u8>) -> Next {
        match &mut self.phase {
            Phase::Commands => self.command(bytes),
            Phase::Data(receiver, message) => {
                if receiver.ingest(bytes, message) {
                    let message = std::mem::take(message);
                    self.phase = Phase::Commands;
                    return if message.len() > MESSAGE_BYTES_MAX { self.too_large() } else { Next::Take(message) };
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
                self.too_large()
            }
        }
    }

    fn too_large(&mut self) -> Next {
        let answers = if self.lmtp { self.to.len() } else { 1 };
        self.reset();
        Next::Reply(format!("552 5.3.4 larger than {MESSAGE_BYTES_MAX} bytes\r\n").repeat(answers))
    }

    /// Gives the message to the inbox: to each recipient's notice. By SMTP there is one answer for all: the worst, so that
    /// what could not be written down for one comes again for all, which the inbox bears.
    async fn take(&mut self, message: &[u8]) -> String {
        let mut answers = Vec::with_capacity(self.to.len());
        for recipient in &self.to {
            answers.push(self.inbox.take(recipient, message).await);
        }
        self.reset();
        if !self.lmtp {
            let worst = [Kept::Later, Kept::Never, Kept::Yes].into_iter().find(|kept| answers.contains(kept));
            answers = worst.into_iter().collect();
        }
        answers.iter().map(|kept| format!("{}\r\n", kept.reply())).collect()
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

    fn request(&mut self, request: Request<Cow<'_, str>>) -> Next {
        match request {
            Request::Ehlo { .. } => self.hello(false),
            Request::Lhlo { .. } => self.hello(true),
            Request::Helo { .. } => {
                self.hello(false);
                Next::Reply(format!("250 {}\r\n", self.host))
            }
            Request::Mail { .. } if !self.greeted => reply("503 5.5.1 who are you?"),
            Request::Mail { from } if from.size > MESSAGE_BYTES_MAX => reply("552 5.3.4 larger than is taken here"),
            Request::Mail { .. } if self.from => reply("503 5.5.1 one message at a time"),
            Request::Mail { .. } => {
                self.from = true;
                reply("250 2.1.0 ok")
            }
            Request::Rcpt { to } => self.recipient(to.address.into_owned()),
            Request::Data if self.to.is_empty() => reply("503 5.5.1 to whom?"),
            Request::Data => {
                self.phase = Phase::Data(DataReceiver::new(), Vec::new());
                reply("354 go ahead")
            }
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

    fn hello(&mut self, lmtp: bool) -> Next {
        self.reset();
        (self.lmtp, self.greeted) = (lmtp, true);
        let says = ["PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"].map(|word| format!("250-{word}\r\n")).concat();
        Next::Reply(format!("250-{}\r\n{says}250 SIZE {MESSAGE_BYTES_MAX}\r\n", self.host))
    }

    fn recipient(&mut self, address: String) -> Next {
        if !self.from {
            return reply("503 5.5.1 who sends it?");
        }
        if self.to.len() >= RECIPIENTS_MAX {
            return reply("452 4.5.3 too many recipients");
        }
        if !self.inbox.knows(&address) {
            return reply("550 5.1.1 not an address of ours");
        }
        self.to.push(address);
        reply("250 2.1.5 ok")
    }

    fn reset(&mut self) {
        (self.phase, self.from) = (Phase::Commands, false);
        self.to.clear();
    }
}

fn reply(text: &str) -> Next {
    Next::Reply(format!("{text}\r\n"))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::{Inbox, Kept, MESSAGE_BYTES_MAX, listen};

    /// Keeps what comes in memory, and is away for `later@`.
    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<(String, usize)>>>);

    impl Inbox for Memory {
        fn knows(&self, recipient: &str) -> bool {
            recipient.ends_with("@ours.example")
        }

        async fn take(&self, recipient: &str, message: &[u8]) -> Kept {
            if recipient.starts_with("later") {
                return Kept::Later;
            }
            self.0.lock().unwrap().push((recipient.to_owned(), message.len()));
            Kept::Yes
        }
    }

    /// What is answered to `said`, codes alone, and what was kept.
    async fn talk(said: &str) -> (Vec<String>, Vec<(String, usize)>) {
        let inbox = Memory::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(listen(listener, "ours.example".into(), inbox.clone()));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(said.replace('\n', "\r\n").as_bytes()).await.unwrap();
        let mut answers = String::new();
        // The listener may have closed first: what it said is there all the same.
        drop(stream.read_to_string(&mut answers).await);
        task.abort();
        let kept = inbox.0.lock().unwrap().clone();
        let codes = answers.lines().filter(|line| line.as_bytes().get(3) == Some(&b' '));
        (codes.map(|line| line[..3].to_owned()).collect(), kept)
    }

    async fn check(said: &str, codes: &[&str], kept: &[(&str, usize)]) {
        let (answered, found) = talk(said).await;
        let found: Vec<(&str, usize)> = found.iter().map(|(to, size)| (to.as_str(), *size)).collect();
        assert_eq!(
            (answered.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), found.as_slice()),
            (codes, kept),
            "{said}"
        );
    }

    #[tokio::test]
    async fn one_answer_by_smtp_and_one_for_each_recipient_by_lmtp() {
        let mail = "MAIL FROM:<>\nRCPT TO:<a@ours.example>\nRCPT TO:<later@ours.example>\nDATA\n";
        let codes = ["220", "250", "250", "250", "250", "354"];
        let smtp = format!("EHLO x\n{mail}hello\n.\nQUIT\n");
        check(&smtp, &[&codes[..], &["451", "221"]].concat(), &[("a@ours.example", 7)]).await;
        let lmtp = format!("LHLO x\n{mail}hello\n.\nQUIT\n");
        check(&lmtp, &[&codes[..], &["250", "451", "221"]].concat(), &[("a@ours.example", 7)]).await;
    }

    #[tokio::test]
    async fn nobody_else_gets_mail_here_and_nothing_is_relayed() {
        let said = "LHLO x\nMAIL FROM:<a@b.example>\nRCPT TO:<c@b.example>\nDATA\nQUIT\n";
        check(said, &["220", "250", "250", "550", "503", "221"], &[]).await;
        check("MAIL FROM:<>\nQUIT\n", &["220", "503", "221"], &[]).await;
    }

    #[tokio::test]
    async fn junk_and_size_are_harmless() {
        let junk = "\u{1}\u{2}\n".repeat(30);
        let (codes, kept) = talk(&format!("EHLO x\n{junk}QUIT\n")).await;
        assert!(codes.len() < 25 && kept.is_empty(), "{codes:?}");
        let large = "x".repeat(998) + "\n";
        let said = format!(
            "LHLO x\nMAIL FROM:<>\nRCPT TO:<a@ours.example>\nDATA\n{}.\nMAIL FROM:<>\nRCPT TO:<a@ours.example>\nDATA\nsmall\n.\nQUIT\n",
            large.repeat(MESSAGE_BYTES_MAX / 998)
        );
        check(&said, &["220", "250", "250", "250", "354", "552", "250", "250", "354", "250", "221"], &[("a@ours.example", 7)])
            .await;
        // A dot of the message's own, and a command in it, are words.
        let said = "LHLO x\nMAIL FROM:<>\nRCPT TO:<a@ours.example>\nDATA\nx\n..\nRCPT TO:<b@ours.example>\n.\nQUIT\n";
        check(said, &["220", "250", "250", "250", "354", "250", "221"], &[("a@ours.example", 32)]).await;
    }
}
