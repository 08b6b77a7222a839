//! The forecast of a plan: how long sending takes at the case's pace, how many calls it brings to the desk, what the
//! letters cost. The rates are the case file's; where it says nothing, the assumptions of docs/notify.md stand.

use kintsugi_case::CaseFile;

use crate::progress::count;

/// What a plan will take.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Forecast {
    /// The least time that the pace allows, in minutes; none without a pace.
    pub(crate) minutes: Option<f64>,
    /// Calls to the desk.
    pub(crate) calls: u64,
    /// The desk's work, in hours.
    pub(crate) desk_hours: f64,
    /// Notices an hour at which the calls are no more than the desk can take; none where its size is not written.
    pub(crate) notices_an_hour: Option<u32>,
    /// Letters to print.
    pub(crate) letters: u64,
    /// What they cost, with the currency.
    pub(crate) letter_cost: (u64, String),
}

/// Reckons: mails, letters, and the mails to the recipient domain that gets most.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a forecast is rough")]
pub(crate) fn forecast(case: &CaseFile, mails: u64, letters: u64, largest_domain: u64) -> Forecast {
    let (notify, mail) = (&case.notify, case.mail.as_ref());
    let takes = |mails: u64, pace: Option<u32>| pace.map(|pace| mails as f64 / f64::from(pace));
    let desk = takes(mails, notify.per_hour()).map(|hours| hours * 60.0);
    let all = takes(mails, mail.and_then(|mail| mail.per_minute));
    let one = takes(largest_domain, mail.and_then(|mail| mail.per_domain_minute));
    let calls = ((mails + letters) as f64 * notify.calls_per_hundred / 100.0).ceil();
    Forecast {
        minutes: all.into_iter().chain(one).chain(desk).reduce(f64::max),
        calls: calls as u64,
        desk_hours: calls * notify.call_minutes / 60.0,
        notices_an_hour: notify.notices_an_hour(),
        letters,
        letter_cost: (letters * notify.letter_cost, notify.letter_currency.clone()),
    }
}

impl Forecast {
    /// The names of remarks, and their values.
    pub(crate) fn remarks(&self) -> Vec<(String, String)> {
        let minutes = self.minutes.map_or("-".into(), duration);
        let mut remarks = vec![
            ("least-time".to_owned(), minutes),
            ("calls".to_owned(), count(self.calls)),
            ("desk-work".to_owned(), format!("{:.0} h", self.desk_hours)),
            ("letters".to_owned(), count(self.letters)),
            ("letter-cost".to_owned(), format!("{} {}", count(self.letter_cost.0), self.letter_cost.1)),
        ];
        if let Some(notices) = self.notices_an_hour {
            remarks.push(("desk-pace".to_owned(), count(u64::from(notices))));
        }
        remarks
    }
}

fn duration(minutes: f64) -> String {
    if minutes < 600.0 { format!("{minutes:.0} min") } else { format!("{:.0} h", minutes / 60.0) }
}

#[cfg(test)]
mod tests {
    use kintsugi_case::CaseFile;

    use super::forecast;

    const CASE: &str = r#"
version = 1
[case]
id = "c"
title = "t"
timezone = "Asia/Tokyo"
languages = ["ja"]
[controller]
name = "n"
domain = "kakehashi.example"
brands = ["b"]
contact = { phone = "0120", email = "a@kakehashi.example" }
[mail]
from = "Desk <desk@kakehashi.example>"
smtp = "smtp://127.0.0.1"
per_minute = 1000
per_domain_minute = 100
[notify]
calls_per_hundred = 4
call_minutes = 6
desk_agents = 5
letter_cost = 150
"#;

    #[test]
    fn the_slowest_limit_and_the_desk_decide() {
        let case = CaseFile::parse(CASE).unwrap();
        let of = forecast(&case, 10_000, 50, 4000);
        assert_eq!((of.minutes, of.calls, of.letter_cost.0), (Some(40.0), 402, 7500));
        assert_eq!((of.desk_hours.round(), of.notices_an_hour), (40.0, Some(1250)));
        assert_eq!(forecast(&case, 10_000, 0, 10).minutes, Some(10.0));
        let kept = CaseFile::parse(&CASE.replace("desk_agents = 5", "desk_agents = 5\ndesk_pace = true")).unwrap();
        assert_eq!(forecast(&kept, 10_000, 50, 4000).minutes, Some(480.0));
    }
}
