//! Every address of the portal, the API and the console.

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use crate::console::{
    answer, attack, audit, decide, evidence, facts, notices, person, persons, rights, scope, sign_in, stand, statements, why,
};
use crate::failure::Failure;
use crate::portal::{check, home, mine, statement, verify};
use crate::{api, asset, failure, guard, site::Site, visitor};

/// No form and no request to the API is longer.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// But for an answer of as many characters as it may have, in any script, as a form carries them: 9 bytes each.
const ANSWER_BYTES_MAX: usize = 128 * 1024;
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// The public listener: the portal and the API.
pub fn portal(site: Site) -> Router {
    let routes = Router::new()
        .route("/", get(home::show))
        .route("/check", get(check::answer).post(check::ask))
        .route("/n/{code}", get(mine::show))
        .route("/verify", get(verify::show))
        .route("/statement", get(statement::show))
        .route("/statement/{version}", get(statement::show_version))
        .route("/statement/{version}/pdf", get(statement::paper))
        .route("/statement.atom", get(statement::feed))
        .route("/chronicle", get(statement::chronicle))
        .route("/api/v1/coupons/redeem", post(api::redeem::redeem))
        .route("/static/{file}", get(asset::serve))
        .fallback(async || Failure::NotFound);
    guarded(bounded(routes, BODY_BYTES_MAX), site)
}

/// The staff listener: the console. All but signing in needs a session ([`crate::session::Session`]).
pub fn console(site: Site) -> Router {
    let routes = Router::new()
        .route("/", get(stand::show))
        .route("/signin", get(sign_in::show).post(sign_in::sign_in))
        .route("/signout", post(sign_in::sign_out))
        .route("/facts", get(facts::show))
        .route("/audit", get(audit::show))
        .route("/evidence", get(evidence::show))
        .route("/statement", get(crate::console::statement::show).post(crate::console::statement::publish))
        .route("/attack", get(attack::show))
        .route("/attack/{shape}", get(attack::show_shape))
        .route("/statements", get(statements::show))
        .route("/scope", get(scope::show))
        .route("/persons", get(persons::show).post(persons::find))
        .route("/persons/{id}", get(person::show).post(person::show_profile))
        .route("/notices", get(notices::show).post(decide::decide))
        .route("/plan", get(crate::console::plan::show).post(crate::console::plan::approve))
        .route("/plan/sending", post(crate::console::sending::turn))
        .route("/notices.csv", get(notices::download))
        .route("/replies", get(crate::console::replies::show))
        .route("/replies/{id}", get(crate::console::replies::show_one))
        .route("/rights", get(rights::show))
        .route("/why/{what}", get(why::show))
        .route("/static/{file}", get(asset::serve))
        .fallback(async || Failure::NotFound);
    let long = Router::new().route("/persons/{id}/answer", get(answer::back).post(answer::post));
    guarded(bounded(routes, BODY_BYTES_MAX).merge(bounded(long, ANSWER_BYTES_MAX)), site)
}

/// Longer bodies are refused.
fn bounded(routes: Router<Site>, bytes_max: usize) -> Router<Site> {
    routes.layer(RequestBodyLimitLayer::new(bytes_max))
}

/// From the inside out: panics caught, failures get their page, choices are kept, names are checked,
/// headers are added.
fn guarded(routes: Router<Site>, site: Site) -> Router {
    routes
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, ANSWER_WITHIN))
        .layer(CatchPanicLayer::custom(failure::panicked))
        .layer(from_fn_with_state(site.clone(), guard::host))
        .layer(from_fn_with_state(site.clone(), failure::dress))
        .layer(from_fn_with_state(site.clone(), visitor::remember))
        .layer(from_fn_with_state(site.clone(), guard::headers))
        .with_state(site)
}
