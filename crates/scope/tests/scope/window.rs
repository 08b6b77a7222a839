//! The window rule on a small shop: whoever ordered by card in a period.

use crate::folder::{self, write};

const CASE: &str = r#"
version = 1
[case]
id = "w"
title = "w"
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
fields = { name = "person.name", email = "person.email" }
[source.tables.cards]
key = ["id"]
person = { table = "customers", column = "customer_id" }
fields = { holder = "card.holder" }
[source.tables.orders]
key = ["id"]
person = { table = "customers", column = "customer_id" }
references = { customer_id = "customers.id" }
[[rule]]
kind = "window"
table = "orders"
column = "created_at"
from = 2012-01-01
to = 2012-12-31
where = { paid_by = "card" }
exposes = ["cards.holder", "customers.email", "orders.id"]
verdict = "possible"
"#;

#[test]
fn whoever_used_the_service_in_the_period_is_named_by_every_kind_of_link() {
    let work = tempfile::tempdir().expect("a folder");
    let case = work.path().join("case");
    write(&case, "snapshot/customers.csv", "id,name,email\n1,A,a@example.com\n2,B,b@example.com\n3,C,c@example.com\n");
    write(&case, "snapshot/cards.csv", "id,customer_id,holder\n7,1,A\n8,2,B\n9,3,C\n");
    // The last moment of the window, the first after it, and one within that was paid otherwise.
    let orders =
        "21,1,2012-12-31 23:59:59,card\n22,2,2013-01-01 00:00:00,card\n23,3,2012-05-05 10:00:00,bank\n24,1,2012-01-01,card\n";
    write(&case, "snapshot/orders.csv", &format!("id,customer_id,created_at,paid_by\n{orders}"));
    write(&case, "case.toml", CASE);

    let (find, scoped) = folder::scope(&case, work.path());
    assert_eq!((scoped.windows, scoped.bases), (vec![4], 3));
    let expected = [
        "shop,cards,7,holder,possible",
        "shop,customers,1,email,possible",
        "shop,orders,21,id,possible",
        "shop,orders,24,id,possible",
    ];
    assert_eq!(folder::csv(&find).lines().skip(1).collect::<Vec<_>>(), expected);
    let rule = &find.bases().expect("bases")[0].rule;
    assert_eq!(rule, "window orders.created_at 2012-01-01..2012-12-31 paid_by=card");
}
