//! The main job, end to end: what the drill took is found, and everybody is told once.

use std::collections::BTreeSet;

use kintsugi_mailbox::Faults;

use crate::desk::{Desk, Post};

/// Exit code 1: some of the drill's people have no mail address, and that is a gap.
const DONE_WITH_GAPS: i32 = 1;

#[test]
fn what_the_intruder_took_is_found_and_everybody_is_told_once() {
    let desk = Desk::drill(1_500, 99);
    let post = Post::open();
    let said = desk.run(&["--json", "run", "--smtp", &post.url()]);
    assert_eq!(said.code, DONE_WITH_GAPS, "{}{}", said.out, said.err);

    let truth = desk.truth();
    assert!(truth.len() > 1_000);
    assert_eq!(desk.exported("proved"), truth);
    assert_eq!(desk.exported("possible"), BTreeSet::new());

    let line = said.json()["result"]["stages"]["notify"].clone();
    let accepted = line["accepted"].as_u64().unwrap();
    assert_eq!(line["holds"], true, "{line}");
    assert_eq!(line["persons"].as_u64().unwrap(), accepted + line["no_address"].as_u64().unwrap(), "{line}");
    assert_eq!(post.count(), accepted);
    let ids = post.message_ids();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "one notice, one mail");

    let again = desk.run(&["run", "--smtp", &post.url()]);
    assert_eq!(again.code, DONE_WITH_GAPS, "{}", again.err);
    assert_eq!(post.count(), accepted, "a second run tells nobody twice");
}

#[test]
fn a_mail_server_that_misbehaves_is_accounted_for() {
    let desk = Desk::drill(400, 11);
    let nobody = "smtp://127.0.0.1:9";
    for stage in ["collect", "scope", "resolve", "freeze"] {
        assert!(desk.run(&[stage]).code <= 1);
    }
    let absent = desk.run(&["--json", "notify", "--smtp", nobody]).json()["result"].clone();
    assert_eq!((absent["holds"].as_bool(), absent["accepted"].as_u64()), (Some(true), Some(0)), "{absent}");
    assert!(absent["stopped"].is_string(), "{absent}");

    let post = Post::with(Faults { close_before_data: 3, close_after_dot: 2, ..Faults::default() });
    let line = desk.run(&["--json", "notify", "--smtp", &post.url()]).json()["result"].clone();
    assert_eq!(line["holds"], true, "{line}");
    assert_eq!(line["unknown"], 2, "an answer that never came is unknown: {line}");
    let ids = post.message_ids();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
}

#[test]
fn every_answer_has_its_why() {
    let desk = Desk::drill(300, 3);
    let post = Post::open();
    desk.run(&["run", "--smtp", &post.url()]);
    let fact = desk.run(&["why", "records_exposed"]);
    assert_eq!(fact.code, 0, "{}", fact.err);
    assert!(fact.out.contains("access.log"), "{}", fact.out);
    let person = desk.run(&["why", "1"]);
    assert!(person.code == 0 && !person.out.is_empty(), "{}{}", person.out, person.err);
    let mistyped = desk.run(&["why", "K-2013-000001-0"]);
    assert!(mistyped.code == 2 && mistyped.err.contains("the last digit does not fit"), "{}", mistyped.err);
    let unknown = desk.run(&["why", "shoe_size"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("records_exposed"), "it names what can be asked: {}", unknown.err);
}
