//! Drift: how unusual what a host does is, against all that was seen of it.

use std::{fmt, time::Duration};

use super::{
    calibration::Calibration,
    familiar::Familiar,
    features::{Features, Group},
    profile::Profile,
    reading::Reading,
};

/// How unusual a sample is, in thousandths: min(1, −log10(p)/10), p being the probability that this host gives a sample at
/// least this far out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Drift(u32);

impl Drift {
    fn of(probability: f64) -> Self {
        let drift = (-probability.log10() / 10.0).clamp(0.0, 1.0);
        // cut, not rounded: just under 0.2 is not 0.2
        Self((drift * 1000.0) as u32)
    }

    /// In thousandths, 0 to 1,000.
    pub(crate) fn thousandths(self) -> u32 {
        self.0
    }

    /// From 0 to 1.
    pub(crate) fn as_f64(self) -> f64 {
        f64::from(self.0) / 1000.0
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.as_f64())
    }
}

/// What is known of the host, and the judgement over its samples. It reads no clock and does no I/O.
#[derive(Debug)]
pub(super) struct Judge {
    before: Option<(Reading, Duration)>,
    familiar: Familiar,
    horizons: [(Profile, [Calibration; Group::ALL.len()]); HORIZONS.len()],
    samples: u64,
}

/// A sample, judged.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Judged {
    /// How unusual it is; none while too little was seen to say so.
    pub(super) drift: Option<Drift>,
    /// What is furthest from usual, for people, that first.
    pub(super) furthest: Vec<&'static str>,
}

impl Judge {
    /// One that has seen nothing.
    pub(super) fn new() -> Self {
        let horizons =
            HORIZONS.map(|horizon| (Profile::new(horizon), Group::ALL.map(|_| Calibration::new())));
        Self { before: None, familiar: Familiar::default(), horizons, samples: 0 }
    }

    /// Judges a reading, `at` by a clock that stands still while the machine sleeps, and takes it into what is usual.
    ///
    /// A sample is as probable as the horizon says that finds it most so: what was usual a minute ago, or an hour
    /// ago, or at the same time yesterday is usual.
    pub(super) fn judge(&mut self, reading: &Reading, at: Duration) -> Judged {
        self.samples += 1;
        let programs = reading.programs.as_ref();
        let surprise = programs.map(|programs| self.familiar.surprise(programs));
        let features = self.before.as_ref().map(|(before, earlier)| {
            Features::between(before, reading, at.saturating_sub(*earlier), surprise)
        });
        if let Some(programs) = programs {
            self.familiar.learn(programs);
        }
        self.before = Some((Reading { programs: None, ..reading.clone() }, at));

        let mut judged = Judged { drift: None, furthest: Vec::new() };
        let Some(features) = features else { return judged };
        let mut most_probable: Option<f64> = None;
        for (profile, calibrations) in &mut self.horizons {
            let mut least: Option<f64> = None;
            for (group, calibration) in Group::ALL.into_iter().zip(calibrations) {
                if let Some(distance) = profile.distance(&features, group) {
                    let probability = calibration.probability(distance);
                    least = Some(least.map_or(probability, |least| least.min(probability)));
                    calibration.learn(distance);
                }
            }
            // that of any one of them being as far out is as much as all of theirs together
            let probability = least.map(|least| (least * Group::ALL.len() as f64).min(1.0));
            if let Some(probability) = probability
                && most_probable.is_none_or(|most| most < probability)
            {
                most_probable = Some(probability);
                judged.furthest = profile.furthest(&features);
            }
            profile.learn(&features);
        }
        judged.drift = most_probable.filter(|_| self.has_seen_enough()).map(Drift::of);
        judged
    }

    /// How many samples it has seen.
    pub(super) fn samples(&self) -> u64 {
        self.samples
    }

    /// Whether it has seen enough to judge.
    pub(super) fn has_seen_enough(&self) -> bool {
        self.samples > WARMING_SAMPLES
    }
}

/// Horizons in samples: at the usual beat of 8 s four minutes, an hour and a day.
const HORIZONS: [u32; 3] = [32, 450, 10_800];

/// Samples before the first that is judged: two minutes at the usual beat, and a dozen distances to compare it with. With
/// fewer a rank says nothing. More would not make the verdicts any truer, since a young calibration is cautious by itself (of
/// first half hours as much is under 0.2 as of days), and would leave each start of the agent without one for longer.
pub(crate) const WARMING_SAMPLES: u64 = 16;

#[cfg(test)]
pub(super) mod tests;
