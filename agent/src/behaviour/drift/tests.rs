use std::time::Instant;

use super::*;
use crate::behaviour::programs::Programs;

#[path = "hosts.rs"]
mod hosts;

use hosts::{DAY_BEATS, Host, Kind};

/// The drift of so many thousandths.
pub(in crate::behaviour) fn drift_of(thousandths: u32) -> Drift {
    Drift(thousandths)
}

/// How the samples of a host came out.
#[derive(Default)]
struct Scores {
    judged: u32,
    /// p at most 0.05.
    one_in_twenty: u32,
    /// p at most 0.01.
    one_in_a_hundred: u32,
    most: Drift,
}

impl Scores {
    fn of(host: &mut Host, judge: &mut Judge, beats: usize) -> Self {
        let mut scores = Self::default();
        for _ in 0..beats {
            let (reading, at) = host.beat();
            let Some(drift) = judge.judge(&reading, at).drift else { continue };
            scores.judged += 1;
            scores.one_in_twenty += u32::from(drift.thousandths() >= 130);
            scores.one_in_a_hundred += u32::from(drift.thousandths() >= 200);
            scores.most = scores.most.max(drift);
        }
        scores
    }

    fn add(&mut self, other: &Self) {
        self.judged += other.judged;
        self.one_in_twenty += other.one_in_twenty;
        self.one_in_a_hundred += other.one_in_a_hundred;
        self.most = self.most.max(other.most);
    }

    /// Prints the figures, and says how much of all is under 0.2.
    fn tell(&self, what: &str) -> f64 {
        let part = |count: u32| 100.0 * f64::from(count) / f64::from(self.judged);
        let under = 100.0 - part(self.one_in_a_hundred);
        let Self { judged, most, .. } = self;
        let out = part(self.one_in_twenty);
        println!(
            "{what}: {judged} samples, {under:.2} % under 0.2, {out:.2} % at 0.13 (1 in 20) or more, most {most}"
        );
        under
    }
}

/// Of a host that goes on as it did 99 % are under 0.2: over a day and more, and in its first half hour.
///
/// Measured: stationary 99.41 % of a day and 99.97 % of first half hours, diurnal 99.63 and 99.97, bursty 99.46 and 99.19,
/// growing 99.41 and 99.91; at most 0.56 in any of the days.
fn is_calibrated(kind: Kind) {
    let (mut host, mut judge) = (Host::new(kind, 0), Judge::new());
    let day = Scores::of(&mut host, &mut judge, DAY_BEATS as usize + 1000);
    assert!(day.tell(&format!("{kind:?}, a day and more")) >= 99.0);
    // a probability, and no mere bound that says nothing
    assert!(day.one_in_twenty * 100 >= day.judged, "one in twenty is one in a hundred at the least");
    assert!(day.one_in_twenty * 20 <= day.judged);
    assert!(day.most < drift_of(600), "nothing is told of a host that goes on as it did");

    let mut first = Scores::default();
    for seed in 100..116 {
        first.add(&Scores::of(&mut Host::new(kind, seed), &mut Judge::new(), 225));
    }
    assert!(first.tell(&format!("{kind:?}, the first half hours of 16")) >= 99.0);
}

#[test]
fn of_a_stationary_host_99_in_100_are_under_a_fifth() {
    is_calibrated(Kind::Stationary);
}

#[test]
fn of_a_host_that_follows_the_day_99_in_100_are_under_a_fifth() {
    is_calibrated(Kind::Diurnal);
}

#[test]
fn of_a_host_with_bursts_of_any_size_99_in_100_are_under_a_fifth() {
    is_calibrated(Kind::Bursty);
}

#[test]
fn of_a_host_that_grows_99_in_100_are_under_a_fifth() {
    is_calibrated(Kind::Growing);
}

/// Measured, the first sample after the change: 0.72 to 1.
#[test]
fn other_programs_and_another_load_are_told_at_once() {
    for kind in Kind::ALL {
        for seed in 0..3 {
            let (mut host, mut judge) = (Host::new(kind, seed), Judge::new());
            Scores::of(&mut host, &mut judge, 500);
            host.is_changed = true;
            let drifts: Vec<Drift> = (0..3).map(|_| Scores::of(&mut host, &mut judge, 1).most).collect();
            println!("{kind:?}: {}", drifts.iter().map(Drift::to_string).collect::<Vec<_>>().join(" "));
            assert!(drifts.iter().any(|drift| *drift >= drift_of(600)), "{kind:?} {seed}: {drifts:?}");
            // what stays becomes usual
            Scores::of(&mut host, &mut judge, 450);
            let later = Scores::of(&mut host, &mut judge, 200);
            assert!(later.one_in_a_hundred <= 4, "{kind:?} {seed}");
        }
    }
}

#[test]
fn what_is_furthest_is_named() {
    let (mut host, mut judge) = (Host::new(Kind::Stationary, 1), Judge::new());
    Scores::of(&mut host, &mut judge, 300);
    let (mut reading, at) = host.beat();
    reading.programs.as_mut().unwrap().names.extend((0..40).map(|at| format!("never{at}").into_bytes()));
    let judged = judge.judge(&reading, at);
    assert!(judged.drift.unwrap() >= drift_of(600), "{judged:?}");
    assert!(judged.furthest.contains(&"programs that were not expected"), "{judged:?}");
}

#[test]
fn nothing_is_said_before_enough_was_seen() {
    let (mut host, mut judge) = (Host::new(Kind::Stationary, 1), Judge::new());
    for sample in 1..=WARMING_SAMPLES + 1 {
        let (reading, at) = host.beat();
        let drift = judge.judge(&reading, at).drift;
        assert_eq!(judge.samples(), sample);
        assert_eq!((drift.is_some(), judge.has_seen_enough()), (sample > WARMING_SAMPLES, drift.is_some()));
    }
}

#[test]
fn gaps_resets_missing_fields_and_equal_readings_are_judged_like_any() {
    let (mut host, mut judge) = (Host::new(Kind::Stationary, 1), Judge::new());
    let (mut drifts, mut slept) = (Vec::new(), Duration::ZERO);
    let mut last = Reading::default();
    for beat in 0..600u32 {
        let (mut reading, at) = host.beat();
        match beat % 60 {
            10 => reading.cpu = None,
            11 => reading = Reading::default(),
            // an interface has gone, a disk is new, a counter has turned over
            20 => reading.network = Some([0; 4]),
            21 => reading.disks = Some([u64::MAX; 5]),
            22 => reading.switches = Some(0),
            23 => reading.cpu = Some(vec![1]),
            30 => reading = last.clone(),
            31 => reading.programs = Some(Programs::default()),
            40 => slept += Duration::from_secs(100_000),
            _ => {}
        }
        last = reading.clone();
        let at = if beat % 60 == 50 { Duration::ZERO } else { at + slept };
        drifts.extend(judge.judge(&reading, at).drift);
    }
    assert!(drifts.len() > 550, "{}", drifts.len());
    assert!(drifts.iter().all(|drift| (0.0..=1.0).contains(&drift.as_f64())));
    // the host is as it was, and so is what is said of it
    let after = Scores::of(&mut host, &mut judge, 100);
    assert_eq!(after.judged, 100);
    assert!(after.one_in_a_hundred <= 2, "{}", after.one_in_a_hundred);
}

#[test]
fn a_host_where_nothing_ever_happens_does_not_drift() {
    let (reading, _) = Host::new(Kind::Stationary, 1).beat();
    let mut judge = Judge::new();
    for beat in 0..1000 {
        let drift = judge.judge(&reading, Duration::from_secs(8 * beat)).drift;
        assert!(drift.unwrap_or_default() < drift_of(10), "{drift:?}");
    }
    let nothing = Reading::default();
    let mut judge = Judge::new();
    let drifts = (0..100).map(|beat| judge.judge(&nothing, Duration::from_secs(beat)).drift);
    assert!(drifts.flatten().next().is_none(), "there is nothing to judge");
}

#[test]
fn the_same_readings_have_the_same_drifts() {
    let drifts = || {
        let (mut host, mut judge) = (Host::new(Kind::Bursty, 9), Judge::new());
        let readings = (0..200).map(|_| host.beat());
        readings.map(|(reading, at)| judge.judge(&reading, at).drift).collect::<Vec<_>>()
    };
    assert_eq!(drifts(), drifts());
}

#[test]
fn drift_is_a_tenth_of_the_orders_of_magnitude() {
    for (probability, thousandths) in
        [(1.0, 0), (0.1, 100), (0.01, 200), (1e-6, 600), (1e-10, 1000), (1e-300, 1000), (0.0, 1000)]
    {
        assert_eq!(Drift::of(probability), drift_of(thousandths), "{probability}");
    }
    assert_eq!(Drift::of(0.010_001).thousandths(), 199, "under a fifth is not a fifth");
}

/// Prints what it costs: `cargo test -- --nocapture judging`. No bound: the machine may be busy.
#[test]
fn what_judging_costs() {
    let (mut host, mut judge) = (Host::new(Kind::Stationary, 1), Judge::new());
    let readings: Vec<_> = (0..201).map(|_| host.beat()).collect();
    let cost = |(reading, at): &(Reading, Duration)| {
        let begun = Instant::now();
        judge.judge(reading, *at);
        begun.elapsed().as_micros()
    };
    let mut micros: Vec<u128> = readings.iter().map(cost).collect();
    micros.sort_unstable();
    println!(
        "to judge a sample: median {} µs, worst {} µs; what is known: {} bytes, and 24 and more for each program",
        micros[100],
        micros[200],
        size_of::<Judge>()
    );
}
