//! Who asks, in which language and size of letters: read from the address, a cookie, or what the browser says.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use kintsugi_case::Language;

use crate::limit;
use crate::site::Site;

/// Whoever looks at a page.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    /// The language they chose, or that their browser asks for; `None` where neither is one we have.
    pub(crate) chosen: Option<Language>,
    /// The language in which they get pages that are not about a certain person.
    pub(crate) language: Language,
    /// Whether they asked for large letters.
    pub(crate) large: bool,
    /// The path and query that they are on, without the parts about language and letters.
    pub(crate) here: String,
    /// The address that limits count by.
    pub(crate) caller: IpAddr,
}

impl FromRequestParts<Site> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Infallible> {
        Ok(Self::read(&parts.uri, &parts.headers, peer(&parts.extensions), site))
    }
}

impl Visitor {
    /// Reads a request.
    pub(crate) fn of(request: &Request, site: &Site) -> Self {
        Self::read(request.uri(), request.headers(), peer(request.extensions()), site)
    }

    fn read(uri: &Uri, headers: &HeaderMap, peer: IpAddr, site: &Site) -> Self {
        let languages = &site.case.case.page_languages();
        let known = |tag: String| Language::from_tag(&tag).filter(|language| languages.contains(language));
        let chosen = query(uri, "lang").and_then(known).or_else(|| cookie(headers, "lang").and_then(known));
        let asked = chosen.or_else(|| accepted(headers).into_iter().find_map(known));
        Self {
            chosen,
            language: asked.or_else(|| languages.first().copied()).unwrap_or_default(),
            large: query(uri, "text").or_else(|| cookie(headers, "text")).as_deref() == Some("large"),
            here: here(uri),
            caller: limit::caller(client(headers, peer, &site.options.proxies)),
        }
    }
}

/// Keeps a choice of language or letters that stands in the address as a cookie, for a year.
pub(crate) async fn remember(State(site): State<Site>, request: Request, next: Next) -> Response {
    let choices = ["lang", "text"].map(|name| (name, query(request.uri(), name)));
    let mut response = next.run(request).await;
    let secure = if site.options.secure { "; Secure" } else { "" };
    for (name, value) in choices {
        let Some(value) = value.filter(|value| matches!(value.as_str(), "ja" | "en" | "large" | "normal")) else { continue };
        let cookie = format!("{name}={value}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax{secure}");
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response
}

fn peer(extensions: &axum::http::Extensions) -> IpAddr {
    extensions.get::<ConnectInfo<SocketAddr>>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip())
}

/// The client: the peer, or what a believed proxy says of it (the entry that the proxy itself added: the last).
fn client(headers: &HeaderMap, peer: IpAddr, proxies: &[IpAddr]) -> IpAddr {
    if !proxies.contains(&peer.to_canonical()) {
        return peer;
    }
    let forwarded = headers.get_all("x-forwarded-for").iter().next_back().and_then(|value| value.to_str().ok());
    forwarded.and_then(|list| list.rsplit(',').next()).and_then(|last| last.trim().parse().ok()).unwrap_or(peer)
}

/// A query parameter of plain letters; others are for the page itself.
fn query(uri: &Uri, name: &str) -> Option<String> {
    let pairs = uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).next_back()
}

/// A cookie's value.
pub(crate) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(';'));
    all.filter_map(|pair| pair.trim().split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

/// The languages of `Accept-Language` in their order. Weights are ignored: browsers list by preference.
fn accepted(headers: &HeaderMap) -> Vec<String> {
    let text = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.split(',').map(|item| item.split(';').next().unwrap_or_default().trim().to_owned()).take(16).collect()
}

fn here(uri: &Uri) -> String {
    let kept = uri.query().into_iter().flat_map(|query| query.split('&'));
    let kept: Vec<&str> =
        kept.filter(|pair| !pair.starts_with("lang=") && !pair.starts_with("text=") && !pair.is_empty()).collect();
    match kept.is_empty() {
        true => uri.path().to_owned(),
        false => format!("{}?{}", uri.path(), kept.join("&")),
    }
}

#[cfg(test)]
mod tests {
    use super::{HeaderMap, client, cookie, here};

    #[test]
    fn a_choice_of_language_keeps_the_place() {
        assert_eq!(here(&"/verify?number=K-1&lang=en&text=large".parse().unwrap()), "/verify?number=K-1");
        assert_eq!(here(&"/?lang=en".parse().unwrap()), "/");
    }

    #[test]
    fn only_a_believed_proxy_speaks_for_its_client() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "203.0.113.9, 198.51.100.7".parse().unwrap());
        let proxy = "10.0.0.1".parse().unwrap();
        assert_eq!(client(&headers, proxy, &[proxy]).to_string(), "198.51.100.7");
        assert_eq!(client(&headers, proxy, &[]), proxy);
    }

    #[test]
    fn cookies_are_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.insert("cookie", "a=1; lang=en; b=2".parse().unwrap());
        assert_eq!(cookie(&headers, "lang").as_deref(), Some("en"));
        assert_eq!(cookie(&headers, "l"), None);
    }
}
