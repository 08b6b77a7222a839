//! What every answer is wrapped in: the host check, the security headers, and pages for what went wrong.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::failure::Failure;
use crate::site::Site;

/// Scripts do not exist; styles, pictures and forms are our own; nobody frames us.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 8] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // The address of a person's page is a secret: no site that they go to next may learn it.
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=()"),
    (HeaderName::from_static("x-robots-tag"), "noarchive"),
];

/// Answers only to the controller's names: a page of ours under another name would be a lesson in phishing.
pub(crate) async fn host(State(site): State<Site>, request: Request, next: Next) -> Response {
    let named = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    let host = request.uri().host().or(named).map(without_port).unwrap_or_default();
    if allowed(&site, host) { next.run(request).await } else { Failure::WrongHost.into_response() }
}

/// Adds the headers. What is not said to be kept is not kept by anybody.
pub(crate) async fn headers(State(site): State<Site>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if site.options.secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=63072000"));
    }
    response
}

/// Whether a form was sent from our own page, as far as the browser says so (Fetch Metadata); the form token decides.
pub(crate) fn same_site(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    matches!(site, None | Some("same-origin" | "none"))
}

fn without_port(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}

fn allowed(site: &Site, host: &str) -> bool {
    let domain = site.case.controller.domain.as_str();
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let under = host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    under || (site.options.loopback && matches!(host.as_str(), "localhost" | "127.0.0.1" | "::1"))
}

#[cfg(test)]
mod tests {
    use super::without_port;

    #[test]
    fn a_port_is_no_part_of_a_name() {
        assert_eq!(
            ["a.example:80", "a.example", "[::1]:80", "127.0.0.1:1"].map(without_port),
            ["a.example", "a.example", "::1", "127.0.0.1"]
        );
    }
}
