//! What happens, but for answers that arrive: see [`super::answers`].

use std::rc::Rc;

use selfsame::{Challenge, Head, Introduction, LineageId, Now, ProveRefusal};
use selfsame_store::{ChallengeOptions, StoreError};
use selfsame_tests::play::clocks::Clocks;

use super::machine::SECOND;
use super::model::Introduced;
use super::world::{AUDIENCES, Act, Answer, NAMES, Ways, World};

/// A challenge lives so long.
const LIFE: u64 = 60 * SECOND;

impl World {
    pub fn acts(&mut self, act: Act) {
        let t = self.t;
        match act {
            Act::Turn => {}
            Act::Ask { peer, anew, ways } => self.asks(peer, anew, ways),
            Act::AtHost { number, ways } => {
                let peer = self.model.outs[number].peer;
                self.waiting[peer].push((number, ways));
                if self.waiting[peer].len() == 1 {
                    self.later(ways.gathers, Act::Commit { peer });
                }
            }
            Act::Commit { peer } => self.commits(peer),
            Act::AtParty(answer) => self.takes(&answer),
            Act::Told { peer, own } => {
                if self.model.known.get(&peer).is_none_or(|known| known.lineage != own) {
                    let ways = self.ways();
                    self.asks(peer, true, ways);
                }
            }
            Act::Elsewhere { peer } => {
                self.tally.happened("head handed out to somebody else");
                let (number, now) = (self.chance.number(), Clocks::new().now(t));
                let nonce = [number.to_le_bytes(), t.to_le_bytes()].concat();
                let challenge = self.elsewhere.challenge("other.example", &nonce, &now).unwrap();
                assert!(self.machines[peer].answers(t, &[challenge]).remove(0).is_ok());
            }
            Act::Introduce { peer, back } => {
                let introduction = self.machines[peer].introduces(t);
                let head = self.machines[peer].head();
                match back {
                    Some(back) => self.later(back, Act::TakeUp { peer, introduction, head, made_at: t }),
                    None => self.tally.happened("introduction lost, its head never used"),
                }
            }
            Act::TakeUp { peer, introduction, head, made_at } => {
                self.takes_up(peer, &Introduction::parse(&introduction).unwrap(), head, made_at);
            }
            Act::Restart { process } => {
                self.tally.happened("party: a process restarted");
                self.processes[process].restart();
            }
            Act::Reboot { wrong_ms } => {
                self.tally.happened("party: rebooted");
                self.clocks.reboot(t);
                self.set_wall(wrong_ms);
                self.processes.iter_mut().for_each(selfsame_tests::play::Party::restart);
            }
            Act::SetWall { wrong_ms } => self.set_wall(wrong_ms),
            Act::Suspend { peer, ticks } => {
                self.tally.happened("host: suspended");
                self.machines[peer].suspended(t, ticks);
            }
            Act::Pause { peer, ticks } => {
                if self.machines[peer].pauses(t, ticks) {
                    self.tally.happened("host: paused, its clock too");
                }
            }
            Act::HostReboots { peer } => {
                self.tally.happened("host: reboots");
                self.waiting[peer]
                    .drain(..)
                    .for_each(|_| self.tally.happened("answer lost with the host's memory"));
                self.machines[peer].reboots(&mut self.chance, t);
            }
            Act::Forget { peer } => {
                if self.model.known.contains_key(&peer) {
                    self.tally.happened("party: forgets a peer");
                    let process = self.chance.index(self.processes.len());
                    self.processes[process].store().forget(NAMES[peer]).unwrap();
                    self.model.forgotten(peer);
                }
            }
        }
    }

    fn set_wall(&mut self, wrong_ms: i64) {
        if wrong_ms < self.wrong_ms {
            self.tally.happened("party: clock set back");
        }
        self.wrong_ms = wrong_ms;
        self.clocks.set_wall(wrong_ms);
        self.processes.iter_mut().for_each(|party| party.clocks = self.clocks.clone());
    }

    fn asks(&mut self, peer: usize, anew: bool, ways: Ways) {
        let (now, process) = (self.now(), self.chance.index(self.processes.len()));
        let is_known = self.model.known.contains_key(&peer);
        // a bare id, which a person had from somewhere
        let lineage = (!is_known && self.chance.one_in(2)).then(|| self.machines[peer].lineage());
        let options = ChallengeOptions { lineage, anew: anew && is_known };
        let may_ask = self.model.may_ask(peer, &now);
        match self.processes[process].ask_as(AUDIENCES[process], NAMES[peer], self.t, &options) {
            Ok(challenge) => {
                assert!(may_ask, "more are out than may be");
                let number = self.model.outs.len();
                self.model.asked(peer, process, challenge, (now, self.t), anew);
                if self.model.out(peer, &now) > 32 {
                    self.tally.happened("asked: more than 32 out for one peer");
                }
                self.later(ways.there, Act::AtHost { number, ways });
            }
            Err(StoreError::Busy { limit: 256, .. }) if !may_ask => self.tally.happened("asked: 256 are out"),
            Err(error) => panic!("no challenge for {}: {error}", NAMES[peer]),
        }
    }

    fn commits(&mut self, peer: usize) {
        let waiting = std::mem::take(&mut self.waiting[peer]);
        if waiting.is_empty() {
            return;
        }
        let challenges: Vec<Challenge> =
            waiting.iter().map(|(number, _)| self.model.outs[*number].challenge.clone()).collect();
        let outcomes = self.machines[peer].answers(self.t, &challenges);
        let machine = &self.machines[peer];
        let (own, head, paused) = (machine.lineage(), machine.head(), machine.paused);
        let predecessor = machine.predecessor();
        let answered = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        for ((number, ways), outcome) in waiting.into_iter().zip(outcomes) {
            let asked = self.model.outs[number].challenge.lineage().copied();
            match outcome {
                Ok(proof) => {
                    assert!(asked.is_none_or(|asked| asked == own));
                    if answered > 1 {
                        self.tally.happened("answers of one moment with others");
                    }
                    let proof = proof.encode();
                    self.sends(Answer { number, proof, lineage: own, head, predecessor, paused }, ways);
                }
                Err(refusal) => {
                    let asked = asked.filter(|asked| *asked != own).expect("nothing else is refused");
                    assert_eq!(refusal, ProveRefusal::OtherLineage { asked, own, predecessor });
                    self.tally.happened("host: another lineage, says the host");
                    ways.back.into_iter().for_each(|back| self.later(back, Act::Told { peer, own }));
                }
            }
        }
    }

    /// An answer goes on its way: some are lost, some come twice, some at the very end of the challenge's life.
    fn sends(&mut self, answer: Answer, ways: Ways) {
        let ends = (self.model.outs[answer.number].t + LIFE).saturating_sub(self.t);
        let answer = Rc::new(answer);
        let Some(back) = ways.back else { return self.tally.happened("answer lost") };
        match self.chance.below(50) {
            0 | 1 if ends > 0 => self.later(ends, Act::AtParty(answer)),
            2 => self.later(ends + 1, Act::AtParty(answer)),
            3 | 4 => {
                self.later(back, Act::AtParty(Rc::clone(&answer)));
                let again = back + self.chance.up_to(8 * SECOND);
                self.later(again, Act::AtParty(answer));
            }
            _ => self.later(back, Act::AtParty(answer)),
        }
    }

    fn takes_up(&mut self, peer: usize, introduction: &Introduction, head: Head, made_at: u64) {
        let is_known = self.model.known.contains_key(&peer);
        if is_known && self.chance.one_in(2) {
            return;
        }
        self.script.awaited[peer] = false;
        let (now, lineage): (Now, LineageId) = (self.now(), *introduction.anchor().lineage());
        let process = self.chance.index(self.processes.len());
        let expected = self.model.introduces(peer, &lineage, head.index);
        let found = self.processes[process].store().meet(NAMES[peer], introduction, &now, is_known);
        match (expected, found) {
            (Introduced::Met | Introduced::Replaced, Ok(())) => {
                self.tally.happened("introduction taken up");
                if self.t - made_at >= 60 * SECOND {
                    self.tally.happened("introduction taken up a minute later or more");
                }
                if expected == Introduced::Replaced {
                    self.tally.happened("introduction that replaces an anchor");
                }
                self.model.introduced(peer, lineage, head, &now);
            }
            (Introduced::PastLineage, Err(StoreError::PastLineage { .. }))
            | (Introduced::OtherLineage, Err(StoreError::OtherLineage { .. }))
            | (Introduced::NotNewer, Err(StoreError::NotNewer { .. })) => {
                self.tally.happened("introduction of what was before");
            }
            (expected, found) => panic!("an introduction: expected {expected:?}, found {found:?}"),
        }
    }
}
