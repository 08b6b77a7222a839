//! Facts: every number, date and claim in any document is a reference to one of these (rule 1).

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::Language;

/// What a fact says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FactValue {
    /// A count or an amount.
    Number(i64),
    /// A civil date or a date with time and offset, as written.
    Date(String),
    /// Words.
    Text(String),
}

impl fmt::Display for FactValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Date(text) | Self::Text(text) => f.write_str(text),
        }
    }
}

impl FactValue {
    /// The value as readers of a language write it; a time in the zone of the case.
    pub fn words(&self, language: Language, zone: &TimeZone) -> String {
        match self {
            Self::Number(number) => language.number(*number),
            Self::Text(words) => words.clone(),
            Self::Date(written) => match written.parse::<Timestamp>() {
                Ok(at) => language.moment(at.as_millisecond(), zone),
                Err(_) => day_in_words(written, language),
            },
        }
    }
}

/// The day of a date or time as written, as readers of a language write it; as it stands where it is no date.
pub fn day_in_words(written: &str, language: Language) -> String {
    let day = written.get(..10).and_then(|day| day.parse::<Date>().ok());
    day.map_or_else(|| written.to_owned(), |day| language.day(day))
}

/// Who vouches for a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FactKind {
    /// The program, from a scope version or the outbox: `query` says how.
    Computed,
    /// A person, in the case file: `source` says from whom they have it.
    Entered,
}

impl FactKind {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Computed => "computed",
            Self::Entered => "entered",
        }
    }
}

/// A value with as-of time and source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// `records_exposed`, `unauthorised_use_cases`: what documents cite.
    pub name: String,
    /// The value.
    pub value: FactValue,
    /// The day or time for which it holds (`2013-04-26`, RFC 3339 with offset).
    pub as_of: String,
    /// Where it comes from, in words.
    pub source: String,
    /// The query that computes it; empty for entered facts.
    pub query: String,
    /// The scope version it was computed from; 0 for entered facts.
    pub scope_version: u32,
    /// Who vouches for it.
    pub kind: FactKind,
    /// `true` where it replaces an earlier fact of the same name that was wrong.
    pub replaces: bool,
}

/// Two facts that cannot both be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// The one.
    pub first: Fact,
    /// The other.
    pub second: Fact,
    /// Why they cannot stand together.
    pub why: &'static str,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (a, b) = (&self.first, &self.second);
        let other = if a.name == b.name { String::new() } else { format!("{}: ", b.name) };
        write!(
            f,
            "{}: {} (as of {}, {}) and {}{} (as of {}, {}): {}",
            a.name, a.value, a.as_of, a.source, other, b.value, b.as_of, b.source, self.why
        )
    }
}

/// The place of the newest fact of this name.
pub fn newest_fact(facts: &[Fact], name: &str) -> Option<usize> {
    let of_name = facts.iter().enumerate().filter(|(_, fact)| fact.name == name);
    of_name.max_by(|(_, a), (_, b)| a.as_of.cmp(&b.as_of)).map(|(at, _)| at)
}

/// Every pair of facts that cannot both be published:
/// - two dates or texts of one name that differ (a discovery has one date, under whichever name it was entered);
/// - two numbers of one name that differ for the same day;
/// - a count that falls as time goes on: known cases of misuse do not become unknown again.
///
/// A fact marked `replaces` silences those that stand before it in `facts`.
pub fn contradictions(facts: &[Fact]) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for (at, second) in facts.iter().enumerate().filter(|(_, fact)| !fact.replaces) {
        let start = facts[..at].iter().rposition(|f| f.replaces && f.name == second.name).unwrap_or(0);
        for first in facts[start..at].iter().filter(|first| first.name == second.name) {
            let replaced_later = facts[at..].iter().any(|f| f.replaces && f.name == second.name);
            if let (Some(why), false) = (conflict(first, second), replaced_later) {
                found.push(Contradiction { first: first.clone(), second: second.clone(), why });
            }
        }
    }
    found.extend(two_discoveries(facts));
    found
}

fn two_discoveries(facts: &[Fact]) -> Option<Contradiction> {
    let [first, second] = ["discovered_at", "aware_at"].map(|name| newest_fact(facts, name).map(|at| &facts[at]));
    let (first, second) = first.zip(second)?;
    let why = "two dates of one discovery";
    let differ = day(&first.value.to_string()) != day(&second.value.to_string());
    differ.then(|| Contradiction { first: first.clone(), second: second.clone(), why })
}

fn conflict(a: &Fact, b: &Fact) -> Option<&'static str> {
    let (day_a, day_b) = (day(&a.as_of), day(&b.as_of));
    match (&a.value, &b.value) {
        (x, y) if x == y => None,
        (FactValue::Number(x), FactValue::Number(y)) if day_a == day_b && x != y => Some("two values for the same day"),
        (FactValue::Number(x), FactValue::Number(y)) if (x < y) == (day_a < day_b) => None,
        (FactValue::Number(_), FactValue::Number(_)) => Some("a count of what is known cannot fall"),
        _ => Some("two different values"),
    }
}

fn day(as_of: &str) -> &str {
    as_of.get(..10).unwrap_or(as_of)
}

#[cfg(test)]
mod tests {
    use super::{Fact, FactKind, FactValue, contradictions};

    fn fact(name: &str, value: FactValue, as_of: &str) -> Fact {
        Fact {
            name: name.into(),
            value,
            as_of: as_of.into(),
            source: "somebody".into(),
            query: String::new(),
            scope_version: 0,
            kind: FactKind::Entered,
            replaces: false,
        }
    }

    fn check(facts: &[Fact], expected: usize) {
        assert_eq!(contradictions(facts).len(), expected, "{facts:?}");
    }

    #[test]
    fn no_misuse_known_cannot_follow_172_cases() {
        let cases = |n, day| fact("unauthorised_use_cases", FactValue::Number(n), day);
        check(&[cases(172, "2013-04-26"), cases(0, "2013-05-27")], 1);
        check(&[cases(172, "2013-04-26"), cases(180, "2013-05-27")], 0);
        check(&[cases(172, "2013-04-26"), cases(171, "2013-04-26")], 1);
        check(&[cases(172, "2013-04-26"), cases(172, "2013-05-27")], 0);
    }

    #[test]
    fn a_discovery_has_one_date() {
        let discovered = |day: &str| fact("discovered_at", FactValue::Date(day.into()), "2013-05-27");
        check(&[discovered("2013-04-23"), discovered("2013-04-26")], 1);
        let aware = |at: &str| fact("aware_at", FactValue::Date(at.into()), "2013-05-27");
        check(&[discovered("2013-04-23"), aware("2013-04-26T09:00:00+09:00")], 1);
        check(&[discovered("2013-04-23"), aware("2013-04-23T15:00:00+09:00")], 0);
    }

    #[test]
    fn a_fact_that_replaces_another_silences_it() {
        let first = fact("persons_told", FactValue::Number(10), "2013-05-27");
        let second = Fact { replaces: true, ..fact("persons_told", FactValue::Number(9), "2013-05-27") };
        check(&[first, second], 0);
    }

    #[test]
    fn the_text_names_both() {
        let all = [fact("x", FactValue::Number(1), "2013-05-27"), fact("x", FactValue::Number(2), "2013-05-27")];
        assert_eq!(
            contradictions(&all)[0].to_string(),
            "x: 1 (as of 2013-05-27, somebody) and 2 (as of 2013-05-27, somebody): two values for the same day"
        );
    }
}
