//! An expression of the server's dialect as one that SQLite answers alike, and what it carries: a cast, IFNULL, CONCAT or
//! HEX passes a cell on, SUBSTRING a part of it, COUNT or LENGTH only metadata, a condition one answer. What is not here is
//! not followed, and its statement is possible for everything it names.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, CaseWhen, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, TrimWhereField,
    UnaryOperator, Value,
};

use super::columns::{Carried, How};
use super::rewrite::{Level, Outcome, Rewriter, not_followed};
use crate::dialect::Dialect;
use crate::walk::visit_expressions;
use kintsugi_find::quoted;

/// A value in SQLite's words.
#[derive(Clone, Debug, Default)]
pub(super) struct Rendered {
    pub(super) sql: String,
    pub(super) carried: Carried,
}

impl Rendered {
    fn constant(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), carried: Carried::default() }
    }

    /// A call or operation over other values.
    pub(super) fn of(sql: String, pieces: &[(&Self, How)]) -> Self {
        let mut carried = Carried::default();
        pieces.iter().for_each(|(piece, how)| carried.add(&piece.carried, *how));
        Self { sql, carried }
    }
}

impl Rewriter<'_> {
    pub(super) fn render(&mut self, expr: &Expr, level: &mut Level<'_>) -> Outcome<Rendered> {
        self.within += 1;
        let rendered = self.rendered(expr, level);
        self.within -= 1;
        let mut rendered = rendered?;
        if self.words.are_native() && self.within == 0 {
            rendered.sql = crate::server::reading::expression(expr);
        }
        Ok(rendered)
    }

    fn rendered(&mut self, expr: &Expr, level: &mut Level<'_>) -> Outcome<Rendered> {
        match expr {
            Expr::Identifier(name) => self.name(None, name, level),
            Expr::CompoundIdentifier(names) => match names.as_slice() {
                [.., table, name] => self.name(Some(&table.value), name, level),
                _ => not_followed("a name without a column"),
            },
            Expr::Value(value) => constant(&value.value),
            Expr::Prefixed { value, .. } | Expr::Collate { expr: value, .. } => self.render(value, level),
            Expr::Nested(inner) => self.around("(", inner, ")", How::Whole, level),
            Expr::UnaryOp { op, expr } => self.unary(op, expr, level),
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right, level),
            Expr::Cast { expr, data_type, .. } => self.cast(expr, data_type, level),
            Expr::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref(), level)
            }
            Expr::Function(function) => self.function(function, level),
            Expr::Subquery(query) => self.scalar_subquery(query, level),
            Expr::Substring { expr, substring_from, substring_for, .. } => {
                self.substring(expr, substring_from.as_deref(), substring_for.as_deref(), level)
            }
            Expr::Trim { expr, trim_where, trim_what, .. } => self.trim(expr, *trim_where, trim_what.as_deref(), level),
            other => self.condition(other, level),
        }
    }

    /// An expression of which only an answer is seen.
    pub(super) fn question(&mut self, expr: &Expr, level: &mut Level<'_>) -> Outcome<Rendered> {
        self.questions += 1;
        let rendered = self.render(expr, level);
        self.questions -= 1;
        rendered
    }

    /// What answers a question at most.
    fn condition(&mut self, expr: &Expr, level: &mut Level<'_>) -> Outcome<Rendered> {
        let not = |negated: &bool| if *negated { "NOT " } else { "" };
        let sql = match expr {
            Expr::IsNull(inner) => return self.around("", inner, " IS NULL", How::Not, level),
            Expr::IsNotNull(inner) => return self.around("", inner, " IS NOT NULL", How::Not, level),
            Expr::IsTrue(inner) => return self.around("", inner, " IS TRUE", How::Not, level),
            Expr::IsNotTrue(inner) => return self.around("", inner, " IS NOT TRUE", How::Not, level),
            Expr::IsFalse(inner) => return self.around("", inner, " IS FALSE", How::Not, level),
            Expr::IsNotFalse(inner) => return self.around("", inner, " IS NOT FALSE", How::Not, level),
            Expr::IsDistinctFrom(one, other) | Expr::IsNotDistinctFrom(one, other) => {
                let same = if matches!(expr, Expr::IsDistinctFrom(..)) { "IS NOT" } else { "IS" };
                format!("({} {same} {})", self.render(one, level)?.sql, self.render(other, level)?.sql)
            }
            Expr::InList { expr, list, negated } => {
                let equal =
                    |one: &Expr| Expr::BinaryOp { left: expr.clone(), op: BinaryOperator::Eq, right: Box::new(one.clone()) };
                let each = list.iter().map(|one| Ok(self.render(&equal(one), level)?.sql)).collect::<Outcome<Vec<_>>>()?;
                format!("{}({})", not(negated), if each.is_empty() { "0".into() } else { each.join(" OR ") })
            }
            Expr::Between { expr, negated, low, high } => {
                let side = |op, to: &Expr| Expr::BinaryOp { left: expr.clone(), op, right: Box::new(to.clone()) };
                let low = self.render(&side(BinaryOperator::GtEq, low), level)?.sql;
                let high = self.render(&side(BinaryOperator::LtEq, high), level)?.sql;
                format!("{}({low} AND {high})", not(negated))
            }
            Expr::Like { negated, any: false, expr, pattern, escape_char: None } => {
                let kind = if self.dialect == Dialect::PostgreSql { "exact" } else { "any case" };
                self.like(expr, pattern, kind, *negated, level)?
            }
            Expr::ILike { negated, any: false, expr, pattern, escape_char: None } => {
                self.like(expr, pattern, "any case", *negated, level)?
            }
            Expr::RLike { negated, expr, pattern, .. } => {
                let (text, pattern) = (self.render(expr, level)?.sql, self.render(pattern, level)?.sql);
                matching(&text, &pattern, true, not(negated))
            }
            Expr::Position { expr, r#in } => {
                let (piece, text) = (self.render(expr, level)?.sql, self.render(r#in, level)?.sql);
                format!("kintsugi_locate({piece}, {text}, 1)")
            }
            Expr::InSubquery { expr, subquery, negated } => {
                let tested = self.render(expr, level)?.sql;
                format!("{tested} {}IN ({})", not(negated), self.condition_subquery(subquery, level)?)
            }
            Expr::Exists { subquery, negated } => {
                format!("{}EXISTS ({})", not(negated), self.condition_subquery(subquery, level)?)
            }
            Expr::Tuple(all) => {
                let all = all.iter().map(|one| Ok(self.render(one, level)?.sql)).collect::<Outcome<Vec<_>>>()?;
                format!("({})", all.join(", "))
            }
            other => return self.as_written(other, level),
        };
        Ok(Rendered::constant(sql))
    }

    /// What has no arm of its own is left to SQLite as it stands; of the columns it names, a part may be passed on.
    fn as_written(&mut self, expr: &Expr, level: &mut Level<'_>) -> Outcome<Rendered> {
        let mut rendered = Rendered::constant(expr.to_string());
        let mut names = Vec::new();
        let found = visit_expressions(expr, |inner| match inner {
            Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => ControlFlow::Break(()),
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {
                names.push(inner.clone());
                ControlFlow::Continue(())
            }
            _ => ControlFlow::Continue(()),
        });
        if found.is_break() {
            return not_followed("an expression around a subquery");
        }
        for name in names {
            rendered.carried.add(&self.render(&name, level)?.carried, How::Part);
        }
        Ok(rendered)
    }

    fn like(&mut self, text: &Expr, pattern: &Expr, kind: &str, negated: bool, level: &mut Level<'_>) -> Outcome<String> {
        let (text, pattern) = (self.render(text, level)?.sql, self.render(pattern, level)?.sql);
        let not = if negated { "NOT " } else { "" };
        Ok(if self.dialect == Dialect::Sqlite {
            format!("({text} {not}LIKE {pattern})")
        } else {
            format!("({not}kintsugi_like({text}, {pattern}, '{kind}'))")
        })
    }

    fn around(&mut self, before: &str, inner: &Expr, after: &str, how: How, level: &mut Level<'_>) -> Outcome<Rendered> {
        let inner = self.render(inner, level)?;
        Ok(Rendered::of(format!("{before}{}{after}", inner.sql), &[(&inner, how)]))
    }

    fn name(&mut self, table: Option<&str>, name: &Ident, level: &Level<'_>) -> Outcome<Rendered> {
        if let Some((item, column)) = level.find(table, &name.value) {
            let sql = format!("{}.{}", quoted(&item.alias), quoted(&column.sql_name));
            let ordered = if self.dialect == Dialect::MySql && !column.key { " COLLATE kintsugi_ci" } else { "" };
            return Ok(Rendered { sql: format!("{sql}{ordered}"), carried: column.carried.clone() });
        }
        match name.value.to_ascii_lowercase().as_str() {
            row @ ("rowid" | "_rowid_" | "oid") if self.dialect == Dialect::Sqlite => match level.place(table) {
                Some(place) => Ok(Rendered::constant(place)),
                None => not_followed(&format!("the name {row}")),
            },
            "current_user" | "session_user" | "user" | "current_database" | "current_schema" | "current_date"
            | "current_timestamp" | "localtime" => Ok(self.unknown_text()),
            name if name.starts_with('@') => Ok(self.unknown_text()),
            name if self.dialect == Dialect::PostgreSql && self.questions == 0 && !level.is_bare() => system_column(name)
                .filter(|_| !self.words.are_native())
                .map_or_else(|| not_followed(&format!("the name {name}")), |(least, most)| Ok(self.open_text(least, most))),
            name => not_followed(&format!("the name {name}")),
        }
    }

    /// A text that is nobody's data, and as long as one of these two or between.
    fn open_text(&mut self, least: &str, most: &str) -> Rendered {
        self.open_text = true;
        Rendered::constant(format!("(SELECT CASE side WHEN 2 THEN '{most}' ELSE '{least}' END FROM kintsugi_side)"))
    }

    /// What the server says of itself: nobody's data, but of unknown length.
    fn unknown_text(&mut self) -> Rendered {
        self.unknown_text = true;
        Rendered::constant("''")
    }

    fn unary(&mut self, op: &UnaryOperator, inner: &Expr, level: &mut Level<'_>) -> Outcome<Rendered> {
        match op {
            UnaryOperator::Plus => self.render(inner, level),
            UnaryOperator::Minus => self.around("-(", inner, ")", How::Whole, level),
            UnaryOperator::Not | UnaryOperator::BangNot => self.around("(NOT ", inner, ")", How::Not, level),
            _ => not_followed("an operator"),
        }
    }

    fn binary(&mut self, left: &Expr, op: &BinaryOperator, right: &Expr, level: &mut Level<'_>) -> Outcome<Rendered> {
        use BinaryOperator::{
            And, BitwiseAnd, BitwiseOr, BitwiseXor, Divide, Eq, Gt, GtEq, Lt, LtEq, Minus, Modulo, Multiply, MyIntegerDivide,
            NotEq, Or, PGBitwiseShiftLeft, PGBitwiseShiftRight, PGBitwiseXor, PGRegexIMatch, PGRegexMatch, PGRegexNotIMatch,
            PGRegexNotMatch, Plus, Regexp, Spaceship, StringConcat, Xor,
        };
        // MySQL compares text of either case as equal: where no key's index is to serve, that has to be said.
        let plain = !level.is_bare() && is_plain(left) && is_plain(right);
        let (left, right) = (self.render(left, level)?, self.render(right, level)?);
        let (how, sql) = match op {
            StringConcat => (How::Whole, format!("({} || {})", left.sql, right.sql)),
            Plus | Minus | Multiply | Modulo => (How::Whole, format!("({} {op} {})", left.sql, right.sql)),
            Divide if self.dialect == Dialect::MySql => (How::Part, format!("({} * 1.0 / {})", left.sql, right.sql)),
            Divide if self.dialect == Dialect::PostgreSql => {
                (How::Part, format!("({} / kintsugi_divisor({}))", left.sql, right.sql))
            }
            Divide => (How::Part, format!("({} / {})", left.sql, right.sql)),
            MyIntegerDivide => (How::Part, format!("CAST({} / {} AS INTEGER)", left.sql, right.sql)),
            BitwiseAnd | BitwiseOr | PGBitwiseShiftLeft | PGBitwiseShiftRight => {
                (How::Part, format!("(CAST({} AS INTEGER) {op} CAST({} AS INTEGER))", left.sql, right.sql))
            }
            BitwiseXor | PGBitwiseXor if self.dialect != Dialect::Sqlite => {
                let (one, other) = (format!("CAST({} AS INTEGER)", left.sql), format!("CAST({} AS INTEGER)", right.sql));
                (How::Part, format!("(({one} | {other}) - ({one} & {other}))"))
            }
            Regexp | PGRegexMatch | PGRegexIMatch | PGRegexNotMatch | PGRegexNotIMatch if self.dialect != Dialect::Sqlite => {
                let any_case = matches!(op, Regexp | PGRegexIMatch | PGRegexNotIMatch);
                let not = if matches!(op, PGRegexNotMatch | PGRegexNotIMatch) { "NOT " } else { "" };
                (How::Not, matching(&left.sql, &right.sql, any_case, not))
            }
            And | Or => (How::Not, format!("({} {op} {})", left.sql, right.sql)),
            Xor => (How::Not, format!("(({} IS TRUE) <> ({} IS TRUE))", left.sql, right.sql)),
            Spaceship => (How::Not, format!("({} IS {})", left.sql, right.sql)),
            Eq | NotEq | Lt | LtEq | Gt | GtEq if self.dialect == Dialect::MySql && !plain => {
                (How::Not, format!("(kintsugi_compare({}, {}) {op} 0)", left.sql, right.sql))
            }
            Eq | NotEq | Lt | LtEq | Gt | GtEq => (How::Not, format!("({} {op} {})", left.sql, right.sql)),
            _ => return not_followed("an operator"),
        };
        Ok(Rendered::of(sql, &[(&left, how), (&right, how)]))
    }

    fn cast(&mut self, inner: &Expr, to: &DataType, level: &mut Level<'_>) -> Outcome<Rendered> {
        let value = self.render(inner, level)?;
        let name = to.to_string().to_ascii_uppercase();
        let kind = name.split(['(', ' ']).next().unwrap_or_default();
        let size: Option<u64> = name.split(['(', ')']).nth(1).and_then(|size| size.trim().parse().ok());
        let (how, sql) = match kind {
            "CHAR" | "CHARACTER" | "NCHAR" | "NVARCHAR" | "VARCHAR" | "TEXT" | "BINARY" | "BPCHAR" | "NAME" | "CLOB" => {
                let text = format!("convert_text({})", value.sql);
                // A length cuts the value; one that no value has does not.
                match size {
                    Some(size) => (if size < 255 { How::Part } else { How::Whole }, format!("left({text}, {size})")),
                    None => (How::Whole, text),
                }
            }
            "INT" | "INTEGER" | "BIGINT" | "SMALLINT" | "SIGNED" | "UNSIGNED" | "INT4" | "INT8" | "TINYINT" => {
                (How::Whole, format!("CAST({} AS INTEGER)", value.sql))
            }
            "NUMERIC" | "DECIMAL" | "DOUBLE" | "REAL" | "FLOAT" => (How::Part, format!("CAST({} AS NUMERIC)", value.sql)),
            _ => return not_followed("a cast"),
        };
        Ok(Rendered::of(sql, &[(&value, how)]))
    }

    fn case(
        &mut self,
        operand: Option<&Expr>,
        conditions: &[CaseWhen],
        otherwise: Option<&Expr>,
        level: &mut Level<'_>,
    ) -> Outcome<Rendered> {
        let mut case = Rendered::constant("CASE");
        for when in conditions {
            let tested = operand.map(|operand| Expr::BinaryOp {
                left: Box::new(operand.clone()),
                op: BinaryOperator::Eq,
                right: Box::new(when.condition.clone()),
            });
            let condition = self.question(tested.as_ref().unwrap_or(&when.condition), level)?;
            let result = self.render(&when.result, level)?;
            case.sql.push_str(&format!(" WHEN {} THEN {}", condition.sql, result.sql));
            case.carried.add(&result.carried, How::Whole);
        }
        if let Some(otherwise) = otherwise {
            let result = self.render(otherwise, level)?;
            case.sql.push_str(&format!(" ELSE {}", result.sql));
            case.carried.add(&result.carried, How::Whole);
        }
        case.sql.push_str(" END");
        Ok(case)
    }

    fn substring(&mut self, text: &Expr, from: Option<&Expr>, count: Option<&Expr>, level: &mut Level<'_>) -> Outcome<Rendered> {
        let text = self.render(text, level)?;
        let from = from.map_or(Ok("1".into()), |from| self.render(from, level).map(|from| from.sql))?;
        let count = count.map_or(Ok("2147483647".into()), |count| self.render(count, level).map(|count| count.sql))?;
        Ok(Rendered::of(format!("mid({}, {from}, {count})", text.sql), &[(&text, How::Part)]))
    }

    fn trim(
        &mut self,
        text: &Expr,
        side: Option<TrimWhereField>,
        what: Option<&Expr>,
        level: &mut Level<'_>,
    ) -> Outcome<Rendered> {
        let name = match side {
            None | Some(TrimWhereField::Both) => "trim",
            Some(TrimWhereField::Leading) => "ltrim",
            Some(TrimWhereField::Trailing) => "rtrim",
        };
        let text = self.render(text, level)?;
        let what = what.map_or(Ok(String::new()), |what| self.render(what, level).map(|what| format!(", {}", what.sql)))?;
        Ok(Rendered::of(format!("{name}({}{what})", text.sql), &[(&text, How::Whole)]))
    }

    fn function(&mut self, function: &Function, level: &mut Level<'_>) -> Outcome<Rendered> {
        let name = name_of(function);
        if super::aggregate::is_aggregate(function, self.dialect) {
            return self.aggregate(function, level);
        }
        if let Some(row) = self.row_of(function, level)? {
            return Ok(row);
        }
        if function.over.is_some() {
            return not_followed("a window function");
        }
        if self.dialect == Dialect::PostgreSql && super::xml::makes_xml(&name) {
            return self.xml(function, level);
        }
        if is_about_the_server(&name) {
            return Ok(self.unknown_text());
        }
        let arguments = arguments(function);
        // A function that SQLite does not know fails there, and the statement is not followed.
        let (called, hows) = call(&name, self.dialect, arguments.len()).unwrap_or((name, &[How::Part]));
        let asks = |at: usize| hows.get(at).or(hows.last()) == Some(&How::Not) && matches!(called.as_str(), "if" | "elt");
        let arguments = arguments
            .into_iter()
            .enumerate()
            .map(|(at, argument)| if asks(at) { self.question(argument, level) } else { self.render(argument, level) });
        let arguments = arguments.collect::<Outcome<Vec<_>>>()?;
        let list: Vec<&str> = arguments.iter().map(|argument| argument.sql.as_str()).collect();
        let how = |at: usize| *hows.get(at).or(hows.last()).unwrap_or(&How::Whole);
        let pieces: Vec<(&Rendered, How)> = arguments.iter().enumerate().map(|(at, argument)| (argument, how(at))).collect();
        Ok(Rendered::of(format!("{called}({})", list.join(", ")), &pieces))
    }
}

/// SQLite's name of a function and how its arguments pass through it; the last one holds for all that follow.
fn call(name: &str, dialect: Dialect, arguments: usize) -> Option<(String, &'static [How])> {
    use How::{Not, Part, Whole};
    let sqlite_counts_characters = dialect != Dialect::MySql;
    let found: (&str, &'static [How]) = match name {
        "concat" if dialect != Dialect::MySql => ("concat_present", &[Whole]),
        "concat" | "concat_ws" | "ifnull" | "coalesce" | "nullif" | "nvl" | "greatest" | "least" | "convert_text" | "reverse"
        | "to_base64" | "unhex" | "from_base64" | "replace" | "rtrim" | "ltrim" | "trim" | "btrim" | "json_quote"
        | "json_object" | "json_array" | "lpad" | "rpad" => (name, &[Whole]),
        "quote" | "hex" if dialect == Dialect::Sqlite => (name, &[Whole]),
        "quote" => ("mysql_quote", &[Whole]),
        "hex" => ("mysql_hex", &[Whole]),
        "quote_literal" => ("pg_quote", &[Whole]),
        // Case is lost: what arrives is the value but for it.
        "lower" | "lcase" => ("lower", &[Part]),
        "upper" | "ucase" => ("upper", &[Part]),
        "if" | "iif" => ("if", &[Not, Whole]),
        "elt" => ("elt", &[Not, Whole]),
        "substr" | "substring" | "mid" if arguments == 3 => ("mid", &[Part]),
        "substr" | "substring" if arguments == 2 => ("mid_to_end", &[Part]),
        "left" | "right" => (name, &[Part, Not]),
        "ascii" if dialect == Dialect::PostgreSql => ("code_point", &[Part]),
        "pg_sleep" => ("sleep", &[Not]),
        "sleep" | "benchmark" | "wait_series" | "wait_blob" => (name, &[Not]),
        "ord" | "ascii" | "unicode" | "md5" | "sha1" | "sha2" | "crc32" => {
            (if name == "unicode" { "ord" } else { name }, &[Part])
        }
        "char" if dialect == Dialect::MySql => ("mysql_char", &[Whole]),
        "char" => ("char", &[Whole]),
        "chr" => ("chr", &[Whole]),
        "repeat" | "space" => (name, &[Whole, Not]),
        "length" if sqlite_counts_characters => ("char_length", &[Not]),
        "length" | "char_length" | "character_length" | "octet_length" | "bit_length" => (name, &[Not]),
        "instr" | "strpos" if arguments == 2 => ("kintsugi_instr", &[Not]),
        "locate" | "position" => ("kintsugi_locate", &[Not]),
        "isnull" | "mod" | "sign" | "find_in_set" | "strcmp" | "kintsugi_fail" => (name, &[Not]),
        "conv" => (name, &[Part]),
        "encode" | "convert_to" if dialect == Dialect::PostgreSql => (name, &[Whole]),
        "floor" | "ceil" | "ceiling" | "round" | "abs" => (name, &[Part]),
        _ => return None,
    };
    Some((found.0.to_owned(), found.1))
}

/// Functions that tell of the server, the time or chance: no cell of the snapshot, and text that nobody can predict.
fn is_about_the_server(name: &str) -> bool {
    const NAMES: [&str; 22] = [
        "database",
        "schema",
        "version",
        "user",
        "current_user",
        "session_user",
        "system_user",
        "current_database",
        "current_schema",
        "current_schemas",
        "current_setting",
        "pg_backend_pid",
        "connection_id",
        "last_insert_id",
        "now",
        "sysdate",
        "rand",
        "random",
        "uuid",
        "sqlite_version",
        "inet_server_addr",
        "load_file",
    ];
    NAMES.contains(&name)
}

fn matching(text: &str, pattern: &str, any_case: bool, not: &str) -> String {
    format!("({not}kintsugi_matches({text}, {pattern}, {}))", u8::from(any_case))
}

fn constant(value: &Value) -> Outcome<Rendered> {
    match value {
        Value::Placeholder(place) => Ok(Rendered::constant(place.clone())),
        Value::Number(number, _) => Ok(Rendered::constant(number.to_string())),
        Value::SingleQuotedString(text) => Ok(Rendered::constant(format!("'{}'", text.replace('\'', "''")))),
        Value::Null => Ok(Rendered::constant("NULL")),
        Value::Boolean(yes) => Ok(Rendered::constant(if *yes { "1" } else { "0" })),
        _ => not_followed("a constant"),
    }
}

/// Whether a comparison needs none of MySQL's coercions: names and numbers compared as they stand use the key's index.
fn is_plain(expr: &Expr) -> bool {
    match expr {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => true,
        Expr::Nested(inner) => is_plain(inner),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => is_plain(expr),
        Expr::Value(value) => matches!(value.value, Value::Placeholder(_) | Value::Number(..)),
        _ => false,
    }
}

pub(super) fn name_of(function: &Function) -> String {
    let name = function.name.to_string().to_ascii_lowercase();
    name.rsplit('.').next().unwrap_or_default().trim_matches(['"', '`']).to_owned()
}

/// The expressions among a call's arguments.
pub(super) fn arguments(function: &Function) -> Vec<&Expr> {
    let FunctionArguments::List(list) = &function.args else { return Vec::new() };
    let all = list.args.iter().filter_map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    });
    all.collect()
}

/// PostgreSQL's own columns of every row (`SELECT *` leaves them out, tools that list `pg_attribute` do not): where it stands,
/// and which transactions wrote it. The shortest and the longest that they are in a database of ordinary age; where one is
/// longer, the page will not fit.
///
/// <https://www.postgresql.org/docs/current/ddl-system-columns.html>
fn system_column(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "cmin" | "cmax" => ("0", "999"),
        "xmin" => ("100", "99999999"),
        "xmax" => ("0", "99999999"),
        "tableoid" => ("16384", "999999"),
        "ctid" => ("(0,1)", "(99999,999)"),
        _ => return None,
    })
}
