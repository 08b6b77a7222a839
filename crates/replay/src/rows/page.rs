//! How large a page is: bytes = page + rows x frame + text. What of it is constant nobody wrote down: the page and the frame of
//! a row, which columns are shown and how often, which characters become entities, what NULL looks like, whether the parameter
//! is repeated on the page. The requests fix them, the ordinary ones and the intruder's: that reading of the page holds which
//! explains most sizes to the byte, and only where more sizes agree than it has constants.
//!
//! The search begins with the plainest reading and changes one or two things at a time as long as more sizes agree.

use std::collections::{BTreeMap, HashSet};

use super::size::{Shown, Text};

/// Pages looked at for one endpoint.
const PAGES_MAX: usize = 400;
/// Numbers of rows from which page and frame are drawn.
const LINES_MAX: usize = 6;
/// No two kinds of clients are answered with heads that differ by more, in bytes.
const HEADS_DIFFER_MAX: i64 = 300;
/// No row's frame is larger, in bytes.
const FRAME_MAX: i64 = 20_000;

/// One page of which the replay knows what it shows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    /// What it shows.
    pub(crate) shown: Shown,
    /// The parameter's value.
    pub(crate) value: Text,
    /// Its size in the log.
    pub(crate) bytes: u64,
}

/// Bytes that an entity has more than its character: `<` and `>`, `&`, `"`, `'`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Entities(u32, u32, u32, u32);

/// How the template engines of the usual languages write them; the last are those of JSON.
const ENTITIES: [Entities; 9] = [
    Entities(0, 0, 0, 0),
    Entities(3, 4, 5, 5),
    Entities(3, 4, 4, 4),
    Entities(3, 4, 5, 4),
    Entities(3, 4, 5, 0),
    Entities(3, 4, 0, 0),
    Entities(3, 4, 0, 4),
    Entities(3, 4, 0, 5),
    Entities(0, 0, 1, 0),
];
/// What NULL is written as: nothing, `-`, `null` and the like, `&nbsp;`.
const NULLS: [u32; 4] = [0, 1, 4, 6];

/// How an endpoint's pages come about.
#[derive(Clone, Debug, PartialEq)]
struct Reading {
    /// How often each column is shown.
    columns: Vec<u8>,
    entities: usize,
    null: usize,
    /// How often the parameter's value is repeated, and with which entities.
    repeated: (u8, usize),
    /// The number of rows is shown.
    counted: bool,
}

/// A reading with its constants.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Page {
    reading: Reading,
    /// Page and frame, or the page with this many rows alone.
    constants: Constants,
    /// The page without rows.
    empty: Option<i64>,
    /// Columns about which nothing tells whether the page shows them.
    open: Vec<bool>,
    /// Digits of the sizes from which it was learned.
    digits: u32,
    /// What the ordinary pages alone say, where the intruder's own differ: a value of another type may be framed in another way.
    ordinary: Option<Box<Page>>,
    /// Page and frame as any two ordinary numbers of rows would have them, one of them perhaps none.
    lines: Vec<Constants>,
    /// By how much the intruder's pages are larger than the visitors', where they show the same.
    head: i64,
}

/// The pages from which an endpoint's page is learned.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    /// All of them.
    pub(crate) all: &'a [Seen],
    /// The visitors'.
    pub(crate) ordinary: &'a [Seen],
    /// Pages that may show all that there is.
    pub(crate) whole: &'a [Seen],
    /// The intruder's that show what the page always shows.
    pub(crate) own: &'a [Seen],
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Constants {
    Line { page: i64, frame: i64 },
    Rows { rows: u32, size: i64 },
}

impl Constants {
    fn size(self, rows: u32) -> Option<i64> {
        match self {
            Self::Line { page, frame } => Some(page + frame * i64::from(rows)),
            Self::Rows { rows: known, size } => (known == rows).then_some(size),
        }
    }

    const fn count(self) -> usize {
        match self {
            Self::Line { .. } => 2,
            Self::Rows { .. } => 1,
        }
    }
}

impl Reading {
    fn plain(columns: usize) -> Self {
        Self { columns: vec![1; columns], entities: 0, null: 0, repeated: (0, 0), counted: false }
    }

    /// Bytes of what varies.
    fn text(&self, shown: &Shown, value: &Text) -> i64 {
        let times = |at: usize| i64::from(self.columns.get(at).copied().unwrap_or(1));
        let column =
            |(at, text): (usize, &Text)| times(at) * (written(text, self.entities) + i64::from(text.nulls * NULLS[self.null]));
        let columns: i64 = shown.columns.iter().enumerate().map(column).sum();
        let repeated = i64::from(self.repeated.0) * written(value, self.repeated.1);
        let digits = if self.counted { shown.rows.checked_ilog10().map_or(1, |digits| i64::from(digits) + 1) } else { 0 };
        columns + repeated + digits
    }

    /// Every reading that differs in one thing.
    fn neighbours(&self) -> Vec<Self> {
        let mut all = Vec::new();
        for at in 0..self.columns.len() {
            for times in (0..=2).filter(|times| *times != self.columns[at]) {
                let mut columns = self.columns.clone();
                columns[at] = times;
                all.push(Self { columns, ..self.clone() });
            }
        }
        all.extend((0..ENTITIES.len()).map(|entities| Self { entities, ..self.clone() }));
        all.extend((0..NULLS.len()).map(|null| Self { null, ..self.clone() }));
        all.extend(
            (1..=2)
                .flat_map(|times| (0..4).map(move |entities| (times, entities)))
                .map(|repeated| Self { repeated, ..self.clone() }),
        );
        all.push(Self { repeated: (0, 0), ..self.clone() });
        all.push(Self { counted: !self.counted, ..self.clone() });
        all.retain(|other| other != self);
        all
    }

    /// Things in which it differs from the plain reading: each is a constant that the sizes must fix.
    fn constants(&self) -> usize {
        let columns = self.columns.iter().filter(|times| **times != 1).count();
        let rest = [self.entities != 0, self.null != 0, self.repeated.0 != 0, self.counted];
        columns + rest.into_iter().filter(|other| *other).count()
    }
}

fn written(text: &Text, entities: usize) -> i64 {
    let Entities(angle, ampersand, double, single) = ENTITIES[entities];
    let more = text.angles * angle + text.ampersands * ampersand + text.double_quotes * double + text.single_quotes * single;
    i64::from(text.bytes) + i64::from(more)
}

/// Learns an endpoint's page; `None` where its sizes do not tell.
pub(crate) fn learn(pages: &[Seen]) -> Option<Page> {
    let sample = sample(pages);
    let columns = sample.iter().map(|page| page.shown.columns.len()).max()?;
    let mut best = fitted(Reading::plain(columns), &sample)?;
    while let Some(better) = better(&best.1, best.0, &sample) {
        best = better;
    }
    let (agreeing, reading, constants) = best;
    told(&reading, constants, agreeing, &sample).then(|| {
        let open = open_columns(&reading, agreeing, &sample);
        let digits = usual_digits(&sample);
        Page { empty: empty(&reading, pages), reading, constants, open, digits, ordinary: None, lines: Vec::new(), head: 0 }
    })
}

/// Learns a page from all its requests, and from the ordinary ones alone.
pub(crate) fn learn_both(known: Known<'_>) -> Option<Page> {
    let alone = learn(known.ordinary).map(|page| {
        let lines = lines(&page, known.ordinary, known.whole);
        let head = head(&page, known.own);
        Page { lines, head, ..page }
    });
    let page = learn(known.all).or_else(|| alone.clone());
    page.map(|page| Page { ordinary: alone.map(Box::new), ..page })
}

/// By how much pages of the intruder are larger that show what visitors see: a log that counts the head counts how servers
/// answer each kind of client (`Connection: close`). It takes more than one page, and most of them.
fn head(page: &Page, own: &[Seen]) -> i64 {
    let mut heads: BTreeMap<i64, usize> = BTreeMap::new();
    for seen in own.iter().filter(|seen| seen.shown.rows > 0) {
        let Some(size) = page.predicted(&seen.shown, &seen.value) else { continue };
        *heads.entry(seen.bytes.cast_signed() - size.cast_signed()).or_default() += 1;
    }
    let all: usize = heads.values().sum();
    let is_told = |(head, count): &(i64, usize)| *count > 1 && count * 2 > all && head.abs() <= HEADS_DIFFER_MAX;
    heads.into_iter().max_by_key(|(_, count)| *count).filter(is_told).map_or(0, |(head, _)| head)
}

/// The lines through what pages with different numbers of rows are without their text, and without the digits that a longer
/// size may add to the head.
fn lines(page: &Page, ordinary: &[Seen], whole: &[Seen]) -> Vec<Constants> {
    let mut rests: BTreeMap<(u32, i64, i64), usize> = BTreeMap::new();
    for seen in ordinary.iter().chain(whole) {
        let rest = seen.bytes.cast_signed() - page.reading.text(&seen.shown, &seen.value);
        let more = i64::from(digits(seen.bytes)) - i64::from(page.digits);
        *rests.entry((seen.shown.rows, rest, more)).or_default() += 1;
    }
    let mut points: BTreeMap<u32, (usize, i64, i64)> = BTreeMap::new();
    for ((rows, rest, more), count) in rests {
        let best = points.entry(rows).or_insert((count, rest, more));
        *best = (*best).max((count, rest, more));
    }
    let either = |(rows, (_, rest, more))| if more == 0 { vec![(rows, rest)] } else { vec![(rows, rest), (rows, rest - more)] };
    let points: Vec<(u32, i64)> = points.into_iter().take(LINES_MAX).flat_map(either).collect();
    let pairs = points.iter().enumerate().flat_map(|(at, one)| points[at + 1..].iter().map(move |other| (*one, *other)));
    pairs.filter(|(one, other)| one.0 != other.0).filter_map(|(one, other)| line(one, other)).collect()
}

/// How many digits most sizes have.
fn usual_digits(pages: &[&Seen]) -> u32 {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    pages.iter().for_each(|page| *counts.entry(digits(page.bytes)).or_default() += 1);
    counts.into_iter().max_by_key(|(_, count)| *count).map_or(1, |(digits, _)| digits)
}

const fn digits(size: u64) -> u32 {
    match size.checked_ilog10() {
        Some(digits) => digits + 1,
        None => 1,
    }
}

/// Different pages, spread over all.
fn sample(pages: &[Seen]) -> Vec<&Seen> {
    let mut known = HashSet::new();
    let features = |page: &Seen| {
        let columns: Vec<u32> = page.shown.columns.iter().flat_map(|text| [text.bytes, text.nulls]).collect();
        (page.shown.rows, columns, page.value.bytes, page.bytes)
    };
    let different: Vec<&Seen> = pages.iter().filter(|page| page.shown.rows > 0 && known.insert(features(page))).collect();
    let step = different.len().div_ceil(PAGES_MAX).max(1);
    different.into_iter().step_by(step).collect()
}

type Fitted = (usize, Reading, Constants);

/// The constants with which most pages agree.
fn fitted(reading: Reading, pages: &[&Seen]) -> Option<Fitted> {
    let mut rest: BTreeMap<(u32, i64), usize> = BTreeMap::new();
    for page in pages {
        let rest_of = page.bytes.cast_signed() - reading.text(&page.shown, &page.value);
        *rest.entry((page.shown.rows, rest_of)).or_default() += 1;
    }
    let mut modes: BTreeMap<u32, (usize, i64)> = BTreeMap::new();
    for (&(rows, size), &count) in rest.iter().filter(|((_, size), _)| *size >= 0) {
        let mode = modes.entry(rows).or_insert((count, size));
        if count > mode.0 {
            *mode = (count, size);
        }
    }
    let mut modes: Vec<(usize, u32, i64)> = modes.into_iter().map(|(rows, (count, size))| (count, rows, size)).collect();
    modes.sort_by_key(|&(count, rows, _)| (std::cmp::Reverse(count), rows));
    modes.truncate(LINES_MAX);
    let alone = modes.first().map(|&(count, rows, size)| (count, Constants::Rows { rows, size }));
    let pairs = modes.iter().enumerate().flat_map(|(at, one)| modes[at + 1..].iter().map(move |other| (one, other)));
    let lines = pairs.filter_map(|(&(_, few, small), &(_, more, large))| line((few, small), (more, large)));
    let counted =
        lines.map(|line| (rest.iter().filter(|((rows, size), _)| line.size(*rows) == Some(*size)).map(|(_, n)| n).sum(), line));
    // A line through two points that nothing else lies on says nothing: it must explain more than one number of rows does.
    let best =
        counted.chain(alone).max_by_key(|(count, constants): &(usize, Constants)| (*count, usize::MAX - constants.count()))?;
    Some((best.0, reading, best.1))
}

fn line((one, small): (u32, i64), (other, large): (u32, i64)) -> Option<Constants> {
    let rows = i64::from(other) - i64::from(one);
    let frame = (large - small) / rows;
    let page = small - frame * i64::from(one);
    ((large - small) % rows == 0 && (0..=FRAME_MAX).contains(&frame) && page >= 0).then_some(Constants::Line { page, frame })
}

/// A reading one or two steps away with which more pages agree; none where all do.
fn better(reading: &Reading, agreeing: usize, pages: &[&Seen]) -> Option<Fitted> {
    if agreeing == pages.len() {
        return None;
    }
    let gain = |fitted: &Fitted| fitted.0 > agreeing + fitted.1.constants().saturating_sub(reading.constants());
    let best = |readings: Vec<Reading>| {
        let all = readings.into_iter().filter_map(|reading| fitted(reading, pages)).filter(gain);
        all.max_by_key(|(agreeing, reading, _)| (*agreeing, usize::MAX - reading.constants()))
    };
    let near = reading.neighbours();
    best(near.clone()).or_else(|| best(near.iter().flat_map(Reading::neighbours).collect()))
}

/// Whether the pages that agree are more than the constants that they fix, and differ in their text.
fn told(reading: &Reading, constants: Constants, agreeing: usize, pages: &[&Seen]) -> bool {
    let agree = |page: &&&Seen| {
        let text = reading.text(&page.shown, &page.value);
        constants.size(page.shown.rows).is_some_and(|size| size + text == page.bytes.cast_signed())
    };
    let texts: HashSet<u64> = pages.iter().filter(agree).map(|page| page.bytes).collect();
    texts.len() > 1 && agreeing > constants.count() + reading.constants()
}

fn open_columns(reading: &Reading, agreeing: usize, pages: &[&Seen]) -> Vec<bool> {
    let unseen = |at: usize| {
        let mut columns = reading.columns.clone();
        columns[at] = u8::from(columns[at] == 0);
        fitted(Reading { columns, ..reading.clone() }, pages).is_some_and(|other| other.0 >= agreeing)
    };
    (0..reading.columns.len()).map(unseen).collect()
}

/// The size of the page that says that there is nothing.
fn empty(reading: &Reading, pages: &[Seen]) -> Option<i64> {
    let mut sizes: BTreeMap<i64, usize> = BTreeMap::new();
    for page in pages.iter().filter(|page| page.shown.rows == 0) {
        *sizes.entry(page.bytes.cast_signed() - reading.text(&page.shown, &page.value)).or_default() += 1;
    }
    sizes.into_iter().max_by_key(|(size, count)| (*count, -size)).map(|(size, _)| size)
}

impl Page {
    /// The size of a page that shows this; `None` where its constants are not known.
    pub(crate) fn predicted(&self, shown: &Shown, value: &Text) -> Option<u64> {
        let constant = if shown.rows == 0 { self.empty } else { self.constants.size(shown.rows) };
        constant.and_then(|size| u64::try_from(size + self.reading.text(shown, value)).ok())
    }

    /// The size that a page which shows this must have, as the log would say it: that which was seen, if one of the ways in
    /// which the log may count explains it to the byte.
    ///
    /// Some logs count the response's header too, and `Content-Length` grows by a byte with each digit of the size.
    pub(crate) fn explains(&self, shown: &Shown, value: &Text, bytes: u64) -> Option<u64> {
        let plain = self.predicted(shown, value);
        if plain.is_some_and(|size| self.counted(size).contains(&bytes)) {
            return Some(bytes);
        }
        let ordinary = self.ordinary.as_ref();
        // What NULL is written as, ordinary pages often cannot tell.
        let as_null = |null| Some(Self { reading: Reading { null, ..ordinary?.reading.clone() }, ..(**ordinary?).clone() });
        let others = (0..NULLS.len()).filter_map(as_null);
        let mut sizes = others.flat_map(|page| page.sizes_with_heads(shown, value)).flat_map(|size| self.counted(size));
        if sizes.any(|size| size == bytes) { Some(bytes) } else { plain }
    }

    /// The sizes that its constants and its lines give, as visitors and as the intruder are answered.
    fn sizes_with_heads(&self, shown: &Shown, value: &Text) -> Vec<u64> {
        let sizes = self.sizes(shown, value);
        let with_head = sizes.iter().filter(|_| self.head != 0).filter_map(|size| size.checked_add_signed(self.head));
        with_head.chain(sizes.iter().copied()).collect()
    }

    /// The sizes that its constants and its lines give.
    fn sizes(&self, shown: &Shown, value: &Text) -> Vec<u64> {
        let text = self.reading.text(shown, value);
        let lines = self.lines.iter().filter(|_| shown.rows > 0).filter_map(|line| line.size(shown.rows));
        let lines = lines.filter_map(|size| u64::try_from(size + text).ok());
        lines.chain(self.predicted(shown, value)).collect()
    }

    /// A size as it is, and with the digits that it adds to a header.
    fn counted(&self, size: u64) -> [u64; 2] {
        [size, size + u64::from(digits(size).saturating_sub(self.digits))]
    }

    /// Whether a column is on the page.
    pub(crate) fn shows(&self, column: usize) -> bool {
        self.reading.columns.get(column).is_none_or(|times| *times > 0)
    }

    /// Whether nothing tells if a column is on the page.
    pub(crate) fn is_open(&self, column: usize) -> bool {
        self.open.get(column).copied().unwrap_or(true)
    }
}

#[cfg(test)]
mod tests {
    use super::{Known, Seen, learn, learn_both};
    use crate::rows::size::{Shown, Text};

    fn page((rows, texts, bytes): &(u32, &[&str], u64)) -> Seen {
        let columns = texts.iter().map(|text| Text::of_bytes(text.as_bytes())).collect();
        Seen { shown: Shown { rows: *rows, columns }, value: Text::of_bytes(b"5"), bytes: *bytes }
    }

    /// Pages as (rows, text of each column, bytes), then what is asked and what must come of it.
    fn check(pages: &[(u32, &[&str], u64)], asked: (u32, &[&str]), expected: Option<u64>) {
        let pages: Vec<Seen> = pages.iter().map(page).collect();
        let asked = page(&(asked.0, asked.1, 0));
        let found = learn(&pages).and_then(|learned| learned.predicted(&asked.shown, &asked.value));
        assert_eq!(found, expected);
    }

    #[test]
    fn the_remainder_that_different_texts_share_is_the_page() {
        check(&[(2, &["abcde"], 805), (2, &["abc"], 803), (2, &["a"], 801), (2, &["ab"], 500)], (2, &["abcdefgh"]), Some(808));
    }

    #[test]
    fn a_page_that_never_changes_shows_nothing() {
        check(&[(1, &["a"], 700), (1, &["ab"], 700), (1, &["abc"], 700)], (1, &["a"]), None);
        check(&[(1, &["a"], 700), (1, &["a"], 700)], (1, &["a"]), None);
    }

    #[test]
    fn page_and_frame_follow_from_two_numbers_of_rows() {
        let known: [(u32, &[&str], u64); 5] =
            [(1, &["a"], 511), (1, &["ab"], 512), (2, &["abc"], 523), (2, &["abcd"], 524), (3, &["abcd"], 534)];
        check(&known, (5000, &["a"]), Some(500 + 5000 * 10 + 1));
    }

    #[test]
    fn a_column_that_is_not_shown_has_no_part_in_the_size() {
        let known: [(u32, &[&str], u64); 5] = [
            (1, &["1", "a"], 511),
            (1, &["12", "ab"], 512),
            (1, &["1", "abc"], 513),
            (1, &["123", "a"], 511),
            (1, &["12345", "abcd"], 514),
        ];
        check(&known, (1, &["123456", "abc"]), Some(513));
    }

    #[test]
    fn a_page_of_all_that_there_is_tells_the_frame() {
        let one: Vec<Seen> = [(1, &["a"] as &[&str], 511), (1, &["ab"], 512), (1, &["abc"], 513)].iter().map(page).collect();
        let all = [page(&(40, &["abcdefgh"], 500 + 400 + 8))];
        let explains = |whole: &[Seen]| {
            let Seen { shown, value, .. } = page(&(20, &["xyz"], 0));
            let known = Known { all: &one, ordinary: &one, whole, own: &[] };
            learn_both(known).and_then(|learned| learned.explains(&shown, &value, 500 + 200 + 3))
        };
        assert_eq!((explains(&[]), explains(&all)), (None, Some(703)));
    }

    #[test]
    fn a_head_that_only_the_intruder_is_sent_is_learned_from_the_pages_that_show_nothing_else() {
        let seen = |pages: &[(u32, &[&str], u64)]| pages.iter().map(page).collect::<Vec<_>>();
        let ordinary = seen(&[(1, &["a"], 511), (1, &["ab"], 512), (1, &["abc"], 513), (2, &["abc"], 523), (2, &["a"], 521)]);
        // What the intruder selects of their own comes in another frame: pages of it mislead.
        let odd = seen(&[(2, &["xx"], 551), (2, &["xxx"], 552), (2, &["xy"], 551), (2, &["yyyy"], 553), (2, &["y"], 550)]);
        let all = [&ordinary[..], &odd, &odd, &odd].concat();
        let explains = |own: &[(u32, &[&str], u64)], bytes| {
            let Seen { shown, value, .. } = page(&(3, &["abcdefgh"], 0));
            let own = seen(own);
            let learned = learn_both(Known { all: &all, ordinary: &ordinary, whole: &[], own: &own });
            learned.and_then(|learned| learned.explains(&shown, &value, bytes)) == Some(bytes)
        };
        let told: [(u32, &[&str], u64); 2] = [(1, &["a"], 530), (1, &["abc"], 532)];
        assert!(explains(&told, 557) && explains(&told, 538));
        assert!(!explains(&told[..1], 557), "one page may be large for any reason");
        assert!(!explains(&[(1, &["a"], 530), (1, &["a"], 900), (1, &["ab"], 700)], 557), "they do not agree");
    }

    #[test]
    fn a_longer_size_makes_a_longer_header() {
        let known: [(u32, &[&str], u64); 4] = [(1, &["a"], 811), (1, &["ab"], 812), (2, &["abc"], 823), (2, &["abcd"], 824)];
        let learned = learn(&known.iter().map(page).collect::<Vec<_>>()).expect("a page");
        let explains = |rows, bytes| {
            let Seen { shown, value, .. } = page(&(rows, &["a"], 0));
            learned.explains(&shown, &value, bytes)
        };
        assert_eq!((explains(100, 1801), explains(100, 1802), explains(100, 1803)), (Some(1801), Some(1802), Some(1801)));
    }

    #[test]
    fn entities_are_learned() {
        let known: [(u32, &[&str], u64); 5] =
            [(1, &["a"], 511), (1, &["<b>"], 519), (1, &["'"], 515), (1, &["ab'"], 517), (1, &["<'>"], 523)];
        check(&known, (1, &["a<'"]), Some(521 - 1));
    }
}
