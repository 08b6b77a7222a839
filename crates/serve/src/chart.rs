//! Charts drawn on the server, as numbers that the templates put into SVG: a bar whose parts add up to all persons,
//! and bars by the hour.

use jiff::{Timestamp, tz::TimeZone};
use kintsugi_case::{Conservation, NoticeState};

/// The width in which the conservation bar is drawn.
const WHOLE: f64 = 1000.0;
/// A part that is there is never thinner than this: one person must be visible among a million.
const PART_MIN: f64 = 6.0;

/// A part of the conservation bar.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BarPart {
    /// The state's name.
    pub(crate) state: &'static str,
    pub(crate) count: u64,
    pub(crate) x: String,
    pub(crate) width: String,
}

/// The parts that are there, in the order of the conservation line. Their widths add up to the whole.
pub(crate) fn whole(line: &Conservation) -> Vec<BarPart> {
    let counts = [
        (NoticeState::Accepted.name(), line.accepted),
        (NoticeState::Refused.name(), line.refused),
        (NoticeState::Unknown.name(), line.unknown),
        (NoticeState::Held.name(), line.held),
        (NoticeState::Printed.name(), line.printed),
        (NoticeState::Batched.name(), line.batched),
        (NoticeState::NoAddress.name(), line.no_address),
        (NoticeState::Returned.name(), line.returned),
        ("waiting", line.waiting),
    ];
    let there: Vec<_> = counts.into_iter().filter(|(_, count)| *count > 0).collect();
    let all = line.accounted().max(1) as f64;
    let wanted: Vec<f64> = there.iter().map(|(_, count)| (*count as f64 / all * WHOLE).max(PART_MIN)).collect();
    let scale = WHOLE / wanted.iter().sum::<f64>().max(1.0);
    let mut x = 0.0;
    let part = |((state, count), width): ((&'static str, u64), f64)| {
        let start = x;
        x += width * scale;
        BarPart { state, count, x: format!("{start:.1}"), width: format!("{:.1}", width * scale) }
    };
    there.into_iter().zip(wanted).map(part).collect()
}

/// The bars by hour.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Hours {
    pub(crate) bars: Vec<HourBar>,
    /// The first and last day, as `2013-04-19`.
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) zone: String,
    /// The hour with the most, as `2013-04-19 03:00`, and how many.
    pub(crate) peak_at: String,
    pub(crate) peak: u64,
}

/// One bar. Lengths in the units of a 420 by 150 picture.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HourBar {
    /// The hour, as `2013-04-19 03:00`.
    pub(crate) at: String,
    pub(crate) count: u64,
    pub(crate) x: String,
    pub(crate) y: String,
    pub(crate) width: String,
    pub(crate) height: String,
    /// The middle of the bar, for its label.
    pub(crate) middle: String,
    /// What stands under it; empty where there is no room.
    pub(crate) label: String,
    pub(crate) is_peak: bool,
}

const LEFT: f64 = 8.0;
const WIDTH: f64 = 404.0;
const TOP: f64 = 22.0;
const GROUND: f64 = 128.0;
/// Beyond this many bars, bars are days, then spans of several days.
const BARS_MAX: i64 = 96;
const HOUR_MS: i64 = 3_600_000;

/// Draws records by hour, or by a longer span where they run over more hours than a picture holds.
pub(crate) fn hours(counts: &[(i64, u64)], zone: &TimeZone) -> Option<Hours> {
    let (first, last) = (counts.first()?.0, counts.last()?.0);
    let span = HOUR_MS * (1 + (last - first) / HOUR_MS / BARS_MAX);
    let bins = usize::try_from((last - first) / span + 1).ok()?;
    let mut sums = vec![0_u64; bins];
    for (at, count) in counts {
        sums[usize::try_from((at - first) / span).ok()?.min(bins - 1)] += count;
    }
    let peak = sums.iter().copied().max()?;
    let peak_place = sums.iter().position(|sum| *sum == peak)?;
    let starts = |place: usize| civil(first + span * place as i64, zone);
    let every = bins.div_ceil(12);
    let bars = sums
        .iter()
        .enumerate()
        .map(|(place, sum)| bar(place, bins, *sum, peak, starts(place), place % every == 0, place == peak_place));
    Some(Hours {
        bars: bars.collect(),
        from: starts(0).0,
        to: civil(last, zone).0,
        zone: Timestamp::from_millisecond(first).ok()?.to_zoned(zone.clone()).strftime("%Z").to_string(),
        peak_at: starts(peak_place).1,
        peak,
    })
}

/// (day, day and hour, hour) of a moment.
fn civil(at_ms: i64, zone: &TimeZone) -> (String, String, String) {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or_default().to_zoned(zone.clone());
    (at.strftime("%Y-%m-%d").to_string(), at.strftime("%Y-%m-%d %H:%M").to_string(), at.strftime("%H").to_string())
}

fn bar(place: usize, bins: usize, count: u64, peak: u64, at: (String, String, String), labelled: bool, is_peak: bool) -> HourBar {
    let slot = (WIDTH / bins as f64).min(56.0);
    let x = LEFT + slot * place as f64 + slot * 0.09;
    let least = if count > 0 { 1.0 } else { 0.0 };
    let height = (count as f64 / peak.max(1) as f64 * (GROUND - TOP)).max(least);
    HourBar {
        at: at.1,
        count,
        x: format!("{x:.1}"),
        y: format!("{:.1}", GROUND - height),
        width: format!("{:.1}", slot * 0.82),
        height: format!("{height:.1}"),
        middle: format!("{:.1}", (x + slot * 0.41).clamp(26.0, 394.0)),
        label: if labelled { at.2 } else { String::new() },
        is_peak,
    }
}

#[cfg(test)]
mod tests {
    use super::{Conservation, HOUR_MS, hours, whole};
    use jiff::tz::TimeZone;

    #[test]
    fn one_person_is_visible_among_a_million_and_the_parts_make_the_whole() {
        let line = Conservation { persons: 1_000_000, accepted: 999_999, unknown: 1, ..Conservation::default() };
        let parts = whole(&line);
        let widths: Vec<f64> = parts.iter().map(|part| part.width.parse().unwrap()).collect();
        assert!(widths[1] > 5.0 && (widths.iter().sum::<f64>() - 1000.0).abs() < 0.2, "{widths:?}");
        assert_eq!(whole(&Conservation::default()), []);
    }

    #[test]
    fn hours_without_records_keep_their_place() {
        let drawn = hours(&[(0, 5), (3 * HOUR_MS, 10)], &TimeZone::UTC).unwrap();
        assert_eq!(drawn.bars.iter().map(|bar| bar.count).collect::<Vec<_>>(), [5, 0, 0, 10]);
        assert_eq!((drawn.peak, drawn.peak_at.as_str()), (10, "1970-01-01 03:00"));
        assert!(hours(&[], &TimeZone::UTC).is_none());
    }

    #[test]
    fn a_long_attack_still_fits_the_picture() {
        let drawn = hours(&[(0, 1), (9000 * HOUR_MS, 1)], &TimeZone::UTC).unwrap();
        assert!(drawn.bars.len() <= 97, "{}", drawn.bars.len());
        assert_eq!(drawn.bars.iter().map(|bar| bar.count).sum::<u64>(), 2);
    }
}
