//! The picture of the attack as the binary gathers it: out of find.db, with the names of the files and the gaps in the logs.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use kintsugi_case::{Attack, AttackSample, FieldMeaning, Language, LogGap, ShownStatement, mask_pans};
use kintsugi_evidence::LogReport;
use kintsugi_find::{FindDb, ScopeCounts};
use kintsugi_replay::Clock;
use kintsugi_report::attack::About;

use crate::clock;
use crate::folder::Folder;

/// A picture and what its renderings need beside it.
pub(crate) struct Gathered {
    pub(crate) attack: Attack,
    /// How the clocks of databases and web servers stand to each other.
    pub(crate) clocks: Vec<Clock>,
    fields: Vec<(FieldMeaning, u64, u64)>,
    records: (u64, u64),
    as_of_ms: i64,
}

impl Gathered {
    /// Reads the picture that `scope` left.
    pub(crate) fn read(folder: &Folder, db: &FindDb) -> Result<Self> {
        let custody = kintsugi_evidence::custody(&folder.root, &folder.keys()?)?;
        let mut attack = db.attack()?;
        attack.files = custody.iter().map(|entry| (entry.id.0, entry.path.clone())).collect();
        attack.gaps = gaps(db)?;
        let counts = db.counts()?;
        let fields = counts.fields.iter().map(|field| (field.meaning, field.proved, field.possible));
        let as_of_ms = custody.iter().map(|entry| entry.at_ms).max().unwrap_or(0);
        Ok(Self {
            clocks: clock::known(db, &custody)?,
            fields: fields.filter(|(_, proved, possible)| proved + possible > 0).collect(),
            records: records(&counts),
            attack,
            as_of_ms,
        })
    }

    /// What renderings need beside the picture.
    pub(crate) fn about<'a>(&'a self, folder: &'a Folder, language: Language) -> About<'a> {
        let case = &folder.case;
        About {
            case: &case.case.id,
            title: &case.case.title,
            controller: &case.controller.name,
            domain: &case.controller.domain,
            language,
            zone: &case.case.timezone,
            as_of_ms: self.as_of_ms,
            aware_at_ms: case.case.aware_at.map(|at| at.as_millisecond()),
            fields: &self.fields,
            records: self.records,
        }
    }
}

/// Statements that are carried into the live store, with the lines that show them.
const SHOWN_MAX: usize = 24;
/// Rows shown beside one.
const ROWS_MAX: usize = 8;
/// How much of a line is shown, in characters.
const LINE_CHARS_MAX: usize = 4_000;

/// The picture for the live store, and the statements to be shown there: the first of each shape, those that took most
/// first.
pub(crate) fn frozen(folder: &Folder) -> Result<(Attack, Vec<ShownStatement>)> {
    let db = FindDb::open_read_only(&folder.find_db())?;
    let attack = Gathered::read(folder, &db)?.attack;
    let cells = |shape: u32| attack.outcomes_of(shape).map(|outcome| (outcome.verdict, outcome.cells())).max();
    let mut samples = db.attack_samples()?;
    samples.retain(|sample| attack.actors.iter().any(|actor| actor.id == sample.actor && actor.intruder));
    let mut of_shape: BTreeMap<u32, u32> = BTreeMap::new();
    let mut ranked: Vec<(u32, AttackSample)> = Vec::new();
    for sample in samples {
        let place = of_shape.entry(sample.shape).or_default();
        *place += 1;
        ranked.push((*place, sample));
    }
    ranked.sort_by_key(|(place, sample)| (*place, std::cmp::Reverse(cells(sample.shape)), sample.shape));
    let samples: Vec<AttackSample> = ranked.into_iter().take(SHOWN_MAX).map(|(_, sample)| sample).collect();
    let mut rows = db.shown_rows(&samples.iter().map(|sample| sample.moment.line).collect(), ROWS_MAX)?;
    let (keys, custody) = (folder.keys()?, kintsugi_evidence::custody(&folder.root, &folder.keys()?)?);
    let mut shown = Vec::new();
    for sample in samples {
        let line = sample.moment.line;
        let entry = custody.iter().find(|entry| entry.id == line.evidence).filter(|_| !sample.decoded.is_empty());
        let raw = match entry {
            Some(entry) => kintsugi_evidence::read_line(&folder.root, entry, &keys, line.line)?,
            None => Vec::new(),
        };
        let raw = mask_pans(&String::from_utf8_lossy(&raw)).chars().take(LINE_CHARS_MAX).collect();
        let (rows, rows_more) = rows.remove(&line).unwrap_or_default();
        shown.push(ShownStatement { place: attack.place(line), raw, rows, rows_more, sample });
    }
    Ok((attack, shown))
}

/// Records of personal tables with a proved cell, and with a possible one alone.
fn records(counts: &ScopeCounts) -> (u64, u64) {
    let personal = || counts.tables.iter().filter(|table| table.personal);
    (personal().map(|table| table.proved).sum(), personal().map(|table| table.possible).sum())
}

/// The gaps in the logs that were read; a file that is missing is named with the gap that it leaves.
fn gaps(db: &FindDb) -> Result<Vec<LogGap>> {
    let mut gaps = Vec::new();
    for (_, json) in db.log_reports()? {
        let Ok(report) = serde_json::from_str::<LogReport>(&json).context("a log report in find.db cannot be read") else {
            continue;
        };
        let mut missing = report.missing;
        for gap in report.gaps {
            let (from_ms, to_ms) = (gap.from_ms, gap.to_ms);
            gaps.push(LogGap { path: report.path.clone(), missing: std::mem::take(&mut missing), from_ms, to_ms });
        }
    }
    Ok(gaps)
}
