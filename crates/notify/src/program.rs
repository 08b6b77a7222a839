//! Templates compiled for speed: the same tree becomes one program for the text and one for the HTML,
//! in which everything that does not change is one piece.

use std::fmt::Write as _;

use kintsugi_case::{Language, Verdict};

use crate::field::{Condition, Field, List};
use crate::markup::{Inline, LineKind, Node};
use crate::view::{At, View};

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Plain words, in this language's manner.
    Text(Language),
    /// HTML, escaped.
    Html,
}

#[derive(Clone, Debug)]
enum Op {
    /// Words as they are.
    Put(String),
    /// A blank line; two in a row are one.
    Blank,
    /// A field's value.
    Field(Field),
    /// The number of the next step.
    Step,
    /// A rule under the line before it, as long as that line.
    Underline,
    /// Steps begin at 1 again.
    ResetSteps,
    If(Condition, Vec<Op>, Vec<Op>),
    Each(List, Vec<Op>),
}

/// A compiled template.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    form: Form,
    ops: Vec<Op>,
}

impl Program {
    /// Compiles the body (everything but the subject).
    pub(crate) fn body(nodes: &[Node], form: Form) -> Self {
        let mut compiler = Compiler { form, open: None };
        let body = nodes.get(1..).unwrap_or_default();
        let skip = body.iter().take_while(|node| matches!(node, Node::Blank)).count();
        let mut ops = compiler.nodes(&body[skip..]);
        compiler.close(&mut ops);
        Self { form, ops }
    }

    /// Compiles the subject, which is always plain words.
    pub(crate) fn subject(nodes: &[Node], language: Language) -> Self {
        let form = Form::Text(language);
        let mut ops = Vec::new();
        if let Some(Node::Line(LineKind::Subject, cells)) = nodes.first() {
            cells.iter().for_each(|cell| inline(cell, form, &mut ops));
        }
        Self { form, ops }
    }

    /// Writes it out for one view.
    pub(crate) fn render(&self, view: &View<'_>, out: &mut String) {
        let mut writer = Writer { view, html: self.form == Form::Html, step: 0, out };
        writer.ops(&self.ops, At::default());
    }
}

struct Writer<'a, 'v> {
    view: &'a View<'v>,
    html: bool,
    step: u32,
    out: &'a mut String,
}

impl<'a> Writer<'a, '_> {
    fn ops(&mut self, ops: &[Op], at: At<'a>) {
        for op in ops {
            match op {
                Op::Put(words) => self.out.push_str(words),
                Op::Blank => self.blank(),
                Op::Field(field) => self.field(*field, at),
                Op::Step => self.step(),
                Op::Underline => self.underline(),
                Op::ResetSteps => self.step = 0,
                Op::If(condition, then, other) => {
                    self.ops(if self.view.holds(*condition, at) { then } else { other }, at);
                }
                Op::Each(list, body) => self.view.each(*list, at, |entry| self.ops(body, entry)),
            }
        }
    }

    fn blank(&mut self) {
        if !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    fn underline(&mut self) {
        let width = self.out.trim_end().rsplit('\n').next().map_or(0, |line| line.chars().count());
        self.out.extend(std::iter::repeat_n('-', width).chain(['\n']));
    }

    fn step(&mut self) {
        self.step += 1;
        // A number always fits into a string.
        let _ = write!(self.out, "{}", self.step);
    }

    fn field(&mut self, field: Field, at: At<'a>) {
        let value = self.view.field(field, at);
        match (self.html, field, at.line) {
            (true, Field::LineVerdict, Some((_, verdict))) => {
                let _ = write!(self.out, "<b class={}>{} {value}</b>", class(verdict), verdict.mark());
            }
            (false, Field::LineVerdict, Some((_, verdict))) => {
                let _ = write!(self.out, "{} {value}", verdict.mark());
            }
            (true, ..) => escape(value, self.out),
            (false, ..) => self.out.push_str(value),
        }
    }
}

const fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Proved => "proved",
        Verdict::Possible => "possible",
        Verdict::Excluded => "excluded",
    }
}

/// Escapes words for HTML text and quoted attributes.
pub(crate) fn escape(words: &str, out: &mut String) {
    let mut rest = words;
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
        out.push_str(&rest[..at]);
        out.push_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            _ => "&#39;",
        });
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}

fn inline(pieces: &[Inline], form: Form, ops: &mut Vec<Op>) {
    for piece in pieces {
        match piece {
            Inline::Text(words) if form == Form::Html => {
                let mut escaped = String::new();
                escape(words, &mut escaped);
                put(ops, &escaped);
            }
            Inline::Text(words) => put(ops, words),
            Inline::Field(field) => ops.push(Op::Field(*field)),
            Inline::If(condition, then, other) => {
                let mut branches = (Vec::new(), Vec::new());
                inline(then, form, &mut branches.0);
                inline(other, form, &mut branches.1);
                ops.push(Op::If(*condition, branches.0, branches.1));
            }
        }
    }
}

/// Adds words, joined to the words before them.
fn put(ops: &mut Vec<Op>, words: &str) {
    match ops.last_mut() {
        Some(Op::Put(before)) => before.push_str(words),
        _ => ops.push(Op::Put(words.to_owned())),
    }
}

/// HTML elements that hold several lines.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holder {
    Steps,
    Items,
    Table,
    Lines,
}

impl Holder {
    const fn of(kind: LineKind) -> Option<Self> {
        match kind {
            LineKind::Step => Some(Self::Steps),
            LineKind::Item => Some(Self::Items),
            LineKind::Row => Some(Self::Table),
            LineKind::Paragraph => Some(Self::Lines),
            _ => None,
        }
    }

    const fn tags(self) -> (&'static str, &'static str) {
        match self {
            Self::Steps => ("<ol>\n", "</ol>\n"),
            Self::Items => ("<ul>\n", "</ul>\n"),
            Self::Table => ("<table role=presentation>\n", "</table>\n"),
            Self::Lines => ("<p>", "</p>\n"),
        }
    }
}

struct Compiler {
    form: Form,
    open: Option<Holder>,
}

impl Compiler {
    fn nodes(&mut self, nodes: &[Node]) -> Vec<Op> {
        let mut ops = Vec::new();
        for node in nodes {
            match node {
                Node::Blank => self.blank(&mut ops),
                Node::Line(kind, cells) => self.line(*kind, cells, &mut ops),
                Node::If(condition, then, other) => {
                    self.before_section(&[then, other], &mut ops);
                    let branches = (self.section(then), self.section(other));
                    ops.push(Op::If(*condition, branches.0, branches.1));
                }
                Node::Each(list, body) => {
                    self.before_section(&[body], &mut ops);
                    let body = self.section(body);
                    ops.push(Op::Each(*list, body));
                }
            }
        }
        ops
    }

    fn blank(&mut self, ops: &mut Vec<Op>) {
        self.close(ops);
        if self.form != Form::Html {
            ops.push(Op::Blank);
        }
    }

    /// What is open stays open over a section only where the section continues it with nothing else:
    /// otherwise one branch would close what the other leaves open.
    fn before_section(&mut self, bodies: &[&[Node]], ops: &mut Vec<Op>) {
        if self.open.is_none() {
            // Rows of a table come out of a list: the table is opened around it.
            let first = bodies.iter().find_map(|body| body.first());
            if let Some(Node::Line(LineKind::Row, _)) = first {
                self.switch(Some(Holder::Table), ops);
            }
        }
        if !bodies.iter().all(|body| continues(body, self.open)) {
            self.close(ops);
        }
    }

    fn section(&mut self, body: &[Node]) -> Vec<Op> {
        let before = self.open;
        let mut ops = self.nodes(body);
        if self.open != before {
            self.close(&mut ops);
        }
        self.open = before;
        ops
    }

    fn switch(&mut self, to: Option<Holder>, ops: &mut Vec<Op>) {
        if self.form != Form::Html || self.open == to {
            return;
        }
        self.close(ops);
        if let Some(holder) = to {
            put(ops, holder.tags().0);
        }
        self.open = to;
    }

    fn close(&mut self, ops: &mut Vec<Op>) {
        if let Some(holder) = self.open.take().filter(|_| self.form == Form::Html) {
            put(ops, holder.tags().1);
        }
    }

    fn line(&mut self, kind: LineKind, cells: &[Vec<Inline>], ops: &mut Vec<Op>) {
        self.switch(Holder::of(kind), ops);
        if matches!(kind, LineKind::Heading | LineKind::Answer) {
            ops.push(Op::ResetSteps);
        }
        match self.form {
            Form::Html => html_line(kind, cells, ops),
            Form::Text(language) => text_line(kind, cells, language, ops),
        }
    }
}

/// Whether all lines of a section belong into what is open.
fn continues(body: &[Node], open: Option<Holder>) -> bool {
    open.is_some()
        && body.iter().all(|node| match node {
            Node::Line(kind, _) => Holder::of(*kind) == open,
            Node::Blank => false,
            Node::If(_, then, other) => continues(then, open) && continues(other, open),
            Node::Each(_, body) => continues(body, open),
        })
}

fn html_line(kind: LineKind, cells: &[Vec<Inline>], ops: &mut Vec<Op>) {
    let whole: Vec<Inline> = cells.concat();
    let mut around = |before: &str, after: &str| {
        put(ops, before);
        inline(&whole, Form::Html, ops);
        put(ops, after);
    };
    match kind {
        LineKind::Subject => {}
        LineKind::Answer => around("<h1>", "</h1>\n"),
        LineKind::Heading => around("<h2>", "</h2>\n"),
        LineKind::SmallHeading => around("<h3>", "</h3>\n"),
        LineKind::Item => around("<li>", "</li>\n"),
        LineKind::Small => around("<p class=small>", "</p>\n"),
        LineKind::Typed => around("<p class=typed>", "</p>\n"),
        LineKind::Paragraph => around("", "<br>\n"),
        LineKind::Address => {
            around("<p class=go><a href=\"", "\">");
            around("", "</a></p>\n");
        }
        LineKind::Step => {
            put(ops, "<li value=");
            ops.push(Op::Step);
            put(ops, ">");
            inline(&whole, Form::Html, ops);
            put(ops, "</li>\n");
        }
        LineKind::Row => html_row(cells, ops),
    }
}

fn html_row(cells: &[Vec<Inline>], ops: &mut Vec<Op>) {
    put(ops, "<tr>");
    for cell in cells {
        put(ops, "<td>");
        inline(cell, Form::Html, ops);
        put(ops, "</td>");
    }
    put(ops, "</tr>\n");
}

fn text_line(kind: LineKind, cells: &[Vec<Inline>], language: Language, ops: &mut Vec<Op>) {
    let form = Form::Text(language);
    put(ops, text_head(kind, language));
    if kind == LineKind::Step {
        ops.push(Op::Step);
        put(ops, ". ");
    }
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            put(ops, if matches!(language, Language::En | Language::Ko) { ": " } else { "：" });
        }
        inline(cell, form, ops);
    }
    put(ops, if kind == LineKind::SmallHeading && language != Language::En { "】\n" } else { "\n" });
    if (kind, language) == (LineKind::Heading, Language::En) {
        ops.push(Op::Underline);
    }
}

const fn text_head(kind: LineKind, language: Language) -> &'static str {
    match (kind, language) {
        (LineKind::Address | LineKind::Typed, _) | (LineKind::Row, Language::En | Language::Ko) => "  ",
        (LineKind::Item, Language::Ja) => "・",
        (LineKind::Item, _) => "- ",
        (LineKind::Row, _) => "　",
        (LineKind::Heading | LineKind::SmallHeading | LineKind::Small, Language::En) => "",
        (LineKind::Heading, _) => "■ ",
        (LineKind::SmallHeading, _) => "【",
        (LineKind::Small, _) => "※ ",
        _ => "",
    }
}
