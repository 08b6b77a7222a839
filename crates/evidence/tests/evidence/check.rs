//! The mistakes of a case file that only the disk can tell.

use kintsugi_evidence::check_files;

use crate::folder::Folder;

/// Each mistake as the place in the case file, what is wrong, and what to do.
fn mistakes(folder: &Folder) -> Vec<String> {
    let found = check_files(folder.path(), &folder.case());
    let place = |span: &std::ops::Range<usize>| folder.text()[span.clone()].lines().next().unwrap_or_default().to_owned();
    found.iter().map(|mistake| format!("{} :: {} :: {}", place(&mistake.span), mistake.message, mistake.help)).collect()
}

const TABLES: &str = r#"
    [source.tables.customers]
    key = ["id"]
    fields = { name = "person.name", emial = "person.email" }
    [source.tables.card]
    key = ["id"]
"#;

#[test]
fn a_case_that_fits_its_folder_has_none() {
    let folder = Folder::new()
        .source("mariadb", "[source.tables.customers]\nkey = [\"id\"]")
        .evidence("weblog/access.log*", "")
        .with("snapshot/customers.csv", "id,name\n1,a\n")
        .with("weblog/access.log", "");
    assert_eq!(mistakes(&folder), [] as [&str; 0]);
}

#[test]
fn tables_and_columns_that_are_not_there_are_named_with_the_nearest() {
    let folder = Folder::new()
        .source("mariadb", TABLES)
        .with("snapshot/customers.csv", "id,name,email\n")
        .with("snapshot/cards.csv", "id\n");
    let found = mistakes(&folder);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].contains("the snapshot of `shop` has no table `card` :: did you mean `cards`?"), "{}", found[0]);
    assert!(found[1].starts_with("emial"), "{}", found[1]);
    assert!(found[1].ends_with("table `customers` has no column `emial` :: did you mean `email`?"), "{}", found[1]);
}

#[test]
fn references_and_windows_name_columns_too() {
    let folder = Folder::new()
        .source(
            "mariadb",
            r#"
            [source.tables.customers]
            key = ["id"]
            fields = { address = "person.address" }
            [source.tables.orders]
            key = ["id"]
            references = { customer_id = "customers.no" }
            "#,
        )
        .toml("[[rule]]\nkind = \"window\"\ntable = \"orders\"\ncolumn = \"created\"\nfrom = 2011-03-07\nto = 2013-04-23\nexposes = [\"customers.address\"]\n")
        .with("snapshot/customers.csv", "id,address\n")
        .with("snapshot/orders.csv", "id,customer_id,created_at\n");
    let found = mistakes(&folder);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].contains("table `customers` has no column `no`"), "{}", found[0]);
    assert!(found[1].contains("table `orders` has no column `created` :: did you mean `created_at`?"), "{}", found[1]);
}

#[test]
fn files_that_are_missing_double_or_unknown_are_named() {
    let folder = Folder::new().source("mariadb", "").evidence("weblog/*.log", "");
    let found = mistakes(&folder);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].contains("there is no `snapshot`") && found[0].contains("\"snapshot\" ::"), "{}", found[0]);
    assert!(found[1].contains("no file matches `weblog/*.log`"), "{}", found[1]);
    let folder = Folder::new()
        .source("mariadb", "")
        .evidence("weblog/*.log", "format = \"combind\"")
        .evidence("weblog/a*", "")
        .with("weblog/a.log", "")
        .with("snapshot/t.csv", "id\n")
        .with("snapshot/t.csv.gz", "id\n");
    let found = mistakes(&folder);
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(found[0].contains("table `t` lies in two files: snapshot/t.csv and snapshot/t.csv.gz"), "{}", found[0]);
    assert!(found[1].contains("there is no log format `combind` :: did you mean `combined`?"), "{}", found[1]);
    assert!(found[2].contains("weblog/a.log is named twice"), "{}", found[2]);
}
