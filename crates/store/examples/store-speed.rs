//! How fast the store is on SQLite and on PostgreSQL, at the size of the story. `make bench` runs it:
//! `cargo run --release -p kintsugi-store --example store-speed`
#![allow(clippy::print_stdout, reason = "its output is the result")]
#![allow(dead_code, reason = "it shares the small case of the tests, and does not use all of it")]

#[path = "../tests/it/case.rs"]
mod case;
#[path = "../tests/it/server.rs"]
mod server;

use std::time::Instant;

use kintsugi_case::{RemedyKind, RemedySpec, RemedyTo};
use kintsugi_store::{Outcome, Store};

use case::{DRAFT, NOW, Place, Someone, seal};

const PERSONS: u64 = 130_000;
const EXPOSED: u64 = 110_000;

fn say(what: &str, count: u64, since: Instant) {
    let seconds = since.elapsed().as_secs_f64();
    println!("  {what:<28} {:>9.0} a second", count as f64 / seconds);
}

async fn freeze_all(store: &Store) {
    let mut freeze = store.begin_freeze(DRAFT).await.unwrap();
    for id in 1..=PERSONS {
        let someone = if id > EXPOSED { Someone::new(id).with(None) } else { Someone::new(id) };
        let id = kintsugi_case::PersonId(id);
        freeze.person(id, &someone.profile(), &someone.refs(), &someone.exposed()).await.unwrap();
    }
    freeze.commit(seal("speed")).await.unwrap();
}

async fn send_all(store: &Store) -> u64 {
    let mut sent = 0;
    loop {
        let leased = store.lease_notices(1, 256, "me", NOW + 60_000, NOW).await.unwrap();
        if leased.is_empty() {
            return sent;
        }
        let accepted = |serial| (serial, Outcome::Accepted { reply: "250 2.0.0 ok".into() });
        let outcomes: Vec<_> = leased.iter().map(|notice| accepted(notice.serial)).collect();
        store.record_outcomes(&outcomes, NOW).await.unwrap();
        sent += leased.len() as u64;
    }
}

async fn measure(name: &str, place: Place) {
    println!("{name}");
    let store = place.open().await;
    let since = Instant::now();
    freeze_all(&store).await;
    say("freeze, persons", PERSONS, since);
    let since = Instant::now();
    let planned = store.plan_notices(1, NOW).await.unwrap();
    say("plan, notices", planned.new, since);
    let since = Instant::now();
    say("lease and record, notices", send_all(&store).await, since);
    let since = Instant::now();
    assert!(store.conservation(1).await.unwrap().holds());
    say("conservation, persons", EXPOSED, since);
    let since = Instant::now();
    let spec = RemedySpec { kind: RemedyKind::Coupon, amount: 3000, currency: "JPY".into(), to: RemedyTo::Proved, until: None };
    let issued = store.issue_rights(1, "coupon-1", &spec, None, NOW).await.unwrap();
    say("issue, rights", issued.new, since);
    let since = Instant::now();
    store.scope_counts(1).await.unwrap();
    store.field_counts(1).await.unwrap();
    say("count, records", EXPOSED, since);
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let dir = tempfile::tempdir().unwrap();
    measure("SQLite", Place::sqlite(dir.path())).await;
    let server = server::Server::start();
    measure("PostgreSQL", server.database("speed").await).await;
}
