//! What can fail on the way to paper. No variant carries personal data.

/// What this crate returns.
pub type Result<T> = std::result::Result<T, Error>;

/// An operation that failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No font with Chinese, Japanese and Korean letters.
    #[error(
        "the fonts {names} are in none of {folders}: install them (Debian: apt install fonts-noto-cjk), or name their folder in \
         KINTSUGI_FONTS"
    )]
    NoFonts {
        /// The files that were looked for.
        names: String,
        /// Where.
        folders: String,
    },
    /// A font file is there and cannot be used.
    #[error("the font {path} cannot be read")]
    Font {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The page could not be set: a defect of the templates of this crate.
    #[error("{what} could not be set: {why}")]
    Set {
        /// The letter's number, or which document.
        what: String,
        /// What the typesetter said.
        why: String,
    },
    /// A link is longer than a 2D code can hold.
    #[error("the link of {what} does not fit into a 2D code")]
    Code {
        /// The letter's number.
        what: String,
    },
    /// The machine gave no threads.
    #[error("no threads to set letters with: {why}")]
    Threads {
        /// What the system said.
        why: String,
    },
    /// The index could not be written.
    #[error("the index of a batch could not be written")]
    Index(#[source] csv::Error),
}
