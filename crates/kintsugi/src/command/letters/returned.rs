//! What the print shop and the post say about letters: a CSV with a head, `notice,state` and perhaps `reason`, where the state
//! is `printed` or `returned`. Read again, it changes nothing.

use std::path::Path;

use anyhow::{Context, Result, bail};
use kintsugi_case::NoticeNumber;
use kintsugi_store::{LetterReport, LetterReported, Store};
use serde_json::json;

use super::outcome;
use crate::command::{Outcome, block_on, now_ms};
use crate::folder::Folder;
use crate::progress::{Stage, count};

/// A reason is cut here: it goes into the history of the notice, which is no place for letters.
const REASON_CHARS_MAX: usize = 200;

/// What was read.
#[derive(Default)]
struct Tally {
    printed: u64,
    returned: u64,
    known: u64,
    /// Lines that a person must look at, with their place.
    aside: Vec<String>,
}

/// A line that could be read.
struct Line {
    number: NoticeNumber,
    report: LetterReport,
    reason: String,
}

/// Reads the file and writes down what it says.
pub(super) fn returned(folder: &Folder, file: &Path) -> Result<Outcome> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_path(file)
        .with_context(|| format!("{} cannot be read", file.display()))?;
    let head = reader.headers().with_context(|| format!("{} has no head", file.display()))?.clone();
    let place = |name: &str| head.iter().position(|column| column.trim_start_matches('\u{feff}').eq_ignore_ascii_case(name));
    let (Some(notice), Some(state)) = (place("notice"), place("state")) else {
        bail!("{}: the head must name the columns `notice` and `state` (and `reason`, where there is one)", file.display());
    };
    let columns = (notice, state, place("reason"));
    block_on(async {
        let (store, stage, mut tally) = (folder.store().await?, Stage::begin("letters returned"), Tally::default());
        for (at, record) in (2_u64..).zip(reader.records()) {
            match record.map_err(|error| error.to_string()).and_then(|record| line(&record, columns)) {
                Ok(line) => record_line(&store, at, &line, &mut tally).await?,
                Err(why) => tally.aside.push(format!("line {at}: {why}")),
            }
        }
        let said = format!("print shop: {} printed, {} returned", tally.printed, tally.returned);
        store.audit("command line", &said, now_ms()).await?;
        store.close().await;
        stage.end(&said);
        Ok(told(&tally))
    })
}

fn line(record: &csv::StringRecord, (notice, state, reason): (usize, usize, Option<usize>)) -> Result<Line, String> {
    let of = |at: usize| record.get(at).unwrap_or_default().trim();
    // What a spreadsheet guard put before the number is no part of it.
    let number = NoticeNumber::parse(of(notice).trim_start_matches('\'')).map_err(|error| error.to_string())?;
    let report = match of(state).to_lowercase().as_str() {
        "printed" => LetterReport::Printed,
        "returned" => LetterReport::Returned,
        _ => return Err(format!("{number}: the state is neither `printed` nor `returned`")),
    };
    let reason = reason.map_or("", of).chars().filter(|c| !c.is_control()).take(REASON_CHARS_MAX).collect();
    Ok(Line { number, report, reason })
}

async fn record_line(store: &Store, at: u64, line: &Line, tally: &mut Tally) -> Result<()> {
    let state = line.report.state().name();
    let why =
        if line.reason.is_empty() { format!("print shop: {state}") } else { format!("print shop: {state}: {}", line.reason) };
    let number = line.number;
    match store.record_letter(number, line.report, &why, now_ms()).await? {
        LetterReported::Moved(_) if line.report == LetterReport::Printed => tally.printed += 1,
        LetterReported::Moved(_) => tally.returned += 1,
        LetterReported::Known => tally.known += 1,
        LetterReported::Foreign => tally.aside.push(format!("line {at}: {number} is no letter of a batch of this case")),
        LetterReported::Contradiction(stands) => {
            tally.aside.push(format!("line {at}: {number} is said to be {state}, and it stands at {}", stands.name()));
        }
    }
    Ok(())
}

fn told(tally: &Tally) -> Outcome {
    let mut lines = vec![
        format!("  {:>9} letters were printed and posted", count(tally.printed)),
        format!("  {:>9} came back: these persons must be told in another way", count(tally.returned)),
    ];
    if tally.known > 0 {
        lines.push(format!("  {:>9} said before", count(tally.known)));
    }
    if !tally.aside.is_empty() {
        lines.push(format!(
            "  {:>9} lines for a person to look at; nothing was changed by them:",
            count(tally.aside.len() as u64)
        ));
    }
    let data = json!({ "printed": tally.printed, "returned": tally.returned, "known": tally.known });
    outcome(lines, &tally.aside, data)
}
