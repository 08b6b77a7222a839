//! FIND 4: the rules of the case file, in their order, to exposures in find.db. The strongest verdict of a cell wins when
//! it is read back; every basis is kept.
//!
//! Not here: how a statement is replayed (`replay`), who is affected (`resolve`), freezing (`store`).

use std::path::Path;

use kintsugi_case::{CaseFile, RuleSpec, WindowRule};
use kintsugi_evidence::CustodyEntry;
use kintsugi_find::{FindDb, Table};
use kintsugi_replay::{Inputs, Progress, Replayed, Servers, replay};
use kintsugi_vault::Keys;
use rusqlite::{Connection, OpenFlags};

mod access;
mod error;
mod file;
mod names;
mod window;

pub use access::Accessed;
pub use error::{Error, Result};
pub use file::Filed;

/// What came of the rules.
#[derive(Clone, Debug, Default)]
pub struct Scoped {
    /// What replay did, where a rule asks for it.
    pub replayed: Option<Replayed>,
    /// Rows that window rules named, in the rules' order.
    pub windows: Vec<u64>,
    /// What access rules came to, in the rules' order.
    pub accessed: Vec<Accessed>,
    /// What file rules came to, file by file.
    pub filed: Vec<Filed>,
    /// Rules about sources without a snapshot, as (kind, source): they name cells, and there are none yet.
    pub waiting: Vec<(&'static str, String)>,
    /// Exposures written.
    pub exposures: u64,
    /// Bases written.
    pub bases: u32,
}

/// Applies every rule and writes what follows to find.db, in the place of an earlier run.
pub fn run(
    case_dir: &Path,
    case: &CaseFile,
    keys: &Keys,
    find: &mut FindDb,
    evidence: &[CustodyEntry],
    servers: &Servers,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Scoped> {
    let (path, tables) = (find.path().to_owned(), find.tables().to_vec());
    let mut writer = find.begin_scope().map_err(Error::Find)?;
    let (mut scoped, mut next_basis) = (Scoped::default(), 1);
    for rule in &case.rules {
        match rule {
            RuleSpec::Replay if scoped.replayed.is_some() => {}
            rule if waits(rule, case).is_some() => scoped.waiting.extend(waits(rule, case)),
            RuleSpec::Replay => {
                let inputs = Inputs { case_dir, case, keys, find: &path, tables: &tables, evidence, servers };
                let replayed = replay(inputs, next_basis, &mut writer, progress).map_err(Error::Replay)?;
                next_basis += replayed.bases;
                scoped.replayed = Some(replayed);
            }
            RuleSpec::Access(access) => {
                let context = Context { case_dir, case, keys, find: &path, tables: &tables, evidence };
                scoped.accessed.push(access::apply(access, &context, &mut next_basis, &mut writer)?);
            }
            RuleSpec::File(file) => {
                let context = Context { case_dir, case, keys, find: &path, tables: &tables, evidence };
                scoped.filed.extend(file::apply(file, &context, &mut next_basis, &mut writer)?);
            }
            RuleSpec::Window(window) => {
                let connection = read_only(&path, window)?;
                scoped.windows.push(window::apply(window, &tables, &connection, &mut next_basis, &mut writer)?);
            }
        }
    }
    scoped.bases = next_basis - 1;
    scoped.exposures = writer.finish().map_err(Error::Find)?;
    Ok(scoped)
}

/// The kind and source of a rule that needs a snapshot which has not arrived. Statements are read without one.
fn waits(rule: &RuleSpec, case: &CaseFile) -> Option<(&'static str, String)> {
    let (kind, source) = match rule {
        RuleSpec::Replay => return None,
        RuleSpec::Access(rule) => ("access", &rule.source),
        RuleSpec::File(rule) => ("file", &rule.source),
        RuleSpec::Window(rule) => ("window", &rule.source),
    };
    case.source(source).is_some_and(|source| source.snapshot.is_none()).then(|| (kind, source.clone()))
}

/// What rules without statements work on.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) case_dir: &'a Path,
    pub(crate) case: &'a CaseFile,
    pub(crate) keys: &'a Keys,
    /// Where find.db lies.
    find: &'a Path,
    pub(crate) tables: &'a [Table],
    pub(crate) evidence: &'a [CustodyEntry],
}

impl Context<'_> {
    /// A second connection for reading rows: the first one is writing. What it makes for itself stays in memory.
    pub(crate) fn read_only(&self) -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(self.find, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.execute_batch("PRAGMA temp_store = MEMORY")?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    }
}

/// A second connection for reading rows: the first one is writing.
fn read_only(path: &Path, rule: &WindowRule) -> Result<Connection> {
    let opened = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
    opened.map_err(|source| Error::Window { table: rule.table.clone(), column: rule.column.clone(), source })
}
