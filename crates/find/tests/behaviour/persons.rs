//! Persons come out as they are frozen: how they are reached, their records, what was taken.

use kintsugi_case::{FieldMeaning, PersonId, Technique, Verdict};
use kintsugi_find::{Error, FindDb, PersonRow};

use crate::shop::{Shop, basis, exposure, pan};

fn persons(db: &FindDb) -> Vec<PersonRow> {
    let mut all = Vec::new();
    db.persons(|person| {
        all.push(person);
        Ok::<(), Error>(())
    })
    .unwrap();
    all
}

/// Both customers; of the first both cards are proved, of the second nothing yet.
fn two_cards() -> Shop {
    let mut shop = Shop::filled();
    let cards = shop.table("cards");
    let exposures = [
        exposure(cards, 1, &[0, 2, 3], Verdict::Proved, 1, 5),
        exposure(cards, 1, &[2, 5], Verdict::Possible, 2, 0),
        exposure(cards, 2, &[2], Verdict::Proved, 1, 6),
        exposure(cards, 3, &[2], Verdict::Excluded, 3, 7),
    ];
    let bases = [
        basis(1, Technique::Union, Verdict::Proved),
        basis(2, Technique::Window, Verdict::Possible),
        basis(3, Technique::Union, Verdict::Excluded),
    ];
    shop.scope(&bases, &exposures);
    shop.persons();
    shop
}

#[test]
fn a_person_is_told_of_each_cell_once() {
    let person = &persons(&two_cards().db)[0];
    let told: Vec<String> =
        person.exposed.iter().map(|e| format!("{} {} {} line {}", e.key, e.columns, e.verdict.name(), e.line.line)).collect();
    assert_eq!(told, ["501 id,pan,exp proved line 5", "501 holder possible line 0", "502 pan proved line 6"]);
    assert_eq!(person.exposed[0].fields, [FieldMeaning::CardNumber, FieldMeaning::CardExpiry]);
    assert_eq!(person.verdict(), Some(Verdict::Proved));
}

#[test]
fn what_was_not_taken_is_not_told() {
    let all = persons(&two_cards().db);
    assert_eq!(all.len(), 2);
    assert!(all[1].exposed.is_empty() && all[1].verdict().is_none());
}

#[test]
fn a_record_without_personal_cells_is_not_told() {
    let mut shop = Shop::filled();
    let cards = shop.table("cards");
    shop.scope(&[basis(1, Technique::Union, Verdict::Proved)], &[exposure(cards, 1, &[0, 1], Verdict::Proved, 1, 5)]);
    shop.persons();
    assert!(persons(&shop.db)[0].exposed.is_empty());
    assert_eq!(shop.db.counts().unwrap().persons_affected(), 0);
}

#[test]
fn a_card_is_recognised_by_brand_last_four_and_the_latest_use() {
    let person = &persons(&two_cards().db)[0];
    let shown: Vec<[&str; 4]> =
        person.exposed.iter().map(|e| [&*e.card_brand, &*e.card_last4, &*e.service_brand, &*e.service_used_on]).collect();
    let (visa, mastercard) = (pan("411111", 1), pan("545454", 2));
    // The first card's own latest order; the second was in no order, so the person's latest stands for it.
    assert_eq!(shown[0], ["Visa", &visa[12..], "TABIDATA", "2012-08-03"]);
    assert_eq!(shown[2], ["Mastercard", &mastercard[12..], "Tabi no WiFi", "2013-01-02"]);
}

#[test]
fn a_profile_has_what_can_be_used() {
    let all = persons(&two_cards().db);
    let (hanako, taro) = (&all[0].profile, &all[1].profile);
    assert_eq!((hanako.name.open().as_str(), hanako.email.open().as_str()), ("山田 花子", "hanako@example.jp"));
    assert_eq!((taro.email.open().as_str(), taro.address.open().as_str()), ("", "東京都港区三田1-2-3"));
}

#[test]
fn records_say_why_they_are_the_persons() {
    let shop = two_cards();
    let person = shop.db.person(PersonId(1)).unwrap().unwrap();
    let shown: Vec<String> = person.records.iter().map(|r| format!("{} {}: {}", r.table, r.key, r.linked_by)).collect();
    assert_eq!(shown, ["customers 1: first record", "cards 501: belongs to customers 1", "cards 502: belongs to customers 1"]);
    assert_eq!(shop.db.owner_of(shop.table("cards"), 3).unwrap(), Some(PersonId(2)));
    assert!(shop.db.person(PersonId(3)).unwrap().is_none());
}
