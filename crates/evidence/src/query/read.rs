//! Reading a query log from front to end: which format it is, its statements, and the account of what was and was not read.

use std::io::BufRead;
use std::ops::ControlFlow;
use std::path::Path;

use jiff::tz::TimeZone;
use kintsugi_vault::Keys;

use super::time::Clock;
use super::{
    QueryLine, QueryLogFormat, QueryReport, application_json, application_text, mariadb_audit, mysql_general, mysql_slow,
    postgresql_csv, postgresql_json, postgresql_stderr,
};
use crate::log::lines::{Line, each_line};
use crate::open::EvidenceFile;
use crate::{CustodyEntry, EXAMPLES_MAX, Gap, Result, Unread};

/// Why a line was not read.
pub(super) type Reason = &'static str;

/// Bytes of a statement over all its lines; what is longer is cut and counted so.
pub(super) const RECORD_BYTES_MAX: usize = 1 << 20;
/// Lines that detection looks at.
const DETECT_LINES_MAX: usize = 200;
const DETECT_BYTES_MAX: usize = 8 << 20;
/// A silence that is worth telling, milliseconds.
const GAP_MS: i64 = 12 * 3_600_000;
const GAPS_MAX: usize = 20;

/// Formats in the order in which a tie is decided: those that only their own server writes first.
const BY_DETAIL: [QueryLogFormat; 8] = [
    QueryLogFormat::PostgresqlJson,
    QueryLogFormat::PostgresqlCsv,
    QueryLogFormat::MariadbAudit,
    QueryLogFormat::MysqlSlow,
    QueryLogFormat::MysqlGeneral,
    QueryLogFormat::PostgresqlStderr,
    QueryLogFormat::ApplicationJson,
    QueryLogFormat::ApplicationText,
];

impl QueryLogFormat {
    fn fits(self, line: &[u8], clock: &mut Clock) -> bool {
        match self {
            Self::MysqlGeneral => mysql_general::fits(line, clock),
            Self::MysqlSlow => mysql_slow::fits(line),
            Self::MariadbAudit => mariadb_audit::fits(line, clock),
            Self::PostgresqlStderr => postgresql_stderr::fits(line, clock),
            Self::PostgresqlCsv => postgresql_csv::fits(line, clock),
            Self::PostgresqlJson => postgresql_json::fits(line),
            Self::ApplicationText => application_text::fits(line, clock),
            Self::ApplicationJson => application_json::fits(line),
        }
    }
}

/// The query log that these first lines (without their line ends) are of, if any.
pub fn detect_queries(lines: &[&[u8]]) -> Option<QueryLogFormat> {
    let mut clock = Clock::new(TimeZone::UTC);
    let counts = BY_DETAIL.map(|format| (lines.iter().filter(|line| format.fits(line, &mut clock)).count(), format));
    let best = counts.into_iter().reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.and_then(|(count, format)| (count > 0).then_some(format))
}

/// The format as it goes into the custody manifest, of a file that the case file says is `declared`, if it is a query log.
pub(crate) fn format_of(path: &Path, name: &str, declared: &str) -> Result<Option<String>> {
    if declared != "auto" {
        return Ok(QueryLogFormat::from_name(declared).map(|_| declared.to_owned()));
    }
    let mut opened = EvidenceFile::unchecked(path.into(), name.to_owned()).open()?;
    let (mut lines, mut bytes) = (Vec::new(), 0);
    // A cut file is told about when it is read; here its first lines will do.
    let _ = each_line(&mut opened.reader, &mut |_, line| {
        let (Line::Whole(text) | Line::TooLong(text)) = line;
        bytes += text.len();
        lines.push(text.to_vec());
        let enough = lines.len() >= DETECT_LINES_MAX || bytes >= DETECT_BYTES_MAX;
        if enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    opened.finish()?;
    Ok(detect_queries(&lines.iter().map(Vec::as_slice).collect::<Vec<_>>()).map(|format| format.name().to_owned()))
}

/// Reads a query log and hands every statement to `each`, nearly in file order (one that may still be told more about
/// comes later; [`QueryLine::line`] is its place). A file of another format is an empty report. What `each` got counts only if the result is `Ok`: a changed file is noticed at its end.
pub fn read_queries(case_dir: &Path, entry: &CustodyEntry, keys: &Keys, each: &mut dyn FnMut(QueryLine)) -> Result<QueryReport> {
    let mut opened = EvidenceFile::in_custody(case_dir, entry, keys)?.open()?;
    let zone = entry.timezone.as_deref().and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC);
    let report = parse_queries(&mut opened.reader, &entry.format, &zone, each);
    opened.finish()?;
    Ok(QueryReport { path: entry.path.clone(), ..report })
}

/// Like [`read_queries`], from any bytes. `zone` is that of times without one; `format` is a name of [`QueryLogFormat`] with what may be declared behind it.
pub fn parse_queries(input: &mut dyn BufRead, format: &str, zone: &TimeZone, each: &mut dyn FnMut(QueryLine)) -> QueryReport {
    let queries = QueryLogFormat::from_name(format);
    let mut out = Out { report: QueryReport { queries, ..QueryReport::default() }, each };
    let mut parser = queries.map(|queries| Parser::new(queries, format, Clock::new(zone.clone())));
    let end = each_line(input, &mut |number, line| {
        let (Line::Whole(raw) | Line::TooLong(raw)) = line;
        out.line(number, raw, matches!(line, Line::TooLong(_)), parser.as_mut());
        ControlFlow::Continue(())
    });
    if let Some(parser) = &mut parser {
        parser.end(&mut out);
    }
    let mut report = out.report;
    report.read = report.lines - report.unread_count;
    report.truncated = end.err().map(|error| format!("after line {}: {error}", report.lines));
    report
}

enum Parser {
    MysqlGeneral(mysql_general::Parser),
    MysqlSlow(mysql_slow::Parser),
    MariadbAudit(mariadb_audit::Parser),
    PostgresqlStderr(postgresql_stderr::Parser),
    PostgresqlCsv(postgresql_csv::Parser),
    PostgresqlJson(postgresql_json::Parser),
    ApplicationText(application_text::Parser),
    ApplicationJson(application_json::Parser),
}

impl Parser {
    fn new(queries: QueryLogFormat, format: &str, clock: Clock) -> Self {
        match queries {
            QueryLogFormat::MysqlGeneral => Self::MysqlGeneral(mysql_general::Parser::new(clock)),
            QueryLogFormat::MysqlSlow => Self::MysqlSlow(mysql_slow::Parser::new(clock)),
            QueryLogFormat::MariadbAudit => Self::MariadbAudit(mariadb_audit::Parser::new(clock)),
            QueryLogFormat::PostgresqlStderr => Self::PostgresqlStderr(postgresql_stderr::Parser::new(clock)),
            QueryLogFormat::PostgresqlCsv => Self::PostgresqlCsv(postgresql_csv::Parser::new(clock)),
            QueryLogFormat::PostgresqlJson => Self::PostgresqlJson(postgresql_json::Parser::new(clock)),
            QueryLogFormat::ApplicationText => Self::ApplicationText(application_text::Parser::new(clock)),
            QueryLogFormat::ApplicationJson => Self::ApplicationJson(application_json::Parser::new(clock, format)),
        }
    }

    fn line(&mut self, number: u64, raw: &[u8], out: &mut Out<'_>) -> std::result::Result<(), Reason> {
        match self {
            Self::MysqlGeneral(parser) => parser.line(number, raw, out),
            Self::MysqlSlow(parser) => parser.line(number, raw, out),
            Self::MariadbAudit(parser) => parser.line(number, raw, out),
            Self::PostgresqlStderr(parser) => parser.line(number, raw, out),
            Self::PostgresqlCsv(parser) => parser.line(number, raw, out),
            Self::PostgresqlJson(parser) => parser.line(number, raw, out),
            Self::ApplicationText(parser) => parser.line(number, raw, out),
            Self::ApplicationJson(parser) => parser.line(number, raw, out),
        }
    }

    fn end(&mut self, out: &mut Out<'_>) {
        match self {
            Self::MysqlGeneral(parser) => parser.end(out),
            Self::MysqlSlow(parser) => parser.end(out),
            Self::PostgresqlStderr(parser) => parser.end(out),
            Self::PostgresqlCsv(parser) => parser.end(out),
            Self::PostgresqlJson(parser) => parser.end(out),
            Self::ApplicationText(parser) => parser.end(out),
            Self::MariadbAudit(_) | Self::ApplicationJson(_) => {}
        }
    }
}

/// Where a parser puts what it finds.
pub(super) struct Out<'a> {
    report: QueryReport,
    each: &'a mut dyn FnMut(QueryLine),
}

impl Out<'_> {
    fn line(&mut self, number: u64, raw: &[u8], too_long: bool, parser: Option<&mut Parser>) {
        self.report.lines = number;
        let Some(parser) = parser else {
            self.report.unread_count += 1;
            return;
        };
        let read = parser.line(number, raw, self);
        self.report.cut += u64::from(too_long && read.is_ok());
        if let Err(reason) = read {
            self.not_read(number, reason);
        }
    }

    /// A statement is whole.
    pub(super) fn statement(&mut self, line: QueryLine) {
        let report = &mut self.report;
        report.statements += 1;
        report.failed += u64::from(line.error.is_some());
        report.cut += u64::from(line.cut);
        report.undated += u64::from(line.at_ms.is_none());
        line.at_ms.into_iter().for_each(|at_ms| report.at(at_ms));
        (self.each)(line);
    }

    /// A statement goes on with another line.
    pub(super) fn go_on(&self, line: &mut QueryLine, raw: &[u8]) {
        line.cut |= self.add(&mut line.text, raw, true);
    }

    /// Adds to a text, and says whether something had to be left out.
    pub(super) fn add(&self, text: &mut Vec<u8>, raw: &[u8], new_line: bool) -> bool {
        let room = RECORD_BYTES_MAX.saturating_sub(text.len() + usize::from(new_line));
        if new_line && room > 0 {
            text.push(b'\n');
        }
        text.extend_from_slice(&raw[..raw.len().min(room)]);
        raw.len() > room
    }

    /// Counts a line as not read: the one in hand, or one that was taken for a part of something and was not.
    pub(super) fn not_read(&mut self, line: u64, reason: Reason) {
        self.report.unread_count += 1;
        if self.report.unread.len() < EXAMPLES_MAX {
            self.report.unread.push(Unread { line, reason: reason.to_owned() });
        }
    }
}

impl QueryReport {
    fn at(&mut self, at_ms: i64) {
        if let Some(last) = self.last_at_ms
            && at_ms - last >= GAP_MS
        {
            self.gaps.push(Gap { from_ms: last, to_ms: at_ms });
        }
        if self.gaps.len() > GAPS_MAX {
            let shortest = (0..self.gaps.len()).min_by_key(|&at| self.gaps[at].to_ms - self.gaps[at].from_ms);
            shortest.map(|at| self.gaps.remove(at));
        }
        self.first_at_ms = Some(self.first_at_ms.map_or(at_ms, |first| first.min(at_ms)));
        self.last_at_ms = Some(self.last_at_ms.map_or(at_ms, |last| last.max(at_ms)));
    }
}
