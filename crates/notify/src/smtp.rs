//! One SMTP session (RFC 5321), spoken so that it is always known how far a mail got: MAIL, RCPT and DATA go out
//! together where the server takes them so (RFC 2920), and between the last byte of the message and the final dot the
//! session looks whether the server is still there. Before that dot nothing was handed over; after it, only an answer counts.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kintsugi_case::Private;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::Mail;
use crate::sender::{Outcome, Security, Server, Timeouts};

/// A reply line longer than this is no reply (RFC 5321 allows 512).
const REPLY_LINE_BYTES_MAX: u64 = 4096;
/// A reply with more lines than this is no reply.
const REPLY_LINES_MAX: usize = 64;
/// What is kept of a server's words.
const REPLY_KEPT_CHARS: usize = 200;

/// User and password of the mail server: from the environment or a file, never from the case file.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// User.
    pub user: String,
    /// Password.
    pub password: Private<String>,
}

/// Why credentials cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// One of user and password is there, the other is not.
    #[error("{0} is not set, its counterpart is")]
    Half(&'static str),
    /// The file named by a `_FILE` variable cannot be read.
    #[error("cannot read {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Credentials {
    /// Takes `KINTSUGI_SMTP_USER` and `KINTSUGI_SMTP_PASSWORD` (or the same with `_FILE`: a file that holds the value)
    /// out of an environment; `None` where neither is there.
    pub fn from_env(get: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, CredentialsError> {
        let user = value(&get, "KINTSUGI_SMTP_USER")?;
        let password = value(&get, "KINTSUGI_SMTP_PASSWORD")?;
        match (user, password) {
            (Some(user), Some(password)) => Ok(Some(Self { user, password: Private::new(password) })),
            (None, None) => Ok(None),
            (None, Some(_)) => Err(CredentialsError::Half("KINTSUGI_SMTP_USER")),
            (Some(_), None) => Err(CredentialsError::Half("KINTSUGI_SMTP_PASSWORD")),
        }
    }
}

fn value(get: &impl Fn(&str) -> Option<String>, name: &str) -> Result<Option<String>, CredentialsError> {
    if let Some(value) = get(name).filter(|value| !value.is_empty()) {
        return Ok(Some(value));
    }
    let Some(path) = get(&format!("{name}_FILE")).filter(|path| !path.is_empty()).map(PathBuf::from) else {
        return Ok(None);
    };
    let text = std::fs::read_to_string(&path).map_err(|source| CredentialsError::File { path, source })?;
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Why a session could not be opened, or broke before anything was handed over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error("{phase}: {source}")]
    Io { phase: &'static str, source: io::Error },
    #[error("{phase}: no answer in time")]
    Late { phase: &'static str },
    #[error("{phase}: the server closed the session")]
    Closed { phase: &'static str },
    #[error("{phase}: the server said {reply}")]
    Said { phase: &'static str, reply: String },
    #[error("{phase}: what the server said is no SMTP reply")]
    NoReply { phase: &'static str },
    #[error("the server offers no STARTTLS, and nothing is sent without it")]
    NoTls,
    #[error("a password is not sent over a session without TLS")]
    PasswordInClear,
}

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A server's answer.
struct Reply {
    code: u16,
    text: String,
}

impl Reply {
    const fn is_good(&self) -> bool {
        self.code >= 200 && self.code < 300
    }

    /// The answer as it is kept: the recipient's address left out, cut to a line.
    fn kept(&self, recipient: &str) -> String {
        let text = if recipient.is_empty() { self.text.clone() } else { self.text.replace(recipient, "recipient") };
        format!("{} {}", self.code, text.chars().filter(|c| !c.is_control()).take(REPLY_KEPT_CHARS).collect::<String>())
    }

    /// What it means where nothing was handed over: 5xx is for good, anything else may be tried again.
    fn refusal(&self, phase: &str, recipient: &str) -> Outcome {
        let reply = format!("{phase}: {}", self.kept(recipient));
        if self.code >= 500 { Outcome::Refused { reply } } else { Outcome::NotSent { why: reply } }
    }
}

/// An open session.
pub(crate) struct Session {
    stream: BufReader<Box<dyn Duplex>>,
    timeouts: Timeouts,
    pipelining: bool,
    secure: bool,
    /// A transaction was begun and not ended: RSET comes first.
    begun: bool,
    /// Whether another mail can follow.
    usable: bool,
    /// Mails that were tried on it.
    pub(crate) tried: u64,
}

impl Session {
    /// Opens a session: TCP, TLS as the address demands, greeting, EHLO, AUTH.
    pub(crate) async fn open(
        server: &Server,
        tls: &Arc<rustls::ClientConfig>,
        credentials: Option<&Credentials>,
        hello: &str,
        timeouts: Timeouts,
    ) -> Result<Self, Broken> {
        let connect = TcpStream::connect((server.host.as_str(), server.port));
        let tcp = in_time("connect", timeouts.connect, connect).await?;
        // Small writes wait for nothing: the final dot is one.
        tcp.set_nodelay(true).map_err(|source| Broken::Io { phase: "connect", source })?;
        let mut session = if server.security == Security::Implicit {
            let stream = handshake(tcp, server, tls, timeouts).await?;
            Self::new(stream, timeouts, true)
        } else {
            Self::new(Box::new(tcp), timeouts, false)
        };
        session.expect("greeting").await?;
        let mut offers = session.hello(hello).await?;
        if server.security == Security::StartTls {
            session = session.start_tls(&offers, server, tls).await?;
            offers = session.hello(hello).await?;
        }
        session.pipelining = offers.iter().any(|line| line.eq_ignore_ascii_case("PIPELINING"));
        if let Some(credentials) = credentials {
            session.authenticate(&offers, credentials, server.is_loopback()).await?;
        }
        Ok(session)
    }

    fn new(stream: Box<dyn Duplex>, timeouts: Timeouts, secure: bool) -> Self {
        let stream = BufReader::new(stream);
        Self { stream, timeouts, pipelining: false, secure, begun: false, usable: true, tried: 0 }
    }

    /// Whether another mail can follow on it.
    pub(crate) const fn is_usable(&self) -> bool {
        self.usable
    }

    /// Ends the session politely; whether the server answers does not matter any more.
    pub(crate) async fn quit(mut self) {
        let _ = timeout(self.timeouts.connect, self.stream.write_all(b"QUIT\r\n")).await;
    }

    async fn hello(&mut self, name: &str) -> Result<Vec<String>, Broken> {
        let reply = self.command("EHLO", &format!("EHLO {name}\r\n")).await?;
        if reply.is_good() {
            return Ok(reply.text.lines().skip(1).map(str::to_owned).collect());
        }
        self.demand("HELO", &format!("HELO {name}\r\n"), 200).await?;
        Ok(Vec::new())
    }

    async fn start_tls(mut self, offers: &[String], server: &Server, tls: &Arc<rustls::ClientConfig>) -> Result<Self, Broken> {
        if !offers.iter().any(|line| line.eq_ignore_ascii_case("STARTTLS")) {
            return Err(Broken::NoTls);
        }
        self.demand("STARTTLS", "STARTTLS\r\n", 200).await?;
        // What was said before TLS must not be taken for what is said within it (CVE-2011-0411).
        if !self.stream.buffer().is_empty() {
            return Err(Broken::NoReply { phase: "STARTTLS" });
        }
        let stream = handshake(self.stream.into_inner(), server, tls, self.timeouts).await?;
        Ok(Self::new(stream, self.timeouts, true))
    }

    async fn authenticate(&mut self, offers: &[String], credentials: &Credentials, loopback: bool) -> Result<(), Broken> {
        if !self.secure && !loopback {
            return Err(Broken::PasswordInClear);
        }
        let ways = offers.iter().find_map(|line| line.strip_prefix("AUTH ")).unwrap_or_default();
        let (user, password) = (&credentials.user, credentials.password.open());
        if !ways.contains("PLAIN") && ways.contains("LOGIN") {
            self.demand("AUTH", "AUTH LOGIN\r\n", 300).await?;
            self.demand("AUTH", &format!("{}\r\n", STANDARD.encode(user)), 300).await?;
            return self.demand("AUTH", &format!("{}\r\n", STANDARD.encode(password)), 200).await;
        }
        let token = STANDARD.encode(format!("\0{user}\0{password}"));
        self.demand("AUTH", &format!("AUTH PLAIN {token}\r\n"), 200).await
    }

    /// Sends one mail. Whatever happens is an outcome; whether the session lives on says [`Self::is_usable`].
    pub(crate) async fn deliver(&mut self, mail: &Mail) -> Outcome {
        self.tried += 1;
        match self.transaction(mail).await {
            Ok(outcome) => outcome,
            Err(broken) => {
                self.usable = false;
                Outcome::NotSent { why: broken.to_string() }
            }
        }
    }

    /// Everything up to the final dot may break without leaving anything behind: an error here is "not sent".
    async fn transaction(&mut self, mail: &Mail) -> Result<Outcome, Broken> {
        if std::mem::take(&mut self.begun) {
            self.demand("RSET", "RSET\r\n", 200).await?;
        }
        let recipient = mail.to.open();
        if let Some(outcome) = self.envelope(&mail.from, recipient).await? {
            return Ok(outcome);
        }
        self.write("data", &stuffed(mail.bytes.open())).await?;
        if self.spoke_early().await? {
            self.usable = false;
            let reply = self.reply("data").await?;
            return Ok(reply.refusal("data", recipient));
        }
        Ok(self.final_dot(recipient).await)
    }

    /// MAIL, RCPT, DATA. `None` where the server waits for the message.
    async fn envelope(&mut self, from: &str, recipient: &str) -> Result<Option<Outcome>, Broken> {
        let commands = [
            ("MAIL", format!("MAIL FROM:<{from}>\r\n")),
            ("RCPT", format!("RCPT TO:<{recipient}>\r\n")),
            ("DATA", "DATA\r\n".into()),
        ];
        self.begun = true;
        if self.pipelining {
            let together: String = commands.iter().map(|(_, line)| line.as_str()).collect();
            self.write("MAIL", together.as_bytes()).await?;
        }
        let mut refused = None;
        for (phase, line) in &commands {
            if !self.pipelining {
                if refused.is_some() {
                    break;
                }
                self.write(phase, line.as_bytes()).await?;
            }
            let reply = self.reply(phase).await?;
            self.usable &= reply.code != 421;
            let good = if *phase == "DATA" { reply.code == 354 } else { reply.is_good() };
            match (&refused, good) {
                (None, false) => refused = Some(envelope_refusal(phase, &reply, recipient)),
                (Some(_), true) if *phase == "DATA" => self.nothing().await?,
                _ => {}
            }
        }
        Ok(refused)
    }

    /// The server waits for data though it refused the recipient: an empty message ends that (RFC 2920, 3.1).
    async fn nothing(&mut self) -> Result<(), Broken> {
        self.write("data", b".\r\n").await?;
        self.reply("data").await.map(|_| self.begun = false)
    }

    /// Whether the server said something, or closed, before the final dot was sent.
    async fn spoke_early(&mut self) -> Result<bool, Broken> {
        let ready = std::future::poll_fn(|cx| match Pin::new(&mut self.stream).poll_fill_buf(cx) {
            Poll::Ready(read) => Poll::Ready(Some(read.map(<[u8]>::is_empty))),
            Poll::Pending => Poll::Ready(None),
        });
        match ready.await {
            None => Ok(false),
            Some(Ok(false)) => Ok(true),
            Some(Ok(true)) => Err(Broken::Closed { phase: "data" }),
            Some(Err(source)) => Err(Broken::Io { phase: "data", source }),
        }
    }

    /// From here on only an answer tells what happened.
    async fn final_dot(&mut self, recipient: &str) -> Outcome {
        let answer = async {
            self.write("final dot", b".\r\n").await?;
            self.read_reply("final dot", self.timeouts.data).await
        };
        match answer.await {
            Ok(reply) => {
                self.begun = false;
                self.usable = reply.code != 421;
                if reply.is_good() {
                    Outcome::Accepted { reply: reply.kept(recipient) }
                } else {
                    reply.refusal("data", recipient)
                }
            }
            Err(broken) => {
                self.usable = false;
                Outcome::Unknown { why: broken.to_string() }
            }
        }
    }

    async fn command(&mut self, phase: &'static str, line: &str) -> Result<Reply, Broken> {
        self.write(phase, line.as_bytes()).await?;
        self.reply(phase).await
    }

    /// A command that must be answered with a code from `least` on, below the next hundred.
    async fn demand(&mut self, phase: &'static str, line: &str, least: u16) -> Result<(), Broken> {
        let reply = self.command(phase, line).await?;
        if (least..least + 100).contains(&reply.code) { Ok(()) } else { Err(Broken::Said { phase, reply: reply.kept("") }) }
    }

    async fn expect(&mut self, phase: &'static str) -> Result<(), Broken> {
        let reply = self.reply(phase).await?;
        if reply.is_good() { Ok(()) } else { Err(Broken::Said { phase, reply: reply.kept("") }) }
    }

    async fn write(&mut self, phase: &'static str, bytes: &[u8]) -> Result<(), Broken> {
        let written = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        in_time(phase, self.timeouts.command, written).await
    }

    async fn reply(&mut self, phase: &'static str) -> Result<Reply, Broken> {
        self.read_reply(phase, self.timeouts.command).await
    }

    async fn read_reply(&mut self, phase: &'static str, limit: std::time::Duration) -> Result<Reply, Broken> {
        timeout(limit, read_reply(&mut self.stream, phase)).await.unwrap_or(Err(Broken::Late { phase }))
    }
}

/// A refused sender is our own fault and says nothing about the recipient: it is never counted as refused.
fn envelope_refusal(phase: &str, reply: &Reply, recipient: &str) -> Outcome {
    match phase {
        "MAIL" => Outcome::NotSent { why: format!("MAIL: {}", reply.kept(recipient)) },
        _ => reply.refusal(phase, recipient),
    }
}

async fn read_reply(stream: &mut (impl AsyncBufRead + Unpin), phase: &'static str) -> Result<Reply, Broken> {
    let mut text = String::new();
    for _ in 0..REPLY_LINES_MAX {
        let mut line = Vec::new();
        let read = (&mut *stream).take(REPLY_LINE_BYTES_MAX).read_until(b'\n', &mut line).await;
        let count = read.map_err(|source| Broken::Io { phase, source })?;
        if count == 0 {
            return Err(Broken::Closed { phase });
        }
        let line = String::from_utf8_lossy(&line);
        let code = line.get(..3).and_then(|digits| digits.parse().ok()).filter(|code| (200..600).contains(code));
        let (Some(code), true) = (code, line.ends_with('\n')) else { return Err(Broken::NoReply { phase }) };
        text.push_str(line.get(4..).unwrap_or_default().trim_end());
        if line.as_bytes().get(3) != Some(&b'-') {
            return Ok(Reply { code, text });
        }
        text.push('\n');
    }
    Err(Broken::NoReply { phase })
}

async fn in_time<T>(
    phase: &'static str,
    limit: std::time::Duration,
    work: impl Future<Output = io::Result<T>>,
) -> Result<T, Broken> {
    match timeout(limit, work).await {
        Ok(result) => result.map_err(|source| Broken::Io { phase, source }),
        Err(_) => Err(Broken::Late { phase }),
    }
}

async fn handshake(
    stream: impl Duplex + 'static,
    server: &Server,
    tls: &Arc<rustls::ClientConfig>,
    timeouts: Timeouts,
) -> Result<Box<dyn Duplex>, Broken> {
    let no_name = |error| Broken::Io { phase: "TLS", source: io::Error::other(error) };
    let name = ServerName::try_from(server.host.clone()).map_err(no_name)?;
    let work = TlsConnector::from(Arc::clone(tls)).connect(name, stream);
    Ok(Box::new(in_time("TLS", timeouts.connect, work).await?))
}

/// The message with a dot before each line that begins with one (RFC 5321, 4.5.2), ending in CRLF.
fn stuffed(message: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    let at_start = |at: usize| at == 0 || message[..at].ends_with(b"\r\n");
    let dots = |at: &usize| message[*at] == b'.' && at_start(*at);
    if message.ends_with(b"\r\n") && !(0..message.len()).any(|at| dots(&at)) {
        return message.into();
    }
    let mut out = Vec::with_capacity(message.len() + 16);
    for (at, byte) in message.iter().enumerate() {
        out.extend(dots(&at).then_some(b'.'));
        out.push(*byte);
    }
    if !out.ends_with(b"\r\n") {
        out.extend(b"\r\n");
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::{Credentials, CredentialsError, Reply, stuffed};

    #[test]
    fn lines_that_begin_with_a_dot_get_another() {
        assert_eq!(&*stuffed(b"a\r\n"), b"a\r\n");
        assert_eq!(&*stuffed(b".a\r\n..\r\nb.\r\n"), b"..a\r\n...\r\nb.\r\n");
        assert_eq!(&*stuffed(b"a"), b"a\r\n");
    }

    #[test]
    fn the_recipient_is_not_kept_in_a_reply() {
        let reply = Reply { code: 550, text: "5.1.1 <hanako@mail.example> unknown\n".into() };
        assert_eq!(reply.kept("hanako@mail.example"), "550 5.1.1 <recipient> unknown");
    }

    #[test]
    fn credentials_come_whole_from_the_environment_or_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "s3cret\n").unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        let get = |name: &str| match name {
            "KINTSUGI_SMTP_USER" => Some("desk".to_owned()),
            "KINTSUGI_SMTP_PASSWORD_FILE" => Some(path.clone()),
            _ => None,
        };
        let read = Credentials::from_env(get).unwrap().unwrap();
        assert_eq!((read.user.as_str(), read.password.open().as_str()), ("desk", "s3cret"));
        assert!(!format!("{read:?}").contains("s3cret"));
        assert!(Credentials::from_env(|_| None).unwrap().is_none());
        let half = Credentials::from_env(|name| (name == "KINTSUGI_SMTP_USER").then(|| "desk".to_owned()));
        assert!(matches!(half, Err(CredentialsError::Half("KINTSUGI_SMTP_PASSWORD"))));
    }
}
