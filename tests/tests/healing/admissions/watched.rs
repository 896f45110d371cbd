//! What a watcher of the wire learns, and what is in a relying party's file.

use selfsame::{
    Birth, Challenge, Evidence, EvidenceFields, Head, Lineage, Ordinary, Origin, Predecessor, Proof, Reason,
    Salt, Step, TpmClock, hazmat,
};
use selfsame_tests::play::Party;
use selfsame_tests::play::host::{BORN_MS, Host, request};

use super::{COPIED, Copied};
use crate::scene::{PEER, SECOND, meets_first, proves};

/// When a lineage was born, as a watcher of one proof reckons it: in milliseconds of Unix time.
fn born(proof: &Proof) -> u64 {
    let head = proof.head().unwrap();
    head.wall_ms() - head.index() * 1000 / 4096
}

#[test]
fn what_a_watcher_links() {
    let (mut one, mut two, mut host) = (Party::default(), Party::default(), Host::born(30));
    meets_first(&mut one, &mut host, 1000 * SECOND);
    meets_first(&mut two, &mut host, 2000 * SECOND);
    // one host's proofs for two relying parties: by the lineage, and by when it began
    let first = proves(&mut one, &mut host, 5000 * SECOND - 1, 5000 * SECOND);
    let second = proves(&mut two, &mut host, 9000 * SECOND - 1, 9000 * SECOND);
    assert_eq!(first.lineage(), second.lineage());
    assert!(born(&first).abs_diff(born(&second)) <= 1000 && born(&first).abs_diff(BORN_MS) <= 1000);
    // a challenge tells when the last meeting was
    one.verify(PEER, &first.encode(), 5000 * SECOND).unwrap();
    let seen = Challenge::parse(one.ask(PEER, 9001 * SECOND).unwrap().as_bytes()).unwrap();
    assert_eq!((seen.lineage(), seen.start()), (Some(host.lineage.id()), 5000 * SECOND));
    assert_eq!(seen.start() / SECOND * 1000 + born(&second), first.head().unwrap().wall_ms());
}

#[test]
fn what_a_watcher_links_successive_lineages_by_the_tpm_clock_and_by_what_they_follow() {
    let tpm_clock = |clock_ms| {
        let clock = TpmClock { clock_ms: Some(clock_ms), reset_count: Some(7), ..TpmClock::default() };
        Evidence::new(EvidenceFields { tpm_clock: Some(clock), ..EvidenceFields::default() }).unwrap()
    };
    let prove = |seed: u8, clock_ms, after: Option<(&Lineage<Ordinary>, Head)>| {
        let after = after.map(|(lineage, head)| Predecessor { lineage: *lineage.id(), head });
        let birth = Birth {
            contributions: &[("test", &[seed])],
            randomness: &[seed; 32],
            salt: Salt::new([seed; 32]),
            wall_ms: BORN_MS,
            evidence: tpm_clock(clock_ms),
            origin: Origin::new(Reason::Lost, after),
        };
        let mut lineage = Lineage::born(Ordinary::default(), birth).unwrap();
        let mut party = Party::default();
        let challenge = party.ask(PEER, 1).unwrap();
        let evidence = tpm_clock(clock_ms + 1000);
        let step = Step { index: 4096, wall_ms: BORN_MS + 1000, randomness: &[seed; 32], evidence };
        let proof = lineage.prove(step, vec![request(challenge)]).unwrap().remove(0).unwrap();
        (lineage, proof)
    };
    let (lineage, first) = prove(1, 500_000, None);
    let (_, second) = prove(2, 510_000, Some((&lineage, lineage.head())));
    assert_ne!(first.lineage(), second.lineage());
    let clock = |proof: &Proof| proof.head().unwrap().evidence().fields().tpm_clock.unwrap();
    assert_eq!(clock(&first).reset_count, clock(&second).reset_count);
    assert_eq!(clock(&second).clock_ms.unwrap() - clock(&first).clock_ms.unwrap(), 10_000);
    let follows = second.genesis().unwrap().origin().predecessor().unwrap();
    assert_eq!((&follows.lineage, follows.head), (first.lineage(), first.head().unwrap().head()));
}

#[test]
fn nothing_secret_is_in_a_relying_partys_file() {
    let mut copied = Copied::new(31);
    let mut secrets: Vec<[u8; 32]> = Vec::new();
    for n in 1..=40 {
        let secrets_now = hazmat::pending(selfsame::Memory::secrets(copied.host.lineage.memory()));
        secrets.extend(secrets_now.iter().map(|secret| *secret.expose()));
        copied.host_answers(COPIED + n * n * n * SECOND).unwrap();
    }
    secrets.sort_unstable();
    secrets.dedup();
    let files = copied.party.files();
    assert!(files.len() > 50_000, "{} bytes", files.len());
    let windows: std::collections::HashSet<&[u8]> = files.windows(32).collect();
    // it would be found if it were there: the anchor's pledges are
    let anchor = copied.host.lineage.introduce().anchor();
    assert!(anchor.pledges().iter().all(|pledge| windows.contains(&pledge.as_bytes()[..])));
    assert!(secrets.iter().all(|secret| !windows.contains(&secret[..])));
    println!("{} secrets, none in {} bytes", secrets.len(), files.len());
}
