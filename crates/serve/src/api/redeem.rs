//! `POST /api/v1/coupons/redeem`: a coupon is redeemed at most once, whatever runs at the same time (rule 12).

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use kintsugi_case::Private;
use kintsugi_remedy::CouponCode;
use kintsugi_store::{RedeemRequest, Redemption};
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::site::Site;
use crate::visitor::Visitor;

/// The longest order reference and idempotency key.
const REFERENCE_CHARS_MAX: usize = 200;

#[derive(Deserialize)]
struct Request {
    code: String,
    order: String,
}

/// The answer to a request that redeemed the coupon, now or when it was first sent.
#[derive(Serialize)]
pub(crate) struct Redeemed {
    right: u64,
    amount: u64,
    currency: String,
    redeemed_at: String,
}

/// Redeems a coupon.
pub(crate) async fn redeem(
    State(site): State<Site>,
    visitor: Visitor,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Redeemed>, Problem> {
    let client = client(&site, &visitor, &headers).await?;
    let idempotency_key = idempotency_key(&headers)?;
    let request = read(&body)?;
    let code = CouponCode::parse(&request.code).map_err(|error| Problem {
        detail: error.to_string(),
        ..Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "code-mistyped", "This is no coupon code.")
    })?;
    let request = RedeemRequest { client, code: Private::new(code.open().to_owned()), order_ref: request.order, idempotency_key };
    let redemption = site.store.redeem(&request, site.now_ms()).await.map_err(|error| Problem::store(&error))?;
    answer(redemption).map(Json)
}

/// Who asks, by their key.
async fn client(site: &Site, visitor: &Visitor, headers: &HeaderMap) -> Result<String, Problem> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let secret = value.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let key = match secret {
        Some((_, secret)) => site.store.api_key(secret.trim()).await.map_err(|error| Problem::store(&error))?,
        None => None,
    };
    match key {
        Some(key) => Ok(key.name),
        None if site.limiters.wrong_keys.allow(visitor.caller, site.now_ms()) => {
            Err(Problem::new(StatusCode::UNAUTHORIZED, "key-unknown", "Send a valid key: Authorization: Bearer KEY."))
        }
        None => {
            Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many", "Too many requests with a wrong key. Wait ten minutes."))
        }
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<String, Problem> {
    let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok()).map(str::trim).unwrap_or_default();
    if key.is_empty() || key.chars().count() > REFERENCE_CHARS_MAX {
        let title = "Send an Idempotency-Key of 1 to 200 characters, the same for the same attempt.";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "idempotency-key-missing", title));
    }
    Ok(key.to_owned())
}

/// The body is read by hand, so that a mistake in it is a problem like any other. serde's words may quote the body: they are not passed on.
fn read(body: &[u8]) -> Result<Request, Problem> {
    let problem = |title| Problem::new(StatusCode::BAD_REQUEST, "body-unreadable", title);
    let request: Request =
        serde_json::from_slice(body).map_err(|_| problem("The body is JSON with two texts: code and order."))?;
    match request.order.trim().is_empty() || request.order.chars().count() > REFERENCE_CHARS_MAX {
        true => Err(problem("order is your order's reference, 1 to 200 characters.")),
        false => Ok(request),
    }
}

fn answer(redemption: Redemption) -> Result<Redeemed, Problem> {
    let problem = |status, kind, title, detail| Problem { detail, ..Problem::new(status, kind, title) };
    match redemption {
        Redemption::Redeemed { right, amount, currency, at_ms } => {
            Ok(Redeemed { right, amount, currency, redeemed_at: time(at_ms) })
        }
        Redemption::AlreadyRedeemed { at_ms } => {
            Err(problem(StatusCode::CONFLICT, "already-redeemed", "This coupon was redeemed before.", time(at_ms)))
        }
        Redemption::Expired { since_ms } => {
            Err(problem(StatusCode::GONE, "expired", "This coupon's time is over.", time(since_ms)))
        }
        Redemption::Unknown => Err(Problem::new(StatusCode::NOT_FOUND, "code-unknown", "No coupon has this code.")),
        Redemption::KeyReused => {
            let title = "This Idempotency-Key was used for another code or order.";
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", title))
        }
    }
}

/// RFC 3339, UTC.
fn time(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms).map(|at| at.to_string()).unwrap_or_default()
}
