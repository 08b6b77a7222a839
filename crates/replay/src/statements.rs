//! Statements one by one, for tools that want an event for each. They are read from the evidence again and kept nowhere.

use kintsugi_case::{AttackShape, BasisSummary, EvidenceLine, Exposure};

use crate::attack::Who;
use crate::conclusion::Sink;
use crate::error::Result;
use crate::statement::Observation;
use crate::{Inputs, Progress, Replayed, replay_sources};

/// One statement of an intruder.
#[derive(Clone, Debug)]
pub struct AttackStatement {
    /// Its shape, with phase and technique as far as the text alone tells them.
    pub shape: AttackShape,
    /// Where it stands.
    pub line: EvidenceLine,
    /// Milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// HTTP status.
    pub status: u16,
    /// Bytes of the answer.
    pub bytes: u64,
    /// The sender's address, or what the log writes in its place.
    pub address: String,
    /// What the program called itself; empty where a statement stood in it.
    pub agent: String,
    /// Digests of its session cookies.
    pub sessions: Vec<String>,
}

impl AttackStatement {
    pub(crate) fn new(shape: AttackShape, observed: Observation, who: Who) -> Self {
        let Observation { line, at_ms, status, bytes, .. } = observed;
        let Who { address, agent, sessions } = who;
        Self { shape, line, at_ms, status, bytes, address, agent, sessions }
    }
}

/// Recovers every statement out of the logs in custody, one by one, in the order in which logs are read. Nothing is judged
/// and nothing is written.
pub fn statements(
    inputs: Inputs<'_>,
    each: &mut dyn FnMut(AttackStatement),
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Replayed> {
    replay_sources(inputs, 1, &mut OneByOne(each), progress)
}

/// Hands statements on and leaves the rest.
struct OneByOne<'a>(&'a mut dyn FnMut(AttackStatement));

impl Sink for OneByOne<'_> {
    fn exposure(&mut self, _: &Exposure) -> Result<()> {
        Ok(())
    }

    fn basis(&mut self, _: &BasisSummary) -> Result<()> {
        Ok(())
    }

    fn wants_statements(&self) -> bool {
        true
    }

    fn statement(&mut self, statement: AttackStatement) -> Result<()> {
        (self.0)(statement);
        Ok(())
    }
}
