//! Reading notices, and the decisions that people make about single ones: hold, release, settle.

use std::collections::BTreeMap;

use kintsugi_case::{Channel, NoticeKind, NoticeNumber, NoticeState, PersonId};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};

use crate::error::During;
use crate::person::state;
use crate::rows::{Cell, Columns, Insert, arguments, as_i64};
use crate::{Error, Result, Store};

/// A notice with its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeView {
    /// Its place in the case, from 1.
    pub serial: u64,
    /// Its number as printed.
    pub number: NoticeNumber,
    /// To whom.
    pub person: PersonId,
    /// From which scope version.
    pub scope_version: u32,
    /// The way it goes.
    pub channel: Channel,
    /// What it is to them.
    pub kind: NoticeKind,
    /// Where it stands.
    pub state: NoticeState,
    /// When it was planned.
    pub planned_at_ms: i64,
    /// When it came to where it stands.
    pub changed_at_ms: i64,
    /// Who holds it and why, while it is held.
    pub hold: Option<Hold>,
    /// Everything that happened to it, oldest first.
    pub events: Vec<NoticeEvent>,
}

/// Why a notice waits (rule 17: an owner, a reason, an end).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Who holds it.
    pub who: String,
    /// Why.
    pub reason: String,
    /// Until when.
    pub until_ms: i64,
}

/// Something that happened to a notice. Never changed, never erased before the case is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeEvent {
    /// When.
    pub at_ms: i64,
    /// Where the notice stood from then on.
    pub state: NoticeState,
    /// The mail server's reply, or why, or who.
    pub detail: String,
}

impl Store {
    /// The notice with this number; none where there is no such notice (also: where the year is another one).
    pub async fn notice_by_number(&self, number: NoticeNumber) -> Result<Option<NoticeView>> {
        let found = self.views("WHERE n.serial = $1", vec![number.serial().into()]).await?;
        Ok(found.into_iter().find(|view| view.number == number))
    }

    /// The notices of a person, newest first.
    pub async fn notices_of(&self, person: PersonId) -> Result<Vec<NoticeView>> {
        self.views("WHERE n.person = $1 ORDER BY n.serial DESC", vec![person.0.into()]).await
    }

    /// Up to `limit` notices of a scope version, without what follows them, that stand at `state` (any where `None`), after `after_serial`.
    pub async fn list_notices(
        &self,
        scope: u32,
        state: Option<NoticeState>,
        after_serial: u64,
        limit: u32,
    ) -> Result<Vec<NoticeView>> {
        let mut cells = vec![scope.into(), after_serial.into(), limit.into()];
        cells.extend(state.map(|state| Cell::from(state.name())));
        let of_state = if state.is_some() { "AND n.state = $4" } else { "" };
        let rest =
            format!("WHERE n.scope_version = $1 AND n.channel = 'mail' {of_state} AND n.serial > $2 ORDER BY n.serial LIMIT $3");
        self.views(&rest, cells).await
    }

    /// Holds a notice that is still to be sent.
    pub async fn hold(&self, serial: u64, hold: &Hold, now_ms: i64) -> Result<()> {
        let set = "hold_who = $5, hold_reason = $6, hold_until_ms = $7";
        let cells = [Cell::from(&hold.who), Cell::from(&hold.reason), hold.until_ms.into()];
        let detail = format!("held by {}: {}", hold.who, hold.reason);
        self.decide(serial, NoticeState::Intended, NoticeState::Held, (set, &cells), &detail, now_ms).await
    }

    /// Lets a held notice go; `why` may be empty.
    pub async fn release(&self, serial: u64, who: &str, why: &str, now_ms: i64) -> Result<()> {
        let detail = because("released by", who, why);
        self.decide(serial, NoticeState::Held, NoticeState::Intended, (NO_HOLD, &[]), &detail, now_ms).await
    }

    /// Lets every held notice go whose hold has ended, and says how many.
    pub async fn release_ended_holds(&self, now_ms: i64) -> Result<u64> {
        let operation = "release held notices";
        let mut transaction = self.begin(operation).await?;
        let sql = format!(
            "UPDATE notice SET state = 'intended', changed_at_ms = $1, {NO_HOLD} WHERE state = 'held' AND hold_until_ms <= $1 \
             RETURNING serial"
        );
        let rows = sqlx::query(AssertSqlSafe(sql)).bind(now_ms).fetch_all(&mut *transaction).await.during(operation)?;
        let mut events = events();
        for row in &rows {
            events.push(event(row.count("serial")?, now_ms, NoticeState::Intended, "the hold has ended"));
        }
        events.write_all(&mut transaction, operation).await?;
        transaction.commit().await.during(operation)?;
        Ok(rows.len() as u64)
    }

    /// Puts every refused notice of a version back, for one more attempt, and gives the number under which a sender finds
    /// exactly these ([`crate::Waiting::Resend`]) and how many they are.
    pub async fn resend_refused(&self, scope: u32, who: &str, now_ms: i64) -> Result<(u32, u64)> {
        let operation = "put refused notices back";
        let mut transaction = self.begin(operation).await?;
        let last = sqlx::query("SELECT COALESCE(MAX(resend), 0) AS n FROM notice").fetch_one(&mut *transaction).await;
        let number = last.during(operation)?.small("n")? + 1;
        let sql = "UPDATE notice SET state = 'intended', changed_at_ms = $1, retry_at_ms = 0, resend = $2 \
                   WHERE scope_version = $3 AND state = 'refused' AND channel = 'mail' RETURNING serial";
        let query = sqlx::query(sql).bind(now_ms).bind(i64::from(number)).bind(i64::from(scope));
        let rows = query.fetch_all(&mut *transaction).await.during(operation)?;
        let mut events = events();
        let detail = because("put back by", who, "");
        for row in &rows {
            events.push(event(row.count("serial")?, now_ms, NoticeState::Intended, &detail));
        }
        events.write_all(&mut transaction, operation).await?;
        transaction.commit().await.during(operation)?;
        Ok((number, rows.len() as u64))
    }

    /// A person decides about a notice of which nobody knows whether it arrived: `NoticeState::Accepted` (it did),
    /// `NoticeState::Refused` (it did not, and the person is told in another way), or `NoticeState::Intended` (send it
    /// again). Nothing else ever sends an unknown notice again (rule 5).
    pub async fn settle_unknown(&self, serial: u64, as_state: NoticeState, who: &str, why: &str, now_ms: i64) -> Result<()> {
        if !matches!(as_state, NoticeState::Accepted | NoticeState::Refused | NoticeState::Intended) {
            return Err(Error::Transition { serial, state: NoticeState::Unknown.name(), wanted: as_state.name() });
        }
        let detail = because("settled by", who, why);
        self.decide(serial, NoticeState::Unknown, as_state, (NO_HOLD, &[]), &detail, now_ms).await
    }

    /// Moves one notice from one state to another, or says where it stands instead.
    async fn decide(
        &self,
        serial: u64,
        from: NoticeState,
        to: NoticeState,
        (set, cells): (&str, &[Cell]),
        detail: &str,
        now_ms: i64,
    ) -> Result<()> {
        let operation = "move a notice";
        let mut transaction = self.begin(operation).await?;
        let sql = format!("UPDATE notice SET state = $1, changed_at_ms = $2, {set} WHERE serial = $3 AND state = $4");
        let first = [to.name().into(), now_ms.into(), serial.into(), from.name().into()];
        let values = arguments(first.into_iter().chain(cells.iter().cloned())).during(operation)?;
        let done = sqlx::query_with(AssertSqlSafe(sql), values).execute(&mut *transaction).await.during(operation)?;
        if done.rows_affected() == 0 {
            let state = state_of(&mut transaction, serial).await?.ok_or(Error::NoNotice { serial })?;
            return Err(Error::Transition { serial, state: state.name(), wanted: to.name() });
        }
        let mut events = events();
        events.push(event(serial, now_ms, to, detail));
        events.write_all(&mut transaction, operation).await?;
        transaction.commit().await.during(operation)
    }

    async fn views(&self, rest: &str, cells: Vec<Cell>) -> Result<Vec<NoticeView>> {
        let sql = format!(
            "SELECT n.*, s.case_year AS case_year FROM notice n JOIN scope_version s ON s.number = n.scope_version {rest}"
        );
        let query = sqlx::query_with(AssertSqlSafe(sql), arguments(cells).during("read notices")?);
        let rows = query.fetch_all(self.reader()).await.during("read notices")?;
        let mut views: Vec<NoticeView> = rows.iter().map(view).collect::<Result<_>>()?;
        self.add_events(&mut views).await?;
        Ok(views)
    }

    async fn add_events(&self, views: &mut [NoticeView]) -> Result<()> {
        for some in views.chunks_mut(NOTICES_MAX) {
            let list = self.marks().list(1, some.len());
            let sql = format!("SELECT serial, at_ms, state, detail FROM notice_event WHERE serial IN ({list}) ORDER BY sequence");
            let values = arguments(some.iter().map(|view| view.serial.into())).during("read what happened to notices")?;
            let rows = sqlx::query_with(AssertSqlSafe(sql), values).fetch_all(self.reader()).await;
            let places: BTreeMap<u64, usize> = some.iter().enumerate().map(|(at, view)| (view.serial, at)).collect();
            for row in rows.during("read what happened to notices")? {
                if let Some(&at) = places.get(&row.count("serial")?) {
                    some[at].events.push(event_of(&row)?);
                }
            }
        }
        Ok(())
    }
}

/// Who decided, and why where it was said.
fn because(did: &str, who: &str, why: &str) -> String {
    if why.is_empty() { format!("{did} {who}") } else { format!("{did} {who}: {why}") }
}

/// Notices whose events are read at a time.
const NOTICES_MAX: usize = 500;

const NO_HOLD: &str = "hold_who = '', hold_reason = '', hold_until_ms = 0";

/// Rows for the history of notices, which is only ever appended to.
pub(crate) const fn events() -> Insert<4> {
    Insert::new("INSERT INTO notice_event (serial, at_ms, state, detail)")
}

/// A row for [`events`].
pub(crate) fn event(serial: u64, at_ms: i64, state: NoticeState, detail: &str) -> [Cell; 4] {
    [serial.into(), at_ms.into(), state.name().into(), detail.into()]
}

/// Where a notice stands.
pub(crate) async fn state_of(connection: &mut AnyConnection, serial: u64) -> Result<Option<NoticeState>> {
    let query = sqlx::query("SELECT state FROM notice WHERE serial = $1").bind(as_i64(serial));
    let row = query.fetch_optional(connection).await.during("read where a notice stands")?;
    row.map(|row| state(&row.text("state")?)).transpose()
}

/// A notice's number, from columns `serial` and `case_year`.
pub(crate) fn number(row: &AnyRow) -> Result<NoticeNumber> {
    let year = u16::try_from(row.int("case_year")?).map_err(|_| Error::Value { what: "year" })?;
    Ok(NoticeNumber::new(year, row.count("serial")?))
}

fn view(row: &AnyRow) -> Result<NoticeView> {
    Ok(NoticeView {
        serial: row.count("serial")?,
        number: number(row)?,
        person: PersonId(row.count("person")?),
        scope_version: row.small("scope_version")?,
        channel: channel(&row.text("channel")?)?,
        kind: crate::plan::kind(row)?,
        state: state(&row.text("state")?)?,
        planned_at_ms: row.int("planned_at_ms")?,
        changed_at_ms: row.int("changed_at_ms")?,
        hold: hold(row)?,
        events: Vec::new(),
    })
}

pub(crate) fn channel(name: &str) -> Result<Channel> {
    Channel::from_name(name).ok_or(Error::Value { what: "channel" })
}

fn hold(row: &AnyRow) -> Result<Option<Hold>> {
    let hold = Hold { who: row.text("hold_who")?, reason: row.text("hold_reason")?, until_ms: row.int("hold_until_ms")? };
    Ok((!hold.who.is_empty()).then_some(hold))
}

fn event_of(row: &AnyRow) -> Result<NoticeEvent> {
    Ok(NoticeEvent { at_ms: row.int("at_ms")?, state: state(&row.text("state")?)?, detail: row.text("detail")? })
}
