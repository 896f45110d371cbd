//! An answer arrives at a relying party: what comes of it is what must come of it.

use std::rc::Rc;

use selfsame::{Policy, Refusal, Timing, Verdict};
use selfsame_store::{EnrolOptions, StoreError};

use super::machine::SECOND;
use super::model::Expected;
use super::world::{AUDIENCES, Act, Answer, NAMES, Ways, World};

impl World {
    pub fn takes(&mut self, answer: &Rc<Answer>) {
        let taken = self.takes_as(answer, false);
        if taken == Expected::Succession {
            // a person looked at it
            self.takes_as(answer, true);
        }
    }

    /// Holds an answer against the store, where a new lineage may succeed the old or not.
    fn takes_as(&mut self, answer: &Rc<Answer>, succeeds: bool) -> Expected {
        let (now, process) = (self.now(), self.process_of_who_asked(answer.number));
        let Answer { number, proof, lineage, head, .. } = &**answer;
        let out = &self.model.outs[*number];
        let (peer, name, anew) = (out.peer, NAMES[out.peer], out.anew);
        let expected = self.model.expected(*number, lineage, *head, succeeds, &now);
        let store = self.processes[process].store();
        let found = if anew {
            let options = EnrolOptions { succeeds, ..EnrolOptions::default() };
            store.enrol(name, proof, &now, &options).map(|enrolment| {
                assert_eq!(enrolment.predecessor.map(|before| before.lineage), answer.predecessor);
                enrolment.verdict
            })
        } else {
            store.verify(name, proof, &now, &Policy::default())
        };
        match (expected, found) {
            (Expected::Accepted { .. }, Ok(verdict)) => self.accepts(answer, process, expected, &verdict),
            (Expected::UnknownChallenge, Err(StoreError::Refused(Refusal::UnknownChallenge))) => {
                let is_used = self.model.outs[*number].is_used;
                let is_over = !selfsame_tests::play::clocks::lives(&self.model.outs[*number].at, &now);
                self.tally.happened(match (is_used, is_over) {
                    (true, _) => "dead: the challenge is used up",
                    (_, true) => "too late: 60 s are over",
                    _ => "dead: the challenge was fragile or dropped",
                });
            }
            (Expected::Expired, Err(StoreError::Refused(Refusal::Expired))) => {
                self.tally.happened("too late: 60 s are over");
            }
            (Expected::Busy, Err(StoreError::Refused(Refusal::Busy))) => self.is_busy(answer, peer),
            (Expected::UnknownPeer, Err(StoreError::UnknownPeer { .. })) => {
                self.tally.happened("dead: the peer is forgotten");
            }
            (Expected::PeerExists, Err(StoreError::PeerExists { lineage, .. })) => {
                assert_eq!(lineage, answer.lineage);
                self.tally.happened("dead: the new lineage is known already");
            }
            (Expected::PastLineage, Err(StoreError::PastLineage { .. })) => {
                self.tally.happened("dead: the lineage was succeeded meanwhile");
            }
            (Expected::Succession, Err(StoreError::Succession { own, found, predecessor, .. })) => {
                assert_eq!((own, found), (self.model.known[&peer].lineage, answer.lineage));
                assert_eq!(predecessor, answer.predecessor);
                self.tally.happened("store: another lineage, says the store");
            }
            (expected, found) => {
                panic!("step {}, {name}: expected {expected:?}, found {found:?}", self.tally.steps)
            }
        }
        expected
    }

    fn accepts(&mut self, answer: &Answer, process: usize, expected: Expected, verdict: &Verdict) {
        let &Answer { number, lineage, head, paused, .. } = answer;
        let Verdict { moved, known, first_meeting, timing, .. } = *verdict;
        assert_eq!(Expected::Accepted { moved, known, first_meeting, timing }, expected);
        assert_eq!((verdict.lineage, verdict.index), (lineage, head.index));
        assert_eq!(verdict.statement.audience(), AUDIENCES[process]);
        assert!(verdict.lag <= paused.saturating_sub(SECOND), "{} of {paused}", verdict.lag);
        let now = self.now();
        let out = self.model.outs[number].clone();
        let was_proven = self.model.known.get(&out.peer).is_none_or(|known| known.is_proven);
        let since = out.challenge.since();
        let is_of_other = |head| self.model.audiences.get(head).is_some_and(|of| *of != AUDIENCES[process]);
        let ended = self.t == out.t + 60 * SECOND;
        let happened = [
            ("accepted", true),
            ("accepted: overtaken by a newer one", !moved),
            ("accepted: first meeting", first_meeting),
            (
                "accepted: a new lineage, as the old one's successor",
                out.anew && self.model.known.contains_key(&out.peer),
            ),
            ("accepted: first proof after an introduction", !out.anew && !was_proven),
            ("accepted: unjudged, as the clock was set back", timing == Timing::Unjudged),
            ("accepted: by wall time", timing == Timing::CheckedByWall),
            ("accepted: by the age clock", timing == Timing::Checked),
            ("accepted: the host lagged", verdict.lag > 0),
            ("accepted: was busy before", out.was_busy),
            ("accepted: issued by another process", out.process != process),
            ("accepted: by the other relying party", AUDIENCES[process] != AUDIENCES[0]),
            ("accepted: confirms a head of the other relying party's", since.iter().any(is_of_other)),
            ("accepted: at the last tick of a challenge's life", ended),
            ("accepted: confirms more than 8 heads at once", since.len() > 8),
        ];
        for (situation, _) in happened.into_iter().filter(|(_, is_so)| *is_so) {
            self.tally.happened(situation);
        }
        self.model.accepted(number, lineage, head, &now);
        self.model.audiences.insert(head, AUDIENCES[process]);
    }

    /// A process of the relying party that issued a challenge.
    fn process_of_who_asked(&mut self, number: usize) -> usize {
        let audience = self.model.outs[number].challenge.audience();
        let theirs: Vec<usize> = (0..AUDIENCES.len()).filter(|of| AUDIENCES[*of] == audience).collect();
        theirs[self.chance.index(theirs.len())]
    }

    /// The challenge is not used up: once the host has confirmed some, the same answer is taken.
    fn is_busy(&mut self, answer: &Rc<Answer>, peer: usize) {
        self.tally.happened("busy: more than 64 unconfirmed");
        self.model.outs[answer.number].was_busy = true;
        let again = 4 * SECOND + self.chance.up_to(20 * SECOND);
        self.later(again, Act::AtParty(Rc::clone(answer)));
        let ways = Ways { there: self.chance.up_to(SECOND), gathers: 0, back: Some(SECOND) };
        self.later(0, Act::Ask { peer, anew: false, ways });
    }
}
