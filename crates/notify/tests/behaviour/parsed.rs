//! Every mail of every kind and language, to persons with odd names and addresses, read by a parser that is none of ours:
//! Python's `email`.

use std::process::Command;

use kintsugi_case::{ExposedRecord, Language, NoticeKind, NoticeNumber, PersonProfile};
use kintsugi_notify::{AnswerContent, Composer, EarlierNotice, FactBook, Mail, MailKind, NoticeContent, Page, Templates};

use crate::people::{bases, card, case, coverage, ms, person, scope};
use crate::postfix_server::run;

/// Names as shops store them, and such as somebody hopes will become a header.
const NAMES: [&str; 9] = [
    "髙橋 花子",
    "Alice \"Al\" O'Carter, Jr.",
    "王小明 (測試)",
    "김 <하나>",
    "a@b.example",
    "x\r\nBcc: victim@other.example\r\n\r\nhello",
    "=?utf-8?q?Bcc=3A?=",
    "\u{202e}reversed\u{0}",
    "寿限無寿限無五劫の擦り切れ海砂利水魚の水行末雲来末風来末食う寝る処に住む処藪ら柑子の藪柑子パイポパイポパイポのシューリンガン",
];

/// Addresses, and as what they are read: the second goes over the wire in quotes.
const ADDRESSES: [(&str, &str); 4] = [
    ("hanako@example.com", "hanako@example.com"),
    ("a..b.@docomo.example", "a..b.@docomo.example"),
    ("o'neil+shop@example.com", "o'neil+shop@example.com"),
    ("taro@例え.example", "taro@xn--r8jz45g.example"),
];

fn composer() -> Composer {
    let mut case = case();
    case.case.languages = Language::ALL.to_vec();
    Composer::new(&case, Templates::parse(&[], FactBook::default()).unwrap(), &scope(), &bases(), Some(coverage(true))).unwrap()
}

fn mail(composer: &Composer, kind: MailKind, who: &PersonProfile, exposed: &[ExposedRecord]) -> Mail {
    let sent = ms("2013-06-10T09:00:00+09:00");
    let link = "https://kakehashi.example/n/abc";
    if kind == MailKind::Answer {
        let pages = [Page { name: who.name.clone(), link: link.to_owned() }];
        let content = AnswerContent { id: "7".into(), to: &who.email, language: who.language, pages: &pages };
        return composer.answer(&content, sent).unwrap();
    }
    let earlier = EarlierNotice { number: NoticeNumber::new(2013, 7), at_ms: sent, exposed: &[], kind: NoticeKind::More };
    let earlier = (kind != MailKind::Notice).then_some(earlier);
    let content = NoticeContent { number: NoticeNumber::new(2013, 48_210), person: who, exposed, link, earlier };
    if kind == MailKind::Reply {
        return composer.reply(&content, "3.1", "Only the card.\n\n.\n\n--=_kintsugi\nX: y", sent).unwrap();
    }
    composer.notice_as(kind, &content, sent).unwrap()
}

/// What Python reads, one line a message: defects, the headers' names, the recipients' addresses, the parts' types, whether
/// the words are in both parts, and the Subject.
const READ: &str = r#"
import sys, email, email.policy
for raw in sys.stdin.buffer.read().split(b"\0\0\0\n")[:-1]:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    parts = list(message.walk())
    defects = sum(len(part.defects) + sum(len(value.defects) for value in part.values()) for part in parts)
    to = [address.addr_spec for address in message["To"].addresses]
    words = [part.get_content() for part in parts if not part.is_multipart()]
    print(defects, ",".join(message.keys()), ";".join(to), ",".join(part.get_content_type() for part in parts),
          all(len(text) > 100 for text in words), max(len(line) for line in raw.split(b"\r\n")) <= 998, sep="\t")
"#;

#[test]
fn an_independent_parser_reads_every_mail_as_it_was_meant() {
    let composer = composer();
    let exposed = [card("1", "Visa", "8431", 1), card("2", "JCB\r\nX-Evil: 1", "0005", 2)];
    let (mut raw, mut expected) = (Vec::new(), Vec::new());
    for kind in MailKind::ALL {
        for language in Language::ALL {
            for (at, name) in NAMES.iter().enumerate() {
                let (address, wire) = ADDRESSES[at % ADDRESSES.len()];
                let one = mail(&composer, kind, &person(name, address, language), &exposed);
                raw.extend_from_slice(one.bytes.open());
                raw.extend_from_slice(b"\0\0\0\n");
                expected.push(wire);
            }
        }
    }
    let mut python = Command::new("/usr/bin/python3");
    python.args(["-c", READ]);
    let output = run(python, &raw);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = String::from_utf8(output.stdout).unwrap();
    assert_eq!(read.lines().count(), expected.len());
    for (line, wire) in read.lines().zip(expected) {
        let fields: Vec<&str> = line.split('\t').collect();
        let headers =
            "From,To,Subject,Date,Message-ID,Content-Language,Auto-Submitted,X-Auto-Response-Suppress,MIME-Version,Content-Type";
        assert_eq!(fields, ["0", headers, wire, "multipart/alternative,text/plain,text/html", "True", "True"], "{line}");
    }
}
