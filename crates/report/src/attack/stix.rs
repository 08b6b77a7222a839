//! The intruder's side as a STIX 2.1 bundle (OASIS standard, 10 June 2021). The same picture gives the same bytes: every
//! identifier is a UUID version 5, and nothing reads the clock.

use std::net::IpAddr;

use kintsugi_case::{Actor, Attack, AttackGroup, AttackShape, Phase, Technique};
use serde_json::{Map, Value, json};

use super::name::{observable, ours};
use super::timesketch::endpoint;
use super::{About, plain, utc};

/// Shapes of an actor that become indicators.
const SHAPES_MAX: usize = 100;
/// Statements observed at a time: STIX counts no further.
const NUMBER_OBSERVED_MAX: u64 = 999_999_999;

/// An attack pattern of CAPEC.
struct Capec {
    number: &'static str,
    name: &'static str,
}

const SQL_INJECTION: Capec = Capec { number: "66", name: "SQL Injection" };
const BLIND: Capec = Capec { number: "7", name: "Blind SQL Injection" };
const COMMAND: Capec = Capec { number: "108", name: "Command Line Execution through SQL Injection" };

/// The bundle.
pub fn stix(attack: &Attack, about: &About<'_>) -> Value {
    let mut bundle = Bundle { about, objects: Vec::new() };
    let identity =
        bundle.object("identity", &["controller"], json!({ "name": about.controller, "identity_class": "organization" }));
    let used = |wanted: &Capec| {
        attack.ranked().iter().any(|actor| shapes(attack, actor).any(|(_, shape)| capec(shape).number == wanted.number))
    };
    for pattern in [SQL_INJECTION, BLIND, COMMAND].iter().filter(|pattern| used(pattern)) {
        bundle.capec(pattern, &identity);
    }
    for actor in attack.ranked() {
        bundle.actor(actor, attack, &identity);
    }
    json!({ "type": "bundle", "id": format!("bundle--{}", ours(about.case, &["bundle", &utc(about.as_of_ms)])), "objects": bundle.objects })
}

/// What an actor asked that can be read, most first.
fn shapes<'a>(attack: &'a Attack, actor: &Actor) -> impl Iterator<Item = (&'a AttackGroup, &'a AttackShape)> {
    let mut shapes: Vec<_> = Phase::ALL.into_iter().flat_map(|phase| attack.groups_of(actor.id, phase)).collect();
    shapes.retain(|(_, shape)| !shape.masked.trim().is_empty());
    shapes.sort_by_key(|(group, shape)| std::cmp::Reverse((shape.phase(), group.volume.statements)));
    shapes.into_iter().take(SHAPES_MAX)
}

fn capec(shape: &AttackShape) -> &'static Capec {
    let text = shape.masked.to_lowercase();
    if ["xp_cmdshell", "sys_exec", "copy program", "to program", "from program"].iter().any(|word| text.contains(word)) {
        return &COMMAND;
    }
    match shape.technique {
        Some(Technique::BooleanBlind | Technique::TimeBlind) => &BLIND,
        _ => &SQL_INJECTION,
    }
}

struct Bundle<'a> {
    about: &'a About<'a>,
    objects: Vec<Value>,
}

impl Bundle<'_> {
    /// Adds an object with the properties that all have; gives its identifier.
    fn object(&mut self, kind: &str, known_by: &[&str], properties: Value) -> String {
        let id = format!("{kind}--{}", ours(self.about.case, &[&[kind], known_by].concat()));
        let at = utc(self.about.as_of_ms);
        let common = json!({ "type": kind, "spec_version": "2.1", "id": id, "created": at, "modified": at });
        self.objects.push(joined(common, properties));
        id
    }

    /// Adds an observable, once.
    fn observable(&mut self, kind: &str, properties: Value, of_these: &[&str]) -> String {
        let identifying: Map<String, Value> =
            of_these.iter().map(|name| ((*name).to_owned(), properties[*name].clone())).collect();
        let id = format!("{kind}--{}", observable(&Value::Object(identifying)));
        if !self.objects.iter().any(|known| known["id"] == id.as_str()) {
            self.objects.push(joined(json!({ "type": kind, "spec_version": "2.1", "id": id }), properties));
        }
        id
    }

    fn capec(&mut self, pattern: &Capec, identity: &str) {
        let number = format!("CAPEC-{}", pattern.number);
        let url = format!("https://capec.mitre.org/data/definitions/{}.html", pattern.number);
        let reference = json!([{ "source_name": "capec", "external_id": number, "url": url }]);
        let properties = json!({ "name": pattern.name, "created_by_ref": identity, "external_references": reference });
        self.object("attack-pattern", &[&number], properties);
    }

    fn actor(&mut self, actor: &Actor, attack: &Attack, identity: &str) {
        let Some((first, last)) = attack.span(Some(actor.id)) else { return };
        let number = actor.id.to_string();
        let times = json!({ "first_seen": utc(first.at_ms), "last_seen": utc(last.at_ms) });
        let name = format!("Actor {number} of {}", self.about.case);
        let set = joined(json!({ "name": name, "created_by_ref": identity }), times);
        let set = self.object("intrusion-set", &[&number], set);
        let mut patterns: Vec<&str> = Vec::new();
        for (group, shape) in shapes(attack, actor) {
            let pattern = capec(shape);
            if !patterns.contains(&pattern.number) {
                patterns.push(pattern.number);
                let capec = self.pattern_id(pattern);
                self.relation(&set, "uses", &capec, identity);
            }
            let indicator = self.indicator(shape, group, identity);
            let capec = self.pattern_id(pattern);
            self.relation(&indicator, "indicates", &capec, identity);
        }
        self.observed(actor, attack, identity);
    }

    fn pattern_id(&self, pattern: &Capec) -> String {
        format!("attack-pattern--{}", ours(self.about.case, &["attack-pattern", &format!("CAPEC-{}", pattern.number)]))
    }

    fn relation(&mut self, source: &str, kind: &str, target: &str, identity: &str) {
        let known_by = [source, kind, target];
        if self.objects.iter().any(|known| known["source_ref"] == source && known["target_ref"] == target) {
            return;
        }
        let properties =
            json!({ "relationship_type": kind, "source_ref": source, "target_ref": target, "created_by_ref": identity });
        self.object("relationship", &known_by, properties);
    }

    /// A pattern over the request line: the shape's words in their order, anything between.
    fn indicator(&mut self, shape: &AttackShape, group: &AttackGroup, identity: &str) -> String {
        let path = endpoint(&shape.endpoint).split(' ').nth(1).unwrap_or("/").to_owned();
        let words = words(&shape.masked);
        let expression = format!("(?i){}.*{}", escaped(&path), words.join(".+")).replace('\\', "\\\\").replace('\'', "\\'");
        let pattern = format!("[network-traffic:extensions.'http-request-ext'.request_value MATCHES '{expression}']");
        let name = plain(&format!("{}: {}", shape.phase().label(kintsugi_case::Language::En), shape.masked));
        let known_by = [expression.as_str(), shape.phase().name()];
        let id = format!("indicator--{}", ours(self.about.case, &["indicator", known_by[0], known_by[1]]));
        if !self.objects.iter().any(|known| known["id"] == id.as_str()) {
            let properties = json!({
                "name": name.chars().take(250).collect::<String>(), "pattern": pattern, "pattern_type": "stix",
                "pattern_version": "2.1", "indicator_types": ["malicious-activity"], "valid_from": utc(group.first.at_ms),
                "created_by_ref": identity,
            });
            self.object("indicator", &known_by, properties);
        }
        id
    }

    /// Who was seen, as addresses and as requests of a program.
    fn observed(&mut self, actor: &Actor, attack: &Attack, identity: &str) {
        let mut refs: Vec<String> = Vec::new();
        for address in actor.addresses.iter().filter_map(|address| address.parse::<IpAddr>().ok()) {
            let kind = if address.is_ipv4() { "ipv4-addr" } else { "ipv6-addr" };
            let source = self.observable(kind, json!({ "value": address.to_string() }), &["value"]);
            if let Some(agent) = actor.agents.first() {
                let request = json!({ "http-request-ext": {
                    "request_method": "get", "request_value": "/", "request_header": { "User-Agent": [plain(agent)] } } });
                let properties = json!({ "src_ref": source, "protocols": ["tcp", "http"], "extensions": request });
                refs.push(self.observable("network-traffic", properties, &["src_ref", "protocols", "extensions"]));
            }
            refs.push(source);
        }
        let (Some((first, last)), false) = (attack.span(Some(actor.id)), refs.is_empty()) else { return };
        refs.sort();
        let statements = attack.volume(actor.id, None).statements.clamp(1, NUMBER_OBSERVED_MAX);
        let properties = json!({
            "first_observed": utc(first.at_ms), "last_observed": utc(last.at_ms), "number_observed": statements,
            "object_refs": refs, "created_by_ref": identity,
        });
        self.object("observed-data", &[&actor.id.to_string()], properties);
    }
}

fn joined(one: Value, other: Value) -> Value {
    let mut all = Map::new();
    for value in [one, other] {
        if let Value::Object(members) = value {
            all.extend(members);
        }
    }
    Value::Object(all)
}

/// The words of a masked shape, each as an expression matches it.
fn words(masked: &str) -> Vec<String> {
    let words = masked.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|word| word.len() > 1);
    words.take(24).map(escaped).collect()
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '…' => out.push_str(".+"),
            c if c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-') => out.push(c),
            c if c.is_ascii_graphic() => out.extend(['\\', c]),
            _ => out.push('.'),
        }
    }
    out
}
