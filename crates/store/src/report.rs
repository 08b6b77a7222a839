//! What the mail system reports about mails that left: bounces, delivery reports, automatic answers.

use kintsugi_case::{NoticeNumber, NoticeState};
use kintsugi_vault::Purpose;

use crate::error::During;
use crate::notice::{event, events, state_of};
use crate::rows::as_i64;
use crate::{Result, Store};

/// Characters in the code of a notice's bounce address: 50 bits, and every guess costs a mail.
const RETURN_CODE_LENGTH: usize = 10;

/// What a report did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reported {
    /// The notice went to another state.
    Moved(NoticeState),
    /// It stands where it stood; the report is in its history.
    Noted(NoticeState),
    /// The same report was there already.
    Known,
    /// No notice has this number and code: nothing was written.
    Foreign,
}

impl Store {
    /// The code in the address to which the bounces of this notice go.
    pub fn return_code(&self, serial: u64) -> String {
        self.keys.code(Purpose::ReturnPath, serial, RETURN_CODE_LENGTH).to_lowercase()
    }

    /// Writes down what the mail system said about a notice, and moves it where that is legal
    /// ([`NoticeState::may_be_reported`]). `code` is what stood in the address; a wrong one changes nothing.
    pub async fn record_report(
        &self,
        number: NoticeNumber,
        code: &str,
        becomes: Option<NoticeState>,
        detail: &str,
        now_ms: i64,
    ) -> Result<Reported> {
        let operation = "write down a report";
        let serial = number.serial();
        let known = self.notice_by_number(number).await?.filter(|_| code == self.return_code(serial));
        let Some(notice) = known else { return Ok(Reported::Foreign) };
        if notice.events.iter().any(|event| event.detail == detail) {
            return Ok(Reported::Known);
        }
        let mut transaction = self.begin(operation).await?;
        let now = state_of(&mut transaction, serial).await?.unwrap_or(notice.state);
        let next = becomes.filter(|next| now.may_be_reported(*next));
        if let Some(next) = next {
            let sql = "UPDATE notice SET state = $1, changed_at_ms = $2 WHERE serial = $3 AND state = $4";
            let query = sqlx::query(sql).bind(next.name()).bind(now_ms).bind(as_i64(serial)).bind(now.name());
            query.execute(&mut *transaction).await.during(operation)?;
        }
        let mut events = events();
        events.push(event(serial, now_ms, next.unwrap_or(now), detail));
        events.write_all(&mut transaction, operation).await?;
        transaction.commit().await.during(operation)?;
        Ok(next.map_or(Reported::Noted(now), Reported::Moved))
    }
}
