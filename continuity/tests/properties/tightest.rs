//! Section 7, step 6: the few times that a peer keeps say what every pair of head and times would say.

use std::cell::Cell;
use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use selfsame::{Challenge, Now, Ordinary, Peer, Policy, Refusal, Timing};

use super::clocks::{Clocks, lives};
use super::count::check;
use super::host::{AUDIENCE, BORN_MS, Host};
use super::steps::EveryPair;

#[derive(Clone, Debug)]
enum Act {
    Wait(u64),
    /// A challenge, so much later its answer, and it arrives.
    Exchange(u64, Aim, bool),
    Issue,
    /// The host answers one of the challenges that are out, at the index where `Aim` says.
    Answer(prop::sample::Index, Aim),
    /// One of the answers arrives; a person lets it pass, or not.
    Take(prop::sample::Index, bool),
    Reboot,
    /// The wall clock is set by so many eighths of a second.
    SetWall(i64),
    Restart,
}

/// Which index a host, honest or not, gives its moment.
#[derive(Clone, Copy, Debug)]
enum Aim {
    /// So many ticks from the last that is not ahead.
    Most(i64),
    /// So many ticks from the first that does not lag.
    Least(i64),
    /// So many ticks from the first that does not lag by more than a minute.
    Minute(i64),
    /// So many ticks from the last that is not ahead of the wall time that it began with.
    First(i64),
    /// So many ticks after its last moment.
    After(i64),
}

fn act() -> impl Strategy<Value = Act> {
    // in eighths of a second: where wall time in milliseconds is whole ticks, the rule is exact
    let wait = (0u32..24, any::<u64>()).prop_map(|(bits, r)| (r % (1 << bits)) * 512);
    // the slacks, too: just as fast as may be, or as slow, so that two pairs say the same
    let slack = prop::sample::select(vec![4096, 600 * 4096, -4096, -600 * 4096]);
    let near = || prop_oneof![3 => -1i64..=1, 1 => -50_000i64..50_000, 2 => slack.clone()];
    let aim = prop_oneof![
        4 => near().prop_map(Aim::Most),
        2 => near().prop_map(Aim::First),
        3 => near().prop_map(Aim::Least),
        2 => near().prop_map(Aim::Minute),
        1 => (1i64..1 << 20).prop_map(Aim::After),
    ];
    let which = any::<prop::sample::Index>;
    let pass = || prop::bool::weighted(0.15);
    let delay = || prop_oneof![Just(0), (0u64..200).prop_map(|eighths| eighths * 512)];
    prop_oneof![
        4 => wait.prop_map(Act::Wait),
        1 => delay().prop_map(Act::Wait),
        8 => (delay(), aim.clone(), pass()).prop_map(|(delay, aim, pass)| Act::Exchange(delay, aim, pass)),
        2 => Just(Act::Issue),
        2 => (which(), aim).prop_map(|(which, aim)| Act::Answer(which, aim)),
        2 => (which(), pass()).prop_map(|(which, pass)| Act::Take(which, pass)),
        1 => Just(Act::Reboot),
        1 => (-8_000_000i64..8_000_000).prop_map(Act::SetWall),
        1 => (-800i64..800).prop_map(Act::SetWall),
        1 => Just(Act::Restart),
    ]
}

struct World {
    t: u64,
    clocks: Clocks,
    host: Host<Ordinary>,
    peer: Peer,
    pairs: EveryPair,
    issued: BTreeMap<u64, (Challenge, Now)>,
    answers: Vec<(u64, Vec<u8>, u64)>,
    count: u64,
    /// How often each outcome was seen.
    seen: BTreeMap<String, u64>,
}

impl World {
    fn new(seed: u64, meeting: u8) -> Self {
        let (mut host, clocks) = (Host::born(seed), Clocks::new());
        let now = clocks.now(0);
        let (peer, pairs) = match meeting {
            0 => (Peer::expecting(*host.lineage.id()), EveryPair::default()),
            1 => {
                let peer = Peer::introduced(&host.lineage.introduce(), &now);
                (peer, EveryPair::introduced(0, BORN_MS, now))
            }
            _ => {
                let moment = host.moment(seed % 1_000_000 + 1);
                let pairs = EveryPair::introduced(moment.index(), moment.wall_ms(), now);
                (Peer::introduced(&host.lineage.introduce(), &now), pairs)
            }
        };
        let (issued, answers, seen) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
        Self { t: 0, clocks, host, peer, pairs, issued, answers, count: 0, seen }
    }

    fn act(&mut self, act: Act) {
        let now = self.clocks.now(self.t);
        match act {
            Act::Wait(ticks) => self.t += ticks,
            Act::Exchange(delay, aim, pass) => {
                let number = self.issue(now);
                self.t += delay;
                let (proof, index) = self.answer(number, aim);
                self.take(number, &proof, index, pass);
            }
            Act::Issue => drop(self.issue(now)),
            Act::Answer(which, aim) if !self.issued.is_empty() => {
                let number = *self.issued.keys().nth(which.index(self.issued.len())).expect("one of them");
                let (proof, index) = self.answer(number, aim);
                self.answers.push((number, proof, index));
            }
            Act::Take(which, pass) if !self.answers.is_empty() => {
                let (number, proof, index) = self.answers.swap_remove(which.index(self.answers.len()));
                self.take(number, &proof, index, pass);
            }
            Act::Answer(..) | Act::Take(..) => {}
            Act::Reboot => self.clocks.reboot(self.t),
            Act::SetWall(eighths) => self.clocks.set_wall_by(eighths * 125),
            Act::Restart => self.peer = Peer::restore(&self.peer.record()).expect("what was kept comes back"),
        }
    }

    fn issue(&mut self, now: Now) -> u64 {
        self.count += 1;
        let nonce = [self.count.to_le_bytes(); 4].concat();
        let challenge = self.peer.challenge(AUDIENCE, &nonce, &now).expect("few are out");
        self.issued.insert(self.count, (challenge, now));
        self.count
    }

    fn answer(&mut self, number: u64, aim: Aim) -> (Vec<u8>, u64) {
        let (challenge, issued) = &self.issued[&number];
        let now = self.clocks.now(self.t);
        let (most, least) = self.pairs.bounds(issued, &now);
        let first = self.pairs.first(&now, Some(BORN_MS));
        let last = self.host.lineage.head().index;
        let (from, beside) = match aim {
            Aim::Most(beside) => (most, beside),
            Aim::Least(beside) => (least, beside),
            Aim::Minute(beside) => (least, beside - 60 * 4096),
            Aim::First(beside) => (first, beside),
            Aim::After(ticks) => (Some(last), ticks),
        };
        let index = from.map_or(0, |from| from.saturating_add_signed(beside)).max(last + 1);
        let proof = self.host.prove(index, std::slice::from_ref(challenge)).remove(0);
        (proof.encode(), index)
    }

    fn take(&mut self, number: u64, proof: &[u8], index: u64, pass_time: bool) {
        let now = self.clocks.now(self.t);
        let (_, issued) = self.issued[&number];
        let first = self.peer.anchor().is_none().then_some(BORN_MS);
        let says = self.pairs.say(index, &issued, &now, first);
        let max_lag = Policy::default().max_lag;
        let is_refused = says.ahead.is_some() || says.lag > max_lag;
        match self.peer.take(proof, &now, &Policy { pass_time, ..Policy::default() }) {
            Ok(verdict) => {
                assert!(!is_refused || pass_time, "accepted, but by all pairs {says:?}");
                assert_eq!((verdict.lag, verdict.timing), (says.lag, says.timing));
                self.pairs.accept(index, issued, now, &says, is_refused);
                self.issued.remove(&number);
                self.answers.retain(|(of, ..)| *of != number);
                let what = if is_refused { "let pass" } else { "accepted" };
                self.saw(&format!("{what}, {:?}", says.timing));
                self.saw(if says.lag > 0 { "accepted, lags" } else { "accepted, does not lag" });
            }
            Err(Refusal::Clock { ahead, alarm }) => {
                assert_eq!(Some(ahead), says.ahead);
                let (any, all) = says.lagged_since;
                assert!(if alarm { any } else { !all }, "alarm {alarm}: {says:?}");
                self.saw(if alarm { "clock, an alarm" } else { "clock" });
            }
            Err(Refusal::Stalled { lag, max }) => {
                assert_eq!((says.ahead, lag, max), (None, says.lag, max_lag));
                self.saw("stalled");
            }
            Err(Refusal::Expired) => assert!(!lives(&issued, &now)),
            Err(Refusal::UnknownChallenge) => {
                self.issued.remove(&number);
                self.answers.retain(|(of, ..)| *of != number);
                self.saw("no such challenge any more");
            }
            Err(other) => panic!("refused by another check: {other}"),
        }
    }

    fn saw(&mut self, what: &str) {
        *self.seen.entry(what.to_owned()).or_default() += 1;
    }
}

#[test]
fn the_tightest_pairs_say_what_all_pairs_say() {
    let seen = Cell::new(BTreeMap::new());
    check(2000, (any::<u64>(), 0u8..3, vec(act(), 10..120)), |(seed, meeting, acts)| {
        let mut world = World::new(seed, meeting);
        acts.into_iter().for_each(|act| world.act(act));
        let mut all: BTreeMap<String, u64> = seen.take();
        world.seen.into_iter().for_each(|(what, times)| *all.entry(what).or_default() += times);
        seen.set(all);
    });
    let seen = seen.take();
    println!("{seen:#?}");
    for what in ["clock", "clock, an alarm", "stalled", "accepted, lags", "accepted, does not lag"] {
        assert!(seen.contains_key(what), "none: {what}");
    }
    for timing in [Timing::Checked, Timing::CheckedByWall, Timing::First, Timing::Unjudged] {
        assert!(seen.contains_key(&format!("accepted, {timing:?}")), "none: {timing:?}");
    }
}
