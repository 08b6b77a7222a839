//! `why`: the chain from an answer down to its evidence line. The soul of the product, as words for a terminal.

use std::fmt;

use kintsugi_case::{
    BasisId, BasisSummary, ExposedRecord, Fact, FactKind, FactValue, Language, NoticeNumber, NoticeState, PersonId, ScopeVersion,
    Verdict,
};

/// Characters of a statement's text in a chain.
const SHAPE_CHARS_MAX: usize = 400;

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

/// The seam: the answer, then each link under it with its word at the left. Readable without colour.
impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.links.iter().map(|link| link.what.chars().count()).max().unwrap_or(0);
        write!(f, "{}", self.answer)?;
        for (at, link) in self.links.iter().enumerate() {
            let knot = if at + 1 == self.links.len() { '╰' } else { '├' };
            let rail = if at + 1 == self.links.len() { ' ' } else { '│' };
            for (row, detail) in link.detail.lines().enumerate() {
                match row {
                    0 => write!(f, "\n{knot}─ {:width$}  {detail}", link.what)?,
                    _ => write!(f, "\n{rail}  {:width$}  {detail}", "")?,
                }
            }
        }
        Ok(())
    }
}

/// Why a person is affected: scope version, then for each record what was taken, by which rule and statement, why this
/// verdict, and the evidence line. Staff read this: columns are named, card numbers are not.
pub fn why_person(id: PersonId, scope: &ScopeVersion, exposed: &[ExposedRecord], bases: &[BasisSummary]) -> Chain {
    let strongest = exposed.iter().map(|one| one.verdict).max();
    let answer = match strongest {
        Some(verdict) if verdict > Verdict::Excluded => format!("Person {id} is affected: {}.", verdict.name()),
        _ => format!("Person {id} is not affected."),
    };
    let mut links = vec![of_scope(scope)];
    let mut records: Vec<&ExposedRecord> = exposed.iter().collect();
    records.sort_by(|a, b| (&a.source, &a.table, &a.key, b.verdict).cmp(&(&b.source, &b.table, &b.key, a.verdict)));
    for record in records {
        links.push(of_record(record));
        links.extend(bases.iter().find(|basis| basis.id == record.basis).map(|basis| of_basis(basis, record)));
        links.extend(of_line(record));
    }
    Chain { answer, links }
}

fn of_scope(scope: &ScopeVersion) -> Link {
    let digest = scope.digest.get(..16).unwrap_or(&scope.digest);
    let detail =
        format!("scope version {}, frozen {}\nSHA-256 {digest}…, signed by the case key", scope.number, utc(scope.frozen_at_ms));
    Link { what: "scope".into(), detail }
}

fn of_record(record: &ExposedRecord) -> Link {
    let card = if record.card_last4.is_empty() {
        String::new()
    } else {
        format!(", {} ending in {}", if record.card_brand.is_empty() { "card" } else { &record.card_brand }, record.card_last4)
    };
    let time = if record.at_ms > 0 { format!(", taken {}", utc(record.at_ms)) } else { String::new() };
    let detail = format!(
        "{} {}.{} {}{card}\n{}{time}",
        record.verdict.mark(),
        record.source,
        record.table,
        record.key,
        format_args!("{}: {}", record.verdict.name(), record.columns.replace(',', ", "))
    );
    Link { what: "record".into(), detail }
}

fn of_basis(basis: &BasisSummary, record: &ExposedRecord) -> Link {
    let BasisId(number) = basis.id;
    let mut rows = vec![format!("basis {number}: rule {}, {}", basis.rule, basis.technique.name()), basis.reason.clone()];
    if basis.technique.is_statement() {
        rows.push(format!("{}: {}", basis.endpoint, cut(&basis.shape)));
        rows.push(format!("here with {}", cut(&record.literals)));
        let agreeing = (Language::En.number(whole(basis.agreeing)), Language::En.number(whole(basis.statements)));
        rows.push(format!("{} of {} statements of this shape agree with the replay", agreeing.0, agreeing.1));
    }
    rows.retain(|row| !row.is_empty());
    Link { what: "statement".into(), detail: rows.join("\n") }
}

fn of_line(record: &ExposedRecord) -> Option<Link> {
    if record.line.line == 0 {
        return None;
    }
    let line = Language::En.number(whole(record.line.line));
    let mut detail = format!("evidence {}, line {line}", record.line.evidence.0);
    if record.observed_bytes > 0 {
        let (observed, predicted) = (whole(record.observed_bytes), whole(record.predicted_bytes));
        detail.push_str(&format!("\nthe server sent {} bytes", Language::En.number(observed)));
        if predicted > 0 {
            detail.push_str(&format!(", the replay predicts {}", Language::En.number(predicted)));
        }
    }
    Some(Link { what: "evidence".into(), detail })
}

/// What happened to a notice, and why it was due.
pub fn why_notice(number: NoticeNumber, state: NoticeState, person: &Chain) -> Chain {
    let meaning = match state {
        NoticeState::Intended => "it is written down and waits to be sent",
        NoticeState::Sending => "a worker has it in hand",
        NoticeState::Accepted => "the mail server took responsibility for it",
        NoticeState::Refused => "the mail server refused it for good: this person must be told in another way",
        NoticeState::Unknown => "it was handed over and the answer was never seen: it is not sent again blindly",
        NoticeState::Held => "it is held back by a named person, for a reason, until a day",
        NoticeState::NoAddress => "no mail address of the person can be used: a letter is due",
        NoticeState::Batched => "it is a letter in a batch for the print shop",
        NoticeState::Printed => "it is a letter that was printed and given to the post",
        NoticeState::Returned => "it is a letter that came back: this person must be told in another way",
    };
    let mut links = vec![Link { what: "person".into(), detail: person.answer.clone() }];
    links.extend(person.links.iter().cloned());
    Chain { answer: format!("Notice {number} is {}: {meaning}.", state.name().replace('_', " ")), links }
}

/// Where a fact comes from: its value, every earlier value of the same name, its source and its query; `None` where there
/// is no such fact.
pub fn why_fact(name: &str, facts: &[Fact], scope: Option<&ScopeVersion>) -> Option<Chain> {
    let mut of_name: Vec<&Fact> = facts.iter().filter(|fact| fact.name == name).collect();
    of_name.sort_by(|a, b| a.as_of.cmp(&b.as_of));
    let newest = of_name.pop()?;
    let mut links = vec![
        Link { what: "as of".into(), detail: newest.as_of.clone() },
        Link { what: "source".into(), detail: format!("{} ({})", newest.source, newest.kind.name()) },
    ];
    if newest.kind == FactKind::Computed {
        links.push(Link { what: "query".into(), detail: newest.query.clone() });
        links.extend(scope.filter(|scope| scope.number == newest.scope_version).map(of_scope));
    }
    let earlier = of_name.iter().rev().map(|fact| format!("{} as of {} ({})", shown(&fact.value), fact.as_of, fact.source));
    let earlier: Vec<String> = earlier.collect();
    if !earlier.is_empty() {
        links.push(Link { what: "before".into(), detail: earlier.join("\n") });
    }
    Some(Chain { answer: format!("{name} = {}", shown(&newest.value)), links })
}

fn shown(value: &FactValue) -> String {
    match value {
        FactValue::Number(number) => Language::En.number(*number),
        FactValue::Date(words) | FactValue::Text(words) => words.clone(),
    }
}

fn utc(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).map_or_else(|_| String::new(), |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A statement's text, cut to what a terminal can show.
fn cut(text: &str) -> String {
    let mut kept: String = text.chars().take(SHAPE_CHARS_MAX).collect();
    if kept.len() < text.len() {
        kept.push('…');
    }
    kept
}
