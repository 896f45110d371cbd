//! Issuing challenges.

use selfsame::{ChallengeError, ChallengeRefusal, Policy, Refusal};
use selfsame_store::{ChallengeOptions, EnrolOptions, StoreError};

use super::dump::{connect, refused, table};
use super::host::{AUDIENCE, Host, Party, SECOND, now, now_in_another_boot};

fn expecting(host: &Host) -> ChallengeOptions {
    ChallengeOptions { lineage: Some(host.id()), ..ChallengeOptions::default() }
}

#[test]
fn a_name_that_is_no_peers_gets_one_from_the_genesis() {
    let mut party = Party::new();
    let challenge = party.challenge("web", 10);
    assert_eq!((challenge.lineage(), challenge.since()), (None, &[][..]));
    let host = Host::born(1);
    let challenge = party.try_challenge("web", 10, &expecting(&host)).expect("a challenge is issued");
    assert_eq!((challenge.lineage(), challenge.since()), (Some(&host.id()), &[][..]));
    assert!(party.store.peers().expect("readable").is_empty(), "it is no peer yet");
}

#[test]
fn a_known_peer_gets_one_from_its_anchor() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    party.enrol("web", &mut host, 10);
    for options in [ChallengeOptions::default(), expecting(&host)] {
        let challenge = party.try_challenge("web", 20, &options).expect("a challenge is issued");
        assert_eq!((challenge.lineage(), challenge.since()), (Some(&host.id()), &[host.head()][..]));
    }
    let other = Host::born(2);
    let error =
        refused(&mut party, |store| store.challenge("web", AUDIENCE, &[9; 32], &now(20), &expecting(&other)));
    let expected = (host.id(), other.id());
    assert!(
        matches!(error, StoreError::OtherLineage { expected: own, found } if (own, found) == expected),
        "{error}"
    );
}

#[test]
fn anew_is_from_the_genesis_and_of_any_lineage_or_the_one_that_is_named() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    party.enrol("web", &mut host, 10);
    let challenge = party.challenge_anew("web", 20);
    assert_eq!((challenge.lineage(), challenge.since()), (None, &[][..]));
    let other = Host::born(2);
    let options = ChallengeOptions { anew: true, ..expecting(&other) };
    let challenge = party.try_challenge("web", 20, &options).expect("a challenge is issued");
    assert_eq!((challenge.lineage(), challenge.since()), (Some(&other.id()), &[][..]));
}

#[test]
fn anew_is_for_a_known_peer() {
    let mut party = Party::new();
    let options = ChallengeOptions { anew: true, ..ChallengeOptions::default() };
    let error = refused(&mut party, |store| store.challenge("web", AUDIENCE, &[9; 32], &now(10), &options));
    assert!(matches!(&error, StoreError::UnknownPeer { peer } if peer == "web"), "{error}");
}

#[test]
fn a_peer_has_256_out_at_most() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    party.enrol("web", &mut host, 10);
    for _ in 0..200 {
        party.challenge("web", 20);
    }
    for _ in 200..256 {
        // these count, too
        party.challenge_anew("web", 20);
    }
    for at in [20, 20 + 60 * SECOND] {
        let error = refused(&mut party, |store| {
            store.challenge("web", AUDIENCE, &[9; 32], &now(at), &ChallengeOptions::default())
        });
        assert!(matches!(error, StoreError::Busy { limit: 256, .. }), "at {at}: {error}");
    }
    party.challenge("db", 20);
    // one tick more, and those of all peers are dead and gone
    party.challenge("web", 21 + 60 * SECOND);
    assert_eq!(table(&party.file.path, "challenge").len(), 1);
}

#[test]
fn there_are_16384_out_in_all_at_most() {
    let mut party = Party::new();
    party.challenge("web", 20);
    let copies = "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 16384)
        INSERT INTO challenge (name, digest, anew, boot, ticks, wall_ms, issued)
        SELECT 'peer ' || i / 256, randomblob(32), anew, boot, ticks, wall_ms, issued FROM challenge, n";
    assert_eq!(connect(&party.file.path).execute(copies, []).expect("rows"), 16_383);
    let error = refused(&mut party, |store| {
        store.challenge("db", AUDIENCE, &[9; 32], &now(20), &ChallengeOptions::default())
    });
    assert!(matches!(error, StoreError::Busy { limit: 16_384, .. }), "{error}");
    connect(&party.file.path).execute("DELETE FROM challenge WHERE id = 77", []).expect("a row");
    party.challenge("db", 20);
}

#[test]
fn one_that_another_process_issued_by_a_later_clock_lives_on() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    let later = party.challenge("web", 1000);
    // read the clock before, and had to wait
    party.challenge("db", 900);
    let proof = host.prove(&later, 1001);
    party.store.enrol("web", &proof, &now(1002), &EnrolOptions::default()).expect("its challenge is out");
}

#[test]
fn after_a_reboot_of_the_verifier_wall_time_tells_which_are_dead() {
    let mut party = Party::new();
    party.challenge("web", 1000);
    let options = ChallengeOptions::default();
    let mut out = |at, nonce: [u8; 32]| {
        let now = now_in_another_boot(at);
        party.store.challenge("db", AUDIENCE, &nonce, &now, &options).expect("a challenge is issued");
        table(&party.file.path, "challenge").len()
    };
    // 59 s after the first
    assert_eq!(out(1000 + 59 * SECOND, [8; 32]), 2);
    // 61 s: the first is gone
    assert_eq!(out(1000 + 61 * SECOND, [9; 32]), 2);
}

#[test]
fn a_challenge_outlives_a_reboot_of_the_verifier_within_its_minute() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    party.enrol("web", &mut host, 10);
    let challenge = party.challenge("web", 1000);
    let proof = host.prove(&challenge, 1001);
    let late = now_in_another_boot(1000 + 61 * SECOND);
    let error = refused(&mut party, |store| store.verify("web", &proof, &late, &Policy::default()));
    assert!(matches!(error, StoreError::Refused(Refusal::Expired)), "{error}");
    let soon = now_in_another_boot(1000 + 59 * SECOND);
    let verdict = party.store.verify("web", &proof, &soon, &Policy::default()).expect("it is verified");
    assert_eq!(verdict.timing, selfsame::Timing::CheckedByWall);
}

#[test]
fn a_nonce_is_not_used_twice() {
    let mut party = Party::new();
    let options = ChallengeOptions::default();
    party.store.challenge("web", AUDIENCE, &[9; 32], &now(10), &options).expect("a challenge is issued");
    let error = refused(&mut party, |store| store.challenge("web", AUDIENCE, &[9; 32], &now(11), &options));
    assert!(matches!(error, StoreError::NonceReused), "{error}");
}

#[test]
fn audience_and_nonce_are_of_the_protocols_sizes() {
    let mut party = Party::new();
    for (audience, nonce) in [("", 32), (&*"a".repeat(256), 32), ("a", 15), ("a", 65)] {
        let error = refused(&mut party, |store| {
            store.challenge("web", audience, &vec![1; nonce], &now(10), &ChallengeOptions::default())
        });
        let is_size = matches!(
            &error,
            StoreError::Challenge(ChallengeRefusal::Challenge(
                ChallengeError::Audience { .. } | ChallengeError::Nonce { .. }
            ))
        );
        assert!(is_size, "{error}");
    }
    for (number, nonce) in [(0, 16), (1, 64)] {
        let options = ChallengeOptions::default();
        party.store.challenge("web", "a", &vec![number; nonce], &now(10), &options).expect("in range");
    }
}

#[test]
fn a_name_has_1_to_255_bytes_and_no_control_characters() {
    let mut party = Party::new();
    let long = "ä".repeat(128);
    for name in ["", &*long, "a\0b", "a\nb", "\u{7f}", "a\u{85}"] {
        let error = refused(&mut party, |store| {
            store.challenge(name, AUDIENCE, &[9; 32], &now(10), &ChallengeOptions::default())
        });
        assert!(matches!(error, StoreError::InvalidName { .. }), "{name:?}: {error}");
        for error in [
            refused(&mut party, |store| store.verify(name, &[], &now(10), &Policy::default())),
            refused(&mut party, |store| store.enrol(name, &[], &now(10), &EnrolOptions::default())),
            refused(&mut party, |store| store.meet(name, &Host::born(1).introduce(), &now(10), false)),
            refused(&mut party, |store| store.forget(name)),
            refused(&mut party, |store| store.questions(name)),
            refused(&mut party, |store| store.forks(Some(name))),
            refused(&mut party, |store| store.peer(name)),
        ] {
            assert!(matches!(error, StoreError::InvalidName { .. }), "{name:?}: {error}");
        }
    }
    for name in ["a", " ", "'; DROP TABLE peer; --", "héllo wörld", &"ä".repeat(127), &"a".repeat(255)] {
        party.challenge(name, 10);
    }
}
