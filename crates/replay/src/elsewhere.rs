//! Statements whose result leaves by another way than the page: copied into a table, written into a file, handed to a
//! program, or sent by the database itself to another server (a name that it looks up, a share that it opens). No size of a
//! page tells what came of them, and none contradicts them either: an error page may follow what has already left. So what
//! they name is possible unless the database, or the server before it, did not run them.
//!
//! Nothing of theirs is ever run here. Not here: which ways there are (`way`), and values that a later page shows again.

use std::collections::{BTreeMap, HashSet};

use kintsugi_case::{ColumnSet, Technique, Verdict};

use crate::conclusion::{Cells, Conclusion, Ground};
use crate::data::Data;
use crate::error::{Error, Result};
use crate::statement::Observation;

mod way;

pub(crate) use way::{Way, read_as_text, way};

const NETWORK: &str = "the statement has the database itself send what it asks for to another server: no page shows it, \
     and the DNS or firewall log would settle it";
const PROGRAM: &str = "the statement hands what it asks for to a program on the database's server: no page shows it, \
     and the firewall log would settle it";
const FILE: &str =
    "the statement writes what it asks for into a file on the database's server, and whether anybody fetched it is not known";
const TABLE: &str = "the statement copies what it asks for into a table, and what was read from there later no size tells";
const REFUSED: &str = "the server refused the request";
const NO_PAGE: &str = "the server refused the request: it has no such page";

/// Statements of one shape, table and way that are looked at one by one.
const LINES_MAX: usize = 256;

/// The statements of a source that send what they read elsewhere.
#[derive(Default)]
pub(crate) struct Elsewhere {
    sent: BTreeMap<(usize, usize, Way), Sent>,
    /// Endpoints that answered something else than "not found".
    pages: HashSet<usize>,
}

struct Sent {
    columns: ColumnSet,
    /// The first of them.
    observed: Observation,
    statements: u64,
    lines: Vec<Observation>,
}

impl Elsewhere {
    /// Takes the answer to any injection: an address that always answers "not found" is no page.
    pub(crate) fn answered(&mut self, endpoint: usize, observed: &Observation) {
        if observed.status != 404 {
            self.pages.insert(endpoint);
        }
    }

    /// Takes a statement of a shape with what it names of a table.
    pub(crate) fn take(&mut self, shape: usize, way: &Way, (table, columns): (usize, ColumnSet), observed: Observation) {
        let fresh = || Sent { columns: ColumnSet::default(), observed, statements: 0, lines: Vec::new() };
        let sent = self.sent.entry((shape, table, way.clone())).or_insert_with(fresh);
        sent.columns = ColumnSet(sent.columns.0 | columns.0);
        sent.statements += 1;
        if sent.lines.len() <= LINES_MAX {
            sent.lines.push(observed);
        }
    }

    /// Writes down every row of their tables: one exposure each.
    pub(crate) fn conclude(self, data: &Data, into: &mut Conclusion<'_>) -> Result<()> {
        for ((shape, table, way), sent) in &self.sent {
            let endpoint = into.shapes[*shape].endpoint;
            let not_run: Option<Vec<&'static str>> = sent.lines.iter().map(|line| self.not_run(endpoint, line, into)).collect();
            let not_run =
                not_run.filter(|_| sent.lines.len() as u64 == sent.statements).and_then(|reasons| reasons.first().copied());
            let verdict = if not_run.is_some() { Verdict::Excluded } else { Verdict::Possible };
            let ground = Ground { shape: *shape, table: *table, technique: Technique::OutOfBand, verdict, reason: "" };
            let basis = into.open_basis(*shape, into.summary(&ground, not_run.unwrap_or(way.reason())), sent.statements);
            let rows = data.row_numbers(into.catalog.table(*table));
            for row in rows.map_err(|source| Error::Prepare { doing: "listing the rows of a table", source })? {
                let (columns, observed) = (sent.columns, sent.observed);
                let cells = Cells { row, columns, observed, predicted_bytes: 0, agrees: false, literals: "" };
                into.put(basis, *table, verdict, &cells)?;
            }
        }
        Ok(())
    }

    /// Why a statement never reached the database, or was not run there.
    fn not_run(&self, endpoint: usize, observed: &Observation, into: &Conclusion<'_>) -> Option<&'static str> {
        let has_page = !into.endpoints.get(endpoint).is_inferred() || self.pages.contains(&endpoint);
        match observed.status {
            // The server's own, or a firewall's. An application that fails, redirects or finds nothing has asked the database.
            401 | 403 | 405 | 406 | 411 | 413 | 414 | 429 | 431 => Some(REFUSED),
            404 if !has_page => Some(NO_PAGE),
            _ => into.nothing_by_log(endpoint, observed),
        }
    }
}

impl Way {
    const fn reason(&self) -> &'static str {
        match self {
            Self::Network => NETWORK,
            Self::Program => PROGRAM,
            Self::File(_) => FILE,
            Self::Table => TABLE,
        }
    }
}
