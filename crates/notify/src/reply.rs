//! What a person wrote back, as the desk reads it: from whom, about what, in words, card numbers masked. Pictures and
//! attachments are counted. And what the desk may write in answer.

use kintsugi_case::{Private, mask_pans};
use mail_parser::MessageParser;

/// So much of a reply is kept, in characters: what a person writes, with what they quote.
const TEXT_KEPT_CHARS: usize = 20_000;
/// So much of a header is kept.
const HEADER_KEPT_CHARS: usize = 300;

/// An answer is words of one person to another, not a file: so many characters.
pub const ANSWER_CHARS_MAX: usize = 10_000;

/// Why words are no answer. The words are not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerFault {
    /// There are none, or too many.
    #[error("an answer has between 1 and {ANSWER_CHARS_MAX} characters")]
    Length,
    /// One of them is a card number, which no mail may carry.
    #[error("an answer names no card number: its last four digits are enough")]
    CardNumber,
}

/// The words of an answer as they are kept: line ends alike, nothing that a terminal would obey, no blanks around.
pub fn answer_words(typed: &str) -> Result<Private<String>, AnswerFault> {
    let said = typed.replace("\r\n", "\n");
    let said: String = said.trim().chars().filter(shown).collect();
    if !(1..=ANSWER_CHARS_MAX).contains(&said.chars().count()) {
        return Err(AnswerFault::Length);
    }
    if mask_pans(&said) != said {
        return Err(AnswerFault::CardNumber);
    }
    Ok(Private::new(said))
}

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
        text: Private::new(mask_pans(&text.chars().filter(shown).take(TEXT_KEPT_CHARS).collect::<String>())),
        attachments,
    })
}

/// What a terminal would obey is left out.
fn shown(c: &char) -> bool {
    *c == '\n' || !c.is_control()
}

/// One line of it.
fn line(text: &str) -> String {
    let line: String = text.chars().filter(|c| !c.is_control()).take(HEADER_KEPT_CHARS).collect();
    mask_pans(line.trim())
}

#[cfg(test)]
mod tests {
    use super::{ANSWER_CHARS_MAX, AnswerFault, answer_words, read_reply};

    /// A number of a test BIN with its check digit: no such number is written down in the tree.
    fn card() -> String {
        let number = |check: u32| format!("4000 0000 0000 000{check}");
        (0..10).map(number).find(|number| kintsugi_case::Pan::parse(number).is_ok()).unwrap()
    }

    #[test]
    fn answers_are_words_and_have_an_end() {
        let kept = |typed: &str| answer_words(typed).map(|words| words.open().clone());
        assert_eq!(kept(" No.\r\n\r\nOnly\u{1b} the card.\r\n").as_deref(), Ok("No.\n\nOnly the card."));
        assert_eq!(kept(" \r\n"), Err(AnswerFault::Length));
        assert!(kept(&"あ".repeat(ANSWER_CHARS_MAX)).is_ok());
        assert_eq!(kept(&"あ".repeat(ANSWER_CHARS_MAX + 1)), Err(AnswerFault::Length));
        assert_eq!(kept(&format!("Your card {} was taken", card())), Err(AnswerFault::CardNumber));
        assert!(kept("Call 0120-000-000 about K-2013-048210-0, please").is_ok());
    }

    #[test]
    fn a_card_number_that_somebody_wrote_is_not_kept() {
        let raw = format!("From: a@b.example\r\nSubject: {0}\r\n\r\nIs {0} mine?\r\n", card());
        let words = read_reply(raw.as_bytes()).unwrap();
        for kept in [words.subject.open(), words.text.open()] {
            assert!(!kept.contains("4000") && kept.contains("**** ***"), "{kept}");
        }
    }

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
