//! Encryption of evidence that is copied into the case: the age format (age-encryption.org/v1), so that the copies can
//! be opened with other tools by whoever holds the case key.

use std::io::{self, Read, Write};

use age::x25519;
use bech32::{Bech32, Hrp};
use zeroize::Zeroizing;

use crate::{Error, Keys, Result};

/// The age identity with this secret. Bech32 is the only door that age has for a secret made elsewhere.
pub(crate) fn identity(secret: &Zeroizing<[u8; 32]>) -> x25519::Identity {
    let prefix = Hrp::parse("AGE-SECRET-KEY-").expect("a legal prefix");
    let text = Zeroizing::new(bech32::encode_upper::<Bech32>(prefix, &**secret).expect("32 bytes fit"));
    text.parse().expect("age reads what it defines")
}

impl Keys {
    /// Encrypts all of `plain` to the case's evidence key. Returns how many bytes were read.
    pub fn encrypt_evidence(&self, plain: &mut dyn Read, sealed: &mut dyn Write) -> Result<u64> {
        let recipient = self.evidence_identity().to_public();
        let encryptor = age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient))
            .map_err(|error| Error::EncryptEvidence(io::Error::other(error)))?;
        copy(encryptor, plain, sealed).map_err(Error::EncryptEvidence)
    }

    /// Opens what [`Keys::encrypt_evidence`] wrote. A changed byte is an error of the reader where it stands.
    pub fn decrypt_evidence<R: Read>(&self, sealed: R) -> Result<impl Read + use<R>> {
        let refused = |error: age::DecryptError| Error::DecryptEvidence { reason: error.to_string() };
        let decryptor = age::Decryptor::new(sealed).map_err(refused)?;
        decryptor.decrypt(std::iter::once(self.evidence_identity() as &dyn age::Identity)).map_err(refused)
    }
}

fn copy(encryptor: age::Encryptor, plain: &mut dyn Read, sealed: &mut dyn Write) -> io::Result<u64> {
    let mut writer = encryptor.wrap_output(sealed)?;
    let bytes = io::copy(plain, &mut writer)?;
    writer.finish()?;
    Ok(bytes)
}
