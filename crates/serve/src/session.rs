//! Who is signed in to the console: a signed cookie that ends after eight hours, or when the password changes.

use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::SignedCookieJar;
use axum_extra::extract::cookie::{Cookie, Key, SameSite};
use data_encoding::BASE64URL_NOPAD;
use kintsugi_store::Staff;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::form_token;
use crate::site::Site;

const COOKIE: &str = "session";
const SESSION_MS: i64 = 8 * 60 * 60 * 1000;

/// A member of staff who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// Their name.
    pub(crate) who: String,
    /// The token for forms on their pages.
    pub(crate) token: String,
    secret: String,
}

#[derive(Serialize, Deserialize)]
struct Carried {
    who: String,
    generation: u64,
    since_ms: i64,
    secret: String,
}

impl Session {
    /// Whether a form was sent from a page of this session.
    pub(crate) fn fits(&self, site: &Site, typed: &str) -> bool {
        form_token::fits(site, &self.secret, typed)
    }
}

/// The cookie of a new session.
pub(crate) fn begin(site: &Site, staff: &Staff) -> Cookie<'static> {
    let carried = Carried {
        who: staff.name.clone(),
        generation: staff.generation,
        since_ms: site.now_ms(),
        secret: form_token::new_secret(),
    };
    let text = serde_json::to_vec(&carried).unwrap_or_default();
    Cookie::build((COOKIE, BASE64URL_NOPAD.encode(&text)))
        .path("/")
        .http_only(true)
        .secure(site.options.secure)
        .same_site(SameSite::Strict)
        .build()
}

/// The cookie to remove at the end of a session.
pub(crate) fn end() -> Cookie<'static> {
    Cookie::build(COOKIE).path("/").build()
}

async fn read(parts: &mut Parts, site: &Site) -> Result<Option<Session>, Failure> {
    let Ok(jar) = SignedCookieJar::<Key>::from_request_parts(parts, site).await;
    let carried = jar.get(COOKIE).and_then(|cookie| BASE64URL_NOPAD.decode(cookie.value().as_bytes()).ok());
    let Some(carried) = carried.and_then(|bytes| serde_json::from_slice::<Carried>(&bytes).ok()) else { return Ok(None) };
    let fresh = (0..SESSION_MS).contains(&(site.now_ms() - carried.since_ms));
    let staff = site.store.staff(&carried.who).await?;
    let same = staff.is_some_and(|staff| staff.generation == carried.generation);
    let token = form_token::token(site, &carried.secret);
    Ok((fresh && same).then_some(Session { who: carried.who, token, secret: carried.secret }))
}

impl FromRequestParts<Site> for Session {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Response> {
        match read(parts, site).await {
            Ok(Some(session)) => Ok(session),
            Ok(None) => Err(Redirect::to(&sign_in_address(parts)).into_response()),
            Err(failure) => Err(failure.into_response()),
        }
    }
}

/// Where to sign in, and where to go after that.
fn sign_in_address(parts: &Parts) -> String {
    let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |uri| &uri.0);
    if uri.path() == "/" { "/signin".into() } else { format!("/signin?next={}", uri.path()) }
}
