//! The case file, version 1: what people write about a breach. `parse` is total: it returns either a
//! [`CaseFile`] in which every reference holds, or every [`Mistake`] with its place and what was meant.
//!
//! What only the disk can tell (a missing file, a column that is not in the table) is checked by `evidence`.

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::{Timestamp, civil, tz::TimeZone};
use serde::Deserialize;
use toml::Spanned;

use crate::{AccessRule, ColumnName, Fact, FactKind, FactValue, FieldMeaning, FileRule, Language, RequestPattern, Verdict};

/// A mistake in a case file: where it is and what was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Byte range in the file's text.
    pub span: Range<usize>,
    /// What is wrong, one sentence.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// A checked case file.
#[derive(Clone, Debug)]
pub struct CaseFile {
    /// `[case]`
    pub case: CaseHeader,
    /// `[controller]`
    pub controller: Controller,
    /// `[[source]]`
    pub sources: Vec<SourceSpec>,
    /// `[[evidence]]`
    pub evidence: Vec<EvidenceSpec>,
    /// `[[endpoint]]`
    pub endpoints: Vec<EndpointSpec>,
    /// `[[rule]]`
    pub rules: Vec<RuleSpec>,
    /// `[[fact]]`, as entered.
    pub facts: Vec<Fact>,
    /// `[[event]]`: what happened when, for the chronicle.
    pub events: Vec<EventSpec>,
    /// `[mail]`
    pub mail: Option<MailSpec>,
    /// `[letters]`
    pub letters: Option<LettersSpec>,
    /// `[notify]`
    pub notify: NotifySpec,
    /// `[[remedy]]`
    pub remedies: Vec<RemedySpec>,
    /// `[store]`
    pub store: StoreSpec,
}

/// Who, when, in which languages.
#[derive(Clone, Debug)]
pub struct CaseHeader {
    /// The case's identifier.
    pub id: String,
    /// Its title, for staff.
    pub title: String,
    /// The zone of civil times in the file and on pages.
    pub timezone: TimeZone,
    /// When the controller became aware.
    pub aware_at: Option<Timestamp>,
    /// Languages of notices and pages; the first is the default.
    pub languages: Vec<Language>,
}

impl CaseHeader {
    /// The languages of pages and statements: those of the case that have them, or English.
    pub fn page_languages(&self) -> Vec<Language> {
        let found: Vec<Language> = self.languages.iter().copied().filter(|language| language.has_pages()).collect();
        if found.is_empty() { vec![Language::En] } else { found }
    }

    /// The year in notice numbers: when the controller became aware; 0 where that is not written.
    pub fn year(&self) -> u16 {
        self.aware_at.map_or(0, |at| at.to_zoned(self.timezone.clone()).year().unsigned_abs())
    }
}

/// Who is responsible for the data.
#[derive(Clone, Debug)]
pub struct Controller {
    /// Legal name.
    pub name: String,
    /// Portal and mails live on this domain and nowhere else.
    pub domain: String,
    /// The names under which people know the service.
    pub brands: Vec<String>,
    /// How people ask.
    pub contact: Contact,
}

/// How people ask.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// Telephone, as printed.
    #[serde(default)]
    pub phone: String,
    /// Mail address.
    #[serde(default)]
    pub email: String,
    /// Opening hours, as printed.
    #[serde(default)]
    pub hours: String,
}

/// A database system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dbms {
    /// MariaDB.
    MariaDb,
    /// MySQL.
    MySql,
    /// PostgreSQL.
    PostgreSql,
    /// SQLite.
    Sqlite,
}

impl Dbms {
    /// What is wrong with the URL of a server that is to be of this kind, and what to do; `None` where nothing is.
    pub fn server_mistake(self, url: &str) -> Option<(&'static str, &'static str)> {
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let (schemes, help): (&[&str], _) = match self {
            Self::MariaDb | Self::MySql => (&["mysql", "mariadb"], "write mysql://USER@HOST/DATABASE"),
            Self::PostgreSql => (&["postgresql", "postgres"], "write postgresql://USER@HOST/DATABASE"),
            Self::Sqlite => return Some(("SQLite has no server", "leave `server` out: SQLite answers in the case folder")),
        };
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
        match () {
            () if !schemes.contains(&scheme) => Some(("this is no server of the source's kind", help)),
            () if user.contains(':') || rest.contains("password=") => {
                Some(("a password does not belong in the case file", "put it into KINTSUGI_SERVER_PASSWORD"))
            }
            () => None,
        }
    }
}

/// A character encoding of snapshots and logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8.
    #[default]
    Utf8,
    /// Shift_JIS as Windows writes it (windows-31j).
    ShiftJis,
    /// EUC-JP.
    EucJp,
}

/// How CSV files of a snapshot are written.
#[derive(Clone, Debug)]
pub struct CsvOptions {
    /// Whether the first line names the columns.
    pub header: bool,
    /// The field separator.
    pub delimiter: u8,
    /// The text that stands for NULL.
    pub null: String,
    /// The encoding.
    pub encoding: Encoding,
}

/// A system of record as it stood.
#[derive(Clone, Debug)]
pub struct SourceSpec {
    /// Its name in the case.
    pub name: String,
    /// What it runs on.
    pub dbms: Dbms,
    /// Where its snapshot lies, relative to the case folder; `None` while there is none, and the logs stand alone.
    pub snapshot: Option<String>,
    /// How CSV files in it are written.
    pub csv: CsvOptions,
    /// When it was taken.
    pub taken_at: Option<Timestamp>,
    /// Its tables by name.
    pub tables: BTreeMap<String, TableSpec>,
    /// Where `snapshot` stands in the text, for mistakes that only the disk can tell; the source's system where there is none.
    pub snapshot_span: Range<usize>,
    /// The URL of a server on which the snapshot's dump was restored, without its password.
    pub server: Option<String>,
}

/// A table of a source.
#[derive(Clone, Debug, Default)]
pub struct TableSpec {
    /// Key columns.
    pub key: Vec<String>,
    /// What columns mean.
    pub fields: BTreeMap<String, FieldMeaning>,
    /// To whom a row of this table belongs, where it is no person itself.
    pub person: Option<PersonLink>,
    /// Foreign keys: column to `table.column`.
    pub references: BTreeMap<String, (String, String)>,
    /// Where the table stands in the text.
    pub span: Range<usize>,
    /// Where each column is named in the text.
    pub column_spans: BTreeMap<String, Range<usize>>,
}

/// `person = { table = "customers", column = "customer_id" }`: this column holds the key of that table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonLink {
    /// The table of persons.
    pub table: String,
    /// The column of this table that names the row there.
    pub column: String,
}

/// A set of evidence files.
#[derive(Clone, Debug)]
pub struct EvidenceSpec {
    /// Glob, relative to the case folder.
    pub path: String,
    /// `auto`, a named format, or a `log_format` string.
    pub format: String,
    /// The source that the logged server spoke to.
    pub source: String,
    /// Zone for formats that carry none.
    pub timezone: Option<TimeZone>,
    /// Copy the files, encrypted, into the case instead of referring to them where they lie.
    pub copy: bool,
    /// Where `path` stands in the text.
    pub path_span: Range<usize>,
}

/// Where a request carries a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterPlace {
    /// The query string.
    Query,
    /// A form body.
    Form,
    /// A cookie.
    Cookie,
    /// A piece of the path.
    Path,
    /// A header.
    Header,
    /// A JSON body.
    Json,
}

/// What of a result a page shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// Every row.
    Rows,
    /// The first row.
    FirstRow,
    /// Whether there is one.
    Exists,
    /// Nothing.
    Nothing,
}

/// What the investigator read in the shop's source code about one parameter.
#[derive(Clone, Debug)]
pub struct EndpointSpec {
    /// Request method.
    pub method: String,
    /// Path; `<id>` stands for one segment.
    pub path: String,
    /// Parameter name, or `<id>`.
    pub parameter: String,
    /// Where the request carries it.
    pub place: ParameterPlace,
    /// The SQL around it; `{p}` is pasted raw, `?` is bound.
    pub sql: String,
    /// What the page shows.
    pub shows: Shows,
    /// Whether the page may show the database's error text.
    pub errors: bool,
}

/// A rule that makes exposures.
#[derive(Clone, Debug)]
pub enum RuleSpec {
    /// Replay of the intruder's statements.
    Replay,
    /// Whoever used the service in a period.
    Window(WindowRule),
    /// Records fetched by their number.
    Access(AccessRule),
    /// A dump or list that was found.
    File(FileRule),
}

/// Whoever used the service in a period.
#[derive(Clone, Debug)]
pub struct WindowRule {
    /// The source; the only one, where the rule names none.
    pub source: String,
    /// The table of uses.
    pub table: String,
    /// Its column of time.
    pub column: String,
    /// First day.
    pub from: civil::Date,
    /// Last day, inclusive.
    pub to: civil::Date,
    /// Columns that must hold these values.
    pub filter: BTreeMap<String, String>,
    /// (table, column) of the cells that are exposed.
    pub exposes: Vec<(String, String)>,
    /// The conclusion.
    pub verdict: Verdict,
}

/// How mail leaves.
#[derive(Clone, Debug)]
pub struct MailSpec {
    /// `Customer desk <notice@kakehashi.example>`
    pub from: String,
    /// `smtp://`, `smtps://`; several = failover.
    pub smtp: Vec<String>,
    /// The portal's address as people type it (`https://kakehashi.example`), without a slash at the end.
    pub portal: String,
    /// SMTP sessions at the same time.
    pub connections: u16,
    /// Where bounces go (`bounces@kakehashi.example`): each notice gets an address of its own within it. None: to the sender.
    pub return_path: Option<String>,
    /// The keys that sign every mail (RFC 6376).
    pub dkim: Vec<DkimSpec>,
    /// The certificate of the listener for what comes back; none: it takes mail in clear.
    pub bounces_tls: Option<CertificateSpec>,
    /// Mails in a minute, at most.
    pub per_minute: Option<u32>,
    /// Mails in a minute to one recipient domain, at most.
    pub per_domain_minute: Option<u32>,
}

/// The envelope through whose window a letter's address is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// Japanese long envelope number 3 (JIS S 5502, 120 x 235 mm).
    Naga3,
    /// DL (ISO 269, 110 x 220 mm).
    Dl,
}

/// How letters leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LettersSpec {
    /// The envelope.
    pub window: Window,
    /// Where batches for the print shop are written, within the case folder.
    pub folder: String,
    /// The address to which the post brings back what it cannot deliver, as lines.
    pub sender: Vec<String>,
    /// Letters in one batch, at most.
    pub batch_max: u32,
}

/// Who must agree before anything is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ApprovalRule {
    /// A second person, in the console.
    #[default]
    TwoPerson,
    /// Nobody: a rehearsal.
    None,
}

/// How telling is planned, and what the forecast reckons with.
#[derive(Clone, Debug, PartialEq)]
pub struct NotifySpec {
    /// Who must agree.
    pub approval: ApprovalRule,
    /// Where most people live (ISO 3166-1, two letters): addresses elsewhere are listed as foreign.
    pub country: String,
    /// Calls that a hundred notices bring.
    pub calls_per_hundred: f64,
    /// Minutes that a call takes.
    pub call_minutes: f64,
    /// People at the desk.
    pub desk_agents: Option<u32>,
    /// Whether no more notices go out in an hour than the desk can answer calls for.
    pub desk_pace: bool,
    /// A reminder goes out for rights that end within so many days.
    pub remind_days: u32,
    /// What one letter costs, in the currency's smallest usual unit.
    pub letter_cost: u64,
    /// ISO 4217.
    pub letter_currency: String,
}

impl Default for NotifySpec {
    /// What stands where the case file says nothing: assumptions for a first forecast, no findings. docs/notify.md.
    fn default() -> Self {
        Self {
            approval: ApprovalRule::TwoPerson,
            country: "JP".into(),
            calls_per_hundred: 5.0,
            call_minutes: 8.0,
            desk_agents: None,
            desk_pace: false,
            remind_days: 30,
            letter_cost: 200,
            letter_currency: "JPY".into(),
        }
    }
}

impl NotifySpec {
    /// Notices an hour at which the calls are no more than the desk can take; none where its size is not written.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a forecast is rough")]
    pub fn notices_an_hour(&self) -> Option<u32> {
        let calls_an_hour = f64::from(self.desk_agents?) * 60.0 / self.call_minutes;
        Some(((calls_an_hour * 100.0 / self.calls_per_hundred) as u32).max(1))
    }

    /// The same, where sending must keep to it.
    pub fn per_hour(&self) -> Option<u32> {
        self.notices_an_hour().filter(|_| self.desk_pace)
    }
}

/// A DKIM key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DkimSpec {
    /// Its name in the DNS: the public key is at `SELECTOR._domainkey.DOMAIN`.
    pub selector: String,
    /// The file of the private key (PEM, PKCS #8) in the case's vault folder.
    pub key: String,
}

/// A certificate of a listener.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateSpec {
    /// The file of the certificate and those above it (PEM), from the case folder on or absolute.
    pub certificate: String,
    /// The file of its private key (PEM), likewise.
    pub key: String,
    /// Whether nothing is taken without it.
    #[serde(default)]
    pub required: bool,
}

/// Who holds a remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemedyTo {
    /// Persons with a proved exposure.
    Proved,
    /// Persons with a proved or possible exposure.
    Affected,
}

/// What a remedy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemedyKind {
    /// Money off the next use.
    Coupon,
}

/// What people are owed.
#[derive(Clone, Debug)]
pub struct RemedySpec {
    /// What it is.
    pub kind: RemedyKind,
    /// In the currency's smallest usual unit as written (yen).
    pub amount: u64,
    /// ISO 4217.
    pub currency: String,
    /// To whom.
    pub to: RemedyTo,
    /// Last day on which it can be used.
    pub until: Option<civil::Date>,
}

/// Something that happened, for the chronicle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventSpec {
    /// When.
    pub time: EventTime,
    /// What happened, in the languages of the pages; figures in it are facts, by their `{name}`.
    pub words: BTreeMap<Language, String>,
    /// Whether it is chosen for the public.
    pub publish: bool,
    /// Whether it may name machines of the attacker.
    pub infrastructure: bool,
}

/// When something happened: written, or computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventTime {
    /// As written, milliseconds since 1970 UTC.
    At(i64),
    /// The first statement of the attack that exposed something.
    AttackFirst,
    /// The last.
    AttackLast,
    /// When the newest scope version was frozen.
    Frozen,
    /// When the first notice was accepted.
    FirstNotice,
    /// When the last was.
    LastNotice,
}

/// The words for computed times.
const EVENT_TIMES: [(&str, EventTime); 5] = [
    ("attack_first", EventTime::AttackFirst),
    ("attack_last", EventTime::AttackLast),
    ("frozen", EventTime::Frozen),
    ("first_notice", EventTime::FirstNotice),
    ("last_notice", EventTime::LastNotice),
];

/// Where the live store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreSpec {
    /// `.kintsugi/case.db`
    Sqlite,
    /// A PostgreSQL URL.
    Postgres(String),
}

impl CaseFile {
    /// Reads the text of a `case.toml`.
    pub fn parse(text: &str) -> Result<Self, Vec<Mistake>> {
        let raw: raw::Case = toml::from_str(text).map_err(|error| vec![Mistake::from_toml(&error, text)])?;
        check::Checker::default().case(raw)
    }

    /// The source with this name.
    pub fn source(&self, name: &str) -> Option<&SourceSpec> {
        self.sources.iter().find(|source| source.name == name)
    }
}

impl Mistake {
    /// Line and column (both from 1, columns in characters) of the start in `text`.
    pub fn line_column(&self, text: &str) -> (usize, usize) {
        let start = self.span.start.min(text.len());
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    fn from_toml(error: &toml::de::Error, text: &str) -> Self {
        let message = error.message().to_owned();
        let span = error.span().unwrap_or(0..text.len().min(1));
        match unknown_field(&message) {
            Some((typed, expected)) => Self {
                span,
                message: format!("`{typed}` is not a key here"),
                help: nearest(&typed, expected.iter().map(String::as_str)),
            },
            None => Self { span, message, help: "docs/case-file.md shows the format with an example".into() },
        }
    }
}

/// Takes serde's "unknown field `x`, expected one of `a`, `b`" apart.
fn unknown_field(message: &str) -> Option<(String, Vec<String>)> {
    let rest = message.strip_prefix("unknown field ").or_else(|| message.strip_prefix("unknown variant "))?;
    let mut words = rest.split('`').skip(1).step_by(2).map(str::to_owned);
    Some((words.next()?, words.collect()))
}

/// "Did you mean", or the whole list where nothing is near.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let best = known.iter().map(|word| (strsim::damerau_levenshtein(typed, word), word)).min();
    match best {
        Some((distance, word)) if distance <= 1 + typed.chars().count() / 3 => format!("did you mean `{word}`?"),
        _ if known.is_empty() => "nothing is defined here yet".into(),
        _ => format!("known are: {}", known.join(", ")),
    }
}

/// The file as typed. What it means after checks and defaults are the public types above.
mod raw {
    use super::{BTreeMap, CertificateSpec, Contact, Deserialize, DkimSpec, Spanned};

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Case {
        pub(super) version: Spanned<u32>,
        pub(super) case: Header,
        pub(super) controller: Controller,
        #[serde(default)]
        pub(super) source: Vec<Source>,
        #[serde(default)]
        pub(super) evidence: Vec<Evidence>,
        #[serde(default)]
        pub(super) endpoint: Vec<Endpoint>,
        #[serde(default)]
        pub(super) rule: Vec<Spanned<Rule>>,
        #[serde(default)]
        pub(super) fact: Vec<Fact>,
        #[serde(default)]
        pub(super) event: Vec<Spanned<Event>>,
        pub(super) mail: Option<Mail>,
        pub(super) letters: Option<Letters>,
        pub(super) notify: Option<Notify>,
        #[serde(default)]
        pub(super) remedy: Vec<Remedy>,
        pub(super) store: Option<Store>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Header {
        pub(super) id: String,
        pub(super) title: String,
        pub(super) timezone: Spanned<String>,
        pub(super) aware_at: Option<Spanned<toml::value::Datetime>>,
        pub(super) languages: Vec<Spanned<String>>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Controller {
        pub(super) name: String,
        pub(super) domain: String,
        pub(super) brands: Vec<String>,
        #[serde(default)]
        pub(super) contact: Contact,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Source {
        pub(super) name: String,
        pub(super) dbms: Spanned<String>,
        pub(super) snapshot: Option<Spanned<String>>,
        #[serde(default)]
        pub(super) csv: Csv,
        pub(super) taken_at: Option<Spanned<toml::value::Datetime>>,
        pub(super) server: Option<Spanned<String>>,
        #[serde(default)]
        pub(super) tables: BTreeMap<String, Spanned<Table>>,
    }

    #[derive(Deserialize, Default)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Csv {
        pub(super) header: Option<bool>,
        pub(super) delimiter: Option<Spanned<String>>,
        pub(super) null: Option<String>,
        pub(super) encoding: Option<Spanned<String>>,
    }

    #[derive(Deserialize, Clone)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Table {
        #[serde(default)]
        pub(super) key: Vec<Spanned<String>>,
        #[serde(default)]
        pub(super) fields: BTreeMap<Spanned<String>, Spanned<String>>,
        pub(super) person: Option<Person>,
        #[serde(default)]
        pub(super) references: BTreeMap<Spanned<String>, Spanned<String>>,
    }

    #[derive(Deserialize, Clone)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Person {
        pub(super) table: Spanned<String>,
        pub(super) column: Spanned<String>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Evidence {
        pub(super) path: Spanned<String>,
        pub(super) format: Option<String>,
        pub(super) source: Spanned<String>,
        pub(super) timezone: Option<Spanned<String>>,
        pub(super) copy: Option<bool>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Endpoint {
        pub(super) method: String,
        pub(super) path: String,
        pub(super) parameter: String,
        #[serde(rename = "where")]
        pub(super) place: Spanned<String>,
        pub(super) sql: String,
        pub(super) shows: Spanned<String>,
        #[serde(default)]
        pub(super) errors: bool,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Event {
        pub(super) at: Option<Spanned<toml::value::Datetime>>,
        pub(super) of: Option<Spanned<String>>,
        #[serde(default)]
        pub(super) publish: bool,
        #[serde(default)]
        pub(super) infrastructure: bool,
        pub(super) ja: Option<String>,
        pub(super) en: Option<String>,
    }

    /// One struct for every kind: serde's tagged enums lose the spans that mistakes need.
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Rule {
        pub(super) kind: Spanned<String>,
        pub(super) source: Option<Spanned<String>>,
        pub(super) table: Option<Spanned<String>>,
        pub(super) column: Option<String>,
        pub(super) from: Option<Spanned<toml::value::Datetime>>,
        pub(super) to: Option<Spanned<toml::value::Datetime>>,
        #[serde(rename = "where", default)]
        pub(super) filter: BTreeMap<String, toml::Value>,
        #[serde(default)]
        pub(super) exposes: Vec<Spanned<String>>,
        pub(super) verdict: Option<Spanned<String>>,
        pub(super) request: Option<Spanned<String>>,
        #[serde(default)]
        pub(super) parts: Vec<Spanned<String>>,
        pub(super) suspect: Option<Suspect>,
        pub(super) evidence: Option<Spanned<String>>,
        pub(super) served_at: Option<Spanned<String>>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Suspect {
        pub(super) persons_per_actor_min: Option<Spanned<u64>>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Fact {
        pub(super) name: String,
        pub(super) value: Spanned<toml::Value>,
        pub(super) as_of: toml::value::Datetime,
        pub(super) source: String,
        #[serde(default)]
        pub(super) replaces: bool,
    }

    #[derive(Deserialize)]
    #[serde(untagged)]
    pub(super) enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Mail {
        pub(super) from: String,
        pub(super) smtp: OneOrMany,
        pub(super) portal: Option<String>,
        pub(super) connections: Option<u16>,
        pub(super) return_path: Option<Spanned<String>>,
        #[serde(default)]
        pub(super) dkim: Vec<Spanned<DkimSpec>>,
        pub(super) bounces_tls: Option<CertificateSpec>,
        pub(super) per_minute: Option<u32>,
        pub(super) per_domain_minute: Option<u32>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Letters {
        pub(super) window: Option<Spanned<String>>,
        pub(super) folder: Option<Spanned<String>>,
        pub(super) sender: Spanned<Vec<String>>,
        pub(super) batch_max: Option<Spanned<u32>>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Notify {
        pub(super) approval: Option<Spanned<String>>,
        pub(super) country: Option<String>,
        pub(super) calls_per_hundred: Option<f64>,
        pub(super) call_minutes: Option<f64>,
        pub(super) desk_agents: Option<u32>,
        pub(super) desk_pace: Option<Spanned<bool>>,
        pub(super) remind_days: Option<u32>,
        pub(super) letter_cost: Option<u64>,
        pub(super) letter_currency: Option<String>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Remedy {
        pub(super) kind: Spanned<String>,
        pub(super) amount: u64,
        pub(super) currency: String,
        pub(super) to: Spanned<String>,
        pub(super) until: Option<Spanned<toml::value::Datetime>>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Store {
        pub(super) url: Spanned<String>,
    }
}

/// From what was typed to what it means. Collects every mistake instead of stopping at the first.
mod check {
    use super::{
        AccessRule, ApprovalRule, BTreeMap, CaseFile, CaseHeader, ColumnName, Controller, CsvOptions, Dbms, DkimSpec,
        EVENT_TIMES, Encoding, EndpointSpec, EventSpec, EventTime, EvidenceSpec, Fact, FactKind, FactValue, FieldMeaning,
        FileRule, Language, LettersSpec, MailSpec, Mistake, NotifySpec, ParameterPlace, PersonLink, Range, RemedyKind,
        RemedySpec, RemedyTo, RequestPattern, RuleSpec, Shows, SourceSpec, Spanned, StoreSpec, TableSpec, TimeZone, Timestamp,
        Verdict, Window, WindowRule, civil, nearest, raw,
    };

    const DBMS: [(&str, Dbms); 4] =
        [("mariadb", Dbms::MariaDb), ("mysql", Dbms::MySql), ("postgresql", Dbms::PostgreSql), ("sqlite", Dbms::Sqlite)];
    const ENCODINGS: [(&str, Encoding); 3] =
        [("utf-8", Encoding::Utf8), ("shift_jis", Encoding::ShiftJis), ("euc-jp", Encoding::EucJp)];
    const PLACES: [(&str, ParameterPlace); 6] = [
        ("query", ParameterPlace::Query),
        ("form", ParameterPlace::Form),
        ("cookie", ParameterPlace::Cookie),
        ("path", ParameterPlace::Path),
        ("header", ParameterPlace::Header),
        ("json", ParameterPlace::Json),
    ];
    const SHOWS: [(&str, Shows); 4] =
        [("rows", Shows::Rows), ("first-row", Shows::FirstRow), ("exists", Shows::Exists), ("nothing", Shows::Nothing)];
    const VERDICTS: [(&str, Verdict); 3] =
        [("proved", Verdict::Proved), ("possible", Verdict::Possible), ("excluded", Verdict::Excluded)];
    /// An actor who reads fewer persons than this reads their own, where the case file does not say.
    const PERSONS_PER_ACTOR_MIN: u64 = 20;
    const RECEIVERS: [(&str, RemedyTo); 2] = [("proved", RemedyTo::Proved), ("affected", RemedyTo::Affected)];
    const APPROVALS: [(&str, ApprovalRule); 2] = [("two-person", ApprovalRule::TwoPerson), ("none", ApprovalRule::None)];
    const WINDOWS: [(&str, Window); 2] = [("naga3", Window::Naga3), ("dl", Window::Dl)];
    /// Lines of a return address: more would not stand beside the window.
    const SENDER_LINES_MAX: usize = 5;
    /// Letters in a batch: more make files that print shops cannot open.
    const BATCH_MAX: std::ops::RangeInclusive<u32> = 1..=5_000;
    const REMEDIES: [(&str, RemedyKind); 1] = [("coupon", RemedyKind::Coupon)];

    #[derive(Default)]
    pub(super) struct Checker {
        mistakes: Vec<Mistake>,
    }

    impl Checker {
        pub(super) fn case(mut self, raw: raw::Case) -> Result<CaseFile, Vec<Mistake>> {
            if *raw.version.get_ref() != 1 {
                self.wrong(raw.version.span(), "this program reads case files of version 1".into(), "write version = 1".into());
            }
            let case = self.header(raw.case);
            let controller = self.controller(raw.controller);
            let sources: Vec<_> = raw.source.into_iter().map(|source| self.source(source, &case.timezone)).collect();
            let evidence = raw.evidence.into_iter().map(|spec| self.evidence(spec, &sources)).collect();
            let endpoints = raw.endpoint.into_iter().map(|endpoint| self.endpoint(endpoint)).collect();
            let rules = raw.rule.into_iter().filter_map(|rule| self.rule(rule, &sources)).collect();
            let facts = raw.fact.into_iter().map(|fact| self.fact(fact)).collect();
            let events = raw.event.into_iter().filter_map(|event| self.event(event, &case.timezone)).collect();
            let remedies = raw.remedy.into_iter().map(|remedy| self.remedy(remedy)).collect();
            let store = self.store(raw.store);
            let mail = raw.mail.map(|mail| self.mail(mail, &controller.domain));
            let notify = raw.notify.map_or_else(NotifySpec::default, |notify| self.notify(notify));
            let letters = raw.letters.map(|letters| self.letters(letters));
            let file = CaseFile {
                case,
                controller,
                sources,
                evidence,
                endpoints,
                rules,
                facts,
                events,
                mail,
                letters,
                notify,
                remedies,
                store,
            };
            if self.mistakes.is_empty() { Ok(file) } else { Err(self.mistakes) }
        }

        fn wrong(&mut self, span: Range<usize>, message: String, help: String) {
            self.mistakes.push(Mistake { span, message, help });
        }

        /// The meaning of a word out of a closed list; the first of the list stands in after a mistake.
        fn word<T: Copy>(&mut self, typed: &Spanned<String>, what: &str, known: &[(&str, T)]) -> T {
            if let Some((_, value)) = known.iter().find(|(name, _)| *name == typed.get_ref().as_str()) {
                return *value;
            }
            let help = nearest(typed.get_ref(), known.iter().map(|(name, _)| *name));
            self.wrong(typed.span(), format!("`{}` is no {what}", typed.get_ref()), help);
            known[0].1
        }

        fn zone(&mut self, typed: &Spanned<String>) -> TimeZone {
            TimeZone::get(typed.get_ref()).unwrap_or_else(|_| {
                let message = format!("`{}` is no time zone", typed.get_ref());
                self.wrong(typed.span(), message, "names are those of the IANA database, such as \"Asia/Tokyo\"".into());
                TimeZone::UTC
            })
        }

        fn time(&mut self, typed: &Spanned<toml::value::Datetime>, zone: &TimeZone) -> Option<Timestamp> {
            let text = typed.get_ref().to_string().replacen(' ', "T", 1);
            let with_offset = text.parse::<Timestamp>().ok();
            let civil = || text.parse::<civil::DateTime>().ok()?.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp());
            let time = with_offset.or_else(civil);
            if time.is_none() {
                self.wrong(typed.span(), "a date and a time are needed".into(), "such as 2013-04-23T17:00:00+09:00".into());
            }
            time
        }

        fn date(&mut self, typed: &Spanned<toml::value::Datetime>) -> civil::Date {
            let text = typed.get_ref().to_string();
            text.get(..10).and_then(|day| day.parse().ok()).unwrap_or_else(|| {
                self.wrong(typed.span(), "a date is needed".into(), "such as 2013-04-23".into());
                civil::Date::ZERO
            })
        }

        fn header(&mut self, raw: raw::Header) -> CaseHeader {
            let timezone = self.zone(&raw.timezone);
            let aware_at = raw.aware_at.and_then(|at| self.time(&at, &timezone));
            let known = Language::ALL.map(|language| (language.tag(), language));
            let mut languages: Vec<_> =
                raw.languages.iter().map(|tag| self.word(tag, "language of the product", &known)).collect();
            if languages.is_empty() {
                languages.push(Language::default());
            }
            CaseHeader { id: raw.id, title: raw.title, timezone, aware_at, languages }
        }

        fn controller(&mut self, raw: raw::Controller) -> Controller {
            Controller { name: raw.name, domain: raw.domain, brands: raw.brands, contact: raw.contact }
        }

        fn source(&mut self, raw: raw::Source, zone: &TimeZone) -> SourceSpec {
            let names: Vec<String> = raw.tables.keys().cloned().collect();
            let tables = raw.tables.into_iter().map(|(name, table)| (name, self.table(table, &names))).collect();
            let dbms = self.word(&raw.dbms, "database system", &DBMS);
            SourceSpec {
                name: raw.name,
                dbms,
                server: raw.server.and_then(|url| self.server(&url, dbms)),
                snapshot_span: raw.snapshot.as_ref().map_or(raw.dbms.span(), Spanned::span),
                snapshot: raw.snapshot.map(Spanned::into_inner),
                csv: self.csv(raw.csv),
                taken_at: raw.taken_at.and_then(|at| self.time(&at, zone)),
                tables,
            }
        }

        /// The server of a source: of its kind, and without a password, which does not belong in a file that is passed around.
        fn server(&mut self, url: &Spanned<String>, dbms: Dbms) -> Option<String> {
            match dbms.server_mistake(url.get_ref()) {
                None => Some(url.get_ref().clone()),
                Some((message, help)) => {
                    self.wrong(url.span(), message.into(), help.into());
                    None
                }
            }
        }

        fn csv(&mut self, raw: raw::Csv) -> CsvOptions {
            let delimiter = raw.delimiter.map_or(b',', |typed| match typed.get_ref().as_bytes() {
                [one] => *one,
                _ => {
                    self.wrong(typed.span(), "the delimiter is one ASCII character".into(), "such as \",\" or \"\\t\"".into());
                    b','
                }
            });
            CsvOptions {
                header: raw.header.unwrap_or(true),
                delimiter,
                null: raw.null.unwrap_or_else(|| "\\N".into()),
                encoding: raw.encoding.map_or(Encoding::Utf8, |typed| self.word(&typed, "encoding", &ENCODINGS)),
            }
        }

        fn table(&mut self, raw: Spanned<raw::Table>, tables: &[String]) -> TableSpec {
            let span = raw.span();
            let raw = raw.into_inner();
            let mut column_spans = BTreeMap::new();
            for column in raw.key.iter().chain(raw.fields.keys()).chain(raw.references.keys()) {
                column_spans.insert(column.get_ref().clone(), column.span());
            }
            let known = FieldMeaning::ALL.map(|meaning| (meaning.name(), meaning));
            let fields = raw
                .fields
                .iter()
                .map(|(c, meaning)| (c.get_ref().clone(), self.word(meaning, "meaning of a field", &known)))
                .collect();
            let references =
                raw.references.iter().filter_map(|(c, to)| Some((c.get_ref().clone(), self.reference(to, tables)?))).collect();
            let person = raw.person.map(|link| {
                self.known_table(&link.table, tables);
                column_spans.insert(link.column.get_ref().clone(), link.column.span());
                PersonLink { table: link.table.into_inner(), column: link.column.into_inner() }
            });
            let key = raw.key.into_iter().map(Spanned::into_inner).collect();
            TableSpec { key, fields, person, references, span, column_spans }
        }

        fn known_table(&mut self, typed: &Spanned<String>, tables: &[String]) {
            if !tables.contains(typed.get_ref()) {
                let help = nearest(typed.get_ref(), tables.iter().map(String::as_str));
                self.wrong(typed.span(), format!("there is no table `{}`", typed.get_ref()), help);
            }
        }

        /// `customers.id` as (table, column); the table must be one of `tables`.
        fn reference(&mut self, typed: &Spanned<String>, tables: &[String]) -> Option<(String, String)> {
            let Some((table, column)) = typed.get_ref().split_once('.') else {
                self.wrong(typed.span(), "a column is named with its table".into(), "such as \"customers.id\"".into());
                return None;
            };
            self.known_table(&Spanned::new(typed.span(), table.to_owned()), tables);
            Some((table.to_owned(), column.to_owned()))
        }

        fn known_source(&mut self, typed: &Spanned<String>, sources: &[SourceSpec]) {
            if !sources.iter().any(|source| source.name == *typed.get_ref()) {
                let help = nearest(typed.get_ref(), sources.iter().map(|source| source.name.as_str()));
                self.wrong(typed.span(), format!("there is no source `{}`", typed.get_ref()), help);
            }
        }

        fn evidence(&mut self, raw: raw::Evidence, sources: &[SourceSpec]) -> EvidenceSpec {
            self.known_source(&raw.source, sources);
            EvidenceSpec {
                path_span: raw.path.span(),
                path: raw.path.into_inner(),
                format: raw.format.unwrap_or_else(|| "auto".into()),
                source: raw.source.into_inner(),
                timezone: raw.timezone.map(|zone| self.zone(&zone)),
                copy: raw.copy.unwrap_or(false),
            }
        }

        fn endpoint(&mut self, raw: raw::Endpoint) -> EndpointSpec {
            EndpointSpec {
                method: raw.method,
                path: raw.path,
                parameter: raw.parameter,
                place: self.word(&raw.place, "place of a parameter", &PLACES),
                sql: raw.sql,
                shows: self.word(&raw.shows, "way of showing a result", &SHOWS),
                errors: raw.errors,
            }
        }

        fn rule(&mut self, raw: Spanned<raw::Rule>, sources: &[SourceSpec]) -> Option<RuleSpec> {
            let span = raw.span();
            let raw = raw.into_inner();
            match raw.kind.get_ref().as_str() {
                "replay" => Some(RuleSpec::Replay),
                "window" => self.window(raw, span, sources).map(RuleSpec::Window),
                "access" => self.access(raw, span, sources).map(RuleSpec::Access),
                "file" => self.file(raw, span, sources).map(RuleSpec::File),
                other => {
                    let help = nearest(other, ["replay", "window", "access", "file"]);
                    self.wrong(raw.kind.span(), format!("there is no rule `{other}`"), help);
                    None
                }
            }
        }

        fn window(&mut self, raw: raw::Rule, span: Range<usize>, sources: &[SourceSpec]) -> Option<WindowRule> {
            let (Some(table), Some(column), Some(from), Some(to)) = (raw.table, raw.column, raw.from, raw.to) else {
                self.wrong(span, "a window rule needs table, column, from and to".into(), "see docs/case-file.md".into());
                return None;
            };
            let (source, tables) = self.rule_source(raw.source, sources);
            self.known_table(&table, &tables);
            Some(WindowRule {
                source,
                table: table.into_inner(),
                column,
                from: self.date(&from),
                to: self.date(&to),
                filter: raw.filter.into_iter().map(|(column, value)| (column, plain(&value))).collect(),
                exposes: raw.exposes.iter().filter_map(|cell| self.reference(cell, &tables)).collect(),
                verdict: raw.verdict.map_or(Verdict::Possible, |typed| self.word(&typed, "verdict", &VERDICTS)),
            })
        }

        /// The source of a rule (the first, where it names none) and its tables.
        fn rule_source(&mut self, named: Option<Spanned<String>>, sources: &[SourceSpec]) -> (String, Vec<String>) {
            if let Some(name) = &named {
                self.known_source(name, sources);
            }
            let source = match named {
                Some(name) => name.into_inner(),
                None => sources.first().map(|source| source.name.clone()).unwrap_or_default(),
            };
            let tables = sources.iter().filter(|s| s.name == source).flat_map(|s| s.tables.keys().cloned()).collect();
            (source, tables)
        }

        fn access(&mut self, raw: raw::Rule, span: Range<usize>, sources: &[SourceSpec]) -> Option<AccessRule> {
            let Some(request) = raw.request.filter(|_| !raw.exposes.is_empty()) else {
                let example = "such as request = \"GET /api/orders/{orders.id}.json\", exposes = [\"orders.id\"]";
                self.wrong(span, "an access rule needs request and exposes".into(), example.into());
                return None;
            };
            let (source, tables) = self.rule_source(raw.source, sources);
            let pattern = self.request_pattern(&request, &tables)?;
            let suspect = raw.suspect.and_then(|suspect| suspect.persons_per_actor_min);
            if let Some(zero) = suspect.as_ref().filter(|persons| *persons.get_ref() == 0) {
                self.wrong(zero.span(), "everybody reads 0 persons or more".into(), "write 2 or more".into());
            }
            Some(AccessRule {
                source,
                request: pattern,
                exposes: raw.exposes.iter().filter_map(|cell| self.column_name(cell, &tables)).collect(),
                parts: raw.parts.iter().filter_map(|cell| self.column_name(cell, &tables)).collect(),
                persons_per_actor_min: suspect.map_or(PERSONS_PER_ACTOR_MIN, Spanned::into_inner),
                span: request.span(),
            })
        }

        fn request_pattern(&mut self, typed: &Spanned<String>, tables: &[String]) -> Option<RequestPattern> {
            match RequestPattern::parse(typed.get_ref()) {
                Ok(pattern) => {
                    let table = pattern.table().unwrap_or_default().to_owned();
                    self.known_table(&Spanned::new(typed.span(), table), tables);
                    Some(pattern)
                }
                Err(reason) => {
                    self.wrong(typed.span(), reason, "such as \"GET /api/orders/{orders.id}.json\"".into());
                    None
                }
            }
        }

        fn column_name(&mut self, typed: &Spanned<String>, tables: &[String]) -> Option<ColumnName> {
            self.reference(typed, tables).map(|(table, column)| ColumnName { table, column, span: typed.span() })
        }

        fn file(&mut self, raw: raw::Rule, span: Range<usize>, sources: &[SourceSpec]) -> Option<FileRule> {
            let Some(evidence) = raw.evidence else {
                self.wrong(span, "a file rule needs evidence".into(), "such as evidence = \"found/customers.csv\"".into());
                return None;
            };
            if let Some(path) = raw.served_at.as_ref().filter(|path| !path.get_ref().starts_with('/')) {
                let message = format!("`{}` is no path on a server", path.get_ref());
                self.wrong(path.span(), message, "such as \"/backup/customers.csv\"".into());
            }
            let (source, _) = self.rule_source(raw.source, sources);
            let span = evidence.span();
            Some(FileRule { source, evidence: evidence.into_inner(), served_at: raw.served_at.map(Spanned::into_inner), span })
        }

        fn event(&mut self, raw: Spanned<raw::Event>, timezone: &TimeZone) -> Option<EventSpec> {
            let span = raw.span();
            let raw::Event { at, of, publish, infrastructure, ja, en } = raw.into_inner();
            let time = match (at, of) {
                (Some(at), None) => EventTime::At(self.time(&at, timezone)?.as_millisecond()),
                (None, Some(of)) => self.word(&of, "time of an event", &EVENT_TIMES),
                _ => {
                    self.wrong(
                        span,
                        "an event has a time".into(),
                        "write `at = 2013-04-23T17:00:00+09:00`, or `of = \"frozen\"`".into(),
                    );
                    return None;
                }
            };
            let words = [(Language::Ja, ja), (Language::En, en)].into_iter();
            let words = words.filter_map(|(language, words)| Some((language, words?))).collect();
            Some(EventSpec { time, words, publish, infrastructure })
        }

        fn fact(&mut self, raw: raw::Fact) -> Fact {
            let value = match raw.value.get_ref() {
                toml::Value::Integer(number) => FactValue::Number(*number),
                toml::Value::Datetime(at) => FactValue::Date(at.to_string()),
                toml::Value::String(text) => FactValue::Text(text.clone()),
                _ => {
                    self.wrong(raw.value.span(), "a fact is a number, a date or a text".into(), "write one of these".into());
                    FactValue::Text(String::new())
                }
            };
            Fact {
                name: raw.name,
                value,
                as_of: raw.as_of.to_string(),
                source: raw.source,
                query: String::new(),
                scope_version: 0,
                kind: FactKind::Entered,
                replaces: raw.replaces,
            }
        }

        fn mail(&mut self, raw: raw::Mail, domain: &str) -> MailSpec {
            let smtp = match raw.smtp {
                raw::OneOrMany::One(url) => vec![url],
                raw::OneOrMany::Many(urls) => urls,
            };
            let portal = raw.portal.unwrap_or_else(|| format!("https://{domain}"));
            MailSpec {
                from: raw.from,
                smtp,
                portal: portal.trim_end_matches('/').to_owned(),
                connections: raw.connections.unwrap_or(8).clamp(1, 64),
                return_path: raw.return_path.map(|address| self.return_path(address)),
                dkim: raw.dkim.into_iter().map(|key| self.dkim(key)).collect(),
                bounces_tls: raw.bounces_tls,
                per_minute: raw.per_minute.filter(|mails| *mails > 0),
                per_domain_minute: raw.per_domain_minute.filter(|mails| *mails > 0),
            }
        }

        fn letters(&mut self, raw: raw::Letters) -> LettersSpec {
            let lines = raw.sender.get_ref();
            if lines.is_empty() || lines.len() > SENDER_LINES_MAX || lines.iter().any(|line| line.trim().is_empty()) {
                let help = "such as sender = [\"〒100-0001\", \"東京都千代田区千代田1-1\"], without the name".into();
                self.wrong(raw.sender.span(), format!("`sender` is 1 to {SENDER_LINES_MAX} lines of an address"), help);
            }
            let batch_max = raw.batch_max.map_or(500, |most| {
                if !BATCH_MAX.contains(most.get_ref()) {
                    let help = "500 is usual".into();
                    self.wrong(most.span(), "`batch_max` is from 1 to 5000 letters".into(), help);
                }
                most.into_inner()
            });
            LettersSpec {
                window: raw.window.map_or(Window::Naga3, |word| self.word(&word, "window", &WINDOWS)),
                folder: raw.folder.map_or_else(|| "letters".into(), |folder| self.outgoing(folder)),
                sender: raw.sender.into_inner(),
                batch_max,
            }
        }

        /// A folder within the case folder: letters are personal data, which a path that leads elsewhere would scatter.
        fn outgoing(&mut self, folder: Spanned<String>) -> String {
            let path = std::path::Path::new(folder.get_ref());
            let within = path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
            if !within || folder.get_ref().is_empty() || folder.get_ref().starts_with('.') {
                let help = "such as folder = \"letters\"".into();
                self.wrong(folder.span(), "`folder` names a folder within the case folder".into(), help);
            }
            folder.into_inner()
        }

        fn notify(&mut self, raw: raw::Notify) -> NotifySpec {
            let usual = NotifySpec::default();
            let some = |number: Option<f64>, usual| number.filter(|number| *number > 0.0).unwrap_or(usual);
            let desk_agents = raw.desk_agents.filter(|agents| *agents > 0);
            let desk_pace = raw.desk_pace.is_some_and(|pace| {
                if *pace.get_ref() && desk_agents.is_none() {
                    let help = "such as desk_agents = 10: how many answer calls".into();
                    self.wrong(pace.span(), "the pace of the desk is not known without `desk_agents`".into(), help);
                }
                pace.into_inner()
            });
            NotifySpec {
                approval: raw.approval.map_or(usual.approval, |word| self.word(&word, "approval", &APPROVALS)),
                country: raw.country.unwrap_or(usual.country).to_uppercase(),
                calls_per_hundred: some(raw.calls_per_hundred, usual.calls_per_hundred),
                call_minutes: some(raw.call_minutes, usual.call_minutes),
                desk_agents,
                desk_pace,
                remind_days: raw.remind_days.filter(|days| *days > 0).unwrap_or(usual.remind_days),
                letter_cost: raw.letter_cost.unwrap_or(usual.letter_cost),
                letter_currency: raw.letter_currency.unwrap_or(usual.letter_currency),
            }
        }

        fn return_path(&mut self, address: Spanned<String>) -> String {
            let named = address.get_ref().split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
            // 64 bytes is the most before the @ (RFC 5321, 4.5.3.1.1); a notice's part takes 30 of them.
            if !named || address.get_ref().split('@').next().unwrap_or_default().len() > 30 {
                let help = "such as return_path = \"bounces@kakehashi.example\", at most 30 letters before the @";
                self.wrong(address.span(), "this is no address for bounces".into(), help.into());
            }
            address.into_inner()
        }

        fn dkim(&mut self, key: Spanned<DkimSpec>) -> DkimSpec {
            if key.get_ref().key.contains(['/', '\\']) {
                let help = "write the file's name alone: keys lie in .kintsugi/vault".to_owned();
                self.wrong(key.span(), "a DKIM key is not taken from elsewhere".into(), help);
            }
            key.into_inner()
        }

        fn remedy(&mut self, raw: raw::Remedy) -> RemedySpec {
            RemedySpec {
                kind: self.word(&raw.kind, "remedy", &REMEDIES),
                amount: raw.amount,
                currency: raw.currency,
                to: self.word(&raw.to, "receiver of a remedy", &RECEIVERS),
                until: raw.until.map(|day| self.date(&day)),
            }
        }

        fn store(&mut self, raw: Option<raw::Store>) -> StoreSpec {
            let Some(raw) = raw else { return StoreSpec::Sqlite };
            match raw.url.get_ref().as_str() {
                "sqlite" => StoreSpec::Sqlite,
                url if url.starts_with("postgres://") || url.starts_with("postgresql://") => StoreSpec::Postgres(url.to_owned()),
                _ => {
                    self.wrong(raw.url.span(), "this is no store".into(), "write \"sqlite\" or a postgres:// URL".into());
                    StoreSpec::Sqlite
                }
            }
        }
    }

    /// A TOML value as the text that a database column holds.
    fn plain(value: &toml::Value) -> String {
        match value {
            toml::Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CaseFile, Dbms};
    use insta::assert_snapshot;

    const GOOD: &str = include_str!("../testdata/case.toml");

    /// The mistakes of `GOOD` with one replacement, as `line:column message (help)`.
    fn mistakes(from: &str, to: &str) -> String {
        let text = GOOD.replacen(from, to, 1);
        assert_ne!(text, GOOD, "{from} is not in the file");
        let found = CaseFile::parse(&text).err().unwrap_or_default();
        let shown = found.iter().map(|m| {
            let (line, column) = m.line_column(&text);
            format!("{line}:{column} {} ({})", m.message, m.help)
        });
        shown.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn an_event_has_a_time_written_or_computed() {
        let events =
            |text: &str| CaseFile::parse(&format!("{GOOD}\n{text}")).map(|case| case.events).map_err(|found| found.len());
        let found =
            events("[[event]]\nof = \"frozen\"\npublish = true\n[[event]]\nat = 2013-04-23T17:00:00+09:00\nja = \"x\"").unwrap();
        assert_eq!((found[0].time, found[0].publish, found[0].words.len()), (super::EventTime::Frozen, true, 0));
        assert_eq!((found[1].time, found[1].publish, found[1].words.len()), (super::EventTime::At(1_366_704_000_000), false, 1));
        for wrong in
            ["ja = \"x\"", "of = \"frozen\"\nat = 2013-04-23T17:00:00Z", "of = \"today\"", "of = \"frozen\"\nwho = \"m\""]
        {
            assert!(events(&format!("[[event]]\n{wrong}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_good_file_is_read_whole() {
        let case = CaseFile::parse(GOOD).unwrap();
        assert_eq!(case.case.year(), 2013);
        assert_eq!(case.sources[0].tables["cards"].person.as_ref().unwrap().column, "customer_id");
        assert_eq!((case.evidence.len(), case.endpoints.len(), case.rules.len(), case.facts.len()), (1, 1, 2, 1));
    }

    #[test]
    fn a_server_is_of_its_sources_kind_and_has_no_password_in_it() {
        let check = |dbms: Dbms, url: &str, expected: Option<&str>| {
            assert_eq!(dbms.server_mistake(url).map(|(message, _)| message), expected, "{url}");
        };
        check(Dbms::MariaDb, "mysql://replay@127.0.0.1:3307/shop", None);
        check(Dbms::PostgreSql, "postgresql://replay@localhost/shop?host=/run/postgresql", None);
        check(Dbms::PostgreSql, "mysql://replay@localhost/shop", Some("this is no server of the source's kind"));
        check(Dbms::MySql, "mysql://replay:x@localhost/shop", Some("a password does not belong in the case file"));
        check(Dbms::Sqlite, "mysql://replay@localhost/shop", Some("SQLite has no server"));
    }

    #[test]
    fn a_typo_in_a_key_names_the_nearest() {
        assert_snapshot!(mistakes("timezone =", "timezome ="), @"5:1 `timezome` is not a key here (did you mean `timezone`?)");
    }

    #[test]
    fn an_unknown_meaning_lists_those_that_exist() {
        assert_snapshot!(mistakes("\"person.email\"", "\"person.mail\""), @"23:42 `person.mail` is no meaning of a field (did you mean `person.email`?)");
        assert_snapshot!(mistakes("\"person.email\"", "\"shoe size\""), @"23:42 `shoe size` is no meaning of a field (known are: card.number, card.expiry, card.code, card.holder, card.brand, person.name, person.name_kana, person.postal_code, person.address, person.phone, person.email, person.birth_date, person.language, person.deceased, person.no_marketing, account.login, account.password_hash, service.brand, service.used_at)");
    }

    #[test]
    fn a_table_that_is_not_there_is_named() {
        assert_snapshot!(mistakes("table = \"customers\"", "table = \"costumers\""), @"26:20 there is no table `costumers` (did you mean `customers`?)");
    }

    #[test]
    fn what_a_rule_lacks_is_named() {
        let window = r#"kind = "window"
table = "orders"
column = "created_at"
from = 2011-03-07
to = 2013-04-23
exposes = ["cards.pan"]"#;
        let rule = |request: &str| format!("kind = \"access\"\nexposes = [\"orders.id\"]\nrequest = \"{request}\"");
        let access = |request: &str| mistakes(window, &rule(request));
        assert_snapshot!(access("GET /orders/{oders.id}"), @"49:11 there is no table `oders` (did you mean `orders`?)");
        assert_snapshot!(access("GET /orders/5"), @r#"49:11 no record is named in the address (such as "GET /api/orders/{orders.id}.json")"#);
        assert_snapshot!(mistakes(window, "kind = \"access\""), @r#"46:1 an access rule needs request and exposes (such as request = "GET /api/orders/{orders.id}.json", exposes = ["orders.id"])"#);
        assert_snapshot!(mistakes(window, "kind = \"file\""), @r#"46:1 a file rule needs evidence (such as evidence = "found/customers.csv")"#);
        assert_snapshot!(mistakes(window, "kind = \"file\"\nevidence = \"a.csv\"\nserved_at = \"backup\""), @r#"49:13 `backup` is no path on a server (such as "/backup/customers.csv")"#);
    }

    #[test]
    fn zones_times_and_words_are_checked() {
        assert_snapshot!(mistakes("\"Asia/Tokyo\"", "\"Tokyo\""), @r#"5:12 `Tokyo` is no time zone (names are those of the IANA database, such as "Asia/Tokyo")"#);
        assert_snapshot!(mistakes("dbms = \"mariadb\"", "dbms = \"maria\""), @"17:8 `maria` is no database system (did you mean `mariadb`?)");
        assert_snapshot!(mistakes("url = \"sqlite\"", "url = \"mongodb://x\""), @r#"69:7 this is no store (write "sqlite" or a postgres:// URL)"#);
    }
}
