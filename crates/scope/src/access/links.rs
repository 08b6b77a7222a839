//! From the record that an address names to the rows that the answer shows beside it, along the tables' references.

use std::collections::VecDeque;

use kintsugi_case::{AccessRule, ColumnName, ColumnSet};
use kintsugi_find::{Table, quoted};

use crate::names::{find, position};
use crate::{Error, Result};

/// A table of which the answer shows a row.
pub(super) struct Shown<'a> {
    pub(super) table: &'a Table,
    /// Columns shown whole.
    pub(super) columns: ColumnSet,
    /// Columns of which a part is shown.
    pub(super) parts: ColumnSet,
    /// Gives the row numbers in `table` for the row number `?` of the record.
    pub(super) sql: String,
    /// Whether the data says which row it is: no other way leads there, and none goes from a row to those that refer to it.
    pub(super) certain: bool,
}

/// One step from a table to another: columns that are equal.
#[derive(Clone)]
struct Step<'a> {
    from: &'a Table,
    from_column: String,
    to: &'a Table,
    to_column: String,
    forward: bool,
}

/// What the answer to a rule's request shows, the record itself first.
pub(super) fn shown<'a>(rule: &AccessRule, tables: &'a [Table]) -> Result<Vec<Shown<'a>>> {
    let root = find(tables, &rule.source, rule.request.table().unwrap_or_default())?;
    let mut shown = vec![itself(root)];
    for (names, whole) in [(&rule.exposes, true), (&rule.parts, false)] {
        for name in names {
            add(rule, tables, root, name, whole, &mut shown)?;
        }
    }
    add_keys(tables, &mut shown);
    Ok(shown)
}

fn itself(root: &Table) -> Shown<'_> {
    let sql = format!("SELECT {0} FROM {1} WHERE {0} = ?", root.row_name(), root.sql_name());
    Shown { table: root, columns: ColumnSet::default(), parts: ColumnSet::default(), sql, certain: true }
}

fn add<'a>(
    rule: &AccessRule,
    tables: &'a [Table],
    root: &'a Table,
    name: &ColumnName,
    whole: bool,
    shown: &mut Vec<Shown<'a>>,
) -> Result<()> {
    let table = find(tables, &rule.source, &name.table)?;
    let at = position(table, &name.column)?.min(63);
    let known = match shown.iter().position(|known| known.table.id == table.id) {
        Some(known) => known,
        None => {
            shown.push(linked(tables, root, table)?);
            shown.len() - 1
        }
    };
    let set = if whole { &mut shown[known].columns } else { &mut shown[known].parts };
    *set = set.with(at);
    Ok(())
}

/// The row's key is shown where the column that refers to it is.
fn add_keys(tables: &[Table], shown: &mut [Shown<'_>]) {
    let mut keys = Vec::new();
    for from in shown.iter() {
        for reference in from.table.references.iter().filter(|reference| from.columns.has(reference.column.min(63))) {
            let target = tables.iter().find(|t| t.source == from.table.source && t.name == reference.target_table);
            keys.extend(target.and_then(|target| Some((target.id, target.column(&reference.target_column)?.min(63)))));
        }
    }
    for (id, column) in keys {
        for to in shown.iter_mut().filter(|to| to.table.id == id && !to.columns.is_empty()) {
            to.columns = to.columns.with(column);
        }
    }
}

/// The shortest ways from the record to a table: along references, and only where none leads there, against them too.
fn linked<'a>(tables: &'a [Table], root: &'a Table, goal: &'a Table) -> Result<Shown<'a>> {
    let forward = ways(tables, root, goal, false);
    let ways = if forward.is_empty() { ways(tables, root, goal, true) } else { forward };
    let missing = || Error::Unknown { name: format!("a reference from {} to {}", root.name, goal.name) };
    if ways.is_empty() {
        return Err(missing());
    }
    let certain = ways.len() == 1 && ways[0].iter().all(|step| step.forward);
    let sql = ways.iter().map(|way| select(root, goal, way)).collect::<Vec<_>>().join(" UNION ");
    Ok(Shown { table: goal, columns: ColumnSet::default(), parts: ColumnSet::default(), sql, certain })
}

/// Every shortest way between two tables.
fn ways<'a>(tables: &'a [Table], root: &'a Table, goal: &'a Table, backward: bool) -> Vec<Vec<Step<'a>>> {
    let mut found: Vec<Vec<Step<'a>>> = Vec::new();
    let mut open: VecDeque<(&'a Table, Vec<Step<'a>>)> = VecDeque::from([(root, Vec::new())]);
    while let Some((at, way)) = open.pop_front() {
        if found.first().is_some_and(|shortest| way.len() >= shortest.len()) {
            break;
        }
        for step in steps(tables, at, backward) {
            let seen = step.to.id == root.id || way.iter().any(|earlier| earlier.to.id == step.to.id);
            let (to, longer) = (step.to, way.iter().cloned().chain([step]).collect::<Vec<_>>());
            if to.id == goal.id {
                found.push(longer);
            } else if !seen {
                open.push_back((to, longer));
            }
        }
    }
    found
}

fn steps<'a>(tables: &'a [Table], from: &'a Table, backward: bool) -> Vec<Step<'a>> {
    let near = tables.iter().filter(|table| table.source == from.source);
    let mut steps = Vec::new();
    for to in near {
        steps.extend(links(from, to).map(|(from_column, to_column)| Step { from, from_column, to, to_column, forward: true }));
        if backward {
            steps.extend(links(to, from).map(|(to_column, from_column)| Step {
                from,
                from_column,
                to,
                to_column,
                forward: false,
            }));
        }
    }
    steps
}

/// The columns by which rows of one table name rows of another.
fn links<'a>(from: &'a Table, to: &'a Table) -> impl Iterator<Item = (String, String)> + 'a {
    let references = from.references.iter().filter(|reference| reference.target_table == to.name);
    let referring = references.map(|reference| (from.columns[reference.column].name.clone(), reference.target_column.clone()));
    let owner = from.person.iter().filter(|link| link.table == to.name).filter_map(|link| {
        let key = to.columns[*to.key.first()?].name.clone();
        let named = from.references.iter().any(|reference| from.columns[reference.column].name == link.column);
        (!named).then(|| (link.column.clone(), key))
    });
    referring.chain(owner)
}

fn select(root: &Table, goal: &Table, way: &[Step<'_>]) -> String {
    let joins: Vec<String> = way
        .iter()
        .enumerate()
        .map(|(at, step)| {
            let on = format!("t{}.{} = t{at}.{}", at + 1, quoted(&step.to_column), quoted(&step.from_column));
            debug_assert!(at > 0 || step.from.id == root.id);
            format!(" JOIN {} t{} ON {on}", step.to.sql_name(), at + 1)
        })
        .collect();
    let (row, end) = (goal.row_name(), way.len());
    format!("SELECT t{end}.{row} FROM {} t0{} WHERE t0.{} = ?1", root.sql_name(), joins.concat(), root.row_name())
}
