//! FIND's only network: a real MariaDB, MySQL or PostgreSQL on which the dump of a source was restored, asked by replay for
//! the rows of recovered SELECTs ([`kintsugi_replay::Server`]).
//!
//! Three walls stand between an intruder's statement and the server: replay hands over nothing but queries of known parts
//! (there), the session and every transaction in it are read-only and rolled back, and the role must have no right to write
//! at all, which is looked up at the door (`postgres`, `mysql`). What comes back is text, as the server wrote it.
//!
//! Not here: which statements are asked, and what follows from their rows (`replay`).

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use kintsugi_case::{Private, SourceSpec};
use kintsugi_replay::Server;

mod error;
mod mysql;
mod postgres;

pub use error::{Error, Result};

/// How a server is spoken to.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The password of the role; never in the case file.
    pub password: Option<Private<String>>,
    /// How long one statement may run.
    pub statement_time: Duration,
}

/// How long a server may take to answer a new connection.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// Opens a read-only session on the server at `url` for a source; refuses a role that could write.
pub fn open(source: &SourceSpec, url: &str, settings: &Settings) -> Result<Rc<RefCell<dyn Server>>> {
    let place = without_password(url);
    match url.split_once("://").map(|(scheme, _)| scheme) {
        Some("postgres" | "postgresql") => Ok(Rc::new(RefCell::new(postgres::Session::open(url, &place, settings)?))),
        Some("mysql" | "mariadb") => Ok(Rc::new(RefCell::new(mysql::Session::open(url, &place, settings)?))),
        _ => Err(Error::Url { source_name: source.name.clone(), place }),
    }
}

/// The URL as people may see it: without user, password and settings.
fn without_password(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}/{path}")
}

/// Waits for a connection, but not for ever.
async fn connected<T>(place: &str, connecting: impl Future<Output = sqlx::Result<T>>) -> Result<T> {
    match tokio::time::timeout(CONNECT_TIME, connecting).await {
        Ok(done) => done.map_err(|source| Error::Connect { place: place.to_owned(), source }),
        Err(_) => Err(Error::Silent { place: place.to_owned(), seconds: CONNECT_TIME.as_secs() }),
    }
}

fn runtime(place: &str) -> Result<tokio::runtime::Runtime> {
    let made = tokio::runtime::Builder::new_current_thread().enable_all().build();
    made.map_err(|source| Error::Connect { place: place.to_owned(), source: sqlx::Error::Io(source) })
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        let check = |url: &str, expected: &str| assert_eq!(without_password(url), expected);
        check("mysql://replay:p@ss@db.example:3306/shop?socket=/x", "mysql://db.example:3306/shop");
        check("postgresql:///shop?host=/run&password=secret", "postgresql:///shop");
        check("nonsense", "://nonsense/");
    }
}
