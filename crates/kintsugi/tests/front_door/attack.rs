//! The picture of the attack: what is shown, what may leave the house, and in which form.

use std::fmt::Write as _;

use serde_json::Value;

use crate::desk::Desk;

const FORMS: [&str; 5] = ["timesketch-csv", "timesketch-jsonl", "stix", "misp", "veris"];

/// A case with its scope, and requests of an intruder who writes people's data into statements, paths and names.
fn desk() -> (Desk, Vec<String>) {
    let desk = Desk::drill(600, 33);
    let people = people(&desk);
    let mut log = String::new();
    for (at, value) in people.iter().step_by(37).take(60).enumerate() {
        let coded: String = value.bytes().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "%{byte:02X}");
            text
        });
        for target in [
            format!("/items?id=1%20UNION%20SELECT%20name,email,2,3%20FROM%20customers%20WHERE%20email%3D%27{coded}%27"),
            format!("/items?id=1%20UNION%20SELECT%20name,email,2,3%20FROM%20customers%20WHERE%20email%3D%60{coded}%60"),
            format!("/members/{coded}/orders?id=1%20UNION%20SELECT%201%20FROM%20customers%20WHERE%20name%3D%22{coded}%22"),
            format!("/items?{coded}=1%20UNION%20SELECT%20(1)%20FROM%20cards%20{coded}"),
        ] {
            let _ = writeln!(
                log,
                "198.51.100.7 - - [21/Apr/2013:22:17:{:02} +0900] \"GET {target} HTTP/1.1\" 200 1058 \"-\" \"\\x1b[2J=cmd\"",
                at % 60
            );
        }
    }
    std::fs::write(desk.case().join("weblog/access.log.0"), log).unwrap();
    for stage in ["collect", "scope"] {
        let said = desk.run(&[stage]);
        assert!(said.code < 2, "{stage}: {}", said.err);
    }
    (desk, people)
}

/// Everything in the snapshot that is about somebody: long enough not to stand in a text by chance.
fn people(desk: &Desk) -> Vec<String> {
    const COLUMNS: [&str; 8] = ["name", "kana", "email", "phone", "address", "holder", "pan", "bill_address"];
    let mut values = Vec::new();
    for table in ["customers", "cards"] {
        let text = std::fs::read_to_string(desk.case().join(format!("snapshot/{table}.csv"))).unwrap();
        let head: Vec<&str> = text.lines().next().unwrap().split(',').collect();
        for line in text.lines().skip(1) {
            let cells =
                line.split(',').zip(&head).filter(|(_, name)| COLUMNS.contains(name)).map(|(cell, _)| cell.trim_matches('"'));
            values.extend(cells.filter(|cell| cell.len() >= 7).map(str::to_owned));
        }
    }
    values.sort();
    values.dedup();
    values
}

#[test]
fn nothing_about_a_person_leaves_with_the_intruders_side() {
    let (desk, people) = desk();
    assert!(people.len() > 1000);
    for form in FORMS {
        let said = desk.run(&["export", "attack", "--format", form]);
        assert_eq!(said.code, 0, "{form}: {}", said.err);
        assert!(said.out.contains("198.51.100.7") || form == "veris", "{form} names the intruder");
        assert!(!said.out.contains('\u{1b}') && !said.out.contains("\\u001b"), "{form} holds a raw escape");
        for text in [&said.out, &said.err] {
            let found: Vec<&String> = people.iter().filter(|value| text.contains(value.as_str())).collect();
            assert!(found.is_empty(), "{form} holds {} values of the snapshot", found.len());
        }
        match form {
            "stix" => check_stix(&said.json()),
            "misp" => check_misp(&said.json()),
            "veris" => check_veris(&said.json()),
            "timesketch-csv" => check_csv(&said.out),
            _ => check_jsonl(&said.out),
        }
        assert_eq!(said.out, desk.run(&["export", "attack", "--format", form]).out, "{form}: the same again");
    }
}

#[test]
fn the_picture_names_the_intruder_and_shows_nothing_of_theirs_raw() {
    let (desk, _) = desk();
    let svg = desk.root().join("attack.svg");
    let said = desk.run(&["replay", "--language", "en", "--timeline", svg.to_str().unwrap()]);
    assert_eq!(said.code, 0, "{}", said.err);
    for expected in ["The attack", "Taking data", "UNION", "proved", "198.51.100.0/24", "What would settle it"] {
        assert!(said.out.contains(expected), "{expected} is missing in\n{}", said.out);
    }
    assert!(!said.out.chars().any(|c| c.is_control() && c != '\n'), "no colour and no escape without a terminal");
    assert!(said.out.lines().all(|line| line.chars().count() <= 80), "{}", said.out);
    assert!(desk.run(&["replay"]).out.contains("攻撃の全体像"), "the case's first language");
    let drawn = std::fs::read_to_string(svg).unwrap();
    assert!(drawn.contains("<title") && drawn.contains("<desc") && !drawn.contains("<script"));
    let json = desk.run(&["--json", "replay"]).json();
    assert!(json["result"]["attack"]["actors"].as_array().is_some_and(|actors| actors.len() > 1));
    assert!(
        json["result"]["doubts"].as_array().is_some_and(|doubts| doubts.iter().all(|doubt| doubt["settled_by"][0].is_object()))
    );
}

#[test]
fn tables_and_the_attack_have_their_own_forms() {
    let desk = Desk::drill(20, 3);
    for args in [["export", "attack", "--format", "csv"], ["export", "exposures", "--format", "stix"]] {
        let said = desk.run(&args);
        assert_eq!(said.code, 2);
        assert!(said.err.contains("--format"), "{}", said.err);
    }
}

/// The properties that STIX 2.1 requires of each type, and references that lead somewhere.
fn check_stix(bundle: &Value) {
    let objects = bundle["objects"].as_array().expect("objects");
    let ids: Vec<&str> = objects.iter().filter_map(|object| object["id"].as_str()).collect();
    assert!(bundle["type"] == "bundle" && bundle["id"].as_str().is_some_and(|id| id.starts_with("bundle--")));
    for object in objects {
        let kind = object["type"].as_str().expect("a type");
        let id = object["id"].as_str().expect("an id");
        let uuid = id.strip_prefix(&format!("{kind}--")).expect("type and id agree");
        assert_eq!((uuid.len(), &uuid[14..15], object["spec_version"].as_str()), (36, "5", Some("2.1")), "{id}");
        let required: &[&str] = match kind {
            "identity" | "intrusion-set" | "attack-pattern" => &["created", "modified", "name"],
            "indicator" => &["created", "modified", "pattern", "pattern_type", "valid_from"],
            "relationship" => &["created", "modified", "relationship_type", "source_ref", "target_ref"],
            "observed-data" => &["created", "modified", "first_observed", "last_observed", "number_observed", "object_refs"],
            "ipv4-addr" | "ipv6-addr" => &["value"],
            "network-traffic" => &["protocols", "src_ref"],
            other => panic!("{other} is not expected"),
        };
        assert!(required.iter().all(|name| !object[*name].is_null()), "{id}: {object}");
        let refs = ["created_by_ref", "source_ref", "target_ref", "src_ref"].iter().filter_map(|name| object[*name].as_str());
        let listed = object["object_refs"].as_array().into_iter().flatten().filter_map(Value::as_str);
        assert!(refs.chain(listed).all(|target| ids.contains(&target)), "{id} refers to nothing");
    }
    let mut known = ids.clone();
    known.sort_unstable();
    known.dedup();
    assert_eq!(known.len(), ids.len(), "every object once");
    assert!(objects.iter().any(|object| object["external_references"][0]["external_id"] == "CAPEC-66"));
}

/// What the core format demands of an event and its attributes.
fn check_misp(event: &Value) {
    let event = &event["Event"];
    for name in ["uuid", "info", "date", "threat_level_id", "analysis", "distribution", "timestamp"] {
        assert!(event[name].is_string(), "{name}");
    }
    assert!(event["published"] == false && event["Orgc"]["uuid"].is_string());
    let attributes = event["Attribute"].as_array().expect("attributes");
    assert!(attributes.iter().any(|attribute| attribute["type"] == "ip-src"));
    for attribute in attributes {
        for name in ["uuid", "type", "category", "value", "distribution", "timestamp"] {
            assert!(attribute[name].is_string(), "{name}: {attribute}");
        }
        assert!(attribute["to_ids"].is_boolean());
    }
}

/// What VERIS 1.3 demands, and its words.
fn check_veris(incident: &Value) {
    for name in ["schema_version", "incident_id", "security_incident", "actor", "action", "asset", "timeline", "victim"] {
        assert!(!incident[name].is_null(), "{name}");
    }
    assert_eq!(incident["action"]["hacking"]["variety"][0], "SQLi");
    assert!(incident["timeline"]["incident"]["year"].is_number());
    let lost = &incident["attribute"]["confidentiality"];
    assert_eq!(lost["data_disclosure"], "Yes");
    let kinds = lost["data"].as_array().expect("data");
    assert!(kinds.iter().all(|kind| kind["amount"].as_u64() <= lost["data_total"].as_u64()));
    assert!(incident["plus"]["kintsugi"]["fields"]["card.number"]["proved"].as_u64() > Some(0));
}

fn check_csv(text: &str) {
    let mut lines = text.lines();
    assert!(lines.next().is_some_and(|head| head.starts_with("message,datetime,timestamp_desc")));
    assert!(lines.clone().count() > 100);
    let formula = |line: &str| line.split(',').any(|field| field.trim_matches('"').starts_with(['=', '@', '+']));
    assert!(!lines.any(formula), "a spreadsheet would run it");
}

fn check_jsonl(text: &str) {
    for line in text.lines() {
        let event: Value = serde_json::from_str(line).expect("JSON");
        assert!(["message", "datetime", "timestamp_desc"].iter().all(|name| event[name].is_string()));
    }
}
