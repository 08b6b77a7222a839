//! The values that questions are about, and what a test says of a piece of text, both kept: a hundred thousand questions
//! ask SQLite for a few sets and a few hundred tests.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use rusqlite::Result;
use rusqlite::types::{Type, Value};

use super::plan::{Part, Plan, Question, Quick};
use super::unclear::{Told, told};
use super::{Asked, filled, used};
use crate::data::Data;
use crate::functions::{text_of, tied};
use crate::lexer::Literal;
use crate::patience::Patience;
use crate::rows::{Values, bind, bind_as_written};
use crate::server::NativeRow;

/// All values of a subquery without its LIMIT, in the order in which the server has them.
#[derive(Debug)]
pub(super) struct Set {
    /// The values; NULL is no text.
    pub(super) values: Vec<String>,
    /// Whether all of them are whole numbers, and not text.
    pub(super) numeric: bool,
    /// `width` row numbers a value; 0 where an outer join found none.
    pub(super) numbers: Vec<u32>,
    pub(super) width: usize,
    /// For each value, the number of its group: values that the statement's own order does not tell apart.
    pub(super) ties: Vec<u32>,
    /// The characters that can stand in such a value, whichever row holds it.
    pub(super) alphabet: Rc<[char]>,
}

/// Values looked at to learn a column's characters.
const ALPHABET_VALUES_MAX: usize = 100_000;

/// The piece of a value that one question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// So many characters from this position, from 1.
    Slice(usize, usize),
    /// Its length, in bytes or characters.
    Length {
        /// Bytes, not characters.
        bytes: bool,
    },
    /// All of it.
    Whole,
}

impl Piece {
    /// The piece of this value; all of a number is a number, which servers do not compare as they do text.
    pub(super) fn of(self, value: &str, numeric: bool) -> Value {
        match self {
            Self::Slice(from, count) => {
                Value::Text(value.chars().skip(from.saturating_sub(1)).take(if from == 0 { 0 } else { count }).collect())
            }
            Self::Length { bytes } => {
                Value::Integer(i64::try_from(if bytes { value.len() } else { value.chars().count() }).unwrap_or(i64::MAX))
            }
            Self::Whole => match value.parse() {
                Ok(number) if numeric => Value::Integer(number),
                _ => Value::Text(value.to_owned()),
            },
        }
    }
}

/// Characters with their numbers, rising.
type Coded = Rc<[(i64, char)]>;

/// Sets and tests, as far as they are known.
pub(super) struct Library<'a> {
    data: &'a Data,
    sets: HashMap<String, Told<Rc<Set>>>,
    tests: HashMap<String, usize>,
    /// What each test says of a text; `None` where it could not be run.
    said: HashMap<(usize, String), Option<bool>>,
    /// Tests that could not be run on some text.
    unclear: HashSet<usize>,
    numbers: HashMap<String, Option<usize>>,
    alphabets: HashMap<String, Rc<[char]>>,
    /// The number of each character, by the function that gives it.
    codes: HashMap<String, HashMap<Option<char>, Option<i64>>>,
    /// All characters by that number.
    coded: HashMap<String, Option<Coded>>,
}

/// Characters that values may hold: those of the basic plane and, of the others, CJK and pictures.
const CHARACTERS: [std::ops::RangeInclusive<char>; 5] =
    [' '..='~', '\u{a0}'..='\u{d7ff}', '\u{e000}'..='\u{fffd}', '\u{1f000}'..='\u{1faff}', '\u{20000}'..='\u{2fa1f}'];
/// Greatest number of a character of ASCII.
const ASCII_MAX: i64 = 127;
/// Characters between two bounds that are looked at; where more are left, none is known.
const BETWEEN_MAX: usize = 64;

impl<'a> Library<'a> {
    pub(super) fn new(data: &'a Data) -> Self {
        Self {
            data,
            sets: HashMap::new(),
            tests: HashMap::new(),
            said: HashMap::new(),
            unclear: HashSet::new(),
            numbers: HashMap::new(),
            alphabets: HashMap::new(),
            codes: HashMap::new(),
            coded: HashMap::new(),
        }
    }

    /// Lets what follows be asked of the tables as they stood when these questions were put.
    pub(super) fn go_to(&self, questions: &BTreeMap<String, Vec<&Asked>>) {
        let times = || questions.values().flatten().map(|asked| asked.observed.at_ms);
        self.data.at(times().min().zip(times().max()).map(|(first, last)| self.data.about(first, last)));
    }

    /// The values that a statement's subquery has without its LIMIT, or why they cannot be had.
    pub(super) fn set(&mut self, values: &Values, literals: &[Literal]) -> Result<Told<Rc<Set>>> {
        let (state, _) = self.data.rewind(&values.views)?;
        let sql = format!("SELECT ({}){} {}", values.value, values.numbers, values.tail);
        let key = state + &filled(&sql, literals);
        if let Some(set) = self.sets.get(&key) {
            return Ok(set.clone());
        }
        let set = told(self.fresh_set(&sql, values, literals))?;
        self.sets.insert(key, set.clone());
        Ok(set)
    }

    fn fresh_set(&mut self, sql: &str, values: &Values, literals: &[Literal]) -> Result<Rc<Set>> {
        let (found, numbers, numeric) = self.read(sql, values.sources.len(), literals)?;
        let (ties, alphabet) = (self.ties(values, literals)?, self.alphabet(values, literals)?);
        let here = Set { values: found, numeric, numbers, width: values.sources.len(), ties, alphabet };
        Ok(Rc::new(self.natively(values, literals, &here).unwrap_or(here)))
    }

    /// The same values as the restored server has and orders them; `None` without one.
    fn natively(&self, values: &Values, literals: &[Literal], here: &Set) -> Option<Set> {
        let width = values.sources.len();
        let empty =
            Set { values: Vec::new(), numbers: Vec::new(), ties: Vec::new(), alphabet: Rc::clone(&here.alphabet), ..*here };
        let ordered = !values.order.is_empty();
        let push = |row: NativeRow<'_>, (set, before): &mut (Set, Option<Vec<u8>>)| {
            let value = row.values.first().copied().flatten().unwrap_or_default();
            set.values.push(String::from_utf8_lossy(value).into_owned());
            set.numbers.extend((0..width).map(|at| row.numbers.get(at).copied().unwrap_or(0)));
            if ordered {
                let keys = tied(row.ties.iter().copied());
                let group = set.ties.last().copied().unwrap_or(0);
                set.ties.push(group + u32::from(before.as_ref().is_some_and(|before| *before != keys)));
                *before = Some(keys);
            }
        };
        let read = self.data.native_rows_or_none(&values.native, literals, push, (empty, None));
        read.map(|(set, _)| set)
    }

    fn read(&self, sql: &str, width: usize, literals: &[Literal]) -> Result<(Vec<String>, Vec<u32>, bool)> {
        self.patiently(|| self.read_all(sql, width, literals))
    }

    /// Whoever asks must not keep the analyst waiting.
    fn patiently<T>(&self, ask: impl FnOnce() -> Result<T>) -> Result<T> {
        self.data.patience().run(self.data.connection(), ask)
    }

    fn read_all(&self, sql: &str, width: usize, literals: &[Literal]) -> Result<(Vec<String>, Vec<u32>, bool)> {
        let most = usize::try_from(self.data.patience().rows_max()).unwrap_or(usize::MAX);
        let mut statement = self.data.connection().prepare_cached(sql)?;
        bind(&mut statement, literals, None)?;
        let (mut values, mut numbers, mut numeric) = (Vec::new(), Vec::new(), true);
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            numeric &= row.get_ref(0)?.data_type() == Type::Integer;
            let text = text_of(row.get_ref(0)?).unwrap_or_default();
            values.push(String::from_utf8_lossy(&text).into_owned());
            if values.len() > most {
                return Err(Patience::too_many());
            }
            for at in 0..width {
                numbers.push(row.get::<_, Option<u32>>(at + 1)?.unwrap_or(0));
            }
        }
        Ok((values, numbers, numeric))
    }

    /// The characters of a column: those that it holds, and with one digit or letter all digits or letters.
    fn alphabet(&mut self, values: &Values, literals: &[Literal]) -> Result<Rc<[char]>> {
        let sql = format!("SELECT DISTINCT ({}) {} LIMIT {ALPHABET_VALUES_MAX}", values.value, values.from);
        let key = filled(&sql, literals);
        if let Some(alphabet) = self.alphabets.get(&key) {
            return Ok(Rc::clone(alphabet));
        }
        let (found, ..) = self.read(&sql, 0, literals)?;
        let mut characters: Vec<char> = found.iter().flat_map(|value| value.chars()).collect();
        characters.sort_unstable();
        characters.dedup();
        for class in ['0'..='9', 'a'..='z', 'A'..='Z'] {
            if characters.iter().any(|c| class.contains(c)) {
                characters.extend(class);
            }
        }
        characters.sort_unstable();
        characters.dedup();
        let alphabet: Rc<[char]> = characters.into();
        self.alphabets.insert(key, Rc::clone(&alphabet));
        Ok(alphabet)
    }

    /// Groups of values that are equal in what the statement orders by.
    fn ties(&self, values: &Values, literals: &[Literal]) -> Result<Vec<u32>> {
        if values.order.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!("SELECT {} {}", values.order.join(", "), values.tail);
        self.patiently(|| self.groups(&sql, values.order.len(), literals))
    }

    fn groups(&self, sql: &str, width: usize, literals: &[Literal]) -> Result<Vec<u32>> {
        let mut statement = self.data.connection().prepare_cached(sql)?;
        bind(&mut statement, literals, None)?;
        let (mut groups, mut before) = (Vec::new(), None);
        let mut group = 0;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            let key = |at| row.get_ref(at).map(|value| text_of(value).map(|text| folded(&text)));
            let keys = (0..width).map(key).collect::<Result<Vec<_>>>()?;
            group += u32::from(before.as_ref().is_some_and(|before| *before != keys));
            before = Some(keys);
            groups.push(group);
        }
        Ok(groups)
    }

    /// The number of a statement's test: statements that ask alike share it.
    pub(super) fn test(&mut self, question: &Question, literals: &[Literal]) -> usize {
        let next = self.tests.len();
        *self.tests.entry(filled(&question.test, literals)).or_insert(next)
    }

    /// Whether a test could not be run on some text.
    pub(super) fn is_unclear(&self, test: &Test<'_>) -> bool {
        self.unclear.contains(&test.number)
    }

    /// What a test says of a piece of text; `None` where it cannot be run on it.
    pub(super) fn says(&mut self, asked: &Test<'_>, piece: &Value) -> Result<Option<bool>> {
        match (&asked.question.quick, piece) {
            (Some(quick), Value::Text(text)) if text.chars().nth(1).is_none() => self.says_quickly(asked, quick, text),
            _ => self.runs(asked, piece),
        }
    }

    /// A comparison of numbers needs no SQL; only the number of each character is asked for, once.
    fn says_quickly(&mut self, asked: &Test<'_>, quick: &Quick, text: &str) -> Result<Option<bool>> {
        let first = text.chars().next();
        let codes = match self.codes.get_mut(&quick.code) {
            Some(codes) => codes,
            None => self.codes.entry(quick.code.clone()).or_default(),
        };
        let known = codes.get(&first).copied();
        let code = match known {
            Some(code) => code,
            None => match told(self.code(asked, quick, text))? {
                Ok(code) => code,
                Err(_) => return self.runs(asked, &Value::Text(text.to_owned())),
            },
        };
        let numbers = quick.places.iter().map(|place| match asked.literals.get(place - 1) {
            Some(Literal::Integer(number)) => Some(*number),
            _ => None,
        });
        match (code, numbers.clone().all(|number| number.is_some())) {
            (Some(code), true) => Ok(Some(quick.compare.holds(code, numbers.flatten()))),
            _ => self.runs(asked, &Value::Text(text.to_owned())),
        }
    }

    fn code(&mut self, asked: &Test<'_>, quick: &Quick, text: &str) -> Result<Option<i64>> {
        let mut statement = self.data.connection().prepare_cached(&quick.code)?;
        bind(&mut statement, asked.literals, Some((asked.hole, Value::Text(text.to_owned()))))?;
        let run = || statement.raw_query().next()?.map_or(Ok(None), |row| row.get::<_, Option<i64>>(0));
        let code = self.patiently(run)?;
        self.codes.entry(quick.code.clone()).or_default().insert(text.chars().next(), code);
        Ok(code)
    }

    /// The characters beyond ASCII whose numbers answers leave, rising; none where no answer asks for such a one. `None`
    /// where they are too many to be looked at, or their numbers cannot be told.
    pub(super) fn between(&mut self, answers: &[(&Test<'_>, bool)]) -> Result<Option<Vec<char>>> {
        let (mut low, mut high, mut coded) = (i64::MIN, i64::MAX, None);
        for &(test, yes) in answers {
            let Some(quick) = &test.question.quick else { continue };
            let numbers = quick.places.iter().filter_map(|place| match test.literals.get(place - 1) {
                Some(Literal::Integer(number)) => Some(*number),
                _ => None,
            });
            let (from, to) = quick.compare.bounds(yes, numbers);
            (low, high) = (low.max(from), high.min(to));
            coded.get_or_insert((test, quick));
        }
        let Some((test, quick)) = coded.filter(|_| low > ASCII_MAX) else { return Ok(Some(Vec::new())) };
        let Some(all) = self.coded(test, quick)? else { return Ok(None) };
        let from = all.partition_point(|(code, _)| *code < low);
        let near = all[from..].iter().take_while(|(code, _)| *code <= high).map(|(_, character)| *character);
        let near: Vec<char> = near.take(BETWEEN_MAX + 1).collect();
        Ok(Some(near).filter(|near| near.len() <= BETWEEN_MAX))
    }

    fn coded(&mut self, test: &Test<'_>, quick: &Quick) -> Result<Option<Coded>> {
        if let Some(coded) = self.coded.get(&quick.code) {
            return Ok(coded.clone());
        }
        let coded = told(self.all_coded(test, quick))?.ok();
        self.coded.insert(quick.code.clone(), coded.clone());
        Ok(coded)
    }

    fn all_coded(&mut self, test: &Test<'_>, quick: &Quick) -> Result<Coded> {
        let mut coded = Vec::new();
        for character in CHARACTERS.into_iter().flatten() {
            coded.extend(self.code(test, quick, character.encode_utf8(&mut [0; 4]))?.map(|code| (code, character)));
        }
        coded.sort_unstable();
        Ok(coded.into())
    }

    fn runs(&mut self, asked: &Test<'_>, piece: &Value) -> Result<Option<bool>> {
        let key = (asked.number, text(piece));
        if let Some(&said) = self.said.get(&key) {
            return Ok(said);
        }
        let said = told(self.patiently(|| self.run(asked, piece)))?.ok();
        if said.is_none() {
            self.unclear.insert(asked.number);
        }
        self.said.insert(key, said);
        Ok(said)
    }

    fn run(&self, asked: &Test<'_>, piece: &Value) -> Result<bool> {
        let mut statement = self.data.connection().prepare_cached(&asked.question.test)?;
        bind_as_written(&mut statement, asked.literals, (asked.hole, piece.clone()))?;
        let mut rows = statement.raw_query();
        rows.next()?.map_or(Ok(false), |row| row.get::<_, Value>(0).map(|said| truth(&said)))
    }

    /// The piece of the value that a statement asks about; `None` where that cannot be told.
    pub(super) fn piece(&mut self, plan: &Plan, question: &Question, literals: &[Literal]) -> Result<Option<Piece>> {
        Ok(match &question.part {
            Part::Slice { from, count } => {
                let (from, count) = (self.number(plan, from, literals)?, self.number(plan, count, literals)?);
                from.zip(count).map(|(from, count)| Piece::Slice(from, count))
            }
            Part::Length { bytes } => Some(Piece::Length { bytes: *bytes }),
            Part::Whole => Some(Piece::Whole),
        })
    }

    fn number(&mut self, plan: &Plan, sql: &str, literals: &[Literal]) -> Result<Option<usize>> {
        if let ([Literal::Integer(number)], true) = (&used(sql, literals)[..], sql.starts_with("SELECT ?")) {
            return Ok(Some(usize::try_from(*number).unwrap_or(0)));
        }
        let key = filled(sql, literals);
        if let Some(&number) = self.numbers.get(&key) {
            return Ok(number);
        }
        let ask = || {
            let mut statement = self.data.connection().prepare_cached(sql)?;
            bind(&mut statement, literals, Some((plan.hole, Value::Null)))?;
            statement.raw_query().next()?.map_or(Ok(None), |row| row.get::<_, Option<i64>>(0))
        };
        let number = told(self.patiently(ask))?.ok();
        let number = number.map(|number| number.and_then(|number| usize::try_from(number).ok()).unwrap_or(0));
        self.numbers.insert(key, number);
        Ok(number)
    }
}

/// A statement's test with what it needs to be run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Test<'a> {
    pub(super) number: usize,
    pub(super) question: &'a Question,
    pub(super) literals: &'a [Literal],
    pub(super) hole: usize,
}

fn text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        _ => String::new(),
    }
}

fn truth(value: &Value) -> bool {
    match value {
        Value::Integer(number) => *number != 0,
        Value::Real(number) => *number != 0.0,
        Value::Text(text) => text.trim().parse::<f64>().is_ok_and(|number| number != 0.0),
        _ => false,
    }
}

/// Text as a server's collation may compare it: what differs in case or blanks at the end alone may tie.
fn folded(text: &[u8]) -> String {
    String::from_utf8_lossy(text).trim_end().to_lowercase()
}
