//! Letters and statements through the crate's front door, read back by tools that are not ours: `pdftotext`, `pdffonts` and
//! `pdfinfo` of Poppler, and `zbarimg`.

mod letters;
mod statement;
mod tools;
