//! Names that are the same whenever the same thing is exported again: UUID version 5 (RFC 9562) over what identifies it.

use serde_json::Value;
use uuid::Uuid;

/// The namespace that STIX 2.1 gives for observables (section 2.9).
const OF_OBSERVABLES: Uuid = Uuid::from_u128(0x00ab_edb4_aa42_466c_9c01_fed2_3315_a9b7);
/// Our own, for everything else.
const OURS: Uuid = Uuid::from_u128(0x6b69_6e74_7375_4769_8b0e_5c1d_2013_0423);

/// The name of a thing of a case.
pub(super) fn ours(case: &str, parts: &[&str]) -> Uuid {
    Uuid::new_v5(&OURS, format!("{case}\u{1f}{}", parts.join("\u{1f}")).as_bytes())
}

/// The name of an observable, over the canonical JSON (RFC 8785) of the properties that identify it.
/// serde_json writes the members of an object in order and texts as that form does.
pub(super) fn observable(properties: &Value) -> Uuid {
    Uuid::new_v5(&OF_OBSERVABLES, properties.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn an_address_has_the_name_that_the_specification_gives_it() {
        // As the Python library of OASIS (stix2 3.0.2) names it.
        let name = super::observable(&json!({ "value": "198.51.100.3" }));
        assert_eq!(name.to_string(), "28bb3599-77cd-5a82-a950-b5bc3caf07c4");
    }
}
