//! The first page: what happened, am I affected, is this notice genuine, whom to ask.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{Html, IntoResponse, Response};
use kintsugi_report::Run;

use crate::failure::Failure;
use crate::form_token;
use crate::frame::Frame;
use crate::portal::example_number;
use crate::publish;
use crate::site::Site;
use crate::visitor::Visitor;

/// The page.
#[derive(Template)]
#[template(path = "portal/home.html")]
pub(crate) struct Home {
    pub(crate) f: Frame,
    /// What happened, from the statement; none while there is none.
    pub(crate) lead: Option<Vec<Run>>,
    pub(crate) dated: String,
    pub(crate) token: String,
    pub(crate) example: String,
}

/// `GET /`
pub(crate) async fn show(State(site): State<Site>, visitor: Visitor, headers: HeaderMap) -> Result<Response, Failure> {
    let written = publish::newest(&site.store, visitor.language).await?.map(|kept| kept.statement);
    let (secret, cookie) = form_token::visitor_secret(&site, &headers);
    let page = Home {
        f: Frame::portal(&site, &visitor),
        dated: written.as_ref().map(|statement| statement.dated.clone()).unwrap_or_default(),
        lead: written.map(|statement| statement.lead),
        token: form_token::token(&site, &secret),
        example: example_number(&site),
    };
    Ok((form_token::set_cookie(cookie), Html(page.render()?)).into_response())
}
