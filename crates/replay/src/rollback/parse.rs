//! Writes in the text of a statement: what it inserts, changes or deletes, as far as its literals and bound values tell.
//! What cannot be read is a change of every table that the text names, of unknown kind.

use sqlparser::ast::{
    Assignment, AssignmentTarget, BinaryOperator, Delete, Expr, FromTable, Insert, ObjectName, OnConflictAction, OnInsert,
    SetExpr, Statement, TableFactor, TableObject, TableWithJoins, UnaryOperator, Update, Value,
};
use sqlparser::parser::Parser;

use super::Unclear;
use super::Unclear::{Layout, Rows, Source, Unread};
use crate::catalog::Catalog;
use crate::dialect::Dialect;

/// A value that a statement gives.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Given {
    /// Text, or NULL.
    Value(Option<String>),
    /// What a function or another column gave.
    Unknown,
}

/// Rows that a statement means.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Every column holds one of its values.
    Columns(Vec<(usize, Vec<String>)>),
    /// Something else.
    Other,
}

/// What an INSERT does to a row that is there.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// Nothing: it fails or passes the row over.
    None,
    /// It takes its place.
    Replace,
    /// It changes these columns.
    Update(Vec<usize>),
}

/// A change of one table.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Change {
    Insert {
        columns: Vec<usize>,
        rows: Vec<Vec<Given>>,
        conflict: Conflict,
    },
    Update {
        sets: Vec<(usize, Given)>,
        condition: Condition,
    },
    Delete {
        condition: Condition,
    },
    /// It cannot be undone.
    Unclear(Unclear),
}

impl Change {
    /// How many rows and conditions it takes to hold.
    pub(crate) fn size(&self) -> usize {
        let of = |condition: &Condition| match condition {
            Condition::Columns(columns) => columns.iter().map(|(_, values)| values.len()).sum(),
            Condition::Other => 1,
        };
        match self {
            Self::Insert { rows, .. } => rows.len(),
            Self::Update { condition, .. } | Self::Delete { condition } => of(condition),
            Self::Unclear(_) => 1,
        }
    }
}

/// What a statement is for the state of the data.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Act {
    /// A table (by its place in the catalog) and how it changed.
    Write(usize, Change),
    Begin,
    Commit,
    /// To a savepoint, where it names one.
    Rollback(Option<String>),
    Savepoint(String),
}

/// Words with which a statement begins that may change data.
const WRITING: [&str; 14] = [
    "insert", "update", "delete", "replace", "truncate", "alter", "drop", "rename", "load", "merge", "begin", "start", "commit",
    "rollback",
];
const ALSO: [&str; 4] = ["savepoint", "copy", "with", "end"];

/// What a statement does, in its order; usually nothing.
pub(crate) fn acts(text: &str, parameters: &[Option<Vec<u8>>], dialect: Dialect, catalog: &Catalog) -> Vec<Act> {
    if !may_write(text) {
        return Vec::new();
    }
    let parsed = Parser::parse_sql(dialect.parser(), text);
    let Ok(statements) = parsed else { return simple(text).map_or_else(|| unread(text, catalog, Unread), |act| vec![act]) };
    let mut reader = Reader { parameters, next: 0, dialect, catalog };
    statements.iter().flat_map(|statement| reader.statement(statement)).collect()
}

/// Whether any statement in the text begins with a word that writes.
fn may_write(text: &str) -> bool {
    text.split(';').any(|one| {
        let word = first_word(one);
        WRITING.iter().chain(&ALSO).any(|known| word.eq_ignore_ascii_case(known))
    })
}

/// The first word behind blanks and comments.
fn first_word(text: &str) -> &str {
    let mut rest = text.trim_start();
    while let Some(end) = rest.strip_prefix("/*").and_then(|inner| inner.find("*/").map(|at| at + 4)) {
        rest = rest[end..].trim_start();
    }
    let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    &rest[..end]
}

/// Transactions in words that sqlparser does not read in every dialect.
fn simple(text: &str) -> Option<Act> {
    let words: Vec<String> = text.split_ascii_whitespace().map(|word| word.trim_end_matches(';').to_ascii_lowercase()).collect();
    match words.first()?.as_str() {
        "begin" | "start" => Some(Act::Begin),
        "commit" | "end" => Some(Act::Commit),
        "rollback" => Some(Act::Rollback(words.iter().position(|word| word == "to").and(words.last()).cloned())),
        _ => None,
    }
}

fn unread(text: &str, catalog: &Catalog, reason: Unclear) -> Vec<Act> {
    catalog.named_in(text).into_iter().map(|(table, _)| Act::Write(table, Change::Unclear(reason))).collect()
}

struct Reader<'a> {
    parameters: &'a [Option<Vec<u8>>],
    /// The next `?`.
    next: usize,
    dialect: Dialect,
    catalog: &'a Catalog,
}

impl Reader<'_> {
    fn statement(&mut self, statement: &Statement) -> Vec<Act> {
        match statement {
            Statement::Insert(insert) => self.insert(insert).into_iter().collect(),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            Statement::StartTransaction { .. } => vec![Act::Begin],
            Statement::Commit { .. } => vec![Act::Commit],
            Statement::Rollback { savepoint, .. } => {
                vec![Act::Rollback(savepoint.as_ref().map(|name| name.value.to_lowercase()))]
            }
            Statement::Savepoint { name } => vec![Act::Savepoint(name.value.to_lowercase())],
            Statement::Query(query) => match query.body.as_ref() {
                SetExpr::Insert(inner) | SetExpr::Update(inner) | SetExpr::Delete(inner) => self.statement(inner),
                _ => self.hidden(statement),
            },
            Statement::Copy { to: true, .. } => Vec::new(),
            Statement::AlterTable(_) | Statement::Drop { .. } | Statement::Truncate(_) | Statement::RenameTable(_) => {
                unread(&statement.to_string(), self.catalog, Layout)
            }
            Statement::Merge(_) | Statement::LoadData { .. } | Statement::Copy { .. } => {
                unread(&statement.to_string(), self.catalog, Source)
            }
            _ => Vec::new(),
        }
    }

    /// A query that writes in a WITH of its own.
    fn hidden(&self, statement: &Statement) -> Vec<Act> {
        let text = statement.to_string();
        let lower = text.to_ascii_lowercase();
        let writes =
            lower.starts_with("with") && ["insert into", "update ", "delete from"].iter().any(|word| lower.contains(word));
        if writes { unread(&text, self.catalog, Rows) } else { Vec::new() }
    }

    fn insert(&mut self, insert: &Insert) -> Option<Act> {
        let TableObject::TableName(name) = &insert.table else { return None };
        let table = self.table(name)?;
        let change = self.inserted(insert, table).unwrap_or_else(Change::Unclear);
        Some(Act::Write(table, change))
    }

    fn inserted(&mut self, insert: &Insert, table: usize) -> Result<Change, Unclear> {
        if !insert.assignments.is_empty() {
            let sets = self.sets(&insert.assignments, table)?;
            let (columns, row) = sets.into_iter().unzip();
            return Ok(Change::Insert { columns, rows: vec![row], conflict: self.conflict(insert, table)? });
        }
        let columns: Vec<usize> = if insert.columns.is_empty() {
            (0..self.catalog.table(table).columns.len()).collect()
        } else {
            insert.columns.iter().map(|name| self.column(table, name)).collect::<Result<_, _>>()?
        };
        let source = insert.source.as_ref().ok_or(Source)?;
        let SetExpr::Values(values) = source.body.as_ref() else { return Err(Source) };
        let rows = values.rows.iter().map(|row| row.content.iter().map(|value| self.given(value)).collect::<Vec<_>>());
        let rows: Vec<Vec<Given>> = rows.collect();
        if rows.iter().any(|row| row.len() != columns.len()) {
            return Err(Unread);
        }
        Ok(Change::Insert { columns, rows, conflict: self.conflict(insert, table)? })
    }

    fn conflict(&self, insert: &Insert, table: usize) -> Result<Conflict, Unclear> {
        use sqlparser::ast::SqliteOnConflict;
        let changed = |assignments: &[Assignment]| -> Result<Conflict, Unclear> {
            let columns = assignments.iter().map(|one| self.target(table, &one.target)).collect::<Result<_, _>>()?;
            Ok(Conflict::Update(columns))
        };
        match &insert.on {
            Some(OnInsert::DuplicateKeyUpdate(assignments)) => return changed(assignments),
            Some(OnInsert::OnConflict(on)) => {
                return match &on.action {
                    OnConflictAction::DoNothing => Ok(Conflict::None),
                    OnConflictAction::DoUpdate(update) => changed(&update.assignments),
                };
            }
            _ => {}
        }
        let replaces = insert.replace_into || insert.overwrite || matches!(insert.or, Some(SqliteOnConflict::Replace));
        Ok(if replaces { Conflict::Replace } else { Conflict::None })
    }

    fn update(&mut self, update: &Update) -> Vec<Act> {
        let Some(table) = self.only(std::slice::from_ref(&update.table)) else {
            return unread(&update.table.to_string(), self.catalog, Rows);
        };
        let sets = self.sets(&update.assignments, table);
        let condition = self.condition(update.selection.as_ref(), table);
        let plain = update.from.is_none() && update.limit.is_none();
        let change = match (sets, condition) {
            (Ok(sets), condition @ Condition::Columns(_)) if plain => Change::Update { sets, condition },
            (Err(reason), _) => Change::Unclear(reason),
            _ => Change::Unclear(Rows),
        };
        vec![Act::Write(table, change)]
    }

    fn delete(&mut self, delete: &Delete) -> Vec<Act> {
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        let Some(table) = self.only(from).filter(|_| delete.using.is_none() && delete.tables.is_empty()) else {
            return unread(&delete.to_string(), self.catalog, Rows);
        };
        let change = match self.condition(delete.selection.as_ref(), table) {
            condition @ Condition::Columns(_) if delete.limit.is_none() => Change::Delete { condition },
            _ => Change::Unclear(Rows),
        };
        vec![Act::Write(table, change)]
    }

    /// The table, where there is one without joins.
    fn only(&self, from: &[TableWithJoins]) -> Option<usize> {
        match from {
            [TableWithJoins { relation: TableFactor::Table { name, .. }, joins }] if joins.is_empty() => self.table(name),
            _ => None,
        }
    }

    fn table(&self, name: &ObjectName) -> Option<usize> {
        self.catalog.find(&last(name)?)
    }

    fn column(&self, table: usize, name: &ObjectName) -> Result<usize, Unclear> {
        last(name).and_then(|name| self.catalog.table(table).column(&name)).ok_or(Unread)
    }

    fn target(&self, table: usize, target: &AssignmentTarget) -> Result<usize, Unclear> {
        match target {
            AssignmentTarget::ColumnName(name) => self.column(table, name),
            AssignmentTarget::Tuple(_) => Err(Unread),
        }
    }

    fn sets(&mut self, assignments: &[Assignment], table: usize) -> Result<Vec<(usize, Given)>, Unclear> {
        assignments.iter().map(|one| Ok((self.target(table, &one.target)?, self.given(&one.value)))).collect()
    }

    fn condition(&mut self, selection: Option<&Expr>, table: usize) -> Condition {
        let mut columns = Vec::new();
        match selection {
            Some(expr) if self.equalities(expr, table, &mut columns) => Condition::Columns(columns),
            _ => Condition::Other,
        }
    }

    /// `a = 1 AND b IN (2, 3)`; false where anything else stands there.
    fn equalities(&mut self, expr: &Expr, table: usize, into: &mut Vec<(usize, Vec<String>)>) -> bool {
        match expr {
            Expr::Nested(inner) => self.equalities(inner, table, into),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                self.equalities(left, table, into) && self.equalities(right, table, into)
            }
            Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
                self.one_of(left, std::slice::from_ref(&**right), table, into)
            }
            Expr::InList { expr, list, negated: false } => self.one_of(expr, list, table, into),
            _ => false,
        }
    }

    fn one_of(&mut self, column: &Expr, list: &[Expr], table: usize, into: &mut Vec<(usize, Vec<String>)>) -> bool {
        let name = match column {
            Expr::Identifier(name) => name,
            Expr::CompoundIdentifier(names) if !names.is_empty() => &names[names.len() - 1],
            _ => return false,
        };
        let values: Option<Vec<String>> = list
            .iter()
            .map(|value| match self.given(value) {
                Given::Value(text) => text,
                Given::Unknown => None,
            })
            .collect();
        let (Some(column), Some(values)) = (self.catalog.table(table).column(&name.value), values) else { return false };
        into.push((column, values));
        true
    }

    fn given(&mut self, expr: &Expr) -> Given {
        match expr {
            Expr::Value(value) => self.literal(&value.value),
            Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => self.given(inner),
            Expr::Prefixed { value, .. } => self.given(value),
            Expr::TypedString(typed) => self.literal(&typed.value.value),
            Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match self.given(expr) {
                Given::Value(Some(text)) => Given::Value(Some(format!("-{text}"))),
                _ => Given::Unknown,
            },
            _ => Given::Unknown,
        }
    }

    fn literal(&mut self, value: &Value) -> Given {
        match value {
            Value::Number(text, _) => Given::Value(Some(text.clone())),
            Value::DoubleQuotedString(text) if self.dialect.double_quotes_are_strings() => Given::Value(Some(text.clone())),
            Value::SingleQuotedString(text)
            | Value::EscapedStringLiteral(text)
            | Value::UnicodeStringLiteral(text)
            | Value::NationalStringLiteral(text) => Given::Value(Some(text.clone())),
            Value::Null => Given::Value(None),
            Value::Placeholder(place) => self.bound(place),
            _ => Given::Unknown,
        }
    }

    /// `$2`, or the next `?`.
    fn bound(&mut self, place: &str) -> Given {
        let at = match place.strip_prefix(['$', '?']).and_then(|number| number.parse::<usize>().ok()) {
            Some(number) => number.wrapping_sub(1),
            None => {
                self.next += 1;
                self.next - 1
            }
        };
        match self.parameters.get(at) {
            Some(value) => Given::Value(value.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned())),
            None => Given::Unknown,
        }
    }
}

fn last(name: &ObjectName) -> Option<String> {
    name.0.last().and_then(|part| part.as_ident()).map(|ident| ident.value.clone())
}

#[cfg(test)]
mod tests {
    use super::{Act, Change, Condition, Conflict, Given, acts};
    use crate::catalog::Catalog;
    use crate::dialect::Dialect;
    use crate::tests::people;

    fn value(given: &Given) -> String {
        match given {
            Given::Value(Some(text)) => text.clone(),
            Given::Value(None) => "NULL".into(),
            Given::Unknown => "?".into(),
        }
    }

    fn condition(condition: &Condition) -> String {
        match condition {
            Condition::Columns(list) => {
                list.iter().map(|(column, values)| format!("{column}={}", values.join("|"))).collect::<Vec<_>>().join(" ")
            }
            Condition::Other => "other".into(),
        }
    }

    fn told(act: &Act) -> String {
        let Act::Write(table, change) = act else {
            return match act {
                Act::Begin => "begin".into(),
                Act::Commit => "commit".into(),
                Act::Rollback(to) => format!("rollback {}", to.as_deref().unwrap_or_default()),
                Act::Savepoint(name) => format!("savepoint {name}"),
                Act::Write(..) => unreachable!(),
            };
        };
        let change = match change {
            Change::Insert { columns, rows, conflict } => {
                let rows: Vec<String> = rows.iter().map(|row| row.iter().map(value).collect::<Vec<_>>().join(",")).collect();
                let conflict = match conflict {
                    Conflict::None => String::new(),
                    Conflict::Replace => " or replace".into(),
                    Conflict::Update(columns) => format!(" or set {columns:?}"),
                };
                format!("insert {columns:?} {}{conflict}", rows.join(";"))
            }
            Change::Update { sets, condition: of } => {
                let sets: Vec<String> = sets.iter().map(|(column, given)| format!("{column}:={}", value(given))).collect();
                format!("update {} where {}", sets.join(","), condition(of))
            }
            Change::Delete { condition: of } => format!("delete where {}", condition(of)),
            Change::Unclear(reason) => format!("unclear: {reason:?}"),
        };
        format!("{table} {change}")
    }

    fn check(dialect: Dialect, text: &str, parameters: &[&str], expected: &str) {
        let catalog = Catalog::new(&[people()], "shop");
        let parameters: Vec<Option<Vec<u8>>> = parameters.iter().map(|value| Some(value.as_bytes().to_vec())).collect();
        let found: Vec<String> = acts(text, &parameters, dialect, &catalog).iter().map(told).collect();
        assert_eq!(found.join(" / "), expected, "{text}");
    }

    #[test]
    fn writes_are_read_with_what_is_bound_to_them() {
        use Dialect::{MySql, PostgreSql, Sqlite};
        check(PostgreSql, "UPDATE people SET name=$1 WHERE id=$2", &["Eva", "12"], "0 update 1:=Eva where 0=12");
        check(PostgreSql, r#"DELETE FROM public."people" WHERE id IN (1, 2)"#, &[], "0 delete where 0=1|2");
        check(MySql, r"INSERT INTO people (id,name) VALUES (1,'O\'B'),(2,NULL)", &[], "0 insert [0, 1] 1,O'B;2,NULL");
        check(MySql, "INSERT INTO people SET id=?, name=NOW()", &["7"], "0 insert [0, 1] 7,?");
        check(MySql, "REPLACE INTO `people` (id,name) VALUES (1,\"a\")", &[], "0 insert [0, 1] 1,a or replace");
        check(
            MySql,
            "INSERT INTO people (id,name) VALUES (1,'a') ON DUPLICATE KEY UPDATE name=VALUES(name)",
            &[],
            "0 insert [0, 1] 1,a or set [1]",
        );
        check(
            PostgreSql,
            "INSERT INTO people (id,name) VALUES (1,'a') ON CONFLICT (id) DO UPDATE SET name='b'",
            &[],
            "0 insert [0, 1] 1,a or set [1]",
        );
        check(Sqlite, "INSERT OR IGNORE INTO people VALUES (1,'a','9')", &[], "0 insert [0, 1, 2] 1,a,9");
        check(MySql, "SELECT 1; UPDATE people SET name='x' WHERE id=5 AND (name='y')", &[], "0 update 1:=x where 0=5 1=y");
    }

    #[test]
    fn what_cannot_be_undone_is_told() {
        use Dialect::MySql;
        let rows = "0 unclear: Rows";
        check(MySql, "UPDATE people SET name='x' WHERE id>5", &[], rows);
        check(MySql, "DELETE FROM people", &[], rows);
        check(MySql, "INSERT INTO people SELECT * FROM other", &[], "0 unclear: Source");
        check(MySql, "TRUNCATE TABLE people", &[], "0 unclear: Layout");
        check(MySql, "UPDATE people SET nosuch='x' WHERE id=5", &[], "0 unclear: Unread");
        check(MySql, "UPDATE other SET a=1 WHERE id=5", &[], "");
        check(MySql, "SELECT * FROM people WHERE name='; delete'", &[], "");
    }

    #[test]
    fn transactions_are_seen() {
        use Dialect::{MySql, PostgreSql, Sqlite};
        for dialect in [MySql, PostgreSql, Sqlite] {
            check(dialect, "BEGIN", &[], "begin");
            check(dialect, "COMMIT", &[], "commit");
            check(dialect, "ROLLBACK", &[], "rollback ");
            check(dialect, "ROLLBACK TO SAVEPOINT a", &[], "rollback a");
            check(dialect, "SAVEPOINT a", &[], "savepoint a");
        }
        check(MySql, "START TRANSACTION", &[], "begin");
    }
}
