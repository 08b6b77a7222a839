//! The chronicle: what is chosen, what is refused, and that a version shows what is new in it.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use kintsugi_case::{EventSpec, EventTime, Language};
use kintsugi_report::{ChronicleFrame, KnownTimes, Moment, StatementFrame, changes, chronicle, statement};

use crate::facts::{controller, facts};

const NOON: i64 = 1_366_686_000_000;

fn event(time: EventTime, words: &str) -> EventSpec {
    let words = BTreeMap::from([(Language::En, words.to_owned())]);
    EventSpec { time, words, publish: true, infrastructure: false }
}

fn write(events: &[EventSpec], language: Language) -> Result<Vec<Moment>, String> {
    let (controller, timezone) = (controller(), TimeZone::get("Asia/Tokyo").unwrap());
    let frame = StatementFrame { controller: &controller, portal: "https://kakehashi.example", timezone: &timezone, language };
    let times = KnownTimes { frozen: Some(NOON + 90_000), ..KnownTimes::default() };
    let around = ChronicleFrame { staff: vec!["m.sato".into()], times };
    chronicle(events, &facts(), &frame, &around).map_err(|why| why.to_string())
}

fn shown(moments: &[Moment]) -> Vec<String> {
    let words = |moment: &Moment| moment.runs.iter().map(|run| run.text.as_str()).collect::<String>();
    moments.iter().map(|moment| format!("{} {} {}", moment.day, moment.time, words(moment))).collect()
}

#[test]
fn what_is_chosen_is_told_by_the_minute_in_the_order_of_time() {
    let quiet = EventSpec { publish: false, ..event(EventTime::At(NOON), "m.sato wrote to a@b.example") };
    let events = [
        event(EventTime::Frozen, ""),
        quiet,
        event(EventTime::At(NOON + 59_999), "Of {records_stored} records we looked at all."),
        event(EventTime::FirstNotice, "Its time is not known yet."),
    ];
    assert_eq!(
        shown(&write(&events, Language::En).unwrap()),
        ["23 April 2013 12:00 Of 12,345 records we looked at all.", "23 April 2013 12:01 We established who is affected."]
    );
}

#[test]
fn what_could_name_somebody_is_refused_with_its_place() {
    let at = |words| event(EventTime::At(NOON), words);
    for (words, why) in [
        ("Write to a@b.example.", "it holds a mail address"),
        ("M.Sato closed the forms.", "it names somebody of the staff"),
        ("We took out 12 servers.", "the figure 1 in the note is no fact"),
        ("It came from 203.0.113.9.", "it names 203.0.113.9"),
        ("It came from evil.example.", "it names evil.example"),
        ("Of {nothing} we know.", "there is no such fact"),
    ] {
        let said = write(&[at("We closed the forms."), at(words)], Language::En).unwrap_err();
        assert!(said.starts_with("[[event]] 2 cannot be published: ") && said.contains(why), "{said}");
    }
    assert!(write(&[at("See www.kakehashi.example.")], Language::En).is_ok(), "our own domain");
    assert!(write(&[at("We closed the forms.")], Language::Ja).unwrap_err().contains("no words in ja"));
    let named = EventSpec { infrastructure: true, ..at("It came from 203.0.113.9 alone.") };
    assert_eq!(shown(&write(&[named], Language::En).unwrap()), ["23 April 2013 12:00 It came from 203.0.113.9 alone."]);
}

#[test]
fn a_version_shows_what_is_new_in_its_chronicle() {
    let (controller, timezone, language) = (controller(), TimeZone::get("Asia/Tokyo").unwrap(), Language::En);
    let frame = StatementFrame { controller: &controller, portal: "https://kakehashi.example", timezone: &timezone, language };
    let before = statement(&facts(), &frame).unwrap();
    let mut after = before.clone();
    after.chronicle = write(&[event(EventTime::At(NOON), "We closed the forms.")], language).unwrap();
    let new = changes(&before, &after);
    assert_eq!((new.len(), new[0].added, new[0].text.as_str()), (1, true, "23 April 2013 12:00: We closed the forms."));
}
