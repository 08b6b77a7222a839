//! The picture of the attack as the binary gathers it: out of find.db, with the names of the files and the gaps in the logs.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use kintsugi_case::{Attack, AttackSample, EvidenceLine, FieldMeaning, Language, LogGap, ShownStatement, mask_pans};
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
        Self::of(folder, db, db.attack()?)
    }

    fn of(folder: &Folder, db: &FindDb, mut attack: Attack) -> Result<Self> {
        let custody = kintsugi_evidence::custody(&folder.root, &folder.keys()?)?;
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

/// Rows shown beside a statement.
const ROWS_MAX: usize = 8;
/// How much of a line is shown, in characters.
const LINE_CHARS_MAX: usize = 4_000;

/// The picture for the live store, and the statements to be shown there: of each shape and intruder the first three, the
/// tenth, the hundredth and so on, as `replay` kept them, by shape and time.
pub(crate) fn frozen(folder: &Folder) -> Result<(Attack, Vec<ShownStatement>)> {
    let db = FindDb::open_read_only(&folder.find_db())?;
    let (intruders, mut samples) = (db.attack_intruders()?, db.attack_samples()?);
    samples.retain(|sample| intruders.contains(&sample.actor));
    let (attack, rows) = db.attack_with_rows(&samples.iter().map(|sample| sample.moment.line).collect(), ROWS_MAX)?;
    let attack = Gathered::of(folder, &db, attack)?.attack;
    let raw = raw_lines(folder, &samples)?;
    let shown = |sample: AttackSample| {
        let line = sample.moment.line;
        let raw = if sample.decoded.is_empty() { String::new() } else { raw.get(&line).cloned().unwrap_or_default() };
        let (rows, rows_more) = rows.get(&line).cloned().unwrap_or_default();
        ShownStatement { place: attack.place(line), raw, rows, rows_more, sample }
    };
    let shown = samples.into_iter().map(shown).collect();
    Ok((attack, shown))
}

/// The lines of these statements as they stand in evidence, card numbers masked; each file is read once.
fn raw_lines(folder: &Folder, samples: &[AttackSample]) -> Result<BTreeMap<EvidenceLine, String>> {
    let keys = folder.keys()?;
    let mut found = BTreeMap::new();
    for entry in kintsugi_evidence::custody(&folder.root, &keys)? {
        let of_file = samples.iter().map(|sample| sample.moment.line).filter(|line| line.evidence == entry.id);
        let lines: BTreeSet<u64> = of_file.map(|line| line.line).collect();
        if lines.is_empty() {
            continue;
        }
        kintsugi_evidence::read_lines(&folder.root, &entry, &keys, &lines, &mut |line, text| {
            let text = mask_pans(&String::from_utf8_lossy(text)).chars().take(LINE_CHARS_MAX).collect();
            found.insert(EvidenceLine { evidence: entry.id, line }, text);
        })?;
    }
    Ok(found)
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
