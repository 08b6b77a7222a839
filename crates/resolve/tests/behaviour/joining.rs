//! Which registrations are one person, and which must stay two.

use crate::town::Town;
use insta::assert_snapshot;

/// How many persons these registrations are.
fn check(rows: &[[&str; 6]], persons: u64) {
    assert_eq!(Town::of(rows).resolve().persons, persons, "{rows:?}");
}

#[test]
fn one_person_with_two_registrations_is_one() {
    let mut town = Town::of(&[
        ["山田 花子", "ヤマダ ハナコ", "hanako@example.jp", "03-1234-5678", "東京都渋谷区神南1-2-3", ""],
        ["佐藤 太郎", "サトウ タロウ", "taro@example.jp", "", "", ""],
        ["山田　花子", "やまだ はなこ", "Hanako@Example.jp", "", "", ""],
        ["山田花子", "", "new@example.jp", "+81 3 1234 5678", "", ""],
        ["山田花子", "", "third@example.jp", "", "東京都渋谷区神南１丁目２番３号", ""],
    ]);
    assert_snapshot!(town.persons(), @r"
    1 ja: customers 1 (first record), customers 3 (same mail address and name as customers 1), customers 4 (same telephone number and name as customers 1), customers 5 (same name and address as customers 1)
    2 ja: customers 2 (first record)
    ");
}

#[test]
fn a_family_that_shares_everything_but_the_name_stays_several() {
    let shared = ["family@example.jp", "03-1234-5678", "東京都渋谷区神南1-2-3", ""];
    let member = |name, kana| [name, kana, shared[0], shared[1], shared[2], shared[3]];
    check(
        &[member("山田 花子", "ヤマダ ハナコ"), member("山田 太郎", "ヤマダ タロウ"), member("山田 一郎", "ヤマダ イチロウ")],
        3,
    );
}

#[test]
fn a_shared_name_alone_joins_nobody() {
    check(
        &[
            ["佐藤 太郎", "", "a@example.jp", "0311112222", "神南1-1", ""],
            ["佐藤 太郎", "", "b@example.jp", "0333334444", "神南2-2", ""],
        ],
        2,
    );
}

#[test]
fn widths_and_kana_of_name_and_mail_do_not_matter() {
    check(
        &[
            ["", "ヤマダ ハナコ", "hanako@example.jp", "", "", ""],
            ["", "ﾔﾏﾀﾞ ﾊﾅｺ", "ｈａｎａｋｏ＠ｅｘａｍｐｌｅ．ｊｐ", "", "", ""],
            ["", "やまだ　はなこ", " HANAKO@EXAMPLE.JP", "", "", ""],
        ],
        1,
    );
}

#[test]
fn what_is_missing_joins_nobody() {
    check(&[["山田 花子", "", "", "", "", ""], ["山田 花子", "", "", "", "", ""]], 2);
    check(&[["", "", "a@example.jp", "", "", ""], ["", "", "a@example.jp", "", "", ""]], 2);
    check(&[["山田 花子", "", "NULL", "NULL", "東京都", ""], ["山田 花子", "", "NULL", "NULL", "東京都", ""]], 2);
    check(&[["山田 花子", "", "なし", "0", "", ""], ["山田 花子", "", "なし", "0", "", ""]], 2);
}

#[test]
fn a_chain_of_different_facts_is_one_person() {
    let mut town = Town::of(&[
        ["John Smith", "", "", "090-1111-2222", "", "en"],
        ["john smith", "", "john@example.com", "", "12 Main St", ""],
        ["JOHN SMITH", "", "JOHN@example.com", "09011112222", "", ""],
    ]);
    assert_snapshot!(town.persons(), @"1 en: customers 1 (first record), customers 2 (same mail address and name as customers 3), customers 3 (same telephone number and name as customers 1)");
}

#[test]
fn registrations_of_two_tables_are_joined_too() {
    let mut town = Town::of(&[["山田 花子", "", "hanako@example.jp", "", "", ""]]);
    town.customers("members", &[["佐藤 太郎", "", "", "", "", ""], ["山田花子", "", "hanako@example.jp", "", "", ""]]);
    assert_snapshot!(town.persons(), @r"
    1 ja: customers 1 (first record), members 2 (same mail address and name as customers 1)
    2 ja: members 1 (first record)
    ");
}

#[test]
fn the_language_is_what_the_person_chose_then_their_script_then_the_default() {
    let mut town = Town::of(&[
        ["山田 花子", "", "", "", "", "en"],
        ["John Smith", "", "", "", "", "ja"],
        ["John Smith", "", "", "", "東京都渋谷区神南1-2-3", ""],
        ["John Smith", "", "", "", "", ""],
    ]);
    let persons = town.persons();
    let languages: Vec<&str> = persons.lines().map(|line| &line[2..4]).collect();
    assert_eq!(languages, ["en", "ja", "ja", "en"]);
}

#[test]
fn resolving_again_gives_the_same_persons() {
    let rows = [["山田 花子", "", "hanako@example.jp", "", "", ""], ["山田花子", "", "hanako@example.jp", "", "", ""]];
    let mut town = Town::of(&rows);
    let first = town.resolve();
    let digest = town.db.digest().unwrap();
    assert_eq!((town.resolve(), town.db.digest().unwrap()), (first, digest));
}
