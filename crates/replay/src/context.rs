//! Where a parameter stands in the shop's SQL. With `[[endpoint]]` the investigator says so; without, the quoting and
//! bracketing around it are inferred: the first context in which the statement can be read is taken.

use std::ops::Range;

use kintsugi_case::{EndpointSpec, ParameterPlace, Shows};

use crate::dialect::Dialect;
use crate::lexer::{Literal, Template, template};
use crate::request::{Parameter, Request};

/// A place where requests reach SQL.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// `GET /item id`
    pub(crate) name: String,
    /// What the page shows of a result.
    pub(crate) shows: Shows,
    /// The parameter's value never becomes SQL text.
    pub(crate) bound: bool,
    /// The page is known to show the database's error messages.
    pub(crate) errors: bool,
    /// The endpoint's SQL; `None` where it is inferred.
    sql: Option<String>,
    /// What an investigator would have written down about it, but for the SQL; none of a value in a path.
    pub(crate) unwritten: Option<EndpointSpec>,
}

impl Endpoint {
    /// Whether nobody wrote down its SQL.
    pub(crate) fn is_inferred(&self) -> bool {
        self.sql.is_none()
    }
}

/// What a request tried to have executed.
#[derive(Debug)]
pub(crate) struct Injection {
    /// Index of the endpoint.
    pub(crate) endpoint: usize,
    /// The statement in its shape, or why it cannot be read.
    pub(crate) template: Result<Template, &'static str>,
    /// The parameter's value, for naming what cannot be parsed.
    pub(crate) text: String,
}

/// The endpoints of a source: those of the case file, and those found in requests.
#[derive(Debug)]
pub(crate) struct Endpoints {
    written: Vec<(EndpointSpec, usize)>,
    all: Vec<Endpoint>,
    /// The shape of each endpoint's statement with an ordinary value.
    ordinary: Vec<Vec<String>>,
    dialect: Dialect,
}

/// What an attacker has to close before SQL of their own can follow, most usual first.
const CONTEXTS: [(&str, &str); 8] =
    [("", ""), ("'", "'"), ("\"", "\""), ("(", ")"), ("('", "')"), ("((", "))"), ("(('", "'))"), ("'%", "%'")];

/// The end of what stands around a parameter where nobody wrote its SQL down.
const INFERRED_ENDS: &str = "own WHERE x =";

impl Endpoints {
    pub(crate) fn new(specs: &[EndpointSpec], dialect: Dialect) -> Self {
        let mut endpoints = Self { written: Vec::new(), all: Vec::new(), ordinary: Vec::new(), dialect };
        for spec in specs {
            let name = format!("{} {} {}", spec.method, spec.path, spec.parameter);
            let bound = !spec.sql.contains("{p}");
            let (shows, errors, sql) = (spec.shows, spec.errors, Some(spec.sql.clone()));
            let at = endpoints.push(Endpoint { name, shows, bound, errors, sql, unwritten: None });
            endpoints.written.push((spec.clone(), at));
        }
        endpoints
    }

    pub(crate) fn get(&self, at: usize) -> &Endpoint {
        &self.all[at]
    }

    /// The intruder's part in a statement of this endpoint, in bytes: what stands around it is the shop's own.
    pub(crate) fn injected(&self, at: usize, sql: &str) -> Range<usize> {
        let whole = 0..sql.len();
        if self.all[at].sql.is_none() {
            let begins = sql.find(INFERRED_ENDS).map_or(0, |found| found + INFERRED_ENDS.len()) + 1;
            return begins.min(sql.len())..sql.len();
        }
        let parts = self.ordinary[at].iter().map(|own| parted(own, sql));
        parts.min_by_key(|part| part.len()).unwrap_or(whole)
    }

    fn push(&mut self, endpoint: Endpoint) -> usize {
        let shapes = endpoint.sql.as_deref().map(|sql| {
            let plain = ["1", "x"].map(|value| template(&substitute(sql, value), self.dialect));
            plain.into_iter().flatten().map(|template| template.sql).collect()
        });
        self.ordinary.push(shapes.unwrap_or_default());
        self.all.push(endpoint);
        self.all.len() - 1
    }

    /// The injections that a request carries; usually none or one. A value that leaves the shape of the endpoint's
    /// statement as it is (a name with a doubled quote, a negative number) is none.
    pub(crate) fn injections(&mut self, method: &str, request: &Request) -> Vec<Injection> {
        let mut found = Vec::new();
        let mut written_path = None;
        for (spec, at) in self.written.clone() {
            let Some(at_path) = path_value(&spec.path, &request.path) else { continue };
            written_path = Some(spec.place == ParameterPlace::Path);
            if spec.method.eq_ignore_ascii_case(method) {
                let values = values_of(&spec, at_path, request);
                found.extend(values.into_iter().filter_map(|parameter| self.written_injection(at, &parameter)));
            }
        }
        for parameter in &request.parameters {
            // A path that the investigator wrote down has no other segments that reach SQL.
            let skipped = parameter.place == ParameterPlace::Path && written_path.is_some();
            if !skipped && !self.is_written(method, &request.path, parameter) {
                found.extend(self.inferred_injection(method, &request.path, parameter));
            }
        }
        found
    }

    /// The injection that a value of a written endpoint is, as a query log shows it: no reading but the plain one.
    pub(crate) fn ran(&self, at: usize, value: &str) -> Option<Injection> {
        self.read_as(at, value)
    }

    /// What becomes of an ordinary value of a written endpoint.
    pub(crate) fn ordinary(&self, at: usize, value: &str) -> Option<Template> {
        let sql = self.all[at].sql.as_deref()?.replacen('?', value, 1);
        template(&substitute(&sql, value), self.dialect).ok()
    }

    /// The statement of an ordinary request to an endpoint that was written down, with the parameter's value.
    pub(crate) fn ordinary_request(&self, method: &str, request: &Request) -> Option<(usize, Template, String)> {
        self.written.iter().find_map(|(spec, at)| {
            let at_path = path_value(&spec.path, &request.path)?;
            if !spec.method.eq_ignore_ascii_case(method) || self.all[*at].bound {
                return None;
            }
            let value = values_of(spec, at_path, request).into_iter().next()?.value;
            let template = template(&substitute(&spec.sql, &value), self.dialect).ok()?;
            self.ordinary[*at].contains(&template.sql).then_some((*at, template, value))
        })
    }

    /// The statement of a request that leaves the parameter of an endpoint away, if the page then shows all rows: its query
    /// without the condition.
    pub(crate) fn without_parameter(&self, method: &str, request: &Request) -> Option<(usize, Template)> {
        let (spec, at) = self.written.iter().find(|(spec, at)| {
            let here = spec.place == ParameterPlace::Query && spec.path == request.path && !self.all[*at].bound;
            here && spec.method.eq_ignore_ascii_case(method) && !request.parameters.iter().any(|one| is_named(spec, one))
        })?;
        let mut query = crate::rows::query(&substitute(&spec.sql, "1"), self.dialect).ok()?;
        let sqlparser::ast::SetExpr::Select(select) = query.body.as_mut() else { return None };
        select.selection = None;
        Some((*at, template(&query.to_string(), self.dialect).ok()?))
    }

    /// Whether the investigator wrote down what becomes of this parameter.
    fn is_written(&self, method: &str, path: &str, parameter: &Parameter) -> bool {
        self.written.iter().any(|(spec, _)| {
            spec.method.eq_ignore_ascii_case(method)
                && spec.place == parameter.place
                && is_named(spec, parameter)
                && path_value(&spec.path, path).is_some()
        })
    }

    /// The plain reading of a value if it is SQL, else whichever reading is.
    fn written_injection(&self, at: usize, parameter: &Parameter) -> Option<Injection> {
        let plain = self.read_as(at, &parameter.value);
        if plain.as_ref().is_some_and(|injection| injection.template.is_ok()) {
            return plain;
        }
        let mut others = parameter.readings().into_iter().filter(|reading| speaks_sql(reading));
        let other = others.find_map(|reading| self.read_as(at, &reading).filter(|injection| injection.template.is_ok()));
        other.or(plain)
    }

    fn read_as(&self, at: usize, value: &str) -> Option<Injection> {
        let endpoint = &self.all[at];
        if endpoint.bound {
            let text = value.to_owned();
            return speaks_sql(value).then_some(Injection {
                endpoint: at,
                template: Err("the parameter is bound, not pasted"),
                text,
            });
        }
        let template = template(&substitute(endpoint.sql.as_deref().unwrap_or_default(), value), self.dialect);
        match &template {
            Ok(read) if self.ordinary[at].contains(&read.sql) || !is_more_than_a_value(value) => None,
            // A stray quote in a name breaks the statement, but asks for nothing.
            Err(_) if !speaks_sql(value) => None,
            _ => Some(Injection { endpoint: at, template, text: value.to_owned() }),
        }
    }

    fn inferred_injection(&mut self, method: &str, path: &str, parameter: &Parameter) -> Option<Injection> {
        let mut hostile: Vec<String> = speaks_sql(&parameter.value).then(|| parameter.value.clone()).into_iter().collect();
        hostile.extend(parameter.readings().into_iter().filter(|reading| speaks_sql(reading)));
        let first = hostile.first()?.clone();
        let read = hostile.into_iter().find_map(|value| self.in_some_context(&value).map(|template| (template, value)));
        let (template, text) =
            read.map_or((Err("no context makes it a statement"), first), |(template, value)| (Ok(template), value));
        Some(Injection { endpoint: self.inferred_endpoint(method, path, parameter), template, text })
    }

    /// The place of values that were stored before: no request carries them.
    pub(crate) fn stored(&mut self) -> usize {
        const NAME: &str = "a value that was stored";
        let at = self.all.iter().position(|endpoint| endpoint.name == NAME);
        let (name, shows) = (NAME.to_owned(), Shows::Rows);
        at.unwrap_or_else(|| self.push(Endpoint { name, shows, bound: false, errors: false, sql: None, unwritten: None }))
    }

    fn inferred_endpoint(&mut self, method: &str, path: &str, parameter: &Parameter) -> usize {
        let known = match parameter.place {
            // The value is in the path itself: what stands before it names the endpoint.
            ParameterPlace::Path => {
                let number: usize = parameter.name.parse().unwrap_or(1);
                let before: Vec<&str> = path.split('/').take(number).collect();
                format!("{method} {}/<{number}>", before.join("/"))
            }
            ParameterPlace::Header => format!("{method} {path} header {}", parameter.name),
            ParameterPlace::Cookie => format!("{method} {path} cookie {}", parameter.name),
            ParameterPlace::Query | ParameterPlace::Form | ParameterPlace::Json => format!("{method} {path} {}", parameter.name),
        };
        let at = self.all.iter().position(|endpoint| endpoint.name == known);
        at.unwrap_or_else(|| {
            let unwritten = unwritten(method, path, parameter);
            self.push(Endpoint { name: known, shows: Shows::Rows, bound: false, errors: false, sql: None, unwritten })
        })
    }

    /// The first context in which the value is more than a value and the whole can be read. One that makes a string of what
    /// speaks SQL (`5;COPY (SELECT a FROM b) TO '/x'` between quotes is a string, divided by x) comes last, if it asks for more.
    fn in_some_context(&self, value: &str) -> Option<Template> {
        let hides = |literal: &Literal| matches!(literal, Literal::Text(text) if speaks_sql(text));
        let speaks = |read: &Template| read.sql.split(INFERRED_ENDS).nth(1).is_some_and(speaks_sql);
        let first = |hidden: bool| {
            self.contexts(value).find(|read| read.literals.iter().any(hides) == hidden && (!hidden || speaks(read)))
        };
        first(false).or_else(|| first(true))
    }

    /// The statements that a value makes in each context.
    fn contexts(&self, value: &str) -> impl Iterator<Item = Template> {
        CONTEXTS.iter().filter_map(move |(open, close)| {
            let text = format!("SELECT NULL FROM (SELECT NULL AS x) AS own WHERE x={open}{value}{close}");
            let template = template(&text, self.dialect).ok()?;
            (leaves_the_value(&template.sql) && crate::rows::parses(&template.sql, self.dialect)).then_some(template)
        })
    }
}

/// What can be said of a parameter without its SQL.
fn unwritten(method: &str, path: &str, parameter: &Parameter) -> Option<EndpointSpec> {
    let is_plain = parameter.place != ParameterPlace::Path && !parameter.name.is_empty() && !path.contains(['<', '>']);
    is_plain.then(|| EndpointSpec {
        method: method.into(),
        path: path.into(),
        parameter: parameter.name.clone(),
        place: parameter.place,
        sql: String::new(),
        shows: Shows::Rows,
        errors: false,
    })
}

/// What of a statement is not also in the page's own, cut at blanks.
fn parted(own: &str, sql: &str) -> Range<usize> {
    let (own, sent) = (own.as_bytes(), sql.as_bytes());
    let mut begins = own.iter().zip(sent).take_while(|(own, sent)| own == sent).count();
    let at_end = |at: usize| sent.get(at).is_none_or(|byte| *byte == b' ') && own.get(at).is_none_or(|byte| *byte == b' ');
    if !at_end(begins) {
        begins = sent[..begins].iter().rposition(|byte| *byte == b' ').unwrap_or(0);
    }
    let after = own[begins.min(own.len())..].iter().rev().zip(sent[begins..].iter().rev());
    let mut ends = sent.len() - after.take_while(|(own, sent)| own == sent).count();
    if ends < sent.len() && sent[ends] != b' ' {
        ends += sent[ends..].iter().position(|byte| *byte == b' ').unwrap_or(sent.len() - ends);
    }
    let blank = usize::from(sent.get(begins) == Some(&b' ') && begins < ends);
    begins + blank..ends
}

/// Whether more than a value came of it: a wrong guess of the quotes makes the whole injection a string.
fn leaves_the_value(sql: &str) -> bool {
    sql.split(INFERRED_ENDS).nth(1).is_some_and(|after| after.trim_matches([' ', '(', ')']) != "?1")
}

/// Puts the value in; other parameters of the endpoint become an ordinary word.
fn substitute(sql: &str, value: &str) -> String {
    let mut text = String::with_capacity(sql.len() + value.len());
    let mut rest = sql;
    while let Some(open) = rest.find('{') {
        let Some(close) = rest[open..].find('}').map(|at| open + at) else { break };
        text.push_str(&rest[..open]);
        text.push_str(if &rest[open..=close] == "{p}" { value } else { "x" });
        rest = &rest[close + 1..];
    }
    text.push_str(rest);
    text
}

/// The value at `<…>` if the path is of this pattern; an empty one where the pattern has no such place.
fn path_value<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    let (Some(open), Some(close)) = (pattern.find('<'), pattern.find('>')) else {
        return (pattern == path).then_some("");
    };
    let value = path.strip_prefix(&pattern[..open])?.strip_suffix(&pattern[close + 1..])?;
    (!value.is_empty()).then_some(value)
}

/// The values of the endpoint's parameter.
fn values_of(spec: &EndpointSpec, at_path: &str, request: &Request) -> Vec<Parameter> {
    if spec.place == ParameterPlace::Path {
        return vec![Parameter::new(spec.place, spec.parameter.as_bytes(), at_path.as_bytes().to_vec())];
    }
    let named = request.parameters.iter().filter(|parameter| parameter.place == spec.place && is_named(spec, parameter));
    named.cloned().collect()
}

/// Header names have no case; a member deep in JSON may be named by its last name alone.
fn is_named(spec: &EndpointSpec, parameter: &Parameter) -> bool {
    match spec.place {
        ParameterPlace::Header => parameter.name.eq_ignore_ascii_case(&spec.parameter),
        // What could not be read as JSON may hold it.
        ParameterPlace::Json => {
            parameter.name.is_empty()
                || parameter.name == spec.parameter
                || parameter.name.rsplit('.').next() == Some(spec.parameter.as_str())
        }
        _ => parameter.name == spec.parameter,
    }
}

pub(crate) fn is_more_than_a_value(value: &str) -> bool {
    value.bytes().any(|byte| !byte.is_ascii_alphanumeric() && byte < 0x80)
}

/// Whether a value holds a subquery or a call, which no ordinary value of a shop does.
pub(crate) fn speaks_sql(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let has = |word: &str| lower.contains(word);
    has("select") && (has("from") || has("union") || has("(") || has("/*"))
        || has("union") && has("table")
        || has("sleep(")
        || has("waitfor")
        || has("load_file(")
        || has("benchmark(")
        || has("extractvalue(")
        || has("updatexml(")
        || has("dblink")
        || has(";") && lower.split(';').skip(1).any(copies_without_select)
}

/// Whether a statement behind a semicolon copies rows without the word SELECT, or runs a text that may hold it.
fn copies_without_select(statement: &str) -> bool {
    let verb = statement.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
    let has = |word: &str| verb.contains(word);
    let first = verb.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().unwrap_or_default();
    match first {
        "copy" => has("to") || has("program"),
        "table" => verb.len() > "table ".len(),
        "insert" | "create" => has("table") || has("values"),
        "vacuum" => has("into"),
        "attach" | "prepare" | "execute" | "exec" => has("'") || has("@") || has(" from ") || has(" as "),
        "do" => has("$") || has("'"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use kintsugi_case::{EndpointSpec, ParameterPlace, Shows};

    use super::Endpoints;
    use crate::dialect::Dialect;
    use crate::request::Request;

    fn check(sql: &str, targets: &[(&str, &str)]) {
        let spec = EndpointSpec {
            method: "GET".into(),
            path: "/item".into(),
            parameter: "id".into(),
            place: ParameterPlace::Query,
            sql: sql.into(),
            shows: Shows::Rows,
            errors: false,
        };
        let mut endpoints = Endpoints::new(&[spec], Dialect::MySql);
        for (target, expected) in targets {
            let found = endpoints.injections("GET", &Request::parse(target.as_bytes()));
            let found: Vec<_> = found.into_iter().map(|i| i.template.map_or_else(str::to_owned, |t| t.sql)).collect();
            assert_eq!(found.join(";"), *expected, "{target}");
        }
    }

    #[test]
    fn the_intruders_part_is_what_the_page_does_not_ask_itself() {
        let part = |own: &str, sent: &str| sent[super::parted(own, sent)].to_owned();
        assert_eq!(part("SELECT a FROM t WHERE id = ?1", "SELECT a FROM t WHERE id = ?1 UNION SELECT ?2"), "UNION SELECT ?2");
        assert_eq!(part("SELECT a WHERE b LIKE ?1 ORDER BY c", "SELECT a WHERE b LIKE ?1 AND ?2 ORDER BY c"), "AND ?2");
        assert_eq!(part("SELECT a WHERE b = ?1 OR c", "SELECT a WHERE b = ?1 ORDER BY ?2"), "ORDER BY ?2");
        assert_eq!(part("SELECT a WHERE b = ?1", "SELECT a WHERE b = - ?1 OR ?2"), "- ?1 OR ?2");
        assert_eq!(part("SELECT a", "SELECT a"), "");
    }

    #[test]
    fn a_value_is_no_injection() {
        check("SELECT a FROM t WHERE id={p}", &[("/item?id=5", ""), ("/item?id=abc", ""), ("/item?x=5%20OR%201", "")]);
        check("SELECT a FROM t WHERE n='{p}'", &[("/item?id=O'Brien", ""), ("/item?id=from%20here%20select%20it", "")]);
    }

    #[test]
    fn the_endpoint_gives_the_context() {
        check("SELECT a FROM t WHERE id={p} ORDER BY a", &[("/item?id=5+OR+1--+-", "SELECT a FROM t WHERE id = ?1 OR ?2")]);
        check(
            "SELECT a FROM t WHERE n='{p}'",
            &[("/item?id='+UNION+SELECT+1--+-", "SELECT a FROM t WHERE n = ?1 UNION SELECT ?2")],
        );
        check("SELECT a FROM t WHERE n=?", &[("/item?id='+UNION+SELECT+1--+-", "the parameter is bound, not pasted")]);
    }

    #[test]
    fn the_context_is_inferred_where_nobody_wrote_it() {
        let sql = "SELECT NULL FROM(SELECT NULL AS x) AS own WHERE x =";
        let tail = "UNION SELECT a FROM b";
        for (value, read) in
            [("1+UNION+SELECT+a+FROM+b", "?1"), ("1'+UNION+SELECT+a+FROM+b--+-", "?1"), ("1)+UNION+SELECT+a+FROM+b%23", "(?1)")]
        {
            check("SELECT 1", &[(&format!("/other?q={value}"), &format!("{sql} {read} {tail}").replace("FROM(", "FROM ("))]);
        }
    }
}
