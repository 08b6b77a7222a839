//! Injections of the second order: a value that was stored (a name, an address) and later became a part of a statement. No
//! request carries it then; the query log shows the write, and the statement in which the value stands outside of quotes.
//!
//! Not here: what such a statement can have read (`investigation`).

use kintsugi_case::EvidenceLine;
use kintsugi_evidence::QueryLine;
use memchr::memmem::Finder;

use crate::context::speaks_sql;
use crate::dialect::Dialect;
use crate::lexer::{Literal, template};

/// Values that are remembered.
const VALUES_MAX: usize = 256;
/// Statements that are kept.
const FOUND_MAX: usize = 10_000;

/// A statement with a stored value in it.
#[derive(Debug)]
pub(crate) struct Awoken {
    /// Where the query log has it.
    pub(crate) line: EvidenceLine,
    /// By the database's clock.
    pub(crate) at_ms: i64,
    /// The value.
    pub(crate) value: String,
}

/// The values that speak SQL and were stored, and the statements that they became a part of.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    values: Vec<(String, Finder<'static>)>,
    found: Vec<Awoken>,
}

impl Stored {
    /// Takes a statement; `explained` are those of requests.
    pub(super) fn take(&mut self, line: &QueryLine, place: EvidenceLine, dialect: Dialect, explained: bool) {
        let text = String::from_utf8_lossy(&line.text);
        if !explained && let Some(at_ms) = line.at_ms {
            self.look(&text, at_ms, place, dialect);
        }
        if writes(&text) && self.values.len() < VALUES_MAX {
            self.remember(&text, &line.parameters, dialect);
        }
    }

    fn look(&mut self, text: &str, at_ms: i64, line: EvidenceLine, dialect: Dialect) {
        let within = self.values.iter().find(|(_, finder)| finder.find(text.as_bytes()).is_some());
        let Some((value, _)) = within.filter(|_| self.found.len() < FOUND_MAX) else { return };
        let is_value = |literal: &Literal| matches!(literal, Literal::Text(text) if text.contains(value.as_str()));
        // What cannot be cut into tokens is none of the application's own statements.
        if template(text, dialect).is_ok_and(|template| template.literals.iter().any(is_value)) {
            return;
        }
        self.found.push(Awoken { line, at_ms, value: value.clone() });
    }

    fn remember(&mut self, text: &str, parameters: &[Option<Vec<u8>>], dialect: Dialect) {
        let bound = parameters.iter().flatten().map(|value| String::from_utf8_lossy(value).into_owned());
        let mut values: Vec<String> = bound.filter(|value| speaks_sql(value)).collect();
        if speaks_sql(text) {
            let literals = template(text, dialect).map(|template| template.literals).unwrap_or_default();
            values.extend(literals.into_iter().filter_map(|literal| match literal {
                Literal::Text(value) if speaks_sql(&value) => Some(value),
                _ => None,
            }));
        }
        for value in values.into_iter().take(VALUES_MAX - self.values.len()) {
            if self.values.iter().all(|(known, _)| *known != value) {
                let finder = Finder::new(value.as_bytes()).into_owned();
                self.values.push((value, finder));
            }
        }
    }

    /// The statements that were found, in the order of the logs.
    pub(crate) fn found(self) -> Vec<Awoken> {
        self.found
    }
}

fn writes(text: &str) -> bool {
    let word = text.trim_start().split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    ["insert", "update", "replace"].iter().any(|known| word.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use kintsugi_case::EvidenceLine;
    use kintsugi_evidence::QueryLine;

    use super::Stored;
    use crate::dialect::Dialect;

    /// Statements (bound values behind `<-`), and how many of them a stored value became a part of.
    fn check(statements: &[&str], explained: bool, expected: usize) {
        let mut stored = Stored::default();
        for statement in statements {
            let (text, bound) = statement.split_once(" <- ").map_or((*statement, None), |(text, bound)| (text, Some(bound)));
            let parameters = bound.into_iter().map(|bound| Some(bound.as_bytes().to_vec())).collect();
            let line = QueryLine { at_ms: Some(1), text: text.as_bytes().to_vec(), parameters, ..QueryLine::default() };
            stored.take(&line, EvidenceLine::default(), Dialect::MySql, explained);
        }
        assert_eq!(stored.found().len(), expected, "{statements:?}");
    }

    const KEPT: &str = "INSERT INTO people (name) VALUES ('x'' UNION SELECT pan FROM cards-- -')";
    const BOUND: &str = "INSERT INTO people (name) VALUES (?) <- x' UNION SELECT pan FROM cards-- -";
    const RUN: &str = "SELECT id FROM orders WHERE name='x' UNION SELECT pan FROM cards-- -'";

    #[test]
    fn a_stored_value_that_becomes_a_part_of_a_statement_is_found() {
        check(&[KEPT, RUN], false, 1);
        check(&[BOUND, RUN, RUN], false, 2);
        // Read before it was stored, or by a request that sent it itself.
        check(&[RUN, KEPT], false, 0);
        check(&[KEPT, RUN], true, 0);
    }

    #[test]
    fn a_stored_value_that_stays_a_value_is_nothing() {
        check(&[KEPT, "SELECT id FROM orders WHERE name='x'' UNION SELECT pan FROM cards-- -'"], false, 0);
        check(&[BOUND, "SELECT id FROM orders WHERE name=\"x' UNION SELECT pan FROM cards-- -\""], false, 0);
        check(&["INSERT INTO people (name) VALUES ('from here select it')", "SELECT 1"], false, 0);
        check(&[KEPT, KEPT], false, 0);
    }
}
