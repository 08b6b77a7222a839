//! Rights: what persons are owed. A coupon is redeemed at most once, whatever runs at the same time (rule 12).

use kintsugi_case::{PersonId, Private, RemedySpec, RemedyTo};
use kintsugi_vault::{Keys, Purpose};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};

use crate::bulk::RIGHT_BY_CODE;
use crate::database::Alone;
use crate::error::During;
use crate::rows::{Columns, Insert, as_i64, storable};
use crate::{Error, Result, Store};

/// A right of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RightView {
    /// Its number, from 1.
    pub id: u64,
    /// Whose.
    pub person: PersonId,
    /// Which remedy of the case.
    pub remedy: String,
    /// Its worth, in the currency's smallest usual unit.
    pub amount: u64,
    /// ISO 4217.
    pub currency: String,
    /// When it was issued.
    pub issued_at_ms: i64,
    /// It can be used before this time.
    pub usable_until_ms: Option<i64>,
    /// The coupon's code, 20 characters without hyphens.
    pub code: Private<String>,
    /// When it was redeemed.
    pub redeemed_at_ms: Option<i64>,
    /// The order it was redeemed with; empty before.
    pub order_ref: String,
}

/// What issuing did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Issued {
    /// New rights.
    pub new: u64,
    /// Rights of this remedy in all.
    pub total: u64,
}

/// What a remedy costs and has cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RightTotals {
    /// Which remedy of the case.
    pub remedy: String,
    /// ISO 4217.
    pub currency: String,
    /// Rights issued.
    pub issued: u64,
    /// Their worth if all are used.
    pub amount_issued: u64,
    /// Rights redeemed.
    pub redeemed: u64,
    /// Their worth.
    pub amount_redeemed: u64,
}

/// A shop's request to redeem a coupon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedeemRequest {
    /// The API key's name; idempotency keys of different clients never meet.
    pub client: String,
    /// The code as typed.
    pub code: Private<String>,
    /// The shop's order.
    pub order_ref: String,
    /// The shop's name for this request: the same request again gets the same answer.
    pub idempotency_key: String,
}

/// The answer to a [`RedeemRequest`]. A repeated request gets the answer of the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redemption {
    /// This request redeemed the coupon.
    Redeemed {
        /// The right.
        right: u64,
        /// Its worth.
        amount: u64,
        /// ISO 4217.
        currency: String,
        /// When.
        at_ms: i64,
    },
    /// It was redeemed before, by another request.
    AlreadyRedeemed {
        /// When.
        at_ms: i64,
    },
    /// Its time is over.
    Expired {
        /// Since when.
        since_ms: i64,
    },
    /// No coupon has this code.
    Unknown,
    /// The idempotency key was used for another code or order.
    KeyReused,
}

/// Rights issued in one transaction.
const ISSUE_PAGE: usize = 10_000;

/// Characters of a coupon's code: 5 random bits each, 100 in all (rule 12 asks for 80).
const COUPON_CODE_LENGTH: usize = 20;

/// Words for answers that a repeated request gets again.
const REDEEMED: &str = "redeemed";
const ALREADY: &str = "already_redeemed";
const EXPIRED: &str = "expired";

impl Store {
    /// Gives each entitled person of the scope version one right of this remedy. Run again, it gives nobody a second one.
    pub async fn issue_rights(
        &self,
        scope: u32,
        remedy: &str,
        spec: &RemedySpec,
        usable_until_ms: Option<i64>,
        now_ms: i64,
    ) -> Result<Issued> {
        let (mut new, mut after, mut bulk) = (0, 0, false);
        let issue = Issue { scope, remedy, spec, until: usable_until_ms, now_ms };
        while let Some((issued, last)) = self.issue_page(&issue, after, &mut bulk).await? {
            (new, after) = (new + issued, last);
        }
        if bulk {
            let mut connection = self.writer().acquire().await.during("issue rights")?;
            self.tighten(&mut connection, RIGHT_BY_CODE).await?;
        }
        let query = sqlx::query("SELECT COUNT(*) AS n FROM person_right WHERE remedy = $1").bind(remedy);
        let total = query.fetch_one(self.reader()).await.during("count rights")?.count("n")?;
        Ok(Issued { new, total })
    }

    /// Issues to some persons after this one: how many, and the last of them. A full page makes it `bulk`.
    async fn issue_page(&self, issue: &Issue<'_>, after: i64, bulk: &mut bool) -> Result<Option<(u64, i64)>> {
        let operation = "issue rights";
        let mut transaction = self.begin_alone(Alone::Issue, operation).await?;
        let persons = entitled_page(&mut transaction, issue, after).await?;
        let Some(&last) = persons.last() else { return Ok(None) };
        if persons.len() == ISSUE_PAGE && !std::mem::replace(bulk, true) {
            self.loosen(&mut transaction, RIGHT_BY_CODE).await?;
        }
        let newest = sqlx::query("SELECT COALESCE(MAX(id), 0) AS n FROM person_right").fetch_one(&mut *transaction).await;
        let mut id = newest.during(operation)?.count("n")?;
        let mut rights = Insert::new(
            "INSERT INTO person_right (id, person, remedy, amount, currency, issued_at_ms, usable_until_ms, code_hash)",
        );
        let Issue { remedy, spec, until, now_ms, .. } = *issue;
        for &person in &persons {
            id += 1;
            let hash = self.keys.code_hash(Purpose::CouponCode, &self.coupon_code(id));
            let (person, amount, currency) = (person.into(), spec.amount.into(), (&spec.currency).into());
            rights.push([id.into(), person, remedy.into(), amount, currency, now_ms.into(), until.into(), hash.into()]);
        }
        rights.write_all(&mut transaction, operation).await?;
        transaction.commit().await.during(operation)?;
        Ok(Some((persons.len() as u64, last)))
    }

    /// A coupon's code is computed from the right's number and the case key, and kept nowhere.
    fn coupon_code(&self, right: u64) -> String {
        self.keys.code(Purpose::CouponCode, right, COUPON_CODE_LENGTH)
    }

    /// Redeems a coupon. The decision is one compare-and-set statement of the database.
    ///
    /// The request is written down under its idempotency key in the same transaction: of two requests with one key the
    /// second waits for the first and gets its answer. A code that does not exist leaves no trace, so that guessing
    /// fills nothing.
    pub async fn redeem(&self, request: &RedeemRequest, now_ms: i64) -> Result<Redemption> {
        let operation = "redeem a coupon";
        let named = NamedRequest::new(&self.keys, request);
        let mut transaction = self.begin(operation).await?;
        if !named.write_down(&mut transaction, now_ms).await? {
            return named.earlier_answer(&mut transaction).await;
        }
        let answer = match redeem_once(&mut transaction, &named, request, now_ms).await? {
            Some(answer) => answer,
            None => why_not(&mut transaction, &named.code_hash, now_ms).await?,
        };
        if answer.0 == Redemption::Unknown {
            return Ok(Redemption::Unknown);
        }
        named.write_answer(&mut transaction, &answer).await?;
        transaction.commit().await.during(operation)?;
        Ok(answer.0)
    }

    /// The rights of a person.
    pub async fn rights_of(&self, person: PersonId) -> Result<Vec<RightView>> {
        let query = sqlx::query("SELECT * FROM person_right WHERE person = $1 ORDER BY id").bind(as_i64(person.0));
        let rows = query.fetch_all(self.reader()).await.during("read the rights of a person")?;
        rows.iter().map(|row| self.right(row)).collect()
    }

    fn right(&self, row: &AnyRow) -> Result<RightView> {
        let id = row.count("id")?;
        Ok(RightView {
            id,
            person: PersonId(row.count("person")?),
            remedy: row.text("remedy")?,
            amount: row.count("amount")?,
            currency: row.text("currency")?,
            issued_at_ms: row.int("issued_at_ms")?,
            usable_until_ms: row.maybe_int("usable_until_ms")?,
            code: Private::new(self.coupon_code(id)),
            redeemed_at_ms: row.maybe_int("redeemed_at_ms")?,
            order_ref: row.text("order_ref")?,
        })
    }

    /// What each remedy costs if all is used, and what was used.
    pub async fn right_totals(&self) -> Result<Vec<RightTotals>> {
        let sql = "SELECT remedy, currency, COUNT(*) AS issued, CAST(SUM(amount) AS BIGINT) AS amount_issued, \
                   COUNT(redeemed_at_ms) AS redeemed, \
                   CAST(SUM(CASE WHEN redeemed_at_ms IS NULL THEN 0 ELSE amount END) AS BIGINT) AS amount_redeemed \
                   FROM person_right GROUP BY remedy, currency ORDER BY remedy, currency";
        let rows = sqlx::query(sql).fetch_all(self.reader()).await.during("add up rights")?;
        rows.iter().map(totals).collect()
    }
}

/// What is issued, to whom.
struct Issue<'a> {
    scope: u32,
    remedy: &'a str,
    spec: &'a RemedySpec,
    until: Option<i64>,
    now_ms: i64,
}

/// Entitled persons after this one who have no such right yet, by number. Each page begins where the last one ended:
/// looked for from the start, those who have theirs would be passed over again for every page. `COALESCE` keeps the
/// database from looking them up by verdict and sorting them.
async fn entitled_page(connection: &mut AnyConnection, issue: &Issue<'_>, after: i64) -> Result<Vec<i64>> {
    let verdicts = match issue.spec.to {
        RemedyTo::Proved => "('proved')",
        RemedyTo::Affected => "('proved', 'possible')",
    };
    let sql = format!(
        "SELECT p.id AS id FROM person p WHERE p.scope_version = $1 AND p.id > $2 AND COALESCE(p.verdict, '') IN {verdicts} \
         AND NOT EXISTS (SELECT 1 FROM person_right r WHERE r.person = p.id AND r.remedy = $3) ORDER BY p.id LIMIT {ISSUE_PAGE}"
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(i64::from(issue.scope)).bind(after).bind(issue.remedy);
    let rows = query.fetch_all(connection).await.during("issue rights")?;
    rows.iter().map(|row| row.int("id")).collect()
}

/// A request under the names by which the store knows it.
struct NamedRequest {
    key: [u8; 16],
    content: [u8; 16],
    code_hash: [u8; 16],
}

impl NamedRequest {
    fn new(keys: &Keys, request: &RedeemRequest) -> Self {
        let code_hash = keys.code_hash(Purpose::CouponCode, request.code.open());
        let named = |what: &str, parts: [&str; 2]| {
            keys.blind_index(Purpose::IdempotencyKey, &format!("{what}\0{}\0{}", parts[0], parts[1]))
        };
        let code: String = code_hash.iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            key: named("key", [&request.client, &request.idempotency_key]),
            content: named("content", [&code, &request.order_ref]),
            code_hash,
        }
    }

    /// Whether this is the first request under its key. A second one waits here until the first has ended.
    async fn write_down(&self, connection: &mut AnyConnection, now_ms: i64) -> Result<bool> {
        let sql = "INSERT INTO redeem_request (request_key, request_hash, at_ms, answer, person_right, answer_at_ms) \
                   VALUES ($1, $2, $3, '', 0, 0) ON CONFLICT (request_key) DO NOTHING";
        let query = sqlx::query(sql).bind(self.key.to_vec()).bind(self.content.to_vec()).bind(now_ms);
        let done = query.execute(connection).await.during("write down a redemption")?;
        Ok(done.rows_affected() == 1)
    }

    async fn write_answer(&self, connection: &mut AnyConnection, (answer, right): &(Redemption, i64)) -> Result<()> {
        let (word, at_ms) = match answer {
            Redemption::Redeemed { at_ms, .. } => (REDEEMED, *at_ms),
            Redemption::AlreadyRedeemed { at_ms } => (ALREADY, *at_ms),
            Redemption::Expired { since_ms } => (EXPIRED, *since_ms),
            Redemption::Unknown | Redemption::KeyReused => return Ok(()),
        };
        let sql = "UPDATE redeem_request SET answer = $1, person_right = $2, answer_at_ms = $3 WHERE request_key = $4";
        let query = sqlx::query(sql).bind(word).bind(*right).bind(at_ms).bind(self.key.to_vec());
        query.execute(connection).await.during("write down the answer to a redemption").map(drop)
    }

    async fn earlier_answer(&self, connection: &mut AnyConnection) -> Result<Redemption> {
        let sql = "SELECT q.request_hash AS request_hash, q.answer AS answer, q.answer_at_ms AS answer_at_ms, r.* \
                   FROM redeem_request q JOIN person_right r ON r.id = q.person_right WHERE q.request_key = $1";
        let query = sqlx::query(sql).bind(self.key.to_vec());
        let row = query.fetch_one(connection).await.during("read the answer to an earlier request")?;
        if row.bytes("request_hash")? != self.content {
            return Ok(Redemption::KeyReused);
        }
        let at_ms = row.int("answer_at_ms")?;
        match row.text("answer")?.as_str() {
            REDEEMED => redeemed(&row, at_ms),
            ALREADY => Ok(Redemption::AlreadyRedeemed { at_ms }),
            EXPIRED => Ok(Redemption::Expired { since_ms: at_ms }),
            _ => Err(Error::Value { what: "answer to a redemption" }),
        }
    }
}

/// The compare-and-set: whoever finds the coupon unused has used it. `None` where there is no such coupon to be used.
async fn redeem_once(
    connection: &mut AnyConnection,
    named: &NamedRequest,
    request: &RedeemRequest,
    now_ms: i64,
) -> Result<Option<(Redemption, i64)>> {
    let sql = "UPDATE person_right SET redeemed_at_ms = $1, redeemed_by = $2, order_ref = $3 WHERE code_hash = $4 \
               AND redeemed_at_ms IS NULL AND (usable_until_ms IS NULL OR usable_until_ms > $1) RETURNING id, amount, currency";
    let query = sqlx::query(sql).bind(now_ms).bind(storable(&request.client)).bind(storable(&request.order_ref));
    let row = query.bind(named.code_hash.to_vec()).fetch_optional(connection).await.during("redeem a coupon")?;
    row.map(|row| Ok((redeemed(&row, now_ms)?, row.int("id")?))).transpose()
}

/// Why a coupon could not be redeemed.
async fn why_not(connection: &mut AnyConnection, code_hash: &[u8; 16], now_ms: i64) -> Result<(Redemption, i64)> {
    let sql = "SELECT id, redeemed_at_ms, usable_until_ms FROM person_right WHERE code_hash = $1";
    let query = sqlx::query(sql).bind(code_hash.to_vec());
    let Some(row) = query.fetch_optional(connection).await.during("look a coupon up")? else {
        return Ok((Redemption::Unknown, 0));
    };
    let answer = match (row.maybe_int("redeemed_at_ms")?, row.maybe_int("usable_until_ms")?) {
        (Some(at_ms), _) => Redemption::AlreadyRedeemed { at_ms },
        (None, since) => Redemption::Expired { since_ms: since.unwrap_or(now_ms) },
    };
    Ok((answer, row.int("id")?))
}

fn redeemed(row: &AnyRow, at_ms: i64) -> Result<Redemption> {
    Ok(Redemption::Redeemed { right: row.count("id")?, amount: row.count("amount")?, currency: row.text("currency")?, at_ms })
}

fn totals(row: &AnyRow) -> Result<RightTotals> {
    Ok(RightTotals {
        remedy: row.text("remedy")?,
        currency: row.text("currency")?,
        issued: row.count("issued")?,
        amount_issued: row.count("amount_issued")?,
        redeemed: row.count("redeemed")?,
        amount_redeemed: row.count("amount_redeemed")?,
    })
}
