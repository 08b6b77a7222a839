//! `kintsugi remedy`: issues the rights, once per person, and says what they cost.

use anyhow::{Result, bail};
use kintsugi_case::Verdict;
use kintsugi_remedy::{costs, remedy_name, usable_until_ms};
use serde_json::json;

use super::{Outcome, block_on, now_ms};
use crate::finish::Finish;
use crate::folder::Folder;
use crate::progress::{Stage, count};

/// Gives each entitled person of the newest scope version their rights.
pub(crate) fn remedy(folder: &Folder) -> Result<Outcome> {
    block_on(async {
        let store = folder.store().await?;
        let Some(scope) = store.newest_scope().await? else {
            bail!("nothing is frozen yet: run `kintsugi freeze` first");
        };
        let stage = Stage::begin("remedy");
        for (at, spec) in folder.case.remedies.iter().enumerate() {
            let until = usable_until_ms(spec, &folder.case.case.timezone);
            store.issue_rights(scope.number, &remedy_name(at + 1, spec), spec, until, now_ms()).await?;
        }
        let counts = store.scope_counts(scope.number).await?;
        let costs = costs(&folder.case.remedies, &counts.persons_by_verdict);
        let rights: u64 = store.right_totals().await?.iter().map(|total| total.issued).sum();
        stage.end(&format!("{} rights issued", count(rights)));
        store.close().await;
        let proved = counts.records_by_verdict.iter().filter(|(v, _)| *v == Verdict::Proved).map(|(_, n)| n).sum::<u64>();
        let lines: Vec<String> = costs.iter().map(|cost| cost_line(cost, proved)).collect();
        let data = costs.iter().map(|cost| {
            json!({ "remedy": cost.remedy, "persons": cost.persons, "amount": cost.amount, "currency": cost.currency,
                    "total": cost.total.to_string() })
        });
        Ok(Outcome::new(Finish::Done, lines.join("\n"), data.collect()))
    })
}

/// Records and persons are two numbers, both shown: the right belongs to the person.
fn cost_line(cost: &kintsugi_remedy::Cost, records: u64) -> String {
    let by_record = u128::from(records) * u128::from(cost.amount);
    format!(
        "  {}: {} persons x {} {currency} = {} {currency} if all use it (one for each of {} records would be {} {currency})",
        cost.remedy,
        count(cost.persons),
        count(cost.amount),
        grouped(cost.total),
        count(records),
        grouped(by_record),
        currency = cost.currency,
    )
}

fn grouped(number: u128) -> String {
    u64::try_from(number).map_or_else(|_| number.to_string(), count)
}
