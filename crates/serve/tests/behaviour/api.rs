//! The API: a coupon is redeemed once; every error is a problem document.

use kintsugi_serve::portal;

use crate::browser::{Answer, Browser};
use crate::made_up::{API_KEY, loopback, make};

async fn redeem(browser: &mut Browser, key: &str, idempotency_key: &str, body: &str) -> Answer {
    let head = format!(
        "POST /api/v1/coupons/redeem HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nIdempotency-Key: {idempotency_key}\r\n"
    );
    browser.send(&head, body).await
}

#[tokio::test]
async fn a_coupon_is_redeemed_once_and_the_same_request_gets_the_same_answer() {
    let dir = tempfile::tempdir().unwrap();
    let case = make(dir.path(), 3, loopback()).await;
    let body = format!("{{\"code\":\"{}\",\"order\":\"A-1\"}}", case.coupon);
    let mut browser = Browser::visit(portal(case.site)).await;
    let first = redeem(&mut browser, API_KEY, "one", &body).await;
    assert_eq!(
        (first.status, first.body.as_str()),
        (200, "{\"right\":1,\"amount\":3000,\"currency\":\"JPY\",\"redeemed_at\":\"2013-05-27T03:00:00Z\"}")
    );
    let again = redeem(&mut browser, API_KEY, "one", &body).await;
    assert_eq!((again.status, again.body), (200, first.body));
    let other = redeem(&mut browser, API_KEY, "two", &body).await;
    assert_eq!((other.status, other.header("content-type")), (409, Some("application/problem+json")));
    assert!(other.body.contains("\"type\":\"urn:kintsugi:problem:already-redeemed\""), "{}", other.body);
}

#[tokio::test]
async fn what_is_wrong_is_said_without_repeating_it() {
    let dir = tempfile::tempdir().unwrap();
    let case = make(dir.path(), 3, loopback()).await;
    let unknown = format!("{{\"code\":\"{}\",\"order\":\"A-1\"}}", "0".repeat(20));
    let mut browser = Browser::visit(portal(case.site)).await;
    let cases = [
        ("wrong", "k", unknown.as_str(), 401, "key-unknown"),
        (API_KEY, "", unknown.as_str(), 400, "idempotency-key-missing"),
        (API_KEY, "k1", "{\"code\":\"SECRETCODE\",\"order\":\"A\"}", 422, "code-mistyped"),
        (API_KEY, "k2", "{\"code\":7}", 400, "body-unreadable"),
        (API_KEY, "k3", unknown.as_str(), 404, "code-unknown"),
    ];
    for (key, idempotency_key, body, status, kind) in cases {
        let answer = redeem(&mut browser, key, idempotency_key, body).await;
        assert_eq!(answer.status, status, "{kind}: {}", answer.body);
        assert!(answer.body.contains(&format!("problem:{kind}\"")) && !answer.body.contains("SECRET"), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_coupon_whose_time_is_over_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let case = make(dir.path(), 3, loopback()).await;
    let body = format!("{{\"code\":\"{}\",\"order\":\"A-1\"}}", case.ended);
    let mut browser = Browser::visit(portal(case.site)).await;
    let answer = redeem(&mut browser, API_KEY, "one", &body).await;
    assert_eq!((answer.status, answer.header("content-type")), (410, Some("application/problem+json")));
    assert!(answer.body.contains("problem:expired\"") && answer.body.contains("2013-05-26T03:00:00Z"), "{}", answer.body);
}
