//! The incident in the words of VERIS 1.3.7 (<https://verisframework.org>): what was done to which asset and how many records
//! of which kind were disclosed. Counts alone; whose records they were is nowhere.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kintsugi_case::{Attack, FieldMeaning, Verdict};
use serde_json::{Map, Value, json};

use super::About;
use super::name::ours;

/// The incident.
pub fn veris(attack: &Attack, about: &About<'_>) -> Value {
    let span = attack.span(None).filter(|_| attack.intruders().next().is_some());
    let first = span.map_or(about.as_of_ms, |(first, _)| first.at_ms);
    let mut timeline = Map::from_iter([("incident".to_owned(), date(about.aware_at_ms.unwrap_or(about.as_of_ms), about))]);
    if let (Some((first, last)), Some(aware)) = (span, about.aware_at_ms) {
        timeline.insert("exfiltration".into(), length(last.at_ms - first.at_ms));
        timeline.insert("discovery".into(), length(aware - first.at_ms));
    }
    let varieties = if uses_sql(attack) { json!(["SQLi"]) } else { json!(["Other"]) };
    json!({
        "schema_version": "1.3.7",
        "incident_id": ours(about.case, &["veris"]).to_string(),
        "source_id": "kintsugi",
        "reference": "",
        "security_incident": if about.records.0 > 0 { "Confirmed" } else { "Suspected" },
        "confidence": if about.records.0 > 0 { "High" } else { "Medium" },
        "summary": format!("SQL injection of a web application, first statement on {}.", super::written(first, about.zone, "%Y-%m-%d")),
        "victim": { "victim_id": about.controller, "country": ["Unknown"], "employee_count": "Unknown", "industry": "000000" },
        "actor": { "external": { "variety": ["Unknown"], "motive": ["Unknown"], "country": ["Unknown"], "region": ["000000"] } },
        "action": { "hacking": { "variety": varieties, "vector": ["Web application"] } },
        "asset": { "assets": [{ "variety": "S - Web application" }, { "variety": "S - Database" }], "cloud": ["Unknown"] },
        "attribute": { "confidentiality": confidentiality(about) },
        "discovery_method": { "unknown": true },
        "timeline": timeline,
        "impact": { "overall_rating": "Unknown" },
        "plus": { "kintsugi": {
            "fields": fields(about), "records_proved": about.records.0, "records_possible": about.records.1,
            "statements": super::counted(attack).0, "actors": attack.intruders().count(),
        } },
    })
}

fn uses_sql(attack: &Attack) -> bool {
    attack.outcomes.iter().any(|outcome| outcome.technique.is_statement()) || attack.intruders().next().is_some()
}

/// Records by the kinds that VERIS knows: of each, the field of which most were disclosed.
fn confidentiality(about: &About<'_>) -> Value {
    let (proved, possible) = about.records;
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for (meaning, proved, possible) in about.fields {
        let amount = kinds.entry(variety(*meaning)).or_default();
        *amount = (*amount).max(proved + possible);
    }
    let data: Vec<Value> = kinds
        .iter()
        .filter(|(_, amount)| **amount > 0)
        .map(|(variety, amount)| json!({ "variety": variety, "amount": amount }))
        .collect();
    let disclosure = match (proved, possible) {
        (0, 0) => "No",
        (0, _) => "Potentially",
        _ => "Yes",
    };
    json!({
        "data_disclosure": disclosure, "data_victim": ["Customer"], "data_total": proved + possible, "data": data,
        "state": ["Unknown"],
    })
}

const fn variety(meaning: FieldMeaning) -> &'static str {
    match meaning {
        FieldMeaning::CardHolder
        | FieldMeaning::CardNumber
        | FieldMeaning::CardExpiry
        | FieldMeaning::CardCode
        | FieldMeaning::CardBrand => "Payment",
        FieldMeaning::AccountLogin | FieldMeaning::AccountPasswordHash => "Credentials",
        FieldMeaning::PersonName
        | FieldMeaning::PersonNameKana
        | FieldMeaning::PersonEmail
        | FieldMeaning::PersonPhone
        | FieldMeaning::PersonPostalCode
        | FieldMeaning::PersonAddress
        | FieldMeaning::PersonBirthDate
        | FieldMeaning::PersonDeceased
        | FieldMeaning::PersonNoMarketing
        | FieldMeaning::PersonLanguage => "Personal",
        FieldMeaning::ServiceBrand | FieldMeaning::ServiceUsedAt => "Other",
    }
}

fn fields(about: &About<'_>) -> Value {
    let count = |(meaning, proved, possible): &(FieldMeaning, u64, u64)| {
        let counts = json!({ Verdict::Proved.name(): proved, Verdict::Possible.name(): possible });
        (meaning.name().to_owned(), counts)
    };
    Value::Object(about.fields.iter().map(count).collect())
}

/// A day in three numbers.
fn date(at_ms: i64, about: &About<'_>) -> Value {
    let day = Timestamp::from_millisecond(at_ms).unwrap_or_default().to_zoned(about.zone.clone());
    json!({ "year": day.year(), "month": day.month(), "day": day.day() })
}

fn length(ms: i64) -> Value {
    let (unit, value) = match ms.max(0) / 1000 {
        seconds @ ..60 => ("Seconds", seconds),
        seconds @ ..3_600 => ("Minutes", seconds / 60),
        seconds @ ..86_400 => ("Hours", seconds / 3_600),
        seconds => ("Days", seconds / 86_400),
    };
    json!({ "unit": unit, "value": value })
}
