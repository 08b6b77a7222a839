//! The certificate with which the listener protects sessions after STARTTLS (RFC 3207), and its renewal while it listens.

use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ListenTlsError {
    /// The file of the certificate cannot be read, or holds none.
    #[error("{path} holds no certificate in PEM form")]
    Certificate {
        /// The file.
        path: PathBuf,
    },
    /// The file of the key cannot be read, or holds none.
    #[error("{path} holds no private key in PEM form")]
    Key {
        /// The file.
        path: PathBuf,
    },
    /// The key does not belong to the certificate, or its kind is not known.
    #[error("the certificate and the key cannot be used together")]
    Pair(#[source] rustls::Error),
    /// The TLS library refuses its own defaults.
    #[error("TLS cannot be set up")]
    Setup(#[source] rustls::Error),
}

/// A certificate with its key. Cheap to clone; clones share what [`ListenTls::renew`] reads.
#[derive(Clone)]
pub struct ListenTls {
    pair: Arc<Pair>,
    config: Arc<ServerConfig>,
}

#[derive(Debug)]
struct Pair {
    certificate: PathBuf,
    key: PathBuf,
    read: RwLock<Arc<CertifiedKey>>,
}

impl ListenTls {
    /// Reads a certificate (with those between it and its authority after it) and its private key, both PEM.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, ListenTlsError> {
        let read = RwLock::new(pair(certificate, key)?);
        let pair = Arc::new(Pair { certificate: certificate.to_owned(), key: key.to_owned(), read });
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider())).with_safe_default_protocol_versions();
        let resolver: Arc<dyn ResolvesServerCert> = Arc::clone(&pair) as _;
        let config = config.map_err(ListenTlsError::Setup)?.with_no_client_auth().with_cert_resolver(resolver);
        Ok(Self { pair, config: Arc::new(config) })
    }

    /// Reads both files again, for sessions from now on; where they do not fit, what was read before stays.
    pub fn renew(&self) -> Result<(), ListenTlsError> {
        let new = pair(&self.pair.certificate, &self.pair.key)?;
        let mut read = self.pair.read.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        *read = new;
        Ok(())
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        Arc::clone(&self.config).into()
    }
}

impl ResolvesServerCert for Pair {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.read.read().unwrap_or_else(std::sync::PoisonError::into_inner)))
    }
}

fn pair(certificate: &Path, key: &Path) -> Result<Arc<CertifiedKey>, ListenTlsError> {
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or_else(|| ListenTlsError::Certificate { path: certificate.to_owned() })?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|_| ListenTlsError::Key { path: key.to_owned() })?;
    CertifiedKey::from_der(chain, key, &default_provider()).map(Arc::new).map_err(ListenTlsError::Pair)
}
