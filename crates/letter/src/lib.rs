//! What goes on paper: letters for window envelopes, in one PDF a batch with an index for the print shop, and the public
//! statement. Typst is behind this wall ([`Press`]); nobody else knows how a page is set.
//!
//! An [`AddressBlock`] is checked first: what does not fit the window, or cannot be printed, is kept aside with its reason
//! ([`Unfit`]), never cut. [`Press::batch`] sets the pieces; [`index`] lists them.
//!
//! No clock, no randomness, no store: the same pieces give the same bytes.

mod address;
mod batch;
mod code;
mod error;
mod fonts;
mod hands;
mod index;
mod press;
mod source;
mod statement;
mod words;

pub use address::{AddressBlock, Recipient, Unfit};
pub use batch::{Batch, Piece, Stationery};
pub use error::{Error, Result};
pub use index::{IndexLine, index};
pub use press::Press;
pub use statement::StatementSheet;
