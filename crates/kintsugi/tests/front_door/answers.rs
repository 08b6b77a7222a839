//! An answer from the console, through the front door: a form, a worker, a mail, and never a second one.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::bounces::{deliver, reply, sent, told};
use crate::desk::{Desk, Post};

/// `kintsugi serve` of a case, on ports of its own, and somebody who reads its console.
struct Console {
    child: Child,
    address: String,
    cookies: Vec<String>,
}

impl Console {
    fn start(desk: &Desk, smtp: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kintsugi"));
        command.args(["serve", "--portal", "127.0.0.1:0", "--console", "127.0.0.1:0", "--smtp", smtp]).arg(desk.case());
        let mut child = command.env("NO_COLOR", "1").stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = lines.find(|line| line.as_ref().unwrap().contains("console http://")).unwrap().unwrap();
        let address = line.rsplit("console http://").next().unwrap().trim_end_matches('/').to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address, cookies: Vec::new() }
    }

    /// One request; gives the head and the body.
    fn ask(&mut self, head: &str, body: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let cookies = self.cookies.join("; ");
        let fixed = format!("Host: {}\r\nConnection: close\r\nCookie: {cookies}\r\nContent-Length: {}", self.address, body.len());
        let form = "Content-Type: application/x-www-form-urlencoded";
        write!(stream, "{head} HTTP/1.1\r\n{fixed}\r\n{form}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let set = head.lines().filter_map(|line| line.strip_prefix("set-cookie: "));
        self.cookies.extend(set.filter_map(|cookie| cookie.split(';').next()).map(str::to_owned));
        (head.to_owned(), body.to_owned())
    }

    fn get(&mut self, path: &str) -> String {
        self.ask(&format!("GET {path}"), "").1
    }

    fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> (String, String) {
        let fields = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
        self.ask(&format!("POST {path}"), &fields.collect::<Vec<_>>().join("&"))
    }

    fn sign_in(&mut self, name: &str, password: &str) {
        let token = value(&self.get("/signin?lang=en"), "token");
        let (head, _) = self.post("/signin", &[("token", &token), ("name", name), ("password", password)]);
        assert!(head.contains("303"), "{head}");
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The value of a hidden field.
fn value(page: &str, name: &str) -> String {
    let start = page.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap_or_else(|| panic!("no {name} in {page}"));
    start.split('"').next().unwrap().to_owned()
}

fn encoded(value: &str) -> String {
    value.bytes().map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// Waits for what another process does; there is an end.
fn until(what: &str, mut there: impl FnMut() -> bool) {
    let began = Instant::now();
    while !there() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn an_answer_from_the_console_leaves_once_and_says_what_was_shown() {
    let post = Post::open();
    let desk = told(&post, 23);
    let one = sent(&post).remove(0);
    deliver(&desk, "1", &reply(&one.return_path));
    let maildir = desk.root().join("Maildir").display().to_string();
    assert_eq!(desk.run(&["--json", "bounces", &maildir]).json()["result"]["replies"], 1);
    let password = desk.run(&["staff", "m.sato"]).out.trim().to_owned();
    let before = usize::try_from(post.count()).unwrap();

    let mut console = Console::start(&desk, &post.url());
    console.sign_in("m.sato", &password);
    let message = console.get("/replies/1");
    let path =
        message.split("action=\"").find_map(|rest| rest.split('"').next().filter(|path| path.ends_with("/answer"))).unwrap();
    let token = value(&message, "token");
    let said = "Only the card.\n\nWe are sorry.";
    let asked = [("token", token.as_str()), ("reply", "1"), ("text", said)];
    let (_, preview) = console.post(path, &[&asked[..], &[("act", "preview")]].concat());
    let (secret, seen) = (value(&preview, "form"), value(&preview, "seen"));
    let send = [&asked[..], &[("form", secret.as_str()), ("seen", seen.as_str()), ("act", "send")]].concat();
    let (first, second) = (console.post(path, &send).0, console.post(path, &send).0);
    assert!(first.contains("?answered=1") && second.contains("?known=1"), "{first} {second}");
    until("the answer leaves", || usize::try_from(post.count()).unwrap() > before);
    let person = path.trim_end_matches("/answer");
    until("the page says so", || console.get(person).contains("Answer 1 · accepted"));
    let read = |raw: &[u8]| mail_parser::MessageParser::default().parse(raw).unwrap().body_text(0).unwrap().into_owned();
    let mail = post.received().remove(before);
    assert_eq!(mail.to, one.to, "to where the notice went");
    let arrived = read(&mail.raw).replace("\r\n", "\n");
    let shown = preview.split("<pre class=\"mail\"").nth(1).unwrap().split_once('>').unwrap().1;
    let shown = shown.split("</pre>").next().unwrap().replace("&#39;", "'").replace("&#60;", "<").replace("&#62;", ">");
    assert_eq!(arrived.trim(), shown.trim(), "as it was shown");
    // The command finds the same answer, and sends nothing either.
    let words = desk.root().join("words.txt");
    std::fs::write(&words, said).unwrap();
    let command = ["notify", "answer", "1", "--text", words.to_str().unwrap(), "--smtp", &post.url()];
    assert_eq!(desk.run(&command).code, 2);
    assert_eq!(usize::try_from(post.count()).unwrap(), before + 1);
    let audit = console.get("/audit");
    assert!(audit.contains("answered message 1 about notice K-") && !audit.contains("sorry"), "{audit}");

    // What answers say changes while the server runs: it is shown anew before it leaves.
    let another = [("token", token.as_str()), ("reply", "1"), ("text", "One thing more.")];
    let preview = [&another[..], &[("act", "preview")]].concat();
    let (_, old) = console.post(path, &preview);
    std::fs::create_dir_all(desk.case().join("templates")).unwrap();
    for (name, text) in kintsugi_notify::default_templates().iter().filter(|(name, _)| name.starts_with("reply.")) {
        std::fs::write(desk.case().join("templates").join(name), format!("{text}\nThe desk moves in June.\n")).unwrap();
    }
    until("the page has the new words", || console.post(path, &preview).1.contains("The desk moves in June."));
    let (secret, seen) = (value(&old, "form"), value(&old, "seen"));
    let stale = [&another[..], &[("form", secret.as_str()), ("seen", seen.as_str()), ("act", "send")]].concat();
    assert!(console.post(path, &stale).1.contains("The desk moves in June."), "it is shown, not sent");
    assert!(!console.get(person).contains("Answer 2"));
}

#[test]
fn an_answer_waits_while_the_mail_server_is_away_and_goes_by_hand() {
    let post = Post::open();
    let desk = told(&post, 24);
    let one = sent(&post).remove(0);
    deliver(&desk, "1", &reply(&one.return_path));
    let maildir = desk.root().join("Maildir").display().to_string();
    assert_eq!(desk.run(&["bounces", &maildir]).code, 0);
    let password = desk.run(&["staff", "m.sato"]).out.trim().to_owned();
    let before = post.count();
    {
        // Nobody listens on port 1.
        let mut console = Console::start(&desk, "smtp://127.0.0.1:1");
        console.sign_in("m.sato", &password);
        let message = console.get("/replies/1");
        let path = message.split("action=\"").find_map(|rest| rest.split('"').next().filter(|path| path.ends_with("/answer")));
        let (path, token) = (path.unwrap().to_owned(), value(&message, "token"));
        let fields = [("token", token.as_str()), ("reply", "1"), ("text", "Yes.")];
        let (_, preview) = console.post(&path, &[&fields[..], &[("act", "preview")]].concat());
        let (secret, seen) = (value(&preview, "form"), value(&preview, "seen"));
        let send = [("form", secret.as_str()), ("seen", seen.as_str()), ("act", "send")];
        assert!(console.post(&path, &[&fields[..], &send[..]].concat()).0.contains("?answered=1"));
        let person = path.trim_end_matches("/answer").to_owned();
        let tried = |page: &str| page.contains("Answer 1 · waiting") && page.to_lowercase().contains("connect");
        until("the page says that it waits, and why", || tried(&console.get(&person)));
    }
    let words = desk.root().join("words.txt");
    std::fs::write(&words, "Yes.").unwrap();
    let command = ["--json", "notify", "answer", "1", "--text", words.to_str().unwrap(), "--smtp", &post.url()];
    assert_eq!(desk.run(&command).json()["result"]["answer"], 1, "the same answer, not a second one");
    assert_eq!(post.count(), before + 1);
}

#[test]
fn a_server_that_began_before_the_freeze_answers_after_it() {
    let post = Post::open();
    let desk = Desk::drill(200, 26);
    desk.edit("[mail]\n", "[mail]\nreturn_path = \"bounces@kakehashi.example\"\n");
    let password = desk.run(&["staff", "m.sato"]).out.trim().to_owned();
    let mut console = Console::start(&desk, &post.url());
    console.sign_in("m.sato", &password);
    let said = desk.run(&["run", "--smtp", &post.url()]);
    assert!(said.code <= 1, "{}", said.err);
    deliver(&desk, "1", &reply(&sent(&post).remove(0).return_path));
    let maildir = desk.root().join("Maildir").display().to_string();
    assert_eq!(desk.run(&["bounces", &maildir]).code, 0);
    until("the form is there", || console.get("/replies/1").contains("<textarea"));
}
