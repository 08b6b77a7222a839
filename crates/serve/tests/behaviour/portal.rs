//! What the people concerned see, and what nobody can find out about somebody else.

use kintsugi_serve::{CHECK_JOB, CheckJob, Limits, Options, portal};

use crate::browser::{Browser, text};
use crate::made_up::{NOW_MS, loopback, make, make_empty};

#[tokio::test]
async fn my_page_begins_with_the_answer_and_ends_with_how_to_check_it() {
    let dir = tempfile::tempdir().unwrap();
    let case = make(dir.path(), 20, loopback()).await;
    let mut browser = Browser::visit(portal(case.site)).await;
    let page = browser.get(&format!("/n/{}?lang=en", case.link)).await;
    assert_eq!(page.status, 200);
    let text = text(&page.body);
    assert!(text.starts_with("髙橋 花子1, the data of your Visa card ending in 4243 was taken. This is confirmed."), "{text}");
    for said in [
        "Card number Confirmed",
        "Postal address Possible",
        "line 2,918,335 of the web server's log access.log",
        "3,000 yen off",
        "K-2013-000001-",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    // Names of tables, columns and addresses of the shop are not for the public.
    assert!(["cards", "bill_address", "/item", "UNION", "shop."].iter().all(|hidden| !text.contains(hidden)), "{text}");
    assert!(page.body.len() < 30_000, "{} bytes", page.body.len());
}

#[tokio::test]
async fn who_is_untouched_or_possibly_touched_reads_so() {
    let dir = tempfile::tempdir().unwrap();
    let case = make(dir.path(), 20, loopback()).await;
    let mut browser = Browser::visit(portal(case.site)).await;
    let untouched = text(&browser.get(&format!("/n/{}?lang=en", case.untouched)).await.body);
    assert!(untouched.contains("we found no record that your data was taken"), "{untouched}");
    assert!(untouched.contains("We read the logs from 7 April 2013"), "{untouched}");
    let possible = text(&browser.get(&format!("/n/{}?lang=en", case.possible)).await.body);
    assert!(possible.contains("may have been taken") && !possible.contains("3,000 yen"), "{possible}");
}

#[tokio::test]
async fn the_check_gives_everybody_the_same_bytes_and_the_same_work() {
    let dir = tempfile::tempdir().unwrap();
    let case = make(dir.path(), 20, loopback()).await;
    let mut browser = Browser::visit(portal(case.site)).await;
    let token = browser.get("/").await.token();
    let mut answers = Vec::new();
    for mail in ["person1@mail.example", "nobody@mail.example", "not an address", ""] {
        let sent = browser.post("/check", &[("mail", mail), ("token", &token)]).await;
        assert_eq!((sent.status, sent.header("location")), (303, Some("/check")), "{mail}");
        answers.push((sent.head.replace(|c: char| c.is_ascii_digit(), ""), browser.get("/check").await.body));
    }
    assert!(answers.windows(2).all(|pair| pair[0].1 == pair[1].1 && pair[0].0.len() == pair[1].0.len()));
    let mut jobs = Vec::new();
    while let Some(job) = case.store.take_job("test", NOW_MS + 1000, NOW_MS).await.unwrap() {
        assert_eq!(job.kind, CHECK_JOB);
        jobs.push(CheckJob::from_payload(&job.payload).unwrap().mail.into_open());
        case.store.finish_job(job.id).await.unwrap();
    }
    assert_eq!(jobs, ["person1@mail.example", "nobody@mail.example", "", ""]);
}

#[tokio::test]
async fn asking_too_often_for_one_address_sends_no_more_mail_and_looks_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let case = make(dir.path(), 3, loopback()).await;
    let mut browser = Browser::visit(portal(case.site)).await;
    let token = browser.get("/").await.token();
    for _ in 0..5 {
        assert_eq!(browser.post("/check", &[("mail", "A@mail.example"), ("token", &token)]).await.status, 303);
    }
    let mut written_to = 0;
    while let Some(job) = case.store.take_job("test", NOW_MS + 1000, NOW_MS).await.unwrap() {
        written_to += usize::from(!CheckJob::from_payload(&job.payload).unwrap().mail.open().is_empty());
        case.store.finish_job(job.id).await.unwrap();
    }
    assert_eq!(written_to, 3);
}

#[tokio::test]
async fn a_form_from_elsewhere_and_too_many_questions_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { limits: Limits { checks: 1, ..Limits::default() }, ..loopback() };
    let case = make(dir.path(), 3, options).await;
    let mut browser = Browser::visit(portal(case.site)).await;
    let token = browser.get("/?lang=en").await.token();
    assert_eq!(browser.post("/check", &[("mail", "a@b.example"), ("token", "WRONG")]).await.status, 403);
    assert_eq!(browser.post("/check", &[("mail", "a@b.example"), ("token", &token)]).await.status, 303);
    let many = browser.post("/check", &[("mail", "a@b.example"), ("token", &token)]).await;
    assert_eq!((many.status, many.header("retry-after")), (429, Some("600")));
    assert!(text(&many.body).starts_with("Please wait a little"));
    browser.forget_cookies();
    assert_eq!(browser.post("/check", &[("mail", "a@b.example"), ("token", &token)]).await.status, 403);
}

#[tokio::test]
async fn a_notice_number_is_genuine_foreign_mistyped_or_none() {
    let dir = tempfile::tempdir().unwrap();
    let case = make(dir.path(), 20, loopback()).await;
    let number = |serial| kintsugi_case::NoticeNumber::new(2013, serial).to_string();
    let (genuine, refused, foreign) = (number(1), number(5), number(777));
    let mut mistyped = genuine.clone();
    mistyped.replace_range(mistyped.len() - 3..mistyped.len() - 2, "8");
    let mut browser = Browser::visit(portal(case.site)).await;
    browser.get("/?lang=en").await;
    for (typed, mark) in
        [(genuine, "Genuine"), (refused, "Not ours"), (foreign, "Not ours"), (mistyped, "mistyped"), ("4242".into(), "mistyped")]
    {
        let page = text(&browser.get(&format!("/verify?number={typed}")).await.body);
        assert!(page.contains(mark) && !page.contains("花子"), "{typed}: {page}");
    }
}

#[tokio::test]
async fn every_page_is_strict_and_short_and_speaks_both_languages() {
    let dir = tempfile::tempdir().unwrap();
    let case = make(dir.path(), 20, loopback()).await;
    let mut browser = Browser::visit(portal(case.site)).await;
    for path in ["/", "/check", "/verify", "/statement", "/nowhere", &format!("/n/{}", case.link), "/n/WRONG"] {
        for (lang, tag) in [("ja", "<html lang=\"ja\""), ("en", "<html lang=\"en\"")] {
            let page = browser.get(&format!("{path}?lang={lang}&text=large")).await;
            assert!(
                page.header("content-security-policy").unwrap().starts_with("default-src 'none'; style-src 'self'"),
                "{path}"
            );
            assert_eq!(page.header("cache-control"), Some("no-store"), "{path}");
            assert_eq!(page.header("referrer-policy"), Some("no-referrer"), "{path}");
            assert!(page.body.contains(tag) && page.body.len() < 30_000, "{path}");
            assert!(["<script", " style=", "<style", "onclick"].iter().all(|no| !page.body.contains(no)), "{path}");
        }
    }
}

#[tokio::test]
async fn another_name_gets_no_page() {
    let dir = tempfile::tempdir().unwrap();
    let case = make(dir.path(), 3, Options { loopback: false, ..loopback() }).await;
    let mut browser = Browser::visit(portal(case.site)).await;
    let get = |host: &str| format!("GET /check HTTP/1.1\r\nHost: {host}\r\n");
    assert_eq!(browser.send(&get("kakehashi.example"), "").await.status, 200);
    assert_eq!(browser.send(&get("www.kakehashi.example:443"), "").await.status, 200);
    assert_eq!(browser.send(&get("evilkakehashi.example"), "").await.status, 421);
    assert_eq!(browser.send(&get("localhost"), "").await.status, 421);
}

#[tokio::test]
async fn before_anything_is_frozen_the_portal_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let site = make_empty(dir.path(), loopback()).await;
    let mut browser = Browser::visit(portal(site)).await;
    assert!(text(&browser.get("/?lang=en").await.body).contains("We are looking into unauthorised access"));
    assert!(text(&browser.get("/statement").await.body).contains("The notice is being prepared"));
}
