//! Sealing a value for one place: AES-256-GCM-SIV (RFC 8452), nonce in front. The nonce is a keyed hash of context and
//! plain text, so it repeats only where both repeat; this mode of AES stays safe then and shows just the equality.

use aes_gcm_siv::aead::{Aead, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};

const NONCE_BYTES: usize = 12;

/// Nonce, cipher text, tag.
pub(crate) fn seal(cipher: &Aes256GcmSiv, digest: &[u8; 32], context: &str, plain: &[u8]) -> Vec<u8> {
    let mut nonce = Nonce::default();
    nonce.copy_from_slice(&digest[..NONCE_BYTES]);
    let payload = Payload { msg: plain, aad: context.as_bytes() };
    let sealed = cipher.encrypt(&nonce, payload).expect("values are far below the 64 GiB that RFC 8452 allows");
    [nonce.as_slice(), &sealed].concat()
}

/// The plain text, if nothing was changed and the place is the same.
pub(crate) fn unseal(cipher: &Aes256GcmSiv, context: &str, sealed: &[u8]) -> Option<Vec<u8>> {
    let (front, rest) = sealed.split_at_checked(NONCE_BYTES)?;
    let mut nonce = Nonce::default();
    nonce.copy_from_slice(front);
    cipher.decrypt(&nonce, Payload { msg: rest, aad: context.as_bytes() }).ok()
}
