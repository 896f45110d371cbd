//! What of a reading is judged: shares, rates and levels, each on a scale on which usual changes are about equally
//! large, however busy the host is.

use std::time::Duration;

use super::reading::Reading;

/// The features between two readings; what can't be told is left out: a field that is missing, a counter that went
/// back, rates where no time has passed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Features([Option<f64>; FEATURES.len()]);

/// A feature by itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Feature {
    /// What it is called, for people.
    pub(super) name: &'static str,
    /// A standard deviation below this means nothing: the scale's own grain.
    pub(super) grain: f64,
    /// What it is judged with.
    pub(super) group: Group,
}

/// Features that are judged together. Each group by itself: on a host whose load may be anything, other programs are a
/// change all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// How much the host does.
    Load,
    /// What it runs.
    Programs,
}

impl Group {
    /// All of them.
    pub(super) const ALL: [Self; 2] = [Self::Load, Self::Programs];
}

impl Features {
    /// The features from `before` to `now`, `elapsed` later. `surprise` is that of the programs: how unexpected those that
    /// run are, and those that don't.
    pub(super) fn between(
        before: &Reading,
        now: &Reading,
        elapsed: Duration,
        surprise: Option<[f64; 2]>,
    ) -> Self {
        let seconds = elapsed.as_secs_f64();
        let grown = |before: Option<u64>, now: Option<u64>| {
            let grown = now?.checked_sub(before?)? as f64;
            (seconds > 0.0).then_some(grown / seconds)
        };
        let rate = |before, now| Some(grown(before, now)?.ln_1p());
        // µs in a second; two processors' clocks may differ by a little
        let stalled = |before, now| Some((grown(before, now)? / 1e6).min(1.0).sqrt());
        let level = |now: Option<u64>| Some((now? as f64).ln_1p());

        let mut values = Values::default();
        values.extend(shares(before.cpu.as_deref(), now.cpu.as_deref()));
        values.extend([
            rate(before.switches, now.switches),
            rate(before.interrupts, now.interrupts),
            rate(before.forks, now.forks),
        ]);
        values.extend(each(now.run_queue).map(level));
        for (before, now) in [
            (before.pressure_cpu, now.pressure_cpu),
            (before.pressure_io, now.pressure_io),
            (before.pressure_memory, now.pressure_memory),
        ] {
            values.extend(pairs(before, now).map(|(before, now)| stalled(before, now)));
        }
        values.extend(each(now.memory).map(level));
        values.extend(pairs(before.paging, now.paging).map(|(before, now)| rate(before, now)));
        values.extend(pairs(before.disks, now.disks).map(|(before, now)| rate(before, now)));
        values.extend(pairs(before.network, now.network).map(|(before, now)| rate(before, now)));
        values.extend(pairs(before.loopback, now.loopback).map(|(before, now)| rate(before, now)));
        let programs = now.programs.as_ref();
        values.extend([
            level(programs.map(|programs| programs.processes)),
            level(programs.map(|programs| programs.names.len() as u64)),
        ]);
        values.extend(each(surprise).map(|nats| Some(nats?.sqrt())));
        values.finish()
    }

    /// Each feature with its value, where it has one.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static Feature, Option<f64>)> {
        FEATURES.iter().zip(self.0)
    }
}

/// Values, in the order of [`FEATURES`].
#[derive(Default)]
struct Values(Vec<Option<f64>>);

impl Values {
    fn extend(&mut self, values: impl IntoIterator<Item = Option<f64>>) {
        self.0.extend(values);
    }

    fn finish(self) -> Features {
        let values = self.0.try_into();
        Features(values.expect("`between` gives each of the features, whether it has a value or not"))
    }
}

fn each<T, const N: usize>(numbers: Option<[T; N]>) -> [Option<T>; N] {
    numbers.map_or_else(|| [const { None }; N], |numbers| numbers.map(Some))
}

fn pairs<const N: usize>(
    before: Option<[u64; N]>,
    now: Option<[u64; N]>,
) -> impl Iterator<Item = (Option<u64>, Option<u64>)> {
    each(before).into_iter().zip(each(now))
}

/// The part of all CPU time that was spent in each mode; its square root, so that a busy mode varies as much as one that
/// is hardly ever in use.
fn shares(before: Option<&[u64]>, now: Option<&[u64]>) -> [Option<f64>; CPU_MODES] {
    let grown = |mode: usize| now?.get(mode)?.checked_sub(*before?.get(mode)?);
    let grown: [Option<u64>; CPU_MODES] = std::array::from_fn(grown);
    let total: u64 = grown.iter().flatten().sum();
    grown.map(|grown| (total > 0).then_some((grown? as f64 / total as f64).sqrt()))
}

/// Modes of CPU time that are judged: those that follow, guest and guest_nice, are parts of user and nice (proc_stat(5)).
const CPU_MODES: usize = 8;

const fn load(name: &'static str) -> Feature {
    Feature { name, grain: 0.02, group: Group::Load }
}

const fn programs(name: &'static str, grain: f64) -> Feature {
    Feature { name, grain, group: Group::Programs }
}

/// All features, in the order in which [`Features::between`] gives them.
pub(super) const FEATURES: [Feature; 51] = [
    load("CPU time: user"),
    load("CPU time: nice"),
    load("CPU time: system"),
    load("CPU time: idle"),
    load("CPU time: waiting for I/O"),
    load("CPU time: interrupts"),
    load("CPU time: soft interrupts"),
    load("CPU time: stolen"),
    load("context switches"),
    load("interrupts"),
    load("forks"),
    load("runnable tasks"),
    load("blocked tasks"),
    load("some wait for a processor"),
    load("all wait for a processor"),
    load("some wait for I/O"),
    load("all wait for I/O"),
    load("some wait for memory"),
    load("all wait for memory"),
    load("free memory"),
    load("available memory"),
    load("buffers"),
    load("cached files"),
    load("free swap"),
    load("dirty pages"),
    load("pages under writeback"),
    load("anonymous memory"),
    load("the kernel's slabs"),
    load("paged in"),
    load("paged out"),
    load("swapped in"),
    load("swapped out"),
    load("page faults"),
    load("major page faults"),
    load("disk reads"),
    load("sectors read"),
    load("disk writes"),
    load("sectors written"),
    load("disks busy"),
    load("bytes received"),
    load("packets received"),
    load("bytes sent"),
    load("packets sent"),
    load("loopback: bytes received"),
    load("loopback: packets received"),
    load("loopback: bytes sent"),
    load("loopback: packets sent"),
    programs("processes", 0.02),
    programs("programs", 0.02),
    programs("programs that were not expected", 0.5),
    programs("programs that were expected and do not run", 0.5),
];
