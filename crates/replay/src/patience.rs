//! How long a statement may take, and how much it may give: whoever writes into the log must not keep the analyst waiting for
//! ever, nor fill the machine's memory, with a product of five tables by themselves. Counted in steps of SQLite, not by a
//! clock, so that the same evidence always gives the same answer.
//!
//! Not here: what becomes of a statement that was given up (`investigation`: what it names is possible).

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::{Connection, ErrorCode};

/// Steps of SQLite between two looks at the count.
const STEPS: i32 = 1 << 20;
/// Looks (a million steps each) that are granted to a statement whatever the tables hold: some seconds of a processor.
const LOOKS: u64 = 512;
/// Steps that are granted for each row of the tables.
const STEPS_PER_ROW: u64 = 256;
/// Bytes that SQLite may hold, whatever the tables do and for each of their rows: a sort of a product grows within it.
const HEAP_BYTES: u64 = 1 << 30;
const HEAP_BYTES_PER_ROW: u64 = 128;
/// Rows that are granted whatever the tables hold.
const ROWS: u64 = 1_000_000;

/// What is granted.
pub(crate) struct Patience {
    /// Rows in all tables.
    rows: Cell<u64>,
    /// Looks that are granted beside those for rows: half as many after each statement that used them up, so that a thousand
    /// such statements cost no more than two.
    looks: Cell<u64>,
}

impl Default for Patience {
    fn default() -> Self {
        Self { rows: Cell::new(0), looks: Cell::new(LOOKS) }
    }
}

/// Why a statement was given up.
const ENDLESS: &str = "it joins tables without an end";

impl Patience {
    /// So many rows are in the tables.
    pub(crate) fn with_rows(&self, rows: u64) {
        self.rows.set(rows);
    }

    /// Bounds what SQLite holds in this process, by the rows of all sources together: the bound can never be raised again.
    pub(crate) fn bound_memory(connection: &Connection, rows: u64) -> rusqlite::Result<()> {
        let bytes = HEAP_BYTES + HEAP_BYTES_PER_ROW * rows;
        connection.query_row(&format!("PRAGMA hard_heap_limit = {bytes}"), [], |_| Ok(()))
    }

    /// Rows that a statement may give.
    pub(crate) fn rows_max(&self) -> u64 {
        ROWS + 2 * self.rows.get()
    }

    /// Why a statement that gave more was given up.
    pub(crate) fn too_many() -> rusqlite::Error {
        rusqlite::Error::UserFunctionError(ENDLESS.into())
    }

    /// Lets a statement run; one that takes too long fails.
    pub(crate) fn run<T, E: From<rusqlite::Error>>(
        &self,
        connection: &Connection,
        statement: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let granted = self.looks.get() + self.rows.get() * STEPS_PER_ROW / STEPS as u64;
        let (count, looks) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(granted)));
        let (counting, most) = (Arc::clone(&count), Arc::clone(&looks));
        let is_over = move || counting.fetch_add(1, Ordering::Relaxed) >= most.load(Ordering::Relaxed);
        connection.progress_handler(STEPS, Some(is_over))?;
        let done = statement();
        connection.progress_handler(STEPS, None::<fn() -> bool>)?;
        if count.load(Ordering::Relaxed) > granted {
            self.looks.set((self.looks.get() / 2).max(1));
            return Err(Self::too_many().into());
        }
        done
    }
}

/// Whether SQLite ended a statement because it was told to, or had no more room.
pub(crate) fn is_given_up(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::UserFunctionError(why) if why.to_string() == ENDLESS)
        || matches!(error.sqlite_error_code(), Some(ErrorCode::OperationInterrupted | ErrorCode::OutOfMemory))
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::{Patience, is_given_up};

    #[test]
    fn an_endless_statement_ends_and_the_next_one_runs() {
        let connection = Connection::open_in_memory().expect("memory");
        let patience = Patience::default();
        patience.looks.set(4);
        let count = |sql: &str| patience.run(&connection, || connection.query_row(sql, [], |row| row.get::<_, i64>(0)));
        let rows = "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 1000)";
        let endless = format!("{rows} SELECT COUNT(*) FROM r a, r b, r c, r d WHERE a.n + b.n + c.n + d.n > 1");
        assert!(count(&endless).is_err_and(|error| is_given_up(&error)));
        assert_eq!(patience.looks.get(), 2, "the next one is granted less");
        assert_eq!(count(&format!("{rows} SELECT COUNT(*) FROM r")).expect("a count"), 1000);
    }
}
