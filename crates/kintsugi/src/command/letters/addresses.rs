//! Postal addresses that people gave after a version was frozen: a CSV with a head, `notice`, `postal_code`, `address` and
//! perhaps `name`. The letter of each is due then; the next `kintsugi letters` makes it. Read again, it changes nothing.

use std::path::Path;

use anyhow::{Result, bail};
use kintsugi_case::{NoticeNumber, Private};
use kintsugi_store::{AddressGiven, PostalAddress, Store};
use serde_json::json;

use super::outcome;
use super::sheet::{Sheet, field};
use crate::command::{Outcome, block_on, now_ms};
use crate::folder::Folder;
use crate::progress::{Stage, count};

/// Who gives them, in the history and in the audit log.
const WHO: &str = "command line";

/// What was read.
#[derive(Default)]
struct Tally {
    due: u64,
    known: u64,
    /// Lines that a person must look at, with their place. They repeat no address.
    aside: Vec<String>,
}

/// Reads the file and keeps what it gives.
pub(super) fn addresses(folder: &Folder, file: &Path) -> Result<Outcome> {
    let sheet = Sheet::read(file)?;
    let columns = ["notice", "postal_code", "address", "name"].map(|name| sheet.column(name));
    let [Some(_), Some(_), Some(_), _] = columns else {
        bail!(
            "{}: the head must name the columns `notice`, `postal_code` and `address` (and `name`, if it is another)",
            file.display()
        );
    };
    block_on(async {
        let (store, stage, mut tally) = (folder.store().await?, Stage::begin("postal addresses"), Tally::default());
        for (at, record) in &sheet.rows {
            match record.as_ref().map_err(String::clone).and_then(|record| line(record, columns)) {
                Ok((number, address)) => keep(&store, *at, number, &address, &mut tally).await?,
                Err(why) => tally.aside.push(format!("line {at}: {why}")),
            }
        }
        store.audit(WHO, &format!("gave {} postal addresses", tally.due), now_ms()).await?;
        store.close().await;
        stage.end(&format!("{} letters are due", tally.due));
        Ok(told(&tally))
    })
}

fn line(
    record: &csv::StringRecord,
    [notice, postal_code, address, name]: [Option<usize>; 4],
) -> Result<(NoticeNumber, PostalAddress), String> {
    let number = NoticeNumber::parse(field(record, notice).trim_start_matches('\'')).map_err(|error| error.to_string())?;
    let of = |column| Private::new(field(record, column).trim_start_matches('\'').to_owned());
    let address = PostalAddress { name: of(name), postal_code: of(postal_code), address: of(address) };
    if address.address.open().is_empty() {
        return Err(format!("{number}: there is no address"));
    }
    Ok((number, address))
}

async fn keep(store: &Store, at: u64, number: NoticeNumber, address: &PostalAddress, tally: &mut Tally) -> Result<()> {
    let why = match store.give_address(number, address, WHO, now_ms()).await? {
        AddressGiven::Due => {
            tally.due += 1;
            return Ok(());
        }
        AddressGiven::Known => {
            tally.known += 1;
            return Ok(());
        }
        AddressGiven::Foreign => "is no notice of this case".to_owned(),
        AddressGiven::Overtaken => "is a notice of an earlier scope version: name the newest of this person".to_owned(),
        AddressGiven::Elsewhere(stands) => {
            format!("stands at {}: an address is for a letter that is due or came back", stands.name())
        }
    };
    tally.aside.push(format!("line {at}: {number} {why}"));
    Ok(())
}

fn told(tally: &Tally) -> Outcome {
    let mut lines = vec![format!("  {:>9} letters are due to another address: run `kintsugi letters`", count(tally.due))];
    if tally.known > 0 {
        lines.push(format!("  {:>9} given before", count(tally.known)));
    }
    if !tally.aside.is_empty() {
        let aside = count(tally.aside.len() as u64);
        lines.push(format!("  {aside:>9} lines for a person to look at; nothing was changed by them:"));
    }
    outcome(lines, &tally.aside, json!({ "due": tally.due, "known": tally.known }))
}
