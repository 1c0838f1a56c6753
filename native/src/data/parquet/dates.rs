//! Dates and times as words in ISO form.

/// Seconds of a day.
const DAY: i64 = 86_400;

/// What a number of ticks means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// Days since 1970-01-01.
    Days,
    /// Ticks since midnight, so many a second.
    Time(i64),
    /// Ticks since 1970-01-01, so many a second, in UTC or in a time zone that nobody names.
    Instant(i64, bool),
}

impl Clock {
    /// The words of a column. Instants that are all at midnight are days, as pandas writes them.
    pub(super) fn words(self, ticks: &[i64]) -> Vec<String> {
        match self {
            Self::Days => ticks.iter().map(|&days| day(days)).collect(),
            Self::Time(rate) => ticks.iter().map(|&ticks| time(ticks, rate)).collect(),
            Self::Instant(rate, utc) => {
                let length = rate * DAY;
                if ticks.iter().all(|ticks| ticks % length == 0) {
                    return ticks.iter().map(|ticks| day(ticks / length)).collect();
                }
                let zone = if utc { "Z" } else { "" };
                let word = |&ticks: &i64| {
                    let (days, rest) = (ticks.div_euclid(length), ticks.rem_euclid(length));
                    format!("{}T{}{zone}", day(days), time(rest, rate))
                };
                ticks.iter().map(word).collect()
            }
        }
    }
}

/// The date of a day since 1970-01-01 (Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`).
fn day(days: i64) -> String {
    // Years begin in March and eras of 400 years at 0000-03-01, so that the leap day is the last of its year.
    let shifted = i128::from(days) + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i128::from(month <= 2);
    format!("{year:04}-{month:02}-{of_month:02}")
}

/// The time of day, with as many digits of a second as it has.
fn time(ticks: i64, rate: i64) -> String {
    let (seconds, rest) = (ticks.div_euclid(rate), ticks.rem_euclid(rate));
    let whole = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if rest == 0 {
        return whole;
    }
    let width = rate.ilog10() as usize;
    let digits = format!("{rest:0width$}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against Python's `datetime`.
    #[test]
    fn days_of_the_calendar() {
        let days = [0, -1, 18_321, 11_016, -25_508, 2_932_896, -719_162];
        let dates = [
            "1970-01-01",
            "1969-12-31",
            "2020-02-29",
            "2000-02-29",
            "1900-03-01",
            "9999-12-31",
            "0001-01-01",
        ];
        assert_eq!(Clock::Days.words(&days), dates);
        assert_eq!(day(i64::MIN).len(), "-25252734927764585-06-07".len());
    }

    #[test]
    fn instants_and_times() {
        let instants = Clock::Instant(1000, true).words(&[1_582_979_400_000, -500]);
        assert_eq!(instants, ["2020-02-29T12:30:00Z", "1969-12-31T23:59:59.5Z"]);
        let midnights = Clock::Instant(1_000_000, false).words(&[86_400_000_000, -86_400_000_000]);
        assert_eq!(midnights, ["1970-01-02", "1969-12-31"]);
        assert_eq!(Clock::Time(1_000_000_000).words(&[3_600_000_000_001]), ["01:00:00.000000001"]);
    }
}
