//! The statement as PDF: set from what was published, kept with its version. A version that has none yet gets one; one that has
//! keeps it.

use anyhow::{Context, Result};
use kintsugi_case::{Language, PaperLine, PaperLineKind};
use kintsugi_letter::{Press, StatementSheet};
use kintsugi_report::{Block, Run, Statement};
use kintsugi_store::Store;

use crate::command::now_ms;
use crate::folder::Folder;

/// The name under which the statement is kept.
const STATEMENT: &str = "statement";

/// Sets every published version that has no PDF, and says how many.
pub(crate) async fn set_missing(folder: &Folder, store: &Store) -> Result<u64> {
    let (mut press, mut set) = (None, 0);
    for language in folder.case.case.page_languages() {
        let there = store.papers(STATEMENT, language).await?;
        for document in store.published(STATEMENT, language).await?.iter().filter(|one| !there.contains(&one.version)) {
            let statement: Statement =
                serde_json::from_str(&document.body).with_context(|| format!("version {} cannot be read", document.version))?;
            if press.is_none() {
                press = Some(Press::new(std::env::var_os("KINTSUGI_FONTS").as_deref().map(std::path::Path::new))?);
            }
            let Some(press) = &press else { continue };
            let pdf = press.statement(&sheet(folder, language, document.version, &statement))?;
            store.keep_paper(document, &pdf, now_ms()).await?;
            set += 1;
        }
    }
    Ok(set)
}

fn sheet(folder: &Folder, language: Language, version: u32, statement: &Statement) -> StatementSheet {
    let case = &folder.case;
    let portal = case.mail.as_ref().map_or_else(|| format!("https://{}", case.controller.domain), |mail| mail.portal.clone());
    StatementSheet {
        language,
        title: statement.title.clone(),
        dated: statement.dated.clone(),
        by: statement.by.clone(),
        address: format!("{portal}/statement/{version}"),
        lines: lines(statement),
    }
}

/// Everything under the title: what was added since comes first, as on the page.
fn lines(statement: &Statement) -> Vec<PaperLine> {
    let mut lines = Vec::new();
    for update in statement.updates.iter().rev() {
        lines.push(PaperLine::new(PaperLineKind::Heading, update.dated.clone()));
        lines.push(PaperLine::new(PaperLineKind::Paragraph, words(&update.runs)));
    }
    lines.push(PaperLine::new(PaperLineKind::Answer, words(&statement.lead)));
    for section in &statement.sections {
        lines.push(PaperLine::new(PaperLineKind::Heading, section.heading.clone()));
        section.blocks.iter().for_each(|block| add(block, &mut lines));
    }
    lines
}

fn add(block: &Block, lines: &mut Vec<PaperLine>) {
    match block {
        Block::Paragraph(runs) => lines.push(PaperLine::new(PaperLineKind::Paragraph, words(runs))),
        Block::Steps(steps) => lines.extend(steps.iter().map(|step| PaperLine::new(PaperLineKind::Step, words(step)))),
        Block::Table { head, rows } => {
            lines.push(PaperLine { kind: PaperLineKind::RowHead, cells: head.clone() });
            let cells = |row: &Vec<Run>| row.iter().map(|run| run.text.clone()).collect();
            lines.extend(rows.iter().map(|row| PaperLine { kind: PaperLineKind::Row, cells: cells(row) }));
        }
    }
}

fn words(runs: &[Run]) -> String {
    runs.iter().map(|run| run.text.as_str()).collect()
}
