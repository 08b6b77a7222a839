//! The mistakes of a case file that only the disk can tell: files that are missing, columns that no table has.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::Path;

use kintsugi_case::{
    AccessRule, CaseFile, EvidenceSpec, FileRule, Mistake, RuleSpec, SourceSpec, TableSpec, WindowRule, nearest,
};

use crate::collect::{manifest_name, matching};
use crate::log::{Pattern, is_pattern};
use crate::{Error, LogFormat, SnapshotReader};

/// The tables of a source and their columns, as they lie on the disk.
type Tables = BTreeMap<String, Vec<String>>;

/// Compares the case file with what lies in its folder. Nothing needs to be in custody for this.
pub fn check_files(case_dir: &Path, case: &CaseFile) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let mut found = HashMap::new();
    // What the case file says of tables is taken at its word until their snapshot arrives.
    for source in case.sources.iter().filter(|source| source.snapshot.is_some()) {
        match SnapshotReader::look(case_dir, source) {
            Ok(reader) => {
                let tables = reader.tables().iter().map(|meta| (meta.name.clone(), meta.columns.clone())).collect();
                duplicates(&reader, source, &mut mistakes);
                check_tables(source, &tables, &mut mistakes);
                found.insert(source.name.as_str(), tables);
            }
            Err(error) => mistakes.push(unreadable(source, &error)),
        }
    }
    check_evidence(case_dir, case, &mut mistakes);
    for rule in &case.rules {
        match rule {
            RuleSpec::Replay => {}
            RuleSpec::Window(rule) => {
                if let (Some(source), Some(tables)) = (case.source(&rule.source), found.get(rule.source.as_str())) {
                    check_window(rule, source, tables, &mut mistakes);
                }
            }
            RuleSpec::Access(rule) => {
                if let Some(tables) = found.get(rule.source.as_str()) {
                    check_access(rule, tables, &mut mistakes);
                }
            }
            RuleSpec::File(rule) => check_file(case_dir, rule, &mut mistakes),
        }
    }
    mistakes
}

fn unreadable(source: &SourceSpec, error: &Error) -> Mistake {
    let span = source.snapshot_span.clone();
    let (message, help) = match error {
        Error::NoFile { pattern } => {
            (format!("there is no `{pattern}`"), "paths are relative to the case folder; leave `snapshot` out until it arrives")
        }
        Error::Snapshot { path, reason } => (
            format!("{} cannot be read: {reason}", path.display()),
            "a snapshot is a folder of CSV or Parquet files, a SQL dump or a SQLite file; leave it out until it arrives",
        ),
        other => (other.to_string(), "look at the file and who may read it"),
    };
    Mistake { span, message, help: help.into() }
}

/// Files that would bring a table a second time, where a person has to say which is meant.
fn duplicates(reader: &SnapshotReader, source: &SourceSpec, mistakes: &mut Vec<Mistake>) {
    mistakes.extend(reader.duplicates().iter().map(|(table, file, other)| Mistake {
        span: source.snapshot_span.clone(),
        message: format!("table `{table}` lies in two files: {file} and {other}"),
        help: "keep the one that is the snapshot".into(),
    }));
}

fn check_tables(source: &SourceSpec, tables: &Tables, mistakes: &mut Vec<Mistake>) {
    for (name, spec) in &source.tables {
        match tables.get(name) {
            Some(columns) => check_columns(name, spec, columns, mistakes),
            None => mistakes.push(Mistake {
                span: spec.span.clone(),
                message: format!("the snapshot of `{}` has no table `{name}`", source.name),
                help: nearest(name, tables.keys().map(String::as_str)),
            }),
        }
        for (column, (table, target)) in &spec.references {
            let missing = tables.get(table).filter(|columns| !columns.contains(target));
            mistakes.extend(missing.map(|columns| no_column(span_of(spec, column), table, target, columns)));
        }
    }
}

fn check_columns(table: &str, spec: &TableSpec, columns: &[String], mistakes: &mut Vec<Mistake>) {
    let mut named: Vec<&String> = spec.key.iter().chain(spec.fields.keys()).chain(spec.references.keys()).collect();
    named.extend(spec.person.iter().map(|link| &link.column));
    named.sort_unstable();
    named.dedup();
    let missing = named.into_iter().filter(|name| !columns.contains(name));
    mistakes.extend(missing.map(|name| no_column(span_of(spec, name), table, name, columns)));
}

/// Where the column is named, or its table where the column's place is not known.
fn span_of(spec: &TableSpec, column: &str) -> Range<usize> {
    spec.column_spans.get(column).unwrap_or(&spec.span).clone()
}

fn no_column(span: Range<usize>, table: &str, column: &str, columns: &[String]) -> Mistake {
    Mistake {
        span,
        message: format!("table `{table}` has no column `{column}`"),
        help: nearest(column, columns.iter().map(String::as_str)),
    }
}

/// The columns of a window rule; the rule's table stands for its place in the file.
fn check_window(rule: &WindowRule, source: &SourceSpec, tables: &Tables, mistakes: &mut Vec<Mistake>) {
    let own = std::iter::once(&rule.column).chain(rule.filter.keys()).map(|column| (&rule.table, column));
    let exposed = rule.exposes.iter().map(|(table, column)| (table, column));
    for (table, column) in own.chain(exposed) {
        let Some(columns) = tables.get(table).filter(|columns| !columns.contains(column)) else { continue };
        let span = source.tables.get(table).map_or(source.snapshot_span.clone(), |spec| span_of(spec, column));
        let mistake = no_column(span, table, column, columns);
        if !mistakes.contains(&mistake) {
            mistakes.push(mistake);
        }
    }
}

/// The columns that an access rule names, in its request and as exposed.
fn check_access(rule: &AccessRule, tables: &Tables, mistakes: &mut Vec<Mistake>) {
    let asked = rule.request.cells().map(|(table, column)| (table, column, &rule.span));
    let shown = rule.exposes.iter().chain(&rule.parts).map(|name| (name.table.as_str(), name.column.as_str(), &name.span));
    for (table, column, span) in asked.chain(shown) {
        let missing = tables.get(table).filter(|columns| !columns.iter().any(|known| known == column));
        mistakes.extend(missing.map(|columns| no_column(span.clone(), table, column, columns)));
    }
}

fn check_file(case_dir: &Path, rule: &FileRule, mistakes: &mut Vec<Mistake>) {
    if matching(case_dir, &rule.evidence).is_empty() {
        let message = format!("no file matches `{}`", rule.evidence);
        mistakes.push(Mistake { span: rule.span.clone(), message, help: "paths are relative to the case folder".into() });
    }
}

fn check_evidence(case_dir: &Path, case: &CaseFile, mistakes: &mut Vec<Mistake>) {
    let mut seen: HashMap<String, &EvidenceSpec> = HashMap::new();
    for spec in &case.evidence {
        let mistake = |message: String, help: &str| Mistake { span: spec.path_span.clone(), message, help: help.into() };
        let files = matching(case_dir, &spec.path);
        if files.is_empty() {
            mistakes.push(mistake(format!("no file matches `{}`", spec.path), "paths are relative to the case folder"));
        }
        if is_pattern(&spec.format) {
            let wrong = Pattern::compile(&spec.format).err();
            mistakes.extend(wrong.map(|wrong| mistake(wrong.message, &wrong.help)));
        } else if spec.format != "auto" && LogFormat::from_name(&spec.format).is_none() {
            let known = std::iter::once("auto").chain(LogFormat::ALL.map(LogFormat::name));
            mistakes.push(mistake(format!("there is no log format `{}`", spec.format), &nearest(&spec.format, known)));
        }
        for name in files.iter().map(|path| manifest_name(case_dir, path)) {
            match seen.get(&name) {
                Some(other) => {
                    let message = format!("{name} is named twice: by `{}` and by `{}`", other.path, spec.path);
                    mistakes.push(mistake(message, "each file is read once, as the first pattern says"));
                }
                None => {
                    seen.insert(name, spec);
                }
            }
        }
    }
}
