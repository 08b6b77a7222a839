//! From one person's frozen exposures to one mail.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use kintsugi_case::{
    BasisId, BasisSummary, CaseFile, ExposedRecord, FieldMeaning, Language, NoticeKind, NoticeNumber, PersonProfile, Private,
    RemedySpec, RemedyTo, ScopeVersion, Technique, Verdict,
};

use crate::field::Flag;
use crate::mail::{Draft, Sheet, address};
use crate::program::escape;
use crate::template::{Compiled, MailKind};
use crate::view::{ChangeView, Common, Flags, RecordView, View};
use crate::{Letter, Mail, Templates, Unsendable};

/// Records told one by one in a mail; the rest is on the person's page, and the mail says how many there are.
const RECORDS_SHOWN_MAX: usize = 30;

/// Records told one by one in a letter, which is one page where it can be.
const RECORDS_ON_PAPER_MAX: usize = 4;

/// What stands at the head of a test, in the languages of most staff.
const TEST_MARK: &str =
    "TEST: sent to staff alone, nobody was told. / テスト送信です。担当者だけに送られており、ご本人には届いていません。";

/// Which logs stand behind "not affected" (rule 3): without them nothing is said to be unaffected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// The first line's time, milliseconds since 1970 UTC.
    pub first_at_ms: i64,
    /// The last line's time, milliseconds since 1970 UTC.
    pub last_at_ms: i64,
    /// Whether every file and line was read.
    pub complete: bool,
}

/// What one notice is about.
#[derive(Clone, Debug)]
pub struct NoticeContent<'a> {
    /// Its number.
    pub number: NoticeNumber,
    /// To whom.
    pub person: &'a PersonProfile,
    /// What of theirs was exposed, from the frozen scope.
    pub exposed: &'a [ExposedRecord],
    /// The address of the person's own page.
    pub link: &'a str,
    /// What it corrects or takes up again; none for a first notice.
    pub earlier: Option<EarlierNotice<'a>>,
}

/// What a person was told before.
#[derive(Clone, Copy, Debug)]
pub struct EarlierNotice<'a> {
    /// That notice's number.
    pub number: NoticeNumber,
    /// When it left, milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// What it said was, or may have been, taken.
    pub exposed: &'a [ExposedRecord],
    /// What it is to them now.
    pub kind: NoticeKind,
}

/// A person's own page, in the answer to "am I affected?".
#[derive(Clone, Debug)]
pub struct Page {
    /// Whose.
    pub name: Private<String>,
    /// Its address.
    pub link: String,
}

/// The answer to "am I affected?", sent to the contact point that was typed.
#[derive(Clone, Debug)]
pub struct AnswerContent<'a> {
    /// A name for this answer, unique and without personal data (the job's number).
    pub id: String,
    /// To which address.
    pub to: &'a Private<String>,
    /// In which language.
    pub language: Language,
    /// The pages of the persons who have this address; none where nobody affected has it.
    pub pages: &'a [Page],
}

/// Why no mail can be composed in a case.
#[derive(Debug, thiserror::Error)]
pub enum ComposerError {
    /// There is no `[mail]`.
    #[error("the case file has no [mail]: write from and smtp")]
    NoMail,
    /// `from` is no address.
    #[error("[mail] from = \"{0}\" is no sender: write `Customer desk <notice@example.com>`")]
    From(String),
}

/// What does not change within a scope version, in one language.
#[derive(Clone, Debug)]
struct Letterhead {
    language: Language,
    common: Common,
    remedy: String,
    remedy_until: String,
}

/// Everything that is the same in all mails of a scope version.
#[derive(Clone, Debug)]
pub struct Composer {
    templates: Templates,
    sheet: Sheet,
    heads: Vec<Letterhead>,
    domain: String,
    timezone: TimeZone,
    scope_number: u32,
    brands: Vec<String>,
    techniques: BTreeMap<BasisId, Technique>,
    /// What the sources hold about persons; told as not affected where logs show it.
    held: Option<Vec<FieldMeaning>>,
    remedy_to: Option<RemedyTo>,
}

impl Composer {
    /// Prepares the mails of a scope version.
    pub fn new(
        case: &CaseFile,
        templates: Templates,
        scope: &ScopeVersion,
        bases: &[BasisSummary],
        coverage: Option<Coverage>,
    ) -> Result<Self, ComposerError> {
        let mail = case.mail.as_ref().ok_or(ComposerError::NoMail)?;
        let languages = case.case.languages.iter();
        Ok(Self {
            templates,
            sheet: Sheet::parse(&mail.from).ok_or_else(|| ComposerError::From(mail.from.clone()))?,
            heads: languages.map(|&language| Letterhead::new(case, &mail.portal, scope, coverage, language)).collect(),
            domain: case.controller.domain.clone(),
            timezone: case.case.timezone.clone(),
            scope_number: scope.number,
            brands: case.controller.brands.clone(),
            techniques: bases.iter().map(|basis| (basis.id, basis.technique)).collect(),
            held: coverage.map(|_| held(case)),
            remedy_to: case.remedies.first().map(|remedy| remedy.to),
        })
    }

    /// The notice for one person: the first, or a correction where there is an earlier one. `sent_at_ms` is the Date of the mail, milliseconds since 1970 UTC.
    pub fn notice(&self, content: &NoticeContent<'_>, sent_at_ms: i64) -> Result<Mail, Unsendable> {
        let kind = if content.earlier.is_some() { MailKind::Correction } else { MailKind::Notice };
        self.notice_as(kind, content, sent_at_ms)
    }

    /// The same content as another kind of mail (a reminder, a closing word).
    pub fn notice_as(&self, kind: MailKind, content: &NoticeContent<'_>, sent_at_ms: i64) -> Result<Mail, Unsendable> {
        let to = address(content.person.email.open())?;
        let head = self.head(content.person.language);
        let view = self.view_on(content, head, (sent_at_ms, RECORDS_SHOWN_MAX))?;
        let message_id = format!("{}.{}@{}", content.number, self.scope_number, self.domain).to_lowercase();
        Ok(self.mail(&view, self.templates.of(kind, head.language), to, message_id, sent_at_ms))
    }

    /// What somebody at the desk answers about a notice: `words` as they were typed, an empty line between paragraphs. `id` is
    /// the answer's own, unique in the case.
    pub fn reply(&self, content: &NoticeContent<'_>, id: &str, words: &str, sent_at_ms: i64) -> Result<Mail, Unsendable> {
        let to = address(content.person.email.open())?;
        let head = self.head(content.person.language);
        let mut view = View::new(head.language, &head.common);
        view.name = content.person.name.open();
        view.number = content.number.to_string();
        view.link = content.link;
        view.brand = self.brands.first().filter(|_| self.brands.len() == 1).unwrap_or(&head.common.brands).clone();
        // Scripts without blanks between words take none where a line was broken.
        let glue = if matches!(head.language, Language::Ja | Language::ZhHans | Language::ZhHant) { "" } else { " " };
        let words = words.replace("\r\n", "\n");
        let paragraphs = words.split("\n\n").map(|said| said.lines().map(str::trim).collect::<Vec<_>>().join(glue));
        view.paragraphs = paragraphs.filter(|said| !said.is_empty()).collect();
        let message_id = format!("{}.answer.{id}@{}", content.number, self.domain).to_lowercase();
        Ok(self.mail(&view, self.templates.of(MailKind::Reply, head.language), to, message_id, sent_at_ms))
    }

    /// The notice for one person on paper: the first, or a correction. `dated_ms` is the day printed on it, milliseconds
    /// since 1970 UTC.
    pub fn letter(&self, content: &NoticeContent<'_>, dated_ms: i64) -> Result<Letter, Unsendable> {
        let kind = if content.earlier.is_some() { MailKind::LetterCorrection } else { MailKind::Letter };
        let head = self.head(content.person.language);
        let view = self.view_on(content, head, (dated_ms, RECORDS_ON_PAPER_MAX))?;
        let day = self.day(dated_ms, head.language);
        Ok(Letter::new(&view, self.templates.of(kind, head.language), day))
    }

    /// A view with what depends on the day: who is a minor then.
    fn view_on<'a>(
        &'a self,
        content: &'a NoticeContent<'a>,
        head: &'a Letterhead,
        (at_ms, records_max): (i64, usize),
    ) -> Result<View<'a>, Unsendable> {
        let mut view = self.view(content, head, records_max)?;
        let minor = crate::edge::is_minor(content.person.birth_date.open(), self.date(at_ms));
        view.flags = view.flags.with(Flag::Deceased, content.person.deceased).with(Flag::Minor, minor);
        Ok(view)
    }

    /// The same mail to somebody of the staff, marked as a test in its subject and at its head.
    pub fn as_test(&self, mail: &Mail, to: &Private<String>, sent_at_ms: i64) -> Result<Mail, Unsendable> {
        let at = Timestamp::from_millisecond(sent_at_ms).unwrap_or_default().to_zoned(self.timezone.clone());
        let date = at.strftime("%a, %d %b %Y %H:%M:%S %z").to_string();
        let language = self.heads.first().map_or_else(Language::default, |head| head.language);
        let id = crate::template::hash(&format!("{}/{}/{sent_at_ms}", mail.message_id, to.open()));
        let mark = format!("<main>\n<p class=typed>{TEST_MARK}</p>\n");
        Ok(self.sheet.mail(Draft {
            message_id: format!("test-{}@{}", &id[..24], self.domain),
            to: address(to.open())?,
            to_name: "",
            language,
            date: &date,
            subject: format!("[TEST] {}", mail.subject.open()),
            text: format!("{TEST_MARK}\n\n{}", mail.text.open()),
            html: mail.html.open().replacen("<main>\n", &mark, 1),
        }))
    }

    fn date(&self, at_ms: i64) -> Date {
        Timestamp::from_millisecond(at_ms).unwrap_or_default().to_zoned(self.timezone.clone()).date()
    }

    /// The answer to "am I affected?".
    pub fn answer(&self, content: &AnswerContent<'_>, sent_at_ms: i64) -> Result<Mail, Unsendable> {
        let to = address(content.to.open())?;
        let head = self.head(content.language);
        let mut view = View::new(head.language, &head.common);
        view.pages = content.pages;
        view.flags = Flags::default().with(Flag::Found, !content.pages.is_empty());
        let message_id = format!("answer-{}@{}", content.id, self.domain).to_lowercase();
        Ok(self.mail(&view, self.templates.of(MailKind::Answer, head.language), to, message_id, sent_at_ms))
    }

    fn head(&self, language: Language) -> &Letterhead {
        let found = self.heads.iter().find(|head| head.language == language).or(self.heads.first());
        found.expect("the case file check demands a language")
    }

    fn mail(&self, view: &View<'_>, template: &Compiled, to: lettre::Address, message_id: String, sent_at_ms: i64) -> Mail {
        let (mut subject, mut text) = (String::new(), String::with_capacity(8 * 1024));
        template.subject.render(view, &mut subject);
        template.text.render(view, &mut text);
        let html = page(view, template, &subject);
        let at = Timestamp::from_millisecond(sent_at_ms).unwrap_or_default().to_zoned(self.timezone.clone());
        let date = at.strftime("%a, %d %b %Y %H:%M:%S %z").to_string();
        let (to_name, language) = (view.name, view.language);
        self.sheet.mail(Draft { message_id, to, to_name, language, date: &date, subject, text, html })
    }

    fn view<'a>(
        &'a self,
        content: &'a NoticeContent<'a>,
        head: &'a Letterhead,
        records_max: usize,
    ) -> Result<View<'a>, Unsendable> {
        let mut records = self.records(content.exposed, head.language);
        if records.is_empty() && content.earlier.is_none() {
            return Err(Unsendable::Nothing);
        }
        let brand = records.iter().find(|found| !found.view.brand.is_empty()).map_or_else(
            || self.brands.first().filter(|_| self.brands.len() == 1).unwrap_or(&head.common.brands).clone(),
            |found| found.view.brand.clone(),
        );
        records.iter_mut().filter(|found| found.view.brand.is_empty()).for_each(|found| found.view.brand.clone_from(&brand));
        let mut view = View::new(head.language, &head.common);
        view.name = content.person.name.open();
        view.number = content.number.to_string();
        view.link = content.link;
        view.brand = brand;
        if let Some(earlier) = &content.earlier {
            self.tell_changes(&mut view, earlier, &records);
        }
        self.tell_cards(&mut view, &records);
        self.tell_times(&mut view, &records);
        self.tell_rest(&mut view, head, records, records_max);
        Ok(view)
    }

    /// The cards by name, and the answer that leads: the strongest about a card, or else about anything.
    fn tell_cards(&self, view: &mut View<'_>, records: &[Found]) {
        let proved = |found: &Found, of_card: bool| {
            found.view.lines.iter().any(|(field, verdict)| *verdict == Verdict::Proved && (!of_card || is_of_card(*field)))
        };
        let cards: Vec<&Found> = records.iter().filter(|found| found.has_card()).collect();
        let any_proved = if cards.is_empty() {
            records.iter().any(|found| proved(found, false))
        } else {
            cards.iter().any(|found| proved(found, true))
        };
        let named = |wanted: &dyn Fn(&Found) -> bool| {
            let mut names: Vec<&str> = Vec::new();
            for name in cards.iter().filter(|found| wanted(found)).map(|found| found.view.title.as_str()) {
                names.extend((!names.contains(&name)).then_some(name));
            }
            joined(&names, view.language)
        };
        view.cards = named(&|found| !any_proved || proved(found, true));
        let first: BTreeSet<&str> =
            cards.iter().filter(|found| proved(found, true)).map(|found| found.view.title.as_str()).collect();
        view.other_cards = named(&|found| any_proved && !first.contains(found.view.title.as_str()));
        view.all_cards = named(&|_| true);
        view.flags = view.flags.with(Flag::Proved, any_proved).with(Flag::Card, !cards.is_empty());
    }

    /// What is otherwise than it was said: field by field of each record, in the order in which people read them.
    fn tell_changes(&self, view: &mut View<'_>, earlier: &EarlierNotice<'_>, records: &[Found]) {
        let (language, before) = (view.language, self.records(earlier.exposed, view.language));
        let of = |records: &[Found], record: &str, field: FieldMeaning| {
            let named = records.iter().filter(|found| found.view.title == record);
            let lines = named.flat_map(|found| found.view.lines.iter().filter(move |line| line.0 == field));
            lines.map(|line| line.1).max().filter(|verdict| *verdict > Verdict::Excluded)
        };
        for found in records.iter().chain(&before) {
            for (field, _) in &found.view.lines {
                let record = &found.view.title;
                let (was, now) = (of(&before, record, *field), of(records, record, *field));
                let line = (*field, now.unwrap_or(Verdict::Excluded));
                if was == now || view.changes.iter().any(|known| &known.record == record && known.line.0 == *field) {
                    continue;
                }
                let was =
                    was.map_or_else(|| not_told(language).to_owned(), |was| format!("{} {}", was.mark(), was.label(language)));
                view.changes.push(ChangeView { record: record.clone(), was, line });
            }
        }
        view.earlier_number = earlier.number.to_string();
        view.earlier_day = self.day(earlier.at_ms, language);
        view.flags = view
            .flags
            .with(Flag::Cleared, records.is_empty())
            .with(Flag::More, earlier.kind == NoticeKind::More)
            .with(Flag::Less, earlier.kind == NoticeKind::Less)
            .with(Flag::Changes, !view.changes.is_empty());
    }

    fn tell_times(&self, view: &mut View<'_>, records: &[Found]) {
        let times = records.iter().filter_map(|found| found.times);
        if let Some((first, last)) = times.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) {
            view.taken = self.span(first, last, view.language);
            view.taken_day = self.day(first, view.language);
        }
    }

    fn tell_rest<'a>(&'a self, view: &mut View<'a>, head: &'a Letterhead, records: Vec<Found>, records_max: usize) {
        let lines = || records.iter().flat_map(|found| found.view.lines.iter().copied());
        let has =
            |wanted: &[FieldMeaning]| lines().any(|(field, verdict)| verdict > Verdict::Excluded && wanted.contains(&field));
        let at_least = |least: Verdict| lines().any(|(_, verdict)| verdict >= least);
        let by = |is: fn(Technique) -> bool, verdict| {
            records.iter().any(|found| found.view.lines.iter().zip(&found.by).any(|(line, of)| line.1 == verdict && is(*of)))
        };
        let told: BTreeSet<FieldMeaning> = lines().map(|(field, _)| field).collect();
        let held = self.held.iter().flatten().copied();
        // A name on a card is a name: whoever has it must not read that their name was not taken.
        let named = told.contains(&FieldMeaning::CardHolder);
        let is_name = |field| matches!(field, FieldMeaning::PersonName | FieldMeaning::PersonNameKana);
        view.excluded = held.filter(|field| !(told.contains(field) || named && is_name(*field))).collect();
        use FieldMeaning as Is;
        view.flags = view
            .flags
            .with(Flag::AnyProved, at_least(Verdict::Proved))
            .with(Flag::AnyPossible, lines().any(|(_, verdict)| verdict == Verdict::Possible))
            .with(Flag::CardReady, [Is::CardNumber, Is::CardExpiry, Is::CardCode].iter().all(|field| has(&[*field])))
            .with(Flag::Password, has(&[Is::AccountPasswordHash]))
            .with(Flag::ContactData, has(&[Is::PersonPhone, Is::PersonEmail, Is::PersonAddress]))
            .with(Flag::Excluded, !view.excluded.is_empty())
            .with(Flag::LogGaps, view.common.log_gaps)
            .with(Flag::ProvedByReplay, by(Technique::is_statement, Verdict::Proved))
            .with(Flag::PossibleByReplay, by(Technique::is_statement, Verdict::Possible))
            .with(Flag::PossibleByWindow, by(|technique| technique == Technique::Window, Verdict::Possible));
        let owed = match self.remedy_to {
            Some(RemedyTo::Proved) => at_least(Verdict::Proved),
            Some(RemedyTo::Affected) => at_least(Verdict::Possible),
            None => false,
        };
        if owed {
            (view.remedy, view.remedy_until) = (&head.remedy, &head.remedy_until);
        }
        let more = records.len().saturating_sub(records_max);
        view.more_records = if more > 0 { view.language.number(more as i64) } else { String::new() };
        view.records = records.into_iter().take(records_max).map(|found| found.view).collect();
    }

    /// One entry per record, cards and the surest first: all bases of a record are told as one, the strongest verdict
    /// for each field.
    fn records(&self, exposed: &[ExposedRecord], language: Language) -> Vec<Found> {
        let mut found: BTreeMap<(&str, &str, &str), Found> = BTreeMap::new();
        for one in exposed {
            let entry = found.entry((&one.source, &one.table, &one.key)).or_insert_with(|| Found::new(one, language));
            entry.add(one, self.techniques.get(&one.basis).copied().unwrap_or(Technique::Window));
        }
        let mut records: Vec<Found> =
            found.into_values().filter(|one| one.view.lines.iter().any(|(_, verdict)| *verdict > Verdict::Excluded)).collect();
        for one in &mut records {
            one.sort();
            one.view.taken = one.times.map_or_else(String::new, |(first, last)| self.span(first, last, language));
        }
        records.sort_by_key(|one| (!one.has_card(), std::cmp::Reverse(one.view.lines.iter().map(|line| line.1).max())));
        records
    }

    fn day(&self, at_ms: i64, language: Language) -> String {
        Timestamp::from_millisecond(at_ms)
            .map_or_else(|_| String::new(), |at| language.day(at.to_zoned(self.timezone.clone()).date()))
    }

    fn span(&self, first: i64, last: i64, language: Language) -> String {
        let (from, to) = (language.moment(first, &self.timezone), language.moment(last, &self.timezone));
        match language {
            _ if from == to => from,
            Language::Ja => format!("{from}から {to}まで"),
            Language::En => format!("between {from} and {to}"),
            Language::ZhHans | Language::ZhHant => format!("{from}至{to}"),
            Language::Ko => format!("{from}부터 {to}까지"),
        }
    }
}

/// A record while it is put together.
struct Found {
    view: RecordView,
    times: Option<(i64, i64)>,
    /// How each of the lines is known.
    by: Vec<Technique>,
}

impl Found {
    fn new(record: &ExposedRecord, language: Language) -> Self {
        let day = record.service_used_on.get(..10).unwrap_or(&record.service_used_on);
        let used_on = day.parse::<Date>().map_or_else(|_| String::new(), |day| language.day(day));
        let view =
            RecordView { title: title(record, language), brand: record.service_brand.clone(), used_on, ..Default::default() };
        Self { view, times: None, by: Vec::new() }
    }

    fn add(&mut self, one: &ExposedRecord, technique: Technique) {
        for &field in one.fields.iter().filter(|field| field.is_personal()) {
            match self.view.lines.iter().position(|line| line.0 == field) {
                // The surest verdict is told; of two that are alike, the one that a statement shows.
                Some(at) if (self.view.lines[at].1, self.by[at].is_statement()) < (one.verdict, technique.is_statement()) => {
                    (self.view.lines[at].1, self.by[at]) = (one.verdict, technique);
                }
                Some(_) => {}
                None => {
                    self.view.lines.push((field, one.verdict));
                    self.by.push(technique);
                }
            }
        }
        if one.verdict > Verdict::Excluded && one.at_ms > 0 {
            let (first, last) = self.times.unwrap_or((one.at_ms, one.at_ms));
            self.times = Some((first.min(one.at_ms), last.max(one.at_ms)));
        }
    }

    /// Brings the lines into the order in which people read them.
    fn sort(&mut self) {
        let place = |field: FieldMeaning| FieldMeaning::ALL.iter().position(|of| *of == field);
        let mut both: Vec<_> = self.view.lines.drain(..).zip(self.by.drain(..)).collect();
        both.sort_by_key(|((field, _), _)| place(*field));
        (self.view.lines, self.by) = both.into_iter().unzip();
    }

    /// Whether a card's number is among what was exposed: then the card must be stopped.
    fn has_card(&self) -> bool {
        let exposed =
            |(field, verdict): &(FieldMeaning, Verdict)| *field == FieldMeaning::CardNumber && *verdict > Verdict::Excluded;
        self.view.lines.iter().any(exposed)
    }
}

const fn is_of_card(field: FieldMeaning) -> bool {
    matches!(field, FieldMeaning::CardNumber | FieldMeaning::CardExpiry | FieldMeaning::CardCode | FieldMeaning::CardHolder)
}

/// A record by the name its owner knows: the card, or what they registered.
fn title(record: &ExposedRecord, language: Language) -> String {
    let (brand, last4) = (&record.card_brand, &record.card_last4);
    let card = record.fields.iter().any(|field| is_of_card(*field)) || !last4.is_empty();
    let known = (card, last4.is_empty());
    match language {
        _ if known == (false, true) => registration(language).into(),
        Language::Ja => card_name(brand, last4, ["カード", "（末尾 ", "）"]),
        Language::En if known.1 => "card".into(),
        Language::En if brand.is_empty() => format!("card ending in {last4}"),
        Language::En => format!("{brand} card ending in {last4}"),
        Language::ZhHans => card_name(brand, last4, ["卡", "（尾号 ", "）"]),
        Language::ZhHant => card_name(brand, last4, ["卡", "（末四碼 ", "）"]),
        Language::Ko => card_name(brand, last4, ["카드", "(끝 네 자리 ", ")"]),
    }
}

/// `Visaカード（末尾 1234）`, as far as brand and digits are known.
fn card_name(brand: &str, last4: &str, [card, before, after]: [&str; 3]) -> String {
    match (brand.is_empty(), last4.is_empty()) {
        (_, true) => card.to_owned(),
        (true, false) => format!("{card}{before}{last4}{after}"),
        (false, false) => format!("{brand} {card}{before}{last4}{after}"),
    }
}

/// What is no card.
const fn registration(language: Language) -> &'static str {
    match language {
        Language::Ja => "ご登録の情報",
        Language::En => "Your registration",
        Language::ZhHans => "您登记的信息",
        Language::ZhHant => "您登錄的資料",
        Language::Ko => "등록하신 정보",
    }
}

/// What stands for "the earlier notice did not speak of it".
const fn not_told(language: Language) -> &'static str {
    match language {
        Language::Ja => "お伝えしていません",
        Language::En => "not mentioned",
        Language::ZhHans | Language::ZhHant => "未提及",
        Language::Ko => "언급 없음",
    }
}

fn joined(names: &[&str], language: Language) -> String {
    match (language, names) {
        (Language::Ja, _) => names.join("と "),
        (Language::ZhHans | Language::ZhHant, _) => names.join("、"),
        (Language::Ko, _) => names.join(", "),
        (Language::En, []) => String::new(),
        (Language::En, [one]) => (*one).to_owned(),
        (Language::En, [head @ .., last]) => format!("{} and {last}", head.join(", ")),
    }
}

/// What the sources hold about persons, in the order in which people read it.
fn held(case: &CaseFile) -> Vec<FieldMeaning> {
    let tables = case.sources.iter().flat_map(|source| source.tables.values());
    let meanings: BTreeSet<FieldMeaning> = tables.flat_map(|table| table.fields.values().copied()).collect();
    FieldMeaning::ALL.into_iter().filter(|field| field.is_personal() && meanings.contains(field)).collect()
}

impl Letterhead {
    fn new(case: &CaseFile, portal: &str, scope: &ScopeVersion, coverage: Option<Coverage>, language: Language) -> Self {
        let day = |at_ms: i64| {
            let at = Timestamp::from_millisecond(at_ms).unwrap_or_default();
            language.day(at.to_zoned(case.case.timezone.clone()).date())
        };
        let contact = &case.controller.contact;
        let common = Common {
            portal: portal.to_owned(),
            verify: format!("{portal}/verify"),
            controller: case.controller.name.clone(),
            brands: case.controller.brands.join(if matches!(language, Language::En | Language::Ko) { ", " } else { "、" }),
            phone: contact.phone.clone(),
            hours: contact.hours.clone(),
            email: contact.email.clone(),
            frozen_day: day(scope.frozen_at_ms),
            scope: scope.number.to_string(),
            log_from: coverage.map_or_else(String::new, |logs| day(logs.first_at_ms)),
            log_to: coverage.map_or_else(String::new, |logs| day(logs.last_at_ms)),
            log_gaps: coverage.is_some_and(|logs| !logs.complete),
        };
        let remedy = case.remedies.first();
        Self {
            language,
            common,
            remedy: remedy.map_or_else(String::new, |remedy| money(remedy, language)),
            remedy_until: remedy.and_then(|remedy| remedy.until).map_or_else(String::new, |until| language.day(until)),
        }
    }
}

fn money(remedy: &RemedySpec, language: Language) -> String {
    let amount = language.number(i64::try_from(remedy.amount).unwrap_or(i64::MAX));
    match (remedy.currency.as_str(), language) {
        ("JPY", Language::Ja) => format!("{amount}円"),
        ("JPY", Language::En) => format!("{amount} yen"),
        ("JPY", Language::ZhHans) => format!("{amount}日元"),
        ("JPY", Language::ZhHant) => format!("{amount}日圓"),
        ("JPY", Language::Ko) => format!("{amount}엔"),
        (currency, _) => format!("{currency} {amount}"),
    }
}

/// The HTML part: one column, system fonts, nothing that is fetched.
fn page(view: &View<'_>, template: &Compiled, subject: &str) -> String {
    let mut out = String::with_capacity(12 * 1024);
    out.push_str("<!doctype html><html lang=");
    out.push_str(view.language.tag());
    out.push_str(concat!(
        "><head><meta charset=utf-8><meta name=viewport content=\"width=device-width,initial-scale=1\">",
        "<meta name=color-scheme content=\"light dark\"><meta name=supported-color-schemes content=\"light dark\"><title>"
    ));
    escape(subject, &mut out);
    out.push_str(concat!("</title><style>\n", include_str!("../templates/mail.css"), "</style></head><body><main>\n"));
    template.html.render(view, &mut out);
    out.push_str("</main></body></html>\n");
    out
}
