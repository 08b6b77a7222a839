//! Rotated logs: which file of a numbered or dated set is missing. A missing file is a gap in knowledge, not an absence of
//! attack.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

/// Numbers that are named of one set; a set that begins at a far number names no more.
const MISSING_MAX: usize = 100;

/// A log that should be there by the names of its neighbours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingLog {
    /// Its name, as its neighbours are called (packing left out).
    pub name: String,
    /// The path of the next younger log of the set.
    pub younger: String,
    /// The path of the next older one.
    pub older: String,
}

/// The logs that are missing among these paths: `access.log`, `access.log.1.gz`, `access.log.3.gz` lack number 2;
/// `access.log-20130401`, `-20130402`, `-20130404` lack the 3rd.
pub fn missing_logs(paths: &[&str]) -> Vec<MissingLog> {
    let mut numbered: BTreeMap<&str, BTreeMap<u32, &str>> = BTreeMap::new();
    let mut dated: BTreeMap<(&str, Style), BTreeMap<Date, &str>> = BTreeMap::new();
    for path in paths {
        let plain = without_packing(path);
        if let Some((set, number)) = numbered_name(plain) {
            numbered.entry(set).or_default().entry(number).or_insert(path);
        } else if let Some((set, style, date)) = dated_name(plain) {
            dated.entry((set, style)).or_default().entry(date).or_insert(path);
        }
    }
    // The file that is written now has no number; it stands before the first.
    for path in paths {
        if let Some(set) = numbered.get_mut(without_packing(path)) {
            set.entry(0).or_insert(path);
        }
    }
    let mut found: Vec<MissingLog> = numbered.iter().flat_map(|(set, files)| missing_numbers(set, files)).collect();
    found.extend(dated.iter().flat_map(|((set, style), files)| missing_days(set, *style, files)));
    found
}

fn without_packing(path: &str) -> &str {
    [".gz", ".zst", ".bz2", ".xz"].into_iter().find_map(|packing| path.strip_suffix(packing)).unwrap_or(path)
}

/// `access.log.12`
fn numbered_name(path: &str) -> Option<(&str, u32)> {
    let (set, number) = path.rsplit_once('.')?;
    let is_number = (1..=4).contains(&number.len()) && number.bytes().all(|digit| digit.is_ascii_digit());
    if is_number { Some((set, number.parse().ok()?)) } else { None }
}

/// How the day is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Style {
    /// `-20130401`
    Digits,
    /// `-2013-04-01`
    Dashes,
}

/// `access.log-20130401` (logrotate's `dateext`) and `access.log-2013-04-01`, with a dot before the day too.
fn dated_name(path: &str) -> Option<(&str, Style, Date)> {
    for (style, length) in [(Style::Dashes, 10), (Style::Digits, 8)] {
        let Some((set, day)) = path.len().checked_sub(length).and_then(|at| path.split_at_checked(at)) else { continue };
        let digits: String = day.chars().filter(char::is_ascii_digit).collect();
        let is_day = digits.len() == 8 && (style == Style::Digits || day.as_bytes()[4] == b'-' && day.as_bytes()[7] == b'-');
        if is_day && set.ends_with(['-', '.', '_']) {
            let part = |from: usize, to: usize| digits[from..to].parse::<i16>().ok();
            let date = Date::new(part(0, 4)?, part(4, 6)? as i8, part(6, 8)? as i8).ok()?;
            return Some((set, style, date));
        }
    }
    None
}

fn missing_numbers(set: &str, files: &BTreeMap<u32, &str>) -> Vec<MissingLog> {
    let mut found = Vec::new();
    for ((younger, path), (older, other)) in files.iter().zip(files.iter().skip(1)) {
        for number in younger + 1..*older {
            if found.len() < MISSING_MAX {
                found.push(MissingLog { name: format!("{set}.{number}"), younger: (*path).into(), older: (*other).into() });
            }
        }
    }
    found
}

/// Days are missing where the set has one file for each day otherwise: a set that is rotated weekly lacks none.
fn missing_days(set: &str, style: Style, files: &BTreeMap<Date, &str>) -> Vec<MissingLog> {
    let dates: BTreeSet<Date> = files.keys().copied().collect();
    let pairs: Vec<(Date, Date)> = dates.iter().copied().zip(dates.iter().copied().skip(1)).collect();
    let days = |(from, to): &(Date, Date)| from.until(*to).map_or(0, |span| span.get_days());
    let daily = pairs.iter().filter(|pair| days(pair) == 1).count();
    let mut found = Vec::new();
    if daily * 2 < pairs.len() || daily == 0 {
        return found;
    }
    for (from, to) in pairs {
        let mut day = from.tomorrow();
        while let Ok(date) = day
            && date < to
            && found.len() < MISSING_MAX
        {
            let text = match style {
                Style::Digits => date.strftime("%Y%m%d").to_string(),
                Style::Dashes => date.strftime("%Y-%m-%d").to_string(),
            };
            found.push(MissingLog { name: format!("{set}{text}"), younger: files[&to].into(), older: files[&from].into() });
            day = date.tomorrow();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::missing_logs;

    fn check(paths: &[&str], expected: &[(&str, &str, &str)]) {
        let found = missing_logs(paths);
        let found: Vec<_> = found.iter().map(|m| (m.name.as_str(), m.younger.as_str(), m.older.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_number_that_is_left_out_is_missing() {
        check(
            &["w/access.log", "w/access.log.1", "w/access.log.3.gz", "w/access.log.4.gz"],
            &[("w/access.log.2", "w/access.log.1", "w/access.log.3.gz")],
        );
        check(&["w/access.log", "w/access.log.2.zst"], &[("w/access.log.1", "w/access.log", "w/access.log.2.zst")]);
        check(&["w/access.log", "w/access.log.1", "w/error.log.3", "x/access.log.7", "w/access.log.2"], &[]);
        check(&["w/access.log.1", "w/access.log.1.gz", "w/access.log.2"], &[]);
    }

    #[test]
    fn a_day_that_is_left_out_is_missing_where_there_is_one_for_each() {
        check(
            &["a.log-20130330.gz", "a.log-20130331.gz", "a.log-20130401", "a.log-20130403"],
            &[("a.log-20130402", "a.log-20130403", "a.log-20130401")],
        );
        check(
            &["a.log-2013-03-30", "a.log-2013-03-31", "a.log-2013-04-02"],
            &[("a.log-2013-04-01", "a.log-2013-04-02", "a.log-2013-03-31")],
        );
        check(&["a.log-20130407", "a.log-20130414", "a.log-20130421"], &[]);
        check(&["a.log-20131399", "b-日本語20130401"], &[]);
    }
}
