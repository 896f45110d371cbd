//! Spans of time, as verdicts and refusals tell them.

use selfsame::TICKS_PER_SECOND;

/// Whole milliseconds of so many ticks.
pub fn ms_of_ticks(ticks: u64) -> u64 {
    saturating(u128::from(ticks) * 1000 / u128::from(TICKS_PER_SECOND))
}

/// The same, rounded up: what is there is never shown as nothing.
pub fn ms_of_ticks_at_least(ticks: u64) -> u64 {
    saturating((u128::from(ticks) * 1000).div_ceil(u128::from(TICKS_PER_SECOND)))
}

/// A span of time in its two largest units, for people.
pub fn span(ms: u64) -> String {
    const SECOND: u64 = 1000;
    const MINUTE: u64 = 60 * SECOND;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    match ms {
        0..SECOND => format!("{ms} ms"),
        SECOND..MINUTE => format!("{}.{} s", ms / SECOND, ms % SECOND / 100),
        MINUTE..HOUR => format!("{} min {} s", ms / MINUTE, ms % MINUTE / SECOND),
        HOUR..DAY => format!("{} h {} min", ms / HOUR, ms % HOUR / MINUTE),
        DAY.. => format!("{} d {} h", ms / DAY, ms % DAY / HOUR),
    }
}

fn saturating(ms: u128) -> u64 {
    u64::try_from(ms).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_units() {
        for (ms, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1000, "1.0 s"),
            (59_999, "59.9 s"),
            (60_000, "1 min 0 s"),
            (3_599_999, "59 min 59 s"),
            (3_600_000, "1 h 0 min"),
            (86_399_999, "23 h 59 min"),
            (90_000_000, "1 d 1 h"),
        ] {
            assert_eq!(span(ms), text);
        }
        assert!(span(u64::MAX).ends_with(" h"));
    }

    #[test]
    fn ticks_round_down_or_up() {
        assert_eq!((ms_of_ticks(4096), ms_of_ticks_at_least(4096)), (1000, 1000));
        assert_eq!((ms_of_ticks(1), ms_of_ticks_at_least(1)), (0, 1));
        assert_eq!(ms_of_ticks(u64::MAX), 4_503_599_627_370_495_999);
    }
}
