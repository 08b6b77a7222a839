//! One file for each command. `run` is the only match.

mod api_key;
mod bounces;
mod check;
mod collect;
mod dkim;
mod drill;
mod export;
mod export_attack;
mod export_values;
mod facts;
mod freeze;
mod init;
mod letters;
mod listen;
mod mailbox;
mod notify;
mod pause;
mod plan;
mod preview;
mod publish;
mod remedy;
mod replay;
mod replies;
mod resolve;
mod scope;
mod serve;
mod staff;
mod verify;
mod why;

pub(crate) use collect::collect;
pub(crate) use freeze::freeze;
pub(crate) use notify::{composer, mail_spec, notify, sender};
pub(crate) use publish::first as publish_first;
pub(crate) use remedy::remedy;
pub(crate) use resolve::resolve;
pub(crate) use scope::scope;

use anyhow::Result;
use jiff::Timestamp;
use kintsugi_store::FollowUp;

use crate::cli::{self, Cli, Command, NotifyStep};
use crate::finish::Finish;
use crate::folder::Folder;
use crate::pipeline;
use crate::progress;

/// Runs what was typed.
pub(crate) fn run(cli: Cli) -> Result<Finish> {
    let open = |case: crate::cli::Case| Folder::open(&case.folder);
    let (name, outcome) = match cli.command {
        Command::Init(case) => ("init", init::init(&case.folder)?),
        Command::Check(case) => ("check", check::check(&open(case)?)?),
        Command::Collect(case) => ("collect", collect(&open(case)?)?),
        Command::Scope(args) => ("scope", scope(&open(args.case)?, &args.server)?),
        Command::Replay(args) => ("replay", replay::replay(&open(args.case.clone())?, &args)?),
        Command::Resolve(case) => ("resolve", resolve(&open(case)?)?),
        Command::Freeze(case) => ("freeze", freeze(&open(case)?)?),
        Command::Notify(args) => match args.step {
            Some(NotifyStep::Plan(plan)) => ("notify plan", plan::plan(&open(plan.case)?, plan.by.as_deref())?),
            Some(NotifyStep::Pause(turn)) => ("notify pause", pause::pause(&open(turn.case.clone())?, &turn)?),
            Some(NotifyStep::Resume(turn)) => ("notify resume", pause::resume(&open(turn.case.clone())?, &turn)?),
            Some(NotifyStep::Preview(args)) => {
                let folder = open(args.case)?;
                let out = args.out.unwrap_or_else(|| folder.root.join("preview"));
                ("notify preview", preview::preview(&folder, &out, args.drawn.sample, args.drawn.seed)?)
            }
            Some(NotifyStep::Test(args)) => {
                let (folder, drawn) = (open(args.send.case)?, args.drawn);
                ("notify test", preview::test(&folder, &args.to, args.send.smtp.as_deref(), drawn.sample, drawn.seed)?)
            }
            Some(NotifyStep::Reminder(args)) => {
                let folder = open(args.send.case.clone())?;
                ("notify reminder", follow_up(&folder, &args, notify::reminder(&folder))?)
            }
            Some(NotifyStep::Closing(args)) => {
                ("notify closing", follow_up(&open(args.send.case.clone())?, &args, FollowUp::Closing)?)
            }
            Some(NotifyStep::Answer(args)) => {
                let folder = open(args.send.case)?;
                (
                    "notify answer",
                    replies::answer(&folder, args.reply, &args.text, args.by.as_deref(), args.send.smtp.as_deref())?,
                )
            }
            None => ("notify", notify::notify(&open(args.send.case)?, args.send.smtp.as_deref(), args.resend)?),
        },
        Command::Verify(case) => ("verify", verify::verify(&open(case)?)?),
        Command::Bounces(args) => {
            let (maildir, case) = args.places();
            let folder = Folder::open(&case)?;
            match args.listen {
                _ if args.replies => ("bounces --replies", replies::replies(&folder)?),
                Some(address) => ("bounces --listen", listen::listen(&folder, address)?),
                None => ("bounces", bounces::bounces(&folder, maildir.as_deref())?),
            }
        }
        Command::Dkim(args) => ("dkim", dkim::dkim(&open(args.case)?, args.new.as_deref())?),
        Command::Letters(args) => {
            ("letters", letters::letters(&open(args.case)?, args.returned.as_deref(), args.addresses.as_deref())?)
        }
        Command::Facts(args) => ("facts", facts::facts(&open(args.case)?, args.name.as_deref())?),
        Command::Publish(args) => ("publish", publish::publish(&open(args.case)?, &args.note)?),
        Command::Remedy(case) => ("remedy", remedy(&open(case)?)?),
        Command::Run(args) => ("run", pipeline::run(&open(args.case)?, args.smtp.as_deref())?),
        Command::Serve(args) => return serve::serve(&open(args.case.clone())?, &args),
        Command::Why(args) => ("why", why::why(&open(args.case)?, &args.what)?),
        Command::Export(args) => return export::export(&open(args.case.clone())?, &args),
        Command::Staff(args) => ("staff", staff::staff(&open(args.case)?, &args.name)?),
        Command::ApiKey(args) => ("api-key", api_key::api_key(&open(args.case)?, &args.name)?),
        Command::Mailbox(args) => return mailbox::mailbox(&args),
        Command::Drill(args) => ("drill", drill::drill(&args)?),
    };
    outcome.show(name, cli.json);
    Ok(outcome.finish)
}

/// Plans or sends what follows the notices.
fn follow_up(folder: &Folder, args: &cli::Follow, what: FollowUp) -> Result<Outcome> {
    if args.plan {
        plan::plan_of(folder, args.by.as_deref(), Some(what))
    } else {
        notify::follow_up(folder, args.send.smtp.as_deref(), what)
    }
}

/// What a command has to say when it is done.
pub(crate) struct Outcome {
    /// How it ended.
    pub(crate) finish: Finish,
    /// For people, on standard output.
    pub(crate) text: String,
    /// For programs, with `--json`.
    pub(crate) data: serde_json::Value,
}

impl Outcome {
    /// An outcome with figures.
    pub(crate) fn new(finish: Finish, text: impl Into<String>, data: serde_json::Value) -> Self {
        Self { finish, text: text.into(), data }
    }

    fn show(&self, name: &str, json: bool) {
        if json {
            let finish = format!("{:?}", self.finish);
            progress::result(&serde_json::json!({ "command": name, "finish": finish, "result": self.data }).to_string());
        } else if !self.text.is_empty() {
            progress::result(&self.text);
        }
    }
}

/// The time now, in milliseconds since 1970 UTC: the binary is the edge where the clock is read.
pub(crate) fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

/// Runs the asynchronous part of a command.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}
