//! The snapshot as it stood when an intruder's statement ran: what the query logs say was written between the statement and
//! the dump is undone, latest first. What a write replaced is known where an earlier write gives it; where none does, the
//! value is unknown, the row was there all the same, and a page's size can be told only within what such values allow.
//!
//! `parse` reads writes out of statements, `session` leaves out what was never committed, `history` undoes them row by row,
//! `overlay` shows statements the tables as they stood. Not here: what a statement took (the engines).

mod history;
mod overlay;
mod parse;
mod session;
mod table;
#[cfg(test)]
mod tests;
mod unclear;

pub(crate) use history::{History, Moment};
pub(crate) use overlay::{Past, Side};
pub(crate) use session::{Sessions, Write};
pub(crate) use unclear::Unclear;
