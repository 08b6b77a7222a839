//! What the store promises on every database. Each case gets an empty place of its own.

use std::collections::BTreeSet;

use kintsugi_case::{
    Attack, AttackSample, AttackShape, Channel, Conservation, ExposedRecord, Fact, FactKind, FactValue, FieldMeaning, Language,
    NoticeKind, NoticeNumber, NoticeState, PersonId, Phase, Private, RemedyKind, RemedySpec, RemedyTo, ShownRow, ShownStatement,
    StoreSpec, Urgency, Verdict,
};
use kintsugi_store::{
    AnswerDraft, AnswerKept, Edition, Error, FieldCount, FollowUp, Hold, LinkTarget, NotApproved, Outcome, Pause, PersonFilter,
    PlanContent, Planned, RedeemRequest, Redemption, ReplyKept, Report, Reported, Store, Waiting,
};

pub(crate) use crate::letters::*;

use crate::case::{DRAFT, NOW, Place, Someone, basis, everybody, exposed, freeze, seal};

/// Calls a macro with the name of every case.
macro_rules! every_case {
    ($on_each:ident) => {
        $on_each! {
            opens_again
            a_frozen_version_reads_back
            a_freeze_that_is_dropped_leaves_nothing
            persons_keep_their_numbers_when_the_scope_changes
            counts_persons_records_and_fields
            finds_and_lists_persons
            plans_each_affected_person_once
            leases_are_never_shared
            who_can_be_robbed_now_is_told_first
            persons_frozen_before_there_were_urgencies_are_told
            outcomes_are_written_down
            reports_move_notices_and_nobody_can_forge_them
            a_dead_address_gives_way_to_the_next_and_then_to_a_letter
            a_later_version_does_not_begin_with_a_dead_address
            a_letter_is_in_one_batch
            a_batch_that_was_not_written_is_found_again
            what_the_print_shop_says_is_taken_once
            mail_that_came_back_becomes_a_letter_once
            a_letter_that_came_back_goes_out_again_to_an_address_that_was_given
            who_was_told_by_letter_keeps_no_stale_answer
            the_check_of_letters_finds_what_was_tampered_with
            what_follows_goes_once_to_who_was_told
            what_was_frozen_is_sealed
            replies_are_kept_once_and_answered_once
            a_dead_sender_leaves_unknown_notices
            a_clock_that_is_set_back_holds_nobody_up
            the_check_of_the_outbox_finds_what_was_tampered_with
            a_second_version_tells_whom_it_concerns
            nobody_keeps_a_stale_answer
            refused_notices_alone_are_sent_again
            a_plan_is_approved_by_somebody_else
            sending_is_paused_and_goes_on
            people_decide_about_single_notices
            whatever_happens_the_sum_holds
            a_notice_is_found_by_its_number
            links_lead_to_their_person_alone
            each_entitled_person_gets_one_right
            a_coupon_is_redeemed_once_whatever_runs_at_the_same_time
            a_repeated_request_gets_the_first_answer
            facts_keep_their_history
            documents_keep_their_versions_and_their_facts
            a_version_keeps_its_picture_of_the_attack
            jobs_are_taken_once
            staff_and_api_keys_are_known_by_hash
            the_audit_log_shows_tampering
            what_is_appended_is_never_changed
        }
    };
}
pub(crate) use every_case;

pub(crate) async fn opens_again(place: Place) {
    let store = place.open().await;
    freeze(&store, "one", &everybody(2)).await;
    store.close().await;
    assert_eq!(place.open().await.newest_scope().await.unwrap().unwrap().number, 1);
}

pub(crate) async fn a_frozen_version_reads_back(place: Place) {
    let store = place.open().await;
    assert_eq!(store.newest_scope().await.unwrap(), None);
    assert!(store.person(PersonId(1)).await.unwrap().is_none());
    // More persons than a statement has rows.
    let people: Vec<Someone> =
        everybody(1203).into_iter().map(|p| if p.id == 7 { p.records(&["7", "x\"7"]) } else { p }).collect();
    assert_eq!(freeze(&store, "one", &people).await, 1);
    let version = store.newest_scope().await.unwrap().unwrap();
    assert_eq!((version.number, version.frozen_at_ms, version.digest.as_str()), (1, NOW, "one"));
    assert_eq!(store.scopes().await.unwrap(), [version]);
    assert_eq!(store.bases(1).await.unwrap(), [basis()]);
    for someone in [&people[0], &people[6], &people[1202]] {
        let view = store.person(PersonId(someone.id)).await.unwrap().unwrap();
        assert_eq!((view.scope_version, view.verdict), (1, Some(Verdict::Proved)));
        assert!(view.profile == someone.profile() && view.records == someone.refs());
        let mut expected = someone.exposed();
        expected.iter_mut().for_each(|record| record.literals = "17,\0 1".into());
        assert_eq!(view.exposed, expected);
    }
    let again = store.begin_freeze(DRAFT).await.unwrap();
    assert_eq!(again.commit(seal("one")).await.unwrap(), None, "the same digest changes nothing");
    assert_eq!(store.scopes().await.unwrap().len(), 1);
}

pub(crate) async fn a_freeze_that_is_dropped_leaves_nothing(place: Place) {
    let store = place.open().await;
    let mut half = store.begin_freeze(DRAFT).await.unwrap();
    assert_eq!(half.number(), 1);
    half.bases(&[basis()]).await.unwrap();
    for someone in everybody(501) {
        half.person(PersonId(someone.id), &someone.profile(), &someone.refs(), &someone.exposed()).await.unwrap();
    }
    drop(half);
    assert_eq!(store.newest_scope().await.unwrap(), None);
    assert_eq!(freeze(&store, "whole", &everybody(2)).await, 1);
    assert_eq!(store.scope_counts(1).await.unwrap().persons, 2);
}

pub(crate) async fn persons_keep_their_numbers_when_the_scope_changes(place: Place) {
    let store = place.open().await;
    freeze(&store, "one", &[Someone::new(1).records(&["a"]), Someone::new(2).records(&["b"]), Someone::new(3).records(&["c"])])
        .await;
    // A record in front renumbers everybody in `resolve`; the last two turn out to be one person.
    let people = [Someone::new(1).records(&["new"]), Someone::new(2).records(&["a"]), Someone::new(3).records(&["c", "b"])];
    freeze(&store, "two", &people).await;
    let key_of = async |id| store.person(PersonId(id)).await.unwrap().map(|view| view.records[0].key.clone());
    assert_eq!(key_of(1).await.as_deref(), Some("a"));
    assert_eq!(key_of(2).await.as_deref(), Some("c"));
    assert_eq!(key_of(3).await, None);
    assert_eq!(key_of(4).await.as_deref(), Some("new"));
}

pub(crate) async fn counts_persons_records_and_fields(place: Place) {
    let store = place.open().await;
    let mut freeze = store.begin_freeze(DRAFT).await.unwrap();
    let mut person = async |id, exposed: &[_]| {
        let someone = Someone::new(id).records(&["a", "b"]);
        freeze.person(PersonId(id), &someone.profile(), &someone.refs(), exposed).await.unwrap();
    };
    let (proved, possible, excluded) = (Verdict::Proved, Verdict::Possible, Verdict::Excluded);
    // One record by two bases counts once, at its strongest.
    person(1, &[exposed("a", possible), exposed("a", proved), exposed("b", possible)]).await;
    person(2, &[exposed("a", excluded)]).await;
    person(3, &[]).await;
    // What is no personal data affects nobody.
    let mut brand = exposed("a", proved);
    brand.fields = vec![FieldMeaning::CardBrand];
    person(4, &[brand]).await;
    freeze.commit(seal("one")).await.unwrap().unwrap();
    let counts = store.scope_counts(1).await.unwrap();
    assert_eq!((counts.persons, counts.records), (4, 8));
    assert_eq!(counts.persons_by_verdict, [(proved, 1), (excluded, 1)]);
    assert_eq!(counts.records_by_verdict, [(proved, 2), (possible, 1), (excluded, 1)]);
    let field = |field, verdict, records, persons| FieldCount { field, verdict, records, persons };
    let card = |meaning| [field(meaning, proved, 1, 1), field(meaning, possible, 1, 0), field(meaning, excluded, 1, 1)];
    let mut expected = [card(FieldMeaning::CardNumber), card(FieldMeaning::CardExpiry)].concat();
    expected.push(field(FieldMeaning::CardBrand, proved, 1, 1));
    assert_eq!(store.field_counts(1).await.unwrap(), expected);
    assert_eq!(store.plan_notices(1, NOW).await.unwrap(), Planned { new: 1, no_address: 0 });
}

pub(crate) async fn finds_and_lists_persons(place: Place) {
    let store = place.open().await;
    let mut people = everybody(9);
    people[3] = Someone::new(4).mail("person3@example.jp").with(Verdict::Possible);
    people[4] = Someone::new(5).mail("").with(None);
    let scope = freeze(&store, "one", &people).await;
    assert_eq!(store.persons_with_mail(" Person3@Example.JP ").await.unwrap(), [PersonId(3), PersonId(4)]);
    assert_eq!(store.persons_with_mail("").await.unwrap(), []);
    store.plan_notices(scope, NOW).await.unwrap();
    let list = async |filter: PersonFilter, after, limit| {
        let count = store.count_persons(&filter).await.unwrap();
        let lines = store.list_persons(&filter, PersonId(after), limit).await.unwrap();
        (lines.iter().map(|line| line.id.0).collect::<Vec<_>>(), count)
    };
    let all = PersonFilter::default();
    assert_eq!(list(all.clone(), 0, 3).await, (vec![1, 2, 3], 9));
    assert_eq!(list(all.clone(), 7, 3).await, (vec![8, 9], 9));
    assert_eq!(list(PersonFilter { verdict: Some(Verdict::Possible), ..all.clone() }, 0, 9).await, (vec![4], 1));
    assert_eq!(list(PersonFilter { notice: Some(NoticeState::Intended), ..all.clone() }, 6, 9).await, (vec![7, 8, 9], 8));
    let mail = Some(Private::new("person3@example.jp".to_owned()));
    assert_eq!(list(PersonFilter { mail, ..all.clone() }, 0, 9).await, (vec![3, 4], 2));
    assert_eq!(list(PersonFilter { mail: Some(Private::default()), ..all.clone() }, 0, 9).await, (vec![], 0));
    let line = &store.list_persons(&all, PersonId(4), 1).await.unwrap()[0];
    assert_eq!(
        (line.name.open().as_str(), line.verdict, line.records, line.exposed, line.notice),
        ("山田 花子5", None, 1, 0, None)
    );
}

pub(crate) async fn plans_each_affected_person_once(place: Place) {
    let store = place.open().await;
    let mut people = everybody(6);
    people[1] = Someone::new(2).mail("");
    people[2] = Someone::new(3).with(Verdict::Excluded);
    people[3] = Someone::new(4).with(None);
    people[4] = Someone::new(5).with(Verdict::Possible);
    let scope = freeze(&store, "one", &people).await;
    assert!(!store.conservation(scope).await.unwrap().holds(), "nobody is planned yet, and it shows");
    let (one, other) = tokio::join!(store.plan_notices(scope, NOW), store.plan_notices(scope, NOW));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!((one.new + other.new, one.no_address + other.no_address), (3, 1));
    assert_eq!(store.plan_notices(scope, NOW).await.unwrap(), Planned::default());
    let line = Conservation { persons: 4, waiting: 3, no_address: 1, ..Conservation::default() };
    assert_eq!(store.conservation(scope).await.unwrap(), line);
    let notices = store.list_notices(scope, None, 0, 10).await.unwrap();
    let listed: Vec<_> = notices.iter().map(|notice| (notice.serial, notice.person.0, notice.state.name())).collect();
    assert_eq!(listed, [(1, 1, "intended"), (2, 2, "no_address"), (3, 6, "intended"), (4, 5, "intended")]);
    assert!(notices.iter().all(|notice| notice.events.len() == 1 && notice.events[0].state == notice.state));
}

pub(crate) async fn who_can_be_robbed_now_is_told_first(place: Place) {
    let store = place.open().await;
    let mut freeze = store.begin_freeze(DRAFT).await.unwrap();
    freeze.bases(&[basis()]).await.unwrap();
    use FieldMeaning::{CardCode, CardNumber, PersonAddress};
    let taken: [(&[FieldMeaning], Verdict); 6] = [
        (&[PersonAddress], Verdict::Possible),
        (&[CardNumber, CardCode], Verdict::Possible),
        (&[PersonAddress], Verdict::Proved),
        (&[CardNumber], Verdict::Proved),
        (&[CardNumber, CardCode], Verdict::Proved),
        (&[CardNumber, CardCode], Verdict::Excluded),
    ];
    for (id, (fields, verdict)) in (1..).zip(taken) {
        let (someone, fields) = (Someone::new(id), fields.to_vec());
        let exposed = ExposedRecord { fields, ..exposed(&id.to_string(), verdict) };
        freeze.person(PersonId(id), &someone.profile(), &someone.refs(), &[exposed]).await.unwrap();
    }
    let scope = freeze.commit(seal("one")).await.unwrap().unwrap().number;
    store.plan_notices(scope, NOW).await.unwrap();
    assert_eq!(send_all(&store, scope).await, [5, 4, 3, 2, 1]);
    let turns = Urgency::ALL.map(|urgency| (Some(urgency), 1));
    assert_eq!(store.urgencies(scope).await.unwrap(), turns);
    assert!(store.conservation(scope).await.unwrap().is_complete());
}

pub(crate) async fn persons_frozen_before_there_were_urgencies_are_told(place: Place) {
    let store = place.open().await;
    let scope = freeze(&store, "one", &[Someone::new(1).with(Verdict::Possible), Someone::new(2), Someone::new(3)]).await;
    let raw = place.raw().await;
    for sql in match &place.spec {
        StoreSpec::Sqlite => ["DROP TRIGGER person_refuses_UPDATE", "UPDATE person SET urgency = 0 WHERE id < 3"],
        StoreSpec::Postgres(_) => ["ALTER TABLE person DISABLE TRIGGER ALL", "UPDATE person SET urgency = 0 WHERE id < 3"],
    } {
        sqlx::query(sql).execute(&raw).await.unwrap();
    }
    store.plan_notices(scope, NOW).await.unwrap();
    assert_eq!(send_all(&store, scope).await, [3, 2, 1]);
}

pub(crate) async fn leases_are_never_shared(place: Place) {
    let store = place.open().await;
    let scope = freeze(&store, "one", &everybody(300)).await;
    store.plan_notices(scope, NOW).await.unwrap();
    let workers: Vec<_> = (0..8)
        .map(|worker| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut serials = Vec::new();
                loop {
                    let leased = store.lease_notices(scope, 16, &format!("worker {worker}"), NOW + 60_000, NOW).await.unwrap();
                    if leased.is_empty() {
                        return serials;
                    }
                    serials.extend(leased.iter().map(|notice| notice.serial));
                }
            })
        })
        .collect();
    let mut all = Vec::new();
    for worker in workers {
        all.extend(worker.await.unwrap());
    }
    all.sort_unstable();
    assert_eq!(all, (1..=300).collect::<Vec<_>>());
}

pub(crate) async fn outcomes_are_written_down(place: Place) {
    let store = place.open().await;
    let mut people = everybody(5);
    people[4] = people[4].clone().with(Verdict::Possible);
    let scope = freeze(&store, "one", &people).await;
    store.plan_notices(scope, NOW).await.unwrap();
    let leased = store.lease_notices(scope, 4, "me", NOW + 60_000, NOW).await.unwrap();
    assert_eq!(leased.iter().map(|notice| notice.serial).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!((leased[0].number, leased[0].attempts), (NoticeNumber::new(2013, 1), 0));
    assert!(leased[0].profile == people[0].profile() && leased[0].exposed == people[0].exposed());
    let outcomes = [
        (1, Outcome::Accepted { reply: "250 ok".into() }),
        (2, Outcome::Refused { reply: "550 no such user".into() }),
        (3, Outcome::Unknown { why: "closed after the data".into() }),
        (4, Outcome::NotSent { why: "connection refused".into(), retry_at_ms: NOW + 5000 }),
    ];
    store.record_outcomes(&outcomes, NOW + 10).await.unwrap();
    store.record_outcomes(&[], NOW + 10).await.unwrap();
    let line = Conservation { persons: 5, accepted: 1, refused: 1, unknown: 1, waiting: 2, ..Conservation::default() };
    assert_eq!(store.conservation(scope).await.unwrap(), line);
    let first = &store.notices_of(PersonId(1)).await.unwrap()[0];
    let events: Vec<_> =
        first.events.iter().map(|event| (event.at_ms - NOW, event.state.name(), event.detail.as_str())).collect();
    assert_eq!(events, [(0, "intended", ""), (0, "sending", "me"), (10, "accepted", "250 ok")]);
    // What was not sent waits for its time; what is unknown is never taken again.
    let next = async |now| {
        let leased = store.lease_notices(scope, 9, "me", NOW + 60_000, now).await.unwrap();
        leased.iter().map(|notice| (notice.serial, notice.attempts)).collect::<Vec<_>>()
    };
    assert_eq!(next(NOW + 20).await, [(5, 0)]);
    assert_eq!(store.next_retry_at(scope).await.unwrap(), Some(NOW + 5000));
    assert_eq!(next(NOW + 5000).await, [(4, 1)]);
    assert_eq!(store.next_retry_at(scope).await.unwrap(), None);
    let missing = store.record_outcomes(&[(99, Outcome::Accepted { reply: String::new() })], NOW).await;
    assert!(matches!(missing, Err(Error::NoNotice { serial: 99 })));
}

pub(crate) async fn reports_move_notices_and_nobody_can_forge_them(place: Place) {
    let store = place.open().await;
    freeze(&store, "one", &everybody(3)).await;
    store.plan_notices(1, NOW).await.unwrap();
    let leased = store.lease_notices(1, 3, "worker", NOW + 1000, NOW).await.unwrap();
    let outcomes = [
        (leased[0].serial, Outcome::Accepted { reply: "250".into() }),
        (leased[1].serial, Outcome::Unknown { why: "gone".into() }),
        (leased[2].serial, Outcome::Unknown { why: "gone".into() }),
    ];
    store.record_outcomes(&outcomes, NOW).await.unwrap();
    let code = |at: usize| store.return_code(leased[at].serial, 0);
    let report = async |at: usize, code: &str, report, detail| {
        store.record_report(leased[at].number, code, report, detail, NOW + 1).await.unwrap()
    };
    let (refused, accepted) = (Report::Refused, Report::Arrived);
    assert_eq!(report(0, &code(1), refused, "hard").await, Reported::Foreign, "another notice's code");
    assert_eq!(report(0, &code(0), Report::Said, "delayed").await, Reported::Noted(NoticeState::Accepted));
    assert_eq!(report(0, &code(0), refused, "hard").await, Reported::Moved(NoticeState::Refused));
    assert_eq!(report(0, &code(0), refused, "hard").await, Reported::Known);
    assert_eq!(
        report(0, &code(0), accepted, "away").await,
        Reported::Noted(NoticeState::Refused),
        "what came back did not arrive"
    );
    assert_eq!(report(1, &code(1), accepted, "delivered").await, Reported::Moved(NoticeState::Accepted));
    assert_eq!(report(2, &code(2), refused, "hard").await, Reported::Moved(NoticeState::Refused));
    let line = store.conservation(1).await.unwrap();
    assert!(line.holds() && (line.accepted, line.refused, line.unknown) == (1, 2, 0), "{line:?}");
}

/// Sends what waits; every mail is taken.
async fn send(store: &Store, scope: u32) -> Vec<kintsugi_store::Leased> {
    let leased = store.lease_notices(scope, 100, "worker", NOW + 1000, NOW).await.unwrap();
    let outcomes: Vec<_> = leased.iter().map(|one| (one.serial, Outcome::Accepted { reply: "250".into() })).collect();
    store.record_outcomes(&outcomes, NOW).await.unwrap();
    leased
}

/// What a report about the mail that this letter was does.
async fn report(store: &Store, letter: &kintsugi_store::Leased, report: Report, detail: &str) -> Reported {
    let code = store.return_code(letter.serial, letter.contact);
    store.record_report(letter.number, &code, report, detail, NOW + 1).await.unwrap()
}

pub(crate) async fn a_dead_address_gives_way_to_the_next_and_then_to_a_letter(place: Place) {
    let store = place.open().await;
    let people = [Someone::new(1).mail("old@example.jp new@example.jp"), Someone::new(2), Someone::new(3)];
    freeze(&store, "one", &people).await;
    store.plan_notices(1, NOW).await.unwrap();
    let first = send(&store, 1).await;
    assert_eq!(first[0].profile.email.open(), "old@example.jp");
    for address in ["old@example.jp", "New@Example.jp"] {
        assert_eq!(store.persons_with_mail(address).await.unwrap(), [PersonId(1)], "{address}");
        let filter = PersonFilter { mail: Some(Private::new(address.into())), ..PersonFilter::default() };
        assert_eq!(store.count_persons(&filter).await.unwrap(), 1, "{address}");
    }

    // Who has another address gets a new attempt under the same number; a late second report of the first changes nothing.
    assert_eq!(report(&store, &first[0], Report::Dead, "hard bounce: 5.1.1").await, Reported::Moved(NoticeState::Intended));
    assert_eq!(report(&store, &first[0], Report::Dead, "hard bounce: again").await, Reported::Noted(NoticeState::Intended));
    let second = send(&store, 1).await;
    assert_eq!(second.len(), 1, "nobody else is told again");
    assert_eq!((second[0].number, second[0].profile.email.open().as_str()), (first[0].number, "new@example.jp"));
    assert_eq!(report(&store, &first[0], Report::Dead, "hard bounce: late").await, Reported::Noted(NoticeState::Accepted));
    assert_eq!(report(&store, &second[0], Report::Dead, "hard bounce: 5.1.1").await, Reported::Moved(NoticeState::NoAddress));

    // Full once: it waits for a person. Full again at the same address: a letter.
    assert_eq!(report(&store, &first[1], Report::Failed, "mailbox full").await, Reported::Moved(NoticeState::Refused));
    let (number, notices) = store.resend_refused(1, "m.sato", NOW + 2).await.unwrap();
    assert_eq!((number, notices), (1, 1));
    let again = send(&store, 1).await;
    assert_eq!(report(&store, &again[0], Report::Failed, "mailbox full").await, Reported::Moved(NoticeState::NoAddress));

    // Refused for what it is: for a person to mend, wherever else there would be an address.
    assert_eq!(report(&store, &first[2], Report::Refused, "refused by policy").await, Reported::Moved(NoticeState::Refused));
    let line = store.conservation(1).await.unwrap();
    assert!(line.holds() && (line.no_address, line.refused) == (2, 1), "{line:?}");
    assert_eq!(store.turned_into_letters(1).await.unwrap(), 2);
    let check = store.check_outbox().await.unwrap();
    assert!(check.holds(), "{check:?}");
}

pub(crate) async fn a_later_version_does_not_begin_with_a_dead_address(place: Place) {
    let store = place.open().await;
    let people = [Someone::new(1).mail("old@example.jp new@example.jp"), Someone::new(2)];
    freeze(&store, "one", &people).await;
    store.plan_notices(1, NOW).await.unwrap();
    let leased = store.lease_notices(1, 9, "worker", NOW + 1000, NOW).await.unwrap();
    let dead = |at: usize| (leased[at].serial, Outcome::Undeliverable { reply: "550 5.1.1 nobody".into() });
    store.record_outcomes(&[dead(0), dead(1)], NOW).await.unwrap();
    let line = store.conservation(1).await.unwrap();
    assert!(line.holds() && (line.waiting, line.no_address) == (1, 1), "{line:?}");
    freeze(&store, "two", &people).await;
    assert_eq!(store.plan_notices(2, NOW).await.unwrap(), Planned { new: 1, no_address: 1 });
    assert_eq!(send(&store, 2).await[0].profile.email.open(), "new@example.jp");
    assert!(store.check_outbox().await.unwrap().holds());
}

pub(crate) async fn what_was_frozen_is_sealed(place: Place) {
    let store = place.open().await;
    freeze(&store, "one", &everybody(1203)).await;
    freeze(&store, "two", &[everybody(5), vec![Someone::new(9).mail("a@example.jp b@example.jp")]].concat()).await;
    assert_eq!(store.content_holds(1).await.unwrap(), Some(true));
    assert_eq!(store.content_holds(2).await.unwrap(), Some(true));
    assert_eq!(store.content_holds(3).await.unwrap(), None);
    let raw = place.raw().await;
    // Whoever owns the database can take the triggers away first.
    let tampered = [
        "INSERT INTO exposed_record SELECT scope_version, person, place + 1, source, source_table, 'x', fields, source_columns, \
         verdict, basis, evidence, line, at_ms, observed_bytes, predicted_bytes, detail FROM exposed_record \
         WHERE scope_version = 1 AND person = 7",
        "INSERT INTO person_record SELECT scope_version, person, place + 1, source, source_table, 'x', linked_by \
         FROM person_record WHERE scope_version = 2 AND person = 2",
    ];
    sqlx::query(tampered[1]).execute(&raw).await.unwrap();
    assert_eq!(store.content_holds(2).await.unwrap(), Some(false));
    assert_eq!(store.content_holds(1).await.unwrap(), Some(true));
    // What was sealed for one place does not open in another.
    sqlx::query(tampered[0]).execute(&raw).await.unwrap();
    assert_eq!(store.content_holds(1).await.unwrap(), Some(false));
}

pub(crate) async fn what_follows_goes_once_to_who_was_told(place: Place) {
    let store = place.open().await;
    let people = [Someone::new(1), Someone::new(2), Someone::new(3), Someone::new(4).mail("")];
    freeze(&store, "one", &people).await;
    let remedy =
        RemedySpec { kind: RemedyKind::Coupon, amount: 3000, currency: "JPY".into(), to: RemedyTo::Affected, until: None };
    store.issue_rights(1, "coupon-1", &remedy, Some(NOW + 1000), NOW).await.unwrap();
    let reminder = |ends_by_ms| FollowUp::Reminder { ends_by_ms };
    assert_eq!(store.plan_follow_ups(1, FollowUp::Closing, NOW).await.unwrap(), 0, "nobody was told yet");
    store.plan_notices(1, NOW).await.unwrap();
    let first = send(&store, 1).await;
    report(&store, &first[2], Report::Refused, "refused by policy").await;

    assert_eq!(store.plan_follow_ups(1, reminder(NOW + 999), NOW).await.unwrap(), 0, "no right ends so soon");
    assert_eq!(store.plan_follow_ups(1, reminder(NOW + 1000), NOW).await.unwrap(), 2, "who was told, and has a right");
    assert_eq!(store.plan_follow_ups(1, reminder(NOW + 1000), NOW).await.unwrap(), 0, "once");
    assert_eq!(send(&store, 1).await.len(), 0, "the notices' sender does not take reminders");
    let after = (0, Waiting::FollowUp(Channel::Reminder));
    let leased = store.lease_notices_after(1, after, 9, "worker", NOW + 1000, NOW).await.unwrap();
    assert_eq!(leased.iter().map(|one| one.person.0).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(leased[0].before.as_ref().unwrap().number, first[0].number);
    assert_ne!((leased[0].number, &leased[0].link_code), (first[0].number, &first[0].link_code));
    let accepted = |at: usize| (leased[at].serial, Outcome::Accepted { reply: "250".into() });
    store.record_outcomes(&[accepted(0), accepted(1)], NOW).await.unwrap();
    // A reminder that comes back goes nowhere else, and the notice stands as it stood.
    assert_eq!(report(&store, &leased[0], Report::Dead, "hard bounce").await, Reported::Moved(NoticeState::Refused));
    let line = store.conservation(1).await.unwrap();
    assert!(line.holds() && (line.persons, line.accepted, line.refused, line.no_address) == (4, 2, 1, 1), "{line:?}");

    assert_eq!(store.plan_follow_ups(1, FollowUp::Closing, NOW).await.unwrap(), 2);
    let line = store.follow_up_line(1, Channel::Closing).await.unwrap();
    assert_eq!((line.persons, line.waiting), (2, 2));
    let after = (0, Waiting::FollowUp(Channel::Closing));
    let closing = store.lease_notices_after(1, after, 9, "worker", NOW + 1000, NOW).await.unwrap();
    let accepted = |at: usize| (closing[at].serial, Outcome::Accepted { reply: "250".into() });
    store.record_outcomes(&[accepted(0), accepted(1)], NOW).await.unwrap();
    // A later version that says the same to them closes nothing again.
    freeze(&store, "two", &people).await;
    assert_eq!(store.plan_follow_ups(2, FollowUp::Closing, NOW).await.unwrap(), 0);
    let check = store.check_outbox().await.unwrap();
    assert!(check.holds(), "{check:?}");
}

pub(crate) async fn replies_are_kept_once_and_answered_once(place: Place) {
    let store = place.open().await;
    freeze(&store, "one", &everybody(1)).await;
    store.plan_notices(1, NOW).await.unwrap();
    let letter = send(&store, 1).await.remove(0);
    let said = |text: &str| kintsugi_store::ReplyDraft {
        number: Some(letter.number),
        from: Private::new("Hanako <a@b.example>".into()),
        subject: Private::new("Re".into()),
        text: Private::new(text.into()),
        attachments: 1,
    };
    assert_eq!(store.put_reply(&said("why me?"), NOW).await.unwrap(), ReplyKept::New);
    assert_eq!(store.put_reply(&said("why me?"), NOW + 1).await.unwrap(), ReplyKept::Known);
    let stranger = kintsugi_store::ReplyDraft { number: None, ..said("spam") };
    assert_eq!(store.put_reply(&stranger, NOW).await.unwrap(), ReplyKept::New);
    let words = Private::new("Only the card.".to_owned());
    let draft = |form| AnswerDraft { reply: 1, who: "m.sato", words: &words, form, job: None };
    let queued = AnswerDraft { job: Some("answer"), ..draft(Some("form 1")) };
    assert_eq!(store.put_answer(&queued, NOW).await.unwrap(), AnswerKept::ToSend(1));
    let job = store.take_job("worker", NOW + 9, NOW).await.unwrap().unwrap();
    assert_eq!((job.kind.as_str(), job.payload.open().as_str()), ("answer", "1"));
    assert_eq!(store.put_answer(&queued, NOW).await.unwrap(), AnswerKept::Known(1), "a form is sent twice");
    assert_eq!(store.jobs_waiting().await.unwrap(), 1);
    assert_eq!(store.put_answer(&draft(Some("form 2")), NOW).await.unwrap(), AnswerKept::ToSend(1), "it has not left yet");
    assert!(store.take_answer(1).await.unwrap());
    assert!(!store.take_answer(1).await.unwrap(), "one sender has it in hand");
    assert_eq!(store.put_answer(&draft(None), NOW).await.unwrap(), AnswerKept::Known(1), "it may have left");
    store.end_answer(1, NoticeState::Intended, "the server is away").await.unwrap();
    assert!(store.take_answer(1).await.unwrap(), "it certainly did not leave");
    store.end_answer(1, NoticeState::Refused, "550").await.unwrap();
    assert_eq!(store.put_answer(&queued, NOW).await.unwrap(), AnswerKept::Known(1), "the form was used");
    let AnswerKept::ToSend(second) = store.put_answer(&draft(None), NOW).await.unwrap() else { panic!("it did not leave") };
    let view = store.answer(second).await.unwrap().unwrap();
    assert_eq!((view.reply, view.state, &view.words), (1, NoticeState::Intended, &words));
    assert_eq!(store.replies_of(PersonId(1), 9).await.unwrap().len(), 1);
    assert!(store.replies_of(PersonId(2), 9).await.unwrap().is_empty() && store.reply(9).await.unwrap().is_none());
    let replies = store.replies(0, 9).await.unwrap();
    assert_eq!(
        replies.iter().map(|one| (one.number, one.answers.len())).collect::<Vec<_>>(),
        [(Some(letter.number), 2), (None, 0)]
    );
    assert_eq!((replies[0].text.open().as_str(), replies[0].person), ("why me?", Some(PersonId(1))));
    assert!(store.knows_return_code(letter.number, &store.return_code(letter.serial, 2)));
    assert!(!store.knows_return_code(letter.number, "aaaaaaaaaa"));
}

pub(crate) async fn a_dead_sender_leaves_unknown_notices(place: Place) {
    let store = place.open().await;
    let scope = freeze(&store, "one", &everybody(3)).await;
    store.plan_notices(scope, NOW).await.unwrap();
    store.lease_notices(scope, 1, "dead", NOW + 100, NOW).await.unwrap();
    store.lease_notices(scope, 1, "alive", NOW + 900, NOW).await.unwrap();
    assert_eq!(store.reap_leases(NOW + 99).await.unwrap(), 0);
    assert_eq!(store.reap_leases(NOW + 100).await.unwrap(), 1);
    // The sender was only slow: what it says is kept, but a person settles where the notice stands.
    store.record_outcomes(&[(1, Outcome::Accepted { reply: "250 ok".into() })], NOW + 101).await.unwrap();
    let first = &store.notices_of(PersonId(1)).await.unwrap()[0];
    assert_eq!(first.state, NoticeState::Unknown);
    assert_eq!(first.events.last().unwrap().detail, "too late: accepted (250 ok)");
    assert_eq!(store.reap_all_leases(NOW + 102).await.unwrap(), 1);
    let line = Conservation { persons: 3, unknown: 2, waiting: 1, ..Conservation::default() };
    assert_eq!(store.conservation(scope).await.unwrap(), line);
}

pub(crate) async fn a_clock_that_is_set_back_holds_nobody_up(place: Place) {
    let store = place.open().await;
    let scope = freeze(&store, "one", &everybody(3)).await;
    store.plan_notices(scope, NOW).await.unwrap();
    store.lease_notices(scope, 2, "me", NOW + 60_000, NOW).await.unwrap();
    let not_sent = Outcome::NotSent { why: "no room".into(), retry_at_ms: NOW + 4000 };
    store.record_outcomes(&[(1, not_sent)], NOW).await.unwrap();
    let back = NOW - 3_600_000;
    // 1 is not held up for an hour; 2 is still in a living sender's hand; and nobody is sent twice.
    assert_eq!(store.reap_leases(back).await.unwrap(), 0);
    let leased = store.lease_notices(scope, 10, "me", back + 60_000, back).await.unwrap();
    assert_eq!(leased.iter().map(|notice| notice.serial).collect::<Vec<_>>(), [1, 3]);
    assert!(store.lease_notices(scope, 10, "you", back + 60_000, back).await.unwrap().is_empty());
    let accepted = |serial| (serial, Outcome::Accepted { reply: "250".into() });
    store.record_outcomes(&[accepted(1), accepted(2), accepted(3)], back).await.unwrap();
    assert!(store.conservation(scope).await.unwrap().is_complete());
    assert!(store.check_outbox().await.unwrap().holds());
}

pub(crate) async fn the_check_of_the_outbox_finds_what_was_tampered_with(place: Place) {
    let store = place.open().await;
    let scope = freeze(&store, "one", &everybody(4)).await;
    store.plan_notices(scope, NOW).await.unwrap();
    send_all(&store, scope).await;
    let check = store.check_outbox().await.unwrap();
    assert_eq!((check.holds(), check.notices, check.events, check.compared), (true, 4, 12, 4));
    let raw = place.raw().await;
    for sql in ["UPDATE notice SET state = 'refused' WHERE serial = 1", "DELETE FROM notice WHERE serial = 2"] {
        sqlx::query(sql).execute(&raw).await.unwrap();
    }
    sqlx::query("UPDATE notice SET told = $1 WHERE serial = 3").bind(vec![1_u8; 16]).execute(&raw).await.unwrap();
    let sql = "INSERT INTO notice_event (serial, at_ms, state, detail) VALUES (4, 1, 'sending', 'me')";
    sqlx::query(sql).execute(&raw).await.unwrap();
    let faults = store.check_outbox().await.unwrap().faults;
    for said in [
        "notice 4 went from `accepted` to `sending` without a decision",
        "notice 1 stands at `refused`, and its history says `accepted`",
        "notice 3 was planned for other content than version 1 holds of its person",
        "1 notices are gone whose history is there",
        "version 1: 4 persons = 3 accounted for + 1 without a notice",
    ] {
        assert!(faults.iter().any(|fault| fault == said), "{said}: {faults:?}");
    }
}

/// Sends everything that waits.
async fn send_all(store: &Store, scope: u32) -> Vec<u64> {
    let leased = store.lease_notices(scope, 1000, "me", NOW + 60_000, NOW).await.unwrap();
    let outcomes: Vec<_> = leased.iter().map(|notice| (notice.serial, Outcome::Accepted { reply: "250 ok".into() })).collect();
    store.record_outcomes(&outcomes, NOW).await.unwrap();
    leased.iter().map(|notice| notice.person.0).collect()
}

pub(crate) async fn a_second_version_tells_whom_it_concerns(place: Place) {
    let store = place.open().await;
    let one =
        freeze(&store, "one", &[Someone::new(1), Someone::new(2).with(Verdict::Possible), Someone::new(3).with(None)]).await;
    store.plan_notices(one, NOW).await.unwrap();
    assert_eq!(send_all(&store, one).await, [1, 2]);
    // 1 stays as it was, 2 is proved now, 3 is new.
    let two = freeze(&store, "two", &everybody(3)).await;
    assert_eq!(store.plan_notices(two, NOW).await.unwrap(), Planned { new: 2, no_address: 0 });
    let line = Conservation { persons: 3, accepted: 1, waiting: 2, ..Conservation::default() };
    assert_eq!(store.conservation(two).await.unwrap(), line);
    assert_eq!(send_all(&store, two).await, [2, 3]);
    assert!(store.conservation(two).await.unwrap().is_complete());
    // Back to what 2 was told at first: that is news again.
    let three = freeze(&store, "three", &[Someone::new(1), Someone::new(2).with(Verdict::Possible), Someone::new(3)]).await;
    assert_eq!(store.plan_notices(three, NOW).await.unwrap(), Planned { new: 1, no_address: 0 });
    assert_eq!(send_all(&store, three).await, [2]);
    assert_eq!(store.notices_of(PersonId(2)).await.unwrap().len(), 3);
}

pub(crate) async fn nobody_keeps_a_stale_answer(place: Place) {
    let store = place.open().await;
    let possible = |id| Someone::new(id).with(Verdict::Possible);
    let one = [Someone::new(1), possible(2), Someone::new(3), Someone::new(4), Someone::new(5).with(None)];
    let one = freeze(&store, "one", &one).await;
    store.plan_notices(one, NOW).await.unwrap();
    // 1 to 3 are told; 4's server refuses; 5 is not affected.
    let leased = store.lease_notices(one, 1000, "me", NOW + 60_000, NOW).await.unwrap();
    let ended = |person: PersonId| match person.0 {
        4 => Outcome::Refused { reply: "550".into() },
        3 => Outcome::Unknown { why: "no answer".into() },
        _ => Outcome::Accepted { reply: "250".into() },
    };
    let outcomes: Vec<_> = leased.iter().map(|notice| (notice.serial, ended(notice.person))).collect();
    store.record_outcomes(&outcomes, NOW).await.unwrap();
    // Now: 1 less sure, 2 surer, 3 and 4 cleared, 5 new.
    let two = [possible(1), Someone::new(2), Someone::new(3).with(None), Someone::new(4).with(None), Someone::new(5)];
    let two = freeze(&store, "two", &two).await;
    store.plan_notices(two, NOW).await.unwrap();
    assert_eq!(store.plan_notices(two, NOW).await.unwrap(), Planned::default());
    let cleared = store.conservation_of_cleared(two).await.unwrap();
    assert_eq!(cleared, Conservation { persons: 1, waiting: 1, ..Conservation::default() }, "4 was never told");
    assert!(store.conservation(two).await.unwrap().holds());
    let leased = store.lease_notices(two, 1000, "me", NOW + 60_000, NOW).await.unwrap();
    let said: Vec<_> = leased
        .iter()
        .map(|one| {
            let before = one.before.as_ref().map(|before| (before.number.serial(), before.exposed.len()));
            (one.person.0, one.kind, one.exposed.len(), before)
        })
        .collect();
    let expected = [
        (2, NoticeKind::More, 1, Some((4, 1))),
        (5, NoticeKind::First, 1, None),
        (1, NoticeKind::Less, 1, Some((1, 1))),
        (3, NoticeKind::Cleared, 0, Some((2, 1))),
    ];
    assert_eq!(said, expected);
    let outcomes: Vec<_> = leased.iter().map(|n| (n.serial, Outcome::Accepted { reply: "250".into() })).collect();
    store.record_outcomes(&outcomes, NOW).await.unwrap();
    assert!(store.conservation_of_cleared(two).await.unwrap().is_complete());
    // 3 is cleared still and was told so; 1 is gone from the source.
    let three = [Someone::new(2), Someone::new(3).with(None), Someone::new(5)];
    let three = freeze(&store, "three", &three).await;
    assert_eq!(store.plan_notices(three, NOW).await.unwrap(), Planned::default());
    assert_eq!(store.told_and_gone(three).await.unwrap(), 1);
    assert!(store.conservation_of_cleared(three).await.unwrap().is_complete());
}

pub(crate) async fn refused_notices_alone_are_sent_again(place: Place) {
    let store = place.open().await;
    let scope = freeze(&store, "one", &everybody(4)).await;
    store.plan_notices(scope, NOW).await.unwrap();
    store.lease_notices(scope, 3, "me", NOW + 60_000, NOW).await.unwrap();
    let refused = || Outcome::Refused { reply: "550 no such user".into() };
    let outcomes = [(1, refused()), (2, Outcome::Accepted { reply: "250".into() }), (3, refused())];
    store.record_outcomes(&outcomes, NOW).await.unwrap();
    let (number, notices) = store.resend_refused(scope, "me", NOW + 1).await.unwrap();
    assert_eq!((number, notices), (1, 2));
    let take = || store.lease_notices_after(scope, (0, Waiting::Resend(number)), 10, "me", NOW + 60_000, NOW + 1);
    let serials: Vec<u64> = take().await.unwrap().iter().map(|notice| notice.serial).collect();
    assert_eq!(serials, [1, 3], "4 waits, and was not refused");
    // One that could not be sent yet stays among them.
    let not_sent = Outcome::NotSent { why: "no room".into(), retry_at_ms: 0 };
    store.record_outcomes(&[(1, not_sent), (3, refused())], NOW + 1).await.unwrap();
    assert_eq!(take().await.unwrap().iter().map(|notice| notice.serial).collect::<Vec<_>>(), [1]);
    assert_eq!(store.resend_refused(scope, "me", NOW + 2).await.unwrap(), (2, 1));
}

pub(crate) async fn a_plan_is_approved_by_somebody_else(place: Place) {
    let store = place.open().await;
    let scope = freeze(&store, "one", &everybody(3)).await;
    store.plan_notices(scope, NOW).await.unwrap();
    let content = |store: Store, hash: &'static str, scope: u32| async move {
        let lines = store.plan_lines(scope, Channel::Mail).await.unwrap();
        let words = vec![("notice.ja.txt".to_owned(), hash.to_owned())];
        PlanContent { scope_version: scope, scope_digest: "one".into(), channel: Channel::Mail, words, lines }
    };
    let first = content(store.clone(), "01", scope).await;
    assert_eq!(first.lines.iter().map(|line| line.notices).sum::<u64>(), 3);
    assert_eq!(store.put_plan(&first, "alice", &[], NOW).await.unwrap(), 1);
    assert_eq!(store.put_plan(&first, "alice", &[], NOW + 1).await.unwrap(), 1, "the same plan is one");
    let approve = |number, digest: String, by: &'static str| {
        let store = store.clone();
        async move { store.approve_plan(number, &digest, by, NOW + 2).await.unwrap() }
    };
    assert_eq!(approve(1, first.digest(), " Alice ").await, Err(NotApproved::SamePerson));
    assert_eq!(approve(1, "other".into(), "bob").await, Err(NotApproved::Overtaken));
    assert_eq!(store.approved_plan(Channel::Mail).await.unwrap(), None);
    assert_eq!(approve(1, first.digest(), "bob").await, Ok(()));
    assert_eq!(approve(1, first.digest(), "carol").await, Err(NotApproved::Already));
    let approved = store.approved_plan(Channel::Mail).await.unwrap().unwrap();
    assert_eq!((approved.digest.as_str(), approved.approval.unwrap().by.as_str()), (first.digest().as_str(), "bob"));
    // Another template, another version: another digest.
    let second = content(store.clone(), "02", scope).await;
    assert_eq!(first.changes_to(&second), ["notice.ja.txt is different"]);
    assert_eq!(store.put_plan(&second, "bob", &[], NOW).await.unwrap(), 2);
    assert_eq!(approve(1, first.digest(), "carol").await, Err(NotApproved::Overtaken));
    freeze(&store, "two", &everybody(2)).await;
    assert_eq!(approve(2, second.digest(), "alice").await, Err(NotApproved::Overtaken), "a newer scope is frozen");
    // A forged approval does not count: its seal needs the case key.
    let sql = "INSERT INTO approval (plan, approved_at_ms, approved_by, digest, seal) SELECT number, 1, 'mallory', digest, $1 FROM plan WHERE number = 2";
    sqlx::query(sql).bind(vec![1_u8]).execute(&place.raw().await).await.unwrap();
    assert!(store.newest_plan().await.unwrap().unwrap().approval.is_none());
}

pub(crate) async fn sending_is_paused_and_goes_on(place: Place) {
    let store = place.open().await;
    assert_eq!(store.paused().await.unwrap(), None);
    assert!(!store.resume_sending("sato", "nothing to do", NOW).await.unwrap(), "it was not paused");
    let (one, other) = tokio::join!(store.pause_sending("sato", "a wrong price", NOW), store.pause_sending("mori", "too", NOW));
    assert_eq!([one.unwrap(), other.unwrap()].iter().filter(|done| **done).count(), 1, "whoever comes first");
    let again = place.open().await;
    assert_eq!(again.paused().await.unwrap().unwrap().at_ms, NOW);
    assert!(again.resume_sending("mori", "the price is right", NOW + 5).await.unwrap());
    assert_eq!(store.paused().await.unwrap(), None);
    assert!(store.pause_sending("sato", "the desk is full", NOW + 6).await.unwrap());
    let expected = Pause { at_ms: NOW + 6, who: "sato".into(), reason: "the desk is full".into() };
    assert_eq!(store.paused().await.unwrap(), Some(expected));
    let audit = store.audit_entries(0, 10).await.unwrap();
    let said: Vec<&str> = audit.iter().map(|entry| entry.what.as_str()).collect();
    assert_eq!(said, ["paused sending", "let sending go on", "paused sending"]);
    assert!(sqlx::query("DELETE FROM sending").execute(&place.raw().await).await.is_err(), "it is history");
}

pub(crate) async fn people_decide_about_single_notices(place: Place) {
    let store = place.open().await;
    let scope = freeze(&store, "one", &everybody(2)).await;
    store.plan_notices(scope, NOW).await.unwrap();
    let hold = Hold { who: "sato".into(), reason: "asks for a letter".into(), until_ms: NOW + 50 };
    store.hold(1, &hold, NOW).await.unwrap();
    assert_eq!(store.notices_of(PersonId(1)).await.unwrap()[0].hold, Some(hold.clone()));
    assert!(matches!(store.hold(1, &hold, NOW).await, Err(Error::Transition { serial: 1, state: "held", wanted: "held" })));
    assert!(matches!(store.hold(9, &hold, NOW).await, Err(Error::NoNotice { serial: 9 })));
    assert_eq!(send_all(&store, scope).await, [2]);
    assert!(matches!(store.hold(2, &hold, NOW).await, Err(Error::Transition { state: "accepted", .. })));
    store.release(1, "sato", "the letter was sent back", NOW).await.unwrap();
    assert_eq!(store.notices_of(PersonId(1)).await.unwrap()[0].hold, None);
    store.hold(1, &hold, NOW).await.unwrap();
    assert_eq!(store.release_ended_holds(NOW + 49).await.unwrap(), 0);
    assert_eq!(store.release_ended_holds(NOW + 50).await.unwrap(), 1);
    store.lease_notices(scope, 1, "dead", NOW, NOW).await.unwrap();
    store.reap_all_leases(NOW).await.unwrap();
    assert!(store.settle_unknown(1, NoticeState::Held, "sato", "", NOW).await.is_err());
    store.settle_unknown(1, NoticeState::Intended, "sato", "", NOW).await.unwrap();
    assert_eq!(send_all(&store, scope).await, [1]);
    let states: Vec<_> = store.notices_of(PersonId(1)).await.unwrap()[0].events.iter().map(|event| event.state.name()).collect();
    assert_eq!(
        states,
        ["intended", "held", "intended", "held", "intended", "sending", "unknown", "intended", "sending", "accepted"]
    );
    let said = &store.notices_of(PersonId(1)).await.unwrap()[0].events[2].detail;
    assert_eq!(said, "released by sato: the letter was sent back");
}

/// A small generator (Numerical Recipes' LCG) for a walk that is the same at each run.
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}

pub(crate) async fn whatever_happens_the_sum_holds(place: Place) {
    let store = place.open().await;
    let people: Vec<_> = everybody(40).into_iter().map(|p| if p.id % 9 == 0 { p.mail("") } else { p }).collect();
    let scope = freeze(&store, "one", &people).await;
    store.plan_notices(scope, NOW).await.unwrap();
    let mut seed = 1;
    let mut in_hand = Vec::new();
    for _ in 0..60 {
        match next(&mut seed) % 5 {
            0 => {
                let leased = store.lease_notices(scope, (next(&mut seed) % 7) as u32, "me", NOW + 10, NOW).await.unwrap();
                in_hand.extend(leased.iter().map(|notice| notice.serial));
            }
            1 => {
                let outcomes: Vec<_> = in_hand.drain(..).map(|serial| (serial, any_outcome(&mut seed))).collect();
                store.record_outcomes(&outcomes, NOW).await.unwrap();
            }
            2 => assert!(store.reap_leases(NOW + next(&mut seed) as i64 % 20).await.unwrap() <= 40),
            3 => {
                let hold = Hold { who: "x".into(), reason: "y".into(), until_ms: NOW };
                let _ = store.hold(next(&mut seed) % 45, &hold, NOW).await;
            }
            _ => assert!(store.release_ended_holds(NOW).await.unwrap() <= 40),
        }
        let line = store.conservation(scope).await.unwrap();
        assert!(line.holds() && line.persons == 40, "{line:?}");
    }
    let notices = store.list_notices(scope, None, 0, 100).await.unwrap();
    assert!(notices.iter().all(|notice| notice.events.iter().filter(|event| event.detail == "250").count() <= 1));
}

fn any_outcome(seed: &mut u64) -> Outcome {
    match next(seed) % 4 {
        0 => Outcome::Accepted { reply: "250".into() },
        1 => Outcome::Refused { reply: "550".into() },
        2 => Outcome::Unknown { why: "closed".into() },
        _ => Outcome::NotSent { why: "421".into(), retry_at_ms: 0 },
    }
}

pub(crate) async fn a_notice_is_found_by_its_number(place: Place) {
    let store = place.open().await;
    let scope = freeze(&store, "one", &everybody(3)).await;
    store.plan_notices(scope, NOW).await.unwrap();
    let found = store.notice_by_number(NoticeNumber::new(2013, 2)).await.unwrap().unwrap();
    assert_eq!((found.serial, found.person, found.number.to_string()), (2, PersonId(2), NoticeNumber::new(2013, 2).to_string()));
    assert_eq!(store.notice_by_number(NoticeNumber::new(2014, 2)).await.unwrap(), None, "another year");
    assert_eq!(store.notice_by_number(NoticeNumber::new(2013, 4)).await.unwrap(), None);
    assert_eq!(store.notice_by_number(NoticeNumber::new(2013, u64::MAX)).await.unwrap(), None);
}

pub(crate) async fn links_lead_to_their_person_alone(place: Place) {
    let store = place.open().await;
    let scope = freeze(&store, "one", &everybody(3)).await;
    store.plan_notices(scope, NOW).await.unwrap();
    let leased = store.lease_notices(scope, 3, "me", NOW, NOW).await.unwrap();
    for notice in &leased {
        let target = store.link(&notice.link_code, NOW).await.unwrap().unwrap();
        assert_eq!(target, LinkTarget { person: notice.person, notice_serial: Some(notice.serial) });
    }
    let one = store.create_link(PersonId(2), NOW + 100).await.unwrap();
    let other = store.create_link(PersonId(2), NOW + 200).await.unwrap();
    assert!(one != other && one.len() == 26);
    let typed = format!(" {}-{} ", &one[..13].to_lowercase(), &one[13..]);
    let target = LinkTarget { person: PersonId(2), notice_serial: None };
    assert_eq!(store.link(&typed, NOW + 99).await.unwrap(), Some(target));
    assert_eq!(store.link(&one, NOW + 100).await.unwrap(), None, "its time is over");
    assert_eq!(store.erase_expired_links(NOW + 100).await.unwrap(), 1);
    assert_eq!(store.link(&other, NOW + 100).await.unwrap(), Some(target));
    for wrong in ["", "x\0", "0000000000000000000000000", "事件"] {
        assert_eq!(store.link(wrong, NOW).await.unwrap(), None);
    }
}

fn coupon(to: RemedyTo) -> RemedySpec {
    RemedySpec { kind: RemedyKind::Coupon, amount: 3000, currency: "JPY".into(), to, until: None }
}

pub(crate) async fn each_entitled_person_gets_one_right(place: Place) {
    let store = place.open().await;
    let mut people = everybody(5);
    people[1] = Someone::new(2).with(Verdict::Possible);
    people[2] = Someone::new(3).with(Verdict::Excluded);
    let scope = freeze(&store, "one", &people).await;
    let spec = coupon(RemedyTo::Proved);
    let issue = |spec| {
        let store = store.clone();
        async move { store.issue_rights(scope, "coupon-1", &spec, Some(NOW + 1000), NOW).await.unwrap() }
    };
    let (one, other) = tokio::join!(issue(spec.clone()), issue(spec.clone()));
    assert_eq!((one.new + other.new, one.total.max(other.total)), (3, 3));
    assert_eq!(issue(spec).await.new, 0);
    assert_eq!(issue(coupon(RemedyTo::Affected)).await.new, 1, "the terms were widened");
    let rights = store.rights_of(PersonId(1)).await.unwrap();
    assert_eq!((rights.len(), rights[0].amount, rights[0].code.open().len()), (1, 3000, 20));
    assert_eq!(store.person(PersonId(1)).await.unwrap().unwrap().rights, rights);
    assert_eq!(store.rights_of(PersonId(3)).await.unwrap(), []);
    let totals = store.right_totals().await.unwrap();
    assert_eq!((totals[0].issued, totals[0].amount_issued, totals[0].redeemed, totals[0].amount_redeemed), (4, 12_000, 0, 0));
}

fn request(code: &Private<String>, order: &str, key: &str) -> RedeemRequest {
    RedeemRequest { client: "shop".into(), code: code.clone(), order_ref: order.into(), idempotency_key: key.into() }
}

/// Sends these requests at the same time.
async fn redeem_all(store: &Store, requests: Vec<RedeemRequest>) -> Vec<Redemption> {
    let start = std::sync::Arc::new(tokio::sync::Barrier::new(requests.len()));
    let tasks: Vec<_> = requests
        .into_iter()
        .map(|request| {
            let (store, start) = (store.clone(), start.clone());
            tokio::spawn(async move {
                start.wait().await;
                store.redeem(&request, NOW).await.unwrap()
            })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

pub(crate) async fn a_coupon_is_redeemed_once_whatever_runs_at_the_same_time(place: Place) {
    let store = place.open().await;
    let scope = freeze(&store, "one", &everybody(2)).await;
    store.issue_rights(scope, "coupon-1", &coupon(RemedyTo::Proved), Some(NOW + 1000), NOW).await.unwrap();
    let code = store.rights_of(PersonId(1)).await.unwrap()[0].code.clone();
    // 64 orders at once, through two stores as two processes have them.
    let other = place.open().await;
    let requests = |from: u32| (from..from + 32).map(|n| request(&code, &format!("order {n}"), &format!("key {n}"))).collect();
    let (a, b) = tokio::join!(redeem_all(&store, requests(0)), redeem_all(&other, requests(32)));
    let answers = [a, b].concat();
    let won = answers.iter().filter(|answer| matches!(answer, Redemption::Redeemed { amount: 3000, .. })).count();
    let lost = answers.iter().filter(|answer| **answer == Redemption::AlreadyRedeemed { at_ms: NOW }).count();
    assert_eq!((won, lost), (1, 63));
    let right = &store.rights_of(PersonId(1)).await.unwrap()[0];
    assert!(right.redeemed_at_ms == Some(NOW) && right.order_ref.starts_with("order "));
    let totals = &store.right_totals().await.unwrap()[0];
    assert_eq!((totals.redeemed, totals.amount_redeemed), (1, 3000));
    let late = store.rights_of(PersonId(2)).await.unwrap()[0].code.clone();
    assert_eq!(store.redeem(&request(&late, "o", "k"), NOW + 1000).await.unwrap(), Redemption::Expired { since_ms: NOW + 1000 });
    let typed = Private::new(format!("{}-{}", &late.open()[..4].to_lowercase(), &late.open()[4..]));
    assert!(matches!(store.redeem(&request(&typed, "o", "k2"), NOW).await.unwrap(), Redemption::Redeemed { .. }));
}

pub(crate) async fn a_repeated_request_gets_the_first_answer(place: Place) {
    let store = place.open().await;
    let scope = freeze(&store, "one", &everybody(2)).await;
    store.issue_rights(scope, "coupon-1", &coupon(RemedyTo::Proved), None, NOW).await.unwrap();
    let code = store.rights_of(PersonId(1)).await.unwrap()[0].code.clone();
    // The shop's client gave up waiting and asks again and again.
    let answers = redeem_all(&store, vec![request(&code, "order 1", "key"); 16]).await;
    assert!(matches!(answers[0], Redemption::Redeemed { .. }));
    assert!(answers.iter().all(|answer| answer == &answers[0]), "{answers:?}");
    assert_eq!(store.redeem(&request(&code, "order 2", "key"), NOW).await.unwrap(), Redemption::KeyReused);
    let again = request(&code, "order 2", "key 2");
    for later in [0, 5] {
        let already = Redemption::AlreadyRedeemed { at_ms: NOW };
        assert_eq!(store.redeem(&again, NOW + later).await.unwrap(), already);
    }
    let other_client = RedeemRequest { client: "kiosk".into(), ..request(&code, "order 9", "key") };
    assert_eq!(store.redeem(&other_client, NOW).await.unwrap(), Redemption::AlreadyRedeemed { at_ms: NOW });
    // A code that nobody holds is unknown, and its idempotency key is not used up.
    let wrong = Private::new("00000000000000000000".to_owned());
    assert_eq!(store.redeem(&request(&wrong, "order\0 3", "key 3"), NOW).await.unwrap(), Redemption::Unknown);
    let right = store.rights_of(PersonId(2)).await.unwrap()[0].code.clone();
    assert!(matches!(store.redeem(&request(&right, "order\0 3", "key 3"), NOW).await.unwrap(), Redemption::Redeemed { .. }));
}

fn fact(name: &str, value: i64, kind: FactKind) -> Fact {
    Fact {
        name: name.into(),
        value: FactValue::Number(value),
        as_of: "2013-04-26".into(),
        source: "somebody".into(),
        query: String::new(),
        scope_version: 1,
        kind,
        replaces: false,
    }
}

pub(crate) async fn a_version_keeps_its_picture_of_the_attack(place: Place) {
    let store = place.open().await;
    assert!(!store.has_attack(1).await.unwrap());
    assert_eq!(store.attack(1).await.unwrap(), None);
    let shape = AttackShape { id: 3, sql: "SELECT \u{1b}\0 佐藤 ?".into(), phase: Some(Phase::Data), ..AttackShape::default() };
    let attack = Attack { shapes: vec![shape], cells: [7, 0, 1], ..Attack::default() };
    let row =
        ShownRow { table: "t".into(), key: "1".into(), verdict: Verdict::Proved, cells: vec![("a".into(), "••".into())] };
    let sample = |shape| AttackSample { shape, ..AttackSample::default() };
    let shown =
        [3, 3, 4].map(|shape| ShownStatement { sample: sample(shape), rows: vec![row.clone()], ..ShownStatement::default() });
    store.put_attack(1, &attack, &shown).await.unwrap();
    assert!(store.has_attack(1).await.unwrap());
    assert_eq!(store.attack(1).await.unwrap().as_ref(), Some(&attack));
    assert_eq!(store.attack_statements(1, 3).await.unwrap(), shown[..2]);
    assert_eq!(store.attack_statements(2, 3).await.unwrap(), []);
    store.put_attack(1, &Attack::default(), &[]).await.unwrap();
    assert_eq!(store.attack(1).await.unwrap(), Some(attack), "a picture that is there stays as it is");
}

pub(crate) async fn documents_keep_their_versions_and_their_facts(place: Place) {
    let store = place.open().await;
    let fact = |value| Fact {
        name: "cases".into(),
        value: FactValue::Number(value),
        as_of: "2013-04-26".into(),
        source: "processor".into(),
        query: String::new(),
        scope_version: 0,
        kind: FactKind::Entered,
        replaces: false,
    };
    let publish = async |note: &str, facts: Vec<u64>| {
        let edition = |language, body: &str| Edition { language, body: body.into(), note: note.into(), facts: facts.clone() };
        let both = [edition(Language::Ja, "一"), edition(Language::En, "one")];
        store.publish("statement", "sato", &both, NOW).await.unwrap()
    };
    store.put_entered_facts(&[fact(172)], NOW).await.unwrap();
    let first = store.fact_records().await.unwrap();
    assert_eq!(publish("", vec![first[0].sequence]).await, 1);
    store.put_entered_facts(&[fact(180)], NOW).await.unwrap();
    let second = store.fact_records().await.unwrap();
    assert_eq!(publish("more cases", vec![second[0].sequence]).await, 2);
    let all = store.published("statement", Language::En).await.unwrap();
    let shown: Vec<_> = all.iter().map(|one| (one.version, one.note.as_str(), one.facts[0].fact.value.to_string())).collect();
    assert_eq!(shown, [(2, "more cases", "180".into()), (1, "", "172".into())]);
    assert_eq!((all[1].body.as_str(), all[1].published_by.as_str(), all[1].digest.len()), ("one", "sato", 64));
    assert_eq!(store.published("nothing", Language::En).await.unwrap(), []);
}

pub(crate) async fn facts_keep_their_history(place: Place) {
    let store = place.open().await;
    let names =
        async || store.facts().await.unwrap().into_iter().map(|fact| (fact.name, fact.value.to_string())).collect::<Vec<_>>();
    let said = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let entered = |name: &str, value| fact(name, value, FactKind::Entered);
    let dated = Fact { value: FactValue::Date("2013-04-23T17:00+09:00".into()), replaces: true, ..entered("discovered_at", 0) };
    store.put_entered_facts(&[entered("cases", 172), dated.clone()], NOW).await.unwrap();
    for (value, at) in [(5, 1), (5, 2), (6, 3)] {
        store.put_fact(&fact("accepted", value, FactKind::Computed), NOW + at).await.unwrap();
    }
    assert_eq!(names().await, [said("cases", "172"), said("discovered_at", "2013-04-23T17:00+09:00"), said("accepted", "6")]);
    assert_eq!(store.facts().await.unwrap()[1], dated);
    let history = store.fact_history("accepted").await.unwrap();
    assert_eq!(history.iter().map(|record| record.recorded_at_ms - NOW).collect::<Vec<_>>(), [1, 3], "saying it twice is once");
    // The case file is edited: one fact is corrected, one is taken out, later all.
    store.put_entered_facts(&[entered("cases", 180)], NOW + 4).await.unwrap();
    store.put_entered_facts(&[entered("cases", 180)], NOW + 5).await.unwrap();
    assert_eq!(names().await, [said("cases", "180"), said("accepted", "6")]);
    store.put_entered_facts(&[], NOW + 6).await.unwrap();
    store.put_entered_facts(&[], NOW + 7).await.unwrap();
    assert_eq!(names().await, [said("accepted", "6")]);
    assert_eq!(store.fact_history("cases").await.unwrap().len(), 2);
    let mut freeze = store.begin_freeze(DRAFT).await.unwrap();
    freeze.facts(&[fact("persons", 2, FactKind::Computed)]).await.unwrap();
    freeze.commit(seal("one")).await.unwrap().unwrap();
    assert_eq!(names().await, [said("accepted", "6"), said("persons", "2")]);
}

pub(crate) async fn jobs_are_taken_once(place: Place) {
    let store = place.open().await;
    for n in 0..20 {
        store.enqueue("check", &Private::new(format!("mail {n}")), NOW).await.unwrap();
    }
    let workers: Vec<_> = (0..4)
        .map(|worker| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut taken = BTreeSet::new();
                while let Some(job) = store.take_job(&format!("worker {worker}"), NOW + 100, NOW).await.unwrap() {
                    assert_eq!((job.kind.as_str(), job.attempts), ("check", 0));
                    taken.insert(job.payload.into_open());
                }
                taken
            })
        })
        .collect();
    let mut taken = BTreeSet::new();
    for worker in workers {
        for payload in worker.await.unwrap() {
            assert!(taken.insert(payload), "taken twice");
        }
    }
    assert_eq!((taken.len(), store.jobs_waiting().await.unwrap()), (20, 20));
    assert_eq!(store.take_job("late", NOW + 100, NOW + 99).await.unwrap(), None);
    let again = store.take_job("late", NOW + 900, NOW + 100).await.unwrap().unwrap();
    assert_eq!(again.attempts, 1, "its worker died");
    store.return_job(again.id, NOW + 50).await.unwrap();
    assert_eq!(store.take_job("late", NOW + 900, NOW + 50).await.unwrap().unwrap().id, again.id);
    store.finish_job(again.id).await.unwrap();
    assert_eq!(store.jobs_waiting().await.unwrap(), 19);
}

pub(crate) async fn staff_and_api_keys_are_known_by_hash(place: Place) {
    let store = place.open().await;
    assert_eq!((store.staff_count().await.unwrap(), store.staff("sato").await.unwrap()), (0, None));
    store.put_staff("sato", "$argon2id$1", NOW).await.unwrap();
    store.put_staff("sato", "$argon2id$2", NOW).await.unwrap();
    let staff = store.staff("sato").await.unwrap().unwrap();
    assert_eq!((staff.password_hash.as_str(), staff.generation, store.staff_count().await.unwrap()), ("$argon2id$2", 2, 1));
    assert_eq!(store.staff("sa\0to").await.unwrap(), None);
    store.put_api_key("shop", "first secret", NOW).await.unwrap();
    store.put_api_key("shop", "second secret", NOW).await.unwrap();
    assert_eq!(store.api_key("first secret").await.unwrap(), None);
    assert_eq!(store.api_key("second secret").await.unwrap().unwrap().name, "shop");
    store.revoke_api_key("shop").await.unwrap();
    assert_eq!(store.api_key("second secret").await.unwrap(), None);
}

pub(crate) async fn the_audit_log_shows_tampering(place: Place) {
    let store = place.open().await;
    let writers: Vec<_> = (0..4)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                for m in 0..5 {
                    store.audit(&format!("staff\0 {n}"), &format!("viewed person {m}"), NOW).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let entries = store.audit_entries(18, 10).await.unwrap();
    assert_eq!(entries.iter().map(|entry| entry.sequence).collect::<Vec<_>>(), [19, 20]);
    assert_eq!(store.audit_fault().await.unwrap(), None);
    // Somebody with the database's own password takes the guard away and changes an entry.
    let raw = place.raw().await;
    let unguard = if raw.acquire().await.unwrap().backend_name() == "SQLite" {
        "DROP TRIGGER audit_refuses_UPDATE"
    } else {
        "DROP TRIGGER audit_refuses ON audit"
    };
    sqlx::query(unguard).execute(&raw).await.unwrap();
    sqlx::query("UPDATE audit SET what = 'viewed nobody' WHERE sequence = 7").execute(&raw).await.unwrap();
    assert_eq!(store.audit_fault().await.unwrap().unwrap().sequence, 7);
}

pub(crate) async fn what_is_appended_is_never_changed(place: Place) {
    let store = place.open().await;
    let scope = freeze(&store, "one", &everybody(1)).await;
    store.plan_notices(scope, NOW).await.unwrap();
    store.put_fact(&fact("x", 1, FactKind::Computed), NOW).await.unwrap();
    store.audit("sato", "signed in", NOW).await.unwrap();
    let raw = place.raw().await;
    let columns = [
        ("scope_version", "digest"),
        ("basis", "reason"),
        ("person", "language"),
        ("person_record", "source"),
        ("exposed_record", "verdict"),
        ("fact", "value"),
        ("notice_event", "state"),
        ("audit", "who"),
    ];
    for (table, column) in columns {
        for sql in [format!("UPDATE {table} SET {column} = 'x'"), format!("DELETE FROM {table}")] {
            let refused = sqlx::query(sqlx::AssertSqlSafe(sql.clone())).execute(&raw).await;
            assert!(refused.is_err_and(|error| error.to_string().contains("never changed")), "{sql}");
        }
    }
}
