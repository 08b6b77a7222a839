//! Snapshot rows go in: what is stored, what is kept aside, what never reaches the disk.

use kintsugi_case::{FieldMeaning, PersonLink};
use kintsugi_find::{Duplicate, Error, FindDb};
use kintsugi_vault::{CardVault, CardVaultWriter, Keys};

use crate::shop::{Shop, owned, pan, spec};

/// One column of a table as SQLite sees it: `type:value`.
fn column(shop: &Shop, table: &str, column: &str) -> Vec<String> {
    let connection = rusqlite::Connection::open(shop.path()).unwrap();
    let query = format!("SELECT typeof({column}) || ':' || ifnull({column}, '') FROM \"shop.{table}\" ORDER BY rowid");
    let mut select = connection.prepare(&query).unwrap();
    select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn values_are_stored_as_they_are_written() {
    let mut shop = Shop::empty();
    let rows: [&[&str]; 6] = [&["1", "7"], &["2", "007"], &["3", "NULL"], &["4", ""], &["5", "-12"], &["6", "花子"]];
    let loaded = shop.load("notes", &spec(&["id"], &[]), &["id", "note"], &rows);
    assert_eq!((loaded.rows, loaded.duplicate_count, loaded.misshapen), (6, 0, 0));
    assert_eq!(column(&shop, "notes", "note"), ["integer:7", "text:007", "null:", "text:", "integer:-12", "text:花子"]);
}

#[test]
fn a_card_number_becomes_a_token_and_a_security_code_only_a_presence() {
    let shop = Shop::filled();
    let number = pan("411111", 1);
    let token = shop.keys.pan_token(&kintsugi_case::Pan::parse(&number).unwrap());
    assert_eq!(column(&shop, "cards", "pan")[0], format!("text:{token}"));
    assert_eq!(column(&shop, "cards", "pan__last4")[0], format!("text:{}", &number[12..]));
    assert_eq!(column(&shop, "cards", "pan__brand"), ["text:Visa", "text:Mastercard", "text:JCB"]);
    assert_eq!(column(&shop, "cards", "cvv"), ["text:present", "null:", "text:present"]);
    let mut vault = Vec::new();
    let opened = CardVault::open(&shop.folder.path().join("vault-cards"), &shop.keys).unwrap();
    opened.for_each(|token, pan, expiry| vault.push((token.to_owned(), pan.expose().to_owned(), expiry.to_owned()))).unwrap();
    assert_eq!(vault.len(), 3);
    assert_eq!(vault[0], (token, number, "1215".to_owned()));
}

#[test]
fn no_file_of_the_case_holds_a_card_number() {
    let mut shop = Shop::filled();
    shop.scope(&[], &[]);
    let numbers = [pan("411111", 1), pan("545454", 2), pan("355555", 3)];
    for file in walk(shop.folder.path()) {
        let bytes = std::fs::read(&file).unwrap();
        for number in &numbers {
            assert!(!bytes.windows(number.len()).any(|window| window == number.as_bytes()), "{}", file.display());
        }
    }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn what_is_no_card_number_becomes_a_digest_so_that_equals_stay_equal() {
    let mut shop = Shop::empty();
    let mut mistyped = pan("411111", 1);
    let last = mistyped.pop().unwrap();
    mistyped.push(if last == '0' { '1' } else { '0' });
    let rows: [&[&str]; 4] = [&["1", &mistyped], &["2", &mistyped], &["3", ""], &["4", "NULL"]];
    let loaded = shop.load("cards", &spec(&["id"], &[("pan", "card.number")]), &["id", "pan"], &rows);
    assert_eq!((loaded.cards, loaded.cards_unreadable), (0, 2));
    let stored = column(&shop, "cards", "pan");
    assert!(stored[0].starts_with("text:txt_") && stored[0] == stored[1], "{stored:?}");
    assert_eq!(stored[2..], ["text:", "null:"]);
}

#[test]
fn the_first_row_of_a_key_wins_and_later_ones_are_kept_aside() {
    let mut shop = Shop::empty();
    let rows: [&[&str]; 5] = [&["a", "1"], &["b", "2"], &["a", "3"], &["NULL", "4"], &["NULL", "5"]];
    let loaded = shop.load("t", &spec(&["id"], &[]), &["id", "v"], &rows);
    assert_eq!((loaded.rows, loaded.duplicate_count), (4, 1));
    assert_eq!(loaded.duplicates, [Duplicate { row: 3, first_row: 1 }]);
    assert_eq!(column(&shop, "t", "v"), ["integer:1", "integer:2", "integer:4", "integer:5"]);
    let table = &shop.db.tables()[0];
    assert_eq!((table.rows, table.duplicates), (4, 1));
    assert_eq!(shop.db.key_text(1, 1).unwrap(), "a");
    assert_eq!(shop.db.key_text(1, 4).unwrap(), "#4");
    assert!(matches!(shop.db.key_text(1, 3), Err(Error::NoRow { row: 3, .. })));
}

#[test]
fn a_row_with_the_wrong_number_of_values_is_counted() {
    let mut shop = Shop::empty();
    let rows: [&[&str]; 3] = [&["1", "x"], &["2"], &["3", "y", "z"]];
    let loaded = shop.load("t", &spec(&["id"], &[]), &["id", "v"], &rows);
    assert_eq!((loaded.rows, loaded.misshapen), (1, 2));
}

#[test]
fn a_key_of_several_columns_is_a_json_array() {
    let mut shop = Shop::empty();
    let rows: [&[&str]; 2] = [&["7", "a\"b"], &["7", "c"]];
    shop.load("t", &spec(&["x", "y"], &[]), &["x", "y"], &rows);
    assert_eq!(shop.db.key_text(1, 1).unwrap(), r#"["7","a\"b"]"#);
    shop.load("u", &spec(&[], &[]), &["x"], &[&["1"]]);
    assert_eq!(shop.db.key_text(2, 1).unwrap(), "#1");
}

#[test]
fn a_column_may_have_any_name() {
    let mut shop = Shop::empty();
    let rows: [&[&str]; 2] = [&["5", "x"], &["4", "y"]];
    shop.load("a\"b", &spec(&["rowid"], &[]), &["rowid", "order by"], &rows);
    assert_eq!((shop.db.tables()[0].row_name(), shop.db.key_text(1, 2).unwrap().as_str()), ("_rowid_", "4"));
}

#[test]
fn an_unfinished_table_is_as_if_it_had_never_begun() {
    let mut shop = Shop::empty();
    let vault = tempfile::tempdir().unwrap();
    let keys = Keys::from_seed([1; 32]);
    let mut cards = CardVaultWriter::create(vault.path(), &keys).unwrap();
    let mut writer = shop.db.load_table("shop", "t", &spec(&[], &[]), &["x".into()], &keys, &mut cards).unwrap();
    writer.push(&[Some("1")]).unwrap();
    drop(writer);
    assert!(shop.db.tables().is_empty());
    shop.load("t", &spec(&[], &[]), &["x"], &[&["2"]]);
    assert_eq!(column(&shop, "t", "x"), ["integer:2"]);
}

#[test]
fn a_key_column_that_is_not_there_is_told() {
    let mut shop = Shop::empty();
    let vault = tempfile::tempdir().unwrap();
    let keys = Keys::from_seed([1; 32]);
    let mut cards = CardVaultWriter::create(vault.path(), &keys).unwrap();
    let error = shop.db.load_table("shop", "t", &spec(&["nr"], &[]), &["id".into()], &keys, &mut cards).err().unwrap();
    assert_eq!(error.to_string(), "table t has no column nr, which its key names");
}

#[test]
fn a_file_opened_again_knows_its_tables() {
    let shop = Shop::filled();
    let again = FindDb::open_read_only(&shop.path()).unwrap();
    assert_eq!(again.tables(), shop.db.tables());
    let cards = again.table_named("shop", "cards").unwrap();
    assert_eq!(cards.person, Some(PersonLink { table: "customers".into(), column: "customer_id".into() }));
    assert_eq!(cards.column_meaning(FieldMeaning::CardNumber), Some(2));
    assert_eq!(again.table_named("shop", "orders").unwrap().references[0].target_table, "cards");
    assert!(!cards.is_of_persons() && again.table_named("shop", "customers").unwrap().is_of_persons());
}

#[test]
fn a_file_of_another_layout_is_refused() {
    let shop = Shop::empty();
    rusqlite::Connection::open(shop.path()).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let told = FindDb::open(&shop.path()).err().unwrap().to_string();
    assert!(told.contains("layout 99"), "{told}");
}

#[test]
fn rows_are_followed_to_their_person() {
    let mut shop = Shop::empty();
    shop.load("c", &spec(&["id"], &[("n", "person.name")]), &["id", "n"], &[&["10", "A"], &["11", "B"]]);
    let rows: [&[&str]; 3] = [&["11"], &["99"], &["NULL"]];
    shop.load("o", &owned(spec(&[], &[]), "c", "who"), &["who"], &rows);
    let mut seen = Vec::new();
    let each = |row, followed| {
        seen.push(format!("{row} {followed:?}"));
        Ok::<(), Error>(())
    };
    shop.db.follow_person(2, each).unwrap();
    assert_eq!(seen, ["1 Row(2)", "2 Missing(\"99\")", "3 Nowhere"]);
}
