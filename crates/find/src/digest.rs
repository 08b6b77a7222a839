//! The digest that a scope version carries: SHA-256 over a canonical text of everything that can be told from it.
//!
//! The text is UTF-8, one JSON array per line, each ended by a line feed, with no blanks outside strings, in this order:
//!
//! 1. `["kintsugi scope",1]`
//! 2. per basis, by number: `["basis",number,technique,rule,shape,endpoint,table,verdict,reason,statements,agreeing]`
//! 3. per exposure, by table, row, basis and line:
//!    `["exposure",source,table,key,[columns],verdict,basis,evidence,line,at_ms,observed,predicted,literals]`
//! 4. per person, by number: `["person",number,language,name,email,phone,postal_code,address]`, then
//!    `["person-notes",birth_date,deceased,no_marketing]` where one of them is known and `["person-emails",[addresses]]`
//!    where there are more than one (the others), followed by their
//!    records: `["record",source,table,key,linked_by]`, and by what they are told of:
//!    `["exposed",source,table,key,[columns],verdict,basis,card_brand,card_last4,service_brand,service_used_on]`
//!
//! The text itself is never stored: it would hold personal data.

use kintsugi_case::{BasisSummary, ExposedRecord, Exposure};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{Error, FindDb, PersonRow, Result};

impl FindDb {
    /// The digest of the whole scope, lower-case hex. The same scope gives the same digest.
    pub fn digest(&self) -> Result<String> {
        self.persons_digested(|_| Ok(()))
    }

    /// Calls `each` for every person, by number, and gives the digest of the whole scope: in one reading, because reading
    /// the persons is most of the work.
    pub fn persons_digested<E: From<Error>>(&self, mut each: impl FnMut(PersonRow) -> Result<(), E>) -> Result<String, E> {
        let mut text = Text::default();
        text.line(&("kintsugi scope", 1));
        self.bases()?.iter().for_each(|basis| text.basis(basis));
        let (mut of, mut key) = ((0, 0), String::new());
        self.exposures(|exposure| {
            if of != (exposure.table, exposure.row) {
                of = (exposure.table, exposure.row);
                key = self.key_text(exposure.table, exposure.row)?;
            }
            text.exposure(self.table(exposure.table)?, &key, &exposure);
            Ok::<(), Error>(())
        })?;
        self.persons(|person| {
            text.person(&person);
            each(person)
        })?;
        Ok(text.finish())
    }
}

/// Lines gather here so that the hash is fed in large pieces.
#[derive(Default)]
struct Text {
    hash: Sha256,
    gathered: Vec<u8>,
}

/// How much is gathered before it is hashed.
const GATHERED_BYTES: usize = 1 << 16;

impl Text {
    fn line(&mut self, value: &impl Serialize) {
        // Writing numbers and texts as JSON into memory cannot fail.
        let written = serde_json::to_writer(&mut self.gathered, value);
        debug_assert!(written.is_ok());
        self.gathered.push(b'\n');
        if self.gathered.len() >= GATHERED_BYTES {
            self.hash.update(&self.gathered);
            self.gathered.clear();
        }
    }

    fn basis(&mut self, b: &BasisSummary) {
        let words = (b.technique.name(), &b.rule, &b.shape, &b.endpoint, &b.table, b.verdict.name(), &b.reason);
        let (technique, rule, shape, endpoint, table, verdict, reason) = words;
        self.line(&("basis", b.id.0, technique, rule, shape, endpoint, table, verdict, reason, b.statements, b.agreeing));
    }

    fn exposure(&mut self, table: &crate::Table, key: &str, e: &Exposure) {
        let columns: Vec<&str> = e.columns.iter().filter_map(|at| table.columns.get(at)).map(|c| c.name.as_str()).collect();
        let line = (e.line.evidence.0, e.line.line);
        self.line(&(
            "exposure",
            &table.source,
            &table.name,
            key,
            columns,
            e.verdict.name(),
            e.basis.0,
            line.0,
            line.1,
            e.at_ms,
            e.observed_bytes,
            e.predicted_bytes,
            &e.literals,
        ));
    }

    fn person(&mut self, person: &PersonRow) {
        let p = &person.profile;
        let (name, email, phone) = (p.name.open(), p.email.open(), p.phone.open());
        let language = p.language.tag();
        self.line(&("person", person.id.0, language, name, email, phone, p.postal_code.open(), p.address.open()));
        // Scopes of cases that know none of these keep the digest that they had.
        if p.deceased || p.no_marketing || !p.birth_date.open().is_empty() {
            self.line(&("person-notes", p.birth_date.open(), p.deceased, p.no_marketing));
        }
        if !p.other_emails.open().is_empty() {
            self.line(&("person-emails", p.other_emails.open()));
        }
        for record in &person.records {
            self.line(&("record", &record.source, &record.table, &record.key, &record.linked_by));
        }
        person.exposed.iter().for_each(|exposed| self.exposed(exposed));
    }

    fn exposed(&mut self, e: &ExposedRecord) {
        let columns: Vec<&str> = e.columns.split(',').collect();
        let card = (&e.card_brand, &e.card_last4);
        let used = (&e.service_brand, &e.service_used_on);
        let record = (&e.source, &e.table, &e.key);
        self.line(&(
            "exposed",
            record.0,
            record.1,
            record.2,
            columns,
            e.verdict.name(),
            e.basis.0,
            card.0,
            card.1,
            used.0,
            used.1,
        ));
    }

    fn finish(mut self) -> String {
        self.hash.update(&self.gathered);
        self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
