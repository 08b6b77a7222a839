//! A find.db of a few invented people, and how its persons read.

use std::collections::BTreeMap;

use kintsugi_case::{CaseFile, FieldMeaning, PersonLink, TableSpec};
use kintsugi_find::{Error, FindDb};
use kintsugi_resolve::{Resolved, resolve};
use kintsugi_vault::{CardVaultWriter, Keys};
use tempfile::TempDir;

/// A find.db, gone when dropped.
pub(crate) struct Town {
    folder: TempDir,
    pub(crate) db: FindDb,
}

/// The columns of [`Town::customers`].
const COLUMNS: [(&str, &str); 6] = [
    ("name", "person.name"),
    ("kana", "person.name_kana"),
    ("email", "person.email"),
    ("phone", "person.phone"),
    ("address", "person.address"),
    ("lang", "person.language"),
];

impl Town {
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = FindDb::create(&folder.path().join("find.db")).unwrap();
        Self { folder, db }
    }

    /// Customers with ids from 1; each row is name, kana, mail, phone, address, language.
    pub(crate) fn of(rows: &[[&str; 6]]) -> Self {
        let mut town = Self::empty();
        town.customers("customers", rows);
        town
    }

    pub(crate) fn customers(&mut self, table: &str, rows: &[[&str; 6]]) {
        let fields: Vec<(&str, &str)> = COLUMNS.to_vec();
        let columns: Vec<&str> = ["id"].into_iter().chain(COLUMNS.map(|(column, _)| column)).collect();
        let numbered: Vec<Vec<String>> =
            (1..).zip(rows).map(|(id, row)| [id.to_string()].into_iter().chain(row.map(str::to_owned)).collect()).collect();
        self.load(table, &fields, None, &columns, &numbered);
    }

    /// Loads a table whose first column is its key.
    pub(crate) fn load(
        &mut self,
        name: &str,
        fields: &[(&str, &str)],
        person: Option<(&str, &str)>,
        columns: &[&str],
        rows: &[Vec<String>],
    ) {
        let meaning = |name: &str| FieldMeaning::from_name(name).unwrap();
        let spec = TableSpec {
            key: vec![columns[0].to_owned()],
            fields: fields.iter().map(|&(column, name)| (column.to_owned(), meaning(name))).collect::<BTreeMap<_, _>>(),
            person: person.map(|(table, column)| PersonLink { table: table.into(), column: column.into() }),
            ..TableSpec::default()
        };
        let keys = Keys::from_seed([3; 32]);
        let vault = self.folder.path().join(format!("vault-{name}"));
        std::fs::create_dir(&vault).unwrap();
        let mut cards = CardVaultWriter::create(&vault, &keys).unwrap();
        let columns: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
        let mut writer = self.db.load_table("shop", name, &spec, &columns, &keys, &mut cards).unwrap();
        for row in rows {
            let values: Vec<Option<&str>> = row.iter().map(|value| (value != "NULL").then_some(value.as_str())).collect();
            writer.push(&values).unwrap();
        }
        writer.finish().unwrap();
        cards.finish().unwrap();
    }

    pub(crate) fn resolve(&mut self) -> Resolved {
        resolve(&mut self.db, &case()).unwrap()
    }

    /// One line per person: language, then records with why.
    pub(crate) fn persons(&mut self) -> String {
        self.resolve();
        let mut lines = Vec::new();
        self.db
            .persons(|person| {
                let records = person.records.iter().map(|r| format!("{} {} ({})", r.table, r.key, r.linked_by));
                let records = records.collect::<Vec<_>>().join(", ");
                lines.push(format!("{} {}: {records}", person.id, person.profile.language.tag()));
                Ok::<(), Error>(())
            })
            .unwrap();
        lines.join("\n")
    }
}

/// A case in Japan, told in English where nothing says otherwise.
fn case() -> CaseFile {
    let text = r#"
version = 1
[case]
id = "town"
title = "A town"
timezone = "Asia/Tokyo"
languages = ["en", "ja"]
[controller]
name = "Kakehashi Rental KK"
domain = "kakehashi.example"
brands = ["TABIDATA"]
"#;
    CaseFile::parse(text).unwrap()
}
