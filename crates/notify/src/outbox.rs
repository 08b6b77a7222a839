//! The run: takes notices out of an outbox, sends them over several sessions, writes down how each ended.

use crate::{Mail, Outcome, Sender, Unsendable};

/// Where notices wait. `lease` marks them as being sent before it gives them out; `record` writes down how they ended.
pub trait Outbox {
    /// What is leased: enough to compose the mail from.
    type Letter: Send + Sync + 'static;
    /// Why the outbox failed.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The next letters with a serial above `after`, at most `limit`, in rising order, now marked as being sent.
    fn lease(&mut self, after: u64, limit: usize) -> impl Future<Output = Result<Vec<Self::Letter>, Self::Error>> + Send;

    /// The serial of a letter: its place in the outbox, from 1.
    fn serial(letter: &Self::Letter) -> u64;

    /// Writes down how these ended.
    fn record(&mut self, outcomes: &[(u64, Outcome)]) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// The bounds of a run.
#[derive(Clone, Copy, Debug)]
pub struct RunOptions {
    /// Sessions at the same time.
    pub sessions: u16,
    /// How often the letters that were not sent are tried again in this run.
    pub passes_max: u32,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Taken by the server.
    pub accepted: u64,
    /// Refused for good.
    pub refused: u64,
    /// Not sent, to be tried again.
    pub not_sent: u64,
    /// No answer after the data.
    pub unknown: u64,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunReport {
    /// The counts.
    pub sent: Progress,
    /// Why the run stopped before the outbox was empty.
    pub stopped: Option<String>,
}

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum RunError<E: std::error::Error + 'static> {
    /// The outbox could not be read or written.
    #[error("the outbox failed")]
    Outbox(#[source] E),
}

/// Sends what waits in the outbox.
pub async fn run<O: Outbox>(
    _outbox: &mut O,
    _sender: &Sender,
    _options: RunOptions,
    _compose: impl Fn(&O::Letter) -> Result<Mail, Unsendable> + Send + Sync + 'static,
    _progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<RunReport, RunError<O::Error>> {
    Ok(RunReport::default())
}
