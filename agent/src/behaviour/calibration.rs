//! What a distance means: the probability of one at least as large, as this host's own samples have them.
//!
//! Distances are counted in bins, the older the less they count. Where some were as large, their rank is the probability,
//! which is right whatever the distribution: under a host that goes on as it did, at most one sample in a hundred gets
//! 0.01 or less. Beyond what was seen, the tail is taken to fall as it did before its end, exponentially.

/// The distances of this host's samples so far.
#[derive(Debug)]
pub(super) struct Calibration {
    /// How many were in each bin.
    counts: [f32; BINS],
    /// All of them.
    all: f32,
}

impl Calibration {
    /// Of which nothing is known yet.
    pub(super) fn new() -> Self {
        Self { counts: [0.0; BINS], all: 0.0 }
    }

    /// The probability of a distance at least as large as this, in (0, 1].
    pub(super) fn probability(&self, distance: f64) -> f64 {
        let rank = self.rank(self.above(bin(distance)));
        let tail = TAIL.min((self.all / 4.0).max(1.0));
        let (end, at_end) = self.level(tail);
        if distance <= end || at_end == 0.0 {
            return rank;
        }
        let (start, at_start) = self.level((4.0 * tail).max(self.all / 50.0).min(self.all / 2.0).max(tail));
        let fold = (end - start) / f64::from(at_start / at_end).ln();
        // where all are in one bin, its own width is all that is known of how they fall off
        let fold = if fold.is_finite() { fold } else { 0.0 }.max(end * (RATIO - 1.0));
        let fold = fold * (CAUTION + f64::from(YOUNG / (self.all + 1.0)));
        let beyond = self.rank(at_end) * (-(distance - end) / fold).exp();
        beyond.max(f64::MIN_POSITIVE).min(rank)
    }

    /// Takes this distance into those that were seen.
    pub(super) fn learn(&mut self, distance: f64) {
        self.all = self.all * KEEP + 1.0;
        for count in &mut self.counts {
            *count *= KEEP;
        }
        if let Some(count) = self.counts.get_mut(bin(distance)) {
            *count += 1.0;
        }
    }

    /// A rank as a probability. The sample that is judged is one of them.
    fn rank(&self, above: f32) -> f64 {
        f64::from((above + 1.0) / (self.all + 1.0)).min(1.0)
    }

    /// How many were in this bin or above.
    fn above(&self, bin: usize) -> f32 {
        self.counts.iter().skip(bin).sum()
    }

    /// The largest distance, at the upper end of its bin, at which there were so many as large; and how many there were.
    fn level(&self, wanted: f32) -> (f64, f32) {
        let mut above = 0.0;
        for (bin, count) in self.counts.iter().enumerate().rev() {
            above += count;
            if above >= wanted {
                return (FIRST * RATIO.powi(i32::try_from(bin).unwrap_or(i32::MAX)), above);
            }
        }
        (0.0, above)
    }
}

/// The bin of a distance: the first has all up to [`FIRST`], and each other one's end is [`RATIO`] times that of the one before.
fn bin(distance: f64) -> usize {
    let bin = ((distance / FIRST).ln() / RATIO.ln()).ceil();
    // a float that is out of range, or none at all, becomes the nearest number
    (bin as usize).min(BINS - 1)
}

/// Of what was seen this much counts one sample later: 18 hours at the usual beat of 8 s.
const KEEP: f32 = 1.0 - 1.0 / 8192.0;

/// End of the first bin: a hundredth of the distance that noise gives.
const FIRST: f64 = 0.002;

/// Each bin is so much wider than the one before.
const RATIO: f64 = 1.03;

/// Up to a distance of 35, which no float's square is far enough away for.
const BINS: usize = 331;

/// So many of the largest are not believed to be the end of what is usual: a change is told for some samples.
const TAIL: f32 = 4.0;

/// The tail is taken to be so much longer than it looks: so none of the made-up hosts that go on as they did reaches 0.6
/// (`is_calibrated` in the tests of drift).
const CAUTION: f64 = 1.5;

/// And longer still while few distances were seen, so much more than that divided by their number: with less, 98.8 % of the
/// first half hours of a host with bursts were under 0.2.
const YOUNG: f32 = 256.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(distances: impl IntoIterator<Item = f64>) -> Calibration {
        let mut calibration = Calibration::new();
        distances.into_iter().for_each(|distance| calibration.learn(distance));
        calibration
    }

    #[test]
    fn within_what_was_seen_it_is_the_rank() {
        let calibration = seen((1..=1000).map(|number| f64::from(number) / 1000.0));
        for percent in [1, 5, 20, 50, 90, 99] {
            let (part, distance) = (f64::from(percent) / 100.0, 1.0 - f64::from(percent) / 100.0);
            let probability = calibration.probability(distance);
            // never less than it is; more by what a bin holds
            assert!(probability >= part * 0.95 && probability <= part + 0.035, "{percent} %: {probability}");
        }
        assert!(calibration.probability(0.0) > 0.999);
    }

    #[test]
    fn beyond_it_falls_off_and_is_never_nothing() {
        let calibration = seen((1..=1000).map(|number| f64::from(number) / 1000.0));
        let mut before = calibration.probability(1.0);
        for distance in [1.1, 1.2, 1.5, 2.0, 5.0, 1e3, 1e300, f64::INFINITY] {
            let probability = calibration.probability(distance);
            assert!(probability > 0.0 && probability <= before, "{distance}: {probability}");
            before = probability;
        }
        assert!(calibration.probability(1.2) < 1e-3 && before < 1e-100);
    }

    #[test]
    fn of_little_seen_little_is_said() {
        assert_eq!(Calibration::new().probability(30.0), 1.0);
        let few = seen([0.1, 0.2, 0.15]).probability(0.3);
        assert!(few > 0.2, "{few}");
        let all_one = seen([0.0; 100]);
        assert_eq!(all_one.probability(0.0), 1.0);
        assert!((0.0..1e-6).contains(&all_one.probability(1.0)));
    }

    #[test]
    fn what_is_no_number_does_no_harm() {
        let mut calibration = seen([f64::NAN, f64::INFINITY, -1.0, 0.5]);
        calibration.learn(f64::NAN);
        for distance in [f64::NAN, f64::INFINITY, -1.0, 0.0, 0.7] {
            let probability = calibration.probability(distance);
            assert!(probability > 0.0 && probability <= 1.0, "{distance}: {probability}");
        }
    }
}
