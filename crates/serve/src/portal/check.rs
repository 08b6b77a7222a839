//! "Am I affected?": whatever is typed, the same work is done and the same page is shown (rule 8).

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{Html, Redirect};
use kintsugi_case::Private;
use kintsugi_vault::Purpose;
use serde::Deserialize;

use crate::failure::Failure;
use crate::frame::Frame;
use crate::job::{CHECK_JOB, CheckJob};
use crate::site::Site;
use crate::visitor::Visitor;
use crate::{form_token, guard};

/// RFC 5321, 4.5.3.1.3: no mail address is longer.
const MAIL_BYTES_MAX: usize = 254;

/// The answer, always the same.
#[derive(Template)]
#[template(path = "portal/check.html")]
pub(crate) struct CheckAnswer {
    pub(crate) f: Frame,
}

/// What the form sends.
#[derive(Deserialize)]
pub(crate) struct CheckForm {
    #[serde(default)]
    mail: String,
    #[serde(default)]
    token: String,
}

/// `POST /check`: one job, whatever was typed. Whether anybody has this address is looked up by the worker alone.
pub(crate) async fn ask(
    State(site): State<Site>,
    visitor: Visitor,
    headers: HeaderMap,
    Form(form): Form<CheckForm>,
) -> Result<Redirect, Failure> {
    if !guard::same_site(&headers) || !form_token::visitor_fits(&site, &headers, &form.token) {
        return Err(Failure::Form);
    }
    let now_ms = site.now_ms();
    if !site.limiters.checks.allow(visitor.caller, now_ms) {
        return Err(Failure::TooMany);
    }
    let job = CheckJob { mail: Private::new(wanted(&site, &form.mail, now_ms)), language: visitor.language };
    site.store.enqueue(CHECK_JOB, &job.to_payload(), now_ms).await?;
    Ok(Redirect::to("/check"))
}

/// `GET /check`
pub(crate) async fn answer(State(site): State<Site>, visitor: Visitor) -> Result<Html<String>, Failure> {
    Ok(Html(CheckAnswer { f: Frame::portal(&site, &visitor) }.render()?))
}

/// The address to write to, or nothing: text that is no address, or an address that was asked about too often
/// (the portal must not become a way to flood a mailbox). The visitor cannot tell.
fn wanted(site: &Site, typed: &str, now_ms: i64) -> String {
    let mail = typed.trim();
    let index = site.keys.blind_index(Purpose::Mail, &mail.to_lowercase());
    let allowed = site.limiters.checks_for_one_address.allow(index, now_ms);
    let possible = mail.len() <= MAIL_BYTES_MAX && mail.contains('@') && !mail.chars().any(char::is_control);
    if allowed && possible { mail.to_owned() } else { String::new() }
}
