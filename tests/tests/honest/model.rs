//! What must come of an answer: section 7 as far as an honest world can notice it, in other words than the code's.

use std::collections::{BTreeMap, BTreeSet};

use selfsame::{Boot, Challenge, Head, LineageId, Now, Timing};
use selfsame_tests::play::clocks::lives;

/// Heads that may be unconfirmed.
const MOST_UNCONFIRMED: usize = 64;

/// Challenges that may be out for one name.
const MOST_OUT: usize = 256;

/// What a store knows of a host, for all relying parties on it.
#[derive(Clone, Debug)]
pub struct Known {
    pub lineage: LineageId,
    /// Its anchor's index.
    pub anchor: u64,
    pub unconfirmed: BTreeSet<Head>,
    /// Whether a proof was accepted of this anchor's history.
    pub is_proven: bool,
    /// The boots in which something was issued or accepted that check 6 goes by.
    boots: BTreeSet<[u8; 16]>,
    wall_max_ms: u64,
}

/// A challenge that was issued.
#[derive(Clone, Debug)]
pub struct Out {
    pub peer: usize,
    pub process: usize,
    pub challenge: Challenge,
    pub at: Now,
    /// True time of its issue.
    pub t: u64,
    /// For a first meeting, or of whoever comes.
    pub anew: bool,
    is_fragile: bool,
    /// Whether the store has it.
    pub is_kept: bool,
    pub is_used: bool,
    pub was_busy: bool,
}

/// What must come of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    Accepted {
        moved: bool,
        known: Option<bool>,
        first_meeting: bool,
        timing: Timing,
    },
    /// The challenge is used up, or died.
    UnknownChallenge,
    Expired,
    Busy,
    /// The peer was forgotten.
    UnknownPeer,
    /// The lineage is the peer's already.
    PeerExists,
    /// The lineage was the peer's, until another succeeded it.
    PastLineage,
    /// It is a new lineage, which nobody has taken for the old one's successor yet.
    Succession,
}

/// What must come of an introduction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Introduced {
    Met,
    Replaced,
    PastLineage,
    OtherLineage,
    NotNewer,
}

#[derive(Debug, Default)]
pub struct Model {
    pub known: BTreeMap<usize, Known>,
    pub outs: Vec<Out>,
    /// Lineages that were succeeded, with the peer.
    past: BTreeSet<(usize, LineageId)>,
    /// Heads that were accepted, by the audience that last did.
    pub audiences: BTreeMap<Head, &'static str>,
}

impl Known {
    fn of_introduction(lineage: LineageId, head: Head, now: &Now) -> Self {
        Self {
            lineage,
            anchor: head.index,
            unconfirmed: if head.index == 0 { BTreeSet::new() } else { BTreeSet::from([head]) },
            is_proven: false,
            boots: BTreeSet::from([now.boot.0]),
            wall_max_ms: now.wall_ms,
        }
    }

    /// How the time of an answer is checked.
    fn timing(&self, issued: &Now, now: &Now) -> Timing {
        let Boot(boot) = now.boot;
        if self.is_proven && issued.boot == now.boot && self.boots == BTreeSet::from([boot]) {
            return Timing::Checked;
        }
        by_wall(self.wall_max_ms, issued, now)
    }

    /// The heads that are unconfirmed once a challenge is answered.
    fn unconfirmed_after(&self, challenge: &Challenge, head: Head) -> BTreeSet<Head> {
        let mut heads = self.unconfirmed.clone();
        challenge.since().iter().for_each(|head| {
            heads.remove(head);
        });
        heads.insert(head);
        heads
    }
}

fn by_wall(wall_max_ms: u64, issued: &Now, now: &Now) -> Timing {
    let is_set_back = now.wall_ms < wall_max_ms.max(issued.wall_ms);
    if is_set_back { Timing::Unjudged } else { Timing::CheckedByWall }
}

impl Model {
    /// Challenges of a peer that the store has and that live.
    pub fn out(&self, peer: usize, now: &Now) -> usize {
        self.outs.iter().filter(|out| out.peer == peer && out.is_kept && lives(&out.at, now)).count()
    }

    pub fn may_ask(&self, peer: usize, now: &Now) -> bool {
        self.out(peer, now) < MOST_OUT
    }

    /// A challenge was issued. What it says of the peer is held against what is known.
    pub fn asked(
        &mut self,
        peer: usize,
        process: usize,
        challenge: Challenge,
        (at, t): (Now, u64),
        anew: bool,
    ) {
        for out in &mut self.outs {
            out.is_kept &= lives(&out.at, &at);
        }
        let known = self.known.get(&peer);
        let anew = anew || known.is_none();
        let heads = known.filter(|_| !anew).map(|known| known.unconfirmed.clone()).unwrap_or_default();
        assert_eq!(challenge.since(), Vec::from_iter(heads.iter().copied()));
        if let Some(known) = known.filter(|_| !anew) {
            assert_eq!(challenge.lineage(), Some(&known.lineage));
        }
        let is_fragile = heads.is_empty() || known.is_none_or(|known| !known.is_proven);
        self.outs.push(Out {
            peer,
            process,
            challenge,
            at,
            t,
            anew,
            is_fragile: is_fragile || anew,
            is_kept: true,
            is_used: false,
            was_busy: false,
        });
    }

    /// What must come of an answer with this head, where new lineages are taken or not.
    pub fn expected(
        &self,
        number: usize,
        lineage: &LineageId,
        head: Head,
        takes: bool,
        now: &Now,
    ) -> Expected {
        let out = &self.outs[number];
        let known = self.known.get(&out.peer);
        match known {
            None if !out.anew => return Expected::UnknownPeer,
            _ if !out.is_kept => return Expected::UnknownChallenge,
            Some(known) if out.anew && known.lineage == *lineage => return Expected::PeerExists,
            Some(_) if out.anew && self.past.contains(&(out.peer, *lineage)) => return Expected::PastLineage,
            _ if !lives(&out.at, now) => return Expected::Expired,
            Some(_) if out.anew && !takes => return Expected::Succession,
            _ => {}
        }
        let since = out.challenge.since();
        match known.filter(|_| !out.anew) {
            Some(known) if known.unconfirmed_after(&out.challenge, head).len() > MOST_UNCONFIRMED => {
                Expected::Busy
            }
            Some(known) => Expected::Accepted {
                moved: head.index > known.anchor,
                known: (!since.is_empty()).then_some(true),
                first_meeting: false,
                timing: known.timing(&out.at, now),
            },
            None => Expected::Accepted {
                moved: true,
                known: None,
                first_meeting: true,
                timing: by_wall(0, &out.at, now),
            },
        }
    }

    /// An answer was accepted.
    pub fn accepted(&mut self, number: usize, lineage: LineageId, head: Head, now: &Now) {
        self.outs[number].is_used = true;
        self.outs[number].is_kept = false;
        let Out { peer, challenge, at, anew, .. } = self.outs[number].clone();
        if anew {
            let known = Known { is_proven: true, ..Known::of_introduction(lineage, head, now) };
            if let Some(before) = self.known.insert(peer, known) {
                self.past.insert((peer, before.lineage));
            }
            self.drop_challenges(peer, |_| true);
        }
        let known = self.known.get_mut(&peer).unwrap();
        known.unconfirmed = known.unconfirmed_after(&challenge, head);
        known.is_proven = true;
        known.boots.extend([at.boot.0, now.boot.0]);
        known.wall_max_ms = known.wall_max_ms.max(at.wall_ms).max(now.wall_ms);
        if head.index > known.anchor {
            known.anchor = head.index;
            self.drop_challenges(peer, |out| out.is_fragile);
        }
    }

    fn drop_challenges(&mut self, peer: usize, which: impl Fn(&Out) -> bool) {
        let outs = self.outs.iter_mut().filter(|out| out.peer == peer && which(out));
        outs.for_each(|out| out.is_kept = false);
    }

    /// What must come of an introduction, which replaces the anchor where there is one.
    pub fn introduces(&self, peer: usize, lineage: &LineageId, index: u64) -> Introduced {
        match self.known.get(&peer) {
            None => Introduced::Met,
            Some(_) if self.past.contains(&(peer, *lineage)) => Introduced::PastLineage,
            Some(known) if known.lineage != *lineage => Introduced::OtherLineage,
            Some(known) if known.anchor >= index => Introduced::NotNewer,
            Some(_) => Introduced::Replaced,
        }
    }

    /// An introduction was taken.
    pub fn introduced(&mut self, peer: usize, lineage: LineageId, head: Head, now: &Now) {
        self.known.insert(peer, Known::of_introduction(lineage, head, now));
        self.drop_challenges(peer, |_| true);
    }

    /// A peer is forgotten.
    pub fn forgotten(&mut self, peer: usize) {
        self.known.remove(&peer);
        self.past.retain(|(of, _)| *of != peer);
        self.drop_challenges(peer, |_| true);
    }
}
