//! The intruder's side as an event for MISP (draft-dulaunoy-misp-core-format). It is neither published nor distributed:
//! whoever imports it decides.

use kintsugi_case::{Actor, Attack, Phase};
use serde_json::{Value, json};

use super::name::ours;
use super::timesketch::endpoint;
use super::{About, plain, utc, written};

/// Shapes of an actor that become attributes.
const SHAPES_MAX: usize = 100;

/// The event.
pub fn misp(attack: &Attack, about: &About<'_>) -> Value {
    let seconds = (about.as_of_ms / 1000).to_string();
    let first = attack.span(None).map_or(about.as_of_ms, |(first, _)| first.at_ms);
    let mut attributes = Vec::new();
    for actor in attack.ranked() {
        of_actor(actor, attack, about, &mut attributes);
    }
    let organisation = json!({ "name": about.controller, "uuid": ours(about.case, &["organisation"]).to_string() });
    let tag = |name: &str| json!({ "name": name, "exportable": true });
    json!({ "Event": {
        "uuid": ours(about.case, &["misp"]).to_string(),
        "info": format!("{}: SQL injection, the intruder's side", about.case),
        "date": written(first, about.zone, "%Y-%m-%d"),
        // High; completed; this organisation only.
        "threat_level_id": "1", "analysis": "2", "distribution": "0",
        "timestamp": seconds, "publish_timestamp": "0", "published": false,
        "attribute_count": attributes.len().to_string(),
        "Orgc": organisation, "Org": organisation,
        "Attribute": attributes,
        "Tag": [
            tag("tlp:amber"),
            tag("misp-galaxy:mitre-attack-pattern=\"Exploit Public-Facing Application - T1190\""),
            tag("misp-galaxy:mitre-attack-pattern=\"Databases - T1213.006\""),
        ],
    } })
}

fn of_actor(actor: &Actor, attack: &Attack, about: &About<'_>, out: &mut Vec<Value>) {
    let Some((first, last)) = attack.span(Some(actor.id)) else { return };
    let number = actor.id.to_string();
    let mut add = |kind: &str, category: &str, to_ids: bool, value: &str, comment: String, (from, to): (i64, i64)| {
        out.push(json!({
            "uuid": ours(about.case, &["attribute", &number, kind, value]).to_string(),
            "type": kind, "category": category, "to_ids": to_ids, "value": value, "comment": comment,
            "distribution": "5", "timestamp": (about.as_of_ms / 1000).to_string(), "deleted": false,
            "first_seen": utc(from), "last_seen": utc(to),
        }));
    };
    let whole = (first.at_ms, last.at_ms);
    let comment = || format!("Actor {number}: {} statements", attack.volume(actor.id, None).statements);
    for address in actor.addresses.iter().filter(|address| address.parse::<std::net::IpAddr>().is_ok()) {
        add("ip-src", "Network activity", true, address, comment(), whole);
    }
    for agent in &actor.agents {
        add("user-agent", "Network activity", false, &plain(agent), comment(), whole);
    }
    for phase in Phase::ALL {
        let shapes = attack.groups_of(actor.id, phase).filter(|(_, shape)| !shape.masked.trim().is_empty());
        for (group, shape) in shapes.take(SHAPES_MAX) {
            let at = endpoint(&shape.endpoint);
            let comment = format!("Actor {number}, {}, {at}: {} statements", phase.name(), group.volume.statements);
            let value = format!("{at}: {}", plain(&shape.masked));
            add("pattern-in-traffic", "Network activity", false, &value, comment, (group.first.at_ms, group.last.at_ms));
        }
    }
}
