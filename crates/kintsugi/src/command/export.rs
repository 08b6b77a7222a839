//! `kintsugi export`: what was found, as a table for other programs.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};

use anyhow::{Result, anyhow, bail};
use jiff::Timestamp;
use kintsugi_case::EvidenceId;
use kintsugi_find::ExportedCell;
use serde_json::json;

use super::export_attack::write_attack;
use super::export_values::write_values;
use crate::cli::{Export, ExportFormat, Exported};
use crate::finish::Finish;
use crate::folder::Folder;

const HEAD: &str = "source,table,key,column,verdict,basis,technique,first_at,last_at,evidence,line";

/// Writes to standard output. A reader who hangs up early (`| head`) is no error.
pub(crate) fn export(folder: &Folder, args: &Export) -> Result<Finish> {
    check_form(args)?;
    let mut out = BufWriter::with_capacity(1 << 20, std::io::stdout().lock());
    let written = match args.what {
        Exported::Exposures => write_exposures(folder, args.format, &mut out),
        Exported::Attack => write_attack(folder, args.format, &mut out),
        Exported::Values => write_values(folder, args.format, args.reveal, &mut out),
    };
    match written.and_then(|()| Ok(out.flush()?)) {
        Err(error) if is_hang_up(&error) => Ok(Finish::Done),
        outcome => outcome.map(|()| Finish::Done),
    }
}

/// Cells and values are tables; the attack has forms of its own.
fn check_form(args: &Export) -> Result<()> {
    let is_table = matches!(args.format, ExportFormat::Csv | ExportFormat::Jsonl);
    match (args.what, is_table) {
        (Exported::Attack, true) => {
            bail!("the attack is exported with --format timesketch-csv, timesketch-jsonl, stix, misp or veris")
        }
        (Exported::Exposures | Exported::Values, false) => bail!("cells and values are exported with --format csv or jsonl"),
        _ => Ok(()),
    }
}

fn is_hang_up(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
}

/// One row per cell, in the order of table, row and column.
fn write_exposures(folder: &Folder, format: ExportFormat, out: &mut dyn Write) -> Result<()> {
    let db = folder.find()?;
    let files: BTreeMap<EvidenceId, String> =
        kintsugi_evidence::custody(&folder.root, &folder.keys()?)?.into_iter().map(|entry| (entry.id, entry.path)).collect();
    if matches!(format, ExportFormat::Csv) {
        writeln!(out, "{HEAD}")?;
    }
    let unnamed = String::new();
    db.export_exposures(|cell| {
        let file = files.get(&cell.line.evidence).unwrap_or(&unnamed);
        match format {
            ExportFormat::Csv => write_csv(out, &cell, file),
            _ => write_json(out, &cell, file),
        }
        .map_err(Stop::Write)
    })
    .map_err(|stop| match stop {
        Stop::Write(error) => error.into(),
        Stop::Find(error) => anyhow!(error),
    })
}

/// Why an export ended early.
enum Stop {
    Write(std::io::Error),
    Find(kintsugi_find::Error),
}

impl From<kintsugi_find::Error> for Stop {
    fn from(error: kintsugi_find::Error) -> Self {
        Self::Find(error)
    }
}

fn write_csv(out: &mut dyn Write, cell: &ExportedCell<'_>, file: &str) -> std::io::Result<()> {
    let id = cell.cell;
    let columns = [id.source.as_str(), &id.table, &id.key, &id.column].map(field).join(",");
    writeln!(
        out,
        "{columns},{},{},{},{},{},{},{}",
        cell.verdict.name(),
        cell.basis.id.0,
        cell.basis.technique.name(),
        moment(cell.first_at_ms),
        moment(cell.last_at_ms),
        field(file),
        cell.line.line
    )
}

fn write_json(out: &mut dyn Write, cell: &ExportedCell<'_>, file: &str) -> std::io::Result<()> {
    let row = json!({
        "source": cell.cell.source, "table": cell.cell.table, "key": cell.cell.key, "column": cell.cell.column,
        "verdict": cell.verdict.name(), "basis": cell.basis.id.0, "technique": cell.basis.technique.name(),
        "first_at": moment(cell.first_at_ms), "last_at": moment(cell.last_at_ms), "evidence": file, "line": cell.line.line,
    });
    writeln!(out, "{row}")
}

/// RFC 3339 in UTC; nothing where the time is unknown.
fn moment(at_ms: i64) -> String {
    match at_ms {
        0 => String::new(),
        _ => Timestamp::from_millisecond(at_ms).map(|at| at.to_string()).unwrap_or_default(),
    }
}

/// A field as RFC 4180 wants it. One that a spreadsheet would run as a formula gets an apostrophe in front.
pub(super) fn field(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err();
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::{field, moment};

    #[test]
    fn fields_are_quoted_and_never_run_as_formulas() {
        assert_eq!(
            ["7", "-7", "[1,\"a\"]", "=1+1", "-cmd", ""].map(field),
            ["7", "-7", "\"[1,\"\"a\"\"]\"", "'=1+1", "'-cmd", ""]
        );
    }

    #[test]
    fn times_are_utc() {
        assert_eq!((moment(0), moment(1_366_705_815_000)), (String::new(), "2013-04-23T08:30:15Z".into()));
    }
}
