//! False alarms are as many as they ought to be: counted over a stream with nothing wrong.

use std::time::Instant;

use super::super::{
    Claim, cutoff,
    proportion::{Proportion, WINDOW},
    repetition::Repetition,
};

/// Bytes that are looked at, at least, where `SELFSAME_FULL` is 1; else a tenth of them.
const BYTES_FULL: usize = 100_000_000;

/// Bytes that are taken from the stream at a time: a whole number of windows.
const BLOCK_BYTES: usize = 1 << 16;

/// Both tests at one α, over a source that has just the min-entropy that is claimed, and their alarms so far.
struct Counted {
    bits: u32,
    alpha_bits: u32,
    repetition: Repetition,
    repetitions: u64,
    proportion: Proportion,
    proportions: u64,
}

impl Counted {
    fn new(bits: u32, alpha_bits: u32) -> Self {
        let claim = Claim::from_millibits(1000 * bits).unwrap();
        let repetition = Repetition::new(cutoff::repetition(claim, alpha_bits));
        let proportion = Proportion::new(cutoff::proportion(claim, alpha_bits));
        Self { bits, alpha_bits, repetition, repetitions: 0, proportion, proportions: 0 }
    }

    /// Goes on after an alarm as if there had been none. Counts the samples that end a run of C equal ones or more,
    /// and the windows with an alarm.
    fn block(&mut self, samples: &[u8]) {
        let mut rest = samples;
        while let Some(position) = self.repetition.watch(rest) {
            self.repetitions += 1;
            rest = &rest[position + 1..];
        }
        for window in samples.chunks(WINDOW as usize) {
            let mut rest = window;
            let mut alarm = 0;
            while let Some(position) = self.proportion.watch(rest) {
                alarm = 1;
                rest = &rest[position + 1..];
            }
            self.proportions += alarm;
        }
    }

    /// The chance of a byte.
    fn chance(&self) -> f64 {
        (-f64::from(self.bits)).exp2()
    }

    /// Samples that end a run of C or more, as expected, and their variance.
    ///
    /// All but the first C - 1 samples do with chance p^(C-1): that it and the C - 2 before it each equal the one
    /// before. They come in clumps, one sample longer with chance p: clumps of a mean 1/(1-p) and a mean square
    /// (1+p)/(1-p)^2 make the variance (1+p)/(1-p) times that of single ones.
    fn repetitions_expected(&self, samples: f64) -> (f64, f64) {
        let p = self.chance();
        let repeats = i32::try_from(self.repetition.cutoff() - 1).unwrap();
        let expected = (samples - f64::from(repeats)) * p.powi(repeats);
        (expected, expected * (1.0 + p) / (1.0 - p))
    }

    /// Windows with an alarm, as expected, and their variance: those in which C - 1 or more of the 511 bytes after
    /// the first equal it. Added up from no byte at all, unlike the cutoff.
    fn proportions_expected(&self, samples: f64) -> (f64, f64) {
        let p = self.chance();
        let others = f64::from(WINDOW - 1);
        let mut exactly = (1.0 - p).powf(others);
        let mut chance = 0.0;
        for equal in 0..WINDOW {
            if equal + 1 >= self.proportion.cutoff() {
                chance += exactly;
            }
            exactly *= (others - f64::from(equal)) / f64::from(equal + 1) * p / (1.0 - p);
        }
        let windows = samples / f64::from(WINDOW);
        (windows * chance, windows * chance * (1.0 - chance))
    }
}

/// The count is within five standard deviations of what is expected, and one more where that is next to nothing.
fn is_as_expected(counted: u64, (expected, variance): (f64, f64)) -> bool {
    (counted as f64 - expected).abs() <= 5.0 * variance.sqrt() + f64::from(u8::from(expected < 1.0))
}

#[test]
fn the_alarms_on_10_8_bytes_of_a_seeded_csprng_are_as_expected() {
    let start = Instant::now();
    let seed: u64 = std::env::var("SELFSAME_SEED").map_or(0, |seed| seed.parse().unwrap());
    let full = std::env::var_os("SELFSAME_FULL").is_some_and(|value| value == "1");
    let bytes = if full { BYTES_FULL } else { BYTES_FULL / 10 }.next_multiple_of(BLOCK_BYTES);

    let alphas = [8, 12, 16, 20, 30];
    let mut counted: Vec<Counted> =
        [8, 4].iter().flat_map(|bits| alphas.map(|alpha_bits| Counted::new(*bits, alpha_bits))).collect();
    let mut stream = blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof();
    let mut block = vec![0; BLOCK_BYTES];
    for _ in 0..bytes / BLOCK_BYTES {
        stream.fill(&mut block);
        counted.iter_mut().filter(|counted| counted.bits == 8).for_each(|counted| counted.block(&block));
        block.iter_mut().for_each(|byte| *byte &= 0x0f);
        counted.iter_mut().filter(|counted| counted.bits == 4).for_each(|counted| counted.block(&block));
    }

    let samples = bytes as f64;
    println!("{bytes} bytes, seed {seed}, {:.1?}; alarms, and as many as expected:", start.elapsed());
    let mut with_teeth = 0;
    let mut wrong = Vec::new();
    for counted in &counted {
        let all = [
            (
                "repetition",
                counted.repetition.cutoff(),
                counted.repetitions,
                counted.repetitions_expected(samples),
            ),
            (
                "proportion",
                counted.proportion.cutoff(),
                counted.proportions,
                counted.proportions_expected(samples),
            ),
        ];
        for (test, cutoff, alarms, expected) in all {
            let line = format!(
                "H = {}, α = 2^-{}, {test}, C = {cutoff}: {alarms}, {:.4}",
                counted.bits, counted.alpha_bits, expected.0
            );
            println!("{line}");
            // From 25 on, none at all would be five standard deviations off: the bound bites on both sides.
            with_teeth += u32::from(expected.0 > 26.0);
            if !is_as_expected(alarms, expected) {
                wrong.push(line);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(with_teeth >= 6, "{with_teeth}");
}
