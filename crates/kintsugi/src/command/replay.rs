//! `kintsugi replay`: the picture of the attack, in the terminal and as a timeline.

use std::io::IsTerminal;

use anyhow::{Context, Result, bail};
use kintsugi_case::Language;
use kintsugi_report::attack::{Screen, picture, settle, timeline};
use serde_json::json;

use super::Outcome;
use crate::attack::Gathered;
use crate::cli::Replay;
use crate::clock;
use crate::finish::Finish;
use crate::folder::Folder;

/// Columns where nothing tells how many there are.
const COLUMNS: usize = 80;

/// Draws what `scope` found.
pub(crate) fn replay(folder: &Folder, args: &Replay) -> Result<Outcome> {
    let language = language(folder, args.language.as_deref())?;
    let db = folder.find()?;
    if db.bases()?.is_empty() && db.attack()?.actors.is_empty() && db.log_reports()?.is_empty() {
        bail!("nothing was replayed yet: run `kintsugi scope` first");
    }
    let gathered = Gathered::read(folder, &db)?;
    let about = gathered.about(folder, language);
    let mut text = picture(&gathered.attack, &about, screen());
    gathered.clocks.iter().for_each(|known| text.push_str(&format!("\n{}\n", clock::text(known))));
    let drawn = match &args.timeline {
        Some(file) => {
            let Some(drawing) = timeline(&gathered.attack, &about) else { bail!("there is no statement to draw a timeline of") };
            std::fs::write(file, drawing.file()).with_context(|| format!("{} cannot be written", file.display()))?;
            Some(file.display().to_string())
        }
        None => None,
    };
    if let Some(file) = &drawn {
        text.push_str(&format!("\n{file}\n"));
    }
    let doubts = settle(&gathered.attack, language, &folder.case.case.timezone);
    let doubts = doubts.iter().map(|doubt| {
        json!({
            "verdict": doubt.verdict.name(), "reason": doubt.reason, "tables": doubt.tables, "cells": doubt.cells,
            "bases": doubt.bases, "from_ms": doubt.from_ms, "to_ms": doubt.to_ms,
            "settled_by": doubt.by.iter().map(|(kind, words)| json!({ "what": kind.name(), "words": words })).collect::<Vec<_>>(),
        })
    });
    let clocks: Vec<_> = gathered.clocks.iter().map(clock::data).collect();
    let data = json!({ "attack": gathered.attack, "clocks": clocks, "doubts": doubts.collect::<Vec<_>>(), "timeline": drawn });
    Ok(Outcome::new(Finish::Done, text.trim_end(), data))
}

/// The language that was asked for, else the case's first.
fn language(folder: &Folder, asked: Option<&str>) -> Result<Language> {
    match asked {
        Some(tag) => Language::from_tag(tag).with_context(|| format!("{tag} is no language of notices: ja, en")),
        None => Ok(folder.case.case.languages.first().copied().unwrap_or(Language::En)),
    }
}

/// The terminal, or what stands in for one.
fn screen() -> Screen {
    let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let seen = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    Screen { width: told.or_else(seen).unwrap_or(COLUMNS), colour }
}
