//! DKIM signatures (RFC 6376) with RSA and Ed25519 keys (RFC 8463), made by mail-auth. A mail is signed when it is sent,
//! not when it is composed: the signature holds the time.

use std::fmt;
use std::sync::Arc;

use kintsugi_case::Private;
use mail_auth::common::crypto::{Ed25519Key, RsaKey, Sha256, SigningKey};
use mail_auth::common::headers::HeaderWriter as _;
use mail_auth::dkim::{DkimSigner, Done};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;

/// Everything that a reader is shown, and what decides how it is shown. Those that we do not write are signed as absent,
/// so that nobody can add them on the way (RFC 6376, 5.4).
const SIGNED: [&str; 11] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "Content-Language",
    "Auto-Submitted",
    "Reply-To",
    "Cc",
];

/// Why a key cannot sign.
#[derive(Debug, thiserror::Error)]
pub enum DkimError {
    /// No private key can be read from the file.
    #[error("the DKIM key `{selector}` is no private key in PEM form, RSA or Ed25519 (PKCS #8)")]
    Key {
        /// Whose.
        selector: String,
    },
    /// The library could not sign.
    #[error("the mail could not be signed")]
    Sign(#[source] mail_auth::Error),
}

/// Signs mails with every key of the case.
#[derive(Clone, Default)]
pub struct Signer(Arc<[Key]>);

enum Key {
    Rsa(DkimSigner<RsaKey<Sha256>, Done>),
    Ed25519(DkimSigner<Ed25519Key, Done>),
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({} keys)", self.0.len())
    }
}

impl Signer {
    /// A signer for a domain, from (selector, PEM) pairs.
    pub fn new(domain: &str, keys: impl IntoIterator<Item = (String, Private<String>)>) -> Result<Self, DkimError> {
        keys.into_iter().map(|(selector, pem)| Key::read(domain, selector, pem.open())).collect::<Result<_, _>>().map(Self)
    }

    /// Puts a signature of each key before the message.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, DkimError> {
        let mut signed = Vec::with_capacity(message.len() + 1024 * self.0.len());
        for key in self.0.iter() {
            let signature = match key {
                Key::Rsa(signer) => signer.sign(message),
                Key::Ed25519(signer) => signer.sign(message),
            };
            signature.map_err(DkimError::Sign)?.write_header(&mut signed);
        }
        signed.extend_from_slice(message);
        Ok(signed)
    }

    /// Whether nothing is signed.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Key {
    fn read(domain: &str, selector: String, pem: &str) -> Result<Self, DkimError> {
        let unreadable = || DkimError::Key { selector: selector.clone() };
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| unreadable())?;
        let ed25519 = match &der {
            PrivateKeyDer::Pkcs8(der) => Ed25519Key::from_pkcs8_maybe_unchecked_der(der.secret_pkcs8_der()).ok(),
            _ => None,
        };
        Ok(match ed25519 {
            Some(key) => Self::Ed25519(ready(key, domain, &selector)),
            None => Self::Rsa(ready(RsaKey::from_key_der(der).map_err(|_| unreadable())?, domain, &selector)),
        })
    }
}

fn ready<K: SigningKey>(key: K, domain: &str, selector: &str) -> DkimSigner<K, Done> {
    DkimSigner::from_key(key).domain(domain).selector(selector).headers(SIGNED)
}
