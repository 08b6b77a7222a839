//! Which columns an output expression carries: a cast, IFNULL, CONCAT or HEX passes a cell on, SUBSTRING a part of it,
//! COUNT or LENGTH only metadata, a condition one answer.

use kintsugi_case::ColumnSet;
use sqlparser::ast::{BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident};

/// The tables of a FROM clause, by the names under which expressions know them.
pub(crate) struct Names<'a> {
    /// Alias, and the columns of the table behind it (none for a derived table of constants).
    pub(crate) items: Vec<(String, Vec<&'a str>)>,
}

/// For each FROM item, the columns carried whole and in part.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Carried {
    /// Whole values.
    pub(crate) whole: Vec<ColumnSet>,
    /// Parts of values, or what nobody can tell.
    pub(crate) part: Vec<ColumnSet>,
}

#[derive(Clone, Copy, PartialEq)]
enum How {
    Whole,
    Part,
    Not,
}

impl Names<'_> {
    /// Adds what the expression carries.
    pub(crate) fn carried(&self, expr: &Expr, carried: &mut Carried) {
        carried.whole.resize(self.items.len(), ColumnSet::default());
        carried.part.resize(self.items.len(), ColumnSet::default());
        self.walk(expr, How::Whole, carried);
    }

    fn walk(&self, expr: &Expr, how: How, carried: &mut Carried) {
        match expr {
            Expr::Identifier(name) => self.column(None, name, how, carried),
            Expr::CompoundIdentifier(names) => {
                if let [.., table, name] = names.as_slice() {
                    self.column(Some(&table.value), name, how, carried);
                }
            }
            Expr::Nested(inner) | Expr::Cast { expr: inner, .. } | Expr::Collate { expr: inner, .. } => {
                self.walk(inner, how, carried)
            }
            Expr::UnaryOp { expr: inner, .. } => self.walk(inner, how, carried),
            Expr::Trim { expr: inner, .. } => self.walk(inner, how, carried),
            Expr::BinaryOp { left, op, right } => {
                let how = if passes(op) { how } else { How::Not };
                self.walk(left, how, carried);
                self.walk(right, how, carried);
            }
            Expr::Substring { expr: inner, .. } => self.walk(inner, part(how), carried),
            Expr::Case { operand: _, conditions, else_result, .. } => {
                let results = conditions.iter().map(|when| &when.result).chain(else_result.as_deref());
                results.for_each(|result| self.walk(result, how, carried));
            }
            Expr::Function(function) => self.function(function, how, carried),
            // Anything else answers a question at most: IS NULL, IN, BETWEEN, LIKE, EXISTS; subqueries are opened before.
            _ => {}
        }
    }

    fn function(&self, function: &Function, how: How, carried: &mut Carried) {
        let name = function.name.to_string().to_ascii_lowercase();
        let arguments = arguments(function);
        let how = match name.as_str() {
            "count" | "length" | "char_length" | "character_length" | "octet_length" | "sum" | "avg" | "isnull" => return,
            "if" | "iif" => {
                arguments.iter().skip(1).for_each(|argument| self.walk(argument, how, carried));
                return;
            }
            "substr" | "mid" | "left" | "right" | "ord" | "ascii" | "min" | "max" => part(how),
            "concat" | "concat_ws" | "ifnull" | "coalesce" | "nullif" | "hex" | "lower" | "upper" | "lcase" | "ucase"
            | "trim" | "convert_text" | "json_arrayagg" | "group_concat" | "quote" | "to_base64" | "replace" | "char"
            | "unhex" => how,
            _ => part(how),
        };
        arguments.into_iter().for_each(|argument| self.walk(argument, how, carried));
    }

    fn column(&self, table: Option<&str>, name: &Ident, how: How, carried: &mut Carried) {
        for (at, (alias, columns)) in self.items.iter().enumerate() {
            if table.is_some_and(|table| !table.eq_ignore_ascii_case(alias)) {
                continue;
            }
            let Some(column) = columns.iter().position(|column| column.eq_ignore_ascii_case(&name.value)) else { continue };
            let set = match how {
                How::Whole => &mut carried.whole[at],
                How::Part => &mut carried.part[at],
                How::Not => return,
            };
            *set = set.with(column.min(63));
            return;
        }
    }
}

fn part(how: How) -> How {
    if how == How::Not { How::Not } else { How::Part }
}

fn passes(op: &BinaryOperator) -> bool {
    use BinaryOperator::{BitwiseXor, Divide, Minus, Multiply, Plus, StringConcat};
    matches!(op, StringConcat | Plus | Minus | Multiply | Divide | BitwiseXor)
}

/// The expressions among a call's arguments.
pub(crate) fn arguments(function: &Function) -> Vec<&Expr> {
    let FunctionArguments::List(list) = &function.args else { return Vec::new() };
    let expression = |argument: &'_ FunctionArg| matches!(argument, FunctionArg::Unnamed(FunctionArgExpr::Expr(_)));
    let all = list.args.iter().filter(|argument| expression(argument));
    all.filter_map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use sqlparser::{dialect::MySqlDialect, parser::Parser};

    use super::{Carried, Names};

    fn check(expr: &str, whole: &str, part: &str) {
        let names = Names { items: vec![("t".into(), vec!["a", "b", "c"])] };
        let parsed = Parser::new(&MySqlDialect {}).try_with_sql(expr).and_then(|mut parser| parser.parse_expr());
        let mut carried = Carried::default();
        names.carried(&parsed.expect("an expression"), &mut carried);
        let named = |set: kintsugi_case::ColumnSet| set.iter().map(|at| ["a", "b", "c"][at]).collect::<String>();
        assert_eq!((named(carried.whole[0]), named(carried.part[0])), (whole.to_owned(), part.to_owned()), "{expr}");
    }

    #[test]
    fn what_an_expression_carries() {
        check("CONCAT(?1, IFNULL(CAST(a AS CHAR), ?2), b)", "ab", "");
        check("CONCAT(COUNT(*), LENGTH(a))", "", "");
        check("MID(t.a, 1, 1)", "", "a");
        check("CASE WHEN a > 1 THEN b ELSE 0 END", "b", "");
        check("a = 1", "", "");
        check("IF(a = 1, c, b)", "bc", "");
        check("strange(a)", "", "a");
    }
}
