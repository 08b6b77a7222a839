//! The independent check of letters: batches without a gap, every letter in its place and once, its notice where it must
//! stand, the history saying the same. It only reads, and by other queries than those that made the batches. Whether a
//! letter still says what its digest was taken of is for whoever can compose it (`kintsugi verify`).

use std::collections::BTreeMap;

use kintsugi_case::NoticeState;
use sqlx::any::AnyRow;

use crate::error::During;
use crate::person::state;
use crate::rows::Columns;
use crate::{Result, Store};

/// Letters read at a time.
const PAGE: i64 = 5_000;

/// So many faults are told one by one; the rest is counted.
const FAULTS_MAX: usize = 50;

/// What the check of letters found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LettersCheck {
    /// Batches gone through.
    pub batches: u64,
    /// Batches that are entered and whose files are not written yet.
    pub unwritten: u64,
    /// Letters gone through.
    pub letters: u64,
    /// What is wrong, one sentence each.
    pub faults: Vec<String>,
    /// Faults beyond those.
    pub more_faults: u64,
}

/// A batch while its letters are gone through.
struct Seen {
    scope_version: u32,
    begun_at_ms: i64,
    /// Pages when it was written; none before.
    pages: Option<u64>,
    letters: u32,
}

impl LettersCheck {
    /// Whether everything fits.
    pub fn holds(&self) -> bool {
        self.faults.is_empty()
    }

    fn fault(&mut self, what: String) {
        if self.faults.len() < FAULTS_MAX { self.faults.push(what) } else { self.more_faults += 1 }
    }
}

impl Store {
    /// Goes through every batch and every letter.
    pub async fn check_letters(&self) -> Result<LettersCheck> {
        let mut check = LettersCheck::default();
        let mut batches = self.check_batches(&mut check).await?;
        let (mut batch, mut piece) = (0_i64, 0_i64);
        loop {
            let sql = "SELECT l.serial AS serial, l.address AS address, l.batch AS batch, l.piece AS piece, \
                       l.dated_ms AS dated_ms, l.digest AS digest, n.state AS state, n.scope_version AS scope_version, \
                       COALESCE((SELECT MAX(m.address) FROM letter m WHERE m.serial = l.serial), 0) AS newest, \
                       COALESCE((SELECT MAX(a.number) FROM postal_address a WHERE a.person = n.person), 0) AS given \
                       FROM letter l LEFT JOIN notice n ON n.serial = l.serial \
                       WHERE l.batch > $1 OR (l.batch = $1 AND l.piece > $2) ORDER BY l.batch, l.piece LIMIT $3";
            let query = sqlx::query(sql).bind(batch).bind(piece).bind(PAGE);
            let rows = query.fetch_all(self.reader()).await.during("check the letters")?;
            let Some(last) = rows.last() else { break };
            (batch, piece) = (last.int("batch")?, last.int("piece")?);
            for row in &rows {
                check.letters += 1;
                if let Some(fault) = of_letter(row, &mut batches)? {
                    check.fault(fault);
                }
            }
        }
        for (number, batch) in batches {
            if batch.letters == 0 {
                check.fault(format!("batch {number} has no letters"));
            } else if batch.pages.is_some_and(|pages| pages < u64::from(batch.letters)) {
                check.fault(format!("batch {number} has fewer pages than letters"));
            }
        }
        self.check_letter_history(&mut check).await?;
        Ok(check)
    }

    async fn check_batches(&self, check: &mut LettersCheck) -> Result<BTreeMap<u32, Seen>> {
        let sql = "SELECT number, scope_version, begun_at_ms, written_at_ms, pages, digest FROM letter_batch ORDER BY number";
        let rows = sqlx::query(sql).fetch_all(self.reader()).await.during("check the letters")?;
        let mut batches = BTreeMap::new();
        let mut before = 0;
        for row in &rows {
            let (number, written) = (row.small("number")?, row.int("written_at_ms")? > 0);
            if number != before + 1 {
                check.fault(format!("a batch before batch {number} is missing"));
            }
            before = number;
            if written != is_digest(&row.text("digest")?) {
                check.fault(format!("batch {number}: the digest of its PDF is none"));
            }
            check.batches += 1;
            check.unwritten += u64::from(!written);
            let pages = if written { Some(row.count("pages")?) } else { None };
            let (scope_version, begun_at_ms) = (row.small("scope_version")?, row.int("begun_at_ms")?);
            batches.insert(number, Seen { scope_version, begun_at_ms, pages, letters: 0 });
        }
        Ok(batches)
    }

    /// The history of notices and the letters say the same: neither has one that the other does not have. A late bounce of
    /// a mail is noted in the history where the notice stands, and is no letter.
    async fn check_letter_history(&self, check: &mut LettersCheck) -> Result<()> {
        let told = "'letter ' || CAST(l.piece AS TEXT) || ' of batch ' || CAST(l.batch AS TEXT)";
        let checks = [
            (
                format!(
                    "SELECT l.serial AS serial FROM letter l WHERE NOT EXISTS (SELECT 1 FROM notice_event e \
                     WHERE e.serial = l.serial AND e.state = 'batched' AND e.detail = {told}) ORDER BY l.serial"
                ),
                "is in a batch of which its history knows nothing",
            ),
            (
                format!(
                    "SELECT e.serial AS serial FROM notice_event e WHERE e.state = 'batched' AND e.detail LIKE 'letter %' AND NOT EXISTS (SELECT 1 \
                     FROM letter l WHERE l.serial = e.serial AND e.detail = {told}) ORDER BY e.serial"
                ),
                "was in a batch by its history, and no letter is there",
            ),
            (
                "SELECT n.serial AS serial FROM notice n WHERE n.state IN ('batched', 'printed', 'returned') AND NOT EXISTS \
                 (SELECT 1 FROM letter l WHERE l.serial = n.serial) ORDER BY n.serial"
                    .to_owned(),
                "stands as a letter, and no letter is there",
            ),
        ];
        for (sql, what) in checks {
            let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(self.reader()).await.during("check the letters")?;
            for row in &rows {
                check.fault(format!("notice {} {what}", row.count("serial")?));
            }
        }
        Ok(())
    }
}

/// What is wrong with a letter, if anything.
fn of_letter(row: &AnyRow, batches: &mut BTreeMap<u32, Seen>) -> Result<Option<String>> {
    let (serial, number, piece) = (row.count("serial")?, row.small("batch")?, row.small("piece")?);
    let here = format!("letter {piece} of batch {number} (notice {serial})");
    let Some(batch) = batches.get_mut(&number) else { return Ok(Some(format!("{here} is in a batch that is not there"))) };
    batch.letters += 1;
    if piece != batch.letters {
        batch.letters = piece;
        return Ok(Some(format!("a letter before {here} is missing")));
    }
    let Some(stands) = row.maybe_text("state")? else { return Ok(Some(format!("{here} has no notice"))) };
    let (address, newest, given) = (row.small("address")?, row.small("newest")?, row.small("given")?);
    let due_again = stands == NoticeState::NoAddress.name() && given > newest;
    let as_letter = matches!(state(&stands)?, NoticeState::Batched | NoticeState::Printed | NoticeState::Returned);
    Ok(if row.small("scope_version")? != batch.scope_version {
        Some(format!("{here} is of another scope version than its batch"))
    } else if row.int("dated_ms")? != batch.begun_at_ms {
        Some(format!("{here} is dated otherwise than its batch"))
    } else if !is_digest(&row.text("digest")?) {
        Some(format!("{here} has no digest"))
    } else if address > given {
        Some(format!("{here} went to an address that is not there"))
    } else if !as_letter && !due_again {
        Some(format!("{here} is in a batch, and its notice stands at `{stands}`"))
    } else {
        None
    })
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
