//! The SQL around a parameter that nobody wrote down, as the query log shows it: what an intruder sent stands in a statement,
//! and what stands around it is the application's own. Where what was sent stands there as one value, with its quotes escaped
//! or bound beside the statement, the parameter does nothing.
//!
//! Not here: what such a statement took (the engines), and requests whose values no web log shows.

use std::collections::HashMap;

use kintsugi_case::{EndpointSpec, SourceSpec};
use kintsugi_evidence::{EvidenceKind, QueryLine, read_queries};
use memchr::memmem::Finder;

use crate::Inputs;
use crate::error::{Error, Result};

/// Values of one parameter that are looked for.
const TEXTS_MAX: usize = 32;
/// Shorter ones stand in statements by chance.
const TEXT_BYTES_MIN: usize = 12;

/// A parameter that nobody wrote down, and some of what was sent in it.
#[derive(Debug)]
pub(crate) struct Unwritten {
    spec: EndpointSpec,
    texts: Vec<String>,
}

impl Unwritten {
    pub(crate) const fn new(spec: EndpointSpec) -> Self {
        Self { spec, texts: Vec::new() }
    }

    /// Takes what was sent.
    pub(crate) fn add(&mut self, text: &str) {
        let text = text.trim();
        let wanted = self.texts.len() < TEXTS_MAX && text.len() >= TEXT_BYTES_MIN;
        if wanted && self.texts.iter().all(|known| known != text) {
            self.texts.push(text.to_owned());
        }
    }
}

/// Looks for them in every query log of a source, and says what stands around each.
pub(crate) fn learn(inputs: Inputs<'_>, source: &SourceSpec, unwritten: &[Unwritten]) -> Result<Vec<EndpointSpec>> {
    let mut searches: Vec<Search<'_>> = unwritten.iter().map(Search::new).collect();
    for entry in inputs.evidence.iter().filter(|entry| entry.kind == EvidenceKind::QueryLog && entry.source == source.name) {
        if searches.is_empty() {
            break;
        }
        let each = &mut |line: QueryLine| searches.iter_mut().for_each(|search| search.take(&line));
        let read = read_queries(inputs.case_dir, entry, inputs.keys, each);
        read.map_err(|source| Error::Log { path: entry.path.clone(), source })?;
    }
    Ok(searches.iter().filter_map(Search::learned).collect())
}

/// What was found of one parameter.
struct Search<'a> {
    spec: &'a EndpointSpec,
    texts: Vec<Sought<'a>>,
    /// What stood around a text, how often, and how often around one with a quote in it.
    around: HashMap<(String, String), (usize, usize)>,
    /// Statements in which a text stood as a value.
    kept: usize,
}

/// A text as it was sent, and as applications escape it.
struct Sought<'a> {
    text: &'a str,
    plain: Finder<'a>,
    escaped: Vec<Finder<'static>>,
}

impl<'a> Sought<'a> {
    fn new(text: &'a str) -> Self {
        let quoted = [text.replace('\'', "''"), text.replace('\\', "\\\\").replace('\'', "\\'").replace('"', "\\\"")];
        let others = quoted.into_iter().filter(|other| other != text);
        let escaped = others.map(|other| Finder::new(other.as_bytes()).into_owned()).collect();
        Self { text, plain: Finder::new(text.as_bytes()), escaped }
    }
}

impl<'a> Search<'a> {
    fn new(unwritten: &'a Unwritten) -> Self {
        let texts = unwritten.texts.iter().map(|text| Sought::new(text)).collect();
        Self { spec: &unwritten.spec, texts, around: HashMap::new(), kept: 0 }
    }

    fn take(&mut self, line: &QueryLine) {
        if line.cut {
            return;
        }
        for Sought { text, plain, escaped } in &self.texts {
            let is_bound = || line.parameters.iter().flatten().any(|value| value.as_slice() == text.as_bytes());
            if let Some(at) = plain.find(&line.text) {
                let (before, after) = (&line.text[..at], &line.text[at + text.len()..]);
                let words = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                let (all, quoted) = self.around.entry((words(before), words(after))).or_default();
                *all += 1;
                *quoted += usize::from(text.contains('\''));
            } else if escaped.iter().any(|other| other.find(&line.text).is_some()) || is_bound() {
                self.kept += 1;
            }
        }
    }

    /// The parameter with its SQL; `None` where the log does not show it, or shows several.
    fn learned(&self) -> Option<EndpointSpec> {
        let all: usize = self.around.values().map(|(all, _)| all).sum();
        let best = self.around.iter().max_by_key(|(around, (count, _))| (*count, std::cmp::Reverse(*around)));
        let learned = |sql: String| Some(EndpointSpec { sql, ..self.spec.clone() });
        let Some(((before, after), (count, quoted))) = best else {
            return if self.kept > 0 { learned("?".into()) } else { None };
        };
        let usable = count * 3 > all * 2 && !before.contains('{') && !after.contains('{');
        let in_quotes = before.matches('\'').count() % 2 == 1;
        match (usable, self.kept > 0 && *quoted == 0 && in_quotes) {
            (false, _) => None,
            (true, true) => learned("?".into()),
            (true, false) => learned(format!("{before}{{p}}{after}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use kintsugi_case::{EndpointSpec, ParameterPlace, Shows};
    use kintsugi_evidence::QueryLine;

    use super::{Search, Unwritten};

    /// What is learned from these statements of a parameter in which the texts were sent.
    fn check(texts: &[&str], statements: &[&str], expected: Option<&str>) {
        let (method, path, parameter) = ("GET".into(), "/item".into(), "id".into());
        let (place, shows) = (ParameterPlace::Query, Shows::Rows);
        let mut unwritten =
            Unwritten::new(EndpointSpec { method, path, parameter, place, sql: String::new(), shows, errors: true });
        texts.iter().for_each(|text| unwritten.add(text));
        let mut search = Search::new(&unwritten);
        for statement in statements {
            let (text, bound) = statement.split_once(" <- ").map_or((*statement, None), |(text, bound)| (text, Some(bound)));
            let parameters = bound.into_iter().map(|bound| Some(bound.as_bytes().to_vec())).collect();
            search.take(&QueryLine { text: text.as_bytes().to_vec(), parameters, ..QueryLine::default() });
        }
        assert_eq!(search.learned().map(|spec| spec.sql).as_deref(), expected);
    }

    const UNION: &str = "1 UNION SELECT pan FROM cards";
    const QUOTED: &str = "x' UNION SELECT pan FROM cards-- -";

    #[test]
    fn what_stands_around_what_was_sent_is_the_pages_own() {
        let own = Some("SELECT a FROM items WHERE id={p} ORDER BY id");
        check(&[UNION], &["SELECT 1", "SELECT a FROM items WHERE id=1 UNION SELECT pan FROM cards ORDER BY id"], own);
        let quoted = "SELECT a FROM items WHERE n='x' UNION SELECT pan FROM cards-- -'";
        check(&[UNION, QUOTED], &[quoted], Some("SELECT a FROM items WHERE n='{p}'"));
        check(&[UNION], &["SELECT a FROM items WHERE id=1"], None);
        check(&["1 OR 1=1"], &["SELECT a FROM items WHERE id=1 OR 1=1"], None);
        // Two pages at once: neither is more than two thirds.
        let (one, two) = (
            "SELECT a FROM items WHERE id=1 UNION SELECT pan FROM cards",
            "DELETE FROM log WHERE t='1 UNION SELECT pan FROM cards'",
        );
        check(&[UNION], &[one, two], None);
    }

    #[test]
    fn a_parameter_that_stays_a_value_does_nothing() {
        let escaped = r"SELECT a FROM items WHERE n='x\' UNION SELECT pan FROM cards-- -'";
        let doubled = "SELECT a FROM items WHERE n='x'' UNION SELECT pan FROM cards-- -'";
        let plain = "SELECT a FROM items WHERE n='1 UNION SELECT pan FROM cards'";
        check(&[QUOTED], &[escaped], Some("?"));
        check(&[QUOTED, UNION], &[doubled, plain], Some("?"));
        check(&[QUOTED], &[&format!("SELECT a FROM items WHERE n=$1 <- {QUOTED}")], Some("?"));
        // Quotes are escaped, but none is needed.
        let open = "SELECT a FROM items WHERE id=1 UNION SELECT pan FROM cards";
        check(
            &[QUOTED, UNION],
            &[r"SELECT a FROM items WHERE id=x\' UNION SELECT pan FROM cards-- -", open],
            Some("SELECT a FROM items WHERE id={p}"),
        );
    }
}
