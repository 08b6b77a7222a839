//! Exposures and their bases: written by one scope run, read back ordered by table, row, basis and evidence line.

use kintsugi_case::{BasisId, BasisSummary, ColumnSet, EvidenceId, EvidenceLine, Exposure, Technique, Verdict};
use rusqlite::{Connection, Row, Statement, params};

use crate::{Error, FindDb, Result, layout};

/// Takes the exposures of one scope run, in any order. Nothing is kept unless [`ExposureWriter::finish`] is called.
/// Other connections may read the snapshots meanwhile; they see the exposures once it is finished.
pub struct ExposureWriter<'a> {
    pub(crate) connection: &'a Connection,
    insert: Option<Statement<'a>>,
    pushed: u64,
    done: bool,
}

const INSERT: &str = "INSERT INTO exposures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
const SELECT: &str = "SELECT tbl, rownumber, columns, verdict, basis, evidence, line, at_ms, observed, predicted, literals
    FROM exposures INDEXED BY exposures_by_row ORDER BY tbl, rownumber, basis, evidence, line, columns, verdict, at_ms, literals";
const SELECT_ROW: &str = "SELECT tbl, rownumber, columns, verdict, basis, evidence, line, at_ms, observed, predicted, literals
    FROM exposures WHERE tbl = ? AND rownumber = ? ORDER BY basis, evidence, line, columns, verdict, at_ms, literals";

impl FindDb {
    /// Begins a scope run: the exposures, bases, log reports and persons of an earlier one are gone once it is finished.
    pub fn begin_scope(&mut self) -> Result<ExposureWriter<'_>> {
        let begin = || {
            self.share()?;
            self.connection.execute_batch(
                "BEGIN IMMEDIATE; DROP INDEX IF EXISTS exposures_by_row;
                 DROP INDEX IF EXISTS person_records_by_person; DROP INDEX IF EXISTS person_records_by_row;
                 CREATE TABLE IF NOT EXISTS attack (place INTEGER PRIMARY KEY, part TEXT NOT NULL) STRICT; DELETE FROM attack;
                 DELETE FROM exposures; DELETE FROM bases; DELETE FROM log_reports; DELETE FROM persons; DELETE FROM person_records;",
            )?;
            self.connection.prepare(INSERT)
        };
        let insert = begin().map_err(Error::write("the beginning of a scope run"))?;
        Ok(ExposureWriter { connection: &self.connection, insert: Some(insert), pushed: 0, done: false })
    }

    /// Every basis, by number.
    pub fn bases(&self) -> Result<Vec<BasisSummary>> {
        let read = || {
            let mut select = self.connection.prepare("SELECT * FROM bases ORDER BY id")?;
            select.query_map([], basis_of)?.collect::<rusqlite::Result<Vec<_>>>()
        };
        let bases = read().map_err(Error::read("the bases"))?;
        bases.into_iter().map(|basis| basis.ok_or(Error::Word { what: "a basis" })).collect()
    }

    /// Every exposure, by table, row, basis and evidence line.
    pub fn exposures<E: From<Error>>(&self, mut each: impl FnMut(Exposure) -> Result<(), E>) -> Result<(), E> {
        let failed = Error::read("the exposures");
        let mut select = self.connection.prepare_cached(SELECT).map_err(&failed)?;
        let mut rows = select.query([]).map_err(&failed)?;
        while let Some(row) = rows.next().map_err(&failed)? {
            each(exposure_of(row).map_err(&failed)?)?;
        }
        Ok(())
    }

    /// Whether any row of a table was touched.
    pub fn has_exposures(&self, table: u32) -> Result<bool> {
        let found = self.one_row("SELECT 1 FROM exposures WHERE tbl = ? LIMIT 1", u64::from(table), |_| Ok(()))?;
        Ok(found.is_some())
    }

    /// The exposures of one row, by basis and evidence line: all of its bases, for `why`.
    pub fn exposures_of(&self, table: u32, row: u64) -> Result<Vec<Exposure>> {
        let read = || {
            let mut select = self.connection.prepare_cached(SELECT_ROW)?;
            select.query_map(params![table, row.cast_signed()], exposure_of)?.collect::<rusqlite::Result<_>>()
        };
        read().map_err(Error::read("the exposures of a record"))
    }
}

impl ExposureWriter<'_> {
    /// Puts down what one statement or rule did to one row. An empty set of columns is left out.
    pub fn push(&mut self, exposure: &Exposure) -> Result<()> {
        let Some(insert) = self.insert.as_mut().filter(|_| !exposure.columns.is_empty()) else { return Ok(()) };
        let values = params![
            exposure.table,
            exposure.row.cast_signed(),
            exposure.columns.0.cast_signed(),
            exposure.verdict as u8,
            exposure.basis.0,
            exposure.line.evidence.0,
            exposure.line.line.cast_signed(),
            exposure.at_ms,
            exposure.observed_bytes.cast_signed(),
            exposure.predicted_bytes.cast_signed(),
            exposure.literals,
        ];
        insert.execute(values).map_err(Error::write("an exposure"))?;
        self.pushed += 1;
        Ok(())
    }

    /// Puts down a basis; a later one with the same number takes its place (its counts are known last).
    pub fn put_basis(&mut self, basis: &BasisSummary) -> Result<()> {
        let put = self.connection.prepare_cached("INSERT OR REPLACE INTO bases VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
        let values = params![
            basis.id.0,
            basis.technique.name(),
            basis.rule,
            basis.shape,
            basis.endpoint,
            basis.table,
            basis.verdict.name(),
            basis.reason,
            basis.statements.cast_signed(),
            basis.agreeing.cast_signed(),
        ];
        put.and_then(|mut put| put.execute(values)).map_err(Error::write("a basis"))?;
        Ok(())
    }

    /// Puts down a log's report (JSON), in the place of an earlier one.
    pub fn put_log_report(&mut self, evidence: EvidenceId, report: &str) -> Result<()> {
        let put = self.connection.prepare_cached("INSERT OR REPLACE INTO log_reports VALUES (?, ?)");
        put.and_then(|mut put| put.execute((evidence.0, report))).map_err(Error::write("a log report"))?;
        Ok(())
    }

    /// Builds the index and makes the run visible. Gives how many exposures there are.
    pub fn finish(mut self) -> Result<u64> {
        self.insert = None;
        let ended = self.connection.execute_batch(layout::EXPOSURE_INDEX).and_then(|()| self.connection.execute_batch("COMMIT"));
        ended.map_err(Error::write("the end of a scope run"))?;
        self.done = true;
        Ok(self.pushed)
    }
}

impl Drop for ExposureWriter<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.insert = None;
            // Nothing can be told from here; an unfinished run is as if it had never begun.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }
}

fn verdict_of(number: u8) -> Verdict {
    match number {
        2 => Verdict::Proved,
        1 => Verdict::Possible,
        _ => Verdict::Excluded,
    }
}

fn exposure_of(row: &Row<'_>) -> rusqlite::Result<Exposure> {
    let count = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
    Ok(Exposure {
        table: row.get(0)?,
        row: count(1)?,
        columns: ColumnSet(count(2)?),
        verdict: verdict_of(row.get(3)?),
        basis: BasisId(row.get(4)?),
        line: EvidenceLine { evidence: EvidenceId(row.get(5)?), line: count(6)? },
        at_ms: row.get(7)?,
        observed_bytes: count(8)?,
        predicted_bytes: count(9)?,
        literals: row.get(10)?,
    })
}

fn basis_of(row: &Row<'_>) -> rusqlite::Result<Option<BasisSummary>> {
    let words = (Technique::from_name(&row.get::<_, String>(1)?), Verdict::from_name(&row.get::<_, String>(6)?));
    let (Some(technique), Some(verdict)) = words else { return Ok(None) };
    Ok(Some(BasisSummary {
        id: BasisId(row.get(0)?),
        technique,
        verdict,
        rule: row.get(2)?,
        shape: row.get(3)?,
        endpoint: row.get(4)?,
        table: row.get(5)?,
        reason: row.get(7)?,
        statements: row.get::<_, i64>(8)?.cast_unsigned(),
        agreeing: row.get::<_, i64>(9)?.cast_unsigned(),
    }))
}
