//! Answering in the console: written, looked at as it would arrive, asked for once, and written down without its words.

use kintsugi_case::{NoticeState, PersonId};
use kintsugi_serve::{ANSWER_JOB, answer_of, console};
use kintsugi_store::Store;

use crate::browser::{Answer, Browser, text};
use crate::made_up::{MadeUp, NOW_MS, STAFF, loopback, make, write_back};

const PATH: &str = "/persons/1/answer";

/// A case in which the first person wrote back, somebody signed in who reads this language, and their form's token.
async fn desk(dir: &std::path::Path, language: &str) -> (MadeUp, Browser, String) {
    let case = make(dir, 10, loopback()).await;
    write_back(&case.store, 1, "why me?").await;
    let mut browser = Browser::visit(console(case.site.clone())).await;
    let token = browser.get(&format!("/signin?lang={language}")).await.token();
    browser.post("/signin", &[("token", &token), ("name", STAFF.0), ("password", STAFF.1)]).await;
    let token = browser.get("/persons/1").await.token();
    (case, browser, token)
}

/// The value of a hidden field.
fn hidden(page: &Answer, name: &str) -> String {
    let start =
        page.body.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap_or_else(|| panic!("no {name}: {}", page.body));
    start.split('"').next().unwrap_or_default().to_owned()
}

async fn audit(store: &Store) -> Vec<String> {
    store.audit_entries(0, 100).await.unwrap().into_iter().map(|entry| entry.what).collect()
}

fn to(answer: &Answer) -> &str {
    answer.header("location").unwrap_or_default()
}

#[tokio::test]
async fn an_answer_is_shown_as_it_arrives_and_asked_for_once() {
    let dir = tempfile::tempdir().unwrap();
    let (case, mut browser, token) = desk(dir.path(), "en").await;
    let number = case.store.notices_of(PersonId(1)).await.unwrap()[0].number;
    let person = text(&browser.get("/persons/1").await.body);
    for said in ["Messages and answers Message 1", "not answered yet", "Answer this person", "An empty line begins a paragraph"] {
        assert!(person.contains(said), "{said}: {person}");
    }
    let said = "カードだけです。\n\n<b>ご住所</b>は含まれません。";
    let fields = [("token", token.as_str()), ("reply", "1"), ("text", said), ("act", "preview")];
    let page = browser.post(PATH, &fields).await;
    let read = text(&page.body);
    let expected = case.store.letter_of(number).await.unwrap().unwrap().profile;
    for said in [
        "Nothing has been sent yet",
        "From TABIDATA &#60;notice@kakehashi.example&#62;",
        &format!("To {}", expected.email.open()),
        "カードだけです。 &#60;b&#62;ご住所&#60;/b&#62;は含まれません。",
        &number.to_string(),
        "Send this answer",
    ] {
        assert!(read.contains(said), "{said}: {read}");
    }
    assert_eq!(case.store.jobs_waiting().await.unwrap(), 0, "nothing is sent by looking");

    let (secret, seen) = (hidden(&page, "form"), hidden(&page, "seen"));
    let send =
        |seen| [("token", token.as_str()), ("reply", "1"), ("text", said), ("form", &secret), ("seen", seen), ("act", "send")];
    let other = browser.post(PATH, &send("what another mail was")).await;
    assert!(text(&other.body).contains("the mail says something else than when you looked at it"), "{}", text(&other.body));
    assert_eq!(case.store.jobs_waiting().await.unwrap(), 0, "nothing leaves unseen");
    let send = send(&seen);
    let first = browser.post(PATH, &send).await;
    assert_eq!((first.status, to(&first)), (303, "/persons/1?answered=1#messages"));
    let again = browser.post(PATH, &send).await;
    assert_eq!((again.status, to(&again)), (303, "/persons/1?known=1#messages"), "a double click");
    assert_eq!(case.store.jobs_waiting().await.unwrap(), 1);
    let job = case.store.take_job("worker", NOW_MS + 9, NOW_MS).await.unwrap().unwrap();
    assert_eq!((job.kind.as_str(), answer_of(&job.payload)), (ANSWER_JOB, Ok(1)));
    let answer = case.store.answer(1).await.unwrap().unwrap();
    assert_eq!((answer.who.as_str(), answer.state, answer.words.open().as_str()), (STAFF.0, NoticeState::Intended, said));
    let after = text(&browser.get("/persons/1?answered=1").await.body);
    assert!(after.contains("Answer 1 is written down under your name") && after.contains("Answer 1 · waiting"), "{after}");
    let written = audit(&case.store).await;
    let expected = [
        (2, format!("previewed an answer to message 1 about notice {number}")),
        (1, format!("asked for answer 1 to message 1 about notice {number}")),
    ];
    assert!(expected.iter().all(|(n, one)| written.iter().filter(|what| *what == one).count() == *n), "{written:?}");
    assert!(!written.iter().any(|what| what.contains("カード")), "{written:?}");
}

#[tokio::test]
async fn the_pages_speak_japanese_and_words_can_be_mended() {
    let dir = tempfile::tempdir().unwrap();
    let (_, mut browser, token) = desk(dir.path(), "ja").await;
    let mut post = async |act: &str, said: &str| {
        browser.post(PATH, &[("token", token.as_str()), ("reply", "1"), ("text", said), ("act", act)]).await
    };
    let preview = text(&post("preview", "はい。").await.body);
    for said in ["返信 1 への返答", "まだ送っていません。", "宛先 ", "この返答を送る"] {
        assert!(preview.contains(said), "{said}: {preview}");
    }
    let mended = post("change", "はい。\r\n\r\nでも").await;
    assert!(mended.body.contains(">はい。\r\n\r\nでも</textarea>"), "{}", mended.body);
    for (said, why) in [(" \n", "1文字以上 10,000 文字以内"), (&*"長".repeat(10_001), "1文字以上 10,000 文字以内")]
    {
        let page = post("send", said).await;
        assert!(page.status == 200 && text(&page.body).contains(why), "{}: {}", page.status, text(&page.body));
    }
    let card = (0..10).map(|check| format!("400000000000000{check}")).find(|one| kintsugi_case::Pan::parse(one).is_ok()).unwrap();
    let page = post("preview", &card).await;
    assert!(text(&page.body).contains("カード番号が含まれています") && !page.body.contains(&card), "{}", text(&page.body));
    assert!(text(&post("send", "はい。").await.body).contains("まだ送っていません。"), "nothing leaves unseen");
    let reply = text(&browser.get("/replies/1").await.body);
    assert!(reply.contains("本人に返答する") && reply.contains("届くときの形で確かめる"), "{reply}");
}

#[tokio::test]
async fn nobody_answers_without_right_or_for_another_person() {
    let dir = tempfile::tempdir().unwrap();
    let (case, mut browser, token) = desk(dir.path(), "en").await;
    let fields = |token, reply| [("token", token), ("reply", reply), ("text", "x"), ("act", "preview")];
    let own = fields(token.as_str(), "1");
    assert_eq!(browser.post(PATH, &fields("WRONG", "1")).await.status, 403);
    assert_eq!(browser.post("/persons/2/answer", &own).await.status, 404, "another person's message");
    assert_eq!(browser.post(PATH, &fields(token.as_str(), "7")).await.status, 404, "no such message");
    assert_eq!(to(&browser.get(PATH).await), "/persons/1#messages");
    browser.forget_cookies();
    let answer = browser.post(PATH, &own).await;
    assert!(answer.status == 303 && to(&answer).starts_with("/signin"), "{}", answer.status);
    assert_eq!(case.store.jobs_waiting().await.unwrap(), 0);
    // Person 2 wrote nothing: there is no form.
    let token = browser.get("/signin?lang=en").await.token();
    browser.post("/signin", &[("token", &token), ("name", STAFF.0), ("password", STAFF.1)]).await;
    let page = browser.get("/persons/2").await;
    assert!(!page.body.contains("<textarea") && text(&page.body).contains("has not written back"), "{}", text(&page.body));
}
