//! Facts in notices: what a template cites is a fact of the fact book, in every mail and as approved.

use mail_parser::MessageParser;

use crate::desk::{Desk, Post};
use crate::follow_ups::{approve, frozen, sent};

/// The shipped notices with a paragraph that cites facts.
fn cite(desk: &Desk, paragraph: &str) {
    std::fs::create_dir_all(desk.case().join("templates")).unwrap();
    let tags = ["notice.ja.txt", "notice.en.txt"];
    for (name, own) in kintsugi_notify::default_templates().iter().filter(|(name, _)| tags.contains(name)) {
        std::fs::write(desk.case().join("templates").join(name), format!("{own}\n{paragraph}\n")).unwrap();
    }
}

/// Both bodies of every mail that arrived.
fn bodies(post: &Post) -> Vec<[String; 2]> {
    let body = |raw: &Vec<u8>| {
        let mail = MessageParser::default().parse(raw.as_slice()).unwrap();
        [mail.body_text(0).unwrap().into_owned(), mail.body_html(0).unwrap().into_owned()]
    };
    post.texts().iter().map(body).collect()
}

/// The number of reported cases in the case file, as it stands there with its day.
fn reported(desk: &Desk) -> (u64, String) {
    let text = std::fs::read_to_string(desk.case().join("case.toml")).unwrap();
    let (_, after) = text.split_once("name = \"unauthorised_use_cases\"\n").unwrap();
    let (entered, _) = after.split_once("\nsource").unwrap();
    let (value, _) = entered.strip_prefix("value = ").unwrap().split_once('\n').unwrap();
    (value.parse().unwrap(), entered.to_owned())
}

fn persons_affected(desk: &Desk) -> String {
    let facts = desk.run(&["--json", "facts"]).json()["result"]["facts"].clone();
    let fact = facts.as_array().unwrap().iter().find(|fact| fact["name"] == "persons_affected").unwrap().clone();
    fact["value"].as_str().unwrap().to_owned()
}

#[test]
fn what_notices_cite_is_checked_approved_written_down_and_followed_up() {
    let ((desk, password), post) = (frozen(41), Post::open());
    let url = post.url();
    let notify = ["notify", "--smtp", &url];
    cite(
        &desk,
        "Persons: {{fact.persons_affected}}. Reported: {{fact.unauthorised_use_cases}} ({{as_of.unauthorised_use_cases}}).",
    );
    assert_eq!(desk.run_with_password(&["notify", "plan", "--by", "m.sato"], &password).code, 0);
    approve(&desk);
    // More became known after the approval: what was approved is not what would be said.
    let ((cases, entered), later) = (reported(&desk), "value = 180\nas_of = 2013-05-20");
    desk.edit(&entered, later);
    let said = desk.run(&notify);
    assert!(said.code == 1 && said.out.contains("fact unauthorised_use_cases is different"), "{}{}", said.out, said.err);
    assert_eq!(post.count(), 0, "nothing left");
    desk.edit(later, &entered);
    assert_eq!(sent(&desk, &notify)["accepted"].as_u64(), Some(post.count()), "as approved, it goes");
    let line = |day: &str| format!("Persons: {}. Reported: {cases} ({day}).", persons_affected(&desk));
    let told = [line("2013年4月26日"), line("26 April 2013")];
    let bodies = bodies(&post);
    assert!(!bodies.is_empty() && bodies.iter().flatten().all(|body| told.iter().any(|line| body.contains(line))), "{bodies:?}");

    let book = desk.run(&["--json", "facts"]).json()["result"].clone();
    let cited =
        |name: &str| book["facts"].as_array().unwrap().iter().find(|fact| fact["name"] == name).unwrap()["cited_by"].clone();
    assert_eq!(cited("unauthorised_use_cases").to_string(), r#"["notice v1 en","notice v1 ja"]"#);
    assert_eq!(book["told_before"].as_array().unwrap().len(), 0);
    // What changes afterwards is listed with what was said; what contradicts it is never said.
    desk.edit(&entered, later);
    let told_before = desk.run(&["--json", "facts"]).json()["result"]["told_before"].clone();
    let expected = format!("notice v1 en: unauthorised_use_cases = {cases} (as of 2013-04-26), now 180 (as of 2013-05-20)");
    assert_eq!(told_before[0], expected);
}

#[test]
fn a_fact_that_is_not_known_or_contradicted_stops_before_anything_is_sent() {
    let (desk, post) = (Desk::drill(60, 42), Post::open());
    let url = post.url();
    cite(&desk, "{{fact.unauthorized_use_cases}}");
    let check = desk.run(&["check"]);
    assert_eq!(check.code, 2);
    assert!(check.err.contains("did you mean `unauthorised_use_cases`?"), "{}", check.err);
    cite(&desk, "{{fact.unauthorised_use_cases}} {{fact.persons.card.number.proved}} {{#if fact.later}}{{fact.later}}{{/if}}");
    assert_eq!(desk.run(&["check"]).code, 0);
    for stage in ["collect", "scope", "resolve", "freeze"] {
        assert!(desk.run(&[stage]).code <= 1, "{stage}");
    }
    desk.edit(&reported(&desk).1, "value = 12\nas_of = 2013-04-26");
    let more = "[[fact]]\nname = \"unauthorised_use_cases\"\nvalue = 0\nas_of = 2013-05-27\nsource = \"first draft\"\n";
    desk.edit("[[fact]]\nname = \"discovered_at\"", &format!("{more}\n[[fact]]\nname = \"discovered_at\""));
    let refused = desk.run(&["notify", "--smtp", &url]);
    assert_eq!((refused.code, post.count()), (2, 0), "{}", refused.out);
    for named in ["12 (as of 2013-04-26, processor and card companies)", "0 (as of 2013-05-27, first draft)"] {
        assert!(refused.err.contains(named), "{}", refused.err);
    }
    desk.edit(more, "");
    assert!(desk.run(&["notify", "--smtp", &url]).code <= 1);
    assert!(post.count() > 0);
}

#[test]
fn the_book_is_a_table_and_a_reader_who_has_seen_enough_may_go() {
    let desk = Desk::drill(60, 43);
    for stage in ["collect", "scope", "resolve", "freeze"] {
        assert!(desk.run(&[stage]).code <= 1, "{stage}");
    }
    let shown = desk.run(&["facts"]).out;
    let line = |name: &str| shown.lines().find(|line| line.trim_start().starts_with(name)).unwrap().to_owned();
    assert_eq!(line("records_stored").find("as of"), line("forms_closed_at").find("as of"), "{shown}");
    let script = "\"$0\" facts \"$1\" | true; exit ${PIPESTATUS[0]}";
    let mut shell = std::process::Command::new("bash");
    let shell = shell.args(["-c", script, env!("CARGO_BIN_EXE_kintsugi")]).arg(desk.case()).output().unwrap();
    assert_eq!((shell.status.code(), String::from_utf8_lossy(&shell.stderr).as_ref()), (Some(0), ""));
}
