//! What can be typed.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Breach response as code: from the evidence of a breach to every affected person found, told, helped and made whole.
#[derive(Debug, Parser)]
#[command(name = "kintsugi", version, about, max_term_width = 100)]
pub(crate) struct Cli {
    /// Results as JSON on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The case folder, wherever a command works on one.
#[derive(Args, Clone, Debug)]
pub(crate) struct Case {
    /// The case folder
    #[arg(default_value = ".", value_name = "CASE")]
    pub(crate) folder: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a new case folder: a case file to fill in, and the templates of the notices
    Init(Case),
    /// Check the case file and what it refers to
    Check(Case),
    /// FIND 1: take in evidence and snapshots: hash, seal, enter in the custody manifest
    Collect(Case),
    /// FIND 2: what did they get? Rules to exposures, cell by cell
    Scope(Scope),
    /// What did they do? A picture of the attack: who, when, by which statements, and what would settle what is left open
    Replay(Replay),
    /// FIND 3: whose was it? Records to persons
    Resolve(Case),
    /// Freeze the scope: numbered, signed, and the only thing anybody is told from
    Freeze(Case),
    /// TELL: one notice per person; a second run sends only what is not yet accepted
    Notify(NotifyArgs),
    /// Whether everything still holds: chains, signatures, the history of every notice, the sum over all persons
    Verify(Case),
    /// Read what came back: bounces, delivery reports, automatic answers
    Bounces(Bounces),
    /// Keys that sign mail (DKIM): make one, and show what the DNS must say
    Dkim(Dkim),
    /// TELL: the notices that no mail can reach, on paper, in batches for the print shop
    Letters(Letters),
    /// The fact book: every fact, what cites it, what contradicts, what must be issued again
    Facts(Facts),
    /// TELL: publish the next version of the statement; earlier versions stay as they were
    Publish(Publish),
    /// MEND: issue the rights and say what they cost
    Remedy(Case),
    /// Every stage in order, from collect to remedy
    Run(Notify),
    /// Serve the portal to the public and the console to staff
    Serve(Serve),
    /// Why: the chain from an answer down to the evidence line
    Why(Why),
    /// Write out what was found
    Export(Export),
    /// Let a person of the staff sign in to the console
    Staff(Staff),
    /// Let a machine of the merchant use the API; prints its key once
    ApiKey(ApiKey),
    /// A loopback mailbox that keeps and shows what would have been delivered
    Mailbox(Mailbox),
    /// Make a breach to rehearse with, of any size, its truth beside it
    Drill(Drill),
}

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct NotifyArgs {
    #[command(subcommand)]
    pub(crate) step: Option<NotifyStep>,
    #[command(flatten)]
    pub(crate) send: Notify,
    /// Send exactly the notices of this sort again
    #[arg(long, value_enum, value_name = "STATE")]
    pub(crate) resend: Option<Resend>,
}

/// What comes before sending.
#[derive(Debug, Subcommand)]
pub(crate) enum NotifyStep {
    /// Remind who was told and has a right that is about to end and nobody redeemed
    Reminder(Follow),
    /// The last word, to everybody who was told
    Closing(Follow),
    /// Answer somebody who wrote back, at the address to which their notice went
    Answer(Answer),
    /// Let every sender of this case wait, on whatever machine it runs
    Pause(Turn),
    /// Let them go on
    Resume(Turn),
    /// Who gets what by which channel, and what it will take; the plan that a second person approves
    Plan(Plan),
    /// Write every edge class and some persons drawn by a seed into a folder, as they would arrive
    Preview(Preview),
    /// Send these to staff, marked as a test
    Test(TestMail),
}

#[derive(Args, Debug)]
pub(crate) struct Preview {
    #[command(flatten)]
    pub(crate) case: Case,
    /// The folder to write into; the case folder's `preview` where none is named
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) drawn: Drawn,
}

#[derive(Args, Debug)]
pub(crate) struct TestMail {
    #[command(flatten)]
    pub(crate) send: Notify,
    /// An address of the staff; may be given several times
    #[arg(long, value_name = "ADDRESS", required = true)]
    pub(crate) to: Vec<String>,
    #[command(flatten)]
    pub(crate) drawn: Drawn,
}

/// Which persons are looked at besides the edge classes.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Drawn {
    /// How many persons are drawn
    #[arg(long, default_value_t = 5)]
    pub(crate) sample: u32,
    /// The seed: the same seed draws the same persons
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Args, Debug)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) case: Case,
    /// Who plans: a name that can sign in to the console. The password is asked for
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
}

/// Who pauses sending or lets it go on.
#[derive(Args, Debug)]
pub(crate) struct Turn {
    #[command(flatten)]
    pub(crate) case: Case,
    /// Who: a name that can sign in to the console. The password is asked for
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
    /// Why; it stands in the case's history
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
}

/// What can be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Resend {
    /// What mail servers refused
    Refused,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Scope {
    #[command(flatten)]
    pub(crate) case: Case,
    /// A server on which the source's dump was restored: recovered SELECTs are evaluated there, read-only, instead of on
    /// SQLite. With several sources SOURCE=URL. The password comes from KINTSUGI_SERVER_PASSWORD
    #[arg(long, value_name = "URL")]
    pub(crate) server: Vec<String>,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Notify {
    #[command(flatten)]
    pub(crate) case: Case,
    /// The mail server, instead of the case file's
    #[arg(long, value_name = "URL")]
    pub(crate) smtp: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Letters {
    #[command(flatten)]
    pub(crate) case: Case,
    /// Read what the print shop returns (notice or sequence, state, reason; printed or returned) instead of making letters
    #[arg(long, value_name = "FILE", conflicts_with = "addresses")]
    pub(crate) returned: Option<PathBuf>,
    /// Read postal addresses (notice, postal_code, address, name) for letters that came back or could not be made
    #[arg(long, value_name = "FILE")]
    pub(crate) addresses: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Bounces {
    /// The Maildir to which `return_path` delivers (what was read goes from `new` to `cur`), then the case folder; with
    /// `--listen` or `--replies` the case folder alone
    #[arg(value_name = "MAILDIR> <CASE", num_args = 0..=2)]
    places: Vec<PathBuf>,
    /// Take mail at this address instead, by LMTP or SMTP, until Ctrl-C or SIGTERM
    #[arg(long, value_name = "ADDRESS", conflicts_with = "replies")]
    pub(crate) listen: Option<SocketAddr>,
    /// Show what people wrote back, and what was answered
    #[arg(long)]
    pub(crate) replies: bool,
}

impl Bounces {
    /// The Maildir, where one is read, and the case folder.
    pub(crate) fn places(&self) -> (Option<PathBuf>, PathBuf) {
        let mut places = self.places.iter().cloned();
        let maildir = if self.listen.is_some() || self.replies { None } else { places.next() };
        (maildir, places.next().unwrap_or_else(|| ".".into()))
    }
}

#[derive(Args, Debug)]
pub(crate) struct Follow {
    #[command(flatten)]
    pub(crate) send: Notify,
    /// Only plan it, for a second person to approve
    #[arg(long)]
    pub(crate) plan: bool,
    /// Who plans: a name that can sign in to the console. The password is asked for
    #[arg(long, value_name = "NAME", requires = "plan")]
    pub(crate) by: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Answer {
    /// The message's number, as `kintsugi bounces --replies` shows it
    pub(crate) reply: u64,
    /// The file with the words; `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) text: PathBuf,
    /// Who answers: a name that can sign in to the console. The password is asked for
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
    #[command(flatten)]
    pub(crate) send: Notify,
}

#[derive(Args, Debug)]
pub(crate) struct Replay {
    #[command(flatten)]
    pub(crate) case: Case,
    /// Also as a timeline, in this SVG file
    #[arg(long, value_name = "FILE")]
    pub(crate) timeline: Option<PathBuf>,
    /// In which language, instead of the case's first: ja or en
    #[arg(long, value_name = "LANGUAGE")]
    pub(crate) language: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Dkim {
    #[command(flatten)]
    pub(crate) case: Case,
    /// Make an Ed25519 key of this name in the vault
    #[arg(long, value_name = "SELECTOR")]
    pub(crate) new: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Facts {
    #[command(flatten)]
    pub(crate) case: Case,
    /// Everything that was ever written down under this name
    #[arg(long)]
    pub(crate) name: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Publish {
    #[command(flatten)]
    pub(crate) case: Case,
    /// What is new, once for each language: "en=More cases were reported: {unauthorised_use_cases}."
    #[arg(long, value_name = "LANGUAGE=TEXT")]
    pub(crate) note: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) case: Case,
    /// Where the portal listens
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub(crate) portal: SocketAddr,
    /// Where the console listens
    #[arg(long, default_value = "127.0.0.1:8081")]
    pub(crate) console: SocketAddr,
    /// The mail server, instead of the case file's
    #[arg(long, value_name = "URL")]
    pub(crate) smtp: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Why {
    /// A person's number, a notice's number (K-2013-048210-7) or a fact's name (records_exposed)
    pub(crate) what: String,
    #[command(flatten)]
    pub(crate) case: Case,
}

/// What can be written out.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Exported {
    /// One row per cell
    Exposures,
    /// One row per value that the logs give away, with or without a snapshot; masked
    Values,
    /// The intruder's side alone, for tools that share incidents: nothing in it is about a person whose data was taken
    Attack,
}

/// In which form.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ExportFormat {
    /// Comma-separated values with a header
    Csv,
    /// One JSON object a line
    Jsonl,
    /// Of the attack: one event a statement, for Timesketch
    TimesketchCsv,
    /// Of the attack: the same, one JSON object a line
    TimesketchJsonl,
    /// Of the attack: a STIX 2.1 bundle
    Stix,
    /// Of the attack: an event for MISP
    Misp,
    /// Of the attack: an incident in VERIS 1.3
    Veris,
}

#[derive(Args, Debug)]
pub(crate) struct Export {
    /// What
    pub(crate) what: Exported,
    #[command(flatten)]
    pub(crate) case: Case,
    /// In which form
    #[arg(long, value_enum, default_value = "csv")]
    pub(crate) format: ExportFormat,
    /// Values as they are, not masked; security codes stay masked
    #[arg(long)]
    pub(crate) reveal: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Staff {
    /// The name to sign in with
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) case: Case,
}

#[derive(Args, Debug)]
pub(crate) struct ApiKey {
    /// Which machine
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) case: Case,
}

#[derive(Args, Debug)]
pub(crate) struct Mailbox {
    /// Where it takes mail
    #[arg(long, default_value = "127.0.0.1:2525")]
    pub(crate) smtp: SocketAddr,
    /// Where its page is
    #[arg(long, default_value = "127.0.0.1:8025")]
    pub(crate) page: SocketAddr,
    /// Where it keeps what arrived; a temporary folder where none is named
    #[arg(long, value_name = "FOLDER")]
    pub(crate) spool: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Drill {
    /// The folder to make
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// How many card records the shop stores
    #[arg(long, default_value_t = 146_701)]
    pub(crate) records: u64,
    /// The seed: the same seed makes the same bytes
    #[arg(long, default_value_t = 2013)]
    pub(crate) seed: u64,
}
