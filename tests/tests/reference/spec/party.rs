//! Section 7, a relying party of one lineage: which challenges live, and the checks 6 to 9 around those of a
//! proof by itself. For one boot of the verifier.

use super::hash::Hash;
use super::messages::{Challenge, Proof};
use super::moment::{Anchor, Genesis, introduction};
use super::past::{Past, Taken};
use super::time::{Clocks, Times};
use super::verify::{Asked, Why, cheap, check_3};

/// 60 s, in ticks.
const SIXTY_SECONDS: u64 = 60 * 4096;

#[derive(Clone, Debug)]
struct Issued {
    challenge: Challenge,
    anchor: Option<Anchor>,
    at: Clocks,
    refused: usize,
    /// Made without `since`, or against an introduction that no proof has confirmed.
    dies_with_anchor: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Party {
    told: Option<Hash>,
    pub anchor: Option<Anchor>,
    is_proven: bool,
    pub unconfirmed: Vec<(u64, Hash)>,
    issued: Vec<Issued>,
    times: Times,
    pub past: Past,
    pub is_forked: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Refused {
    UnknownChallenge,
    Expired,
    KnownFork,
    Check(Why),
    Clock,
    Stalled,
    Forked,
    Contradiction,
    Busy,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    pub index: u64,
    pub gap: u64,
    pub hops: usize,
    pub lag: u64,
    pub known: Option<bool>,
    pub moved: bool,
    /// Ahead of its wall time, at a first meeting.
    pub is_first: bool,
}

/// A proof that passes all checks, and what step 9 keeps of it.
struct Accepted {
    verdict: Verdict,
    taken: Taken,
    unconfirmed: Vec<(u64, Hash)>,
    /// Whether it was let pass in spite of its time.
    in_spite: bool,
}

impl Party {
    pub fn expecting(told: Option<Hash>) -> Self {
        Self { told, ..Self::default() }
    }

    pub fn introduced(given: &[u8], now: Clocks) -> Self {
        let (genesis, moment) = introduction(given).unwrap();
        let Genesis { digest: lineage, salt, wall_ms, .. } = genesis;
        let Some(moment) = moment else {
            let times = Times::introduced(0, wall_ms, now);
            return Self { anchor: Some(genesis.anchor()), times, ..Self::default() };
        };
        let (index, digest, pledges) = (moment.index, moment.digest, moment.pledges);
        let anchor = Anchor { lineage, salt, index, digest, pledges };
        Self {
            times: Times::introduced(index, moment.wall_ms, now),
            anchor: Some(anchor),
            unconfirmed: vec![(index, digest)],
            ..Self::default()
        }
    }

    /// A challenge goes out: it names what the section says.
    pub fn issue(&mut self, challenge: &[u8], at: Clocks) {
        let challenge = Challenge::parse(challenge).unwrap();
        assert_eq!(challenge.since, self.unconfirmed);
        assert_eq!(challenge.lineage, self.anchor.as_ref().map(|anchor| anchor.lineage).or(self.told));
        if let Some(anchor) = self.anchor.as_ref().filter(|anchor| anchor.index > 0) {
            assert_eq!(challenge.since.last(), Some(&(anchor.index, anchor.digest)));
        }
        let dies_with_anchor = challenge.since.is_empty() || !self.is_proven;
        let anchor = self.anchor.clone();
        self.issued.push(Issued { challenge, anchor, at, refused: 0, dies_with_anchor });
    }

    /// All checks, and step 9.
    pub fn take(&mut self, given: &[u8], now: Clocks, in_spite: bool) -> Result<Verdict, Refused> {
        // which challenge it answers is said inside: to know whether that is alive, it has to be well-formed first
        let proof = Proof::parse(given).map_err(|shape| Refused::Check(Why::Shape(shape)))?;
        let answers = |issued: &Issued| issued.challenge.digest == proof.statement.challenge;
        let place = self.issued.iter().position(answers).ok_or(Refused::UnknownChallenge)?;
        let issued = self.issued[place].clone();
        if !(issued.at.ticks..=issued.at.ticks + SIXTY_SECONDS).contains(&now.ticks) {
            return Err(Refused::Expired);
        }
        if self.is_forked {
            return Err(Refused::KnownFork);
        }
        let checked = self.check(&issued, given, now, in_spite);
        match checked {
            Ok(accepted) => {
                self.issued.remove(place);
                self.times.accept(accepted.verdict.index, issued.at, now, accepted.in_spite);
                Ok(self.keep(accepted))
            }
            Err(Refused::Busy) => Err(Refused::Busy),
            Err(refused) => {
                self.is_forked |= refused == Refused::Forked;
                self.issued[place].refused += 1;
                if self.issued[place].refused == 8 {
                    self.issued.remove(place);
                }
                Err(refused)
            }
        }
    }

    fn check(&self, issued: &Issued, given: &[u8], now: Clocks, in_spite: bool) -> Result<Accepted, Refused> {
        let (start, proof) = cheap(issued.anchor.as_ref(), &issued.challenge, given, &Asked::default())
            .map_err(Refused::Check)?;
        let index = proof.head().index;
        let judged =
            self.times.judge(index, issued.at, now, proof.genesis.as_ref().map(|genesis| genesis.wall_ms));
        let is_late = judged.lag > SIXTY_SECONDS;
        if judged.is_ahead && !in_spite {
            return Err(Refused::Clock);
        }
        if is_late && !in_spite {
            return Err(Refused::Stalled);
        }
        let moments = check_3(&start, &proof).map_err(Refused::Check)?;
        let taken = Taken::of(&start, &moments, &proof);
        if self.past.clash(&taken) {
            return Err(Refused::Forked);
        }
        let mut anchors = vec![start.clone()];
        anchors.extend(self.anchor.clone());
        anchors.extend(issued.anchor.clone());
        anchors.extend(moments.clone());
        if self.past.contradict(&anchors, &self.unconfirmed, &taken) {
            return Err(Refused::Contradiction);
        }
        let unconfirmed = self.unconfirmed_after(&issued.challenge, &moments[moments.len() - 1])?;
        let verdict = Verdict {
            index,
            gap: index - start.index,
            hops: moments.len(),
            lag: judged.lag,
            known: proof.statement.known,
            moved: self.anchor.as_ref().is_none_or(|anchor| index > anchor.index),
            is_first: judged.is_first,
        };
        let in_spite = in_spite && (judged.is_ahead || is_late);
        Ok(Accepted { verdict, taken, unconfirmed, in_spite })
    }

    /// Those in the challenge's `since` leave, and its own head joins.
    fn unconfirmed_after(&self, challenge: &Challenge, head: &Anchor) -> Result<Vec<(u64, Hash)>, Refused> {
        let mut unconfirmed = self.unconfirmed.clone();
        unconfirmed.retain(|head| !challenge.since.contains(head));
        if !unconfirmed.contains(&(head.index, head.digest)) {
            unconfirmed.push((head.index, head.digest));
        }
        unconfirmed.sort();
        if unconfirmed.len() > 64 { Err(Refused::Busy) } else { Ok(unconfirmed) }
    }

    /// Step 9, but for the times.
    fn keep(&mut self, accepted: Accepted) -> Verdict {
        let Accepted { verdict, taken, unconfirmed, .. } = accepted;
        if verdict.moved {
            self.issued.retain(|issued| !issued.dies_with_anchor);
            self.anchor = taken.head().cloned();
        }
        self.is_proven = true;
        self.unconfirmed = unconfirmed;
        self.past.keep(taken);
        verdict
    }
}
