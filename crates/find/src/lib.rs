//! FIND's state: `find.db`, one SQLite file in the case folder, made anew from the evidence whenever needed.
//!
//! It holds the snapshots (one table per table of a source, [`FindDb::load_table`]), what replay and rules concluded
//! ([`ExposureWriter`]), and the persons ([`PersonWriter`]); and it gives all of that out again in a stated order:
//! cells for export ([`FindDb::export_exposures`]), persons for freezing ([`FindDb::persons`]), figures
//! ([`FindDb::counts`]) and the digest over everything ([`FindDb::digest`]).
//!
//! Not here: reading snapshot files (`evidence`), statements (`replay`), who is who (`resolve`), anything live (`store`).
//! A card number comes in through [`TableWriter::push`] and leaves as a token; a security code leaves as `present`.
//! Start with `layout.rs`, which says what lies in the file.

mod attack;
mod conclusion;
mod counts;
mod db;
mod digest;
mod error;
mod export;
mod exposures;
mod key;
mod layout;
mod load;
mod log_reports;
mod person_reader;
mod person_writer;
mod scan;
mod service;
mod table;

pub use attack::{ShownRows, actor_of};
pub use counts::{FieldCount, ScopeCounts, TableCount};
pub use db::FindDb;
pub use error::{Error, Result, is_want_of_room};
pub use export::ExportedCell;
pub use exposures::ExposureWriter;
pub use load::{Duplicate, TableLoaded, TableWriter};
pub use person_reader::{PersonRow, RecordRef};
pub use person_writer::{Link, LinkFact, PersonWriter};
pub use scan::Followed;
pub use table::{Column, Reference, Table, quoted};
