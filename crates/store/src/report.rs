//! What the mail system reports about mails that left: bounces, delivery reports, automatic answers.

use kintsugi_case::{NoticeNumber, NoticeState};
use kintsugi_vault::Purpose;
use sqlx::AnyConnection;

use crate::error::During;
use crate::fall_back::NEXT_ADDRESS;
use crate::notice::{event, events};
use crate::person::state;
use crate::rows::{Columns, as_i64};
use crate::{Result, Store};

/// Characters in the code of a notice's bounce address: 50 bits, and every guess costs a mail.
const RETURN_CODE_LENGTH: usize = 10;

/// Addresses of one person that a code can name: 16 bits.
const CONTACTS_MAX: u32 = 1 << 16;

/// What a report says about a mail that left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// The address takes no mail, for good: the next contact point is tried.
    Dead,
    /// It did not arrive this time (a full mailbox, a server that could not be reached). The next contact point is tried
    /// when the same address fails so a second time.
    Failed,
    /// It was refused for what it is, not for where it went: a person must look, the next address would refuse it too.
    Refused,
    /// It arrived.
    Arrived,
    /// Nothing is known that was not known before.
    Said,
}

/// What a report did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reported {
    /// The notice went to another state.
    Moved(NoticeState),
    /// It stands where it stood; the report is in its history.
    Noted(NoticeState),
    /// The same report was there already.
    Known,
    /// A sender has the notice in hand: the report must come again when that has ended. Nothing was written.
    InHand,
    /// No notice has this number and code: nothing was written.
    Foreign,
}

/// A notice to which a report belongs.
struct Reporting {
    state: NoticeState,
    /// Addresses given up so far.
    contact: u32,
    /// What was written down since the present attempt began.
    of_attempt: Vec<String>,
    /// Whether an earlier attempt at the same address was refused or came back.
    failed_before: bool,
}

impl Store {
    /// The code in the address to which the bounces of this notice go: another one for each of the person's addresses, so
    /// that a late bounce of the first is not taken for one of the second.
    pub fn return_code(&self, serial: u64, contact: u32) -> String {
        let place = serial | u64::from(contact % CONTACTS_MAX) << 48;
        self.keys.code(Purpose::ReturnPath, place, RETURN_CODE_LENGTH).to_lowercase()
    }

    /// Writes down what the mail system said about a notice, moves it where that is legal
    /// ([`NoticeState::may_be_reported`]) and on to the next contact point where `report` says so. `code` is what stood in
    /// the address; a wrong one changes nothing, one of an address that was given up already adds to the history alone.
    pub async fn record_report(
        &self,
        number: NoticeNumber,
        code: &str,
        report: Report,
        detail: &str,
        now_ms: i64,
    ) -> Result<Reported> {
        let operation = "write down a report";
        let serial = number.serial();
        if self.notice_by_number(number).await?.is_none() {
            return Ok(Reported::Foreign);
        }
        let mut transaction = self.begin(operation).await?;
        let Some(notice) = reporting(&mut transaction, serial).await? else { return Ok(Reported::Foreign) };
        let Some(of) = (0..=notice.contact).rev().find(|contact| code == self.return_code(serial, *contact)) else {
            return Ok(Reported::Foreign);
        };
        let present = of == notice.contact;
        if present && notice.state == NoticeState::Sending && report != Report::Said {
            return Ok(Reported::InHand);
        }
        if notice.of_attempt.iter().any(|known| known == detail) {
            return Ok(Reported::Known);
        }
        let becomes = report.becomes().filter(|_| present);
        let next = becomes.filter(|next| notice.state.may_be_reported(*next));
        let mut events = events();
        events.push(event(serial, now_ms, next.unwrap_or(notice.state), detail));
        if let Some(next) = next {
            move_to(&mut transaction, serial, next, now_ms).await?;
        }
        let mut moved = next;
        let refused = becomes == Some(NoticeState::Refused) && next.unwrap_or(notice.state) == NoticeState::Refused;
        let gives_up = refused && (report == Report::Dead || report == Report::Failed && notice.failed_before);
        if gives_up && let Some((state, event)) = self.fall_back(&mut transaction, serial, now_ms).await? {
            events.push(event);
            moved = Some(state);
        }
        events.write_all(&mut transaction, operation).await?;
        transaction.commit().await.during(operation)?;
        Ok(moved.map_or(Reported::Noted(notice.state), Reported::Moved))
    }
}

impl Report {
    /// What a notice becomes by it.
    const fn becomes(self) -> Option<NoticeState> {
        match self {
            Self::Dead | Self::Failed | Self::Refused => Some(NoticeState::Refused),
            Self::Arrived => Some(NoticeState::Accepted),
            Self::Said => None,
        }
    }
}

/// Where a notice stands, and what is known of its present attempt.
async fn reporting(connection: &mut AnyConnection, serial: u64) -> Result<Option<Reporting>> {
    let operation = "read the history of a notice";
    let query = sqlx::query("SELECT state, contact FROM notice WHERE serial = $1").bind(as_i64(serial));
    let Some(row) = query.fetch_optional(&mut *connection).await.during(operation)? else { return Ok(None) };
    let sql = "SELECT state, detail FROM notice_event WHERE serial = $1 ORDER BY sequence";
    let history = sqlx::query(sql).bind(as_i64(serial)).fetch_all(connection).await.during(operation)?;
    let mut found = Reporting {
        state: state(&row.text("state")?)?,
        contact: row.small("contact")?,
        of_attempt: Vec::new(),
        failed_before: false,
    };
    let mut refused = false;
    for event in &history {
        let (stood, detail) = (state(&event.text("state")?)?, event.text("detail")?);
        if stood == NoticeState::Sending {
            found.of_attempt.clear();
            found.failed_before |= refused;
        }
        if detail.starts_with(NEXT_ADDRESS) {
            (refused, found.failed_before) = (false, false);
        }
        refused |= stood == NoticeState::Refused;
        found.of_attempt.push(detail);
    }
    Ok(Some(found))
}

async fn move_to(connection: &mut AnyConnection, serial: u64, next: NoticeState, now_ms: i64) -> Result<()> {
    let sql = "UPDATE notice SET state = $1, changed_at_ms = $2 WHERE serial = $3";
    let query = sqlx::query(sql).bind(next.name()).bind(now_ms).bind(as_i64(serial));
    query.execute(connection).await.during("write down a report").map(drop)
}
