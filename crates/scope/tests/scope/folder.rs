//! A case folder taken in as the binary does it: evidence into custody, snapshots into find.db, rules to exposures.

use std::ops::ControlFlow;
use std::path::Path;

use kintsugi_case::CaseFile;
use kintsugi_evidence::{SnapshotReader, collect};
use kintsugi_find::FindDb;
use kintsugi_replay::Servers;
use kintsugi_scope::{Scoped, run};
use kintsugi_vault::{CardVaultWriter, Keys};

/// Everything up to the exposures; `work` takes find.db and the vault.
pub(crate) fn scope(case_dir: &Path, work: &Path) -> (FindDb, Scoped) {
    let text = std::fs::read_to_string(case_dir.join("case.toml")).expect("a case file");
    let case = CaseFile::parse(&text).expect("a case file without mistakes");
    let keys = Keys::from_seed([7; 32]);
    let collected = collect(case_dir, &case, &keys, "tests", 0, &mut |_| ()).expect("evidence taken in");
    let mut find = FindDb::create(&work.join("find.db")).expect("find.db");
    load(case_dir, &case, &keys, work, &mut find);
    let scoped =
        run(case_dir, &case, &keys, &mut find, &collected.files, &Servers::default(), &mut |_| ()).expect("rules applied");
    (find, scoped)
}

fn load(case_dir: &Path, case: &CaseFile, keys: &Keys, work: &Path, find: &mut FindDb) {
    let mut cards = CardVaultWriter::create(work, keys).expect("the card vault");
    for source in &case.sources {
        let reader = SnapshotReader::open(case_dir, source, keys).expect("the snapshot");
        for meta in reader.tables() {
            let spec = source.tables.get(&meta.name).cloned().unwrap_or_default();
            let writer = find.load_table(&source.name, &meta.name, &spec, &meta.columns, keys, &mut cards);
            let mut writer = writer.expect("a table");
            let rows = reader.read_table(&meta.name, &mut |row| {
                writer.push(row).expect("a row stored");
                ControlFlow::Continue(())
            });
            rows.expect("rows read");
            writer.finish().expect("the table stored");
        }
    }
    cards.finish().expect("the card vault closed");
}

/// The cells as the scorer reads them.
pub(crate) fn csv(find: &FindDb) -> String {
    let mut text = "source,table,key,column,verdict\n".to_owned();
    let each = |cell: kintsugi_find::ExportedCell<'_>| {
        let kintsugi_case::CellId { source, table, key, column } = cell.cell;
        text.push_str(&format!("{source},{table},{key},{column},{}\n", cell.verdict.name()));
        Ok::<(), kintsugi_find::Error>(())
    };
    find.export_exposures(each).expect("cells exported");
    text
}

/// Puts a file into a case folder.
pub(crate) fn write(dir: &Path, name: &str, text: &str) {
    std::fs::create_dir_all(dir.join("snapshot")).expect("a folder");
    std::fs::write(dir.join(name), text).expect("a file");
}
