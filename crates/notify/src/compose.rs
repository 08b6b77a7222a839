//! From one person's frozen exposures to one mail.

use kintsugi_case::{BasisSummary, CaseFile, ExposedRecord, Language, NoticeNumber, PersonProfile, Private, ScopeVersion};

use crate::{Mail, Templates, Unsendable};

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

/// Everything that is the same in all mails of a scope version.
#[derive(Clone, Debug)]
pub struct Composer {}

impl Composer {
    /// Prepares the mails of a scope version.
    pub fn new(
        _case: &CaseFile,
        _templates: Templates,
        _scope: &ScopeVersion,
        _bases: &[BasisSummary],
        _coverage: Option<Coverage>,
    ) -> Self {
        Self {}
    }

    /// The notice for one person. `sent_at_ms` is the Date of the mail, milliseconds since 1970 UTC.
    pub fn notice(&self, _content: &NoticeContent<'_>, _sent_at_ms: i64) -> Result<Mail, Unsendable> {
        Err(Unsendable::Nothing)
    }

    /// The answer to "am I affected?".
    pub fn answer(&self, _content: &AnswerContent<'_>, _sent_at_ms: i64) -> Result<Mail, Unsendable> {
        Err(Unsendable::Nothing)
    }
}
