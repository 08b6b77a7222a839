//! `why`: the chain from an answer down to its evidence line.

use std::fmt;

use kintsugi_case::{BasisSummary, ExposedRecord, Fact, NoticeNumber, NoticeState, PersonId, ScopeVersion};

/// One step down the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What it is, in a word or two.
    pub what: String,
    /// What it says; several lines are allowed.
    pub detail: String,
}

/// An answer and the links under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The answer.
    pub answer: String,
    /// From the answer down to the evidence.
    pub links: Vec<Link>,
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.answer)
    }
}

/// What is known of an evidence file, for the last link: its name and digest, from the custody manifest.
pub trait EvidenceNames {
    /// `access.log.1.gz, SHA-256 …`
    fn describe(&self, evidence: kintsugi_case::EvidenceId) -> Option<String>;
}

/// Why a person is affected.
pub fn why_person(_id: PersonId, _scope: &ScopeVersion, _exposed: &[ExposedRecord], _bases: &[BasisSummary]) -> Chain {
    Chain { answer: String::new(), links: Vec::new() }
}

/// What happened to a notice.
pub fn why_notice(_number: NoticeNumber, _state: NoticeState, _person: &Chain) -> Chain {
    Chain { answer: String::new(), links: Vec::new() }
}

/// Where a fact comes from.
pub fn why_fact(_name: &str, _facts: &[Fact], _scope: Option<&ScopeVersion>) -> Option<Chain> {
    None
}
