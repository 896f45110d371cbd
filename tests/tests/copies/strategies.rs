//! How a thief hides: when its moments are, and how often it answers.

use selfsame_tests::play::sparse::{Beat, nearest};
use selfsame_tests::play::{Party, Thief};

use super::scene::{PEER, SECOND, WAY};

/// What a lag may be, so that the host only seems to have been paused (protocol section 7, step 6): 60 s.
pub const LAG: u64 = 60 * SECOND;

/// When the thief answers first, and what it does to hide.
#[derive(Clone, Copy, Debug)]
pub struct Strategy {
    /// Where its own history begins: a moment there, before the one that answers.
    parts: Parts,
    /// By how much its head is backdated.
    backdated: Backdated,
    /// How often it answers once more, so that what the verifier keeps is flushed.
    more: u64,
}

/// Where a thief parts from its host.
#[derive(Clone, Copy, Debug)]
enum Parts {
    /// By the moment that answers.
    AtOnce,
    /// By a moment in the tick after the copy.
    InTheNextTick,
    /// By moments at an honest beat.
    Honestly,
}

/// What index a thief's head has.
#[derive(Clone, Copy, Debug)]
enum Backdated {
    /// What the time is.
    Not,
    /// As far back as is only reported.
    AsFarAsCanBe,
    /// Where the highest digit that differs from the copy's index is lowest.
    ToTheNearest,
}

/// All that a thief may try that answers so often. (What it tries is seen by nobody but the one who is asked: it needs
/// one that works.)
pub fn answering(times: u64) -> Vec<Strategy> {
    let mut all = Vec::new();
    for parts in [Parts::AtOnce, Parts::InTheNextTick, Parts::Honestly] {
        for backdated in [Backdated::Not, Backdated::AsFarAsCanBe, Backdated::ToTheNearest] {
            all.push(Strategy { parts, backdated, more: times - 1 });
        }
    }
    all
}

impl Strategy {
    /// Answers the relying party at `t`, and `more` times before `until`. Whether every answer was accepted.
    pub fn play(&self, thief: &mut Thief, party: &mut Party, t: u64, until: u64) -> bool {
        let copied = thief.last().head.index;
        let head = self.head(copied, t);
        match self.parts {
            Parts::AtOnce => {}
            Parts::InTheNextTick => {
                if copied + 1 < head {
                    thief.moment(copied + 1);
                }
            }
            Parts::Honestly => {
                let beat = Beat { every: 8 * SECOND, phase: copied % 8 };
                for index in beat.between(copied, head, 1) {
                    thief.moment(index);
                }
            }
        }
        let apart = (until - t) / (self.more + 1);
        (0..=self.more).all(|n| {
            let at = t + n * apart;
            let head = at - (t - head);
            head > thief.last().head.index && {
                let challenge = party.ask(PEER, at - WAY).unwrap();
                let proof = thief.answer(&challenge, head);
                party.verify(PEER, &proof, at).is_ok()
            }
        })
    }

    fn head(&self, copied: u64, t: u64) -> u64 {
        let earliest = t.saturating_sub(LAG).max(copied + 2);
        match self.backdated {
            Backdated::Not => t,
            Backdated::AsFarAsCanBe => earliest,
            Backdated::ToTheNearest => {
                nearest(copied, (0..64).map(|n| earliest + (t - earliest) * n / 63)).unwrap_or(t)
            }
        }
    }
}
