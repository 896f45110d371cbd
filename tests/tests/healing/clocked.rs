//! All checks over a real store: within the bound in time nothing is accepted, at whatever time a thief answers, and
//! however far its head is ahead of time or backdated.

use selfsame::Refusal;
use selfsame_tests::play::Chance;
use selfsame_tests::play::count::cases;

use super::attack::Attack;
use super::pure::{Shape, history};
use super::scene::{PEER, SECOND, Scene};
use super::tally::{Tally, check};

/// Histories of each tier, of the full count.
const HISTORIES: u32 = 6;

/// A challenge lives so long.
pub const LIFE: u64 = 60 * SECOND;

/// So many refusals use a challenge up.
const REFUSALS: usize = 8;

/// The bound: for so many ticks after the anchor was accepted nothing is, where it was that long after the theft.
pub fn bound(healed: u64) -> Option<u64> {
    ((healed.checked_sub(SECOND)? as u128 * 1000 / 1001) as u64).checked_sub(LIFE)
}

/// How far check 6 lets a head be ahead of one that answered a challenge issued so long ago.
pub fn most_ahead(elapsed: u64) -> u64 {
    elapsed + elapsed / 1000 + SECOND
}

/// How far a head has to be ahead of one that was accepted so long before the challenge's issue, if it lags by no more
/// than is only reported.
pub fn least_ahead(elapsed: u64) -> u64 {
    (elapsed - elapsed / 1000).saturating_sub(SECOND + 60 * SECOND)
}

/// When a thief answers: a challenge's issue and its answer's arrival, in true time.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    pub issued: u64,
    pub at: u64,
}

impl Scene {
    /// The gaps that check 6 allows at that time: from the anchor's acceptance, and from its challenge's issue.
    fn allowed(&self, answer: Answer) -> (u64, u64) {
        let least = least_ahead(answer.issued - self.when.accepted).max(1);
        (least, most_ahead(answer.at - (self.when.anchor - 1)))
    }

    /// All strategies at a gap: each is refused, by the check that is given to `refused`.
    pub fn assailed(&mut self, answer: Answer, gap: u64, mut refused: impl FnMut(&Refusal)) -> u64 {
        let head = self.anchor.head.index + gap;
        let mut challenge = self.party.ask(PEER, answer.issued).unwrap();
        let strategies = Attack::new(self, &challenge, head).strategies();
        let mut proofs = 0;
        for few in strategies.chunks(REFUSALS) {
            let attack = Attack::new(self, &challenge, head);
            let few: Vec<_> = few.iter().filter_map(|few| Some((*few, attack.proof(*few)?))).collect();
            for (strategy, proof) in few {
                let refusal = self.party.verify(PEER, &proof, answer.at);
                let refusal =
                    refusal.expect_err(&format!("{strategy:?} over {gap} at {answer:?} in {:?}", self.when));
                refused(&refusal);
                proofs += 1;
            }
            challenge = self.party.ask(PEER, answer.issued).unwrap();
        }
        proofs
    }

    /// All strategies at a gap: each is refused by a check that may refuse a thief, and some by check 3.
    pub fn assailed_in_vain(&mut self, answer: Answer, gap: u64) {
        let mut by_check_3 = 0;
        self.assailed(answer, gap, |refusal| by_check_3 += u32::from(check(refusal).starts_with('3')));
        assert!(by_check_3 > 0, "none over {gap} at {answer:?}");
    }
}

/// Gaps from the least to the most that time allows: the ends, the powers of 4 between, and one at random.
fn gaps((least, most): (u64, u64), chance: &mut Chance) -> Vec<u64> {
    let powers = (0..16).map(|tier| 4u64.pow(tier));
    let mut gaps: Vec<u64> = powers.chain([least, most, chance.between(least, most)]).collect();
    gaps.retain(|gap| (least..=most).contains(gap));
    gaps.sort_unstable();
    gaps.dedup();
    gaps
}

#[test]
fn for_as_long_as_the_bound_says_no_copy_is_accepted() {
    let (mut tally, mut proofs, mut answers) = (Tally::default(), 0, 0u64);
    let histories = cases(HISTORIES);
    for tier in 8..16u32 {
        for number in 0..histories {
            let seed = u64::from(tier * 1000 + number) + 1_000_000;
            let chance = &mut Chance::new(seed + 1_000_000);
            let shape = Shape::of(tier, number + tier);
            let (stolen, anchor) = loop {
                // at tier 8 few are long enough: 61 s of at most 64
                let (stolen, anchor) = shape.indices(tier, chance);
                if bound(anchor - stolen).is_some() {
                    break (stolen, anchor);
                }
            };
            // the anchor's challenge may be answered to the end of its life
            let accepted =
                anchor - 1 + if (number + tier / 2) % 2 == 0 { LIFE } else { chance.scaled(1, LIFE) };
            let last = accepted + bound(anchor - stolen).unwrap();
            let mut scene = history(seed, (stolen, anchor), accepted, anchor - stolen);
            for at in [accepted, chance.scaled(1, last - accepted + 1) + accepted - 1, last] {
                let issued = at - chance.between(0, LIFE.min(at - accepted));
                let answer = Answer { issued, at };
                let (least, most) = scene.allowed(answer);
                assert!(most <= scene.healed(), "by the clock alone: {most} of {}", scene.healed());
                for gap in gaps((least, most), chance) {
                    proofs += scene.assailed(answer, gap, |refusal| {
                        let check = check(refusal);
                        assert!(
                            !check.starts_with('6') || check == "6 Stalled",
                            "the time is right: {refusal}"
                        );
                        tally.count(check, tier as u8);
                    });
                }
                // beyond what time allows, it is time that refuses
                for gap in [Some(most + 1), least.checked_sub(1).filter(|gap| *gap > 0)].into_iter().flatten()
                {
                    proofs += scene.assailed(answer, gap, |refusal| tally.count(check(refusal), tier as u8));
                }
                answers += 1;
            }
            assert_still_the_hosts(&mut scene, last);
        }
    }
    tally.print("all checks");
    println!(
        "{} histories of {}, {answers} times of an answer, {proofs} proofs refused",
        8 * histories,
        8 * HISTORIES
    );
}

/// No refusal has changed anything: the host is accepted, if it goes on.
fn assert_still_the_hosts(scene: &mut Scene, t: u64) {
    let t = t.max(scene.host.lineage.head().index) + 2;
    let challenge = scene.party.ask(PEER, t - 1).unwrap();
    let proof = scene.host.prove(t, &[challenge]).remove(0);
    let verdict = scene.party.verify(PEER, &proof.encode(), t).unwrap();
    assert_eq!((verdict.known, verdict.lag), (Some(true), 0));
}
