//! The live store of a case: frozen scope versions, persons, facts, the outbox of notices, rights, jobs, links, staff
//! and the audit log, on SQLite (the default, `.kintsugi/case.db`) or PostgreSQL.
//!
//! All SQL against our own tables is in this crate. It holds no clock: every time is an argument, in milliseconds since
//! 1970 UTC. Personal data lies sealed in the columns; mail addresses are found by blind index. Nothing of the schema
//! leaks out: callers see the words of `kintsugi-case` and the views below.
//!
//! Start with [`Store`]; [`Freeze`] is the only way in for scope versions. `docs/data.md` lists every table.

mod answer;
mod api_key;
mod attack;
mod audit;
mod bulk;
mod chronicle;
mod content;
mod correction;
mod database;
mod document;
mod error;
mod fact;
mod fall_back;
mod follow_up;
mod freeze;
mod identity;
mod job;
mod letter;
mod letter_check;
mod link;
mod notice;
mod outbox;
mod person;
mod plan;
mod postal_address;
mod reply;
mod report;
mod right;
mod rows;
mod scope;
mod sealed;
mod sending;
mod staff;
mod verify;

pub use answer::{AnswerDraft, AnswerKept, AnswerView};
pub use api_key::ApiKey;
pub use audit::{AuditEntry, AuditFault};
pub use correction::ToldBefore;
pub use database::Store;
pub use document::{Edition, Paper, Published};
pub use error::{Error, Result, is_want_of_room};
pub use fact::FactRecord;
pub use follow_up::FollowUp;
pub use freeze::{Freeze, FreezeDraft, RecordRef, ScopeSeal};
pub use job::Job;
pub use letter::{BatchPiece, DueLetter, LetterBatch, LetterReport, LetterReported, NewPiece};
pub use letter_check::LettersCheck;
pub use link::LinkTarget;
pub use notice::{Hold, NoticeEvent, NoticeView};
pub use outbox::{Leased, Outcome, Planned, Waiting};
pub use person::{PersonFilter, PersonLine, PersonView};
pub use plan::{Approval, NotApproved, PlanContent, PlanLine, PlanRecord, PlannedNotice};
pub use postal_address::{AddressGiven, PostalAddress};
pub use reply::{ReplyDraft, ReplyKept, ReplyKind, ReplyView};
pub use report::{Report, Reported};
pub use right::{Issued, RedeemRequest, Redemption, RightTotals, RightView};
pub use scope::{FieldCount, ScopeCounts};
pub use sending::Pause;
pub use staff::Staff;
pub use verify::OutboxCheck;
