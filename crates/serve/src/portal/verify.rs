//! "Is this notice genuine?", by its number (rule 9). The answer says nothing about whom the notice went to.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Html;
use jiff::Timestamp;
use kintsugi_case::{NoticeNumber, NoticeNumberError, NoticeState};
use kintsugi_store::NoticeView;
use serde::Deserialize;

use crate::failure::Failure;
use crate::frame::Frame;
use crate::portal::example_number;
use crate::site::Site;
use crate::visitor::Visitor;

/// What became of a number.
#[derive(Clone, Debug)]
pub(crate) enum Checked {
    /// None was typed.
    Nothing,
    /// We sent a notice with it.
    Genuine {
        number: String,
        /// The day, in words.
        planned: String,
    },
    /// We sent none.
    Foreign { number: String },
    /// The check digit is wrong.
    Mistyped { typed: String },
    /// No number of ours looks like it.
    NoNumber { typed: String },
}

/// The page.
#[derive(Template)]
#[template(path = "portal/verify.html")]
pub(crate) struct Verify {
    pub(crate) f: Frame,
    pub(crate) result: Checked,
    pub(crate) example: String,
}

impl Verify {
    fn typed(&self) -> &str {
        match &self.result {
            Checked::Mistyped { typed } | Checked::NoNumber { typed } => typed,
            _ => "",
        }
    }
}

/// What the form sends.
#[derive(Deserialize)]
pub(crate) struct VerifyQuery {
    #[serde(default)]
    number: String,
}

/// `GET /verify?number=`
pub(crate) async fn show(
    State(site): State<Site>,
    visitor: Visitor,
    Query(query): Query<VerifyQuery>,
) -> Result<Html<String>, Failure> {
    let typed: String = query.number.trim().chars().take(40).collect();
    let result = if typed.is_empty() { Checked::Nothing } else { look_up(&site, &visitor, typed).await? };
    let page = Verify { f: Frame::portal(&site, &visitor), result, example: example_number(&site) };
    Ok(Html(page.render()?))
}

async fn look_up(site: &Site, visitor: &Visitor, typed: String) -> Result<Checked, Failure> {
    if !site.limiters.look_ups.allow(visitor.caller, site.now_ms()) {
        return Err(Failure::TooMany);
    }
    let number = match NoticeNumber::parse(&typed) {
        Ok(number) => number,
        Err(NoticeNumberError::CheckDigit) => return Ok(Checked::Mistyped { typed }),
        Err(NoticeNumberError::Form) => return Ok(Checked::NoNumber { typed }),
    };
    let notice = site.store.notice_by_number(number).await?.filter(left_the_house);
    Ok(match notice {
        Some(notice) => Checked::Genuine { number: number.to_string(), planned: day(site, visitor, notice.changed_at_ms) },
        None => Checked::Foreign { number: number.to_string() },
    })
}

/// Whether a mail with this number can lie in somebody's mailbox.
fn left_the_house(notice: &NoticeView) -> bool {
    matches!(notice.state, NoticeState::Accepted | NoticeState::Unknown | NoticeState::Sending)
}

fn day(site: &Site, visitor: &Visitor, at_ms: i64) -> String {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or_default();
    visitor.language.day(at.to_zoned(site.case.case.timezone.clone()).date())
}
