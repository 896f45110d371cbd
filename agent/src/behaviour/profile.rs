//! What is usual for this host: each feature's mean and variance over one horizon, and how far a sample is from that.

use super::features::{FEATURES, Features, Group};

/// Mean and variance of each feature, the older the less they count.
#[derive(Debug)]
pub(super) struct Profile {
    /// Samples after which an old one counts e-fold less.
    horizon: f64,
    usual: [Usual; FEATURES.len()],
}

/// Mean and variance of one feature, and how often it had a value.
#[derive(Clone, Copy, Debug, Default)]
struct Usual {
    seen: f64,
    mean: f64,
    variance: f64,
}

impl Profile {
    /// Of which nothing is known yet.
    pub(super) fn new(horizon: u32) -> Self {
        Self { horizon: f64::from(horizon), usual: [Usual::default(); _] }
    }

    /// How far these are from what is usual: 0 and above; none where there is nothing to compare.
    ///
    /// It is the mean over the features of ln(1 + z²/4), z being how many standard deviations one is away: as the
    /// logarithm of a likelihood with heavy tails. Many features that are somewhat off make as much of it as
    /// one that is off the scale.
    pub(super) fn distance(&self, features: &Features, group: Group) -> Option<f64> {
        let (mut sum, mut count) = (0.0, 0.0);
        let usual = self.usual.iter().zip(features.iter());
        for (usual, (feature, value)) in usual.filter(|(_, (feature, _))| feature.group == group) {
            if let Some(square) = value.and_then(|value| usual.square(value, feature.grain)) {
                sum += (square / HEAVY).ln_1p();
                count += 1.0;
            }
        }
        (count > 0.0).then(|| sum / count)
    }

    /// The features that are furthest from what is usual, that one first.
    pub(super) fn furthest(&self, features: &Features) -> Vec<&'static str> {
        let squares = self.usual.iter().zip(features.iter()).filter_map(|(usual, (feature, value))| {
            let square = value.and_then(|value| usual.square(value, feature.grain))?;
            Some((square, feature.name))
        });
        let mut squares: Vec<(f64, &'static str)> = squares.collect();
        squares.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        squares.into_iter().take(TOLD_MOST).map(|(_, name)| name).collect()
    }

    /// Takes these into what is usual.
    pub(super) fn learn(&mut self, features: &Features) {
        for (usual, (feature, value)) in self.usual.iter_mut().zip(features.iter()) {
            if let Some(value) = value {
                usual.learn(value, feature.grain, self.horizon);
            }
        }
    }
}

impl Usual {
    /// The square of the standard deviations that a value is away from the mean.
    fn square(&self, value: f64, grain: f64) -> Option<f64> {
        if self.seen < SEEN_LEAST {
            return None;
        }
        // the mean's own error is in it, which is large while little was seen
        let variance = self.variance * (1.0 + 1.0 / self.seen) + grain * grain;
        Some((value - self.mean).powi(2) / variance)
    }

    fn learn(&mut self, value: f64, grain: f64, horizon: f64) {
        let mut away = value - self.mean;
        if self.seen >= CLIPPED_FROM {
            // one that is far out moves it, but does not by itself make all else usual
            let most = CLIPPED_AT * (self.variance + grain * grain).sqrt();
            away = away.clamp(-most, most);
        }
        self.seen = (self.seen + 1.0).min(horizon);
        let part = 1.0 / self.seen;
        self.mean += part * away;
        self.variance = (1.0 - part) * (self.variance + part * away * away);
    }
}

/// Values that a feature must have had before it is judged.
const SEEN_LEAST: f64 = 3.0;

/// From so many values on, what is further out than [`CLIPPED_AT`] standard deviations counts as if it were just that.
const CLIPPED_FROM: f64 = 8.0;

/// Of a normal distribution 6 in 100,000 are further out than four standard deviations.
const CLIPPED_AT: f64 = 3.0;

/// Below four standard deviations a distance grows with the square of z, as a normal distribution's likelihood has it, so
/// that its tail is exponential; above it with its logarithm.
const HEAVY: f64 = 16.0;

/// Features that are told of a sample.
const TOLD_MOST: usize = 3;
