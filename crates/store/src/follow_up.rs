//! What follows the first notices: the reminder to who was told and has a right about to lapse, and the closing word to
//! everybody who was told. Each is a notice of its own, with a number, a plan and an approval, at most once a person.

use std::collections::{BTreeMap, BTreeSet};

use kintsugi_case::{Channel, Conservation, NoticeKind, NoticeNumber, NoticeState, PersonId};
use kintsugi_vault::Purpose;
use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};

use crate::correction::ToldBefore;
use crate::database::Alone;
use crate::error::During;
use crate::notice::{event, events};
use crate::outbox::{LEFT, LINK_CODE_LENGTH, last_serial, new_notices};
use crate::rows::{Cell, Columns, arguments, as_i64};
use crate::{Result, Store};

/// Persons planned in one transaction.
const PLAN_PAGE: usize = 10_000;

/// Persons of one look-up.
const PERSONS_MAX: usize = 500;

/// What follows, and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FollowUp {
    /// To affected persons whose notice was accepted and who have a right that nobody redeemed and that ends by this time.
    Reminder {
        /// Milliseconds since 1970 UTC.
        ends_by_ms: i64,
    },
    /// To everybody whose newest notice was accepted.
    Closing,
}

impl FollowUp {
    /// The way it goes.
    pub const fn channel(self) -> Channel {
        match self {
            Self::Reminder { .. } => Channel::Reminder,
            Self::Closing => Channel::Closing,
        }
    }

    /// Of persons `p` whose newest notice is `n`, those to whom it goes; `$4` is now.
    fn condition(self) -> String {
        match self {
            Self::Closing => "1 = 1".to_owned(),
            Self::Reminder { ends_by_ms } => format!(
                "COALESCE(p.verdict, '') IN ('proved', 'possible') AND EXISTS (SELECT 1 FROM person_right r WHERE r.person = p.id \
                 AND r.redeemed_at_ms IS NULL AND r.usable_until_ms > $4 AND r.usable_until_ms <= {ends_by_ms})"
            ),
        }
    }
}

impl Store {
    /// Plans what follows for each person it goes to who did not get the same before; says how many are new.
    pub async fn plan_follow_ups(&self, scope: u32, what: FollowUp, now_ms: i64) -> Result<u64> {
        let (mut new, mut after) = (0, 0);
        while let Some((last, planned)) = self.follow_up_page(scope, what, after, now_ms).await? {
            (after, new) = (last, new + planned);
        }
        Ok(new)
    }

    async fn follow_up_page(&self, scope: u32, what: FollowUp, after: u64, now_ms: i64) -> Result<Option<(u64, u64)>> {
        let operation = "plan what follows";
        let mut transaction = self.begin_alone(Alone::Plan, operation).await?;
        let rows = persons(&mut transaction, scope, what, after, now_ms).await?;
        let Some(last) = rows.last().map(|row| row.count("id")).transpose()? else { return Ok(None) };
        let mut serial = last_serial(&mut transaction).await?;
        let (mut notices, mut events) = (new_notices(), events());
        for row in &rows {
            serial += 1;
            let person = PersonId(row.count("id")?);
            let code = self.follow_up_code(what.channel(), scope, person);
            events.push(event(serial, now_ms, NoticeState::Intended, ""));
            notices.push([
                serial.into(),
                person.0.into(),
                scope.into(),
                what.channel().name().into(),
                NoticeState::Intended.name().into(),
                NoticeKind::First.name().into(),
                row.bytes("told")?.into(),
                self.keys.code_hash(Purpose::LinkToken, &code).into(),
                now_ms.into(),
                now_ms.into(),
                // It goes where the notice went that was taken.
                row.small("contact")?.into(),
            ]);
        }
        notices.write_all(&mut transaction, operation).await?;
        events.write_all(&mut transaction, operation).await?;
        transaction.commit().await.during(operation)?;
        Ok(Some((last, rows.len() as u64)))
    }

    /// The code in its link: of the person, the version and the occasion.
    pub(crate) fn follow_up_code(&self, channel: Channel, scope: u32, person: PersonId) -> String {
        let digest = Sha256::digest(format!("{}/{scope}/{}", channel.name(), person.0));
        let id = digest.iter().take(8).fold(0, |id, byte| id << 8 | u64::from(*byte));
        self.keys.code(Purpose::LinkToken, id, LINK_CODE_LENGTH)
    }

    /// Where the notices of an occasion stand.
    pub async fn follow_up_line(&self, scope: u32, channel: Channel) -> Result<Conservation> {
        let sql = format!(
            "SELECT state, COUNT(*) AS n FROM notice WHERE scope_version = $1 AND channel = '{}' GROUP BY state",
            channel.name()
        );
        self.conservation_by(sql, scope).await
    }

    /// The notice that these persons had and to which something follows: the newest that was taken.
    pub(crate) async fn followed(
        &self,
        scope: u32,
        persons: &BTreeSet<PersonId>,
        year: u16,
    ) -> Result<BTreeMap<PersonId, ToldBefore>> {
        let operation = "read what persons were told";
        let ids: Vec<PersonId> = persons.iter().copied().collect();
        let mut told = BTreeMap::new();
        for some in ids.chunks(PERSONS_MAX) {
            let marks = self.marks();
            let sql = format!(
                "SELECT person, serial, changed_at_ms FROM notice WHERE scope_version <= {} AND channel = 'mail' \
                 AND state = 'accepted' AND person IN ({}) ORDER BY serial",
                marks.one(1),
                marks.list(2, some.len())
            );
            let cells = std::iter::once(scope.into()).chain(some.iter().map(|person| Cell::from(person.0)));
            let query = sqlx::query_with(AssertSqlSafe(sql), arguments(cells).during(operation)?);
            for row in query.fetch_all(self.reader()).await.during(operation)? {
                let number = NoticeNumber::new(year, row.count("serial")?);
                let before = ToldBefore { number, at_ms: row.int("changed_at_ms")?, exposed: Vec::new() };
                told.insert(PersonId(row.count("person")?), before);
            }
        }
        Ok(told)
    }
}

/// The persons after this one to whom it goes, by number.
async fn persons(connection: &mut AnyConnection, scope: u32, what: FollowUp, after: u64, now_ms: i64) -> Result<Vec<AnyRow>> {
    let sql = format!(
        "SELECT p.id AS id, p.told AS told, n.contact AS contact FROM person p JOIN notice n ON n.serial = (SELECT MAX(m.serial) \
         FROM notice m WHERE m.person = p.id AND m.channel = 'mail' AND m.scope_version <= p.scope_version) \
         WHERE p.scope_version = $1 AND p.id > $2 AND n.state = 'accepted' AND n.told = p.told AND {} \
         AND NOT EXISTS (SELECT 1 FROM notice f WHERE f.person = p.id AND f.channel = $3 AND (f.scope_version = $1 \
         OR f.told = p.told AND f.state IN {LEFT})) AND $4 >= 0 ORDER BY p.id LIMIT {PLAN_PAGE}",
        what.condition()
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(i64::from(scope)).bind(as_i64(after));
    let query = query.bind(what.channel().name()).bind(now_ms);
    query.fetch_all(connection).await.during("plan what follows")
}
