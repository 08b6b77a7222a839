//! `kintsugi export values`: what the logs give away by themselves, value by value. Nothing of it is kept: every export
//! reads the evidence again.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Result;
use kintsugi_case::{EvidenceId, EvidenceLine, FieldMeaning};
use kintsugi_replay::{Inputs, RecoveredValue, Servers, recover};
use serde_json::json;

use super::export::field;
use crate::cli::ExportFormat;
use crate::folder::Folder;
use crate::progress::{Stage, count};

const HEAD: &str = "source,table,column,row,characters,value,first_evidence,first_line,last_evidence,last_line";

/// One row per value, in the order of table, column and first evidence line.
pub(super) fn write_values(folder: &Folder, format: ExportFormat, reveal: bool, out: &mut dyn Write) -> Result<()> {
    let db = folder.find()?;
    let keys = folder.keys()?;
    let evidence = kintsugi_evidence::custody(&folder.root, &keys)?;
    let files: BTreeMap<EvidenceId, &str> = evidence.iter().map(|entry| (entry.id, entry.path.as_str())).collect();
    let (path, tables) = (db.path().to_owned(), db.tables().to_vec());
    let inputs = Inputs {
        case_dir: &folder.root,
        case: &folder.case,
        keys: &keys,
        find: &path,
        tables: &tables,
        evidence: &evidence,
        servers: &Servers::default(),
    };
    let mut values = Vec::new();
    let stage = Stage::begin("values");
    recover(inputs, &mut |value| values.push(value), &mut |at| stage.says(format!("{} lines", count(at.lines))))?;
    stage.end(&format!("{} values", count(values.len() as u64)));
    values.sort_by(|a, b| {
        (&a.source, &a.table, &a.column, a.first, &a.row).cmp(&(&b.source, &b.table, &b.column, b.first, &b.row))
    });
    if matches!(format, ExportFormat::Csv) {
        writeln!(out, "{HEAD}")?;
    }
    for value in &values {
        write_value(out, format, value, &shown(value, reveal), &|line| place(&files, line))?;
    }
    Ok(())
}

fn place(files: &BTreeMap<EvidenceId, &str>, line: EvidenceLine) -> (String, u64) {
    (files.get(&line.evidence).copied().unwrap_or_default().to_owned(), line.line)
}

fn write_value(
    out: &mut dyn Write,
    format: ExportFormat,
    value: &RecoveredValue,
    shown: &str,
    place: &dyn Fn(EvidenceLine) -> (String, u64),
) -> std::io::Result<()> {
    let ((first, first_line), (last, last_line)) = (place(value.first), place(value.last));
    let characters = value.characters.to_string();
    match format {
        ExportFormat::Csv => {
            let named = [&value.source, &value.table, &value.column, &value.row].map(|text| field(text)).join(",");
            let [characters, shown, first, last] = [&characters, shown, &first, &last].map(field);
            writeln!(out, "{named},{characters},{shown},{first},{first_line},{last},{last_line}")
        }
        _ => {
            let row = json!({
                "source": value.source, "table": value.table, "column": value.column, "row": value.row,
                "characters": characters, "value": shown,
                "first_evidence": first, "first_line": first_line, "last_evidence": last, "last_line": last_line,
            });
            writeln!(out, "{row}")
        }
    }
}

/// The value for the reader: one star a character, unless it is to be revealed. A security code is never shown: nobody
/// may keep one (PCI DSS 3.3), and an export is kept.
fn shown(value: &RecoveredValue, reveal: bool) -> String {
    if reveal && value.meaning != Some(FieldMeaning::CardCode) {
        return value.value.open().clone();
    }
    value.value.open().chars().map(|_| '*').collect()
}

#[cfg(test)]
mod tests {
    use kintsugi_case::{EvidenceId, EvidenceLine, FieldMeaning, Private};
    use kintsugi_replay::{Characters, RecoveredValue};

    use super::{shown, write_value};
    use crate::cli::ExportFormat;

    fn value(meaning: Option<FieldMeaning>) -> RecoveredValue {
        let line = |line| EvidenceLine { evidence: EvidenceId(1), line };
        RecoveredValue {
            source: "shop".into(),
            table: "customers".into(),
            column: "name".into(),
            meaning,
            row: "id=7".into(),
            characters: Characters::Some(vec![(1, 3)]),
            value: Private::new("=Ann".into()),
            first: line(4),
            last: line(9),
        }
    }

    #[test]
    fn a_value_is_masked_unless_it_is_to_be_revealed_and_a_code_always() {
        assert_eq!(shown(&value(None), false), "****");
        assert_eq!(shown(&value(Some(FieldMeaning::PersonName)), true), "=Ann");
        assert_eq!(shown(&value(Some(FieldMeaning::CardCode)), true), "****");
    }

    #[test]
    fn a_line_says_what_arrived_and_where_it_stands() {
        let mut out = Vec::new();
        write_value(&mut out, ExportFormat::Csv, &value(None), "=Ann", &|line| ("a.log".into(), line.line)).expect("memory");
        assert_eq!(String::from_utf8_lossy(&out), "shop,customers,name,id=7,1-3,'=Ann,a.log,4,a.log,9\n");
    }
}
