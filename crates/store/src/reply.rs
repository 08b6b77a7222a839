//! What people wrote back to a notice, and what the desk answered. Both are sealed: letters of people are personal data.

use kintsugi_case::{NoticeNumber, NoticeState, PersonId, Private};
use kintsugi_vault::Purpose;
use sqlx::any::AnyRow;

use crate::database::Alone;
use crate::error::During;
use crate::person::state;
use crate::rows::{Cell, Columns, Insert, as_i64};
use crate::{Error, Result, Store, sealed};

/// Messages of nobody's notice that are kept: anybody can send such, so there is an end.
const STRANGERS_MAX: u64 = 10_000;

/// What came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyKind {
    /// Somebody answered a notice.
    Reply,
    /// A message to the mailbox that belongs to no notice of the case.
    Stranger,
}

impl ReplyKind {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::Stranger => "stranger",
        }
    }
}

/// What became of a message that was to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyKept {
    /// It is kept.
    New,
    /// It was there already.
    Known,
    /// There are too many strangers' messages: it is not kept.
    Full,
}

/// A message to be kept.
#[derive(Clone, Debug)]
pub struct ReplyDraft {
    /// To which notice; none for a stranger's.
    pub number: Option<NoticeNumber>,
    /// Who says that they wrote it.
    pub from: Private<String>,
    /// What it is about.
    pub subject: Private<String>,
    /// Its words.
    pub text: Private<String>,
    /// Attachments that were not kept.
    pub attachments: u64,
}

/// A message that was kept.
#[derive(Clone, Debug)]
pub struct ReplyView {
    /// Its number, from 1.
    pub id: u64,
    /// To which notice.
    pub number: Option<NoticeNumber>,
    /// Whose notice that is.
    pub person: Option<PersonId>,
    /// When it came.
    pub at_ms: i64,
    /// Who says that they wrote it.
    pub from: Private<String>,
    /// What it is about.
    pub subject: Private<String>,
    /// Its words.
    pub text: Private<String>,
    /// Attachments that were not kept.
    pub attachments: u64,
    /// What the desk answered, oldest first.
    pub answers: Vec<AnswerView>,
}

/// What the desk answered.
#[derive(Clone, Debug)]
pub struct AnswerView {
    /// Its number, from 1.
    pub id: u64,
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

impl Store {
    /// Keeps a message, once.
    pub async fn put_reply(&self, draft: &ReplyDraft, now_ms: i64) -> Result<ReplyKept> {
        let operation = "keep a reply";
        let kind = if draft.number.is_some() { ReplyKind::Reply } else { ReplyKind::Stranger };
        if kind == ReplyKind::Stranger && self.count_replies(kind).await? >= STRANGERS_MAX {
            return Ok(ReplyKept::Full);
        }
        let serial = draft.number.map_or(0, NoticeNumber::serial);
        let parts = [&draft.from, &draft.subject, &draft.text].map(|part| part.open().as_str());
        let hash = self.keys.blind_index(Purpose::IdempotencyKey, &format!("reply\0{serial}\0{}", parts.join("\0")));
        let attachments = draft.attachments.to_string();
        let message = sealed::reply(&self.keys, serial, [parts[0], parts[1], parts[2], &attachments]);
        let mut transaction = self.begin(operation).await?;
        let known = sqlx::query("SELECT id FROM reply WHERE message_hash = $1").bind(hash.to_vec());
        if known.fetch_optional(&mut *transaction).await.during(operation)?.is_some() {
            return Ok(ReplyKept::Known);
        }
        let mut insert: Insert<5> = Insert::new("INSERT INTO reply (serial, at_ms, kind, message_hash, message)");
        insert.push([serial.into(), now_ms.into(), kind.name().into(), Cell::from(hash), message.into()]);
        insert.write_all(&mut transaction, operation).await?;
        transaction.commit().await.during(operation)?;
        Ok(ReplyKept::New)
    }

    /// How many messages of this kind are kept.
    pub async fn count_replies(&self, kind: ReplyKind) -> Result<u64> {
        let query = sqlx::query("SELECT COUNT(*) AS n FROM reply WHERE kind = $1").bind(kind.name());
        query.fetch_one(self.reader()).await.during("count replies")?.count("n")
    }

    /// Up to `limit` messages after this one, oldest first.
    pub async fn replies(&self, after: u64, limit: u32) -> Result<Vec<ReplyView>> {
        let sql = "SELECT r.id AS id, r.serial AS serial, r.at_ms AS at_ms, r.message AS message, n.person AS person, \
                   COALESCE(s.case_year, 0) AS case_year FROM reply r LEFT JOIN notice n ON n.serial = r.serial \
                   LEFT JOIN scope_version s ON s.number = n.scope_version WHERE r.id > $1 ORDER BY r.id LIMIT $2";
        let query = sqlx::query(sql).bind(as_i64(after)).bind(i64::from(limit));
        let rows = query.fetch_all(self.reader()).await.during("read replies")?;
        let mut views = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut view = self.reply_view(row)?;
            view.answers = self.answers_to(view.id).await?;
            views.push(view);
        }
        Ok(views)
    }

    fn reply_view(&self, row: &AnyRow) -> Result<ReplyView> {
        let serial = row.count("serial")?;
        let [from, subject, text, attachments] = sealed::open_reply(&self.keys, serial, &row.bytes("message")?)?;
        Ok(ReplyView {
            id: row.count("id")?,
            number: (serial > 0).then(|| crate::notice::number(row)).transpose()?,
            person: row.maybe_int("person")?.map(|person| PersonId(person.unsigned_abs())),
            at_ms: row.int("at_ms")?,
            from: Private::new(from),
            subject: Private::new(subject),
            text: Private::new(text),
            attachments: attachments.parse().unwrap_or_default(),
            answers: Vec::new(),
        })
    }

    async fn answers_to(&self, reply: u64) -> Result<Vec<AnswerView>> {
        let sql = "SELECT id, at_ms, who, words, state, detail FROM answer WHERE reply = $1 ORDER BY id";
        let rows = sqlx::query(sql).bind(as_i64(reply)).fetch_all(self.reader()).await.during("read answers")?;
        let view = |row: &AnyRow| {
            Ok(AnswerView {
                id: row.count("id")?,
                at_ms: row.int("at_ms")?,
                who: row.text("who")?,
                words: sealed::open_answer(&self.keys, reply, &row.bytes("words")?)?,
                state: state(&row.text("state")?)?,
                detail: row.text("detail")?,
            })
        };
        rows.iter().map(view).collect()
    }

    /// Writes an answer down before it is sent, and gives its number. None where one to this message is under way or went
    /// out already with the same words: a command that is typed twice answers once.
    pub async fn begin_answer(&self, reply: u64, who: &str, words: &Private<String>, now_ms: i64) -> Result<Option<u64>> {
        let operation = "write down an answer";
        let mut transaction = self.begin_alone(Alone::Answer, operation).await?;
        let same = self
            .answers_to(reply)
            .await?
            .into_iter()
            .any(|known| known.words == *words && !matches!(known.state, NoticeState::Refused | NoticeState::Intended));
        if same {
            return Ok(None);
        }
        let mut insert: Insert<5> = Insert::new("INSERT INTO answer (reply, at_ms, who, words, state)");
        let sealed = sealed::answer(&self.keys, reply, words);
        insert.push([reply.into(), now_ms.into(), who.into(), sealed.into(), NoticeState::Sending.name().into()]);
        insert.write_all(&mut transaction, operation).await?;
        let id = sqlx::query("SELECT MAX(id) AS id FROM answer WHERE reply = $1").bind(as_i64(reply));
        let id = id.fetch_one(&mut *transaction).await.during(operation)?.count("id")?;
        transaction.commit().await.during(operation)?;
        Ok(Some(id))
    }

    /// Writes down how sending an answer ended.
    pub async fn end_answer(&self, id: u64, state: NoticeState, detail: &str) -> Result<()> {
        let sql = "UPDATE answer SET state = $1, detail = $2 WHERE id = $3 AND state = 'sending'";
        let query = sqlx::query(sql).bind(state.name()).bind(crate::rows::storable(detail)).bind(as_i64(id));
        query.execute(self.writer()).await.during("write down an answer").map(drop)
    }

    /// Whether a code belongs to this notice, for one of its addresses; asked before anything is read from the database.
    pub fn knows_return_code(&self, number: NoticeNumber, code: &str) -> bool {
        (0..=ADDRESSES_MAX).any(|contact| self.return_code(number.serial(), contact) == code)
    }

    /// A notice as a sender would get it, with the address to which it went: for an answer.
    pub async fn letter_of(&self, number: NoticeNumber) -> Result<Option<crate::Leased>> {
        let Some(notice) = self.notice_by_number(number).await? else { return Ok(None) };
        let found = self.planned_letter(notice.scope_version, notice.serial).await?;
        found.map(Some).ok_or(Error::NoNotice { serial: notice.serial })
    }
}

/// Addresses of one person that are looked at: more than FIND keeps.
const ADDRESSES_MAX: u32 = 16;
