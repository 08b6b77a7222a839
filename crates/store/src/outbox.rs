//! The outbox: notices are planned once, leased to a sender in batches, and their outcomes written down in batches.

use std::collections::BTreeSet;

use kintsugi_case::{
    Channel, Conservation, ExposedRecord, NoticeKind, NoticeNumber, NoticeState, PersonId, PersonProfile, Urgency, Verdict,
};
use kintsugi_vault::Purpose;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};

use crate::bulk::NOTICE_BY_LINK;
use crate::correction::{ToldBefore, earlier_page, kinds};
use crate::database::Alone;
use crate::error::During;
use crate::fall_back::{LETTER, address_at, given_up_page};
use crate::notice::{channel, event, events, state_of};
use crate::person::state;
use crate::plan::kind;
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

/// Which waiting notices a sender takes: the notices themselves where nothing else is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Waiting {
    /// Every one.
    #[default]
    All,
    /// Those that [`Store::resend_refused`] put back under this number.
    Resend(u32),
    /// What follows the notices, of this occasion.
    FollowUp(Channel),
}

impl Waiting {
    fn condition(self) -> String {
        match self {
            Self::All => "AND channel = 'mail'".to_owned(),
            Self::Resend(number) => format!("AND channel = 'mail' AND resend = {number}"),
            Self::FollowUp(channel) => format!("AND channel = '{}'", channel.name()),
        }
    }
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
    /// The way it goes, and the occasion.
    pub channel: Channel,
    /// What it is to them.
    pub kind: NoticeKind,
    /// What they were told before, where it is a correction or follows a notice.
    pub before: Option<ToldBefore>,
    /// How they are addressed and reached.
    pub profile: PersonProfile,
    /// What of theirs was, or may have been, taken.
    pub exposed: Vec<ExposedRecord>,
    /// The code in the link to the person's page.
    pub link_code: String,
    /// How often sending was tried before.
    pub attempts: u32,
    /// How many of the person's mail addresses were given up before; the profile holds the one after them.
    pub contact: u32,
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
    /// The mail server refused because of the address: the next contact point is tried.
    Undeliverable {
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
pub(crate) const TOLD_BEFORE: &str = "SELECT e.serial FROM notice e WHERE e.person = p.id AND e.channel = 'mail' AND e.told = p.told \
    AND e.serial = (SELECT MAX(m.serial) FROM notice m WHERE m.person = p.id AND m.channel = 'mail' \
    AND m.scope_version < p.scope_version AND m.state IN ('accepted', 'printed', 'batched', 'unknown', 'sending'))";

/// Where notices stand that reached their persons, or may have: [`has_left`] as a list.
pub(crate) const LEFT: &str = "('accepted', 'printed', 'batched', 'unknown', 'sending')";

/// Whom a plan goes through.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whom {
    /// Persons of whom something was, or may have been, taken: those with this verdict and this rank of urgency.
    Affected(Verdict, u32),
    /// Persons who were told so, and of whom nothing is concerned any more (rule 10).
    Cleared,
}

impl Whom {
    /// Everybody, most urgent first: in this order they get their serial numbers, and notices go out by serial number.
    /// Persons frozen before ranks were written have rank 0.
    fn in_turn(scope: u32) -> Vec<Self> {
        let ranked = |verdict| Urgency::ALL.into_iter().filter(move |urgency| urgency.verdict() == verdict).map(Urgency::rank);
        let affected = |verdict| ranked(verdict).chain([0]).map(move |rank| Self::Affected(verdict, rank));
        let cleared = (scope > 1).then_some(Self::Cleared);
        [Verdict::Proved, Verdict::Possible].into_iter().flat_map(affected).chain(cleared).collect()
    }
}

impl Store {
    /// Plans a notice for each affected person of the scope version who was not already told the same by an earlier
    /// one, and for each who was told and is not affected any more. Run again, it plans nothing new (one notice per
    /// person, scope version and channel: rule 4).
    pub async fn plan_notices(&self, scope: u32, now_ms: i64) -> Result<Planned> {
        let mut planned = Planned::default();
        let mut bulk = false;
        for whom in Whom::in_turn(scope) {
            let mut after = 0;
            while let Some(last) = self.plan_page((scope, whom), after, now_ms, &mut planned, &mut bulk).await? {
                after = last;
            }
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
        (scope, whom): (u32, Whom),
        after: u64,
        now_ms: i64,
        planned: &mut Planned,
        bulk: &mut bool,
    ) -> Result<Option<u64>> {
        let operation = "plan notices";
        let mut transaction = self.begin_alone(Alone::Plan, operation).await?;
        let mut persons = persons_page(&mut transaction, scope, whom, after).await?;
        let Some(last) = persons.last().map(|person| person.id.0) else { return Ok(None) };
        let planned_before = planned_page(&mut transaction, scope, after, last).await?;
        let told = earlier_page(&mut transaction, scope, (after, last)).await?;
        // What an earlier notice said is compared, not when it was said.
        persons.retain(|person| {
            !planned_before.contains(&person.id) && told.get(&person.id).is_none_or(|earlier| earlier.told != person.told)
        });
        let to_tell: Vec<PersonId> = persons.iter().map(|person| person.id).collect();
        let kinds = kinds(&mut transaction, scope, &told, &to_tell).await?;
        let given_up = given_up_page(&mut transaction, scope, (after, last)).await?;
        let mut serial = last_serial(&mut transaction).await?;
        let (mut notices, mut events) = (new_notices(), events());
        for person in persons {
            serial += 1;
            let kind = kinds.get(&person.id).copied().unwrap_or_default();
            let contact = given_up.get(&person.id).copied().unwrap_or_default();
            let (state, detail, count) = if !person.has_mail {
                (NoticeState::NoAddress, "no mail address is known", &mut planned.no_address)
            } else if contact > 0 && contact >= self.addresses(&mut transaction, scope, person.id).await? {
                (NoticeState::NoAddress, LETTER, &mut planned.no_address)
            } else {
                (NoticeState::Intended, "", &mut planned.new)
            };
            *count += 1;
            events.push(event(serial, now_ms, state, detail));
            notices.push(self.new_notice(serial, scope, &person, (state, kind, contact), now_ms));
        }
        if notices.len() == PLAN_PAGE && !std::mem::replace(bulk, true) {
            self.loosen(&mut transaction, NOTICE_BY_LINK).await?;
        }
        notices.write_all(&mut transaction, operation).await?;
        events.write_all(&mut transaction, operation).await?;
        transaction.commit().await.during(operation)?;
        Ok(Some(last))
    }

    fn new_notice(
        &self,
        serial: u64,
        scope: u32,
        person: &ToTell,
        (state, kind, contact): (NoticeState, NoticeKind, u32),
        now_ms: i64,
    ) -> [Cell; 11] {
        let code = self.link_code(scope, person.id);
        [
            serial.into(),
            person.id.0.into(),
            scope.into(),
            Channel::Mail.name().into(),
            state.name().into(),
            kind.name().into(),
            person.told.clone().into(),
            self.keys.code_hash(Purpose::LinkToken, &code).into(),
            now_ms.into(),
            now_ms.into(),
            contact.into(),
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
        self.lease_notices_after(scope, (0, Waiting::All), count, worker, lease_until_ms, now_ms).await
    }

    /// A notice that was put back in what is the future now waits no longer: the clock was set back, and its time to wait is not known.
    ///
    /// Like [`Self::lease_notices`], with serials above `after` only: a sender that goes over the outbox from front to back
    /// meets each notice once, however long that takes and whatever became ready again behind it.
    pub async fn lease_notices_after(
        &self,
        scope: u32,
        (after, waiting): (u64, Waiting),
        count: u32,
        worker: &str,
        lease_until_ms: i64,
        now_ms: i64,
    ) -> Result<Vec<Leased>> {
        let rows = self.take_in_hand(scope, (after, waiting), count, worker, lease_until_ms, now_ms).await?;
        self.letters(scope, rows).await
    }

    /// Everything that composing these notices takes.
    pub(crate) async fn letters(&self, scope: u32, rows: Vec<AnyRow>) -> Result<Vec<Leased>> {
        let persons: Result<Vec<PersonId>> = rows.iter().map(|row| row.count("person").map(PersonId)).collect();
        let persons = persons?;
        // By the connection that writes: SQLite forgets what others have cached at each commit.
        let mut profiles = self.profiles_of(self.writer(), scope, &persons).await?;
        let mut exposed = self.exposed_of(self.writer(), scope, &persons).await?;
        let year = self.year_of(scope).await?;
        let corrected = rows.iter().zip(&persons).map(|(row, person)| Ok(kind(row)?.is_correction().then_some(*person)));
        let corrected: BTreeSet<PersonId> = corrected.filter_map(Result::transpose).collect::<Result<_>>()?;
        let mut before = self.told_before(scope, &corrected, year).await?;
        let mut follows = BTreeSet::new();
        for (row, person) in rows.iter().zip(&persons) {
            if channel(&row.text("channel")?)? != Channel::Mail {
                follows.insert(*person);
            }
        }
        before.extend(self.followed(scope, &follows, year).await?);
        let mut leased = Vec::with_capacity(rows.len());
        for (row, person) in rows.iter().zip(persons) {
            let serial = row.count("serial")?;
            let mut records = exposed.remove(&person).unwrap_or_default();
            records.retain(|record| record.verdict > Verdict::Excluded);
            let (contact, channel) = (row.small("contact")?, channel(&row.text("channel")?)?);
            let link_code = match channel {
                Channel::Mail => self.link_code(scope, person),
                follows => self.follow_up_code(follows, scope, person),
            };
            let mut profile = profiles.remove(&person).ok_or(Error::Value { what: "notice without its person" })?;
            profile.email = address_at(&profile, contact);
            leased.push(Leased {
                serial,
                number: NoticeNumber::new(year, serial),
                person,
                scope_version: scope,
                channel,
                kind: kind(row)?,
                before: before.remove(&person),
                profile,
                exposed: records,
                link_code,
                attempts: row.small("attempts")?.saturating_sub(1),
                contact,
            });
        }
        leased.sort_unstable_by_key(|notice| notice.serial);
        Ok(leased)
    }

    /// A planned notice as a sender would get it, without taking it in hand: for previews.
    pub async fn planned_letter(&self, scope: u32, serial: u64) -> Result<Option<Leased>> {
        let sql = "SELECT serial, person, attempts, kind, contact, channel FROM notice WHERE scope_version = $1 AND serial = $2";
        let query = sqlx::query(sql).bind(i64::from(scope)).bind(as_i64(serial));
        let rows = query.fetch_all(self.reader()).await.during("read a planned notice")?;
        Ok(self.letters(scope, rows).await?.pop())
    }

    /// One statement moves the notices; the transaction adds to their history and is durable when this returns.
    async fn take_in_hand(
        &self,
        scope: u32,
        (after, waiting): (u64, Waiting),
        count: u32,
        worker: &str,
        lease_until_ms: i64,
        now_ms: i64,
    ) -> Result<Vec<AnyRow>> {
        let operation = "take notices in hand";
        let mut transaction = self.begin(operation).await?;
        let sql = format!(
            "UPDATE notice SET state = 'sending', worker = $1, lease_until_ms = $2, changed_at_ms = $3, attempts = attempts + 1 \
             WHERE serial IN (SELECT serial FROM notice WHERE scope_version = $4 AND state = 'intended' \
             AND (retry_at_ms <= $3 OR changed_at_ms > $3) \
             AND serial > $6 {} ORDER BY serial LIMIT $5 {}) RETURNING serial, person, attempts, kind, contact, channel",
            waiting.condition(),
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
        let row = query.fetch_optional(self.writer()).await.during("read a scope version")?;
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
                if moved.contains(serial) && matches!(outcome, Outcome::Undeliverable { .. }) {
                    events.rows(self.fall_back(&mut transaction, *serial, now_ms).await?.map(|(_, event)| event));
                }
            }
        }
        events.write_all(&mut transaction, operation).await?;
        transaction.commit().await.during(operation)
    }

    /// Makes unknown what stands at `sending` past the end of its lease, and says how many: a sender that died may or may not have sent them.
    pub async fn reap_leases(&self, now_ms: i64) -> Result<u64> {
        self.reap((now_ms, None), now_ms).await
    }

    /// Like [`Store::reap_leases`], whatever its leases say: for a sender that is known to be dead.
    pub async fn reap_leases_of(&self, worker: &str, now_ms: i64) -> Result<u64> {
        self.reap((i64::MAX, Some(worker)), now_ms).await
    }

    /// Who has notices in hand.
    pub async fn senders(&self) -> Result<Vec<String>> {
        let sql = "SELECT DISTINCT worker FROM notice WHERE state = 'sending' ORDER BY worker";
        let rows = sqlx::query(sql).fetch_all(self.reader()).await.during("read who sends")?;
        rows.iter().map(|row| row.text("worker")).collect()
    }

    /// Like [`Store::reap_leases`], whatever the leases say: for the start of a run that is the only sender.
    pub async fn reap_all_leases(&self, now_ms: i64) -> Result<u64> {
        self.reap((i64::MAX, None), now_ms).await
    }

    async fn reap(&self, (ended_by_ms, worker): (i64, Option<&str>), now_ms: i64) -> Result<u64> {
        let operation = "end the leases of senders that died";
        let mut transaction = self.begin(operation).await?;
        let sql = "UPDATE notice SET state = 'unknown', changed_at_ms = $1 WHERE state = 'sending' AND lease_until_ms <= $2 \
                   AND ($3 = '' OR worker = $3) RETURNING serial, worker";
        let rows = sqlx::query(sql)
            .bind(now_ms)
            .bind(ended_by_ms)
            .bind(worker.unwrap_or_default())
            .fetch_all(&mut *transaction)
            .await
            .during(operation)?;
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
        self.conservation_by(sql, scope).await
    }

    /// Adds up persons by `state`, as this statement counts them.
    pub(crate) async fn conservation_by(&self, sql: String, scope: u32) -> Result<Conservation> {
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
            Self::Refused { .. } | Self::Undeliverable { .. } => NoticeState::Refused,
            Self::Unknown { .. } => NoticeState::Unknown,
            Self::NotSent { .. } => NoticeState::Intended,
        }
    }

    /// The reply or the reason.
    pub fn detail(&self) -> &str {
        match self {
            Self::Accepted { reply } | Self::Refused { reply } | Self::Undeliverable { reply } => reply,
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

/// A person who may need a notice.
struct ToTell {
    id: PersonId,
    told: Vec<u8>,
    has_mail: bool,
}

/// Persons of a version after this one, by number. `COALESCE` keeps the database from looking them up by verdict and
/// sorting them for every page.
async fn persons_page(connection: &mut AnyConnection, scope: u32, whom: Whom, after: u64) -> Result<Vec<ToTell>> {
    let condition = match whom {
        Whom::Affected(verdict, rank) => format!("p.verdict = '{}' AND p.urgency = {rank}", verdict.name()),
        Whom::Cleared => format!(
            "COALESCE(p.verdict, '') NOT IN ('proved', 'possible') AND EXISTS (SELECT 1 FROM notice n WHERE n.person = p.id \
             AND n.channel = 'mail' AND n.scope_version < $1 AND n.state IN {LEFT})"
        ),
    };
    let sql = format!(
        "SELECT p.id AS id, p.told AS told, CASE WHEN p.mail_index IS NULL THEN 0 ELSE 1 END AS has_mail FROM person p \
         WHERE p.scope_version = $1 AND p.id > $2 AND {condition} ORDER BY p.id LIMIT {PLAN_PAGE}"
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(i64::from(scope)).bind(as_i64(after));
    let rows = query.fetch_all(connection).await.during("plan notices")?;
    let to_tell = |row: &AnyRow| {
        Ok(ToTell { id: PersonId(row.count("id")?), told: row.bytes("told")?, has_mail: row.int("has_mail")? == 1 })
    };
    rows.iter().map(to_tell).collect()
}

/// Which of the persons in this range have a notice of this version.
async fn planned_page(connection: &mut AnyConnection, scope: u32, after: u64, last: u64) -> Result<BTreeSet<PersonId>> {
    // The sign keeps SQLite from looking the version up instead of the persons: that is every notice, for each page.
    let sql = "SELECT person FROM notice WHERE person > $1 AND person <= $2 AND +scope_version = $3 AND channel = 'mail'";
    let query = sqlx::query(sql).bind(as_i64(after)).bind(as_i64(last)).bind(i64::from(scope));
    let rows = query.fetch_all(connection).await.during("plan notices")?;
    rows.iter().map(|row| row.count("person").map(PersonId)).collect()
}

pub(crate) async fn last_serial(connection: &mut AnyConnection) -> Result<u64> {
    let query = sqlx::query("SELECT COALESCE(MAX(serial), 0) AS n FROM notice");
    query.fetch_one(connection).await.during("plan notices")?.count("n")
}

/// Outcomes of one statement.
const OUTCOMES_MAX: usize = 1000;

/// Characters of a link's code: 5 random bits each, 130 in all.
pub(crate) const LINK_CODE_LENGTH: usize = 26;

pub(crate) fn new_notices() -> Insert<11> {
    Insert::new(
        "INSERT INTO notice (serial, person, scope_version, channel, state, kind, told, link_hash, planned_at_ms, changed_at_ms, \
         contact)",
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
        NoticeState::Batched => &mut line.batched,
        NoticeState::Printed => &mut line.printed,
        NoticeState::Returned => &mut line.returned,
        NoticeState::Intended | NoticeState::Sending => &mut line.waiting,
    }
}
