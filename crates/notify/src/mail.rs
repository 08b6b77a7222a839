//! One mail to one recipient: its parts, and its bytes on the wire (RFC 5322, RFC 2045).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kintsugi_case::{Language, Private};
use lettre::Address;
use lettre::message::header::{Headers, Subject, To};
use lettre::message::{Mailbox, Mailboxes};

/// A mail to one recipient. There is no way to give it a second one (rule 7).
#[derive(Clone, Debug)]
pub struct Mail {
    /// Stable for a notice: the same notice composed again has the same Message-ID.
    pub message_id: String,
    /// The return path: the sender's address in the envelope.
    pub from: String,
    /// The recipient's address, for the envelope.
    pub to: Private<String>,
    /// The subject.
    pub subject: Private<String>,
    /// The text part.
    pub text: Private<String>,
    /// The HTML part.
    pub html: Private<String>,
    /// The whole message, CRLF line ends.
    pub bytes: Private<Vec<u8>>,
}

impl Mail {
    /// The same mail with another return path: the address to which it bounces.
    #[must_use]
    pub fn bouncing_to(self, address: String) -> Self {
        Self { from: address, ..self }
    }
}

/// Why no mail can be made for a person. The address itself is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsendable {
    /// The address is none, or one that no mail server takes.
    #[error("the mail address is not one that a mail server takes")]
    Address,
    /// Nothing was exposed, so there is nothing to tell.
    #[error("no exposed record is left to tell of")]
    Nothing,
}

/// What is the same in every mail's head.
#[derive(Clone, Debug)]
pub(crate) struct Sheet {
    /// The From header as it goes over the wire.
    from_header: String,
    /// The sender's address.
    from: String,
}

/// What differs.
pub(crate) struct Draft<'a> {
    pub(crate) message_id: String,
    pub(crate) to: Address,
    pub(crate) to_name: &'a str,
    pub(crate) language: Language,
    /// The Date header's value.
    pub(crate) date: &'a str,
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
}

impl Sheet {
    /// Reads `Customer desk <notice@kakehashi.example>`.
    pub(crate) fn parse(from: &str) -> Option<Self> {
        let mailbox: Mailbox = from.parse().ok().filter(|_| from.chars().all(|c| !c.is_control()))?;
        let address = mailbox.email.to_string();
        let from_header = header(|headers| headers.set(lettre::message::header::From::from(Mailboxes::from(mailbox.clone()))));
        Some(Self { from_header, from: address })
    }

    /// Writes the mail.
    pub(crate) fn mail(&self, draft: Draft<'_>) -> Mail {
        let to = draft.to.to_string();
        let bytes = self.bytes(&draft);
        Mail {
            message_id: draft.message_id,
            from: self.from.clone(),
            to: Private::new(to),
            subject: Private::new(draft.subject),
            text: Private::new(draft.text),
            html: Private::new(draft.html),
            bytes: Private::new(bytes),
        }
    }

    fn bytes(&self, draft: &Draft<'_>) -> Vec<u8> {
        let mut out = String::with_capacity(1024 + (draft.text.len() + draft.html.len()) * 3 / 2);
        out.push_str(&self.from_header);
        out.push_str(&recipient_and_subject(draft));
        let pairs = [
            ("Date", draft.date),
            ("Message-ID", &format!("<{}>", draft.message_id)),
            ("Content-Language", draft.language.tag()),
            // RFC 3834: no automatic answer is wanted. The second is what Exchange reads.
            ("Auto-Submitted", "auto-generated"),
            ("X-Auto-Response-Suppress", "OOF, AutoReply"),
            ("MIME-Version", "1.0"),
            ("Content-Type", "multipart/alternative; boundary=\"=_kintsugi\""),
        ];
        for (name, value) in pairs {
            out.extend([name, ": ", value, "\r\n"]);
        }
        part(&mut out, "plain", &draft.text);
        part(&mut out, "html", &draft.html);
        out.push_str("\r\n--=_kintsugi--\r\n");
        out.into_bytes()
    }
}

/// An address as a mail server takes it. Japanese mobile carriers gave out addresses with dots that RFC 5322 allows
/// only within quotes (`a..b@`, `a.@`); people still have them.
pub(crate) fn address(typed: &str) -> Result<Address, Unsendable> {
    let (user, domain) = typed.trim().rsplit_once('@').filter(|(user, _)| user.is_ascii()).ok_or(Unsendable::Address)?;
    // A domain in any script has a name in ASCII that every mail server knows (RFC 5891). A local part has none.
    let ascii = idna::domain_to_ascii(domain).map_err(|_| Unsendable::Address)?;
    let domain = if domain.is_ascii() { domain } else { &ascii };
    if user.bytes().chain(domain.bytes()).any(|b| b.is_ascii_control() || b == b' ' || b == b'"') || !domain.contains('.') {
        return Err(Unsendable::Address);
    }
    let atoms = |c: char| c.is_ascii_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c);
    let plain = Address::new(user, domain);
    let quotable = !user.is_empty() && user.chars().all(atoms);
    plain
        .or_else(|error| if quotable { Address::new(format!("\"{user}\""), domain) } else { Err(error) })
        .map_err(|_| Unsendable::Address)
}

fn header(set: impl FnOnce(&mut Headers)) -> String {
    let mut headers = Headers::new();
    set(&mut headers);
    headers.to_string()
}

/// The headers that hold personal words; lettre encodes and folds them, so that no word can begin a header of its own.
fn recipient_and_subject(draft: &Draft<'_>) -> String {
    let name: String = draft.to_name.chars().filter(|c| !c.is_control()).collect();
    let mailbox = Mailbox::new((!name.is_empty()).then_some(name), draft.to.clone());
    let subject: String = draft.subject.chars().filter(|c| !c.is_control()).collect();
    header(|headers| {
        headers.set(To::from(Mailboxes::from(mailbox)));
        headers.set(Subject::from(subject));
    })
}

/// Adds one part: the words with CRLF line ends, in base64 lines of 76 (RFC 2045).
fn part(out: &mut String, subtype: &str, words: &str) {
    out.push_str("\r\n--=_kintsugi\r\nContent-Type: text/");
    out.push_str(subtype);
    out.push_str("; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    let canonical = words.replace('\n', "\r\n");
    for line in canonical.as_bytes().chunks(57) {
        STANDARD.encode_string(line, out);
        out.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::{Unsendable, address};

    fn check(typed: &str, expected: Result<&str, Unsendable>) {
        assert_eq!(address(typed).map(|address| address.to_string()), expected.map(str::to_owned), "{typed:?}");
    }

    #[test]
    fn addresses_are_what_a_server_takes() {
        check(" hanako@example.com ", Ok("hanako@example.com"));
        check("a..b.@docomo.example", Ok("\"a..b.\"@docomo.example"));
        check("", Err(Unsendable::Address));
        check("hanako", Err(Unsendable::Address));
        check("@example.com", Err(Unsendable::Address));
        check("hanako@localhost", Err(Unsendable::Address));
        check("taro@例え.example", Ok("taro@xn--r8jz45g.example"));
        check("花子@example.com", Err(Unsendable::Address));
        check("a@example.com\r\nBcc: b@example.com", Err(Unsendable::Address));
        check("a@example.com, b@example.com", Err(Unsendable::Address));
        check("a@example.com>,<b@example.com", Err(Unsendable::Address));
    }
}
