//! Relying parties over many exchanges, with a host, a copy of it and a thief: the crate's and the reference's come to
//! the same after each, by the checks 1 to 9.

use std::collections::BTreeMap;
use std::time::Instant;

use selfsame::{Challenge, Judgement, Ordinary, Peer, Policy, Refusal, Timing};
use selfsame_tests::play::clocks::Clocks;
use selfsame_tests::play::host::{AUDIENCE, Host};
use selfsame_tests::play::{Thief, copied, count};

use super::agree::{plain, same_refusal};
use super::dice::Dice;
use super::proofs::share;
use super::values::damaged;
use crate::spec::party::{Party, Refused};
use crate::spec::time;

/// What there has to be of each outcome, of six hundred plays.
const LEAST: &[(&str, usize)] = &[
    ("accepted", 1200),
    ("accepted, overtaken", 50),
    ("accepted, lagging", 50),
    ("accepted, ahead of its wall time", 10),
    ("UnknownChallenge", 20),
    ("Expired", 20),
    ("KnownFork", 20),
    ("Clock", 20),
    ("Stalled", 20),
    ("Forked", 20),
    ("Contradiction", 20),
    ("Check 1", 20),
    ("Check 3", 20),
];

/// A host, who copied it, and who asks, in a world with a true time in ticks.
struct Play {
    host: Host<Ordinary>,
    copy: Option<Host<Ordinary>>,
    thief: Option<Thief>,
    peer: Peer,
    party: Party,
    out: Vec<Challenge>,
    proofs: Vec<Vec<u8>>,
    now: u64,
    /// Ticks by which the host's age is behind, as it was paused; below 0, ahead.
    behind: i64,
}

fn clocks(t: u64) -> (selfsame::Now, time::Clocks) {
    let now = Clocks::new().now(t);
    (now, time::Clocks { ticks: now.ticks, wall_ms: now.wall_ms })
}

impl Play {
    fn new(dice: &mut Dice) -> Self {
        let mut host = Host::born(dice.number());
        let mut now = 1;
        for _ in 0..dice.below(8) {
            now += dice.up_to_bits(20);
            host.moment(now);
        }
        let (at, plain_at) = clocks(now);
        let behind = if dice.once_in(6) { -dice.one_of(&[1 << 14, 1 << 22, 1 << 23]) } else { 0 };
        let id = *host.lineage.id();
        let (peer, party) = match dice.below(4) {
            0 => (Peer::unknown(), Party::expecting(None)),
            1 => (Peer::expecting(id), Party::expecting(Some(*id.as_bytes()))),
            _ => {
                let introduction = host.lineage.introduce();
                let party = Party::introduced(&introduction.encode(), plain_at);
                (Peer::introduced(&introduction, &at), party)
            }
        };
        Self { host, copy: None, thief: None, peer, party, out: vec![], proofs: vec![], now, behind }
    }

    fn step(&mut self, dice: &mut Dice) -> Option<String> {
        let bits = dice.one_of(&[6, 8, 10, 12, 14, 16, 18, 24]);
        let passed = dice.up_to_bits(bits);
        self.now += passed;
        match dice.below(26) {
            0..=4 => self.ask(dice),
            5..=9 => self.answer(dice),
            10 | 11 => self.copied(dice),
            12 => self.stolen(dice),
            13 => self.behind += passed.min(self.age().saturating_sub(self.host.lineage.head().index)) as i64,
            _ => return self.deliver(dice),
        }
        None
    }

    /// The host's.
    fn age(&self) -> u64 {
        self.now.checked_add_signed(-self.behind).unwrap()
    }

    fn ask(&mut self, dice: &mut Dice) {
        let (at, plain_at) = clocks(self.now);
        if let Ok(challenge) = self.peer.challenge(AUDIENCE, &dice.hash(), &at) {
            self.party.issue(challenge.as_bytes(), plain_at);
            self.out.push(challenge);
        }
    }

    /// The last that went out, or one of those before it.
    fn asked(&self, dice: &mut Dice) -> Option<Challenge> {
        let last = self.out.len().saturating_sub(dice.one_of(&[1, 1, 1, 3]));
        let recent = &self.out[last..];
        if recent.is_empty() { None } else { Some(dice.one_of(recent)) }
    }

    fn answer(&mut self, dice: &mut Dice) {
        let Some(challenge) = self.asked(dice) else { return };
        let index = self.age().max(self.host.lineage.head().index + 1);
        let proofs = self.host.try_prove(index, &[challenge]).unwrap();
        self.proofs.extend(proofs.into_iter().flatten().map(|proof| proof.encode()));
    }

    /// The copy answers: it goes by the true time, or by one that it makes up.
    fn copied(&mut self, dice: &mut Dice) {
        let copy = self.copy.get_or_insert_with(|| copied(&self.host, 77));
        let ahead = if dice.once_in(4) { dice.up_to_bits(24) } else { 0 };
        let index = (self.now + ahead).max(copy.lineage.head().index + 1);
        let Some(challenge) = self.asked(dice) else { return };
        let proofs = self.copy.as_mut().unwrap().try_prove(index, &[challenge]).unwrap();
        self.proofs.extend(proofs.into_iter().flatten().map(|proof| proof.encode()));
    }

    /// The thief answers, and backdates.
    fn stolen(&mut self, dice: &mut Dice) {
        let host = &self.host.lineage;
        if self.thief.is_none() || dice.once_in(3) {
            self.thief = Some(Thief::of(host, "thief"));
        }
        let Some(challenge) = self.asked(dice) else { return };
        // it knows no way from a moment of the copy's that lies among those of the host
        if matches!(host.judge(challenge.since()), Judgement::Foreign(_)) {
            return;
        }
        let thief = self.thief.as_mut().unwrap();
        let least = thief.last().head.index.max(challenge.start()) + 1;
        let index = self.now.saturating_sub(dice.up_to_bits(22)).max(least);
        self.proofs.push(thief.answer(&challenge, index));
    }

    /// A proof arrives: one of the last, sometimes damaged, sometimes once more.
    fn deliver(&mut self, dice: &mut Dice) -> Option<String> {
        let last = self.proofs.len().saturating_sub(dice.one_of(&[1, 1, 4]));
        if last == self.proofs.len() {
            return None;
        }
        let place = last + dice.below(self.proofs.len() - last);
        let mut proof = self.proofs[place].clone();
        if dice.once_in(20) {
            proof = damaged(&proof, dice);
        } else if !dice.once_in(12) {
            self.proofs.remove(place);
        }
        let in_spite = dice.once_in(6);
        let (at, plain_at) = clocks(self.now);
        let fast = self.peer.take(&proof, &at, &Policy { pass_time: in_spite, ..Policy::default() });
        let slow = self.party.take(&proof, plain_at, in_spite);
        let outcome = match (&fast, &slow) {
            (Ok(fast), Ok(slow)) => {
                let is_first = fast.timing == Timing::First;
                let of_fast = (fast.index, fast.gap, fast.hops, fast.lag, fast.known, fast.moved, is_first);
                let of_slow =
                    (slow.index, slow.gap, slow.hops, slow.lag, slow.known, slow.moved, slow.is_first);
                assert_eq!(of_fast, of_slow);
                if is_first {
                    "accepted, ahead of its wall time".to_owned()
                } else if !slow.moved {
                    "accepted, overtaken".to_owned()
                } else if slow.lag > 0 {
                    "accepted, lagging".to_owned()
                } else {
                    "accepted".to_owned()
                }
            }
            (Err(fast), Err(Refused::Check(why))) => {
                assert!(matches!(fast, Refusal::Verify(fast) if same_refusal(fast, why)), "{fast}: {why:?}");
                format!("Check {}", why.check())
            }
            (Err(fast), Err(slow)) if is_same(fast, slow) => format!("{slow:?}"),
            _ => panic!("the crate: {fast:?}, the reference: {slow:?}"),
        };
        assert_eq!(self.peer.anchor().map(plain), self.party.anchor, "{outcome}");
        let unconfirmed = self.peer.unconfirmed().iter();
        let unconfirmed: Vec<_> = unconfirmed.map(|head| (head.index, *head.digest.as_bytes())).collect();
        assert_eq!(unconfirmed, self.party.unconfirmed, "{outcome}");
        let questions = self.peer.questions().into_iter();
        let questions: Vec<_> = questions.map(|(index, tier)| (index, u64::from(tier))).collect();
        assert_eq!(questions, self.party.past.questions(), "{outcome}");
        assert_eq!(self.peer.fork().is_some(), self.party.is_forked, "{outcome}");
        Some(outcome)
    }
}

fn is_same(fast: &Refusal, slow: &Refused) -> bool {
    match fast {
        // a challenge is kept for 60 s: whether one that is older is still known as that is left open
        Refusal::UnknownChallenge => matches!(slow, Refused::UnknownChallenge | Refused::Expired),
        Refusal::Expired => *slow == Refused::Expired,
        Refusal::KnownFork => *slow == Refused::KnownFork,
        Refusal::Clock { .. } => *slow == Refused::Clock,
        Refusal::Stalled { .. } => *slow == Refused::Stalled,
        Refusal::Forked { .. } => *slow == Refused::Forked,
        Refusal::Contradiction { .. } => *slow == Refused::Contradiction,
        Refusal::Busy => *slow == Refused::Busy,
        _ => false,
    }
}

#[test]
fn relying_parties_agree() {
    let seed = std::env::var("SELFSAME_SEED").map_or(0, |seed| seed.parse().unwrap());
    let (full, started) = (600, Instant::now());
    let plays = count::cases(full) as usize;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for number in 0..plays as u64 {
        let mut dice = Dice::of(seed * 1_000_000 + number);
        let mut play = Play::new(&mut dice);
        for _ in 0..60 {
            if let Some(outcome) = play.step(&mut dice) {
                *counts.entry(outcome).or_default() += 1;
            }
        }
    }
    println!("{plays} plays of {full}, seed {seed}, {:.1?}", started.elapsed());
    for (outcome, count) in &counts {
        println!("{count:6}  {outcome}");
    }
    for (outcome, of_full) in LEAST {
        let at_least = share(*of_full, plays, full as usize);
        let count = counts.get(*outcome).copied().unwrap_or_default();
        assert!(count >= at_least, "{outcome}: {count}, less than {at_least}");
    }
}
