//! A shape with an error in it, compiled: the call that fails, the text that its message shows, and the scalar subqueries
//! whose values stand in that text. Where the call stands does not matter (a condition, a column, GROUP BY, PROCEDURE
//! ANALYSE): the server evaluates it and says what it could not use. So the call is looked for in the text, and only what
//! stands in it must be understood. Not here: what a message looks like (`channel`), where values come from (`scalar`).

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, Function, Query, Select, SelectItem, SetExpr, TableFactor, Value, VisitMut, VisitorMut,
};

use super::channel::Channel;
use super::scalar::{Scalar, scalar};
use crate::catalog::{Catalog, View};
use crate::dialect::Dialect;
use crate::plain::{arguments, plain};
use crate::walk::{visit_expressions, visit_expressions_mut};

/// What a shape makes the server say.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(super) channel: Channel,
    /// `SELECT text`, with the values of subqueries at places from `hole` on.
    pub(super) text: String,
    /// Whether the whole text gives the values back even where characters cannot be followed (HEX, TO_BASE64).
    pub(super) reversible: bool,
    pub(super) scalars: Vec<Scalar>,
    /// The first value's place.
    pub(super) hole: usize,
    /// A value is the server's own (its tables, its version): the text is not known.
    pub(super) metadata: bool,
    /// The tables it reads.
    pub(crate) views: Vec<View>,
}

type Outcome<T> = Result<T, String>;

const OWN_COLUMN: &str = "a column of the page's own query";

/// Where a call stands in the text.
#[derive(Clone, Debug, PartialEq)]
struct Call<'a> {
    name: &'a str,
    /// The call, name and brackets included.
    text: &'a str,
    /// Where it begins.
    at: usize,
}

/// Compiles a shape; `None` where nothing in it fails with a text that carries a value. The error says what could not be
/// followed.
pub(crate) fn plan(sql: &str, places: usize, dialect: Dialect, catalog: &Catalog) -> Outcome<Option<Plan>> {
    let mut constant = None;
    for (channel, expr) in failing(sql, dialect) {
        let own = match compile(channel.clone(), &expr, places, dialect, catalog) {
            Err(reason) if reason == OWN_COLUMN => own_value(sql, &expr, dialect),
            _ => None,
        };
        let plan = compile(channel, own.as_ref().unwrap_or(&expr), places, dialect, catalog);
        match plan {
            Ok(plan) if !plan.views.is_empty() => return Ok(Some(plan)),
            // A text without values teaches what the page adds to it, if nothing else is asked.
            Ok(plan) if constant.is_none() && asks_nothing_else(sql, &plan) => constant = Some(plan),
            Ok(_) => {}
            Err(reason) => return Err(reason),
        }
    }
    Ok(constant)
}

fn asks_nothing_else(sql: &str, plan: &Plan) -> bool {
    let lower = sql.to_ascii_lowercase();
    !plan.channel.is_conversion() && !lower.contains("union") || lower.matches("select").count() <= 2
}

/// The calls in a statement that fail with a text, and the expressions that their messages show.
fn failing(sql: &str, dialect: Dialect) -> Vec<(Channel, Expr)> {
    let calls = calls(sql);
    let mut found = Vec::new();
    for call in &calls {
        if let Some((channel, argument)) = Channel::of_function(call.name, dialect)
            && let Some(Expr::Function(function)) = expression(call.text, dialect)
            && let Some(shown) = arguments(&function).get(argument)
        {
            found.push((channel, (*shown).clone()));
        }
        if call.name.eq_ignore_ascii_case("cast") && dialect == Dialect::PostgreSql {
            found.extend(conversion(call.text, dialect));
        }
    }
    if dialect == Dialect::PostgreSql {
        found.extend(shorthand_conversions(sql).filter_map(|text| conversion(text, dialect)));
    }
    if dialect == Dialect::MySql {
        found.extend(colliding_key(sql, &calls, dialect).map(|key| (Channel::duplicate_key(), key)));
        found.extend(overflowing(sql, dialect).map(|value| (Channel::out_of_range(), value)));
    }
    found
}

/// Every call in a text, outermost first.
fn calls(sql: &str) -> Vec<Call<'_>> {
    let bytes = sql.as_bytes();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80;
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        if let quote @ (b'"' | b'`') = bytes[at] {
            at += 1 + sql[at + 1..].find(quote as char).unwrap_or(bytes.len() - at - 1) + 1;
        } else if is_word(bytes[at]) {
            let end = at + bytes[at..].iter().take_while(|byte| is_word(**byte)).count();
            let open = end + usize::from(bytes.get(end) == Some(&b' '));
            if bytes.get(open) == Some(&b'(')
                && let Some(close) = closing(sql, open)
            {
                found.push(Call { name: &sql[at..end], text: &sql[at..=close], at });
            }
            at = end;
        } else {
            at += 1;
        }
    }
    found
}

/// The bracket that closes the one at `open`; quoted names may hold any.
fn closing(sql: &str, open: usize) -> Option<usize> {
    let (mut depth, mut quote) = (0_usize, None);
    for (at, byte) in sql.bytes().enumerate().skip(open) {
        match (byte, quote) {
            (b'"' | b'`', None) => quote = Some(byte),
            (byte, Some(open)) if byte == open => quote = None,
            (b'(', None) => depth += 1,
            (b')', None) if depth == 1 => return Some(at),
            (b')', None) => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The texts `operand::type`. The operand is a call, brackets, or a name.
fn shorthand_conversions(sql: &str) -> impl Iterator<Item = &str> {
    sql.match_indices("::").filter_map(|(at, _)| {
        let end = at + 2 + sql[at + 2..].find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(sql.len() - at - 2);
        let from = operand(sql, at)?;
        Some(&sql[from..end])
    })
}

/// Where the operand begins that ends at `end`.
fn operand(sql: &str, end: usize) -> Option<usize> {
    let bytes = sql.as_bytes();
    let mut at = end;
    if bytes.get(at.checked_sub(1)?) == Some(&b')') {
        at = (0..at).rev().find(|&open| bytes[open] == b'(' && closing(sql, open) == Some(end - 1))?;
    }
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'?' | b'"');
    let name = bytes[..at].iter().rev().take_while(|byte| word(byte)).count();
    (name > 0 || at < end).then_some(at - name)
}

/// `CAST(x AS type)` or `x::type`, if the conversion can fail with a text.
fn conversion(text: &str, dialect: Dialect) -> Option<(Channel, Expr)> {
    let Expr::Cast { expr, data_type, .. } = expression(text, dialect)? else { return None };
    Some((Channel::of_type(&data_type.to_string())?, *expr))
}

fn expression(text: &str, dialect: Dialect) -> Option<Expr> {
    let query = crate::rows::query(&format!("SELECT {text}"), dialect).ok()?;
    only_column(*query)
}

/// The one column of a query without FROM.
fn only_column(query: Query) -> Option<Expr> {
    let SetExpr::Select(mut select) = *query.body else { return None };
    match (select.projection.pop(), select.projection.is_empty() && select.from.is_empty()) {
        (Some(SelectItem::UnnamedExpr(expr)), true) => Some(expr),
        _ => None,
    }
}

/// The key of a grouping that is computed anew for each row (`GROUP BY CONCAT(x, FLOOR(RAND(0)*2))`): the outermost
/// concatenation around RAND, with a digit in the place of chance.
fn colliding_key(sql: &str, calls: &[Call<'_>], dialect: Dialect) -> Option<Expr> {
    if !sql.to_ascii_uppercase().contains("GROUP BY") {
        return None;
    }
    let rand = calls.iter().find(|call| call.name.eq_ignore_ascii_case("rand"))?;
    let joins = |call: &&Call<'_>| call.name.to_ascii_lowercase().starts_with("concat");
    let around = calls.iter().filter(joins).find(|call| (call.at..call.at + call.text.len()).contains(&rand.at))?;
    let Expr::Function(mut function) = expression(around.text, dialect)? else { return None };
    for argument in crate::plain::arguments_mut(&mut function) {
        if names(argument, "rand") && !names(argument, "select") {
            *argument = Expr::value(Value::Number("1".to_owned(), false));
        }
    }
    Some(Expr::Function(function))
}

fn names(expr: &Expr, word: &str) -> bool {
    expr.to_string().to_ascii_lowercase().contains(word)
}

/// The value in arithmetic that leaves its type: `EXP(~(SELECT * FROM (SELECT x) a))`, `!(SELECT * FROM (SELECT x) a)-~0`. The
/// derived table, which nothing else needs, makes the server put the value into the message.
fn overflowing(sql: &str, dialect: Dialect) -> Option<Expr> {
    let lower = sql.to_ascii_lowercase();
    let at = lower.match_indices("(select * from").map(|(at, _)| at).next().filter(|_| !lower.contains("union"))?;
    expression(&sql[at..=closing(sql, at)?], dialect)
}

fn compile(channel: Channel, expr: &Expr, places: usize, dialect: Dialect, catalog: &Catalog) -> Outcome<Plan> {
    let hole = places + 1;
    let mut expr = plain_expression(expr, dialect)?;
    unwrap_subqueries(&mut expr);
    let reversible = is_reversible(&expr);
    let mut taken = Scalars { catalog, dialect, hole, scalars: Vec::new(), views: Vec::new(), metadata: false, failure: None };
    let _ = VisitMut::visit(&mut expr, &mut taken);
    if let Some(reason) = taken.failure {
        return Err(reason);
    }
    let Scalars { scalars, views, metadata, .. } = taken;
    let reversible = reversible && scalars.iter().all(|scalar| scalar.reversible);
    Ok(Plan { channel, text: format!("SELECT {expr}"), reversible, scalars, hole, metadata, views })
}

/// The expression in the words that SQLite reads.
fn plain_expression(expr: &Expr, dialect: Dialect) -> Outcome<Expr> {
    let mut query = crate::rows::query(&format!("SELECT {expr}"), dialect)?;
    plain(&mut query, dialect);
    only_column(*query).ok_or_else(|| "an expression that is not followed".into())
}

/// A text of the page's own columns, as a subquery: the first row that the other conditions leave is the one that fails.
fn own_value(sql: &str, expr: &Expr, dialect: Dialect) -> Option<Expr> {
    let query = crate::rows::query(sql, dialect).ok()?;
    let text = expr.to_string();
    let select = select_with(&query.body, &text)?;
    let mut conditions = Vec::new();
    select.selection.iter().for_each(|condition| conjuncts(condition, &mut conditions));
    let others: Vec<String> = conditions.iter().map(ToString::to_string).filter(|other| !other.contains(&text)).collect();
    let from: Vec<String> = select.from.iter().map(ToString::to_string).collect();
    let condition = if others.is_empty() { String::new() } else { format!(" WHERE {}", others.join(" AND ")) };
    expression(&format!("(SELECT {text} FROM {}{condition} LIMIT 1)", from.join(", ")), dialect)
}

/// The select that holds a text, and has a table.
fn select_with<'a>(body: &'a SetExpr, text: &str) -> Option<&'a Select> {
    match body {
        SetExpr::Select(select) => (!select.from.is_empty() && select.to_string().contains(text)).then_some(&**select),
        SetExpr::SetOperation { left, right, .. } => select_with(left, text).or_else(|| select_with(right, text)),
        SetExpr::Query(query) => select_with(&query.body, text),
        _ => None,
    }
}

fn conjuncts<'a>(condition: &'a Expr, into: &mut Vec<&'a Expr>) {
    match condition {
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            conjuncts(left, into);
            conjuncts(right, into);
        }
        other => into.push(other),
    }
}

/// `(SELECT e)` is `(e)`, and `(SELECT * FROM (query) x)` is the query.
fn unwrap_subqueries(expr: &mut Expr) {
    let _ = visit_expressions_mut(expr, |expr| {
        while let Expr::Subquery(query) = expr {
            let Some(inner) = unwrapped(query) else { break };
            *expr = inner;
        }
        ControlFlow::<()>::Continue(())
    });
}

fn unwrapped(query: &Query) -> Option<Expr> {
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let plain = query.with.is_none() && query.limit_clause.is_none() && select.selection.is_none() && select.having.is_none();
    if !plain || select.projection.len() != 1 {
        return None;
    }
    match (&select.projection[0], &select.from[..]) {
        (SelectItem::UnnamedExpr(inner) | SelectItem::ExprWithAlias { expr: inner, .. }, []) => {
            Some(Expr::Nested(Box::new(inner.clone())))
        }
        (SelectItem::UnnamedExpr(inner) | SelectItem::ExprWithAlias { expr: inner, .. }, [only]) if is_dual(&only.relation) => {
            Some(Expr::Nested(Box::new(inner.clone())))
        }
        (SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..), [only]) if only.joins.is_empty() => derived(select),
        (SelectItem::UnnamedExpr(Expr::Identifier(_) | Expr::CompoundIdentifier(_)), [only]) if only.joins.is_empty() => {
            derived(select).filter(has_one_column)
        }
        _ => None,
    }
}

fn derived(select: &Select) -> Option<Expr> {
    match &select.from[0].relation {
        TableFactor::Derived { subquery, .. } => Some(Expr::Subquery(subquery.clone())),
        _ => None,
    }
}

fn has_one_column(expr: &Expr) -> bool {
    let Expr::Subquery(query) = expr else { return false };
    matches!(query.body.as_ref(), SetExpr::Select(select)
        if select.projection.len() == 1 && !matches!(select.projection[0], SelectItem::Wildcard(_)))
}

fn is_dual(factor: &TableFactor) -> bool {
    matches!(factor, TableFactor::Table { name, args: None, .. } if name.to_string().eq_ignore_ascii_case("dual"))
}

/// Takes the subqueries out of a text, leaving their values' places.
struct Scalars<'a> {
    catalog: &'a Catalog,
    dialect: Dialect,
    hole: usize,
    scalars: Vec<Scalar>,
    views: Vec<View>,
    metadata: bool,
    failure: Option<String>,
}

impl VisitorMut for Scalars<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let replaced = match expr {
            Expr::Subquery(query) => self.take(query),
            Expr::Exists { .. } | Expr::InSubquery { .. } => Err("a condition over a subquery".into()),
            Expr::Identifier(name) if !name.value.starts_with('@') => Err(OWN_COLUMN.into()),
            Expr::CompoundIdentifier(_) => Err(OWN_COLUMN.into()),
            Expr::Identifier(_) => {
                self.metadata = true;
                Ok(Some(Expr::value(Value::Null)))
            }
            Expr::Function(function) if is_about_the_server(function) => {
                self.metadata = true;
                Ok(Some(Expr::value(Value::Null)))
            }
            _ => Ok(None),
        };
        match replaced {
            Ok(Some(new)) => *expr = new,
            Ok(None) => {}
            Err(reason) => {
                self.failure = Some(reason);
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }
}

impl Scalars<'_> {
    fn take(&mut self, query: &Query) -> Outcome<Option<Expr>> {
        let place = self.hole + self.scalars.len();
        let Some((scalar, around, views)) = scalar(query, place, self.hole, self.dialect, self.catalog)? else {
            self.metadata = true;
            return Ok(Some(Expr::value(Value::Null)));
        };
        self.scalars.push(scalar);
        self.views.extend(views);
        Ok(Some(Expr::Nested(Box::new(around))))
    }
}

/// What only the server can know.
fn is_about_the_server(function: &Function) -> bool {
    const NAMES: [&str; 14] = [
        "version",
        "database",
        "schema",
        "user",
        "current_user",
        "session_user",
        "system_user",
        "current_database",
        "current_schema",
        "connection_id",
        "load_file",
        "sqlite_version",
        "inet_server_addr",
        "pg_backend_pid",
    ];
    let name = function.name.to_string().to_ascii_lowercase();
    NAMES.contains(&name.as_str())
}

/// Whether everything that is done to the values can be undone by who sees the whole text.
pub(super) fn is_reversible(expr: &Expr) -> bool {
    const NAMES: [&str; 16] = [
        "concat",
        "concat_ws",
        "ifnull",
        "coalesce",
        "hex",
        "to_base64",
        "encode",
        "convert_text",
        "quote",
        "chr",
        "char",
        "group_concat",
        "string_agg",
        "json_arrayagg",
        "max",
        "min",
    ];
    let lossy = visit_expressions(expr, |inner| match inner {
        Expr::Function(function) if !NAMES.contains(&function.name.to_string().to_ascii_lowercase().as_str()) => {
            ControlFlow::Break(())
        }
        Expr::Substring { .. } | Expr::Case { .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    lossy.is_continue()
}

#[cfg(test)]
mod tests {
    use super::failing;
    use crate::dialect::Dialect;

    fn check(dialect: Dialect, sql: &str, expected: &[&str]) {
        let found: Vec<String> = failing(sql, dialect).into_iter().map(|(_, expr)| expr.to_string()).collect();
        assert_eq!(found, expected, "{sql}");
    }

    #[test]
    fn the_text_that_a_message_shows_is_found_wherever_it_stands() {
        let mysql = |sql: &str, expected: &[&str]| check(Dialect::MySql, sql, expected);
        mysql(
            "SELECT a FROM t WHERE id = ?1 AND EXTRACTVALUE(?2, CONCAT(?3, (SELECT b FROM u)))",
            &["CONCAT(?3, (SELECT b FROM u))"],
        );
        mysql("SELECT a FROM t ORDER BY (UPDATEXML(NULL, (SELECT b FROM u), ?1))", &["(SELECT b FROM u)"]);
        mysql(
            "SELECT a WHERE(SELECT ?1 FROM(SELECT COUNT(*), CONCAT(?2, (SELECT b FROM u LIMIT ?3, ?4), FLOOR(RAND(?5) * ?6))x FROM p GROUP BY x)a)",
            &["CONCAT(?2, (SELECT b FROM u LIMIT ?3, ?4), 1)"],
        );
        mysql(
            "SELECT EXP(~ (SELECT * FROM(SELECT b FROM u)x))",
            &["~(SELECT * FROM (SELECT b FROM u) x)", "(SELECT * FROM (SELECT b FROM u) x)"],
        );
        mysql("SELECT a FROM t WHERE CAST(b AS INT) = ?1", &[]);
        let postgresql = |sql: &str, expected: &[&str]| check(Dialect::PostgreSql, sql, expected);
        postgresql(
            "SELECT a FROM t WHERE ?1 = CAST(?2 ||(SELECT b FROM u)::text AS NUMERIC)",
            &["?2 || (SELECT b FROM u)::TEXT"],
        );
        postgresql("SELECT a FROM t WHERE ?1 =(?2 ||(SELECT b FROM u))::int", &["(?2 || (SELECT b FROM u))"]);
        postgresql("SELECT ?1 / version()::int, b::text", &["version()"]);
    }
}
