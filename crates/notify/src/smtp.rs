//! One SMTP session (RFC 5321). mail-send speaks it: replies, TLS, AUTH, PIPELINING (RFC 2920), dot stuffing. What is ours
//! is to know how far a mail got: until the message is written nothing was handed over; from then on only an answer counts.

use mail_send::smtp::AssertReply;
use mail_send::{Error, SmtpClient};
use smtp_proto::{AUTH_LOGIN, AUTH_PLAIN, EXT_PIPELINING, EXT_START_TLS, EhloResponse, Response};
use tokio::io::{AsyncRead, AsyncWrite, BufStream};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::sender::{Outcome, Security, Server, Timeouts};
use crate::{Credentials, Mail};

/// What is kept of a server's words.
const REPLY_KEPT_CHARS: usize = 200;

/// Why a session could not be opened, or broke before anything was handed over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error("{phase}: {source}")]
    Session { phase: &'static str, source: Error },
    #[error("{phase}: no answer in time")]
    Late { phase: &'static str },
    #[error("{phase}: the server closed the session, or what it said is no SMTP reply")]
    NoReply { phase: &'static str },
    #[error("{phase}: the server said {reply}")]
    Said { phase: &'static str, reply: String },
    #[error("the server offers no STARTTLS, and nothing is sent without it")]
    NoTls,
    #[error("a password is not sent over a session without TLS")]
    PasswordInClear,
}

/// Says in which phase the library failed.
trait During<T> {
    fn during(self, phase: &'static str) -> Result<T, Broken>;
}

impl<T> During<T> for mail_send::Result<T> {
    fn during(self, phase: &'static str) -> Result<T, Broken> {
        self.map_err(|error| match error {
            Error::Timeout => Broken::Late { phase },
            Error::UnparseableReply => Broken::NoReply { phase },
            Error::UnexpectedReply(reply) | Error::AuthenticationFailed(reply) => Broken::Said { phase, reply: kept(&reply, "") },
            source => Broken::Session { phase, source },
        })
    }
}

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

type Client = SmtpClient<BufStream<Box<dyn Duplex>>>;

/// An open session.
pub(crate) struct Session {
    client: Client,
    timeouts: Timeouts,
    pipelining: bool,
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
        tls: &TlsConnector,
        credentials: Option<&Credentials>,
        hello: &str,
        timeouts: Timeouts,
    ) -> Result<Self, Broken> {
        let (mut client, secure) = connected(server, tls, hello, timeouts).await?;
        let offers = client.ehlo(hello).await.during("EHLO")?;
        if let Some(credentials) = credentials {
            if !secure && !server.is_loopback() {
                return Err(Broken::PasswordInClear);
            }
            authenticate(&mut client, credentials, offers.clone()).await?;
        }
        let pipelining = offers.has_capability(EXT_PIPELINING);
        Ok(Self { client, timeouts, pipelining, begun: false, usable: true, tried: 0 })
    }

    /// Whether another mail can follow on it.
    pub(crate) const fn is_usable(&self) -> bool {
        self.usable
    }

    /// Ends the session politely; whether the server answers does not matter any more.
    pub(crate) async fn quit(self) {
        let _ = timeout(self.timeouts.connect, self.client.quit()).await;
    }

    /// Sends one mail. Whatever happens is an outcome; whether the session lives on says [`Self::is_usable`].
    pub(crate) async fn deliver(&mut self, mail: &Mail) -> Outcome {
        self.tried += 1;
        match self.envelope(mail).await {
            Ok(None) => self.message(mail).await,
            Ok(Some(refusal)) => refusal,
            Err(broken) => {
                self.usable = false;
                Outcome::NotSent { why: broken.to_string() }
            }
        }
    }

    /// RSET where needed, MAIL, RCPT, DATA: it may break without leaving anything behind. `None` where the server waits
    /// for the message.
    async fn envelope(&mut self, mail: &Mail) -> Result<Option<Outcome>, Broken> {
        if std::mem::replace(&mut self.begun, true) {
            self.client.rset().await.during("RSET")?;
        }
        let recipient = mail.to.open();
        let commands = [format!("MAIL FROM:<{}>\r\n", mail.from), format!("RCPT TO:<{recipient}>\r\n"), "DATA\r\n".to_owned()];
        let mut replies = Vec::with_capacity(commands.len());
        if self.pipelining {
            replies = self.client.cmds(&commands).await.during("envelope")?;
        } else {
            for command in &commands {
                replies.push(self.client.cmd(command).await.during("envelope")?);
                if replies.last().is_some_and(|reply| reply.code >= 400) {
                    break;
                }
            }
        }
        self.usable &= replies.iter().all(|reply| reply.code != 421);
        let waits = replies.get(2).is_some_and(|reply| reply.code == 354);
        let refused = replies.iter().zip(["MAIL", "RCPT", "DATA"]).find(|(reply, _)| reply.code >= 400);
        let Some((reply, phase)) = refused else {
            return if waits { Ok(None) } else { Err(Broken::NoReply { phase: "DATA" }) };
        };
        if waits {
            // The server refused the recipient and waits all the same: an empty message ends that (RFC 2920, 3.1).
            self.client.cmd(".\r\n").await.during("data")?;
            self.begun = false;
        }
        Ok(Some(envelope_refusal(phase, reply, recipient)))
    }

    /// The message and the final dot. From here on only an answer tells what happened.
    async fn message(&mut self, mail: &Mail) -> Outcome {
        let bytes = mail.bytes.open();
        // The library ends what it is given with a line end of its own.
        let bytes = bytes.strip_suffix(b"\r\n").unwrap_or(bytes);
        let answer = async {
            self.client.write_message(bytes).await?;
            self.client.read().await
        };
        match timeout(self.timeouts.data, answer).await.unwrap_or(Err(Error::Timeout)).during("final dot") {
            Ok(reply) => {
                self.begun = false;
                self.usable = reply.code != 421;
                if reply.is_positive_completion() {
                    Outcome::Accepted { reply: kept(&reply, mail.to.open()) }
                } else {
                    refusal("data", &reply, mail.to.open())
                }
            }
            Err(broken) => {
                self.usable = false;
                Outcome::Unknown { why: broken.to_string() }
            }
        }
    }
}

/// A connection, protected as the address demands and greeted by the server; and whether it is protected.
async fn connected(server: &Server, tls: &TlsConnector, hello: &str, timeouts: Timeouts) -> Result<(Client, bool), Broken> {
    let connect = timeout(timeouts.connect, TcpStream::connect((server.host.as_str(), server.port)));
    let stream = connect.await.map_or(Err(Error::Timeout), |tcp| tcp.map_err(Error::Io)).during("connect")?;
    // Small writes wait for nothing: each ends in a question to the server.
    stream.set_nodelay(true).map_err(Error::Io).during("connect")?;
    let mut plain = SmtpClient { stream, timeout: timeouts.command };
    if server.security == Security::Implicit {
        let mut secure = boxed(plain.into_tls(tls, &server.host).await.during("TLS")?);
        greeting(&mut secure).await?;
        return Ok((secure, true));
    }
    greeting(&mut plain).await?;
    if server.security == Security::None {
        return Ok((boxed(plain), false));
    }
    let offers = plain.ehlo(hello).await.during("EHLO")?;
    if !offers.has_capability(EXT_START_TLS) {
        return Err(Broken::NoTls);
    }
    plain.cmd("STARTTLS\r\n").await.and_then(AssertReply::assert_positive_completion).during("STARTTLS")?;
    Ok((boxed(plain.into_tls(tls, &server.host).await.during("TLS")?), true))
}

fn boxed(client: SmtpClient<impl Duplex + 'static>) -> Client {
    SmtpClient { stream: BufStream::new(Box::new(client.stream)), timeout: client.timeout }
}

async fn greeting(client: &mut SmtpClient<impl Duplex>) -> Result<(), Broken> {
    let greeting = timeout(client.timeout, client.read()).await.unwrap_or(Err(Error::Timeout));
    greeting.and_then(AssertReply::assert_positive_completion).during("greeting")
}

/// PLAIN where it is offered, else LOGIN. The others that the library knows need MD5 and are not built in; it must not
/// begin them.
async fn authenticate(client: &mut Client, credentials: &Credentials, mut offers: EhloResponse<String>) -> Result<(), Broken> {
    offers.auth_mechanisms &= AUTH_PLAIN | AUTH_LOGIN;
    let credentials = mail_send::Credentials::new(credentials.user.as_str(), credentials.password.open().as_str());
    client.authenticate(&credentials, Offers(offers)).await.during("AUTH").map(|_| ())
}

/// What a server offers, as the library wants it lent.
struct Offers(EhloResponse<String>);

impl AsRef<EhloResponse<String>> for Offers {
    fn as_ref(&self) -> &EhloResponse<String> {
        &self.0
    }
}

/// The answer as it is kept: the recipient's address left out, cut to a line.
fn kept(reply: &Response<String>, recipient: &str) -> String {
    let words = if recipient.is_empty() { reply.message.clone() } else { reply.message.replace(recipient, "recipient") };
    let words: String = words.chars().filter(|c| !c.is_control()).take(REPLY_KEPT_CHARS).collect();
    match reply.esc {
        [0, ..] => format!("{} {words}", reply.code),
        [class, subject, detail] => format!("{} {class}.{subject}.{detail} {words}", reply.code),
    }
}

/// What it means where nothing was handed over: 5xx is for good, anything else may be tried again.
fn refusal(phase: &str, reply: &Response<String>, recipient: &str) -> Outcome {
    let words = format!("{phase}: {}", kept(reply, recipient));
    if reply.code >= 500 { Outcome::Refused { reply: words } } else { Outcome::NotSent { why: words } }
}

/// A refused sender is our own fault and says nothing about the recipient: it is never counted as refused.
fn envelope_refusal(phase: &str, reply: &Response<String>, recipient: &str) -> Outcome {
    match refusal(phase, reply, recipient) {
        Outcome::Refused { reply } if phase == "MAIL" => Outcome::NotSent { why: reply },
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::{Response, kept};

    #[test]
    fn the_recipient_is_not_kept_in_a_reply() {
        let reply = Response { code: 550, esc: [5, 1, 1], message: "<hanako@mail.example> unknown\n".into() };
        assert_eq!(kept(&reply, "hanako@mail.example"), "550 5.1.1 <recipient> unknown");
    }
}
