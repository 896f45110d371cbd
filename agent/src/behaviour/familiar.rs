//! The programs that the host is seen to run: how unexpected those are that run now, and those that don't.

use std::{
    array,
    collections::{BTreeMap, BTreeSet},
};

use super::programs::{NAME_MOST_BYTES, Programs, READ_MOST};

/// A sketch of the programs seen: how often each was among those that ran, of late. At most [`KEPT_MOST`] of them.
#[derive(Debug, Default)]
pub(super) struct Familiar {
    /// How many samples had it; the older, the less they count.
    seen: BTreeMap<Name, f32>,
    /// How many samples there were, likewise.
    samples: f32,
}

/// A program's name, filled up with zeros: a name has none.
type Name = [u8; NAME_MOST_BYTES];

impl Familiar {
    /// How unexpected it is, in nats, that the programs run which do, and that those don't which don't.
    pub(super) fn surprise(&self, programs: &Programs) -> [f64; 2] {
        let names: BTreeSet<Name> = programs.names.iter().map(|name| filled(name)).collect();
        let frequency = |name: &Name| {
            let seen = self.seen.get(name).copied().unwrap_or_default();
            // as if there had been one sample more, that had half of it
            f64::from((seen + 0.5) / (self.samples + 1.0))
        };
        let run = names.iter().map(|name| -frequency(name).min(1.0).ln()).sum();
        let gone = self.seen.keys().filter(|name| !names.contains(*name));
        let do_not = gone.map(|name| -(1.0 - frequency(name)).max(LEAST).ln()).sum();
        [run, do_not]
    }

    /// Takes the programs that run into what was seen.
    pub(super) fn learn(&mut self, programs: &Programs) {
        self.samples = self.samples * KEEP + 1.0;
        for seen in self.seen.values_mut() {
            *seen *= KEEP;
        }
        for name in &programs.names {
            *self.seen.entry(filled(name)).or_default() += 1.0;
        }
        if self.seen.len() > KEPT_MOST {
            let mut counts: Vec<f32> = self.seen.values().copied().collect();
            let excess = counts.len() - KEPT_MOST;
            let (_, last, _) = counts.select_nth_unstable_by(excess - 1, f32::total_cmp);
            let last = *last;
            // of those that were seen equally rarely the first are let go
            let mut excess = excess;
            self.seen.retain(|_, seen| {
                let is_let_go = *seen <= last && excess > 0;
                excess -= usize::from(is_let_go);
                !is_let_go
            });
        }
    }
}

fn filled(name: &[u8]) -> Name {
    array::from_fn(|at| name.get(at).copied().unwrap_or_default())
}

/// Of what was seen this much counts one sample later: a day's samples at the usual beat of 8 s.
const KEEP: f32 = 1.0 - 1.0 / 10_800.0;

/// No frequency is further from certainty than that: a hundredth of a sample in a day's.
const LEAST: f64 = 1e-6;

/// Programs that are kept: twice as many as one sample has, at 24 bytes each and what the map needs.
const KEPT_MOST: usize = 2 * READ_MOST;

#[cfg(test)]
mod tests {
    use super::*;

    fn programs(names: impl IntoIterator<Item = String>) -> Programs {
        let names: BTreeSet<Vec<u8>> = names.into_iter().map(String::into_bytes).collect();
        Programs { processes: names.len() as u64, names }
    }

    fn usual() -> Programs {
        programs(["systemd", "sshd", "dbus-daemon"].map(String::from))
    }

    #[test]
    fn what_is_always_there_is_expected_and_what_never_was_is_not() {
        let mut familiar = Familiar::default();
        (0..100).for_each(|_| familiar.learn(&usual()));
        let [run, do_not] = familiar.surprise(&usual());
        assert!(run < 0.05 && do_not == 0.0, "{run} {do_not}");
        let more = programs(["systemd", "sshd", "dbus-daemon", "miner"].map(String::from));
        let [with_one_more, _] = familiar.surprise(&more);
        assert!((with_one_more - run - 201f64.ln()).abs() < 0.5, "{with_one_more}");
        let fewer = programs(["systemd", "dbus-daemon"].map(String::from));
        let [_, without_one] = familiar.surprise(&fewer);
        assert!((without_one - 201f64.ln()).abs() < 0.5, "{without_one}");
    }

    #[test]
    fn what_was_seen_becomes_usual_and_is_forgotten_again() {
        let mut familiar = Familiar::default();
        (0..1000).for_each(|_| familiar.learn(&usual()));
        let more = programs(["systemd", "sshd", "dbus-daemon", "backup"].map(String::from));
        let [first, _] = familiar.surprise(&more);
        (0..20).for_each(|_| familiar.learn(&more));
        let [later, _] = familiar.surprise(&more);
        assert!(later < first - 2.0, "{first} {later}");
        (0..60_000).for_each(|_| familiar.learn(&usual()));
        let [forgotten, _] = familiar.surprise(&more);
        assert!(forgotten > later, "{later} {forgotten}");
    }

    #[test]
    fn it_is_bounded_and_keeps_what_is_seen_most() {
        let mut familiar = Familiar::default();
        for round in 0..50 {
            let once = (0..READ_MOST - 3).map(|number| format!("p{round}-{number}"));
            let mut all = programs(once);
            all.names.extend(usual().names);
            familiar.learn(&all);
            assert!(familiar.seen.len() <= KEPT_MOST, "{}", familiar.seen.len());
        }
        let [run, _] = familiar.surprise(&usual());
        assert!(run < 0.1, "{run}");
    }

    #[test]
    fn of_nothing_seen_nothing_is_certain() {
        let nats = Familiar::default().surprise(&usual());
        assert!(nats.iter().all(|nats| nats.is_finite()), "{nats:?}");
        assert_eq!(Familiar::default().surprise(&Programs::default()), [0.0, 0.0]);
    }
}
