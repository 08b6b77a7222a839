//! What the reading of each log gave, so that "no evidence of" can be said with the logs read and their gaps.

use kintsugi_case::EvidenceId;

use crate::{Error, FindDb, Result};

impl FindDb {
    /// Puts down a log's report (JSON), in the place of an earlier one.
    pub fn put_log_report(&self, evidence: EvidenceId, report: &str) -> Result<()> {
        let put = self.connection.prepare_cached("INSERT OR REPLACE INTO log_reports VALUES (?, ?)");
        put.and_then(|mut put| put.execute((evidence.0, report))).map_err(Error::write("a log report"))?;
        Ok(())
    }

    /// Every report (JSON), by the evidence's number.
    pub fn log_reports(&self) -> Result<Vec<(EvidenceId, String)>> {
        let read = || {
            let mut select = self.connection.prepare("SELECT evidence, report FROM log_reports ORDER BY evidence")?;
            select.query_map([], |row| Ok((EvidenceId(row.get(0)?), row.get(1)?)))?.collect::<rusqlite::Result<_>>()
        };
        read().map_err(Error::read("the log reports"))
    }
}
