//! Writing Typst source: every word goes in as a string literal, so that no word of a person or a template can be markup.

use std::fmt::Write as _;

use kintsugi_case::{PaperLine, PaperLineKind};

/// A string literal. Control characters become blanks: Typst has no use for them, and a page cannot show them.
pub(crate) fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// An array of string literals.
pub(crate) fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut out = String::from("(");
    for text in texts {
        let _ = write!(out, "{},", literal(text));
    }
    out + ")"
}

/// Lines as calls of the functions that a look defines: what belongs together (steps, items, rows) is one call.
pub(crate) fn body(lines: &[PaperLine]) -> String {
    let mut out = String::new();
    let mut rest = lines;
    while let Some(first) = rest.first() {
        let count = rest.iter().take_while(|line| joins(first.kind, line.kind)).count().max(1);
        let (some, after) = rest.split_at(count);
        let _ = writeln!(out, "#{}({})", function(first.kind), argument(some));
        rest = after;
    }
    out
}

/// Whether a line belongs to what one of this kind began.
fn joins(first: PaperLineKind, next: PaperLineKind) -> bool {
    use PaperLineKind::{Item, Row, RowHead, Small, Step};
    first == next && matches!(first, Step | Item | Row | Small) || first == RowHead && matches!(next, Row | RowHead)
}

const fn function(kind: PaperLineKind) -> &'static str {
    match kind {
        PaperLineKind::Answer => "answer",
        PaperLineKind::Heading => "chapter",
        PaperLineKind::SmallHeading => "part",
        PaperLineKind::Step => "steps",
        PaperLineKind::Item => "items",
        PaperLineKind::Row => "rows",
        PaperLineKind::RowHead => "listing",
        PaperLineKind::Small => "small",
        PaperLineKind::Typed => "typed",
        PaperLineKind::Paragraph => "words",
    }
}

fn argument(lines: &[PaperLine]) -> String {
    let cells = |line: &PaperLine| list(line.cells.iter().map(String::as_str));
    match lines {
        [one]
            if !matches!(
                one.kind,
                PaperLineKind::Row | PaperLineKind::RowHead | PaperLineKind::Step | PaperLineKind::Item | PaperLineKind::Small
            ) =>
        {
            literal(one.cells.first().map_or("", String::as_str))
        }
        [first, ..] if matches!(first.kind, PaperLineKind::Row | PaperLineKind::RowHead) => {
            lines.iter().fold(String::from("("), |out, line| out + &cells(line) + ",") + ")"
        }
        several => list(several.iter().map(|line| line.cells.first().map_or("", String::as_str))),
    }
}

#[cfg(test)]
mod tests {
    use kintsugi_case::PaperLineKind::{Heading, Paragraph, Row, Step};
    use kintsugi_case::{PaperLine, PaperLineKind};

    use super::{body, literal};

    #[test]
    fn no_word_can_be_markup() {
        assert_eq!(literal("\"#read(\"/etc/passwd\")\" \\ *x*\n"), r##""\"#read(\"/etc/passwd\")\" \\ *x* ""##);
    }

    #[test]
    fn what_belongs_together_is_one_call() {
        let line =
            |kind: PaperLineKind, cells: &[&str]| PaperLine { kind, cells: cells.iter().map(|c| (*c).to_owned()).collect() };
        let lines = [
            line(Heading, &["What"]),
            line(Row, &["a", "b"]),
            line(Row, &["c", "d"]),
            line(Step, &["1"]),
            line(Paragraph, &["x"]),
            line(Paragraph, &["y"]),
        ];
        assert_eq!(
            body(&lines),
            "#chapter(\"What\")\n#rows(((\"a\",\"b\",),(\"c\",\"d\",),))\n#steps((\"1\",))\n#words(\"x\")\n#words(\"y\")\n"
        );
    }
}
