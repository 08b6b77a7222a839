//! How large a page is: bytes = page + rows x frame + text. Page and frame are constants of an endpoint that nobody wrote
//! down; the statements themselves fix them, those without any cell in them (a tool's own probes) as well as the rest:
//! what remains of the observed size after the predicted text is taken away must be the same every time.

use std::collections::{BTreeMap, HashMap};

/// Counts what remains of observed sizes, by endpoint and rows shown.
#[derive(Debug, Default)]
pub(crate) struct Sizes {
    seen: HashMap<(usize, u64), BTreeMap<i64, Remainder>>,
}

#[derive(Debug, Default)]
struct Remainder {
    statements: u64,
    /// Smallest and largest predicted text: two different ones that leave the same remainder are no chance of the page.
    texts: Option<(u64, u64)>,
}

/// The constants that were found.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    constants: HashMap<(usize, u64), i64>,
    /// Page and frame of an endpoint, where constants for two numbers of rows are known.
    lines: HashMap<usize, (i64, i64)>,
}

impl Sizes {
    /// Takes one answered statement whose text is known.
    pub(crate) fn add(&mut self, endpoint: usize, rows: u64, text: u64, bytes: u64) {
        let remainder = bytes.cast_signed() - text.cast_signed();
        let seen = self.seen.entry((endpoint, rows)).or_default().entry(remainder).or_default();
        seen.statements += 1;
        let (low, high) = seen.texts.unwrap_or((text, text));
        seen.texts = Some((low.min(text), high.max(text)));
    }

    /// The remainder that most statements share, where texts of different length share it; a page without rows needs no
    /// text to be recognised.
    pub(crate) fn pages(&self) -> Pages {
        let mut pages = Pages::default();
        for (&(endpoint, rows), remainders) in &self.seen {
            let told = |remainder: &Remainder| rows == 0 || remainder.texts.is_some_and(|(low, high)| low < high);
            let told = remainders.iter().filter(|(size, remainder)| **size >= 0 && told(remainder));
            if let Some((constant, _)) = told.max_by_key(|(size, remainder)| (remainder.statements, -**size)) {
                pages.constants.insert((endpoint, rows), *constant);
            }
        }
        pages.draw_lines();
        pages
    }
}

impl Pages {
    /// Two constants give page and frame; the two smallest numbers of rows that have one are taken.
    fn draw_lines(&mut self) {
        let mut by_endpoint: HashMap<usize, BTreeMap<u64, i64>> = HashMap::new();
        for (&(endpoint, rows), &constant) in &self.constants {
            if rows > 0 {
                by_endpoint.entry(endpoint).or_default().insert(rows, constant);
            }
        }
        for (endpoint, constants) in by_endpoint {
            let mut known = constants.into_iter();
            let (Some((few, small)), Some((more, large))) = (known.next(), known.next()) else { continue };
            let frame = (large - small) / (more - few).cast_signed();
            if frame >= 0 && small >= frame * few.cast_signed() {
                self.lines.insert(endpoint, (small - frame * few.cast_signed(), frame));
            }
        }
    }

    /// The size of a page of this endpoint with so many rows and so much text; `None` where its constants are not known.
    pub(crate) fn predicted(&self, endpoint: usize, rows: u64, text: u64) -> Option<u64> {
        let constant = self.constants.get(&(endpoint, rows)).copied().or_else(|| {
            let (page, frame) = self.lines.get(&endpoint)?;
            Some(page + frame * rows.cast_signed())
        });
        constant.and_then(|constant| u64::try_from(constant + text.cast_signed()).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::Sizes;

    /// Statements as (rows, text, bytes), then what is asked and what must come of it.
    fn check(statements: &[(u64, u64, u64)], asked: (u64, u64), expected: Option<u64>) {
        let mut sizes = Sizes::default();
        statements.iter().for_each(|&(rows, text, bytes)| sizes.add(0, rows, text, bytes));
        assert_eq!(sizes.pages().predicted(0, asked.0, asked.1), expected);
    }

    #[test]
    fn the_remainder_that_different_texts_share_is_the_page() {
        check(&[(2, 50, 843), (2, 11, 804), (2, 11, 804), (2, 100, 500)], (2, 1_048_588), Some(1_049_381));
    }

    #[test]
    fn a_page_that_never_changes_shows_nothing() {
        check(&[(1, 50, 700), (1, 51, 700), (1, 52, 700)], (1, 50), None);
        check(&[(1, 50, 700), (1, 50, 700)], (1, 50), None);
    }

    #[test]
    fn page_and_frame_follow_from_two_numbers_of_rows() {
        let known = [(1, 10, 520), (1, 12, 522), (2, 30, 550), (2, 40, 560)];
        check(&known, (5000, 100_000), Some(500 + 5000 * 10 + 100_000));
        check(&known, (1, 0), Some(510));
    }
}
