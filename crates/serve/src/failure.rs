//! What can go wrong with a request. The visitor reads a page that says what to do; the log gets the cause.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};

use crate::frame::Frame;
use crate::publish::PublishError;
use crate::site::Site;
use crate::visitor::Visitor;

/// Why a page cannot be shown.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// No such page, person or notice.
    #[error("no such page")]
    NotFound,
    /// A personal link that leads nowhere (any more).
    #[error("this link leads nowhere")]
    Expired,
    /// A form without the token of its visitor.
    #[error("a form without its token")]
    Form,
    /// Too many questions.
    #[error("too many requests")]
    TooMany,
    /// A name that is not the controller's.
    #[error("not a name of this site")]
    WrongHost,
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] Arc<kintsugi_store::Error>),
    /// A template failed, or code panicked.
    #[error("the page failed")]
    Page,
}

impl From<kintsugi_store::Error> for Failure {
    fn from(error: kintsugi_store::Error) -> Self {
        Self::Store(Arc::new(error))
    }
}

/// What is wrong with facts is told where it is asked; a page that only shows what was published meets the store alone.
impl From<PublishError> for Failure {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Store(error) => error.into(),
            other => {
                tracing::error!(error = &other as &dyn std::error::Error, "what was published cannot be shown");
                Self::Page
            }
        }
    }
}

impl From<askama::Error> for Failure {
    fn from(_: askama::Error) -> Self {
        Self::Page
    }
}

impl Failure {
    const fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Expired => StatusCode::GONE,
            Self::Form => StatusCode::FORBIDDEN,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::WrongHost => StatusCode::MISDIRECTED_REQUEST,
            Self::Store(_) | Self::Page => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The start of the keys of its words.
    const fn key(&self) -> &'static str {
        match self {
            Self::NotFound => "missing",
            Self::Expired => "expired",
            Self::Form => "form",
            Self::TooMany => "many",
            Self::WrongHost => "host",
            Self::Store(_) | Self::Page => "broken",
        }
    }
}

/// A failure leaves as a bare status; [`dress`] gives it its page, because only there the visitor is known.
impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        if matches!(self, Self::TooMany) {
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("600"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// What went wrong, as a page.
#[derive(Template)]
#[template(path = "failure.html")]
pub(crate) struct FailurePage {
    pub(crate) f: Frame,
    pub(crate) key: &'static str,
}

/// Turns failures into pages in the visitor's language, and writes the cause to the log.
pub(crate) async fn dress(State(site): State<Site>, request: Request, next: Next) -> Response {
    let visitor = Visitor::of(&request, &site);
    let mut response = next.run(request).await;
    let Some(failure) = response.extensions_mut().remove::<Failure>() else { return response };
    if failure.status().is_server_error() {
        tracing::error!(error = &failure as &dyn std::error::Error, "a page failed");
    }
    let page = FailurePage { f: Frame::portal(&site, &visitor), key: failure.key() };
    let Ok(html) = page.render() else { return response };
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::CONTENT_TYPE);
    (parts.status, parts.headers, Html(html)).into_response()
}

/// The page for code that panicked.
pub(crate) fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    Failure::Page.into_response()
}

impl FailurePage {
    fn title(&self) -> String {
        self.f.w.t(&format!("failure-{}-title", self.key))
    }

    fn text(&self) -> String {
        self.f.w.t(&format!("failure-{}-text", self.key))
    }
}
