//! What the desk answers to what people wrote back: written down as intended, taken in hand by one sender, and accounted for.
//! What people wrote: `reply`.

use kintsugi_case::{NoticeState, Private};
use kintsugi_vault::Purpose;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::database::Alone;
use crate::error::During;
use crate::person::state;
use crate::rows::{Cell, Columns, Insert, as_i64, storable};
use crate::{Result, Store, sealed};

/// An answer that is to be sent.
#[derive(Clone, Debug)]
pub struct AnswerDraft<'a> {
    /// To which message.
    pub reply: u64,
    /// Who answers.
    pub who: &'a str,
    /// The words that were typed.
    pub words: &'a Private<String>,
    /// The form in which it was asked for, by its own secret; none for the command line.
    pub form: Option<&'a str>,
    /// The kind of job that sends it, added with it; its payload is the answer's number. None where the caller sends it.
    pub job: Option<&'static str>,
}

/// What became of an answer that was to be written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerKept {
    /// It waits to be sent under this number.
    ToSend(u64),
    /// These words to this message, or this form, have this number already and left or may have left.
    Known(u64),
}

/// What the desk answered.
#[derive(Clone, Debug)]
pub struct AnswerView {
    /// Its number, from 1.
    pub id: u64,
    /// To which message.
    pub reply: u64,
    /// When.
    pub at_ms: i64,
    /// Who.
    pub who: String,
    /// The words that were typed.
    pub words: Private<String>,
    /// Where it stands: `sending` past its run means that nobody knows.
    pub state: NoticeState,
    /// The mail server's reply, or why.
    pub detail: String,
}

impl AnswerView {
    /// Where it stands, as it is shown: one that was being sent when its run ended may have left.
    pub fn stands(&self) -> NoticeState {
        if self.state == NoticeState::Sending { NoticeState::Unknown } else { self.state }
    }
}

const COLUMNS: &str = "SELECT id, reply, at_ms, who, words, state, detail FROM answer";

impl Store {
    /// Writes an answer down before it is sent. What is asked for twice, by the same form or in the same words to the same
    /// message, is one answer; only what was refused may be sent once more.
    pub async fn put_answer(&self, draft: &AnswerDraft<'_>, now_ms: i64) -> Result<AnswerKept> {
        let operation = "write down an answer";
        let mut transaction = self.begin_alone(Alone::Answer, operation).await?;
        let form = draft.form.map(|form| self.keys.blind_index(Purpose::IdempotencyKey, &format!("answer\0{form}")));
        let known = match form {
            Some(form) => self.answer_of_form(&mut transaction, form).await?,
            None => None,
        };
        let same = self.answers_to(draft.reply).await?.into_iter();
        let same = same.rev().find(|one| one.words == *draft.words && one.state != NoticeState::Refused);
        let id = match (known, same) {
            (Some(id), _) => return Ok(AnswerKept::Known(id)),
            (None, Some(one)) if one.state != NoticeState::Intended => return Ok(AnswerKept::Known(one.id)),
            (None, Some(one)) => one.id,
            (None, None) => self.insert_answer(&mut transaction, draft, form, now_ms).await?,
        };
        if let Some(kind) = draft.job {
            let payload = sealed::payload(&self.keys, kind, &Private::new(id.to_string()));
            let job = sqlx::query("INSERT INTO job (kind, payload, free_at_ms) VALUES ($1, $2, $3)").bind(kind).bind(payload);
            job.bind(now_ms).execute(&mut *transaction).await.during(operation)?;
        }
        transaction.commit().await.during(operation)?;
        Ok(AnswerKept::ToSend(id))
    }

    async fn answer_of_form(&self, connection: &mut AnyConnection, form: [u8; 16]) -> Result<Option<u64>> {
        let query = sqlx::query("SELECT id FROM answer WHERE form_hash = $1").bind(form.to_vec());
        let row = query.fetch_optional(connection).await.during("look for an answer")?;
        row.map(|row| row.count("id")).transpose()
    }

    async fn insert_answer(
        &self,
        connection: &mut AnyConnection,
        draft: &AnswerDraft<'_>,
        form: Option<[u8; 16]>,
        now_ms: i64,
    ) -> Result<u64> {
        let operation = "write down an answer";
        let mut insert: Insert<6> = Insert::new("INSERT INTO answer (reply, at_ms, who, words, state, form_hash)");
        let words = sealed::answer(&self.keys, draft.reply, draft.words);
        let state = NoticeState::Intended.name();
        insert.push([draft.reply.into(), now_ms.into(), draft.who.into(), words.into(), state.into(), Cell::from(form)]);
        insert.write_all(connection, operation).await?;
        let id = sqlx::query("SELECT MAX(id) AS id FROM answer WHERE reply = $1").bind(as_i64(draft.reply));
        id.fetch_one(connection).await.during(operation)?.count("id")
    }

    /// Takes an answer in hand. False where it is not there to be sent: somebody has it, or had it.
    pub async fn take_answer(&self, id: u64) -> Result<bool> {
        let sql = "UPDATE answer SET state = 'sending' WHERE id = $1 AND state = 'intended'";
        let done = sqlx::query(sql).bind(as_i64(id)).execute(self.writer()).await.during("take an answer in hand")?;
        Ok(done.rows_affected() == 1)
    }

    /// Writes down how sending an answer ended.
    pub async fn end_answer(&self, id: u64, state: NoticeState, detail: &str) -> Result<()> {
        let sql = "UPDATE answer SET state = $1, detail = $2 WHERE id = $3 AND state = 'sending'";
        let query = sqlx::query(sql).bind(state.name()).bind(storable(detail)).bind(as_i64(id));
        query.execute(self.writer()).await.during("write down an answer").map(drop)
    }

    /// Refuses an answer that waits and is not tried any more; why it did not leave stays with it.
    pub async fn give_up_answer(&self, id: u64) -> Result<()> {
        let sql = "UPDATE answer SET state = 'refused' WHERE id = $1 AND state = 'intended'";
        sqlx::query(sql).bind(as_i64(id)).execute(self.writer()).await.during("give up an answer").map(drop)
    }

    /// One answer.
    pub async fn answer(&self, id: u64) -> Result<Option<AnswerView>> {
        let sql = format!("{COLUMNS} WHERE id = $1");
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(as_i64(id));
        let row = query.fetch_optional(self.reader()).await.during("read an answer")?;
        row.map(|row| self.answer_view(&row)).transpose()
    }

    /// The answers to a message, oldest first.
    pub(crate) async fn answers_to(&self, reply: u64) -> Result<Vec<AnswerView>> {
        let sql = format!("{COLUMNS} WHERE reply = $1 ORDER BY id");
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(as_i64(reply));
        let rows = query.fetch_all(self.reader()).await.during("read answers")?;
        rows.iter().map(|row| self.answer_view(row)).collect()
    }

    fn answer_view(&self, row: &AnyRow) -> Result<AnswerView> {
        let reply = row.count("reply")?;
        Ok(AnswerView {
            id: row.count("id")?,
            reply,
            at_ms: row.int("at_ms")?,
            who: row.text("who")?,
            words: sealed::open_answer(&self.keys, reply, &row.bytes("words")?)?,
            state: state(&row.text("state")?)?,
            detail: row.text("detail")?,
        })
    }
}
