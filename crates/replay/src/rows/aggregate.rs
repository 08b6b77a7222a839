//! Aggregates, opened into their input rows in their own order: what GROUP_CONCAT and its like join is everything up to the
//! server's limit, MIN and MAX pass the row on that has the value, SUM and AVG pass a cell on only where there was one row,
//! COUNT none. The functions of SQLite that do so are in `joined`.

use sqlparser::ast::{Expr, Function, FunctionArgumentClause, FunctionArguments, OrderByExpr};

use super::columns::{Carried, How};
use super::render::{Rendered, arguments, name_of};
use super::rewrite::{Level, Outcome, Rewriter, not_followed};
use super::row_json::between_rows;
use crate::dialect::Dialect;

/// Whether a call takes many rows and gives one value.
pub(super) fn is_aggregate(function: &Function, dialect: Dialect) -> bool {
    let name = name_of(function);
    match name.as_str() {
        // SQLite's own with several arguments compare them.
        "min" | "max" => dialect != Dialect::Sqlite || arguments(function).len() == 1,
        "count" | "sum" | "avg" | "total" => true,
        _ => Joining::of(&name).is_some(),
    }
}

/// How values become one.
#[derive(Clone, Copy)]
enum Joining {
    Text,
    JsonArray,
    /// With a blank after the comma.
    JsonArrayWide,
    /// PostgreSQL's `{a,b}`.
    Array,
}

impl Joining {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "group_concat" | "string_agg" | "xmlagg" | "listagg" => Self::Text,
            "json_arrayagg" | "json_group_array" => Self::JsonArray,
            "json_agg" | "jsonb_agg" => Self::JsonArrayWide,
            "array_agg" => Self::Array,
            _ => return None,
        })
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::JsonArray => "json",
            Self::JsonArrayWide => "json wide",
            Self::Array => "array",
        }
    }
}

/// What stands in a call beside its values.
struct Clauses {
    distinct: bool,
    order: Option<Vec<OrderByExpr>>,
    separator: Option<String>,
}

impl Rewriter<'_> {
    pub(super) fn aggregate(&mut self, call: &Function, level: &mut Level<'_>) -> Outcome<Rendered> {
        level.aggregated = true;
        if call.over.is_some() || call.filter.is_some() || !call.within_group.is_empty() {
            return not_followed("an aggregate over a window or a part of its rows");
        }
        let name = name_of(call);
        let clauses = clauses(call)?;
        if let Some(row) = self.row_of(call, level)? {
            let clauses = Clauses { separator: Some(between_rows(&name).into()), ..clauses };
            let joined = self.joined((&name, Joining::Text), &row, &[], &clauses, level)?;
            return Ok(Rendered { sql: format!("('[' || {} || ']')", joined.sql), ..joined });
        }
        let values = arguments(call).into_iter().map(|value| self.render(value, level)).collect::<Outcome<Vec<_>>>()?;
        match (name.as_str(), &values[..]) {
            ("count", _) => {
                let list: Vec<&str> = values.iter().map(|value| value.sql.as_str()).collect();
                let list = if list.is_empty() { "*".to_owned() } else { list.join(", ") };
                let distinct = if clauses.distinct { "DISTINCT " } else { "" };
                Ok(Rendered { sql: format!("count({distinct}{list})"), carried: Carried::default() })
            }
            ("sum" | "avg" | "total", [value]) => {
                let carried = self.opened(value, level, &|row| format!("kintsugi_single({row}, {})", value.sql))?;
                Ok(Rendered { sql: format!("{name}({})", value.sql), carried })
            }
            ("min" | "max", [value]) => {
                let down = if name == "max" { " DESC" } else { "" };
                let order = format!(" ORDER BY {}{down}", value.sql);
                let carried = self.opened(value, level, &|row| format!("kintsugi_first({row}, {}{order})", value.sql))?;
                Ok(Rendered { sql: format!("{name}({})", value.sql), carried })
            }
            (name, [first, more @ ..]) => match Joining::of(name) {
                Some(joining) => self.joined((name, joining), first, more, &clauses, level),
                None => not_followed(name),
            },
            _ => not_followed("an aggregate without a value"),
        }
    }

    fn joined(
        &mut self,
        (name, joining): (&str, Joining),
        first: &Rendered,
        more: &[Rendered],
        clauses: &Clauses,
        level: &mut Level<'_>,
    ) -> Outcome<Rendered> {
        let mut value = first.clone();
        let mut separator = clauses.separator.clone().unwrap_or_else(|| if name == "xmlagg" { "''" } else { "','" }.into());
        match (joining, more) {
            (Joining::Text, [other]) if self.dialect != Dialect::MySql => separator.clone_from(&other.sql),
            (Joining::Text, [_, ..]) if self.dialect == Dialect::MySql => {
                let list: Vec<&str> = more.iter().map(|value| value.sql.as_str()).collect();
                value.sql = format!("concat({}, {})", value.sql, list.join(", "));
                more.iter().for_each(|other| value.carried.add(&other.carried, How::Whole));
            }
            (_, []) => {}
            _ => return not_followed("an aggregate of several values"),
        }
        let keys = self.aggregate_order(clauses.order.as_deref(), level)?;
        let order = if keys.is_empty() { String::new() } else { format!(" ORDER BY {}", keys.join(", ")) };
        let limit = self.dialect.aggregate_bytes_max().map_or("NULL".to_owned(), |max| max.to_string());
        let kind = format!("'{}{}'", joining.name(), if clauses.distinct { " distinct" } else { "" });
        let call = format!("({kind}, {limit}, {separator}, {}", value.sql);
        let carried = self.opened(&value, level, &|row| format!("kintsugi_join_rows{call}, {row}{order})"))?;
        Ok(Rendered { sql: format!("kintsugi_join{call}{order})"), carried })
    }

    fn aggregate_order(&mut self, asked: Option<&[OrderByExpr]>, level: &mut Level<'_>) -> Outcome<Vec<String>> {
        let asked = asked.unwrap_or_default();
        let mut keys = asked.iter().map(|key| self.order_key(key, level)).collect::<Outcome<Vec<_>>>()?;
        keys.extend(level.natural_order());
        Ok(keys)
    }

    /// What the aggregate carries: the same columns, of rows that `rows` gathers.
    fn opened(&mut self, value: &Rendered, level: &mut Level<'_>, rows: &dyn Fn(&str) -> String) -> Outcome<Carried> {
        let pieces: Vec<usize> = value.carried.pieces().map(|piece| piece.slot).collect();
        if !pieces.is_empty() {
            self.words.only_here("an aggregate")?;
        }
        let moved: Vec<(usize, usize)> = pieces
            .into_iter()
            .map(|slot| {
                let new = self.new_slot(self.slots[slot]);
                let row = level.slot(slot).unwrap_or_else(|| "NULL".into());
                level.extra.push((new, rows(&row)));
                (slot, new)
            })
            .collect();
        let to = |slot| moved.iter().find(|(old, _)| *old == slot).map_or(slot, |(_, new)| *new);
        Ok(value.carried.clone().moved(&to))
    }
}

fn clauses(call: &Function) -> Outcome<Clauses> {
    let FunctionArguments::List(list) = &call.args else { return not_followed("an aggregate without a list") };
    let mut clauses = Clauses { distinct: list.duplicate_treatment.is_some(), order: None, separator: None };
    for clause in &list.clauses {
        match clause {
            FunctionArgumentClause::OrderBy(by) => clauses.order = Some(by.clone()),
            FunctionArgumentClause::Separator(value) => clauses.separator = Some(separator(&Expr::Value(value.clone()))),
            _ => return not_followed("an aggregate's clause"),
        }
    }
    Ok(clauses)
}

fn separator(value: &Expr) -> String {
    match value {
        Expr::Value(value) => match &value.value {
            sqlparser::ast::Value::SingleQuotedString(text) => format!("'{}'", text.replace('\'', "''")),
            other => other.to_string(),
        },
        other => other.to_string(),
    }
}
