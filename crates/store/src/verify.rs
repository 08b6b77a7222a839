//! The independent check of the outbox: from the history of notices and the frozen persons alone, without the columns and
//! the queries that sending uses. It only reads.

use std::collections::BTreeMap;

use kintsugi_case::{NoticeState, PersonId};
use sqlx::any::AnyRow;

use crate::error::During;
use crate::fall_back::{LETTER, NEXT_ADDRESS};
use crate::freeze::told;
use crate::person::state;
use crate::postal_address::NEW_ADDRESS;
use crate::rows::{Columns, as_i64};
use crate::{Result, Store};

/// Events, or notices, read at a time.
const PAGE: i64 = 5_000;

/// So many faults are told one by one; the rest is counted.
const FAULTS_MAX: usize = 50;

/// What the check of the outbox found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutboxCheck {
    /// Notices gone through.
    pub notices: u64,
    /// Events gone through: after each of them the sum over all states was compared with the notices planned by then.
    pub events: u64,
    /// Notices whose content was compared with the digest under which they were planned.
    pub compared: u64,
    /// What is wrong, one sentence each.
    pub faults: Vec<String>,
    /// Faults beyond those.
    pub more_faults: u64,
}

impl OutboxCheck {
    /// Whether everything fits.
    pub fn holds(&self) -> bool {
        self.faults.is_empty()
    }

    fn fault(&mut self, what: String) {
        if self.faults.len() < FAULTS_MAX { self.faults.push(what) } else { self.more_faults += 1 }
    }
}

/// Where a notice stands as its history tells it.
#[derive(Clone, Copy)]
struct Story {
    state: NoticeState,
    /// Times that a sender took it since a person last decided that it may be sent (again).
    sent: u32,
}

/// Everybody's story, and how many stand where.
#[derive(Default)]
struct Stories {
    of: BTreeMap<u64, Story>,
    counts: BTreeMap<NoticeState, u64>,
}

impl Store {
    /// Goes through everything that ever happened to a notice.
    pub async fn check_outbox(&self) -> Result<OutboxCheck> {
        let (mut check, mut stories) = (OutboxCheck::default(), Stories::default());
        let mut sequence = 0;
        loop {
            let sql =
                "SELECT sequence, serial, at_ms, state, detail FROM notice_event WHERE sequence > $1 ORDER BY sequence LIMIT $2";
            let rows = sqlx::query(sql).bind(sequence).bind(PAGE).fetch_all(self.reader()).await.during("check the outbox")?;
            let Some(last) = rows.last() else { break };
            sequence = last.int("sequence")?;
            for row in &rows {
                stories.tell(row, &mut check)?;
            }
        }
        self.compare_notices(&stories, &mut check).await?;
        for scope in self.scopes().await? {
            self.compare_persons(scope.number, &mut check).await?;
        }
        Ok(check)
    }

    /// Each notice's column against its history, its digest against its person's exposures, nobody twice.
    async fn compare_notices(&self, stories: &Stories, check: &mut OutboxCheck) -> Result<()> {
        let mut after = 0_u64;
        loop {
            let sql = "SELECT n.serial AS serial, n.person AS person, n.scope_version AS scope_version, n.state AS state, \
                       n.told AS told FROM notice n WHERE n.serial > $1 ORDER BY n.serial LIMIT $2";
            let query = sqlx::query(sql).bind(as_i64(after)).bind(PAGE);
            let rows = query.fetch_all(self.reader()).await.during("check the outbox")?;
            let Some(last) = rows.last() else { break };
            after = last.count("serial")?;
            let mut by_version: BTreeMap<u32, Vec<&AnyRow>> = BTreeMap::new();
            for row in &rows {
                check.notices += 1;
                let (serial, stands) = (row.count("serial")?, state(&row.text("state")?)?);
                match stories.of.get(&serial) {
                    None => check.fault(format!("notice {serial} has no history")),
                    Some(story) if story.state != stands => {
                        let (says, stands) = (story.state.name(), stands.name());
                        check.fault(format!("notice {serial} stands at `{stands}`, and its history says `{says}`"));
                    }
                    Some(_) => {}
                }
                by_version.entry(row.small("scope_version")?).or_default().push(row);
            }
            for (version, rows) in by_version {
                self.compare_content(version, &rows, check).await?;
            }
        }
        if check.notices < stories.of.len() as u64 {
            check.fault(format!("{} notices are gone whose history is there", stories.of.len() as u64 - check.notices));
        }
        Ok(())
    }

    /// What these notices say, against the frozen exposures.
    async fn compare_content(&self, version: u32, rows: &[&AnyRow], check: &mut OutboxCheck) -> Result<()> {
        let persons = rows.iter().map(|row| row.count("person").map(PersonId)).collect::<Result<Vec<_>>>()?;
        let exposed = self.exposed_of(self.reader(), version, &persons).await?;
        for (row, person) in rows.iter().zip(&persons) {
            check.compared += 1;
            let now = told(exposed.get(person).map_or(&[][..], Vec::as_slice));
            if row.bytes("told")? != now {
                let serial = row.count("serial")?;
                check.fault(format!("notice {serial} was planned for other content than version {version} holds of its person"));
            }
        }
        Ok(())
    }

    /// Every affected person of a version that was planned has a notice of it, or one before that said the same; the
    /// counts come from the persons, one by one.
    async fn compare_persons(&self, scope: u32, check: &mut OutboxCheck) -> Result<()> {
        let planned = sqlx::query("SELECT COUNT(*) AS n FROM notice WHERE scope_version = $1").bind(i64::from(scope));
        if planned.fetch_one(self.reader()).await.during("check the outbox")?.count("n")? == 0 && scope > 1 {
            return Ok(());
        }
        let line = self.conservation(scope).await?;
        let sql = "SELECT COUNT(*) AS n FROM person p WHERE p.scope_version = $1 AND EXISTS (SELECT 1 FROM exposed_record e \
                   WHERE e.scope_version = p.scope_version AND e.person = p.id AND e.verdict <> 'excluded') \
                   AND COALESCE(p.verdict, '') <> 'excluded' AND p.verdict IS NOT NULL";
        let query = sqlx::query(sql).bind(i64::from(scope));
        let persons = query.fetch_one(self.reader()).await.during("check the outbox")?.count("n")?;
        if persons != line.persons {
            check.fault(format!(
                "version {scope} has {persons} persons with something taken, and the line counts {}",
                line.persons
            ));
        }
        // A version that was overtaken before it was planned has persons without a notice, and owes them none.
        if !line.holds() && self.newest_scope().await?.is_some_and(|newest| newest.number == scope) {
            let missing = line.persons.saturating_sub(line.accounted());
            check.fault(format!(
                "version {scope}: {} persons = {} accounted for + {missing} without a notice",
                line.persons,
                line.accounted()
            ));
        }
        Ok(())
    }
}

impl Stories {
    fn tell(&mut self, row: &AnyRow, check: &mut OutboxCheck) -> Result<()> {
        check.events += 1;
        let (serial, next, detail) = (row.count("serial")?, state(&row.text("state")?)?, row.text("detail")?);
        let before = self.of.get(&serial).copied();
        if let Some(fault) = Self::fault(serial, before, next, &detail) {
            check.fault(fault);
        }
        let sent = match (before, next) {
            (Some(story), NoticeState::Sending) => story.sent + 1,
            // Certainly not left behind, or decided by a person: it may be sent again.
            (_, NoticeState::Intended) => 0,
            (story, _) => story.map_or(0, |story| story.sent),
        };
        if let Some(story) = before {
            *self.counts.entry(story.state).or_default() -= 1;
        }
        *self.counts.entry(next).or_default() += 1;
        self.of.insert(serial, Story { state: next, sent });
        if self.counts.values().sum::<u64>() != self.of.len() as u64 {
            check.fault(format!("after the event {} the sum over all states is not the notices planned", row.int("sequence")?));
        }
        Ok(())
    }

    /// What is wrong with this step, if anything.
    fn fault(serial: u64, before: Option<Story>, next: NoticeState, detail: &str) -> Option<String> {
        let Some(story) = before else {
            let first = matches!(next, NoticeState::Intended | NoticeState::NoAddress);
            return (!first).then(|| format!("notice {serial} begins at `{}`", next.name()));
        };
        let by_person = ["settled by", "put back by", "released by", "held by"].iter().any(|words| detail.starts_with(words));
        // Only what came back, or was refused, goes to another address.
        let falls_back = story.state == NoticeState::Refused
            && (next == NoticeState::Intended && detail.starts_with(NEXT_ADDRESS)
                || next == NoticeState::NoAddress && detail == LETTER);
        // What the post brought back goes out again only to an address that somebody gave.
        let readdressed =
            (story.state, next) == (NoticeState::Returned, NoticeState::NoAddress) && detail.starts_with(NEW_ADDRESS);
        let legal = story.state == next
            || falls_back
            || readdressed
            || story.state.may_become(next)
            || story.state.may_be_reported(next)
            || by_person
            || (story.state, next) == (NoticeState::Held, NoticeState::Intended);
        if !legal {
            return Some(format!("notice {serial} went from `{}` to `{}` without a decision", story.state.name(), next.name()));
        }
        let twice = next == NoticeState::Sending && story.sent > 0 && story.state != NoticeState::Intended;
        twice.then(|| format!("notice {serial} was sent twice"))
    }
}
