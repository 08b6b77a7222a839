//! Custody: taken in once, signed, chained; what changed is refused.

use std::fs;

use kintsugi_evidence::{Error, EvidenceKind, custody, read_line, read_log};
use kintsugi_vault::Keys;

use crate::folder::Folder;

const LINE: &str = "192.0.2.1 - - [22/Nov/2012:18:53:53 +0900] \"GET / HTTP/1.1\" 200 28 \"-\" \"x\"\n";

fn folder() -> Folder {
    Folder::new()
        .source("mariadb", "")
        .evidence("weblog/access.log*", "")
        .with("snapshot/items.csv", "id,name\n1,a\n")
        .with("weblog/access.log", LINE)
        .with("weblog/access.log.1", LINE.repeat(3))
}

fn manifest(folder: &Folder) -> String {
    fs::read_to_string(folder.file(".kintsugi/custody.jsonl")).unwrap()
}

#[test]
fn a_second_collect_changes_nothing() {
    let folder = folder();
    let first = folder.collect().unwrap();
    assert_eq!((first.new, first.unchanged, first.files.len()), (3, 0, 3));
    let text = manifest(&folder);
    let second = folder.collect().unwrap();
    assert_eq!((second.new, second.unchanged, second.files.len()), (0, 3, 3));
    assert_eq!(manifest(&folder), text);
    assert_eq!(custody(folder.path(), &folder.keys).unwrap(), first.files);
    let paths: Vec<_> = first.files.iter().map(|entry| (entry.path.as_str(), entry.kind, entry.format.as_str())).collect();
    assert_eq!(
        paths,
        [
            ("snapshot/items.csv", EvidenceKind::Snapshot, "csv"),
            ("weblog/access.log", EvidenceKind::Log, "combined"),
            ("weblog/access.log.1", EvidenceKind::Log, "combined"),
        ]
    );
}

#[test]
fn what_is_new_is_appended() {
    let folder = folder();
    folder.collect().unwrap();
    let text = manifest(&folder);
    folder.put("weblog/access.log.2", LINE);
    let again = folder.collect().unwrap();
    assert_eq!((again.new, again.unchanged), (1, 3));
    assert!(manifest(&folder).starts_with(&text));
}

#[test]
fn a_changed_file_is_refused_at_every_read() {
    let folder = folder();
    let entry = folder.entry("weblog/access.log");
    let read = || read_log(folder.path(), &entry, &folder.keys, &mut |_| ());
    read().unwrap();
    for changed in [LINE.replace("28", "29"), LINE.repeat(2), String::new()] {
        folder.put("weblog/access.log", changed);
        assert!(matches!(read(), Err(Error::Changed { .. })));
        assert!(matches!(read_line(folder.path(), &entry, &folder.keys, 1), Err(Error::Changed { .. })));
        assert!(matches!(folder.collect(), Err(Error::Changed { .. })));
    }
    fs::remove_file(folder.file("weblog/access.log")).unwrap();
    assert!(matches!(read(), Err(Error::Read { .. })));
    folder.put("weblog/access.log", LINE);
    read().unwrap();
}

#[test]
fn the_manifest_cannot_be_changed_unseen() {
    let folder = folder();
    folder.collect().unwrap();
    let text = manifest(&folder);
    let lines: Vec<&str> = text.lines().collect();
    let refused = |text: String, line: usize| {
        folder.put(".kintsugi/custody.jsonl", text);
        match custody(folder.path(), &folder.keys) {
            Err(Error::CustodyBroken { line: found, .. }) => assert_eq!(found, line),
            other => panic!("{other:?}"),
        }
        assert!(folder.collect().is_err());
    };
    refused(text.replace("weblog/access.log.1", "weblog/access.log.9"), 3);
    refused(format!("{}\n{}\n", lines[0], lines[2]), 2);
    refused(format!("{}\n{}\n", lines[1], lines[2]), 1);
    refused(format!("{}\n{}\n{}\n", lines[1], lines[0], lines[2]), 1);
    refused(format!("{text}hello\n"), 4);
    refused(text.replace("\"bytes\":", "\"bytes\": "), 1);
    folder.put(".kintsugi/custody.jsonl", &text);
    assert!(custody(folder.path(), &Keys::from_seed([8; 32])).is_err());
    assert!(custody(folder.path(), &folder.keys).is_ok());
}

#[test]
fn a_copy_is_encrypted_and_outlives_the_file() {
    let folder = Folder::new()
        .source("mariadb", "")
        .with("snapshot/items.csv", "id\n")
        .evidence("weblog/*", "copy = true")
        .with("weblog/access.log", LINE.repeat(1000));
    let entry = folder.entry("weblog/access.log");
    let copy = fs::read(folder.file(".kintsugi/evidence/000002.age")).unwrap();
    assert!(entry.copied && !copy.windows(9).any(|window| window == b"192.0.2.1"));
    fs::remove_file(folder.file("weblog/access.log")).unwrap();
    assert_eq!(read_log(folder.path(), &entry, &folder.keys, &mut |_| ()).unwrap().read, 1000);
    assert_eq!(folder.collect().unwrap().new, 0);
    let mut changed = copy;
    changed[1000] ^= 1;
    folder.put(".kintsugi/evidence/000002.age", changed);
    assert!(read_log(folder.path(), &entry, &folder.keys, &mut |_| ()).is_err());
}

#[test]
fn a_pattern_without_a_file_is_told() {
    let folder = folder().evidence("nothing/*.log", "");
    match folder.collect() {
        Err(Error::NoFile { pattern }) => assert_eq!(pattern, "nothing/*.log"),
        other => panic!("{other:?}"),
    }
}
