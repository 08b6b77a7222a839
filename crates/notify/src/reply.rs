//! What a person wrote back, as the desk reads it: from whom, about what, in words. Pictures and attachments are counted.

use kintsugi_case::Private;
use mail_parser::MessageParser;

/// So much of a reply is kept, in characters: what a person writes, with what they quote.
const TEXT_KEPT_CHARS: usize = 20_000;
/// So much of a header is kept.
const HEADER_KEPT_CHARS: usize = 300;

/// A message for the desk to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyWords {
    /// Who says that they wrote it. It proves nothing: anybody can write any sender.
    pub from: Private<String>,
    /// What it is about.
    pub subject: Private<String>,
    /// Its words; markup is left out.
    pub text: Private<String>,
    /// Attachments that were not kept.
    pub attachments: u64,
}

/// Reads a message's words; none where it is no message.
pub fn read_reply(raw: &[u8]) -> Option<ReplyWords> {
    let message = MessageParser::default().parse(raw)?;
    let from = message.from().and_then(|from| from.first()).map(|one| {
        let name = one.name().unwrap_or_default();
        format!("{name} <{}>", one.address().unwrap_or_default())
    });
    let text = message.body_text(0).unwrap_or_default();
    let attachments = message.attachments().filter(|part| !part.is_message()).count() as u64;
    Some(ReplyWords {
        from: Private::new(line(&from.unwrap_or_default())),
        subject: Private::new(line(message.subject().unwrap_or_default())),
        text: Private::new(text.chars().filter(|c| *c == '\n' || !c.is_control()).take(TEXT_KEPT_CHARS).collect()),
        attachments,
    })
}

/// One line without what a terminal would obey.
fn line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(HEADER_KEPT_CHARS).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::read_reply;

    fn check(raw: &str, expected: (&str, &str, &str)) {
        let words = read_reply(raw.replace('\n', "\r\n").as_bytes()).unwrap();
        assert_eq!((words.from.open().as_str(), words.subject.open().as_str(), words.text.open().trim()), expected, "{raw}");
    }

    #[test]
    fn replies_are_read_in_any_encoding() {
        let jis = "From: =?iso-2022-jp?B?GyRCOzNFRBsoQg==?= <a@b.example>\nSubject: Re: x\nContent-Type: text/plain; charset=utf-8\n\n質問です\n";
        check(jis, ("山田 <a@b.example>", "Re: x", "質問です"));
        check("From: <a@b.example>\nContent-Type: text/html\n\n<p>Why <b>me</b>?</p>\n", ("<a@b.example>", "", "Why me?"));
        check("From: a@b.example\nSubject: x\n\n\u{1b}[31mred\n", ("<a@b.example>", "x", "[31mred"));
    }
}
