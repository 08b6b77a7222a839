//! Provenance by rewriting. A statement is written again so that SQLite answers it and gives, beside each value, the rows of
//! the snapshot it came from:
//!
//! * Every table in a FROM clause is a slot: its row number is one more output column.
//! * A derived table, a WITH or a set operation hands its slots up as columns of its own, NULL where a row came from the other
//!   side of a union.
//! * An aggregate, GROUP BY and DISTINCT gather the row numbers of what they put together; where several rows hold the one
//!   value that arrived, they are marked as equals, because nobody can say whose it was.
//! * A subquery that is one value hands up the row that it was read from.
//! * WHERE, ORDER BY, LIMIT stay as they are; where no order was asked for, that of the server is added.
//!
//! Here: SELECTs, set operations and FROM clauses. Expressions are in `render` and `aggregate`, and what a value carries of
//! a slot's row is in `columns`.

use kintsugi_find::quoted;
use sqlparser::ast::{
    BinaryOperator, Cte, Distinct, Expr, GroupByExpr, Ident, Join, JoinConstraint, JoinOperator, LimitClause, ObjectName,
    ObjectNamePart, OrderBy, OrderByExpr, OrderByKind, Query, Select, SelectItem, SetExpr, SetOperator, SetQuantifier,
    TableAlias, TableFactor, TableWithJoins, Value,
};

use super::columns::{Carried, How};
use super::native::Words;
use super::render::Rendered;
use crate::catalog::{Catalog, ORDER, ROW, View};
use crate::dialect::Dialect;

/// Why a statement was not rewritten.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Stop {
    /// It reads the server's own tables.
    Server,
    /// What could not be followed.
    Why(String),
}

pub(super) type Outcome<T> = Result<T, Stop>;

pub(super) fn not_followed<T>(what: &str) -> Outcome<T> {
    Err(Stop::Why(format!("{what} is not followed")))
}

/// Rewrites the queries of one statement.
pub(super) struct Rewriter<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) dialect: Dialect,
    /// The shape, to see which columns it names.
    pub(super) sql: &'a str,
    /// The views that it reads.
    pub(super) views: Vec<View>,
    /// The table of each slot.
    pub(super) slots: Vec<usize>,
    /// Something in the answer is of a length that nobody knows.
    pub(super) unknown_text: bool,
    /// Something in it is between two lengths.
    pub(super) open_text: bool,
    /// A condition asks about rows by a subquery: its answer is told by which rows come, not by what is in them.
    pub(super) asks: bool,
    /// Conditions around what is being rewritten.
    pub(super) questions: usize,
    /// In whose words it is written.
    pub(super) words: Words,
    /// Expressions around what is being rendered.
    pub(super) within: usize,
    ctes: Vec<Cte>,
    /// Queries rewritten so far: a WITH can name itself into billions.
    queries: usize,
}

/// Queries in one statement, WITH spelled out; more are not followed.
const QUERIES_MAX: usize = 256;

/// A column of a FROM item.
#[derive(Clone, Debug)]
pub(super) struct ItemColumn {
    /// The name by which the statement knows it.
    pub(super) name: String,
    /// Its name in the rewritten statement.
    pub(super) sql_name: String,
    /// It is of the table's key: compared as it stands, so that the index serves.
    pub(super) key: bool,
    pub(super) carried: Carried,
}

/// A FROM item.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) alias: String,
    /// The alias as it stands in the rewritten statement.
    pub(super) known_as: String,
    pub(super) columns: Vec<ItemColumn>,
    slots: Vec<(usize, String)>,
    /// The order in which its rows come.
    order: Vec<String>,
}

/// One SELECT while it is rewritten: the names its expressions may use.
#[derive(Default)]
pub(super) struct Level<'o> {
    items: Vec<Item>,
    outer: Option<&'o Level<'o>>,
    /// Slots that its expressions made, with their row numbers.
    pub(super) extra: Vec<(usize, String)>,
    pub(super) aggregated: bool,
}

impl Level<'_> {
    pub(super) fn find(&self, table: Option<&str>, name: &str) -> Option<(&Item, &ItemColumn)> {
        let mut items = self.items.iter().filter(|item| table.is_none_or(|table| item.alias.eq_ignore_ascii_case(table)));
        let found = items.find_map(|item| {
            item.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name)).map(|column| (item, column))
        });
        found.or_else(|| self.outer.and_then(|outer| outer.find(table, name)))
    }

    /// The columns of a table of this name, as it was written.
    pub(super) fn columns_of(&self, table: &str) -> Option<Vec<String>> {
        let item = self.items.iter().find(|item| item.alias.eq_ignore_ascii_case(table));
        item.map(|item| item.columns.iter().map(|column| column.name.clone()).collect())
    }

    /// Whether it is an expression by itself, without any table.
    pub(super) fn is_bare(&self) -> bool {
        self.items.is_empty() && self.outer.is_none_or(Level::is_bare)
    }

    /// The row number of a slot, as an expression.
    pub(super) fn slot(&self, slot: usize) -> Option<String> {
        let all = self.items.iter().flat_map(|item| &item.slots).chain(&self.extra);
        let found = all.into_iter().find(|(known, _)| *known == slot).map(|(_, row)| row.clone());
        found.or_else(|| self.outer.and_then(|outer| outer.slot(slot)))
    }

    /// The number of a row in its table; the view of a table has it.
    pub(super) fn place(&self, table: Option<&str>) -> Option<String> {
        let mut items = self.items.iter().filter(|item| table.is_none_or(|table| item.alias.eq_ignore_ascii_case(table)));
        let found = items.find_map(|item| (!item.order.is_empty()).then(|| format!("{}.rowid", quoted(&item.alias))));
        found.or_else(|| self.outer.and_then(|outer| outer.place(table)))
    }

    pub(super) fn natural_order(&self) -> Vec<String> {
        self.items.iter().flat_map(|item| item.order.clone()).collect()
    }
}

/// A column of an answer.
#[derive(Clone, Debug)]
pub(super) struct OutColumn {
    pub(super) name: Option<String>,
    pub(super) sql: String,
    pub(super) carried: Carried,
}

/// A rewritten query.
#[derive(Clone, Debug, Default)]
pub(super) struct Rewritten {
    pub(super) columns: Vec<OutColumn>,
    /// Slots and their row numbers.
    pub(super) slots: Vec<(usize, String)>,
    /// The FROM clause.
    pub(super) from: String,
    /// From FROM to HAVING.
    body: String,
    /// What it was asked to be ordered by.
    pub(super) asked: Vec<String>,
    /// The server's order after that.
    natural: Vec<String>,
    /// ` LIMIT … OFFSET …`
    limit: String,
    /// The table, where it is all rows of one.
    pub(super) scan: Option<usize>,
    words: Words,
}

impl Rewritten {
    /// As text: columns `c0` and so on, slots `s0` and so on by their numbers, and more columns as given.
    fn text(&self, more: &[String]) -> String {
        let columns = self.columns.iter().enumerate();
        let columns =
            columns.map(|(at, column)| format!("{} AS {}", column.sql, self.words.derived_name(at, column.name.as_deref())));
        let slots = self.slots.iter().map(|(slot, row)| format!("{row} AS s{slot}"));
        let list: Vec<String> = columns.chain(slots).chain(more.iter().cloned()).collect();
        format!("SELECT {} {}{}{}", list.join(", "), self.body, self.order_by(), self.limit)
    }

    /// Values and row numbers, and what was asked to order by as one more column; without the LIMIT.
    pub(super) fn unlimited(&self) -> String {
        let tie = match self.asked[..] {
            [] => vec![],
            _ if self.words.are_native() => self.bare_keys(),
            _ => vec![format!("kintsugi_tie({})", self.bare_keys().join(", "))],
        };
        Self { limit: String::new(), ..self.clone() }.text(&tie)
    }

    /// From FROM to ORDER BY.
    pub(super) fn tail(&self) -> String {
        format!("{}{}", self.body, self.order_by())
    }

    /// The keys without ASC, DESC and the place of NULL.
    pub(super) fn bare_keys(&self) -> Vec<String> {
        let bare = |key: &String| key.strip_suffix(" NULLS FIRST").or(key.strip_suffix(" NULLS LAST")).unwrap_or(key).to_owned();
        let bare = self.asked.iter().map(bare);
        bare.map(|key| key.strip_suffix(" DESC").map_or(key.clone(), str::to_owned)).collect()
    }

    fn keys(&self) -> Vec<String> {
        if self.words.are_native() && self.asked.is_empty() {
            return Vec::new();
        }
        self.asked.iter().chain(&self.natural).cloned().collect()
    }

    fn order_by(&self) -> String {
        let keys = self.keys();
        if keys.is_empty() { String::new() } else { format!(" ORDER BY {}", keys.join(", ")) }
    }

    /// One value of it, as a subquery.
    fn value(&self, value: &str) -> String {
        let limit = if self.limit.is_empty() { " LIMIT 1" } else { &self.limit };
        format!("(SELECT {value} {}{}{limit})", self.body, self.order_by())
    }

    /// As a FROM item, its order numbered.
    fn derived(&self) -> String {
        if self.words.are_native() {
            return self.text(&[]);
        }
        let keys = self.keys();
        let number = if keys.is_empty() { "1".into() } else { format!("row_number() OVER (ORDER BY {})", keys.join(", ")) };
        self.text(&[format!("{number} AS o")])
    }

    fn item(&self, alias: &TableAlias) -> Item {
        let known_as = alias.name.value.clone();
        let name = |at: usize, column: &OutColumn| {
            let given = alias.columns.get(at).map(|given| given.name.value.clone());
            given.or_else(|| column.name.clone()).unwrap_or_default()
        };
        let columns = self.columns.iter().enumerate().map(|(at, column)| ItemColumn {
            name: name(at, column),
            sql_name: self.words.derived_column(at, column.name.as_deref()),
            key: true,
            carried: column.carried.clone(),
        });
        let quoted_alias = self.words.alias(&alias.name);
        let slots = self.slots.iter().map(|(slot, _)| (*slot, format!("{quoted_alias}.s{slot}")));
        let order = if self.words.are_native() { Vec::new() } else { vec![format!("{quoted_alias}.o")] };
        Item { columns: columns.collect(), slots: slots.collect(), order, alias: known_as, known_as: quoted_alias }
    }
}

impl<'a> Rewriter<'a> {
    pub(super) fn new(catalog: &'a Catalog, dialect: Dialect, sql: &'a str) -> Self {
        Self {
            catalog,
            dialect,
            sql,
            views: Vec::new(),
            slots: Vec::new(),
            unknown_text: false,
            open_text: false,
            asks: false,
            questions: 0,
            words: Words::default(),
            within: 0,
            ctes: Vec::new(),
            queries: 0,
        }
    }

    /// Writes for a restored server.
    pub(super) fn natively(mut self) -> Self {
        self.words = Words::of_the_server(self.dialect);
        self
    }

    pub(super) fn new_slot(&mut self, table: usize) -> usize {
        self.slots.push(table);
        self.slots.len() - 1
    }

    /// The names that a WITH gives to queries.
    pub(super) fn with(&mut self, query: &Query) -> Outcome<()> {
        let Some(with) = &query.with else { return Ok(()) };
        if with.recursive {
            return not_followed("WITH RECURSIVE");
        }
        self.ctes.extend(with.cte_tables.iter().cloned());
        Ok(())
    }

    pub(super) fn query(&mut self, query: &Query, outer: Option<&Level<'_>>) -> Outcome<Rewritten> {
        self.queries += 1;
        if self.queries > QUERIES_MAX {
            return not_followed("a statement of so many queries");
        }
        self.with(query)?;
        let mut rewritten = self.body(&query.body, query.order_by.as_ref(), outer)?;
        let limit = if self.words.are_native() { super::native::limit(query) } else { limit_text(query)? };
        if !limit.is_empty() && !rewritten.limit.is_empty() {
            return not_followed("LIMIT around LIMIT");
        }
        rewritten.limit.push_str(&limit);
        Ok(rewritten)
    }

    fn body(&mut self, body: &SetExpr, order: Option<&OrderBy>, outer: Option<&Level<'_>>) -> Outcome<Rewritten> {
        match body {
            SetExpr::Select(select) => self.select(select, order, outer),
            SetExpr::Query(query) if order.is_none() => self.query(query, outer),
            SetExpr::SetOperation { op, left, right, set_quantifier } => {
                let (left, right) = (self.body(left, None, outer)?, self.body(right, None, outer)?);
                let all = matches!(set_quantifier, SetQuantifier::All);
                let mut both = self.set_operation(*op, all, &left, &right)?;
                both.asked = self.order_of_columns(order, &both)?;
                Ok(both)
            }
            SetExpr::Values(values) => {
                let [row] = &values.rows[..] else { return not_followed("VALUES with several rows") };
                let mut level = Level { outer, ..Level::default() };
                let columns = row.iter().map(|value| {
                    let Rendered { sql, carried } = self.render(value, &mut level)?;
                    Ok(OutColumn { name: None, sql, carried })
                });
                Ok(Rewritten { columns: columns.collect::<Outcome<_>>()?, words: self.words, ..Rewritten::default() })
            }
            _ => not_followed("a set operation"),
        }
    }

    fn set_operation(&mut self, op: SetOperator, all: bool, left: &Rewritten, right: &Rewritten) -> Outcome<Rewritten> {
        if left.columns.len() != right.columns.len() {
            return Err(Stop::Why("the sides of a set operation have different numbers of columns".into()));
        }
        self.words.only_here("a union inside a statement")?;
        let side = |mine: &Rewritten, other: &Rewritten, branch: u8| {
            let mine = Rewritten { slots: mine.slots.iter().chain(&none(&other.slots)).cloned().collect(), ..mine.clone() };
            let mut slots = mine.slots.clone();
            slots.sort_by_key(|(slot, _)| *slot);
            format!("SELECT *, {branch} AS b FROM ({})", Rewritten { slots, ..mine }.derived())
        };
        let (first, second) = (side(left, right, 0), side(right, left, 1));
        let mut columns: Vec<OutColumn> = Vec::new();
        for (at, (one, other)) in left.columns.iter().zip(&right.columns).enumerate() {
            let mut carried = one.carried.clone();
            if op == SetOperator::Union {
                carried.add(&other.carried, How::Whole);
            }
            columns.push(OutColumn { name: one.name.clone(), sql: format!("u.c{at}"), carried });
        }
        let slots = left.slots.iter().chain(&right.slots).map(|(slot, _)| (*slot, format!("u.s{slot}"))).collect();
        let natural = vec!["u.b".to_owned(), "u.o".to_owned()];
        let list: Vec<String> = (0..columns.len()).map(|at| format!("c{at}")).collect();
        let body = match (op, all) {
            (SetOperator::Union, _) => format!("FROM ({first} UNION ALL {second}) AS u"),
            (SetOperator::Intersect | SetOperator::Except | SetOperator::Minus, false) => {
                let word = if op == SetOperator::Intersect { "INTERSECT" } else { "EXCEPT" };
                let kept = format!("SELECT {0} FROM ({first}) {word} SELECT {0} FROM ({second})", list.join(", "));
                format!("FROM ({first}) AS u WHERE ({}) IN ({kept})", list.join(", "))
            }
            _ => return not_followed("a set operation"),
        };
        let both = Rewritten { columns, slots, from: body.clone(), body, natural, ..Rewritten::default() };
        Ok(if all { both } else { self.grouped(both, &list, "") })
    }

    /// Puts rows with the same values together.
    fn grouped(&mut self, mut query: Rewritten, by: &[String], having: &str) -> Rewritten {
        let gathered: Vec<(usize, usize, String)> = query
            .slots
            .iter()
            .map(|(slot, row)| (*slot, self.new_slot(self.slots[*slot]), format!("kintsugi_group({row})")))
            .collect();
        let to = |slot| gathered.iter().find(|(old, ..)| *old == slot).map_or(slot, |(_, new, _)| *new);
        query.columns.iter_mut().for_each(|column| column.carried = std::mem::take(&mut column.carried).moved(&to));
        query.slots = gathered.iter().map(|(_, new, rows)| (*new, rows.clone())).collect();
        query.natural = query.natural.iter().map(|key| format!("min({key})")).collect();
        query.body.push_str(&format!(" GROUP BY {}{having}", by.join(", ")));
        query
    }

    /// ORDER BY of a set operation: by place or name of a column.
    fn order_of_columns(&mut self, order: Option<&OrderBy>, query: &Rewritten) -> Outcome<Vec<String>> {
        let mut level = Level::default();
        let by = order_list(order)?;
        by.iter().map(|key| self.output_key(key, &query.columns, &mut level)).collect()
    }

    fn select(&mut self, select: &Select, order: Option<&OrderBy>, outer: Option<&Level<'_>>) -> Outcome<Rewritten> {
        let within = std::mem::take(&mut self.within);
        let rewritten = self.plain_select(select, order, outer);
        self.within = within;
        rewritten
    }

    fn plain_select(&mut self, select: &Select, order: Option<&OrderBy>, outer: Option<&Level<'_>>) -> Outcome<Rewritten> {
        refuse(select)?;
        let mut level = Level { outer, ..Level::default() };
        let mut body = self.from(&select.from, &mut level)?;
        let from = body.clone();
        if let Some(condition) = &select.selection {
            body.push_str(&format!(" WHERE {}", self.question(condition, &mut level)?.sql));
        }
        let columns = self.projection(select, &mut level)?;
        let by = self.group_by(select, &columns, &mut level)?;
        let having = select.having.as_ref().map(|having| self.question(having, &mut level)).transpose()?;
        let keys = order_list(order)?;
        let asked = keys.iter().map(|key| self.output_key(key, &columns, &mut level)).collect::<Outcome<Vec<_>>>()?;
        let natural = if level.aggregated && by.is_empty() { Vec::new() } else { level.natural_order() };
        let asked = if level.aggregated && by.is_empty() { Vec::new() } else { asked };
        let scan = self.scanned(select, &by);
        let words = self.words;
        let mut query = Rewritten { columns, slots: Vec::new(), from, body, asked, natural, limit: String::new(), scan, words };
        query.slots = carried_slots(&query.columns).into_iter().filter_map(|slot| Some((slot, level.slot(slot)?))).collect();
        let having = having.map_or(String::new(), |having| format!(" HAVING {}", having.sql));
        if by.is_empty() {
            query.body.push_str(&having);
            return Ok(query);
        }
        self.words.only_here("groups of rows")?;
        Ok(self.gather(query, &by, &having, &level))
    }

    /// The table of a SELECT that goes through all of it: without joins or groups, and without conditions but such as leave
    /// some of its keys out, for which no index serves.
    fn scanned(&self, select: &Select, by: &[String]) -> Option<usize> {
        let [TableWithJoins { relation, joins }] = &select.from[..] else { return None };
        if !joins.is_empty() || !by.is_empty() {
            return None;
        }
        match (relation, &select.selection) {
            (TableFactor::Table { name, .. }, condition) => {
                let table = self.catalog.find(last(name))?;
                condition.as_ref().is_none_or(|condition| self.leaves_out(condition, table)).then_some(table)
            }
            (TableFactor::Derived { subquery, .. }, None) => self.scanned_within(subquery),
            _ => None,
        }
    }

    /// The same of a FROM item that is a query: constants may stand before the table's rows.
    fn scanned_within(&self, query: &Query) -> Option<usize> {
        let plain = query.with.is_none() && query.order_by.is_none() && query.limit_clause.is_none() && query.fetch.is_none();
        let mut body = query.body.as_ref();
        while let SetExpr::SetOperation { op: SetOperator::Union, set_quantifier: SetQuantifier::All, left, right } = body {
            let SetExpr::Select(constants) = left.as_ref() else { return None };
            body = if constants.from.is_empty() { right } else { return None };
        }
        let SetExpr::Select(select) = body else { return None };
        let ungrouped = matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty());
        let whole = ungrouped && select.having.is_none() && select.distinct.is_none();
        if plain && whole { self.scanned(select, &[]) } else { None }
    }

    /// `id NOT IN (1, 2) AND id <> 3` about the table's key.
    fn leaves_out(&self, condition: &Expr, table: usize) -> bool {
        let of = self.catalog.table(table);
        let is_key = |expr: &Expr| match expr {
            Expr::Identifier(name) => of.column(&name.value).is_some_and(|at| of.key == [at]),
            _ => false,
        };
        let constant = |expr: &Expr| matches!(expr, Expr::Value(_));
        match condition {
            Expr::Nested(inner) => self.leaves_out(inner, table),
            Expr::InList { expr, list, negated: true } => is_key(expr) && list.iter().all(constant),
            Expr::BinaryOp { left, op: BinaryOperator::NotEq, right } => is_key(left) && constant(right),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                self.leaves_out(left, table) && self.leaves_out(right, table)
            }
            _ => false,
        }
    }

    /// GROUP BY: what aggregates made is gathered already.
    fn gather(&mut self, query: Rewritten, by: &[String], having: &str, level: &Level<'_>) -> Rewritten {
        let made = |slot: usize| level.extra.iter().any(|(extra, _)| *extra == slot);
        let (gathered, raw) = query.slots.iter().cloned().partition(|(slot, _)| made(*slot));
        let mut grouped = self.grouped(Rewritten { slots: raw, ..query }, by, having);
        let gathered: Vec<(usize, String)> = gathered;
        grouped.slots.extend(gathered);
        grouped
    }

    /// What rows are put together by: GROUP BY, or all columns of a DISTINCT.
    fn group_by(&mut self, select: &Select, columns: &[OutColumn], level: &mut Level<'_>) -> Outcome<Vec<String>> {
        let GroupByExpr::Expressions(by, modifiers) = &select.group_by else { return not_followed("GROUP BY ALL") };
        if !modifiers.is_empty() {
            return not_followed("a modifier of GROUP BY");
        }
        if matches!(select.distinct, Some(Distinct::Distinct)) {
            if !by.is_empty() {
                return not_followed("DISTINCT of groups");
            }
            if level.aggregated {
                return Ok(Vec::new());
            }
            return Ok(columns.iter().map(|column| column.sql.clone()).collect());
        }
        by.iter()
            .map(|key| match place(key).and_then(|at| columns.get(at - 1)) {
                Some(column) => Ok(column.sql.clone()),
                None => Ok(self.render(key, level)?.sql),
            })
            .collect()
    }

    /// A key of ORDER BY: a place or name among the columns, else an expression over the FROM items.
    fn output_key(&mut self, key: &OrderByExpr, columns: &[OutColumn], level: &mut Level<'_>) -> Outcome<String> {
        let named = |name: &Ident| {
            columns.iter().find(|column| column.name.as_ref().is_some_and(|known| known.eq_ignore_ascii_case(&name.value)))
        };
        let column = match &key.expr {
            Expr::Identifier(name) => named(name),
            expr => place(expr).and_then(|at| columns.get(at - 1)),
        };
        match column {
            Some(column) => Ok(self.directed(&column.sql, key)),
            None => self.order_key(key, level),
        }
    }

    pub(super) fn order_key(&mut self, key: &OrderByExpr, level: &mut Level<'_>) -> Outcome<String> {
        let sql = self.question(&key.expr, level)?.sql;
        Ok(self.directed(&sql, key))
    }

    /// NULL comes last in PostgreSQL, first elsewhere.
    fn directed(&self, sql: &str, key: &OrderByExpr) -> String {
        if self.words.are_native() {
            return super::native::directed(sql, key);
        }
        let down = key.options.to_string().contains("DESC");
        let first = key.options.nulls_first.unwrap_or((self.dialect == Dialect::PostgreSql) == down);
        format!("{sql}{} NULLS {}", if down { " DESC" } else { "" }, if first { "FIRST" } else { "LAST" })
    }

    /// The output columns, `*` spelled out.
    fn projection(&mut self, select: &Select, level: &mut Level<'_>) -> Outcome<Vec<OutColumn>> {
        let mut columns = Vec::new();
        for item in &select.projection {
            match item {
                SelectItem::UnnamedExpr(expr) => columns.push(self.column(expr, plain_name(expr), level)?),
                SelectItem::ExprWithAlias { expr, alias } => columns.push(self.column(expr, Some(alias.value.clone()), level)?),
                SelectItem::Wildcard(_) => columns.extend(every_column(level, None, self.words)),
                SelectItem::QualifiedWildcard(kind, _) => {
                    columns.extend(every_column(level, Some(&kind.to_string()), self.words));
                }
                SelectItem::ExprWithAliases { .. } => return not_followed("an output column"),
            }
        }
        Ok(columns)
    }

    fn column(&mut self, expr: &Expr, name: Option<String>, level: &mut Level<'_>) -> Outcome<OutColumn> {
        let Rendered { sql, carried } = self.render(expr, level)?;
        Ok(OutColumn { name, sql, carried })
    }

    fn from(&mut self, from: &[TableWithJoins], level: &mut Level<'_>) -> Outcome<String> {
        let mut text = String::new();
        for item in from {
            let Some(first) = self.factor(&item.relation, level)? else { continue };
            text.push_str(if text.is_empty() { "FROM " } else { " CROSS JOIN " });
            text.push_str(&first);
            for join in &item.joins {
                text.push_str(&self.join(join, level)?);
            }
        }
        Ok(text)
    }

    fn join(&mut self, join: &Join, level: &mut Level<'_>) -> Outcome<String> {
        use JoinOperator::{CrossJoin, FullOuter, Inner, Join as Plain, Left, LeftOuter, Right, RightOuter, StraightJoin};
        let (word, constraint) = match &join.join_operator {
            Plain(on) | Inner(on) | StraightJoin(on) | CrossJoin(on) => ("JOIN", on),
            Left(on) | LeftOuter(on) => ("LEFT JOIN", on),
            Right(on) | RightOuter(on) => ("RIGHT JOIN", on),
            FullOuter(on) => ("FULL JOIN", on),
            _ => return not_followed("a join"),
        };
        let before = level.items.len();
        let factor = self.factor(&join.relation, level)?.unwrap_or_default();
        let on = match constraint {
            JoinConstraint::None => String::new(),
            JoinConstraint::On(condition) => format!(" ON {}", self.question(condition, level)?.sql),
            JoinConstraint::Using(names) => {
                self.words.only_here("USING")?;
                let equal = names.iter().map(|name| using(level, before, last(name)));
                format!(" ON {}", equal.collect::<Outcome<Vec<_>>>()?.join(" AND "))
            }
            JoinConstraint::Natural => return not_followed("NATURAL JOIN"),
        };
        Ok(format!(" {word} {factor}{on}"))
    }

    /// One FROM item; `None` for MySQL's `dual`.
    fn factor(&mut self, factor: &TableFactor, level: &mut Level<'_>) -> Outcome<Option<String>> {
        match factor {
            TableFactor::Table { name, alias, args: None, .. } => self.table(name, alias.as_ref(), level),
            TableFactor::Derived { subquery, alias, lateral: false, .. } => {
                let nameless = TableAlias { explicit: true, name: Ident::new(""), columns: Vec::new(), at: None };
                let known_as = alias.clone().unwrap_or(nameless);
                let depth = self.ctes.len();
                let rewritten = self.query(subquery, None)?;
                self.ctes.truncate(depth);
                Ok(Some(add(&rewritten, &known_as, level)))
            }
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                let text = self.from(std::slice::from_ref(table_with_joins), level)?;
                Ok(Some(format!("({})", text.trim_start_matches("FROM "))))
            }
            _ => not_followed("a FROM item"),
        }
    }

    fn table(&mut self, name: &ObjectName, alias: Option<&TableAlias>, level: &mut Level<'_>) -> Outcome<Option<String>> {
        let table_name = last(name);
        let known_as = alias.map_or(table_name.to_owned(), |alias| alias.name.value.clone());
        if table_name.eq_ignore_ascii_case("dual") {
            return Ok(None);
        }
        if let Some(at) = self.ctes.iter().rposition(|cte| cte.alias.name.value.eq_ignore_ascii_case(table_name)) {
            // Inside it, only those before it have a name.
            let later = self.ctes.split_off(at);
            let cte = later[0].clone();
            let rewritten = self.query(&cte.query, None)?;
            self.ctes.truncate(at);
            self.ctes.extend(later);
            let known_as = TableAlias { name: Ident::new(known_as), ..cte.alias };
            return Ok(Some(add(&rewritten, &known_as, level)));
        }
        if is_of_the_server(name) {
            return Err(Stop::Server);
        }
        let table = self.catalog.find(table_name);
        let table = table.ok_or_else(|| Stop::Why(format!("the snapshot has no table {table_name}")))?;
        let view = self.view(table);
        let written = alias.map_or_else(|| last_ident(name), |alias| Some(alias.name.clone()));
        let written = self.words.alias(&written.unwrap_or_else(|| Ident::new(&known_as)));
        let item = self.table_item(table, known_as, written)?;
        let text = match self.words.are_native() {
            true => format!("{} AS {}", self.words.quoted(&self.catalog.table(table).name), item.known_as),
            false => format!("{} AS {}", self.catalog.view_name(view), item.known_as),
        };
        level.items.push(item);
        Ok(Some(text))
    }

    fn table_item(&mut self, table: usize, alias: String, known_as: String) -> Outcome<Item> {
        let slot = self.new_slot(table);
        let table = self.catalog.table(table);
        let columns = table.columns.iter().enumerate().map(|(at, column)| ItemColumn {
            name: column.name.clone(),
            sql_name: column.name.clone(),
            key: table.key.contains(&at),
            carried: Carried::column(slot, at),
        });
        let columns = columns.collect();
        if self.words.are_native() {
            let row = self.words.key(&known_as, table).ok_or_else(|| Stop::Why("a table without a key".into()))?;
            let order = self.words.natural_order(&known_as, table);
            return Ok(Item { columns, slots: vec![(slot, row)], order, alias, known_as });
        }
        let key = table.key.iter().map(|&at| format!("{known_as}.{}", quoted(&table.columns[at].name)));
        let by_key = self.dialect.rows_follow_key() && !table.key.is_empty();
        let order = if by_key { key.collect() } else { vec![format!("{known_as}.{ORDER}")] };
        Ok(Item { columns, slots: vec![(slot, format!("{known_as}.{ROW}"))], order, alias, known_as })
    }

    /// The view a statement needs: with card data only if it names such a column, or all of them.
    fn view(&mut self, table: usize) -> View {
        let lower = self.sql.to_lowercase();
        let columns = &self.catalog.table(table).columns;
        let named = |at: usize| lower.contains(&columns[at].name.to_lowercase()) || lower.contains('*');
        let view = View { table, secrets: self.catalog.secrets(table).any(named) };
        if !self.views.contains(&view) {
            self.views.push(view);
        }
        view
    }

    /// A subquery that is one value.
    pub(super) fn scalar_subquery(&mut self, query: &Query, level: &mut Level<'_>) -> Outcome<Rendered> {
        let before = self.slots.len();
        let inner = self.query(query, Some(level))?;
        self.asks |= self.questions > 0 && self.slots.len() > before;
        let [column] = &inner.columns[..] else { return not_followed("a subquery of several columns") };
        let rows: Vec<_> = inner.slots.iter().map(|(slot, row)| (*slot, inner.value(row))).collect();
        level.extra.extend(rows);
        Ok(Rendered { sql: inner.value(&column.sql), carried: column.carried.clone() })
    }

    /// A subquery about which a condition asks.
    pub(super) fn condition_subquery(&mut self, query: &Query, level: &Level<'_>) -> Outcome<String> {
        let before = self.slots.len();
        let inner = self.query(query, Some(level))?;
        self.asks |= self.slots.len() > before;
        Ok(Rewritten { slots: Vec::new(), ..inner }.text(&[]))
    }
}

/// Puts a rewritten query into FROM.
fn add(rewritten: &Rewritten, alias: &TableAlias, level: &mut Level<'_>) -> String {
    level.items.push(rewritten.item(alias));
    format!("({}) AS {}", rewritten.derived(), rewritten.words.alias(&alias.name))
}

fn none(slots: &[(usize, String)]) -> Vec<(usize, String)> {
    slots.iter().map(|(slot, _)| (*slot, "NULL".to_owned())).collect()
}

fn carried_slots(columns: &[OutColumn]) -> Vec<usize> {
    let mut slots: Vec<usize> = columns.iter().flat_map(|column| column.carried.pieces()).map(|piece| piece.slot).collect();
    slots.sort_unstable();
    slots.dedup();
    slots
}

fn using(level: &Level<'_>, before: usize, name: &str) -> Outcome<String> {
    let column = |items: &[Item]| {
        items.iter().find_map(|item| {
            let column = item.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))?;
            Some(format!("{}.{}", quoted(&item.alias), quoted(&column.sql_name)))
        })
    };
    match (column(&level.items[..before]), column(&level.items[before..])) {
        (Some(left), Some(right)) => Ok(format!("{left} = {right}")),
        _ => not_followed("USING a column that is not there"),
    }
}

fn every_column(level: &Level<'_>, table: Option<&str>, words: Words) -> Vec<OutColumn> {
    let wanted = |item: &&Item| table.is_none_or(|table| item.alias.eq_ignore_ascii_case(table.trim_matches(['"', '`'])));
    let columns = level.items.iter().filter(wanted).flat_map(|item| item.columns.iter().map(move |column| (item, column)));
    let out = columns.map(|(item, column)| OutColumn {
        name: Some(column.name.clone()),
        sql: format!("{}.{}", item.known_as, words.quoted(&column.sql_name)),
        carried: column.carried.clone(),
    });
    out.collect()
}

fn plain_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(name) => Some(name.value.clone()),
        Expr::CompoundIdentifier(names) => names.last().map(|name| name.value.clone()),
        _ => None,
    }
}

/// A place among the columns, from 1.
fn place(expr: &Expr) -> Option<usize> {
    let Expr::Value(value) = expr else { return None };
    let Value::Number(number, _) = &value.value else { return None };
    number.to_string().parse().ok().filter(|&at| at > 0)
}

fn order_list(order: Option<&OrderBy>) -> Outcome<&[OrderByExpr]> {
    match order.map(|order| &order.kind) {
        None => Ok(&[]),
        Some(OrderByKind::Expressions(by)) => Ok(by),
        Some(OrderByKind::All(_)) => not_followed("ORDER BY ALL"),
    }
}

fn limit_text(query: &Query) -> Outcome<String> {
    let all = Expr::value(Value::Number("-1".into(), false));
    if let Some(fetch) = &query.fetch {
        let count = fetch.quantity.clone().unwrap_or(Expr::value(Value::Number("1".into(), false)));
        let offset = match &query.limit_clause {
            Some(LimitClause::LimitOffset { limit: None, offset: Some(offset), .. }) => format!(" OFFSET {}", offset.value),
            None => String::new(),
            Some(_) => return not_followed("LIMIT beside FETCH"),
        };
        return Ok(format!(" LIMIT {count}{offset}"));
    }
    match &query.limit_clause {
        None => Ok(String::new()),
        Some(LimitClause::OffsetCommaLimit { offset, limit }) => Ok(format!(" LIMIT {limit} OFFSET {offset}")),
        Some(LimitClause::LimitOffset { limit, offset, .. }) => {
            let offset = offset.as_ref().map_or(String::new(), |offset| format!(" OFFSET {}", offset.value));
            Ok(format!(" LIMIT {}{offset}", limit.as_ref().unwrap_or(&all)))
        }
    }
}

fn refuse(select: &Select) -> Outcome<()> {
    match () {
        () if select.into.is_some() => not_followed("a statement that writes"),
        () if matches!(select.distinct, Some(Distinct::On(_))) => not_followed("DISTINCT ON"),
        () if select.top.is_some() || select.qualify.is_some() || !select.named_window.is_empty() => not_followed("a clause"),
        () => Ok(()),
    }
}

fn last_ident(name: &ObjectName) -> Option<Ident> {
    match name.0.last() {
        Some(ObjectNamePart::Identifier(ident)) => Some(ident.clone()),
        _ => None,
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
    let server = |factor: &TableFactor| matches!(factor, TableFactor::Table { name, .. } if is_of_the_server(name));
    from.iter().any(|item| server(&item.relation) || item.joins.iter().any(|join| server(&join.relation)))
}

/// Whether a table is one of the server's own.
pub(crate) fn is_of_the_server(name: &ObjectName) -> bool {
    const SCHEMAS: [&str; 5] = ["information_schema", "mysql", "performance_schema", "sys", "pg_catalog"];
    let name = name.to_string().to_ascii_lowercase().replace(['"', '`'], "");
    let schema = name.split_once('.').map(|(schema, _)| schema);
    schema.is_some_and(|schema| SCHEMAS.contains(&schema)) || name.starts_with("pg_") || name.starts_with("sqlite_")
}
