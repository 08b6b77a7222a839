//! A shape compiled once: its branches, rewritten (`rewrite`) so that SQLite returns values and the rows they came from. Not
//! here: running it (`evaluate`).
//!
//! `E[(SELECT e FROM t ORDER BY k LIMIT n,1)]` as a column of a branch without tables is row n of `SELECT E[e] FROM t ORDER
//! BY k`: the rows are found once, and a hundred thousand statements look theirs up.

use std::ops::ControlFlow;

use kintsugi_case::{ColumnSet, mask_pans};
use sqlparser::ast::{
    Expr, FunctionArguments, GroupByExpr, LimitClause, OrderBy, OrderByExpr, OrderByKind, Query, Select, SelectItem, SetExpr,
    SetOperator, SetQuantifier, Value,
};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::aggregate::is_aggregate;
use super::columns::Carried;
use super::rewrite::{Rewriter, Rewritten, Stop};
use super::xml::with_names_as_strings;
use crate::catalog::{Catalog, View};
use crate::dialect::Dialect;
use crate::lexer::Literal;
use crate::server::Native;
use crate::walk::{visit_expressions, visit_expressions_mut};

/// The order of a union's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// None is asked for: one branch after the other.
    Natural,
    /// Each branch has it within; how rows of two branches mix is not followed.
    WithinEach,
    /// It is not followed.
    Unknown,
}

impl Order {
    /// Whether the rows come in the order of the branches, where so many of these have any.
    pub(crate) const fn is_followed(self, with_rows: usize) -> bool {
        match self {
            Self::Natural => true,
            Self::WithinEach => with_rows < 2,
            Self::Unknown => with_rows == 0,
        }
    }
}

/// What a shape does.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The branches of the union, in order; the page's own come first.
    pub(crate) branches: Vec<Branch>,
    /// LIMIT of the whole.
    pub(crate) limit: Option<Limit>,
    /// What a union as a whole is ordered by.
    pub(crate) order: Order,
    /// A part of the text is of a length that nobody knows.
    pub(crate) unknown_text: bool,
    /// A part of the text is between two lengths.
    pub(crate) open_text: bool,
    /// The tables it reads, as views that must be there before it runs.
    pub(crate) views: Vec<View>,
}

/// One SELECT of a union.
#[derive(Debug)]
pub(crate) enum Branch {
    /// Rows, each of all columns.
    Rows(Rows),
    /// One row, each column computed apart.
    Parts(Vec<Rows>),
    /// It reads the server's own tables: no cell of the snapshot.
    Metadata,
}

impl Branch {
    /// Whether values of our tables come out of it.
    fn takes(&self) -> bool {
        match self {
            Self::Rows(rows) => !rows.slots.is_empty(),
            Self::Parts(parts) => parts.iter().any(|rows| !rows.slots.is_empty()),
            Self::Metadata => false,
        }
    }
}

/// A query for values, then row numbers.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    /// The query without its LIMIT.
    pub(crate) sql: String,
    /// What each column carries, by the places of `slots`.
    pub(crate) columns: Vec<Carried>,
    /// The table of each slot.
    pub(crate) slots: Vec<usize>,
    /// Its LIMIT.
    pub(crate) limit: Option<Limit>,
    /// A last column tells rows apart that ORDER BY does not.
    pub(crate) ties: bool,
    /// It scans one table from its beginning: where nobody asked for an order, that of the table is the server's.
    pub(crate) scans: bool,
    /// What it gives is no exposure: the page shows these rows to everybody.
    pub(crate) silent: bool,
    /// The value where there is no row (a scalar subquery without rows is NULL).
    pub(crate) missing: Option<String>,
    /// By how many keys it is ordered.
    pub(crate) asked: usize,
    /// The same for the restored server; why not, where it cannot be asked there.
    pub(crate) native: std::result::Result<Native, String>,
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

/// Why a statement that only asks about rows has no plan here.
pub(crate) const QUESTION: &str = "a question about rows, whose answer is not a row";

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
    if is_too_long(sql) {
        return Err("it has more words than any page can have asked for".into());
    }
    // PostgreSQL has operators with `?` in them: sqlparser knows its places as `$1`.
    let dollars = (dialect == Dialect::PostgreSql).then(|| sql.replace('?', "$"));
    let tokens = Tokenizer::new(dialect.parser(), dollars.as_deref().unwrap_or(sql)).tokenize_with_location();
    let tokens = tokens.map_err(|error| reason(&error.into()))?;
    let tokens = if dialect == Dialect::PostgreSql { with_names_as_strings(tokens) } else { tokens };
    let mut parser = Parser::new(dialect.parser()).with_tokens_with_locations(tokens);
    let mut query = parser.parse_query().map_err(|error| reason(&error))?;
    let _ = visit_expressions_mut(&mut query, |expr| {
        if let Expr::Value(value) = expr
            && let Value::Placeholder(place) = &mut value.value
        {
            *place = place.replace('$', "?");
        }
        ControlFlow::<()>::Continue(())
    });
    while parser.consume_token(&Token::SemiColon) {}
    match parser.peek_token().token {
        Token::EOF => Ok(query),
        _ => Err("more than one statement, or text after its end".into()),
    }
}

/// Words and signs of a statement that is followed. A tool's longest (a value spelled out by its characters) have some hundreds.
const WORDS_MAX: usize = 8_192;
/// Queries that a statement puts together by UNION and its like.
const PARTS_MAX: usize = 256;

/// Whether a statement is so long that walking its tree would take more room than a thread has: `1 OR 1 OR …` and
/// `UNION SELECT … UNION SELECT …` are trees as deep as they are long.
fn is_too_long(sql: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80 || matches!(byte, b'_' | b'$');
    let (mut words, mut parts, mut rest) = (0, 0, sql.as_bytes());
    while let [first, ..] = rest {
        let length = rest.iter().take_while(|byte| is_word(**byte)).count();
        let word = &rest[..length];
        parts +=
            usize::from(["union", "except", "intersect", "minus"].iter().any(|one| word.eq_ignore_ascii_case(one.as_bytes())));
        words += usize::from(!first.is_ascii_whitespace());
        rest = &rest[length.max(1)..];
    }
    words > WORDS_MAX || parts > PARTS_MAX
}

/// sqlparser's words without the place, so that statements that fail alike stay together.
fn reason(error: &sqlparser::parser::ParserError) -> String {
    let text = error.to_string();
    text.split(" at Line").next().unwrap_or_default().to_owned()
}

impl From<Stop> for String {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Server => "it reads the server's own tables beside the shop's".into(),
            Stop::Why(why) => why,
        }
    }
}

/// Compiles a shape; the error says what could not be followed.
pub(crate) fn plan(sql: &str, _places: usize, dialect: Dialect, catalog: &Catalog) -> Outcome<Plan> {
    let query = query(sql, dialect)?;
    let mut planner = Planner { rewriter: Rewriter::new(catalog, dialect, sql) };
    let mut selects = Vec::new();
    branches(&query.body, true, &mut selects);
    let mut branches = match selects.as_slice() {
        [_] => vec![planner.branch(&query)?],
        selects => selects.iter().map(|part| planner.part(part, &query, &selects[0])).collect::<Outcome<Vec<_>>>()?,
    };
    if catalog.is_restored() {
        for (here, side) in branches.iter_mut().zip(&selects) {
            let mut there = Planner { rewriter: Rewriter::new(catalog, dialect, sql).natively() };
            let branch = if selects.len() == 1 { there.branch(&query) } else { there.part(side, &query, &selects[0]) };
            super::native::beside(here, branch, dialect);
        }
    }
    let alone = branches.len() == 1;
    let takes = branches.iter().skip(usize::from(!alone)).any(Branch::takes);
    if planner.rewriter.asks && (alone || !takes) {
        return Err(QUESTION.into());
    }
    if let Some(Branch::Rows(own)) = branches.first_mut() {
        // The page's own rows: only a statement that widens them over personal data takes anything.
        let personal = own.slots.iter().any(|&table| !catalog.table(table).personal_columns().is_empty());
        own.silent = !alone || !personal;
    }
    let limit = if alone { None } else { limit(&query)? };
    let Rewriter { views, unknown_text, open_text, .. } = planner.rewriter;
    let order = match (&query.order_by, selects.as_slice()) {
        (None, _) | (_, [_]) => Order::Natural,
        (Some(order), [first, ..]) => {
            let known = selects.iter().all(|side| is_one_row(side, dialect) || order_within(order, first, side).is_some());
            if known { Order::WithinEach } else { Order::Unknown }
        }
        (Some(_), []) => Order::Unknown,
    };
    Ok(Plan { branches, limit, order, unknown_text, open_text, views })
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
    /// Its own words for which rows it wants, with places for literals; empty where it has none.
    wanted: String,
    /// What is taken of which table; empty for a figure (COUNT), which carries no cell.
    pub(crate) sources: Vec<Source>,
    /// Which of them the statement asks for.
    pub(crate) limit: Option<Limit>,
    /// The tables it reads.
    pub(crate) views: Vec<View>,
    /// All of it for the restored server; why not, where it cannot be asked there.
    pub(crate) native: std::result::Result<Native, String>,
}

impl Values {
    /// Which row a statement asks for, in its own words: `WHERE id > 5 ORDER BY id LIMIT 0,1`. Card numbers are masked.
    pub(crate) fn row(&self, literals: &[Literal], offset: usize) -> String {
        let mut row = String::new();
        if !self.wanted.is_empty() {
            row.push_str(&format!("WHERE {} ", written(&self.wanted, literals)));
        }
        if !self.order.is_empty() {
            row.push_str(&format!("ORDER BY {} ", written(&self.order.join(", "), literals)));
        }
        mask_pans(&format!("{row}LIMIT {offset},1"))
    }
}

/// A text with its literals in their places.
fn written(sql: &str, literals: &[Literal]) -> String {
    let mut pieces = sql.split('?');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
        let literal = piece[..digits].parse::<usize>().ok().and_then(|place| literals.get(place.wrapping_sub(1)));
        match literal {
            Some(Literal::Text(word)) => text.push_str(&format!("'{word}'")),
            Some(literal) => text.push_str(&literal.shown()),
            None => text.push('?'),
        }
        text.push_str(&piece[digits..]);
    }
    text
}

/// What a value takes of a table.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Index in the catalog.
    pub(crate) table: usize,
    /// Columns whose whole value is passed on.
    pub(crate) whole: ColumnSet,
    /// Columns of which a part is passed on.
    pub(crate) part: ColumnSet,
}

/// Compiles a scalar subquery of a statement.
pub(crate) fn values(query: &Query, dialect: Dialect, catalog: &Catalog) -> Outcome<Values> {
    let sql = query.to_string();
    let limit = limit(query)?;
    let native = super::native::value(query, dialect, catalog);
    let mut query = query.clone();
    (query.limit_clause, query.fetch) = (None, None);
    let mut rewriter = Rewriter::new(catalog, dialect, &sql);
    let rewritten = rewriter.query(&query, None)?;
    let [column] = &rewritten.columns[..] else { return Err("a subquery of several columns".into()) };
    let piece = |slot: usize| column.carried.pieces().find(|piece| piece.slot == slot);
    let (mut numbers, mut sources) = (String::new(), Vec::new());
    for (slot, row) in &rewritten.slots {
        let Some(piece) = piece(*slot) else { continue };
        numbers.push_str(&format!(", kintsugi_one({row})"));
        sources.push(Source { table: rewriter.slots[*slot], whole: piece.whole, part: piece.part });
    }
    let (value, tail) = (column.sql.clone(), rewritten.tail());
    // As people wrote it, where it is no place among the columns.
    let order = match query.order_by.as_ref().map(|order| &order.kind) {
        Some(OrderByKind::Expressions(keys)) if keys.iter().all(|key| !matches!(key.expr, Expr::Value(_))) => {
            keys.iter().map(|key| key.expr.to_string()).collect()
        }
        _ => rewritten.bare_keys(),
    };
    let wanted = select_of(&query).and_then(|select| select.selection.as_ref()).map(ToString::to_string).unwrap_or_default();
    Ok(Values { wanted, value, numbers, tail, from: rewritten.from, order, sources, limit, views: rewriter.views, native })
}

/// `SELECT expression` in SQLite's words: an expression of constants and places alone.
pub(crate) fn by_itself(sql: &str, dialect: Dialect, catalog: &Catalog) -> Outcome<String> {
    let query = query(&format!("SELECT {sql}"), dialect)?;
    let rewritten = Rewriter::new(catalog, dialect, sql).query(&query, None)?;
    let [column] = &rewritten.columns[..] else { return Err("a test of several values".into()) };
    Ok(format!("SELECT {}", column.sql))
}

/// One side of a union, and whether equal rows of it are one.
struct Side<'a> {
    body: &'a SetExpr,
    all: bool,
}

/// The sides of the unions at the top; anything else is a side of its own.
fn branches<'a>(body: &'a SetExpr, all: bool, sides: &mut Vec<Side<'a>>) {
    match body {
        SetExpr::SetOperation { op: SetOperator::Union, left, right, set_quantifier } => {
            let all = all && matches!(set_quantifier, SetQuantifier::All);
            branches(left, all, sides);
            branches(right, all, sides);
        }
        SetExpr::Query(query) if is_bare(query) => branches(&query.body, all, sides),
        body => sides.push(Side { body, all }),
    }
}

/// The order of a whole union within one of its sides: it names columns by their number, or as the first side calls them.
/// None where it says something else.
fn order_within(order: &OrderBy, first: &Side<'_>, side: &Side<'_>) -> Option<OrderBy> {
    let (SetExpr::Select(first), SetExpr::Select(select)) = (first.body, side.body) else { return None };
    let OrderByKind::Expressions(keys) = &order.kind else { return None };
    let named = |name: &str| {
        let is_it = |item: &SelectItem| column_name(item).is_some_and(|column| column.eq_ignore_ascii_case(name));
        first.projection.iter().position(is_it)
    };
    let keys = keys.iter().map(|key| {
        let at = match &key.expr {
            Expr::Identifier(name) => named(&name.value)?,
            Expr::Value(value) => match &value.value {
                Value::Number(place, _) => place.parse::<usize>().ok()?.checked_sub(1)?,
                _ => return None,
            },
            _ => return None,
        };
        first.projection.iter().all(|item| expression(item).is_some()).then_some(())?;
        // Servers sort rows that are all equal in whatever order comes handy.
        let expr = expression(select.projection.get(at)?).filter(|expr| !is_constant(expr))?.clone();
        Some(OrderByExpr { expr, ..key.clone() })
    });
    Some(OrderBy { kind: OrderByKind::Expressions(keys.collect::<Option<Vec<_>>>()?), ..order.clone() })
}

/// Whether an expression is the same for every row.
fn is_constant(expr: &Expr) -> bool {
    visit_expressions(expr, |inner| match inner {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Subquery(_) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    })
    .is_continue()
}

/// Whether a side gives one row whatever there is.
fn is_one_row(side: &Side<'_>, dialect: Dialect) -> bool {
    let SetExpr::Select(select) = side.body else { return false };
    let is_grouped = !matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty());
    let aggregates = |expr: &Expr| {
        visit_expressions(expr, |inner| match inner {
            Expr::Function(function) if is_aggregate(function, dialect) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        })
        .is_break()
    };
    select.from.is_empty() || !is_grouped && select.projection.iter().filter_map(expression).any(aggregates)
}

/// What a side of a union calls a column.
fn column_name(item: &SelectItem) -> Option<&str> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(&alias.value),
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => Some(&name.value),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(names)) => names.last().map(|name| name.value.as_str()),
        _ => None,
    }
}

fn is_bare(query: &Query) -> bool {
    query.limit_clause.is_none() && query.fetch.is_none() && query.with.is_none() && query.order_by.is_none()
}

fn limit(query: &Query) -> Outcome<Option<Limit>> {
    let (zero, all) = (Bound::Fixed("0".into()), Bound::Fixed(usize::MAX.to_string()));
    let offset_of =
        |offset: &Option<sqlparser::ast::Offset>| offset.as_ref().map_or(Ok(zero.clone()), |offset| bound(&offset.value));
    if let Some(fetch) = &query.fetch {
        let count = fetch.quantity.as_ref().map_or(Ok(Bound::Fixed("1".into())), bound)?;
        return match &query.limit_clause {
            None => Ok(Some(Limit { offset: zero, count })),
            Some(LimitClause::LimitOffset { limit: None, offset, .. }) => Ok(Some(Limit { offset: offset_of(offset)?, count })),
            Some(_) => Err("LIMIT beside FETCH".into()),
        };
    }
    match &query.limit_clause {
        None => Ok(None),
        Some(LimitClause::OffsetCommaLimit { offset, limit }) => Ok(Some(Limit { offset: bound(offset)?, count: bound(limit)? })),
        Some(LimitClause::LimitOffset { limit, offset, limit_by }) if limit_by.is_empty() => {
            Ok(Some(Limit { offset: offset_of(offset)?, count: limit.as_ref().map_or(Ok(all), bound)? }))
        }
        Some(_) => Err("a LIMIT that is not followed".into()),
    }
}

fn bound(expr: &Expr) -> Outcome<Bound> {
    if let Expr::Value(value) = expr {
        match &value.value {
            Value::Placeholder(place) => {
                return place
                    .trim_start_matches(['?', '$'])
                    .parse()
                    .map(Bound::Place)
                    .map_err(|_| "a place without a number".into());
            }
            Value::Number(number, _) => return Ok(Bound::Fixed(number.to_string())),
            Value::SingleQuotedString(text) => return Ok(Bound::Fixed(text.clone())),
            _ => {}
        }
    }
    Err("a LIMIT that is computed".into())
}

struct Planner<'a> {
    rewriter: Rewriter<'a>,
}

impl Planner<'_> {
    /// One side of a union as a query of its own, with the WITH of the whole, and its order as far as it can have it alone.
    fn part(&mut self, side: &Side<'_>, whole: &Query, first: &Side<'_>) -> Outcome<Branch> {
        let order = whole.order_by.as_ref().filter(|_| !is_one_row(side, self.rewriter.dialect));
        let order = order.and_then(|order| order_within(order, first, side));
        let mut body = side.body.clone();
        if let (SetExpr::Select(select), false) = (&mut body, side.all) {
            select.distinct.get_or_insert(sqlparser::ast::Distinct::Distinct);
        }
        let mut query = whole.clone();
        *query.body = body;
        (query.order_by, query.limit_clause, query.fetch) = (order, None, None);
        self.branch(&query)
    }

    fn branch(&mut self, query: &Query) -> Outcome<Branch> {
        let views = self.rewriter.views.len();
        let planned = match select_of(query) {
            Some(select) if select.from.is_empty() && query.limit_clause.is_none() => self.parts(select, query),
            _ => self.rows(query).map(Branch::Rows),
        };
        match planned {
            // A branch that names none of our tables can give none of our cells.
            Err(Stop::Server)
                if self.rewriter.views.len() == views && self.rewriter.catalog.named_in(&query.to_string()).is_empty() =>
            {
                Ok(Branch::Metadata)
            }
            planned => Ok(planned?),
        }
    }

    fn rows(&mut self, query: &Query) -> Result<Rows, Stop> {
        let limit = limit(query).map_err(Stop::Why)?;
        let mut query = query.clone();
        (query.limit_clause, query.fetch) = (None, None);
        let rewritten = self.rewriter.query(&query, None)?;
        Ok(self.finished(&rewritten, limit))
    }

    fn finished(&self, rewritten: &Rewritten, limit: Option<Limit>) -> Rows {
        let at = |slot: usize| rewritten.slots.iter().position(|(known, _)| *known == slot).unwrap_or(usize::MAX);
        Rows {
            sql: rewritten.unlimited(),
            columns: rewritten.columns.iter().map(|column| column.carried.clone().moved(&at)).collect(),
            slots: rewritten.slots.iter().map(|(slot, _)| self.rewriter.slots[*slot]).collect(),
            limit,
            ties: !rewritten.asked.is_empty(),
            scans: rewritten.scan.is_some_and(|table| self.scans(table, rewritten)),
            silent: false,
            missing: None,
            asked: rewritten.asked.len(),
            native: Err("there is no restored server".into()),
        }
    }

    /// A heap is scanned. Where tables are indexes themselves, another index that holds all that is asked for is scanned
    /// instead: of one column there often is one, of several hardly ever.
    fn scans(&self, table: usize, rewritten: &Rewritten) -> bool {
        let key: kintsugi_case::ColumnSet =
            self.rewriter.catalog.table(table).key.iter().copied().filter(|at| *at < 64).collect();
        let pieces = rewritten.columns.iter().flat_map(|column| column.carried.pieces());
        let asked = pieces.fold(0, |asked, piece| asked | piece.whole.0 | piece.part.0) & !key.0;
        self.rewriter.dialect == Dialect::PostgreSql || asked.count_ones() > 1
    }

    /// A row of constants, some of them subqueries.
    fn parts(&mut self, select: &Select, query: &Query) -> Result<Branch, Stop> {
        let mut parts = Vec::new();
        let liftable = |item: &SelectItem| expression(item).is_some_and(|column| self.lifted(column).is_some());
        if select.distinct.is_some() && !select.projection.iter().any(liftable) || !select.projection.iter().any(liftable) {
            return self.rows(query).map(Branch::Rows);
        }
        for item in &select.projection {
            let Some(column) = expression(item) else { return self.rows(query).map(Branch::Rows) };
            let part = match self.lifted(column) {
                Some(lifted) => self.lift(column, lifted, query)?,
                None => self.rows(&with_column(query, select, column))?,
            };
            parts.push(part);
        }
        Ok(Branch::Parts(parts))
    }

    /// The one subquery of a column that is row n of an inner query.
    fn lifted<'e>(&self, column: &'e Expr) -> Option<&'e Query> {
        let mut found = Vec::new();
        subqueries(column, &mut found);
        let [query] = found[..] else { return None };
        let select = select_of(query)?;
        let plain = query.with.is_none() && select.distinct.is_none() && select.having.is_none() && !select.from.is_empty();
        let ungrouped = matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty());
        let [item] = &select.projection[..] else { return None };
        let value = expression(item)?;
        (plain && ungrouped && !self.aggregates(value) && limit(query).is_ok_and(|limit| limit.is_some())).then_some(query)
    }

    fn lift(&mut self, column: &Expr, inner: &Query, whole: &Query) -> Result<Rows, Stop> {
        let mut query = inner.clone();
        query.with.clone_from(&whole.with);
        let SetExpr::Select(select) = query.body.as_mut() else { return Err(Stop::Why("a subquery".into())) };
        let Some(value) = select.projection.first().and_then(expression).cloned() else {
            return Err(Stop::Why("a subquery of several columns".into()));
        };
        let mut lifted = column.clone();
        replace(&mut lifted, &Expr::Nested(Box::new(value)));
        select.projection = vec![SelectItem::UnnamedExpr(lifted)];
        let mut rows = self.rows(&query)?;
        let mut missing = column.clone();
        replace(&mut missing, &Expr::value(Value::Null));
        let nothing = Query { with: None, ..whole.clone() };
        let SetExpr::Select(select) = whole.body.as_ref() else { return Ok(rows) };
        rows.missing = Some(self.rows(&with_column(&nothing, select, &missing))?.sql);
        Ok(rows)
    }

    fn aggregates(&self, expr: &Expr) -> bool {
        let here = matches!(expr, Expr::Function(function) if is_aggregate(function, self.rewriter.dialect));
        here || children(&mut expr.clone()).into_iter().any(|child| self.aggregates(child))
    }
}

fn select_of(query: &Query) -> Option<&Select> {
    match query.body.as_ref() {
        SetExpr::Select(select) => Some(select),
        _ => None,
    }
}

/// The query with this column alone.
fn with_column(query: &Query, select: &Select, column: &Expr) -> Query {
    let mut select = select.clone();
    select.projection = vec![SelectItem::UnnamedExpr(column.clone())];
    Query { body: Box::new(SetExpr::Select(Box::new(select))), ..query.clone() }
}

fn expression(item: &SelectItem) -> Option<&Expr> {
    match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    }
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

/// The subqueries that are values in an expression. Conditions over subqueries are left to SQLite.
fn subqueries<'e>(expr: &'e Expr, found: &mut Vec<&'e Query>) {
    match expr {
        Expr::Subquery(query) => found.push(query),
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } | Expr::Collate { expr: inner, .. } => subqueries(inner, found),
        Expr::UnaryOp { expr: inner, .. } | Expr::Substring { expr: inner, .. } => subqueries(inner, found),
        Expr::Trim { expr: inner, .. } | Expr::IsNull(inner) | Expr::IsNotNull(inner) => subqueries(inner, found),
        Expr::BinaryOp { left, right, .. } => [left, right].into_iter().for_each(|side| subqueries(side, found)),
        Expr::Case { operand, conditions, else_result, .. } => {
            let whens = conditions.iter().flat_map(|when| [&when.condition, &when.result]);
            let all = operand.as_deref().into_iter().chain(whens).chain(else_result.as_deref());
            all.for_each(|expr| subqueries(expr, found));
        }
        Expr::Function(function) => super::render::arguments(function).into_iter().for_each(|one| subqueries(one, found)),
        _ => {}
    }
}

/// Puts `new` in the place of the first subquery.
fn replace(expr: &mut Expr, new: &Expr) -> bool {
    if matches!(expr, Expr::Subquery(_)) {
        *expr = new.clone();
        return true;
    }
    children(expr).into_iter().any(|child| replace(child, new))
}

#[cfg(test)]
mod tests {
    use super::{Branch, plan};
    use crate::catalog::Catalog;
    use crate::dialect::Dialect;
    use crate::tests::people;

    #[test]
    fn the_servers_own_columns_are_text_between_two_lengths() {
        let check = |dialect, rest: &str, expected: Result<bool, &str>| {
            let catalog = Catalog::new(&[people()], "shop");
            let sql = format!("SELECT id FROM people WHERE id = ?1 UNION ALL {rest}");
            let found = plan(&sql, 1, dialect, &catalog).map(|plan| plan.open_text);
            assert_eq!(found.as_ref().map_err(String::as_str), expected.as_ref().map_err(|reason| *reason), "{rest}");
        };
        check(Dialect::PostgreSql, "SELECT name || xmin::text FROM people", Ok(true));
        check(Dialect::PostgreSql, "SELECT STRING_AGG(name || ctid::text, ',') FROM people", Ok(true));
        check(Dialect::PostgreSql, "SELECT name FROM people", Ok(false));
        // What it is decides which rows come: nobody knows.
        check(Dialect::PostgreSql, "SELECT name FROM people WHERE xmin::text = '7'", Err("the name xmin is not followed"));
        check(Dialect::MySql, "SELECT xmin FROM people", Err("the name xmin is not followed"));
    }
    #[test]
    fn a_table_is_gone_through_where_no_index_serves() {
        let check = |rest: &str, expected: bool| {
            let catalog = Catalog::new(&[people()], "shop");
            let sql = format!("SELECT id, name FROM people WHERE id = ?1 UNION ALL {rest}");
            let plan = plan(&sql, 4, Dialect::PostgreSql, &catalog).expect(rest);
            let Some(Branch::Rows(rows)) = plan.branches.last() else { panic!("no rows: {rest}") };
            assert_eq!(rows.scans, expected, "{rest}");
        };
        check("SELECT id, name FROM people", true);
        check("SELECT id, name FROM people WHERE id NOT IN (?2, ?3)", true);
        check("SELECT id, name FROM people WHERE (id <> ?2) AND id NOT IN (?3)", true);
        check("SELECT id, name FROM people WHERE id > ?2", false);
        check("SELECT id, name FROM people WHERE name NOT IN (?2)", false);
        let renamed = "FROM (SELECT ?2 AS a, ?3 AS b, ?4 AS c UNION ALL SELECT * FROM people) z";
        check(&format!("SELECT z.a, z.b {renamed}"), true);
        check(&format!("SELECT z.a, z.b {renamed} WHERE z.a > ?2"), false);
    }
}
