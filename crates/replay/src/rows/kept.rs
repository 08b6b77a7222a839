//! Replayed statements until they are judged, which can begin only when all have been seen: some sixty bytes each, so that
//! the statements that emptied a table of ten million rows fit into memory. Numbers are written seven bits a byte, lines
//! and times as the step from the statement before.

use std::collections::HashMap;
use std::sync::Arc;

use kintsugi_case::{EvidenceId, EvidenceLine};

use super::Answered;
use super::evaluate::{Answer, Arrived, Part, RowSet, Taken};
use super::plan::Rows;
use super::size::{Shown, Text};
use crate::rollback::Unclear;
use crate::statement::Observation;

/// Statements are kept in pieces of this size: no piece is ever moved to grow.
const PIECE_BYTES: usize = 1 << 20;
/// Rows that are copied to the statement; a larger part of a set is kept by keeping the set.
const COPIED_MAX: usize = 64;

/// Statements in the order in which they came.
#[derive(Default)]
pub(crate) struct Kept {
    pieces: Vec<Vec<u8>>,
    queries: Shared<Rows>,
    sets: Shared<RowSet>,
    last: Step,
}

/// What is told as the difference to the statement before.
#[derive(Clone, Copy, Default)]
struct Step {
    line: i64,
    at_ms: i64,
}

/// What many statements have in common, by number.
struct Shared<T: ?Sized> {
    list: Vec<Arc<T>>,
    known: HashMap<*const u8, usize>,
}

impl<T: ?Sized> Default for Shared<T> {
    fn default() -> Self {
        Self { list: Vec::new(), known: HashMap::new() }
    }
}

impl<T: ?Sized> Shared<T> {
    /// The list holds what it has numbered, so that no address is given twice.
    fn number(&mut self, one: &Arc<T>) -> usize {
        *self.known.entry(Arc::as_ptr(one).cast()).or_insert_with(|| {
            self.list.push(Arc::clone(one));
            self.list.len() - 1
        })
    }
}

impl Kept {
    /// Keeps one more.
    pub(crate) fn push(&mut self, statement: &Answered) {
        let mut bytes = Vec::with_capacity(64);
        self.write(statement, &mut bytes);
        match self.pieces.last_mut() {
            Some(piece) if piece.len() + bytes.len() <= piece.capacity() => piece.extend(bytes),
            _ => {
                let mut piece = Vec::with_capacity(PIECE_BYTES.max(bytes.len()));
                piece.extend(bytes);
                self.pieces.push(piece);
            }
        }
    }

    fn write(&mut self, statement: &Answered, into: &mut Vec<u8>) {
        let Answered { shape, observed, answer, value, literals } = statement;
        let step = Step { line: observed.line.line.cast_signed(), at_ms: observed.at_ms };
        for number in [
            *shape as u64,
            u64::from(observed.line.evidence.0),
            folded(step.line.wrapping_sub(self.last.line)),
            folded(step.at_ms.wrapping_sub(self.last.at_ms)),
            u64::from(observed.status),
            observed.bytes,
            observed.duration_us.map_or(0, |us| us.saturating_add(1)),
            u64::from(answer.unknown)
                | u64::from(answer.unsure) << 1
                | u64::from(answer.moved) << 2
                | u64::from(answer.most.is_some()) << 3
                | answer.unclear.map_or(0, Unclear::number) << 4,
            answer.taken.len() as u64,
        ] {
            put(number, into);
        }
        self.last = step;
        put_text(value, into);
        put_shown(&answer.shown, into);
        put_shown(&answer.own, into);
        answer.most.iter().for_each(|most| put_shown(most, into));
        answer.taken.iter().for_each(|taken| self.write_taken(taken, into));
        put(literals.len() as u64, into);
        into.extend_from_slice(literals.as_bytes());
    }

    fn write_taken(&mut self, taken: &Taken, into: &mut Vec<u8>) {
        put(self.queries.number(&taken.rows) as u64, into);
        put((taken.first_column as u64) << 2 | u64::from(taken.placed) << 1 | u64::from(taken.by_place), into);
        match &taken.part {
            Part::Of { set, from, to } if to - from > COPIED_MAX => {
                let set = self.sets.number(set) + 1;
                [set, *from, *to].into_iter().for_each(|number| put(number as u64, into));
            }
            _ => {
                let mut rows = Vec::new();
                taken.for_each(&mut |arrived| rows.push(arrived));
                put(0, into);
                put(rows.len() as u64, into);
                for arrived in rows {
                    put(arrived.slot as u64, into);
                    put(arrived.row << 2 | u64::from(arrived.part) << 1 | u64::from(arrived.equal), into);
                }
            }
        }
    }

    /// Hands every statement over, in order.
    pub(crate) fn each<E>(&self, mut each: impl FnMut(&Answered) -> Result<(), E>) -> Result<(), E> {
        let mut last = Step::default();
        for piece in &self.pieces {
            let mut bytes = piece.as_slice();
            while !bytes.is_empty() {
                each(&self.read(&mut bytes, &mut last))?;
            }
        }
        Ok(())
    }

    fn read(&self, bytes: &mut &[u8], last: &mut Step) -> Answered {
        let mut next = || get(bytes);
        let (shape, evidence) = (next() as usize, EvidenceId(next() as u32));
        last.line = last.line.wrapping_add(unfolded(next()));
        last.at_ms = last.at_ms.wrapping_add(unfolded(next()));
        let observed = Observation {
            line: EvidenceLine { evidence, line: last.line.cast_unsigned() },
            at_ms: last.at_ms,
            status: next() as u16,
            bytes: next(),
            duration_us: next().checked_sub(1),
        };
        let (flags, count) = (next(), next());
        let (value, shown, own) = (get_text(bytes), get_shown(bytes), get_shown(bytes));
        let most = (flags & 8 != 0).then(|| Box::new(get_shown(bytes)));
        let taken = (0..count).map(|_| self.read_taken(bytes)).collect();
        let length = get(bytes) as usize;
        let (literals, rest) = bytes.split_at(length.min(bytes.len()));
        *bytes = rest;
        let literals = String::from_utf8_lossy(literals).into_owned().into_boxed_str();
        let answer = Answer {
            shown,
            own,
            taken,
            unknown: flags & 1 != 0,
            unsure: flags & 2 != 0,
            most,
            moved: flags & 4 != 0,
            unclear: Unclear::of_number(flags >> 4),
        };
        Answered { shape, observed, answer, value, literals }
    }

    fn read_taken(&self, bytes: &mut &[u8]) -> Taken {
        let mut next = || get(bytes);
        let rows = Arc::clone(&self.queries.list[next() as usize]);
        let (place, set) = (next(), next() as usize);
        let part = match set.checked_sub(1) {
            Some(set) => Part::Of { set: Arc::clone(&self.sets.list[set]), from: next() as usize, to: next() as usize },
            None => {
                let arrived =
                    |slot: u64, row: u64| Arrived { slot: slot as usize, row: row >> 2, part: row & 2 != 0, equal: row & 1 != 0 };
                let count = next();
                Part::Rows((0..count).map(|_| arrived(next(), next())).collect())
            }
        };
        Taken { rows, first_column: (place >> 2) as usize, by_place: place & 1 != 0, placed: place & 2 != 0, part }
    }
}

fn put_shown(shown: &Shown, into: &mut Vec<u8>) {
    put(u64::from(shown.rows), into);
    put(shown.columns.len() as u64, into);
    shown.columns.iter().for_each(|text| put_text(text, into));
}

fn get_shown(bytes: &mut &[u8]) -> Shown {
    let (rows, columns) = (get(bytes) as u32, get(bytes));
    Shown { rows, columns: (0..columns).map(|_| get_text(bytes)).collect() }
}

/// Which counts there are, then those.
fn put_text(text: &Text, into: &mut Vec<u8>) {
    let counts = text.counts();
    let there = (0..6).filter(|&at| counts[at] > 0).fold(0, |there, at| there | 1 << at);
    put(there, into);
    counts.into_iter().filter(|count| *count > 0).for_each(|count| put(u64::from(count), into));
}

fn get_text(bytes: &mut &[u8]) -> Text {
    let there = get(bytes);
    let mut counts = [0; 6];
    for (at, count) in counts.iter_mut().enumerate() {
        *count = if there & 1 << at == 0 { 0 } else { get(bytes) as u32 };
    }
    Text::of_counts(counts)
}

fn put(mut number: u64, into: &mut Vec<u8>) {
    while number >= 0x80 {
        into.push(number as u8 | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}

fn get(bytes: &mut &[u8]) -> u64 {
    let (mut number, mut shift) = (0, 0);
    while let Some((&byte, rest)) = bytes.split_first() {
        *bytes = rest;
        number |= u64::from(byte & 0x7F) << shift;
        shift += 7;
        if byte < 0x80 || shift > 63 {
            break;
        }
    }
    number
}

/// Small numbers of either sign as small numbers.
const fn folded(number: i64) -> u64 {
    (number << 1 ^ number >> 63).cast_unsigned()
}

const fn unfolded(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kintsugi_case::{EvidenceId, EvidenceLine};

    use super::{Answer, Answered, Arrived, Kept, Observation, Part, Rows, Shown, Taken, Text, Unclear};

    fn statement(line: u64, at_ms: i64, taken: Vec<Taken>) -> Answered {
        let line = EvidenceLine { evidence: EvidenceId(2), line };
        let observed = Observation { line, at_ms, status: 200, bytes: u64::MAX, duration_us: (at_ms > 0).then_some(0) };
        let columns = vec![Text::NULL, Text::of_bytes("<東京 & 'x'>".as_bytes()), Text::NULL];
        let (shown, own) = (Shown { rows: 300, columns }, Shown::default());
        let most = (at_ms > 0).then(|| Box::new(shown.clone()));
        let unclear = (at_ms > 0).then_some(Unclear::TooMany);
        let answer = Answer { shown, own, taken, unknown: at_ms < 0, unsure: at_ms > 0, most, moved: at_ms < 0, unclear };
        Answered { shape: 129, observed, answer, value: Text::of_bytes(b"-1 UNION"), literals: "東京,4711".into() }
    }

    fn rows(taken: &Taken) -> Vec<Arrived> {
        let mut rows = Vec::new();
        taken.for_each(&mut |arrived| rows.push(arrived));
        rows
    }

    #[test]
    fn what_is_kept_comes_back_as_it_was() {
        let columns = Vec::new();
        let query = Rows {
            sql: "SELECT".into(),
            columns,
            slots: vec![0, 1],
            limit: None,
            ties: false,
            scans: true,
            silent: false,
            missing: None,
            asked: 0,
            native: Err(String::new()),
        };
        let query = Arc::new(query);
        let part = |list: &[(usize, u64)]| {
            let rows = list.iter().map(|&(slot, row)| Arrived { slot, row, part: row % 2 == 0, equal: row % 3 == 0 });
            Taken { rows: Arc::clone(&query), first_column: 2, by_place: true, placed: true, part: Part::Rows(rows.collect()) }
        };
        let statements = [
            statement(9_000_000_000, 1_366_305_245_000, vec![part(&[(0, 17)]), part(&[(0, 3), (1, 9_000_000)])]),
            statement(1, -5, vec![]),
            statement(2, 0, vec![part(&[(1, 100)])]),
        ];
        let mut kept = Kept::default();
        for _ in 0..20_000 {
            statements.iter().for_each(|statement| kept.push(statement));
        }
        let told = |one: &Answered| {
            let Answer { shown, own, taken, unknown, unsure, most, moved, unclear } = &one.answer;
            let places: Vec<_> =
                taken.iter().map(|taken| (taken.first_column, taken.by_place, taken.placed, rows(taken))).collect();
            let seen = format!("{:?} {} {} {:?}", one.observed, one.shape, one.literals, one.value);
            format!("{seen} {shown:?} {own:?} {unknown} {unsure} {most:?} {moved} {unclear:?} {places:?}")
        };
        let known: Vec<String> = statements.iter().map(told).collect();
        let mut at = 0;
        let same = kept.each(|found| {
            at += 1;
            if told(found) == known[(at - 1) % 3] { Ok(()) } else { Err(at) }
        });
        assert_eq!((same, at), (Ok(()), 60_000));
        let bytes: usize = kept.pieces.iter().map(Vec::len).sum();
        assert!(bytes / 60_000 < 80, "{} bytes a statement", bytes / 60_000);
    }
}
