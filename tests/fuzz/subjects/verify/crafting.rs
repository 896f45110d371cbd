//! Answers by somebody who has all secrets: the host, a copy of it, or both in turn, who keep the rules or break them.

use std::sync::OnceLock;

use selfsame::{Anchor, Boot, Challenge, Digest, Now, Peer, Policy, Refusal, Wanted, hazmat, verify};

use super::super::crafted::{AUDIENCE, BORN_MS, Made, Proof, Says, genesis, leaf, statement};
use super::super::item::{self, Item};
use super::super::tree;
use super::Outcome;
use super::alter::alter;
use super::choices::Choices;
use super::ledger::Ledger;
use super::rule::{cap, shows, turned};
use super::unchanged::unchanged;

/// Relying parties that there are to begin with.
const PARTIES: usize = 8;

/// Indices are kept below this, 70,000 years: wall times are reckoned from them.
const MAX_INDEX: u64 = 1 << 53;

/// A relying party and those who answer it.
#[derive(Clone)]
struct Party {
    peer: Peer,
    ledger: Ledger,
    /// The moments of the one who was accepted last, from the genesis.
    chain: Vec<Made>,
    /// All moments that anybody made.
    made: Vec<Made>,
    asked: u8,
}

/// A challenge that is out, and the moment that it was issued against.
struct Issued {
    challenge: Challenge,
    anchor: Option<Anchor>,
    at: Now,
}

/// Up to three answers, and some to challenges that were out at the same time. Why one is refused is held against the
/// rules where it is.
pub fn crafted(choices: &mut Choices<'_>) -> Vec<Outcome> {
    let mut party = party(choices.below(PARTIES)).clone();
    let (mut out, mut outcomes) = (Vec::new(), Vec::new());
    for _ in 0..1 + choices.below(3) {
        let answer = party.answer(4, choices);
        if choices.rarely(3) {
            out.push(party.issue(&answer.issued));
        }
        outcomes.push(Outcome::of(&party.ask(answer, choices)));
    }
    for issued in out {
        let mut answer = party.answer(2, choices);
        answer.taken = at(issued.at.ticks + 1 + choices.number() % (60 * 4096));
        outcomes.push(Outcome::of(&party.answered(issued, answer, choices)));
    }
    outcomes
}

fn party(number: usize) -> &'static Party {
    static PARTY: [OnceLock<Party>; PARTIES] = [const { OnceLock::new() }; PARTIES];
    PARTY[number].get_or_init(|| {
        let host = genesis("host");
        let chain = vec![host.clone()];
        let peer = match number {
            0 => Peer::unknown(),
            1 => Peer::expecting(host.lineage),
            _ => Peer::introduced(&host.introduction(), &at(0)),
        };
        let mut party = Party { peer, ledger: Ledger::default(), made: chain.clone(), chain, asked: 0 };
        let meetings: &[&[u64]] = match number {
            0..3 => &[],
            3 => &[&[5]],
            4 => &[&[63], &[64, 90]],
            5 => &[&[1, 300], &[1023, 1024, 1100], &[1101]],
            6 => &[&[4096], &[65_536, 70_000, 70_003], &[70_010, 70_020]],
            _ => &[&[1 << 20], &[1 << 31, (1 << 31) + 5], &[(1 << 31) + 9, (1 << 31) + 70]],
        };
        for indices in meetings {
            let answer = Answer::honest(&party.chain, indices);
            party.ask(answer, &mut Choices::new(&[])).expect("an honest answer is taken");
        }
        party
    })
}

/// The verifier's clocks at this age of the host's: both run alike.
fn at(ticks: u64) -> Now {
    Now { boot: Boot([1; 16]), ticks, wall_ms: BORN_MS + ticks / 4096 * 1000 }
}

/// How somebody answers.
struct Answer {
    seed: &'static str,
    /// The moments from the genesis that were there before it was asked.
    chain: Vec<Made>,
    /// The head's index.
    index: u64,
    issued: Now,
    taken: Now,
    policy: Policy,
}

impl Answer {
    /// The host's, with moments at these indices, the last of which answers.
    fn honest(chain: &[Made], indices: &[u64]) -> Self {
        let (index, before) = indices.split_last().expect("one at least");
        let mut chain = chain.to_vec();
        for index in before {
            chain.push(last(&chain).then("host", *index));
        }
        let policy = Policy { pass_time: true, ..Policy::default() };
        Self { seed: "host", chain, index: *index, issued: at(*index - 1), taken: at(*index), policy }
    }
}

fn last(chain: &[Made]) -> &Made {
    chain.last().expect("there is a genesis")
}

/// The next index after this one.
fn after(index: u64, choices: &mut Choices<'_>) -> u64 {
    // high tiers cost most, and are not more than more of the same
    let tiers = if choices.rarely(4) { 16 } else { 6 };
    let span = 4u64.pow(choices.below(tiers) as u32);
    let next = match choices.below(4) {
        0 => index + 1 + u64::from(choices.byte()),
        1 => (index / span + 1) * span,
        2 => (index / span + 1) * span - 1,
        _ => index + choices.number() % span,
    };
    next.clamp(index + 1, MAX_INDEX.max(index + 1))
}

impl Party {
    /// Who answers, from where, and when: one in so many is a copy, or goes on from an earlier moment.
    fn answer(&mut self, copies: usize, choices: &mut Choices<'_>) -> Answer {
        let seed = if choices.rarely(copies) { "copy" } else { "host" };
        let mut chain = self.chain.clone();
        if choices.rarely(copies) {
            chain.truncate(1 + choices.below(chain.len()));
        }
        for _ in 0..choices.below(3) {
            let index = after(last(&chain).head.index, choices);
            let made = last(&chain).then_saying(seed, index, |says| deviate(says, &self.made, choices));
            self.made.push(made.clone());
            chain.push(made);
        }
        let index = after(last(&chain).head.index, choices);
        let late = if choices.rarely(8) { choices.number() % (61 * 4096) } else { 0 };
        let issued = if choices.rarely(8) { choices.number() % MAX_INDEX } else { index - 1 };
        let (issued, taken) = (at(issued), at(issued + 1 + late));
        let pass_time = !choices.rarely(3);
        Answer { seed, chain, index, issued, taken, policy: Policy { pass_time, ..Policy::default() } }
    }

    fn issue(&mut self, now: &Now) -> Issued {
        self.asked += 1;
        let anchor = self.peer.anchor().cloned();
        let challenge = self.peer.challenge(AUDIENCE, &[self.asked; 32], now).expect("few are out");
        Issued { challenge, anchor, at: *now }
    }

    /// Asks and is answered.
    fn ask(&mut self, answer: Answer, choices: &mut Choices<'_>) -> Result<(), Refusal> {
        let issued = self.issue(&answer.issued);
        assert!(self.peer.challenges().any(|digest| *digest == issued.challenge.digest()));
        self.answered(issued, answer, choices)
    }

    /// Is answered, and holds what is found against the rules.
    fn answered(&mut self, issued: Issued, answer: Answer, choices: &mut Choices<'_>) -> Result<(), Refusal> {
        let Answer { seed, mut chain, index, taken, policy, .. } = answer;
        let Issued { challenge, anchor, at: issued } = issued;
        let (said, carried) = self.statement(&challenge, choices);
        let head = last(&chain).then_saying(seed, index, |says| {
            says.statements = Some(carried.batch);
            deviate(says, &self.made, choices);
        });
        chain.push(head.clone());
        self.made.push(head);
        let proof = self.proof(anchor.as_ref(), &chain, said, carried, choices);

        let before = self.peer.clone();
        let taken_as = self.peer.take(&proof, &taken, &policy);
        let stateless = verify(anchor.as_ref(), &challenge, &proof, &Wanted::default());
        let shown = shows(anchor.as_ref(), &challenge, &proof);
        assert_eq!(stateless.is_ok(), shown.is_some(), "{:?}", stateless.err());
        let is_out = before.challenges().any(|digest| *digest == challenge.digest());
        let is_alive = is_out && taken.ticks - issued.ticks <= 60 * 4096 && before.fork().is_none();
        let shown = shown.filter(|shown| is_alive && self.ledger.allows(&before, anchor.as_ref(), shown));
        match taken_as {
            Ok(verdict) => {
                let shown = shown.expect("what is accepted is what the rules allow");
                let gap = verdict.index - anchor.as_ref().map_or(0, |anchor| anchor.index());
                assert_eq!((verdict.hops, verdict.gap), (shown.hops.len(), gap));
                assert_eq!(verdict.index, shown.hops.last().expect("one at least").to.index);
                let in_time = self.ledger.is_in_time(verdict.index, taken.ticks);
                assert!(policy.pass_time || (in_time && verdict.lag <= policy.max_lag));
                if !in_time || verdict.lag > policy.max_lag {
                    self.ledger.begin_anew();
                }
                self.ledger.add(shown, issued.ticks);
                let is_newer = before.anchor().is_none_or(|stored| verdict.index > stored.index());
                assert_eq!(verdict.moved, is_newer);
                self.accepted(verdict.index, verdict.moved);
                self.chain = chain;
                Ok(())
            }
            Err(refusal) => {
                let is_time = matches!(refusal, Refusal::Clock { .. } | Refusal::Stalled { .. });
                assert!(shown.is_none() || (is_time && !policy.pass_time), "{refusal:?}: the rules allow it");
                unchanged(&before, &self.peer, &refusal, &proof);
                Err(refusal)
            }
        }
    }

    /// What holds after every proof that was accepted.
    fn accepted(&self, index: u64, moved: bool) {
        let anchor = self.peer.anchor().expect("it has met it");
        assert!(if moved { anchor.index() == index } else { anchor.index() >= index });
        let unconfirmed = self.peer.unconfirmed();
        assert!(unconfirmed.is_sorted_by(|a, b| a.index < b.index) && unconfirmed.len() <= 64);
        assert!(unconfirmed.iter().any(|head| head.index == index));
        let record = self.peer.record();
        let restored = Peer::restore(&record).expect("it can be kept");
        assert_eq!(restored.record(), record);
    }

    /// What is said, and how the head carries it.
    fn statement(&self, challenge: &Challenge, choices: &mut Choices<'_>) -> (Vec<u8>, Carried) {
        let mut said = statement(challenge);
        if choices.rarely(12) {
            match choices.below(4) {
                0 => said.known = said.known.is_none().then_some(false),
                1 => said.known = said.known.map(|known| !known),
                2 => said.audience.push('.'),
                _ => said.challenge = Digest::new([7; 32]),
            }
        }
        let said = said.encode();
        let count = 1 + choices.below(5);
        let position = choices.below(count);
        let mut leaves: Vec<Digest> = (0..count).map(|other| leaf(&other.to_le_bytes())).collect();
        leaves[position] = leaf(&said);
        let (root, inclusion) = hazmat::merkle(leaves, position).expect("it is one of them");
        let inclusion = item::inclusion(position as u64, count as u64, inclusion.path());
        (said, Carried { batch: (count as u64, root), inclusion })
    }

    fn proof(
        &self,
        anchor: Option<&Anchor>,
        chain: &[Made],
        said: Vec<u8>,
        carried: Carried,
        choices: &mut Choices<'_>,
    ) -> Vec<u8> {
        let anchor = anchor.map(Anchor::head);
        let is_anchor = |made: &&Made| anchor.is_none_or(|anchor| made.head == anchor);
        let start = self.made.iter().find(is_anchor).expect("somebody made the anchor");
        let beyond = chain.iter().filter(|made| made.head.index > start.head.index);
        let from: Vec<&Made> = [start].into_iter().chain(beyond).collect();
        let hops = self.hops(&from, chain, choices);
        let mut proof = Proof::from(start, hops, &said);
        proof.inclusion = carried.inclusion;
        if choices.rarely(16) {
            match choices.below(4) {
                0 => proof.since = choices.number(),
                1 => proof.lineage = hazmat::lineage_of(&genesis_of_another()).expect("it is one"),
                2 => proof.genesis = Some(genesis_of_another()),
                _ => proof.genesis = proof.genesis.is_none().then(|| start.genesis.clone()),
            }
        }
        let proof = proof.encode();
        if !choices.rarely(8) {
            return proof;
        }
        let mut tree = tree::read(&proof).expect("it is CBOR");
        alter(&mut tree, &[], choices);
        tree.encode()
    }

    /// Hops from the first of these to the last, by the one way or beside it.
    fn hops<'a>(&'a self, from: &[&'a Made], chain: &'a [Made], choices: &mut Choices<'_>) -> Vec<Item> {
        let mut hops = way(from);
        for _ in 0..if choices.rarely(3) { 1 + choices.below(3) } else { 0 } {
            let at = choices.below(hops.len());
            let (one, other) = (choices.pick(&self.made), choices.pick(chain));
            let Some(hop) = hops.get_mut(at) else { continue };
            match choices.below(8) {
                0 => hop.1 = choices.below(16),
                1 => hop.1 = hop.1.saturating_sub(1),
                2 => hop.0 = one.unwrap_or(hop.0),
                3 => hop.2 = one.unwrap_or(hop.2),
                4 => hop.2 = other.unwrap_or(hop.2),
                5 => drop(hops.remove(at)),
                6 => {
                    // by way of another moment, by the same pledge
                    let (from, tier, to) = *hop;
                    let by = other.unwrap_or(to);
                    *hop = (by, tier, to);
                    hops.insert(at, (from, tier, by));
                }
                _ => hops.swap(at, 0),
            }
        }
        hops.iter().map(|(from, tier, to)| from.hop(*tier as u8, to)).collect()
    }
}

struct Carried {
    batch: (u64, Digest),
    inclusion: Item,
}

fn genesis_of_another() -> Vec<u8> {
    static OTHER: OnceLock<Vec<u8>> = OnceLock::new();
    OTHER.get_or_init(|| genesis("another").body).clone()
}

/// The one way along these moments, as far as there is one.
fn way<'a>(along: &[&'a Made]) -> Vec<(&'a Made, usize, &'a Made)> {
    let indices: Vec<u64> = along.iter().map(|made| made.head.index).collect();
    let (Some(first), Some(head)) = (indices.first(), indices.last()) else { return Vec::new() };
    let (mut x, mut hops) = (0, Vec::new());
    while x + 1 < along.len() {
        let tier = cap(head.saturating_sub(*first)).min(turned(indices[x], *head));
        let mut later = x + 1..along.len();
        let next = later.find(|y| turned(indices[y - 1], indices[*y]) >= tier).unwrap_or(along.len() - 1);
        hops.push((along[x], tier, along[next]));
        x = next;
    }
    hops
}

/// Lets a moment say something else than it should.
fn deviate(says: &mut Says, made: &[Made], choices: &mut Choices<'_>) {
    if !choices.rarely(4) {
        return;
    }
    let Some(other) = choices.pick(made) else { return };
    let tier = choices.below(16);
    match choices.below(10) {
        0 => says.take_pledge(tier, other),
        1 => says.new_pledge(tier, "copy"),
        2 => says.previous = other.head,
        3 => says.previous.index = choices.number() % says.index,
        4 => says.previous.digest = Digest::new([tier as u8; 32]),
        5 => says.index = choices.number() % MAX_INDEX,
        6 => says.lineage = hazmat::lineage_of(&genesis_of_another()).expect("it is one"),
        7 => says.statements = choices.rarely(2).then_some((1 + choices.below(9) as u64, other.head.digest)),
        8 => says.wall_ms = choices.number(),
        _ => (0..=tier).for_each(|tier| says.take_pledge(tier, other)),
    }
}
