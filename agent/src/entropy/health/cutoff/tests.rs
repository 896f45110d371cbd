//! The cutoffs against published values, and against whole numbers with nothing rounded.

use num_bigint::BigUint;

use super::*;

fn claim(millibits: u32) -> Claim {
    Claim::from_millibits(millibits).unwrap()
}

#[test]
fn repetition_cutoffs_are_those_of_the_standard() {
    // SP 800-90B 4.4.1 works out these two: "1 + 20/2.0 = 11", and six repetitions at eight bits for about one
    // false alarm in 10^12 samples.
    assert_eq!(repetition(claim(2000), 20), 11);
    assert_eq!(repetition(Claim::FULL, 40), 6);
    // jitterentropy-health.c: 30 times the oversampling rate 1/H, its count begins one lower.
    for rate in [1, 2, 4, 5, 8, 10] {
        assert_eq!(repetition(claim(1000 / rate), 30), 1 + 30 * rate, "{rate}");
    }
    assert_eq!(repetition(Claim::FULL, 30), 5);
}

#[test]
fn repetition_cutoffs_are_the_least_that_keep_the_chance() {
    for millibits in 1..=8000 {
        for alpha_bits in 1..=40 {
            let repeats = repetition(claim(millibits), alpha_bits) - 1;
            // The chance of so many repeats is 2^-(H · repeats).
            assert!(millibits * repeats >= 1000 * alpha_bits, "{millibits} {alpha_bits}");
            assert!(millibits * (repeats - 1) < 1000 * alpha_bits, "{millibits} {alpha_bits}");
        }
    }
}

#[test]
fn proportion_cutoffs_are_those_of_the_standards_table() {
    // SP 800-90B, table 2, samples that are no single bits: W = 512, α = 2^-20.
    for (millibits, cutoff) in [(500, 410), (1000, 311), (2000, 177), (4000, 62), (8000, 13)] {
        assert_eq!(proportion(claim(millibits), 20), cutoff, "{millibits}");
    }
}

#[test]
fn proportion_cutoffs_are_at_most_one_under_jitterentropys() {
    // jitterentropy-health.c, jent_apt_cutoff_lookup: by the corrected formula, for H = 1/rate and α = 2^-30.
    for (rate, corrected) in [(1, 325), (2, 422), (4, 477), (5, 488), (8, 502), (10, 507)] {
        let ours = proportion(claim(1000 / rate), 30);
        assert!(ours == corrected || ours + 1 == corrected, "{rate}: {ours}");
    }
}

#[test]
fn no_proportion_cutoff_makes_a_test_that_cannot_fail() {
    for millibits in 1..=8000 {
        let cutoff = proportion(claim(millibits), 40);
        assert!((2..=WINDOW).contains(&cutoff), "{millibits}: {cutoff}");
    }
    assert_eq!(proportion(claim(1), 30), WINDOW);
}

/// Bits behind the point of a [`Fixed`].
const POINT: u32 = 1024;

/// The chances of 0 to `trials` bytes of a kind with chance 2^-(eighths/8), and what they add up to from there on.
/// As multiples of 2^-1024, rounded down: exact beside an α of 2^-40.
struct Binomial {
    at_least: Vec<BigUint>,
}

impl Binomial {
    fn new(trials: u32, eighths: u32) -> Self {
        let whole = BigUint::from(1_u8) << POINT;
        // The root of the root of the root of 2^-eighths.
        let mut one = whole.clone() >> eighths;
        for _ in 0..3 {
            one = (one << POINT).sqrt();
        }
        let other = &whole - &one;
        let powers = |base: &BigUint| {
            let next = |power: &BigUint| Some((power * base) >> POINT);
            std::iter::successors(Some(whole.clone()), next).take(trials as usize + 1).collect::<Vec<_>>()
        };
        let (ones, others) = (powers(&one), powers(&other));
        let mut ways = BigUint::from(1_u8);
        let mut at_least = vec![BigUint::default(); trials as usize + 2];
        for equal in (0..=trials).rev() {
            let at = equal as usize;
            at_least[at] = &at_least[at + 1] + ((&ways * &ones[at] * &others[trials as usize - at]) >> POINT);
            ways = ways * equal / (trials - equal + 1);
        }
        Self { at_least }
    }

    /// 2^-`alpha_bits`, as a multiple of 2^-1024.
    fn alpha(alpha_bits: u32) -> BigUint {
        BigUint::from(1_u8) << (POINT - alpha_bits)
    }

    /// CRITBINOM: the least k such that more than k have a chance of α or less.
    fn critical(&self, alpha_bits: u32) -> u32 {
        let alpha = Self::alpha(alpha_bits);
        let k = (0..self.at_least.len() - 1).find(|k| self.at_least[k + 1] <= alpha).unwrap();
        u32::try_from(k).unwrap()
    }
}

#[test]
fn proportion_cutoffs_agree_with_whole_numbers() {
    // Every eighth of a bit: its chance is the third square root of a power of two.
    for eighths in 1..=64 {
        let exact = Binomial::new(WINDOW, eighths);
        for alpha_bits in 1..=40 {
            let expected = (1 + exact.critical(alpha_bits)).min(WINDOW);
            assert_eq!(proportion(claim(125 * eighths), alpha_bits), expected, "{eighths} {alpha_bits}");
        }
    }
}

#[test]
fn each_cutoff_gives_about_the_chance_it_is_for() {
    // The first byte of a window is there by itself: an alarm is that C - 1 of the other 511 equal it.
    let mut most = 0.0_f64;
    for eighths in 8..=64 {
        let rest = Binomial::new(WINDOW - 1, eighths);
        for alpha_bits in [20, 30, 40] {
            let needed = proportion(claim(125 * eighths), alpha_bits) - 1;
            let thousandths = (&rest.at_least[needed as usize] * 1000_u32) / Binomial::alpha(alpha_bits);
            let times = f64::from(u32::try_from(thousandths).unwrap()) / 1000.0;
            assert!((0.5..6.0).contains(&times), "{eighths} {alpha_bits}: {times} times α");
            most = most.max(times);
        }
    }
    assert!(most > 3.0, "{most}");
    let full = Binomial::new(WINDOW - 1, 64);
    let chance = &full.at_least[proportion(Claim::FULL, 30) as usize - 1];
    let tenths = (chance * 10_u32) / Binomial::alpha(30);
    assert_eq!(tenths, BigUint::from(34_u8), "3.4 to 3.5 times 2^-30, as the docs of the module have it");
}
