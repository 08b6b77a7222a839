//! The listener for what comes back, from outside: what it takes and refuses, what it gives to a session at most, STARTTLS,
//! and sessions that nobody means well with.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kintsugi_notify::{Inbox, Kept, ListenLimits, ListenOptions, ListenTls, listen};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::postfix_server::certificate;

/// Keeps what comes in memory, and is away for `later@`.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<(String, usize)>>>);

impl Inbox for Memory {
    fn knows(&self, recipient: &str) -> bool {
        recipient.ends_with("@ours.example")
    }

    async fn take(&self, recipient: &str, message: &[u8]) -> Kept {
        if recipient.starts_with("later") {
            return Kept::Later;
        }
        self.0.lock().unwrap().push((recipient.to_owned(), message.len()));
        Kept::Yes
    }
}

/// A listener, and what it kept.
struct Heard {
    address: SocketAddr,
    inbox: Memory,
    task: JoinHandle<()>,
}

impl Drop for Heard {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Heard {
    async fn with(options: ListenOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, inbox) = (listener.local_addr().unwrap(), Memory::default());
        let task = tokio::spawn(listen(listener, options, inbox.clone()));
        Self { address, inbox, task }
    }

    async fn limited(limits: ListenLimits) -> Self {
        Self::with(ListenOptions { limits, ..ListenOptions::new("ours.example".into()) }).await
    }

    async fn open() -> Self {
        Self::limited(ListenLimits::default()).await
    }

    /// Says something and gives what is answered until the end, codes alone.
    async fn talk(&self, said: &str) -> Vec<String> {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // The listener may have closed first: what it said is there all the same.
        drop(stream.write_all(said.replace('\n', "\r\n").as_bytes()).await);
        codes(&rest(&mut stream).await)
    }

    fn kept(&self) -> Vec<(String, usize)> {
        self.inbox.0.lock().unwrap().clone()
    }
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut answers = Vec::new();
    drop(stream.read_to_end(&mut answers).await);
    String::from_utf8(answers).unwrap()
}

fn codes(answers: &str) -> Vec<String> {
    let last = answers.lines().filter(|line| line.as_bytes().get(3) == Some(&b' '));
    last.map(|line| line[..3].to_owned()).collect()
}

async fn check(said: &str, expected: &[&str], kept: &[(&str, usize)]) {
    let heard = Heard::open().await;
    assert_eq!(heard.talk(said).await, expected, "{said}");
    let found = heard.kept();
    assert_eq!(found.iter().map(|(to, size)| (to.as_str(), *size)).collect::<Vec<_>>(), kept, "{said}");
}

#[tokio::test]
async fn one_answer_by_smtp_and_one_for_each_recipient_by_lmtp() {
    let mail = "MAIL FROM:<>\nRCPT TO:<a@ours.example>\nRCPT TO:<later@ours.example>\nDATA\n";
    let codes = ["220", "250", "250", "250", "250", "354"];
    let smtp = format!("EHLO x\n{mail}hello\n.\nQUIT\n");
    check(&smtp, &[&codes[..], &["451", "221"]].concat(), &[("a@ours.example", 7)]).await;
    let lmtp = format!("LHLO x\n{mail}hello\n.\nQUIT\n");
    check(&lmtp, &[&codes[..], &["250", "451", "221"]].concat(), &[("a@ours.example", 7)]).await;
}

#[tokio::test]
async fn nobody_else_gets_mail_here_and_nothing_is_relayed() {
    let said = "LHLO x\nMAIL FROM:<a@b.example>\nRCPT TO:<c@b.example>\nDATA\nQUIT\n";
    check(said, &["220", "250", "250", "550", "503", "221"], &[]).await;
    check("MAIL FROM:<>\nQUIT\n", &["220", "503", "221"], &[]).await;
    check("EHLO x\nSTARTTLS\nQUIT\n", &["220", "250", "502", "221"], &[]).await;
}

#[tokio::test]
async fn junk_and_size_are_harmless() {
    const MOST: usize = 10 * 1024 * 1024;
    let large = "x".repeat(998) + "\n";
    let said = format!(
        "LHLO x\nMAIL FROM:<>\nRCPT TO:<a@ours.example>\nDATA\n{}.\nMAIL FROM:<>\nRCPT TO:<a@ours.example>\nDATA\nsmall\n.\nQUIT\n",
        large.repeat(MOST / 998)
    );
    check(&said, &["220", "250", "250", "250", "354", "552", "250", "250", "354", "250", "221"], &[("a@ours.example", 7)]).await;
    let told = format!("EHLO x\nMAIL FROM:<> SIZE={}\nMAIL FROM:<> SIZE={MOST}\nQUIT\n", MOST + 1);
    check(&told, &["220", "250", "552", "250", "221"], &[]).await;
    // A dot of the message's own, a command in it, and an end of another system's are words.
    let said = "LHLO x\nMAIL FROM:<>\nRCPT TO:<a@ours.example>\nDATA\nx\n..\nRCPT TO:<b@ours.example>\n.\nQUIT\n";
    check(said, &["220", "250", "250", "250", "354", "250", "221"], &[("a@ours.example", 32)]).await;
    let smuggled = b"LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@ours.example>\r\nDATA\r\nx\n.\nMAIL FROM:<>\n.\r\nx\r.\r\nx\r.\rx\r\n.\r\nQUIT\r\n";
    let heard = Heard::open().await;
    let mut stream = TcpStream::connect(heard.address).await.unwrap();
    stream.write_all(smuggled).await.unwrap();
    assert_eq!(codes(&rest(&mut stream).await), ["220", "250", "250", "250", "354", "250", "221"]);
    assert_eq!(heard.kept().len(), 1, "one message, whoever ends lines in another way");
}

#[tokio::test]
async fn a_command_that_is_cut_short_takes_nothing_of_the_next_line() {
    for cut in ["RCPT TO", "RCPT TO:", "RCPT", "MAIL FROM", "EHLO", "AUTH", "BDAT", "ETRN", "RCPT TO:<"] {
        let said = format!("EHLO x\nMAIL FROM:<>\n{cut}\nRCPT TO:<a@ours.example>\nDATA\nhi\n.\nQUIT\n");
        let expected = |code| vec!["220", "250", "250", code, "250", "354", "250", "221"];
        let heard = Heard::open().await;
        let codes = heard.talk(&said).await;
        assert!(codes == expected("501") || codes == expected("500"), "{cut}: {codes:?}");
        assert_eq!(heard.kept().len(), 1, "{cut}");
    }
}

#[tokio::test]
async fn a_session_has_an_end_in_lines_commands_mistakes_and_recipients() {
    let few = ListenLimits { commands: 12, faults: 4, recipients: 3, ..ListenLimits::default() };
    let heard = Heard::limited(few).await;
    let last = async |said: String| heard.talk(&said).await.split_off(1);
    assert_eq!(last(format!("EHLO x\nNOOP {}\n", "x".repeat(2050))).await, ["250", "500"]);
    assert_eq!(last("x".repeat(100_000)).await, ["500"], "a line without an end");
    assert_eq!(last("EHLO x\n".repeat(13)).await.last().unwrap(), "421");
    assert_eq!(last("junk\n".repeat(9)).await, ["500", "500", "500", "500", "500", "421"]);
    let to = "RCPT TO:<a@ours.example>\n".repeat(4);
    assert_eq!(last(format!("EHLO x\nMAIL FROM:<>\n{to}QUIT\n")).await, ["250", "250", "250", "250", "250", "452", "221"]);
    let strangers = "RCPT TO:<guess@b.example>\n".repeat(5);
    assert_eq!(last(format!("EHLO x\nMAIL FROM:<>\n{strangers}")).await.last().unwrap(), "421", "nobody tries addresses");
}

#[tokio::test]
async fn silence_and_crowds_end_and_others_find_a_place() {
    let short = Duration::from_millis(400);
    let two = ListenLimits { sessions: 2, idle: Duration::from_secs(600), idle_when_full: short, ..ListenLimits::default() };
    let heard = Heard::limited(two).await;
    let mut first = TcpStream::connect(heard.address).await.unwrap();
    let mut greeting = [0; 3];
    first.read_exact(&mut greeting).await.unwrap();
    let mut second = TcpStream::connect(heard.address).await.unwrap();
    second.read_exact(&mut greeting).await.unwrap();
    assert_eq!(heard.talk("").await, ["421"], "no place is left");
    // Who was silent longest gives way; the other keeps a place that nobody asks for.
    let ended = rest(&mut first).await;
    assert!(ended.contains("421 4.4.2"), "{ended}");
    assert_eq!(heard.talk("QUIT\n").await, ["220", "221"]);

    let brief = ListenLimits { session: short, idle_when_full: Duration::from_millis(5), ..ListenLimits::default() };
    let heard = Heard::limited(brief).await;
    let mut talker = TcpStream::connect(heard.address).await.unwrap();
    for _ in 0..10 {
        // The listener may have ended it already.
        drop(talker.write_all(b"NOOP\r\n").await);
    }
    let answers = rest(&mut talker).await;
    assert!(answers.ends_with("421 4.4.2 too long silent, or here\r\n"), "talking makes it no longer: {answers}");
}

fn protected(dir: &std::path::Path) -> ListenOptions {
    certificate(dir);
    let tls = ListenTls::read(&dir.join("cert.pem"), &dir.join("key.pem")).unwrap();
    let limits = ListenLimits { message_bytes: 100_000, ..ListenLimits::default() };
    ListenOptions { limits, tls: Some(tls), tls_required: true, ..ListenOptions::new("ours.example".into()) }
}

#[tokio::test]
async fn nothing_is_taken_before_tls_and_nothing_in_clear_slips_behind_it() {
    let dir = tempfile::tempdir().unwrap();
    let heard = Heard::with(protected(dir.path())).await;
    assert_eq!(heard.talk("EHLO x\nMAIL FROM:<>\nQUIT\n").await, ["220", "250", "530", "221"]);
    assert_eq!(heard.talk("STARTTLS\nQUIT\n").await, ["220", "503", "221"], "who are you?");
    let slipped = "EHLO x\nSTARTTLS\nEHLO y\nMAIL FROM:<>\nRCPT TO:<a@ours.example>\n";
    assert_eq!(heard.talk(slipped).await, ["220", "250", "554"]);
    let mut stream = TcpStream::connect(heard.address).await.unwrap();
    stream.write_all(b"EHLO x\r\nSTARTTLS\r\n").await.unwrap();
    let mut said = Vec::new();
    while !said.ends_with(b"220 2.0.0 begin\r\n") {
        said.push(stream.read_u8().await.unwrap());
    }
    stream.write_all(b"MAIL FROM:<>\r\nRCPT TO:<a@ours.example>\r\nDATA\r\n").await.unwrap();
    let mut after = Vec::new();
    drop(stream.read_to_end(&mut after).await);
    assert!(!after.starts_with(b"250") && !after.starts_with(b"503"), "what is no TLS is not spoken to");
    assert!(heard.kept().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn ordinary_clients_deliver_after_starttls_and_read_the_refusals() {
    let dir = tempfile::tempdir().unwrap();
    let heard = Heard::with(protected(dir.path())).await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/behaviour/listening/client.py");
    let mut client = tokio::process::Command::new("/usr/bin/python3");
    client.arg(script).arg(heard.address.port().to_string()).arg(dir.path().join("cert.pem"));
    let output = client.kill_on_drop(true).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    insta::assert_snapshot!(String::from_utf8_lossy(&output.stdout), @r"
    SMTP offers ['8bitmime', 'enhancedstatuscodes', 'pipelining', 'size', 'smtputf8', 'starttls']
    in clear 530
    protected ['8bitmime', 'enhancedstatuscodes', 'pipelining', 'size', 'smtputf8']
    refused {'somebody@elsewhere.example': 550}
    too large 552
    LMTP offers ['8bitmime', 'enhancedstatuscodes', 'pipelining', 'size', 'smtputf8', 'starttls']
    in clear 530
    protected ['8bitmime', 'enhancedstatuscodes', 'pipelining', 'size', 'smtputf8']
    refused {'somebody@elsewhere.example': 550}
    too large 552
    ");
    let whole = ("bounces@ours.example".to_owned(), 5083);
    assert_eq!(heard.kept(), [whole.clone(), whole]);
}

#[tokio::test]
async fn a_certificate_is_renewed_while_it_listens_and_a_bad_one_changes_nothing() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let options = protected(dir.path());
    let tls = options.tls.clone().unwrap();
    let heard = Heard::with(options).await;
    let shown = async || {
        let mut client = tokio::process::Command::new("openssl");
        client.args(["s_client", "-starttls", "smtp", "-connect", &heard.address.to_string()]).stdin(std::process::Stdio::null());
        let out = String::from_utf8(client.output().await.unwrap().stdout).unwrap();
        let pem = out.split("-----BEGIN CERTIFICATE-----").nth(1).unwrap_or_else(|| panic!("no certificate: {out}"));
        pem.split("-----END").next().unwrap().to_owned()
    };
    let first = shown().await;
    certificate(other.path());
    std::fs::copy(other.path().join("cert.pem"), dir.path().join("cert.pem")).unwrap();
    assert!(tls.renew().is_err(), "a certificate without its key");
    assert_eq!(shown().await, first);
    std::fs::copy(other.path().join("key.pem"), dir.path().join("key.pem")).unwrap();
    tls.renew().unwrap();
    assert_ne!(shown().await, first);
}

/// Numbers without a pattern, the same at each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % most
    }
}

/// Parts of sessions, in the order in which nobody sends them.
const PARTS: [&[u8]; 30] = [
    b"EHLO x\r\n",
    b"LHLO x\r\n",
    b"HELO x\r\n",
    b"MAIL FROM:<>\r\n",
    b"MAIL FROM:<a@b.example> SIZE=99999999999999999999 BODY=8BITMIME\r\n",
    b"MAIL FROM:<a@b.example> X=Y SMTPUTF8\r\n",
    b"RCPT TO:<a@ours.example>\r\n",
    b"RCPT TO:<later@ours.example>\r\n",
    b"RCPT TO:<a@b.example>\r\n",
    b"RCPT TO:<@c.example:a@ours.example>\r\n",
    b"RCPT TO:<\"a b\"@ours.example>\r\n",
    b"RCPT TO:<\xe3\x81\x82\xff@ours.example>\r\n",
    b"DATA\r\n",
    b"BDAT 12 LAST\r\n",
    b"STARTTLS\r\n",
    b"AUTH PLAIN AGEAYg==\r\n",
    b"VRFY a\r\n",
    b"EXPN all\r\n",
    b"ETRN x\r\n",
    b"HELP\r\n",
    b"RSET\r\n",
    b"NOOP\r\n",
    b"\r\n.\r\n",
    b"\n.\n",
    b"..\r\n",
    b"\0\x01\x80\xfe\r\n",
    b"Subject: x\r\n\r\nwords\r\n",
    b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"QUIT\r\n",
];

/// One session: parts in any order, some cut, some long, sent in pieces.
fn hostile(dice: &mut Dice) -> Vec<Vec<u8>> {
    let mut said = Vec::new();
    if dice.below(3) > 0 {
        said.extend(b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@ours.example>\r\nDATA\r\n");
    }
    for _ in 0..dice.below(40) {
        let part = PARTS[dice.below(PARTS.len())];
        let cut = if dice.below(6) == 0 { dice.below(part.len()) } else { part.len() };
        said.extend(&part[..cut]);
        if dice.below(20) == 0 {
            let (byte, many) = (u8::try_from(dice.below(256)).unwrap(), dice.below(9000));
            said.resize(said.len() + many, byte);
        }
    }
    let mut pieces = Vec::new();
    while !said.is_empty() {
        let rest = said.split_off((1 + dice.below(400)).min(said.len()));
        pieces.push(std::mem::replace(&mut said, rest));
    }
    pieces
}

#[tokio::test]
async fn hostile_sessions_get_answers_and_nothing_else() {
    let short = Duration::from_millis(40);
    let limits = ListenLimits { idle: short, idle_when_full: short, message_bytes: 4000, sessions: 3, ..ListenLimits::default() };
    let heard = Heard::limited(limits).await;
    let (mut dice, mut begun) = (Dice(0x9e37_79b9_7f4a_7c15), 0);
    for round in 0..1500 {
        let mut stream = TcpStream::connect(heard.address).await.unwrap();
        for piece in hostile(&mut dice) {
            if stream.write_all(&piece).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
        if dice.below(4) == 0 {
            continue; // Gone without a word: the place comes back.
        }
        drop(stream.shutdown().await);
        let mut answers = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answers)).await;
        assert!(read.is_ok(), "session {round} does not end");
        let answers = String::from_utf8(answers).unwrap();
        let known = |line: &str| line.len() > 3 && line.as_bytes()[..3].iter().all(u8::is_ascii_digit);
        assert!(answers.lines().all(known), "session {round}: {answers}");
        begun += codes(&answers).iter().filter(|code| *code == "354").count();
    }
    assert!(begun > 50, "most sessions get somewhere: {begun}");
    for (to, size) in heard.kept() {
        assert!(to.ends_with("@ours.example") && size <= 4000, "{to} {size}");
    }
    let before = heard.kept().len();
    let good = "LHLO x\nMAIL FROM:<>\nRCPT TO:<a@ours.example>\nDATA\nhello\n.\nQUIT\n";
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while heard.talk(good).await != ["220", "250", "250", "250", "354", "250", "221"] {
        assert!(tokio::time::Instant::now() < deadline, "places do not come back");
    }
    assert_eq!(heard.kept().len(), before + 1, "whoever means well is served");
}
