//! Random worlds: nothing is refused, and nothing is foreign.

use std::thread;
use std::time::Instant;

use selfsame_tests::play::count::cases;

use super::tally::Tally;
use super::world::World;

/// Steps of one world, which has one store.
const LENGTH: u64 = 5_050;

/// Steps of the full count.
const STEPS: u32 = 101_000;

/// Worlds that run at the same time.
const THREADS: u64 = 2;

#[test]
fn honest_hosts_are_never_refused() {
    let seed: u64 = std::env::var("SELFSAME_SEED").map_or(0, |seed| seed.parse().unwrap());
    let (start, worlds) = (Instant::now(), u64::from(cases(STEPS)) / LENGTH);
    let run = |first: u64| {
        let mut tally = Tally::default();
        for number in (first..worlds).step_by(THREADS as usize) {
            tally.add(&World::new(seed * 1000 + number).run(LENGTH));
        }
        tally
    };
    let mut tally = Tally::default();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|first| scope.spawn(move || run(first))).collect();
        // a thread that failed has said why
        threads
            .into_iter()
            .for_each(|thread| tally.add(&thread.join().expect("a world without a false alarm")));
    });
    println!("{} steps of {STEPS} in {worlds} worlds, seed {seed}, {:.1?}", tally.steps, start.elapsed());
    tally.report();
}
