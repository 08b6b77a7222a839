//! DKIM signatures (RFC 6376) with RSA and Ed25519 keys (RFC 8463), made by mail-auth. A mail is signed when it is sent,
//! not when it is composed: the signature holds the time.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
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

/// A private key for signing, and what the DNS must say of it.
#[derive(Debug)]
pub struct DkimKey {
    /// `rsa` or `ed25519`.
    pub algorithm: &'static str,
    /// The TXT record at `SELECTOR._domainkey.DOMAIN` (RFC 6376, 3.6.1; RFC 8463, 4).
    pub record: String,
}

/// Where the 32 bytes of a private key stand in a key with its public half.
const SEED: std::ops::Range<usize> = 16..48;

/// What stands before them in a key without it.
const PRIVATE_HEAD: [u8; 16] = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

impl DkimKey {
    /// A fresh Ed25519 key, PEM (PKCS #8). The library writes it with its public half (RFC 5958), which OpenSSL does not
    /// read: only the private half is kept (RFC 8410, 7).
    pub fn generate() -> Result<Private<String>, DkimError> {
        let made = Ed25519Key::generate_pkcs8().map_err(DkimError::Sign)?;
        let seed = made.get(SEED).filter(|seed| seed.len() == 32).ok_or_else(|| DkimError::Key { selector: String::new() })?;
        let der = [&PRIVATE_HEAD[..], seed].concat();
        let base64 = STANDARD.encode(&der);
        let lines: Vec<&str> = base64.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
        Ok(Private::new(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))))
    }

    /// What the DNS must say of the key in this PEM.
    pub fn read(selector: &str, pem: &Private<String>) -> Result<Self, DkimError> {
        Ok(match Readable::read(selector, pem.open())? {
            Readable::Ed25519(key) => {
                Self { algorithm: "ed25519", record: format!("v=DKIM1; k=ed25519; p={}", STANDARD.encode(key.public_key())) }
            }
            Readable::Rsa(key) => {
                let public = subject_public_key_info(&key.public_key());
                Self { algorithm: "rsa", record: format!("v=DKIM1; k=rsa; p={}", STANDARD.encode(public)) }
            }
        })
    }
}

/// The public half of an RSA key as the DNS holds it: SubjectPublicKeyInfo (RFC 5280) around the key (RFC 8017, A.1.1).
fn subject_public_key_info(key: &[u8]) -> Vec<u8> {
    // rsaEncryption, NULL.
    let algorithm = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
    let bits = [&[0], key].concat();
    der(0x30, &[der(0x30, &algorithm), der(0x03, &bits)].concat())
}

/// A value with its tag and length (X.690, 8.1).
fn der(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = value.len().to_be_bytes();
    let length = &length[length.iter().position(|byte| *byte != 0).unwrap_or(length.len() - 1)..];
    let head = match length {
        [short @ 0..=0x7f] => vec![tag, *short],
        long => [&[tag, 0x80 | u8::try_from(long.len()).unwrap_or_default()], long].concat(),
    };
    [&head, value].concat()
}

enum Readable {
    Rsa(RsaKey<Sha256>),
    Ed25519(Ed25519Key),
}

impl Readable {
    fn read(selector: &str, pem: &str) -> Result<Self, DkimError> {
        let unreadable = || DkimError::Key { selector: selector.to_owned() };
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| unreadable())?;
        let ed25519 = match &der {
            PrivateKeyDer::Pkcs8(der) => Ed25519Key::from_pkcs8_maybe_unchecked_der(der.secret_pkcs8_der()).ok(),
            _ => None,
        };
        Ok(match ed25519 {
            Some(key) => Self::Ed25519(key),
            None => Self::Rsa(RsaKey::from_key_der(der).map_err(|_| unreadable())?),
        })
    }
}

impl Key {
    fn read(domain: &str, selector: String, pem: &str) -> Result<Self, DkimError> {
        Ok(match Readable::read(&selector, pem)? {
            Readable::Ed25519(key) => Self::Ed25519(ready(key, domain, &selector)),
            Readable::Rsa(key) => Self::Rsa(ready(key, domain, &selector)),
        })
    }
}

fn ready<K: SigningKey>(key: K, domain: &str, selector: &str) -> DkimSigner<K, Done> {
    DkimSigner::from_key(key).domain(domain).selector(selector).headers(SIGNED)
}

#[cfg(test)]
mod tests {
    use super::{DkimKey, Private, der};

    #[test]
    fn a_fresh_key_signs_and_has_a_record() {
        let pem = DkimKey::generate().unwrap();
        let key = DkimKey::read("k1", &pem).unwrap();
        assert_eq!((key.algorithm, key.record.len()), ("ed25519", "v=DKIM1; k=ed25519; p=".len() + 44));
        assert_ne!(DkimKey::generate().unwrap(), pem);
        assert!(super::Signer::new("kakehashi.example", [("k1".to_owned(), pem)]).is_ok());
        assert!(DkimKey::read("k1", &Private::new("nothing".into())).is_err());
    }

    #[test]
    fn lengths_are_written_short_and_long() {
        assert_eq!(der(0x04, &[7]), [4, 1, 7]);
        assert_eq!(der(0x04, &[])[..], [4, 0]);
        assert_eq!(der(0x04, &[0; 300])[..4], [4, 0x82, 1, 44]);
        assert_eq!(der(0x04, &[0; 200])[..3], [4, 0x81, 200]);
    }
}
