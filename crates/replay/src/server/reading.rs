//! What may be run on a restored server: one query that reads the snapshot's tables with functions known to do nothing but
//! compute. Everything else is evaluated on SQLite or stays possible; an intruder's write, wait or file never runs again.
//! This is the first of three walls: the session is read-only, and the role can only read.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Function, Ident, ObjectName, ObjectNamePart, Query, Select, SetExpr, TableFactor, Visit, VisitMut, Visitor, VisitorMut,
};

use crate::dialect::Dialect;

/// Functions that compute from what they are given, and do nothing else.
const FUNCTIONS: &[&str] = &[
    "abs",
    "array_agg",
    "array_to_string",
    "ascii",
    "avg",
    "bit_length",
    "btrim",
    "ceil",
    "ceiling",
    "char",
    "char_length",
    "character_length",
    "chr",
    "coalesce",
    "concat",
    "concat_ws",
    "conv",
    "convert_text",
    "count",
    "crc32",
    "date",
    "date_format",
    "elt",
    "encode",
    "export_set",
    "field",
    "find_in_set",
    "floor",
    "format",
    "from_base64",
    "greatest",
    "group_concat",
    "hex",
    "if",
    "ifnull",
    "initcap",
    "insert",
    "instr",
    "isnull",
    "json_agg",
    "json_array",
    "json_arrayagg",
    "json_object",
    "json_quote",
    "lcase",
    "least",
    "left",
    "length",
    "locate",
    "lower",
    "lpad",
    "ltrim",
    "make_set",
    "max",
    "md5",
    "mid",
    "min",
    "mod",
    "nullif",
    "nvl",
    "octet_length",
    "ord",
    "position",
    "quote",
    "quote_literal",
    "quote_nullable",
    "replace",
    "reverse",
    "right",
    "round",
    "rpad",
    "rtrim",
    "sign",
    "space",
    "split_part",
    "string_agg",
    "strpos",
    "substr",
    "substring",
    "substring_index",
    "sum",
    "to_base64",
    "to_char",
    "to_hex",
    "translate",
    "trim",
    "ucase",
    "unhex",
    "upper",
    "xmlagg",
];
/// Schemas of the server itself.
const SYSTEM: [&str; 6] = ["information_schema", "mysql", "performance_schema", "sys", "pg_catalog", "pg_toast"];

/// Whether a text may be run; the error says what in it may not.
pub(crate) fn check(sql: &str, dialect: Dialect) -> Result<(), String> {
    let query = crate::rows::query(sql, dialect)?;
    match Visit::visit(&query, &mut Wall) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(what) => Err(format!("{what} is not run on a restored server")),
    }
}

/// A name as this server quotes it.
pub(crate) fn quoted(name: &str, dialect: Dialect) -> String {
    match dialect {
        Dialect::MySql => format!("`{}`", name.replace('`', "``")),
        Dialect::PostgreSql | Dialect::Sqlite => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

/// An expression in the server's own words: names without their schema, as the dump is restored under any; what the lexer
/// wrote for SQLite written back.
pub(crate) fn expression(expr: &Expr) -> String {
    let mut own = expr.clone();
    let _ = VisitMut::visit(&mut own, &mut Own);
    own.to_string()
}

struct Own;

impl VisitorMut for Own {
    type Break = ();

    fn pre_visit_relation(&mut self, name: &mut ObjectName) -> ControlFlow<()> {
        name.0.drain(..name.0.len().saturating_sub(1));
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::CompoundIdentifier(names) if names.len() > 2 => {
                names.drain(..names.len() - 2);
            }
            Expr::Function(function) => written_back(function),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// `convert_text(x)` is what the lexer made of `CONVERT(x USING …)`, `code_point(x)` what `plain` made of ASCII.
fn written_back(function: &mut Function) {
    let own = match name_of(&function.name).as_str() {
        "convert_text" => "concat",
        "code_point" => "ascii",
        _ => return,
    };
    function.name = ObjectName(vec![ObjectNamePart::Identifier(Ident::new(own))]);
}

fn name_of(name: &ObjectName) -> String {
    let text = name.to_string().to_ascii_lowercase();
    text.strip_prefix("pg_catalog.").unwrap_or(&text).to_owned()
}

struct Wall;

impl Wall {
    fn stop(what: &str) -> ControlFlow<String> {
        ControlFlow::Break(what.to_owned())
    }
}

impl Visitor for Wall {
    type Break = String;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<String> {
        if !query.locks.is_empty() || query.for_clause.is_some() {
            return Self::stop("a lock");
        }
        if query.with.as_ref().is_some_and(|with| with.recursive) {
            return Self::stop("WITH RECURSIVE");
        }
        if query.settings.is_some() || query.format_clause.is_some() || !query.pipe_operators.is_empty() {
            return Self::stop("a clause");
        }
        match query.body.as_ref() {
            SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::SetOperation { .. } => ControlFlow::Continue(()),
            _ => Self::stop("a statement that is no SELECT"),
        }
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<String> {
        if select.into.is_some() || !select.lateral_views.is_empty() {
            return Self::stop("a statement that writes");
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<String> {
        match factor {
            TableFactor::Table { args: Some(_), .. } => Self::stop("a table that is a call"),
            TableFactor::Table { .. } | TableFactor::Derived { lateral: false, .. } | TableFactor::NestedJoin { .. } => {
                ControlFlow::Continue(())
            }
            _ => Self::stop("a FROM item"),
        }
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<String> {
        let text = name.to_string().to_ascii_lowercase().replace(['"', '`'], "");
        let schema = text.split_once('.').map(|(schema, _)| schema);
        if schema.is_some_and(|schema| SYSTEM.contains(&schema)) || text.starts_with("pg_") {
            return Self::stop("a table of the server's own");
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<String> {
        match expr {
            Expr::Function(function) => {
                let name = name_of(&function.name);
                if FUNCTIONS.contains(&name.as_str()) {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(format!("the function {}", name.chars().take(40).collect::<String>()))
                }
            }
            Expr::Identifier(name) if name.value.starts_with('@') => Self::stop("a variable"),
            Expr::CompoundIdentifier(names) if names.first().is_some_and(|name| name.value.starts_with('@')) => {
                Self::stop("a variable")
            }
            Expr::MatchAgainst { .. } => Self::stop("a full-text search"),
            _ => ControlFlow::Continue(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::dialect::Dialect::{self, MySql, PostgreSql};

    fn refused(sql: &str, dialect: Dialect) {
        assert!(check(sql, dialect).is_err(), "{sql}");
    }

    #[test]
    fn only_queries_that_read_are_run() {
        for sql in [
            "SELECT name, id FROM customers ORDER BY name",
            "SELECT COALESCE(CAST(pan AS CHAR), '') FROM (SELECT pan FROM cards ORDER BY id LIMIT 3, 1) x",
            "SELECT CONCAT(0x71, (SELECT HEX(name) FROM customers LIMIT 1), 0x71), id FROM items WHERE id IN (SELECT 1)",
        ] {
            assert_eq!(check(sql, MySql), Ok(()), "{sql}");
        }
        assert_eq!(check("SELECT CHR(113) || name::text, id FROM public.customers ORDER BY 1 OFFSET 2", PostgreSql), Ok(()));
    }

    #[test]
    fn what_writes_waits_or_reads_elsewhere_is_not() {
        for sql in [
            "SELECT name FROM customers INTO OUTFILE '/tmp/x'",
            "SELECT name FROM customers INTO DUMPFILE '/tmp/x'",
            "SELECT name FROM customers FOR UPDATE",
            "SELECT name FROM customers LOCK IN SHARE MODE",
            "SELECT LOAD_FILE('/etc/passwd')",
            "SELECT name FROM customers WHERE SLEEP(5)",
            "SELECT BENCHMARK(1000000, MD5(1))",
            "SELECT GET_LOCK('a', 5)",
            "SELECT name FROM customers; DELETE FROM customers",
            "DELETE FROM customers",
            "SELECT shop.charge_card(1)",
            "SELECT @a := name FROM customers",
            "SELECT @@version",
            "SELECT user FROM mysql.user",
            "SELECT table_name FROM information_schema.tables",
        ] {
            refused(sql, MySql);
        }
        for sql in [
            "SELECT pg_read_file('/etc/passwd')",
            "SELECT pg_catalog.pg_sleep(5)",
            "SELECT * FROM pg_sleep(5)",
            "SELECT * FROM dblink('host=x', 'SELECT 1') AS t(a int)",
            "SELECT lo_import('/etc/passwd')",
            "SELECT query_to_xml('DELETE FROM x', true, true, '')",
            "SELECT set_config('transaction_read_only', 'off', false)",
            "SELECT nextval('s')",
            "COPY customers TO PROGRAM 'curl x'",
            "WITH gone AS (DELETE FROM customers RETURNING *) SELECT * FROM gone",
            "SELECT name INTO new_table FROM customers",
            "SELECT name FROM customers FOR SHARE",
            "SELECT passwd FROM pg_shadow",
        ] {
            refused(sql, PostgreSql);
        }
    }
}
