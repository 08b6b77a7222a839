//! TELL: notices composed, sent and accounted for.
//!
//! [`Templates`] are files of the case with a closed set of fields; a [`Composer`] turns one person's frozen exposures
//! into one [`Mail`]; a [`Sender`] hands it to a mail server and says how that ended ([`Outcome`]); [`run`] drives an
//! [`Outbox`], in which every notice is written down before it is sent and again after.
//!
//! No SQL here, no clock and no randomness: whoever calls brings the store and the time.

mod bounce;
mod cited;
mod compose;
mod credentials;
mod dkim;
mod edge;
mod field;
#[cfg(fuzzing)]
pub mod fuzz;
mod listen_tls;
mod listener;
mod mail;
mod markup;
mod outbox;
mod pace;
mod paper;
mod program;
mod receiving;
mod reply;
mod return_path;
mod sender;
mod smtp;
mod template;
mod view;

pub use bounce::{Bounce, BounceKind, blames_address, read_bounce, read_bounce_to};
pub use cited::FactBook;
pub use compose::{AnswerContent, Composer, ComposerError, Coverage, EarlierNotice, NoticeContent, Page};
pub use credentials::{Credentials, CredentialsError};
pub use dkim::{DkimError, DkimKey, Signer};
pub use edge::EdgeClass;
pub use listen_tls::{ListenTls, ListenTlsError};
pub use listener::{Inbox, Kept, ListenLimits, ListenOptions, listen};
pub use mail::{Mail, Unsendable};
pub use outbox::{Outbox, Progress, RunError, RunOptions, RunReport, run};
pub use pace::Limits;
pub use paper::Letter;
pub use reply::{ANSWER_CHARS_MAX, AnswerFault, ReplyWords, answer_words, read_reply};
pub use return_path::{ReturnPath, Returned};
pub use sender::{Outcome, Sender, SenderError, Timeouts, authorities};
pub use template::{MailKind, TemplateMistake, Templates, TemplatesError, default_templates, hash, hash_bytes};
