//! The stages in order.

use std::time::Instant;

use anyhow::Result;
use serde_json::json;

use crate::command::{Outcome, collect, freeze, notify, publish_first, remedy, resolve, scope};
use crate::folder::Folder;

/// From the evidence to the last mail accepted.
pub(crate) fn run(folder: &Folder, smtp: Option<&str>) -> Result<Outcome> {
    let started = Instant::now();
    let stages = [
        ("collect", collect(folder)?),
        ("scope", scope(folder, &[])?),
        ("resolve", resolve(folder)?),
        ("freeze", freeze(folder)?),
        ("remedy", remedy(folder)?),
        ("notify", notify(folder, smtp, None)?),
        ("publish", publish_first(folder)?),
    ];
    let seconds = started.elapsed().as_secs_f64();
    let finish = stages.iter().map(|(_, outcome)| outcome.finish).max().unwrap_or(crate::finish::Finish::Done);
    let data = stages.iter().map(|(name, outcome)| ((*name).to_owned(), outcome.data.clone())).collect::<serde_json::Map<_, _>>();
    let texts: Vec<&str> = stages.iter().map(|(_, outcome)| outcome.text.as_str()).filter(|text| !text.is_empty()).collect();
    let place = folder.root.display();
    let text = format!(
        "{}\n\n  From evidence to the last mail in {seconds:.1} s.\n  Ask why: kintsugi why records_exposed {place}    Look: kintsugi serve {place}",
        texts.join("\n")
    );
    Ok(Outcome::new(finish, text, json!({ "seconds": seconds, "stages": data })))
}
