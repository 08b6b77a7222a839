//! Static files: in the binary, under addresses that name their content, so that browsers may keep them for ever.

use std::sync::OnceLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

const STYLE: &str = include_str!("../assets/site.css");
const ICON: &str = include_str!("../assets/icon.svg");

/// The address of the style sheet.
pub(crate) fn style() -> &'static str {
    static PATH: OnceLock<String> = OnceLock::new();
    PATH.get_or_init(|| format!("/static/site.{:016x}.css", fingerprint(STYLE)))
}

/// The address of the icon.
pub(crate) fn icon() -> &'static str {
    static PATH: OnceLock<String> = OnceLock::new();
    PATH.get_or_init(|| format!("/static/icon.{:016x}.svg", fingerprint(ICON)))
}

/// Serves `/static/{file}`.
pub(crate) async fn serve(Path(file): Path<String>) -> Response {
    let (kind, body) = match format!("/static/{file}") {
        path if path == style() => ("text/css; charset=utf-8", STYLE),
        path if path == icon() => ("image/svg+xml", ICON),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")], body).into_response()
}

/// FNV-1a, 64 bits: tells one content from another and protects nothing.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
