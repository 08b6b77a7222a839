//! Chance, from the seed: a stream of its own for each row, so that any row can be made at any time, alone.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream of chance is for. Two streams of one seed never meet.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    Person = 1,
    Return,
    Family,
    Card,
    Order,
    Visit,
    Attack,
    Gap,
}

/// Chance for one row.
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    pub(crate) fn new(seed: u64, stream: Stream, place: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(((stream as u64) << 56) | place);
        Self(rng)
    }

    /// A number below `bound`, which is at least 1.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// A number from `low` to `high`, both possible.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True in `parts` of 10,000 cases.
    pub(crate) fn chance(&mut self, parts: u64) -> bool {
        self.below(10_000) < parts
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// One of `from`, the first ones more often than the last: how names are spread over people.
    pub(crate) fn pick_common<T: Copy>(&mut self, from: &[T]) -> T {
        let bound = from.len() as u64;
        from[self.below(bound).min(self.below(bound)) as usize]
    }

    /// `length` letters, as tools make them up.
    pub(crate) fn letters(&mut self, length: usize) -> String {
        const LETTERS: &[u8; 52] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        (0..length).map(|_| char::from(self.pick(LETTERS))).collect()
    }
}

/// A secret order of the numbers below a bound: distinct places give distinct numbers that do not look counted.
/// A Feistel network over the next square, walked until it lands inside (Black and Rogaway, "Ciphers with arbitrary
/// finite domains", 2002).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shuffle {
    bound: u64,
    side: u64,
    key: u64,
}

impl Shuffle {
    pub(crate) fn new(seed: u64, purpose: u64, bound: u64) -> Self {
        Self { bound: bound.max(1), side: bound.isqrt() + 1, key: mix(seed ^ mix(purpose)) }
    }

    /// The number at `place`; places beyond the bound begin again.
    pub(crate) fn at(&self, place: u64) -> u64 {
        let mut number = self.turn(place % self.bound);
        while number >= self.bound {
            number = self.turn(number);
        }
        number
    }

    fn turn(&self, number: u64) -> u64 {
        let (mut left, mut right) = (number / self.side, number % self.side);
        for round in 0..4 {
            (left, right) = (right, (left + mix(self.key ^ (round << 60) ^ right)) % self.side);
        }
        left * self.side + right
    }
}

/// SplitMix64's finish (Steele, Lea, Flood 2014).
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::{Dice, Shuffle, Stream};

    #[test]
    fn a_row_has_the_same_chance_whenever_it_is_asked() {
        let throw = |place| Dice::new(7, Stream::Card, place).below(1 << 40);
        assert_eq!(throw(5), throw(5));
        assert_ne!(throw(5), throw(6));
        assert_ne!(throw(5), Dice::new(7, Stream::Order, 5).below(1 << 40));
        assert_ne!(throw(5), Dice::new(8, Stream::Card, 5).below(1 << 40));
    }

    #[test]
    fn a_shuffle_uses_every_number_once() {
        for bound in [1, 2, 10, 999, 4096, 5000] {
            let shuffle = Shuffle::new(3, 1, bound);
            let mut seen: Vec<u64> = (0..bound).map(|place| shuffle.at(place)).collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..bound).collect::<Vec<_>>());
        }
        let big = Shuffle::new(3, 1, 1_000_000_000);
        assert!((0..1000).all(|place| big.at(place) < 1_000_000_000));
    }
}
