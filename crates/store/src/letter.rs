//! Letters: which notices are due on paper, in which batch each went to the print shop, and what became of it. A piece is
//! in one batch, by the table's key; it is entered before anything is written on the disk.

use kintsugi_case::{NoticeNumber, NoticeState, PersonId};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::database::Alone;
use crate::error::During;
use crate::notice::{event, events, number as notice_number, state_of};
use crate::outbox::Leased;
use crate::rows::{Columns, Insert, as_i64};
use crate::{Error, Result, Store};

/// A batch for the print shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterBatch {
    /// From 1, rising.
    pub number: u32,
    /// From which scope version its letters are.
    pub scope_version: u32,
    /// Envelope and return address under which it was begun, as the program wrote them.
    pub settings: String,
    /// When it was begun; the date on its letters.
    pub begun_at_ms: i64,
    /// When its files were written; none while they are not.
    pub written_at_ms: Option<i64>,
    /// Pages of all its letters; 0 while it is not written.
    pub pages: u64,
    /// SHA-256 of the PDF, lower-case hex; empty while it is not written.
    pub digest: String,
}

/// A notice that is due as a letter.
#[derive(Clone, Debug)]
pub struct DueLetter {
    /// What composing it takes, with the newest postal address.
    pub letter: Leased,
    /// Which of the addresses given for its person that is; 0 for the one that was frozen.
    pub address: u32,
}

/// A letter that is to be entered in a batch.
#[derive(Clone, Debug)]
pub struct NewPiece {
    /// Its notice.
    pub serial: u64,
    /// To which address it was composed, as [`DueLetter`] has it.
    pub address: u32,
    /// SHA-256 of (person, address, text), lower-case hex.
    pub digest: String,
}

/// A letter of a batch.
#[derive(Clone, Debug)]
pub struct BatchPiece {
    /// Its place in the batch, from 1.
    pub piece: u32,
    /// SHA-256 of (person, address, text), lower-case hex, as it was entered.
    pub digest: String,
    /// What composing it takes.
    pub letter: Leased,
}

/// What the print shop says about a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterReport {
    /// Printed and given to the post.
    Printed,
    /// It came back, or could not be printed.
    Returned,
}

/// What a print shop's line did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterReported {
    /// The letter stands there now.
    Moved(NoticeState),
    /// It stood there already, or an earlier letter is meant than the newest.
    Known,
    /// It stands here, and what was said does not fit: nothing was changed.
    Contradiction(NoticeState),
    /// No letter of a batch has this number: nothing was written.
    Foreign,
    /// The letter of this number has another place: nothing was written.
    OtherPiece,
    /// Several letters went out under this number, and which of them is meant was not said: nothing was written.
    Several,
}

impl LetterReport {
    /// Where a letter stands after it.
    pub const fn state(self) -> NoticeState {
        match self {
            Self::Printed => NoticeState::Printed,
            Self::Returned => NoticeState::Returned,
        }
    }
}

impl Store {
    /// Up to `limit` notices of a version that are due as letters and are in no batch, after this serial.
    pub async fn due_letters(&self, scope: u32, after: u64, limit: u32) -> Result<Vec<DueLetter>> {
        let sql = "SELECT serial, person, attempts, kind, contact, channel FROM notice WHERE scope_version = $1 AND channel = 'mail' \
                   AND state = 'no_address' AND serial > $2 ORDER BY serial LIMIT $3";
        let query = sqlx::query(sql).bind(i64::from(scope)).bind(as_i64(after)).bind(i64::from(limit));
        let rows = query.fetch_all(self.reader()).await.during("read which letters are due")?;
        let mut due: Vec<DueLetter> =
            self.letters(scope, rows).await?.into_iter().map(|letter| DueLetter { letter, address: 0 }).collect();
        let persons: Vec<PersonId> = due.iter().map(|due| due.letter.person).collect();
        let mut connection = self.reader().acquire().await.during("read postal addresses")?;
        let given = self.newest_addresses(&mut connection, &persons).await?;
        for one in &mut due {
            if let Some((number, address)) = given.get(&one.letter.person) {
                one.address = *number;
                address.put_into(&mut one.letter.profile);
            }
        }
        Ok(due)
    }

    /// Enters a batch, in the order of the pieces. Fails, and enters nothing, where one of them is due no more, as another
    /// run took it, or goes to another address by now.
    pub async fn begin_batch(&self, scope: u32, settings: &str, pieces: &[NewPiece], now_ms: i64) -> Result<u32> {
        let operation = "enter a batch of letters";
        let mut transaction = self.begin_alone(Alone::Letters, operation).await?;
        let last = sqlx::query("SELECT COALESCE(MAX(number), 0) AS n FROM letter_batch").fetch_one(&mut *transaction).await;
        let number = last.during(operation)?.small("n")? + 1;
        let mut batch: Insert<4> = Insert::new("INSERT INTO letter_batch (number, scope_version, settings, begun_at_ms)");
        batch.push([number.into(), scope.into(), settings.into(), now_ms.into()]);
        batch.write_all(&mut transaction, operation).await?;
        let mut letters: Insert<6> = Insert::new("INSERT INTO letter (serial, address, batch, piece, dated_ms, digest)");
        let mut events = events();
        for (place, piece) in (1_u32..).zip(pieces) {
            let NewPiece { serial, address, digest } = piece;
            letters.push([(*serial).into(), (*address).into(), number.into(), place.into(), now_ms.into(), digest.into()]);
            events.push(event(*serial, now_ms, NoticeState::Batched, &format!("letter {place} of batch {number}")));
            take(&mut transaction, piece, now_ms).await?;
        }
        letters.write_all(&mut transaction, operation).await?;
        events.write_all(&mut transaction, operation).await?;
        transaction.commit().await.during(operation)?;
        Ok(number)
    }

    /// Writes down that a batch's files lie on the disk.
    pub async fn finish_batch(&self, number: u32, pages: u64, digest: &str, now_ms: i64) -> Result<()> {
        let sql = "UPDATE letter_batch SET written_at_ms = $1, pages = $2, digest = $3 WHERE number = $4 AND written_at_ms = 0";
        let query = sqlx::query(sql).bind(now_ms).bind(as_i64(pages)).bind(digest).bind(i64::from(number));
        query.execute(self.writer()).await.during("write down that a batch is written").map(drop)
    }

    /// Every batch, oldest first.
    pub async fn letter_batches(&self) -> Result<Vec<LetterBatch>> {
        let sql = "SELECT * FROM letter_batch ORDER BY number";
        let rows = sqlx::query(sql).fetch_all(self.reader()).await.during("read the batches of letters")?;
        rows.iter().map(batch).collect()
    }

    /// The letters of a batch, in the order of the pieces.
    pub async fn batch_pieces(&self, batch: &LetterBatch) -> Result<Vec<BatchPiece>> {
        let operation = "read a batch of letters";
        let sql = "SELECT n.serial AS serial, n.person AS person, n.attempts AS attempts, n.kind AS kind, n.contact AS contact, n.channel AS channel, \
                   l.piece AS piece, l.address AS address, l.digest AS digest FROM letter l JOIN notice n ON n.serial = l.serial WHERE l.batch = $1 \
                   ORDER BY n.serial";
        let rows = sqlx::query(sql).bind(i64::from(batch.number)).fetch_all(self.reader()).await.during(operation)?;
        let entered: Vec<(u32, u32, String)> = rows
            .iter()
            .map(|row| Ok((row.small("piece")?, row.small("address")?, row.text("digest")?)))
            .collect::<Result<_>>()?;
        // Both are in the order of the serials.
        let letters = self.letters(batch.scope_version, rows).await?;
        let persons: Vec<PersonId> = letters.iter().map(|letter| letter.person).collect();
        let mut connection = self.reader().acquire().await.during(operation)?;
        let given = self.addresses_given(&mut connection, &persons).await?;
        let mut pieces = Vec::with_capacity(letters.len());
        for ((piece, address, digest), mut letter) in entered.into_iter().zip(letters) {
            if let Some(address) = given.get(&(letter.person, address)) {
                address.put_into(&mut letter.profile);
            }
            pieces.push(BatchPiece { piece, digest, letter });
        }
        pieces.sort_by_key(|piece| piece.piece);
        Ok(pieces)
    }

    /// Writes down what the print shop says about a letter. The same said again changes nothing. `place` is the letter's
    /// batch and piece, which a notice with several letters (to several addresses) needs.
    pub async fn record_letter(
        &self,
        number: NoticeNumber,
        place: Option<(u32, u32)>,
        (report, why): (LetterReport, &str),
        now_ms: i64,
    ) -> Result<LetterReported> {
        let operation = "write down what became of a letter";
        let serial = number.serial();
        if self.notice_by_number(number).await?.is_none() {
            return Ok(LetterReported::Foreign);
        }
        let mut transaction = self.begin(operation).await?;
        if let Some(settled) = which_letter(&mut transaction, serial, place).await? {
            return Ok(settled);
        }
        let stands = state_of(&mut transaction, serial).await?.ok_or(Error::NoNotice { serial })?;
        let next = report.state();
        // What came back was printed before: the same file, read again, says both once more.
        let sql = "SELECT COUNT(*) AS n FROM notice_event WHERE serial = $1 AND state = $2 \
                   AND sequence > (SELECT MAX(sequence) FROM notice_event WHERE serial = $1 AND state = 'batched')";
        let query = sqlx::query(sql).bind(as_i64(serial)).bind(next.name());
        if query.fetch_one(&mut *transaction).await.during(operation)?.count("n")? > 0 {
            return Ok(LetterReported::Known);
        }
        if !stands.may_become(next) {
            return Ok(LetterReported::Contradiction(stands));
        }
        let sql = "UPDATE notice SET state = $1, changed_at_ms = $2 WHERE serial = $3 AND state = $4";
        let query = sqlx::query(sql).bind(next.name()).bind(now_ms).bind(as_i64(serial)).bind(stands.name());
        if query.execute(&mut *transaction).await.during(operation)?.rows_affected() == 0 {
            return Ok(LetterReported::Contradiction(stands));
        }
        let mut events = events();
        events.push(event(serial, now_ms, next, why));
        events.write_all(&mut transaction, operation).await?;
        transaction.commit().await.during(operation)?;
        Ok(LetterReported::Moved(next))
    }

    /// The notice whose letter has this place; none where no letter has it.
    pub async fn notice_at(&self, batch: u32, piece: u32) -> Result<Option<NoticeNumber>> {
        let sql = "SELECT l.serial AS serial, s.case_year AS case_year FROM letter l JOIN notice n ON n.serial = l.serial \
                   JOIN scope_version s ON s.number = n.scope_version WHERE l.batch = $1 AND l.piece = $2";
        let query = sqlx::query(sql).bind(i64::from(batch)).bind(i64::from(piece));
        let row = query.fetch_optional(self.reader()).await.during("find a letter")?;
        row.as_ref().map(notice_number).transpose()
    }
}

/// What is said about a letter is about the newest of its notice, or is settled at once: none, another, an earlier one.
async fn which_letter(connection: &mut AnyConnection, serial: u64, place: Option<(u32, u32)>) -> Result<Option<LetterReported>> {
    let sql = "SELECT batch, piece FROM letter WHERE serial = $1 ORDER BY address";
    let rows = sqlx::query(sql).bind(as_i64(serial)).fetch_all(connection).await.during("find a letter")?;
    let places: Vec<(u32, u32)> = rows.iter().map(|row| Ok((row.small("batch")?, row.small("piece")?))).collect::<Result<_>>()?;
    Ok(match (place, places.as_slice()) {
        (_, []) => Some(LetterReported::Foreign),
        (None, [_]) => None,
        (None, _) => Some(LetterReported::Several),
        (Some(place), [.., newest]) if place == *newest => None,
        (Some(place), earlier) if earlier.contains(&place) => Some(LetterReported::Known),
        (Some(_), _) => Some(LetterReported::OtherPiece),
    })
}

/// Moves a notice that is due as a letter to this address into a batch.
async fn take(connection: &mut AnyConnection, piece: &NewPiece, now_ms: i64) -> Result<()> {
    let serial = piece.serial;
    let sql = "UPDATE notice SET state = 'batched', changed_at_ms = $1, attempts = attempts + 1 WHERE serial = $2 \
               AND state = 'no_address' \
               AND (SELECT COALESCE(MAX(a.number), 0) FROM postal_address a WHERE a.person = notice.person) = $3";
    let query = sqlx::query(sql).bind(now_ms).bind(as_i64(serial)).bind(i64::from(piece.address));
    if query.execute(&mut *connection).await.during("enter a batch of letters")?.rows_affected() == 1 {
        return Ok(());
    }
    let state = state_of(connection, serial).await?.ok_or(Error::NoNotice { serial })?;
    if state == NoticeState::NoAddress {
        return Err(Error::OtherAddress { serial });
    }
    Err(Error::Transition { serial, state: state.name(), wanted: NoticeState::Batched.name() })
}

fn batch(row: &AnyRow) -> Result<LetterBatch> {
    let written_at_ms = row.int("written_at_ms")?;
    Ok(LetterBatch {
        number: row.small("number")?,
        scope_version: row.small("scope_version")?,
        settings: row.text("settings")?,
        begun_at_ms: row.int("begun_at_ms")?,
        written_at_ms: (written_at_ms > 0).then_some(written_at_ms),
        pages: row.count("pages")?,
        digest: row.text("digest")?,
    })
}
