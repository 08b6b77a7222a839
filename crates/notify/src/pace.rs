//! The pace: so many mails a minute in all and to one recipient domain, and so many an hour as the desk can answer calls for.
//! A mail whose domain has had its share is put back with the time of its turn, so that a slow domain takes no place in the
//! hand and the fast ones do not wait for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);
/// Domains with less than this are let through in one go: a limit is for crowds.
const BURST: Duration = Duration::from_secs(1);
/// So many domains are kept in mind before those that are idle are forgotten.
const DOMAINS_KEPT_MAX: usize = 10_000;

/// The limits of a case file's `[mail]`; none where none is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Mails in a minute.
    pub per_minute: Option<u32>,
    /// Mails in a minute to one recipient domain.
    pub per_domain_minute: Option<u32>,
    /// Mails in an hour, evenly spread: what they bring must not come all at once.
    pub per_hour: Option<u32>,
}

impl Limits {
    /// The time between two mails of all; none where nothing holds them.
    fn every(&self) -> Option<Duration> {
        let of = |mails: Option<u32>, within: Duration| mails.filter(|mails| *mails > 0).map(|mails| within / mails);
        of(self.per_minute, MINUTE).max(of(self.per_hour, 60 * MINUTE))
    }

    /// How many mails may go within this time; none where nothing holds them.
    pub(crate) fn within(&self, time: Duration) -> Option<u128> {
        self.every().map(|every| time.as_nanos() / every.as_nanos().max(1))
    }
}

/// Keeps the pace of one run. A clone keeps the same one.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    limits: Limits,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    /// When the next mail of all may go.
    next: Instant,
    domains: HashMap<String, Domain>,
}

/// One domain's bucket (GCRA): `used_until` runs ahead of the clock as mails go, `promised_until` as turns are given.
#[derive(Clone, Copy, Debug)]
struct Domain {
    used_until: Instant,
    promised_until: Instant,
}

impl Pace {
    pub(crate) fn new(limits: Limits, now: Instant) -> Self {
        Self { limits, state: Arc::new(Mutex::new(State { next: now, domains: HashMap::new() })) }
    }

    /// How long the next mail of all must wait.
    pub(crate) fn turn(&self, now: Instant) -> Duration {
        let Some(every) = self.limits.every() else { return Duration::ZERO };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let at = state.next.max(now);
        state.next = at + every;
        at.duration_since(now)
    }

    /// Whether a mail to this address may go now; else how long until its turn.
    pub(crate) fn domain(&self, recipient: &str, now: Instant) -> Result<(), Duration> {
        let per_minute = self.limits.per_domain_minute.filter(|mails| *mails > 0);
        let Some(every) = per_minute.map(|mails| MINUTE / mails) else { return Ok(()) };
        let name = recipient.rsplit_once('@').map_or("", |(_, domain)| domain).to_lowercase();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.domains.len() >= DOMAINS_KEPT_MAX {
            state.domains.retain(|_, domain| domain.used_until > now || domain.promised_until > now);
        }
        let domain = state.domains.entry(name).or_insert(Domain { used_until: now, promised_until: now });
        let used = domain.used_until.max(now);
        if used.duration_since(now) <= BURST.max(every).saturating_sub(every) {
            domain.used_until = used + every;
            return Ok(());
        }
        domain.promised_until = domain.promised_until.max(used) + every;
        Err(domain.promised_until.duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Limits, Pace};

    /// 60,000 mails to one domain, 600 a minute: how many go in each minute when each comes back at its turn.
    #[test]
    fn a_domain_gets_its_share_and_each_mail_is_put_back_about_once() {
        let begin = Instant::now();
        let pace = Pace::new(Limits { per_domain_minute: Some(600), ..Limits::default() }, begin);
        let mut due: std::collections::BTreeSet<(Duration, u32)> = (0..3000).map(|mail| (Duration::ZERO, mail)).collect();
        let (mut minutes, mut put_back) = ([0; 7], 0);
        while let Some((at, mail)) = due.pop_first() {
            match pace.domain("a@slow.example", begin + at) {
                Ok(()) => minutes[usize::try_from(at.as_secs() / 60).unwrap()] += 1,
                Err(wait) => {
                    put_back += 1;
                    due.insert((at + wait, mail));
                }
            }
            assert_eq!(pace.domain(&format!("a@fast{mail}.example"), begin + at), Ok(()), "others do not wait");
        }
        assert!(minutes.iter().all(|sent| *sent <= 611), "{minutes:?}");
        assert_eq!((minutes.iter().sum::<u32>(), put_back < 3100), (3000, true));
    }

    #[test]
    fn all_mails_together_keep_their_distance() {
        let now = Instant::now();
        let pace = Pace::new(Limits { per_minute: Some(120), ..Limits::default() }, now);
        let waits: Vec<u128> = (0..3).map(|_| pace.turn(now).as_millis()).collect();
        assert_eq!(waits, [0, 500, 1000]);
        let desk = Pace::new(Limits { per_minute: Some(120), per_hour: Some(1500), ..Limits::default() }, now);
        let waits: Vec<u128> = (0..3).map(|_| desk.turn(now).as_millis()).collect();
        assert_eq!(waits, [0, 2400, 4800], "the slower of the two");
    }
}
