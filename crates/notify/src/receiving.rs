//! What is said in one session of the listener: commands and their answers, one step at a time, without a socket.

use std::borrow::Cow;
use std::slice::Iter;
use std::sync::Arc;

use smtp_proto::request::receiver::{DataReceiver, DummyDataReceiver};
use smtp_proto::{Error as ProtocolError, Request};

use crate::listener::{Inbox, Kept, ListenLimits, ListenOptions};

/// What the session does after a step.
pub(crate) enum Next {
    /// Everything that came is used up.
    Read,
    Reply(String),
    ReplyAndClose(String),
    /// A message is whole.
    Take(Vec<u8>),
    /// TLS is to begin.
    StartTls,
}

enum Phase {
    Commands,
    Data(DataReceiver, Vec<u8>),
    /// The rest of a message that is too large.
    TooLarge(DummyDataReceiver),
}

/// A session.
pub(crate) struct Receiving<I> {
    inbox: I,
    options: Arc<ListenOptions>,
    /// What came of a command so far.
    line: Vec<u8>,
    phase: Phase,
    /// After LHLO each recipient gets an answer of its own.
    lmtp: bool,
    greeted: bool,
    secure: bool,
    from: bool,
    to: Vec<String>,
    commands: u32,
    faults: u32,
}

impl<I: Inbox> Receiving<I> {
    pub(crate) fn new(inbox: I, options: Arc<ListenOptions>) -> Self {
        Self {
            inbox,
            options,
            line: Vec::new(),
            phase: Phase::Commands,
            lmtp: false,
            greeted: false,
            secure: false,
            from: false,
            to: Vec::new(),
            commands: 0,
            faults: 0,
        }
    }

    /// TLS has begun: what was said before is forgotten (RFC 3207, 4.2).
    pub(crate) fn secured(&mut self) {
        self.reset();
        (self.secure, self.greeted, self.lmtp) = (true, false, false);
        self.line.clear();
    }

    fn limits(&self) -> &ListenLimits {
        &self.options.limits
    }

    /// Takes one command, or a part of a message, from what came.
    pub(crate) fn step(&mut self, bytes: &mut Iter<'_, u8>) -> Next {
        let message_bytes = self.limits().message_bytes;
        match &mut self.phase {
            Phase::Commands => self.counted(bytes),
            Phase::Data(receiver, message) => {
                if receiver.ingest(bytes, message) {
                    let message = std::mem::take(message);
                    self.phase = Phase::Commands;
                    return if message.len() > message_bytes { self.too_large() } else { Next::Take(message) };
                }
                if message.len() > message_bytes {
                    self.phase = Phase::TooLarge(DummyDataReceiver::new_data(receiver));
                }
                Next::Read
            }
            Phase::TooLarge(rest) => {
                if !rest.ingest(bytes) {
                    return Next::Read;
                }
                self.too_large()
            }
        }
    }

    fn too_large(&mut self) -> Next {
        let answers = if self.lmtp { self.to.len() } else { 1 };
        self.reset();
        Next::Reply(format!("552 5.3.4 larger than {} bytes\r\n", self.limits().message_bytes).repeat(answers))
    }

    /// Gives the message to the inbox: to each recipient's notice. By SMTP there is one answer for all: the worst, so that
    /// what could not be written down for one comes again for all, which the inbox bears.
    pub(crate) async fn take(&mut self, message: &[u8]) -> String {
        let mut answers = Vec::with_capacity(self.to.len());
        for recipient in &self.to {
            answers.push(self.inbox.take(recipient, message).await);
        }
        self.reset();
        if !self.lmtp {
            let worst = [Kept::Later, Kept::Never, Kept::Yes].into_iter().find(|kept| answers.contains(kept));
            answers = worst.into_iter().collect();
        }
        answers.iter().map(|kept| format!("{}\r\n", said(*kept))).collect()
    }

    /// A command within what a session may say.
    fn counted(&mut self, bytes: &mut Iter<'_, u8>) -> Next {
        let line = match self.line(bytes) {
            _ if self.line.len() > self.limits().line_bytes => {
                return Next::ReplyAndClose("500 5.5.6 line too long\r\n".to_owned());
            }
            false => return Next::Read,
            true => std::mem::take(&mut self.line),
        };
        let next = self.command(&line);
        let (Next::Reply(words) | Next::ReplyAndClose(words)) = &next else { return next };
        self.commands += 1;
        self.faults += u32::from(words.starts_with('5'));
        let closing = matches!(next, Next::ReplyAndClose(_));
        if closing || (self.commands <= self.limits().commands && self.faults <= self.limits().faults) {
            return next;
        }
        Next::ReplyAndClose(format!("{words}421 4.7.0 too many commands, or mistakes\r\n"))
    }

    /// Takes what came of a line, no more than a command may have; whether it is whole. Lines are told apart here: what reads
    /// a command that is none of its kind would go on into the next line.
    fn line(&mut self, bytes: &mut Iter<'_, u8>) -> bool {
        let rest = bytes.as_slice();
        let end = rest.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        let (part, rest) = rest.split_at(end.unwrap_or(rest.len()));
        self.line.extend_from_slice(&part[..part.len().min(self.limits().line_bytes + 1)]);
        *bytes = rest.iter();
        end.is_some()
    }

    fn command(&mut self, line: &[u8]) -> Next {
        match Request::parse(&mut line.iter()) {
            Ok(request) => self.request(request),
            Err(ProtocolError::UnknownCommand) => reply("500 5.5.1 not a command"),
            Err(_) => reply("501 5.5.4 not understood"),
        }
    }

    fn request(&mut self, request: Request<Cow<'_, str>>) -> Next {
        match request {
            Request::Ehlo { .. } => self.hello(false),
            Request::Lhlo { .. } => self.hello(true),
            Request::Helo { .. } => {
                self.hello(false);
                Next::Reply(format!("250 {}\r\n", self.options.host))
            }
            Request::StartTls => self.start_tls(),
            Request::Mail { from } => self.sender(from.size),
            Request::Rcpt { to } => self.recipient(to.address.into_owned()),
            Request::Data if self.to.is_empty() => reply("503 5.5.1 to whom?"),
            Request::Data => {
                self.phase = Phase::Data(DataReceiver::new(), Vec::new());
                reply("354 go ahead")
            }
            Request::Rset => {
                self.reset();
                reply("250 2.0.0 ok")
            }
            Request::Noop { .. } => reply("250 2.0.0 ok"),
            Request::Quit => Next::ReplyAndClose("221 2.0.0 bye\r\n".to_owned()),
            Request::Vrfy { .. } => reply("252 2.1.5 send it and see"),
            _ => reply("502 5.5.1 not here"),
        }
    }

    fn hello(&mut self, lmtp: bool) -> Next {
        self.reset();
        (self.lmtp, self.greeted) = (lmtp, true);
        let mut says = vec!["PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"];
        says.extend((self.options.tls.is_some() && !self.secure).then_some("STARTTLS"));
        let says: String = says.iter().map(|word| format!("250-{word}\r\n")).collect();
        Next::Reply(format!("250-{}\r\n{says}250 SIZE {}\r\n", self.options.host, self.limits().message_bytes))
    }

    fn start_tls(&mut self) -> Next {
        match self.options.tls {
            None => reply("502 5.5.1 not here"),
            Some(_) if self.secure || !self.greeted || self.from => reply("503 5.5.1 not now"),
            Some(_) => Next::StartTls,
        }
    }

    fn sender(&mut self, size: usize) -> Next {
        if !self.greeted {
            return reply("503 5.5.1 who are you?");
        }
        if self.options.tls_required && !self.secure {
            return reply("530 5.7.0 STARTTLS first");
        }
        if size > self.limits().message_bytes {
            return Next::Reply(format!("552 5.3.4 larger than {} bytes\r\n", self.limits().message_bytes));
        }
        if self.from {
            return reply("503 5.5.1 one message at a time");
        }
        self.from = true;
        reply("250 2.1.0 ok")
    }

    fn recipient(&mut self, address: String) -> Next {
        if !self.from {
            return reply("503 5.5.1 who sends it?");
        }
        if self.to.len() >= self.limits().recipients {
            return reply("452 4.5.3 too many recipients");
        }
        if !self.inbox.knows(&address) {
            return reply("550 5.1.1 not an address of ours");
        }
        self.to.push(address);
        reply("250 2.1.5 ok")
    }

    fn reset(&mut self) {
        (self.phase, self.from) = (Phase::Commands, false);
        self.to.clear();
    }
}

const fn said(kept: Kept) -> &'static str {
    match kept {
        Kept::Yes => "250 2.0.0 written down",
        Kept::Later => "451 4.3.0 cannot be written down now, deliver it again later",
        Kept::Never => "554 5.6.0 this is no message",
    }
}

fn reply(text: &str) -> Next {
    Next::Reply(format!("{text}\r\n"))
}
