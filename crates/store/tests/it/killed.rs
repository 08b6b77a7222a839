//! A sender that is killed in the middle (`kill -9`) misses nobody and tells nobody twice.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use kintsugi_store::Outcome;

use crate::case::{NOW, Place, everybody, freeze};

const PERSONS: u64 = 600;
const BATCH: u32 = 32;
const FOLDER: &str = "KINTSUGI_TEST_SENDER";

/// The sender that is killed: started by the test below as a process of its own; alone, it does nothing.
/// It says on its error stream what it "sent", before it writes it down.
#[tokio::test]
async fn sender() {
    let Some(dir) = std::env::var_os(FOLDER) else { return };
    let store = Place::sqlite(dir.as_ref()).open().await;
    let mut out = std::io::stderr();
    loop {
        let leased = store.lease_notices(1, BATCH, "sender", NOW + 60_000, NOW).await.unwrap();
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

/// Starts the sender, kills it once it said that it sent `after` notices, and gives everything that it said.
fn send_and_kill(place: &Place, after: usize) -> Vec<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::sender", "--nocapture"])
        .env(FOLDER, &place.dir)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut sent = Vec::new();
    for line in BufReader::new(child.stderr.take().unwrap()).split(b'\n') {
        let line = String::from_utf8(line.unwrap()).unwrap();
        // A line that the kill cut short has no end: only "sent 17;" says that 17 was sent.
        let serial = line.strip_prefix("sent ").and_then(|rest| rest.strip_suffix(';'));
        sent.extend(serial.map(|serial| serial.parse::<u64>().unwrap()));
        if sent.len() == after {
            // SIGKILL; what is still in the pipe is read on.
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    sent
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_missed_and_nobody_is_told_twice() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::sqlite(dir.path());
    let store = place.open().await;
    let scope = freeze(&store, "one", &everybody(PERSONS)).await;
    store.plan_notices(scope, NOW).await.unwrap();
    let mut sent = Vec::new();
    for after in [70, 150, usize::MAX] {
        sent.extend(send_and_kill(&place, after));
        let unknown = store.reap_all_leases(NOW + 1).await.unwrap();
        assert!(unknown <= u64::from(BATCH), "{unknown} in flight");
        assert!(store.conservation(scope).await.unwrap().holds());
    }
    let told = sent.len();
    sent.sort_unstable();
    sent.dedup();
    assert_eq!(sent.len(), told, "nobody is told twice");
    let line = store.conservation(scope).await.unwrap();
    assert_eq!(line.accepted + line.unknown, PERSONS, "{line:?}");
    assert_eq!(line.waiting, 0);
}
