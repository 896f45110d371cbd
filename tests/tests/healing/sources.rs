//! Which moment counts as the last that a thief knows (section 4): the last that brought a pledge which was made, ahead
//! or not, before the first stir after the theft by a source that the thief can't predict.

use selfsame_tests::play::count::cases;
use selfsame_tests::play::host::Host;
use selfsame_tests::play::{Chance, Party, copied};

use super::attack::Attack;
use super::forge::Pledges;
use super::loot::{Loot, public};
use super::pure::{challenge, gaps, judge};
use super::scene::{PEER, SECOND, Scene, When, meets_first, proves};

/// Histories of each tier, of the full count.
const HISTORIES: u32 = 10;

/// A moment right after a digit of this tier turned.
fn turn(tier: u32, chance: &mut Chance) -> u64 {
    let span = 4u64.pow(tier);
    chance.scaled(8000 / span + 1, (1 << 34) / span) * span
}

/// Whether any strategy is accepted at a gap, by check 3 and those before it.
fn is_accepted(scene: &Scene, gap: u64) -> bool {
    let challenge = challenge(scene);
    let attack = Attack::new(scene, &challenge, scene.anchor.head.index + gap);
    let proofs = attack.strategies().into_iter().filter_map(|strategy| attack.proof(strategy));
    proofs.into_iter().any(|proof| judge(scene, &challenge, &proof).0.is_ok())
}

/// Refused over every gap up to the time from that moment to the anchor, and accepted over one tick more.
fn assert_healed_since(last_known: u64, scene: &Scene, chance: &mut Chance) {
    let healed = scene.anchor.head.index - last_known;
    for gap in gaps(healed, chance) {
        assert!(!is_accepted(scene, gap), "over {gap} of {healed} ticks");
    }
    assert!(is_accepted(scene, healed + 1));
}

#[test]
fn secrets_made_ahead_are_known_up_to_the_moment_that_uses_them() {
    for (tier, number) in (1..=15).flat_map(|tier| (0..cases(HISTORIES)).map(move |number| (tier, number))) {
        let seed = u64::from(tier * 1000 + number) + 3_000_000;
        let chance = &mut Chance::new(seed);
        let next = turn(tier, chance);
        let anchor = next + 4u64.pow(tier) - 1;
        // the moment after the stolen one turns the digit: what it brings was made ahead, before the theft
        let stolen = next - 1 - if (tier + number) % 2 == 0 { 0 } else { chance.between(0, 100) };
        let when = When { met: stolen - 1000, stolen, anchor, accepted: anchor, until: anchor + 1, every: 1 };
        let mut without = None;
        let mut scene = Scene::play_with(seed, when, Some(next), |host| {
            let randomness = host.draw();
            host.lineage.prepare(&randomness, 4).unwrap();
            without = Some(Loot::but_for_what_is_ahead(&host.lineage));
        });
        assert_healed_since(next, &scene, chance);
        // without what was made ahead, the last known moment is the stolen one
        scene.loot = without.unwrap();
        let gap = scene.healed();
        assert!(gap > anchor - next && !is_accepted(&scene, gap), "over {gap} ticks");
    }
    println!("{} histories of {}", 15 * cases(HISTORIES), 15 * HISTORIES);
}

#[test]
fn who_predicts_the_kernel_is_healed_by_a_stir_that_it_can_not_predict() {
    for (tier, number) in (1..=15).flat_map(|tier| (0..cases(HISTORIES)).map(move |number| (tier, number))) {
        let seed = u64::from(tier * 1000 + number) + 4_000_000;
        let chance = &mut Chance::new(seed);
        let last_known = turn(tier, chance);
        let anchor = last_known + 4u64.pow(tier) - 1;
        let (mut party, mut host) = (Party::in_memory(), Host::born(seed));
        let genesis = host.lineage.genesis().clone();
        meets_first(&mut party, &mut host, last_known - 3000);
        let stolen = host.moment(last_known - 2000);
        // the copy knows what the kernel will give, and so goes on as the host does
        let mut fellow = copied(&host, 0);
        fellow.draws = host.draws.clone();
        for index in [last_known - 1500, last_known - 7] {
            assert_eq!(host.moment(index), fellow.moment(index));
        }
        // made ahead, then the TPM's first draw since the theft
        for (host, tpm) in [(&mut host, chance.between(1, u64::MAX - 1)), (&mut fellow, 0)] {
            let randomness = host.draw();
            host.lineage.prepare(&randomness, 4).unwrap();
            host.lineage.stir(&[("tpm", &tpm.to_le_bytes())]).unwrap();
        }
        let (hosts, fellows) = (host.moment(last_known), fellow.moment(last_known));
        assert_eq!(hosts, fellows, "made before the stir");
        let loot = Loot::of(&fellow.lineage);
        if tier > 1 {
            let (hosts, fellows) = (host.moment(last_known + 1), fellow.moment(last_known + 1));
            assert_ne!(hosts.pledges()[0], fellows.pledges()[0], "made after it");
        }
        let proof = proves(&mut party, &mut host, anchor - 1, anchor);
        party.verify(PEER, &proof.encode(), anchor).unwrap();
        let when = When {
            met: last_known - 3000,
            stolen: stolen.index(),
            anchor,
            accepted: anchor,
            until: anchor,
            every: SECOND,
        };
        let (stolen, anchor) = (public(&genesis, &stolen), public(&genesis, proof.head().unwrap()));
        let (stolen, pledges) = (loot.on(&stolen), Pledges::of(genesis.salt()));
        let scene = Scene { party, host, loot, pledges, stolen, anchor, when };
        assert_healed_since(last_known, &scene, chance);
    }
    println!("{} histories of {}", 15 * cases(HISTORIES), 15 * HISTORIES);
}

#[test]
fn who_predicts_all_sources_is_the_host() {
    let (mut party, mut host) = (Party::default(), Host::born(5_000_000));
    meets_first(&mut party, &mut host, 3000);
    let mut fellow = copied(&host, 0);
    fellow.draws = host.draws.clone();
    for index in [4000, 5000, 6000] {
        for host in [&mut host, &mut fellow] {
            host.lineage.stir(&[("tpm", b"not random")]).unwrap();
        }
        let challenge = party.ask(PEER, index - 1).unwrap();
        let proof = host.prove(index, std::slice::from_ref(&challenge)).remove(0);
        assert_eq!(fellow.prove(index, &[challenge]).remove(0), proof);
        party.verify(PEER, &proof.encode(), index).unwrap();
    }
}
