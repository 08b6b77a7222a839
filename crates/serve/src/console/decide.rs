//! What staff decide about single notices: hold, let go, settle what nobody knows. Each decision has a reason (rule 17)
//! and is written down twice: in the notice's history with its reason, and in the audit log.

use axum::Form;
use axum::extract::State;
use axum::response::Redirect;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use kintsugi_case::{NoticeNumber, NoticeState, PersonId};
use kintsugi_store::{Hold, NoticeView};
use serde::Deserialize;

use crate::failure::Failure;
use crate::session::Session;
use crate::site::Site;
use crate::words::Words;

/// The longest reason, in characters.
const REASON_CHARS_MAX: usize = 300;
/// No delay is longer; one that must be is decided anew.
const HOLD_DAYS_MAX: i64 = 90;
/// What the form proposes.
const HOLD_DAYS: i64 = 7;

/// What can be decided about a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Do not send it until a day.
    Hold,
    /// Let it go before that day.
    Release,
    /// It arrived, as somebody found out.
    Accepted,
    /// It did not.
    Refused,
}

impl Act {
    const ALL: [Self; 4] = [Self::Hold, Self::Release, Self::Accepted, Self::Refused];

    /// The word for it in forms.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
        }
    }

    /// The key of its words.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Hold => "decide-hold",
            Self::Release => "decide-release",
            Self::Accepted => "decide-accepted",
            Self::Refused => "decide-refused",
        }
    }

    /// What stands in the audit log.
    const fn done(self) -> &'static str {
        match self {
            Self::Hold => "held notice",
            Self::Release => "released notice",
            Self::Accepted => "settled as accepted notice",
            Self::Refused => "settled as refused notice",
        }
    }

    /// What can be decided about a notice that stands here.
    const fn of(state: NoticeState) -> &'static [Self] {
        match state {
            NoticeState::Intended => &[Self::Hold],
            NoticeState::Held => &[Self::Release],
            NoticeState::Unknown => &[Self::Accepted, Self::Refused],
            NoticeState::Accepted | NoticeState::Refused | NoticeState::Sending => &[],
            NoticeState::NoAddress | NoticeState::Batched | NoticeState::Printed | NoticeState::Returned => &[],
        }
    }
}

/// The form as a page shows it. Templates call it `decide`.
#[derive(Clone, Debug)]
pub(crate) struct Decide {
    /// What can be decided; without any there is no form.
    pub(crate) acts: Vec<Act>,
    /// The first and the last day until which a notice can be held, and the one proposed.
    pub(crate) days: [Date; 3],
}

impl Decide {
    /// The form for notices that stand here.
    pub(crate) fn about<'a>(site: &Site, notices: impl Iterator<Item = &'a NoticeView>) -> Self {
        let possible: Vec<Act> = notices.flat_map(|notice| Act::of(notice.state)).copied().collect();
        let acts = Act::ALL.into_iter().filter(|act| possible.contains(act)).collect();
        let today = today(site);
        let after = |days: i64| today.saturating_add(days.days());
        Self { acts, days: [after(1), after(HOLD_DAYS_MAX), after(HOLD_DAYS)] }
    }

    /// Whether the form asks for a day.
    pub(crate) fn asks_day(&self) -> bool {
        self.acts.contains(&Act::Hold)
    }

    /// Whether something can be decided about this notice.
    pub(crate) fn can(&self, notice: &NoticeView) -> bool {
        !Act::of(notice.state).is_empty()
    }
}

/// What became of a form, told on the page to which it leads back.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Decided {
    #[serde(default)]
    done: Option<u64>,
    #[serde(default)]
    left: u64,
    #[serde(default)]
    fault: String,
}

impl Decided {
    /// In words; none where no form was sent.
    pub(crate) fn said(&self, w: Words) -> Option<String> {
        match self.fault.as_str() {
            "reason" => return Some(w.t("decide-fault-reason")),
            "day" => return Some(w.t1("decide-fault-day", "days", HOLD_DAYS_MAX)),
            "none" => return Some(w.t("decide-fault-none")),
            _ => {}
        }
        let done = w.count("decide-done", self.done?);
        Some(if self.left > 0 { format!("{done} {}", w.count("decide-left", self.left)) } else { done })
    }

    fn query(&self) -> String {
        match self.done {
            Some(done) => format!("done={done}&left={}", self.left),
            None => format!("fault={}", self.fault),
        }
    }
}

/// What the form says, once it is read. Fields may come more than once: one per marked notice.
#[derive(Debug, PartialEq, Eq)]
struct Decision {
    act: Act,
    reason: String,
    until: Option<Date>,
    notices: Vec<NoticeNumber>,
}

/// `POST /notices`
pub(crate) async fn decide(
    State(site): State<Site>,
    session: Session,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Redirect, Failure> {
    if !session.fits(&site, field(&fields, "token")) {
        return Err(Failure::Form);
    }
    let decided = match read(&fields, today(&site)) {
        Ok(decision) => carry_out(&site, &session.who, &decision).await?,
        Err(fault) => Decided { fault: fault.into(), ..Decided::default() },
    };
    Ok(Redirect::to(&back(&fields, &decided)))
}

fn field<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim())
}

fn read(fields: &[(String, String)], today: Date) -> Result<Decision, &'static str> {
    let act = Act::ALL.into_iter().find(|act| act.name() == field(fields, "act")).ok_or("none")?;
    let reason: String = field(fields, "reason").chars().filter(|c| !c.is_control()).take(REASON_CHARS_MAX).collect();
    let numbers = fields.iter().filter(|(key, _)| key == "notice").map(|(_, value)| NoticeNumber::parse(value));
    let notices = numbers.collect::<Result<Vec<_>, _>>().map_err(|_| "none")?;
    let until = field(fields, "until").parse().ok();
    let fits = |day: &Date| (today.saturating_add(1.day())..=today.saturating_add(HOLD_DAYS_MAX.days())).contains(day);
    match (notices.is_empty(), reason.is_empty(), act) {
        (true, ..) => Err("none"),
        (_, true, _) => Err("reason"),
        (_, _, Act::Hold) if !until.as_ref().is_some_and(fits) => Err("day"),
        _ => Ok(Decision { act, reason, until, notices }),
    }
}

/// Decides about each notice. One that stands elsewhere by now is left as it is and counted.
async fn carry_out(site: &Site, who: &str, decision: &Decision) -> Result<Decided, Failure> {
    let mut decided = Decided { done: Some(0), ..Decided::default() };
    for number in &decision.notices {
        match one(site, who, decision, number.serial()).await {
            Ok(()) => {
                let now_ms = site.now_ms();
                site.store.audit(who, &format!("{} {number}", decision.act.done()), now_ms).await?;
                decided.done = decided.done.map(|done| done + 1);
            }
            Err(kintsugi_store::Error::Transition { .. } | kintsugi_store::Error::NoNotice { .. }) => decided.left += 1,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(decided)
}

async fn one(site: &Site, who: &str, decision: &Decision, serial: u64) -> Result<(), kintsugi_store::Error> {
    let (store, reason, now_ms) = (&site.store, decision.reason.as_str(), site.now_ms());
    match decision.act {
        Act::Hold => {
            let until_ms = decision.until.map_or(now_ms, |day| start_of(site, day));
            store.hold(serial, &Hold { who: who.to_owned(), reason: reason.to_owned(), until_ms }, now_ms).await
        }
        Act::Release => store.release(serial, who, reason, now_ms).await,
        Act::Accepted => store.settle_unknown(serial, NoticeState::Accepted, who, reason, now_ms).await,
        Act::Refused => store.settle_unknown(serial, NoticeState::Refused, who, reason, now_ms).await,
    }
}

/// The page on which the form stood, made of what was parsed, so that nobody is led elsewhere.
fn back(fields: &[(String, String)], decided: &Decided) -> String {
    let query = decided.query();
    match (field(fields, "person").parse(), NoticeState::from_name(field(fields, "state"))) {
        (Ok(id), _) => format!("/persons/{}?{query}", PersonId(id)),
        (_, Some(state)) => format!("/notices?state={}&{query}", state.name()),
        _ => format!("/notices?{query}"),
    }
}

fn today(site: &Site) -> Date {
    let now = Timestamp::from_millisecond(site.now_ms()).unwrap_or_default();
    now.to_zoned(site.case.case.timezone.clone()).date()
}

fn start_of(site: &Site, day: Date) -> i64 {
    let start = day.to_zoned(site.case.case.timezone.clone());
    start.map_or(site.now_ms(), |start| start.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::{Act, Date, NoticeNumber, back, read};

    const TODAY: Date = jiff::civil::date(2013, 5, 27);

    fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn check(pairs: &[(&str, &str)], expected: Result<(Act, usize), &str>) {
        let number = NoticeNumber::new(2013, 7).to_string();
        let mut all = fields(pairs);
        all.push(("notice".into(), number));
        assert_eq!(read(&all, TODAY).map(|one| (one.act, one.notices.len())), expected, "{pairs:?}");
    }

    #[test]
    fn a_decision_has_a_reason_and_a_hold_has_an_end() {
        let another = NoticeNumber::new(2013, 8).to_string();
        check(&[("act", "release"), ("reason", "asked by phone")], Ok((Act::Release, 1)));
        check(&[("act", "refused"), ("reason", "r"), ("notice", &another)], Ok((Act::Refused, 2)));
        check(&[("act", "release"), ("reason", "  ")], Err("reason"));
        check(&[("act", "hold"), ("reason", "r"), ("until", "2013-05-28")], Ok((Act::Hold, 1)));
        for until in ["", "2013-05-27", "2014-05-27", "soon"] {
            check(&[("act", "hold"), ("reason", "r"), ("until", until)], Err("day"));
        }
        check(&[("act", "resend"), ("reason", "r")], Err("none"));
        check(&[("act", "release"), ("reason", "r"), ("notice", "K-2013-1")], Err("none"));
        assert_eq!(read(&fields(&[("act", "release"), ("reason", "r")]), TODAY), Err("none"));
    }

    #[test]
    fn a_form_leads_back_to_its_page() {
        let decided = super::Decided { done: Some(2), ..Default::default() };
        let to = |pairs: &[(&str, &str)]| back(&fields(pairs), &decided);
        assert_eq!(to(&[("person", "7")]), "/persons/7?done=2&left=0");
        assert_eq!(to(&[("state", "unknown")]), "/notices?state=unknown&done=2&left=0");
        assert_eq!(to(&[("person", "//evil.example"), ("state", "x")]), "/notices?done=2&left=0");
    }
}
