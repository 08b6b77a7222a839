//! Reading a log from front to end: which format it is, its lines, and the account of what was and was not read.

use std::collections::BTreeSet;
use std::io::BufRead;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use kintsugi_vault::Keys;

use super::fields::{Fields, Glance, Reason, Sieve, Unescaped};
use super::lines::{Line, each_line};
use super::modsecurity::Step;
use super::passing::{Behind, Passing};
use super::pattern::Pattern;
use super::time::Clock;
use super::{
    Detected, Gap, LogFormat, LogLine, LogReport, Unread, balancer, combined, combined_duration, combined_timed, common, har,
    json_access, modsecurity, modsecurity_json, other, vhost_combined, w3c,
};
use crate::open::EvidenceFile;
use crate::{CustodyEntry, EXAMPLES_MAX, Error, Result};

/// Lines that detection looks at.
const DETECT_LINES_MAX: usize = 200;
/// Bytes of lines that detection holds at once.
const DETECT_BYTES_MAX: usize = 8 << 20;
/// A silence that is worth telling, milliseconds.
const GAP_MS: i64 = 12 * 3_600_000;
const GAPS_MAX: usize = 20;

/// Formats that single lines tell, in the order in which a tie is decided: those that say more first.
const BY_DETAIL: [LogFormat; 9] = [
    LogFormat::ModsecurityJson,
    LogFormat::Json,
    LogFormat::Alb,
    LogFormat::Haproxy,
    LogFormat::CombinedTimed,
    LogFormat::CombinedDuration,
    LogFormat::VhostCombined,
    LogFormat::Combined,
    LogFormat::Common,
];

/// Whether a line is of this format and of none that has more to say.
fn fits(format: LogFormat, line: &[u8], clock: &mut Clock) -> bool {
    match format {
        LogFormat::Combined => combined::fits(line, clock),
        LogFormat::Common => common::fits(line, clock),
        LogFormat::VhostCombined => vhost_combined::fits(line, clock),
        LogFormat::CombinedTimed => combined_timed::fits(line, clock),
        LogFormat::CombinedDuration => combined_duration::fits(line, clock),
        LogFormat::Json => json_access::fits(line, clock),
        LogFormat::ModsecurityJson => modsecurity_json::fits(line, clock),
        LogFormat::Haproxy => balancer::fits_haproxy(line, clock),
        LogFormat::Alb => balancer::fits_amazon(line, clock),
        LogFormat::Modsecurity => modsecurity::fits(line),
        LogFormat::W3c => w3c::fits(line),
        LogFormat::Har | LogFormat::Declared => false,
    }
}

/// A format with what it must remember from line to line.
enum Reader {
    Ncsa(for<'a> fn(&'a [u8], &mut Clock) -> std::result::Result<Fields<'a>, Reason>),
    Json(json_access::Reader),
    ModsecurityJson(modsecurity_json::Reader),
    Modsecurity(modsecurity::Reader),
    W3c(w3c::Reader),
    Declared(Pattern),
    /// One document: read by [`scan_archive`].
    Har,
}

impl Reader {
    /// The reader of a format as the custody manifest names it.
    fn of(name: &str) -> Option<Self> {
        Some(match LogFormat::from_name(name)? {
            LogFormat::Combined => Self::Ncsa(combined::parse),
            LogFormat::Common => Self::Ncsa(common::parse),
            LogFormat::VhostCombined => Self::Ncsa(vhost_combined::parse),
            LogFormat::CombinedTimed => Self::Ncsa(combined_timed::parse),
            LogFormat::CombinedDuration => Self::Ncsa(combined_duration::parse),
            LogFormat::Haproxy => Self::Ncsa(balancer::haproxy),
            LogFormat::Alb => Self::Ncsa(balancer::amazon),
            LogFormat::Json => Self::Json(json_access::Reader::default()),
            LogFormat::ModsecurityJson => Self::ModsecurityJson(modsecurity_json::Reader::default()),
            LogFormat::Modsecurity => Self::Modsecurity(modsecurity::Reader::default()),
            LogFormat::W3c => Self::W3c(w3c::Reader::default()),
            LogFormat::Har => Self::Har,
            LogFormat::Declared => Self::Declared(Pattern::compile(name).ok()?),
        })
    }

    /// Reads a line of a format whose requests have one line each; `None` for a heading.
    fn parse<'a>(&'a mut self, line: &'a [u8], clock: &mut Clock) -> Option<std::result::Result<Fields<'a>, Reason>> {
        match self {
            Self::Ncsa(parse) => Some(parse(line, clock)),
            Self::Json(reader) => Some(reader.parse(line, clock)),
            Self::ModsecurityJson(reader) => Some(reader.parse(line, clock)),
            Self::W3c(reader) => reader.parse(line, clock),
            Self::Declared(pattern) => Some(pattern.parse(line, clock)),
            Self::Modsecurity(_) | Self::Har => None,
        }
    }
}

/// What stands behind the byte count, in formats of which ordinary lines can pass at speed.
fn behind(format: LogFormat) -> Option<Behind> {
    match format {
        LogFormat::Common => Some(Behind::Anything),
        LogFormat::Combined | LogFormat::CombinedTimed | LogFormat::CombinedDuration => Some(Behind::RefererAndAgent),
        _ => None,
    }
}

/// What the first lines of a file show: the format that fits most of them. Lines without their line ends.
pub fn detect(lines: &[&[u8]]) -> Detected {
    let mut clock = Clock::default();
    if lines.is_empty() {
        return Detected::Empty;
    }
    if har::fits(lines) {
        return Detected::Log(LogFormat::Har);
    }
    // These are told by their headings; what follows could be anything.
    let by_heading = [LogFormat::Modsecurity, LogFormat::W3c];
    if let Some(format) = by_heading.into_iter().find(|format| lines.iter().any(|line| fits(*format, line, &mut clock))) {
        return Detected::Log(format);
    }
    let count = |format: LogFormat, clock: &mut Clock| lines.iter().filter(|line| fits(format, line, clock)).count();
    let counts = BY_DETAIL.map(|format| (count(format, &mut clock), format));
    let best = counts.into_iter().reduce(|best, next| if next.0 > best.0 { next } else { best });
    match best {
        Some((1.., format)) => Detected::Log(format),
        _ => Detected::NotRead { reason: other::looks_like(lines).to_owned() },
    }
}

/// The format as it goes into the custody manifest, of a file that the case file says is `declared`.
pub(crate) fn format_of(path: &Path, name: &str, declared: &str) -> Result<String> {
    if declared != "auto" {
        let known = LogFormat::from_name(declared);
        return Ok(match known {
            None => format!("not read: unknown format {declared}"),
            // The reader needs all of it.
            Some(LogFormat::Declared) => declared.to_owned(),
            Some(format) => format.name().to_owned(),
        });
    }
    Ok(match detect_file(&EvidenceFile::unchecked(path.into(), name.to_owned()))? {
        Detected::Log(format) => format.name().to_owned(),
        Detected::Empty => "empty".to_owned(),
        Detected::NotRead { reason } => format!("not read: {reason}"),
    })
}

fn detect_file(file: &EvidenceFile) -> Result<Detected> {
    let mut opened = file.open()?;
    let (mut lines, mut bytes) = (Vec::new(), 0);
    // A cut file is told about when it is read; here its first lines will do.
    let _ = each_line(&mut opened.reader, &mut |_, line| {
        let text = match line {
            Line::Whole(text) => text,
            Line::TooLong(head) => &head[..4096],
        };
        bytes += text.len();
        lines.push(text.to_vec());
        if lines.len() >= DETECT_LINES_MAX || bytes >= DETECT_BYTES_MAX {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    opened.finish()?;
    Ok(detect(&lines.iter().map(Vec::as_slice).collect::<Vec<_>>()))
}

/// Reads a log and hands every line that could be read to `each`, in file order. A file of another format is a report that
/// says so. What `each` got counts only if the result is `Ok`: a changed file is noticed at its end.
pub fn read_log(case_dir: &Path, entry: &CustodyEntry, keys: &Keys, each: &mut dyn FnMut(LogLine<'_>)) -> Result<LogReport> {
    scan_lines(case_dir, entry, keys, &|_| true, each)
}

/// Like [`read_log`], handing over only lines of which `wanted` (called before escapes are undone) says yes. The report counts all.
pub fn scan_lines(
    case_dir: &Path,
    entry: &CustodyEntry,
    keys: &Keys,
    wanted: &dyn Fn(&Glance<'_>) -> bool,
    each: &mut dyn FnMut(LogLine<'_>),
) -> Result<LogReport> {
    sift_lines(case_dir, entry, keys, Sieve { wanted, parts: None }, each)
}

/// Like [`scan_lines`], for callers of whom parts of a line can ask whether they might want it: ordinary lines then pass at
/// speed. What is handed over and what is reported is the same.
pub fn sift_lines(
    case_dir: &Path,
    entry: &CustodyEntry,
    keys: &Keys,
    sieve: Sieve<'_>,
    each: &mut dyn FnMut(LogLine<'_>),
) -> Result<LogReport> {
    let mut opened = EvidenceFile::in_custody(case_dir, entry, keys)?.open()?;
    let mut reading = Reading::of(entry);
    let end = reading.all(&mut opened.reader, sieve, each);
    opened.finish()?;
    Ok(reading.report(end))
}

/// Reads a log that lies in no case: `format` as in the custody manifest, times without a zone in UTC. For trying a format and
/// for tests; what evidence says is read by [`scan_lines`].
pub fn read_bytes(format: &str, bytes: &[u8], each: &mut dyn FnMut(LogLine<'_>)) -> LogReport {
    sift_bytes(format, bytes, Sieve { wanted: &|_| true, parts: None }, each)
}

/// Likewise, only the lines that somebody wants.
pub fn sift_bytes(format: &str, mut bytes: &[u8], sieve: Sieve<'_>, each: &mut dyn FnMut(LogLine<'_>)) -> LogReport {
    let mut reading = Reading::new(format, String::new(), TimeZone::UTC);
    let end = reading.all(&mut bytes, sieve, each);
    reading.report(end)
}

/// When the first request of a log came, milliseconds since 1970 UTC: for putting logs in order before they are read. Its
/// digest is not checked here.
pub fn first_request(case_dir: &Path, entry: &CustodyEntry, keys: &Keys) -> Result<Option<i64>> {
    let mut opened = EvidenceFile::glanced_at(case_dir, entry, keys).open()?;
    let mut reading = Reading::of(entry);
    if matches!(reading.reader, Some(Reader::Har)) {
        let _ = reading.archive(&mut opened.reader, &|_| false, &mut |_| ());
    } else {
        let none = Sieve { wanted: &|_| false, parts: None };
        let _ = each_line(&mut opened.reader, &mut |number, line| {
            reading.line(number, line, none, &mut |_| ());
            let is_found = reading.report.first_at_ms.is_some() || number >= DETECT_LINES_MAX as u64;
            if is_found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
    }
    opened.finish()?;
    Ok(reading.report.first_at_ms)
}

/// One line of a file in custody (any file, log or dump), as it stands there, without its line end; of a line over 1 MiB,
/// that much. It may hold anything, card numbers too: whoever shows it masks it.
pub fn read_line(case_dir: &Path, entry: &CustodyEntry, keys: &Keys, line: u64) -> Result<Vec<u8>> {
    let mut found = None;
    read_lines(case_dir, entry, keys, &BTreeSet::from([line]), &mut |_, text| found = Some(text.to_vec()))?;
    found.ok_or_else(|| Error::NoLine { path: PathBuf::from(&entry.path), line })
}

/// Several lines of a file in one reading, each as [`read_line`] gives it; in order, those that are there. What `each` got
/// counts only if the result is `Ok`.
pub fn read_lines(
    case_dir: &Path,
    entry: &CustodyEntry,
    keys: &Keys,
    lines: &BTreeSet<u64>,
    each: &mut dyn FnMut(u64, &[u8]),
) -> Result<()> {
    let mut opened = EvidenceFile::in_custody(case_dir, entry, keys)?.open()?;
    let (mut wanted, last) = (lines.iter().copied().peekable(), lines.last().copied().unwrap_or(0));
    // Where a cut file ends before a line, the line is not there: that is the answer.
    let _ = each_line(&mut opened.reader, &mut |number, text| {
        while wanted.next_if(|line| *line < number).is_some() {}
        if wanted.next_if_eq(&number).is_some() {
            let (Line::Whole(text) | Line::TooLong(text)) = text;
            each(number, text);
        }
        if number < last { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    opened.finish()
}

/// Says which lines are wanted.
type Wanted<'a> = &'a dyn Fn(&Glance<'_>) -> bool;
/// Takes the lines that are.
type Each<'a> = &'a mut dyn FnMut(LogLine<'_>);

/// The account of a log while it is read.
struct Reading {
    reader: Option<Reader>,
    passing: Option<Passing>,
    report: LogReport,
    clock: Clock,
    room: Unescaped,
}

impl Reading {
    fn of(entry: &CustodyEntry) -> Self {
        let zone = entry.timezone.as_deref().and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC);
        Self::new(&entry.format, entry.path.clone(), zone)
    }

    fn new(name: &str, path: String, zone: TimeZone) -> Self {
        let (format, reader) = (LogFormat::from_name(name), Reader::of(name));
        let not_read = name.strip_prefix("not read: ").map(str::to_owned);
        let report = LogReport { path, format, not_read, ..LogReport::default() };
        let passing = format.and_then(behind).map(Passing::new);
        Self { reader, passing, report, clock: Clock::in_zone(zone), room: Unescaped::default() }
    }

    /// Reads to the end, or to where reading fails.
    fn all(&mut self, input: &mut dyn BufRead, sieve: Sieve<'_>, each: Each<'_>) -> std::io::Result<()> {
        if matches!(self.reader, Some(Reader::Har)) {
            return self.archive(input, sieve.wanted, each);
        }
        let end = each_line(input, &mut |number, line| {
            if !self.passes(number, line, sieve) {
                self.line(number, line, sieve, each);
            }
            ControlFlow::Continue(())
        });
        self.last_record(sieve.wanted, each);
        end
    }

    /// Lets an ordinary line pass: it is counted and nobody wants it.
    fn passes(&mut self, number: u64, line: Line<'_>, sieve: Sieve<'_>) -> bool {
        let (Some(passing), Some(parts), Line::Whole(raw)) = (&mut self.passing, sieve.parts, line) else { return false };
        let Some(at_ms) = passing.passes(raw, &mut self.clock, parts) else { return false };
        self.report.lines = number;
        self.report.was_read(1, at_ms);
        true
    }

    fn line(&mut self, number: u64, line: Line<'_>, sieve: Sieve<'_>, each: Each<'_>) {
        let wanted = sieve.wanted;
        self.report.lines = number;
        let Self { reader: Some(reader), report, clock, room, .. } = self else { return };
        if let Reader::Modsecurity(_) = reader {
            let (Line::Whole(text) | Line::TooLong(text)) = line;
            return self.part(number, text, wanted, each);
        }
        let parsed = match line {
            Line::Whole(raw) => reader.parse(raw, clock).map(|parsed| parsed.map(|fields| (raw, fields))),
            Line::TooLong(_) => Some(Err("longer than 1 MiB")),
        };
        match parsed {
            None => report.read += 1,
            Some(Ok((raw, fields))) => {
                report.was_read(1, fields.at_ms);
                if wanted(&fields.glance(raw)) {
                    each(room.line(number, raw, &fields));
                }
            }
            Some(Err(reason)) => report.was_not_read(number, 1, reason),
        }
    }

    /// A line of a format whose requests have several.
    fn part(&mut self, number: u64, line: &[u8], wanted: Wanted<'_>, each: Each<'_>) {
        let Some(Reader::Modsecurity(reader)) = &mut self.reader else { return };
        let step = reader.line(number, line);
        self.step(number, step, wanted, each);
    }

    fn step(&mut self, number: u64, step: Step, wanted: Wanted<'_>, each: Each<'_>) {
        let Self { reader: Some(Reader::Modsecurity(reader)), report, clock, room, .. } = self else { return };
        match step {
            // Lines of a record are counted when it ends; those between records belong to none.
            Step::Gathered if reader.lines() == 0 => report.read += 1,
            Step::Gathered => {}
            Step::Stray => report.was_not_read(number, 1, "outside of a record"),
            Step::GivenUp { first, lines } => report.was_not_read(first, lines, "a record that does not end"),
            Step::Ended => {
                let lines = reader.lines();
                let (shown, raw, fields) = reader.fields(clock);
                match fields {
                    Ok(fields) => {
                        report.was_read(lines, fields.at_ms);
                        if wanted(&fields.glance(raw)) {
                            each(room.line(shown, raw, &fields));
                        }
                    }
                    Err(reason) => report.was_not_read(shown, lines, reason),
                }
            }
        }
        if let Some((first, waiting)) = reader.again() {
            let waiting = waiting.strip_suffix(b"\n").unwrap_or(&waiting);
            for (at, line) in waiting.split(|&byte| byte == b'\n').enumerate() {
                self.part(first + at as u64, line, wanted, each);
            }
        }
    }

    /// What is left at the end of the file of a record that did not end.
    fn last_record(&mut self, wanted: Wanted<'_>, each: Each<'_>) {
        while let Some(Reader::Modsecurity(reader)) = &mut self.reader
            && let Some(step) = reader.end()
        {
            self.step(self.report.lines, step, wanted, each);
        }
    }

    /// An HTTP archive.
    fn archive(&mut self, mut input: &mut dyn BufRead, wanted: Wanted<'_>, each: Each<'_>) -> std::io::Result<()> {
        let Self { report, clock, room, .. } = self;
        let mut texts = har::Texts::default();
        let (lines, end) = har::each_entry(&mut input, &mut |line, entry| match texts.fields(entry, clock) {
            Ok(fields) => {
                report.was_read(0, fields.at_ms);
                if wanted(&fields.glance(b"")) {
                    each(room.line(line, b"", &fields));
                }
            }
            Err(reason) => report.was_not_read(line, 0, reason),
        });
        report.lines = lines;
        report.read = lines;
        end
    }

    fn report(mut self, end: std::io::Result<()>) -> LogReport {
        let report = &mut self.report;
        if let Err(error) = end {
            report.truncated = Some(format!("after line {}: {error}", report.lines));
        }
        if self.reader.is_none() {
            report.unread_count = report.lines;
        }
        self.report
    }
}

impl LogReport {
    fn was_read(&mut self, lines: u64, at_ms: i64) {
        self.read += lines;
        self.requests += 1;
        // A busy server writes the same second many times over.
        if self.last_at_ms == Some(at_ms) {
            return;
        }
        if let Some(last) = self.last_at_ms
            && at_ms - last >= GAP_MS
        {
            self.add_gap(Gap { from_ms: last, to_ms: at_ms });
        }
        self.first_at_ms = Some(self.first_at_ms.map_or(at_ms, |first| first.min(at_ms)));
        self.last_at_ms = Some(self.last_at_ms.map_or(at_ms, |last| last.max(at_ms)));
    }

    /// Keeps the longest ones. Lines come nearly in order of time (a request is logged when it ends), so gaps do too.
    fn add_gap(&mut self, gap: Gap) {
        self.gaps.push(gap);
        if self.gaps.len() > GAPS_MAX {
            let shortest = (0..self.gaps.len()).min_by_key(|&at| self.gaps[at].to_ms - self.gaps[at].from_ms);
            shortest.map(|at| self.gaps.remove(at));
        }
    }

    fn was_not_read(&mut self, line: u64, lines: u64, reason: Reason) {
        self.unread_count += lines;
        if self.unread.len() < EXAMPLES_MAX {
            self.unread.push(Unread { line, reason: reason.to_owned() });
        }
    }
}
