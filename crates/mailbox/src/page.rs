//! The pages: find a message by address, read it as text and as it looks, follow its links.
//!
//! A message is somebody else's HTML. It is shown in a frame that runs nothing, loads nothing and is nobody's origin;
//! only a click on a link leaves it, into a window of its own.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use mail_parser::MessageParser;
use serde::Deserialize;
use tokio::net::TcpListener;

use crate::Error;
use crate::spool::{Message, Spool};

/// Messages on one page.
const LIST_MAX: u32 = 30;
const PAGE_POLICY: &str =
    "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const FRAME_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; frame-ancestors 'self'; \
                            sandbox allow-popups allow-popups-to-escape-sandbox";

/// Serves the pages until it is dropped.
pub(crate) async fn listen(listener: TcpListener, spool: Arc<Spool>) {
    if let Err(error) = axum::serve(listener, router(spool)).await {
        tracing::error!(%error, "the mailbox page ended");
    }
}

fn router(spool: Arc<Spool>) -> Router {
    Router::new()
        .route("/", get(list))
        .route("/m/{number}", get(message))
        .route("/m/{number}/html", get(message_html))
        .route("/m/{number}/raw", get(message_raw))
        .route("/style.css", get(style))
        .with_state(spool)
}

/// What a page says, in one language.
struct Words {
    lang: &'static str,
    title: &'static str,
    note: &'static str,
    question: &'static str,
    address: &'static str,
    search: &'static str,
    newest: &'static str,
    found: &'static str,
    empty: &'static str,
    none: &'static str,
    earlier: &'static str,
    to: &'static str,
    from: &'static str,
    arrived: &'static str,
    letter: &'static str,
    text: &'static str,
    raw: &'static str,
}

const ENGLISH: Words = Words {
    lang: "en",
    title: "Make-believe mailbox",
    note: "Every mail of this rehearsal ends here. None of it was delivered to anybody.",
    question: "Whose mail do you want to open?",
    address: "Mail address, or a part of it",
    search: "Find",
    newest: "Newest",
    found: "Found",
    empty: "No mail has arrived yet. As soon as notices are sent, they appear here.",
    none: "There is no mail to such an address. A part of it is enough, for example what stands before the @.",
    earlier: "Earlier mail",
    to: "To",
    from: "From",
    arrived: "Arrived",
    letter: "The mail as its reader sees it",
    text: "The same mail as text alone",
    raw: "The message as it was sent, with all headers",
};

const JAPANESE: Words = Words {
    lang: "ja",
    title: "練習用の郵便受け",
    note: "この演習で送られたメールは、すべてここで止まります。どなたにも配達されません。",
    question: "どなた宛てのメールを開きますか",
    address: "メールアドレス（一部でもかまいません）",
    search: "探す",
    newest: "新しい順",
    found: "見つかったメール",
    empty: "メールはまだ届いていません。お知らせが送られると、ここに表示されます。",
    none: "このアドレス宛てのメールはありません。「@」より前の部分だけでも探せます。",
    earlier: "これより前のメール",
    to: "宛先",
    from: "差出人",
    arrived: "到着",
    letter: "受け取った方に見えるメール",
    text: "文字だけで読む",
    raw: "送られたままのメッセージ（ヘッダーを含む）",
};

impl Words {
    /// By what the browser prefers: Japanese where it comes before English.
    fn of(headers: &HeaderMap) -> &'static Self {
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let first = accepted.split(',').map(str::trim).find(|tag| tag.starts_with("ja") || tag.starts_with("en"));
        if first.is_some_and(|tag| tag.starts_with("ja")) { &JAPANESE } else { &ENGLISH }
    }
}

#[derive(Template)]
#[template(path = "list.html")]
struct ListPage {
    words: &'static Words,
    to: String,
    messages: Vec<Line>,
    count: String,
    earlier: Option<u32>,
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage {
    words: &'static Words,
    message: Line,
    from: String,
    /// Escaped, with links.
    text: String,
    /// Of the frame, in pixels; none where the message has no HTML.
    height: Option<usize>,
}

/// A message in a list.
struct Line {
    number: u32,
    to: String,
    subject: String,
    time: String,
    stamp: String,
}

impl Line {
    fn of(message: &Message) -> Self {
        let at = jiff::Timestamp::from_millisecond(message.at_ms).unwrap_or_default();
        let subject =
            MessageParser::new().parse_headers(&message.received.raw).and_then(|mail| mail.subject().map(str::to_owned));
        Self {
            number: message.number,
            to: message.received.to.clone(),
            subject: subject.unwrap_or_else(|| "-".to_owned()),
            time: at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            stamp: at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        }
    }
}

#[derive(Deserialize)]
struct Asked {
    to: Option<String>,
    before: Option<u32>,
}

async fn list(State(spool): State<Arc<Spool>>, headers: HeaderMap, Query(asked): Query<Asked>) -> Result<Response, Failure> {
    let to = asked.to.unwrap_or_default().trim().to_owned();
    let messages = if to.is_empty() { spool.newest(asked.before, LIST_MAX)? } else { spool.find(&to, LIST_MAX as usize)? };
    let count = if to.is_empty() { spool.count() } else { messages.len() as u64 };
    let earlier = messages.last().map(|last| last.number).filter(|&number| to.is_empty() && number > 0);
    let messages = messages.iter().map(Line::of).collect();
    page(&ListPage { words: Words::of(&headers), to, messages, count: grouped(count), earlier })
}

async fn message(State(spool): State<Arc<Spool>>, headers: HeaderMap, Path(number): Path<u32>) -> Result<Response, Failure> {
    let message = spool.message(number)?.ok_or(Failure::NotFound)?;
    let mail = MessageParser::new().parse(&message.received.raw);
    let text = mail.as_ref().and_then(|mail| mail.body_text(0)).unwrap_or_default();
    let html = mail.as_ref().is_some_and(has_html);
    let from = mail.as_ref().and_then(|mail| mail.from()?.first().map(|from| from_text(from.name(), from.address())));
    page(&MessagePage {
        words: Words::of(&headers),
        message: Line::of(&message),
        from: from.unwrap_or_else(|| message.received.from.clone()),
        text: with_links(&text),
        height: html.then(|| frame_height(&text)),
    })
}

async fn message_html(State(spool): State<Arc<Spool>>, Path(number): Path<u32>) -> Result<Response, Failure> {
    let message = spool.message(number)?.ok_or(Failure::NotFound)?;
    let mail = MessageParser::new().parse(&message.received.raw).ok_or(Failure::NotFound)?;
    let html = mail.body_html(0).filter(|_| has_html(&mail)).ok_or(Failure::NotFound)?;
    Ok(answer(FRAME_POLICY, "text/html; charset=utf-8", opening_links_outside(&html)))
}

async fn message_raw(State(spool): State<Arc<Spool>>, Path(number): Path<u32>) -> Result<Response, Failure> {
    let message = spool.message(number)?.ok_or(Failure::NotFound)?;
    Ok(answer(PAGE_POLICY, "text/plain; charset=utf-8", message.received.raw))
}

async fn style() -> Response {
    answer(PAGE_POLICY, "text/css; charset=utf-8", include_str!("../templates/style.css"))
}

/// Whether the sender wrote HTML: the parser makes some up from the text otherwise.
fn has_html(mail: &mail_parser::Message<'_>) -> bool {
    mail.html_bodies().any(|part| part.is_text_html())
}

fn from_text(name: Option<&str>, address: Option<&str>) -> String {
    match (name, address) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (one, other) => one.or(other).unwrap_or_default().to_owned(),
    }
}

/// A click on a link opens a window of its own; in the frame, the page behind it would be caught in the sandbox.
fn opening_links_outside(html: &str) -> String {
    const BASE: &str = "<base target=\"_blank\">";
    let head = html.to_ascii_lowercase().find("<head").and_then(|at| html[at..].find('>').map(|end| at + end + 1));
    match head {
        Some(at) => format!("{}{BASE}{}", &html[..at], &html[at..]),
        None => format!("{BASE}{html}"),
    }
}

/// As high as the same words are as text on a phone, so that the frame need not scroll.
fn frame_height(text: &str) -> usize {
    let lines: usize = text.lines().map(|line| 1 + line.chars().count() / 40).sum();
    (220 + lines * 30).min(6000)
}

/// The text escaped, its web addresses as links.
fn with_links(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some(at) = rest.find("http://").into_iter().chain(rest.find("https://")).min() {
        let link_end = rest[at..]
            .find(|c: char| c.is_whitespace() || !c.is_ascii() || matches!(c, '<' | '>' | '"'))
            .map_or(rest.len(), |end| at + end);
        let link = escape(rest[at..link_end].trim_end_matches(['.', ',', ')', ';']));
        out.push_str(&escape(&rest[..at]));
        out.push_str(&format!("<a href=\"{link}\" target=\"_blank\" rel=\"noopener noreferrer\">{link}</a>"));
        let kept = rest[at..link_end].trim_end_matches(['.', ',', ')', ';']).len();
        rest = &rest[at + kept..];
    }
    out.push_str(&escape(rest));
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// `109112` as `109,112`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let groups = digits.as_bytes()[first..].chunks(3).map(|group| String::from_utf8_lossy(group));
    let head = (first > 0).then(|| digits[..first].into());
    head.into_iter().chain(groups).collect::<Vec<_>>().join(",")
}

fn page(template: &impl Template) -> Result<Response, Failure> {
    let text = template.render().map_err(Failure::Page)?;
    Ok(answer(PAGE_POLICY, "text/html; charset=utf-8", text))
}

fn answer(policy: &'static str, kind: &'static str, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Why there is no page.
enum Failure {
    NotFound,
    Spool(Error),
    Page(askama::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Spool(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Spool(_) | Self::Page(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        match self {
            Self::NotFound => {}
            Self::Spool(error) => tracing::error!(%error, "a message could not be read"),
            Self::Page(error) => tracing::error!(%error, "a page could not be made"),
        }
        let text = if status == StatusCode::NOT_FOUND {
            "<p>There is no such message. / このメッセージはありません。</p><p><a href=\"/\">←</a></p>"
        } else {
            "<p>The message cannot be read at the moment. / メッセージを読み込めません。</p>"
        };
        (status, Html(text)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::{grouped, opening_links_outside, with_links};

    #[test]
    fn web_addresses_become_links_and_everything_else_is_escaped() {
        assert_eq!(
            with_links("<b>見る：http://127.0.0.1:8080/n/ABC。https://a.example/?a=1&b=2."),
            "&lt;b&gt;見る：<a href=\"http://127.0.0.1:8080/n/ABC\" target=\"_blank\" rel=\"noopener noreferrer\">\
             http://127.0.0.1:8080/n/ABC</a>。<a href=\"https://a.example/?a=1&amp;b=2\" target=\"_blank\" \
             rel=\"noopener noreferrer\">https://a.example/?a=1&amp;b=2</a>."
        );
        assert_eq!(
            with_links("javascript:alert(1) http://"),
            "javascript:alert(1) <a href=\"http://\" target=\"_blank\" rel=\"noopener noreferrer\">http://</a>"
        );
    }

    #[test]
    fn links_of_a_message_open_outside_of_its_frame() {
        assert_eq!(opening_links_outside("<html><head lang=ja><title>"), "<html><head lang=ja><base target=\"_blank\"><title>");
        assert_eq!(opening_links_outside("<p>"), "<base target=\"_blank\"><p>");
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 12, 123, 1234, 109_112, 1_000_000].map(grouped), ["0", "12", "123", "1,234", "109,112", "1,000,000"]);
    }
}
