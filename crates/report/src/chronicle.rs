//! The chronicle: what happened when, minute by minute, for everybody to read. Each entry is chosen by a person; what could
//! give away a person, somebody of the staff, or where the attacker's machines are is refused by rule, never cut out in
//! silence.

use std::fmt;

use jiff::Timestamp;
use kintsugi_case::{EventSpec, EventTime, Fact, Language};
use serde::{Deserialize, Serialize};

use crate::statement::{NotPublished, NoteFault, Run, StatementFrame, Writer};

/// What a computed entry says, and when it was; known to whoever has the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnownTimes {
    /// The first statement of the attack that exposed something.
    pub attack_first: Option<i64>,
    /// The last.
    pub attack_last: Option<i64>,
    /// When the newest scope version was frozen.
    pub frozen: Option<i64>,
    /// When the first notice was accepted.
    pub first_notice: Option<i64>,
    /// When the last was; none while notices wait.
    pub last_notice: Option<i64>,
}

impl KnownTimes {
    const fn of(self, time: EventTime) -> Option<i64> {
        match time {
            EventTime::At(at_ms) => Some(at_ms),
            EventTime::AttackFirst => self.attack_first,
            EventTime::AttackLast => self.attack_last,
            EventTime::Frozen => self.frozen,
            EventTime::FirstNotice => self.first_notice,
            EventTime::LastNotice => self.last_notice,
        }
    }
}

/// An entry of the chronicle, as it was published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// When, milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// The day in words.
    pub day: String,
    /// The minute: `17:00`.
    pub time: String,
    /// What happened.
    pub runs: Vec<Run>,
}

/// Why an entry cannot be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventFault {
    /// It has no words in a language of the case's pages.
    Language(Language),
    /// Its words cannot stand as they were written.
    Words(NoteFault),
    /// It holds a mail address.
    MailAddress,
    /// It names somebody of the staff.
    Staff,
    /// It names a machine, and the case file does not say that it may.
    Machine(String),
}

impl fmt::Display for EventFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Language(language) => write!(f, "it has no words in {}", language.tag()),
            Self::Words(fault) => write!(f, "{fault}"),
            Self::MailAddress => f.write_str("it holds a mail address"),
            Self::Staff => f.write_str("it names somebody of the staff"),
            Self::Machine(name) => write!(f, "it names {name}: `infrastructure = true` says that it may"),
        }
    }
}

/// Who must not be named, and what is known of times.
#[derive(Clone, Debug, Default)]
pub struct ChronicleFrame {
    /// Names of the staff.
    pub staff: Vec<String>,
    /// Times that are computed.
    pub times: KnownTimes,
}

/// The entries that are chosen for publication and whose time is known, oldest first.
pub fn chronicle(
    events: &[EventSpec],
    facts: &[Fact],
    frame: &StatementFrame<'_>,
    around: &ChronicleFrame,
) -> Result<Vec<Moment>, NotPublished> {
    let writer = Writer { facts, frame };
    let mut moments = Vec::new();
    for (place, event) in (1..).zip(events).filter(|(_, event)| event.publish) {
        let Some(at_ms) = around.times.of(event.time) else { continue };
        let runs = runs(event, &writer, &around.staff).map_err(|fault| NotPublished::Event(place, fault))?;
        let at = Timestamp::from_millisecond(at_ms).unwrap_or_default().to_zoned(frame.timezone.clone());
        // A chronicle is told by the minute, for machines too.
        let at_ms = at_ms - at_ms.rem_euclid(60_000);
        let (day, time) = (frame.language.day(at.date()), at.strftime("%H:%M").to_string());
        moments.push(Moment { at_ms, day, time, runs });
    }
    // Of one minute, the order of the case file stands.
    moments.sort_by_key(|moment| moment.at_ms);
    Ok(moments)
}

fn runs(event: &EventSpec, writer: &Writer<'_>, staff: &[String]) -> Result<Vec<Run>, EventFault> {
    let language = writer.frame.language;
    let own = event.words.get(&language).map(String::as_str).filter(|words| !words.trim().is_empty());
    let words = own.or_else(|| usual(event.time, language)).ok_or(EventFault::Language(language))?;
    let lower = words.to_lowercase();
    if words.contains(['@', '＠']) {
        return Err(EventFault::MailAddress);
    }
    if staff.iter().any(|name| !name.is_empty() && lower.contains(&name.to_lowercase())) {
        return Err(EventFault::Staff);
    }
    let controller = writer.frame.controller.domain.to_lowercase();
    let machine = lower.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':'))).find(|word| {
        let word = word.trim_matches(['.', ':', '-']);
        is_machine(word) && word != controller && !word.ends_with(&format!(".{controller}"))
    });
    match machine {
        Some(machine) if !event.infrastructure => Err(EventFault::Machine(machine.to_owned())),
        // An address of numbers is no figure that a fact could state.
        Some(machine) => writer.note_around(words, machine).map_err(EventFault::Words),
        None => writer.note(words).map_err(EventFault::Words),
    }
}

/// A network address, or a name in the DNS.
fn is_machine(word: &str) -> bool {
    let labels: Vec<&str> = word.split('.').collect();
    let named = labels.len() > 1 && labels.iter().all(|label| !label.is_empty()) && labels[labels.len() - 1].len() > 1;
    let numbers = labels.len() == 4 && labels.iter().all(|label| label.parse::<u8>().is_ok());
    named || numbers || word.parse::<std::net::Ipv6Addr>().is_ok()
}

/// What is said of a computed time where the case file says nothing.
const fn usual(time: EventTime, language: Language) -> Option<&'static str> {
    let (ja, en) = match time {
        EventTime::At(_) => return None,
        EventTime::AttackFirst => {
            ("不正なアクセスにより、最初の情報が取り出されました。", "The first data were taken by the unauthorised access.")
        }
        EventTime::AttackLast => {
            ("不正なアクセスにより、最後の情報が取り出されました。", "The last data were taken by the unauthorised access.")
        }
        EventTime::Frozen => ("対象となる方の範囲を確定しました。", "We established who is affected."),
        EventTime::FirstNotice => {
            ("対象となる方へのお知らせの送信を始めました。", "We began to send notices to the people affected.")
        }
        EventTime::LastNotice => {
            ("メールアドレスの分かる方へのお知らせの送信を終えました。", "We had sent a notice to everybody whom email reaches.")
        }
    };
    Some(if matches!(language, Language::Ja) { ja } else { en })
}

#[cfg(test)]
mod tests {
    use super::is_machine;

    #[test]
    fn machines_are_told_from_words() {
        for machine in ["203.0.113.9", "evil.example", "2001:db8::1", "a.b.c.example"] {
            assert!(is_machine(machine), "{machine}");
        }
        for word in ["e", "end", "a.", "sql", "17:00"] {
            assert!(!is_machine(word), "{word}");
        }
    }
}
