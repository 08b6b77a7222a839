//! What the print shop and the post say about letters: a CSV with a head, `notice` or `sequence`, `state` and perhaps `reason`,
//! where the state is `printed` or `returned`. Read again, it changes nothing.

use std::path::Path;

use anyhow::{Result, bail};
use kintsugi_case::NoticeNumber;
use kintsugi_store::{LetterReport, LetterReported, Store};
use serde_json::json;

use super::outcome;
use super::sheet::{Sheet, field};
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
    /// Batch and piece, where the line says them.
    place: Option<(u32, u32)>,
    report: LetterReport,
    reason: String,
}

/// Where the columns are.
#[derive(Clone, Copy)]
struct Columns {
    notice: Option<usize>,
    sequence: Option<usize>,
    state: Option<usize>,
    reason: Option<usize>,
}

/// Reads the file and writes down what it says.
pub(super) fn returned(folder: &Folder, file: &Path) -> Result<Outcome> {
    let sheet = Sheet::read(file)?;
    let [notice, sequence, state, reason] = ["notice", "sequence", "state", "reason"].map(|name| sheet.column(name));
    if state.is_none() || notice.or(sequence).is_none() {
        bail!(
            "{}: the head must name the columns `notice` or `sequence`, and `state` (and `reason`, where there is one)",
            file.display()
        );
    }
    let columns = Columns { notice, sequence, state, reason };
    block_on(async {
        let (store, stage, mut tally) = (folder.store().await?, Stage::begin("letters returned"), Tally::default());
        for (at, record) in &sheet.rows {
            let line = match record {
                Ok(record) => line(&store, record, columns).await?,
                Err(why) => Err(why.clone()),
            };
            match line {
                Ok(line) => record_line(&store, *at, &line, &mut tally).await?,
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

/// A line, or why it is none. The inner error is for staff.
async fn line(store: &Store, record: &csv::StringRecord, columns: Columns) -> Result<Result<Line, String>> {
    // What a spreadsheet guard put before a field is no part of it.
    let of = |column| field(record, column).trim_start_matches('\'');
    let place = match of(columns.sequence) {
        "" => None,
        text => match place(text) {
            None => return Ok(Err("a sequence looks like 0001-000012".into())),
            place => place,
        },
    };
    let number = match (of(columns.notice), place) {
        ("", None) => return Ok(Err("neither a notice number nor a sequence".into())),
        ("", Some((batch, piece))) => match store.notice_at(batch, piece).await? {
            None => return Ok(Err(format!("{batch:04}-{piece:06} is no letter of this case"))),
            Some(number) => number,
        },
        (text, _) => match NoticeNumber::parse(text) {
            Err(error) => return Ok(Err(error.to_string())),
            Ok(number) => number,
        },
    };
    let report = match of(columns.state).to_lowercase().as_str() {
        "printed" => LetterReport::Printed,
        "returned" => LetterReport::Returned,
        _ => return Ok(Err(format!("{number}: the state is neither `printed` nor `returned`"))),
    };
    let reason = of(columns.reason).chars().filter(|c| !c.is_control()).take(REASON_CHARS_MAX).collect();
    Ok(Ok(Line { number, place, report, reason }))
}

/// Batch and piece of a sequence.
fn place(text: &str) -> Option<(u32, u32)> {
    let (batch, piece) = text.split_once('-')?;
    Some((batch.parse().ok()?, piece.parse().ok()?))
}

async fn record_line(store: &Store, at: u64, line: &Line, tally: &mut Tally) -> Result<()> {
    let state = line.report.state().name();
    let why =
        if line.reason.is_empty() { format!("print shop: {state}") } else { format!("print shop: {state}: {}", line.reason) };
    let number = line.number;
    let aside = match store.record_letter(number, line.place, (line.report, &why), now_ms()).await? {
        LetterReported::Moved(_) if line.report == LetterReport::Printed => {
            tally.printed += 1;
            return Ok(());
        }
        LetterReported::Moved(_) => {
            tally.returned += 1;
            return Ok(());
        }
        LetterReported::Known => {
            tally.known += 1;
            return Ok(());
        }
        LetterReported::Foreign => "is no letter of a batch of this case".to_owned(),
        LetterReported::OtherPiece => "is another letter than the sequence says".to_owned(),
        LetterReported::Several => "went out to several addresses: the line must name the sequence".to_owned(),
        LetterReported::Contradiction(stands) => format!("is said to be {state}, and it stands at {}", stands.name()),
    };
    tally.aside.push(format!("line {at}: {number} {aside}"));
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
