//! A drill through its front door: the folder that it makes.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::Read;
use std::path::Path;

use kintsugi_case::CaseFile;
use kintsugi_drill::{Error, Made, Options, make};

fn drill(folder: &Path, records: u64, seed: u64) -> Made {
    make(&folder.join("case"), Options { records, seed }).unwrap()
}

/// Every file below `folder` with its bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() {
            found.extend(files(&entry.path()).into_iter().map(|(inner, bytes)| (format!("{name}/{inner}"), bytes)));
        } else {
            found.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    found
}

/// All lines of the web logs, oldest first.
fn log_lines(case: &Path) -> Vec<String> {
    let mut text = String::new();
    for age in (1..=4).rev() {
        let file = fs::File::open(case.join(format!("weblog/access.log.{age}.gz"))).unwrap();
        flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    }
    text += &fs::read_to_string(case.join("weblog/access.log")).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn logged_at(line: &str) -> jiff::Timestamp {
    let stamp = line.split(['[', ']']).nth(1).unwrap();
    jiff::Zoned::strptime("%d/%b/%Y:%H:%M:%S %z", stamp).unwrap().timestamp()
}

#[test]
fn the_case_file_is_one() {
    let folder = tempfile::tempdir().unwrap();
    drill(folder.path(), 40, 1);
    let text = fs::read_to_string(folder.path().join("case/case.toml")).unwrap();
    let case = CaseFile::parse(&text).unwrap();
    assert_eq!((case.case.year(), case.sources[0].tables.len(), case.remedies[0].amount), (2013, 4, 3000));
    let headers: BTreeMap<String, HashSet<String>> = ["customers", "cards", "orders", "items"]
        .into_iter()
        .map(|table| {
            let text = fs::read_to_string(folder.path().join(format!("case/snapshot/{table}.csv"))).unwrap();
            (table.to_owned(), text.lines().next().unwrap().split(',').map(str::to_owned).collect())
        })
        .collect();
    for (table, spec) in &case.sources[0].tables {
        assert!(spec.fields.keys().chain(&spec.key).all(|column| headers[table].contains(column)), "{table}");
    }
}

#[test]
fn the_same_seed_makes_the_same_bytes() {
    let folders = [1, 1, 2].map(|seed| {
        let folder = tempfile::tempdir().unwrap();
        drill(folder.path(), 300, seed);
        files(folder.path())
    });
    assert!(folders[0] == folders[1]);
    assert!(folders[0]["case/snapshot/cards.csv"] != folders[2]["case/snapshot/cards.csv"]);
}

#[test]
fn the_truth_lies_beside_the_case_and_names_cells_of_the_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let made = drill(folder.path(), 1000, 4);
    assert_eq!((made.records, made.exposed, made.customers), (1000, 744, 895));
    assert!(made.persons < made.customers && made.persons_exposed < made.persons);
    let truth = fs::read_to_string(made.truth.join("exposures.csv")).unwrap();
    let cards = fs::read_to_string(folder.path().join("case/snapshot/cards.csv")).unwrap();
    let ids: HashSet<&str> = cards.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    let cells: Vec<Vec<&str>> = truth.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!(cells.len(), 744 * 6);
    assert!(cells.iter().all(|cell| cell[0] == "cards" && ids.contains(cell[1])));
    assert!(files(&folder.path().join("case")).keys().all(|name| !name.contains("truth")));
}

#[test]
fn the_log_runs_in_the_order_of_time_with_the_attack_inside() {
    let folder = tempfile::tempdir().unwrap();
    let made = drill(folder.path(), 2000, 6);
    let lines = log_lines(&folder.path().join("case"));
    assert_eq!(lines.len() as u64, made.log_lines);
    assert!(lines.iter().map(|line| logged_at(line)).is_sorted());
    let rows = lines.iter().filter(|line| line.contains("cards%20ORDER%20BY%20id%20LIMIT") && line.contains("\" 200 ")).count();
    assert_eq!(rows as u64, made.exposed);
    let ordinary = lines.iter().filter(|line| !line.contains("UNION%20ALL")).count() as u64;
    assert!((2 * made.records..4 * made.records).contains(&ordinary), "{ordinary}");
}

/// Whoever replays the log with the snapshot finds every size explained to the byte, by one page around all values.
#[test]
fn every_size_is_that_of_the_row_it_names() {
    let folder = tempfile::tempdir().unwrap();
    let made = drill(folder.path(), 1500, 8);
    let case = folder.path().join("case");
    let mut cards = csv::Reader::from_path(case.join("snapshot/cards.csv")).unwrap();
    let rows: Vec<csv::StringRecord> = cards.records().map(Result::unwrap).collect();
    let keys: HashSet<String> = fs::read_to_string(made.truth.join("exposures.csv"))
        .unwrap()
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(1).unwrap().to_owned())
        .collect();
    let mut pages = HashSet::new();
    let mut seen = HashSet::new();
    for line in log_lines(&case).iter().filter(|line| line.contains("ORDER%20BY%20id%20LIMIT") && line.contains("\" 200 ")) {
        let row = &rows[line.split("LIMIT%20").nth(1).unwrap().split('%').next().unwrap().parse::<usize>().unwrap()];
        let bytes: usize = line.split("\" 200 ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        // holder, pan, exp, cvv, bill_zip, bill_address
        pages.insert(bytes - [2, 3, 4, 5, 7, 8].map(|column| row[column].len()).iter().sum::<usize>());
        seen.insert(row[0].to_owned());
    }
    assert_eq!(pages.len(), 1, "{pages:?}");
    assert_eq!(seen, keys);
}

#[test]
fn a_folder_in_use_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("case")).unwrap();
    fs::write(folder.path().join("case/case.toml"), "mine").unwrap();
    let options = Options { records: 10, seed: 1 };
    assert!(matches!(make(&folder.path().join("case"), options), Err(Error::NotEmpty { .. })));
    assert!(matches!(make(&folder.path().join("new"), Options { records: 0, seed: 1 }), Err(Error::Records { records: 0 })));
}
