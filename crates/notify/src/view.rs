//! What a template sees of one mail: every field's words, ready made; flags; lists.

use kintsugi_case::{FieldMeaning, Language, Verdict};

use crate::compose::Page;
use crate::field::{Condition, Field, Flag, List};

/// What is the same in all mails of a scope version, in one language.
#[derive(Clone, Debug, Default)]
pub(crate) struct Common {
    pub(crate) portal: String,
    pub(crate) verify: String,
    pub(crate) controller: String,
    pub(crate) brands: String,
    pub(crate) phone: String,
    pub(crate) hours: String,
    pub(crate) email: String,
    pub(crate) frozen_day: String,
    pub(crate) scope: String,
    pub(crate) log_from: String,
    pub(crate) log_to: String,
    pub(crate) log_gaps: bool,
}

/// One record of a person.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecordView {
    pub(crate) title: String,
    pub(crate) brand: String,
    pub(crate) used_on: String,
    pub(crate) taken: String,
    pub(crate) lines: Vec<(FieldMeaning, Verdict)>,
}

/// One thing that is otherwise than an earlier notice said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChangeView {
    /// The record by the name that its owner knows.
    pub(crate) record: String,
    /// What was said of it.
    pub(crate) was: String,
    /// The field, and how sure it is now.
    pub(crate) line: (FieldMeaning, Verdict),
}

/// A set of flags.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flags(u32);

impl Flags {
    /// Raises a flag where `up`.
    #[must_use]
    pub(crate) const fn with(self, flag: Flag, up: bool) -> Self {
        Self(self.0 | (up as u32) << flag as u32)
    }

    const fn has(self, flag: Flag) -> bool {
        self.0 >> flag as u32 & 1 == 1
    }
}

/// One mail's content.
#[derive(Clone, Debug)]
pub(crate) struct View<'a> {
    pub(crate) language: Language,
    pub(crate) common: &'a Common,
    pub(crate) flags: Flags,
    pub(crate) name: &'a str,
    pub(crate) number: String,
    pub(crate) link: &'a str,
    pub(crate) brand: String,
    pub(crate) cards: String,
    pub(crate) other_cards: String,
    pub(crate) all_cards: String,
    pub(crate) taken: String,
    pub(crate) taken_day: String,
    pub(crate) more_records: String,
    pub(crate) remedy: &'a str,
    pub(crate) remedy_until: &'a str,
    pub(crate) records: Vec<RecordView>,
    pub(crate) excluded: Vec<FieldMeaning>,
    pub(crate) pages: &'a [Page],
    pub(crate) paragraphs: Vec<String>,
    pub(crate) earlier_number: String,
    pub(crate) earlier_day: String,
    pub(crate) changes: Vec<ChangeView>,
}

/// Where in the lists a template stands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct At<'a> {
    pub(crate) record: Option<&'a RecordView>,
    pub(crate) line: Option<(FieldMeaning, Verdict)>,
    pub(crate) page: Option<&'a Page>,
    pub(crate) paragraph: Option<&'a str>,
    pub(crate) change: Option<&'a ChangeView>,
}

impl<'v> View<'v> {
    /// A view that holds nothing but what all mails share.
    pub(crate) const fn new(language: Language, common: &'v Common) -> Self {
        Self {
            language,
            common,
            flags: Flags(0),
            name: "",
            number: String::new(),
            link: "",
            brand: String::new(),
            cards: String::new(),
            other_cards: String::new(),
            all_cards: String::new(),
            taken: String::new(),
            taken_day: String::new(),
            more_records: String::new(),
            remedy: "",
            remedy_until: "",
            records: Vec::new(),
            excluded: Vec::new(),
            pages: &[],
            paragraphs: Vec::new(),
            earlier_number: String::new(),
            earlier_day: String::new(),
            changes: Vec::new(),
        }
    }

    /// Whether a condition holds.
    pub(crate) fn holds(&self, condition: Condition, at: At<'_>) -> bool {
        match condition {
            Condition::Flag(Flag::RecordProved) => at.record.is_some_and(RecordView::is_proved),
            Condition::Flag(flag) => self.flags.has(flag),
            Condition::Field(field) => !self.field(field, at).is_empty(),
        }
    }

    /// Goes through a list.
    pub(crate) fn each<'a>(&'a self, list: List, at: At<'a>, mut entry: impl FnMut(At<'a>)) {
        match list {
            List::Records => self.records.iter().for_each(|record| entry(At { record: Some(record), ..at })),
            List::Paragraphs => self.paragraphs.iter().for_each(|said| entry(At { paragraph: Some(said), ..at })),
            List::Pages => self.pages.iter().for_each(|page| entry(At { page: Some(page), ..at })),
            List::Changes => {
                self.changes.iter().for_each(|one| entry(At { change: Some(one), line: Some(one.line), ..at }));
            }
            List::Fields => {
                let lines = at.record.map_or(&[][..], |record| &record.lines);
                lines.iter().for_each(|line| entry(At { line: Some(*line), ..at }));
            }
            List::Excluded => {
                self.excluded.iter().for_each(|field| entry(At { line: Some((*field, Verdict::Excluded)), ..at }));
            }
        }
    }

    /// A field's words; empty where there are none.
    pub(crate) fn field<'a>(&'a self, field: Field, at: At<'a>) -> &'a str {
        match field {
            Field::Name => self.name,
            Field::Number => &self.number,
            Field::Link => self.link,
            Field::Brand => &self.brand,
            Field::Cards => &self.cards,
            Field::OtherCards => &self.other_cards,
            Field::AllCards => &self.all_cards,
            Field::Taken => &self.taken,
            Field::TakenDay => &self.taken_day,
            Field::MoreRecords => &self.more_records,
            Field::Remedy => self.remedy,
            Field::RemedyUntil => self.remedy_until,
            Field::LineMeaning => at.line.map_or("", |(field, _)| field.label(self.language)),
            Field::LineVerdict => at.line.map_or("", |(_, verdict)| verdict.label(self.language)),
            Field::EarlierNumber => &self.earlier_number,
            Field::EarlierDay => &self.earlier_day,
            Field::ChangeRecord => at.change.map_or("", |change| &change.record),
            Field::ChangeWas => at.change.map_or("", |change| &change.was),
            Field::Paragraph => at.paragraph.unwrap_or_default(),
            Field::PageName => at.page.map_or("", |page| page.name.open()),
            Field::PageLink => at.page.map_or("", |page| &page.link),
            Field::RecordTitle | Field::RecordBrand | Field::RecordUsedOn | Field::RecordTaken => {
                at.record.map_or("", |record| record.field(field))
            }
            _ => self.common.field(field),
        }
    }
}

impl RecordView {
    fn is_proved(&self) -> bool {
        self.lines.iter().any(|(_, verdict)| *verdict == Verdict::Proved)
    }

    fn field(&self, field: Field) -> &str {
        match field {
            Field::RecordTitle => &self.title,
            Field::RecordBrand => &self.brand,
            Field::RecordUsedOn => &self.used_on,
            Field::RecordTaken => &self.taken,
            _ => "",
        }
    }
}

impl Common {
    fn field(&self, field: Field) -> &str {
        match field {
            Field::Portal => &self.portal,
            Field::Verify => &self.verify,
            Field::Controller => &self.controller,
            Field::Brands => &self.brands,
            Field::Phone => &self.phone,
            Field::Hours => &self.hours,
            Field::Email => &self.email,
            Field::FrozenDay => &self.frozen_day,
            Field::Scope => &self.scope,
            Field::LogFrom => &self.log_from,
            Field::LogTo => &self.log_to,
            _ => "",
        }
    }
}
