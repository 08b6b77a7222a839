//! Postal addresses that people gave after a version was frozen: a letter came back, or its address could not be printed.
//! The frozen person stays as it was; the newest address given holds for this and every later letter to them.

use std::collections::BTreeMap;

use kintsugi_case::{NoticeNumber, NoticeState, PersonId, PersonProfile, Private};
use sqlx::{AnyConnection, AssertSqlSafe};

use crate::database::Alone;
use crate::error::During;
use crate::notice::{event, events};
use crate::rows::{Cell, Columns, Insert, arguments, as_i64};
use crate::{Result, Store, sealed};

/// What the history says when a letter that came back is due again. `verify` knows it by these words.
pub(crate) const NEW_ADDRESS: &str = "new postal address";

/// Where a person's letters go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostalAddress {
    /// The name; empty keeps the one that was frozen.
    pub name: Private<String>,
    /// The postal code.
    pub postal_code: Private<String>,
    /// The address.
    pub address: Private<String>,
}

/// What giving an address did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressGiven {
    /// It is kept, and the letter is due.
    Due,
    /// It is the newest already: nothing was changed.
    Known,
    /// No notice has this number: nothing was written.
    Foreign,
    /// The notice stands here and waits for no address: nothing was written.
    Elsewhere(NoticeState),
    /// A newer scope version is frozen, whose notice the address is to be given for: nothing was written.
    Overtaken,
}

impl PostalAddress {
    /// Puts it in the place of the frozen one.
    pub(crate) fn put_into(&self, profile: &mut PersonProfile) {
        if !self.name.open().is_empty() {
            profile.name.clone_from(&self.name);
        }
        profile.postal_code.clone_from(&self.postal_code);
        profile.address.clone_from(&self.address);
    }
}

impl Store {
    /// Keeps a postal address for the person of a notice that has no usable one, or whose letter came back: its letter is
    /// due then. `who` gave it.
    pub async fn give_address(
        &self,
        number: NoticeNumber,
        address: &PostalAddress,
        who: &str,
        now_ms: i64,
    ) -> Result<AddressGiven> {
        let operation = "keep a postal address";
        let Some(notice) = self.notice_by_number(number).await? else { return Ok(AddressGiven::Foreign) };
        if self.newest_scope().await?.is_none_or(|newest| newest.number != notice.scope_version) {
            return Ok(AddressGiven::Overtaken);
        }
        let mut transaction = self.begin_alone(Alone::Letters, operation).await?;
        let stands = crate::notice::state_of(&mut transaction, notice.serial).await?;
        let Some(stands) = stands else { return Ok(AddressGiven::Foreign) };
        if let Some((_, newest)) = self.newest_addresses(&mut transaction, &[notice.person]).await?.get(&notice.person)
            && newest == address
        {
            return Ok(AddressGiven::Known);
        }
        if !matches!(stands, NoticeState::NoAddress | NoticeState::Returned) {
            return Ok(AddressGiven::Elsewhere(stands));
        }
        self.keep(&mut transaction, notice.person, address, who, now_ms).await?;
        let sql = "UPDATE notice SET state = 'no_address', changed_at_ms = $1 WHERE serial = $2";
        let query = sqlx::query(sql).bind(now_ms).bind(as_i64(notice.serial));
        query.execute(&mut *transaction).await.during(operation)?;
        let mut events = events();
        events.push(event(notice.serial, now_ms, NoticeState::NoAddress, &format!("{NEW_ADDRESS}, given by {who}")));
        events.write_all(&mut transaction, operation).await?;
        transaction.commit().await.during(operation)?;
        Ok(AddressGiven::Due)
    }

    async fn keep(
        &self,
        connection: &mut AnyConnection,
        person: PersonId,
        address: &PostalAddress,
        who: &str,
        now_ms: i64,
    ) -> Result<()> {
        let operation = "keep a postal address";
        let sql = "SELECT COALESCE(MAX(number), 0) AS n FROM postal_address WHERE person = $1";
        let last = sqlx::query(sql).bind(as_i64(person.0)).fetch_one(&mut *connection).await.during(operation)?;
        let number = last.small("n")? + 1;
        let mut rows: Insert<5> = Insert::new("INSERT INTO postal_address (person, number, given_at_ms, given_by, address)");
        let sealed = sealed::postal_address(&self.keys, person, number, address);
        rows.push([person.0.into(), number.into(), now_ms.into(), who.into(), sealed.into()]);
        rows.write_all(connection, operation).await
    }

    /// The newest address given for each of these persons, with its number; nothing where none was.
    pub(crate) async fn newest_addresses(
        &self,
        connection: &mut AnyConnection,
        persons: &[PersonId],
    ) -> Result<BTreeMap<PersonId, (u32, PostalAddress)>> {
        // Rising: the newest comes last and stays.
        let all = self.addresses_given(connection, persons).await?;
        Ok(all.into_iter().map(|((person, number), address)| (person, (number, address))).collect())
    }

    /// Every address given for these persons, by person and number.
    pub(crate) async fn addresses_given(
        &self,
        connection: &mut AnyConnection,
        persons: &[PersonId],
    ) -> Result<BTreeMap<(PersonId, u32), PostalAddress>> {
        let operation = "read postal addresses";
        let mut found = BTreeMap::new();
        for some in persons.chunks(500) {
            let list = self.marks().list(1, some.len());
            let sql = format!("SELECT person, number, address FROM postal_address WHERE person IN ({list})");
            let cells = arguments(some.iter().map(|person| Cell::from(person.0))).during(operation)?;
            let rows = sqlx::query_with(AssertSqlSafe(sql), cells).fetch_all(&mut *connection).await.during(operation)?;
            for row in &rows {
                let (person, number) = (PersonId(row.count("person")?), row.small("number")?);
                let address = sealed::open_postal_address(&self.keys, person, number, &row.bytes("address")?)?;
                found.insert((person, number), address);
            }
        }
        Ok(found)
    }
}
