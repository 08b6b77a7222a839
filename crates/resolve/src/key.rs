//! The keys that join two registrations, as 128 bits each.

use kintsugi_case::FieldMeaning;
use kintsugi_find::{LinkFact, Table};
use sha2::{Digest, Sha256};

use crate::sets::Place;
use crate::{PhoneRule, address_key, mail_key, name_key};

/// The facts that join, in the order in which they are tried: the first to join two records is the one that is told.
pub(crate) const JOINING: [LinkFact; 3] = [LinkFact::MailAndName, LinkFact::PhoneAndName, LinkFact::NameAndAddress];

/// The columns of a registration that are read, by place.
pub(crate) const READ: [FieldMeaning; 7] = [
    FieldMeaning::PersonName,
    FieldMeaning::PersonNameKana,
    FieldMeaning::CardHolder,
    FieldMeaning::PersonEmail,
    FieldMeaning::PersonPhone,
    FieldMeaning::PersonAddress,
    FieldMeaning::PersonLanguage,
];

/// Where those columns are in a table.
pub(crate) fn columns(table: &Table) -> [Option<usize>; READ.len()] {
    READ.map(|meaning| table.column_meaning(meaning))
}

/// The values of one registration.
pub(crate) type Values = [String; READ.len()];

/// One key of one record. 24 bytes a record is what resolving ten million records costs at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    high: u64,
    low: u64,
    pub(crate) place: Place,
}

impl Entry {
    /// The first 128 bits of SHA-256 over both parts of the key: that two keys of one case agree by chance is ruled out.
    fn new(name: &str, other: &str, place: Place) -> Self {
        let digest = Sha256::new().chain_update(name).chain_update([0]).chain_update(other).finalize();
        let word = |from: usize| digest[from..from + 8].iter().fold(0, |word: u64, &byte| word << 8 | u64::from(byte));
        Self { high: word(0), low: word(8), place }
    }

    pub(crate) const fn agrees(&self, other: &Self) -> bool {
        self.high == other.high && self.low == other.low
    }
}

/// The keys by which this record joins others, one for each of `facts`; `None` where a part of it is missing.
pub(crate) fn entries(facts: &[LinkFact], values: &Values, place: Place, phones: PhoneRule) -> [Option<Entry>; JOINING.len()] {
    let [name, kana, holder, mail, phone, address, _] = values;
    let Some(name) = name_key(name, kana).or_else(|| name_key(holder, "")) else { return [None; JOINING.len()] };
    let other = |fact: &LinkFact| match fact {
        LinkFact::MailAndName => mail_key(mail),
        LinkFact::PhoneAndName => phones.key(phone),
        LinkFact::NameAndAddress => address_key(address),
        LinkFact::First | LinkFact::Reference | LinkFact::SameReference => None,
    };
    std::array::from_fn(|at| Some(Entry::new(&name, &facts.get(at).and_then(other)?, place)))
}
