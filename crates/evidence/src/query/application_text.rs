//! Applications that write the SQL they run into a text log, as most frameworks do in debug mode and as SQLite's trace hook
//! is used: a time, maybe a process (`[93568]`, `pid=`) and a duration (`(0.3ms)`), some words, then SQL from its first verb.
//! A line without a time goes on with the statement before it.

use super::QueryLine;
use super::read::{Out, Reason};
use super::time::Clock;

/// Bytes of a line in which the SQL must begin.
const HEAD_BYTES_MAX: usize = 256;

pub(super) struct Parser {
    clock: Clock,
    open: Option<QueryLine>,
    within: bool,
}

impl Parser {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, open: None, within: false }
    }

    pub(super) fn line(&mut self, number: u64, raw: &[u8], out: &mut Out<'_>) -> Result<(), Reason> {
        let Some((at_ms, rest)) = timed(raw, &mut self.clock) else {
            if let Some(open) = &mut self.open {
                out.go_on(open, raw);
            }
            return if self.within { Ok(()) } else { Err("no time, and nothing before it to go on with") };
        };
        self.end(out);
        self.within = true;
        let Some(start) = sql_start(rest) else { return Ok(()) };
        let head = String::from_utf8_lossy(&rest[..start]);
        self.open = Some(QueryLine {
            line: number,
            at_ms: Some(at_ms),
            connection: process(&head),
            duration_us: duration_us(&head),
            text: rest[start..].to_vec(),
            ..QueryLine::default()
        });
        Ok(())
    }

    pub(super) fn end(&mut self, out: &mut Out<'_>) {
        self.open.take().into_iter().for_each(|line| out.statement(line));
    }
}

pub(super) fn fits(raw: &[u8], clock: &mut Clock) -> bool {
    !raw.starts_with(b"{") && timed(raw, clock).is_some_and(|(_, rest)| sql_start(rest).is_some())
}

/// The time near the front of a line, and what follows it.
fn timed<'a>(raw: &'a [u8], clock: &mut Clock) -> Option<(i64, &'a [u8])> {
    let start = raw.iter().take(16).position(u8::is_ascii_digit)?;
    let shaped =
        |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b':' | b'.' | b',' | b'T' | b'Z' | b'+' | b'/' | b' ');
    let rest = &raw[start..];
    let long = rest.iter().take(40).take_while(|byte| shaped(byte)).count();
    let word = rest[..long].trim_ascii_end().len();
    let ends = [Some(word), rest[..word].iter().rposition(|byte| *byte == b' ')];
    ends.into_iter().flatten().find_map(|end| {
        let text = rest[..end].trim_ascii_end();
        (text.len() >= 19).then(|| clock.read(text)).flatten().map(|at_ms| (at_ms, &rest[end..]))
    })
}

/// Where SQL begins: a verb behind a colon, an equals sign, a bracket, a bar, a tab or two spaces, with a blank behind it.
fn sql_start(text: &[u8]) -> Option<usize> {
    const VERBS: [&str; 12] =
        ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "REPLACE", "PRAGMA", "CREATE", "DROP", "ALTER", "MERGE", "CALL"];
    let head = &text[..text.len().min(HEAD_BYTES_MAX)];
    let behind = |at: usize| {
        let before = head[..at].trim_ascii_end();
        let gap = at - before.len();
        matches!(before.last(), Some(b':' | b'=' | b']' | b')' | b'|' | b'"' | b'`'))
            || gap >= 2
            || head[at - gap..at].contains(&b'\t')
    };
    (1..head.len()).find(|&at| {
        let verb =
            VERBS.iter().find(|verb| head[at..].get(..verb.len()).is_some_and(|word| word.eq_ignore_ascii_case(verb.as_bytes())));
        verb.is_some_and(|verb| text.get(at + verb.len()).is_some_and(u8::is_ascii_whitespace) && behind(at))
    })
}

/// The first number in brackets, or behind `pid=`.
fn process(head: &str) -> String {
    let named = ["pid=", "thread=", "conn="].iter().find_map(|name| head.split_once(name));
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    if let Some((_, rest)) = named {
        return digits(rest);
    }
    let mut brackets = head.split('[').skip(1).map(|rest| (digits(rest), rest));
    brackets.find(|(found, rest)| !found.is_empty() && rest[found.len()..].starts_with(']')).unwrap_or_default().0
}

/// `(0.3ms)`
fn duration_us(head: &str) -> Option<u64> {
    let (before, _) = head.split_once("ms)")?;
    let ms: f64 = before.rsplit('(').next()?.trim().parse().ok()?;
    (ms >= 0.0).then_some((ms * 1000.0) as u64)
}
