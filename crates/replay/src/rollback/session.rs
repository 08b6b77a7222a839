//! Which writes took effect: those of a transaction that was rolled back, or failed, did not; those of one that was committed
//! took effect for everybody at its end.

use std::collections::{BTreeMap, HashMap};

use kintsugi_case::{EvidenceId, EvidenceLine};
use kintsugi_evidence::QueryLine;

use super::Unclear;
use super::parse::{Act, Change, acts};
use crate::catalog::Catalog;
use crate::dialect::Dialect;

/// A change of a table that took effect.
#[derive(Clone)]
pub(crate) struct Write {
    /// By the database's clock, milliseconds since 1970 UTC.
    pub(crate) at_ms: i64,
    /// Where the query log has what made it effective: itself, or the end of its transaction.
    pub(crate) line: EvidenceLine,
    /// Place in the catalog.
    pub(crate) table: usize,
    pub(crate) change: Change,
}

/// The connections of a query log while it is read.
pub(crate) struct Sessions<'a> {
    dialect: Dialect,
    catalog: &'a Catalog,
    open: HashMap<(EvidenceId, String), Session>,
    done: Vec<Write>,
    /// Rows and conditions held.
    held: usize,
    /// The last write of each table beyond what is held.
    beyond: BTreeMap<usize, (i64, EvidenceLine)>,
}

/// Rows and conditions of writes that are held, some 200 bytes each.
const HELD_MAX: usize = 2_000_000;

#[derive(Default)]
struct Session {
    /// What the open transaction has written; `None` outside of one.
    transaction: Option<Vec<Write>>,
    savepoints: Vec<(String, usize)>,
    /// Every write opens a transaction (`SET autocommit=0`).
    manual: bool,
    /// An error ended what the transaction can do.
    failed: bool,
}

impl<'a> Sessions<'a> {
    pub(crate) fn new(dialect: Dialect, catalog: &'a Catalog) -> Self {
        let (open, beyond) = (HashMap::new(), BTreeMap::new());
        Self { dialect, catalog, open, done: Vec::new(), held: 0, beyond }
    }

    /// Takes a statement of a query log.
    pub(crate) fn take(&mut self, line: &QueryLine, place: EvidenceLine) {
        let Some(at_ms) = line.at_ms else { return };
        let text = String::from_utf8_lossy(&line.text);
        let mut acts = acts(&text, &line.parameters, self.dialect, self.catalog);
        acts.retain(|act| self.holds(act, at_ms, place));
        let manual = autocommit(&text).map(|on| !on);
        if acts.is_empty() && manual.is_none() && line.error.is_none() {
            return;
        }
        let session = self.open.entry((place.evidence, line.connection.clone())).or_default();
        session.manual = manual.unwrap_or(session.manual);
        if line.error.is_some() {
            // PostgreSQL does nothing more in a transaction in which a statement failed; the others go on.
            session.failed |= self.dialect == Dialect::PostgreSql && session.transaction.is_some();
            return;
        }
        for act in acts {
            session.act(act, at_ms, place, &mut self.done);
        }
    }

    /// Whether there is room for a write; of those beyond it only the last is known. It may not have taken effect.
    fn holds(&mut self, act: &Act, at_ms: i64, place: EvidenceLine) -> bool {
        let Act::Write(table, change) = act else { return true };
        self.held += change.size();
        if self.held <= HELD_MAX {
            return true;
        }
        let last = self.beyond.entry(*table).or_insert((at_ms, place));
        *last = (*last).max((at_ms, place));
        false
    }

    /// Every write that took effect, in the order of time. What was open at the end of the log may have been committed later.
    pub(crate) fn finish(mut self) -> Vec<Write> {
        self.done.extend(self.open.into_values().filter(|session| !session.failed).flat_map(|open| open.transaction).flatten());
        let beyond = self.beyond.into_iter();
        self.done.extend(beyond.map(|(table, (at_ms, line))| Write {
            at_ms,
            line,
            table,
            change: Change::Unclear(Unclear::TooMany),
        }));
        self.done.sort_by_key(|write| (write.at_ms, write.line));
        self.done
    }
}

impl Session {
    fn act(&mut self, act: Act, at_ms: i64, line: EvidenceLine, done: &mut Vec<Write>) {
        match act {
            Act::Write(table, change) => {
                let write = Write { at_ms, line, table, change };
                if self.manual {
                    self.transaction.get_or_insert_default();
                }
                match &mut self.transaction {
                    Some(open) => open.push(write),
                    None => done.push(write),
                }
            }
            // In MySQL a BEGIN commits what was open.
            Act::Begin => {
                self.end(at_ms, line, done);
                self.transaction = Some(Vec::new());
            }
            Act::Commit => self.end(at_ms, line, done),
            Act::Rollback(None) => {
                self.failed = true;
                self.end(at_ms, line, done);
            }
            Act::Rollback(Some(name)) => self.back_to(&name),
            Act::Savepoint(name) => self.savepoints.push((name, self.transaction.as_ref().map_or(0, Vec::len))),
        }
    }

    fn back_to(&mut self, name: &str) {
        let kept = self.savepoints.iter().rev().find(|(known, _)| known == name).map_or(0, |(_, kept)| *kept);
        if let Some(open) = &mut self.transaction {
            open.truncate(kept);
        }
        self.failed = false;
    }

    fn end(&mut self, at_ms: i64, line: EvidenceLine, done: &mut Vec<Write>) {
        let writes = self.transaction.take().unwrap_or_default();
        if !self.failed {
            done.extend(writes.into_iter().map(|write| Write { at_ms, line, ..write }));
        }
        self.failed = false;
        self.savepoints.clear();
    }
}

/// `SET autocommit=0` and its spellings.
fn autocommit(text: &str) -> Option<bool> {
    let text = text.trim_start();
    if !text.get(..3).is_some_and(|word| word.eq_ignore_ascii_case("set")) {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let value = lower.split_once("autocommit")?.1.trim_start().strip_prefix('=')?.trim_start().to_owned();
    Some(!(value.starts_with('0') || value.starts_with("off") || value.starts_with("false")))
}

#[cfg(test)]
mod tests {
    use kintsugi_case::{EvidenceId, EvidenceLine};
    use kintsugi_evidence::{QueryError, QueryLine};

    use super::Sessions;
    use crate::catalog::Catalog;
    use crate::dialect::Dialect;
    use crate::tests::people;

    /// Statements as `connection: text`, and when each write took effect, by the line that it stands on.
    fn check(dialect: Dialect, lines: &[&str], expected: &str) {
        let catalog = Catalog::new(&[people()], "shop");
        let mut sessions = Sessions::new(dialect, &catalog);
        for (line, number) in lines.iter().zip(1..) {
            let (connection, text) = line.split_once(": ").expect("a connection");
            let (text, error) = text.strip_suffix(" !").map_or((text, None), |text| (text, Some(QueryError::default())));
            let at_ms = Some(number as i64);
            let (connection, text) = (connection.to_owned(), text.as_bytes().to_vec());
            let read = QueryLine { line: number, at_ms, connection, text, error, ..QueryLine::default() };
            sessions.take(&read, EvidenceLine { evidence: EvidenceId(1), line: number });
        }
        let told: Vec<String> = sessions.finish().iter().map(|write| format!("{}@{}", write.line.line, write.at_ms)).collect();
        assert_eq!(told.join(" "), expected);
    }

    const WRITE: &str = "UPDATE people SET name='x' WHERE id=11";

    #[test]
    fn only_what_was_committed_counts() {
        use Dialect::{MySql, PostgreSql};
        let (a, b) = (format!("a: {WRITE}"), format!("b: {WRITE}"));
        check(MySql, &[&a, &b], "1@1 2@2");
        check(MySql, &["a: BEGIN", &a, &b, "a: ROLLBACK", &a], "3@3 5@5");
        check(MySql, &["a: START TRANSACTION", &a, &b, "a: COMMIT"], "3@3 4@4");
        check(MySql, &["a: SET autocommit=0", &a, "a: ROLLBACK", &a, "a: COMMIT"], "5@5");
        check(MySql, &["a: BEGIN", &a, "a: SAVEPOINT s", &a, "a: ROLLBACK TO SAVEPOINT s", "a: COMMIT"], "6@6");
        check(PostgreSql, &["a: BEGIN", &a, "a: SELECT 1/0 !", "a: COMMIT"], "");
        check(MySql, &["a: BEGIN", &a, "a: SELECT 1/0 !", "a: COMMIT"], "4@4");
        check(MySql, &[&format!("{a} !")], "");
        check(MySql, &["a: BEGIN", &a], "2@2");
    }
}
