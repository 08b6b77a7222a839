//! What became of an injection that a web log shows, as the query logs tell it: the database refused it, it failed before it
//! ran, it sent so many rows, or it never came. That it never came follows only where the log has the ordinary requests of
//! the same page, every one of them, has statements of about that time, and none then that nobody can explain.
//!
//! Not here: which statement is that of a request (`executed`), what a verdict makes of it (the engines).

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use kintsugi_case::EvidenceLine;
use kintsugi_evidence::QueryErrorKind;

use super::executed::{Text, Told};
use crate::statement::Observation;

/// How far a request and its statement may be apart beside the request's duration and the clocks' difference.
const SLACK_MS: i64 = 2_000;
/// Ordinary requests of a page that the log must have before what it does not have never came.
const ORDINARY_MIN: usize = 5;
/// Ordinary statements remembered, 8 bytes each; beyond them nothing is said to be missing.
const ORDINARY_MAX: usize = 4_000_000;
/// Statements that are more than ordinary ones, likewise.
const STRANGE_MAX: usize = 1_000_000;
/// Zones differ by quarters of an hour, up to 14 hours either way.
const QUARTER_MS: i64 = 900_000;
const QUARTERS_MAX: i64 = 56;
const MINUTE_MS: i64 = 60_000;

const DENIED: &str = "the query log says that the database refused the statement: its account has no right to what it names";
const UNREAD: &str = "the query log says that the database could not read the statement: it never ran";
const NAMELESS: &str = "the query log says that the statement names what is not in the database: it never ran";
const NEVER: &str = "the query log has the ordinary statements of this page and not this one: it never reached the database";

/// What became of an injection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The database gave nothing; why.
    Nothing(&'static str),
    /// It sent so many rows.
    Rows(u64),
    /// It failed with a message that quotes what has this digest.
    Said(u64),
}

/// What became of each injection of which that is known, by its line and endpoint.
#[derive(Debug, Default)]
pub(crate) struct Fates(HashMap<(EvidenceLine, usize), Fate>);

/// A request to an endpoint.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    text: Text,
    /// What stands before its first semicolon: servers and their logs take statements apart there.
    first: Option<Text>,
    line: EvidenceLine,
    at_ms: i64,
    took_ms: i64,
    refused: bool,
}

impl Asked {
    pub(super) fn new(text: Text, observed: &Observation) -> Self {
        let took_ms = observed.duration_us.map_or(0, |us| (us / 1000).cast_signed());
        Self { text, first: None, line: observed.line, at_ms: observed.at_ms, took_ms, refused: observed.refused() }
    }

    /// The same of one that begins with a statement of this text.
    pub(super) fn beginning_with(self, first: Option<Text>) -> Self {
        Self { first, ..self }
    }

    /// The times at which its statement can have been logged.
    fn window(&self, skew_ms: i64) -> std::ops::RangeInclusive<i64> {
        let (at_ms, around) = (self.at_ms + skew_ms, self.took_ms + SLACK_MS);
        at_ms - around..=at_ms + around
    }
}

/// The reason that an error gives for nothing having been shown; `None` where a message or a part of the rows may have been.
pub(crate) const fn nothing(kind: QueryErrorKind) -> Option<&'static str> {
    match kind {
        QueryErrorKind::AccessDenied => Some(DENIED),
        QueryErrorKind::Syntax => Some(UNREAD),
        QueryErrorKind::Name => Some(NAMELESS),
        QueryErrorKind::Stopped | QueryErrorKind::Value | QueryErrorKind::Other => None,
    }
}

impl Fates {
    /// What became of these injections.
    pub(super) fn of(asked: &[Asked], told: &HashMap<Text, Vec<Told>>, complete: &Complete<'_>, skew_ms: i64) -> Self {
        let fate = |asked: &Asked| match told.get(&asked.text) {
            Some(tellings) => {
                let window = asked.window(skew_ms);
                of_tellings(tellings.iter().filter(|told| window.contains(&told.at_ms)))
            }
            None => complete.lacks(asked, skew_ms).then_some(Fate::Nothing(NEVER)),
        };
        Self(asked.iter().filter_map(|asked| Some(((asked.line, asked.text.0), fate(asked)?))).collect())
    }

    /// What became of an injection.
    pub(crate) fn get(&self, endpoint: usize, observed: &Observation) -> Option<Fate> {
        self.0.get(&(observed.line, endpoint)).copied()
    }

    /// Why an injection gave nothing.
    pub(crate) fn nothing(&self, endpoint: usize, observed: &Observation) -> Option<&'static str> {
        match self.get(endpoint, observed) {
            Some(Fate::Nothing(reason)) => Some(reason),
            _ => None,
        }
    }

    /// Notes why an injection gave nothing.
    pub(crate) fn note(&mut self, endpoint: usize, line: EvidenceLine, reason: &'static str) {
        self.0.insert((line, endpoint), Fate::Nothing(reason));
    }
}

/// What one log tells of all the statements of about a request's time with its text: it may have come several times, and
/// another log of the same server may know less.
fn of_tellings<'a>(tellings: impl Iterator<Item = &'a Told>) -> Option<Fate> {
    let mut by_log: HashMap<_, Vec<&Told>> = HashMap::new();
    tellings.for_each(|told| by_log.entry(told.line.evidence).or_default().push(told));
    let failed = |tellings: &Vec<&Told>| {
        let reasons: Option<Vec<&'static str>> = tellings.iter().map(|told| told.failed.and_then(nothing)).collect();
        reasons?.into_iter().next()
    };
    if let Some(reason) = by_log.values().filter_map(failed).max() {
        return Some(Fate::Nothing(reason));
    }
    if by_log.values().flatten().any(|told| told.failed.is_some()) {
        let mut said = by_log.values().flatten().filter(|told| told.failed.is_some()).map(|told| told.said);
        let first = said.next()??;
        return said.all(|other| other == Some(first)).then_some(Fate::Said(first));
    }
    let sent = |tellings: &Vec<&Told>| {
        let first = tellings.first()?.rows_sent?;
        tellings.iter().all(|told| told.rows_sent == Some(first)).then_some(first)
    };
    let mut sent = by_log.values().filter_map(sent);
    let first = sent.next()?;
    sent.all(|other| other == first).then_some(Fate::Rows(first))
}

/// What the query logs of a source hold, as far as it tells whether something is missing in them.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    /// Minutes in which there are statements of any kind.
    minutes: HashSet<i64>,
    /// Statements of the endpoints, by text and second.
    ordinary: HashSet<u64>,
    strange: Vec<Strange>,
    /// There was more than is kept.
    is_cut: bool,
}

/// A statement that is more than an ordinary one of any endpoint, and how each endpoint would read it.
#[derive(Debug)]
struct Strange {
    at_ms: i64,
    /// The endpoint alone where its value cannot be read.
    readings: Box<[(usize, Option<Text>)]>,
}

fn at_second((endpoint, value): Text, second: i64) -> u64 {
    let mut hasher = DefaultHasher::new();
    (endpoint, value, second).hash(&mut hasher);
    hasher.finish()
}

impl Coverage {
    pub(super) fn is_empty(&self) -> bool {
        self.minutes.is_empty()
    }

    /// Takes the time of any statement.
    pub(super) fn minute(&mut self, at_ms: i64) {
        self.minutes.insert(at_ms.div_euclid(MINUTE_MS));
    }

    /// Takes a statement of an endpoint.
    pub(super) fn ordinary(&mut self, text: Text, at_ms: i64) {
        if self.ordinary.len() < ORDINARY_MAX {
            self.ordinary.insert(at_second(text, at_ms.div_euclid(1000)));
        } else {
            self.is_cut = true;
        }
    }

    /// Takes a statement that begins like those of some endpoints, and is an ordinary one of none.
    pub(super) fn strange(&mut self, at_ms: i64, readings: Vec<(usize, Option<Text>)>) {
        if self.strange.len() < STRANGE_MAX {
            self.strange.push(Strange { at_ms, readings: readings.into() });
        } else {
            self.is_cut = true;
        }
    }

    fn has(&self, asked: &Asked, skew_ms: i64) -> bool {
        let window = asked.window(skew_ms);
        let seconds = window.start().div_euclid(1000)..=window.end().div_euclid(1000);
        seconds.into_iter().any(|second| self.ordinary.contains(&at_second(asked.text, second)))
    }

    /// By how much the database's clock is ahead, to the quarter of an hour, where only ordinary requests tell it.
    pub(super) fn skew_ms(&self, ordinary: &[Asked]) -> i64 {
        let score = |skew_ms: i64| ordinary.iter().filter(|asked| self.has(asked, skew_ms)).count();
        let quarters = (0..=QUARTERS_MAX).flat_map(|quarters| [quarters, -quarters]).map(|quarters| quarters * QUARTER_MS);
        let scored = quarters.map(|skew_ms| (score(skew_ms), skew_ms));
        scored.reduce(|best, next| if next.0 > best.0 { next } else { best }).map_or(0, |(_, skew_ms)| skew_ms)
    }

    /// The endpoints of which the log has every ordinary request that was looked at, and when it has what nobody sent.
    pub(super) fn completed(&self, ordinary: &[Asked], sent: &[Asked], skew_ms: i64) -> Complete<'_> {
        let mut found: HashMap<usize, (usize, usize)> = HashMap::new();
        for asked in ordinary.iter().filter(|asked| !asked.refused && self.covers(asked.at_ms + skew_ms)) {
            let (all, there) = found.entry(asked.text.0).or_default();
            *all += 1;
            *there += usize::from(self.has(asked, skew_ms));
        }
        let whole = |(all, there): &(usize, usize)| !self.is_cut && all == there && *all >= ORDINARY_MIN;
        let endpoints = found.into_iter().filter(|(_, found)| whole(found)).map(|(endpoint, _)| endpoint).collect();
        let known: HashSet<Text> = sent.iter().map(|asked| asked.text).collect();
        let mut unexplained: HashMap<usize, Vec<i64>> = HashMap::new();
        for strange in &self.strange {
            if strange.readings.iter().all(|(_, text)| text.is_none_or(|text| !known.contains(&text))) {
                strange.readings.iter().for_each(|(endpoint, _)| unexplained.entry(*endpoint).or_default().push(strange.at_ms));
            }
        }
        unexplained.values_mut().for_each(|times| times.sort_unstable());
        Complete { coverage: self, endpoints, unexplained }
    }

    /// Whether the logs have statements of this time, or of just before and just after.
    fn covers(&self, at_ms: i64) -> bool {
        let minute = at_ms.div_euclid(MINUTE_MS);
        let has = |minute: i64| self.minutes.contains(&minute);
        has(minute) || has(minute - 1) && has(minute + 1)
    }
}

/// Where a missing statement means something.
pub(super) struct Complete<'a> {
    coverage: &'a Coverage,
    endpoints: HashSet<usize>,
    /// When statements came that are no request's, by endpoint.
    unexplained: HashMap<usize, Vec<i64>>,
}

impl Complete<'_> {
    /// Whether the log would have the statement of this request, and does not.
    fn lacks(&self, asked: &Asked, skew_ms: i64) -> bool {
        let window = asked.window(skew_ms);
        let unexplained = self.unexplained.get(&asked.text.0).is_some_and(|times| {
            let next = times.partition_point(|at| at < window.start());
            times.get(next).is_some_and(|at| window.contains(at))
        });
        let in_parts = asked.first.is_some_and(|text| self.coverage.has(&Asked { text, ..*asked }, skew_ms));
        self.endpoints.contains(&asked.text.0) && self.coverage.covers(asked.at_ms + skew_ms) && !unexplained && !in_parts
    }
}

#[cfg(test)]
mod tests {
    use kintsugi_case::{EvidenceId, EvidenceLine};
    use kintsugi_evidence::QueryErrorKind;

    use super::{DENIED, Fate, NEVER};
    use crate::query::executed::{Executed, Told, text};
    use crate::statement::Observation;

    const EVIL: &str = "-1 UNION SELECT pan FROM cards";

    fn seen(second: i64) -> Observation {
        let line = EvidenceLine { evidence: EvidenceId(1), line: second.unsigned_abs() };
        Observation { line, at_ms: second * 1000, status: 200, bytes: 1, duration_us: None }
    }

    /// Statements of a second, with why they failed and how many rows they sent, from the log of this number.
    type Statement<'a> = (i64, &'a str, u32, Option<QueryErrorKind>, Option<u64>);

    /// The fate of the request at second 130. `ahead` is the database's clock in seconds; ordinary requests come every ten
    /// seconds, and of these the log lacks one in `missing`.
    fn check(statements: &[Statement<'_>], ahead: i64, missing: i64, expected: Option<Fate>) {
        let mut executed = Executed::default();
        let ordinary: Vec<(String, Observation)> = (0..30).map(|n| (n.to_string(), seen(n * 10))).collect();
        for (n, (value, observed)) in (1..).zip(&ordinary) {
            executed.coverage.minute(observed.at_ms + ahead * 1000);
            if missing == 0 || n % missing != 0 {
                executed.coverage.ordinary(text(0, value), observed.at_ms + ahead * 1000);
            }
        }
        for &(second, value, log, failed, rows_sent) in statements {
            let (at_ms, line) = ((second + ahead) * 1000, EvidenceLine { evidence: EvidenceId(log), line: 7 });
            executed.add(0, value, Told { line, at_ms, failed, rows_sent, said: None, duration_us: None });
            executed.coverage.strange(at_ms, vec![(0, Some(text(0, value)))]);
        }
        executed.find(0, EVIL, &seen(130));
        let fates = executed.fates(ordinary.iter().map(|(value, observed)| (0, value.as_str(), observed)));
        assert_eq!(fates.get(0, &seen(130)), expected);
    }

    #[test]
    fn what_the_database_refused_or_sent_is_known_by_its_log() {
        use QueryErrorKind::{AccessDenied, Value};
        let denied = Some(Fate::Nothing(DENIED));
        check(&[(130, EVIL, 2, Some(AccessDenied), None)], 0, 1, denied);
        check(&[(130, EVIL, 2, Some(AccessDenied), None)], 9 * 3600, 1, denied);
        // A general log beside the audit log tells no errors.
        check(&[(130, EVIL, 2, Some(AccessDenied), None), (130, EVIL, 3, None, None)], 0, 1, denied);
        // It came again, and ran.
        check(&[(130, EVIL, 2, Some(AccessDenied), None), (131, EVIL, 2, None, None)], 0, 1, None);
        check(&[(130, EVIL, 2, Some(Value), Some(0))], 0, 1, None);
        check(&[(130, EVIL, 2, None, Some(0))], 0, 1, Some(Fate::Rows(0)));
        check(&[(130, EVIL, 2, None, Some(4)), (131, EVIL, 2, None, Some(5))], 0, 1, None);
    }

    #[test]
    fn what_a_complete_log_does_not_have_never_came() {
        let never = Some(Fate::Nothing(NEVER));
        check(&[], 0, 0, never);
        check(&[], 9 * 3600, 0, never);
        // The log lacks ordinary requests too.
        check(&[], 0, 10, None);
        check(&[], 0, 1, None);
        // Something came at its time that no request explains: perhaps the application changed it on the way.
        check(&[(131, "-1 UNION SELECT pan FROM CARDS", 2, None, None)], 0, 0, None);
        check(&[(500, "-1 UNION SELECT pan FROM CARDS", 2, None, None)], 0, 0, never);
    }

    #[test]
    fn a_gap_in_the_log_is_no_absence() {
        let mut executed = Executed::default();
        let ordinary: Vec<(String, Observation)> = (0..30).map(|n| (n.to_string(), seen(n * 10))).collect();
        for (value, observed) in &ordinary {
            executed.coverage.minute(observed.at_ms);
            executed.coverage.ordinary(text(0, value), observed.at_ms);
        }
        executed.find(0, EVIL, &seen(4000));
        let fates = executed.fates(ordinary.iter().map(|(value, observed)| (0, value.as_str(), observed)));
        assert_eq!(fates.get(0, &seen(4000)), None);
    }
}
