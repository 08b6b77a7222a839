//! Who is one with whom: union-find over numbered records, with the fact behind every union.
//!
//! Two forests stand side by side. In the one, paths are cut short so that the question "same?" is fast. In the other, each
//! edge is a fact between two records that share it, turned around where needed (Nieuwenhuis and Oliveras,
//! "Proof-producing congruence closure", 2005), so that every record but a person's first has exactly one reason.

use std::collections::HashMap;

use kintsugi_find::LinkFact;

/// A record by its place.
pub(crate) type Place = u32;

/// Disjoint sets of records. The first record of a set is its root.
#[derive(Debug)]
pub(crate) struct Sets {
    roots: Vec<Place>,
    /// Only of records that are not alone.
    reasons: HashMap<Place, (LinkFact, Place)>,
}

impl Sets {
    /// Everybody alone.
    pub(crate) fn new(records: Place) -> Self {
        Self { roots: (0..records).collect(), reasons: HashMap::new() }
    }

    /// The first record of the set.
    pub(crate) fn root(&mut self, mut place: Place) -> Place {
        while self.roots[place as usize] != place {
            let up = self.roots[self.roots[place as usize] as usize];
            self.roots[place as usize] = up;
            place = up;
        }
        place
    }

    /// Makes one set of two; gives whether they were two.
    pub(crate) fn unite(&mut self, one: Place, other: Place, fact: LinkFact) -> bool {
        let (a, b) = (self.root(one), self.root(other));
        if a == b {
            return false;
        }
        // Reasons lead to the set's first record: those of the set that loses its root turn around.
        let (first, second, end, through) = if a < b { (a, b, other, one) } else { (b, a, one, other) };
        self.roots[second as usize] = first;
        self.turn(end);
        self.reasons.insert(end, (fact, through));
        true
    }

    /// The fact that ties a record to its set, and the record at the other end; `None` for the first.
    pub(crate) fn reason(&self, place: Place) -> Option<(LinkFact, Place)> {
        self.reasons.get(&place).copied()
    }

    /// Makes `place` the end of all reasons of its set.
    fn turn(&mut self, place: Place) {
        let (mut at, mut into) = (place, None);
        while let Some((fact, next)) = self.reasons.remove(&at) {
            if let Some(reason) = into {
                self.reasons.insert(at, reason);
            }
            into = Some((fact, at));
            at = next;
        }
        if let Some(reason) = into {
            self.reasons.insert(at, reason);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LinkFact, Place, Sets};
    use proptest::prelude::*;

    /// The first of the set by following reasons; fails on a circle.
    fn by_reasons(sets: &Sets, mut place: Place, records: usize) -> Place {
        for _ in 0..=records {
            match sets.reason(place) {
                Some((_, next)) => place = next,
                None => return place,
            }
        }
        panic!("reasons go in a circle")
    }

    #[test]
    fn every_record_but_the_first_has_one_reason() {
        let mut sets = Sets::new(5);
        assert!(sets.unite(3, 4, LinkFact::MailAndName));
        assert!(sets.unite(1, 2, LinkFact::PhoneAndName));
        assert!(sets.unite(2, 4, LinkFact::NameAndAddress));
        assert!(!sets.unite(1, 3, LinkFact::MailAndName));
        assert_eq!(sets.reason(1), None);
        assert_eq!(sets.reason(2), Some((LinkFact::PhoneAndName, 1)));
        assert_eq!(sets.reason(4), Some((LinkFact::NameAndAddress, 2)));
        assert_eq!(sets.reason(3), Some((LinkFact::MailAndName, 4)));
        assert_eq!((sets.root(4), sets.root(0)), (1, 0));
    }

    proptest! {
        #[test]
        fn sets_agree_with_painting_by_hand(pairs in prop::collection::vec((0u32..30, 0u32..30), 0..60)) {
            let mut sets = Sets::new(30);
            let mut colours: Vec<u32> = (0..30).collect();
            for &(a, b) in &pairs {
                sets.unite(a, b, LinkFact::MailAndName);
                let (keep, lose) = (colours[a as usize], colours[b as usize]);
                colours.iter_mut().filter(|colour| **colour == lose).for_each(|colour| *colour = keep);
            }
            for place in 0..30 {
                let first = (0..30).find(|&other| colours[other as usize] == colours[place as usize]).unwrap_or(place);
                prop_assert_eq!(sets.root(place), first);
                prop_assert_eq!(by_reasons(&sets, place, 30), first);
                if let Some((_, other)) = sets.reason(place) {
                    prop_assert!(pairs.contains(&(place, other)) || pairs.contains(&(other, place)));
                }
            }
        }
    }
}
