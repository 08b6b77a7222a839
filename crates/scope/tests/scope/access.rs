//! The access rule on a small shop: whose orders were fetched by their number, and by whom.

use crate::folder::{self, write};

const CASE: &str = r#"
version = 1
[case]
id = "a"
title = "a"
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
fields = { name = "person.name" }
[source.tables.cards]
key = ["id"]
person = { table = "customers", column = "customer_id" }
fields = { brand = "card.brand" }
[source.tables.orders]
key = ["id"]
person = { table = "customers", column = "customer_id" }
references = { customer_id = "customers.id" }
[[evidence]]
path = "access.log"
source = "shop"
[[rule]]
kind = "access"
request = "GET /orders/{orders.id}"
exposes = ["orders.customer_id", "customers.name", "cards.brand"]
suspect = { persons_per_actor_min = 3 }
"#;

/// One answer: who, which order, status, bytes.
fn line(client: &str, order: &str, status: u16, bytes: u64) -> String {
    format!("{client} - - [19/Apr/2013:02:14:05 +0900] \"GET /orders/{order} HTTP/1.1\" {status} {bytes} \"-\" \"curl\"\n")
}

/// The cells that follow from a log; customers 1 to 5 have orders 11 to 15 and a card each, customer 5 has two.
fn cells(log: &str) -> Vec<String> {
    let work = tempfile::tempdir().expect("a folder");
    let case = work.path().join("case");
    let row = |id: u32| format!("{id},{}\n", "n".repeat(id as usize));
    write(&case, "snapshot/customers.csv", &format!("id,name\n{}", (1..=5).map(row).collect::<String>()));
    write(&case, "snapshot/cards.csv", "id,customer_id,brand\n21,1,V\n22,2,V\n23,3,V\n24,4,V\n25,5,V\n26,5,V\n");
    let orders: String = (1..=5).map(|id| format!("{},{id}\n", id + 10)).collect();
    write(&case, "snapshot/orders.csv", &format!("id,customer_id\n{orders}"));
    write(&case, "access.log", log);
    write(&case, "case.toml", CASE);
    let (find, _) = folder::scope(&case, work.path());
    folder::csv(&find).lines().skip(1).map(|line| line.trim_start_matches("shop,").to_owned()).collect()
}

#[test]
fn who_reads_of_many_persons_took_the_records_and_customers_read_their_own() {
    let mut log = line("192.0.2.9", "15", 200, 500);
    for order in ["11", "012", "13", "99"] {
        log += &line("203.0.113.5", order, 200, 500);
    }
    log += &line("203.0.113.5", "14", 403, 90);
    let mut expected = Vec::new();
    for id in 1..=3 {
        expected.push(format!("customers,{id},id,proved"));
        expected.push(format!("customers,{id},name,proved"));
    }
    expected.extend((1..=3).map(|id| format!("cards,{},brand,proved", id + 20)));
    expected.extend((1..=3).map(|id| format!("orders,{},customer_id,proved", id + 10)));
    expected.sort();
    let mut found = cells(&log);
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn an_answer_that_is_too_short_and_a_card_that_nothing_names_stay_possible() {
    // A frame of 100 bytes around customer number, name and brand.
    let mut log: String = (1..=4).map(|id| line("203.0.113.5", &(id + 10).to_string(), 200, 102 + id)).collect();
    log += &line("203.0.113.5", "15", 200, 40);
    let found = cells(&log);
    let possible: Vec<&str> = found.iter().filter_map(|cell| cell.strip_suffix(",possible")).collect();
    let expected = ["customers,5,id", "customers,5,name", "cards,25,brand", "cards,26,brand", "orders,15,customer_id"];
    let sorted = |mut cells: Vec<&str>| {
        cells.sort_unstable();
        cells.join(" ")
    };
    assert_eq!(sorted(possible), sorted(expected.to_vec()));
}

#[test]
fn a_range_of_an_answer_stays_possible() {
    let log: String = (11..=13).map(|order| line("203.0.113.5", &order.to_string(), 206, 10)).collect();
    assert!(cells(&log).iter().all(|cell| cell.ends_with(",possible")));
    assert_eq!(cells(&log).len(), 12);
}
