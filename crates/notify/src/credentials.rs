//! User and password of the mail server: from the environment or a file, never from the case file.

use std::io;
use std::path::PathBuf;

use kintsugi_case::Private;

/// User and password of the mail server: from the environment or a file, never from the case file.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// User.
    pub user: String,
    /// Password.
    pub password: Private<String>,
}

/// Why credentials cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// One of user and password is there, the other is not.
    #[error("{0} is not set, its counterpart is")]
    Half(&'static str),
    /// The file named by a `_FILE` variable cannot be read.
    #[error("cannot read {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Credentials {
    /// Takes `KINTSUGI_SMTP_USER` and `KINTSUGI_SMTP_PASSWORD` (or the same with `_FILE`: a file that holds the value)
    /// out of an environment; `None` where neither is there.
    pub fn from_env(get: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, CredentialsError> {
        let user = value(&get, "KINTSUGI_SMTP_USER")?;
        let password = value(&get, "KINTSUGI_SMTP_PASSWORD")?;
        match (user, password) {
            (Some(user), Some(password)) => Ok(Some(Self { user, password: Private::new(password) })),
            (None, None) => Ok(None),
            (None, Some(_)) => Err(CredentialsError::Half("KINTSUGI_SMTP_USER")),
            (Some(_), None) => Err(CredentialsError::Half("KINTSUGI_SMTP_PASSWORD")),
        }
    }
}

fn value(get: &impl Fn(&str) -> Option<String>, name: &str) -> Result<Option<String>, CredentialsError> {
    if let Some(value) = get(name).filter(|value| !value.is_empty()) {
        return Ok(Some(value));
    }
    let Some(path) = get(&format!("{name}_FILE")).filter(|path| !path.is_empty()).map(PathBuf::from) else {
        return Ok(None);
    };
    let text = std::fs::read_to_string(&path).map_err(|source| CredentialsError::File { path, source })?;
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{Credentials, CredentialsError};

    #[test]
    fn credentials_come_whole_from_the_environment_or_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "s3cret\n").unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        let get = |name: &str| match name {
            "KINTSUGI_SMTP_USER" => Some("desk".to_owned()),
            "KINTSUGI_SMTP_PASSWORD_FILE" => Some(path.clone()),
            _ => None,
        };
        let read = Credentials::from_env(get).unwrap().unwrap();
        assert_eq!((read.user.as_str(), read.password.open().as_str()), ("desk", "s3cret"));
        assert!(!format!("{read:?}").contains("s3cret"));
        assert!(Credentials::from_env(|_| None).unwrap().is_none());
        let half = Credentials::from_env(|name| (name == "KINTSUGI_SMTP_USER").then(|| "desk".to_owned()));
        assert!(matches!(half, Err(CredentialsError::Half("KINTSUGI_SMTP_PASSWORD"))));
    }
}
