//! What a page repeats of the question itself. A search page shows the term that was searched for, so that every question
//! has a page of its own size; what is repeated must be taken off before sizes tell answers. How often a page repeats the
//! value, and which characters it writes as entities, is what leaves the fewest sizes.

use std::collections::HashSet;

use super::Asked;
use crate::rows::Text;

/// How a page repeats a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Echo {
    /// How often.
    times: u64,
    writing: Writing,
}

/// Bytes that a page adds to each of these characters of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Writing {
    angle: u64,
    ampersand: u64,
    double_quote: u64,
    single_quote: u64,
}

const fn writing(angle: u64, ampersand: u64, double_quote: u64, single_quote: u64) -> Writing {
    Writing { angle, ampersand, double_quote, single_quote }
}

/// As it is; entities by name; those with `&#34;` and `&#39;`, `&quot;` and `&#x27;` or `&#039;`, `&quot;` and `&#39;`.
const WRITINGS: [Writing; 6] = [
    writing(0, 0, 0, 0),
    writing(3, 4, 0, 0),
    writing(3, 4, 5, 0),
    writing(3, 4, 4, 4),
    writing(3, 4, 5, 5),
    writing(3, 4, 5, 4),
];

/// Most that a page repeats a value: in its title, its text and its search field, and once to spare.
const TIMES_MAX: u64 = 4;
/// Sizes from which on there may be an echo; fewer are answers.
const SIZES_MIN: usize = 8;
/// So many times fewer sizes must be left for an echo to be believed.
const FEWER_MIN: usize = 4;

impl Echo {
    /// What the pages of these questions repeat.
    pub(super) fn learn(asked: &[&Asked]) -> Self {
        let plain = sizes(asked, Self::default());
        if plain < SIZES_MIN {
            return Self::default();
        }
        let all = (1..=TIMES_MAX).flat_map(|times| WRITINGS.into_iter().map(move |writing| Self { times, writing }));
        let counted = all.map(|echo| (sizes(asked, echo), echo));
        match counted.min_by_key(|(sizes, _)| *sizes) {
            Some((sizes, echo)) if sizes * FEWER_MIN <= plain => echo,
            _ => Self::default(),
        }
    }

    /// The bytes of a page beside what it repeats; a page smaller than that repeats nothing.
    pub(super) fn rest(self, bytes: u64, value: &Text) -> u64 {
        bytes.checked_sub(self.bytes(value)).unwrap_or(bytes)
    }

    fn bytes(self, value: &Text) -> u64 {
        let Writing { angle, ampersand, double_quote, single_quote } = self.writing;
        let more = [
            (value.angles, angle),
            (value.ampersands, ampersand),
            (value.double_quotes, double_quote),
            (value.single_quotes, single_quote),
        ];
        let more: u64 = more.into_iter().map(|(count, bytes)| u64::from(count) * bytes).sum();
        self.times * (u64::from(value.bytes) + more)
    }
}

fn sizes(asked: &[&Asked], echo: Echo) -> usize {
    let sizes: HashSet<(u16, u64)> =
        asked.iter().map(|one| (one.observed.status, echo.rest(one.observed.bytes, &one.value))).collect();
    sizes.len()
}
