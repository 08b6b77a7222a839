//! One line a stage on standard error: while it works, what it does; when it is done, its figure and its time.

use std::io::{ErrorKind, Write as _};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The line of a running stage.
pub(crate) struct Stage {
    name: &'static str,
    started: Instant,
    bar: ProgressBar,
}

/// The width of the column of stage names.
const NAME_WIDTH: usize = 9;

impl Stage {
    /// Begins a stage.
    pub(crate) fn begin(name: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
        bar.set_style(style("{prefix} {msg}"));
        bar.set_prefix(format!("  {name:<NAME_WIDTH$}"));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { name, started: Instant::now(), bar }
    }

    /// Says what the stage does now.
    pub(crate) fn says(&self, text: impl Into<String>) {
        self.bar.set_message(text.into());
    }

    /// Shows how much of a known whole is done.
    pub(crate) fn at(&self, done: u64, whole: u64, what: &str) {
        if self.bar.length() != Some(whole) {
            self.bar.set_length(whole);
            self.bar.set_style(style("{prefix} {bar:24} {percent:>3} %  {msg}"));
        }
        self.bar.set_position(done);
        self.bar.set_message(format!("{} of {} {what}", HumanCount(done), HumanCount(whole)));
    }

    /// Ends the stage with its figure; the line stays.
    pub(crate) fn end(self, figure: &str) {
        self.bar.finish_and_clear();
        line(&format!("  {:<NAME_WIDTH$} {:>7.1} s  {figure}", self.name, self.started.elapsed().as_secs_f64()));
    }
}

/// A line on standard error. Nobody may be listening: the work goes on.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// A result on standard output. A reader may have seen enough (`kintsugi facts | head`): that is no failure.
pub(crate) fn result(text: &str) {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => line(&format!("error: the result cannot be written: {error}")),
        _ => {}
    }
}

/// A count as people read it: 109,112.
pub(crate) fn count(number: u64) -> String {
    HumanCount(number).to_string()
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸─")
}
