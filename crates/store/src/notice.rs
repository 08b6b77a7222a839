//! Reading notices, and the decisions that people make about single ones: hold, release, settle.

use kintsugi_case::{Channel, NoticeNumber, NoticeState, PersonId};

use crate::{Result, Store};

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
    pub async fn notice_by_number(&self, _number: NoticeNumber) -> Result<Option<NoticeView>> {
        unimplemented!()
    }

    /// The notices of a person, newest first.
    pub async fn notices_of(&self, _person: PersonId) -> Result<Vec<NoticeView>> {
        unimplemented!()
    }

    /// Up to `limit` notices of a scope version that stand at `state` (any where `None`), after `after_serial`.
    pub async fn list_notices(
        &self,
        _scope: u32,
        _state: Option<NoticeState>,
        _after_serial: u64,
        _limit: u32,
    ) -> Result<Vec<NoticeView>> {
        unimplemented!()
    }

    /// Holds a notice that is still to be sent.
    pub async fn hold(&self, _serial: u64, _hold: &Hold, _now_ms: i64) -> Result<()> {
        unimplemented!()
    }

    /// Lets a held notice go.
    pub async fn release(&self, _serial: u64, _who: &str, _now_ms: i64) -> Result<()> {
        unimplemented!()
    }

    /// Lets every held notice go whose hold has ended, and says how many.
    pub async fn release_ended_holds(&self, _now_ms: i64) -> Result<u64> {
        unimplemented!()
    }

    /// A person decides about a notice of which nobody knows whether it arrived: `NoticeState::Accepted` (it did),
    /// or `NoticeState::Intended` (send it again). Nothing else ever sends an unknown notice again (rule 5).
    pub async fn settle_unknown(&self, _serial: u64, _as_state: NoticeState, _who: &str, _now_ms: i64) -> Result<()> {
        unimplemented!()
    }
}
