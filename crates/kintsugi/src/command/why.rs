//! `kintsugi why`: the chain from an answer down to the evidence line, read from the sealed evidence.

use anyhow::{Result, bail};
use kintsugi_case::{EvidenceLine, ExposedRecord, NoticeNumber, NoticeNumberError, PersonId, Verdict, mask_pans};
use kintsugi_evidence::CustodyEntry;
use kintsugi_report::Chain;
use kintsugi_store::{PersonFilter, Store};
use serde_json::json;

use super::{Outcome, block_on};
use crate::finish::Finish;
use crate::folder::Folder;

/// Evidence lines shown under one answer.
const LINES_MAX: usize = 3;

/// Characters of an evidence line shown.
const LINE_CHARS_MAX: usize = 1_200;

/// Answers for a person's number, a notice's number or a fact's name.
pub(crate) fn why(folder: &Folder, what: &str) -> Result<Outcome> {
    block_on(async {
        let store = folder.store().await?;
        let (chain, exposed) = match (NoticeNumber::parse(what), what.parse()) {
            (Ok(number), _) => of_notice(&store, number).await?,
            (Err(mistyped @ NoticeNumberError::CheckDigit), _) => bail!("{what}: {mistyped}"),
            (_, Ok(id)) => of_person(&store, PersonId(id)).await?,
            _ => of_fact(&store, what).await?,
        };
        store.close().await;
        let lines = evidence_lines(folder, &exposed)?;
        let data = json!({
            "answer": chain.answer, "evidence": lines,
            "links": chain.links.iter().map(|link| json!({ "what": link.what, "detail": link.detail })).collect::<Vec<_>>(),
        });
        let text = [vec![chain.to_string()], lines].concat().join("\n");
        Ok(Outcome::new(Finish::Done, text, data))
    })
}

async fn of_notice(store: &Store, number: NoticeNumber) -> Result<(Chain, Vec<ExposedRecord>)> {
    let Some(notice) = store.notice_by_number(number).await? else {
        bail!("{number} is the form of a notice number, but no such notice was planned");
    };
    let (person, exposed) = of_person(store, notice.person).await?;
    Ok((kintsugi_report::why_notice(number, notice.state, &person), exposed))
}

async fn of_person(store: &Store, id: PersonId) -> Result<(Chain, Vec<ExposedRecord>)> {
    let (Some(scope), Some(person)) = (store.newest_scope().await?, store.person(id).await?) else {
        bail!("there is no person {id} in the newest scope version");
    };
    let bases = store.bases(scope.number).await?;
    Ok((kintsugi_report::why_person(id, &scope, &person.exposed, &bases), person.exposed))
}

async fn of_fact(store: &Store, name: &str) -> Result<(Chain, Vec<ExposedRecord>)> {
    let facts = store.facts().await?;
    let scope = store.newest_scope().await?;
    let Some(chain) = kintsugi_report::why_fact(name, &facts, scope.as_ref()) else {
        let mut names: Vec<&str> = facts.iter().map(|fact| fact.name.as_str()).collect();
        names.dedup();
        bail!("nothing is known as `{name}`: ask for a person's number, a notice's number, or one of {}", names.join(", "));
    };
    Ok((chain, example(store).await?))
}

/// One affected person's exposures: a fact that counts them leads down to a line as they do.
async fn example(store: &Store) -> Result<Vec<ExposedRecord>> {
    for verdict in [Verdict::Proved, Verdict::Possible] {
        let filter = PersonFilter { verdict: Some(verdict), ..PersonFilter::default() };
        if let Some(first) = store.list_persons(&filter, PersonId(0), 1).await?.first() {
            return Ok(store.person(first.id).await?.map_or_else(Vec::new, |person| person.exposed));
        }
    }
    Ok(Vec::new())
}

/// The lines behind these exposures, as they stand in the sealed files; card numbers masked.
fn evidence_lines(folder: &Folder, exposed: &[ExposedRecord]) -> Result<Vec<String>> {
    let keys = folder.keys()?;
    let custody = kintsugi_evidence::custody(&folder.root, &keys)?;
    let mut lines: Vec<EvidenceLine> = exposed.iter().map(|record| record.line).filter(|line| line.line > 0).collect();
    lines.sort_unstable();
    lines.dedup();
    let mut shown = Vec::new();
    for line in lines.into_iter().take(LINES_MAX) {
        let Some(entry) = custody.iter().find(|entry| entry.id == line.evidence) else { continue };
        shown.push(evidence_line(folder, &keys, entry, line.line)?);
    }
    Ok(shown)
}

fn evidence_line(folder: &Folder, keys: &kintsugi_vault::Keys, entry: &CustodyEntry, line: u64) -> Result<String> {
    let raw = kintsugi_evidence::read_line(&folder.root, entry, keys, line)?;
    let text: String = String::from_utf8_lossy(&raw).chars().filter(|c| !c.is_control()).take(LINE_CHARS_MAX).collect();
    Ok(format!("{}:{line} (SHA-256 {})\n    {}", entry.path, entry.sha256, mask_pans(&text)))
}
