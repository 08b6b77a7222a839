//! Letters on every database: batches, what the print shop and the post say, addresses that were given, and the check.

use kintsugi_case::{Conservation, NoticeNumber, NoticeState, PersonId, Private, Verdict};
use kintsugi_store::{
    AddressGiven, Error, LetterBatch, LetterReport, LetterReported, NewPiece, Outcome, PostalAddress, Report, Store,
};

use crate::case::{NOW, Place, Someone, everybody, freeze};

/// Freezes persons whom no mail can reach, and plans.
async fn unreachable(store: &Store, count: u64) -> u32 {
    let people: Vec<Someone> = everybody(count).into_iter().map(|one| one.mail("")).collect();
    let scope = freeze(store, "one", &people).await;
    store.plan_notices(scope, NOW).await.unwrap();
    scope
}

/// What stands for the digest of a letter.
fn digest(serial: u64) -> String {
    format!("{serial:064x}")
}

async fn due(store: &Store, scope: u32) -> Vec<NewPiece> {
    let due = store.due_letters(scope, 0, 100).await.unwrap();
    due.iter()
        .map(|due| NewPiece { serial: due.letter.serial, address: due.address, digest: digest(due.letter.serial) })
        .collect()
}

/// Enters everything that is due as one batch.
async fn begin(store: &Store, scope: u32) -> u32 {
    let pieces = due(store, scope).await;
    store.begin_batch(scope, "settings", &pieces, NOW + 1).await.unwrap()
}

async fn batch(store: &Store, number: u32) -> LetterBatch {
    store.letter_batches().await.unwrap().into_iter().find(|batch| batch.number == number).unwrap()
}

async fn serials(store: &Store, number: u32) -> Vec<(u32, u64)> {
    let pieces = store.batch_pieces(&batch(store, number).await).await.unwrap();
    pieces.iter().map(|piece| (piece.piece, piece.letter.serial)).collect()
}

async fn say(store: &Store, serial: u64, place: Option<(u32, u32)>, report: LetterReport) -> LetterReported {
    store.record_letter(NoticeNumber::new(2013, serial), place, (report, "print shop: said"), NOW + 5).await.unwrap()
}

fn address(text: &str) -> PostalAddress {
    PostalAddress {
        name: Private::default(),
        postal_code: Private::new("150-0002".to_owned()),
        address: Private::new(text.to_owned()),
    }
}

async fn give(store: &Store, serial: u64, text: &str) -> AddressGiven {
    store.give_address(NoticeNumber::new(2013, serial), &address(text), "m.sato", NOW + 6).await.unwrap()
}

async fn history(store: &Store, serial: u64) -> Vec<(NoticeState, String)> {
    let notices = store.notices_of(PersonId(serial)).await.unwrap();
    let notice = notices.into_iter().find(|notice| notice.serial == serial).unwrap();
    notice.events.into_iter().map(|event| (event.state, event.detail)).collect()
}

async fn faults(store: &Store) -> Vec<String> {
    let (letters, outbox) = (store.check_letters().await.unwrap(), store.check_outbox().await.unwrap());
    letters.faults.into_iter().chain(outbox.faults).collect()
}

pub(crate) async fn a_letter_is_in_one_batch(place: Place) {
    let store = place.open().await;
    let mut people: Vec<Someone> = everybody(5).into_iter().map(|one| one.mail("")).collect();
    people[1] = Someone::new(2);
    people[3] = people[3].clone().with(Verdict::Excluded);
    let scope = freeze(&store, "one", &people).await;
    store.plan_notices(scope, NOW).await.unwrap();
    // Who has a mail address and who is not affected is no letter; pages of any size go through all that are.
    assert_eq!(due(&store, scope).await.iter().map(|one| one.serial).collect::<Vec<_>>(), [1, 3, 4]);
    let page = store.due_letters(scope, 1, 1).await.unwrap();
    assert_eq!(
        (page.len(), page[0].letter.serial, page[0].letter.profile.address.open().as_str()),
        (1, 3, "東京都千代田区千代田1-1")
    );

    let pieces = due(&store, scope).await;
    let (one, other) = tokio::join!(
        store.begin_batch(scope, "settings", &pieces, NOW + 1),
        store.begin_batch(scope, "settings", &pieces, NOW + 1)
    );
    let refused = match (one, other) {
        (Ok(1), Err(refused)) | (Err(refused), Ok(1)) => refused,
        both => panic!("one of two runs enters the batch: {both:?}"),
    };
    assert!(matches!(refused, Error::Transition { state: "batched", .. }), "{refused}");
    assert_eq!(serials(&store, 1).await, [(1, 1), (2, 3), (3, 4)]);
    assert!(due(&store, scope).await.is_empty());
    // One that is due beside one that is not: nothing is entered.
    freeze(&store, "two", &people).await;
    let line = store.conservation(scope).await.unwrap();
    assert_eq!(line, Conservation { persons: 4, waiting: 1, batched: 3, ..Conservation::default() });
    assert_eq!(history(&store, 3).await[1], (NoticeState::Batched, "letter 2 of batch 1".to_owned()));
    assert_eq!(faults(&store).await, [""; 0]);
}

pub(crate) async fn a_batch_that_was_not_written_is_found_again(place: Place) {
    let store = place.open().await;
    let scope = unreachable(&store, 3).await;
    let pieces = due(&store, scope).await;
    store.begin_batch(scope, "settings", &pieces[..2], NOW + 1).await.unwrap();
    store.close().await;

    // The run died here: its letters are nobody else's, and the next run finds them as they were entered.
    let store = place.open().await;
    assert_eq!(due(&store, scope).await.iter().map(|one| one.serial).collect::<Vec<_>>(), [3]);
    let found = batch(&store, 1).await;
    let expected = LetterBatch {
        number: 1,
        scope_version: scope,
        settings: "settings".into(),
        begun_at_ms: NOW + 1,
        written_at_ms: None,
        pages: 0,
        digest: String::new(),
    };
    assert_eq!(found, expected);
    let entered = store.batch_pieces(&found).await.unwrap();
    assert_eq!(entered.iter().map(|piece| piece.digest.clone()).collect::<Vec<_>>(), [digest(1), digest(2)]);
    assert_eq!(store.check_letters().await.unwrap().unwritten, 1);
    store.finish_batch(1, 2, &digest(77), NOW + 9).await.unwrap();
    // Another run that wrote the same changes nothing.
    store.finish_batch(1, 9, &digest(78), NOW + 10).await.unwrap();
    let written = LetterBatch { written_at_ms: Some(NOW + 9), pages: 2, digest: digest(77), ..expected };
    assert_eq!(batch(&store, 1).await, written);
    assert_eq!(begin(&store, scope).await, 2, "and what was due beside it goes into the next");
    assert_eq!(serials(&store, 2).await, [(1, 3)]);
    assert_eq!(faults(&store).await, [""; 0]);
}

pub(crate) async fn what_the_print_shop_says_is_taken_once(place: Place) {
    let store = place.open().await;
    let scope = unreachable(&store, 4).await;
    let pieces = due(&store, scope).await;
    store.begin_batch(scope, "settings", &pieces[..3], NOW + 1).await.unwrap();
    use LetterReport::{Printed, Returned};
    use LetterReported::{Contradiction, Foreign, Known, Moved, OtherPiece};
    for (serial, place, report, expected) in [
        (1, None, Printed, Moved(NoticeState::Printed)),
        (1, Some((1, 1)), Printed, Known),
        (2, Some((1, 2)), Printed, Moved(NoticeState::Printed)),
        (2, None, Returned, Moved(NoticeState::Returned)),
        // The same file again says both again.
        (2, None, Printed, Known),
        (2, None, Returned, Known),
        // What could not be printed comes back at once; printed it was never.
        (3, None, Returned, Moved(NoticeState::Returned)),
        (3, None, Printed, Contradiction(NoticeState::Returned)),
        // A letter that is due is in no batch; a number that nobody has; another letter's place.
        (4, None, Printed, Foreign),
        (99, None, Printed, Foreign),
        (1, Some((1, 2)), Returned, OtherPiece),
        (1, Some((7, 1)), Returned, OtherPiece),
    ] {
        assert_eq!(say(&store, serial, place, report).await, expected, "{serial} {place:?} {report:?}");
    }
    let other_year = NoticeNumber::new(2012, 1);
    let foreign = store.record_letter(other_year, None, (Returned, "x"), NOW).await.unwrap();
    assert_eq!(foreign, Foreign, "a number of another case");
    assert_eq!(store.notice_at(1, 3).await.unwrap(), Some(NoticeNumber::new(2013, 3)));
    assert_eq!(store.notice_at(1, 4).await.unwrap(), None);
    let line = store.conservation(scope).await.unwrap();
    let expected = Conservation { persons: 4, printed: 1, returned: 2, no_address: 1, ..Conservation::default() };
    assert_eq!(line, expected);
    assert!(line.holds() && !line.is_complete());
    assert_eq!(history(&store, 2).await.len(), 4, "due, in a batch, printed, returned");
    assert_eq!(faults(&store).await, [""; 0]);
}

pub(crate) async fn mail_that_came_back_becomes_a_letter_once(place: Place) {
    let store = place.open().await;
    let scope = freeze(&store, "one", &everybody(2)).await;
    store.plan_notices(scope, NOW).await.unwrap();
    let leased = store.lease_notices(scope, 10, "me", NOW + 60_000, NOW).await.unwrap();
    let outcomes: Vec<_> = leased.iter().map(|one| (one.serial, Outcome::Accepted { reply: "250".into() })).collect();
    store.record_outcomes(&outcomes, NOW).await.unwrap();
    assert!(due(&store, scope).await.is_empty());
    let dead = async |detail| {
        let code = store.return_code(leased[0].serial, leased[0].contact);
        store.record_report(leased[0].number, &code, Report::Dead, detail, NOW + 1).await.unwrap()
    };
    dead("hard bounce: 5.1.1").await;
    assert_eq!(begin(&store, scope).await, 1);
    // A late second bounce of the same mail makes no second letter.
    dead("hard bounce: late").await;
    assert!(due(&store, scope).await.is_empty());
    assert_eq!(serials(&store, 1).await, [(1, 1)]);
    let line = store.conservation(scope).await.unwrap();
    assert_eq!(line, Conservation { persons: 2, accepted: 1, batched: 1, ..Conservation::default() });
    assert_eq!(faults(&store).await, [""; 0]);
}

pub(crate) async fn a_letter_that_came_back_goes_out_again_to_an_address_that_was_given(place: Place) {
    let store = place.open().await;
    let scope = unreachable(&store, 3).await;
    // Before a batch: what could not be printed gets another address. The letter composed for the old one is not entered.
    let composed = due(&store, scope).await;
    assert_eq!(give(&store, 3, "東京都渋谷区渋谷1-1").await, AddressGiven::Due);
    let refused = store.begin_batch(scope, "settings", &composed, NOW + 1).await.unwrap_err();
    assert!(matches!(refused, Error::OtherAddress { serial: 3 }), "{refused}");
    assert_eq!(begin(&store, scope).await, 1);
    let first = store.batch_pieces(&batch(&store, 1).await).await.unwrap();
    let went: Vec<_> = first.iter().map(|piece| piece.letter.profile.address.open().as_str()).collect();
    assert_eq!(went, ["東京都千代田区千代田1-1", "東京都千代田区千代田1-1", "東京都渋谷区渋谷1-1"]);
    assert_eq!(first[2].letter.profile.name.open(), "山田 花子3", "the name stays where none was given");

    assert_eq!(give(&store, 1, "札幌市").await, AddressGiven::Elsewhere(NoticeState::Batched));
    assert_eq!(give(&store, 99, "札幌市").await, AddressGiven::Foreign);
    say(&store, 1, None, LetterReport::Printed).await;
    say(&store, 1, None, LetterReport::Returned).await;
    assert_eq!(give(&store, 1, "札幌市").await, AddressGiven::Due);
    assert_eq!(give(&store, 1, "札幌市").await, AddressGiven::Known, "the same file again");
    assert_eq!(begin(&store, scope).await, 2);
    assert_eq!(serials(&store, 2).await, [(1, 1)]);
    // The earlier batch reads back as it was.
    let again = store.batch_pieces(&batch(&store, 1).await).await.unwrap();
    assert_eq!(again[0].letter.profile.address.open(), "東京都千代田区千代田1-1");

    // Which letter is meant must be said now; the old file read again changes nothing.
    use LetterReported::{Known, Moved, Several};
    assert_eq!(say(&store, 1, None, LetterReport::Printed).await, Several);
    assert_eq!(say(&store, 1, Some((1, 1)), LetterReport::Returned).await, Known);
    assert_eq!(say(&store, 1, Some((2, 1)), LetterReport::Printed).await, Moved(NoticeState::Printed));
    assert_eq!(say(&store, 1, Some((2, 1)), LetterReport::Printed).await, Known);
    let line = store.conservation(scope).await.unwrap();
    assert_eq!(line, Conservation { persons: 3, printed: 1, batched: 2, ..Conservation::default() });
    assert_eq!(faults(&store).await, [""; 0]);

    // A later version's letter goes to the address that was given; the overtaken notice takes none.
    let people: Vec<Someone> = everybody(3).into_iter().map(|one| one.mail("").with(Verdict::Possible)).collect();
    let two = freeze(&store, "two", &people).await;
    assert_eq!(give(&store, 1, "那覇市").await, AddressGiven::Overtaken);
    store.plan_notices(two, NOW).await.unwrap();
    let due = store.due_letters(two, 0, 10).await.unwrap();
    let went: Vec<_> = due.iter().map(|due| due.letter.profile.address.open().as_str()).collect();
    assert_eq!(went, ["札幌市", "東京都千代田区千代田1-1", "東京都渋谷区渋谷1-1"]);
    assert!(due.iter().all(|due| due.letter.before.is_some()), "each was told by letter before: a correction");
    assert_eq!(faults(&store).await, [""; 0]);
}

pub(crate) async fn who_was_told_by_letter_keeps_no_stale_answer(place: Place) {
    let store = place.open().await;
    let scope = unreachable(&store, 5).await;
    begin(&store, scope).await;
    for serial in 1..=3 {
        say(&store, serial, None, LetterReport::Printed).await;
    }
    say(&store, 3, None, LetterReport::Returned).await;
    // 1 as before; 2 less sure; 3 was never told; 4 is at the print shop and cleared; 5 cleared, and its letter came back.
    say(&store, 5, None, LetterReport::Returned).await;
    let of = |id, verdict| Someone::new(id).mail("").with(verdict);
    let people =
        [of(1, Some(Verdict::Proved)), of(2, Some(Verdict::Possible)), of(3, Some(Verdict::Proved)), of(4, None), of(5, None)];
    let two = freeze(&store, "two", &people).await;
    store.plan_notices(two, NOW).await.unwrap();
    let due = store.due_letters(two, 0, 10).await.unwrap();
    let told: Vec<_> = due.iter().map(|due| (due.letter.person.0, due.letter.kind.name())).collect();
    assert_eq!(told, [(3, "first"), (2, "less"), (4, "cleared")]);
    assert!(store.conservation(two).await.unwrap().holds());
    assert_eq!(faults(&store).await, [""; 0]);
}

pub(crate) async fn the_check_of_letters_finds_what_was_tampered_with(place: Place) {
    let store = place.open().await;
    let scope = unreachable(&store, 8).await;
    let pieces = due(&store, scope).await;
    for (number, some) in (1..).zip(pieces.chunks(4)) {
        assert_eq!(store.begin_batch(scope, "settings", some, NOW + 1).await.unwrap(), number);
        store.finish_batch(number, 4, &digest(1), NOW + 2).await.unwrap();
    }
    let check = store.check_letters().await.unwrap();
    assert_eq!((check.holds(), check.batches, check.unwritten, check.letters), (true, 2, 0, 8), "{:?}", check.faults);
    let raw = place.raw().await;
    for sql in [
        "DELETE FROM letter WHERE serial = 2",
        "UPDATE letter SET digest = 'none' WHERE serial = 3",
        "UPDATE letter SET dated_ms = 5 WHERE serial = 4",
        "UPDATE notice SET state = 'accepted' WHERE serial = 5",
        "UPDATE letter SET piece = 9 WHERE serial = 8",
        "UPDATE letter SET address = 4 WHERE serial = 6",
        "UPDATE letter_batch SET digest = 'x', pages = 1 WHERE number = 2",
        "INSERT INTO letter (serial, batch, piece, dated_ms, digest) VALUES (77, 5, 1, 1, 'x')",
    ] {
        sqlx::query(sql).execute(&raw).await.unwrap();
    }
    let faults = store.check_letters().await.unwrap().faults;
    for said in [
        "a letter before letter 3 of batch 1 (notice 3) is missing",
        "letter 4 of batch 1 (notice 4) is dated otherwise than its batch",
        "letter 1 of batch 2 (notice 5) is in a batch, and its notice stands at `accepted`",
        "letter 2 of batch 2 (notice 6) went to an address that is not there",
        "a letter before letter 9 of batch 2 (notice 8) is missing",
        "letter 1 of batch 5 (notice 77) is in a batch that is not there",
        "batch 2: the digest of its PDF is none",
        "batch 2 has fewer pages than letters",
        "notice 2 was in a batch by its history, and no letter is there",
        "notice 2 stands as a letter, and no letter is there",
        "notice 8 is in a batch of which its history knows nothing",
        "notice 77 is in a batch of which its history knows nothing",
    ] {
        assert!(faults.iter().any(|fault| fault == said), "{said}: {faults:#?}");
    }
}
