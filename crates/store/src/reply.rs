//! What people wrote back to a notice, sealed: letters of people are personal data. What the desk answers: `answer`.

use kintsugi_case::{NoticeNumber, PersonId, Private};
use kintsugi_vault::Purpose;
use sqlx::any::AnyRow;

use crate::error::During;
use crate::rows::{Cell, Columns, Insert, as_i64};
use crate::{AnswerView, Error, Result, Store, sealed};

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
        self.reply_views(&rows).await
    }

    /// One message.
    pub async fn reply(&self, id: u64) -> Result<Option<ReplyView>> {
        Ok(self.replies(id.saturating_sub(1), 1).await?.into_iter().find(|reply| reply.id == id))
    }

    /// Up to `limit` messages about the notices of a person, newest first.
    pub async fn replies_of(&self, person: PersonId, limit: u32) -> Result<Vec<ReplyView>> {
        let sql = "SELECT r.id AS id, r.serial AS serial, r.at_ms AS at_ms, r.message AS message, n.person AS person, \
                   s.case_year AS case_year FROM notice n JOIN reply r ON r.serial = n.serial \
                   JOIN scope_version s ON s.number = n.scope_version WHERE n.person = $1 ORDER BY r.id DESC LIMIT $2";
        let query = sqlx::query(sql).bind(as_i64(person.0)).bind(i64::from(limit));
        let rows = query.fetch_all(self.reader()).await.during("read the replies of a person")?;
        self.reply_views(&rows).await
    }

    async fn reply_views(&self, rows: &[AnyRow]) -> Result<Vec<ReplyView>> {
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
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
