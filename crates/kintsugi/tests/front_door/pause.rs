//! Staff pause sending: whoever sends, wherever, finishes what is in hand and waits; nothing is lost when it goes on.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::time::Duration;

use kintsugi_mailbox::Faults;

use crate::desk::{Desk, Post};
use crate::follow_ups::{approve, frozen, sent};

#[test]
fn sending_waits_while_it_is_paused_and_goes_on_where_it_was() {
    let desk = Desk::drill(400, 41);
    // Two slow sessions: it is still sending when the pause comes.
    desk.edit("[mail]", "[mail]\nconnections = 2");
    let post = Post::with(Faults { slow: Some(Duration::from_millis(3)), ..Faults::default() });
    for stage in ["collect", "scope", "resolve", "freeze"] {
        assert!(desk.run(&[stage]).code <= 1, "{stage}");
    }
    let url = post.url();
    let mut sender = desk.start_heard(&["notify", "--smtp", &url]);
    let mut heard = BufReader::new(sender.stderr.take().unwrap()).lines();
    while post.count() < 5 {
        assert!(sender.try_wait().unwrap().is_none(), "the mails ran out before the pause");
        std::thread::yield_now();
    }
    assert_eq!(desk.run(&["notify", "pause", "--reason", ""]).code, 2, "a pause has a reason");
    assert_eq!(desk.run(&["notify", "pause", "--reason", "a wrong price"]).code, 0);
    let paused = "sending is paused by command line (a wrong price)";
    assert!(heard.by_ref().any(|line| line.unwrap().contains(paused)), "the sender says why it waits");

    let before = post.count();
    let other = desk.run(&["notify", "--smtp", &url]);
    assert!(other.code == 1 && other.out.contains(paused), "{}{}", other.out, other.err);
    assert_eq!(post.count(), before, "nothing leaves");
    assert_eq!(desk.run(&["verify"]).code, 0, "the sum holds meanwhile");

    assert!(desk.run(&["notify", "resume", "--reason", "mended"]).out.contains("goes on"));
    assert!(desk.run(&["notify", "resume", "--reason", "mended"]).out.contains("was not paused"));
    heard.for_each(drop);
    sender.wait().unwrap();
    let line = sent(&desk, &["notify", "--smtp", &url]);
    assert_eq!((line["waiting"].as_u64(), line["accepted"].as_u64()), (Some(0), Some(post.count())), "{line}");
    let ids = post.message_ids();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "nobody was told twice");
    assert!(ids.len() as u64 > before);
}

#[test]
fn where_two_must_agree_a_pause_has_a_name_and_a_password() {
    let ((desk, password), post) = (frozen(42), Post::open());
    let url = post.url();
    let pause = ["notify", "pause", "--reason", "the desk is full"];
    let said = desk.run(&pause);
    assert!(said.code == 2 && said.err.contains("--by NAME"), "{}", said.err);
    let by = [&pause[..], &["--by", "m.sato"]].concat();
    assert_eq!(desk.run_with_password(&by, "not this one").code, 2);
    assert_eq!(desk.run_with_password(&by, &password).code, 0);
    assert_eq!(desk.run_with_password(&["notify", "plan", "--by", "m.sato"], &password).code, 0);
    approve(&desk);
    let said = desk.run(&["notify", "--smtp", &url]);
    assert!(said.out.contains("paused by m.sato (the desk is full)"), "{}{}", said.out, said.err);
    assert_eq!(post.count(), 0);
}
