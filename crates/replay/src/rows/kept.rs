//! Replayed statements until they are judged, which can begin only when all have been seen: some forty bytes each, so that
//! the statements that emptied a table of ten million rows fit into memory. Numbers are written seven bits a byte, lines
//! and times as the step from the statement before.

use std::collections::HashMap;
use std::sync::Arc;

use kintsugi_case::{EvidenceId, EvidenceLine};

use super::Answered;
use super::evaluate::{Answer, RowSet, Taken};
use super::plan::Source;
use crate::statement::Observation;

/// Statements are kept in pieces of this size: no piece is ever moved to grow.
const PIECE_BYTES: usize = 1 << 20;
/// Row numbers that are copied to the statement; a larger part of a set is kept by keeping the set.
const COPIED_MAX: usize = 64;

/// Statements in the order in which they came.
#[derive(Default)]
pub(crate) struct Kept {
    pieces: Vec<Vec<u8>>,
    sources: Shared<[Source]>,
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
        let Answered { shape, observed, answer, literals } = statement;
        let step = Step { line: observed.line.line.cast_signed(), at_ms: observed.at_ms };
        for number in [
            *shape as u64,
            u64::from(observed.line.evidence.0),
            folded(step.line.wrapping_sub(self.last.line)),
            folded(step.at_ms.wrapping_sub(self.last.at_ms)),
            u64::from(observed.status),
            observed.bytes,
            observed.duration_us.map_or(0, |us| us.saturating_add(1)),
            answer.text,
            answer.rows,
            answer.own_rows,
            answer.own_text,
            u64::from(answer.metadata) | u64::from(answer.hidden) << 1,
            answer.taken.len() as u64,
        ] {
            put(number, into);
        }
        self.last = step;
        answer.taken.iter().for_each(|taken| self.write_taken(taken, into));
        put(literals.len() as u64, into);
        into.extend_from_slice(literals.as_bytes());
    }

    fn write_taken(&mut self, taken: &Taken, into: &mut Vec<u8>) {
        put(self.sources.number(&taken.sources) as u64, into);
        let (rows, numbers) = (taken.to - taken.from, taken.numbers());
        let copied = numbers.len() <= COPIED_MAX;
        let (set, from) = if copied { (0, 0) } else { (self.sets.number(&taken.set) + 1, taken.from) };
        let whole = taken.whole_to.clamp(taken.from, taken.to) - taken.from;
        [set, from, rows, whole].into_iter().for_each(|number| put(number as u64, into));
        if copied {
            numbers.iter().for_each(|&number| put(u64::from(number), into));
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
        let (text, rows, own_rows, own_text) = (next(), next(), next(), next());
        let (flags, count) = (next(), next());
        let taken = (0..count).map(|_| self.read_taken(bytes)).collect();
        let length = get(bytes) as usize;
        let (literals, rest) = bytes.split_at(length.min(bytes.len()));
        *bytes = rest;
        let literals = String::from_utf8_lossy(literals).into_owned().into_boxed_str();
        let (metadata, hidden) = (flags & 1 != 0, flags & 2 != 0);
        Answered { shape, observed, answer: Answer { text, rows, own_rows, own_text, taken, metadata, hidden }, literals }
    }

    fn read_taken(&self, bytes: &mut &[u8]) -> Taken {
        let mut next = || get(bytes) as usize;
        let sources = Arc::clone(&self.sources.list[next()]);
        let (set, from, rows, whole) = (next(), next(), next(), next());
        let set = match set {
            0 => Arc::new(RowSet::of_numbers((0..rows * sources.len()).map(|_| next() as u32).collect(), sources.len())),
            known => Arc::clone(&self.sets.list[known - 1]),
        };
        Taken { sources, set, from, to: from + rows, whole_to: from + whole }
    }
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

    use kintsugi_case::{ColumnSet, EvidenceId, EvidenceLine};

    use super::{Answer, Answered, Kept, Observation, RowSet, Source, Taken};

    fn statement(line: u64, at_ms: i64, taken: Vec<Taken>) -> Answered {
        let line = EvidenceLine { evidence: EvidenceId(2), line };
        let observed = Observation { line, at_ms, status: 200, bytes: u64::MAX, duration_us: (at_ms > 0).then_some(0) };
        let answer = Answer { text: 7, rows: 300, own_rows: 1, own_text: 2, taken, metadata: at_ms < 0, hidden: at_ms > 0 };
        Answered { shape: 129, observed, answer, literals: "東京,4711".into() }
    }

    fn rows(taken: &Taken) -> Vec<(usize, u64, bool)> {
        let mut rows = Vec::new();
        taken.for_each(|source, row, whole| rows.push((source.table, row, whole)));
        rows
    }

    #[test]
    fn what_is_kept_comes_back_as_it_was() {
        let source = |table| Source { table, whole: ColumnSet(1), part: ColumnSet(0) };
        let sources: Arc<[Source]> = Arc::from(vec![source(0), source(1)]);
        let set = Arc::new(RowSet::of_numbers((0..20_000).map(|n| n % 9 * 1_000_000).collect(), 2));
        let part = |from, to, whole_to| Taken { sources: Arc::clone(&sources), set: Arc::clone(&set), from, to, whole_to };
        let statements = [
            statement(9_000_000_000, 1_366_305_245_000, vec![part(17, 18, 18), part(3, 7, 6)]),
            statement(1, -5, vec![]),
            statement(2, 0, vec![part(100, 140, 139)]),
        ];
        let mut kept = Kept::default();
        for _ in 0..20_000 {
            statements.iter().for_each(|statement| kept.push(statement));
        }
        let mut at = 0;
        let same = kept.each(|found| {
            let expected = &statements[at % 3];
            at += 1;
            let known = format!("{:?} {} {}", expected.observed, expected.shape, expected.literals);
            let (found_answer, answer) = (&found.answer, &expected.answer);
            let alike = format!("{:?} {} {}", found.observed, found.shape, found.literals) == known
                && (found_answer.text, found_answer.rows, found_answer.own_rows, found_answer.own_text)
                    == (answer.text, answer.rows, answer.own_rows, answer.own_text)
                && (found_answer.metadata, found_answer.hidden) == (answer.metadata, answer.hidden)
                && found_answer.taken.iter().map(rows).eq(answer.taken.iter().map(rows));
            if alike { Ok(()) } else { Err(at) }
        });
        assert_eq!((same, at), (Ok(()), 60_000));
        let bytes: usize = kept.pieces.iter().map(Vec::len).sum();
        assert!(bytes / 60_000 < 60, "{} bytes a statement", bytes / 60_000);
    }
}
