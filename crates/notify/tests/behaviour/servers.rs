//! Mail servers that behave, and that do not: each sends what its manner says and keeps what it took.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What a server does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Takes everything.
    Good,
    /// Takes everything, one command at a time.
    NoPipelining,
    /// Accepts the connection and says nothing.
    Silent,
    /// Says nothing after the final dot.
    SilentAfterDot,
    /// Refuses this recipient for good.
    Refuses(String),
    /// Refuses this recipient for good, and yet waits for data (RFC 2920 allows it).
    RefusesAndWaits(String),
    /// Refuses the sender.
    RefusesSender,
    /// Closes at DATA, before it says anything.
    ClosesAtData,
    /// Takes the first line of the message, then closes.
    ClosesWithinData,
    /// Closes after the final dot without an answer; it kept the message.
    ClosesAfterDot,
    /// Says 451 to each recipient at the first try.
    Greylists,
    /// Says 451 always.
    Busy,
    /// Closes the session after so many mails.
    ClosesEvery(usize),
    /// Says 421 and closes at the MAIL after so many mails.
    TooMany(usize),
    /// Lets in only so many sessions at a time.
    Sessions(usize),
    /// Demands AUTH PLAIN with this token.
    Auth(String),
}

/// A running server.
#[derive(Clone)]
pub(crate) struct MailServer {
    pub(crate) port: u16,
    state: Arc<State>,
}

struct State {
    manner: Manner,
    taken: Mutex<Vec<(String, Vec<u8>)>>,
    tries: Mutex<HashMap<String, usize>>,
    sessions: AtomicUsize,
    open: AtomicUsize,
}

impl MailServer {
    pub(crate) async fn start(manner: Manner) -> Self {
        Self::serve(manner, None).await
    }

    pub(crate) async fn start_tls(manner: Manner, tls: TlsAcceptor) -> Self {
        Self::serve(manner, Some(tls)).await
    }

    async fn serve(manner: Manner, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            manner,
            taken: Mutex::default(),
            tries: Mutex::default(),
            sessions: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
        });
        let server = Self { port, state: Arc::clone(&state) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                let (state, tls) = (Arc::clone(&state), tls.clone());
                tokio::spawn(async move {
                    state.sessions.fetch_add(1, Ordering::SeqCst);
                    state.open.fetch_add(1, Ordering::SeqCst);
                    match tls {
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                let _ = state.session(stream).await;
                            }
                        }
                        None => drop(state.session(stream).await),
                    }
                    state.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// The recipients of what was taken, sorted.
    pub(crate) fn recipients(&self) -> Vec<String> {
        let mut all: Vec<String> = self.state.taken.lock().unwrap().iter().map(|(to, _)| to.clone()).collect();
        all.sort();
        all
    }

    pub(crate) fn messages(&self) -> Vec<Vec<u8>> {
        self.state.taken.lock().unwrap().iter().map(|(_, message)| message.clone()).collect()
    }

    pub(crate) fn sessions(&self) -> usize {
        self.state.sessions.load(Ordering::SeqCst)
    }
}

impl State {
    async fn session(&self, stream: impl AsyncRead + AsyncWrite + Unpin) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        if self.manner == Manner::Silent {
            std::future::pending::<()>().await;
        }
        if matches!(self.manner, Manner::Sessions(most) if self.open.load(Ordering::SeqCst) > most) {
            return stream.write_all(b"421 too many sessions\r\n").await;
        }
        stream.write_all(b"220 test ESMTP\r\n").await?;
        let (mut to, mut mails, mut authenticated) = (String::new(), 0, false);
        let mut line = String::new();
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let command = line.trim_end().to_owned();
            let reply: String = match command.split([' ', ':']).next().unwrap_or_default() {
                "EHLO" => self.offers(),
                "AUTH" => {
                    authenticated = matches!(&self.manner, Manner::Auth(token) if command == format!("AUTH PLAIN {token}"));
                    if authenticated { "235 ok".into() } else { "535 no".into() }
                }
                "MAIL" if self.manner == Manner::RefusesSender => "550 we do not know you".into(),
                "MAIL" if matches!(self.manner, Manner::Auth(_)) && !authenticated => "530 authenticate first".into(),
                "MAIL" if matches!(self.manner, Manner::TooMany(most) if mails >= most) => {
                    return stream.write_all(b"421 enough for one session\r\n").await;
                }
                "RCPT" => {
                    let typed = command.trim_start_matches("RCPT TO:<").trim_end_matches('>');
                    let reply = self.recipient(typed);
                    to = if reply.starts_with('2') { typed.to_owned() } else { String::new() };
                    reply
                }
                "DATA" => {
                    if self.manner == Manner::ClosesAtData {
                        return Ok(());
                    }
                    match self.data(&mut stream, &to, &mut mails).await? {
                        Some(reply) => reply,
                        None => return Ok(()),
                    }
                }
                "QUIT" => return stream.write_all(b"221 bye\r\n").await,
                _ => "250 ok".into(),
            };
            stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
            if matches!(self.manner, Manner::ClosesEvery(every) if mails == every) {
                return Ok(());
            }
        }
    }

    fn offers(&self) -> String {
        match &self.manner {
            Manner::NoPipelining => "250-test\r\n250 8BITMIME".into(),
            Manner::Auth(_) => "250-test\r\n250-PIPELINING\r\n250 AUTH LOGIN PLAIN".into(),
            _ => "250-test\r\n250-PIPELINING\r\n250 8BITMIME".into(),
        }
    }

    fn recipient(&self, to: &str) -> String {
        let mut tries = self.tries.lock().unwrap();
        let tried = tries.entry(to.to_owned()).or_default();
        *tried += 1;
        match &self.manner {
            Manner::Refuses(refused) | Manner::RefusesAndWaits(refused) if refused == to => format!("550 5.1.1 <{to}> unknown"),
            Manner::Greylists if *tried == 1 => "451 come back later".into(),
            Manner::Busy => "451 come back later".into(),
            _ => "250 ok".into(),
        }
    }

    /// Takes the message; `None` where the server closes instead of answering.
    async fn data(
        &self,
        stream: &mut BufReader<impl AsyncRead + AsyncWrite + Unpin>,
        to: &str,
        mails: &mut usize,
    ) -> std::io::Result<Option<String>> {
        if to.is_empty() && !matches!(self.manner, Manner::RefusesAndWaits(_)) {
            return Ok(Some("503 no recipient".into()));
        }
        stream.write_all(b"354 go on\r\n").await?;
        let (mut message, mut line) = (Vec::new(), Vec::new());
        loop {
            line.clear();
            if stream.read_until(b'\n', &mut line).await? == 0 {
                return Ok(None);
            }
            match line.as_slice() {
                b".\r\n" => break,
                [b'.', rest @ ..] => message.extend_from_slice(rest),
                whole => message.extend_from_slice(whole),
            }
            if self.manner == Manner::ClosesWithinData {
                return Ok(None);
            }
        }
        if to.is_empty() {
            return Ok(Some("554 no recipient".into()));
        }
        self.taken.lock().unwrap().push((to.to_owned(), message));
        *mails += 1;
        match self.manner {
            Manner::ClosesAfterDot => Ok(None),
            Manner::SilentAfterDot => std::future::pending().await,
            _ => Ok(Some("250 taken".into())),
        }
    }
}
