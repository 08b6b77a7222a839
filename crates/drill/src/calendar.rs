//! Time as the shop lives it: more customers in the evening, before holidays, and from year to year.
//! Times are seconds since 1970 UTC; the shop's clock is Asia/Tokyo, which has no summer time.

use jiff::{Timestamp, civil::DateTime, tz::Offset};

/// 2011-03-07 09:00 +09:00: the first application.
pub(crate) const SHOP_OPENED: i64 = 1_299_456_000;
/// 2013-03-25 00:00 +09:00: the oldest web log that was kept.
pub(crate) const LOG_STARTS: i64 = 1_364_137_200;
/// 2013-04-23 17:00 +09:00: the shop closes its forms.
pub(crate) const SHOP_CLOSED: i64 = 1_366_704_000;
/// 2013-04-23 21:30 +09:00: log and snapshot are taken, half an hour before the card data is deleted.
pub(crate) const LOG_ENDS: i64 = 1_366_720_200;
/// Sundays 06:47 +09:00, when the log is rotated, oldest first.
pub(crate) const ROTATIONS: [i64; 4] = [1_364_680_020, 1_365_284_820, 1_365_889_620, 1_366_494_420];

/// How much happens in each hour of a day, from midnight.
const HOURS: [u64; 24] = [30, 18, 10, 6, 5, 7, 14, 24, 36, 48, 56, 60, 66, 62, 58, 58, 60, 62, 66, 76, 90, 100, 92, 60];
/// How much happens in each month, from January: summer, the turn of the year and Golden Week.
const MONTHS: [u64; 12] = [9, 9, 12, 12, 9, 9, 14, 15, 11, 9, 9, 14];

/// Spreads events over a period.
#[derive(Clone, Debug)]
pub(crate) struct Rhythm {
    start: i64,
    /// The weight of all hours before each hour, and of all.
    before: Vec<u64>,
    growing: bool,
}

impl Rhythm {
    /// Over the years, with a growing shop.
    pub(crate) fn of_orders() -> Self {
        Self::new(SHOP_OPENED, SHOP_CLOSED, true)
    }

    /// Over the weeks of the web log.
    pub(crate) fn of_visits() -> Self {
        Self::new(LOG_STARTS, LOG_ENDS - 1800, false)
    }

    fn new(start: i64, end: i64, growing: bool) -> Self {
        let mut rhythm = Self { start, before: vec![0], growing };
        let mut total = 0;
        for hour in 0..(end - start) / 3600 {
            total += rhythm.weight(start + hour * 3600);
            rhythm.before.push(total);
        }
        rhythm
    }

    fn weight(&self, at: i64) -> u64 {
        let civil = civil(at);
        let months = (at - self.start) as u64 / (86_400 * 30);
        let growth = if self.growing { 12 + months } else { 12 };
        HOURS[civil.hour() as usize] * MONTHS[civil.month() as usize - 1] * growth
    }

    /// When the `place`-th of `count` events happens, in milliseconds: rising with `place`.
    pub(crate) fn at_ms(&self, place: u64, count: u64) -> i64 {
        let total = *self.before.last().unwrap_or(&1);
        let target = ((u128::from(place) * 1000 + 500) * u128::from(total) / (u128::from(count.max(1)) * 1000)) as u64;
        let hour = self.before.partition_point(|before| *before <= target).saturating_sub(1).min(self.before.len() - 2);
        let (low, high) = (self.before[hour], self.before[hour + 1]);
        let inside = (target - low) * 3_600_000 / (high - low).max(1);
        self.start * 1000 + hour as i64 * 3_600_000 + inside as i64
    }
}

/// The shop's clock at this time.
pub(crate) fn civil(at: i64) -> DateTime {
    let at = Timestamp::from_second(at).unwrap_or(Timestamp::UNIX_EPOCH);
    Offset::constant(9).to_datetime(at)
}

#[cfg(test)]
mod tests {
    use super::{LOG_ENDS, LOG_STARTS, ROTATIONS, Rhythm, SHOP_CLOSED, SHOP_OPENED, civil};

    #[test]
    fn the_constants_are_the_dates_of_the_story() {
        let shown = |at| civil(at).to_string();
        assert_eq!(shown(SHOP_OPENED), "2011-03-07T09:00:00");
        assert_eq!(shown(LOG_STARTS), "2013-03-25T00:00:00");
        assert_eq!(shown(SHOP_CLOSED), "2013-04-23T17:00:00");
        assert_eq!(shown(LOG_ENDS), "2013-04-23T21:30:00");
        let rotations = ROTATIONS.map(shown);
        assert_eq!(rotations, ["2013-03-31T06:47:00", "2013-04-07T06:47:00", "2013-04-14T06:47:00", "2013-04-21T06:47:00"]);
    }

    #[test]
    fn events_follow_one_another_and_fill_the_period() {
        let rhythm = Rhythm::of_orders();
        let all: Vec<i64> = (0..5000).map(|place| rhythm.at_ms(place, 5000)).collect();
        assert!(all.is_sorted());
        assert_eq!(civil(all[0] / 1000).date().to_string(), "2011-03-07");
        assert_eq!(civil(all[4999] / 1000).date().to_string(), "2013-04-23");
        assert!(all[4999] / 1000 < SHOP_CLOSED);
    }
}
