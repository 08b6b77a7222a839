//! The template language: lines of plain words with a few marks at their head, `{{field}}`, `{{#if word}}…{{else}}…{{/if}}`
//! and `{{#each list}}…{{/each}}`. Text and HTML are both made from the tree that comes out here; facts (`{{fact.NAME}}`, see
//! `cited`) are words in it already.
//!
//! ```text
//! subject: words          the subject, first line
//! # words                 the answer          ## words   a heading      ### words   a small heading
//! 1. words                a step (numbers are given when it is rendered)   - words   an item
//! | words | words |       a line of a table   > words    small print
//! @ {{link}}              an address to follow   = {{verify}}   an address to type
//! ```

use std::collections::BTreeSet;

use kintsugi_case::Language;

use crate::cited::{Citation, FactBook};
use crate::field::{Condition, Field, Frame, List};
use crate::template::TemplateMistake;

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineKind {
    /// `subject: `
    Subject,
    /// `# `
    Answer,
    /// `## `
    Heading,
    /// `### `
    SmallHeading,
    /// `1. `
    Step,
    /// `- `
    Item,
    /// `| a | b |`
    Row,
    /// `> `
    Small,
    /// `@ `
    Address,
    /// `= `
    Typed,
    /// Anything else.
    Paragraph,
}

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Inline {
    /// Words.
    Text(String),
    /// A field.
    Field(Field),
    /// A choice.
    If(Condition, Vec<Inline>, Vec<Inline>),
}

/// A line, a blank line, or a section that stands on lines of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// A line: the pieces of each cell; all but rows have one cell.
    Line(LineKind, Vec<Vec<Inline>>),
    /// A blank line.
    Blank,
    /// A choice.
    If(Condition, Vec<Node>, Vec<Node>),
    /// A list.
    Each(List, Vec<Node>),
}

/// A template as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tree {
    /// Its lines.
    pub(crate) nodes: Vec<Node>,
    /// The names of the facts that it cites or asks for.
    pub(crate) cited: BTreeSet<String>,
}

/// Reads a template in this language, with these facts; every mistake in it is reported at once.
pub(crate) fn parse(
    (file, text): (&str, &str),
    frames: &[Frame],
    (book, language): (&FactBook, Language),
) -> Result<Tree, Vec<TemplateMistake>> {
    let mut parser = Parser {
        file,
        lines: text.lines().enumerate().collect(),
        at: 0,
        frames: frames.to_vec(),
        book,
        language,
        asked: Vec::new(),
        cited: BTreeSet::new(),
        mistakes: Vec::new(),
    };
    let nodes = parser.block(None).0;
    parser.check_subject(&nodes);
    if parser.mistakes.is_empty() { Ok(Tree { nodes, cited: parser.cited }) } else { Err(parser.mistakes) }
}

/// How a section ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Else,
    Close,
    File,
}

struct Parser<'a> {
    file: &'a str,
    lines: Vec<(usize, &'a str)>,
    at: usize,
    frames: Vec<Frame>,
    book: &'a FactBook,
    language: Language,
    /// The facts for which open choices ask: there they may be cited though nobody knows them yet.
    asked: Vec<&'a str>,
    cited: BTreeSet<String>,
    mistakes: Vec<TemplateMistake>,
}

/// What a choice depends on.
enum Asked {
    /// Something of the person: it is decided when their notice is written.
    Person(Condition),
    /// A fact, which is known or not for everybody.
    Fact(bool),
}

impl Asked {
    /// The choice between two branches, or the branch itself where it is made already.
    fn choose<T>(self, then: Vec<T>, other: Vec<T>, choice: impl FnOnce(Condition, Vec<T>, Vec<T>) -> T) -> Vec<T> {
        match self {
            Self::Person(condition) => vec![choice(condition, then, other)],
            Self::Fact(known) => {
                if known {
                    then
                } else {
                    other
                }
            }
        }
    }
}

impl<'a> Parser<'a> {
    fn wrong(&mut self, line: usize, message: String, help: String) {
        self.mistakes.push(TemplateMistake { file: self.file.to_owned(), line: line + 1, message, help });
    }

    fn check_subject(&mut self, nodes: &[Node]) {
        let subjects = nodes.iter().filter(|node| matches!(node, Node::Line(LineKind::Subject, _))).count();
        if subjects != 1 || !matches!(nodes.first(), Some(Node::Line(LineKind::Subject, _))) {
            let help = "begin the file with `subject: ` and the words of the subject".into();
            self.wrong(0, "the first line, and no other, is the subject".into(), help);
        }
    }

    /// Reads lines until the section `open` (its word and line) ends.
    fn block(&mut self, open: Option<(&str, usize)>) -> (Vec<Node>, End) {
        let mut nodes = Vec::new();
        while let Some(&(number, line)) = self.lines.get(self.at) {
            self.at += 1;
            match whole_tag(line) {
                Some(Tag::Close(word)) if open.is_some_and(|(opened, _)| opened == word) => return (nodes, End::Close),
                Some(Tag::Else) if open.is_some_and(|(opened, _)| opened == "if") => return (nodes, End::Else),
                Some(tag) => nodes.extend(self.section(tag, number)),
                None => nodes.push(self.line(number, line)),
            }
        }
        if let Some((word, line)) = open {
            self.wrong(
                line,
                format!("`{{{{#{word} …}}}}` is never closed"),
                format!("write {{{{/{word}}}}} on a line of its own"),
            );
        }
        (nodes, End::File)
    }

    fn section(&mut self, tag: Tag<'a>, number: usize) -> Vec<Node> {
        match tag {
            Tag::If(word) => {
                let (outside, asked) = (self.asked.len(), self.ask(number, word));
                let (then, end) = self.block(Some(("if", number)));
                self.asked.truncate(outside);
                let other = if end == End::Else { self.block(Some(("if", number))).0 } else { Vec::new() };
                asked.map_or_else(Vec::new, |asked| asked.choose(then, other, Node::If))
            }
            Tag::Each(word) => {
                let list = self.list(number, word);
                self.frames.extend(list.map(List::frame));
                let (body, _) = self.block(Some(("each", number)));
                list.map_or_else(Vec::new, |list| {
                    self.frames.pop();
                    vec![Node::Each(list, body)]
                })
            }
            Tag::Field(word) => vec![Node::Line(LineKind::Paragraph, vec![self.field(number, word).into_iter().collect()])],
            Tag::Else | Tag::Close(_) => {
                self.wrong(number, "nothing is open here".into(), "remove this line, or open a section before it".into());
                Vec::new()
            }
        }
    }

    fn line(&mut self, number: usize, line: &'a str) -> Node {
        if line.trim().is_empty() {
            return Node::Blank;
        }
        let (kind, rest) = kind_of(line);
        let cells: Vec<&str> = match kind {
            LineKind::Row => rest.trim_end().trim_end_matches('|').split('|').map(str::trim).collect(),
            _ => vec![rest],
        };
        Node::Line(kind, cells.into_iter().map(|cell| self.inline(number, cell)).collect())
    }

    fn inline(&mut self, number: usize, text: &'a str) -> Vec<Inline> {
        let mut rest = text;
        let (pieces, _) = self.pieces(number, &mut rest, false);
        pieces
    }

    /// Reads pieces until the section that is open on this line ends.
    fn pieces(&mut self, number: usize, rest: &mut &'a str, open: bool) -> (Vec<Inline>, End) {
        let mut pieces = Vec::new();
        while let Some((before, tag, after)) = next_tag(rest) {
            pieces.extend((!before.is_empty()).then(|| Inline::Text(before.to_owned())));
            *rest = after;
            match Tag::parse(tag) {
                Tag::Close("if") if open => return (pieces, End::Close),
                Tag::Else if open => return (pieces, End::Else),
                Tag::Field(word) => pieces.extend(self.field(number, word)),
                Tag::If(word) => pieces.extend(self.choice(number, word, rest)),
                _ => self.wrong(number, format!("`{{{{{tag}}}}}` cannot stand here"), "give it a line of its own".into()),
            }
        }
        pieces.extend((!rest.is_empty()).then(|| Inline::Text((*rest).to_owned())));
        *rest = "";
        if open {
            self.wrong(number, "`{{#if …}}` is not closed on its line".into(), "write {{/if}} on the same line".into());
        }
        (pieces, End::File)
    }

    fn choice(&mut self, number: usize, word: &'a str, rest: &mut &'a str) -> Vec<Inline> {
        let (outside, asked) = (self.asked.len(), self.ask(number, word));
        let (then, end) = self.pieces(number, rest, true);
        self.asked.truncate(outside);
        let other = if end == End::Else { self.pieces(number, rest, true).0 } else { Vec::new() };
        asked.map_or_else(Vec::new, |asked| asked.choose(then, other, Inline::If))
    }

    fn field(&mut self, number: usize, word: &'a str) -> Option<Inline> {
        if let Some(citation) = Citation::read(word) {
            return self.citation(number, citation);
        }
        let found = Field::find(word, &self.frames);
        if found.is_none() {
            let help = nearest(word, Field::words(&self.frames));
            self.wrong(number, format!("there is no field `{word}` here"), help);
        }
        found.map(Inline::Field)
    }

    /// A fact in words. One that nobody knows is a mistake, but not where the template asked for it first.
    fn citation(&mut self, number: usize, citation: Citation<'a>) -> Option<Inline> {
        let words = self.book.words(citation, self.language);
        if words.is_none() && !self.asked.contains(&citation.name) {
            let book = self.book;
            let help = nearest(citation.name, book.names().into_iter());
            let message = format!("there is no fact `{}` that a notice could state", citation.name);
            self.wrong(
                number,
                message,
                format!("{help} ([[fact]] in case.toml enters one, {{{{#if fact.NAME}}}} asks for it first)"),
            );
        }
        self.cited.insert(citation.name.to_owned());
        words.map(Inline::Text)
    }

    /// What a choice asks for; the caller takes it out of `asked` where the choice turns.
    fn ask(&mut self, number: usize, word: &'a str) -> Option<Asked> {
        let Some(Citation { name, .. }) = Citation::read(word) else { return self.condition(number, word).map(Asked::Person) };
        self.asked.push(name);
        self.cited.insert(name.to_owned());
        Some(Asked::Fact(self.book.knows(name)))
    }

    fn condition(&mut self, number: usize, word: &str) -> Option<Condition> {
        let found = Condition::find(word, &self.frames);
        if found.is_none() {
            let help = nearest(word, Condition::words(&self.frames));
            self.wrong(number, format!("`{word}` cannot be asked here"), help);
        }
        found
    }

    fn list(&mut self, number: usize, word: &str) -> Option<List> {
        let found = List::find(word, &self.frames);
        if found.is_none() {
            self.wrong(number, format!("there is no list `{word}` here"), nearest(word, List::words(&self.frames)));
        }
        found
    }
}

/// A tag between double braces.
enum Tag<'a> {
    Field(&'a str),
    If(&'a str),
    Each(&'a str),
    Else,
    Close(&'a str),
}

impl<'a> Tag<'a> {
    fn parse(inside: &'a str) -> Self {
        let inside = inside.trim();
        match (inside.strip_prefix("#if "), inside.strip_prefix("#each "), inside.strip_prefix('/')) {
            (Some(word), ..) => Self::If(word.trim()),
            (_, Some(word), _) => Self::Each(word.trim()),
            (.., Some(word)) => Self::Close(word.trim()),
            _ if inside == "else" => Self::Else,
            _ => Self::Field(inside),
        }
    }
}

/// The tag that fills a whole line.
fn whole_tag(line: &str) -> Option<Tag<'_>> {
    let inside = line.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    (!inside.contains("{{")).then(|| Tag::parse(inside))
}

/// The words before the next tag, what is in it, and what follows it.
fn next_tag(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("{{")?;
    let (tag, after) = rest.split_once("}}")?;
    Some((before, tag, after))
}

fn kind_of(line: &str) -> (LineKind, &str) {
    const HEADS: [(&str, LineKind); 9] = [
        ("subject: ", LineKind::Subject),
        ("# ", LineKind::Answer),
        ("## ", LineKind::Heading),
        ("### ", LineKind::SmallHeading),
        ("- ", LineKind::Item),
        ("| ", LineKind::Row),
        ("> ", LineKind::Small),
        ("@ ", LineKind::Address),
        ("= ", LineKind::Typed),
    ];
    if let Some((kind, rest)) = HEADS.iter().find_map(|(head, kind)| Some((*kind, line.strip_prefix(head)?))) {
        return (kind, rest);
    }
    match line.split_once(". ") {
        Some((digits, rest)) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => (LineKind::Step, rest),
        _ => (LineKind::Paragraph, line),
    }
}

/// "Did you mean", or the whole list where nothing is near.
fn nearest<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.collect();
    match known.iter().map(|word| (strsim::damerau_levenshtein(typed, word), word)).min() {
        Some((distance, word)) if distance <= 1 + typed.chars().count() / 3 => format!("did you mean `{word}`?"),
        _ if known.is_empty() => "none is known here".into(),
        _ => format!("known here are: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use kintsugi_case::{Fact, FactKind, FactValue, Language};

    use super::{Frame, Tree, parse};
    use crate::cited::FactBook;
    use crate::program::{Form, Program};
    use crate::template::TemplateMistake;

    fn entered(name: &str, value: FactValue) -> Fact {
        Fact {
            name: name.into(),
            value,
            as_of: "2013-04-26".into(),
            source: "processor".into(),
            query: String::new(),
            scope_version: 0,
            kind: FactKind::Entered,
            replaces: false,
        }
    }

    fn read(text: &str, language: Language) -> Result<Tree, Vec<TemplateMistake>> {
        let cases = entered("unauthorised_use_cases", FactValue::Number(1720));
        let found = entered("discovered_at", FactValue::Date("2013-04-23T23:30:00Z".into()));
        let none = entered("persons_hurt", FactValue::Number(0));
        let book = FactBook::new(vec![cases, found, none], TimeZone::get("Asia/Tokyo").unwrap());
        parse(("notice.ja.txt", text), &[Frame::Notice], (&book, language))
    }

    fn check(text: &str, expected: &[&str]) {
        let mistakes = read(text, Language::Ja).err().unwrap_or_default();
        let shown: Vec<String> = mistakes.iter().map(|m| format!("{}:{}: {}; {}", m.file, m.line, m.message, m.help)).collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_typo_names_the_line_and_the_nearest_field() {
        check(
            "subject: x\n\n{{nmae}} 様\n{{#each records}}\n{{feild}}\n{{/each}}",
            &[
                "notice.ja.txt:3: there is no field `nmae` here; did you mean `name`?",
                "notice.ja.txt:5: there is no field `feild` here; known here are: name, number, link, verify, portal, \
                 controller, brands, phone, hours, email, frozen_day, scope, brand, cards, other_cards, all_cards, taken, \
                 taken_day, more_records, log_from, log_to, remedy, remedy_until, record, brand, used_on, taken",
            ],
        );
        check(
            "subject: x\n{{#if provd}}\na\n{{/if}}",
            &["notice.ja.txt:2: `provd` cannot be asked here; did you mean `proved`?"],
        );
    }

    #[test]
    fn what_is_opened_must_be_closed() {
        check(
            "subject: x\n{{#if card}}\na",
            &["notice.ja.txt:2: `{{#if …}}` is never closed; write {{/if}} on a line of its own"],
        );
        check(
            "subject: x\na {{#if card}} b",
            &["notice.ja.txt:2: `{{#if …}}` is not closed on its line; write {{/if}} on the same line"],
        );
        check("subject: x\n{{/each}}", &["notice.ja.txt:2: nothing is open here; remove this line, or open a section before it"]);
    }

    #[test]
    fn a_field_is_known_only_where_it_has_a_value() {
        check(
            "subject: x\n{{field}}",
            &[
                "notice.ja.txt:2: there is no field `field` here; known here are: name, number, link, verify, portal, controller, \
               brands, phone, hours, email, frozen_day, scope, brand, cards, other_cards, all_cards, taken, taken_day, \
               more_records, log_from, log_to, remedy, remedy_until",
            ],
        );
    }

    /// The tree as it is with its facts: what is asked of a fact is decided, what is asked of a person is not.
    fn check_facts(line: &str, language: Language, expected: &str) {
        let tree = read(&format!("subject: x\n{line}"), language).unwrap();
        let plain =
            parse(("notice.ja.txt", &format!("subject: x\n{expected}")), &[Frame::Notice], (&FactBook::default(), language));
        let shown = |tree: &Tree| format!("{:?}", Program::body(&tree.nodes, Form::Text(language)));
        assert_eq!(shown(&tree), shown(&plain.unwrap()), "{line}");
    }

    #[test]
    fn facts_are_words_in_the_readers_language() {
        check_facts("{{fact.unauthorised_use_cases}}件", Language::Ja, "1,720件");
        check_facts("{{fact.unauthorised_use_cases}} cases", Language::En, "1,720 cases");
        check_facts("{{as_of.unauthorised_use_cases}}現在", Language::Ja, "2013年4月26日現在");
        check_facts("as of {{as_of.unauthorised_use_cases}}", Language::En, "as of 26 April 2013");
        check_facts("{{fact.discovered_at}}", Language::Ja, "2013年4月24日 8時30分（日本時間）");
        check_facts("{{#if proved}}{{fact.unauthorised_use_cases}}{{/if}}", Language::En, "{{#if proved}}1,720{{/if}}");
    }

    #[test]
    fn what_is_asked_of_a_fact_is_the_same_for_everybody() {
        check_facts("{{#if fact.unauthorised_use_cases}}misused{{else}}safe{{/if}}", Language::En, "misused");
        check_facts("{{#if fact.nobody_knows}}{{fact.nobody_knows}}{{else}}open{{/if}}", Language::En, "open");
        check_facts("{{#if fact.nobody_knows}}\n{{fact.nobody_knows}}\n{{/if}}\nthe end", Language::En, "the end");
        check_facts("{{#if fact.persons_hurt}}hurt: {{fact.persons_hurt}}{{else}}none{{/if}}", Language::En, "none");
    }

    #[test]
    fn a_fact_that_nobody_knows_stops_the_template() {
        let tail = "([[fact]] in case.toml enters one, {{#if fact.NAME}} asks for it first)";
        let known = "known here are: discovered_at, persons_hurt, unauthorised_use_cases";
        let unknown = "there is no fact `money` that a notice could state";
        check(
            "subject: x\n{{fact.unauthorized_use_cases}}",
            &[&format!(
                "notice.ja.txt:2: there is no fact `unauthorized_use_cases` that a notice could state; did you mean \
                 `unauthorised_use_cases`? {tail}"
            )],
        );
        check("subject: x\n\nas of {{as_of.money}}", &[&format!("notice.ja.txt:3: {unknown}; {known} {tail}")]);
        check(
            "subject: x\n{{#if fact.money}}{{else}}{{fact.money}}{{/if}}",
            &[&format!("notice.ja.txt:2: {unknown}; {known} {tail}")],
        );
    }

    #[test]
    fn what_was_cited_or_asked_for_is_remembered() {
        let tree = read("subject: x\n{{#if fact.money}}y{{/if}} {{as_of.discovered_at}}", Language::En).unwrap();
        assert_eq!(tree.cited.iter().map(String::as_str).collect::<Vec<_>>(), ["discovered_at", "money"]);
    }

    #[test]
    fn the_subject_comes_first() {
        check(
            "# hello",
            &["notice.ja.txt:1: the first line, and no other, is the subject; begin the file with `subject: ` and the words \
               of the subject"],
        );
    }
}
