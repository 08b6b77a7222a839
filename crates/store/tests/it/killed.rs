//! Senders that are killed in the middle (`kill -9`), several on one store, miss nobody and tell nobody twice. The points of
//! killing are drawn; `KINTSUGI_TEST_KILLS` says how many (a few where it says nothing, 200 before a release).

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;

use kintsugi_case::StoreSpec;
use kintsugi_store::{Outcome, Store};

use crate::case::{NOW, Place, everybody, freeze};
use crate::server::Server;

const BATCH: u32 = 8;
const WORKERS: usize = 3;
const KILLS: usize = 6;
/// Notices for each kill, so that they never run out before the last.
const PERSONS_A_KILL: usize = 40;
/// How much a sender sends, at most, before it is killed.
const SENT_BEFORE_KILL_MAX: usize = 30;
const FOLDER: &str = "KINTSUGI_TEST_SENDER";
const URL: &str = "KINTSUGI_TEST_SENDER_URL";
const NAME: &str = "KINTSUGI_TEST_SENDER_NAME";

/// The sender that is killed: started by the tests below as a process of its own; alone, it does nothing.
/// It says on its error stream what it "sent", before it writes it down.
#[tokio::test]
async fn sender() {
    let Some(dir) = std::env::var_os(FOLDER) else { return };
    let name = std::env::var(NAME).unwrap();
    let mut place = Place::sqlite(dir.as_ref());
    if let Ok(url) = std::env::var(URL) {
        place.spec = StoreSpec::Postgres(url);
    }
    let store = place.open().await;
    let mut out = std::io::stderr();
    loop {
        let leased = store.lease_notices(1, BATCH, &name, NOW + 60_000, NOW).await.unwrap();
        if leased.is_empty() {
            return;
        }
        let mut outcomes = Vec::new();
        for notice in leased {
            writeln!(out, "sent {};", notice.serial).unwrap();
            outcomes.push((notice.serial, Outcome::Accepted { reply: "250 ok".into() }));
        }
        store.record_outcomes(&outcomes, NOW).await.unwrap();
    }
}

/// A sender process, and who listens to it.
struct Sender {
    name: String,
    child: Child,
    listener: JoinHandle<Vec<u64>>,
}

/// Starts a sender. When it has said that it sent `after` notices its name goes to `full`; it sends on meanwhile.
fn start(place: &Place, name: String, after: usize, full: mpsc::Sender<String>) -> Sender {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "killed::sender", "--nocapture"]).env(FOLDER, &place.dir).env(NAME, &name);
    if let StoreSpec::Postgres(url) = &place.spec {
        command.env(URL, url);
    }
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let (said, told) = (child.stderr.take().unwrap(), name.clone());
    let listener = std::thread::spawn(move || {
        let mut sent = Vec::new();
        for line in BufReader::new(said).split(b'\n') {
            let line = String::from_utf8_lossy(&line.unwrap()).into_owned();
            // A line that the kill cut short has no end: only "sent 17;" says that 17 was sent.
            let serial = line.strip_prefix("sent ").and_then(|rest| rest.strip_suffix(';'));
            sent.extend(serial.map(|serial| serial.parse::<u64>().unwrap()));
            if serial.is_some() && sent.len() == after {
                let _ = full.send(told.clone());
            }
        }
        // It ended by itself, or was killed: nobody waits for it in vain.
        let _ = full.send(told);
        sent
    });
    Sender { name, child, listener }
}

impl Sender {
    /// SIGKILL; what is still in the pipe is read on.
    fn kill(mut self) -> (String, Vec<u64>) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        (self.name, self.listener.join().unwrap())
    }
}

/// Draws from 1 to `most`.
fn draw(seed: &mut u64, most: usize) -> usize {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    1 + usize::try_from(*seed >> 33).unwrap() % most
}

fn kills() -> usize {
    std::env::var("KINTSUGI_TEST_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS)
}

/// Keeps senders running on the store, kills one after the other at drawn points, calls `meanwhile` after each kill, lets
/// the last ones finish, and checks that everybody was told once or is unknown.
async fn kill_and_check(place: &Place, kills: usize, mut meanwhile: impl FnMut(usize)) {
    let store = place.open().await;
    let persons = (kills * PERSONS_A_KILL) as u64;
    let scope = freeze(&store, "one", &everybody(persons)).await;
    store.plan_notices(scope, NOW).await.unwrap();
    let (full, filled) = mpsc::channel();
    let (mut seed, mut sent, mut unknown, mut number) = (2013, Vec::new(), 0, 0);
    let mut next = |after: usize| {
        number += 1;
        start(place, format!("sender-{number}"), after, full.clone())
    };
    let mut senders: Vec<Sender> = (0..WORKERS).map(|_| next(draw(&mut seed, SENT_BEFORE_KILL_MAX))).collect();
    let mut killed = 0;
    while killed < kills {
        let name = filled.recv().unwrap();
        let Some(at) = senders.iter().position(|sender| sender.name == name) else { continue };
        let (name, said) = senders.swap_remove(at).kill();
        sent.extend(said);
        killed += 1;
        meanwhile(killed);
        let reaped = reap(&store, &name).await;
        assert!(reaped <= u64::from(BATCH), "{reaped} in flight");
        unknown += reaped;
        assert!(store.conservation(scope).await.unwrap().holds(), "at every instant");
        senders.push(next(draw(&mut seed, SENT_BEFORE_KILL_MAX)));
    }
    for mut sender in senders {
        sender.child.wait().unwrap();
        sent.extend(sender.listener.join().unwrap());
        unknown += reap(&store, &sender.name).await;
    }
    finish(place, &store, scope, &mut sent, &mut unknown).await;
    let told = sent.len();
    let once: BTreeSet<u64> = sent.iter().copied().collect();
    assert_eq!(once.len(), told, "nobody is told twice");
    let line = store.conservation(scope).await.unwrap();
    assert_eq!((line.accepted + line.unknown, line.waiting), (persons, 0), "nobody is missed: {line:?}");
    assert_eq!(line.unknown, unknown, "unknown ones are shown");
    assert!(told as u64 >= line.accepted && told as u64 <= persons, "{told} {line:?}");
    let check = store.check_outbox().await.unwrap();
    assert!(check.holds(), "{:?}", check.faults);
    let mut said = std::io::stderr();
    writeln!(said, "{kills} kills, {WORKERS} senders, {persons} persons: {line:?}").unwrap();
}

/// What a killed sender had in hand becomes unknown. The database may have been away a moment ago.
async fn reap(store: &Store, name: &str) -> u64 {
    for _ in 0..100 {
        match store.reap_leases_of(name, NOW + 1).await {
            Ok(reaped) => return reaped,
            Err(_) => tokio::task::yield_now().await,
        }
    }
    store.reap_leases_of(name, NOW + 1).await.unwrap()
}

/// One sender sends what is left, unhindered.
async fn finish(place: &Place, store: &Store, scope: u32, sent: &mut Vec<u64>, unknown: &mut u64) {
    let (full, _filled) = mpsc::channel();
    let mut last = start(place, "last".into(), usize::MAX, full);
    last.child.wait().unwrap();
    sent.extend(last.listener.join().unwrap());
    *unknown += reap(store, "last").await;
    assert!(store.conservation(scope).await.unwrap().holds());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_missed_and_nobody_is_told_twice_on_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    kill_and_check(&Place::sqlite(dir.path()), kills(), |_| {}).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_missed_and_nobody_is_told_twice_on_postgresql() {
    let server = Server::start();
    kill_and_check(&server.database("killed").await, kills(), |_| {}).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgresql_that_stops_and_starts_in_the_middle_loses_nobody() {
    let server = Server::start();
    // Senders fail when it goes away, as a killed one does.
    kill_and_check(&server.database("stopped").await, KILLS, |killed| {
        if killed % 2 == 1 {
            server.restart();
        }
    })
    .await;
}
