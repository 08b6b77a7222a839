//! What staff see, and that what they see is written down.

use kintsugi_case::PersonId;
use kintsugi_serve::console;

use crate::browser::{Answer, Browser, text};
use crate::made_up::{STAFF, loopback, make, make_empty};

async fn sign_in(browser: &mut Browser, password: &str) -> Answer {
    let token = browser.get("/signin?lang=en").await.token();
    browser.post("/signin", &[("token", &token), ("name", STAFF.0), ("password", password)]).await
}

#[tokio::test]
async fn nothing_is_shown_without_signing_in() {
    let dir = tempfile::tempdir().unwrap();
    let case = make(dir.path(), 10, loopback()).await;
    let mut browser = Browser::visit(console(case.site)).await;
    for path in [
        "/",
        "/facts",
        "/audit",
        "/evidence",
        "/statements",
        "/scope",
        "/persons",
        "/persons/1",
        "/notices",
        "/notices.csv",
        "/rights",
        "/why/x",
    ] {
        let answer = browser.get(path).await;
        assert!(answer.status == 303 && answer.header("location").unwrap().starts_with("/signin"), "{path}: {}", answer.status);
    }
    assert_eq!(sign_in(&mut browser, "a wrong password").await.status, 401);
    assert_eq!(sign_in(&mut browser, STAFF.1).await.status, 303);
    assert_eq!(browser.get("/").await.status, 200);
    browser.forget_cookies();
    assert_eq!(browser.get("/").await.status, 303);
}

#[tokio::test]
async fn the_figures_stand_with_their_why_and_everyone_is_accounted_for() {
    let dir = tempfile::tempdir().unwrap();
    let case = make(dir.path(), 10, loopback()).await;
    let mut browser = Browser::visit(console(case.site)).await;
    sign_in(&mut browser, STAFF.1).await;
    let page = browser.get("/").await;
    let read = text(&page.body);
    for said in [
        "Records proved taken 9",
        "Persons to tell 10 of 12 persons",
        "172 as of 2013-04-26, 31 days old: ask again",
        "6 accepted 1 refused 1 unknown 1 held 1 no address = 10 persons",
    ] {
        assert!(read.contains(said), "{said}: {read}");
    }
    for fact in ["records_stored", "records_exposed", "persons_affected", "unauthorised_use_cases"] {
        assert!(page.body.contains(&format!("/why/{fact}\"")), "{fact}");
        assert!(browser.get(&format!("/why/{fact}")).await.body.contains("class=\"seam\""), "{fact}");
    }
    for path in ["/facts", "/audit", "/evidence", "/statements", "/scope", "/persons", "/notices", "/rights", "/why/person-1"] {
        let page = browser.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.body.len() < 30_000 && !page.body.contains(" style="), "{path}: {} bytes", page.body.len());
    }
}

#[tokio::test]
async fn a_name_stands_behind_a_click_that_is_written_down() {
    let dir = tempfile::tempdir().unwrap();
    let case = make(dir.path(), 10, loopback()).await;
    let mut browser = Browser::visit(console(case.site)).await;
    sign_in(&mut browser, STAFF.1).await;
    let list = browser.get("/persons").await;
    let person = browser.get("/persons/1").await;
    assert!(!list.body.contains("花子") && !person.body.contains("花子"));
    assert_eq!(browser.post("/persons/1", &[("token", "WRONG")]).await.status, 403);
    let open = browser.post("/persons/1", &[("token", &person.token())]).await;
    assert!(open.body.contains("髙橋 花子1") && open.body.contains("person1@mail.example"));
    let said: Vec<String> = case.store.audit_entries(0, 100).await.unwrap().into_iter().map(|entry| entry.what).collect();
    assert_eq!(said, ["signed in", "viewed person 1", "viewed name and contact of person 1"]);
}

#[tokio::test]
async fn a_person_is_found_by_number_or_exact_address() {
    let dir = tempfile::tempdir().unwrap();
    let case = make(dir.path(), 10, loopback()).await;
    let mut browser = Browser::visit(console(case.site)).await;
    sign_in(&mut browser, STAFF.1).await;
    let token = browser.get("/persons").await.token();
    for (wanted, found) in [("4", true), ("person4@mail.example", true), ("person4@mail", false), ("4000", false)] {
        let page = browser.post("/persons", &[("token", &token), ("wanted", wanted)]).await;
        assert_eq!(page.body.contains("href=\"/persons/4\""), found, "{wanted}");
        assert!(!page.body.contains("person4@"), "{wanted}");
    }
}

#[tokio::test]
async fn the_list_of_notices_can_be_saved() {
    let dir = tempfile::tempdir().unwrap();
    let case = make(dir.path(), 10, loopback()).await;
    let mut browser = Browser::visit(console(case.site)).await;
    sign_in(&mut browser, STAFF.1).await;
    let list = browser.get("/notices.csv?state=refused").await;
    assert_eq!(list.header("content-type"), Some("text/csv; charset=utf-8"));
    assert!(list.body.contains("number,person,scope_version,channel,state,changed_at,last_event\r\n"), "{}", list.body);
    assert!(list.body.contains(",5,1,mail,refused,") && list.body.contains("\"550 5.1.1 no such mailbox\""), "{}", list.body);
}

#[tokio::test]
async fn an_empty_case_says_what_to_do_next() {
    let dir = tempfile::tempdir().unwrap();
    let mut browser = Browser::visit(console(make_empty(dir.path(), loopback()).await)).await;
    sign_in(&mut browser, STAFF.1).await;
    assert!(text(&browser.get("/").await.body).contains("No scope version is frozen yet"));
    for path in ["/facts", "/evidence", "/statements", "/scope", "/persons", "/notices", "/rights"] {
        assert!(browser.get(path).await.body.contains("class=\"empty\""), "{path}");
    }
}

#[tokio::test]
async fn a_notice_is_held_let_go_and_settled_with_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    let case = make(dir.path(), 10, loopback()).await;
    let mut browser = Browser::visit(console(case.site)).await;
    sign_in(&mut browser, STAFF.1).await;
    let token = browser.get("/notices?state=unknown&lang=en").await.token();
    let unknown = case.store.notices_of(PersonId(7)).await.unwrap()[0].number.to_string();
    let held = case.store.notices_of(PersonId(3)).await.unwrap()[0].number.to_string();
    let settle = |reason| vec![("notice", unknown.as_str()), ("state", "unknown"), ("act", "accepted"), ("reason", reason)];
    let mut send = async |mut fields: Vec<(&str, &str)>, token: &str| {
        fields.push(("token", token));
        browser.post("/notices", &fields).await
    };
    assert_eq!(send(settle("called back"), "WRONG").await.status, 403);
    let to = |answer: &Answer| answer.header("location").unwrap_or_default().to_owned();
    assert_eq!(to(&send(settle(" "), &token).await), "/notices?state=unknown&fault=reason");
    assert_eq!(to(&send(settle("called back"), &token).await), "/notices?state=unknown&done=1&left=0");
    assert_eq!(to(&send(settle("called back"), &token).await), "/notices?state=unknown&done=0&left=1");
    let release = vec![("notice", held.as_str()), ("person", "3"), ("act", "release"), ("reason", "address confirmed")];
    assert_eq!(to(&send(release, &token).await), "/persons/3?done=1&left=0");
    let hold = |until| vec![("notice", held.as_str()), ("act", "hold"), ("reason", "asked to wait"), ("until", until)];
    assert_eq!(to(&send(hold("2013-05-27"), &token).await), "/notices?fault=day");
    assert_eq!(to(&send(hold("2013-05-30"), &token).await), "/notices?done=1&left=0");
    let page = text(&browser.get("/persons/3?done=1").await.body);
    for said in ["m.sato: asked to wait", "released by m.sato: address confirmed", "One notice was changed.", "Let go"] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let audit: Vec<String> = case.store.audit_entries(0, 100).await.unwrap().into_iter().map(|entry| entry.what).collect();
    let said =
        [format!("settled as accepted notice {unknown}"), format!("released notice {held}"), format!("held notice {held}")];
    assert_eq!(audit[1..4], said);
    assert!(case.store.conservation(1).await.unwrap().holds());
}
