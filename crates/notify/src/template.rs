//! Templates: files of the case with a closed set of fields. An unknown field stops before anything is sent.

use std::path::{Path, PathBuf};

use kintsugi_case::Language;
use sha2::{Digest, Sha256};

use crate::field::Frame;
use crate::markup::{self, Node};
use crate::program::{Form, Program};

/// A mistake in a template: where it is and what was meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {message}; {help}")]
pub struct TemplateMistake {
    /// The file's name.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, one sentence.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// Why templates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplatesError {
    /// A file is there and cannot be read.
    #[error("cannot read the template {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Mistakes in the text.
    #[error("{}", listed(.0))]
    Mistakes(Vec<TemplateMistake>),
}

fn listed(mistakes: &[TemplateMistake]) -> String {
    mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// A template in its three compiled shapes.
#[derive(Clone, Debug)]
pub(crate) struct Compiled {
    pub(crate) subject: Program,
    pub(crate) text: Program,
    pub(crate) html: Program,
    /// The tree itself: what paper is made from.
    pub(crate) nodes: Vec<Node>,
}

/// The templates of a case, parsed and checked.
#[derive(Clone, Debug)]
pub struct Templates {
    /// Every file with the SHA-256 of its text.
    hashes: Vec<(String, String)>,
    compiled: Vec<(MailKind, Language, Compiled)>,
}

macro_rules! shipped {
    ($($name:literal)*) => { [$(($name, include_str!(concat!("../templates/", $name)))),*] };
}

const DEFAULTS: [(&str, &str); 40] = shipped! {
    "notice.ja.txt" "notice.en.txt" "notice.zh-Hans.txt" "notice.zh-Hant.txt" "notice.ko.txt"
    "correction.ja.txt" "correction.en.txt" "correction.zh-Hans.txt" "correction.zh-Hant.txt" "correction.ko.txt"
    "reminder.ja.txt" "reminder.en.txt" "reminder.zh-Hans.txt" "reminder.zh-Hant.txt" "reminder.ko.txt"
    "answer.ja.txt" "answer.en.txt" "answer.zh-Hans.txt" "answer.zh-Hant.txt" "answer.ko.txt"
    "closing.ja.txt" "closing.en.txt" "closing.zh-Hans.txt" "closing.zh-Hant.txt" "closing.ko.txt"
    "reply.ja.txt" "reply.en.txt" "reply.zh-Hans.txt" "reply.zh-Hant.txt" "reply.ko.txt"
    "letter.ja.txt" "letter.en.txt" "letter.zh-Hans.txt" "letter.zh-Hant.txt" "letter.ko.txt"
    "letter-correction.ja.txt" "letter-correction.en.txt" "letter-correction.zh-Hans.txt" "letter-correction.zh-Hant.txt"
    "letter-correction.ko.txt"
};

/// What a mail, or a letter, is: each kind has a template in each language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailKind {
    /// The first notice to a person.
    Notice,
    /// A notice that corrects an earlier one.
    Correction,
    /// The same once more, to who may have missed it.
    Reminder,
    /// The answer to "am I affected?".
    Answer,
    /// The last word about a case.
    Closing,
    /// What somebody at the desk answers to who wrote back.
    Reply,
    /// The first notice, on paper.
    Letter,
    /// A correction, on paper.
    LetterCorrection,
}

impl MailKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Notice,
        Self::Correction,
        Self::Reminder,
        Self::Answer,
        Self::Closing,
        Self::Reply,
        Self::Letter,
        Self::LetterCorrection,
    ];

    /// The word for it: the first part of the template's file name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Correction => "correction",
            Self::Reminder => "reminder",
            Self::Answer => "answer",
            Self::Closing => "closing",
            Self::Reply => "reply",
            Self::Letter => "letter",
            Self::LetterCorrection => "letter-correction",
        }
    }

    /// What is known in its template outside lists, innermost last.
    const fn frames(self) -> &'static [Frame] {
        match self {
            Self::Notice | Self::Letter => &[Frame::Notice],
            Self::Correction | Self::LetterCorrection | Self::Reminder | Self::Closing => &[Frame::Notice, Frame::Later],
            Self::Answer => &[Frame::Answer],
            Self::Reply => &[Frame::Notice, Frame::Reply],
        }
    }
}

/// SHA-256 of a text, lower-case hex: under which a plan names what makes the words.
pub fn hash(text: &str) -> String {
    hash_bytes(text.as_bytes())
}

/// SHA-256 of bytes, lower-case hex.
pub fn hash_bytes(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The templates that ship: (file name, text). `kintsugi init` writes them into the case.
pub const fn default_templates() -> &'static [(&'static str, &'static str)] {
    &DEFAULTS
}

impl Templates {
    /// Reads `KIND.LANGUAGE.txt` from a folder; a file that is not there is the default one.
    pub fn load(dir: &Path) -> Result<Self, TemplatesError> {
        let mut files = Vec::new();
        for (name, _) in DEFAULTS {
            let path = dir.join(name);
            match std::fs::read_to_string(&path) {
                Ok(text) => files.push((name, text)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(source) => return Err(TemplatesError::Read { path, source }),
            }
        }
        Self::parse(&files)
    }

    /// Reads templates from (file name, text); one that is not given is the default one.
    pub fn parse(files: &[(&str, String)]) -> Result<Self, TemplatesError> {
        let (mut mistakes, mut hashes, mut compiled) = (Vec::new(), Vec::new(), Vec::new());
        let each = MailKind::ALL.into_iter().flat_map(|kind| Language::ALL.map(|language| (kind, language)));
        for (kind, language) in each {
            let name = format!("{}.{}.txt", kind.name(), language.tag());
            let own = files.iter().find(|(file, _)| *file == name).map(|(_, text)| text.as_str());
            let shipped = DEFAULTS.iter().find(|(file, _)| *file == name).map(|(_, text)| *text);
            let text = own.or(shipped).unwrap_or_default();
            hashes.push((name.clone(), hash(text)));
            match compile(&name, text, kind.frames(), language) {
                Ok(template) => compiled.push((kind, language, template)),
                Err(found) => mistakes.extend(found),
            }
        }
        if mistakes.is_empty() { Ok(Self { hashes, compiled }) } else { Err(TemplatesError::Mistakes(mistakes)) }
    }

    /// The name and the SHA-256 (lower-case hex) of every template, as it is used.
    pub fn hashes(&self) -> &[(String, String)] {
        &self.hashes
    }

    /// The template of a kind in a language: `parse` puts one there for each, or fails.
    pub(crate) fn of(&self, kind: MailKind, language: Language) -> &Compiled {
        let found = self.compiled.iter().find(|(of, written, _)| (*of, *written) == (kind, language));
        &found.expect("a template for every kind and language").2
    }
}

fn compile(name: &str, text: &str, frames: &[Frame], language: Language) -> Result<Compiled, Vec<TemplateMistake>> {
    let nodes = markup::parse(name, text, frames)?;
    let subject = Program::subject(&nodes, language);
    let (text, html) = (Program::body(&nodes, Form::Text(language)), Program::body(&nodes, Form::Html));
    Ok(Compiled { subject, text, html, nodes })
}

#[cfg(test)]
mod tests {
    use super::{Templates, TemplatesError, default_templates};

    #[test]
    fn what_ships_has_no_mistakes() {
        Templates::parse(&[]).unwrap();
        assert_eq!(default_templates().len(), 40);
    }

    #[test]
    fn a_case_may_bring_its_own_words_and_mistakes_in_all_files_are_told_at_once() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("notice.ja.txt"), "subject: {{numbr}}\n").unwrap();
        std::fs::write(dir.path().join("answer.en.txt"), "subject: x\n{{#each pages}}\n").unwrap();
        let Err(TemplatesError::Mistakes(mistakes)) = Templates::load(dir.path()) else { panic!("mistakes") };
        let places: Vec<(&str, usize)> = mistakes.iter().map(|m| (m.file.as_str(), m.line)).collect();
        assert_eq!(places, [("notice.ja.txt", 1), ("answer.en.txt", 2)]);
    }
}
