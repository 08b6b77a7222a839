//! What a page does for yes and for no where nobody knows the rows of its own tables: no snapshot has arrived, or no one
//! wrote down the page's own SQL. A condition on those rows (`id=5`) either holds or does not; both are tried, and the one
//! under which the answer matters is how the intruder must have found the page: under the other no answer ever left.
//!
//! Not here: which look of a page means which answer (`looks`).

use std::ops::ControlFlow;

use sqlparser::ast::{BinaryOperator, Expr, Query, SelectItem, SetExpr, UnaryOperator, Value, Visit, Visitor};

use crate::catalog::Catalog;
use crate::dialect::Dialect;
use crate::rows;

/// A statement with its conditions on rows supposed to hold, and not to.
#[derive(Debug)]
pub(crate) struct Supposed {
    pub(super) row: Frame,
    pub(super) no_row: Frame,
}

/// The statement as it stands, and with the opposite of every condition that names no column: where the two differ, what the
/// statement asks decides what the page shows.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(super) plain: (rows::Plan, String),
    pub(super) flipped: (rows::Plan, String),
}

/// What is supposed of a condition.
#[derive(Clone, Copy)]
struct Suppose {
    holds: bool,
    flipped: bool,
    hole: usize,
}

/// Compiles the suppositions; `None` where the statement's rows do not hang on one condition.
pub(super) fn suppose(query: &Query, hole: usize, dialect: Dialect, catalog: &Catalog) -> Option<Supposed> {
    let frame = |holds| {
        let compiled = |flipped| {
            let text = without_tables(query, Suppose { holds, flipped, hole })?.to_string();
            rows::plan(&text, hole, dialect, catalog).ok().map(|plan| (plan, text))
        };
        Some(Frame { plain: compiled(false)?, flipped: compiled(true)? })
    };
    Some(Supposed { row: frame(true)?, no_row: frame(false)? })
}

/// `SELECT 1 WHERE` the condition.
fn without_tables(query: &Query, suppose: Suppose) -> Option<Query> {
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let mut select = select.clone();
    select.selection = Some(suppose.condition(select.selection.as_ref()?));
    select.from.clear();
    select.distinct = None;
    select.having = None;
    select.projection = vec![SelectItem::UnnamedExpr(number(true))];
    let mut query = query.clone();
    *query.body = SetExpr::Select(select);
    (query.with, query.order_by, query.limit_clause, query.fetch) = (None, None, None, None);
    Some(query)
}

impl Suppose {
    fn condition(self, expr: &Expr) -> Expr {
        use BinaryOperator::{And, Or, Xor};
        match expr {
            Expr::Nested(inner) => Expr::Nested(Box::new(self.condition(inner))),
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => not(self.condition(expr)),
            Expr::BinaryOp { left, op: op @ (And | Or | Xor), right } => {
                Expr::BinaryOp { left: Box::new(self.condition(left)), op: op.clone(), right: Box::new(self.condition(right)) }
            }
            other => self.atom(other),
        }
    }

    fn atom(self, expr: &Expr) -> Expr {
        let seen = Seen::of(expr, self.hole);
        match (seen.column, seen.hole) {
            (false, false) if self.flipped => not(expr.clone()),
            (false, _) => expr.clone(),
            (true, false) => number(self.holds),
            // `id=IF(question, 5, 0)`: there is a row for one of the answers, and nobody knows for which.
            (true, true) if self.holds => super::plan::place(self.hole),
            (true, true) => not(super::plan::place(self.hole)),
        }
    }
}

fn not(expr: Expr) -> Expr {
    Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(Expr::Nested(Box::new(expr))) }
}

fn number(truth: bool) -> Expr {
    Expr::value(Value::Number(u8::from(truth).to_string(), false))
}

/// What an expression names outside its subqueries, and whether the hole is anywhere in it.
struct Seen {
    hole_at: usize,
    depth: usize,
    column: bool,
    hole: bool,
}

impl Seen {
    fn of(expr: &Expr, hole: usize) -> Self {
        let mut seen = Self { hole_at: hole, depth: 0, column: false, hole: false };
        let _ = expr.visit(&mut seen);
        seen
    }
}

impl Visitor for Seen {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        self.column |= self.depth == 0 && matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
        self.hole |= super::plan::is_place(expr, self.hole_at);
        ControlFlow::Continue(())
    }
}
