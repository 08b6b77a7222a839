//! What the fuzz target of the listener reaches into: sessions without a socket. Only compiled for it.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::listener::{Inbox, Kept, ListenLimits, ListenOptions};
use crate::receiving::{Next, Receiving};

/// Bytes of a message, so small that inputs reach it.
const MESSAGE_BYTES: usize = 256;

#[derive(Clone)]
struct Known;

impl Inbox for Known {
    fn knows(&self, recipient: &str) -> bool {
        recipient.starts_with("bounces")
    }

    async fn take(&self, recipient: &str, message: &[u8]) -> Kept {
        assert!(self.knows(recipient), "a message for somebody else");
        assert!(message.len() <= MESSAGE_BYTES, "a message over the limit");
        if message.is_empty() { Kept::Never } else { Kept::Yes }
    }
}

/// What one who connects says, in pieces of as many bytes as the first byte says.
pub fn session(came: &[u8]) {
    let Some((piece, came)) = came.split_first() else { return };
    let limits = ListenLimits { message_bytes: MESSAGE_BYTES, line_bytes: 128, recipients: 3, ..ListenLimits::default() };
    let options = ListenOptions { limits, ..ListenOptions::new("kakehashi.example".to_owned()) };
    let mut receiving = Receiving::new(Known, Arc::new(options));
    for piece in came.chunks(usize::from(*piece).max(1)) {
        if says(&mut receiving, piece) {
            return;
        }
    }
}

/// Gives a piece to the session; whether that ended it.
fn says(receiving: &mut Receiving<Known>, piece: &[u8]) -> bool {
    let mut bytes = piece.iter();
    loop {
        let before = bytes.len();
        let (replies, ended) = match receiving.step(&mut bytes) {
            Next::Read => {
                assert_eq!(bytes.len(), 0, "something was left");
                return false;
            }
            Next::Reply(replies) => (replies, false),
            Next::ReplyAndClose(replies) => (replies, true),
            Next::Take(message) => (at_once(receiving.take(&message)), false),
            Next::StartTls => panic!("TLS where none is offered"),
        };
        assert!(ended || bytes.len() < before, "a reply to nothing");
        assert!(replies.ends_with("\r\n") && replies.lines().all(is_reply), "{replies:?}");
        if ended {
            return true;
        }
    }
}

/// A code of three digits and its words (RFC 5321, 4.2).
fn is_reply(line: &str) -> bool {
    matches!(line.as_bytes(), [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9', b' ' | b'-', ..]) && !line.contains(char::is_control)
}

/// Nothing here waits.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("it waits"),
    }
}
