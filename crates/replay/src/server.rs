//! The second way of evaluation: a real MariaDB, MySQL or PostgreSQL on which the dump was restored. A recovered SELECT runs
//! there in the server's own words, with the keys of the rows that its values came from beside them; order, collations and
//! coercions are then the server's own. What replay concludes from the rows is the same on both ways.
//!
//! Here: the seam ([`Server`]), and what of a source's tables may be asked there. Which statements may go there at all is
//! in `reading`, how their constants are written in `literal`. Not here: the network (the crate `restored`), and how a
//! statement is rewritten (`rows`, `error_text`).

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use kintsugi_find::Table;

use crate::catalog::Catalog;
use crate::dialect::Dialect;
use crate::lexer::Literal;

mod literal;
pub(crate) mod reading;

/// What takes the rows of a server: a row's values, as the server writes them in text; NULL is `None`.
pub type EachRow<'a> = dyn FnMut(&[Option<&[u8]>]) + 'a;

/// A server on which a source's dump was restored, in a session that only reads.
pub trait Server {
    /// Product and version, as it tells them.
    fn version(&self) -> &str;

    /// Runs one query and hands over each row. Whoever implements this must not let the query change anything, and must roll back what it ran in.
    fn query(&mut self, sql: &str, each: &mut EachRow<'_>) -> Result<(), ServerError>;
}

/// The servers of a case, by the names of their sources.
pub type Servers = BTreeMap<String, Rc<RefCell<dyn Server>>>;

/// Why a server gave no answer. Its own words are left out: they may quote what is in the rows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    /// The statement ran into the time limit.
    #[error("the restored server stopped it at the time limit for a statement")]
    TimedOut,
    /// The server did not take the statement; with its code.
    #[error("the restored server refused it (error {0})")]
    Refused(String),
    /// The connection is gone.
    #[error("the connection to the restored server was lost")]
    Lost,
}

/// What a restored server did for a replay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OnServer {
    /// The source.
    pub source: String,
    /// Product and version.
    pub version: String,
    /// Queries that it answered.
    pub queries: u64,
    /// Queries that were evaluated on SQLite all the same, by the reason.
    pub elsewhere: BTreeMap<String, u64>,
    /// Tables that have not the rows of the snapshot: table, rows there (`None`: no such table), rows of the snapshot.
    pub differing: Vec<(String, Option<u64>, u64)>,
}

/// A query in the server's own words: the values, then for each slot the key of its row, then what it is ordered by.
#[derive(Clone, Debug)]
pub(crate) struct Native {
    pub(crate) sql: String,
    /// How many columns are values.
    pub(crate) width: usize,
    /// The table of each slot.
    pub(crate) slots: Vec<usize>,
    /// How many columns it is ordered by.
    pub(crate) ties: usize,
}

/// A row of a native query.
#[derive(Debug)]
pub(crate) struct NativeRow<'a> {
    pub(crate) values: &'a [Option<&'a [u8]>],
    /// Row numbers, slot by slot; 0 where there is none.
    pub(crate) numbers: Vec<u32>,
    pub(crate) ties: &'a [Option<&'a [u8]>],
}

/// The server of one source while its statements are replayed.
pub(crate) struct Restored {
    server: Rc<RefCell<dyn Server>>,
    dialect: Dialect,
    catalog: Catalog,
    /// Tables, by their place in the catalog, that have not the snapshot's rows.
    differing: BTreeSet<usize>,
    lost: Cell<bool>,
    did: RefCell<OnServer>,
}

const OTHER_ROWS: &str = "a table has other rows on the restored server than in the snapshot";
const NO_RECORD: &str = "the restored server has a record that the snapshot has not";

impl Restored {
    /// Compares the tables' sizes with the snapshot's.
    pub(crate) fn open(
        server: &Rc<RefCell<dyn Server>>,
        source: &str,
        dialect: Dialect,
        catalog: &Catalog,
    ) -> Result<Self, ServerError> {
        let version = server.borrow().version().to_owned();
        let did = OnServer { source: source.to_owned(), version, ..OnServer::default() };
        let restored = Self {
            server: Rc::clone(server),
            dialect,
            catalog: catalog.clone(),
            differing: BTreeSet::new(),
            lost: Cell::new(false),
            did: RefCell::new(did),
        };
        restored.compared()
    }

    fn compared(mut self) -> Result<Self, ServerError> {
        let (mut differing, mut tables) = (BTreeSet::new(), Vec::new());
        for (at, table) in self.catalog.tables().enumerate() {
            let there = self.count(table)?;
            if there != Some(table.rows) {
                differing.insert(at);
                tables.push((table.name.clone(), there, table.rows));
            }
        }
        self.did.get_mut().differing = tables;
        Ok(Self { differing, ..self })
    }

    fn count(&self, table: &Table) -> Result<Option<u64>, ServerError> {
        let sql = format!("SELECT COUNT(*) FROM {}", reading::quoted(&table.name, self.dialect));
        let mut count = None;
        let asked = self.server.borrow_mut().query(&sql, &mut |row| {
            let text = row.first().copied().flatten().and_then(|bytes| std::str::from_utf8(bytes).ok());
            count = text.and_then(|text| text.parse().ok());
        });
        match asked {
            Err(ServerError::Refused(_)) => Ok(None),
            other => other.map(|()| count),
        }
    }

    pub(crate) fn source(&self) -> String {
        self.did.borrow().source.clone()
    }

    /// Notes that a query was evaluated on SQLite all the same.
    pub(crate) fn elsewhere(&self, reason: &str) {
        *self.did.borrow_mut().elsewhere.entry(reason.to_owned()).or_default() += 1;
    }

    /// Runs a query; `false` where it is for SQLite to evaluate, for a reason that is counted. `number` finds the row of the
    /// snapshot that has a key. What was handed over before a `false` must be forgotten.
    pub(crate) fn rows(
        &self,
        native: &Native,
        literals: &[Literal],
        limit: Option<(usize, usize)>,
        number: &mut dyn FnMut(&Table, &[u8]) -> Option<u32>,
        each: &mut dyn FnMut(NativeRow<'_>),
    ) -> Result<bool, ServerError> {
        if native.slots.iter().any(|table| self.differing.contains(table)) {
            self.elsewhere(OTHER_ROWS);
            return Ok(false);
        }
        let window = limit.map_or(String::new(), |(offset, count)| format!(" LIMIT {count} OFFSET {offset}"));
        let written = literal::filled(&native.sql, literals, self.dialect).map(|sql| sql + &window);
        let Some(sql) = written.filter(|sql| reading::check(sql, self.dialect).is_ok()) else {
            self.elsewhere("a constant that cannot be written for the restored server");
            return Ok(false);
        };
        match self.run(&sql, native, number, each) {
            Ok(true) => {
                self.did.borrow_mut().queries += 1;
                Ok(true)
            }
            Ok(false) => {
                self.elsewhere(NO_RECORD);
                Ok(false)
            }
            Err(error @ ServerError::Refused(_)) => {
                self.elsewhere(&error.to_string());
                Ok(false)
            }
            Err(error) => {
                self.lost.set(self.lost.get() || error == ServerError::Lost);
                Err(error)
            }
        }
    }

    /// `false` where a key is none of the snapshot's.
    fn run(
        &self,
        sql: &str,
        native: &Native,
        number: &mut dyn FnMut(&Table, &[u8]) -> Option<u32>,
        each: &mut dyn FnMut(NativeRow<'_>),
    ) -> Result<bool, ServerError> {
        let (mut known, keys) = (true, native.width + native.slots.len());
        self.server.borrow_mut().query(sql, &mut |row| {
            if !known || row.len() != keys + native.ties {
                known = false;
                return;
            }
            let slots = native.slots.iter().zip(&row[native.width..keys]);
            let numbers = slots.map(|(table, key)| {
                key.filter(|key| !key.is_empty()).map_or(Some(0), |key| number(self.catalog.table(*table), key))
            });
            match numbers.collect() {
                Some(numbers) => each(NativeRow { values: &row[..native.width], numbers, ties: &row[keys..] }),
                None => known = false,
            }
        })?;
        Ok(known)
    }

    /// What the server did; an error where it was lost on the way.
    pub(crate) fn finish(&self) -> Result<OnServer, ServerError> {
        if self.lost.get() { Err(ServerError::Lost) } else { Ok(self.did.borrow().clone()) }
    }
}
