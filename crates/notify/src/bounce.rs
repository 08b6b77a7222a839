//! What came back: delivery reports (RFC 3464), bounces of servers that write none, and automatic answers, each matched to
//! its notice by the address to which it came. Replies of people are told apart and left to people.

use mail_parser::{Message, MessageParser, MimeHeaders as _};

use crate::Unsendable;
use crate::return_path::{ReturnPath, Returned};

/// So much of a bounce's words is looked at: a reason stands at the front.
const WORDS_READ_MAX: usize = 8 * 1024;
/// So much of a server's words is kept.
const DETAIL_KEPT_CHARS: usize = 200;

/// What a message that came back says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BounceKind {
    /// The address takes no mail, for good.
    Hard,
    /// The mail was refused for what it is, or for who sends it: another address would fare no better.
    Blocked,
    /// The mail could not be delivered in the time that a server tries.
    Soft,
    /// The mailbox is full, and the server gave up.
    Full,
    /// A server still tries.
    Delayed,
    /// The mail was delivered.
    Delivered,
    /// An automatic answer: the mail arrived.
    OutOfOffice,
    /// Nothing of these: for a person to read.
    Reply,
}

impl BounceKind {
    /// Every kind, in the order in which they are listed.
    pub const ALL: [Self; 8] =
        [Self::Hard, Self::Blocked, Self::Soft, Self::Full, Self::Delayed, Self::Delivered, Self::OutOfOffice, Self::Reply];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hard => "hard bounce",
            Self::Blocked => "refused by policy",
            Self::Soft => "soft bounce",
            Self::Full => "mailbox full",
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
            Self::OutOfOffice => "automatic answer",
            Self::Reply => "reply",
        }
    }
}

/// A message that came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounce {
    /// To which notice, as its address claims; none where no address of ours is in it.
    pub returned: Option<Returned>,
    /// What it says.
    pub kind: BounceKind,
    /// The status and the server's words, addresses left out.
    pub detail: String,
}

/// Reads a message that came to the bounces' mailbox; none where it is no mail at all.
pub fn read_bounce(raw: &[u8], path: &ReturnPath) -> Option<Bounce> {
    read(raw, path, None)
}

/// Reads a message that came to this address: what the mail server says goes before what the message says.
pub fn read_bounce_to(raw: &[u8], path: &ReturnPath, to: &str) -> Option<Bounce> {
    read(raw, path, path.read(to))
}

fn read(raw: &[u8], path: &ReturnPath, to: Option<Returned>) -> Option<Bounce> {
    let message = MessageParser::default().parse(raw)?;
    let returned = to.or_else(|| recipient(&message, path)).or_else(|| original_return_path(&message, path));
    let (kind, detail) = report(&message).or_else(|| automatic(&message)).or_else(|| words(&message)).unwrap_or_else(reply);
    Some(Bounce { returned, kind, detail })
}

fn reply() -> (BounceKind, String) {
    (BounceKind::Reply, String::new())
}

/// To whom it came: what the mail server wrote down of the envelope, else the header.
fn recipient(message: &Message<'_>, path: &ReturnPath) -> Option<Returned> {
    let envelope = ["X-Original-To", "Delivered-To", "Envelope-To", "X-Envelope-To", "To"];
    let values = envelope.iter().flat_map(|name| message.header_values(*name));
    let mut addresses = values.flat_map(|value| match value {
        mail_parser::HeaderValue::Address(list) => list.iter().filter_map(|one| one.address()).collect::<Vec<_>>(),
        other => other.as_text().into_iter().collect(),
    });
    addresses.find_map(|address| path.read(address))
}

/// The return path of the mail that came back, where the bounce holds its head.
fn original_return_path(message: &Message<'_>, path: &ReturnPath) -> Option<Returned> {
    let texts = message.parts.iter().filter(|part| part.is_message() || part.is_content_type("text", "rfc822-headers"));
    texts.filter_map(|part| std::str::from_utf8(part.contents()).ok()).flat_map(addresses).find_map(|address| path.read(address))
}

/// Everything with an @ in it.
fn addresses(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || "<>\"();,".contains(c)).filter(|word| word.contains('@'))
}

/// RFC 3464: one recipient per mail of ours, so the first recipient that a report names is the one.
fn report(message: &Message<'_>) -> Option<(BounceKind, String)> {
    let part = message.parts.iter().find(|part| {
        ["delivery-status", "global-delivery-status"].iter().any(|subtype| part.is_content_type("message", subtype))
    })?;
    let text = String::from_utf8_lossy(part.contents()).replace("\r\n", "\n");
    let unfolded = text.replace("\n ", " ").replace("\n\t", " ");
    let field = |name: &str| {
        let line = unfolded.lines().find(|line| line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)));
        line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    let (action, status, diagnostic) = (field("Action:").to_lowercase(), field("Status:"), field("Diagnostic-Code:"));
    let kind = match action.as_str() {
        "failed" => failure(&status, &diagnostic),
        "delayed" => BounceKind::Delayed,
        "delivered" | "relayed" | "expanded" => BounceKind::Delivered,
        // A report without an action is none; its words may say more.
        _ => return None,
    };
    Some((kind, kept(&format!("{action} {status} {diagnostic}"))))
}

/// What a failure with this status (RFC 3463) and these words is.
fn failure(status: &str, words: &str) -> BounceKind {
    if status.ends_with(".2.2") || says(words, &FULL) {
        BounceKind::Full
    } else if status.starts_with('4') {
        BounceKind::Soft
    } else if BLOCKED.iter().any(|class| status.starts_with(class)) {
        BounceKind::Blocked
    } else {
        BounceKind::Hard
    }
}

/// Whether a server's reply to a mail of ours blames the address, and not the mail or its sender.
pub fn blames_address(reply: &str) -> bool {
    // `RCPT: 550 5.1.1 …`: the phase is ours.
    let words = reply.split_once(": ").filter(|(phase, _)| matches!(*phase, "RCPT" | "DATA")).map_or(reply, |(_, words)| words);
    let status = words.split(|c: char| !c.is_ascii_digit() && c != '.').find(|word| word.contains('.') && is_status(word));
    match status.unwrap_or_default() {
        // The sender's address, not the recipient's.
        "5.1.7" | "5.1.8" => false,
        "" => words.starts_with('5') && says(words, &NOBODY) || reply == Unsendable::Address.to_string(),
        status => status == "5.2.1" || status.starts_with("5.1."),
    }
}

/// RFC 3834, and what answering machines wrote before it.
fn automatic(message: &Message<'_>) -> Option<(BounceKind, String)> {
    let header = |name: &str| message.header_raw(name).unwrap_or_default().trim().to_lowercase();
    let marked = header("Auto-Submitted").starts_with("auto-replied")
        || ["X-Autoreply", "X-Autorespond", "X-Auto-Response"].iter().any(|name| message.header_raw(*name).is_some())
        || matches!(header("Precedence").as_str(), "auto_reply" | "auto-reply");
    let subject = message.subject().unwrap_or_default();
    let away = !from_machine(message) && says(subject, &AWAY);
    (marked || away).then(|| (BounceKind::OutOfOffice, kept("automatic answer")))
}

/// A bounce in words alone, as qmail, Exim and mail carriers write them.
fn words(message: &Message<'_>) -> Option<(BounceKind, String)> {
    let subject = message.subject().unwrap_or_default();
    if !from_machine(message) && !says(subject, &RETURNED) {
        return None;
    }
    let body = message.body_text(0)?;
    let body: String = body.chars().take(WORDS_READ_MAX).collect();
    // What follows is the mail itself, quoted.
    let said = ["--- Below this line", "------ This is a copy", "Original message", "元のメッセージ"];
    let end = said.iter().filter_map(|mark| body.find(mark)).min().unwrap_or(body.len());
    let said = &body[..end];
    if says(said, &TRYING) {
        return Some((BounceKind::Delayed, kept("delayed")));
    }
    let status = said.split(|c: char| !c.is_ascii_digit() && c != '.').find(|word| is_status(word)).unwrap_or_default();
    let known = !status.is_empty() || says(said, &FULL) || says(said, &NOBODY) || says(subject, &RETURNED);
    let line = said.lines().find(|line| !status.is_empty() && line.contains(status)).unwrap_or(status);
    known.then(|| (failure(status, said), kept(line)))
}

/// An enhanced status (`5.1.1`) or a reply code (`550`) of a failure.
fn is_status(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    let digits = parts.iter().all(|part| (1..=3).contains(&part.len()));
    digits && word.starts_with(['4', '5']) && (parts.len() == 3 && parts[0].len() == 1 || parts.len() == 1 && word.len() == 3)
}

/// Whether no person wrote it: an empty return path, or a sender that servers use.
fn from_machine(message: &Message<'_>) -> bool {
    let empty = message.header_raw("Return-Path").is_some_and(|path| path.trim() == "<>");
    let from = message.from().and_then(|from| from.first()).and_then(|from| from.address()).unwrap_or_default().to_lowercase();
    empty || ["mailer-daemon@", "postmaster@", "mail-daemon@", "mdaemon@"].iter().any(|name| from.starts_with(name))
}

/// Statuses (RFC 3463) by which a mail is refused for what it is: security and policy, content, size.
const BLOCKED: [&str; 3] = ["5.7.", "5.6.", "5.3.4"];

const FULL: [&str; 8] = [
    "mailbox full",
    "mailbox is full",
    "over quota",
    "quota exceeded",
    "exceeded storage",
    "insufficient storage",
    "容量",
    "メールボックスがいっぱい",
];
const NOBODY: [&str; 8] = [
    "user unknown",
    "unknown user",
    "no such user",
    "does not exist",
    "no mailbox here",
    "recipient rejected",
    "could not be delivered",
    "配信できません",
];
const RETURNED: [&str; 8] = [
    "undelivered mail returned",
    "undeliverable",
    "failure notice",
    "delivery status notification (failure)",
    "mail delivery failed",
    "returned mail",
    "delivery failure",
    "配信不能",
];
const TRYING: [&str; 4] = ["warning message only", "will keep trying", "will be retried", "still trying"];
const AWAY: [&str; 7] = ["out of office", "automatic reply", "auto reply", "autoreply", "away from", "自動応答", "自動返信"];

fn says(text: &str, words: &[&str]) -> bool {
    let text = text.to_lowercase();
    words.iter().any(|word| text.contains(word))
}

/// What is kept of a server's words: one line, without addresses.
fn kept(words: &str) -> String {
    let words = words.split_whitespace().map(|word| if word.contains('@') { "recipient" } else { word });
    words.collect::<Vec<_>>().join(" ").chars().filter(|c| !c.is_control()).take(DETAIL_KEPT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::{BounceKind, ReturnPath, Unsendable, blames_address, read_bounce};

    const TO: &str = "bounces+k-2013-048210-0.7kqmx2vd94@kakehashi.example";

    fn read(head: &str, body: &str) -> (Option<String>, BounceKind, String) {
        let raw = format!("{head}\r\n\r\n{body}").replace("\r\n", "\n").replace('\n', "\r\n");
        let path = ReturnPath::parse("bounces@kakehashi.example").unwrap();
        let bounce = read_bounce(raw.as_bytes(), &path).unwrap();
        (bounce.returned.map(|to| to.number.to_string()), bounce.kind, bounce.detail)
    }

    fn check(head: &str, body: &str, kind: BounceKind, detail: &str) {
        let expected = (Some("K-2013-048210-0".to_owned()), kind, detail.to_owned());
        assert_eq!(read(&format!("To: <{TO}>\n{head}"), body), expected, "{head}");
    }

    fn reported(fields: &str, kind: BounceKind, detail: &str) {
        let head = "From: MAILER-DAEMON@mx.example\nContent-Type: multipart/report; report-type=delivery-status; boundary=b";
        let body = format!(
            "--b\n\nsorry\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n\
             Final-Recipient: rfc822; hanako@mail.example\n{fields}\n\n--b--\n"
        );
        check(head, &body, kind, detail);
    }

    #[test]
    fn reports_say_what_became_of_it() {
        let hard = "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 <hanako@mail.example>:\n unknown";
        reported(hard, BounceKind::Hard, "failed 5.1.1 smtp; 550 5.1.1 recipient unknown");
        reported("Action: failed\nStatus: 5.2.2", BounceKind::Full, "failed 5.2.2");
        reported("Action: failed\nStatus: 4.4.1", BounceKind::Soft, "failed 4.4.1");
        reported(
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 552 over quota",
            BounceKind::Full,
            "failed 5.0.0 smtp; 552 over quota",
        );
        reported("Action: failed\nStatus: 5.7.26", BounceKind::Blocked, "failed 5.7.26");
        reported("Action: delayed\nStatus: 4.4.1", BounceKind::Delayed, "delayed 4.4.1");
        reported("Action: delivered\nStatus: 2.0.0", BounceKind::Delivered, "delivered 2.0.0");
    }

    #[test]
    fn a_reply_blames_the_address_or_the_mail() {
        for (reply, blames) in [
            ("550 5.1.1 no such person", true),
            ("RCPT: 550 5.1.1 recipient", true),
            ("RCPT: 550 no such user here", true),
            ("550-5.1.10 nobody\n550 here", true),
            ("550 5.2.1 disabled", true),
            ("550 User unknown in local table", true),
            ("550 5.7.26 unauthenticated", false),
            ("553 5.1.8 sender's domain unknown", false),
            ("550 refused", false),
            ("552 5.2.2 over quota", false),
            ("no mail server takes this address", false),
        ] {
            assert_eq!(blames_address(reply), blames, "{reply}");
        }
        assert!(blames_address(&Unsendable::Address.to_string()));
    }

    #[test]
    fn servers_that_write_no_report_are_understood() {
        let qmail = "Hi. This is the qmail-send program at mx.example.\n<hanako@mail.example>:\n\
                     Sorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n4.2.2";
        check(
            "From: MAILER-DAEMON@mx.example\nSubject: failure notice",
            qmail,
            BounceKind::Hard,
            "Sorry, no mailbox here by that name. (#5.1.1)",
        );
        let exim = "A message that you sent could not be delivered.\n  hanako@mail.example\n    mailbox is full\n\
                    ------ This is a copy of the message ------\n";
        check(
            "From: Mailer-Daemon@mx.example\nSubject: Mail delivery failed: returning message to sender",
            exim,
            BounceKind::Full,
            "",
        );
        check(
            "From: postmaster@mx.example\nSubject: Warning",
            "a warning message only, we will keep trying",
            BounceKind::Delayed,
            "delayed",
        );
    }

    #[test]
    fn automatic_answers_and_replies_of_people_are_told_apart() {
        check(
            "From: hanako@mail.example\nAuto-Submitted: auto-replied",
            "I am away",
            BounceKind::OutOfOffice,
            "automatic answer",
        );
        check(
            "From: hanako@mail.example\nSubject: Automatic reply: notice",
            "I am away",
            BounceKind::OutOfOffice,
            "automatic answer",
        );
        check("From: hanako@mail.example\nSubject: Re: notice", "Error 550 on my side? 5.1.1", BounceKind::Reply, "");
    }

    #[test]
    fn the_notice_is_found_in_the_mail_that_came_back() {
        let head = "To: bounces@kakehashi.example\nFrom: MAILER-DAEMON@mx.example\nContent-Type: multipart/report; boundary=b";
        let body = format!(
            "--b\nContent-Type: message/delivery-status\n\nAction: failed\nStatus: 5.1.1\n\n--b\n\
             Content-Type: text/rfc822-headers\n\nReturn-Path: <{TO}>\nSubject: x\n\n--b--\n"
        );
        assert_eq!(read(head, &body).0.as_deref(), Some("K-2013-048210-0"));
        assert_eq!(read("To: bounces@kakehashi.example", "hello").0, None);
    }
}
