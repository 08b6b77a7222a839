//! Tokens in forms (CSRF): each is made from a secret in the visitor's cookie, so another site cannot write one.

use axum::http::{HeaderMap, HeaderValue, header};
use data_encoding::BASE32_NOPAD;
use kintsugi_vault::Purpose;
use subtle::ConstantTimeEq;

use crate::site::Site;
use crate::visitor::cookie;

const COOKIE: &str = "form";

/// The token for a form that is bound to this secret.
pub(crate) fn token(site: &Site, secret: &str) -> String {
    BASE32_NOPAD.encode(&site.keys.blind_index(Purpose::FormToken, secret))
}

/// Whether a token was made from this secret.
pub(crate) fn fits(site: &Site, secret: &str, typed: &str) -> bool {
    bool::from(token(site, secret).as_bytes().ct_eq(typed.as_bytes()))
}

/// A new secret: 128 random bits.
pub(crate) fn new_secret() -> String {
    BASE32_NOPAD.encode(&rand::random::<[u8; 16]>())
}

/// The secret of a visitor who has not signed in, and the cookie to set where it is new.
pub(crate) fn visitor_secret(site: &Site, headers: &HeaderMap) -> (String, Option<HeaderValue>) {
    if let Some(secret) = cookie(headers, COOKIE).filter(|secret| secret.len() == 26) {
        return (secret, None);
    }
    let secret = new_secret();
    let secure = if site.options.secure { "; Secure" } else { "" };
    let set = HeaderValue::from_str(&format!("{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Strict{secure}")).ok();
    (secret, set)
}

/// Whether a visitor's form carries the token of their cookie.
pub(crate) fn visitor_fits(site: &Site, headers: &HeaderMap, typed: &str) -> bool {
    cookie(headers, COOKIE).is_some_and(|secret| fits(site, &secret, typed))
}

/// The headers that set a new secret.
pub(crate) fn set_cookie(cookie: Option<HeaderValue>) -> HeaderMap {
    cookie.into_iter().map(|cookie| (header::SET_COOKIE, cookie)).collect()
}
