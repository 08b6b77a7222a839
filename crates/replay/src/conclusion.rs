//! What every engine ends with: exposures and the bases they rest on, handed to a sink.

use std::collections::HashMap;

use kintsugi_case::{AttackPart, BasisId, BasisSummary, ColumnSet, EvidenceId, EvidenceLine, Exposure, Technique, Verdict};

use crate::catalog::Catalog;
use crate::context::Endpoints;
use crate::error::Result;
use crate::investigation::Shape;
use crate::query::Fates;
use crate::statement::Observation;
use crate::{AttackStatement, RecoveredValue, Replayed};

/// Where conclusions go.
pub(crate) trait Sink {
    fn exposure(&mut self, exposure: &Exposure) -> Result<()>;
    fn basis(&mut self, basis: &BasisSummary) -> Result<()>;

    /// How a log was read, as JSON.
    fn log_report(&mut self, _evidence: EvidenceId, _report: &str) -> Result<()> {
        Ok(())
    }

    /// Whether values are wanted at all; they are never kept.
    fn wants_values(&self) -> bool {
        false
    }

    /// A part of the picture of the attack.
    fn attack(&mut self, _part: AttackPart) -> Result<()> {
        Ok(())
    }

    /// Whether statements are wanted one by one, and nothing that follows from them.
    fn wants_statements(&self) -> bool {
        false
    }

    /// A statement by itself.
    fn statement(&mut self, _statement: AttackStatement) -> Result<()> {
        Ok(())
    }

    /// A value that the evidence gives away.
    fn value(&mut self, _value: RecoveredValue) -> Result<()> {
        Ok(())
    }
}

/// Conclusions while they are drawn.
pub(crate) struct Conclusion<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) endpoints: &'a Endpoints,
    pub(crate) shapes: &'a [Shape],
    pub(crate) replayed: Replayed,
    /// What the query logs say became of injections.
    pub(crate) fates: Fates,
    bases: Bases,
    sink: &'a mut dyn Sink,
    progress: &'a mut dyn FnMut(u64),
    judged: u64,
    /// Which shape each basis rests on.
    links: Vec<(usize, BasisId)>,
}

/// Why a group of cells is exposed: statements of one shape about one table share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ground {
    /// Index of the shape.
    pub(crate) shape: usize,
    /// Index of the table in the catalog.
    pub(crate) table: usize,
    pub(crate) technique: Technique,
    pub(crate) verdict: Verdict,
    pub(crate) reason: &'static str,
}

/// Cells of one row that left together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cells<'a> {
    /// The row's number in the snapshot.
    pub(crate) row: u64,
    pub(crate) columns: ColumnSet,
    pub(crate) observed: Observation,
    /// What the replay says that the server sent; 0 where it cannot say.
    pub(crate) predicted_bytes: u64,
    /// Whether what was observed agrees with the replay.
    pub(crate) agrees: bool,
    /// The statement's literals as people may see them.
    pub(crate) literals: &'a str,
}

impl<'a> Conclusion<'a> {
    pub(crate) fn new(
        (catalog, endpoints, shapes): (&'a Catalog, &'a Endpoints, &'a [Shape]),
        first_basis: u32,
        sink: &'a mut dyn Sink,
        progress: &'a mut dyn FnMut(u64),
    ) -> Self {
        let bases = Bases { first: first_basis, next: first_basis, known: HashMap::new(), list: Vec::new() };
        let (replayed, fates) = (Replayed::default(), Fates::default());
        Self { catalog, endpoints, shapes, replayed, fates, bases, sink, progress, judged: 0, links: Vec::new() }
    }

    /// Why the database gave nothing for a statement of this shape.
    pub(crate) fn nothing(&self, shape: usize, observed: &Observation) -> Option<&'static str> {
        self.nothing_by_log(self.shapes[shape].endpoint, observed)
    }

    /// Why the database gave nothing for a statement through an endpoint, as its log says.
    pub(crate) fn nothing_by_log(&self, endpoint: usize, observed: &Observation) -> Option<&'static str> {
        self.fates.nothing(endpoint, observed)
    }

    /// One more statement was judged.
    pub(crate) fn judged(&mut self, agrees: bool) {
        self.replayed.agreeing += u64::from(agrees);
        if self.judged.is_multiple_of(1024) {
            (self.progress)(self.judged);
        }
        self.judged += 1;
    }

    /// Writes down cells that a statement was about.
    pub(crate) fn expose(&mut self, ground: Ground, cells: &Cells<'_>) -> Result<()> {
        let basis = match self.bases.known.get(&ground) {
            Some(&basis) => basis,
            None => {
                let summary = self.summary(&ground, ground.reason);
                let basis = self.bases.push(summary);
                self.bases.known.insert(ground, basis);
                self.links.push((ground.shape, basis));
                basis
            }
        };
        self.bases.count(basis, cells.observed.line, cells.agrees);
        self.put(basis, ground.table, ground.verdict, cells)
    }

    /// Counts statements to a ground that cells were written for, beyond the one that is counted with each line.
    pub(crate) fn tally(&mut self, ground: Ground, statements: u64, agreeing: u64) {
        if let Some(&basis) = self.bases.known.get(&ground) {
            let (_, basis) = &mut self.bases.list[(basis.0 - self.bases.first) as usize];
            basis.statements += statements;
            basis.agreeing += agreeing;
        }
        self.replayed.agreeing += agreeing;
    }

    /// Opens a basis of its own, for what no ground covers; its statements are counted by the caller.
    pub(crate) fn open_basis(&mut self, shape: usize, mut summary: BasisSummary, statements: u64) -> BasisId {
        summary.statements = statements;
        let basis = self.bases.push(summary);
        self.links.push((shape, basis));
        basis
    }

    /// Writes down cells under a basis that is there.
    pub(crate) fn put(&mut self, basis: BasisId, table: usize, verdict: Verdict, cells: &Cells<'_>) -> Result<()> {
        self.replayed.exposures += 1;
        self.sink.exposure(&Exposure {
            table: self.catalog.table(table).id,
            row: cells.row,
            columns: cells.columns,
            verdict,
            basis,
            line: cells.observed.line,
            at_ms: cells.observed.at_ms,
            observed_bytes: cells.observed.bytes,
            predicted_bytes: cells.predicted_bytes,
            literals: cells.literals.to_owned(),
        })
    }

    /// Whether engines are to hand over the values that they read.
    pub(crate) fn wants_values(&self) -> bool {
        self.sink.wants_values()
    }

    /// Hands over a value that was read; without anybody who wants it, it is dropped.
    pub(crate) fn value(&mut self, value: RecoveredValue) -> Result<()> {
        self.sink.value(value)
    }

    /// What `why` shows of a ground.
    pub(crate) fn summary(&self, ground: &Ground, reason: &str) -> BasisSummary {
        let shape = &self.shapes[ground.shape];
        BasisSummary {
            id: BasisId::default(),
            technique: ground.technique,
            rule: "replay".into(),
            shape: unnumbered(&shape.sql),
            endpoint: self.endpoints.get(shape.endpoint).name.clone(),
            table: self.catalog.table(ground.table).name.clone(),
            verdict: ground.verdict,
            reason: reason.to_owned(),
            statements: 0,
            agreeing: 0,
        }
    }

    /// Hands over the bases; nothing follows. Gives also which shape each of them rests on, and how its answers left.
    pub(crate) fn finish(mut self) -> Result<(Replayed, Vec<Rest>)> {
        self.replayed.bases = self.bases.next - self.bases.first;
        let mut links = Vec::new();
        for (shape, basis) in &self.links {
            let (_, summary) = &self.bases.list[(basis.0 - self.bases.first) as usize];
            links.push((*shape, *basis, summary.technique));
        }
        for (_, basis) in self.bases.list {
            self.sink.basis(&basis)?;
        }
        Ok((self.replayed, links))
    }
}

/// A shape, a basis that rests on it, and how its answers left.
pub(crate) type Rest = (usize, BasisId, Technique);

struct Bases {
    first: u32,
    next: u32,
    known: HashMap<Ground, BasisId>,
    /// Each with the line of the statement that was counted last: a statement with many rows counts once.
    list: Vec<(EvidenceLine, BasisSummary)>,
}

impl Bases {
    fn push(&mut self, mut summary: BasisSummary) -> BasisId {
        let id = BasisId(self.next);
        self.next += 1;
        summary.id = id;
        self.list.push((EvidenceLine::default(), summary));
        id
    }

    fn count(&mut self, id: BasisId, line: EvidenceLine, agrees: bool) {
        let (last, basis) = &mut self.list[(id.0 - self.first) as usize];
        if *last != line {
            *last = line;
            basis.statements += 1;
            basis.agreeing += u64::from(agrees);
        }
    }
}

/// The shape as people read it: `?` without numbers.
pub(crate) fn unnumbered(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len());
    let mut after_place = false;
    for c in sql.chars() {
        if !(after_place && c.is_ascii_digit()) {
            text.push(c);
            after_place = c == '?';
        }
    }
    text
}
