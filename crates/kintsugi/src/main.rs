//! The binary: wiring and nothing else. `cli` says what can be typed, `command` has one file for each of it,
//! `pipeline` has the stages in order.

mod answer_room;
mod answering;
mod attack;
mod citing;
mod cli;
mod clock;
mod command;
mod facts;
mod finish;
mod folder;
mod forecast;
mod mistakes;
mod outbox;
mod pipeline;
mod progress;
mod reins;
mod remark;
mod servers;
#[cfg(feature = "letters")]
mod statement_paper;
mod worker;

use std::process::ExitCode;

use clap::Parser;
use finish::Finish;

/// Persons and statements are made in one thread and dropped in another: the system's allocator spends a third of `freeze` and a
/// quarter of `scope` on that (docs/decisions/0012-allocator.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    start_log();
    match command::run(cli) {
        Ok(finish) => finish.into(),
        Err(error) => {
            mistakes::show_error(&error);
            Finish::Failed.into()
        }
    }
}

/// What the program says about itself goes to standard error; results go to standard output.
fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("KINTSUGI_LOG").unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
