//! Who goes through the record numbers in order. A customer who reads few records reads their own; numbers asked for one
//! after the other in equal steps, or ever upwards through many people's records, are nobody's own.
//!
//! Not here: how many persons are too many whatever the order (`actors`).

use std::collections::HashSet;

/// Different persons on numbers in equal steps that make a walk: two equal steps in a row are no chance where numbers are
/// many, and the numbers between that no record has count as steps too.
const STEADY_PERSONS_MIN: usize = 3;
/// Different persons on numbers that only rise, or only fall, that make a walk: six fall into one of the two orders by
/// chance once in 360 times.
const RISING_PERSONS_MIN: usize = 6;

/// A number that somebody asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// Who, by number.
    pub(super) actor: u32,
    /// Milliseconds since 1970 UTC.
    pub(super) at_ms: i64,
    /// The record's number in the address.
    pub(super) number: i64,
    /// Whose record the server answered with; `None` where it had none.
    pub(super) person: Option<u64>,
}

/// Which orders make a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Equal steps alone: of several people behind one address each asks for newer records than the one before.
    Steady,
    /// Equal steps, or one direction.
    SteadyOrRising,
}

/// Calls `walker` with everybody on a walk through these requests, which are in the order of time.
pub(super) fn walkers(asked: &[Asked], order: Order, walker: &mut dyn FnMut(u32)) {
    // Asking again for the same number is no step.
    let mut steps: Vec<Asked> = asked.to_vec();
    steps.dedup_by_key(|asked| asked.number);
    runs(&steps, STEADY_PERSONS_MIN, |one, other| one == other, walker);
    if order == Order::SteadyOrRising {
        runs(&steps, RISING_PERSONS_MIN, |one, other| one.signum() == other.signum(), walker);
    }
}

/// Longest runs whose successive steps are alike, and about at least so many persons.
fn runs(asked: &[Asked], persons_min: usize, alike: fn(i64, i64) -> bool, walker: &mut dyn FnMut(u32)) {
    let step = |at: usize| asked[at + 1].number.wrapping_sub(asked[at].number);
    let mut from = 0;
    while from + 1 < asked.len() {
        let first = step(from);
        let to = (from + 1..asked.len() - 1).find(|&at| !alike(first, step(at))).unwrap_or(asked.len() - 1);
        let run = &asked[from..=to];
        let persons: HashSet<u64> = run.iter().filter_map(|asked| asked.person).collect();
        if persons.len() >= persons_min {
            run.iter().for_each(|asked| walker(asked.actor));
        }
        from = to;
    }
}

#[cfg(test)]
mod tests {
    use super::{Asked, Order, walkers};

    /// Numbers asked for in turn, each about a person of its own; below zero no record has it, and `x` is the same person's.
    fn check(numbers: &str, order: Order, expected: bool) {
        let asked: Vec<Asked> = numbers
            .split(' ')
            .zip(0..)
            .map(|(text, at_ms)| {
                let (text, own) = text.strip_suffix('x').map_or((text, false), |text| (text, true));
                let number: i64 = text.trim_start_matches('?').parse().expect("a number");
                let person = (!text.starts_with('?')).then_some(if own { 0 } else { number.unsigned_abs() });
                Asked { actor: 7, at_ms, number, person }
            })
            .collect();
        let mut found = false;
        walkers(&asked, order, &mut |_| found = true);
        assert_eq!(found, expected, "{numbers}");
    }

    #[test]
    fn equal_steps_through_different_people_are_a_walk() {
        for order in [Order::Steady, Order::SteadyOrRising] {
            check("22 29 36 43", order, true);
            check("500 499 498", order, true);
            check("22 ?29 ?36 43 50", order, true);
            check("22 22 29 36", order, true);
            check("9 40 3 22 29 36", order, true);
            check("22 29", order, false);
            check("22 29 38", order, false);
            check("22 ?29 36", order, false);
            check("22x 29x 36x 43x", order, false);
            check("80x 347x 431x 432x 433x", order, false);
        }
    }

    #[test]
    fn many_people_in_one_direction_are_a_walk_of_one_actor() {
        check("1 5 6 20 21 40", Order::SteadyOrRising, true);
        check("1 5 6 20 21 40", Order::Steady, false);
        check("40 21 20 6 5 1", Order::SteadyOrRising, true);
        check("1 5 6 20 21", Order::SteadyOrRising, false);
        check("1 5 3 20 6 40 30", Order::SteadyOrRising, false);
    }
}
