//! What the remedies of a case cost if everybody uses them.

use kintsugi_case::{RemedySpec, Verdict};

use crate::{entitled, remedy_name};

/// What one remedy costs if every holder uses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// The remedy's name.
    pub remedy: String,
    /// Persons who hold it.
    pub persons: u64,
    /// Its worth to one person, in the currency's smallest usual unit.
    pub amount: u64,
    /// Persons times amount. Wide enough for any two `u64`.
    pub total: u128,
    /// ISO 4217.
    pub currency: String,
}

/// What each remedy costs, in the order of the case file, from the persons by their strongest verdict.
pub fn costs(remedies: &[RemedySpec], persons_by_verdict: &[(Verdict, u64)]) -> Vec<Cost> {
    remedies.iter().enumerate().map(|(at, spec)| cost(&remedy_name(at + 1, spec), spec, persons_by_verdict)).collect()
}

fn cost(remedy: &str, spec: &RemedySpec, persons_by_verdict: &[(Verdict, u64)]) -> Cost {
    let holders = persons_by_verdict.iter().filter(|(verdict, _)| entitled(spec.to, Some(*verdict)));
    let persons = holders.map(|(_, persons)| persons).sum();
    Cost {
        remedy: remedy.to_owned(),
        persons,
        amount: spec.amount,
        total: u128::from(persons) * u128::from(spec.amount),
        currency: spec.currency.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::costs;
    use kintsugi_case::{RemedyKind, RemedySpec, RemedyTo, Verdict};

    #[test]
    fn costs_what_all_holders_are_owed() {
        let spec =
            RemedySpec { kind: RemedyKind::Coupon, amount: 3000, currency: "JPY".into(), to: RemedyTo::Proved, until: None };
        let wide = RemedySpec { to: RemedyTo::Affected, amount: u64::MAX, ..spec.clone() };
        let persons = [(Verdict::Proved, 109_112), (Verdict::Possible, 8), (Verdict::Excluded, 5)];
        let found = costs(&[spec, wide], &persons);
        assert_eq!((found[0].persons, found[0].total), (109_112, 327_336_000));
        assert_eq!((found[1].persons, found[1].total), (109_120, 109_120 * u128::from(u64::MAX)));
        assert_eq!(found[1].remedy, "coupon-2");
    }
}
