//! Behaviour of FIND 4 through its front door: a real case (testdata: a sqlmap UNION attack on MariaDB) and what its
//! truth says, cell by cell.

mod access;
mod file;
mod folder;
mod window;

use std::collections::BTreeMap;
use std::path::Path;

/// Copies a folder, so that taking evidence in does not write into the tree.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").map(|entry| entry.expect("an entry")) {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy(&source, &target);
        } else {
            std::fs::copy(&source, &target).expect("a copy");
        }
    }
}

/// Cells by table and verdict.
fn counts(csv: &str) -> BTreeMap<(String, String), usize> {
    let mut counts = BTreeMap::new();
    for line in csv.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        if let [_, table, .., verdict] = fields.as_slice() {
            *counts.entry(((*table).to_owned(), (*verdict).to_owned())).or_insert(0) += 1;
        }
    }
    counts
}

#[test]
fn whole_tables_taken_by_union_are_proved_up_to_the_servers_limit() {
    let work = tempfile::tempdir().expect("a folder");
    let case = work.path().join("case");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/scenarios/o01_maria_union_whole_tables"), &case);

    let (find, scoped) = folder::scope(&case, work.path());
    let replayed = scoped.replayed.expect("the case asks for replay");
    assert_eq!(replayed.logs[0].read, 20_036);

    // JSON_ARRAYAGG ended inside the 4,975th of 5,000 customers; all 5,572 cards arrived.
    let csv = folder::csv(&find);
    let found: Vec<_> = counts(&csv).into_iter().map(|((table, verdict), cells)| (table, verdict, cells)).collect();
    let expected = [("cards", "proved", 5572 * 7), ("customers", "possible", 8), ("customers", "proved", 4974 * 8)];
    assert_eq!(found, expected.map(|(table, verdict, cells)| (table.to_owned(), verdict.to_owned(), cells)));
    assert!(csv.contains("shop,customers,4974,email,proved"), "rows come in the order of the key");
}
