//! How soon somebody must be told: what was surely taken and can be used at once comes before what may have been taken.

use std::collections::BTreeMap;

use crate::{ExposedRecord, FieldMeaning, Verdict};

/// How soon a person must be told, most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Urgency {
    /// A card's number and its verification code were taken: whoever has them can pay with them.
    CardWithCode,
    /// A card number or a password was taken.
    Secret,
    /// Something else was taken.
    Taken,
    /// A card number or a password may have been taken.
    PossibleSecret,
    /// Something else may have been taken.
    Possible,
}

impl Urgency {
    /// Every urgency, most urgent first.
    pub const ALL: [Self; 5] = [Self::CardWithCode, Self::Secret, Self::Taken, Self::PossibleSecret, Self::Possible];

    /// Its rank, from 1.
    pub const fn rank(self) -> u32 {
        match self {
            Self::CardWithCode => 1,
            Self::Secret => 2,
            Self::Taken => 3,
            Self::PossibleSecret => 4,
            Self::Possible => 5,
        }
    }

    /// The strongest verdict that persons of this urgency have.
    pub const fn verdict(self) -> Verdict {
        match self {
            Self::CardWithCode | Self::Secret | Self::Taken => Verdict::Proved,
            Self::PossibleSecret | Self::Possible => Verdict::Possible,
        }
    }

    /// Its name in plans.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CardWithCode => "card-with-code",
            Self::Secret => "secret",
            Self::Taken => "taken",
            Self::PossibleSecret => "possible-secret",
            Self::Possible => "possible",
        }
    }

    /// Of everything that is known of a person; none where nothing personal was, or may have been, taken.
    pub fn of(exposed: &[ExposedRecord]) -> Option<Self> {
        let mut records: BTreeMap<(&str, &str, &str), Vec<FieldMeaning>> = BTreeMap::new();
        let strongest =
            exposed.iter().filter(|one| one.fields.iter().any(|field| field.is_personal())).map(|one| one.verdict).max();
        let verdict = strongest.filter(|verdict| *verdict > Verdict::Excluded)?;
        for one in exposed.iter().filter(|one| one.verdict == verdict) {
            records.entry((&one.source, &one.table, &one.key)).or_default().extend(&one.fields);
        }
        let has = |fields: &Vec<FieldMeaning>, wanted: FieldMeaning| fields.contains(&wanted);
        let any = |of: &dyn Fn(&Vec<FieldMeaning>) -> bool| records.values().any(of);
        let secret = any(&|fields| has(fields, FieldMeaning::CardNumber) || has(fields, FieldMeaning::AccountPasswordHash));
        let with_code = any(&|fields| has(fields, FieldMeaning::CardNumber) && has(fields, FieldMeaning::CardCode));
        Some(match (verdict, secret) {
            (Verdict::Proved, _) if with_code => Self::CardWithCode,
            (Verdict::Proved, true) => Self::Secret,
            (Verdict::Proved, false) => Self::Taken,
            (_, true) => Self::PossibleSecret,
            (_, false) => Self::Possible,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Urgency;
    use crate::FieldMeaning::{self, CardCode, CardNumber, PersonAddress, ServiceBrand};
    use crate::Verdict::{self, Excluded, Possible, Proved};
    use crate::{BasisId, EvidenceId, EvidenceLine, ExposedRecord};

    fn record(key: &str, fields: &[FieldMeaning], verdict: Verdict) -> ExposedRecord {
        ExposedRecord {
            source: "shop".into(),
            table: "cards".into(),
            key: key.into(),
            fields: fields.to_vec(),
            columns: String::new(),
            verdict,
            basis: BasisId(1),
            line: EvidenceLine { evidence: EvidenceId(1), line: 1 },
            at_ms: 0,
            observed_bytes: 0,
            predicted_bytes: 0,
            literals: String::new(),
            card_brand: String::new(),
            card_last4: String::new(),
            service_brand: String::new(),
            service_used_on: String::new(),
        }
    }

    fn check(exposed: &[(&str, &[FieldMeaning], Verdict)], expected: Option<Urgency>) {
        let exposed: Vec<ExposedRecord> = exposed.iter().map(|(key, fields, verdict)| record(key, fields, *verdict)).collect();
        assert_eq!(Urgency::of(&exposed), expected, "{exposed:?}");
    }

    #[test]
    fn a_card_that_can_be_used_comes_before_an_address_that_may_be_known() {
        check(&[("1", &[CardNumber, CardCode], Proved)], Some(Urgency::CardWithCode));
        check(&[("1", &[CardNumber], Proved), ("1", &[CardCode], Proved)], Some(Urgency::CardWithCode));
        check(&[("1", &[CardNumber], Proved), ("2", &[CardCode], Proved)], Some(Urgency::Secret));
        check(&[("1", &[CardNumber], Proved), ("1", &[CardCode], Possible)], Some(Urgency::Secret));
        check(&[("1", &[PersonAddress], Proved), ("1", &[CardNumber, CardCode], Possible)], Some(Urgency::Taken));
        check(&[("1", &[CardNumber, CardCode], Possible)], Some(Urgency::PossibleSecret));
        check(&[("1", &[PersonAddress], Possible)], Some(Urgency::Possible));
        check(&[("1", &[CardNumber], Excluded)], None);
        check(&[("1", &[ServiceBrand], Proved)], None);
    }

    #[test]
    fn ranks_rise_with_the_order() {
        assert!(Urgency::ALL.windows(2).all(|two| two[0] < two[1] && two[0].rank() < two[1].rank()));
    }
}
