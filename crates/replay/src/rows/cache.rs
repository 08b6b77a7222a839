//! Rows of queries kept for the statements that follow, within a bound of memory.
//!
//! A large set (a table of ten million rows) is what a hundred thousand statements look into, and costs half a minute to make
//! anew: small sets never push it out, only a large one that was used later does.

use std::collections::HashMap;
use std::sync::Arc;

use super::evaluate::RowSet;

/// From so many values on a set is large.
const LARGE_VALUES: usize = 1_000_000;
/// Values of all large sets together, where there are several: at some 30 bytes each, under a GB.
const LARGE_VALUES_MAX: usize = 24_000_000;
/// Values of all small sets together.
const SMALL_VALUES_MAX: usize = 8_000_000;

/// A query with the literals that it uses.
pub(super) type Key = (String, Vec<String>);

/// Sets of rows by query.
#[derive(Default)]
pub(super) struct Cache {
    small: HashMap<Key, Arc<RowSet>>,
    small_values: usize,
    /// The one used last comes last.
    large: Vec<(Key, Arc<RowSet>)>,
}

impl Cache {
    pub(super) fn get(&mut self, key: &Key) -> Option<Arc<RowSet>> {
        if let Some(set) = self.small.get(key) {
            return Some(Arc::clone(set));
        }
        let at = self.large.iter().position(|(known, _)| known == key)?;
        self.large[at..].rotate_left(1);
        self.large.last().map(|(_, set)| Arc::clone(set))
    }

    pub(super) fn keep(&mut self, key: Key, set: &Arc<RowSet>) {
        if set.values() >= LARGE_VALUES {
            self.large.push((key, Arc::clone(set)));
            while self.large.len() > 1 && self.large.iter().map(|(_, set)| set.values()).sum::<usize>() > LARGE_VALUES_MAX {
                self.large.remove(0);
            }
            return;
        }
        self.small_values += set.values();
        if self.small_values > SMALL_VALUES_MAX {
            self.small.clear();
            self.small_values = set.values();
        }
        self.small.insert(key, Arc::clone(set));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Cache, Key, LARGE_VALUES_MAX, RowSet, SMALL_VALUES_MAX};

    fn key(number: usize) -> Key {
        ("SELECT a FROM t LIMIT ?".into(), vec![number.to_string()])
    }

    #[test]
    fn small_sets_never_push_a_large_one_out() {
        let mut cache = Cache::default();
        let large = Arc::new(RowSet::of_values(LARGE_VALUES_MAX + 1));
        cache.keep(key(0), &large);
        for number in 1..50 {
            cache.keep(key(number), &Arc::new(RowSet::of_values(SMALL_VALUES_MAX / 10)));
        }
        assert!(cache.get(&key(0)).is_some_and(|set| Arc::ptr_eq(&set, &large)));
        assert!(cache.get(&key(49)).is_some());
        assert!(cache.get(&key(1)).is_none(), "small sets make room for small ones");
    }

    #[test]
    fn the_large_set_that_was_not_used_for_longest_goes() {
        let mut cache = Cache::default();
        let third = || Arc::new(RowSet::of_values(LARGE_VALUES_MAX / 3));
        (0..3).for_each(|number| cache.keep(key(number), &third()));
        assert!(cache.get(&key(0)).is_some());
        cache.keep(key(3), &third());
        assert_eq!([0, 1, 2, 3].map(|number| cache.get(&key(number)).is_some()), [true, false, true, true]);
    }
}
