//! The sentences of a person's page.

use jiff::Timestamp;
use kintsugi_case::{ExposedRecord, Fact, FieldMeaning, Technique, Verdict};
use kintsugi_remedy::CouponCode;
use kintsugi_store::{PersonView, RightView};

use super::taken::{Record, records};
use super::{Coupon, Group, Mine, Row, Step, Why};
use crate::evidence;
use crate::frame::Frame;
use crate::portal::statement::value;
use crate::site::Site;
use crate::standing::Standing;

/// How many records are shown in full: a page stays under 30 KB.
const GROUPS_MAX: usize = 10;

/// What is told, and to whom.
pub(super) struct Told<'a> {
    pub(super) site: &'a Site,
    pub(super) frame: Frame,
    pub(super) person: &'a PersonView,
    pub(super) standing: Option<&'a Standing>,
    pub(super) facts: &'a [Fact],
}

impl Told<'_> {
    /// The page.
    pub(super) fn page(&self) -> Mine {
        let all = records(&self.person.exposed);
        let taken: Vec<&Record<'_>> = all.iter().filter(|record| record.verdict() > Verdict::Excluded).collect();
        let steps = if taken.is_empty() { Vec::new() } else { self.steps(&taken) };
        Mine {
            answer: self.answer(&taken),
            lines: self.lines(&taken),
            first_step: has(&taken, FieldMeaning::CardNumber).then(|| self.t("todo-card-button")),
            groups: all.iter().take(GROUPS_MAX).enumerate().map(|(at, record)| self.group(record, at == 0)).collect(),
            more: all.len().saturating_sub(GROUPS_MAX) as u64,
            rest: self.rest(),
            steps,
            rights: self.person.rights.iter().map(|right| self.coupon(right)).collect(),
            number: self.person.notices.first().map(|notice| notice.number.to_string()),
            f: self.frame.clone(),
        }
    }

    fn t(&self, key: &str) -> String {
        self.frame.w.t(key)
    }

    fn name(&self) -> String {
        let name = self.person.profile.name.open();
        if name.is_empty() { self.t("mine-nameless") } else { self.frame.w.t1("mine-name", "name", name) }
    }

    /// The first sentence: the answer, with the card by the name that the reader knows.
    fn answer(&self, taken: &[&Record<'_>]) -> String {
        let Some(strongest) = taken.iter().map(|record| record.verdict()).max() else {
            return self.frame.w.t1("answer-none", "name", self.name());
        };
        let what = self.what(taken);
        let values: [(&str, &dyn std::fmt::Display); 2] = [("name", &self.name()), ("what", &what)];
        match strongest {
            Verdict::Proved => self.frame.w.with("answer-proved", &values),
            _ => self.frame.w.with("answer-possible", &values),
        }
    }

    fn what(&self, taken: &[&Record<'_>]) -> String {
        let cards: Vec<&&Record<'_>> = taken.iter().filter(|record| record.is_card()).collect();
        match cards.as_slice() {
            [] => self.fields(taken),
            [one] => self.card(one.head),
            several => self.frame.w.count("answer-cards", several.len() as u64),
        }
    }

    fn card(&self, exposed: &ExposedRecord) -> String {
        let brand = if exposed.card_brand.is_empty() { self.t("card-unbranded") } else { exposed.card_brand.clone() };
        self.frame.w.with("card-named", &[("brand", &brand), ("last4", &exposed.card_last4)])
    }

    /// The fields by name, each once.
    fn fields(&self, taken: &[&Record<'_>]) -> String {
        let language = self.frame.w.0;
        let there = |field: &FieldMeaning| taken.iter().any(|record| record.fields.iter().any(|(one, _)| one == field));
        let names: Vec<&str> = FieldMeaning::ALL.into_iter().filter(there).map(|field| field.label(language)).collect();
        names.join(&self.t("list-joint"))
    }

    /// When it was taken, and what is known of misuse.
    fn lines(&self, taken: &[&Record<'_>]) -> Vec<String> {
        if taken.is_empty() {
            return vec![self.t("answer-none-text")];
        }
        let zone = &self.site.case.case.timezone;
        let first =
            taken.iter().flat_map(|record| &record.fields).filter(|(_, one)| one.verdict == Verdict::Proved && one.at_ms > 0);
        let when = first.map(|(_, one)| one.at_ms).min();
        let when = when.map(|at_ms| self.frame.w.t1("answer-when", "when", self.frame.w.0.moment(at_ms, zone)));
        when.into_iter().chain(self.misuse(taken)).chain([self.t("answer-sorry")]).collect()
    }

    /// What is known of unauthorised use: never that there is none, only what was reported, by whom, when.
    fn misuse(&self, taken: &[&Record<'_>]) -> Option<String> {
        let fact = self.facts.iter().rfind(|fact| fact.name == "unauthorised_use_cases")?;
        if !has(taken, FieldMeaning::CardNumber) {
            return None;
        }
        let cases = value(&fact.value, self.frame.w.0);
        let day = self.day(&fact.as_of);
        Some(self.frame.w.with("answer-misuse", &[("cases", &cases), ("day", &day)]))
    }

    /// A date of a fact or a record, in words; as written where it is no date.
    fn day(&self, text: &str) -> String {
        let date = text.get(..10).and_then(|day| day.parse().ok());
        date.map_or_else(|| text.to_owned(), |date| self.frame.w.0.day(date))
    }

    fn group(&self, record: &Record<'_>, open: bool) -> Group {
        let heading = if record.is_card() { self.card(record.head) } else { self.t("group-other") };
        Group { heading, used: self.used(record.head), rows: self.rows(record), whys: self.whys(record), open }
    }

    /// Which shop, when.
    fn used(&self, exposed: &ExposedRecord) -> String {
        let day = self.day(&exposed.service_used_on);
        let values: [(&str, &dyn std::fmt::Display); 2] = [("brand", &exposed.service_brand), ("day", &day)];
        match (exposed.service_brand.is_empty(), day.is_empty()) {
            (false, false) => self.frame.w.with("used-brand-day", &values),
            (false, true) => exposed.service_brand.clone(),
            (true, false) => self.frame.w.t1("used-day", "day", day),
            (true, true) => String::new(),
        }
    }

    fn rows(&self, record: &Record<'_>) -> Vec<Row> {
        let language = self.frame.w.0;
        let row = |(field, exposed): &(FieldMeaning, &ExposedRecord)| Row {
            label: field.label(language),
            sub: if *field == FieldMeaning::CardCode { self.t("sub-code") } else { String::new() },
            verdict: exposed.verdict,
        };
        record.fields.iter().map(row).collect()
    }

    /// One seam for all fields that share a line of evidence.
    fn whys(&self, record: &Record<'_>) -> Vec<Why> {
        let mut seen: Vec<&ExposedRecord> = Vec::new();
        for (_, exposed) in &record.fields {
            if !seen.iter().any(|one| std::ptr::eq(*one, *exposed)) {
                seen.push(exposed);
            }
        }
        let several = seen.len() > 1;
        seen.into_iter().map(|exposed| self.why(record, exposed, several)).collect()
    }

    fn why(&self, record: &Record<'_>, exposed: &ExposedRecord, several: bool) -> Why {
        let language = self.frame.w.0;
        let shared = record.fields.iter().filter(|(_, one)| std::ptr::eq(*one, exposed));
        let names: Vec<&str> = shared.map(|(field, _)| field.label(language)).collect();
        let ask = match several {
            true => self.frame.w.t1("why-ask-of", "fields", names.join(&self.t("list-joint"))),
            false => self.t("why-ask"),
        };
        Why { ask, seam: self.seam(exposed), technical: self.technical(exposed) }
    }

    /// The chain in plain words, from the answer to the evidence.
    fn seam(&self, exposed: &ExposedRecord) -> Vec<String> {
        let standing = self.standing;
        let basis = standing.and_then(|standing| standing.bases.iter().find(|basis| basis.id == exposed.basis));
        let scope = standing.map(|standing| {
            let frozen = Timestamp::from_millisecond(standing.scope.frozen_at_ms).unwrap_or_default();
            let day = self.frame.w.0.day(frozen.to_zoned(self.site.case.case.timezone.clone()).date());
            self.frame.w.with("seam-scope", &[("number", &standing.scope.number), ("day", &day)])
        });
        let mut seam: Vec<String> = scope.into_iter().collect();
        match basis.map(|basis| (basis.technique, exposed.verdict)) {
            Some((Technique::Window, _)) => seam.push(self.t("seam-window")),
            Some((technique, verdict)) if technique.is_statement() => {
                seam.push(self.t("seam-command"));
                seam.push(self.sizes(exposed, verdict, basis.map_or((0, 0), |basis| (basis.agreeing, basis.statements))));
            }
            _ => seam.push(self.t("seam-rule")),
        }
        seam.extend(self.line(exposed));
        seam
    }

    fn sizes(&self, exposed: &ExposedRecord, verdict: Verdict, (agreeing, statements): (u64, u64)) -> String {
        let w = self.frame.w;
        let (bytes, agreeing, statements) = (w.number(exposed.observed_bytes), w.number(agreeing), w.number(statements));
        let values: [(&str, &dyn std::fmt::Display); 3] =
            [("bytes", &bytes), ("agreeing", &agreeing), ("statements", &statements)];
        match verdict {
            Verdict::Proved => w.with("seam-size-proved", &values),
            Verdict::Possible => w.with("seam-size-possible", &values),
            Verdict::Excluded => w.with("seam-size-excluded", &values),
        }
    }

    fn line(&self, exposed: &ExposedRecord) -> Option<String> {
        let file = evidence::file(&self.site.evidence, exposed.line.evidence)?;
        let name = file.path.rsplit('/').next().unwrap_or_default();
        let line = self.frame.w.number(exposed.line.line);
        (exposed.line.line > 0).then(|| self.frame.w.with("seam-line", &[("file", &name), ("line", &line)]))
    }

    /// One level deeper: what an expert would ask for.
    fn technical(&self, exposed: &ExposedRecord) -> Vec<(String, String)> {
        let w = self.frame.w;
        let zone = &self.site.case.case.timezone;
        let mut lines = Vec::new();
        if exposed.at_ms > 0 {
            lines.push((w.t("technical-when"), w.0.moment(exposed.at_ms, zone)));
        }
        if exposed.predicted_bytes > 0 {
            let pair = [
                ("observed", &w.number(exposed.observed_bytes) as &dyn std::fmt::Display),
                ("predicted", &w.number(exposed.predicted_bytes)),
            ];
            lines.push((w.t("technical-bytes"), w.with("technical-bytes-pair", &pair)));
        }
        if let Some(file) = evidence::file(&self.site.evidence, exposed.line.evidence) {
            lines.push((w.t("technical-file"), format!("SHA-256 {}", file.sha256)));
        }
        if let Some(standing) = self.standing {
            lines.push((w.t("technical-scope"), format!("SHA-256 {}", standing.scope.digest)));
        }
        lines
    }

    /// What is said about everything else: only together with the logs that were read (rule 3).
    fn rest(&self) -> Option<String> {
        let coverage = evidence::coverage(&self.site.evidence)?;
        let zone = &self.site.case.case.timezone;
        let (from, to) = (self.frame.w.0.moment(coverage.first_at_ms, zone), self.frame.w.0.moment(coverage.last_at_ms, zone));
        let values: [(&str, &dyn std::fmt::Display); 3] = [("from", &from), ("to", &to), ("files", &coverage.files)];
        let key = match (self.person.exposed.is_empty(), coverage.complete) {
            (true, true) => return Some(self.frame.w.with("rest-none-complete", &values)),
            (true, false) => return Some(self.frame.w.with("rest-none-gaps", &values)),
            (false, complete) => complete,
        };
        Some(if key { self.frame.w.with("rest-complete", &values) } else { self.frame.w.with("rest-gaps", &values) })
    }

    fn steps(&self, taken: &[&Record<'_>]) -> Vec<Step> {
        let step = |title: &str, note: &str| Step { title: self.t(title), note: self.t(note) };
        let mut steps = Vec::new();
        if has(taken, FieldMeaning::CardNumber) {
            steps.push(step("todo-card", "todo-card-note"));
            steps.push(step("todo-bills", "todo-bills-note"));
            steps.push(step("todo-register", "todo-register-note"));
        }
        if has(taken, FieldMeaning::AccountPasswordHash) {
            steps.push(step("todo-password", "todo-password-note"));
        }
        steps.push(step("todo-phishing", "todo-phishing-note"));
        steps
    }

    fn coupon(&self, right: &RightView) -> Coupon {
        let w = self.frame.w;
        let amount = match right.currency.as_str() {
            "JPY" => w.t1("amount-yen", "amount", w.number(right.amount)),
            other => format!("{} {other}", w.number(right.amount)),
        };
        let code = CouponCode::parse(right.code.open()).map(|code| code.display()).unwrap_or_default();
        let note = match (right.redeemed_at_ms, right.usable_until_ms) {
            (Some(at_ms), _) => w.t1("right-used", "day", self.day_of(at_ms)),
            (None, Some(until_ms)) if until_ms <= self.site.now_ms() => w.t1("right-ended", "day", self.day_of(until_ms - 1)),
            (None, Some(until_ms)) => w.t1("right-until", "day", self.day_of(until_ms - 1)),
            (None, None) => w.t("right-no-end"),
        };
        let ended = right.usable_until_ms.is_some_and(|until_ms| until_ms <= self.site.now_ms());
        let over = ended || right.redeemed_at_ms.is_some();
        let text = w.t1(if over { "right-text-over" } else { "right-text" }, "amount", amount);
        Coupon { text, code, note, over }
    }

    fn day_of(&self, at_ms: i64) -> String {
        let at = Timestamp::from_millisecond(at_ms).unwrap_or_default();
        self.frame.w.0.day(at.to_zoned(self.site.case.case.timezone.clone()).date())
    }
}

fn has(taken: &[&Record<'_>], field: FieldMeaning) -> bool {
    let mut fields = taken.iter().flat_map(|record| &record.fields);
    fields.any(|(one, exposed)| *one == field && exposed.verdict > Verdict::Excluded)
}
