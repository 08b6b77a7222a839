//! Facts to documents: the figures of a scope version as facts, the public statement written from facts alone,
//! the chain behind an answer, and the picture of the attack ([`attack`]). Values in, values out: no store, no clock.

pub mod attack;
mod changes;
mod chronicle;
mod computed;
mod naming;
mod reason;
mod statement;
mod why;
mod words;

pub use changes::{Change, changes, lines};
pub use chronicle::{ChronicleFrame, EventFault, KnownTimes, Moment, chronicle};
pub use computed::{Counts, FieldCount, citable, computed, computed_names, conservation_facts};
pub use naming::{FactWords, fact_source, fact_words};
pub use reason::reason;
pub use statement::{Block, NotPublished, NoteFault, Run, Section, Stale, Statement, StatementFrame, Update, statement, updated};
pub use why::{Chain, Link, why_fact, why_notice, why_person};
