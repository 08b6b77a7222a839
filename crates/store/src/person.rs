//! Reading persons of the newest scope version.

use kintsugi_case::{ExposedRecord, Language, NoticeState, PersonId, PersonProfile, Private, Verdict};

use crate::{NoticeView, RecordRef, Result, RightView, Store};

/// Everything about a person in the newest scope version.
#[derive(Clone, Debug)]
pub struct PersonView {
    /// Their number.
    pub id: PersonId,
    /// The scope version that this was read from.
    pub scope_version: u32,
    /// How they are addressed and reached.
    pub profile: PersonProfile,
    /// Their records.
    pub records: Vec<RecordRef>,
    /// What of these was exposed.
    pub exposed: Vec<ExposedRecord>,
    /// The strongest verdict; none where nothing of theirs is in question.
    pub verdict: Option<Verdict>,
    /// Their notices, newest first.
    pub notices: Vec<NoticeView>,
    /// What they are owed.
    pub rights: Vec<RightView>,
}

/// A person in a list.
#[derive(Clone, Debug)]
pub struct PersonLine {
    /// Their number.
    pub id: PersonId,
    /// Their name.
    pub name: Private<String>,
    /// The language in which they are told.
    pub language: Language,
    /// The strongest verdict.
    pub verdict: Option<Verdict>,
    /// How many records are theirs.
    pub records: u64,
    /// How many of these are exposed.
    pub exposed: u64,
    /// Where their newest notice stands; none where none is planned.
    pub notice: Option<NoticeState>,
}

/// Which persons a list shows. The default shows all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonFilter {
    /// Only those with this strongest verdict.
    pub verdict: Option<Verdict>,
    /// Only those whose notice stands here.
    pub notice: Option<NoticeState>,
    /// Only those with this mail address.
    pub mail: Option<Private<String>>,
}

impl Store {
    /// A person of the newest scope version.
    pub async fn person(&self, _id: PersonId) -> Result<Option<PersonView>> {
        unimplemented!()
    }

    /// The persons of the newest scope version with this mail address (case and surrounding blanks do not matter), by number.
    pub async fn persons_with_mail(&self, _mail: &str) -> Result<Vec<PersonId>> {
        unimplemented!()
    }

    /// Up to `limit` persons after `after`, by number.
    pub async fn list_persons(&self, _filter: &PersonFilter, _after: PersonId, _limit: u32) -> Result<Vec<PersonLine>> {
        unimplemented!()
    }

    /// How many persons the filter shows.
    pub async fn count_persons(&self, _filter: &PersonFilter) -> Result<u64> {
        unimplemented!()
    }
}
