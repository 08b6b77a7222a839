//! What was really taken, cell by cell: for scoring, outside of the case folder, read by nothing of the product.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::attack::TAKEN;
use crate::shop::Shop;
use crate::{Error, write_error};

/// Writes `exposures.csv` and counts.
pub(crate) struct Truth {
    path: PathBuf,
    out: csv::Writer<File>,
    records: u64,
    /// One bit for each customer row: the first row of an exposed person.
    persons: Vec<u64>,
}

/// How much was taken.
pub(crate) struct Taken {
    pub(crate) records: u64,
    pub(crate) persons: u64,
}

impl Truth {
    pub(crate) fn create(folder: &Path, shop: &Shop) -> Result<Self, Error> {
        let path = folder.join("exposures.csv");
        let file = File::create(&path).map_err(write_error(&path))?;
        let out = csv::WriterBuilder::new().buffer_capacity(1 << 18).from_writer(file);
        let mut truth = Self { path, out, records: 0, persons: vec![0; shop.customers as usize / 64 + 1] };
        truth.line(&["table", "key", "column"])?;
        Ok(truth)
    }

    /// The intruder took the card record at `place`.
    pub(crate) fn took(&mut self, shop: &Shop, place: u64) -> Result<(), Error> {
        let card = shop.card(place);
        let person = shop.person_of(card.customer);
        self.records += 1;
        self.persons[person as usize / 64] |= 1 << (person % 64);
        let key = card.id.to_string();
        TAKEN.iter().try_for_each(|column| self.line(&["cards", &key, column]))
    }

    pub(crate) fn finish(mut self) -> Result<Taken, Error> {
        self.out.flush().map_err(write_error(&self.path))?;
        let persons = self.persons.iter().map(|bits| u64::from(bits.count_ones())).sum();
        Ok(Taken { records: self.records, persons })
    }

    fn line(&mut self, values: &[&str]) -> Result<(), Error> {
        self.out.write_record(values).map_err(|error| write_error(&self.path)(error.into()))
    }
}
