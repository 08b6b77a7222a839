//! A whole row of PostgreSQL as one JSON text: `row_to_json(t)`, `to_json(t)`, `json_agg(t)`, where `t` is a table and no column.
//! Keys are the columns' names; numbers stand bare; `jsonb` has a blank behind colon and comma.
//!
//! <https://www.postgresql.org/docs/current/functions-json.html>; what stands between the rows of an array: `json_agg_transfn`.

use sqlparser::ast::{Expr, Function, Ident};

use super::columns::How;
use super::render::{Rendered, arguments, name_of};
use super::rewrite::{Level, Outcome, Rewriter};
use crate::dialect::Dialect;

impl Rewriter<'_> {
    /// The row that a call is about, as JSON; none where it is about a value.
    pub(super) fn row_of(&mut self, call: &Function, level: &mut Level<'_>) -> Outcome<Option<Rendered>> {
        let name = name_of(call);
        let blank = match name.as_str() {
            "row_to_json" | "to_json" | "json_agg" => "",
            "to_jsonb" | "jsonb_agg" => " ",
            _ => return Ok(None),
        };
        let [Expr::Identifier(row)] = arguments(call)[..] else { return Ok(None) };
        if self.dialect != Dialect::PostgreSql || level.find(None, &row.value).is_some() {
            return Ok(None);
        }
        let Some(columns) = level.columns_of(&row.value) else { return Ok(None) };
        self.words.only_here("a row as JSON")?;
        let mut values = Vec::new();
        for column in columns {
            let name = Expr::CompoundIdentifier(vec![row.clone(), Ident::new(column.clone())]);
            values.push((column, self.render(&name, level)?));
        }
        let fields = values
            .iter()
            .map(|(column, value)| format!("'\"{}\":{blank}' || kintsugi_json({})", column.replace('\'', "''"), value.sql));
        let fields: Vec<String> = fields.collect();
        let pieces: Vec<(&Rendered, How)> = values.iter().map(|(_, value)| (value, How::Whole)).collect();
        Ok(Some(Rendered::of(format!("('{{' || {} || '}}')", fields.join(&format!(" || ',{blank}' || "))), &pieces)))
    }
}

/// What stands between the rows of an array of rows, as SQL.
pub(super) fn between_rows(aggregate: &str) -> &'static str {
    if aggregate == "jsonb_agg" { "', '" } else { "', ' || char(10) || ' '" }
}
