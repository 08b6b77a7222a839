//! Questions in the words that `plan` reads: one value, a part of it, a test around. Other ways of asking mean the same, and
//! are put into those words here:
//!
//! * A condition on rows: `EXISTS (SELECT 1 FROM t WHERE id=5 AND pan LIKE '4%')`, `(SELECT COUNT(*) …)>0`,
//!   `(SELECT 'a' …)='a'`, `5 IN (SELECT 5 …)`. Some of its parts name the row, the others test a value in it.
//! * A test within what is selected: `(SELECT pan>'4' FROM t LIMIT 3,1)`.
//! * A number where a condition is wanted: `… AND (ORD(x)>>3)&1`.
//! * A subquery that fails on purpose, as it has several rows where one value is wanted: `IF(x, (SELECT 1 UNION SELECT 2), 1)`.
//!
//! What fits none of these stays as it is written.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, CaseWhen, Expr, Function, GroupByExpr, Query, Select, SelectItem, SetExpr, TableFactor, UnaryOperator, Value,
    helpers::attached_token::AttachedToken,
};

use super::plan::{has_test, is_test, reads};
use crate::catalog::Catalog;
use crate::plain::arguments_mut;
use crate::rows::last;
use crate::walk::{visit_expressions, visit_expressions_mut};

/// Rewrites a statement's questions.
pub(super) fn normal(query: &mut Query, catalog: &Catalog) {
    let _ = visit_expressions_mut(query, |expr| {
        if let Some(new) = rewritten(expr, catalog) {
            *expr = new;
        }
        conditions_of(expr, catalog);
        ControlFlow::<()>::Continue(())
    });
    conditions_of_selects(&mut query.body, catalog);
}

fn rewritten(expr: &Expr, catalog: &Catalog) -> Option<Expr> {
    match expr {
        Expr::Exists { subquery, negated } => {
            let test = Tested::of(subquery, catalog)?.test();
            Some(if *negated { not(test) } else { test })
        }
        Expr::InSubquery { expr, subquery, negated } => {
            let shown = shown(subquery).filter(|shown| is_constant(shown))?.clone();
            let test = Tested::of(subquery, catalog)?.test();
            let same = Expr::BinaryOp { left: expr.clone(), op: BinaryOperator::Eq, right: Box::new(shown) };
            let both = is_true(and(test, same));
            Some(if *negated { not(both) } else { both })
        }
        Expr::Subquery(query) if fails(query, catalog) => Some(failure()),
        Expr::Subquery(query) => {
            let test = || test_of_figure(query, catalog).or_else(|| test_within(query, catalog));
            constant_of_row(query, catalog).or_else(test)
        }
        _ => None,
    }
}

/// `(SELECT 'a' FROM t WHERE …)` and `(SELECT COUNT(*) FROM t WHERE …)` of one row.
fn constant_of_row(query: &Query, catalog: &Catalog) -> Option<Expr> {
    let shown = shown(query)?;
    let (yes, no) = match shown {
        Expr::Function(function) if function.name.to_string().eq_ignore_ascii_case("count") => (number("1"), Some(number("0"))),
        shown if is_constant(shown) => (shown.clone(), None),
        _ => return None,
    };
    let test = Tested::of(query, catalog)?.test();
    Some(Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: vec![CaseWhen { condition: test, result: yes }],
        else_result: no.map(Box::new),
    })
}

/// `(SELECT COUNT(*)<5 FROM t)` is a test of a figure.
fn test_of_figure(query: &Query, catalog: &Catalog) -> Option<Expr> {
    let shown = shown(query).filter(|shown| has_test(shown))?;
    plain_select(query).filter(|_| reads(query, catalog))?;
    let with_counts = |new: &dyn Fn(&Expr) -> Expr| {
        let mut around = shown.clone();
        let _ = visit_expressions_mut(&mut around, |inner| {
            if matches!(inner, Expr::Function(function) if function.name.to_string().eq_ignore_ascii_case("count")) {
                *inner = new(inner);
            }
            ControlFlow::<()>::Continue(())
        });
        around
    };
    let rest = with_counts(&|_| number("0"));
    let is_figure = rest != *shown && is_constant(&rest);
    is_figure.then(|| Expr::Nested(Box::new(with_counts(&|count| with_shown(query, count.clone())))))
}

/// What a subquery selects, around a subquery that selects only the column.
fn test_within(query: &Query, catalog: &Catalog) -> Option<Expr> {
    let shown = shown(query).filter(|shown| has_test(shown) && !has_aggregate(shown))?;
    let select = plain_select(query).filter(|_| reads(query, catalog))?;
    let columns = columns_in(shown);
    let [column, others @ ..] = &columns[..] else { return None };
    if others.iter().any(|other| other != column) || shown_has_subquery(shown) || select.distinct.is_some() {
        return None;
    }
    let mut around = shown.clone();
    put(&mut around, &|name| with_shown(query, name.clone()));
    Some(Expr::Nested(Box::new(around)))
}

/// A condition on rows, taken apart.
struct Tested<'a> {
    query: &'a Query,
    /// Conditions that name the row.
    names: Vec<Expr>,
    /// Conditions on one column of it; none where the row is only named by its key.
    asks: Vec<Expr>,
}

impl<'a> Tested<'a> {
    fn of(query: &'a Query, catalog: &Catalog) -> Option<Self> {
        let select = plain_select(query)?;
        let table = match &select.from[..] {
            [from] if from.joins.is_empty() => match &from.relation {
                TableFactor::Table { name, .. } => catalog.table(catalog.find(last(name))?),
                _ => return None,
            },
            _ => return None,
        };
        let mut conditions = Vec::new();
        conjuncts(select.selection.as_ref()?, &mut conditions);
        let key: Vec<&str> = table.key.iter().map(|&at| table.columns[at].name.as_str()).collect();
        let is_key = |name: &str| key.iter().any(|known| known.eq_ignore_ascii_case(name));
        let (mut names, mut asks): (Vec<Expr>, Vec<Expr>) =
            conditions.into_iter().partition(|condition| columns_in(condition).iter().all(|column| is_key(&name_of(column))));
        let named = |column: &&str| names.iter().filter_map(equal_to_constant).any(|name| name.eq_ignore_ascii_case(column));
        let by_key = !key.is_empty() && key.iter().all(named);
        if distinct(&asks) > 1 {
            let (equal, rest): (Vec<Expr>, Vec<Expr>) = asks.into_iter().partition(|ask| equal_to_constant(ask).is_some());
            names.extend(equal);
            asks = rest;
        }
        let is_named = by_key || names.iter().any(|name| equal_to_constant(name).is_some());
        let simple = !names.iter().chain(&asks).any(shown_has_subquery);
        let one = distinct(&asks) == 1 || asks.is_empty() && by_key;
        (is_named && simple && one).then_some(Self { query, names, asks })
    }

    /// The condition about the value.
    fn test(self) -> Expr {
        let mut value = self.query.clone();
        (value.order_by, value.limit_clause, value.fetch) = (None, None, None);
        if let SetExpr::Select(select) = value.body.as_mut() {
            select.selection = self.names.into_iter().reduce(and);
        }
        let Some(mut asked) = self.asks.into_iter().reduce(and) else {
            let count = crate::rows::query("SELECT COUNT(*)", crate::dialect::Dialect::Sqlite).ok();
            let count = count.and_then(|query| shown(&query).cloned()).unwrap_or_else(|| number("1"));
            let (left, right) = (Box::new(with_shown(&value, count)), Box::new(number("0")));
            return Expr::Nested(Box::new(Expr::BinaryOp { left, op: BinaryOperator::Gt, right }));
        };
        put(&mut asked, &|column| with_shown(&value, column.clone()));
        is_true(asked)
    }
}

/// Different columns in conditions.
fn distinct(conditions: &[Expr]) -> usize {
    let mut names: Vec<String> = conditions.iter().flat_map(columns_in).map(|column| name_of(&column).to_lowercase()).collect();
    names.sort_unstable();
    names.dedup();
    names.len()
}

/// The column of `column = constant`.
fn equal_to_constant(condition: &Expr) -> Option<String> {
    match condition {
        Expr::Nested(inner) => equal_to_constant(inner),
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => match (&**left, &**right) {
            (column @ (Expr::Identifier(_) | Expr::CompoundIdentifier(_)), other)
            | (other, column @ (Expr::Identifier(_) | Expr::CompoundIdentifier(_)))
                if is_constant(other) =>
            {
                Some(name_of(column))
            }
            _ => None,
        },
        _ => None,
    }
}

/// A SELECT that is one row for each row of its table.
fn plain_select(query: &Query) -> Option<&Select> {
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let ungrouped = matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty());
    (query.with.is_none() && select.having.is_none() && ungrouped && !select.from.is_empty()).then_some(select)
}

/// The one column that a query selects.
fn shown(query: &Query) -> Option<&Expr> {
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    match &select.projection[..] {
        [SelectItem::UnnamedExpr(shown) | SelectItem::ExprWithAlias { expr: shown, .. }] => Some(shown),
        _ => None,
    }
}

fn with_shown(query: &Query, column: Expr) -> Expr {
    let mut query = query.clone();
    if let SetExpr::Select(select) = query.body.as_mut() {
        select.projection = vec![SelectItem::UnnamedExpr(column)];
    }
    Expr::Subquery(Box::new(query))
}

/// Whether the server refuses a subquery for its several rows.
fn fails(query: &Query, catalog: &Catalog) -> bool {
    if query.limit_clause.is_some() || query.fetch.is_some() {
        return false;
    }
    match query.body.as_ref() {
        SetExpr::SetOperation { left, right, .. } => {
            let bare =
                |side: &SetExpr| matches!(side, SetExpr::Select(select) if select.from.is_empty() && select.selection.is_none());
            bare(left) && bare(right)
        }
        SetExpr::Select(select) => {
            let rows = match &select.from[..] {
                [from] if from.joins.is_empty() => match &from.relation {
                    TableFactor::Table { name, .. } => catalog.find(last(name)).map_or(0, |at| catalog.table(at).rows),
                    _ => 0,
                },
                _ => 0,
            };
            let all = plain_select(query).is_some() && select.selection.is_none() && select.distinct.is_none();
            all && rows > 1 && shown(query).is_some_and(|shown| !has_aggregate(shown))
        }
        _ => false,
    }
}

fn failure() -> Expr {
    let list = crate::rows::query("SELECT kintsugi_fail()", crate::dialect::Dialect::Sqlite).ok();
    let call = list.and_then(|query| shown(&query).cloned());
    call.unwrap_or_else(|| Expr::value(Value::Null))
}

/// Makes conditions of the numbers that stand where conditions are wanted.
fn conditions_of(expr: &mut Expr, catalog: &Catalog) {
    match expr {
        Expr::BinaryOp { left, op: BinaryOperator::And | BinaryOperator::Or | BinaryOperator::Xor, right } => {
            as_condition(left, catalog);
            as_condition(right, catalog);
        }
        Expr::UnaryOp { op: UnaryOperator::Not | UnaryOperator::BangNot, expr } => as_condition(expr, catalog),
        Expr::Case { operand: None, conditions, .. } => {
            conditions.iter_mut().for_each(|when| as_condition(&mut when.condition, catalog));
        }
        Expr::Function(function) if is_if(function) => {
            if let Some(first) = arguments_mut(function).into_iter().next() {
                as_condition(first, catalog);
            }
        }
        _ => {}
    }
}

fn conditions_of_selects(body: &mut SetExpr, catalog: &Catalog) {
    match body {
        SetExpr::Select(select) => {
            if let Some(condition) = &mut select.selection {
                as_condition(condition, catalog);
            }
        }
        SetExpr::SetOperation { left, right, .. } => {
            conditions_of_selects(left, catalog);
            conditions_of_selects(right, catalog);
        }
        SetExpr::Query(query) => conditions_of_selects(&mut query.body, catalog),
        _ => {}
    }
}

fn as_condition(expr: &mut Expr, catalog: &Catalog) {
    let mut inner = &*expr;
    while let Expr::Nested(deeper) = inner {
        inner = deeper;
    }
    if !is_test(inner) && !has_test(inner) && asks_the_snapshot(inner, catalog) {
        *expr = is_true(expr.clone());
    }
}

fn asks_the_snapshot(expr: &Expr, catalog: &Catalog) -> bool {
    let found = visit_expressions(expr, |inner| match inner {
        Expr::Subquery(query) if reads(query, catalog) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

fn is_if(function: &Function) -> bool {
    matches!(function.name.to_string().to_ascii_lowercase().as_str(), "if" | "iif")
}

fn has_aggregate(expr: &Expr) -> bool {
    const NAMES: [&str; 16] = [
        "count",
        "min",
        "max",
        "sum",
        "avg",
        "total",
        "group_concat",
        "string_agg",
        "json_arrayagg",
        "json_group_array",
        "json_agg",
        "array_agg",
        "xmlagg",
        "bool_and",
        "bool_or",
        "every",
    ];
    let found = visit_expressions(expr, |inner| match inner {
        Expr::Function(function) if NAMES.contains(&function.name.to_string().to_ascii_lowercase().as_str()) => {
            ControlFlow::Break(())
        }
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

fn shown_has_subquery(expr: &Expr) -> bool {
    let found = visit_expressions(expr, |inner| match inner {
        Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

fn is_constant(expr: &Expr) -> bool {
    columns_in(expr).is_empty() && !shown_has_subquery(expr)
}

/// The columns that an expression names, each time it does.
fn columns_in(expr: &Expr) -> Vec<Expr> {
    let mut names = Vec::new();
    let _ = visit_expressions(expr, |inner| {
        if matches!(inner, Expr::Identifier(name) if !name.value.starts_with('@')) || matches!(inner, Expr::CompoundIdentifier(_))
        {
            names.push(inner.clone());
        }
        ControlFlow::<()>::Continue(())
    });
    names
}

fn name_of(column: &Expr) -> String {
    match column {
        Expr::Identifier(name) => name.value.clone(),
        Expr::CompoundIdentifier(names) => names.last().map(|name| name.value.clone()).unwrap_or_default(),
        _ => String::new(),
    }
}

/// Puts something in the place of each column.
fn put(expr: &mut Expr, new: &dyn Fn(&Expr) -> Expr) {
    let _ = visit_expressions_mut(expr, |inner| {
        if matches!(inner, Expr::Identifier(name) if !name.value.starts_with('@')) || matches!(inner, Expr::CompoundIdentifier(_))
        {
            *inner = new(inner);
        }
        ControlFlow::<()>::Continue(())
    });
}

fn conjuncts(condition: &Expr, into: &mut Vec<Expr>) {
    match condition {
        Expr::Nested(inner) if matches!(**inner, Expr::BinaryOp { op: BinaryOperator::And, .. } | Expr::Nested(_)) => {
            conjuncts(inner, into);
        }
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            conjuncts(left, into);
            conjuncts(right, into);
        }
        other => into.push(other.clone()),
    }
}

fn and(left: Expr, right: Expr) -> Expr {
    let nested = |side: Expr| Box::new(Expr::Nested(Box::new(side)));
    Expr::BinaryOp { left: nested(left), op: BinaryOperator::And, right: nested(right) }
}

fn not(inner: Expr) -> Expr {
    Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(Expr::Nested(Box::new(inner))) }
}

fn is_true(inner: Expr) -> Expr {
    Expr::IsTrue(Box::new(Expr::Nested(Box::new(inner))))
}

fn number(text: &str) -> Expr {
    Expr::value(Value::Number(text.into(), false))
}
