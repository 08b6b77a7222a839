//! The outbox: notices are planned once, leased to a sender in batches, and their outcomes written down in batches.

use std::collections::BTreeSet;

use kintsugi_case::{Channel, Conservation, ExposedRecord, NoticeNumber, NoticeState, PersonId, PersonProfile, Verdict};
use kintsugi_vault::Purpose;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};

use crate::bulk::NOTICE_BY_LINK;
use crate::database::Alone;
use crate::error::During;
use crate::notice::{event, events, state_of};
use crate::person::state;
use crate::rows::{Cell, Columns, Insert, Marks, arguments, as_i64};
use crate::{Error, Result, Store};

/// What planning did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Planned {
    /// New notices to be sent.
    pub new: u64,
    /// New notices to persons without a mail address.
    pub no_address: u64,
}

/// A notice in a sender's hand, with what it needs to be composed.
#[derive(Clone, Debug)]
pub struct Leased {
    /// Its place in the case, from 1.
    pub serial: u64,
    /// Its number as printed.
    pub number: NoticeNumber,
    /// To whom.
    pub person: PersonId,
    /// From which scope version.
    pub scope_version: u32,
    /// How they are addressed and reached.
    pub profile: PersonProfile,
    /// What of theirs was, or may have been, taken.
    pub exposed: Vec<ExposedRecord>,
    /// The code in the link to the person's page.
    pub link_code: String,
    /// How often sending was tried before.
    pub attempts: u32,
}

/// What became of an attempt to send a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The mail server took responsibility.
    Accepted {
        /// Its reply.
        reply: String,
    },
    /// The mail server refused for good.
    Refused {
        /// Its reply.
        reply: String,
    },
    /// The message may have been taken.
    Unknown {
        /// Why nobody knows.
        why: String,
    },
    /// The message was certainly not taken; it waits again.
    NotSent {
        /// Why.
        why: String,
        /// Not to be tried again before this time; 0 means at once.
        retry_at_ms: i64,
    },
}

/// Persons planned in one transaction.
const PLAN_PAGE: usize = 10_000;

/// The notice of an earlier version that told person `p` the same, or may have: [`told_page`] as a sub-select.
const TOLD_BEFORE: &str = "SELECT e.serial FROM notice e WHERE e.person = p.id AND e.channel = 'mail' AND e.told = p.told \
    AND e.serial = (SELECT MAX(m.serial) FROM notice m WHERE m.person = p.id AND m.channel = 'mail' \
    AND m.scope_version < p.scope_version AND m.state IN ('accepted', 'unknown', 'sending'))";

impl Store {
    /// Plans a notice for each affected person of the scope version who was not already told the same by an earlier
    /// one. Run again, it plans nothing new (one notice per person, scope version and channel: rule 4).
    pub async fn plan_notices(&self, scope: u32, now_ms: i64) -> Result<Planned> {
        let mut planned = Planned::default();
        let (mut after, mut bulk) = (0, false);
        while let Some(last) = self.plan_page(scope, after, now_ms, &mut planned, &mut bulk).await? {
            after = last;
        }
        if bulk {
            let mut connection = self.writer().acquire().await.during("plan notices")?;
            self.tighten(&mut connection, NOTICE_BY_LINK).await?;
        }
        Ok(planned)
    }

    /// Plans for some persons after this one; the last of them, if any are left. A page full of new notices makes it `bulk`.
    async fn plan_page(
        &self,
        scope: u32,
        after: u64,
        now_ms: i64,
        planned: &mut Planned,
        bulk: &mut bool,
    ) -> Result<Option<u64>> {
        let operation = "plan notices";
        let mut transaction = self.begin_alone(Alone::Plan, operation).await?;
        let persons = affected_page(&mut transaction, scope, after).await?;
        let Some(last) = persons.last().map(|person| person.id.0) else { return Ok(None) };
        let told = told_page(&mut transaction, scope, after, last).await?;
        let mut serial = last_serial(&mut transaction).await?;
        let (mut notices, mut events) = (new_notices(), events());
        for person in
            persons.into_iter().filter(|person| !told.contains(&(person.id, None)) && !told.contains(&person.told_key()))
        {
            serial += 1;
            let (state, detail, count) = if person.has_mail {
                (NoticeState::Intended, "", &mut planned.new)
            } else {
                (NoticeState::NoAddress, "no mail address is known", &mut planned.no_address)
            };
            *count += 1;
            events.push(event(serial, now_ms, state, detail));
            notices.push(self.new_notice(serial, scope, person.id, state, person.told, now_ms));
        }
        if notices.len() == PLAN_PAGE && !std::mem::replace(bulk, true) {
            self.loosen(&mut transaction, NOTICE_BY_LINK).await?;
        }
        notices.write_all(&mut transaction, operation).await?;
        events.write_all(&mut transaction, operation).await?;
        transaction.commit().await.during(operation)?;
        Ok(Some(last))
    }

    fn new_notice(&self, serial: u64, scope: u32, person: PersonId, state: NoticeState, told: Vec<u8>, now_ms: i64) -> [Cell; 9] {
        let code = self.link_code(scope, person);
        [
            serial.into(),
            person.0.into(),
            scope.into(),
            Channel::Mail.name().into(),
            state.name().into(),
            told.into(),
            self.keys.code_hash(Purpose::LinkToken, &code).into(),
            now_ms.into(),
            now_ms.into(),
        ]
    }

    /// The code in the link of a person's notice. It belongs to the person and the version, not to the serial number:
    /// a store that is made anew must not lead an old link to somebody else.
    fn link_code(&self, scope: u32, person: PersonId) -> String {
        self.keys.code(Purpose::LinkToken, u64::from(scope) << 40 | person.0, LINK_CODE_LENGTH)
    }

    /// Takes up to `count` notices in hand, in serial order: they stand at `sending` before this returns. No other worker gets them.
    pub async fn lease_notices(
        &self,
        scope: u32,
        count: u32,
        worker: &str,
        lease_until_ms: i64,
        now_ms: i64,
    ) -> Result<Vec<Leased>> {
        self.lease_notices_after(scope, 0, count, worker, lease_until_ms, now_ms).await
    }

    /// Like [`Self::lease_notices`], with serials above `after` only: a sender that goes over the outbox from front to back
    /// meets each notice once, however long that takes and whatever became ready again behind it.
    pub async fn lease_notices_after(
        &self,
        scope: u32,
        after: u64,
        count: u32,
        worker: &str,
        lease_until_ms: i64,
        now_ms: i64,
    ) -> Result<Vec<Leased>> {
        let rows = self.take_in_hand(scope, after, count, worker, lease_until_ms, now_ms).await?;
        let persons: Result<Vec<PersonId>> = rows.iter().map(|row| row.count("person").map(PersonId)).collect();
        let persons = persons?;
        let mut profiles = self.profiles_of(scope, &persons).await?;
        let mut exposed = self.exposed_of(scope, &persons).await?;
        let year = self.year_of(scope).await?;
        let mut leased = Vec::with_capacity(rows.len());
        for (row, person) in rows.iter().zip(persons) {
            let serial = row.count("serial")?;
            let mut records = exposed.remove(&person).unwrap_or_default();
            records.retain(|record| record.verdict > Verdict::Excluded);
            leased.push(Leased {
                serial,
                number: NoticeNumber::new(year, serial),
                person,
                scope_version: scope,
                profile: profiles.remove(&person).ok_or(Error::Value { what: "notice without its person" })?,
                exposed: records,
                link_code: self.link_code(scope, person),
                attempts: row.small("attempts")?.saturating_sub(1),
            });
        }
        leased.sort_unstable_by_key(|notice| notice.serial);
        Ok(leased)
    }

    /// One statement moves the notices; the transaction adds to their history and is durable when this returns.
    async fn take_in_hand(
        &self,
        scope: u32,
        after: u64,
        count: u32,
        worker: &str,
        lease_until_ms: i64,
        now_ms: i64,
    ) -> Result<Vec<AnyRow>> {
        let operation = "take notices in hand";
        let mut transaction = self.begin(operation).await?;
        let sql = format!(
            "UPDATE notice SET state = 'sending', worker = $1, lease_until_ms = $2, changed_at_ms = $3, attempts = attempts + 1 \
             WHERE serial IN (SELECT serial FROM notice WHERE scope_version = $4 AND state = 'intended' AND retry_at_ms <= $3 \
             AND serial > $6 ORDER BY serial LIMIT $5 {}) RETURNING serial, person, attempts",
            self.skip_locked()
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(worker).bind(lease_until_ms).bind(now_ms);
        let query = query.bind(i64::from(scope)).bind(i64::from(count)).bind(i64::try_from(after).unwrap_or(i64::MAX));
        let rows = query.fetch_all(&mut *transaction).await.during(operation)?;
        let mut events = events();
        for row in &rows {
            events.push(event(row.count("serial")?, now_ms, NoticeState::Sending, worker));
        }
        events.write_all(&mut transaction, operation).await?;
        transaction.commit().await.during(operation)?;
        Ok(rows)
    }

    async fn year_of(&self, scope: u32) -> Result<u16> {
        let query = sqlx::query("SELECT case_year FROM scope_version WHERE number = $1").bind(i64::from(scope));
        let row = query.fetch_optional(self.reader()).await.during("read a scope version")?;
        let year = row.ok_or(Error::NoScope { number: scope })?.int("case_year")?;
        u16::try_from(year).map_err(|_| Error::Value { what: "year" })
    }

    /// Writes down what became of leased notices. A notice that is not `sending` any more (its lease ended) only
    /// gets the event: where it stands is for a person to settle.
    pub async fn record_outcomes(&self, outcomes: &[(u64, Outcome)], now_ms: i64) -> Result<()> {
        let operation = "write down outcomes";
        let mut transaction = self.begin(operation).await?;
        let mut events = events();
        for some in outcomes.chunks(OUTCOMES_MAX) {
            let moved = move_notices(&mut transaction, some, now_ms).await?;
            for (serial, outcome) in some {
                let (state, detail) = if moved.contains(serial) {
                    (outcome.state(), outcome.detail().to_owned())
                } else {
                    let state = state_of(&mut transaction, *serial).await?.ok_or(Error::NoNotice { serial: *serial })?;
                    (state, format!("too late: {} ({})", outcome.state().name(), outcome.detail()))
                };
                events.push(event(*serial, now_ms, state, &detail));
            }
        }
        events.write_all(&mut transaction, operation).await?;
        transaction.commit().await.during(operation)
    }

    /// Makes unknown what stands at `sending` past the end of its lease, and says how many: a sender that died may or may not have sent them.
    pub async fn reap_leases(&self, now_ms: i64) -> Result<u64> {
        self.reap(now_ms, now_ms).await
    }

    /// Like [`Store::reap_leases`], whatever the leases say: for the start of a run that is the only sender.
    pub async fn reap_all_leases(&self, now_ms: i64) -> Result<u64> {
        self.reap(i64::MAX, now_ms).await
    }

    async fn reap(&self, ended_by_ms: i64, now_ms: i64) -> Result<u64> {
        let operation = "end the leases of senders that died";
        let mut transaction = self.begin(operation).await?;
        let sql = "UPDATE notice SET state = 'unknown', changed_at_ms = $1 WHERE state = 'sending' AND lease_until_ms <= $2 \
                   RETURNING serial, worker";
        let rows = sqlx::query(sql).bind(now_ms).bind(ended_by_ms).fetch_all(&mut *transaction).await.during(operation)?;
        let mut events = events();
        for row in &rows {
            let detail = format!("{} ended without an answer", row.text("worker")?);
            events.push(event(row.count("serial")?, now_ms, NoticeState::Unknown, &detail));
        }
        events.write_all(&mut transaction, operation).await?;
        transaction.commit().await.during(operation)?;
        Ok(rows.len() as u64)
    }

    /// When the earliest notice that waits may be tried (again): 0 for at once, none where nothing waits.
    pub async fn next_retry_at(&self, scope: u32) -> Result<Option<i64>> {
        let sql = "SELECT MIN(retry_at_ms) AS at_ms FROM notice WHERE scope_version = $1 AND state = 'intended'";
        let row = sqlx::query(sql).bind(i64::from(scope)).fetch_one(self.reader()).await.during("find the next retry")?;
        row.maybe_int("at_ms")
    }

    /// Where the affected persons of a scope version stand, counted from persons and notices anew. A person whom an
    /// earlier version's notice told the same counts where that notice stands. A person without any notice counts
    /// among the persons and nowhere else, so that the sum does not hold.
    pub async fn conservation(&self, scope: u32) -> Result<Conservation> {
        let sql = format!(
            "SELECT COALESCE(n.state, (SELECT b.state FROM notice b WHERE b.serial = ({TOLD_BEFORE})), '') AS state, \
             COUNT(*) AS n FROM person p LEFT JOIN notice n ON n.person = p.id AND n.scope_version = p.scope_version \
             AND n.channel = 'mail' WHERE p.scope_version = $1 AND p.verdict IN ('proved', 'possible') GROUP BY 1"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(i64::from(scope));
        let mut line = Conservation::default();
        for row in query.fetch_all(self.reader()).await.during("count where everybody stands")? {
            let (name, n) = (row.text("state")?, row.count("n")?);
            line.persons += n;
            if !name.is_empty() {
                *part(&mut line, state(&name)?) += n;
            }
        }
        Ok(line)
    }
}

impl Outcome {
    /// Where a notice stands after it.
    pub const fn state(&self) -> NoticeState {
        match self {
            Self::Accepted { .. } => NoticeState::Accepted,
            Self::Refused { .. } => NoticeState::Refused,
            Self::Unknown { .. } => NoticeState::Unknown,
            Self::NotSent { .. } => NoticeState::Intended,
        }
    }

    /// The reply or the reason.
    pub fn detail(&self) -> &str {
        match self {
            Self::Accepted { reply } | Self::Refused { reply } => reply,
            Self::Unknown { why } | Self::NotSent { why, .. } => why,
        }
    }

    const fn retry_at_ms(&self) -> i64 {
        match self {
            Self::NotSent { retry_at_ms, .. } => *retry_at_ms,
            _ => 0,
        }
    }
}

/// An affected person who may need a notice.
struct Affected {
    id: PersonId,
    told: Vec<u8>,
    has_mail: bool,
}

impl Affected {
    fn told_key(&self) -> (PersonId, Option<Vec<u8>>) {
        (self.id, Some(self.told.clone()))
    }
}

/// Affected persons of a version after this one, by number. `COALESCE` keeps the database from looking them up by verdict
/// and sorting them for every page.
async fn affected_page(connection: &mut AnyConnection, scope: u32, after: u64) -> Result<Vec<Affected>> {
    let sql = format!(
        "SELECT id, told, CASE WHEN mail_index IS NULL THEN 0 ELSE 1 END AS has_mail FROM person \
         WHERE scope_version = $1 AND id > $2 AND COALESCE(verdict, '') IN ('proved', 'possible') ORDER BY id LIMIT {PLAN_PAGE}"
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(i64::from(scope)).bind(as_i64(after));
    let rows = query.fetch_all(connection).await.during("plan notices")?;
    let affected = |row: &AnyRow| {
        Ok(Affected { id: PersonId(row.count("id")?), told: row.bytes("told")?, has_mail: row.int("has_mail")? == 1 })
    };
    rows.iter().map(affected).collect()
}

/// Which of the persons in this range need no notice: `None` with those who have one of this version, and what
/// the newest notice that left in an earlier version told the others. What it says is compared, not when.
async fn told_page(
    connection: &mut AnyConnection,
    scope: u32,
    after: u64,
    last: u64,
) -> Result<BTreeSet<(PersonId, Option<Vec<u8>>)>> {
    let sql = "SELECT person, scope_version, state, told FROM notice WHERE person > $1 AND person <= $2 AND scope_version <= $3 \
               AND channel = 'mail' ORDER BY person, scope_version DESC";
    let query = sqlx::query(sql).bind(as_i64(after)).bind(as_i64(last)).bind(i64::from(scope));
    let (mut told, mut settled) = (BTreeSet::new(), None);
    for row in query.fetch_all(connection).await.during("plan notices")? {
        let person = PersonId(row.count("person")?);
        if row.small("scope_version")? == scope {
            told.insert((person, None));
        } else if settled != Some(person) && has_left(state(&row.text("state")?)?) {
            settled = Some(person);
            told.insert((person, Some(row.bytes("told")?)));
        }
    }
    Ok(told)
}

/// Whether a notice that stands here reached its person, or may have.
const fn has_left(state: NoticeState) -> bool {
    matches!(state, NoticeState::Accepted | NoticeState::Unknown | NoticeState::Sending)
}

async fn last_serial(connection: &mut AnyConnection) -> Result<u64> {
    let query = sqlx::query("SELECT COALESCE(MAX(serial), 0) AS n FROM notice");
    query.fetch_one(connection).await.during("plan notices")?.count("n")
}

/// Outcomes of one statement.
const OUTCOMES_MAX: usize = 1000;

/// Characters of a link's code: 5 random bits each, 130 in all.
pub(crate) const LINK_CODE_LENGTH: usize = 26;

fn new_notices() -> Insert<9> {
    Insert::new(
        "INSERT INTO notice (serial, person, scope_version, channel, state, told, link_hash, planned_at_ms, changed_at_ms)",
    )
}

/// Moves what stands at `sending` to where its outcome says, in one statement, and says what moved.
async fn move_notices(connection: &mut AnyConnection, outcomes: &[(u64, Outcome)], now_ms: i64) -> Result<BTreeSet<u64>> {
    let operation = "write down outcomes";
    if outcomes.is_empty() {
        return Ok(BTreeSet::new());
    }
    let marks = Marks::of(connection);
    let sql = format!(
        "UPDATE notice SET state = v.column2, retry_at_ms = v.column3, changed_at_ms = {}, worker = '', lease_until_ms = 0 \
         FROM (VALUES {}) AS v WHERE notice.serial = v.column1 AND notice.state = 'sending' RETURNING notice.serial AS serial",
        marks.one(1),
        marks.rows(2, outcomes.len(), 3)
    );
    let rows = outcomes
        .iter()
        .flat_map(|(serial, outcome)| [Cell::from(*serial), outcome.state().name().into(), outcome.retry_at_ms().into()]);
    let values = arguments(std::iter::once(now_ms.into()).chain(rows)).during(operation)?;
    let rows = sqlx::query_with(AssertSqlSafe(sql), values).fetch_all(connection).await.during(operation)?;
    rows.iter().map(|row| row.count("serial")).collect()
}

/// The part of the conservation line in which a state counts.
const fn part(line: &mut Conservation, state: NoticeState) -> &mut u64 {
    match state {
        NoticeState::Accepted => &mut line.accepted,
        NoticeState::Refused => &mut line.refused,
        NoticeState::Unknown => &mut line.unknown,
        NoticeState::Held => &mut line.held,
        NoticeState::NoAddress => &mut line.no_address,
        NoticeState::Intended | NoticeState::Sending => &mut line.waiting,
    }
}
