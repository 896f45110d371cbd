//! Hosts that are made up: what they do follows from a seed.

use std::{collections::BTreeSet, f64::consts::TAU, time::Duration};

use crate::behaviour::{programs::Programs, reading::Reading};

/// How a host behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// The same load always, but for noise.
    Stationary,
    /// A load that goes up and down with the day.
    Diurnal,
    /// Little, and bursts of any size (a Pareto distribution without a variance).
    Bursty,
    /// A load, and memory in use, that doubles every two days.
    Growing,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Stationary, Self::Diurnal, Self::Bursty, Self::Growing];
}

/// A host with a beat of 8 s.
pub(crate) struct Host {
    kind: Kind,
    dice: Dice,
    beats: u64,
    noise: f64,
    burst: f64,
    /// Whether it was changed: other programs, and another load.
    pub(crate) is_changed: bool,
    reading: Reading,
}

impl Host {
    pub(crate) fn new(kind: Kind, seed: u64) -> Self {
        let reading = Reading {
            cpu: Some(vec![0; 10]),
            switches: Some(0),
            interrupts: Some(0),
            forks: Some(0),
            pressure_cpu: Some([0; 2]),
            pressure_io: Some([0; 2]),
            pressure_memory: Some([0; 2]),
            paging: Some([0; _]),
            disks: Some([0; 5]),
            network: Some([0; 4]),
            loopback: Some([0; 4]),
            ..Reading::default()
        };
        let (dice, beats) = (Dice(seed), 0);
        Self { kind, dice, beats, noise: 0.0, burst: 0.0, is_changed: false, reading }
    }

    /// The next beat's reading, and when it is.
    pub(crate) fn beat(&mut self) -> (Reading, Duration) {
        self.beats += 1;
        let load = self.load();
        let (cpus, hz) = (4.0, 100.0);
        let all = cpus * hz * BEAT_S;
        let busy = (all * 0.1 * load).min(all * 0.95);
        let user = self.about(busy * 0.6);
        let system = self.about(busy * 0.3);
        let (waits, soft) = (self.about(busy * 0.05), self.about(busy * 0.05));
        let idle = (all as u64).saturating_sub(user + system + waits + soft);
        let cpu = self.reading.cpu.as_mut().unwrap();
        for (mode, grown) in [(0, user), (2, system), (3, idle), (4, waits), (6, soft)] {
            cpu[mode] += grown;
        }
        let switches = self.count(2000.0 * load);
        grow(&mut self.reading.switches, switches);
        let interrupts = self.count(1000.0 * load.sqrt());
        grow(&mut self.reading.interrupts, interrupts);
        let forks = self.count(0.5 * load);
        grow(&mut self.reading.forks, forks);
        let running = 1 + self.dice.poisson(0.5 * load);
        self.reading.run_queue = Some([running, self.dice.poisson(0.05 * load)]);
        let stalls = [self.about(20_000.0 * load), self.about(2000.0 * load), self.about(200.0 * load)];
        for (pressure, stall) in
            [&mut self.reading.pressure_cpu, &mut self.reading.pressure_io, &mut self.reading.pressure_memory]
                .into_iter()
                .zip(stalls)
        {
            let [some, full] = pressure.as_mut().unwrap();
            (*some, *full) = (*some + stall, *full + stall / 4);
        }
        let grown = if self.kind == Kind::Growing { self.growth() } else { 1.0 };
        let memory = [4e9 / grown, 6e9 / grown, 1e8, 2e9, 1e9, 4e6 * load, 1e5, 2e9 * grown, 3e8];
        self.reading.memory = Some(memory.map(|level| self.near(level)));
        for at in 0..6 {
            let grown = self.count([50.0, 200.0, 0.01, 0.01, 3000.0, 0.2][at] * load);
            self.reading.paging.as_mut().unwrap()[at] += grown;
        }
        for at in 0..5 {
            let grown = self.count([2.0, 100.0, 10.0, 400.0, 20.0][at] * load);
            self.reading.disks.as_mut().unwrap()[at] += grown;
        }
        for at in 0..4 {
            let grown = self.count([20_000.0, 40.0, 50_000.0, 50.0][at] * load);
            self.reading.network.as_mut().unwrap()[at] += grown;
            let grown = self.count([500.0, 5.0, 500.0, 5.0][at] * load);
            self.reading.loopback.as_mut().unwrap()[at] += grown;
        }
        self.reading.programs = Some(self.programs(load));
        (self.reading.clone(), Duration::from_secs(8) * u32::try_from(self.beats).unwrap())
    }

    fn growth(&self) -> f64 {
        (self.beats as f64 / (2.0 * DAY_BEATS)).exp2()
    }

    /// 1 where it is as much as usual.
    fn load(&mut self) -> f64 {
        self.noise = 0.7 * self.noise + 0.2 * self.dice.normal();
        let noise = self.noise.exp();
        let load = match self.kind {
            Kind::Stationary => 1.0,
            Kind::Diurnal => 1.0 + 0.8 * (TAU * self.beats as f64 / DAY_BEATS).sin(),
            Kind::Growing => self.growth(),
            Kind::Bursty => {
                if self.dice.part() < 0.03 {
                    self.burst = self.dice.part().max(1e-6).powf(-1.0 / 1.5);
                } else if self.dice.part() < 0.4 {
                    self.burst = 0.0;
                }
                0.2 + self.burst
            }
        };
        load * noise * if self.is_changed { 8.0 } else { 1.0 }
    }

    fn programs(&mut self, load: f64) -> Programs {
        let mut names: BTreeSet<Vec<u8>> = (0..60).map(|at| format!("daemon{at}").into_bytes()).collect();
        for worker in 0..8 {
            let on = self.dice.next() % 12;
            names.insert(format!("kworker/{worker}:{on}-ev").into_bytes());
        }
        // jobs of a few kinds, each now and then, and more of them under load
        for _ in 0..self.dice.poisson(0.2 * load.min(20.0)) {
            let rank = self.dice.part().powi(3) * 200.0;
            names.insert(format!("job{}", rank as u32).into_bytes());
        }
        if self.is_changed {
            names.extend((0..20).map(|at| format!("other{at}").into_bytes()));
            names.retain(|name| !name.starts_with(b"daemon1"));
        }
        Programs { processes: names.len() as u64 + self.dice.poisson(30.0), names }
    }

    /// What is counted in a beat, at so many a second.
    fn count(&mut self, rate: f64) -> u64 {
        let noisy = rate * BEAT_S * (0.1 * self.dice.normal()).exp();
        self.dice.poisson(noisy)
    }

    fn about(&mut self, number: f64) -> u64 {
        self.dice.poisson(number)
    }

    fn near(&mut self, level: f64) -> u64 {
        (level * (0.003 * self.dice.normal()).exp()) as u64
    }
}

fn grow(counter: &mut Option<u64>, by: u64) {
    *counter.as_mut().unwrap() += by;
}

/// Numbers at random, from a seed (Vigna's SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to 1.
    fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let (radius, angle) = (self.part().max(1e-12), self.part());
        (-2.0 * radius.ln()).sqrt() * (TAU * angle).cos()
    }

    fn poisson(&mut self, mean: f64) -> u64 {
        if mean > 30.0 {
            return (mean + mean.sqrt() * self.normal()).max(0.0) as u64;
        }
        let (limit, mut product, mut count) = ((-mean).exp(), self.part(), 0);
        while product > limit {
            product *= self.part();
            count += 1;
        }
        count
    }
}

const BEAT_S: f64 = 8.0;

/// Beats of a day.
pub(crate) const DAY_BEATS: f64 = 86_400.0 / BEAT_S;
