//! The tables and columns as statements name them: all that is known of them while no snapshot has arrived. Each name is
//! taken from the FROM clause that it is read by, so that a value can be called `cards.pan` from the SQL alone. Not here:
//! what the case file says of tables (`Catalog::of_case`), or what a statement asks of them.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Query, Select, SelectItem, SetExpr, TableFactor, TableWithJoins, Visit, Visitor};

use crate::dialect::Dialect;
use crate::rows;

/// A table with those of its columns that a statement names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) table: String,
    pub(crate) columns: Vec<String>,
}

/// The tables that a statement reads, without the server's own; none where it cannot be read.
pub(crate) fn named(sql: &str, dialect: Dialect) -> Vec<Named> {
    let Ok(query) = rows::query(sql, dialect) else { return Vec::new() };
    let mut reader = Reader::default();
    let _ = query.visit(&mut reader);
    reader.found
}

/// Likewise without the page's own query: what a statement reads beside it.
pub(crate) fn named_by_intruder(sql: &str, dialect: Dialect) -> Vec<Named> {
    let Ok(mut query) = rows::query(sql, dialect) else { return Vec::new() };
    if let Some(own) = first_select_mut(&mut query.body) {
        own.from.clear();
    }
    let mut reader = Reader::default();
    let _ = query.visit(&mut reader);
    reader.found
}

#[derive(Default)]
struct Reader {
    found: Vec<Named>,
    /// What names may mean, from the outermost query to the innermost.
    scopes: Vec<Scope>,
    /// Names of WITH: no tables.
    with: Vec<String>,
}

/// The FROM clause that names are read by.
#[derive(Default)]
struct Scope {
    /// How the statement calls each item, and its table (an index in `found`; `None` for a subquery).
    items: Vec<(String, Option<usize>)>,
    /// Names that the projection gives.
    aliases: Vec<String>,
}

impl Reader {
    fn scope(&mut self, select: &Select) -> Scope {
        let mut scope = Scope::default();
        for item in &select.from {
            self.item(item, &mut scope);
        }
        let alias = |item: &SelectItem| match item {
            SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
            _ => None,
        };
        scope.aliases = select.projection.iter().filter_map(alias).collect();
        scope
    }

    fn item(&mut self, item: &TableWithJoins, scope: &mut Scope) {
        for factor in std::iter::once(&item.relation).chain(item.joins.iter().map(|join| &join.relation)) {
            self.factor(factor, scope);
        }
    }

    fn factor(&mut self, factor: &TableFactor, scope: &mut Scope) {
        match factor {
            TableFactor::Table { name, alias, args: None, .. } => {
                let table = rows::last(name);
                let known_as = alias.as_ref().map_or(table, |alias| &alias.name.value).to_owned();
                let is_none = rows::is_of_the_server(name) || table.eq_ignore_ascii_case("dual") || table.is_empty();
                let is_with = self.with.iter().any(|with| with.eq_ignore_ascii_case(table));
                let found = (!is_none && !is_with).then(|| self.table(table));
                scope.items.push((known_as, found));
            }
            TableFactor::NestedJoin { table_with_joins, .. } => self.item(table_with_joins, scope),
            TableFactor::Derived { alias, .. } => {
                scope.items.push((alias.as_ref().map_or_else(String::new, |alias| alias.name.value.clone()), None));
            }
            _ => scope.items.push((String::new(), None)),
        }
    }

    fn table(&mut self, name: &str) -> usize {
        let known = self.found.iter().position(|named| named.table.eq_ignore_ascii_case(name));
        known.unwrap_or_else(|| {
            self.found.push(Named { table: name.to_owned(), columns: Vec::new() });
            self.found.len() - 1
        })
    }

    /// Gives a column to the table that the statement calls so, or to the first of the innermost clause that has any.
    fn column(&mut self, table: Option<&str>, name: &str) {
        for scope in self.scopes.iter().rev().filter(|scope| !scope.items.is_empty()) {
            let called =
                |(known_as, _): &&(String, Option<usize>)| table.is_none_or(|table| known_as.eq_ignore_ascii_case(table));
            let tables: Vec<Option<usize>> = scope.items.iter().filter(called).map(|(_, table)| *table).collect();
            if table.is_none() && scope.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name)) {
                return;
            }
            if tables.is_empty() {
                continue;
            }
            // A subquery beside the tables may as well have it.
            if let Some(Some(at)) = tables.iter().find(|table| table.is_some()) {
                let columns = &mut self.found[*at].columns;
                if !columns.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                    columns.push(name.to_owned());
                }
            }
            return;
        }
    }
}

impl Visitor for Reader {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let with = query.with.iter().flat_map(|with| &with.cte_tables);
        self.with.extend(with.map(|cte| cte.alias.name.value.clone()));
        // What ORDER BY names is read by the FROM clause of the query it orders.
        let scope = first_select(&query.body).map(|select| self.scope(select));
        self.scopes.push(scope.unwrap_or_default());
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        let scope = self.scope(select);
        self.scopes.push(scope);
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, _: &Select) -> ControlFlow<()> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(name) => self.column(None, &name.value),
            Expr::CompoundIdentifier(names) => {
                if let [.., table, name] = &names[..] {
                    self.column(Some(&table.value), &name.value);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn first_select(body: &SetExpr) -> Option<&Select> {
    match body {
        SetExpr::Select(select) => Some(select),
        SetExpr::SetOperation { left, .. } => first_select(left),
        SetExpr::Query(query) => first_select(&query.body),
        _ => None,
    }
}

fn first_select_mut(body: &mut SetExpr) -> Option<&mut Select> {
    match body {
        SetExpr::Select(select) => Some(select),
        SetExpr::SetOperation { left, .. } => first_select_mut(left),
        SetExpr::Query(query) => first_select_mut(&mut query.body),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::named;
    use crate::dialect::Dialect;
    use crate::lexer::template;

    fn check(sql: &str, expected: &str) {
        let template = template(sql, Dialect::MySql).expect("the text can be read");
        let found = named(&template.sql, Dialect::MySql);
        let found: Vec<String> = found.iter().map(|named| format!("{}({})", named.table, named.columns.join(","))).collect();
        assert_eq!(found.join(" "), expected);
    }

    #[test]
    fn the_pages_own_tables_are_none_of_the_intruders() {
        let sql = "SELECT id, name FROM items WHERE id=-1 UNION SELECT pan, exp FROM cards LIMIT 3,1";
        let found = super::named_by_intruder(&template(sql, Dialect::MySql).expect("text").sql, Dialect::MySql);
        assert_eq!(found, [super::Named { table: "cards".into(), columns: vec!["pan".into(), "exp".into()] }]);
    }

    #[test]
    fn tables_and_columns_are_those_that_a_statement_names() {
        check(
            "SELECT id FROM items WHERE id=5 AND ORD(MID((SELECT IFNULL(CAST(pan AS CHAR),0x20) FROM shop.cards ORDER BY exp LIMIT 3,1),2,1))>52",
            "items(id) cards(pan,exp)",
        );
        check("SELECT 1 UNION SELECT c.pan FROM cards c JOIN customers AS u ON c.owner=u.id", "cards(pan,owner) customers(id)");
        check("SELECT 1 FROM (SELECT x.a FROM x) y WHERE y.a=1 AND a=2", "x(a)");
        check("WITH w AS (SELECT a FROM t) SELECT a FROM w, information_schema.tables", "t(a)");
        check("SELECT COUNT(*) FROM cards", "cards()");
        check("SELECT nonsense FROM", "");
    }
}
