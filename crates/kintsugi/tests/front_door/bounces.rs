//! What comes back, through the front door: from a Maildir, and by LMTP and SMTP.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use crate::desk::{Desk, Post};

/// A mail of ours: what a bounce needs of it.
pub(crate) struct Sent {
    message_id: String,
    pub(crate) return_path: String,
    pub(crate) to: String,
}

/// A case that has told everybody.
pub(crate) fn told(post: &Post, seed: u64) -> Desk {
    let desk = Desk::drill(300, seed);
    desk.edit("[mail]\n", "[mail]\nreturn_path = \"bounces@kakehashi.example\"\n");
    let said = desk.run(&["run", "--smtp", &post.url()]);
    assert!(said.code <= 1, "{}", said.err);
    desk
}

pub(crate) fn sent(post: &Post) -> Vec<Sent> {
    let of = |one: kintsugi_mailbox::Received| {
        let text = String::from_utf8_lossy(&one.raw).into_owned();
        let line = text.lines().find(|line| line.to_lowercase().starts_with("message-id:")).unwrap().to_owned();
        Sent { message_id: line[11..].trim().to_owned(), return_path: one.from, to: one.to }
    };
    post.received().into_iter().map(of).collect()
}

/// A report as a mail server writes it, to the return path of a mail.
fn report(to: &str, status: &str) -> String {
    format!(
        "From: MAILER-DAEMON@mx.example\r\nTo: <{to}>\r\nSubject: failure\r\nContent-Type: multipart/report; \
         report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nsorry\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
         Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; x@mail.example\r\nAction: failed\r\nStatus: {status}\r\n\r\n\
         --b--\r\n"
    )
}

pub(crate) fn reply(to: &str) -> String {
    format!("From: \"Somebody\" <me@elsewhere.example>\r\nTo: <{to}>\r\nSubject: Re: notice\r\n\r\nWas my address taken?\r\n")
}

pub(crate) fn deliver(desk: &Desk, name: &str, message: &str) {
    let new = desk.root().join("Maildir/new");
    std::fs::create_dir_all(&new).unwrap();
    std::fs::write(new.join(name), message).unwrap();
}

#[test]
fn a_dead_address_leads_to_the_next_one_and_then_to_a_letter() {
    let post = Post::open();
    let desk = told(&post, 21);
    let maildir = desk.root().join("Maildir").display().to_string();
    let first = sent(&post);
    for (at, one) in first.iter().enumerate() {
        deliver(&desk, &format!("{at:05}"), &report(&one.return_path, "5.1.1"));
    }
    deliver(&desk, "99999", "\u{0}\u{1}junk");
    let said = desk.run(&["--json", "bounces", &maildir]).json()["result"].clone();
    let number = |name: &str| said[name].as_u64().unwrap();
    assert_eq!(number("next_address") + number("letters"), first.len() as u64, "{said}");
    assert!(number("next_address") > 0 && number("letters") > 0, "{said}");

    let again = desk.run(&["--json", "notify", "--smtp", &post.url()]).json()["result"].clone();
    assert_eq!(again["holds"], true, "{again}");
    assert_eq!((again["accepted"].as_u64(), again["waiting"].as_u64()), (said["next_address"].as_u64(), Some(0)), "{again}");
    let second = &sent(&post)[first.len()..];
    assert_eq!(second.len() as u64, number("next_address"));
    for one in second {
        let before = first.iter().find(|known| known.message_id == one.message_id).unwrap();
        assert_ne!(before.to, one.to, "the same notice, another address");
        assert_ne!(before.return_path, one.return_path);
    }
    // The same reports once more change nothing.
    for (at, one) in first.iter().enumerate() {
        deliver(&desk, &format!("late{at:05}"), &report(&one.return_path, "5.1.1"));
    }
    let late = desk.run(&["--json", "bounces", &maildir]).json()["result"].clone();
    assert_eq!(late["moved"], 0, "{late}");
    let verified = desk.run(&["verify"]);
    assert_eq!(verified.code, 0, "{}{}", verified.out, verified.err);
}

/// The listener of a case, on a port of its own.
struct Listener {
    child: Child,
    address: String,
}

impl Listener {
    fn start(desk: &Desk) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kintsugi"));
        command.args(["--json", "bounces", "--listen", "127.0.0.1:0"]).arg(desk.case()).env("NO_COLOR", "1");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = lines.find(|line| line.as_ref().unwrap().contains("LMTP and SMTP at")).unwrap().unwrap();
        let address = line.rsplit(' ').next().unwrap().to_owned();
        Self { child, address }
    }

    /// The codes with which it answers what is said, from the first reply on.
    fn talk(&self, said: &str) -> Vec<String> {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(said.as_bytes()).unwrap();
        let mut answers = String::new();
        stream.read_to_string(&mut answers).unwrap();
        answers.lines().filter(|line| line.as_bytes()[3] == b' ').map(|line| line[..3].to_owned()).collect()
    }

    /// Delivers one message as a mail server does, and gives the last answer before the end.
    fn deliver(&self, hello: &str, to: &str, message: &str) -> String {
        let codes = self.talk(&format!("{hello} x\r\nMAIL FROM:<>\r\nRCPT TO:<{to}>\r\nDATA\r\n{message}\r\n.\r\nQUIT\r\n"));
        codes[codes.len() - 2].clone()
    }

    /// Ends it and gives what it counted.
    fn stop(mut self) -> serde_json::Value {
        let killed = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        self.child.wait().unwrap();
        serde_json::from_str::<serde_json::Value>(&out).unwrap()["result"].clone()
    }
}

#[test]
fn bounces_and_replies_are_taken_by_lmtp_and_smtp_and_the_desk_answers() {
    let post = Post::open();
    let desk = told(&post, 22);
    let mails = sent(&post);
    let listener = Listener::start(&desk);
    assert_eq!(listener.deliver("LHLO", &mails[0].return_path, &report(&mails[0].return_path, "5.1.1")), "250");
    assert_eq!(listener.deliver("EHLO", &mails[1].return_path, &reply(&mails[1].return_path)), "250");
    assert_eq!(listener.deliver("LHLO", &mails[1].return_path, &reply(&mails[1].return_path)), "250", "twice is once");
    let forged = mails[1].return_path.replacen('.', ".x", 1);
    let codes = listener.talk(&format!("LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<{forged}>\r\nQUIT\r\n"));
    assert_eq!(codes, ["220", "250", "250", "550", "221"], "a guessed code is nobody's");
    let header = "X: y\r\nTo: <bounces+k-2013-000001-0.aaaaaaaaaa@kakehashi.example>\r\n\r\nhello\r\n";
    assert_eq!(listener.deliver("LHLO", "bounces@kakehashi.example", header), "250", "a stranger's message is kept for the desk");
    let counted = listener.stop();
    let number = |name: &str| counted[name].as_u64().unwrap();
    assert_eq!((number("moved"), number("replies"), number("foreign")), (1, 1, 1), "{counted}");

    let shown = desk.run(&["--json", "bounces", "--replies"]).json()["result"]["replies"].clone();
    assert_eq!(shown.as_array().unwrap().len(), 2, "{shown}");
    assert_eq!(shown[0]["text"].as_str().unwrap().trim(), "Was my address taken?");
    let words = desk.root().join("words.txt");
    std::fs::write(&words, "No. Only the card was.\n\nWe are sorry.").unwrap();
    let before = post.count();
    let args = ["--json", "notify", "answer", "1", "--text", words.to_str().unwrap(), "--smtp", &post.url()];
    let answered = desk.run(&args);
    assert_eq!(answered.code, 0, "{}", answered.err);
    assert_eq!(post.received()[usize::try_from(before).unwrap()].to, mails[1].to, "to where the notice went, not to the sender");
    assert_eq!(desk.run(&args).code, 2, "the same words are not sent twice");
    assert_eq!(post.count(), before + 1);
    let stranger = ["notify", "answer", "2", "--text", words.to_str().unwrap(), "--smtp", &post.url()];
    assert_eq!(desk.run(&stranger).code, 2, "a stranger gets no answer from here");
}

#[test]
fn the_listener_protects_sessions_with_the_certificate_of_the_case() {
    let post = Post::open();
    let desk = told(&post, 25);
    let to = sent(&post).remove(0).return_path;
    let named = "[mail]\nbounces_tls = { certificate = \"tls/cert.pem\", key = \"tls/key.pem\", required = true }\n";
    desk.edit("[mail]\n", named);
    let said = desk.run(&["check"]);
    assert!(said.code == 2 && said.err.contains("tls/cert.pem holds no certificate in PEM form"), "{}", said.err);
    let folder = desk.case().join("tls");
    std::fs::create_dir(&folder).unwrap();
    let mut openssl = Command::new("openssl");
    openssl.args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost".split(' '));
    openssl.args(["-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"]).current_dir(&folder);
    assert!(openssl.stderr(Stdio::null()).status().unwrap().success());
    assert_eq!(desk.run(&["check"]).code, 0);
    let listener = Listener::start(&desk);
    assert_eq!(listener.talk("LHLO x\r\nMAIL FROM:<>\r\nQUIT\r\n"), ["220", "250", "530", "221"]);
    let script = "import smtplib, ssl, sys\n\
                  c = smtplib.LMTP('localhost', int(sys.argv[1]))\n\
                  c.starttls(context=ssl.create_default_context(cafile=sys.argv[2]))\n\
                  c.sendmail('', [sys.argv[3]], sys.stdin.read())\n\
                  c.quit()\n";
    let mut client = Command::new("/usr/bin/python3");
    client.args(["-c", script, listener.address.rsplit(':').next().unwrap()]).arg(folder.join("cert.pem")).arg(&to);
    let mut client = client.stdin(Stdio::piped()).spawn().unwrap();
    client.stdin.take().unwrap().write_all(report(&to, "5.1.1").as_bytes()).unwrap();
    assert!(client.wait().unwrap().success());
    assert_eq!(listener.stop()["moved"], 1);
}
