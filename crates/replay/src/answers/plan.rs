//! A blind statement compiled: which value it asks about, which part of the value, what it asks of it, and what the page
//! does for yes and for no.
//!
//! A statement is `frame(test(part(value)))`. In `… WHERE id=5 AND ORD(MID((SELECT pan FROM cards LIMIT 3,1),2,1))>52` the
//! value is the subquery, the part its second character, the test `ORD(c) > 52`, and the frame the rest with the test's
//! answer in its place. The tree decides, not the spelling.

use std::ops::ControlFlow;

use sqlparser::ast::{BinaryOperator, Expr, Query, SelectItem, SetExpr, TableFactor, UnaryOperator, Value};

use super::normal::normal;
use super::supposed::{Supposed, suppose};
use crate::catalog::{Catalog, View};
use crate::dialect::Dialect;
use crate::plain::{arguments, arguments_mut, plain};
use crate::rows::{self, Values};
use crate::walk::{visit_expressions, visit_expressions_mut};

/// What a blind shape asks.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The statement with the test's answer at `hole`.
    pub(crate) frame: rows::Plan,
    /// The value asked about; `None` where the shape asks about no table of the snapshot: the answer is known beforehand.
    pub(crate) question: Option<Question>,
    /// The frame as text: what was found for one statement holds for all with the same text and literals.
    pub(crate) text: String,
    /// The place of the answer in the frame, and of the part in the test.
    pub(crate) hole: usize,
    /// The tables it reads.
    pub(crate) views: Vec<View>,
    /// Pairs of places at which a statement must have the same: its subqueries are then one.
    pub(crate) same: Vec<(usize, usize)>,
    /// The rows of the page's own tables are not known: what it does for yes and for no is supposed.
    pub(crate) guessed: bool,
    /// What it would do, whatever those rows are.
    pub(super) supposed: Option<Supposed>,
}

/// A test of a part of a value.
#[derive(Debug)]
pub(crate) struct Question {
    /// The value: a scalar subquery.
    pub(crate) value: Values,
    /// Which part of it.
    pub(crate) part: Part,
    /// `SELECT test` in SQLite's words, with the part at the hole.
    pub(crate) test: String,
    /// The test as a comparison of numbers, where it is one: most are, and there are hundreds of thousands.
    pub(crate) quick: Option<Quick>,
    /// The test asks for one or several values, not for those before or after one: what it does not ask for has no place in
    /// its order.
    pub(crate) names_values: bool,
}

/// `code(part) > number` and its like.
#[derive(Debug)]
pub(crate) struct Quick {
    /// `SELECT code(part)`: a number for each character.
    pub(crate) code: String,
    /// How it is compared.
    pub(crate) compare: Compare,
    /// The places of the numbers that it is compared with.
    pub(crate) places: Vec<usize>,
}

/// A comparison with one number, or with several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
    OneOf,
    NoneOf,
}

impl Compare {
    /// Whether a code stands so to the numbers.
    pub(crate) fn holds(self, code: i64, mut numbers: impl Iterator<Item = i64>) -> bool {
        match self {
            Self::Less => numbers.all(|number| code < number),
            Self::LessOrEqual => numbers.all(|number| code <= number),
            Self::Greater => numbers.all(|number| code > number),
            Self::GreaterOrEqual => numbers.all(|number| code >= number),
            Self::Equal => numbers.all(|number| code == number),
            Self::NotEqual => numbers.all(|number| code != number),
            Self::OneOf => numbers.any(|number| code == number),
            Self::NoneOf => !numbers.any(|number| code == number),
        }
    }

    /// The least and the greatest code that an answer leaves.
    pub(crate) fn bounds(self, yes: bool, numbers: impl Iterator<Item = i64>) -> (i64, i64) {
        let (least, greatest) = numbers.fold((i64::MAX, i64::MIN), |(a, b), number| (a.min(number), b.max(number)));
        let all = (i64::MIN, i64::MAX);
        if least > greatest {
            return all;
        }
        match (self, yes) {
            (Self::Greater, true) | (Self::LessOrEqual, false) => (greatest.saturating_add(1), i64::MAX),
            (Self::GreaterOrEqual, true) | (Self::Less, false) => (greatest, i64::MAX),
            (Self::Less, true) | (Self::GreaterOrEqual, false) => (i64::MIN, least.saturating_sub(1)),
            (Self::LessOrEqual, true) | (Self::Greater, false) => (i64::MIN, least),
            (Self::Equal | Self::OneOf, true) | (Self::NotEqual | Self::NoneOf, false) => (least, greatest),
            (Self::Equal | Self::OneOf, false) | (Self::NotEqual | Self::NoneOf, true) => all,
        }
    }
}

/// The part of a value that a test sees.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    /// Some characters: SQL for the first one's position, from 1, and for how many; usually one.
    Slice {
        /// `SELECT position`
        from: String,
        /// `SELECT count`
        count: String,
    },
    /// How many characters, or bytes.
    Length {
        /// Bytes, not characters.
        bytes: bool,
    },
    /// All of it.
    Whole,
}

type Outcome<T> = Result<T, String>;

/// Compiles a shape; the error says why it is no question, or what could not be followed.
pub(crate) fn plan(sql: &str, places: usize, dialect: Dialect, catalog: &Catalog) -> Outcome<Plan> {
    let mut query = rows::query(sql, dialect)?;
    plain(&mut query, dialect);
    normal(&mut query, catalog);
    if shows_subqueries(&query.body, catalog) {
        return Err("it shows what it asks for".into());
    }
    let hole = places + 1;
    let (mut views, mut same) = (Vec::new(), Vec::new());
    let question = match take_value(&mut query, hole, catalog)? {
        Some((value, places)) => {
            same = places;
            let values = rows::values(&value, dialect, catalog)?;
            views.extend(values.views.iter().copied());
            Some(question(&mut query, values, hole, dialect, catalog)?)
        }
        None => None,
    };
    let text = query.to_string();
    let frame = rows::plan(&text, hole, dialect, catalog)?;
    views.extend(frame.views.iter().copied());
    let supposed = suppose(&query, hole, dialect, catalog);
    Ok(Plan { frame, question, text, hole, views, same, guessed: false, supposed })
}

/// Whether a shape's questions are about the server's own tables alone: no cell of the snapshot.
pub(crate) fn asks_the_server(sql: &str, dialect: Dialect, catalog: &Catalog) -> bool {
    let Ok(query) = rows::query(sql, dialect) else { return false };
    if matches!(query.body.as_ref(), SetExpr::SetOperation { .. }) {
        return false;
    }
    let (mut server, mut snapshot) = (false, false);
    let _ = visit_expressions(&query, |expr| {
        if let Expr::Subquery(inner) | Expr::Exists { subquery: inner, .. } | Expr::InSubquery { subquery: inner, .. } = expr {
            snapshot |= reads(inner, catalog);
            server |= matches!(inner.body.as_ref(), SetExpr::Select(select) if rows::reads_the_server(&select.from));
        }
        ControlFlow::<()>::Continue(())
    });
    server && !snapshot
}

/// Whether a value of the snapshot stands in what the statement selects: then its rows tell, not one answer.
fn shows_subqueries(body: &SetExpr, catalog: &Catalog) -> bool {
    match body {
        SetExpr::Select(select) => select.projection.iter().any(|item| match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                let found = visit_expressions(expr, |inner| match inner {
                    Expr::Subquery(query) if reads(query, catalog) => ControlFlow::Break(()),
                    _ => ControlFlow::Continue(()),
                });
                found.is_break() && !has_test(expr)
            }
            _ => false,
        }),
        SetExpr::SetOperation { left, right, .. } => shows_subqueries(left, catalog) || shows_subqueries(right, catalog),
        SetExpr::Query(query) => shows_subqueries(&query.body, catalog),
        _ => true,
    }
}

pub(super) fn has_test(expr: &Expr) -> bool {
    visit_expressions(expr, |inner| if is_test(inner) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }).is_break()
}

/// Whether a query's own FROM names a table of the snapshot.
pub(super) fn reads(query: &Query, catalog: &Catalog) -> bool {
    let SetExpr::Select(select) = query.body.as_ref() else { return false };
    let named = |factor: &TableFactor| match factor {
        TableFactor::Table { name, .. } => catalog.find(rows::last(name)).is_some(),
        TableFactor::Derived { subquery, .. } => reads(subquery, catalog),
        _ => false,
    };
    select.from.iter().any(|item| named(&item.relation) || item.joins.iter().any(|join| named(&join.relation)))
}

/// Pairs of places whose literals must be the same.
type SamePlaces = Vec<(usize, usize)>;

/// Takes the innermost scalar subquery over the snapshot out, leaving a hole; what the subquery does to its value beyond
/// naming it (a slice, a length) stays around the hole.
///
/// The same subquery may stand there twice: then the literals at these places must be the same.
fn take_value(query: &mut Query, hole: usize, catalog: &Catalog) -> Outcome<Option<(Query, SamePlaces)>> {
    let mut found: Option<Query> = None;
    let (mut many, mut same) = (false, Vec::new());
    let _ = visit_expressions_mut(query, |expr| {
        match expr {
            Expr::Subquery(inner) if reads(inner, catalog) => {
                if let Some(known) = &found {
                    match same_but_for_places(&known.to_string(), &inner.to_string()) {
                        Some(places) => same.extend(places),
                        None => {
                            many = true;
                            return ControlFlow::Break(());
                        }
                    }
                } else {
                    found = Some((**inner).clone());
                }
                *expr = Expr::Nested(Box::new(place(hole)));
            }
            Expr::Exists { subquery, .. } | Expr::InSubquery { subquery, .. } if reads(subquery, catalog) => {
                many = true;
                return ControlFlow::Break(());
            }
            _ => {}
        }
        ControlFlow::Continue(())
    });
    if many {
        return Err("several subqueries, or a condition over one".into());
    }
    let Some(mut value) = found else { return Ok(None) };
    if let Some(around) = split(&mut value, hole) {
        put(query, hole, &around);
    }
    Ok(Some((value, same)))
}

/// The places that two texts have where they are otherwise the same.
fn same_but_for_places(one: &str, other: &str) -> Option<Vec<(usize, usize)>> {
    let around = |text: &str| -> String {
        text.split('?').map(|piece| piece.trim_start_matches(|c: char| c.is_ascii_digit())).collect::<Vec<_>>().join("?")
    };
    let numbers = |text: &str| -> Vec<usize> { super::places(text).map(|(_, place)| place).collect() };
    (around(one) == around(other)).then(|| numbers(one).into_iter().zip(numbers(other)).filter(|(a, b)| a != b).collect())
}

/// Splits `SELECT f(part(e)) FROM …` into `SELECT e FROM …` and `f(part(hole))`.
fn split(value: &mut Query, hole: usize) -> Option<Expr> {
    let SetExpr::Select(select) = value.body.as_mut() else { return None };
    let [SelectItem::UnnamedExpr(shown) | SelectItem::ExprWithAlias { expr: shown, .. }] = &mut select.projection[..] else {
        return None;
    };
    let (mut inner, mut around) = (None, shown.clone());
    let _ = visit_expressions_mut(&mut around, |expr| {
        let Some(argument) = argument_of_part(expr) else { return ControlFlow::Continue(()) };
        if !names_a_column(argument) {
            return ControlFlow::Continue(());
        }
        inner = Some(std::mem::replace(argument, place(hole)));
        ControlFlow::Break(())
    });
    let inner = inner.filter(|_| !names_a_column(&around))?;
    *shown = inner;
    Some(Expr::Nested(Box::new(around)))
}

fn names_a_column(expr: &Expr) -> bool {
    let found = visit_expressions(expr, |inner| match inner {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

/// The value of which an expression takes a part.
fn argument_of_part(expr: &mut Expr) -> Option<&mut Expr> {
    match expr {
        Expr::Substring { expr, .. } => Some(expr),
        Expr::Function(function) if is_slice(&function.name.to_string()) || is_length(&function.name.to_string()).is_some() => {
            arguments_mut(function).into_iter().next()
        }
        _ => None,
    }
}

fn is_slice(name: &str) -> bool {
    matches!(name.to_ascii_lowercase().as_str(), "substr" | "substring" | "mid")
}

/// Whether a function gives a length, and if so, one in bytes.
fn is_length(name: &str) -> Option<bool> {
    match name.to_ascii_lowercase().as_str() {
        "length" | "octet_length" => Some(true),
        "char_length" | "character_length" => Some(false),
        _ => None,
    }
}

/// Cuts the test out of the statement, which keeps a hole for its answer.
fn question(query: &mut Query, value: Values, hole: usize, dialect: Dialect, catalog: &Catalog) -> Outcome<Question> {
    let all = holes(query, hole);
    let mut test = None;
    let _ = visit_expressions_mut(query, |expr| {
        if is_test(expr) && holes(&*expr, hole) == all {
            test = Some(std::mem::replace(expr, place(hole)));
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    let mut test = test.ok_or("a value that is not compared with anything")?;
    let part = part(&mut test, hole);
    let quick = matches!(part, Part::Slice { .. }).then(|| quick(&test, hole)).flatten();
    let names_values = names_values(&test);
    let test = rows::by_itself(&test.to_string(), dialect, catalog)?;
    Ok(Question { value, part, test, quick, names_values })
}

fn names_values(test: &Expr) -> bool {
    match unnested(test) {
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => names_values(expr),
        Expr::BinaryOp { op, .. } => matches!(op, BinaryOperator::Eq | BinaryOperator::NotEq | BinaryOperator::Spaceship),
        Expr::InList { .. } => true,
        _ => false,
    }
}

fn quick(test: &Expr, hole: usize) -> Option<Quick> {
    let (code, compare, numbers) = match test {
        Expr::Nested(inner) => return quick(inner, hole),
        Expr::BinaryOp { left, op, right } => (left, compare(op)?, vec![&**right]),
        Expr::InList { expr, list, negated } => {
            (expr, if *negated { Compare::NoneOf } else { Compare::OneOf }, list.iter().collect())
        }
        _ => return None,
    };
    let Expr::Function(function) = unnested(code) else { return None };
    let of_the_part = matches!(arguments(function)[..], [argument] if is_place(unnested(argument), hole));
    let is_code = matches!(function.name.to_string().to_ascii_lowercase().as_str(), "ord" | "ascii" | "code_point" | "unicode");
    let places = numbers.into_iter().map(place_of).collect::<Option<Vec<_>>>()?;
    (of_the_part && is_code).then(|| Quick { code: format!("SELECT {function}"), compare, places })
}

fn compare(op: &BinaryOperator) -> Option<Compare> {
    Some(match op {
        BinaryOperator::Lt => Compare::Less,
        BinaryOperator::LtEq => Compare::LessOrEqual,
        BinaryOperator::Gt => Compare::Greater,
        BinaryOperator::GtEq => Compare::GreaterOrEqual,
        BinaryOperator::Eq => Compare::Equal,
        BinaryOperator::NotEq => Compare::NotEqual,
        _ => return None,
    })
}

fn unnested(expr: &Expr) -> &Expr {
    if let Expr::Nested(inner) = expr { unnested(inner) } else { expr }
}

fn place_of(expr: &Expr) -> Option<usize> {
    let Expr::Value(value) = unnested(expr) else { return None };
    let Value::Placeholder(place) = &value.value else { return None };
    place.trim_start_matches('?').parse().ok()
}

/// Finds the part of the value that a test sees; the part itself becomes the hole.
fn part(test: &mut Expr, hole: usize) -> Part {
    if holes(&*test, hole) != 1 {
        return Part::Whole;
    }
    let mut found = Part::Whole;
    let _ = visit_expressions_mut(test, |expr| {
        if holes(&*expr, hole) == 0 {
            return ControlFlow::Continue(());
        }
        if let Some(part) = part_of(expr, hole) {
            found = part;
            *expr = place(hole);
            return ControlFlow::Break(());
        }
        if passes_all(expr) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    found
}

/// What part an expression takes of the hole in it.
fn part_of(expr: &Expr, hole: usize) -> Option<Part> {
    match expr {
        Expr::Substring { expr: of, substring_from: Some(from), substring_for: Some(count), .. } if holes(&**of, hole) == 1 => {
            Some(slice(from, count))
        }
        Expr::Function(function) => {
            let name = function.name.to_string();
            match arguments(function)[..] {
                [of, from, count] if is_slice(&name) && holes(of, hole) == 1 => Some(slice(from, count)),
                [_] => is_length(&name).map(|bytes| Part::Length { bytes }),
                _ => None,
            }
        }
        _ => None,
    }
}

fn slice(from: &Expr, count: &Expr) -> Part {
    Part::Slice { from: format!("SELECT {from}"), count: format!("SELECT {count}") }
}

/// Expressions that hand a whole value on as it is, however they write it.
fn passes_all(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(_) | Expr::Cast { .. } | Expr::Collate { .. } | Expr::Value(_) => true,
        Expr::Function(function) => {
            matches!(function.name.to_string().to_ascii_lowercase().as_str(), "ifnull" | "coalesce" | "convert_text" | "concat")
        }
        _ => false,
    }
}

/// Whether an expression is true or false.
pub(super) fn is_test(expr: &Expr) -> bool {
    use BinaryOperator as Op;
    match expr {
        Expr::BinaryOp { op, .. } => matches!(
            op,
            Op::Eq | Op::NotEq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq | Op::Spaceship | Op::And | Op::Or | Op::Xor | Op::Regexp
        ),
        Expr::UnaryOp { op, .. } => *op == UnaryOperator::Not,
        Expr::InList { .. }
        | Expr::Between { .. }
        | Expr::Like { .. }
        | Expr::ILike { .. }
        | Expr::RLike { .. }
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsTrue(_)
        | Expr::IsFalse(_) => true,
        _ => false,
    }
}

pub(super) fn place(number: usize) -> Expr {
    Expr::value(Value::Placeholder(format!("?{number}")))
}

pub(super) fn is_place(expr: &Expr, number: usize) -> bool {
    matches!(expr, Expr::Value(value) if matches!(&value.value, Value::Placeholder(text) if *text == format!("?{number}")))
}

fn holes<T: sqlparser::ast::Visit>(tree: &T, hole: usize) -> usize {
    let mut count = 0;
    let _ = visit_expressions(tree, |expr| {
        count += usize::from(is_place(expr, hole));
        ControlFlow::<()>::Continue(())
    });
    count
}

/// Puts an expression in the place of the hole; it may hold the hole itself.
fn put(query: &mut Query, hole: usize, new: &Expr) {
    let _ = visit_expressions_mut(query, |expr| {
        if is_place(expr, hole) {
            *expr = new.clone();
        }
        ControlFlow::<()>::Continue(())
    });
}

#[cfg(test)]
mod tests {
    use kintsugi_find::{Column, Table};

    use super::{Part, plan};
    use crate::catalog::Catalog;
    use crate::dialect::Dialect;
    use crate::lexer::template;

    fn check(dialect: Dialect, sql: &str, expected: &str) {
        let column = |name: &str| Column { name: name.into(), meaning: None };
        let table = |id, name: &str, columns: &[&str]| Table {
            id,
            source: "shop".into(),
            name: name.into(),
            columns: columns.iter().map(|name| column(name)).collect(),
            key: vec![0],
            rows: 5,
            duplicates: 0,
            misshapen: 0,
            person: None,
            references: Vec::new(),
        };
        let catalog = Catalog::new(&[table(1, "cards", &["id", "pan", "exp"]), table(2, "orders", &["id"])], "shop");
        let template = template(sql, dialect).expect("the text can be read");
        let found = plan(&template.sql, template.literals.len(), dialect, &catalog).map(|plan| {
            let question = plan.question.map(|question| {
                let part = match question.part {
                    Part::Slice { from, .. } => format!("slice {from}"),
                    Part::Length { .. } => "length".into(),
                    Part::Whole => "whole".into(),
                };
                format!("{} | {part} | {}", question.value.value, question.test)
            });
            format!("{} | {}", question.unwrap_or_default(), plan.text)
        });
        assert_eq!(found.unwrap_or_else(|error| error), expected);
    }

    #[test]
    fn the_tree_tells_value_part_test_and_frame() {
        check(
            Dialect::MySql,
            "SELECT id FROM orders WHERE id='5' AND ORD(MID((SELECT IFNULL(CAST(`exp` AS CHAR CHARACTER SET utf8mb4),0x20) FROM shop.cards ORDER BY pan LIMIT 4,1),3,1)) IN (49,50) AND 'a'='a'",
            "ifnull(convert_text(\"cards\".\"exp\" COLLATE kintsugi_ci), ?2) | slice SELECT ?5 | SELECT ((kintsugi_compare(ord(?11), ?7) = 0) OR (kintsugi_compare(ord(?11), ?8) = 0)) | SELECT id FROM orders WHERE id = ?1 AND ?11 AND ?9 = ?10",
        );
        check(
            Dialect::Sqlite,
            "SELECT id FROM orders WHERE id='5' AND SUBSTR((SELECT COALESCE(CAST(COUNT(*) AS TEXT),CHAR(32)) FROM cards),1,1)>CHAR(52) AND 'a'='a'",
            "coalesce(convert_text(count(*)), char(?2)) | slice SELECT ?3 | SELECT (?8 > char(?5)) | SELECT id FROM orders WHERE id = ?1 AND ?8 AND ?6 = ?7",
        );
        check(
            Dialect::PostgreSql,
            "SELECT id FROM orders WHERE id='5' AND ASCII(SUBSTRING((SELECT COALESCE(CAST(pan AS TEXT)::text,(CHR(32))) FROM public.cards ORDER BY id OFFSET 1 LIMIT 1)::text FROM 8 FOR 1)) > 50",
            "coalesce(convert_text(convert_text(\"cards\".\"pan\")), (chr(?2))) | slice SELECT ?5 | SELECT (code_point(?8) > ?7) | SELECT id FROM orders WHERE id = ?1 AND ?8",
        );
        check(
            Dialect::Sqlite,
            "SELECT id FROM orders WHERE id='5' AND ((SELECT pan FROM cards LIMIT 3,1)=CHAR(52) OR (SELECT pan FROM cards LIMIT 3,1)='4')",
            "\"cards\".\"pan\" | whole | SELECT (((?8) = char(?4)) OR ((?8) = ?7)) | SELECT id FROM orders WHERE id = ?1 AND (?8)",
        );
        check(
            Dialect::PostgreSql,
            "SELECT id FROM orders WHERE id='5' AND EXISTS(SELECT 1 FROM cards WHERE id=7 AND ASCII(SUBSTR(pan,2,1))>52)",
            "\"cards\".\"pan\" | slice SELECT ?4 | SELECT (code_point(?7) > ?6) | SELECT id FROM orders WHERE id = ?1 AND (?7) IS TRUE",
        );
        check(
            Dialect::Sqlite,
            "SELECT id FROM orders WHERE id='5' AND (SELECT COUNT(*) FROM cards WHERE id=7 AND pan LIKE '4%')=1",
            "\"cards\".\"pan\" | whole | SELECT ((?5) LIKE ?3) | SELECT id FROM orders WHERE id = ?1 AND CASE WHEN (?5) IS TRUE THEN 1 ELSE 0 END = ?4",
        );
        check(
            Dialect::Sqlite,
            "SELECT id FROM orders WHERE id='5' AND (SELECT LENGTH(pan)>3 AND UNICODE(SUBSTR(pan,4,1))<53 FROM cards LIMIT 1 OFFSET 2)",
            "\"cards\".\"pan\" | whole | SELECT ((char_length((?8)) > ?2) AND (ord(mid((?8), ?3, ?4)) < ?5)) | SELECT id FROM orders WHERE id = ?1 AND (?8)",
        );
        check(
            Dialect::MySql,
            "SELECT id FROM orders WHERE id='5' AND (ORD(MID((SELECT pan FROM cards LIMIT 1),2,1))>>3)&1",
            "\"cards\".\"pan\" COLLATE kintsugi_ci | slice SELECT ?3 | SELECT ((CAST(((CAST(ord(?7) AS INTEGER) >> CAST(?5 AS INTEGER))) AS INTEGER) & CAST(?6 AS INTEGER))) IS TRUE | SELECT id FROM orders WHERE id = ?1 AND ?7",
        );
        check(
            Dialect::MySql,
            "SELECT id FROM orders WHERE id='5' AND (SELECT 7 FROM (SELECT(SLEEP(1-(IF((SELECT LENGTH(pan) FROM cards LIMIT 1)>9,0,1)))))x)",
            "\"cards\".\"pan\" COLLATE kintsugi_ci | length | SELECT (kintsugi_compare(((?8)), ?5) > 0) | SELECT id FROM orders WHERE id = ?1 AND (SELECT ?2 FROM (SELECT (SLEEP(?3 - (IF(?8, ?6, ?7)))) AS kintsugi_waited) x WHERE x.kintsugi_waited IS DISTINCT FROM 'never')",
        );
    }
}
