//! Persons for freezing: each with how they are reached, their records, and what of them was exposed.

use kintsugi_case::{ColumnSet, ExposedRecord, FieldMeaning, Language, PersonId, PersonProfile, Private, Verdict};
use rusqlite::{OptionalExtension, Row, params};

use crate::conclusion::{Conclusion, conclude};
use crate::export::column_names;
use crate::key::{key_of, text_of};
use crate::service::{ServiceUses, Use};
use crate::table::{brand_column, last4_column};
use crate::{Error, FindDb, Link, LinkFact, Result, Table, quoted};

/// A record of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordRef {
    /// The source's name.
    pub source: String,
    /// The table.
    pub table: String,
    /// The record's key, as [`FindDb::key_text`] gives it.
    pub key: String,
    /// The fact that makes it this person's, in words: `same mail address and name as customers 17`.
    pub linked_by: String,
}

/// A person, as frozen.
#[derive(Clone, Debug)]
pub struct PersonRow {
    /// The number.
    pub id: PersonId,
    /// How they are addressed and reached.
    pub profile: PersonProfile,
    /// Their records: registrations first, then what belongs to them, each by table and row.
    pub records: Vec<RecordRef>,
    /// What was exposed (proved or possible), where a person must be told of it; each cell once, by its strongest basis.
    /// Empty where the person is not affected.
    pub exposed: Vec<ExposedRecord>,
}

impl PersonRow {
    /// The strongest verdict; `None` where the person is not affected.
    pub fn verdict(&self) -> Option<Verdict> {
        self.exposed.iter().map(|exposed| exposed.verdict).max()
    }
}

impl FindDb {
    /// Calls `each` for every person, by number.
    pub fn persons<E: From<Error>>(&self, mut each: impl FnMut(PersonRow) -> Result<(), E>) -> Result<(), E> {
        let reader = Reader::new(self)?;
        let failed = Error::read("the persons");
        let mut select = self.connection.prepare_cached("SELECT id, language FROM persons ORDER BY id").map_err(&failed)?;
        let mut rows = select.query([]).map_err(&failed)?;
        while let Some(row) = rows.next().map_err(&failed)? {
            let (id, language) = person_of(row).map_err(&failed)?;
            each(reader.person(id, language)?)?;
        }
        Ok(())
    }

    /// One person.
    pub fn person(&self, id: PersonId) -> Result<Option<PersonRow>> {
        let query = "SELECT id, language FROM persons WHERE id = ?";
        let found = self.one_row(query, id.0, person_of)?;
        found.map(|(id, language)| Reader::new(self)?.person(id, language)).transpose()
    }

    /// Whose record this is.
    pub fn owner_of(&self, table: u32, row: u64) -> Result<Option<PersonId>> {
        let query = "SELECT person FROM person_records WHERE tbl = ? AND rownumber = ?";
        let asked = self
            .connection
            .prepare_cached(query)
            .and_then(|mut query| query.query_row(params![table, row.cast_signed()], |found| found.get::<_, i64>(0)).optional());
        Ok(asked.map_err(Error::read("the owner of a record"))?.map(|id| PersonId(id.unsigned_abs())))
    }
}

/// How to read the records of one table: one query by row number, and what its columns are.
struct Plan {
    query: String,
    personal: ColumnSet,
    has_exposures: bool,
}

/// The meanings that make a profile, in the order of the columns of a plan's query after the key.
const PROFILE: [FieldMeaning; 11] = [
    FieldMeaning::PersonName,
    FieldMeaning::PersonNameKana,
    FieldMeaning::CardHolder,
    FieldMeaning::PersonEmail,
    FieldMeaning::PersonPhone,
    FieldMeaning::PersonPostalCode,
    FieldMeaning::PersonAddress,
    FieldMeaning::PersonBirthDate,
    FieldMeaning::PersonDeceased,
    FieldMeaning::PersonNoMarketing,
    FieldMeaning::CardBrand,
];

/// One record of a person, read.
struct Record {
    table: u32,
    row: u64,
    link: Link,
    key: String,
    /// By place in [`PROFILE`].
    values: [String; PROFILE.len()],
    last4: String,
    brand: String,
}

struct Reader<'a> {
    db: &'a FindDb,
    plans: Vec<Plan>,
    uses: ServiceUses,
}

impl<'a> Reader<'a> {
    fn new(db: &'a FindDb) -> Result<Self> {
        let plans = db.tables().iter().map(|table| Plan::new(db, table)).collect::<Result<Vec<_>>>()?;
        Ok(Self { db, plans, uses: ServiceUses::new(db) })
    }

    fn person(&self, id: PersonId, language: Language) -> Result<PersonRow> {
        let records = self.records(id)?;
        let mut exposed = Vec::new();
        for record in &records {
            self.exposed(record, &records, &mut exposed)?;
        }
        let profile = profile(&records, language);
        let references = records.iter().map(|record| self.reference(record, &records)).collect::<Result<Vec<_>>>()?;
        Ok(PersonRow { id, profile, records: references, exposed })
    }

    /// The person's records: registrations before what only belongs to them.
    fn records(&self, id: PersonId) -> Result<Vec<Record>> {
        let failed = Error::read("a person's records");
        let query = "SELECT tbl, rownumber, link, other_tbl, other_row FROM person_records
            WHERE person = ? ORDER BY tbl, rownumber";
        let mut select = self.db.connection.prepare_cached(query).map_err(&failed)?;
        let mut rows = select.query([id.0.cast_signed()]).map_err(&failed)?;
        let mut records = Vec::new();
        while let Some(row) = rows.next().map_err(&failed)? {
            let (table, number, link) = link_of(row).map_err(&failed)?;
            records.push(self.record(table, number, link)?);
        }
        records.sort_by_key(|record| record.link.fact == LinkFact::Reference);
        Ok(records)
    }

    fn record(&self, id: u32, row: u64, link: Link) -> Result<Record> {
        let table = self.db.table(id)?;
        let read = |found: &Row<'_>| {
            let from = table.key.len();
            let text = |at: usize| found.get_ref(from + at).map(|value| text_of(value).unwrap_or_default());
            let mut values = <[String; PROFILE.len()]>::default();
            for (at, value) in values.iter_mut().enumerate() {
                *value = text(at)?;
            }
            let key = if table.key.is_empty() { format!("#{row}") } else { key_of(found, table, row)? };
            Ok(Record { table: id, row, link, key, values, last4: text(PROFILE.len())?, brand: text(PROFILE.len() + 1)? })
        };
        let found = self.db.one_row(&self.plans[table.id as usize - 1].query, row, read)?;
        found.ok_or_else(|| Error::NoRow { table: table.name.clone(), row })
    }

    fn reference(&self, record: &Record, all: &[Record]) -> Result<RecordRef> {
        let table = self.db.table(record.table)?;
        let Link { fact, other: (other, row) } = record.link;
        let linked_by = if fact == LinkFact::First || other == 0 {
            fact.name().to_owned()
        } else {
            let between = if fact == LinkFact::Reference { "" } else { " as" };
            // The other end nearly always is one of the person's records, which are read already.
            let read = all.iter().find(|known| (known.table, known.row) == (other, row)).map(|known| known.key.clone());
            let key = read.map_or_else(|| self.db.key_text(other, row), Ok)?;
            format!("{}{between} {} {key}", fact.name(), self.db.table(other)?.name)
        };
        Ok(RecordRef { source: table.source.clone(), table: table.name.clone(), key: record.key.clone(), linked_by })
    }

    /// Adds what of this record a person must be told about.
    fn exposed(&self, record: &Record, all: &[Record], into: &mut Vec<ExposedRecord>) -> Result<()> {
        let (table, plan) = (self.db.table(record.table)?, &self.plans[record.table as usize - 1]);
        if !plan.has_exposures {
            return Ok(());
        }
        let exposures = self.db.exposures_of(record.table, record.row)?;
        let told = |conclusion: &Conclusion<'_>| {
            conclusion.first.verdict != Verdict::Excluded && conclusion.columns.0 & plan.personal.0 != 0
        };
        let conclusions: Vec<Conclusion<'_>> = conclude(&exposures).into_iter().filter(told).collect();
        if conclusions.is_empty() {
            return Ok(());
        }
        let used = self.latest_use(record, all)?.unwrap_or_default();
        into.extend(conclusions.iter().map(|conclusion| exposed_record(table, record, conclusion, &used)));
        Ok(())
    }

    /// The latest use of the record; where nothing points to it, of the person's registrations.
    fn latest_use(&self, record: &Record, all: &[Record]) -> Result<Option<Use>> {
        if let Some(found) = self.uses.latest(self.db, record.table, record.row)? {
            return Ok(Some(found));
        }
        let mut latest = None;
        for own in all.iter().filter(|own| own.link.fact != LinkFact::Reference) {
            latest = latest.max(self.uses.latest(self.db, own.table, own.row)?);
        }
        Ok(latest)
    }
}

impl Plan {
    fn new(db: &FindDb, table: &Table) -> Result<Self> {
        let column = |meaning| table.column_meaning(meaning).map_or("NULL".into(), |at| quoted(&table.columns[at].name));
        let card = table.column_meaning(FieldMeaning::CardNumber).map(|at| table.columns[at].name.as_str());
        let mut columns: Vec<String> = table.key.iter().map(|&at| quoted(&table.columns[at].name)).collect();
        columns.extend(PROFILE.map(column));
        columns.push(card.map_or("NULL".into(), last4_column));
        columns.push(card.map_or("NULL".into(), brand_column));
        let query = format!("SELECT {} FROM {} WHERE {} = ?", columns.join(", "), table.sql_name(), table.row_name());
        Ok(Self { query, personal: table.personal_columns(), has_exposures: db.has_exposures(table.id)? })
    }
}

fn person_of(row: &Row<'_>) -> rusqlite::Result<(PersonId, Language)> {
    let language: String = row.get(1)?;
    Ok((PersonId(row.get::<_, i64>(0)?.unsigned_abs()), Language::from_tag(&language).unwrap_or_default()))
}

fn link_of(row: &Row<'_>) -> rusqlite::Result<(u32, u64, Link)> {
    let other = (row.get(3)?, row.get::<_, i64>(4)?.unsigned_abs());
    Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs(), Link { fact: LinkFact::from_number(row.get(2)?), other }))
}

/// Further mail addresses of a person that are kept, at most.
const OTHER_EMAILS_MAX: usize = 8;

/// Every mail address of a person, each once however it is written, in the order of the records.
fn emails(records: &[Record]) -> Vec<String> {
    let place = PROFILE.iter().position(|&known| known == FieldMeaning::PersonEmail).unwrap_or_default();
    let mut found: Vec<String> = Vec::new();
    for address in records.iter().map(|record| record.values[place].trim()).filter(|text| can_be_mail_address(text)) {
        if found.len() <= OTHER_EMAILS_MAX && !found.iter().any(|known| known.to_lowercase() == address.to_lowercase()) {
            found.push(address.to_owned());
        }
    }
    found
}

/// The values of the first record that has them. A name in kana, then the holder on a card, stand in for a missing name.
fn profile(records: &[Record], language: Language) -> PersonProfile {
    let first = |meaning: FieldMeaning, fits: fn(&str) -> bool| {
        let place = PROFILE.iter().position(|&known| known == meaning).unwrap_or_default();
        let mut values = records.iter().map(|record| record.values[place].trim());
        values.find(|value| !value.is_empty() && fits(value)).map(str::to_owned)
    };
    let any = |meaning| first(meaning, |_| true);
    let name =
        any(FieldMeaning::PersonName).or_else(|| any(FieldMeaning::PersonNameKana)).or_else(|| any(FieldMeaning::CardHolder));
    let mut emails = emails(records).into_iter();
    PersonProfile {
        name: Private::new(name.unwrap_or_default()),
        email: Private::new(emails.next().unwrap_or_default()),
        phone: Private::new(any(FieldMeaning::PersonPhone).unwrap_or_default()),
        postal_code: Private::new(any(FieldMeaning::PersonPostalCode).unwrap_or_default()),
        address: Private::new(any(FieldMeaning::PersonAddress).unwrap_or_default()),
        language,
        birth_date: Private::new(any(FieldMeaning::PersonBirthDate).unwrap_or_default()),
        // One record that says so is enough.
        deceased: first(FieldMeaning::PersonDeceased, says_yes).is_some(),
        no_marketing: first(FieldMeaning::PersonNoMarketing, says_yes).is_some(),
        other_emails: Private::new(emails.collect()),
    }
}

/// Whether a shop's flag is up: anything but the usual words for no (a date of death is a yes).
fn says_yes(text: &str) -> bool {
    !matches!(text.to_lowercase().as_str(), "0" | "f" | "false" | "n" | "no" | "off" | "0000-00-00" | "いいえ" | "否")
}

/// Whether a text can be one mail address (RFC 5321 lengths): anything doubtful is left to the mail server's answer.
fn can_be_mail_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '<' | '>' | ',' | ';' | '"' | '@');
    let labels = || domain.split('.').all(|label| !label.is_empty());
    (1..=64).contains(&local.len()) && text.len() <= 254 && local.chars().chain(domain.chars()).all(plain) && labels()
}

fn exposed_record(table: &Table, record: &Record, conclusion: &Conclusion<'_>, used: &Use) -> ExposedRecord {
    let first = conclusion.first;
    let has = |meaning: FieldMeaning| {
        conclusion.columns.iter().any(|at| table.columns.get(at).is_some_and(|column| column.meaning == Some(meaning)))
    };
    let recorded = &record.values[PROFILE.len() - 1];
    ExposedRecord {
        source: table.source.clone(),
        table: table.name.clone(),
        key: record.key.clone(),
        fields: FieldMeaning::ALL.into_iter().filter(|&meaning| has(meaning)).collect(),
        columns: column_names(table, conclusion.columns),
        verdict: first.verdict,
        basis: first.basis,
        line: first.line,
        at_ms: first.at_ms,
        observed_bytes: first.observed_bytes,
        predicted_bytes: first.predicted_bytes,
        literals: first.literals.clone(),
        card_brand: if record.brand.is_empty() { recorded.clone() } else { record.brand.clone() },
        card_last4: record.last4.clone(),
        service_brand: used.brand.clone(),
        service_used_on: used.day(),
    }
}

#[cfg(test)]
mod tests {
    use super::can_be_mail_address;

    #[test]
    fn only_what_can_be_a_mail_address_is_written_to() {
        for good in
            ["hanako@example.jp", "a.b+c@mail.example.co.jp", "..dots..@docomo.example", "root@localhost", "花子@example.jp"]
        {
            assert!(can_be_mail_address(good), "{good}");
        }
        for bad in ["", "hanako", "@example.jp", "a@", "a@@b", "a b@example.jp", "a@example..jp", "a@b.jp,c@d.jp", "a@b\n.jp"] {
            assert!(!can_be_mail_address(bad), "{bad}");
        }
    }
}
