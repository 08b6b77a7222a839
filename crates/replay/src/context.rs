//! Where a parameter stands in the shop's SQL. With `[[endpoint]]` the investigator says so; without, the quoting and
//! bracketing around it are inferred: the first context in which the statement can be read is taken.

use kintsugi_case::{EndpointSpec, ParameterPlace, Shows};

use crate::dialect::Dialect;
use crate::lexer::{Template, template};
use crate::request::Request;

/// A place where requests reach SQL.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// `GET /item id`
    pub(crate) name: String,
    /// What the page shows of a result.
    pub(crate) shows: Shows,
    /// The parameter's value never becomes SQL text.
    pub(crate) bound: bool,
    /// The endpoint's SQL; `None` where it is inferred.
    sql: Option<String>,
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

impl Endpoints {
    pub(crate) fn new(specs: &[EndpointSpec], dialect: Dialect) -> Self {
        let mut endpoints = Self { written: Vec::new(), all: Vec::new(), ordinary: Vec::new(), dialect };
        for spec in specs {
            let name = format!("{} {} {}", spec.method, spec.path, spec.parameter);
            let bound = !spec.sql.contains("{p}");
            let at = endpoints.push(Endpoint { name, shows: spec.shows, bound, sql: Some(spec.sql.clone()) });
            endpoints.written.push((spec.clone(), at));
        }
        endpoints
    }

    pub(crate) fn get(&self, at: usize) -> &Endpoint {
        &self.all[at]
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
        let known_path = self.written.iter().any(|(spec, _)| path_value(&spec.path, &request.path).is_some());
        for (spec, at) in self.written.clone() {
            if spec.method.eq_ignore_ascii_case(method)
                && let Some(at_path) = path_value(&spec.path, &request.path)
            {
                let values = values_of(&spec, at_path, request);
                found.extend(values.into_iter().filter_map(|value| self.written_injection(at, value)));
            }
        }
        if !known_path {
            for (name, value) in &request.query {
                found.extend(self.inferred_injection(method, &request.path, name, value));
            }
        }
        found
    }

    fn written_injection(&self, at: usize, value: &str) -> Option<Injection> {
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

    fn inferred_injection(&mut self, method: &str, path: &str, name: &str, value: &str) -> Option<Injection> {
        if !speaks_sql(value) {
            return None;
        }
        let known = format!("{method} {path} {name}");
        let at = self.all.iter().position(|endpoint| endpoint.name == known);
        let endpoint = at.unwrap_or_else(|| self.push(Endpoint { name: known, shows: Shows::Rows, bound: false, sql: None }));
        let texts =
            CONTEXTS.map(|(open, close)| format!("SELECT NULL FROM (SELECT NULL AS x) AS own WHERE x={open}{value}{close}"));
        let read = texts.iter().find_map(|text| {
            let template = template(text, self.dialect).ok()?;
            (leaves_the_value(&template.sql) && crate::rows::parses(&template.sql, self.dialect)).then_some(template)
        });
        Some(Injection { endpoint, template: read.ok_or("no context makes it a statement"), text: value.to_owned() })
    }
}

/// Whether more than a value came of it: a wrong guess of the quotes makes the whole injection a string.
fn leaves_the_value(sql: &str) -> bool {
    sql.split("own WHERE x =").nth(1).is_some_and(|after| after.trim_matches([' ', '(', ')']) != "?1")
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

/// The values of the endpoint's parameter; forms, cookies, headers and bodies are not in a web server's log.
fn values_of<'a>(spec: &EndpointSpec, at_path: &'a str, request: &'a Request) -> Vec<&'a str> {
    match spec.place {
        ParameterPlace::Path => vec![at_path],
        ParameterPlace::Query => {
            let named = request.query.iter().filter(|(name, _)| *name == spec.parameter);
            named.map(|(_, value)| value.as_str()).collect()
        }
        ParameterPlace::Form | ParameterPlace::Cookie | ParameterPlace::Header | ParameterPlace::Json => Vec::new(),
    }
}

fn is_more_than_a_value(value: &str) -> bool {
    value.bytes().any(|byte| !byte.is_ascii_alphanumeric() && byte < 0x80)
}

/// Whether a value holds a subquery or a call, which no ordinary value of a shop does.
fn speaks_sql(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let has = |word: &str| lower.contains(word);
    has("select") && (has(" from") || has("/from") || has("union") || has("(") || has("/*"))
        || has("sleep(")
        || has("benchmark(")
        || has("extractvalue(")
        || has("updatexml(")
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
