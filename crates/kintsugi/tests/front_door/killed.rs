//! `kintsugi notify` killed in the middle (`kill -9`), two at a time on one store: nobody is missed, nobody is told twice, and
//! who is in doubt is shown. The points are drawn; `KINTSUGI_TEST_KILLS` says how many (a few where it says nothing).
//! The same over the bare store, with more senders and a PostgreSQL that goes away, is in the crate `store`.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::Child;
use std::time::Duration;

use kintsugi_mailbox::Faults;

use crate::desk::{Desk, Post};
use crate::restored::PostgreSql;

const SENDERS: usize = 2;
const KILLS: usize = 4;
/// What a sender has in hand when it is killed becomes unknown: few sessions, few in hand.
const SESSIONS: u64 = 2;
/// Records for each kill, so that the mails never run out before the last.
const RECORDS_A_KILL: u64 = 200;
/// Mails that arrive, at most, from one kill to the next.
const MAILS_BEFORE_KILL_MAX: u64 = 40;

#[test]
fn killed_senders_miss_nobody_and_tell_nobody_twice() {
    kill_and_check(&case());
}

#[test]
fn killed_senders_on_postgresql_miss_nobody_and_tell_nobody_twice() {
    let (desk, server) = (case(), PostgreSql::start());
    server.create("killed");
    desk.edit("[mail]", &format!("[store]\nurl = \"{}\"\n\n[mail]", server.url("killed", "postgres")));
    kill_and_check(&desk);
}

fn kills() -> usize {
    std::env::var("KINTSUGI_TEST_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS)
}

fn case() -> Desk {
    let desk = Desk::drill(400 + kills() as u64 * RECORDS_A_KILL, 5);
    desk.edit("[mail]", &format!("[mail]\nconnections = {SESSIONS}"));
    desk
}

fn kill_and_check(desk: &Desk) {
    let post = Post::with(Faults { slow: Some(Duration::from_millis(1)), ..Faults::default() });
    for stage in ["collect", "scope", "resolve", "freeze"] {
        let said = desk.run(&[stage]);
        assert!(said.code <= 1, "{stage}: {}", said.err);
    }
    let start = || desk.start(&["notify", "--smtp", &post.url()]);
    let mut senders: Vec<Child> = (0..SENDERS).map(|_| start()).collect();
    let mut seed = 2013;
    for _ in 0..kills() {
        let until = post.count() + 1 + draw(&mut seed) % MAILS_BEFORE_KILL_MAX;
        let victim = usize::try_from(draw(&mut seed)).unwrap() % SENDERS;
        while post.count() < until {
            assert!(senders[victim].try_wait().unwrap().is_none(), "the mails ran out before the last kill");
            std::thread::yield_now();
        }
        senders[victim].kill().unwrap();
        senders[victim].wait().unwrap();
        senders[victim] = start();
    }
    for sender in &mut senders {
        sender.wait().unwrap();
    }
    check(desk, &post);
}

/// One more run, unhindered: what it says must add up, with what arrived.
fn check(desk: &Desk, post: &Post) {
    let said = desk.run(&["--json", "notify", "--smtp", &post.url()]);
    let line = said.json()["result"].clone();
    let number = |name: &str| line[name].as_u64().unwrap();
    assert_eq!((line["holds"].as_bool(), number("waiting")), (Some(true), 0), "{line}");
    assert!(number("unknown") > 0, "what was in flight is shown: {line}");
    let ids = post.message_ids();
    let told: BTreeSet<_> = ids.iter().collect();
    assert_eq!(told.len(), ids.len(), "nobody was told twice");
    let missed = number("persons") - number("no_address") - told.len() as u64;
    assert!(missed <= number("unknown"), "{missed} persons missed that are not shown as unknown: {line}");
    let verified = desk.run(&["verify"]);
    assert_eq!(verified.code, 0, "{}{}", verified.out, verified.err);
    let mut said = std::io::stderr();
    writeln!(said, "{} kills, {SENDERS} senders, {} mails arrived: {line}", kills(), ids.len()).unwrap();
}

fn draw(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}
