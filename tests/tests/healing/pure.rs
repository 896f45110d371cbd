//! Check 3 alone, at all 16 tiers: over a gap of at most a − t nothing is accepted, and right after it all is.

use selfsame::{Challenge, Proof, Wanted, verify};
use selfsame_tests::play::count::cases;
use selfsame_tests::play::{Chance, item};

use super::attack::{Attack, Strategy};
use super::rule;
use super::scene::{Scene, When};
use super::tally::{Tally, check_of_proof};

/// Histories of each tier, of the full count.
const HISTORIES: u32 = 12;

/// When theft and anchor are, with 4^tier ≤ a − t < 4^(tier + 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// As a thief would have it: right after a digit has turned, and right before it turns again.
    Tight,
    /// Anywhere.
    Anywhere,
    /// The anchor is the first moment after a digit of a higher tier has turned.
    Crossing,
}

impl Shape {
    /// Of one tier's histories, in turns.
    pub fn of(tier: u32, number: u32) -> Self {
        match (number % 2, (tier + number / 2) % 2) {
            (0, _) => Self::Tight,
            (_, 0) => Self::Anywhere,
            (_, _) => Self::Crossing,
        }
    }

    /// Indices of theft and anchor.
    pub fn indices(self, tier: u32, chance: &mut Chance) -> (u64, u64) {
        let (low, high) = (4u64.pow(tier), 4u64.pow(tier + 1) - 1);
        let age = chance.scaled(low, high);
        // at least 1,000 ticks old, at most half a year or two
        let old = |chance: &mut Chance, span: u64| chance.scaled(4000 / span + 1, (1 << 36) / span);
        match self {
            // at tier 15 no time between is as long as that
            Self::Tight if tier < 15 => {
                let stolen = old(chance, high + 1) * (high + 1);
                (stolen, stolen + high)
            }
            Self::Tight | Self::Anywhere => {
                let stolen = old(chance, 1);
                (stolen, stolen + age)
            }
            Self::Crossing => {
                let span = 4u64.pow(chance.between(tier.into(), 15) as u32);
                let anchor = (old(chance, span) + age.div_ceil(span)) * span;
                (anchor - age, anchor)
            }
        }
    }
}

/// A history with theft and anchor at these indices, in which the host goes on for as long as `more` after the anchor.
pub fn history(seed: u64, (stolen, anchor): (u64, u64), accepted: u64, more: u64) -> Scene {
    let mut chance = Chance::new(seed);
    let met = stolen - chance.scaled(1, stolen / 2);
    let every = chance.scaled(1, 8 * 4096);
    Scene::play(seed, When { met, stolen, anchor, accepted, until: anchor + more, every })
}

/// Gaps from 1 to `most`: all powers of 4 with their neighbours, the ends, and some at random.
pub fn gaps(most: u64, chance: &mut Chance) -> Vec<u64> {
    let powers = (0..16).map(|tier| 4u64.pow(tier)).flat_map(|span| [span - 1, span, span + 1]);
    let mut gaps: Vec<u64> = powers.chain([2, most - 1, most]).collect();
    gaps.extend((0..4).map(|_| chance.scaled(1, most)));
    gaps.retain(|gap| (1..=most).contains(gap));
    gaps.sort_unstable();
    gaps.dedup();
    gaps
}

/// What check 3 says of a proof for this challenge, as the library has it, and without a cap. The rule as it is written
/// in `rule` has to agree.
pub fn judge(scene: &Scene, challenge: &Challenge, bytes: &[u8]) -> (Result<(), &'static str>, bool) {
    let anchor = scene.anchor.anchor();
    let verified = verify(Some(&anchor), challenge, bytes, &Wanted::default());
    let library = verified.map(|_| ()).map_err(|refusal| check_of_proof(&refusal));
    if library.is_err_and(|check| !check.starts_with('3')) {
        return (library, false);
    }
    let proof = Proof::parse(bytes).unwrap();
    assert_eq!(rule::follow(&scene.anchor, &proof, rule::real), library);
    (library, rule::follow(&scene.anchor, &proof, rule::none).is_ok())
}

/// A challenge against the scene's anchor.
pub fn challenge(scene: &Scene) -> Challenge {
    item::challenge("relying.example", &[7; 32], Some(&scene.anchor.lineage), &[scene.anchor.head])
}

/// All strategies at a gap: whether any is accepted, and whether one would be without the cap.
fn assail(scene: &Scene, gap: u64, mut refused: impl FnMut(&'static str)) -> (bool, bool) {
    let challenge = challenge(scene);
    let attack = Attack::new(scene, &challenge, scene.anchor.head.index + gap);
    let (mut any, mut any_without) = (false, false);
    for proof in attack.strategies().into_iter().filter_map(|strategy| attack.proof(strategy)) {
        let (library, without) = judge(scene, &challenge, &proof);
        if let Err(check) = library {
            refused(check);
        }
        (any, any_without) = (any || library.is_ok(), any_without || without);
    }
    (any, any_without)
}

#[test]
fn within_the_bound_all_is_refused_and_without_the_cap_it_is_accepted() {
    let mut tally = Tally::default();
    let (mut proofs, mut bites, mut all_gaps, mut later) = (0u64, [0u64; 16], [0u64; 16], 0u64);
    let histories = cases(HISTORIES);
    for tier in 0..16u32 {
        for number in 0..histories {
            let seed = u64::from(tier * 1000 + number);
            let chance = &mut Chance::new(seed + 1_000_000);
            let (shape, t) = (Shape::of(tier, number), tier as usize);
            let (stolen, anchor) = shape.indices(tier, chance);
            let most = anchor - stolen;
            assert!(most >> (2 * tier) > 0 && most >> (2 * tier) < 4);
            let scene = history(seed, (stolen, anchor), anchor + 1, most);
            assert_eq!(scene.healed(), most);
            for gap in gaps(most, chance) {
                let (accepted, without) = assail(&scene, gap, |check| {
                    proofs += 1;
                    tally.count(check, tier as u8);
                });
                assert!(!accepted, "{shape:?}, tier {tier}, {number}: accepted over {gap} of {most} ticks");
                all_gaps[t] += 1;
                bites[t] += u64::from(without);
                // right after a digit turns every gap crosses its boundary: nothing but the cap stands against it
                assert!(without || shape != Shape::Tight || tier == 15, "no bite over {gap}");
            }
            later += outside(&scene, chance);
        }
    }
    tally.print("check 3 alone");
    println!("{} histories of {}, {proofs} proofs refused", 16 * histories, 16 * HISTORIES);
    println!("gaps by tier: {all_gaps:?}");
    println!("of these accepted without the cap: {bites:?}");
    println!("gaps beyond the bound: {later}, each accepted or refused as the digits say");
    assert!(bites[..15].iter().all(|bites| *bites > 0) && bites[15] == 0);
}

/// Beyond the bound: a gap is accepted if and only if it allows the lowest tier that the thief can open.
fn outside(scene: &Scene, chance: &mut Chance) -> u64 {
    let most = scene.healed();
    let span = scene.lowest().map(|tier| 4u64.pow(tier.into()));
    // by the digits: those above the highest that turned since the theft
    let (stolen, anchor) = (scene.stolen.head.index, scene.anchor.head.index);
    let unturned = (0..16).find(|tier| stolen / 4u64.pow(*tier) == anchor / 4u64.pow(*tier));
    assert_eq!(span, unturned.map(|tier| 4u64.pow(tier)));
    let mut gaps = vec![most + 1, most + chance.scaled(1, most)];
    gaps.extend(span.into_iter().flat_map(|span| [span - 1, span, span + 1, chance.between(span, 4 * span)]));
    gaps.extend(span.is_none().then(|| chance.scaled(most, 1 << 40)));
    gaps.retain(|gap| *gap > most);
    for gap in &gaps {
        let challenge = challenge(scene);
        let attack = Attack::new(scene, &challenge, anchor + gap);
        let (library, _) = judge(scene, &challenge, &attack.proof(Strategy::TheWay).unwrap());
        assert_eq!(
            library.is_ok(),
            span.is_some_and(|span| *gap >= span),
            "{gap} beyond {most}: {library:?}"
        );
    }
    gaps.len() as u64
}
