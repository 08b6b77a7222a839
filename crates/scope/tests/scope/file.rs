//! The file rule on a small shop: whose records a found file holds, in whatever form, and how much of it left.

use std::path::Path;

use crate::folder::{self, write};

const CASE: &str = r#"
version = 1
[case]
id = "f"
title = "f"
timezone = "Asia/Tokyo"
languages = ["ja"]
[controller]
name = "Example KK"
domain = "example.example"
brands = ["Example"]
[[source]]
name = "shop"
dbms = "mariadb"
snapshot = "snapshot"
[source.tables.customers]
key = ["id"]
fields = { name = "person.name", email = "person.email", phone = "person.phone" }
[source.tables.notes]
key = ["id"]
references = { customer_id = "customers.id" }
[[evidence]]
path = "access.log"
source = "shop"
[[rule]]
kind = "file"
evidence = "found/list"
"#;

const NAMES: [&str; 4] = ["山田 花子", "佐藤 一郎", "\u{20BB7}田 次郎", "O'Brien"];

fn phone(id: usize) -> String {
    format!("090-1111-{:04}", id * 37)
}

/// `verdict table: key columns` of what follows from a found file of these bytes.
fn cells(found: &[u8], served: &str, log: &str) -> Vec<String> {
    let work = tempfile::tempdir().expect("a folder");
    let case = work.path().join("case");
    let customer = |id: usize| format!("{id},{},c{id}@example.com,{}\n", NAMES[id - 1], phone(id));
    let customers: String = (1..=4).map(customer).collect();
    write(&case, "snapshot/customers.csv", &format!("id,name,email,phone\n{customers}"));
    write(&case, "snapshot/notes.csv", "id,customer_id,text\n1,1,a\n2,2,b\n3,3,c\n4,4,d\n");
    write(&case, "access.log", log);
    write(&case, "case.toml", &(CASE.to_owned() + served));
    std::fs::create_dir_all(case.join("found")).expect("a folder");
    std::fs::write(case.join("found/list"), found).expect("a file");
    let (find, _) = folder::scope(&case, work.path());
    let mut rows: Vec<(String, String)> = Vec::new();
    for line in folder::csv(&find).lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let [_, table, key, column, verdict] = fields[..] else { continue };
        let row = format!("{verdict} {table}: {key}");
        match rows.last_mut().filter(|(known, _)| *known == row) {
            Some((_, columns)) => *columns = format!("{columns},{column}"),
            None => rows.push((row, column.to_owned())),
        }
    }
    rows.into_iter().map(|(row, columns)| format!("{row} {columns}")).collect()
}

/// A file in the intruder's hands: every record of it is proved.
fn check(found: &[u8], expected: &[&str]) {
    assert_eq!(cells(found, "", "203.0.113.5 - - [19/Apr/2013:02:14:05 +0900] \"GET / HTTP/1.1\" 200 5\n"), expected);
}

#[test]
fn columns_are_known_by_their_values_whatever_they_are_called_and_wherever_they_stand() {
    let list = format!("電話;会員;お名前\n{};2;佐藤一郎\n{};4;O'BRIEN\n", phone(2).replace('-', ""), phone(4));
    check(list.as_bytes(), &["proved customers: 2 id,name,phone", "proved customers: 4 id,name,phone"]);
    // Without a key and without names of columns; the third record is nobody's of ours.
    let list = format!("c1@example.com\t{}\nc3@example.com\t{}\nz@example.com\t03-9999-9999\n", phone(1), phone(3));
    check(list.as_bytes(), &["proved customers: 1 email,phone", "proved customers: 3 email,phone"]);
    check(b"c2@example.com\nc4@example.com\n", &["proved customers: 2 email", "proved customers: 4 email"]);
}

#[test]
fn the_encoding_may_be_any_and_may_have_lost_characters() {
    let list: String = (1..=4).map(|id| format!("{id},{},{}\r\n", NAMES[id - 1], phone(id))).collect();
    let expected: Vec<String> = (1..=4).map(|id| format!("proved customers: {id} id,name,phone")).collect();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    let lossy = list.replace('\u{20BB7}', "?");
    check(&encoding_rs::SHIFT_JIS.encode(&lossy).0, &expected);
    check(&encoding_rs::EUC_JP.encode(&lossy).0, &expected);
    let utf16: Vec<u8> = format!("\u{FEFF}{list}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    check(&utf16, &expected);
}

#[test]
fn dumps_and_json_are_read() {
    let dump = format!("INSERT INTO `customers` (`id`,`phone`) VALUES\n(1,'{}'),\n(3,'{}');\n", phone(1), phone(3));
    check(dump.as_bytes(), &["proved customers: 1 id,phone", "proved customers: 3 id,phone"]);
    let json = format!("{{\"users\":[{{\"contact\":{{\"mail\":\"c2@example.com\",\"tel\":\"{}\"}}}}]}}", phone(2));
    check(json.as_bytes(), &["proved customers: 2 email,phone"]);
}

#[test]
fn a_value_that_changed_since_stays_possible() {
    let list = format!("1,c1@example.com,{}\n2,c2@example.com,{}\n3,c3@example.com,080-0000-0000\n", phone(1), phone(2));
    let expected = [
        "proved customers: 1 id,email,phone",
        "proved customers: 2 id,email,phone",
        "proved customers: 3 id,email",
        "possible customers: 3 phone",
    ];
    check(list.as_bytes(), &expected);
}

#[test]
fn numbers_that_only_coincide_are_nobodys() {
    check(b"1,100\n2,200\n3,300\n4,400\n", &[]);
}

#[test]
fn of_a_file_on_our_server_as_much_is_proved_as_was_downloaded() {
    let row = |id: usize| format!("{id},c{id}@example.com\n");
    let list: String = (1..=4).map(row).collect();
    let served = "served_at = \"/backup/list.csv\"\n";
    let got = |status: u16, bytes: usize| {
        format!("203.0.113.5 - - [19/Apr/2013:02:14:05 +0900] \"GET /backup/list.csv HTTP/1.1\" {status} {bytes}\n")
    };
    let all = |verdict: [&str; 4]| -> Vec<String> {
        verdict.iter().zip(1..).map(|(verdict, id)| format!("{verdict} customers: {id} id,email")).collect()
    };
    let size = list.len();
    assert_eq!(cells(list.as_bytes(), served, &got(200, size)), all(["proved"; 4]));
    assert_eq!(cells(list.as_bytes(), served, &got(404, 20)), all(["possible"; 4]));
    // Two rows and a piece of the third.
    let two = cells(list.as_bytes(), served, &got(206, row(1).len() * 2 + 5));
    assert_eq!(two, all(["proved", "proved", "possible", "possible"]));
    let own = got(200, size).replace("203.0.113.5", "127.0.0.1");
    assert_eq!(cells(list.as_bytes(), served, &own), all(["possible"; 4]));
}

#[test]
fn of_a_packed_file_the_first_bytes_give_the_first_rows() {
    let work = tempfile::tempdir().expect("a folder");
    let path = work.path().join("x.gz");
    let file = std::fs::File::create(&path).expect("a file");
    let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::none());
    let list: String = (1..=4).map(|id| format!("{id},c{id}@example.com\n")).collect();
    std::io::Write::write_all(&mut packed, list.as_bytes()).expect("packed");
    packed.finish().expect("packed");
    let bytes = std::fs::read(Path::new(&path)).expect("the file");
    let served = "served_at = \"/backup/list.gz\"\n";
    let log = "203.0.113.5 - - [19/Apr/2013:02:14:05 +0900] \"GET /backup/list.gz HTTP/1.1\" 200 60\n";
    let found = cells(&bytes, served, log);
    assert!(found[0].starts_with("proved") && found[3].starts_with("possible"), "{found:?}");
}
