//! The mailbox through its front doors: SMTP in, pages out.

use std::time::{Duration, Instant};

use kintsugi_mailbox::{Faults, Mailbox, Running};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const MAIL: &str = "From: Desk <desk@kakehashi.example>\r\nTo: hanako@example.jp\r\nSubject: =?utf-8?B?44GK55+l44KJ44Gb?=\r\n\
MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
Your page: http://127.0.0.1:8080/n/XYZ\r\n..dots\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
<html><head></head><body><script>alert(1)</script><a href=\"http://127.0.0.1:8080/n/XYZ\">Your page</a></body></html>\r\n\r\n--b--\r\n";

async fn start(faults: Faults) -> Running {
    Mailbox::for_test(faults).start().await.unwrap()
}

/// A session that speaks a line at a time and tells what the server said.
struct Client(TcpStream);

impl Client {
    async fn connect(mailbox: &Running) -> Self {
        let mut client = Self(TcpStream::connect(mailbox.smtp).await.unwrap());
        assert!(client.read().await.starts_with("220 "));
        client
    }

    /// What comes next; empty where the server closed.
    async fn read(&mut self) -> String {
        let mut buffer = vec![0; 4096];
        let read = self.0.read(&mut buffer).await.unwrap_or(0);
        String::from_utf8_lossy(&buffer[..read]).into_owned()
    }

    async fn say(&mut self, line: &str) -> String {
        self.0.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
        self.read().await
    }

    /// The status of each step until one fails.
    async fn send(&mut self, to: &str) -> Vec<String> {
        let dot_stuffed = MAIL.replace("\r\n.", "\r\n..");
        let steps = [
            "EHLO test".to_owned(),
            "MAIL FROM:<desk@kakehashi.example>".into(),
            format!("RCPT TO:<{to}>"),
            "DATA".into(),
            dot_stuffed + ".",
        ];
        let mut said = Vec::new();
        for step in steps {
            let reply = self.say(&step).await;
            said.push(reply.get(..3).unwrap_or_default().to_owned());
            if !matches!(reply.bytes().next(), Some(b'2' | b'3')) {
                break;
            }
        }
        said
    }
}

/// Status line and headers, and the body.
async fn get(mailbox: &Running, path: &str, language: &str) -> (String, String) {
    let mut stream = TcpStream::connect(mailbox.http).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Language: {language}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

#[tokio::test]
async fn takes_a_message_as_it_was_sent() {
    let mailbox = start(Faults::default()).await;
    assert_eq!(Client::connect(&mailbox).await.send("hanako@example.jp").await, ["250", "250", "250", "354", "250"]);
    let messages = mailbox.messages().unwrap();
    assert_eq!((mailbox.count(), messages[0].to.as_str()), (1, "hanako@example.jp"));
    assert_eq!(messages[0].from, "desk@kakehashi.example");
    assert_eq!(String::from_utf8(messages[0].raw.clone()).unwrap(), MAIL);
}

#[tokio::test]
async fn answers_commands_that_come_together_together() {
    let mailbox = start(Faults::default()).await;
    let mut client = Client::connect(&mailbox).await;
    client.say("EHLO test").await;
    let replies = client.say("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nRCPT TO:<c@example.com>\r\nDATA").await;
    assert_eq!(replies, "250 2.1.0 ok\r\n250 2.1.5 ok\r\n250 2.1.5 ok\r\n354 go ahead\r\n");
    assert!(client.say("Subject: x\r\n\r\ny\r\n.\r\nQUIT").await.ends_with("221 2.0.0 bye\r\n"));
    assert_eq!(mailbox.count(), 2);
}

#[tokio::test]
async fn nonsense_is_refused_and_the_session_goes_on() {
    let mailbox = start(Faults::default()).await;
    let mut client = Client::connect(&mailbox).await;
    for (line, reply) in
        [("HELO", "501"), ("FOO", "500"), ("DATA", "503"), ("RCPT TO:<a@example.com>", "503"), ("STARTTLS", "502")]
    {
        let said = client.say(line).await;
        assert!(said.starts_with(reply), "{line}: {said}");
    }
    assert!(client.say("MAIL FROM:<a@example.com> SIZE=99999999").await.starts_with("552"));
    assert_eq!(client.send("b@example.com").await.len(), 5);
}

#[tokio::test]
async fn misbehaves_as_told() {
    let refuse = start(Faults { refuse: Some("Gone@example.jp".into()), ..Faults::default() }).await;
    let mut client = Client::connect(&refuse).await;
    assert_eq!(client.send("gone@example.jp").await, ["250", "250", "550"]);
    assert_eq!(client.send("here@example.jp").await.len(), 5);

    let busy = start(Faults { busy: 1, ..Faults::default() }).await;
    let mut client = Client::connect(&busy).await;
    assert_eq!(client.send("a@example.jp").await, ["250", "250", "451"]);
    assert_eq!(client.send("a@example.jp").await.len(), 5);

    let closes = start(Faults { close_before_data: 1, ..Faults::default() }).await;
    assert_eq!(Client::connect(&closes).await.send("a@example.jp").await, ["250", "250", "250", ""]);
    assert_eq!(closes.count(), 0);

    let silent = start(Faults { close_after_dot: 1, ..Faults::default() }).await;
    assert_eq!(Client::connect(&silent).await.send("a@example.jp").await, ["250", "250", "250", "354", ""]);
    assert_eq!(silent.count(), 1);

    let slow = start(Faults { slow: Some(Duration::from_millis(20)), ..Faults::default() }).await;
    let begun = Instant::now();
    Client::connect(&slow).await.send("a@example.jp").await;
    assert!(begun.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn a_person_finds_their_mail_and_opens_its_link() {
    let mailbox = start(Faults::default()).await;
    let (head, empty) = get(&mailbox, "/", "en").await;
    assert!(head.starts_with("HTTP/1.1 200") && empty.contains("No mail has arrived yet"));
    assert!(empty.contains("<title>Make-believe mailbox</title>"));
    Client::connect(&mailbox).await.send("hanako@example.jp").await;

    let (_, found) = get(&mailbox, "/?to=Hanako", "ja,en;q=0.5").await;
    assert!(found.contains("href=\"/m/0\"") && found.contains("お知らせ") && found.contains("練習用の郵便受け"), "{found}");
    let (head, message) = get(&mailbox, "/m/0", "en").await;
    assert!(head.contains("default-src 'none'"));
    assert!(message.contains("<a href=\"http://127.0.0.1:8080/n/XYZ\" target=\"_blank\""), "{message}");
    assert!(message.contains("sandbox=\"allow-popups allow-popups-to-escape-sandbox\"") && !message.contains("alert(1)"));
    let (head, html) = get(&mailbox, "/m/0/html", "en").await;
    assert!(head.contains("sandbox allow-popups") && html.contains("<base target=\"_blank\">"));
    let (head, raw) = get(&mailbox, "/m/0/raw", "en").await;
    assert!(head.contains("text/plain") && raw == MAIL);
    let (_, none) = get(&mailbox, "/?to=%3Cscript%3E", "en").await;
    assert!(none.contains("There is no mail to such an address") && !none.contains("<script>"));
    assert!(get(&mailbox, "/m/7", "en").await.0.starts_with("HTTP/1.1 404"));
}

#[tokio::test]
async fn takes_thousands_of_messages_in_parallel_sessions() {
    let mailbox = start(Faults::default()).await;
    let sessions: Vec<_> = (0..8)
        .map(|session| {
            let address = mailbox.smtp;
            tokio::spawn(async move {
                let mut client = Client(TcpStream::connect(address).await.unwrap());
                client.read().await;
                client.say("EHLO test").await;
                for number in 0..250 {
                    let envelope = format!("MAIL FROM:<a@example.com>\r\nRCPT TO:<p{session}-{number}@example.jp>\r\nDATA");
                    assert!(client.say(&envelope).await.contains("250"));
                    assert!(client.say("Subject: x\r\n\r\ny\r\n.").await.contains("kept"));
                }
            })
        })
        .collect();
    for session in sessions {
        session.await.unwrap();
    }
    assert_eq!(mailbox.count(), 2000);
}
