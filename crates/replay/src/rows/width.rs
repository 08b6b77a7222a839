//! How many columns the sides of a UNION have. A server refuses to run one whose sides differ, whatever it would have read:
//! nothing left by it, and its error message names no value.

use sqlparser::ast::{Query, Select, SelectItem, SetExpr};

use crate::dialect::Dialect;

/// Why a server does not run such a statement.
pub(crate) const MISMATCH: &str = "the sides of the statement's union have different numbers of columns: no server runs it";

/// Whether a statement's sides differ, as far as it names its columns one by one.
pub(crate) fn is_mismatched(sql: &str, dialect: Dialect) -> bool {
    super::query(sql, dialect).is_ok_and(|query| columns(&query).is_err())
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
    use super::is_mismatched;
    use crate::dialect::Dialect;

    #[test]
    fn sides_of_different_width_are_seen_where_columns_are_written_out() {
        let check = |sql: &str, expected: bool| assert_eq!(is_mismatched(sql, Dialect::MySql), expected, "{sql}");
        check("SELECT a, b FROM t WHERE id = ?1 UNION SELECT pan FROM cards", true);
        check("SELECT a, b FROM t UNION ALL SELECT pan, ?1 FROM cards UNION ALL SELECT ?2", true);
        check("SELECT a, b FROM t UNION ALL SELECT pan, ?1 FROM cards", false);
        check("SELECT * FROM t UNION SELECT pan FROM cards", false);
        check("SELECT a, b FROM t UNION SELECT t.* FROM cards t", false);
        check("SELECT a FROM t", false);
        check("no SQL", false);
    }
}
