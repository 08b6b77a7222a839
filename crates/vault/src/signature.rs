//! Ed25519 signatures (RFC 8032) of custody lines and scope versions.

use data_encoding::BASE64;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

pub(crate) fn sign(key: &SigningKey, message: &[u8]) -> String {
    BASE64.encode(&key.sign(message).to_bytes())
}

/// Whether `signature` (base64) is the one that the owner of `public_key` (base64) made of `message`.
/// Text that is no key or no signature verifies nothing.
pub fn verify(public_key: &str, message: &[u8], signature: &str) -> bool {
    parse(public_key, signature).is_some_and(|(key, signature)| key.verify_strict(message, &signature).is_ok())
}

fn parse(public_key: &str, signature: &str) -> Option<(VerifyingKey, Signature)> {
    let key = BASE64.decode(public_key.as_bytes()).ok()?;
    let key = VerifyingKey::from_bytes(key.as_slice().try_into().ok()?).ok()?;
    let signature = BASE64.decode(signature.as_bytes()).ok()?;
    Some((key, Signature::from_slice(&signature).ok()?))
}
