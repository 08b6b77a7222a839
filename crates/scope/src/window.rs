//! The window rule: whoever used the service in a period. Rows of a table of uses name the records that are exposed: the
//! row itself, what it refers to, what refers to it, or what belongs to the same person.

use kintsugi_case::{BasisId, BasisSummary, ColumnSet, EvidenceLine, Exposure, Technique, WindowRule};
use kintsugi_find::{ExposureWriter, Table, quoted};
use rusqlite::{Connection, params_from_iter, types::Value};

use crate::names::{find, position};
use crate::{Error, Result};

/// Applies one rule; gives how many rows it named.
pub(crate) fn apply(
    rule: &WindowRule,
    tables: &[Table],
    connection: &Connection,
    next_basis: &mut u32,
    writer: &mut ExposureWriter<'_>,
) -> Result<u64> {
    let used = find(tables, &rule.source, &rule.table)?;
    let mut rows = 0;
    for (exposed, columns) in exposed(rule, tables)? {
        let basis = BasisId(*next_basis);
        *next_basis += 1;
        let mut exposures = 0;
        let sql = select(rule, used, exposed)?;
        let failed = |source| Error::Window { table: rule.table.clone(), column: rule.column.clone(), source };
        let mut statement = connection.prepare(&sql).map_err(failed)?;
        let mut found = statement.query(params_from_iter(values(rule))).map_err(failed)?;
        while let Some(row) = found.next().map_err(failed)? {
            let row: i64 = row.get(0).map_err(failed)?;
            writer.push(&exposure(rule, exposed, row.unsigned_abs(), columns, basis)).map_err(Error::Find)?;
            exposures += 1;
        }
        writer.put_basis(&summary(rule, exposed, basis)).map_err(Error::Find)?;
        rows += exposures;
    }
    Ok(rows)
}

/// The exposed columns by table, in the order in which the rule names the tables.
fn exposed<'a>(rule: &WindowRule, tables: &'a [Table]) -> Result<Vec<(&'a Table, ColumnSet)>> {
    let mut sets: Vec<(&Table, ColumnSet)> = Vec::new();
    for (name, column) in &rule.exposes {
        let table = find(tables, &rule.source, name)?;
        let at = position(table, column)?.min(63);
        match sets.iter_mut().find(|(known, _)| known.id == table.id) {
            Some((_, set)) => *set = set.with(at),
            None => sets.push((table, ColumnSet::default().with(at))),
        }
    }
    Ok(sets)
}

/// The rows of `exposed` that the uses in the window name. Days are compared as text, as snapshots write them.
fn select(rule: &WindowRule, used: &Table, exposed: &Table) -> Result<String> {
    let column = |name: &str| position(used, name).map(|at| format!("u.{}", quoted(&used.columns[at].name)));
    let day = format!("replace(substr({}, 1, 10), '/', '-')", column(&rule.column)?);
    let mut conditions = vec![format!("{day} BETWEEN ?1 AND ?2")];
    for (place, name) in rule.filter.keys().enumerate() {
        conditions.push(format!("CAST({} AS TEXT) = ?{}", column(name)?, place + 3));
    }
    let (from, row) = if used.id == exposed.id {
        (format!("{} u", used.sql_name()), format!("u.{}", used.row_name()))
    } else {
        conditions.push(link(used, exposed)?);
        (format!("{} u, {} x", used.sql_name(), exposed.sql_name()), format!("x.{}", exposed.row_name()))
    };
    Ok(format!("SELECT DISTINCT {row} FROM {from} WHERE {} ORDER BY 1", conditions.join(" AND ")))
}

/// How a row of uses names a row of another table.
fn link(used: &Table, exposed: &Table) -> Result<String> {
    let equal = |u: &str, x: &str| format!("u.{} = x.{}", quoted(u), quoted(x));
    if let Some(to) = used.references.iter().find(|reference| reference.target_table == exposed.name) {
        return Ok(equal(&used.columns[to.column].name, &to.target_column));
    }
    if let Some(back) = exposed.references.iter().find(|reference| reference.target_table == used.name) {
        return Ok(equal(&back.target_column, &exposed.columns[back.column].name));
    }
    let key = |table: &Table| table.key.first().map(|&at| table.columns[at].name.clone());
    match (&used.person, &exposed.person) {
        (Some(by), _) if by.table == exposed.name => key(exposed).map(|key| equal(&by.column, &key)),
        (Some(by), Some(of)) if by.table == of.table => Some(equal(&by.column, &of.column)),
        _ => None,
    }
    .ok_or_else(|| Error::Unknown { name: format!("a reference from {} to {}", used.name, exposed.name) })
}

fn values(rule: &WindowRule) -> Vec<Value> {
    let days = [rule.from, rule.to].map(|day| Value::Text(day.to_string()));
    days.into_iter().chain(rule.filter.values().cloned().map(Value::Text)).collect()
}

fn exposure(rule: &WindowRule, table: &Table, row: u64, columns: ColumnSet, basis: BasisId) -> Exposure {
    Exposure {
        table: table.id,
        row,
        columns,
        verdict: rule.verdict,
        basis,
        line: EvidenceLine::default(),
        at_ms: 0,
        observed_bytes: 0,
        predicted_bytes: 0,
        literals: String::new(),
    }
}

fn summary(rule: &WindowRule, table: &Table, basis: BasisId) -> BasisSummary {
    let filter: Vec<String> = rule.filter.iter().map(|(column, value)| format!(" {column}={value}")).collect();
    BasisSummary {
        id: basis,
        technique: Technique::Window,
        rule: format!("window {}.{} {}..{}{}", rule.table, rule.column, rule.from, rule.to, filter.concat()),
        shape: String::new(),
        endpoint: String::new(),
        table: table.name.clone(),
        verdict: rule.verdict,
        reason: format!("the service was used between {} and {}", rule.from, rule.to),
        statements: 0,
        agreeing: 0,
    }
}
