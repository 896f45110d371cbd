//! Section 3: a secret is opened at most once, and is gone before its opening leaves, whatever the memory refuses.

use std::collections::HashMap;
use std::rc::Rc;

use proptest::collection::vec;
use proptest::prelude::*;
use selfsame::{Digest, Head, Hop, HopError, Pledge, Wanted, hazmat, verify};

use super::count::check;
use super::failing::{Control, Failing};
use super::host::{AUDIENCE, Host};
use crate::item;

#[derive(Clone, Debug)]
enum Act {
    /// A moment so many ticks later that nobody asked for.
    Moment(u64),
    /// A moment so many ticks later that answers challenges from some of the heads before.
    Prove(u64, Vec<prop::sample::Index>),
    Prepare(usize),
    Stir(u64),
    /// The change after so many more is refused.
    Fail(u64),
    /// The question for a hop, from some moment by some tier, with the way.
    Ask(prop::sample::Index, u8),
}

fn act() -> impl Strategy<Value = Act> {
    let gap = || (0u32..30, any::<u64>()).prop_map(|(bits, r)| r % (1 << bits) + 1);
    prop_oneof![
        4 => gap().prop_map(Act::Moment),
        4 => (gap(), vec(any::<prop::sample::Index>(), 1..4)).prop_map(|(gap, from)| Act::Prove(gap, from)),
        3 => (0usize..=16).prop_map(Act::Prepare),
        2 => any::<u64>().prop_map(Act::Stir),
        4 => (0u64..3).prop_map(Act::Fail),
        3 => (any::<prop::sample::Index>(), 0u8..16).prop_map(|(from, tier)| Act::Ask(from, tier)),
    ]
}

struct Watched {
    host: Host<Failing>,
    memory: Rc<Control>,
    heads: Vec<Head>,
    /// Every pledge of which an opening was ever handed out, and the digest that it was opened for.
    opened: HashMap<Pledge, Digest>,
    /// Hops that were looked at.
    seen: HashMap<(u8, Digest), Vec<u8>>,
    failures: u64,
}

impl Watched {
    fn born(seed: u64) -> Self {
        let (memory, control) = Failing::new();
        let host = Host::born_in(memory, seed);
        let heads = vec![host.lineage.head()];
        let (opened, seen) = (HashMap::new(), HashMap::new());
        Self { host, memory: control, heads, opened, seen, failures: 0 }
    }

    fn handed_out(&mut self, hops: &[Hop]) {
        for hop in hops {
            let digest = *hop.moment().digest();
            let before = self.seen.insert((hop.tier(), digest), hop.encode());
            if before.is_none() {
                let salt = self.host.lineage.genesis().salt();
                let pledge = hazmat::opened(hop.opening(), salt, &digest);
                let other = self.opened.insert(pledge, digest).filter(|other| *other != digest);
                assert_eq!(other, None, "a pledge was opened over two moments");
            } else {
                assert_eq!(before, Some(hop.encode()), "it is the same opening, each time it is handed out");
            }
        }
    }

    /// Holds what a call has made against what it must have done: all of it, with the secrets gone before, or
    /// nothing.
    fn after<T>(&mut self, before: Before, made: &Result<T, impl std::error::Error>, index: u64) {
        let head = self.host.lineage.head();
        match made {
            Ok(_) => {
                assert_eq!(head.index, index);
                assert!(self.memory.committed.get() > before.committed, "the secrets went first");
                self.heads.push(head);
            }
            Err(error) => {
                assert!(error.source().is_some(), "only the memory can refuse it: {error}");
                assert_eq!(
                    (head, self.host.lineage.kept()),
                    (before.head, before.kept),
                    "nothing has changed"
                );
                let hop = self.host.lineage.hop(head.index, 0, true);
                assert_eq!(hop, Err(HopError::NotKept { index: head.index, tier: 0 }), "no opening left");
                self.failures += 1;
            }
        }
    }

    fn before(&self) -> Before {
        let lineage = &self.host.lineage;
        Before { head: lineage.head(), kept: lineage.kept(), committed: self.memory.committed.get() }
    }

    fn act(&mut self, act: Act) {
        let before = self.before();
        match act {
            Act::Moment(gap) => {
                let index = before.head.index + gap;
                let made = self.host.try_moment(index);
                self.after(before, &made, index);
            }
            Act::Prove(gap, from) => {
                let index = before.head.index + gap;
                let id = *self.host.lineage.id();
                let since = from.iter().map(|from| from.get(&self.heads)).filter(|head| head.index > 0);
                // who asks from a head has been given it
                let asked = since.map(|head| item::challenge(AUDIENCE, &[9; 32], Some(&id), &[*head]));
                let mut challenges = vec![item::challenge(AUDIENCE, &[8; 32], None, &[])];
                challenges.extend(asked);
                let made = self.host.try_prove(index, &challenges);
                self.after(before, &made, index);
                for proof in made.into_iter().flatten() {
                    self.handed_out(proof.expect("every head was handed out").hops());
                }
            }
            Act::Prepare(tiers) => {
                let randomness = self.host.draw();
                self.failures += u64::from(self.host.lineage.prepare(&randomness, tiers).is_err());
            }
            Act::Stir(bytes) => {
                let stirred = self.host.lineage.stir(&[("test", &bytes.to_le_bytes())]);
                self.failures += u64::from(stirred.is_err());
            }
            Act::Fail(after) => self.memory.fails_after.set(Some(after)),
            Act::Ask(from, tier) => {
                let index = from.get(&self.heads).index;
                if let Ok(answer) = self.host.lineage.hop(index, tier, true) {
                    self.handed_out(&[answer.hop]);
                    self.handed_out(&answer.way);
                }
            }
        }
        // every head is one that may be asked from
        self.host.lineage.introduce();
    }
}

struct Before {
    head: Head,
    kept: (usize, usize),
    committed: u64,
}

#[test]
fn no_pledge_is_opened_over_two_moments() {
    check(1000, (any::<u64>(), vec(act(), 1..40)), |(seed, acts)| {
        let mut watched = Watched::born(seed);
        acts.into_iter().for_each(|act| watched.act(act));
        // after all those failures a moment still works, and every opening in its proof is right
        watched.memory.fails_after.set(None);
        let challenge = item::challenge(AUDIENCE, &[1; 32], None, &[]);
        let index = watched.host.lineage.head().index + 1;
        let proofs = watched.host.prove(index, std::slice::from_ref(&challenge));
        for proof in &proofs {
            watched.handed_out(proof.hops());
            verify(None, &challenge, &proof.encode(), &Wanted::default()).expect("it is right");
        }
        for (index, tier) in (0..16).flat_map(|tier| [(0, tier), (index - 1, tier)]) {
            if let Ok(answer) = watched.host.lineage.hop(index, tier, false) {
                watched.handed_out(&[answer.hop]);
            }
        }
    });
}

#[test]
fn whichever_change_of_a_moment_fails_no_opening_leaves_and_the_next_moment_works() {
    for is_ahead in [false, true] {
        let mut failed = 0;
        for fails_after in 0.. {
            let mut watched = Watched::born(fails_after);
            if is_ahead {
                watched.act(Act::Prepare(16));
            }
            watched.act(Act::Fail(fails_after));
            watched.act(Act::Prove(100, vec![]));
            if watched.failures == 0 {
                break;
            }
            failed += 1;
            watched.act(Act::Prove(100, vec![]));
            assert_eq!((watched.failures, watched.heads.len()), (1, 2), "the next one works");
            watched.act(Act::Prove(100, vec![]));
            assert_eq!(watched.heads.len(), 3);
        }
        assert_eq!(
            failed, 2,
            "a moment makes two changes: the new secrets or what is stirred in, and the step"
        );
    }
}
