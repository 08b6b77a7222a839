//! `kintsugi export attack`: the intruder's side in the forms in which incidents are shared. Statements one by one are read
//! from the evidence again; what they took is looked up in find.db.

use std::collections::{BTreeSet, HashMap};
use std::io::Write;

use anyhow::Result;
use kintsugi_case::{Attack, EvidenceLine, Language, Verdict};
use kintsugi_find::{FindDb, actor_of};
use kintsugi_replay::{AttackStatement, Inputs, Servers, statements};
use kintsugi_report::attack::{Event, TimesketchForm, event_line, head, misp, stix, veris};

use crate::attack::Gathered;
use crate::cli::ExportFormat;
use crate::folder::Folder;
use crate::progress::{Stage, count};

/// Writes the picture in one of its forms.
pub(super) fn write_attack(folder: &Folder, format: ExportFormat, out: &mut dyn Write) -> Result<()> {
    let db = folder.find()?;
    let gathered = Gathered::read(folder, &db)?;
    let about = gathered.about(folder, Language::En);
    let attack = &gathered.attack;
    let document = match format {
        ExportFormat::TimesketchCsv => return write_events(folder, &db, attack, TimesketchForm::Csv, out),
        ExportFormat::TimesketchJsonl => return write_events(folder, &db, attack, TimesketchForm::Jsonl, out),
        ExportFormat::Misp => misp(attack, &about),
        ExportFormat::Veris => veris(attack, &about),
        _ => stix(attack, &about),
    };
    writeln!(out, "{document:#}")?;
    Ok(())
}

/// One event a statement of an intruder.
fn write_events(folder: &Folder, db: &FindDb, attack: &Attack, form: TimesketchForm, out: &mut dyn Write) -> Result<()> {
    let (lines, verdicts) = (db.attack_lines()?, verdicts(db)?);
    let intruders: BTreeSet<u32> = attack.intruders().map(|actor| actor.id).collect();
    if let Some(head) = head(form) {
        writeln!(out, "{head}")?;
    }
    let mut failure = None;
    let mut each = |statement: AttackStatement| {
        let Some(actor) = actor_of(&lines, statement.line).filter(|actor| intruders.contains(actor)) else { return };
        let place = attack.place(statement.line);
        let event = Event {
            at_ms: statement.at_ms,
            shape: &statement.shape,
            actor,
            address: &statement.address,
            agent: &statement.agent,
            status: statement.status,
            bytes: statement.bytes,
            verdict: verdicts.get(&statement.line).copied(),
            place: &place,
        };
        if failure.is_none() {
            failure = writeln!(out, "{}", event_line(form, &event)).err();
        }
    };
    read_again(folder, db, &mut each)?;
    failure.map_or(Ok(()), |error| Err(error.into()))
}

fn read_again(folder: &Folder, db: &FindDb, each: &mut dyn FnMut(AttackStatement)) -> Result<()> {
    let keys = folder.keys()?;
    let evidence = kintsugi_evidence::custody(&folder.root, &keys)?;
    let (path, tables) = (folder.find_db(), db.tables());
    let inputs = Inputs {
        case_dir: &folder.root,
        case: &folder.case,
        keys: &keys,
        find: &path,
        tables,
        evidence: &evidence,
        servers: &Servers::default(),
    };
    let stage = Stage::begin("export");
    let replayed = statements(inputs, each, &mut |at| {
        stage.says(format!("{}: {} lines, {} statements", at.path, count(at.lines), count(at.statements)));
    })?;
    stage.end(&format!("{} statements", count(replayed.statements)));
    Ok(())
}

/// The strongest verdict on each line.
fn verdicts(db: &FindDb) -> Result<HashMap<EvidenceLine, Verdict>> {
    let mut verdicts: HashMap<EvidenceLine, Verdict> = HashMap::new();
    db.exposures(|exposure| {
        let known = verdicts.entry(exposure.line).or_insert(exposure.verdict);
        *known = exposure.verdict.max(*known);
        Ok::<(), kintsugi_find::Error>(())
    })?;
    Ok(verdicts)
}
