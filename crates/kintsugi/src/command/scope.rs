//! `kintsugi scope`: the rules of the case file to exposures, cell by cell.

use anyhow::Result;
use kintsugi_case::CaseFile;
use kintsugi_evidence::{EvidenceKind, LogReport};
use kintsugi_replay::{Clock, OnServer};
use kintsugi_scope::{Accessed, Filed, Scoped};
use serde_json::json;

use super::Outcome;
use crate::clock;
use crate::finish::Finish;
use crate::folder::Folder;
use crate::progress::{Stage, count};
use crate::servers::servers;

/// Applies every rule; an earlier run is replaced. `given` are restored servers for this run.
pub(crate) fn scope(folder: &Folder, given: &[String]) -> Result<Outcome> {
    let mut db = folder.find()?;
    let keys = folder.keys()?;
    let evidence = kintsugi_evidence::custody(&folder.root, &keys)?;
    let whole: u64 = evidence.iter().filter(|entry| entry.kind == EvidenceKind::Log).map(|entry| entry.bytes).sum();
    let stage = Stage::begin("scope");
    stage.says(format!("reading {} MiB of logs", count(whole >> 20)));
    let servers = servers(folder, given)?;
    let scoped = kintsugi_scope::run(&folder.root, &folder.case, &keys, &mut db, &evidence, &servers, &mut |at| {
        let doing = if at.path.is_empty() { "replaying" } else { at.path };
        let [lines, statements, judged] = [at.lines, at.statements, at.judged].map(count);
        stage.says(format!("{doing}: {lines} lines, {statements} statements, {judged} judged"));
    })?;
    stage.end(&figure(&scoped));
    let notes = [alone(&folder.case, &scoped), notes(&scoped)].concat();
    let data = json!({
        "exposures": scoped.exposures, "bases": scoped.bases, "notes": notes,
        "statements": scoped.replayed.as_ref().map(|replayed| replayed.statements),
        "nameless": scoped.replayed.as_ref().map(|replayed| replayed.nameless),
        "agreeing": scoped.replayed.as_ref().map(|replayed| replayed.agreeing),
        "lines": lines(&scoped),
        "clocks": clocks(&scoped).map(clock::data).collect::<Vec<_>>(),
        "servers": on_servers(&scoped).map(server_data).collect::<Vec<_>>(),
    });
    let said = on_servers(&scoped).map(server_text).chain(clocks(&scoped).map(clock::text));
    let text = said.chain(notes.iter().map(|note| format!("  note: {note}"))).collect::<Vec<_>>().join("\n");
    Ok(Outcome::new(Finish::with_gaps(!notes.is_empty()), text, data))
}

fn on_servers(scoped: &Scoped) -> impl Iterator<Item = &OnServer> {
    scoped.replayed.iter().flat_map(|replayed| &replayed.servers)
}

fn clocks(scoped: &Scoped) -> impl Iterator<Item = &Clock> {
    scoped.replayed.iter().flat_map(|replayed| &replayed.clocks)
}

/// What a restored server answered, and what SQLite did all the same.
fn server_text(server: &OnServer) -> String {
    let [queries, elsewhere] = [server.queries, server.elsewhere.values().sum()].map(count);
    let mut text = format!("  {}: {queries} queries answered by {}, {elsewhere} by SQLite", server.source, server.version);
    for (reason, number) in &server.elsewhere {
        text.push_str(&format!("\n    {}: {reason}", count(*number)));
    }
    text
}

fn server_data(server: &OnServer) -> serde_json::Value {
    let differing =
        server.differing.iter().map(|(table, there, here)| json!({ "table": table, "server": there, "snapshot": here }));
    json!({
        "source": server.source, "version": server.version, "queries": server.queries, "elsewhere": server.elsewhere,
        "differing": differing.collect::<Vec<_>>(),
    })
}

/// Tables of the restored server that do not match the snapshot.
fn differing_notes(server: &OnServer) -> impl Iterator<Item = String> {
    server.differing.iter().map(|(table, there, here)| {
        let there = there.map_or("is not there".to_owned(), |rows| format!("has {} rows", count(rows)));
        let here = count(*here);
        format!("table {table} {there} on the restored server, {here} in the snapshot: its statements were evaluated on SQLite")
    })
}

fn lines(scoped: &Scoped) -> u64 {
    scoped.replayed.iter().flat_map(|replayed| &replayed.logs).map(|log| log.lines).sum()
}

fn figure(scoped: &Scoped) -> String {
    let windows = scoped.windows.iter().map(|rows| format!("; window of {} uses", count(*rows))).collect::<String>();
    let accessed = scoped.accessed.iter().map(|accessed| {
        let [records, actors, walkers] = [accessed.records, accessed.intruders, accessed.walkers].map(count);
        let walkers =
            if accessed.walkers == 0 { String::new() } else { format!(", and {walkers} who went through fewer in order") };
        format!("; {records} records fetched by their number, by {actors} who read those of many{walkers}")
    });
    let filed = scoped.filed.iter().map(|filed| {
        let [matched, records] = [filed.matched, filed.report.records].map(count);
        format!("; {}: {matched} of {records} records are ours", filed.path)
    });
    let windows = windows + &accessed.chain(filed).collect::<String>();
    match &scoped.replayed {
        Some(replayed) => format!(
            "{} of {} statements agree with the log, among {} lines{windows}",
            count(replayed.agreeing),
            count(replayed.statements),
            count(lines(scoped)),
        ),
        None => format!("{} exposures{windows}", count(scoped.exposures)),
    }
}

/// What cannot be said while a source has no snapshot, and what can.
fn alone(case: &CaseFile, scoped: &Scoped) -> Vec<String> {
    let sources = case.sources.iter().filter(|source| source.snapshot.is_none());
    let mut notes: Vec<String> = sources
        .map(|source| {
            format!(
                "`{}` has no snapshot yet: no cell can be named. `kintsugi export values` says what the logs alone give; add \
                 `snapshot` to the case file when it arrives, then `collect` and `scope` again",
                source.name
            )
        })
        .collect();
    let waiting = scoped.waiting.iter();
    notes.extend(waiting.map(|(kind, source)| format!("the {kind} rule waits for the snapshot of `{source}`")));
    notes
}

/// What was not read or not understood, each with its file and line.
fn notes(scoped: &Scoped) -> Vec<String> {
    let mut notes: Vec<String> = scoped.accessed.iter().filter_map(gone_note).collect();
    notes.extend(scoped.filed.iter().flat_map(filed_notes));
    let Some(replayed) = &scoped.replayed else { return notes };
    notes.extend(replayed.servers.iter().flat_map(differing_notes));
    notes.extend(replayed.logs.iter().flat_map(log_notes));
    if replayed.not_replayed > 0 {
        let number = count(replayed.not_replayed);
        notes.push(format!("{number} statements could not be replayed: whatever cells they name are `possible`"));
    }
    notes
}

/// What of a found file was not read, or is nobody's of ours.
fn filed_notes(filed: &Filed) -> Vec<String> {
    let (path, report) = (&filed.path, &filed.report);
    let mut notes = Vec::new();
    notes.extend(report.not_read.iter().map(|why| format!("{path} was not read: it is {why}")));
    notes.extend(report.unread.iter().take(3).map(|unread| format!("{path}:{}: not read: {}", unread.line, unread.reason)));
    notes.extend(report.truncated.iter().map(|why| format!("{path} ends early: {why}")));
    if report.not_read.is_none() && filed.matched == 0 {
        notes.push(format!("{path}: no record of it is known to be ours ({})", report.form));
    }
    notes
}

fn gone_note(accessed: &Accessed) -> Option<String> {
    let number = count(accessed.gone);
    (accessed.gone > 0)
        .then(|| format!("{number} answers showed records that the snapshot no longer holds: whose they were is not known"))
}

fn log_notes(log: &LogReport) -> Vec<String> {
    let path = &log.path;
    let mut notes = Vec::new();
    notes.extend(log.not_read.iter().map(|why| format!("{path} was not read: {why}")));
    notes.extend(log.unread.iter().take(3).map(|unread| format!("{path}:{}: not read: {}", unread.line, unread.reason)));
    if log.unread_count > 3 {
        notes.push(format!("{path}: {} lines in all were not read", count(log.unread_count)));
    }
    notes.extend(log.truncated.iter().map(|place| format!("{path} ends early: {place}")));
    notes
}
