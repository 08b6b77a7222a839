//! Passwords of staff: Argon2id with the library's current parameters, as PHC strings.

use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier};

/// Why a password cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too short (NIST SP 800-63B-4 asks for 15 where it is the only factor; we ask for 12 and limit the rate).
    #[error("a password has at least 12 characters")]
    TooShort,
    /// The system's random source failed.
    #[error("the password cannot be hashed")]
    Hash,
}

/// Hashes a password for `Store::put_staff`.
pub fn hash_password(password: &str) -> Result<String, PasswordError> {
    if password.chars().count() < 12 {
        return Err(PasswordError::TooShort);
    }
    hash(password)
}

fn hash(password: &str) -> Result<String, PasswordError> {
    let hash: argon2::password_hash::phc::PasswordHash =
        Argon2::default().hash_password(password.as_bytes()).map_err(|_| PasswordError::Hash)?;
    Ok(hash.to_string())
}

/// Whether a password fits. Without a hash it does the same work and says no, so that names cannot be told by the time taken.
pub async fn password_fits(password: String, stored: Option<String>) -> bool {
    let work = move || match stored {
        Some(stored) => {
            PasswordHash::new(&stored).is_ok_and(|stored| Argon2::default().verify_password(password.as_bytes(), &stored).is_ok())
        }
        None => {
            let _ = hash(&password);
            false
        }
    };
    tokio::task::spawn_blocking(work).await.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::{PasswordError, hash_password, password_fits as fits};

    #[tokio::test]
    async fn only_the_same_password_fits() {
        let stored = hash_password("correct horse battery").unwrap();
        assert!(fits("correct horse battery".into(), Some(stored.clone())).await);
        assert!(!fits("correct horse batterx".into(), Some(stored)).await);
        assert!(!fits("correct horse battery".into(), None).await);
        assert!(matches!(hash_password("short"), Err(PasswordError::TooShort)));
    }
}
