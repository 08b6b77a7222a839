//! A scalar subquery over the snapshot, compiled: the columns that its value is made of, beside the numbers of the rows they
//! come from, in the order of the statement. Not here: what is done with the value (`trace`).

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use kintsugi_find::quoted;
use sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArgumentClause, FunctionArguments, GroupByExpr, Ident, LimitClause, ObjectName,
    ObjectNamePart, OrderByKind, Query, Select, SelectItem, SetExpr, TableAlias, TableFactor, TableWithJoins, Value,
};

use super::plan::is_reversible;
use crate::catalog::{Catalog, ROW, View};
use crate::dialect::Dialect;
use crate::plain::arguments;
use crate::rows::native_columns;
use crate::server::Native;
use crate::walk::{visit_expressions, visit_expressions_mut};

/// A compiled subquery.
#[derive(Debug)]
pub(crate) struct Scalar {
    /// `SELECT column, column …, row, row …, order key … FROM …`, without LIMIT.
    pub(super) rows: String,
    /// The columns that the value is made of, in the order of `rows`.
    pub(super) columns: Vec<Column>,
    /// The tables of the rows, as indexes in the catalog.
    pub(super) tables: Vec<usize>,
    /// How many order keys the statement itself gives.
    pub(super) keys: usize,
    /// `SELECT value`, with the columns at places from `first` on.
    pub(super) item: String,
    pub(super) first: usize,
    /// `SELECT offset, count`.
    pub(super) limit: Option<String>,
    pub(super) take: Take,
    /// Which row, in the statement's words.
    pub(super) selector: String,
    pub(super) reversible: bool,
    /// It asks for the smallest or greatest value of a whole table: a figure of the table more than a record's value.
    pub(super) of_all: bool,
    /// `rows` for the restored server; why not, where it cannot be asked there.
    pub(super) native: Result<Native, String>,
}

impl Scalar {
    /// Table and column of what passes into the value, where the row is named by its place alone.
    pub(super) fn placed(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let placed = matches!(self.take, Take::Row) && self.limit.is_some();
        let passing = self.columns.iter().filter(move |column| placed && column.passes);
        passing.map(|column| (self.tables[column.source], column.column))
    }
}

/// A column that a value is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// Which of the subquery's tables.
    pub(super) source: usize,
    /// Which column of it.
    pub(super) column: usize,
    /// Whether its characters pass on; otherwise it is only compared, counted or measured.
    pub(super) passes: bool,
}

/// Which rows make the value.
#[derive(Debug)]
pub(super) enum Take {
    /// The one at the offset.
    Row,
    /// Those with the smallest or largest value (MIN, MAX).
    Extreme,
    /// All of them.
    All(Joined),
    /// None: a figure about them, by this query.
    Figure(String),
}

/// How an aggregate joins values.
#[derive(Debug)]
pub(super) struct Joined {
    /// `SELECT separator`.
    pub(super) separator: String,
    /// As a JSON array.
    pub(super) json: bool,
}

type Outcome<T> = Result<T, String>;

/// Compiles a subquery whose value goes to `place`; gives it with what the subquery does around an aggregate, and the views it
/// reads. `None` where it reads the server's own tables.
pub(super) fn scalar(
    query: &Query,
    place: usize,
    first: usize,
    dialect: Dialect,
    catalog: &Catalog,
) -> Outcome<Option<(Scalar, Expr, Vec<View>)>> {
    let SetExpr::Select(select) = query.body.as_ref() else { return Err("a union inside a subquery".into()) };
    if query.with.is_some() {
        return Err("WITH is not followed".into());
    }
    if reads_the_server(&select.from) {
        return Ok(None);
    }
    refuse_what_is_not_followed(select)?;
    let mut compiler = Compiler { catalog, dialect, first, tables: Vec::new(), views: Vec::new(), sql: query.to_string() };
    compiler.query(query, select, place).map(|(scalar, around)| Some((scalar, around, compiler.views)))
}

struct Compiler<'a> {
    catalog: &'a Catalog,
    dialect: Dialect,
    first: usize,
    /// Alias and table of each FROM item.
    tables: Vec<(String, usize)>,
    views: Vec<View>,
    /// The subquery, to see which columns it names.
    sql: String,
}

impl Compiler<'_> {
    fn query(&mut self, query: &Query, select: &Select, place: usize) -> Outcome<(Scalar, Expr)> {
        let mut select = select.clone();
        let from = self.from(&mut select)?;
        let condition = select.selection.as_ref().map_or(String::new(), |condition| format!(" WHERE {condition}"));
        let value = self.projection(&select)?;
        let selector = selector(query, &condition);
        let hole = Expr::value(Value::Placeholder(format!("?{place}")));
        let (mut value, mut around, mut take, mut order) = (value, hole.clone(), Take::Row, order_keys(query)?);
        let mut own_order = None;
        for key in &mut order {
            if key.trim_end_matches(" DESC").trim_end_matches(" ASC") == "1" {
                *key = key.replacen('1', &format!("({value})"), 1);
            }
        }
        if let Some(call) = aggregate(&value).cloned() {
            let (inner, all, own) = self.aggregate(&call, &from, &condition, &value)?;
            take = all;
            own_order = own.clone();
            order = own.unwrap_or(order);
            if matches!(take, Take::Extreme) {
                replace_aggregate(&mut value, &Expr::Nested(Box::new(inner)));
            } else {
                around = value;
                replace_aggregate(&mut around, &hole);
                value = inner;
            }
        }
        if matches!(take, Take::Figure(_)) {
            around = hole;
        }
        let reversible = is_reversible(&value) && is_reversible(&around);
        let passing = passing(&value);
        let columns = self.columns(&mut value, &passing)?;
        let keys = order.len();
        let native = self.native(query, &columns, own_order, &take);
        let rows = self.rows_sql(&columns, &order, &from, &condition, &take);
        let limit = limit(query.limit_clause.as_ref())?;
        let of_all = condition.is_empty() && matches!(take, Take::Extreme);
        let item = format!("SELECT {value}");
        let tables = self.tables.iter().map(|(_, table)| *table).collect();
        let first = self.first;
        Ok((Scalar { rows, columns, tables, keys, item, first, limit, take, selector, reversible, of_all, native }, around))
    }

    /// The columns with their rows, in the restored server's own words and order.
    fn native(&self, query: &Query, columns: &[Column], order: Option<Vec<String>>, take: &Take) -> Outcome<Native> {
        if !self.catalog.is_restored() || matches!(take, Take::Figure(_)) {
            return Err("a figure".into());
        }
        let order = order.map(|keys| keys.iter().map(|key| native_key(key)).collect::<Vec<_>>().join(", "));
        let order = order.map(|keys| crate::rows::query(&format!("SELECT 1 ORDER BY {keys}"), self.dialect)).transpose()?;
        let named: Vec<(&str, &str)> = columns
            .iter()
            .map(|column| {
                let (alias, table) = &self.tables[column.source];
                (alias.as_str(), self.catalog.table(*table).columns[column.column].name.as_str())
            })
            .collect();
        let native = native_columns(query, &named, order.and_then(|query| query.order_by), self.dialect, self.catalog)?;
        // A row number for each table: those of which a column is taken have one.
        let taken = columns.iter().map(|column| column.source).collect::<BTreeSet<_>>();
        if taken.len() == self.tables.len() && native.slots.len() == taken.len() {
            Ok(native)
        } else {
            Err("a table of which no column is taken".into())
        }
    }

    /// What an aggregate joins, how, and in which order.
    fn aggregate(
        &self,
        call: &Function,
        from: &str,
        condition: &str,
        whole: &Expr,
    ) -> Outcome<(Expr, Take, Option<Vec<String>>)> {
        let FunctionArguments::List(list) = &call.args else { return Err("an aggregate that is not followed".into()) };
        let inner = arguments(call).first().map_or(Expr::value(Value::Null), |argument| (*argument).clone());
        let name = name_of(call);
        if matches!(name.as_str(), "count" | "sum" | "avg") {
            return Ok((Expr::value(Value::Null), Take::Figure(format!("SELECT {whole} {from}{condition}")), None));
        }
        if list.duplicate_treatment.is_some() {
            return Err("DISTINCT in an aggregate is not followed".into());
        }
        if matches!(name.as_str(), "min" | "max") {
            let key = extreme_key(&inner, name == "max");
            return Ok((inner, Take::Extreme, Some(vec![key])));
        }
        let (mut order, mut separator) = (None, "','".to_owned());
        for clause in &list.clauses {
            match clause {
                FunctionArgumentClause::OrderBy(by) => order = Some(by.iter().map(ToString::to_string).collect()),
                FunctionArgumentClause::Separator(value) => separator = value.to_string(),
                _ => return Err("an aggregate's clause that is not followed".into()),
            }
        }
        let json = matches!(name.as_str(), "json_arrayagg" | "json_agg" | "json_group_array");
        if let (true, Some(second)) = (name == "string_agg", arguments(call).get(1)) {
            separator = second.to_string();
        }
        if !json && !matches!(name.as_str(), "group_concat" | "string_agg") {
            return Err(format!("{name} is not followed"));
        }
        Ok((inner, Take::All(Joined { separator: format!("SELECT {separator}"), json }), order))
    }

    fn rows_sql(&self, columns: &[Column], order: &[String], from: &str, condition: &str, take: &Take) -> String {
        let mut shown: Vec<String> = columns.iter().map(|column| self.column_sql(*column)).collect();
        shown.extend(self.tables.iter().map(|(alias, _)| format!("{}.{ROW}", quoted(alias))));
        shown.extend(order.iter().map(|key| without_direction(key).to_owned()));
        if shown.is_empty() {
            shown.push("1".into());
        }
        let mut keys = order.to_vec();
        for (alias, table) in &self.tables {
            let table = self.catalog.table(*table);
            if self.dialect.rows_follow_key() {
                keys.extend(table.key.iter().map(|&column| format!("{}.{}", quoted(alias), quoted(&table.columns[column].name))));
            }
            if !self.dialect.rows_follow_key() || table.key.is_empty() {
                keys.push(format!("{}.{ROW}", quoted(alias)));
            }
        }
        let order = if keys.is_empty() { String::new() } else { format!(" ORDER BY {}", keys.join(", ")) };
        debug_assert!(!matches!(take, Take::Extreme) || !keys.is_empty());
        format!("SELECT {} {from}{condition}{order}", shown.join(", "))
    }

    fn column_sql(&self, column: Column) -> String {
        let (alias, table) = &self.tables[column.source];
        format!("{}.{}", quoted(alias), quoted(&self.catalog.table(*table).columns[column.column].name))
    }

    fn projection(&self, select: &Select) -> Outcome<Expr> {
        match &select.projection[..] {
            [SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }] => Ok(expr.clone()),
            _ => Err("a subquery of several columns".into()),
        }
    }

    /// Puts places where the columns stand, and tells which they are.
    fn columns(&self, value: &mut Expr, passing: &[String]) -> Outcome<Vec<Column>> {
        let mut columns: Vec<Column> = Vec::new();
        let mut failure = None;
        let _ = visit_expressions_mut(value, |expr| {
            let (table, name) = match expr {
                Expr::Identifier(name) => (None, &*name),
                Expr::CompoundIdentifier(names) if names.len() > 1 => {
                    (Some(names[names.len() - 2].value.clone()), &names[names.len() - 1])
                }
                Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => {
                    failure = Some("a subquery inside a value".to_owned());
                    return ControlFlow::Break(());
                }
                _ => return ControlFlow::Continue(()),
            };
            let Some((source, column)) = self.find(table.as_deref(), name) else {
                failure = Some(format!("the snapshot has no column {}", name.value));
                return ControlFlow::Break(());
            };
            let passes = passing.contains(&name.value.to_lowercase());
            let at = columns.iter().position(|known| (known.source, known.column) == (source, column)).unwrap_or_else(|| {
                columns.push(Column { source, column, passes });
                columns.len() - 1
            });
            *expr = Expr::value(Value::Placeholder(format!("?{}", self.first + at)));
            ControlFlow::Continue(())
        });
        failure.map_or(Ok(columns), Err)
    }

    fn find(&self, table: Option<&str>, name: &Ident) -> Option<(usize, usize)> {
        self.tables.iter().enumerate().find_map(|(source, (alias, at))| {
            if table.is_some_and(|table| !table.eq_ignore_ascii_case(alias)) {
                return None;
            }
            let columns = &self.catalog.table(*at).columns;
            columns.iter().position(|column| column.name.eq_ignore_ascii_case(&name.value)).map(|column| (source, column))
        })
    }

    /// The FROM clause over views; names of columns lose their schema.
    fn from(&mut self, select: &mut Select) -> Outcome<String> {
        for item in &mut select.from {
            self.factor(&mut item.relation)?;
            for join in &mut item.joins {
                self.factor(&mut join.relation)?;
            }
        }
        let _ = visit_expressions_mut(select, |expr| {
            if let Expr::CompoundIdentifier(names) = expr
                && names.len() > 2
            {
                names.drain(..names.len() - 2);
            }
            ControlFlow::<()>::Continue(())
        });
        let list: Vec<String> = select.from.iter().map(ToString::to_string).collect();
        Ok(if list.is_empty() { String::new() } else { format!("FROM {}", list.join(", ")) })
    }

    fn factor(&mut self, factor: &mut TableFactor) -> Outcome<()> {
        let TableFactor::Table { name, alias, args: None, partitions, index_hints, .. } = factor else {
            return Err("a FROM item that is not followed".into());
        };
        let table_name = last(name).to_owned();
        let table = self.catalog.find(&table_name).ok_or_else(|| format!("the snapshot has no table {table_name}"))?;
        let known_as = alias.as_ref().map_or(table_name, |alias| alias.name.value.clone());
        let view = self.view(table);
        *name = ObjectName(vec![ObjectNamePart::Identifier(Ident::new(self.catalog.view_name(view)))]);
        partitions.clear();
        index_hints.clear();
        *alias = Some(TableAlias { explicit: true, name: Ident::with_quote('"', &known_as), columns: Vec::new(), at: None });
        self.tables.push((known_as, table));
        Ok(())
    }

    fn view(&mut self, table: usize) -> View {
        let lower = self.sql.to_lowercase();
        let columns = &self.catalog.table(table).columns;
        let secrets = self.catalog.secrets(table).any(|at| lower.contains(&columns[at].name.to_lowercase()));
        let view = View { table, secrets };
        if !self.views.contains(&view) {
            self.views.push(view);
        }
        view
    }
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

/// A key of an order in words that every server has: NULL comes last.
fn native_key(key: &str) -> String {
    key.strip_suffix(" NULLS LAST").map_or_else(|| key.to_owned(), |key| format!("{} IS NULL, {key}", without_direction(key)))
}

/// The order in which MIN or MAX stands first.
fn extreme_key(value: &Expr, largest: bool) -> String {
    format!("({value}){} NULLS LAST", if largest { " DESC" } else { "" })
}

fn last(name: &ObjectName) -> &str {
    match name.0.last() {
        Some(ObjectNamePart::Identifier(ident)) => &ident.value,
        _ => "",
    }
}

/// Whether a FROM clause names the server's own tables.
fn reads_the_server(from: &[TableWithJoins]) -> bool {
    const SCHEMAS: [&str; 5] = ["information_schema", "mysql", "performance_schema", "sys", "pg_catalog"];
    let server = |factor: &TableFactor| {
        let TableFactor::Table { name, .. } = factor else { return false };
        let name = name.to_string().to_ascii_lowercase().replace(['"', '`'], "");
        SCHEMAS.iter().any(|schema| name.split('.').next() == Some(schema))
            || name.starts_with("pg_")
            || name.starts_with("sqlite_")
    };
    from.iter().any(|item| server(&item.relation) || item.joins.iter().any(|join| server(&join.relation)))
}

fn order_keys(query: &Query) -> Outcome<Vec<String>> {
    match query.order_by.as_ref().map(|order| &order.kind) {
        None => Ok(Vec::new()),
        Some(OrderByKind::Expressions(asked)) => Ok(asked.iter().map(ToString::to_string).collect()),
        Some(OrderByKind::All(_)) => Err("ORDER BY ALL is not followed".into()),
    }
}

fn without_direction(key: &str) -> &str {
    let key = key.trim_end_matches(" NULLS FIRST").trim_end_matches(" NULLS LAST");
    key.trim_end_matches(" DESC").trim_end_matches(" ASC")
}

fn limit(clause: Option<&LimitClause>) -> Outcome<Option<String>> {
    Ok(match clause {
        None => None,
        Some(LimitClause::OffsetCommaLimit { offset, limit }) => Some(format!("SELECT {offset}, {limit}")),
        Some(LimitClause::LimitOffset { limit, offset, limit_by }) if limit_by.is_empty() => {
            let offset = offset.as_ref().map_or("0".to_owned(), |offset| offset.value.to_string());
            let limit = limit.as_ref().map_or("-1".to_owned(), ToString::to_string);
            Some(format!("SELECT {offset}, {limit}"))
        }
        Some(_) => return Err("a LIMIT that is not followed".into()),
    })
}

/// Which row a subquery means, in its own words.
fn selector(query: &Query, condition: &str) -> String {
    let order = query.order_by.as_ref().map_or(String::new(), |order| format!(" {order}"));
    let limit = query.limit_clause.as_ref().map_or(String::new(), |limit| format!(" {}", limit.to_string().trim()));
    format!("{condition}{order}{limit}").trim().to_owned()
}

fn name_of(function: &Function) -> String {
    function.name.to_string().to_ascii_lowercase()
}

fn is_aggregate(function: &Function) -> bool {
    const NAMES: [&str; 11] = [
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
        "json_group_array",
    ];
    NAMES.contains(&name_of(function).as_str())
}

fn aggregate(expr: &Expr) -> Option<&Function> {
    match expr {
        Expr::Function(function) if is_aggregate(function) => Some(function),
        Expr::Function(function) => arguments(function).into_iter().find_map(aggregate),
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } | Expr::Collate { expr: inner, .. } => aggregate(inner),
        Expr::UnaryOp { expr: inner, .. } | Expr::Substring { expr: inner, .. } | Expr::Trim { expr: inner, .. } => {
            aggregate(inner)
        }
        Expr::BinaryOp { left, right, .. } => aggregate(left).or_else(|| aggregate(right)),
        Expr::Case { conditions, else_result, .. } => {
            let results = conditions.iter().flat_map(|when| [&when.condition, &when.result]);
            results.chain(else_result.as_deref()).find_map(aggregate)
        }
        _ => None,
    }
}

fn replace_aggregate(expr: &mut Expr, new: &Expr) {
    let _ = visit_expressions_mut(expr, |inner| {
        if matches!(inner, Expr::Function(function) if is_aggregate(function)) {
            *inner = new.clone();
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
}

/// The names of the columns whose characters pass into a value: not those that are only compared, counted or measured.
fn passing(value: &Expr) -> Vec<String> {
    let mut passing = value.clone();
    let _ = visit_expressions_mut(&mut passing, |expr| {
        if is_answer(expr) {
            *expr = Expr::value(Value::Null);
        } else if let Expr::Case { operand, conditions, .. } = expr {
            *operand = None;
            conditions.iter_mut().for_each(|when| when.condition = Expr::value(Value::Null));
        }
        ControlFlow::<()>::Continue(())
    });
    let mut names = Vec::new();
    let _ = visit_expressions(&passing, |expr| {
        match expr {
            Expr::Identifier(name) => names.push(name.value.to_lowercase()),
            Expr::CompoundIdentifier(all) => names.extend(all.last().map(|name| name.value.to_lowercase())),
            _ => {}
        }
        ControlFlow::<()>::Continue(())
    });
    names
}

/// Whether an expression only says something about what it is made of.
fn is_answer(expr: &Expr) -> bool {
    use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, NotEq, Spaceship};
    match expr {
        Expr::BinaryOp { op, .. } => matches!(op, Eq | Gt | GtEq | Lt | LtEq | NotEq | Spaceship),
        Expr::IsNull(_) | Expr::IsNotNull(_) | Expr::Like { .. } | Expr::InList { .. } | Expr::Between { .. } => true,
        Expr::Function(function) => {
            matches!(name_of(function).as_str(), "length" | "char_length" | "character_length" | "octet_length" | "isnull")
        }
        _ => false,
    }
}
