//! The web logs of one source, read in order of time, each request once: lines that two copies of a log share count once,
//! and a request that an access log and an audit log both hold is one request, with the body from the one and the answer
//! from the other. Not here: what a request means (`request`, `context`).

use std::cell::Cell;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use kintsugi_case::{EvidenceId, EvidenceLine};
use kintsugi_evidence::{
    CustodyEntry, EvidenceKind, Gap, Glance, LogFormat, LogLine, LogReport, Parts, Sieve, first_request, missing_logs,
    scan_lines, sift_lines,
};

use crate::error::{Error, Result};
use crate::ordinary::Sample;
use crate::request::{Carried, is_suspect, is_suspect_header, is_suspect_request};
use crate::statement::{Observation, Seen};
use crate::{Inputs, Progress};

/// Lines between two reports of progress.
const PROGRESS_LINES: u64 = 256;
/// How far two logs may differ about the time of one request, milliseconds, beside its duration.
const SKEW_MS: i64 = 2_000;

/// Takes requests that may carry statements; gives how many statements there are so far.
pub(crate) type Take<'a> = &'a mut dyn FnMut(Seen<'_>) -> Result<u64>;

/// Reads every log of the source; gives how each was read, in the order of the manifest.
pub(crate) fn read_logs(
    inputs: Inputs<'_>,
    source: &str,
    take: Take<'_>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Vec<(EvidenceId, LogReport)>> {
    let of_source = |entry: &&CustodyEntry| entry.kind == EvidenceKind::Log && entry.source == source;
    let entries: Vec<&CustodyEntry> = inputs.evidence.iter().filter(of_source).collect();
    let (bodies, others): (Vec<&CustodyEntry>, Vec<&CustodyEntry>) =
        in_order_of_time(inputs, &entries)?.into_iter().partition(|entry| has_bodies(entry));
    let mut reading = Reading { inputs, take, progress, records: Records::default(), lines: Lines::default() };
    reading.lines.is_needed = others.len() > 1;
    let mut reports = Vec::new();
    for entry in bodies {
        reports.push((entry.id, reading.bodies(entry)?));
    }
    for entry in others {
        reports.push((entry.id, reading.others(entry)?));
    }
    reading.unanswered()?;
    add_missing(&entries, &mut reports);
    reports.sort_by_key(|(id, _)| *id);
    Ok(reports)
}

fn has_bodies(entry: &CustodyEntry) -> bool {
    LogFormat::from_name(&entry.format).is_some_and(LogFormat::has_bodies)
}

/// By the first request; logs without any keep their place at the end.
fn in_order_of_time<'a>(inputs: Inputs<'_>, entries: &[&'a CustodyEntry]) -> Result<Vec<&'a CustodyEntry>> {
    let mut dated = Vec::new();
    for entry in entries {
        let first = first_request(inputs.case_dir, entry, inputs.keys);
        let first = first.map_err(|source| Error::Log { path: entry.path.clone(), source })?;
        dated.push((first.unwrap_or(i64::MAX), *entry));
    }
    dated.sort_by_key(|(first, _)| *first);
    Ok(dated.into_iter().map(|(_, entry)| entry).collect())
}

/// Names what is missing in the report of the log after it, with the time that it leaves open.
fn add_missing(entries: &[&CustodyEntry], reports: &mut [(EvidenceId, LogReport)]) {
    let paths: Vec<&str> = entries.iter().map(|entry| entry.path.as_str()).collect();
    for missing in missing_logs(&paths) {
        let before = reports.iter().find(|(_, report)| report.path == missing.older).and_then(|(_, report)| report.last_at_ms);
        let Some((_, report)) = reports.iter_mut().find(|(_, report)| report.path == missing.younger) else { continue };
        report.missing.push(missing.name);
        let gap = before.zip(report.first_at_ms).map(|(from_ms, to_ms)| Gap { from_ms, to_ms });
        if let Some(gap) = gap.filter(|gap| gap.from_ms < gap.to_ms && !report.gaps.contains(gap)) {
            report.gaps.insert(0, gap);
        }
    }
}

struct Reading<'a, 'b> {
    inputs: Inputs<'a>,
    take: Take<'b>,
    progress: &'b mut dyn FnMut(Progress<'_>),
    records: Records,
    lines: Lines,
}

impl Reading<'_, '_> {
    /// A log with bodies: its requests wait for their answers.
    fn bodies(&mut self, entry: &CustodyEntry) -> Result<LogReport> {
        let suspect = Cell::new(false);
        let records = &mut self.records;
        let wanted = |glance: &Glance<'_>| {
            suspect.set(is_suspect(glance));
            suspect.get() || !glance.body.is_empty()
        };
        let report = scan_lines(self.inputs.case_dir, entry, self.inputs.keys, &wanted, &mut |line| {
            records.add(entry.id, &line, suspect.get());
        });
        report.map_err(|source| Error::Log { path: entry.path.clone(), source })
    }

    /// Any other log; only lines that can hold a statement are parsed, all are counted.
    fn others(&mut self, entry: &CustodyEntry) -> Result<LogReport> {
        let Self { inputs, take, progress, records, lines } = self;
        let (mut failure, mut joined, mut repeated, mut statements) = (None, 0, 0, 0);
        lines.next_log();
        let sample = Sample::new(&inputs.case.endpoints);
        let suspect = Cell::new(false);
        let any_waits = !records.list.is_empty();
        let wanted = |glance: &Glance<'_>| {
            suspect.set(is_suspect(glance) || sample.wants(glance.request, glance.query));
            suspect.get() || any_waits
        };
        let request = |line: &[u8]| is_suspect_request(line) || sample.may_want(line);
        let parts = (!any_waits).then_some(Parts { request: &request, header: &is_suspect_header });
        let sieve = Sieve { wanted: &wanted, parts };
        let report = sift_lines(inputs.case_dir, entry, inputs.keys, sieve, &mut |line| {
            let waiting = any_waits.then(|| records.answered_by(&line)).flatten();
            joined += u64::from(waiting.is_some());
            let waiting = waiting.map(|at| &records.list[at]);
            if !suspect.get() && !waiting.is_some_and(|record| record.is_suspect) {
                return;
            }
            if lines.is_repeated(line.raw) {
                repeated += 1;
                return;
            }
            let taken = match waiting {
                Some(record) => record.take_with(observation(entry.id, &line), &carried(&line), take),
                None => take(seen(observation(entry.id, &line), line.method, carried(&line))),
            };
            match taken {
                Ok(count) => statements = count,
                Err(error) => {
                    failure.get_or_insert(error);
                }
            }
            if line.line.is_multiple_of(PROGRESS_LINES) {
                progress(Progress { path: &entry.path, lines: line.line, statements, judged: 0 });
            }
        });
        let report = report.map_err(|source| Error::Log { path: entry.path.clone(), source })?;
        failure.map_or(Ok(LogReport { joined, repeated, ..report }), Err)
    }

    /// Requests with bodies whose answers no other log shows stand for themselves.
    fn unanswered(&mut self) -> Result<()> {
        for record in self.records.list.iter().filter(|record| record.is_suspect && !record.is_answered) {
            (self.take)(seen(record.observed, &record.method, record.carried()))?;
        }
        Ok(())
    }
}

fn seen<'a>(observed: Observation, method: &'a [u8], carried: Carried<'a>) -> Seen<'a> {
    Seen { observed, method: std::str::from_utf8(method).unwrap_or_default(), carried }
}

fn observation(evidence: EvidenceId, line: &LogLine<'_>) -> Observation {
    Observation {
        line: EvidenceLine { evidence, line: line.line },
        at_ms: line.at_ms,
        status: line.status,
        bytes: line.bytes,
        duration_us: line.duration_us,
    }
}

pub(crate) fn carried<'a>(line: &LogLine<'a>) -> Carried<'a> {
    Carried {
        client: line.client,
        target: line.target,
        cookie: line.cookie,
        agent: line.agent,
        referer: line.referer,
        forwarded: line.forwarded,
        headers: line.headers,
        body: line.body,
    }
}

/// Requests of logs with bodies, by what was asked for.
#[derive(Default)]
struct Records {
    list: Vec<Record>,
    /// Those without an answer yet, in the order of their log.
    waiting: HashMap<u64, Vec<usize>>,
}

/// A request of such a log. What it carried is kept only if it may carry a statement.
struct Record {
    observed: Observation,
    client: Box<[u8]>,
    is_suspect: bool,
    is_answered: bool,
    method: Box<[u8]>,
    target: Box<[u8]>,
    headers: Box<[u8]>,
    cookie: Box<[u8]>,
    agent: Box<[u8]>,
    referer: Box<[u8]>,
    forwarded: Box<[u8]>,
    body: Box<[u8]>,
}

fn key(line: &LogLine<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    (line.method, line.target).hash(&mut hasher);
    hasher.finish()
}

impl Records {
    fn add(&mut self, evidence: EvidenceId, line: &LogLine<'_>, is_suspect: bool) {
        let kept = |text: &[u8]| if is_suspect { Box::from(text) } else { Box::default() };
        self.waiting.entry(key(line)).or_default().push(self.list.len());
        self.list.push(Record {
            observed: observation(evidence, line),
            client: line.client.into(),
            is_suspect,
            is_answered: false,
            method: kept(line.method),
            target: kept(line.target),
            headers: kept(line.headers),
            cookie: kept(line.cookie),
            agent: kept(line.agent),
            referer: kept(line.referer),
            forwarded: kept(line.forwarded),
            body: kept(line.body),
        });
    }

    /// The waiting request of which this line is the answer: the first with its address, status and time; one of the same
    /// client before one whose log names a proxy.
    fn answered_by(&mut self, line: &LogLine<'_>) -> Option<usize> {
        let waiting = self.waiting.get_mut(&key(line))?;
        let fits: Vec<usize> = (0..waiting.len())
            .take_while(|&place| self.list[waiting[place]].started_ms() <= line.at_ms + SKEW_MS + 1000)
            .filter(|&place| self.list[waiting[place]].may_be(line))
            .collect();
        let same_client = fits.iter().find(|&&place| *self.list[waiting[place]].client == *line.client);
        let place = *same_client.or(fits.first())?;
        let at = waiting.remove(place);
        self.list[at].is_answered = true;
        // What is long past waits in vain; leaving it would make every later search longer.
        let list = &self.list;
        let past = waiting.iter().take_while(|&&at| list[at].observed.at_ms + 60_000 < line.at_ms - SKEW_MS).count();
        waiting.drain(..past);
        Some(at)
    }
}

impl Record {
    fn started_ms(&self) -> i64 {
        self.observed.at_ms - self.observed.duration_us.map_or(0, |us| (us / 1000) as i64)
    }

    /// Whether a line can be the answer: its time is that of the beginning (Apache) or of the end (nginx), in whole seconds.
    fn may_be(&self, line: &LogLine<'_>) -> bool {
        let duration_ms = line.duration_us.map_or(0, |us| (us / 1000) as i64);
        let times = self.started_ms() - SKEW_MS - 1000..=self.observed.at_ms + duration_ms + SKEW_MS;
        times.contains(&line.at_ms) && (self.observed.status == 0 || self.observed.status == line.status)
    }

    fn carried(&self) -> Carried<'_> {
        Carried {
            client: &self.client,
            target: &self.target,
            cookie: &self.cookie,
            agent: &self.agent,
            referer: &self.referer,
            forwarded: &self.forwarded,
            headers: &self.headers,
            body: &self.body,
        }
    }

    /// Hands the request over with the answer of another log. Where the statement stands in the body, this log's line shows
    /// it.
    fn take_with(&self, answer: Observation, other: &Carried<'_>, take: Take<'_>) -> Result<u64> {
        if !self.is_suspect {
            return take(seen(answer, &self.method, *other));
        }
        let line = if self.body.is_empty() { answer.line } else { self.observed.line };
        let duration_us = answer.duration_us.or(self.observed.duration_us);
        let observed = Observation { line, at_ms: self.observed.at_ms, duration_us, ..answer };
        // An audit log behind a proxy may know the proxy alone.
        take(seen(observed, &self.method, Carried { client: other.client, ..self.carried() }))
    }
}

/// Lines that were taken, so that one that stands in two logs is taken once. A line that one log has several times was
/// written for several requests.
#[derive(Default)]
struct Lines {
    is_needed: bool,
    log: u32,
    known: HashMap<u64, Known>,
}

/// How often a line stood in the logs before, and in this one.
#[derive(Clone, Copy, Default)]
struct Known {
    log: u32,
    before: u32,
    here: u32,
}

impl Lines {
    fn next_log(&mut self) {
        self.log += 1;
    }

    fn is_repeated(&mut self, raw: &[u8]) -> bool {
        if !self.is_needed {
            return false;
        }
        let mut hasher = DefaultHasher::new();
        raw.hash(&mut hasher);
        let known = self.known.entry(hasher.finish()).or_default();
        if known.log != self.log {
            *known = Known { log: self.log, before: known.before.max(known.here), here: 0 };
        }
        known.here += 1;
        known.here <= known.before
    }
}

#[cfg(test)]
mod tests {
    use kintsugi_case::EvidenceId;
    use kintsugi_evidence::{LogLine, read_bytes};

    use super::{Lines, Records};

    /// Reads an access log; the body is that of the audit log's request which each line answers.
    fn answered(audit: &str, access: &str) -> Vec<String> {
        let mut records = Records::default();
        read_bytes("modsecurity_json", audit.as_bytes(), &mut |line| records.add(EvidenceId(1), &line, true));
        let mut found = Vec::new();
        let mut each = |line: LogLine<'_>| {
            let at = records.answered_by(&line);
            found.push(at.map_or("-".to_owned(), |at| String::from_utf8_lossy(&records.list[at].body).into_owned()));
        };
        read_bytes("combined_duration", access.as_bytes(), &mut each);
        found
    }

    fn record(client: &str, at: &str, body: &str, status: u16) -> String {
        format!(
            "{{\"transaction\":{{\"time\":\"22/Nov/2026:{at} +0900\",\"remote_address\":\"{client}\"}},\"request\":{{\"request_line\":\"POST /login HTTP/1.1\",\"headers\":{{}},\"body\":[\"{body}\"]}},\"response\":{{\"status\":{status},\"headers\":{{}}}}}}\n"
        )
    }

    fn line(client: &str, at: &str, status: u16) -> String {
        format!("{client} - - [22/Nov/2026:{at} +0900] \"POST /login HTTP/1.1\" {status} 5 \"-\" \"x\" 1500\n")
    }

    #[test]
    fn a_request_meets_its_answer_by_address_time_status_and_order() {
        let audit = record("127.0.0.1", "10:00:00.9", "a", 200)
            + &record("127.0.0.1", "10:00:01.2", "b", 302)
            + &record("127.0.0.1", "10:00:01.3", "c", 200)
            + &record("192.0.2.2", "10:00:01.4", "d", 200)
            + &record("127.0.0.1", "11:00:00", "e", 200);
        let access = line("192.0.2.1", "10:00:00", 200)
            + &line("192.0.2.2", "10:00:01", 200)
            + &line("192.0.2.1", "10:00:01", 200)
            + &line("192.0.2.1", "10:00:01", 302)
            + &line("192.0.2.1", "10:00:02", 200)
            + &line("192.0.2.1", "11:00:00", 200);
        assert_eq!(answered(&audit, &access), ["a", "d", "c", "b", "-", "e"]);
    }

    #[test]
    fn a_line_of_two_logs_is_taken_once_and_one_that_came_twice_twice() {
        let mut lines = Lines { is_needed: true, ..Lines::default() };
        let mut repeated = |log: &[&str]| -> Vec<bool> {
            lines.next_log();
            log.iter().map(|line| lines.is_repeated(line.as_bytes())).collect()
        };
        assert_eq!(repeated(&["a", "b", "b"]), [false, false, false]);
        assert_eq!(repeated(&["b", "b", "b", "c"]), [true, true, false, false]);
        assert_eq!(repeated(&["c", "b", "b", "b", "b"]), [true, true, true, true, false]);
    }
}
