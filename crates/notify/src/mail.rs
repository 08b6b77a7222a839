//! One mail to one recipient: its parts, and its bytes on the wire (RFC 5322, RFC 2045).

use kintsugi_case::Private;

/// A mail to one recipient. There is no way to give it a second one (rule 7).
#[derive(Clone, Debug)]
pub struct Mail {
    /// Stable for a notice: the same notice composed again has the same Message-ID.
    pub message_id: String,
    /// The sender's address, for the envelope.
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
