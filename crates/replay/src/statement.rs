//! A statement as it was recovered, and what the log shows of its answer. What it means is for the engine of its channel.

use kintsugi_case::{EvidenceLine, mask_pans};

use crate::lexer::Literal;
use crate::request::Carried;

/// How much of a statement's literals is kept for `why`, in characters.
const LITERALS_SHOWN_MAX: usize = 160;

/// What replay needs of a log line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    /// What the server answered.
    pub(crate) observed: Observation,
    /// `GET`
    pub(crate) method: &'a str,
    /// What it carried.
    pub(crate) carried: Carried<'a>,
}

/// What the log shows of an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Observation {
    /// Where it stands.
    pub(crate) line: EvidenceLine,
    /// Milliseconds since 1970 UTC.
    pub(crate) at_ms: i64,
    /// HTTP status.
    pub(crate) status: u16,
    /// Bytes of the body.
    pub(crate) bytes: u64,
    /// How long it took, microseconds, where the log tells it.
    pub(crate) duration_us: Option<u64>,
}

impl Observation {
    /// Whether the server's status says that nothing was shown. A client that closed the connection (499) may have read.
    pub(crate) fn refused(&self) -> bool {
        match self.status {
            499 => self.bytes == 0,
            200 | 206 => false,
            _ => true,
        }
    }
}

/// One statement in its shape.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statement<'a> {
    /// Index of the shape.
    pub(crate) shape: usize,
    /// What stood in the shape's places.
    pub(crate) literals: &'a [Literal],
    /// What came back.
    pub(crate) observed: Observation,
}

/// The numbers and texts of a statement, as `why` shows them; bytes in hexadecimal are a tool's marks.
pub(crate) fn shown(literals: &[Literal]) -> String {
    let kept = literals.iter().filter(|literal| !matches!(literal, Literal::Bytes(_)));
    let list: Vec<String> = kept.map(Literal::shown).collect();
    mask_pans(&list.join(",")).chars().take(LITERALS_SHOWN_MAX).collect()
}
