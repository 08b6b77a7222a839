//! Which request a statement belongs to. Each request to an endpoint runs its statement once, in order; the clocks of web
//! server and database may differ by a zone and by a few seconds, and a web log knows only the second. Statements and the
//! requests of one client are therefore laid side by side in order, where they agree best in time (and in outcome, where it
//! can be foretold).

use super::{Asked, Ran};

/// Zones differ by quarters of an hour, up to 14 hours either way.
const QUARTER_MS: i64 = 900_000;
const QUARTERS_MAX: i64 = 56;
/// How far apart two ends of one request may be beside its duration, milliseconds: a web log's second, and the way.
const SLACK_MS: i64 = 2_000;
/// What leaving a statement or a request without its other half costs; an agreeing pair costs nothing.
const ALONE: u32 = 3;
/// What a foretold outcome that did not come costs: more than leaving both alone.
const CONTRADICTED: u32 = 7;
/// Pairs looked at in one alignment.
const PAIRS_MAX: usize = 40_000_000;

/// How far the database's clock is ahead of the web server's, milliseconds, to the quarter of an hour: where most statements
/// have a request at their time. `None` where fewer than half of them have one at any.
pub(crate) fn skew_ms(ran: &[Ran], asked: &[Asked]) -> Option<i64> {
    let score = |quarters: i64| {
        let near = |ran: &&Ran| {
            let at = ran.at_ms - quarters * QUARTER_MS;
            let next = asked.partition_point(|asked| asked.observed.at_ms < at - SLACK_MS);
            asked.get(next).is_some_and(|asked| fits(at, asked))
        };
        ran.iter().filter(near).count()
    };
    let quarters = (0..=QUARTERS_MAX).flat_map(|quarters| [quarters, -quarters]);
    let best =
        quarters.map(|quarters| (score(quarters), quarters)).reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.filter(|(count, _)| *count > 0 && count * 2 >= ran.len()).map(|(_, quarters)| quarters * QUARTER_MS)
}

fn fits(at_ms: i64, asked: &Asked) -> bool {
    let took = asked.observed.duration_us.map_or(0, |us| (us / 1000).cast_signed());
    (asked.observed.at_ms - took - SLACK_MS..=asked.observed.at_ms + took + SLACK_MS).contains(&at_ms)
}

/// For each statement the request that it belongs to, by its place in `asked`. `foretold` says what the answer to a
/// statement must have been, where that is known.
pub(crate) fn join(
    ran: &[&Ran],
    asked: &[Asked],
    skew_ms: i64,
    foretold: &dyn Fn(usize, &Asked) -> Option<bool>,
) -> Vec<Option<usize>> {
    let mut joined = vec![None; ran.len()];
    let mut clients: Vec<u64> = asked.iter().map(|asked| asked.client).collect();
    clients.sort_unstable();
    clients.dedup();
    let own = |client: u64| -> Vec<usize> { (0..asked.len()).filter(|&at| asked[at].client == client).collect() };
    let near = |requests: &[usize]| {
        let has = |ran: &&&Ran| requests.iter().any(|&at| fits(ran.at_ms - skew_ms, &asked[at]));
        ran.iter().filter(has).count().min(requests.len())
    };
    // Whoever sends injections sends many: the client whose requests fit most of the statements comes first.
    let mut by_fit: Vec<(usize, Vec<usize>)> =
        clients.into_iter().map(own).map(|own| (near(&own), own)).filter(|(fit, _)| *fit > 0).collect();
    by_fit.sort_by(|(a, first), (b, second)| b.cmp(a).then(first.cmp(second)));
    for (_, requests) in by_fit {
        let left: Vec<usize> = (0..ran.len()).filter(|&at| joined[at].is_none()).collect();
        if left.is_empty() {
            break;
        }
        for (statement, request) in align(ran, &left, asked, &requests, skew_ms, foretold) {
            joined[statement] = Some(request);
        }
    }
    joined
}

/// The cheapest way to lay statements and requests side by side in order.
fn align(
    ran: &[&Ran],
    left: &[usize],
    asked: &[Asked],
    requests: &[usize],
    skew_ms: i64,
    foretold: &dyn Fn(usize, &Asked) -> Option<bool>,
) -> Vec<(usize, usize)> {
    let (rows, columns) = (left.len(), requests.len());
    if rows.saturating_mul(columns) > PAIRS_MAX {
        return Vec::new();
    }
    let cost = |row: usize, column: usize| {
        let (statement, request) = (left[row], &asked[requests[column]]);
        let apart = if fits(ran[statement].at_ms - skew_ms, request) { 0 } else { 2 * ALONE + 1 };
        apart + if foretold(statement, request) == Some(false) { CONTRADICTED } else { 0 }
    };
    let width = columns + 1;
    let mut before: Vec<u32> = (0..width).map(|column| column as u32 * ALONE).collect();
    let mut steps = vec![Step::Request; (rows + 1) * width];
    for row in 1..=rows {
        let mut now = vec![row as u32 * ALONE; width];
        steps[row * width] = Step::Statement;
        for column in 1..width {
            let ways = [
                (before[column - 1] + cost(row - 1, column - 1), Step::Pair),
                (before[column] + ALONE, Step::Statement),
                (now[column - 1] + ALONE, Step::Request),
            ];
            let best = ways.into_iter().min_by_key(|(cost, step)| (*cost, *step)).unwrap_or(ways[0]);
            now[column] = best.0;
            steps[row * width + column] = best.1;
        }
        before = now;
    }
    let (mut row, mut column, mut pairs) = (rows, columns, Vec::new());
    while row > 0 || column > 0 {
        match steps[row * width + column] {
            Step::Pair => {
                (row, column) = (row - 1, column - 1);
                pairs.push((left[row], requests[column]));
            }
            Step::Statement => row -= 1,
            Step::Request => column -= 1,
        }
    }
    pairs
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Pair,
    Statement,
    Request,
}

#[cfg(test)]
mod tests {
    use kintsugi_case::{EvidenceId, EvidenceLine};

    use super::{join, skew_ms};
    use crate::query::{Asked, Ran};
    use crate::statement::Observation;

    fn ran(at_ms: i64) -> Ran {
        Ran { line: EvidenceLine { evidence: EvidenceId(2), line: 1 }, at_ms, value: String::new(), failed: None }
    }

    fn asked(at_ms: i64, client: u64, status: u16) -> Asked {
        let line = EvidenceLine { evidence: EvidenceId(1), line: at_ms.unsigned_abs() };
        Asked { observed: Observation { line, at_ms, status, bytes: 1, duration_us: None }, client }
    }

    #[test]
    fn clocks_of_two_zones_are_found() {
        let statements: Vec<_> = (0..50).map(|n| ran(n * 7_000 + 9 * 3_600_000 + 400)).collect();
        let requests: Vec<_> = (0..50).map(|n| asked(n * 7_000, 1, 200)).collect();
        assert_eq!(skew_ms(&statements, &requests), Some(9 * 3_600_000));
        assert_eq!(skew_ms(&statements[..0], &requests), None);
        assert_eq!(skew_ms(&statements, &[asked(1 << 40, 1, 200)]), None);
    }

    #[test]
    fn statements_go_to_the_client_who_sent_them() {
        let statements: Vec<_> = [1100, 1200, 1300, 9100].map(ran).to_vec();
        let statements: Vec<_> = statements.iter().collect();
        let requests = [asked(1000, 5, 200), asked(1000, 7, 200), asked(1001, 7, 200), asked(1002, 7, 302), asked(9000, 7, 200)];
        let none = |_: usize, _: &Asked| None;
        assert_eq!(join(&statements, &requests, 0, &none), [Some(1), Some(2), Some(3), Some(4)]);
        let far = [asked(500_000, 7, 200)];
        assert_eq!(join(&statements, &far, 0, &none), [None; 4]);
    }

    #[test]
    fn a_foretold_outcome_decides_between_equal_times() {
        let statements: Vec<_> = [1100, 1200].map(ran).to_vec();
        let statements: Vec<_> = statements.iter().collect();
        let requests = [asked(1000, 7, 200), asked(1001, 7, 200), asked(1002, 7, 302)];
        let foretold = |statement: usize, asked: &Asked| Some((statement == 1) == (asked.observed.status == 302));
        assert_eq!(join(&statements, &requests, 0, &foretold)[1], Some(2));
    }
}
