//! To whom the records of other tables belong, and that nobody is missed.

use crate::town::Town;
use insta::assert_snapshot;

fn rows(rows: &[&[&str]]) -> Vec<Vec<String>> {
    rows.iter().map(|row| row.iter().map(|&value| value.to_owned()).collect()).collect()
}

const HANAKO: [&str; 6] = ["山田 花子", "", "hanako@example.jp", "", "", ""];
const TARO: [&str; 6] = ["佐藤 太郎", "", "taro@example.jp", "", "", ""];

/// Cards load before customers, as their file names come first.
fn with_cards(cards: &[&[&str]]) -> Town {
    let mut town = Town::empty();
    town.load("cards", &[("holder", "card.holder")], Some(("customers", "who")), &["id", "who", "holder"], &rows(cards));
    town.customers("customers", &[HANAKO, TARO, HANAKO]);
    town
}

#[test]
fn cards_belong_to_the_person_of_their_customer() {
    let mut town = with_cards(&[&["501", "3", "H YAMADA"], &["502", "1", "H YAMADA"], &["503", "2", "T SATO"]]);
    assert_snapshot!(town.persons(), @r"
    1 ja: customers 1 (first record), customers 3 (same mail address and name as customers 1), cards 501 (belongs to customers 3), cards 502 (belongs to customers 1)
    2 ja: customers 2 (first record), cards 503 (belongs to customers 2)
    ");
    let resolved = town.resolve();
    assert_eq!((resolved.registrations, resolved.persons, resolved.belonging), (3, 2, 3));
}

#[test]
fn a_card_whose_customer_is_gone_is_still_somebodys() {
    let mut town = with_cards(&[&["501", "77", "K KIMURA"], &["502", "77", "K KIMURA"], &["503", "NULL", "A B"]]);
    assert_snapshot!(town.persons(), @r"
    1 ja: customers 1 (first record), customers 3 (same mail address and name as customers 1)
    2 ja: customers 2 (first record)
    3 en: cards 501 (first record), cards 502 (names the same missing registration as cards 501)
    4 en: cards 503 (first record)
    ");
    assert_eq!(town.resolve().persons_without_registration, 2);
}

#[test]
fn a_record_may_belong_to_one_that_belongs_to_a_person() {
    let mut town = with_cards(&[&["501", "2", "T SATO"]]);
    let notes = rows(&[&["1", "501", "本人の住所1-1"], &["2", "999", "2-2"]]);
    town.load("addresses", &[("text", "person.address")], Some(("cards", "card")), &["id", "card", "text"], &notes);
    assert_snapshot!(town.persons(), @r"
    1 ja: customers 1 (first record), customers 3 (same mail address and name as customers 1)
    2 ja: customers 2 (first record), cards 501 (belongs to customers 2), addresses 1 (belongs to cards 501)
    3 en: addresses 2 (first record)
    ");
}

#[test]
fn tables_without_personal_data_have_no_owner_until_something_of_them_is_taken() {
    let mut town = with_cards(&[]);
    town.load(
        "orders",
        &[("shop", "service.brand")],
        Some(("customers", "who")),
        &["id", "who", "shop"],
        &rows(&[&["1", "1", "X"]]),
    );
    town.load("items", &[], None, &["id"], &rows(&[&["1"]]));
    assert_eq!(town.resolve().belonging, 0);
}

#[test]
fn records_that_lead_in_a_circle_are_somebodys() {
    let mut town = Town::empty();
    town.load("a", &[("n", "person.name")], Some(("b", "b")), &["id", "b", "n"], &rows(&[&["1", "1", "A"]]));
    town.load("b", &[("n", "person.name")], Some(("a", "a")), &["id", "a", "n"], &rows(&[&["1", "1", "B"]]));
    assert_snapshot!(town.persons(), @"1 en: a 1 (first record), b 1 (belongs to a 1)");
}
