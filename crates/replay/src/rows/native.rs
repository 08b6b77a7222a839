//! In whose words a statement is rewritten: SQLite's, over the views of `data`, or those of the restored server, where its own
//! expressions stay as the intruder wrote them and only names, keys and the shape around them are ours. Both come of one walk
//! over the statement (`rewrite`), so that columns and slots of the two always stand for the same.

use kintsugi_find::{Table, quoted};
use sqlparser::ast::{Expr, Ident, OrderBy, OrderByExpr, Query, SelectItem, SetExpr};

use super::plan::{Branch, Rows};
use super::rewrite::{Rewriter, Stop};
use crate::catalog::Catalog;
use crate::dialect::Dialect;
use crate::server::{Native, reading};

/// Whose words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Words {
    /// SQLite's.
    #[default]
    Sqlite,
    /// Those of a server of this dialect.
    Server(Dialect),
}

/// Between the values of a key of several columns; keys hold no control characters.
const KEY_SEPARATOR: &str = "\u{1f}";

impl Words {
    pub(super) const fn of_the_server(dialect: Dialect) -> Self {
        Self::Server(dialect)
    }

    pub(super) const fn are_native(self) -> bool {
        matches!(self, Self::Server(_))
    }

    /// Stops where the restored server has no words for what SQLite was taught.
    pub(super) fn only_here(self, what: &str) -> Result<(), Stop> {
        if self.are_native() { Err(Stop::Why(what.to_owned())) } else { Ok(()) }
    }

    pub(super) fn quoted(self, name: &str) -> String {
        match self {
            Self::Sqlite => quoted(name),
            Self::Server(dialect) => reading::quoted(name, dialect),
        }
    }

    /// An alias: with the server as it was written, so that the statement's expressions keep meaning it.
    pub(super) fn alias(self, name: &Ident) -> String {
        match self {
            Self::Sqlite => quoted(&name.value),
            Self::Server(_) if name.value.is_empty() => "kintsugi_nameless".into(),
            Self::Server(_) => name.to_string(),
        }
    }

    /// The name of a column of a derived table.
    pub(super) fn derived_column(self, at: usize, name: Option<&str>) -> String {
        match (self, name) {
            (Self::Server(_), Some(name)) => name.to_owned(),
            _ => format!("c{at}"),
        }
    }

    /// Likewise, where it is given.
    pub(super) fn derived_name(self, at: usize, name: Option<&str>) -> String {
        let name = self.derived_column(at, name);
        if self.are_native() { self.quoted(&name) } else { name }
    }

    /// The key of a table's row; `None` where it has none that may be asked for.
    pub(super) fn key(self, known_as: &str, table: &Table) -> Option<String> {
        let Self::Server(dialect) = self else { return None };
        let hidden = |at: &usize| table.columns[*at].meaning.is_some_and(kintsugi_case::FieldMeaning::is_card_secret);
        if table.key.iter().any(hidden) {
            return None;
        }
        let columns: Vec<String> =
            table.key.iter().map(|&at| format!("{known_as}.{}", self.quoted(&table.columns[at].name))).collect();
        let separator = if dialect == Dialect::MySql { "CHAR(31)" } else { "CHR(31)" };
        match &columns[..] {
            [] => None,
            [one] => Some(one.clone()),
            several => Some(format!("CONCAT_WS({separator}, {})", several.join(", "))),
        }
    }
}

impl Words {
    /// What comes after the keys that a statement orders by: a full sort breaks ties in another way than a sort for LIMIT n,1
    /// does, so that they are broken here as on SQLite, by the key or by the place in the heap. Where nobody asked for an
    /// order, the server's own stays.
    pub(super) fn natural_order(self, known_as: &str, table: &Table) -> Vec<String> {
        match self {
            Self::Server(Dialect::PostgreSql) => vec![format!("{known_as}.ctid")],
            _ => table.key.iter().map(|&at| format!("{known_as}.{}", self.quoted(&table.columns[at].name))).collect(),
        }
    }
}

/// The values of a key as [`Words::key`] gives them.
pub(crate) fn key_values(key: &str) -> impl Iterator<Item = &str> {
    key.split(KEY_SEPARATOR)
}

/// ` LIMIT …`, as it was written.
pub(super) fn limit(query: &Query) -> String {
    let limit = query.limit_clause.as_ref().map_or(String::new(), |limit| format!(" {}", limit.to_string().trim()));
    query.fetch.as_ref().map_or(limit.clone(), |fetch| format!("{limit} {fetch}"))
}

/// A key of ORDER BY, as it was written.
pub(super) fn directed(sql: &str, key: &OrderByExpr) -> String {
    let down = if key.options.to_string().contains("DESC") { " DESC" } else { "" };
    let nulls = key.options.nulls_first.map_or("", |first| if first { " NULLS FIRST" } else { " NULLS LAST" });
    format!("{sql}{down}{nulls}")
}

/// Puts the queries of a branch that was rewritten for the server beside those for SQLite.
pub(super) fn beside(here: &mut Branch, there: Result<Branch, String>, dialect: Dialect) {
    let why = match (&mut *here, there) {
        (Branch::Rows(here), Ok(Branch::Rows(there))) => return here.native = native(here, &there, dialect),
        (Branch::Parts(here), Ok(Branch::Parts(there))) if here.len() == there.len() => {
            here.iter_mut().zip(&there).for_each(|(here, there)| here.native = native(here, there, dialect));
            return;
        }
        (_, Ok(_)) => "it is read in another way there".to_owned(),
        (_, Err(why)) => why,
    };
    match here {
        Branch::Rows(rows) => rows.native = Err(why),
        Branch::Parts(parts) => parts.iter_mut().for_each(|part| part.native = Err(why.clone())),
        Branch::Metadata => {}
    }
}

/// A subquery that is one value, for the server: its values and the keys of their rows, without the LIMIT.
pub(super) fn value(query: &Query, dialect: Dialect, catalog: &Catalog) -> Result<Native, String> {
    if !catalog.is_restored() {
        return Err(String::new());
    }
    let text = query.to_string();
    let mut query = query.clone();
    (query.limit_clause, query.fetch) = (None, None);
    let mut rewriter = Rewriter::new(catalog, dialect, &text).natively();
    let rewritten = rewriter.query(&query, None)?;
    let slots = rewritten.slots.iter().map(|(slot, _)| rewriter.slots[*slot]).collect();
    let (sql, width) = (rewritten.unlimited(), rewritten.columns.len());
    reading::check(&sql, dialect)?;
    Ok(Native { sql, width, slots, ties: rewritten.asked.len() })
}

/// The same query for other columns and in another order.
pub(crate) fn columns(
    query: &Query,
    columns: &[(&str, &str)],
    order: Option<OrderBy>,
    dialect: Dialect,
    catalog: &Catalog,
) -> Result<Native, String> {
    let mut query = query.clone();
    query.order_by = order.or(query.order_by);
    let SetExpr::Select(select) = query.body.as_mut() else { return Err("a union inside a subquery".into()) };
    let quote = if dialect == Dialect::MySql { '`' } else { '"' };
    let column = |&(alias, name): &(&str, &str)| {
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(vec![Ident::new(alias), Ident::with_quote(quote, name)]))
    };
    select.projection = columns.iter().map(column).collect();
    value(&query, dialect, catalog)
}

fn native(here: &Rows, there: &Rows, dialect: Dialect) -> Result<Native, String> {
    if here.slots != there.slots || here.columns.len() != there.columns.len() {
        return Err("it is read in another way there".into());
    }
    reading::check(&there.sql, dialect)?;
    Ok(Native { sql: there.sql.clone(), width: there.columns.len(), slots: there.slots.clone(), ties: there.asked })
}
