//! The outbox against a real Postfix: what it receives, how it bounces, greylists, breaks off, and whether an independent
//! verifier believes our signatures.

use std::collections::HashSet;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kintsugi_case::{NoticeNumber, NoticeState, Private};
use kintsugi_notify::{
    Bounce, BounceKind, Credentials, Inbox, Kept, ListenOptions, ListenTls, Outcome, ReturnPath, RunOptions, Sender, Signer,
    Timeouts, authorities, listen, read_bounce, read_bounce_to, run,
};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

use crate::postfix_server::{Postfix, certificate, dkim_key};
use crate::sending::{Memory, letter, quick, send_all, spec, to};

/// A policy server (SMTPD_POLICY_README) that puts each recipient off once; gives its port.
async fn greylister() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, seen) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(HashSet::new())));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer_policy(BufReader::new(stream), Arc::clone(&seen)));
        }
    });
    port
}

async fn answer_policy(mut stream: BufReader<tokio::net::TcpStream>, seen: Arc<Mutex<HashSet<String>>>) {
    let (mut line, mut recipient) = (String::new(), String::new());
    while stream.read_line(&mut line).await.is_ok_and(|read| read > 0) {
        if let Some(name) = line.trim_end().strip_prefix("recipient=") {
            recipient = name.to_owned();
        }
        if line == "\n" {
            let new = seen.lock().unwrap().insert(std::mem::take(&mut recipient));
            let action = if new { "DEFER_IF_PERMIT greylisted" } else { "DUNNO" };
            stream.write_all(format!("action={action}\n\n").as_bytes()).await.unwrap();
        }
        line.clear();
    }
}

fn patient() -> Timeouts {
    Timeouts { connect: Duration::from_secs(10), command: Duration::from_secs(20), data: Duration::from_secs(30) }
}

fn plain(port: u16) -> String {
    format!("smtp://127.0.0.1:{port}")
}

/// One server for all: it takes seconds to start.
#[tokio::test(flavor = "multi_thread")]
async fn a_real_server_takes_bounces_greylists_and_breaks_off() {
    let postfix = Postfix::start(greylister().await);
    signed_mail_is_believed(&postfix).await;
    what_bounces_leads_back(&postfix).await;
    protected_sessions(&postfix).await;
    what_bounces_is_listened_for(&postfix).await;
    greylisting_is_waited_for(&postfix).await;
    a_server_that_dies(&postfix).await;
}

async fn signed_mail_is_believed(postfix: &Postfix) {
    let dir = tempfile::tempdir().unwrap();
    let keys = [("a", "ed25519"), ("b", "rsa")].map(|(selector, algorithm)| (selector, dkim_key(dir.path(), algorithm)));
    let pems = keys.iter().map(|(selector, (pem, _))| ((*selector).to_owned(), Private::new(pem.clone())));
    let signer = Signer::new("kakehashi.example", pems).unwrap();
    let sender = Sender::new(&spec(&[plain(postfix.ports.open)]), None, patient()).unwrap().signing(signer);
    assert!(matches!(sender.send(&letter(1).unwrap()).await, Outcome::Accepted { .. }));
    let message = postfix.delivered("person1@", 1).remove(0);
    let zone: Vec<String> =
        keys.iter().map(|(name, (_, record))| format!("{name}._domainkey.kakehashi.example={record}")).collect();
    assert_eq!(verified(&message, &zone), "[True, True]");
    let changed = String::from_utf8(message).unwrap().replacen("Subject: ", "Subject: x", 1);
    assert_eq!(verified(changed.as_bytes(), &zone), "[False, False]");
}

/// What dkimpy says about the two signatures of a message, with these DNS records.
fn verified(message: &[u8], zone: &[String]) -> String {
    let script = "import sys, dkim\n\
        zone = dict(record.split('=', 1) for record in sys.argv[1:])\n\
        look = lambda name, timeout=5: zone.get(name.decode().rstrip('.'), '').encode()\n\
        check = dkim.DKIM(sys.stdin.buffer.read())\n\
        print([check.verify(idx=at, dnsfunc=look) for at in range(2)])\n";
    let mut command = Command::new("/usr/bin/python3");
    command.args(["-c", script]).args(zone);
    let output = crate::postfix_server::run(command, message);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

async fn what_bounces_leads_back(postfix: &Postfix) {
    let path = ReturnPath::parse("bounces@kakehashi.example").unwrap();
    let number = NoticeNumber::new(2013, 7);
    let mut mail = letter(7).unwrap().bouncing_to(path.address(number, "7kqmx2vd94"));
    mail.to = Private::new("nobody@mail.example".into());
    let refusing = Sender::new(&spec(&[plain(postfix.ports.open)]), None, patient()).unwrap();
    assert!(matches!(refusing.send(&mail).await, Outcome::Refused { reply } if reply.starts_with("RCPT: 550 5.1.1")));
    let trusting = Sender::new(&spec(&[plain(postfix.ports.trusting)]), None, patient()).unwrap();
    assert!(matches!(trusting.send(&mail).await, Outcome::Accepted { .. }));
    let bounce = read_bounce(&postfix.delivered("bounces+", 1)[0], &path).unwrap();
    let returned = bounce.returned.unwrap();
    assert_eq!((returned.number, returned.code.as_str(), bounce.kind), (number, "7kqmx2vd94", BounceKind::Hard));
    assert!(bounce.detail.starts_with("failed 5.1.1") && !bounce.detail.contains('@'), "{}", bounce.detail);
}

/// Away at first, as a store that cannot be reached; then it keeps what came.
#[derive(Clone, Default)]
struct Desk(Arc<Mutex<Vec<Option<Bounce>>>>);

impl Desk {
    fn path() -> ReturnPath {
        ReturnPath::parse("bounces@returned.example").unwrap()
    }
}

impl Inbox for Desk {
    fn knows(&self, recipient: &str) -> bool {
        Self::path().owns(recipient)
    }

    async fn take(&self, recipient: &str, message: &[u8]) -> Kept {
        let mut tries = self.0.lock().unwrap();
        let first = tries.is_empty();
        tries.push((!first).then(|| read_bounce_to(message, &Self::path(), recipient).unwrap()));
        if first { Kept::Later } else { Kept::Yes }
    }
}

async fn what_bounces_is_listened_for(postfix: &Postfix) {
    let (desk, number) = (Desk::default(), NoticeNumber::new(2013, 8));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", postfix.ports.lmtp)).await.unwrap();
    // Postfix must begin TLS with the listener, and the listener takes nothing before.
    let tls = ListenTls::read(&postfix.authority(), &postfix.authority().with_file_name("key.pem")).unwrap();
    let options = ListenOptions { tls: Some(tls), tls_required: true, ..ListenOptions::new("returned.example".into()) };
    let task = tokio::spawn(listen(listener, options, desk.clone()));
    let mut mail = letter(8).unwrap().bouncing_to(Desk::path().address(number, "7kqmx2vd94"));
    mail.to = Private::new("nobody@mail.example".into());
    let trusting = Sender::new(&spec(&[plain(postfix.ports.trusting)]), None, patient()).unwrap();
    assert!(matches!(trusting.send(&mail).await, Outcome::Accepted { .. }));
    let kept = desk.clone();
    let tries = tokio::task::spawn_blocking(move || {
        loop {
            let tries = kept.0.lock().unwrap().clone();
            if tries.len() > 1 {
                return tries;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    });
    let tries = tokio::time::timeout(std::time::Duration::from_secs(60), tries).await.unwrap().unwrap();
    let bounce = tries[1].clone().unwrap();
    let returned = bounce.returned.unwrap();
    assert_eq!((returned.number, returned.code.as_str(), bounce.kind), (number, "7kqmx2vd94", BounceKind::Hard));
    task.abort();
}

async fn protected_sessions(postfix: &Postfix) {
    let ports = postfix.ports;
    let urls = [format!("smtp+starttls://localhost:{}", ports.starttls), format!("smtps://localhost:{}", ports.tls)];
    for (serial, url) in (11..).zip(urls) {
        let sender = |authorities| Sender::trusting(&spec(std::slice::from_ref(&url)), None, patient(), authorities).unwrap();
        let mail = letter(serial).unwrap();
        let outcome = sender(authorities(&postfix.authority()).unwrap()).send(&mail).await;
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{url}: {outcome:?}");
        postfix.delivered(&to(serial), 1);
        let stranger = sender(Vec::new()).send(&mail).await;
        assert!(matches!(&stranger, Outcome::NotSent { why } if why.starts_with("TLS: ")), "{stranger:?}");
    }
}

#[tokio::test]
async fn a_password_is_taken_by_plain_and_by_login() {
    let dir = tempfile::tempdir().unwrap();
    certificate(dir.path());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/behaviour/postfix/auth_server.py");
    let mut command = tokio::process::Command::new("/usr/bin/python3");
    command.arg(script).args(["cert.pem", "key.pem"]).current_dir(dir.path()).kill_on_drop(true);
    let mut server = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut ports = BufReader::new(server.stdout.take().unwrap()).lines();
    for mechanism in ["PLAIN", "LOGIN"] {
        let url = format!("smtp+starttls://localhost:{}", ports.next_line().await.unwrap().unwrap());
        let sender = |password: &str| {
            let credentials = Credentials { user: "desk".into(), password: Private::new(password.into()) };
            let authorities = authorities(&dir.path().join("cert.pem")).unwrap();
            Sender::trusting(&spec(std::slice::from_ref(&url)), Some(credentials), patient(), authorities).unwrap()
        };
        let outcome = sender("s3cret").send(&letter(1).unwrap()).await;
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{mechanism}: {outcome:?}");
        let wrong = sender("wrong").send(&letter(1).unwrap()).await;
        assert!(matches!(&wrong, Outcome::NotSent { why } if why.starts_with("AUTH: ")), "{mechanism}: {wrong:?}");
    }
}

async fn greylisting_is_waited_for(postfix: &Postfix) {
    let outbox = Memory::with(30);
    let report = send_all(&outbox, &[plain(postfix.ports.grey)], quick(4)).await;
    assert_eq!((outbox.count(NoticeState::Accepted), report.sent.not_sent), (30, 30));
}

async fn a_server_that_dies(postfix: &Postfix) {
    const FIRST: u64 = 1000;
    const LETTERS: u64 = 200;
    let outbox = Memory::with(LETTERS);
    let sender = Sender::new(&spec(&[plain(postfix.ports.open)]), None, patient()).unwrap();
    let options = RunOptions { passes_max: 1, open_attempts_max: 1, ..quick(4) };
    let mut aborted = false;
    let mut progress = |at: kintsugi_notify::Progress| {
        if at.accepted >= 50 && !std::mem::replace(&mut aborted, true) {
            tokio::task::block_in_place(|| postfix.abort());
        }
    };
    let compose = |serial: &u64| letter(FIRST + serial);
    run(&mut outbox.clone(), &sender, options, compose, &mut progress).await.unwrap();
    assert!(outbox.count(NoticeState::Intended) > 0, "it died before the end");
    postfix.up();
    run(&mut outbox.clone(), &sender, quick(4), compose, &mut |_| {}).await.unwrap();
    assert_eq!(outbox.count(NoticeState::Intended), 0);
    postfix.settle();
    for serial in 1..=LETTERS {
        let state = outbox.detail(serial).0;
        let least = usize::from(state == NoticeState::Accepted);
        let taken = taken_over(&postfix.delivered(&to(FIRST + serial), least));
        assert!(taken.len() <= 1, "{serial} is told twice: {taken:?}");
        assert!(taken.len() == 1 || state == NoticeState::Unknown, "{serial} is missed: {state:?}");
    }
}

/// The queue identifiers under which these messages were taken over. A server that is killed between writing to a
/// mailbox and noting it writes the same message again when it is back: two copies, but we handed it over once.
fn taken_over(messages: &[Vec<u8>]) -> HashSet<String> {
    let received = |message: &[u8]| {
        let text = String::from_utf8_lossy(message).into_owned();
        let (_, rest) = text.split_once("(Postfix) with ESMTP").expect("a Received line");
        let (_, id) = rest.split_once(" id ").expect("a queue identifier");
        id.split_whitespace().next().expect("a queue identifier").to_owned()
    };
    messages.iter().map(|message| received(message)).collect()
}
