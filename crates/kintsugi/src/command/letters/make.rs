//! Making batches: what is due is composed and its address checked; what is fit is entered in the store as a batch; the batch
//! is written; the store is told so. A run that dies in between is finished by the next, with the same letters.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use kintsugi_case::{Channel, LettersSpec, ScopeVersion, Window};
use kintsugi_letter::{AddressBlock, IndexLine, Piece, Press, Recipient, Stationery, index};
use kintsugi_notify::{Composer, EdgeClass, MailKind, Templates};
use kintsugi_store::{DueLetter, Leased, LetterBatch, NewPiece, Store};
use serde_json::json;

use super::outcome;
use crate::citing;
use crate::command::{Outcome, block_on, notify, now_ms, plan};
use crate::folder::Folder;
use crate::progress::{Stage, count};

/// Due notices read at a time.
const PAGE: u32 = 500;

/// What a run did.
#[derive(Default)]
struct Tally {
    batches: Vec<(u32, u64)>,
    pages: u64,
    /// Notices that are no letter, and why.
    aside: BTreeMap<String, Vec<String>>,
}

/// Everything that making letters takes.
pub(super) struct Shop<'a> {
    folder: &'a Folder,
    spec: &'a LettersSpec,
    press: Press,
    pub(super) templates: Templates,
    pub(super) out: PathBuf,
    /// What of the case file and the templates stands on every letter of a batch, as a digest.
    pub(super) settings: String,
}

/// Makes every batch that is due.
pub(super) fn make(folder: &Folder) -> Result<Outcome> {
    block_on(async {
        let store = folder.store().await?;
        let shop = Shop::open(folder, &store).await?;
        let Some(scope) = store.newest_scope().await? else { bail!("nothing is frozen yet: run `kintsugi freeze` first") };
        let (stage, mut tally) = (Stage::begin("letters"), Tally::default());
        store.plan_notices(scope.number, now_ms()).await?;
        if let Some(why) = plan::not_approved(folder, &store, (&scope, Channel::Mail), &shop.templates).await? {
            store.close().await;
            stage.end("no letter was made: the plan is not approved");
            return Ok(outcome(vec!["  No letter was made: no approval covers what they would say.".into()], &why, json!({})));
        }
        citing::record(folder, &store, &shop.templates, &[MailKind::Letter, MailKind::LetterCorrection]).await?;
        shop.finish(&store, &mut tally).await?;
        shop.begin(&store, &scope, &mut tally).await?;
        shop.finish(&store, &mut tally).await?;
        let line = store.conservation(scope.number).await?;
        for fact in crate::facts::of_conservation(folder, &line, &scope) {
            store.put_fact(&fact, now_ms()).await?;
        }
        let made: u64 = tally.batches.iter().map(|(_, letters)| letters).sum();
        store.audit("command line", &format!("made {made} letters in {} batches", tally.batches.len()), now_ms()).await?;
        store.close().await;
        stage.end(&format!("{} letters in {} batches", count(made), count(tally.batches.len() as u64)));
        Ok(shop.told(&tally, made))
    })
}

impl<'a> Shop<'a> {
    /// Finds the fonts and what the case file says of letters.
    pub(super) async fn open(folder: &'a Folder, store: &Store) -> Result<Self> {
        let Some(spec) = &folder.case.letters else {
            bail!("the case file has no [letters] section: it says in which envelopes letters go and where they come back to");
        };
        let press = Press::new(std::env::var_os("KINTSUGI_FONTS").as_deref().map(Path::new))?;
        let templates = citing::templates(folder, store).await?;
        let settings = plan::letter_words(folder, &templates);
        let mut shop = Self { folder, spec, press, templates, out: folder.root.join(&spec.folder), settings: String::new() };
        shop.settings = kintsugi_notify::hash(&format!("{settings}\n{:?}", shop.stationery()));
        Ok(shop)
    }

    /// Enters what is due, batch by batch.
    async fn begin(&self, store: &Store, scope: &ScopeVersion, tally: &mut Tally) -> Result<()> {
        let composer = notify::composer(self.folder, store, scope, self.templates.clone()).await?;
        let (mut after, mut fit) = (0, Vec::new());
        let day_ms = now_ms();
        loop {
            let due = store.due_letters(scope.number, after, PAGE).await?;
            let Some(last) = due.last() else { break };
            after = last.letter.serial;
            for DueLetter { letter, address } in &due {
                match self.piece(&composer, letter, day_ms, String::new())? {
                    Ok(piece) => fit.push(NewPiece { serial: letter.serial, address: *address, digest: piece.digest() }),
                    Err(why) => tally.aside.entry(why).or_default().push(letter.number.to_string()),
                }
            }
            while fit.len() >= self.spec.batch_max as usize {
                let rest = fit.split_off(self.spec.batch_max as usize);
                store.begin_batch(scope.number, &self.settings, &std::mem::replace(&mut fit, rest), day_ms).await?;
            }
        }
        if !fit.is_empty() {
            store.begin_batch(scope.number, &self.settings, &fit, day_ms).await?;
        }
        Ok(())
    }

    /// Writes every batch that is entered and not written.
    async fn finish(&self, store: &Store, tally: &mut Tally) -> Result<()> {
        let scopes = store.scopes().await?;
        for batch in store.letter_batches().await?.into_iter().filter(|batch| batch.written_at_ms.is_none()) {
            let scope = scopes.iter().find(|scope| scope.number == batch.scope_version).context("a batch without its version")?;
            let composer = notify::composer(self.folder, store, scope, self.templates.clone()).await?;
            let (letters, pages) = self.write(store, &composer, &batch).await?;
            tally.batches.push((batch.number, letters));
            tally.pages += pages;
        }
        Ok(())
    }

    async fn write(&self, store: &Store, composer: &Composer, batch: &LetterBatch) -> Result<(u64, u64)> {
        let (number, mut pieces) = (batch.number, Vec::new());
        for entered in store.batch_pieces(batch).await? {
            let sequence = format!("{number:04}-{:06}", entered.piece);
            let piece = self.piece(composer, &entered.letter, batch.begun_at_ms, sequence)?;
            match piece.ok().filter(|piece| piece.digest() == entered.digest) {
                Some(piece) if batch.settings == self.settings => pieces.push(piece),
                _ => bail!(
                    "batch {number} was entered and not written, and its letters would be different now (templates, [letters], or \
                     an address): put back what was changed and run this again"
                ),
            }
        }
        let name = name_of(number);
        let set = self.press.batch(&name, &self.stationery(), &pieces)?;
        let lines = lines(&pieces, &set.pages);
        private_folder(&self.out)?;
        write_private(&self.out.join(format!("{name}.pdf")), &set.pdf)?;
        write_private(&self.out.join(format!("{name}.index.csv")), &index(&lines)?)?;
        let pages = set.pages.iter().map(|pages| u64::from(*pages)).sum();
        store.finish_batch(number, pages, &kintsugi_notify::hash_bytes(&set.pdf), now_ms()).await?;
        Ok((pieces.len() as u64, pages))
    }

    /// One letter, or why it is none. The inner error is for staff and names nobody.
    pub(super) fn piece(
        &self,
        composer: &Composer,
        letter: &Leased,
        day_ms: i64,
        sequence: String,
    ) -> Result<std::result::Result<Piece, String>> {
        let (case, person) = (&self.folder.case, &letter.profile);
        let country = case.notify.country.as_str();
        let to = Recipient {
            name: person.name.open(),
            postal_code: person.postal_code.open(),
            address: person.address.open(),
            language: if case.case.languages.contains(&person.language) { person.language } else { case.case.languages[0] },
            abroad: EdgeClass::of(person, false, country, plan::today(self.folder)).contains(&EdgeClass::ForeignAddress),
        };
        let address = match AddressBlock::fit(&self.press, self.spec.window, country, &to) {
            Ok(address) => address,
            Err(unfit) => return Ok(Err(unfit.to_string())),
        };
        let portal = case.mail.as_ref().map_or("", |mail| mail.portal.as_str());
        let link = format!("{portal}/n/{}", letter.link_code);
        let composed = match composer.letter(&notify::content(letter, &link), day_ms) {
            Ok(composed) => composed,
            Err(unsendable) => return Ok(Err(unsendable.to_string())),
        };
        Ok(Ok(Piece {
            sequence,
            person: letter.person.0,
            address,
            language: composed.language,
            number: composed.number,
            day: composed.day,
            subject: composed.subject.into_open(),
            lines: composed.lines.into_open(),
            verify: composed.verify,
        }))
    }

    fn stationery(&self) -> Stationery {
        let controller = &self.folder.case.controller;
        Stationery {
            window: self.spec.window,
            controller: controller.name.clone(),
            sender: self.spec.sender.clone(),
            phone: controller.contact.phone.clone(),
            hours: controller.contact.hours.clone(),
            email: controller.contact.email.clone(),
        }
    }

    fn told(&self, tally: &Tally, made: u64) -> Outcome {
        let mut lines = vec![format!(
            "  {:>9} letters, {} pages, in {} batches in {}",
            count(made),
            count(tally.pages),
            count(tally.batches.len() as u64),
            self.out.display()
        )];
        if made > 0 {
            lines.push(format!(
                "            {} envelopes. They hold personal data: give the PDF and its index to the print shop alone, and read \
                 what it returns: kintsugi letters --returned FILE.csv",
                match self.spec.window {
                    Window::Naga3 => "JIS long 3 window",
                    Window::Dl => "DL window",
                }
            ));
        }
        let aside: Vec<String> = tally.aside.iter().map(|(why, of)| told_aside(why, of)).collect();
        if !aside.is_empty() {
            let kept: u64 = tally.aside.values().map(|of| of.len() as u64).sum();
            lines.push(format!("  {:>9} kept aside, to be mended in the source or told in another way:", count(kept)));
        }
        let reasons: BTreeMap<&String, usize> = tally.aside.iter().map(|(why, of)| (why, of.len())).collect();
        let batches: Vec<_> =
            tally.batches.iter().map(|(number, letters)| json!({ "batch": number, "letters": letters })).collect();
        outcome(lines, &aside, json!({ "made": made, "pages": tally.pages, "batches": batches, "kept_aside": reasons }))
    }
}

/// What a batch's files are called, but for their ending.
pub(super) fn name_of(batch: u32) -> String {
    format!("batch-{batch:04}")
}

/// Numbers listed behind a reason, at most.
const LISTED_MAX: usize = 20;

fn told_aside(why: &str, of: &[String]) -> String {
    let more = if of.len() > LISTED_MAX { format!(" and {} more", of.len() - LISTED_MAX) } else { String::new() };
    format!("{} {why}: {}{more}", count(of.len() as u64), of[..of.len().min(LISTED_MAX)].join(", "))
}

fn lines(pieces: &[Piece], pages: &[u32]) -> Vec<IndexLine> {
    let mut next = 1;
    let line = |(piece, pages): (&Piece, &u32)| {
        let from = next;
        next += pages;
        IndexLine {
            sequence: piece.sequence.clone(),
            page_from: from,
            page_to: from + pages - 1,
            number: piece.number.clone(),
            postal_code: piece.address.postal_code().to_owned(),
            digest: piece.digest(),
        }
    };
    pieces.iter().zip(pages).map(line).collect()
}

/// A folder that its owner alone can open.
fn private_folder(folder: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder).with_context(|| format!("{} cannot be made", folder.display()))
}

/// A file that its owner alone can read, there whole or not at all.
fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let part = path.with_extension("part");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let write = || {
        let mut file = options.open(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, path)
    };
    write().with_context(|| format!("{} cannot be written", path.display()))
}
