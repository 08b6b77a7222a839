//! How many columns the sides of a UNION have. A server refuses to run one whose sides differ, whatever it would have read:
//! nothing left by it, and its error message names no value.

use sqlparser::ast::{Expr, OrderByKind, Query, Select, SelectItem, SetExpr, Value};

use crate::dialect::Dialect;

/// Why a server does not run such a statement.
const MISMATCH: &str = "the sides of the statement's union have different numbers of columns: no server runs it";

/// The same of a statement that sorts by a column that is not there.
const BEYOND: &str = "the statement sorts by a column beyond those it selects: no server runs it";

/// Why no server runs a statement because of its number of columns, as far as it names these one by one.
pub(crate) fn mismatch(sql: &str, dialect: Dialect) -> Option<&'static str> {
    let query = super::query(sql, dialect).ok()?;
    match columns(&query) {
        Err(Differ) => Some(MISMATCH),
        Ok(columns) => columns.is_some_and(|columns| sorts_beyond(&query, columns)).then_some(BEYOND),
    }
}

/// Whether it sorts by the number of a column that it does not have.
fn sorts_beyond(query: &Query, columns: usize) -> bool {
    let Some(OrderByKind::Expressions(by)) = query.order_by.as_ref().map(|order| &order.kind) else { return false };
    by.iter().any(|one| match &one.expr {
        Expr::Value(value) => match &value.value {
            Value::Number(place, _) => place.parse::<usize>().is_ok_and(|place| !(1..=columns).contains(&place)),
            _ => false,
        },
        _ => false,
    })
}

/// Two sides have different numbers of columns.
struct Differ;

/// The number of columns, where it is written out.
fn columns(query: &Query) -> Result<Option<usize>, Differ> {
    of_body(&query.body)
}

fn of_body(body: &SetExpr) -> Result<Option<usize>, Differ> {
    match body {
        SetExpr::Select(select) => Ok(of_select(select)),
        SetExpr::Query(query) => columns(query),
        SetExpr::Values(values) => Ok(values.rows.first().map(|row| row.content.len())),
        SetExpr::SetOperation { left, right, .. } => match (of_body(left)?, of_body(right)?) {
            (Some(left), Some(right)) if left != right => Err(Differ),
            (left, right) => Ok(left.or(right)),
        },
        _ => Ok(None),
    }
}

fn of_select(select: &Select) -> Option<usize> {
    let plain = |item: &SelectItem| matches!(item, SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. });
    select.projection.iter().all(plain).then_some(select.projection.len())
}

#[cfg(test)]
mod tests {
    use super::{BEYOND, MISMATCH, mismatch};
    use crate::dialect::Dialect;

    #[test]
    fn sides_of_different_width_are_seen_where_columns_are_written_out() {
        let check = |sql: &str, expected: bool| assert_eq!(mismatch(sql, Dialect::MySql) == Some(MISMATCH), expected, "{sql}");
        check("SELECT a, b FROM t WHERE id = ?1 UNION SELECT pan FROM cards", true);
        check("SELECT a, b FROM t UNION ALL SELECT pan, ?1 FROM cards UNION ALL SELECT ?2", true);
        check("SELECT a, b FROM t UNION ALL SELECT pan, ?1 FROM cards", false);
        check("SELECT * FROM t UNION SELECT pan FROM cards", false);
        check("SELECT a, b FROM t UNION SELECT t.* FROM cards t", false);
        check("SELECT a FROM t", false);
        check("no SQL", false);
    }

    #[test]
    fn sorting_by_a_column_that_is_not_there_is_refused() {
        let check = |sql: &str, expected: bool| assert_eq!(mismatch(sql, Dialect::MySql) == Some(BEYOND), expected, "{sql}");
        check("SELECT a, b FROM t WHERE id = ?1 ORDER BY 3", true);
        check("SELECT a, b FROM t WHERE id = ?1 ORDER BY 1, 1787", true);
        check("SELECT a, b FROM t UNION SELECT ?1, ?2 ORDER BY 0", true);
        check("SELECT a, b FROM t WHERE id = ?1 ORDER BY 2", false);
        check("SELECT a, b FROM t WHERE id = ?1 ORDER BY a, b + 3", false);
        check("SELECT * FROM t WHERE id = ?1 ORDER BY 30", false);
    }
}
