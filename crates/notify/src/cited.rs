//! The facts that templates cite: `{{fact.NAME}}` is a fact's value, `{{as_of.NAME}}` the day for which it holds, and
//! `{{#if fact.NAME}}` asks whether it is known. They are the same for everybody, so they become words when a template is
//! read. Which facts may be cited is decided by whoever brings the book.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use kintsugi_case::{Contradiction, Fact, FactValue, Language, contradictions, day_in_words, newest_fact};

/// The facts that templates may cite. An empty book cites none.
#[derive(Clone, Debug)]
pub struct FactBook {
    facts: Vec<Fact>,
    zone: TimeZone,
}

impl Default for FactBook {
    fn default() -> Self {
        Self { facts: Vec::new(), zone: TimeZone::UTC }
    }
}

impl FactBook {
    /// The facts in their order, and the zone in which their times are told.
    pub fn new(facts: Vec<Fact>, zone: TimeZone) -> Self {
        Self { facts, zone }
    }

    /// The newest fact of this name.
    pub(crate) fn find(&self, name: &str) -> Option<&Fact> {
        newest_fact(&self.facts, name).map(|at| &self.facts[at])
    }

    /// What is written in the place of a citation; none where there is no such fact.
    pub(crate) fn words(&self, citation: Citation<'_>, language: Language) -> Option<String> {
        let fact = self.find(citation.name)?;
        Some(match citation.what {
            Cited::Value => fact.value.words(language, &self.zone),
            Cited::Day => day_in_words(&fact.as_of, language),
        })
    }

    /// Whether a fact is known. A count of nothing is not: there is nothing to state.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.find(name).is_some_and(|fact| fact.value != FactValue::Number(0))
    }

    /// Every word that a template may write to cite a fact by its value.
    pub(crate) fn names(&self) -> BTreeSet<&str> {
        self.facts.iter().map(|fact| fact.name.as_str()).collect()
    }

    /// Facts of these names that cannot both be stated.
    pub(crate) fn contradictions(&self, names: &BTreeSet<String>) -> Vec<Contradiction> {
        let mut found = contradictions(&self.facts);
        found.retain(|pair| names.contains(&pair.first.name) || names.contains(&pair.second.name));
        found
    }
}

/// What of a fact is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cited {
    /// Its value.
    Value,
    /// The day for which it holds.
    Day,
}

/// A citation as a template writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Citation<'a> {
    /// The fact.
    pub(crate) name: &'a str,
    /// What of it.
    pub(crate) what: Cited,
}

impl<'a> Citation<'a> {
    /// `fact.NAME` or `as_of.NAME`.
    pub(crate) fn read(word: &'a str) -> Option<Self> {
        let heads = [("fact.", Cited::Value), ("as_of.", Cited::Day)];
        heads.into_iter().find_map(|(head, what)| Some(Self { name: word.strip_prefix(head)?, what }))
    }
}
