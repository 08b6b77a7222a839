//! The case key: made once, kept in a file that only its owner reads, never used as it is. Every use has its own key,
//! derived by HKDF-SHA-256 (RFC 5869).

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use aes_gcm_siv::{Aes256GcmSiv, KeyInit};
use data_encoding::{BASE32_NOPAD, BASE64};
use ed25519_dalek::SigningKey;
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use kintsugi_case::Pan;
use rand::TryRng;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use crate::{Error, Purpose, Result, code, seal, signature};

/// The key file's name in the vault's folder.
const KEY_FILE: &str = "case.key";
/// What the key file starts with, so that no other file is taken for one.
const KEY_HEADER: &str = "kintsugi-case-key-1 ";

/// The keys of one case. Cheap to clone; prints as nothing.
#[derive(Clone)]
pub struct Keys(Arc<Derived>);

/// One key per use, derived once.
struct Derived {
    token: Hmac<Sha256>,
    index: Hmac<Sha256>,
    code: Hmac<Sha256>,
    subkey: Hmac<Sha256>,
    nonce: Hmac<Sha256>,
    cipher: Aes256GcmSiv,
    signing: SigningKey,
    evidence: age::x25519::Identity,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(…)")
    }
}

impl Keys {
    /// Makes the key of a new case in `dir` (made with mode 0700; the file has mode 0600).
    /// An existing key is an error and stays as it is: without it nothing of the case can be opened again.
    pub fn create(dir: &Path) -> Result<Self> {
        let path = dir.join(KEY_FILE);
        let mut master = Zeroizing::new([0; 32]);
        rand::rngs::SysRng.try_fill_bytes(&mut *master).map_err(|_| Error::Random)?;
        write_key(dir, &path, &master).map_err(|source| Error::CreateKey { path, source })?;
        Ok(Self::derive(&master))
    }

    /// Opens the key that [`Keys::create`] made in `dir`.
    pub fn open(dir: &Path) -> Result<Self> {
        let path = dir.join(KEY_FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => Zeroizing::new(text),
            Err(source) => return Err(Error::ReadKey { path, source }),
        };
        let master = read_key(&text).ok_or(Error::KeyFormat { path })?;
        Ok(Self::derive(&master))
    }

    /// Whether a key lies in `dir`.
    pub fn exist(dir: &Path) -> bool {
        dir.join(KEY_FILE).exists()
    }

    /// Keys from a given seed: for tests and drills, where the same seed must give the same bytes.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self::derive(&Zeroizing::new(seed))
    }

    fn derive(master: &Zeroizing<[u8; 32]>) -> Self {
        let root = Hkdf::<Sha256>::new(Some(b"kintsugi/vault/1"), &**master);
        Self(Arc::new(Derived {
            token: mac(&root, "card token"),
            index: mac(&root, "blind index"),
            code: mac(&root, "code"),
            subkey: mac(&root, "subkey"),
            nonce: mac(&root, "seal nonce"),
            cipher: Aes256GcmSiv::new((&*expand(&root, "seal")).into()),
            signing: SigningKey::from_bytes(&expand(&root, "signature")),
            evidence: crate::evidence::identity(&expand(&root, "evidence")),
        }))
    }

    /// The token that stands for a card number everywhere outside the vault: `tok_` and 26 lower-case base32 characters
    /// of 128 bits of HMAC-SHA-256. The same number has the same token within a case and another one in every other case.
    pub fn pan_token(&self, pan: &Pan) -> String {
        let digest = digest(&self.0.token, &[pan.expose().as_bytes()]);
        let mut token = String::with_capacity(30);
        token.push_str("tok_");
        BASE32_NOPAD.encode_append(&digest[..16], &mut token);
        token.make_ascii_lowercase();
        token
    }

    /// 128 bits by which equal values of one purpose are found again without storing them. The caller normalises.
    pub fn blind_index(&self, purpose: Purpose, value: &str) -> [u8; 16] {
        first_16(&digest(&self.0.index, &[purpose.name().as_bytes(), value.as_bytes()]))
    }

    /// A key of its own for a library that wants one (cookies, form tokens).
    pub fn subkey(&self, purpose: Purpose) -> [u8; 32] {
        digest(&self.0.subkey, &[purpose.name().as_bytes()])
    }

    /// The code with this number: `len` characters of 5 bits each, from the digits and the capital letters without
    /// I, L, O and U, which people misread. Nobody who lacks the case key can compute one.
    pub fn code(&self, purpose: Purpose, id: u64, len: usize) -> String {
        code::render(len, |block| digest(&self.0.code, &[purpose.name().as_bytes(), &id.to_be_bytes(), &block.to_be_bytes()]))
    }

    /// The hash under which a code is stored, of the code as people type it: any case, hyphens and blanks dropped,
    /// O read as 0, I and L as 1, full-width forms folded.
    pub fn code_hash(&self, purpose: Purpose, typed: &str) -> [u8; 16] {
        let plain = Zeroizing::new(code::normalise(typed));
        first_16(&digest(&self.0.index, &[b"code", purpose.name().as_bytes(), plain.as_bytes()]))
    }

    /// Encrypts and authenticates `plain` for one place (AES-256-GCM-SIV, RFC 8452). `context` names the place
    /// (`store.persons.name`): what was sealed for one place does not open in another.
    /// The same input gives the same bytes, so equal plain texts of one place can be seen to be equal.
    pub fn seal(&self, context: &str, plain: &[u8]) -> Vec<u8> {
        let digest = digest(&self.0.nonce, &[context.as_bytes(), plain]);
        seal::seal(&self.0.cipher, &digest, context, plain)
    }

    /// Opens what [`Keys::seal`] made for the same place.
    pub fn unseal(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        seal::unseal(&self.0.cipher, context, sealed).ok_or(Error::Unseal)
    }

    /// The Ed25519 signature (RFC 8032) of a message by the case key, base64.
    pub fn sign(&self, message: &[u8]) -> String {
        signature::sign(&self.0.signing, message)
    }

    /// The public half of the signing key, base64. [`crate::verify`] takes it.
    pub fn public_key(&self) -> String {
        BASE64.encode(self.0.signing.verifying_key().as_bytes())
    }

    pub(crate) fn evidence_identity(&self) -> &age::x25519::Identity {
        &self.0.evidence
    }
}

fn write_key(dir: &Path, path: &Path, master: &[u8; 32]) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let mut text = Zeroizing::new(String::from(KEY_HEADER));
    BASE64.encode_append(master, &mut text);
    text.push('\n');
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn read_key(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let encoded = text.strip_prefix(KEY_HEADER)?.trim_end();
    let mut bytes = BASE64.decode(encoded.as_bytes()).ok()?;
    let master = <[u8; 32]>::try_from(bytes.as_slice()).ok().map(Zeroizing::new);
    bytes.zeroize();
    master
}

/// A derived key. 32 bytes are far below what HKDF can give, so the expansion cannot fail.
fn expand(root: &Hkdf<Sha256>, info: &str) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    root.expand(info.as_bytes(), &mut *key).expect("32 bytes are a legal HKDF length");
    key
}

fn mac(root: &Hkdf<Sha256>, info: &str) -> Hmac<Sha256> {
    <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(&*expand(root, info)).expect("HMAC takes keys of any length")
}

/// HMAC over the parts, each with its length in front, so that ("ab", "c") and ("a", "bc") differ.
fn digest(key: &Hmac<Sha256>, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = key.clone();
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn first_16(digest: &[u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    half
}
