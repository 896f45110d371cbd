//! How many cases a property runs, and from which seed.

use std::time::Instant;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestRunner};

/// So many of `full` cases: all of them where `SELFSAME_FULL` is 1, else a tenth.
pub fn cases(full: u32) -> u32 {
    if std::env::var_os("SELFSAME_FULL").is_some_and(|value| value == "1") { full } else { full.div_ceil(10) }
}

/// Holds `property` against `full` values of `strategy`, or a tenth of them, and prints how many and from which
/// seed: always the same, or the one that `SELFSAME_SEED` names.
pub fn check<S: Strategy>(full: u32, strategy: S, property: impl Fn(S::Value)) {
    let seed =
        std::env::var("SELFSAME_SEED").map_or(0, |seed| seed.parse().expect("SELFSAME_SEED: a number"));
    let cases = cases(full);
    let config = Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 30,
        ..Config::default()
    };
    let start = Instant::now();
    let result = TestRunner::new(config).run(&strategy, |value| {
        property(value);
        Ok(())
    });
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    println!("{name}: {cases} cases of {full}, seed {seed}, {:.1?}", start.elapsed());
    if let Err(error) = result {
        panic!("{name}, seed {seed}: {error}");
    }
}
