//! The statement's words: one file per language, read into headings and lines. A line may have several wordings, divided
//! by ` || `: the first whose facts are all known is used; a line without one is left out, and so is a section without lines.

use kintsugi_case::Language;

/// A line of the statement's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// `title: `
    Title(&'a str),
    /// `lead: `, with its wordings.
    Lead(Vec<&'a str>),
    /// `## `
    Heading(&'a str),
    /// `1. `, with its wordings.
    Step(Vec<&'a str>),
    /// `@fields`: the table of fields.
    Fields,
    /// `@contact`: how people ask.
    Contact,
    /// A paragraph, with its wordings.
    Paragraph(Vec<&'a str>),
}

/// The words of a language.
pub(crate) const fn of(language: Language) -> &'static str {
    match language {
        Language::Ja => include_str!("../words/statement.ja.txt"),
        _ => include_str!("../words/statement.en.txt"),
    }
}

/// Reads the words line by line.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    text.lines().filter(|line| !line.trim().is_empty()).map(line)
}

fn line(line: &str) -> Line<'_> {
    let wordings = |rest: &'_ str| -> Vec<&str> { line[line.len() - rest.len()..].split(" || ").collect() };
    match line {
        "@fields" => return Line::Fields,
        "@contact" => return Line::Contact,
        _ => {}
    }
    if let Some(rest) = line.strip_prefix("title: ") {
        return Line::Title(rest);
    }
    if let Some(rest) = line.strip_prefix("## ") {
        return Line::Heading(rest);
    }
    match (line.strip_prefix("lead: "), line.strip_prefix("1. ")) {
        (Some(rest), _) => Line::Lead(wordings(rest)),
        (_, Some(rest)) => Line::Step(wordings(rest)),
        _ => Line::Paragraph(wordings(line)),
    }
}
