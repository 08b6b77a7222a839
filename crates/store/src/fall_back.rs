//! What follows when mail to an address comes back for good: the notice goes to the person's next mail address, as a new
//! attempt under the same number; where none is left, it becomes a letter. Which reports lead here is `report`'s.

use std::collections::BTreeMap;

use kintsugi_case::{Channel, NoticeState, PersonId, PersonProfile, Private};
use sqlx::AnyConnection;

use crate::error::During;
use crate::notice::event;
use crate::rows::{Cell, Columns, as_i64};
use crate::{Error, Result, Store, sealed};

/// What the history says when a notice goes to the next address. `verify` knows it by these words.
pub(crate) const NEXT_ADDRESS: &str = "next mail address";
/// What it says when no address is left.
pub(crate) const LETTER: &str = "no other mail address: a letter";

/// The mail address at this place, from 0; empty where the person has none there.
pub(crate) fn address_at(profile: &PersonProfile, contact: u32) -> Private<String> {
    match contact.checked_sub(1) {
        None => profile.email.clone(),
        Some(place) => Private::new(profile.other_emails.open().get(place as usize).cloned().unwrap_or_default()),
    }
}

/// How many mail addresses a person has.
pub(crate) fn addresses_of(profile: &PersonProfile) -> u32 {
    let others = u32::try_from(profile.other_emails.open().len()).unwrap_or(u32::MAX);
    if profile.email.open().is_empty() { 0 } else { others.saturating_add(1) }
}

impl Store {
    /// Gives up the address to which this refused notice went, and says where it stands then; none where it only follows a
    /// notice, and stays refused. Nobody is told twice by this: only what came back, or was refused, is sent again.
    pub(crate) async fn fall_back(
        &self,
        connection: &mut AnyConnection,
        serial: u64,
        now_ms: i64,
    ) -> Result<Option<(NoticeState, [Cell; 4])>> {
        let operation = "fall back to the next contact point";
        let sql = "SELECT n.person AS person, n.contact AS contact, n.channel AS channel, p.profile AS profile, p.language AS language FROM notice n \
                   JOIN person p ON p.id = n.person AND p.scope_version = n.scope_version WHERE n.serial = $1";
        let row = sqlx::query(sql).bind(as_i64(serial)).fetch_optional(&mut *connection).await.during(operation)?;
        let row = row.ok_or(Error::NoNotice { serial })?;
        if row.text("channel")? != Channel::Mail.name() {
            return Ok(None);
        }
        let (person, given_up) = (PersonId(row.count("person")?), row.small("contact")? + 1);
        let profile = sealed::open_profile(&self.keys, person, &row.bytes("profile")?, row.language("language")?)?;
        let has = addresses_of(&profile);
        let (state, detail) = if given_up < has {
            (NoticeState::Intended, format!("{NEXT_ADDRESS}: {} of {has}", given_up + 1))
        } else {
            (NoticeState::NoAddress, LETTER.to_owned())
        };
        let sql = "UPDATE notice SET state = $1, contact = $2, changed_at_ms = $3, retry_at_ms = 0 WHERE serial = $4";
        let query = sqlx::query(sql).bind(state.name()).bind(i64::from(given_up)).bind(now_ms).bind(as_i64(serial));
        query.execute(connection).await.during(operation)?;
        Ok(Some((state, event(serial, now_ms, state, &detail))))
    }

    /// How many mail addresses a person of a version has.
    pub(crate) async fn addresses(&self, connection: &mut AnyConnection, scope: u32, person: PersonId) -> Result<u32> {
        let query = sqlx::query("SELECT profile, language FROM person WHERE scope_version = $1 AND id = $2");
        let row = query.bind(i64::from(scope)).bind(as_i64(person.0)).fetch_one(connection).await.during("plan notices")?;
        let profile = sealed::open_profile(&self.keys, person, &row.bytes("profile")?, row.language("language")?)?;
        Ok(addresses_of(&profile))
    }

    /// Notices of a version that mail could not reach and that became letters.
    pub async fn turned_into_letters(&self, scope: u32) -> Result<u64> {
        let sql = "SELECT COUNT(*) AS n FROM notice WHERE scope_version = $1 AND contact > 0 \
                   AND state IN ('no_address', 'batched', 'printed', 'returned')";
        let query = sqlx::query(sql).bind(i64::from(scope));
        query.fetch_one(self.reader()).await.during("count letters")?.count("n")
    }
}

/// How many addresses earlier versions' notices gave up, of persons in this range of numbers: a later version does not
/// begin again with an address that is known to be dead.
pub(crate) async fn given_up_page(
    connection: &mut AnyConnection,
    scope: u32,
    (after, last): (u64, u64),
) -> Result<BTreeMap<PersonId, u32>> {
    let sql = "SELECT person, MAX(contact) AS contact FROM notice WHERE person > $1 AND person <= $2 AND scope_version < $3 \
               AND contact > 0 GROUP BY person";
    let query = sqlx::query(sql).bind(as_i64(after)).bind(as_i64(last)).bind(i64::from(scope));
    let rows = query.fetch_all(connection).await.during("plan notices")?;
    rows.iter().map(|row| Ok((PersonId(row.count("person")?), row.small("contact")?))).collect()
}
