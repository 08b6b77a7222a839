//! How a command ended, as an exit code that scripts can rely on.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Finish {
    /// Exit code 0.
    Done,
    /// Exit code 1: done, and something was left out that is named on the screen.
    DoneWithGaps,
    /// Exit code 2.
    Failed,
}

impl Finish {
    /// Done, with gaps where there are any.
    pub(crate) const fn with_gaps(gaps: bool) -> Self {
        if gaps { Self::DoneWithGaps } else { Self::Done }
    }
}

impl From<Finish> for ExitCode {
    fn from(finish: Finish) -> Self {
        Self::from(finish as u8)
    }
}
