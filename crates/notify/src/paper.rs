//! A notice on paper: the same templates and fields as a mail, as lines that `kintsugi-letter` sets. How a page looks is
//! not known here.

use kintsugi_case::{Language, PaperLine, PaperLineKind, Private};

use crate::field::Field;
use crate::markup::{Inline, LineKind, Node};
use crate::template::Compiled;
use crate::view::{At, View};

/// A letter to one person, before it is set.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The language it is written in.
    pub language: Language,
    /// Its number as printed.
    pub number: String,
    /// The day printed on it.
    pub day: String,
    /// What it is about, in one line.
    pub subject: Private<String>,
    /// Its lines, from top to bottom.
    pub lines: Private<Vec<PaperLine>>,
    /// The portal's page that says whether a notice is genuine.
    pub verify: String,
}

impl Letter {
    pub(crate) fn new(view: &View<'_>, template: &Compiled, day: String) -> Self {
        let mut subject = String::new();
        template.subject.render(view, &mut subject);
        let mut writer = Writer { view, lines: Vec::new() };
        writer.nodes(template.nodes.get(1..).unwrap_or_default(), At::default());
        Self {
            language: view.language,
            number: view.number.clone(),
            day,
            subject: Private::new(subject),
            lines: Private::new(writer.lines),
            verify: view.common.verify.clone(),
        }
    }
}

/// Walks the tree of a template.
struct Writer<'a, 'v> {
    view: &'a View<'v>,
    lines: Vec<PaperLine>,
}

impl<'a> Writer<'a, '_> {
    fn nodes(&mut self, nodes: &[Node], at: At<'a>) {
        for node in nodes {
            match node {
                Node::Blank => {}
                Node::Line(kind, cells) => self.lines.push(self.line(*kind, cells, at)),
                Node::If(condition, then, other) => {
                    self.nodes(if self.view.holds(*condition, at) { then } else { other }, at);
                }
                Node::Each(list, body) => {
                    let view = self.view;
                    view.each(*list, at, |entry| self.nodes(body, entry));
                }
            }
        }
    }

    fn line(&self, kind: LineKind, cells: &[Vec<Inline>], at: At<'a>) -> PaperLine {
        let words = |cell: &Vec<Inline>| {
            let mut words = String::new();
            self.inline(cell, at, &mut words);
            words.trim().to_owned()
        };
        PaperLine { kind: paper_kind(kind), cells: cells.iter().map(words).collect() }
    }

    fn inline(&self, pieces: &[Inline], at: At<'a>, out: &mut String) {
        for piece in pieces {
            match piece {
                Inline::Text(words) => out.push_str(words),
                Inline::Field(field) => self.field(*field, at, out),
                Inline::If(condition, then, other) => {
                    self.inline(if self.view.holds(*condition, at) { then } else { other }, at, out);
                }
            }
        }
    }

    /// A verdict has its mark before its word: meaning never rests on one of them alone.
    fn field(&self, field: Field, at: At<'a>, out: &mut String) {
        if let (Field::LineVerdict, Some((_, verdict))) = (field, at.line) {
            out.push_str(verdict.mark());
            out.push(' ');
        }
        out.push_str(self.view.field(field, at));
    }
}

const fn paper_kind(kind: LineKind) -> PaperLineKind {
    match kind {
        LineKind::Answer => PaperLineKind::Answer,
        LineKind::Heading => PaperLineKind::Heading,
        LineKind::SmallHeading => PaperLineKind::SmallHeading,
        LineKind::Step => PaperLineKind::Step,
        LineKind::Item => PaperLineKind::Item,
        LineKind::Row => PaperLineKind::Row,
        LineKind::Small => PaperLineKind::Small,
        LineKind::Address | LineKind::Typed => PaperLineKind::Typed,
        LineKind::Paragraph | LineKind::Subject => PaperLineKind::Paragraph,
    }
}
