//! Mistakes and errors as a person reads them: the file, the line, the column, what was meant.

use kintsugi_case::Mistake;
use miette::{LabeledSpan, MietteDiagnostic, NamedSource, Report, Severity};

use crate::progress::line;

/// An error that is a list of mistakes in one file.
#[derive(Debug)]
pub(crate) struct Mistakes {
    /// The file's name as the person knows it.
    pub(crate) file: String,
    /// Its text.
    pub(crate) text: String,
    /// What is wrong.
    pub(crate) mistakes: Vec<Mistake>,
}

impl std::error::Error for Mistakes {}

impl std::fmt::Display for Mistakes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} mistakes in {}", self.mistakes.len(), self.file)
    }
}

impl Mistakes {
    fn report(&self, mistake: &Mistake) -> Report {
        let (line, column) = mistake.line_column(&self.text);
        let end = mistake.span.end.min(self.text.len());
        let start = mistake.span.start.min(end);
        let diagnostic = MietteDiagnostic::new(format!("{}:{line}:{column}: {}", self.file, mistake.message))
            .with_severity(Severity::Error)
            .with_help(mistake.help.clone())
            .with_label(LabeledSpan::underline(start..end));
        Report::new(diagnostic).with_source_code(NamedSource::new(&self.file, self.text.clone()))
    }
}

/// Prints an error with its causes; mistakes in a case file each at its place.
pub(crate) fn show_error(error: &anyhow::Error) {
    if let Some(found) = error.downcast_ref::<Mistakes>() {
        found.mistakes.iter().for_each(|mistake| line(&format!("{:?}", found.report(mistake))));
        return;
    }
    let mut causes = error.chain();
    line(&format!("error: {}", causes.next().map(ToString::to_string).unwrap_or_default()));
    causes.for_each(|cause| line(&format!("  because: {cause}")));
    if error.chain().any(|cause| kintsugi_find::is_want_of_room(cause) || kintsugi_store::is_want_of_room(cause)) {
        line("  There is no room on the disk, or it can no longer be written. Make room, then run the same command again:");
        line("  what is done stays done, and it goes on from there.");
    }
}
