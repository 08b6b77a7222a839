//! Under which brand, and when, the person last used the service: what helps them recognise the record in a notice.

use kintsugi_case::FieldMeaning;
use rusqlite::{Connection, Row};

use crate::key::text_of;
use crate::{FindDb, Result, Table, quoted};

/// One use of the service.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Use {
    /// As stored, so that uses compare: the latest is the greatest.
    at: String,
    pub(crate) brand: String,
}

impl Use {
    /// The day (`2012-08-03`), where the stored text begins with one. Numbers are not read as times: without a zone
    /// the day could be the wrong one.
    pub(crate) fn day(&self) -> String {
        let day: String = self.at.chars().take(10).map(|c| if c == '/' { '-' } else { c }).collect();
        let fits = |(at, c): (usize, char)| if matches!(at, 4 | 7) { c == '-' } else { c.is_ascii_digit() };
        if day.len() == 10 && day.chars().enumerate().all(fits) { day } else { String::new() }
    }
}

/// The questions "when was this record last used", by the table of the record.
#[derive(Debug, Default)]
pub(crate) struct ServiceUses {
    /// (table number, query with the row number as `?`).
    queries: Vec<(u32, String)>,
}

impl ServiceUses {
    pub(crate) fn new(db: &FindDb) -> Self {
        let mut queries: Vec<(u32, String)> = db.tables().iter().filter_map(own_use).collect();
        for table in db.tables() {
            queries.extend(pointers(db, table).into_iter().filter_map(|pointer| pointed_use(table, &pointer)));
        }
        Self { queries }
    }

    /// The latest use of a record, by the record itself or by rows that point to it.
    pub(crate) fn latest(&self, db: &FindDb, table: u32, row: u64) -> Result<Option<Use>> {
        let mut latest = None;
        for (_, query) in self.queries.iter().filter(|(of, _)| *of == table) {
            latest = latest.max(db.one_row(query, row, use_of)?);
        }
        Ok(latest)
    }
}

/// A column of one table that names rows of another, by that one's column.
struct Pointer<'a> {
    column: &'a str,
    target: &'a Table,
    target_column: &'a str,
}

/// Foreign keys and the person column.
fn pointers<'a>(db: &'a FindDb, table: &'a Table) -> Vec<Pointer<'a>> {
    let pointer = |column: &'a str, target: &str, target_column: Option<&str>| {
        let target = db.table_named(&table.source, target)?;
        let place = match target_column {
            Some(name) => target.column(name)?,
            None => *target.key.first().filter(|_| target.key.len() == 1)?,
        };
        Some(Pointer { column, target, target_column: &target.columns[place].name })
    };
    let foreign = table.references.iter().filter_map(|r| {
        let column = &table.columns[r.column].name;
        pointer(column, &r.target_table, Some(&r.target_column))
    });
    let person = table.person.iter().filter_map(|link| {
        let column = &table.columns[table.column(&link.column)?].name;
        pointer(column, &link.table, None)
    });
    foreign.chain(person).collect()
}

/// The columns of a table that tell a use: brand and moment, as SQL.
fn use_columns(table: &Table) -> Option<(String, String)> {
    let name = |meaning| table.column_meaning(meaning).map(|at| quoted(&table.columns[at].name));
    let (brand, at) = (name(FieldMeaning::ServiceBrand), name(FieldMeaning::ServiceUsedAt));
    if brand.is_none() && at.is_none() {
        return None;
    }
    Some((brand.unwrap_or_else(|| "NULL".into()), at.unwrap_or_else(|| "NULL".into())))
}

fn own_use(table: &Table) -> Option<(u32, String)> {
    let (brand, at) = use_columns(table)?;
    Some((table.id, format!("SELECT {at}, {brand} FROM {} WHERE {} = ?", table.sql_name(), table.row_name())))
}

fn pointed_use(table: &Table, pointer: &Pointer<'_>) -> Option<(u32, String)> {
    let (brand, at) = use_columns(table)?;
    let (name, target) = (table.sql_name(), pointer.target);
    let wanted = format!("(SELECT {} FROM {} WHERE {} = ?)", quoted(pointer.target_column), target.sql_name(), target.row_name());
    let column = quoted(pointer.column);
    let order = format!("{at} DESC, {} DESC", table.row_name());
    Some((target.id, format!("SELECT {at}, {brand} FROM {name} WHERE {column} = {wanted} ORDER BY {order} LIMIT 1")))
}

/// Makes the indexes that the questions need.
pub(crate) fn index_uses(connection: &Connection, db_tables: &[Table]) -> rusqlite::Result<()> {
    for table in db_tables {
        let Some((_, at)) = use_columns(table) else { continue };
        let linked = table.person.iter().filter_map(|link| table.column(&link.column));
        for column in table.references.iter().map(|reference| reference.column).chain(linked) {
            let column = quoted(&table.columns[column].name);
            let index = quoted(&format!("{}.{} by {column}", table.source, table.name));
            let moment = if at == "NULL" { String::new() } else { format!(", {at}") };
            connection
                .execute_batch(&format!("CREATE INDEX IF NOT EXISTS {index} ON {} ({column}{moment})", table.sql_name()))?;
        }
    }
    Ok(())
}

fn use_of(row: &Row<'_>) -> rusqlite::Result<Use> {
    let text = |at| row.get_ref(at).map(|value| text_of(value).unwrap_or_default());
    Ok(Use { at: text(0)?, brand: text(1)? })
}

#[cfg(test)]
mod tests {
    use super::Use;

    #[test]
    fn only_what_begins_with_a_day_has_one() {
        let day = |at: &str| Use { at: at.into(), brand: String::new() }.day();
        assert_eq!(day("2012-08-03 10:11:12"), "2012-08-03");
        assert_eq!(day("2012/08/03"), "2012-08-03");
        assert_eq!((day("1343952000"), day("3 Aug 2012"), day("")), (String::new(), String::new(), String::new()));
    }
}
