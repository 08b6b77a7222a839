//! A shape compiled once: what its branches select from which tables, rewritten so that SQLite returns the length of the
//! text beside the numbers of the rows it came from. Not here: running it (`evaluate`).
//!
//! `E[(SELECT e FROM t ORDER BY k LIMIT n,1)]` is `SELECT E[e] FROM t ORDER BY k` at row n; an aggregate is opened into
//! its input rows in their own order.

use std::ops::ControlFlow;

use kintsugi_case::ColumnSet;
use kintsugi_find::quoted;
use sqlparser::ast::{
    Expr, Function, FunctionArgumentClause, FunctionArguments, GroupByExpr, Ident, LimitClause, ObjectName, ObjectNamePart,
    OrderBy, OrderByKind, Query, Select, SelectItem, SetExpr, SetOperator, TableFactor, TableWithJoins, Value,
    visit_expressions_mut,
};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::columns::{Carried, Names, arguments};
use crate::catalog::{Catalog, ROW, View};
use crate::dialect::Dialect;

/// What a shape does.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The branches of the union, in order; the page's own come first.
    pub(crate) branches: Vec<Branch>,
    /// LIMIT of the whole.
    pub(crate) limit: Option<Limit>,
    /// The tables it reads, as views that must be there before it runs.
    pub(crate) views: Vec<View>,
}

/// One SELECT of a union.
#[derive(Debug)]
pub(crate) enum Branch {
    /// Rows of tables, or one row of constants.
    Rows(Rows),
    /// One row whose columns are computed apart.
    Scalars(Vec<Part>),
    /// It reads the server's own tables: no cell of the snapshot.
    Metadata,
}

/// One column of a single row.
#[derive(Debug)]
pub(crate) enum Part {
    /// From one row of tables, or none.
    Row(Rows),
    /// From all rows of a SELECT.
    Aggregate(Aggregate),
}

/// A query for `length, row number, row number …`.
#[derive(Debug)]
pub(crate) struct Rows {
    /// The query without its LIMIT.
    pub(crate) sql: String,
    /// Where the rows come from; the query's columns after the first.
    pub(crate) sources: Vec<Source>,
    /// Its LIMIT.
    pub(crate) limit: Option<Limit>,
    /// What it gives is no exposure: the page shows these rows to everybody.
    pub(crate) silent: bool,
    /// The length where there is no row (a scalar subquery without rows is NULL).
    pub(crate) missing: Option<String>,
}

/// What a query takes of a table.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Index in the catalog.
    pub(crate) table: usize,
    /// Columns whose whole value is passed on.
    pub(crate) whole: ColumnSet,
    /// Columns of which a part is passed on.
    pub(crate) part: ColumnSet,
}

/// All rows in one value.
#[derive(Debug)]
pub(crate) struct Aggregate {
    /// A query for `value, row number …`.
    pub(crate) rows: Rows,
    /// How the values become one.
    pub(crate) join: Join,
    /// The length of the column, with the joined value at `hole`.
    pub(crate) outer: String,
    /// The place of the joined value in `outer`.
    pub(crate) hole: usize,
}

/// How an aggregate joins values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Join {
    /// JSON_ARRAYAGG.
    JsonArray,
    /// GROUP_CONCAT with this separator.
    Text(Bound),
    /// COUNT and its like: no cell passes, only a figure, computed by this query.
    Figure(String),
}

/// A number or text: in the shape, or in one of its places.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Bound {
    /// The place's number, from 1.
    Place(usize),
    /// The text itself.
    Fixed(String),
}

/// `LIMIT offset, count`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Limit {
    /// Rows passed over.
    pub(crate) offset: Bound,
    /// Rows given, at most.
    pub(crate) count: Bound,
}

type Outcome<T> = Result<T, String>;

impl Plan {
    /// The same for a page that only the person it belongs to should see: its own rows are what was taken.
    pub(crate) fn of_own_rows(mut self) -> Self {
        if let Some(Branch::Rows(own)) = self.branches.first_mut() {
            own.silent = false;
        }
        self
    }
}

/// Whether sqlparser reads the text as one query.
pub(crate) fn parses(sql: &str, dialect: Dialect) -> bool {
    query(sql, dialect).is_ok()
}

/// Reads one query.
pub(crate) fn query(sql: &str, dialect: Dialect) -> Outcome<Box<Query>> {
    // PostgreSQL has operators with `?` in them: sqlparser knows its places as `$1`.
    let dollars = (dialect == Dialect::PostgreSql).then(|| sql.replace('?', "$"));
    let mut parser =
        Parser::new(dialect.parser()).try_with_sql(dollars.as_deref().unwrap_or(sql)).map_err(|error| reason(&error))?;
    let mut query = parser.parse_query().map_err(|error| reason(&error))?;
    let _ = visit_expressions_mut(&mut query, |expr| {
        if let Expr::Value(value) = expr
            && let Value::Placeholder(place) = &mut value.value
        {
            *place = place.replace('$', "?");
        }
        ControlFlow::<()>::Continue(())
    });
    match parser.peek_token().token {
        Token::EOF => Ok(query),
        _ => Err("more than one statement, or text after its end".into()),
    }
}

/// sqlparser's words without the place, so that statements that fail alike stay together.
fn reason(error: &sqlparser::parser::ParserError) -> String {
    let text = error.to_string();
    text.split(" at Line").next().unwrap_or_default().to_owned()
}

/// Compiles a shape; the error says what could not be followed.
pub(crate) fn plan(sql: &str, places: usize, dialect: Dialect, catalog: &Catalog) -> Outcome<Plan> {
    let query = query(sql, dialect)?;
    let mut planner = Planner { catalog, dialect, places, sql, views: Vec::new() };
    if query.with.is_some() {
        return Err("WITH is not followed".into());
    }
    let mut selects = Vec::new();
    branches(&query.body, &mut selects)?;
    let order = if selects.len() == 1 { query.order_by.as_ref() } else { None };
    let limit = limit(query.limit_clause.as_ref())?;
    let limit_inside = selects.len() == 1;
    let planned = selects.into_iter().map(|select| planner.branch(select, order));
    let mut branches = planned.collect::<Outcome<Vec<_>>>()?;
    if let Some(Branch::Rows(own)) = branches.first_mut() {
        // The page's own rows: only a statement that widens them over personal data takes anything.
        let personal = own.sources.iter().any(|source| !catalog.table(source.table).personal_columns().is_empty());
        own.silent = !limit_inside || !personal;
    }
    if let ([Branch::Rows(rows)], true) = (&mut branches[..], limit_inside) {
        rows.limit = limit;
        return Ok(Plan { branches, limit: None, views: planner.views });
    }
    Ok(Plan { branches, limit, views: planner.views })
}

fn branches<'a>(body: &'a SetExpr, selects: &mut Vec<&'a Select>) -> Outcome<()> {
    match body {
        SetExpr::Select(select) => selects.push(select),
        SetExpr::SetOperation { op: SetOperator::Union, left, right, .. } => {
            branches(left, selects)?;
            branches(right, selects)?;
        }
        SetExpr::Query(query) if query.limit_clause.is_none() && query.with.is_none() => branches(&query.body, selects)?,
        _ => return Err("a set operation that is not followed".into()),
    }
    Ok(())
}

fn limit(clause: Option<&LimitClause>) -> Outcome<Option<Limit>> {
    let zero = Bound::Fixed("0".into());
    match clause {
        None => Ok(None),
        Some(LimitClause::OffsetCommaLimit { offset, limit }) => Ok(Some(Limit { offset: bound(offset)?, count: bound(limit)? })),
        Some(LimitClause::LimitOffset { limit: Some(limit), offset, limit_by }) if limit_by.is_empty() => {
            let offset = offset.as_ref().map_or(Ok(zero), |offset| bound(&offset.value))?;
            Ok(Some(Limit { offset, count: bound(limit)? }))
        }
        Some(_) => Err("a LIMIT that is not followed".into()),
    }
}

fn bound(expr: &Expr) -> Outcome<Bound> {
    if let Expr::Value(value) = expr {
        match &value.value {
            Value::Placeholder(place) => {
                return place.trim_start_matches('?').parse().map(Bound::Place).map_err(|_| "a place without a number".into());
            }
            Value::Number(number, _) => return Ok(Bound::Fixed(number.to_string())),
            Value::SingleQuotedString(text) => return Ok(Bound::Fixed(text.clone())),
            _ => {}
        }
    }
    Err("a LIMIT that is computed".into())
}

struct Planner<'a> {
    catalog: &'a Catalog,
    dialect: Dialect,
    /// Places that the shape has; the next one is free for a hole.
    places: usize,
    /// The shape, to see which columns it names.
    sql: &'a str,
    views: Vec<View>,
}

/// The values of a scalar subquery, each with the numbers of the rows it came from.
#[derive(Debug)]
pub(crate) struct Values {
    /// The value.
    pub(crate) value: String,
    /// `, row, row …`: the numbers of the rows behind a value, one for each source.
    pub(crate) numbers: String,
    /// `FROM … WHERE … ORDER BY …`, in the order in which the server has the rows.
    pub(crate) tail: String,
    /// The FROM clause alone: all rows, whichever the statement asks for.
    pub(crate) from: String,
    /// What the statement itself orders by.
    pub(crate) order: Vec<String>,
    /// What is taken of which table; empty for a figure (COUNT), which carries no cell.
    pub(crate) sources: Vec<Source>,
    /// Which of them the statement asks for.
    pub(crate) limit: Option<Limit>,
    /// The tables it reads.
    pub(crate) views: Vec<View>,
}

/// Compiles a scalar subquery of a statement with so many places.
pub(crate) fn values(query: &Query, places: usize, dialect: Dialect, catalog: &Catalog) -> Outcome<Values> {
    let sql = query.to_string();
    let SetExpr::Select(select) = query.body.as_ref() else { return Err("a union inside a subquery".into()) };
    refuse_what_is_not_followed(select)?;
    let mut planner = Planner { catalog, dialect, places, sql: &sql, views: Vec::new() };
    let limit = limit(query.limit_clause.as_ref())?;
    planner.values(select, query.order_by.as_ref(), limit)
}

/// A FROM clause, rewritten to views.
struct From<'a> {
    sql: String,
    names: Names<'a>,
    /// For each item, the table behind it.
    tables: Vec<Option<usize>>,
}

impl<'a> Planner<'a> {
    fn branch(&mut self, select: &Select, order: Option<&OrderBy>) -> Outcome<Branch> {
        refuse_what_is_not_followed(select)?;
        if reads_the_server(&select.from) {
            return Ok(Branch::Metadata);
        }
        let columns = self.projection(select)?;
        if select.from.is_empty() || columns.iter().any(|column| aggregate(column).is_some()) {
            let parts = columns.iter().map(|column| self.part(column, select));
            return parts.collect::<Outcome<Option<Vec<_>>>>().map(|parts| parts.map_or(Branch::Metadata, Branch::Scalars));
        }
        if columns.iter().any(|column| subquery(column).is_some()) {
            return Err("a subquery beside the columns of a table".into());
        }
        self.rows(&columns, select, order, None).map(Branch::Rows)
    }

    /// The output expressions, `*` spelled out.
    fn projection(&mut self, select: &Select) -> Outcome<Vec<Expr>> {
        let mut columns = Vec::new();
        for item in &select.projection {
            match item {
                SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => columns.push(expr.clone()),
                SelectItem::Wildcard(_) => columns.extend(self.every_column(&select.from)?),
                _ => return Err("an output column that is not followed".into()),
            }
        }
        Ok(columns)
    }

    fn every_column(&mut self, from: &[TableWithJoins]) -> Outcome<Vec<Expr>> {
        let from = self.from(from)?;
        let column = |alias: &str, name: &str| Expr::CompoundIdentifier(vec![ident(alias), ident(name)]);
        let items = from.names.items.iter();
        Ok(items.flat_map(|(alias, columns)| columns.iter().map(|name| column(alias, name)).collect::<Vec<_>>()).collect())
    }

    /// One column of a single row; `None` where it comes from the server's own tables.
    fn part(&mut self, column: &Expr, select: &Select) -> Outcome<Option<Part>> {
        let Some(inner) = subquery(column) else { return self.own_part(column, select).map(Some) };
        let nested = inner?;
        let SetExpr::Select(inner) = nested.body.as_ref() else { return Err("a union inside a subquery".into()) };
        refuse_what_is_not_followed(inner)?;
        if reads_the_server(&inner.from) {
            return Ok(None);
        }
        let [value] = &self.projection(inner)?[..] else { return Err("a subquery of several columns".into()) };
        let mut outer = column.clone();
        replace_subquery(&mut outer, &Expr::Nested(Box::new(value.clone())));
        if subquery(&outer).is_some() || inner.from.is_empty() && !select.from.is_empty() {
            return Err("several subqueries in one value".into());
        }
        if aggregate(&outer).is_some() {
            return self.own_part(&outer, inner).map(Some);
        }
        let mut missing = column.clone();
        replace_subquery(&mut missing, &Expr::value(Value::Null));
        let mut rows = self.rows(&[outer], inner, nested.order_by.as_ref(), limit(nested.limit_clause.as_ref())?)?;
        rows.missing = Some(format!("SELECT text_len({missing})"));
        Ok(Some(Part::Row(rows)))
    }

    /// A column over the select's own FROM: an aggregate of it, or a constant.
    fn own_part(&mut self, column: &Expr, select: &Select) -> Outcome<Part> {
        let Some(call) = aggregate(column).cloned() else {
            return self.rows(std::slice::from_ref(column), select, None, None).map(Part::Row);
        };
        let hole = self.places + 1;
        let mut outer = column.clone();
        replace_aggregate(&mut outer, &Expr::value(Value::Placeholder(format!("?{hole}"))));
        if aggregate(&outer).is_some() {
            return Err("several aggregates in one value".into());
        }
        let (order, join) = self.join(&call, select)?;
        let value = arguments(&call).first().map_or(Expr::value(Value::Null), |argument| (*argument).clone());
        let mut rows = self.rows(&[value], select, order.as_ref(), None)?;
        if let Join::Figure(_) = join {
            rows.sources.clear();
        }
        rows.sql = rows.sql.replacen("SELECT text_len(", "SELECT (", 1);
        Ok(Part::Aggregate(Aggregate { rows, join, outer: format!("SELECT text_len({outer})"), hole }))
    }

    fn join(&mut self, call: &Function, select: &Select) -> Outcome<(Option<OrderBy>, Join)> {
        let FunctionArguments::List(list) = &call.args else { return Err("an aggregate that is not followed".into()) };
        if list.duplicate_treatment.is_some() && name_of(call) != "count" {
            return Err("DISTINCT in an aggregate is not followed".into());
        }
        let (mut order, mut separator) = (None, Bound::Fixed(",".into()));
        for clause in &list.clauses {
            match clause {
                FunctionArgumentClause::OrderBy(by) => {
                    order = Some(OrderBy { kind: OrderByKind::Expressions(by.clone()), interpolate: None });
                }
                FunctionArgumentClause::Separator(value) => separator = bound(&Expr::Value(value.clone()))?,
                _ => return Err("an aggregate's clause that is not followed".into()),
            }
        }
        Ok((
            order,
            match name_of(call).as_str() {
                "json_arrayagg" => Join::JsonArray,
                "group_concat" => Join::Text(separator),
                "count" => {
                    let from = self.from(&select.from)?;
                    Join::Figure(format!("SELECT {call} {}{}", from.sql, condition(select)))
                }
                other => return Err(format!("{other} is not followed")),
            },
        ))
    }

    fn rows(&mut self, columns: &[Expr], select: &Select, order: Option<&OrderBy>, limit: Option<Limit>) -> Outcome<Rows> {
        let from = self.from(&select.from)?;
        let mut carried = Carried::default();
        columns.iter().for_each(|column| from.names.carried(column, &mut carried));
        let lengths: Vec<String> = columns.iter().map(|column| format!("text_len({column})")).collect();
        let mut sql = format!("SELECT {}", lengths.join("+"));
        let mut sources = Vec::new();
        for (at, table) in from.tables.iter().enumerate() {
            let Some(table) = *table else { continue };
            sql.push_str(&format!(", {}.{ROW}", quoted(&from.names.items[at].0)));
            sources.push(Source { table, whole: carried.whole[at], part: carried.part[at].without(carried.whole[at]) });
        }
        sql.push_str(&format!(" {}{}{}", from.sql, condition(select), self.order(&from, order)?));
        Ok(Rows { sql, sources, limit, silent: false, missing: None })
    }

    fn values(&mut self, select: &Select, order: Option<&OrderBy>, limit: Option<Limit>) -> Outcome<Values> {
        let [value] = &self.projection(select)?[..] else { return Err("a subquery of several columns".into()) };
        let from = self.from(&select.from)?;
        let call = aggregate(value).map(name_of);
        let figure = matches!(call.as_deref(), Some("count" | "sum" | "avg"));
        // SQLite gives MIN and MAX with the row they came from; the other aggregates mix rows.
        if !figure && !matches!(call.as_deref(), None | Some("min" | "max")) {
            return Err("an aggregate of several rows in a question".into());
        }
        let mut carried = Carried::default();
        from.names.carried(value, &mut carried);
        let (mut numbers, mut sources) = (String::new(), Vec::new());
        for (at, table) in from.tables.iter().enumerate().filter(|_| !figure) {
            let Some(table) = *table else { continue };
            numbers.push_str(&format!(", {}.{ROW}", quoted(&from.names.items[at].0)));
            let (whole, part) = (carried.whole[at], carried.part[at]);
            // The smallest or greatest value of a whole table is a figure of the table more than a record's value.
            let pinned = call.is_some() && select.selection.is_some();
            let (whole, part) = if pinned { (ColumnSet(whole.0 | part.0), ColumnSet::default()) } else { (whole, part) };
            sources.push(Source { table, whole, part: part.without(whole) });
        }
        let ordered = if call.is_some() { String::new() } else { self.order(&from, order)? };
        let keys = match order.map(|order| &order.kind) {
            Some(OrderByKind::Expressions(asked)) => asked.iter().map(|key| key.expr.to_string()).collect(),
            _ => Vec::new(),
        };
        let tail = format!("{}{}{ordered}", from.sql, condition(select));
        let views = std::mem::take(&mut self.views);
        Ok(Values { value: value.to_string(), numbers, tail, from: from.sql, order: keys, sources, limit, views })
    }

    /// ORDER BY as asked, then the order in which the server has the rows.
    fn order(&self, from: &From<'_>, order: Option<&OrderBy>) -> Outcome<String> {
        let mut keys = Vec::new();
        match order.map(|order| &order.kind) {
            None => {}
            Some(OrderByKind::Expressions(asked)) => keys.extend(asked.iter().map(ToString::to_string)),
            Some(OrderByKind::All(_)) => return Err("ORDER BY ALL is not followed".into()),
        }
        for (at, table) in from.tables.iter().enumerate() {
            let Some(table) = table.map(|table| self.catalog.table(table)) else { continue };
            let alias = quoted(&from.names.items[at].0);
            if self.dialect.rows_follow_key() {
                keys.extend(table.key.iter().map(|&column| format!("{alias}.{}", quoted(&table.columns[column].name))));
            }
            if !self.dialect.rows_follow_key() || table.key.is_empty() {
                keys.push(format!("{alias}.{ROW}"));
            }
        }
        Ok(if keys.is_empty() { String::new() } else { format!(" ORDER BY {}", keys.join(", ")) })
    }

    fn from(&mut self, from: &[TableWithJoins]) -> Outcome<From<'a>> {
        let mut rewritten = From { sql: String::new(), names: Names { items: Vec::new() }, tables: Vec::new() };
        let mut items = from.to_vec();
        for item in &mut items {
            self.factor(&mut item.relation, &mut rewritten)?;
            for join in &mut item.joins {
                self.factor(&mut join.relation, &mut rewritten)?;
            }
        }
        let list: Vec<String> = items.iter().map(ToString::to_string).filter(|item| !item.eq_ignore_ascii_case("dual")).collect();
        if !list.is_empty() {
            rewritten.sql = format!("FROM {}", list.join(", "));
        }
        Ok(rewritten)
    }

    fn factor(&mut self, factor: &mut TableFactor, from: &mut From<'a>) -> Outcome<()> {
        match factor {
            TableFactor::Table { name, alias, args: None, partitions, index_hints, .. } => {
                let table_name = last(name).to_owned();
                if table_name.eq_ignore_ascii_case("dual") {
                    return Ok(());
                }
                let table = self.catalog.find(&table_name).ok_or_else(|| format!("the snapshot has no table {table_name}"))?;
                let known_as = alias.as_ref().map_or(table_name, |alias| alias.name.value.clone());
                let view = self.view(table);
                *name = ObjectName(vec![ObjectNamePart::Identifier(Ident::new(self.catalog.view_name(view)))]);
                partitions.clear();
                index_hints.clear();
                let columns = self.catalog.table(table).columns.iter().map(|column| column.name.as_str()).collect();
                *alias = Some(super::plan::alias(&known_as));
                from.names.items.push((known_as, columns));
                from.tables.push(Some(table));
                Ok(())
            }
            TableFactor::Derived { subquery, alias: Some(alias), lateral: false, .. } if is_constant(&subquery.body) => {
                from.names.items.push((alias.name.value.clone(), Vec::new()));
                from.tables.push(None);
                Ok(())
            }
            _ => Err("a FROM item that is not followed".into()),
        }
    }

    /// The view a statement needs: with card data only if it names such a column, or all of them.
    fn view(&mut self, table: usize) -> View {
        let lower = self.sql.to_lowercase();
        let columns = &self.catalog.table(table).columns;
        let named = |at: usize| lower.contains(&columns[at].name.to_lowercase());
        let view = View { table, secrets: self.catalog.secrets(table).any(|at| named(at) || lower.contains("select *")) };
        if !self.views.contains(&view) {
            self.views.push(view);
        }
        view
    }
}

fn alias(name: &str) -> sqlparser::ast::TableAlias {
    sqlparser::ast::TableAlias { explicit: true, name: ident(name), columns: Vec::new(), at: None }
}

fn ident(name: &str) -> Ident {
    Ident::with_quote('"', name)
}

fn condition(select: &Select) -> String {
    select.selection.as_ref().map_or(String::new(), |condition| format!(" WHERE {condition}"))
}

fn refuse_what_is_not_followed(select: &Select) -> Outcome<()> {
    let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(by, modifiers) if by.is_empty() && modifiers.is_empty());
    match () {
        () if select.distinct.is_some() => Err("DISTINCT is not followed".into()),
        () if grouped || select.having.is_some() => Err("GROUP BY is not followed".into()),
        () if select.into.is_some() => Err("a statement that writes is not followed".into()),
        () => Ok(()),
    }
}

/// The last part of a name, without its schema.
pub(crate) fn last(name: &ObjectName) -> &str {
    match name.0.last() {
        Some(ObjectNamePart::Identifier(ident)) => &ident.value,
        _ => "",
    }
}

/// Whether a FROM clause names the server's own tables.
pub(crate) fn reads_the_server(from: &[TableWithJoins]) -> bool {
    const SCHEMAS: [&str; 6] = ["information_schema", "mysql", "performance_schema", "sys", "pg_catalog", "pg_"];
    let server = |factor: &TableFactor| {
        let TableFactor::Table { name, .. } = factor else { return false };
        let name = name.to_string().to_ascii_lowercase().replace(['"', '`'], "");
        SCHEMAS.iter().any(|schema| name.split('.').next() == Some(schema))
            || name.starts_with("pg_")
            || name.starts_with("sqlite_")
    };
    from.iter().any(|item| server(&item.relation) || item.joins.iter().any(|join| server(&join.relation)))
}

fn is_constant(body: &SetExpr) -> bool {
    match body {
        SetExpr::Select(select) => select.from.is_empty(),
        SetExpr::SetOperation { left, right, .. } => is_constant(left) && is_constant(right),
        SetExpr::Query(query) => is_constant(&query.body),
        _ => false,
    }
}

fn name_of(function: &Function) -> String {
    function.name.to_string().to_ascii_lowercase()
}

fn is_aggregate(function: &Function) -> bool {
    const NAMES: [&str; 12] = [
        "json_arrayagg",
        "group_concat",
        "count",
        "sum",
        "avg",
        "min",
        "max",
        "string_agg",
        "array_agg",
        "json_agg",
        "json_objectagg",
        "json_group_array",
    ];
    NAMES.contains(&name_of(function).as_str())
}

/// The children of an expression through which values pass.
fn children(expr: &mut Expr) -> Vec<&mut Expr> {
    match expr {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } | Expr::Collate { expr: inner, .. } => vec![inner],
        Expr::UnaryOp { expr: inner, .. } | Expr::IsNull(inner) | Expr::IsNotNull(inner) => vec![inner],
        Expr::Substring { expr: inner, .. } | Expr::Trim { expr: inner, .. } => vec![inner],
        Expr::BinaryOp { left, right, .. } => vec![left, right],
        Expr::Like { expr, pattern, .. } => vec![expr, pattern],
        Expr::Between { expr, low, high, .. } => vec![expr, low, high],
        Expr::InList { expr, list, .. } => std::iter::once(expr.as_mut()).chain(list).collect(),
        Expr::Case { operand, conditions, else_result, .. } => {
            let whens = conditions.iter_mut().flat_map(|when| [&mut when.condition, &mut when.result]);
            operand.as_deref_mut().into_iter().chain(whens).chain(else_result.as_deref_mut()).collect()
        }
        Expr::Function(function) => match &mut function.args {
            FunctionArguments::List(list) => list.args.iter_mut().filter_map(argument).collect(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn argument(argument: &mut sqlparser::ast::FunctionArg) -> Option<&mut Expr> {
    use sqlparser::ast::{FunctionArg::Unnamed, FunctionArgExpr};
    if let Unnamed(FunctionArgExpr::Expr(expr)) = argument { Some(expr) } else { None }
}

/// The first expression for which `wanted` says yes, outermost first; a copy, as trees of statements are small.
fn first(expr: &Expr, wanted: &dyn Fn(&Expr) -> bool) -> Option<Expr> {
    if wanted(expr) {
        return Some(expr.clone());
    }
    children(&mut expr.clone()).into_iter().find_map(|child| first(child, wanted))
}

/// Puts `new` in the place of the first expression for which `wanted` says yes.
fn replace(expr: &mut Expr, wanted: &dyn Fn(&Expr) -> bool, new: &Expr) -> bool {
    if wanted(expr) {
        *expr = new.clone();
        return true;
    }
    children(expr).into_iter().any(|child| replace(child, wanted, new))
}

fn is_subquery(expr: &Expr) -> bool {
    matches!(expr, Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. })
}

fn is_aggregate_call(expr: &Expr) -> bool {
    matches!(expr, Expr::Function(function) if is_aggregate(function))
}

/// The first subquery in an expression; an error where it is not a value of its own (EXISTS, IN).
fn subquery(expr: &Expr) -> Option<Outcome<Query>> {
    match first(expr, &is_subquery)? {
        Expr::Subquery(query) => Some(Ok(*query)),
        _ => Some(Err("a condition over a subquery is not followed".into())),
    }
}

fn replace_subquery(expr: &mut Expr, new: &Expr) {
    replace(expr, &is_subquery, new);
}

fn aggregate(expr: &Expr) -> Option<&Function> {
    // Borrowed, so that the caller decides about copying: walk without `first`.
    match expr {
        Expr::Function(function) if is_aggregate(function) => Some(function),
        Expr::Function(function) => arguments(function).into_iter().find_map(aggregate),
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } | Expr::Collate { expr: inner, .. } => aggregate(inner),
        Expr::UnaryOp { expr: inner, .. } | Expr::Substring { expr: inner, .. } => aggregate(inner),
        Expr::BinaryOp { left, right, .. } => aggregate(left).or_else(|| aggregate(right)),
        Expr::Case { conditions, else_result, .. } => {
            let results = conditions.iter().flat_map(|when| [&when.condition, &when.result]);
            results.chain(else_result.as_deref()).find_map(aggregate)
        }
        _ => None,
    }
}

fn replace_aggregate(expr: &mut Expr, new: &Expr) {
    replace(expr, &is_aggregate_call, new);
}
