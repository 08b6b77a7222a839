//! Where mail goes, and how each sending ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kintsugi_case::{MailSpec, Private};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use tokio_rustls::TlsConnector;

use crate::dkim::{DkimError, Signer};
use crate::smtp::{Broken, Session};
use crate::{Credentials, Mail};

/// How the sending of one mail ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server took responsibility: its reply to the data.
    Accepted {
        /// The server's words.
        reply: String,
    },
    /// The server refused for good (5xx), or no server would take such an address.
    Refused {
        /// The server's words.
        reply: String,
    },
    /// Certainly nothing was left with the server: it may be sent again.
    NotSent {
        /// Why.
        why: String,
    },
    /// Not tried: its recipient domain has had its share for now.
    Later {
        /// When its turn comes.
        wait: Duration,
    },
    /// The data were handed over and the answer was never seen. Never blindly sent again.
    Unknown {
        /// Why.
        why: String,
    },
}

/// How long each phase may take (RFC 5321, 4.5.3.2 gives minutes; a batch needs less).
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// TCP and TLS.
    pub connect: Duration,
    /// Greeting and each command.
    pub command: Duration,
    /// From the final dot to the answer.
    pub data: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(20), command: Duration::from_secs(60), data: Duration::from_secs(300) }
    }
}

/// Why no sender can be made.
#[derive(Debug, thiserror::Error)]
pub enum SenderError {
    /// The address of a mail server is none.
    #[error("`{url}` is no mail server: write smtp://HOST:PORT, smtp+starttls://HOST:PORT or smtps://HOST:PORT")]
    Url {
        /// As written, what stands before an `@` left out.
        url: String,
    },
    /// No mail server is named.
    #[error("[mail] names no smtp server")]
    NoServer,
    /// The file of authorities cannot be read, or holds no certificate.
    #[error("{path} holds no certificate in PEM form")]
    Authorities {
        /// The file.
        path: std::path::PathBuf,
    },
    /// The TLS library refuses its own defaults.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}

/// The certificates in a PEM file: those that are trusted in place of this machine's.
pub fn authorities(path: &std::path::Path) -> Result<Vec<CertificateDer<'static>>, SenderError> {
    let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    certificates.ok().filter(|found| !found.is_empty()).ok_or_else(|| SenderError::Authorities { path: path.to_owned() })
}

/// How a session is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Security {
    /// `smtp://`: not at all; for a server on this machine.
    None,
    /// `smtp+starttls://`: after STARTTLS, or not at all.
    StartTls,
    /// `smtps://`: from the first byte.
    Implicit,
}

/// A mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) security: Security,
}

impl Server {
    fn parse(url: &str) -> Result<Self, SenderError> {
        let wrong = || SenderError::Url { url: url.rsplit_once('@').map_or(url, |(_, host)| host).to_owned() };
        let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
        let (security, usual) = match scheme {
            "smtp" => (Security::None, 25),
            "smtp+starttls" => (Security::StartTls, 587),
            "smtps" => (Security::Implicit, 465),
            _ => return Err(wrong()),
        };
        let rest = rest.trim_end_matches('/');
        let (host, port) = match rest.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
            Some((host, port)) => (host, port.parse().map_err(|_| wrong())?),
            None => (rest, usual),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || host.contains(['/', '@', '?', ' ']) {
            return Err(wrong());
        }
        Ok(Self { host: host.to_owned(), port, security })
    }

    /// Whether it is on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

/// Knows the mail servers and how to speak to them. A clone is cheap.
#[derive(Clone)]
pub struct Sender {
    servers: Arc<[Server]>,
    /// Which of them answered last.
    answered: Arc<AtomicUsize>,
    credentials: Option<Arc<Credentials>>,
    tls: TlsConnector,
    hello: Arc<str>,
    timeouts: Timeouts,
    signer: Signer,
}

impl Sender {
    /// A sender for the case's mail servers, trusting what this machine trusts; the first server that answers is used.
    pub fn new(spec: &MailSpec, credentials: Option<Credentials>, timeouts: Timeouts) -> Result<Self, SenderError> {
        // What cannot be read of the machine's certificates is not trusted: a server that needs it fails by name.
        let certificates = rustls_native_certs::load_native_certs().certs;
        Self::trusting(spec, credentials, timeouts, certificates)
    }

    /// A sender that trusts exactly these authorities.
    pub fn trusting(
        spec: &MailSpec,
        credentials: Option<Credentials>,
        timeouts: Timeouts,
        authorities: impl IntoIterator<Item = CertificateDer<'static>>,
    ) -> Result<Self, SenderError> {
        let servers = spec.smtp.iter().map(|url| Server::parse(url)).collect::<Result<Arc<[Server]>, _>>()?;
        if servers.is_empty() {
            return Err(SenderError::NoServer);
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(authorities);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let tls = tls.map_err(SenderError::Tls)?.with_root_certificates(roots).with_no_client_auth();
        let domain = spec.from.rsplit_once('@').map_or("localhost", |(_, domain)| domain.trim_end_matches('>').trim());
        let (tls, credentials) = (Arc::new(tls).into(), credentials.map(Arc::new));
        Ok(Self {
            servers,
            answered: Arc::default(),
            credentials,
            tls,
            hello: domain.into(),
            timeouts,
            signer: Signer::default(),
        })
    }

    /// The same sender, signing what it sends.
    #[must_use]
    pub fn signing(self, signer: Signer) -> Self {
        Self { signer, ..self }
    }

    /// The mail as it goes out: signed where there are keys.
    pub(crate) fn signed(&self, mail: Mail) -> Result<Mail, DkimError> {
        if self.signer.is_empty() {
            return Ok(mail);
        }
        Ok(Mail { bytes: Private::new(self.signer.sign(mail.bytes.open())?), ..mail })
    }

    /// Sends one mail on a session of its own.
    pub async fn send(&self, mail: &Mail) -> Outcome {
        let mail = match self.signed(mail.clone()) {
            Ok(mail) => mail,
            Err(error) => return Outcome::NotSent { why: error.to_string() },
        };
        match self.open().await {
            Ok(mut session) => {
                let outcome = session.deliver(&mail).await;
                session.quit().await;
                outcome
            }
            Err(broken) => Outcome::NotSent { why: broken.to_string() },
        }
    }

    /// Opens a session with the first server that answers, beginning with the one that answered last; the error is the
    /// last one's.
    pub(crate) async fn open(&self) -> Result<Session, Broken> {
        let first = self.answered.load(Ordering::Relaxed);
        let mut last = Broken::NoReply { phase: "connect" };
        for at in (first..self.servers.len()).chain(0..first) {
            let (server, credentials) = (&self.servers[at], self.credentials.as_deref());
            match Session::open(server, &self.tls, credentials, &self.hello, self.timeouts).await {
                Ok(session) => {
                    self.answered.store(at, Ordering::Relaxed);
                    return Ok(session);
                }
                Err(broken) => last = broken,
            }
        }
        Err(last)
    }
}

#[cfg(test)]
mod tests {
    use super::{Security, Server};

    fn check(url: &str, expected: Option<(&str, u16, Security)>) {
        let expected = expected.map(|(host, port, security)| Server { host: host.into(), port, security });
        assert_eq!(Server::parse(url).ok(), expected, "{url}");
    }

    #[test]
    fn servers_are_written_as_urls() {
        check("smtp://127.0.0.1:2525", Some(("127.0.0.1", 2525, Security::None)));
        check("smtp://[::1]:2525/", Some(("::1", 2525, Security::None)));
        check("smtp://[::1]", Some(("::1", 25, Security::None)));
        check("smtps://mail.example", Some(("mail.example", 465, Security::Implicit)));
        check("smtp+starttls://mail.example", Some(("mail.example", 587, Security::StartTls)));
        check("http://mail.example", None);
        check("smtp://mail.example:port", None);
        check("smtp://", None);
    }

    #[test]
    fn a_password_in_an_address_is_refused_and_not_repeated() {
        let error = Server::parse("smtp://desk:s3cret@mail.example").unwrap_err();
        assert!(!error.to_string().contains("s3cret"));
    }
}
