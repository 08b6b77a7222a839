//! Values that leave in the text of an error message. A shape is compiled once (`plan`, `scalar`): the call that fails and
//! the text that its message shows. Each statement's text is computed from the snapshot, with the cell of each of its
//! characters (`trace`); the size that a page with this message must have is compared with the size that the log shows
//! (`page`). The slices of one cell are put together here: a cell of which every character arrived is proved.
//!
//! Not here: what messages look like (`channel`).

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use kintsugi_case::{ColumnSet, EvidenceLine, Private, Technique, Verdict};

use crate::conclusion::{Cells, Conclusion, Ground};
use crate::data::Data;
use crate::dialect::Dialect;
use crate::error::{Failure, Result};
use crate::query::{Fate, quoted};
use crate::recovered::{Characters, RecoveredValue};
use crate::statement::{Observation, Statement, shown};
use crate::widened::Widened;

mod channel;
mod page;
mod plan;
mod scalar;
mod trace;

pub(crate) use plan::{Plan, plan};

use channel::Channel;
use page::{Pages, Place, Seen, Sized};
use scalar::Scalar;
use trace::{Piece, Traced, Tracer, filled};

const WHOLE: &str = "the page had exactly the size that the error messages with every character of the value give it";
const LOGGED: &str = "the query log has the error message with the value, and the page shows error messages";
const PARTIAL: &str = "the error messages that fit the sizes of their pages hold only a part of the value";
const SEVERAL: &str =
    "several records stand at the same place in the order of the statement: which of them was shown cannot be told";
const ANOTHER: &str = "the page had another size than the error message with this value gives it";
const UNKNOWN: &str = "too few pages of this kind to tell by their size what they showed";
const SILENT: &str = "the value raises no error: no message shows it";
const REFUSED: &str = "the server refused the request";
const ELSEWHERE: &str = "the server sent the client elsewhere instead of showing an error";
const CONSTANT: &str = "the page had the same size whatever the error message had to show";
const OF_ALL: &str = "the statement asked for the smallest or greatest value of the whole table";
const START: &str = "the value was asked for once, as the place from which the statements that follow go on";
const SHIFTED: &str = "before this place, keys were of another size than those of the snapshot: its rows have moved since";
const DOUBTFUL: &str = "the sizes of these pages agree too rarely with the rows that the snapshot has at their places";

/// Statements of one shape from which on a constant size means that nothing is shown.
const CONSTANT_MIN: u64 = 3;

/// The statements of a source that asked for error messages.
pub(crate) struct ErrorText {
    tracer: Tracer,
    said: Vec<Said>,
    /// Channels by number.
    channels: Vec<Channel>,
}

/// A statement that was replayed, with what the log shows of its answer.
struct Said {
    shape: usize,
    observed: Observation,
    /// Index of the channel.
    channel: usize,
    traced: Traced,
    literals: Box<str>,
    /// Which rows its subqueries mean, in its own words.
    selectors: Rc<[String]>,
    /// Columns of rows that only their place in an order names.
    placed: Rc<[(usize, usize)]>,
}

/// A cell: table, row, column.
type Cell = (usize, u32, usize);

/// What arrived of a cell.
#[derive(Debug, Default)]
struct Arrived {
    length: usize,
    /// Ranges of characters, from and to before.
    ranges: Vec<(usize, usize)>,
    /// All of it arrived, though its characters cannot be followed or it has none.
    whole: bool,
    characters: HashMap<usize, char>,
    first: EvidenceLine,
    last: EvidenceLine,
    row: String,
}

/// What the log says of one statement.
enum Outcome {
    /// The page fits the message.
    Agrees(Seen),
    /// The query log has the message, and nothing speaks against the page of so many bytes having shown it.
    Logged(u64),
    /// It does not; why, and the size that it should have had.
    Not(Verdict, &'static str, u64),
}

/// How well the statements of a shape agree.
#[derive(Clone, Copy, Debug, Default)]
struct Agreement {
    agreeing: u64,
    answered: u64,
    /// Smallest and largest observed size, and length of text.
    bytes: Option<(u64, u64)>,
    lengths: Option<(usize, usize)>,
}

impl ErrorText {
    pub(crate) fn new(data: Rc<Data>, dialect: Dialect) -> Self {
        Self { tracer: Tracer::new(data, dialect), said: Vec::new(), channels: Vec::new() }
    }

    /// Replays a statement; an error says why that cannot be done.
    pub(crate) fn take(&mut self, plan: &Plan, statement: Statement<'_>) -> std::result::Result<(), Failure> {
        let Statement { shape, literals, observed } = statement;
        let traced = self.tracer.trace(plan, literals)?;
        let channel = self.channels.iter().position(|known| *known == plan.channel).unwrap_or_else(|| {
            self.channels.push(plan.channel.clone());
            self.channels.len() - 1
        });
        let selectors = plan.scalars.iter().map(|scalar| filled(&scalar.selector, literals)).collect();
        let placed = plan.scalars.iter().flat_map(Scalar::placed).collect();
        self.said.push(Said { shape, observed, channel, traced, literals: shown(literals).into_boxed_str(), selectors, placed });
        Ok(())
    }

    /// Judges every statement and writes down what follows.
    pub(crate) fn conclude(self, into: &mut Conclusion<'_>) -> Result<()> {
        let pages = self.pages(into);
        let outcomes: Vec<Option<Seen>> = self.said.iter().map(|said| self.seen(said, &pages, into).ok()).collect();
        let agreements = self.agreements(&outcomes, into);
        let alike = self.alike(into);
        let mut cells = HashMap::new();
        for (said, seen) in self.said.iter().zip(&outcomes) {
            let by_size = seen.clone().filter(|_| agreements[&said.shape].is_trusted());
            if let Some(seen) = by_size.or_else(|| self.logged(said, (&pages, &alike), into)) {
                gather(said, &seen, into.wants_values(), &mut cells);
            }
        }
        let shifts = self.shifts(&outcomes, into);
        let mut widened = Widened::default();
        let starts = self.starts(&cells, into);
        for (at, said) in self.said.iter().enumerate() {
            let outcome = match self.outcome(said, (&pages, &alike), agreements[&said.shape], into) {
                Outcome::Agrees(seen) if is_shifted(said, &shifts) => Outcome::Not(Verdict::Possible, SHIFTED, seen.predicted),
                Outcome::Agrees(seen) if starts.contains(&at) => Outcome::Not(Verdict::Possible, START, seen.predicted),
                outcome => outcome,
            };
            write(said, &outcome, &cells, into)?;
            if matches!(outcome, Outcome::Not(Verdict::Possible, DOUBTFUL | ANOTHER, _)) && !agreements[&said.shape].is_trusted()
            {
                for &(table, column) in said.placed.iter() {
                    widened.add(said.shape, table, std::iter::once(column.min(63)).collect(), said.observed);
                }
            }
        }
        widened.conclude(Technique::ErrorBased, self.tracer.data(), into)?;
        if into.wants_values() { hand_over(cells, into) } else { Ok(()) }
    }

    fn place(&self, said: &Said, into: &Conclusion<'_>) -> Place {
        Place { endpoint: into.shapes[said.shape].endpoint, status: said.observed.status, channel: said.channel }
    }

    fn sized<'a>(&'a self, said: &'a Said) -> Option<Sized<'a>> {
        let text = said.traced.text.as_deref()?;
        Some(Sized { channel: &self.channels[said.channel], text, bytes: said.observed.bytes })
    }

    fn pages(&self, into: &Conclusion<'_>) -> Pages {
        let known = self.said.iter().filter(|said| !turned_away(said, into));
        Pages::learn(known.filter_map(|said| Some((self.place(said, into), self.sized(said)?))))
    }

    /// What the page showed; otherwise the size that it should have had, where it is known.
    fn seen(&self, said: &Said, pages: &Pages, into: &Conclusion<'_>) -> std::result::Result<Seen, Option<u64>> {
        let sized = self.sized(said).filter(|_| !turned_away(said, into)).ok_or(None)?;
        pages.seen(&self.place(said, into), sized)
    }

    /// Where all messages were as long as each other and their pages too, so that sizes can tell nothing.
    fn alike(&self, into: &Conclusion<'_>) -> HashSet<Place> {
        let mut sizes: HashMap<Place, HashSet<(usize, u64)>> = HashMap::new();
        for said in self.said.iter().filter(|said| !turned_away(said, into)) {
            if let Some(sized) = self.sized(said) {
                sizes.entry(self.place(said, into)).or_default().insert((sized.text.len(), sized.bytes));
            }
        }
        sizes.into_iter().filter(|(_, sizes)| sizes.len() == 1).map(|(place, _)| place).collect()
    }

    /// What a page showed whose message the query log has: the page is known to show messages, it was answered with at least
    /// as many bytes, and nothing is known of its size that speaks against it.
    fn logged(&self, said: &Said, (pages, alike): (&Pages, &HashSet<Place>), into: &Conclusion<'_>) -> Option<Seen> {
        let endpoint = into.shapes[said.shape].endpoint;
        let Some(Fate::Said(digest)) = into.fates.get(endpoint, &said.observed) else { return None };
        let sized = self.sized(said).filter(|_| into.endpoints.get(endpoint).errors && !turned_away(said, into))?;
        if !alike.contains(&self.place(said, into)) || !matches!(self.seen(said, pages, into), Err(None)) {
            return None;
        }
        let shown = sized.channel.cuts().iter().filter_map(|cut| sized.channel.shown(sized.text, *cut));
        let mut fitting =
            shown.filter(|shown| quoted(&shown.message) == Some(digest) && shown.message.len() as u64 <= sized.bytes);
        fitting.next().map(|shown| Seen { predicted: sized.bytes, from: shown.from, to: shown.to })
    }

    fn agreements(&self, outcomes: &[Option<Seen>], into: &Conclusion<'_>) -> HashMap<usize, Agreement> {
        let mut agreements: HashMap<usize, Agreement> = HashMap::new();
        for (said, seen) in self.said.iter().zip(outcomes) {
            let agreement = agreements.entry(said.shape).or_default();
            let Some(sized) = self.sized(said).filter(|_| !turned_away(said, into)) else { continue };
            if sized.channel.shown(sized.text, channel::Cut::None).is_none() {
                continue;
            }
            agreement.add(seen.is_some(), sized.bytes, sized.text.len());
        }
        agreements
    }

    /// From which offset on the rows of a walk are not those of the snapshot: a key had another size there, and keys stay.
    fn shifts(&self, outcomes: &[Option<Seen>], into: &Conclusion<'_>) -> HashMap<Walk, usize> {
        let mut shifts = HashMap::new();
        for (said, _) in self.said.iter().zip(outcomes).filter(|(_, seen)| seen.is_none()) {
            let Some(offset) = said.traced.offset.filter(|_| !turned_away(said, into)) else { continue };
            for piece in said.traced.pieces.iter().filter(|piece| into.catalog.table(piece.table).key.contains(&piece.column)) {
                let first = shifts.entry(said.walk(piece)).or_insert(offset);
                *first = offset.min(*first);
            }
        }
        shifts
    }

    /// Statements that only fetch where others begin: a key that others count on from (`id > 38`), of a record of which nothing
    /// else was asked. Tools do so before they walk a part of a table, and drop the value.
    fn starts(&self, cells: &HashMap<Cell, Arrived>, into: &Conclusion<'_>) -> Vec<usize> {
        let mut shapes: HashMap<usize, usize> = HashMap::new();
        self.said.iter().for_each(|said| *shapes.entry(said.shape).or_default() += 1);
        let goes_on_from = |value: &str| {
            let from = format!("> {value} ");
            self.said.iter().any(|said| said.selectors.iter().any(|selector| selector.contains(&from)))
        };
        let is_start = |said: &Said| {
            let [piece] = &said.traced.pieces[..] else { return false };
            let is_key = into.catalog.table(piece.table).key.contains(&piece.column);
            let alone = || cells.keys().filter(|(table, row, _)| *table == piece.table && *row == piece.rows[0]).count() == 1;
            is_key && shapes[&said.shape] == 1 && alone() && said.value(piece).is_some_and(|value| goes_on_from(&value))
        };
        self.said.iter().enumerate().filter(|(_, said)| is_start(said)).map(|(at, _)| at).collect()
    }

    fn outcome(&self, said: &Said, known: (&Pages, &HashSet<Place>), agreement: Agreement, into: &Conclusion<'_>) -> Outcome {
        let pages = known.0;
        use Verdict::{Excluded, Possible};
        match said.observed.status {
            401 | 403 | 406 | 429 => return Outcome::Not(Excluded, REFUSED, 0),
            300..=399 => return Outcome::Not(Excluded, ELSEWHERE, 0),
            _ => {}
        }
        if let Some(reason) = into.nothing(said.shape, &said.observed) {
            return Outcome::Not(Excluded, reason, 0);
        }
        let raises = |sized: &Sized<'_>| sized.channel.shown(sized.text, channel::Cut::None).is_some();
        match (self.seen(said, pages, into), self.sized(said)) {
            _ if self.logged(said, known, into).is_some() => Outcome::Logged(said.observed.bytes),
            (Ok(_), _) if !agreement.is_trusted() => Outcome::Not(Possible, DOUBTFUL, said.observed.bytes),
            (Ok(seen), _) => Outcome::Agrees(seen),
            (Err(_), Some(sized)) if !raises(&sized) => Outcome::Not(Possible, SILENT, 0),
            (Err(_), _) if agreement.is_constant() => Outcome::Not(Excluded, CONSTANT, 0),
            (Err(Some(predicted)), _) => Outcome::Not(Possible, ANOTHER, predicted),
            (Err(None), _) => Outcome::Not(Possible, UNKNOWN, 0),
        }
    }
}

/// Rows that are taken one after another: their table, and the order in which they come.
type Walk = (usize, String);

impl Said {
    fn walk(&self, piece: &Piece) -> Walk {
        let selector = &self.selectors[piece.scalar];
        let end = ["LIMIT", "OFFSET"].into_iter().filter_map(|word| selector.find(word)).min().unwrap_or(selector.len());
        (piece.table, selector[..end].to_owned())
    }

    /// The whole value of a cell, if it stands in the text in one piece.
    fn value(&self, piece: &Piece) -> Option<String> {
        let [(at, 0, count)] = piece.spans[..] else { return None };
        (count == piece.length).then(|| self.traced.text.iter().flat_map(|text| text.chars()).skip(at).take(count).collect())
    }
}

fn is_shifted(said: &Said, shifts: &HashMap<Walk, usize>) -> bool {
    let Some(offset) = said.traced.offset else { return false };
    said.traced.pieces.iter().any(|piece| shifts.get(&said.walk(piece)).is_some_and(|first| offset >= *first))
}

/// Whether the application never saw the request, or showed nothing of its own, or the database did not run the statement.
fn turned_away(said: &Said, into: &Conclusion<'_>) -> bool {
    let Observation { status, bytes, .. } = said.observed;
    matches!(status, 300..=399 | 401 | 403 | 406 | 429) || bytes == 0 || into.nothing(said.shape, &said.observed).is_some()
}

impl Agreement {
    fn add(&mut self, agrees: bool, bytes: u64, length: usize) {
        self.agreeing += u64::from(agrees);
        self.answered += 1;
        let (low, high) = self.bytes.unwrap_or((bytes, bytes));
        self.bytes = Some((low.min(bytes), high.max(bytes)));
        let (short, long) = self.lengths.unwrap_or((length, length));
        self.lengths = Some((short.min(length), long.max(length)));
    }

    /// Whether agreement is the rule: a wrong order of rows agrees by chance now and then.
    const fn is_trusted(&self) -> bool {
        self.agreeing * 10 >= self.answered * 9
    }

    /// Whether pages never changed though their messages had to.
    fn is_constant(&self) -> bool {
        let same = self.bytes.is_some_and(|(low, high)| low == high);
        same && self.answered >= CONSTANT_MIN && self.lengths.is_some_and(|(short, long)| short < long)
    }
}

/// Puts what a statement showed to what is known of its cells.
fn gather(said: &Said, seen: &Seen, keep: bool, cells: &mut HashMap<Cell, Arrived>) {
    let text: Vec<char> = if keep { said.traced.text.iter().flat_map(|text| text.chars()).collect() } else { Vec::new() };
    let whole_text = said.traced.text.as_ref().is_some_and(|text| seen.from == 0 && seen.to == text.chars().count());
    for piece in said.traced.pieces.iter().filter(|piece| piece.rows.len() == 1) {
        let arrived = cells.entry((piece.table, piece.rows[0], piece.column)).or_default();
        arrived.length = piece.length;
        arrived.whole |= piece.opaque == Some(true) && whole_text;
        arrived.whole |= piece.empty_at.is_some_and(|at| (seen.from..=seen.to).contains(&at));
        let before = arrived.ranges.len();
        for &(at, of, count) in &piece.spans {
            let (from, to) = (at.max(seen.from), (at + count).min(seen.to));
            if from < to {
                arrived.ranges.push((of + from - at, of + to - at));
                let kept = (from..to).filter_map(|place| Some((of + place - at, *text.get(place)?)));
                arrived.characters.extend(kept);
            }
        }
        if arrived.ranges.len() > before || arrived.whole {
            arrived.note(said.observed.line, &said.selectors[piece.scalar]);
        }
    }
}

impl Arrived {
    fn note(&mut self, line: EvidenceLine, row: &str) {
        if self.row.is_empty() {
            row.clone_into(&mut self.row);
            self.first = line;
        }
        self.first = self.first.min(line);
        self.last = self.last.max(line);
        self.ranges.sort_unstable();
        self.ranges.dedup_by(|next, before| {
            let joins = next.0 <= before.1;
            if joins {
                before.1 = before.1.max(next.1);
            }
            joins
        });
    }

    fn is_whole(&self) -> bool {
        self.whole || self.length > 0 && self.ranges == [(0, self.length)]
    }

    /// `characters 1-18 of 31`
    fn known(&self) -> String {
        let ranges: Vec<String> = self.ranges.iter().map(|(from, to)| format!("{}-{to}", from + 1)).collect();
        format!("characters {} of {}", ranges.join(","), self.length)
    }
}

/// Cells of one row that a statement exposes with one verdict.
struct Exposed {
    table: usize,
    row: u32,
    verdict: Verdict,
    reason: &'static str,
    columns: ColumnSet,
    /// Which characters arrived, where not all did.
    note: Option<String>,
}

/// One exposure for each row and verdict of a statement.
fn write(said: &Said, outcome: &Outcome, cells: &HashMap<Cell, Arrived>, into: &mut Conclusion<'_>) -> Result<()> {
    let agrees = matches!(outcome, Outcome::Agrees(_) | Outcome::Logged(_));
    into.judged(agrees);
    let mut exposures: Vec<Exposed> = Vec::new();
    for piece in &said.traced.pieces {
        let arrived = cells.get(&(piece.table, piece.rows[0], piece.column));
        let (verdict, reason, note) = verdict(piece, outcome, arrived);
        for &row in piece.rows.iter() {
            let column = piece.column.min(63);
            let same = |one: &&mut Exposed| (one.table, one.row, one.verdict, one.reason) == (piece.table, row, verdict, reason);
            match exposures.iter_mut().find(same).filter(|_| note.is_none()) {
                Some(one) => one.columns = one.columns.with(column),
                None => exposures.push(Exposed {
                    table: piece.table,
                    row,
                    verdict,
                    reason,
                    columns: ColumnSet::default().with(column),
                    note: note.clone(),
                }),
            }
        }
    }
    let predicted_bytes = match outcome {
        Outcome::Agrees(seen) => seen.predicted,
        Outcome::Logged(bytes) => *bytes,
        Outcome::Not(_, _, predicted) => *predicted,
    };
    for Exposed { table, row, verdict, reason, columns, note } in exposures {
        let ground = Ground { shape: said.shape, table, technique: Technique::ErrorBased, verdict, reason };
        let noted = note.map(|note| format!("{}; {note}", said.literals));
        let literals = noted.as_deref().unwrap_or(&said.literals);
        into.expose(ground, &Cells { row: u64::from(row), columns, observed: said.observed, predicted_bytes, agrees, literals })?;
    }
    Ok(())
}

fn verdict(piece: &Piece, outcome: &Outcome, arrived: Option<&Arrived>) -> (Verdict, &'static str, Option<String>) {
    match outcome {
        Outcome::Not(verdict, reason, _) => (*verdict, reason, None),
        _ if piece.of_all => (Verdict::Possible, OF_ALL, None),
        _ if piece.rows.len() > 1 => (Verdict::Possible, SEVERAL, None),
        _ => match arrived {
            Some(arrived) if arrived.is_whole() && matches!(outcome, Outcome::Logged(_)) => (Verdict::Proved, LOGGED, None),
            Some(arrived) if arrived.is_whole() => (Verdict::Proved, WHOLE, None),
            Some(arrived) if !arrived.ranges.is_empty() => (Verdict::Possible, PARTIAL, Some(arrived.known())),
            _ => (Verdict::Possible, PARTIAL, None),
        },
    }
}

/// Hands over the values, as far as they arrived.
fn hand_over(cells: HashMap<Cell, Arrived>, into: &mut Conclusion<'_>) -> Result<()> {
    let mut cells: Vec<_> = cells.into_iter().filter(|(_, arrived)| !arrived.row.is_empty()).collect();
    cells.sort_by_key(|(cell, _)| *cell);
    for ((table, _, column), arrived) in cells {
        let table = into.catalog.table(table);
        let Some(named) = table.columns.get(column) else { continue };
        let mut characters: Vec<_> = arrived.characters.iter().collect();
        characters.sort_unstable();
        let known = arrived.ranges.iter().map(|(from, to)| (*from as u64 + 1, *to as u64)).collect();
        let value = RecoveredValue {
            source: table.source.clone(),
            table: table.name.clone(),
            column: named.name.clone(),
            meaning: named.meaning,
            characters: if arrived.is_whole() { Characters::All } else { Characters::Some(known) },
            value: Private::new(characters.into_iter().map(|(_, c)| *c).collect()),
            row: arrived.row,
            first: arrived.first,
            last: arrived.last,
        };
        into.value(value)?;
    }
    Ok(())
}
