//! Every kind of mail in every language: whole, without a hole, and about the right thing.

use kintsugi_case::{ExposedRecord, Language, NoticeKind, NoticeNumber, PersonProfile, Private};
use kintsugi_notify::{Composer, EarlierNotice, FactBook, Mail, MailKind, NoticeContent, Templates};

use crate::people::{bases, card, case, coverage, ms, person, scope};

fn composer() -> Composer {
    let mut case = case();
    case.case.languages = Language::ALL.to_vec();
    Composer::new(&case, Templates::parse(&[], FactBook::default()).unwrap(), &scope(), &bases(), Some(coverage(true))).unwrap()
}

/// A later notice of `kind` to a person of whom `before` was told.
fn later(kind: MailKind, change: NoticeKind, who: &PersonProfile, before: &[ExposedRecord], now: &[ExposedRecord]) -> Mail {
    let number = |serial| NoticeNumber::new(2013, serial);
    let at_ms = ms("2013-05-27T10:00:00+09:00");
    let earlier = Some(EarlierNotice { number: number(7), at_ms, exposed: before, kind: change });
    let content =
        NoticeContent { number: number(48_210), person: who, exposed: now, link: "https://kakehashi.example/n/abc", earlier };
    composer().notice_as(kind, &content, ms("2013-06-10T09:00:00+09:00")).unwrap()
}

#[test]
fn every_kind_is_written_in_every_language_without_a_hole() {
    for language in Language::ALL {
        let who = person("王 小明", "a@example.com", language);
        for kind in [MailKind::Notice, MailKind::Correction, MailKind::Reminder, MailKind::Closing] {
            let before = [card("1", "Visa", "8431", 2)];
            for now in [&[card("1", "Visa", "8431", 1), card("2", "JCB", "0005", 2)][..], &[]] {
                let mail = later(kind, NoticeKind::More, &who, &before, now);
                for part in [mail.subject.open(), mail.text.open(), mail.html.open()] {
                    assert!(
                        !part.contains("{{") && !part.contains("（）") && !part.contains("()"),
                        "{language:?} {kind:?}: {part}"
                    );
                }
                assert!(mail.text.open().contains("K-2013-048210"), "{language:?} {kind:?}");
            }
        }
    }
}

#[test]
fn a_correction_names_what_it_corrects_and_each_change() {
    let who = person("Alice Carter", "alice@example.com", Language::En);
    let before = [card("1", "Visa", "8431", 2), card("3", "JCB", "0005", 1)];
    let mail = later(MailKind::Correction, NoticeKind::Changed, &who, &before, &[card("1", "Visa", "8431", 1)]);
    let text = mail.text.open();
    for said in [
        "Alice Carter, we correct our notice of 27 May 2013. Other details of yours are affected than we told you.",
        "What our earlier notice (K-2013-000007-",
        "  Visa card ending in 8431 Card number: ◐ Possible → ● Confirmed",
        "  JCB card ending in 0005 Card number: ● Confirmed → ○ Not affected",
        "## ",
    ] {
        assert!(text.contains(said) != (said == "## "), "{said}: {text}");
    }
}

#[test]
fn who_is_cleared_reads_that_and_is_asked_for_nothing() {
    for language in Language::ALL {
        let who = person("", "a@example.com", language);
        let mail = later(MailKind::Correction, NoticeKind::Cleared, &who, &[card("1", "Visa", "8431", 1)], &[]);
        assert!(!mail.text.open().contains("\n1. "), "{}", mail.text.open());
        assert!(mail.text.open().contains("8431"), "{}", mail.text.open());
    }
    let who = person("", "a@example.com", Language::ZhHant);
    let mail = later(MailKind::Correction, NoticeKind::Cleared, &who, &[card("1", "Visa", "8431", 1)], &[]);
    assert!(mail.text.open().contains("我們更正2013年5月27日的通知。您的資料不受影響。"), "{}", mail.text.open());
}

#[test]
fn minors_and_the_dead_are_not_addressed_as_if_they_read_it() {
    let young = PersonProfile { birth_date: Private::new("2010-04-01".into()), ..person("A", "a@example.com", Language::En) };
    let dead = PersonProfile { deceased: true, ..person("A", "a@example.com", Language::En) };
    let said = |who: &PersonProfile| later(MailKind::Notice, NoticeKind::First, who, &[], &[card("1", "Visa", "8431", 1)]).text;
    assert!(said(&young).open().contains("for their parent or guardian to read"));
    assert!(said(&dead).open().contains("We offer our condolences"));
    assert!(!said(&person("A", "a@example.com", Language::En)).open().contains("guardian"));
}
