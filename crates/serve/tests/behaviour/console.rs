//! What staff see, and that what they see is written down.

use kintsugi_case::{Fact, FactValue, PersonId};
use kintsugi_serve::{console, portal};

use crate::browser::{Answer, Browser, text};
use crate::made_up::{NOW_MS, STAFF, loopback, make, make_empty, write_back};

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
        "/plan",
        "/rights",
        "/statement",
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
        "6 accepted 1 refused 1 unknown 1 held 1 letter due = 10 persons",
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
async fn replies_are_listed_without_a_name_and_reading_one_is_written_down() {
    let dir = tempfile::tempdir().unwrap();
    let case = make(dir.path(), 10, loopback()).await;
    let number = case.store.list_notices(1, None, 0, 1).await.unwrap()[0].number;
    write_back(&case.store, 1, "why me?").await;
    let mut browser = Browser::visit(console(case.site)).await;
    sign_in(&mut browser, STAFF.1).await;
    let list = browser.get("/replies").await;
    assert!(list.status == 200 && list.body.contains(&number.to_string()) && !list.body.contains("Hanako"), "{}", list.body);
    let one = browser.get("/replies/1").await;
    assert!(
        one.body.contains("why me?") && one.body.contains("&#60;Hanako&#62;") && !one.body.contains("<b>notice"),
        "{}",
        one.body
    );
    assert!(browser.get("/audit").await.body.contains("read message 1"));
    assert_eq!(browser.get("/replies/7").await.status, 404);
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
    assert_eq!(said[1..], ["signed in", "viewed person 1", "viewed name and contact of person 1"]);
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
    assert_eq!(audit[2..5], said);
    assert!(case.store.conservation(1).await.unwrap().holds());
}

#[tokio::test]
async fn the_statement_is_issued_again_with_a_note_and_its_versions_stay() {
    let dir = tempfile::tempdir().unwrap();
    let case = make(dir.path(), 10, loopback()).await;
    let mut reader = Browser::visit(portal(case.site.clone())).await;
    let mut staff = Browser::visit(console(case.site)).await;
    sign_in(&mut staff, STAFF.1).await;
    let first = text(&reader.get("/statement?lang=en").await.body);
    assert!(first.contains("172 cases of unauthorised card use") && first.contains("Version 1"), "{first}");

    // More cases are known: the published version does not move by itself, and the console says that it must.
    let mut facts = case.store.facts().await.unwrap();
    facts.retain(|fact| fact.name == "unauthorised_use_cases");
    facts.push(Fact { value: FactValue::Number(180), as_of: "2013-05-20".into(), ..facts[0].clone() });
    case.store.put_entered_facts(&facts, NOW_MS).await.unwrap();
    assert_eq!(text(&reader.get("/statement?lang=en").await.body), first);
    let page = staff.get("/statement?lang=en").await;
    let read = text(&page.body);
    for said in ["Cases of unauthorised use 172 2013-04-26 180 2013-05-20", "Added: As of 20 May 2013, 180 cases"] {
        assert!(read.contains(said), "{said}: {read}");
    }
    let token = page.token();
    let notes = |en| [("token", token.as_str()), ("note-ja", "{unauthorised_use_cases} 件に増えました。"), ("note-en", en)];
    for (note, why) in [
        ("", "a note must say what is new"),
        ("Now 180 cases.", "the figure 1 in the note is no fact"),
        ("Now {cases}.", "the note cites {cases}, and there is no such fact"),
    ] {
        let refused = staff.post("/statement", &notes(note)).await;
        assert!(refused.status == 200 && text(&refused.body).contains(why), "{note}: {}", text(&refused.body));
    }
    assert_eq!(staff.post("/statement", &[("token", "WRONG")]).await.status, 403);
    assert_eq!(staff.post("/statement", &notes("Reported cases rose to {unauthorised_use_cases}.")).await.status, 303);

    let second = text(&reader.get("/statement?lang=en").await.body);
    for said in ["Updates", "Reported cases rose to 180 .", "Removed: As of 26 April 2013, 172 cases", "Version 2"] {
        assert!(second.contains(said), "{said}: {second}");
    }
    let kept = text(&reader.get("/statement/1?lang=en").await.body);
    assert!(kept.contains("This is version 1, kept as it was.") && kept.contains("172 cases"), "{kept}");
    assert_eq!(reader.get("/statement/3").await.status, 404);
    let feed = reader.get("/statement.atom?lang=en").await;
    assert_eq!(feed.header("content-type"), Some("application/atom+xml; charset=utf-8"));
    assert!(feed.body.contains("<id>tag:kakehashi.example,2013:statement/en/2</id>"), "{}", feed.body);
    assert!(text(&staff.get("/why/unauthorised_use_cases?lang=en").await.body).contains("Stated by: statement v2"));

    // Two facts that cannot both be published: the refusal names both.
    facts.push(Fact { value: FactValue::Number(0), as_of: "2013-05-27".into(), ..facts[0].clone() });
    case.store.put_entered_facts(&facts, NOW_MS).await.unwrap();
    let refused = text(&staff.post("/statement", &notes("No misuse is known.")).await.body);
    let both = ["180 (as of 2013-05-20", "and 0 (as of 2013-05-27"];
    assert!(both.iter().all(|one| refused.contains(one)), "{refused}");
    assert_eq!(text(&reader.get("/statement?lang=en").await.body), second);
}

/// A plan of everything that version 1 tells, made by `by`.
async fn plan(store: &kintsugi_store::Store, by: &str) -> kintsugi_store::PlanContent {
    let lines = store.plan_lines(1, kintsugi_case::Channel::Mail).await.unwrap();
    let words = vec![("notice.ja.txt".to_owned(), "ab".repeat(32))];
    let content = kintsugi_store::PlanContent {
        scope_version: 1,
        scope_digest: "5f3a".into(),
        channel: kintsugi_case::Channel::Mail,
        words,
        lines,
    };
    let remarks = [("shared-address".to_owned(), "2".to_owned())];
    store.put_plan(&content, by, &remarks, NOW_MS).await.unwrap();
    content
}

#[tokio::test]
async fn a_plan_is_approved_as_it_was_shown_and_not_by_whoever_made_it() {
    let dir = tempfile::tempdir().unwrap();
    let case = make(dir.path(), 10, loopback()).await;
    let mut browser = Browser::visit(console(case.site)).await;
    sign_in(&mut browser, STAFF.1).await;
    assert!(text(&browser.get("/plan").await.body).contains("Nothing is planned yet"));
    let own = plan(&case.store, STAFF.0).await;
    let page = browser.get("/plan").await;
    assert!(text(&page.body).contains("You planned this. Somebody else must approve it."), "{}", text(&page.body));
    assert!(!page.body.contains("<button type=\"submit\">Approve"));
    let token = page.token();
    let form = |number: &'static str, digest: String| [("token", token.clone()), ("plan", number.to_owned()), ("digest", digest)];
    let post = async |browser: &mut Browser, fields: [(&'static str, String); 3]| {
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        browser.post("/plan", &fields).await.header("location").unwrap().to_owned()
    };
    assert_eq!(post(&mut browser, form("1", own.digest())).await, "/plan?fault=same");
    let other = plan(&case.store, "t.mori").await;
    assert_eq!(post(&mut browser, form("1", own.digest())).await, "/plan?fault=overtaken");
    let read = text(&browser.get("/plan").await.body);
    for said in ["Plan 2 · scope version 1", "Approve 10 notices", "2 shared address", "notice.ja.txt abababababababab"] {
        assert!(read.contains(said), "{said}: {read}");
    }
    assert_eq!(post(&mut browser, form("2", other.digest())).await, "/plan");
    assert!(text(&browser.get("/plan").await.body).contains(&format!("Approved by {}", STAFF.0)));
    let audit = text(&browser.get("/audit").await.body);
    assert!(audit.contains("approved plan 2") && audit.contains("tried to approve their own plan 1"), "{audit}");
}

#[tokio::test]
async fn sending_is_paused_with_a_reason_and_every_page_that_matters_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let case = make(dir.path(), 10, loopback()).await;
    let mut browser = Browser::visit(console(case.site)).await;
    sign_in(&mut browser, STAFF.1).await;
    let token = browser.get("/plan").await.token();
    let turn = async |browser: &mut Browser, token: &str, turn: &str, reason: &str| {
        let fields = [("token", token), ("turn", turn), ("reason", reason)];
        browser.post("/plan/sending", &fields).await.header("location").map(str::to_owned)
    };
    assert_eq!(turn(&mut browser, "forged", "pause", "x").await, None);
    assert_eq!(turn(&mut browser, &token, "pause", "  ").await.unwrap(), "/plan?fault=reason#sending");
    assert_eq!(case.store.paused().await.unwrap(), None);
    assert!(text(&browser.get("/plan?fault=reason").await.body).contains("Say why"));
    for _ in 0..2 {
        assert_eq!(turn(&mut browser, &token, "pause", "<b>a wrong price</b>").await.unwrap(), "/plan#sending");
    }
    let page = browser.get("/plan").await;
    for said in ["Sending is paused.", &format!("Paused by {}", STAFF.0), "Reason: <b>a wrong price</b>", "Let sending go on"] {
        assert!(text(&page.body).replace("&#60;", "<").replace("&#62;", ">").contains(said), "{said}: {}", text(&page.body));
    }
    assert!(!page.body.contains("<b>a wrong"), "what people write is no markup");
    assert!(text(&browser.get("/").await.body).contains("Sending is paused."));
    assert!(text(&browser.get("/plan?lang=ja").await.body).contains("送信を一時停止しています"));
    turn(&mut browser, &token, "resume", "mended").await.unwrap();
    assert_eq!(case.store.paused().await.unwrap(), None);
    let audit = text(&browser.get("/audit").await.body);
    assert_eq!((audit.matches("paused sending").count(), audit.matches("let sending go on").count()), (1, 1), "{audit}");
}
