//! A breach to rehearse with: a made-up shop, its customers, and an attack on it, with the truth beside it.
//!
//! [`make`] writes a case folder as an investigator would hold it (case file, snapshot, web logs) and, outside of it,
//! what was really taken. Every row is a pure function of the seed and its place, so that nothing is kept in memory
//! and the same seed gives the same bytes. Nothing else of the product may use this crate's knowledge.
//!
//! Start with `shop.rs` (how tables hang together), then `people.rs` (rows and the persons behind them), `traffic.rs`
//! and `attack.rs` (who asked the web server for what), `weblog.rs` (how that is written down).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

mod attack;
mod calendar;
mod case_text;
mod dice;
mod names;
mod page;
mod people;
mod places;
mod shop;
mod snapshot;
mod tables;
mod traffic;
mod truth;
mod weblog;

use attack::{Attack, Move};
use shop::Shop;
use traffic::Traffic;
use truth::Truth;
use weblog::WebLog;

/// How large, and which one.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Card records in the shop's database, up to 100 million.
    pub records: u64,
    /// The same seed gives the same bytes.
    pub seed: u64,
}

/// What was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// Card records in the snapshot.
    pub records: u64,
    /// Card records that the intruder obtained.
    pub exposed: u64,
    /// Customer rows.
    pub customers: u64,
    /// People who were made up behind the customer rows.
    pub persons: u64,
    /// People behind the exposed records.
    pub persons_exposed: u64,
    /// Lines of the web logs.
    pub log_lines: u64,
    /// The truth, beside the case folder.
    pub truth: PathBuf,
}

/// What failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be written.
    #[error("{path} could not be written")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is already something in the folder.
    #[error("{path} is not empty: a drill is only made in a new folder")]
    NotEmpty {
        /// Which.
        path: PathBuf,
    },
    /// The size is none that can be made.
    #[error("a drill has 1 to 100,000,000 card records, not {records}")]
    Records {
        /// What was asked for.
        records: u64,
    },
}

/// Makes a case in `dir` (which must be new or empty) and its truth in `dir` + `.truth`.
pub fn make(dir: &Path, options: Options) -> Result<Made, Error> {
    if !(1..=100_000_000).contains(&options.records) {
        return Err(Error::Records { records: options.records });
    }
    let truth_dir = truth_dir(dir);
    for folder in [dir, &truth_dir] {
        must_be_empty(folder)?;
    }
    let (snapshot, weblog) = (dir.join("snapshot"), dir.join("weblog"));
    for folder in [&snapshot, &weblog, &truth_dir] {
        fs::create_dir_all(folder).map_err(write_error(folder))?;
    }
    let shop = Shop::new(options);
    write_text(&dir.join("case.toml"), &case_text::case_text(shop.unauthorised_use_cases()))?;
    snapshot::write(&shop, &snapshot)?;
    let mut truth = Truth::create(&truth_dir, &shop)?;
    let log_lines = write_log(&shop, &weblog, &mut truth)?;
    let taken = truth.finish()?;
    let persons = (0..shop.customers).filter(|&place| shop.person_of(place) == place).count() as u64;
    Ok(Made {
        records: shop.cards,
        exposed: taken.records,
        customers: shop.customers,
        persons,
        persons_exposed: taken.persons,
        log_lines,
        truth: truth_dir,
    })
}

/// Merges visitors and the intruder in the order of time.
fn write_log(shop: &Shop, folder: &Path, truth: &mut Truth) -> Result<u64, Error> {
    let mut log = WebLog::create(folder)?;
    let mut visitors = Traffic::new(shop).peekable();
    for Move { hit, took } in Attack::new(shop) {
        while let Some(earlier) = visitors.next_if(|visit| visit.at_ms <= hit.at_ms) {
            log.write(&earlier)?;
        }
        log.write(&hit)?;
        took.map_or(Ok(()), |place| truth.took(shop, place))?;
    }
    visitors.try_for_each(|hit| log.write(&hit))?;
    log.finish()
}

/// `DIR.truth`, beside `DIR` so that no glob of the case ever reaches it.
fn truth_dir(dir: &Path) -> PathBuf {
    let mut name = dir.components().as_path().as_os_str().to_owned();
    name.push(".truth");
    PathBuf::from(name)
}

fn must_be_empty(folder: &Path) -> Result<(), Error> {
    match fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::NotEmpty { path: folder.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(write_error(folder)(error)),
    }
}

fn write_text(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(write_error(path))
}

fn write_error(path: &Path) -> impl Fn(io::Error) -> Error + '_ {
    move |source| Error::Write { path: path.to_owned(), source }
}
