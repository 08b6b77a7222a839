//! How fast the store is, at the size of the story. Not a test: `cargo nextest run --release --run-ignored only
//! --no-capture -E 'test(speed)'` prints it.

use std::io::Write;
use std::time::Instant;

use kintsugi_case::{RemedyKind, RemedySpec, RemedyTo};
use kintsugi_store::{Outcome, Store};

use crate::case::{NOW, Place, Someone, draft};

const PERSONS: u64 = 130_000;
const EXPOSED: u64 = 110_000;

fn say(what: &str, count: u64, since: Instant) {
    let seconds = since.elapsed().as_secs_f64();
    let mut out = std::io::stderr();
    writeln!(out, "{what}: {count} in {seconds:.2} s, {:.0} a second", count as f64 / seconds).unwrap();
}

async fn freeze_all(store: &Store) {
    let mut freeze = store.begin_freeze(draft("speed")).await.unwrap().unwrap();
    for id in 1..=PERSONS {
        let someone = if id > EXPOSED { Someone::new(id).with(None) } else { Someone::new(id) };
        let id = kintsugi_case::PersonId(id);
        freeze.person(id, &someone.profile(), &someone.refs(), &someone.exposed()).await.unwrap();
    }
    freeze.commit().await.unwrap();
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

pub(crate) async fn measure(place: Place) {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures, and proves nothing"]
async fn on_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    measure(Place::sqlite(dir.path())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures, and proves nothing"]
async fn on_postgresql() {
    let server = crate::postgres::Server::start();
    measure(server.database("speed").await).await;
}
