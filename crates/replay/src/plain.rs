//! A statement's tree in the words that SQLite reads: `x::text` is `CAST(x AS TEXT)`, `SUBSTRING(x FROM 1 FOR 1)` is
//! `SUBSTRING(x, 1, 1)`, a table that only waits (`FROM PG_SLEEP(5)`) is a row that waits. The meaning stays; what SQLite
//! must learn to compute is in `functions`.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, CastKind, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName, ObjectNamePart,
    Query, Select, SelectItem, SetExpr, TableAlias, TableFactor, Value, VisitMut, VisitorMut,
};
use sqlparser::parser::Parser;

use crate::dialect::Dialect;
use crate::walk::{visit_expressions, visit_expressions_mut};

/// Rewrites a statement for SQLite.
pub(crate) fn plain(query: &mut Query, dialect: Dialect) {
    let _ = VisitMut::visit(query, &mut Waiting);
    let _ = visit_expressions_mut(query, |expr| {
        plain_expression(expr, dialect);
        ControlFlow::<()>::Continue(())
    });
}

fn plain_expression(expr: &mut Expr, dialect: Dialect) {
    match expr {
        Expr::Cast { kind, .. } => *kind = CastKind::Cast,
        Expr::Substring { special, .. } => *special = true,
        Expr::Function(function) => {
            if let Some(name) = another_name(function, dialect) {
                function.name = ObjectName(vec![ObjectNamePart::Identifier(Ident::new(name))]);
            }
        }
        _ => {}
    }
}

/// Functions that mean something else in this dialect than in the others.
fn another_name(function: &Function, dialect: Dialect) -> Option<&'static str> {
    let name = function.name.to_string().to_ascii_lowercase();
    match (dialect, name.trim_start_matches("pg_catalog.")) {
        // PostgreSQL: the code point; MySQL: the first byte.
        (Dialect::PostgreSql, "ascii") => Some("code_point"),
        // Bytes in MySQL, characters elsewhere.
        (Dialect::PostgreSql | Dialect::Sqlite, "length") => Some("char_length"),
        (Dialect::PostgreSql, "pg_sleep") => Some("sleep"),
        // SQLite would really make the bytes by which an intruder makes it slow.
        (Dialect::Sqlite, "randomblob" | "zeroblob") => Some("wait_blob"),
        _ => None,
    }
}

/// Turns tables that are calls into rows: nothing else can stand behind them in a shop's own snapshot.
struct Waiting;

impl VisitorMut for Waiting {
    type Break = ();

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        look_at_waiting(select);
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        let (name, args, alias) = match factor {
            TableFactor::Table { name, args: Some(args), alias, .. } => (name, &args.args, alias),
            TableFactor::Function { name, args, alias, .. } => (name, &*args, alias),
            _ => return ControlFlow::Continue(()),
        };
        let call = name.to_string().to_ascii_lowercase();
        let call = if call == "generate_series" { "wait_series".to_owned() } else { call };
        let list: Vec<String> = args.iter().map(ToString::to_string).collect();
        let alias = alias.take();
        if let Some(subquery) = select(&format!("SELECT {call}({}) AS {call}", list.join(", "))) {
            *factor = TableFactor::Derived { lateral: false, subquery, alias, sample: None };
        }
        ControlFlow::Continue(())
    }
}

/// The column that a waiting row is known by.
const WAITED: &str = "kintsugi_waited";

/// Looks at what a derived table of one waiting row gives, as SQLite would not compute what nobody looks at; the server does.
fn look_at_waiting(select: &mut Select) {
    for (at, item) in select.from.iter_mut().enumerate() {
        let TableFactor::Derived { subquery, alias, .. } = &mut item.relation else { continue };
        let SetExpr::Select(inner) = subquery.body.as_mut() else { continue };
        let [shown] = &mut inner.projection[..] else { continue };
        let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = &*shown else { continue };
        if !inner.from.is_empty() || !waits(expr) {
            continue;
        }
        *shown = SelectItem::ExprWithAlias { expr: expr.clone(), alias: Ident::new(WAITED) };
        let known_as = alias.get_or_insert_with(|| TableAlias {
            explicit: true,
            name: Ident::new(format!("kintsugi_wait_{at}")),
            columns: Vec::new(),
            at: None,
        });
        let column = Expr::CompoundIdentifier(vec![known_as.name.clone(), Ident::new(WAITED)]);
        let never = Expr::value(Value::SingleQuotedString("never".into()));
        let looked_at = Expr::IsDistinctFrom(Box::new(column), Box::new(never));
        select.selection = Some(match select.selection.take() {
            Some(condition) => Expr::BinaryOp {
                left: Box::new(Expr::Nested(Box::new(condition))),
                op: BinaryOperator::And,
                right: Box::new(looked_at),
            },
            None => looked_at,
        });
    }
}

fn waits(expr: &Expr) -> bool {
    const WAITING: [&str; 5] = ["sleep", "benchmark", "pg_sleep", "wait_series", "wait_blob"];
    let found = visit_expressions(expr, |inner| match inner {
        Expr::Function(function) if WAITING.contains(&function.name.to_string().to_ascii_lowercase().as_str()) => {
            ControlFlow::Break(())
        }
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

fn select(sql: &str) -> Option<Box<Query>> {
    let dialect = sqlparser::dialect::SQLiteDialect {};
    let mut parser = Parser::new(&dialect).try_with_sql(sql).ok()?;
    parser.parse_query().ok().filter(|query| matches!(*query.body, SetExpr::Select(_)))
}

/// The plain arguments of a call.
pub(crate) fn arguments(function: &Function) -> Vec<&Expr> {
    let FunctionArguments::List(list) = &function.args else { return Vec::new() };
    let plain = list.args.iter().map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    });
    plain.flatten().collect()
}

/// Likewise, to be changed.
pub(crate) fn arguments_mut(function: &mut Function) -> Vec<&mut Expr> {
    let FunctionArguments::List(list) = &mut function.args else { return Vec::new() };
    let plain = list.args.iter_mut().map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    });
    plain.flatten().collect()
}
