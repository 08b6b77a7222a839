//! `kintsugi drill`: a breach to rehearse with.

use anyhow::{Result, bail};
use serde_json::json;

use super::Outcome;
use crate::cli;
use crate::finish::Finish;
use crate::progress::{Stage, count};

/// Makes a case folder that does not exist yet, its truth beside it.
pub(crate) fn drill(args: &cli::Drill) -> Result<Outcome> {
    if args.folder.exists() {
        bail!("{} is there already: name a new folder, or remove this one", args.folder.display());
    }
    let stage = Stage::begin("drill");
    stage.says(format!("a shop with {} card records, and an attack on it", count(args.records)));
    let made = kintsugi_drill::make(&args.folder, kintsugi_drill::Options { records: args.records, seed: args.seed })?;
    stage.end(&format!(
        "{} card records of {} persons, {} log lines; the intruder took {}",
        count(made.records),
        count(made.persons),
        count(made.log_lines),
        count(made.exposed)
    ));
    let data = json!({
        "records": made.records, "exposed": made.exposed, "persons": made.persons, "log_lines": made.log_lines,
    });
    Ok(Outcome::new(Finish::Done, "", data))
}
