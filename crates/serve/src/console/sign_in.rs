//! Signing in and out.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum_extra::extract::SignedCookieJar;
use serde::Deserialize;

use crate::failure::Failure;
use crate::frame::Frame;
use crate::session::{self, Session};
use crate::site::Site;
use crate::visitor::Visitor;
use crate::{form_token, guard, password};

/// The page.
#[derive(Template)]
#[template(path = "console/sign_in.html")]
pub(crate) struct SignIn {
    pub(crate) f: Frame,
    pub(crate) case: String,
    pub(crate) token: String,
    pub(crate) next: String,
    pub(crate) wrong: bool,
}

/// Where to go after signing in.
#[derive(Deserialize)]
pub(crate) struct SignInQuery {
    #[serde(default)]
    next: String,
}

/// What the form sends.
#[derive(Deserialize)]
pub(crate) struct SignInForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    token: String,
    #[serde(default)]
    next: String,
}

/// What every form of the console carries.
#[derive(Deserialize)]
pub(crate) struct TokenForm {
    #[serde(default)]
    pub(crate) token: String,
}

/// `GET /signin`
pub(crate) async fn show(
    State(site): State<Site>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(query): Query<SignInQuery>,
) -> Result<Response, Failure> {
    page(&site, &visitor, &headers, query.next, false)
}

/// `POST /signin`
pub(crate) async fn sign_in(
    State(site): State<Site>,
    visitor: Visitor,
    headers: HeaderMap,
    jar: SignedCookieJar,
    Form(form): Form<SignInForm>,
) -> Result<Response, Failure> {
    if !guard::same_site(&headers) || !form_token::visitor_fits(&site, &headers, &form.token) {
        return Err(Failure::Form);
    }
    let now_ms = site.now_ms();
    let allowed = site.limiters.sign_ins.allow(visitor.caller, now_ms);
    if !allowed || !site.limiters.sign_ins_for_one_name.allow(form.name.chars().take(100).collect(), now_ms) {
        return Err(Failure::TooMany);
    }
    let staff = site.store.staff(&form.name).await?;
    let fits = password::password_fits(form.password, staff.as_ref().map(|staff| staff.password_hash.clone())).await;
    match staff.filter(|_| fits) {
        Some(staff) => {
            site.store.audit(&staff.name, "signed in", now_ms).await?;
            Ok((jar.add(session::begin(&site, &staff)), Redirect::to(own_path(&form.next))).into_response())
        }
        None => {
            let page = page(&site, &visitor, &headers, form.next, true)?;
            Ok((StatusCode::UNAUTHORIZED, page).into_response())
        }
    }
}

/// `POST /signout`
pub(crate) async fn sign_out(
    State(site): State<Site>,
    session: Session,
    jar: SignedCookieJar,
    Form(form): Form<TokenForm>,
) -> Result<Response, Failure> {
    if !session.fits(&site, &form.token) {
        return Err(Failure::Form);
    }
    site.store.audit(&session.who, "signed out", site.now_ms()).await?;
    Ok((jar.remove(session::end()), Redirect::to("/signin")).into_response())
}

fn page(site: &Site, visitor: &Visitor, headers: &HeaderMap, next: String, wrong: bool) -> Result<Response, Failure> {
    let (secret, cookie) = form_token::visitor_secret(site, headers);
    let page = SignIn {
        f: Frame::portal(site, visitor),
        case: site.case.case.title.clone(),
        token: form_token::token(site, &secret),
        next: own_path(&next).to_owned(),
        wrong,
    };
    Ok((form_token::set_cookie(cookie), Html(page.render()?)).into_response())
}

/// A path of ours: nobody is led to another site by a link to our sign-in page.
fn own_path(next: &str) -> &str {
    let ours = next.starts_with('/')
        && !next.starts_with("//")
        && next.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.".contains(&b));
    if ours { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn nobody_is_led_elsewhere() {
        let led = ["/persons/7", "//evil.example", "https://evil.example", "/\\evil.example", ""].map(own_path);
        assert_eq!(led, ["/persons/7", "/", "/", "/", "/"]);
    }
}
