//! The snapshot as a database that statements can be run on: find.db attached read-only to a database in memory, a view
//! for each table. Card numbers and security codes, which find.db does not hold, are read from the sealed snapshot into
//! that memory alone, and only when a statement names them.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;

use kintsugi_case::SourceSpec;
use kintsugi_evidence::SnapshotReader;
use kintsugi_find::{Table, quoted};
use kintsugi_vault::Keys;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::catalog::{Catalog, ORDER, ROW, View};
use crate::error::{Error, Result};
use crate::lexer::Literal;
use crate::patience::Patience;
use crate::rollback::{Moment, Past, Side, Unclear};
use crate::rows::key_values;
use crate::server::{Native, NativeRow, Restored, ServerError};
use crate::{delay, functions, joined};

/// Where the values come from that find.db does not hold.
pub(crate) trait Secrets {
    /// Hands over the given columns of every row of a table, with the row's number from 1, in file order.
    fn read(&self, table: &Table, columns: &[usize], each: &mut dyn FnMut(u64, &[Option<&str>])) -> Result<()>;

    /// Hands over the keys of a table in the order in which the server has the rows, where a dump beside the table's own file
    /// shows it; `false` where none does.
    fn read_order(&self, _table: &Table, _each: &mut dyn FnMut(&[Option<&str>])) -> Result<bool> {
        Ok(false)
    }
}

/// The sealed snapshot of a source.
pub(crate) struct Sealed<'a> {
    pub(crate) case_dir: &'a Path,
    pub(crate) source: &'a SourceSpec,
    pub(crate) keys: &'a Keys,
}

impl Secrets for Sealed<'_> {
    fn read(&self, table: &Table, columns: &[usize], each: &mut dyn FnMut(u64, &[Option<&str>])) -> Result<()> {
        let failed = |source| Error::Snapshot { table: table.name.clone(), source };
        let reader = SnapshotReader::open(self.case_dir, self.source, self.keys).map_err(failed)?;
        let mut row = 0;
        let report = reader.read_table(&table.name, &mut |values| {
            row += 1;
            let picked: Vec<Option<&str>> = columns.iter().map(|&at| values.get(at).copied().flatten()).collect();
            if values.len() == table.columns.len() {
                each(row, &picked);
            }
            ControlFlow::Continue(())
        });
        report.map(|_| ()).map_err(failed)
    }

    fn read_order(&self, table: &Table, each: &mut dyn FnMut(&[Option<&str>])) -> Result<bool> {
        let failed = |source| Error::Snapshot { table: table.name.clone(), source };
        let reader = SnapshotReader::open(self.case_dir, self.source, self.keys).map_err(failed)?;
        let names: Vec<&str> = table.key.iter().map(|&at| table.columns[at].name.as_str()).collect();
        reader.read_dumped(&table.name, &names, each).map_err(failed)
    }
}

/// What nobody has yet.
pub(crate) struct NoSnapshot;

impl Secrets for NoSnapshot {
    fn read(&self, _: &Table, _: &[usize], _: &mut dyn FnMut(u64, &[Option<&str>])) -> Result<()> {
        Ok(())
    }
}

/// The snapshot of one source, ready for statements.
pub(crate) struct Data {
    connection: Connection,
    /// The schema in which the tables lie.
    schema: &'static str,
    made: RefCell<Vec<View>>,
    /// Tables whose order was looked for, and whether a dump shows it.
    ordered: RefCell<HashMap<u32, bool>>,
    /// A server on which the dump was restored.
    restored: Option<Restored>,
    /// The tables as they stood before.
    past: OnceCell<Past>,
    /// When the statement ran that is looked at; `None` is when the snapshot was taken.
    moment: Cell<Option<Moment>>,
    /// By how much the database's clock is ahead of the web server's, milliseconds.
    skew_ms: Cell<i64>,
    /// They are not as the snapshot has them.
    rewound: Cell<bool>,
    patience: Patience,
}

const URI_ESCAPES: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#').add(b' ');

impl Data {
    /// Attaches find.db.
    pub(crate) fn open(find: &Path) -> Result<Self> {
        let connection = memory()?;
        let uri = format!("file:{}?mode=ro", utf8_percent_encode(&find.to_string_lossy(), URI_ESCAPES));
        connection.execute("ATTACH ? AS snapshot", [uri]).map_err(preparing("attaching find.db"))?;
        Ok(Self::of(connection, "snapshot"))
    }

    /// A database in memory, whose tables the caller makes.
    pub(crate) fn in_memory() -> Result<Self> {
        Ok(Self::of(memory()?, "main"))
    }

    fn of(connection: Connection, schema: &'static str) -> Self {
        let (made, ordered) = (RefCell::default(), RefCell::default());
        Self {
            connection,
            schema,
            made,
            ordered,
            restored: None,
            past: OnceCell::new(),
            moment: Cell::default(),
            skew_ms: Cell::default(),
            rewound: Cell::default(),
            patience: Patience::default(),
        }
    }

    /// Lets statements run on the tables as they stood before; said once, before any view is made.
    pub(crate) fn remember(&self, past: Past) {
        let _ = self.past.set(past);
    }

    /// Says when the next statements ran.
    pub(crate) fn at(&self, moment: Option<Moment>) {
        self.moment.set(moment);
    }

    /// Says by how much the database's clock is ahead of the web server's.
    pub(crate) fn set_skew_ms(&self, skew_ms: i64) {
        self.skew_ms.set(skew_ms);
    }

    /// When statements ran whose requests were logged from the one time to the other.
    pub(crate) fn about(&self, first_ms: i64, last_ms: i64) -> Moment {
        Moment::about(first_ms + self.skew_ms.get(), last_ms + self.skew_ms.get())
    }

    /// Brings the tables of these views to the moment that was said: what they then hold, by name, and whether something in it
    /// is unknown.
    pub(crate) fn rewind(&self, views: &[View]) -> rusqlite::Result<(String, bool)> {
        let Some(past) = self.past.get() else { return Ok(Default::default()) };
        let state = past.rewind(&self.connection, views, self.moment.get())?;
        self.rewound.set(!state.0.is_empty());
        Ok(state)
    }

    /// Why a change of a table of these views since then could not be undone.
    pub(crate) fn unclear(&self, views: &[View]) -> Option<Unclear> {
        let past = self.past.get().zip(self.moment.get());
        past.and_then(|(past, moment)| past.unclear(views, moment))
    }

    /// Which of the unknown values statements see.
    pub(crate) fn take_side(&self, side: Side) -> rusqlite::Result<()> {
        match self.past.get() {
            Some(past) => past.take_side(&self.connection, side),
            None => Past::show_side(&self.connection, side),
        }
    }

    /// Every row of a table as find.db has it, with its number.
    pub(crate) fn each_row(&self, table: &Table, each: &mut dyn FnMut(u64, &[Option<String>])) -> Result<()> {
        let names: Vec<String> = table.columns.iter().map(|column| quoted(&column.name)).collect();
        let sql = format!("SELECT {}, {} FROM {}.{}", table.row_name(), names.join(", "), self.schema, table.sql_name());
        let mut read = || -> rusqlite::Result<()> {
            let mut statement = self.connection.prepare(&sql)?;
            let mut rows = statement.raw_query();
            let mut values = vec![None; names.len()];
            while let Some(row) = rows.next()? {
                for (at, value) in values.iter_mut().enumerate() {
                    *value = functions::text_of(row.get_ref(at + 1)?).map(|text| String::from_utf8_lossy(&text).into_owned());
                }
                each(row.get::<_, i64>(0)?.unsigned_abs(), &values);
            }
            Ok(())
        };
        read().map_err(preparing("reading the rows of a table"))
    }

    /// How many rows hold one value of these columns, at most.
    pub(crate) fn most_alike(&self, table: &Table, columns: &[usize]) -> Result<usize> {
        let names: Vec<String> = columns.iter().map(|&at| quoted(&table.columns[at].name)).collect();
        let (list, of) = (names.join(", "), format!("{}.{}", self.schema, table.sql_name()));
        let sql = format!("SELECT max(rows) FROM (SELECT count(*) AS rows FROM {of} GROUP BY {list})");
        let most = self.connection.query_row(&sql, [], |row| row.get::<_, Option<i64>>(0));
        most.map(|most| usize::try_from(most.unwrap_or(0)).unwrap_or(0)).map_err(preparing("counting equal rows"))
    }

    /// The same, with a restored server beside it.
    pub(crate) fn beside(self, restored: Option<Restored>) -> Self {
        Self { restored, ..self }
    }

    pub(crate) fn restored(&self) -> Option<&Restored> {
        self.restored.as_ref()
    }

    /// Runs a query on the restored server; `None` where it is for SQLite to evaluate.
    pub(crate) fn native_rows<T>(
        &self,
        native: &Result<Native, String>,
        literals: &[Literal],
        limit: Option<(usize, usize)>,
        each: impl Fn(NativeRow<'_>, &mut T),
        mut into: T,
    ) -> Result<Option<T>, ServerError> {
        let Some(restored) = &self.restored else { return Ok(None) };
        if self.rewound.get() {
            restored.elsewhere("the tables were rolled back to an earlier time");
            return Ok(None);
        }
        let native = match native {
            Ok(native) => native,
            Err(reason) => {
                restored.elsewhere(reason);
                return Ok(None);
            }
        };
        let mut number = |table: &Table, key: &[u8]| self.row_of(table, std::str::from_utf8(key).ok()?);
        let done = restored.rows(native, literals, limit, &mut number, &mut |row| each(row, &mut into))?;
        Ok(done.then_some(into))
    }

    /// The same for what no statement alone is lost by: where the server does not answer, SQLite does, and it is counted.
    pub(crate) fn native_rows_or_none<T>(
        &self,
        native: &Result<Native, String>,
        literals: &[Literal],
        each: impl Fn(NativeRow<'_>, &mut T),
        into: T,
    ) -> Option<T> {
        self.native_rows(native, literals, None, each, into).unwrap_or_else(|error| {
            self.restored.iter().for_each(|restored| restored.elsewhere(&error.to_string()));
            None
        })
    }

    /// The row that has this key, as a restored server writes it.
    fn row_of(&self, table: &Table, key: &str) -> Option<u32> {
        let equal: Vec<String> = table.key.iter().map(|&at| format!("{} = ?", quoted(&table.columns[at].name))).collect();
        let name = table.row_name();
        let sql = format!("SELECT {name} FROM {}.{} WHERE {}", self.schema, table.sql_name(), equal.join(" AND "));
        let mut statement = self.connection.prepare_cached(&sql).ok()?;
        let values: Vec<Value> = key_values(key).map(stored).collect();
        statement.query_row(params_from_iter(values), |row| row.get(0)).ok()
    }

    /// Makes a table anew, without rows, as statements name it so far. Its views are made again when they are asked for.
    pub(crate) fn make(&self, at: usize, catalog: &Catalog) -> Result<()> {
        let table = catalog.table(at);
        let views = [false, true].map(|secrets| catalog.view_name(View { table: at, secrets }));
        let columns: Vec<String> = table.columns.iter().map(|column| quoted(&column.name)).collect();
        let (name, secrets) = (table.sql_name(), secret_name(table));
        let sql = format!(
            "DROP VIEW IF EXISTS {}; DROP VIEW IF EXISTS {}; DROP TABLE IF EXISTS {secrets};
             DROP TABLE IF EXISTS {name}; CREATE TABLE {name} ({})",
            views[0],
            views[1],
            columns.join(", ")
        );
        self.made.borrow_mut().retain(|view| view.table != at);
        self.connection.execute_batch(&sql).map_err(preparing("naming a table"))
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// How long statements may take.
    pub(crate) fn patience(&self) -> &Patience {
        &self.patience
    }

    /// The numbers of all rows of a table.
    pub(crate) fn row_numbers(&self, table: &Table) -> rusqlite::Result<Vec<u64>> {
        let sql = format!("SELECT {} FROM {}.{} ORDER BY 1", table.row_name(), self.schema, table.sql_name());
        let mut statement = self.connection.prepare(&sql)?;
        let numbers = statement.query_map([], |row| row.get::<_, i64>(0).map(i64::unsigned_abs))?;
        numbers.collect()
    }

    /// How many different values that column has which has the fewest; of a security code, as many as it may have.
    pub(crate) fn fewest_values(&self, table: &Table, columns: kintsugi_case::ColumnSet) -> rusqlite::Result<u64> {
        const CODES: u64 = 1000;
        let mut fewest = u64::MAX;
        for column in columns.iter().filter_map(|at| table.columns.get(at)) {
            let secret = column.meaning.is_some_and(kintsugi_case::FieldMeaning::is_card_secret);
            let sql = format!("SELECT count(DISTINCT {}) FROM {}.{}", quoted(&column.name), self.schema, table.sql_name());
            let different: i64 = self.connection.query_row(&sql, [], |row| row.get(0))?;
            let different = if secret { CODES.max(different.unsigned_abs()) } else { different.unsigned_abs() };
            fewest = fewest.min(different);
        }
        Ok(fewest)
    }

    /// Makes a view, unless it is there.
    pub(crate) fn prepare(&self, view: View, catalog: &Catalog, secrets: &dyn Secrets) -> Result<()> {
        if self.made.borrow().contains(&view) {
            return Ok(());
        }
        let table = catalog.table(view.table);
        let hidden: Vec<usize> = if view.secrets { catalog.secrets(view.table).collect() } else { Vec::new() };
        if view.secrets {
            self.fill(table, &hidden, secrets)?;
        }
        let texts = self.texts(table).map_err(preparing("looking at a table's values"))?;
        let columns = table.columns.iter().enumerate().map(|(at, column)| {
            let name = quoted(&column.name);
            let hidden = hidden.iter().position(|&hidden| hidden == at);
            let text = if texts[at] { format!("CAST(t.{name} AS TEXT) AS {name}") } else { format!("t.{name}") };
            hidden.map_or(text, |place| format!("s.c{place} AS {name}"))
        });
        let columns: Vec<String> = columns.collect();
        let (order, ordered) = self.order(table, secrets)?;
        let joined = if view.secrets {
            format!(" LEFT JOIN {} s ON s.line = t.{}", secret_name(table), table.row_name())
        } else {
            String::new()
        };
        let past = self.past.get().filter(|past| past.has(view.table));
        let name = catalog.view_name(view);
        let name = if past.is_some() { quoted(&format!("{} as dumped", name.trim_matches('"'))) } else { name };
        let sql = format!(
            "CREATE TEMP VIEW {name} AS SELECT t.{} AS {ROW}, {order} AS {ORDER}{}, {} FROM {}.{} t{joined}{ordered}",
            table.row_name(),
            own_number(table),
            columns.join(", "),
            self.schema,
            table.sql_name()
        );
        self.connection.execute_batch(&sql).map_err(preparing("making a view"))?;
        if let Some(past) = past {
            past.layer(&self.connection, catalog, view, &name).map_err(preparing("making a view of the past"))?;
        }
        self.made.borrow_mut().push(view);
        Ok(())
    }

    /// Columns that hold numbers and other text: text in the source, of which find.db keeps some as numbers.
    fn texts(&self, table: &Table) -> rusqlite::Result<Vec<bool>> {
        let mixed = table.columns.iter().map(|column| {
            let name = quoted(&column.name);
            format!("max(typeof({name}) = 'text') = 1 AND max(typeof({name}) = 'integer') = 1")
        });
        let list: Vec<String> = mixed.collect();
        let sql = format!("SELECT {} FROM {}.{}", list.join(", "), self.schema, table.sql_name());
        let width = table.columns.len();
        self.connection.query_row(&sql, [], |row| {
            (0..width).map(|at| row.get::<_, Option<bool>>(at).map(|mixed| mixed.unwrap_or(false))).collect()
        })
    }

    /// Where rows stand when nobody asks for an order: as in the dump, if there is one beside the table's own file, else as in
    /// the file. The expression, and what the view must be joined with.
    fn order(&self, table: &Table, secrets: &dyn Secrets) -> Result<(String, String)> {
        let row = table.row_name();
        let plain = (format!("t.{row}"), String::new());
        let name = quoted(&format!("order of {}", table.name));
        if table.key.is_empty() {
            return Ok(plain);
        }
        let looked = self.ordered.borrow().get(&table.id).copied();
        if looked == Some(false) {
            return Ok(plain);
        }
        if looked == Some(true) {
            return Ok((
                format!("ifnull(o.at, 4611686018427387904 + t.{row})"),
                format!(" LEFT JOIN {name} o ON o.line = t.{row}"),
            ));
        }
        let create = format!("BEGIN; CREATE TEMP TABLE {name} (line INTEGER PRIMARY KEY, at INTEGER)");
        self.connection.execute_batch(&create).map_err(preparing("making room for an order"))?;
        let key = table.key.iter().zip(2..).map(|(&at, place)| format!("{} = ?{place}", quoted(&table.columns[at].name)));
        let key: Vec<String> = key.collect();
        let rows = format!("SELECT {row}, ?1 FROM {}.{} WHERE {}", self.schema, table.sql_name(), key.join(" AND "));
        let insert = self.connection.prepare(&format!("INSERT OR IGNORE INTO {name} {rows}"));
        let mut insert = insert.map_err(preparing("making room for an order"))?;
        let (mut at, mut failure) = (0_i64, None);
        let found = secrets.read_order(table, &mut |values| {
            at += 1;
            let keys = values.iter().map(|value| value.map_or(Value::Null, stored));
            if let Err(error) = insert.execute(params_from_iter(std::iter::once(Value::Integer(at)).chain(keys))) {
                failure.get_or_insert(error);
            }
        })?;
        drop(insert);
        let done = failure.map_or_else(|| self.connection.execute_batch("COMMIT"), Err);
        done.map_err(preparing("reading a table's order"))?;
        self.ordered.borrow_mut().insert(table.id, found);
        self.order(table, secrets)
    }

    fn fill(&self, table: &Table, columns: &[usize], secrets: &dyn Secrets) -> Result<()> {
        let name = secret_name(table);
        let list: Vec<String> = (0..columns.len()).map(|at| format!("c{at}")).collect();
        let create = format!("BEGIN; CREATE TEMP TABLE {name} (line INTEGER PRIMARY KEY, {})", list.join(", "));
        self.connection.execute_batch(&create).map_err(preparing("making room for card data"))?;
        let marks = vec!["?"; columns.len() + 1].join(", ");
        let insert = self.connection.prepare(&format!("INSERT INTO {name} VALUES ({marks})"));
        let mut insert = insert.map_err(preparing("making room for card data"))?;
        let mut failure = None;
        secrets.read(table, columns, &mut |row, values| {
            let row = Value::Integer(row.cast_signed());
            let values = values.iter().map(|value| value.map_or(Value::Null, |text| Value::Text(text.to_owned())));
            if let Err(error) = insert.execute(params_from_iter(std::iter::once(row).chain(values))) {
                failure.get_or_insert(error);
            }
        })?;
        drop(insert);
        let done = failure.map_or_else(|| self.connection.execute_batch("COMMIT"), Err);
        done.map_err(preparing("holding card data in memory"))
    }
}

/// A value as find.db keeps it: whole numbers as numbers.
pub(crate) fn stored(text: &str) -> Value {
    let number = text.parse::<i64>().ok().filter(|number| number.to_string() == text);
    number.map_or_else(|| Value::Text(text.to_owned()), Value::Integer)
}

fn secret_name(table: &Table) -> String {
    quoted(&format!("secrets of {}", table.name))
}

/// The row's own number in the server's table, for statements that name it (SQLite: the key, where it is one column).
fn own_number(table: &Table) -> String {
    let named = table.columns.iter().any(|column| column.name.eq_ignore_ascii_case("rowid"));
    match table.key[..] {
        [key] if !named => format!(", t.{} AS rowid", quoted(&table.columns[key].name)),
        _ => String::new(),
    }
}

fn memory() -> Result<Connection> {
    let connection = Connection::open_in_memory().map_err(preparing("opening a database in memory"))?;
    // Nothing of what is held here may reach a disk (rule 14).
    connection
        .execute_batch("PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536;")
        .map_err(preparing("keeping it in memory"))?;
    connection.set_prepared_statement_cache_capacity(128);
    functions::register(&connection).and_then(|()| delay::register(&connection)).map_err(preparing("registering functions"))?;
    joined::register(&connection).map_err(preparing("registering aggregates"))?;
    Past::prepare(&connection).map_err(preparing("making room for the past"))?;
    Ok(connection)
}

fn preparing(doing: &'static str) -> impl Fn(rusqlite::Error) -> Error {
    move |source| Error::Prepare { doing, source }
}
