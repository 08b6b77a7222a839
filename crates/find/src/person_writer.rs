//! Persons as `resolve` makes them: a number, a language, and records, each with the fact that links it.

use kintsugi_case::{Language, PersonId};
use rusqlite::{Connection, Statement, params};

use crate::service::index_uses;
use crate::{Error, FindDb, Result, Table, layout};

/// The fact that makes a record a person's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LinkFact {
    /// The person's first record.
    First,
    /// The same mail address and name as another record.
    MailAndName,
    /// The same telephone number and name.
    PhoneAndName,
    /// The same name and address.
    NameAndAddress,
    /// Its person column names another record of the person.
    Reference,
    /// Its person column names a registration that is not in the snapshot, and another record names the same.
    SameReference,
}

impl LinkFact {
    /// Every fact, in the order in which they are tried.
    pub const ALL: [Self; 6] =
        [Self::First, Self::MailAndName, Self::PhoneAndName, Self::NameAndAddress, Self::Reference, Self::SameReference];

    /// The words for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::First => "first record",
            Self::MailAndName => "same mail address and name",
            Self::PhoneAndName => "same telephone number and name",
            Self::NameAndAddress => "same name and address",
            Self::Reference => "belongs to",
            Self::SameReference => "names the same missing registration",
        }
    }

    pub(crate) fn from_number(number: u8) -> Self {
        Self::ALL.get(usize::from(number)).copied().unwrap_or(Self::First)
    }
}

/// A link and the record at its other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The fact.
    pub fact: LinkFact,
    /// Table and row of the record it shares the fact with, or belongs to; (0, 0) for the first record.
    pub other: (u32, u64),
}

impl Link {
    /// The link of a person's first record.
    pub const FIRST: Self = Self { fact: LinkFact::First, other: (0, 0) };
}

/// Takes persons and their records, in any order. Nothing is kept unless [`PersonWriter::finish`] is called.
pub struct PersonWriter<'a> {
    connection: &'a Connection,
    tables: &'a [Table],
    persons: Option<Statement<'a>>,
    records: Option<Statement<'a>>,
    done: bool,
}

impl FindDb {
    /// Begins the persons: those of an earlier run are gone once it is finished. Snapshots may be read meanwhile;
    /// nothing else may be written.
    pub fn begin_persons(&self) -> Result<PersonWriter<'_>> {
        let begin = || {
            self.share()?;
            self.connection.execute_batch(
                "BEGIN IMMEDIATE; DROP INDEX IF EXISTS person_records_by_person; DROP INDEX IF EXISTS person_records_by_row;
                 DELETE FROM persons; DELETE FROM person_records;",
            )?;
            let persons = self.connection.prepare("INSERT INTO persons VALUES (?, ?)")?;
            Ok((persons, self.connection.prepare("INSERT INTO person_records VALUES (?, ?, ?, ?, ?, ?)")?))
        };
        let (persons, records) = begin().map_err(Error::write("the beginning of the persons"))?;
        Ok(PersonWriter {
            connection: &self.connection,
            tables: &self.tables,
            persons: Some(persons),
            records: Some(records),
            done: false,
        })
    }
}

impl PersonWriter<'_> {
    /// Puts down a person and the language in which they are told.
    pub fn person(&mut self, id: PersonId, language: Language) -> Result<()> {
        let Some(insert) = self.persons.as_mut() else { return Ok(()) };
        insert.execute(params![id.0.cast_signed(), language.tag()]).map_err(Error::write("a person"))?;
        Ok(())
    }

    /// Puts down that a record is this person's, and why. A record has one person.
    pub fn record(&mut self, person: PersonId, table: u32, row: u64, link: Link) -> Result<()> {
        let Some(insert) = self.records.as_mut() else { return Ok(()) };
        let (other_table, other_row) = link.other;
        let values =
            params![person.0.cast_signed(), table, row.cast_signed(), link.fact as u8, other_table, other_row.cast_signed()];
        insert.execute(values).map_err(Error::write("a person's record"))?;
        Ok(())
    }

    /// Builds the indexes and makes the persons visible.
    pub fn finish(mut self) -> Result<()> {
        (self.persons, self.records) = (None, None);
        let end = || {
            self.connection.execute_batch(layout::PERSON_INDEX)?;
            index_uses(self.connection, self.tables)?;
            self.connection.execute_batch("COMMIT")
        };
        end().map_err(Error::write("the end of the persons"))?;
        self.done = true;
        Ok(())
    }
}

impl Drop for PersonWriter<'_> {
    fn drop(&mut self) {
        if !self.done {
            (self.persons, self.records) = (None, None);
            // Nothing can be told from here; unfinished persons are as if they had never begun.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }
}
