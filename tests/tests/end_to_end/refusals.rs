//! What is refused, each with its reason.

use std::time::Duration;

use selfsame::{Policy, Refusal, VerifyRefusal, Wanted};
use selfsame_dbus::{Error, Options};
use selfsame_store::{ChallengeOptions, StoreError};
use selfsame_tests::{Host, PEER, Relying};

fn refusal<T: std::fmt::Debug>(result: Result<T, StoreError>) -> Refusal {
    match result {
        Err(StoreError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_proof_is_for_one_challenge_and_one_use() {
    let host = Host::start().await;
    let (mut door, mut gate) = (Relying::new("door"), Relying::new("door"));
    door.meet_first(&host).await;
    gate.meet_first(&host).await;

    // another challenge: one of the gate's, that calls itself by the same name
    let foreign = gate.challenge();
    let proof = host.prove("door", &foreign, b"").await.unwrap();
    assert_eq!(refusal(door.verify(&proof)), Refusal::UnknownChallenge);

    let challenge = door.challenge();
    let proof = host.prove("door", &challenge, b"").await.unwrap();
    door.verify(&proof).unwrap();
    assert_eq!(refusal(door.verify(&proof)), Refusal::UnknownChallenge, "a replay");
    assert!(door.ask(&host).await.is_ok(), "and nothing has changed");
}

#[tokio::test]
async fn an_altered_proof_is_refused_and_changes_nothing() {
    let host = Host::start().await;
    let mut door = Relying::new("door");
    door.meet_first(&host).await;
    let challenge = door.challenge();
    let proof = host.prove("door", &challenge, b"").await.unwrap();
    let mut altered = proof.clone();
    // in the first hop's opening
    altered[100] ^= 1;
    let refused = refusal(door.verify(&altered));
    assert!(matches!(refused, Refusal::Verify(VerifyRefusal::Hop { number: 1, .. })), "{refused}");
    door.verify(&proof).unwrap();
}

#[tokio::test]
async fn a_challenge_for_another_audience_is_not_passed_on() {
    let host = Host::start().await;
    let mut door = Relying::new("door");
    door.meet_first(&host).await;
    let challenge = door.challenge();
    let Err(Error::WrongAudience(text)) = host.prove("the one in between", &challenge, b"").await else {
        panic!("it was answered");
    };
    assert!(text.contains("\"door\"") && text.contains("\"the one in between\""), "{text}");
}

#[tokio::test]
async fn a_lag_is_stalled_and_a_person_may_let_it_pass() {
    let host = Host::start().await;
    let mut door = Relying::new("door");
    door.meet_first(&host).await;
    door.jump(Duration::from_secs(30));
    let verdict = door.ask(&host).await.unwrap();
    assert!((15 * 4096..30 * 4096).contains(&verdict.lag), "a lag of {} ticks is told", verdict.lag);

    door.jump(Duration::from_secs(70));
    let challenge = door.challenge();
    let proof = host.prove("door", &challenge, b"").await.unwrap();
    let refused = refusal(door.verify(&proof));
    assert!(matches!(refused, Refusal::Stalled { max: 245_760, .. }), "{refused}");
    door.verify_with(&proof, &Policy { pass_time: true, ..Policy::default() }).unwrap();
    assert_eq!(door.ask(&host).await.unwrap().lag, 0, "the times start anew");
}

#[tokio::test]
async fn a_restarted_host_is_another_lineage_and_no_alarm() {
    let mut host = Host::start().await;
    let mut door = Relying::new("door");
    let old = door.meet_first(&host).await.verdict.lineage;
    let challenge = door.challenge();
    host.restart().await;
    let new = host.lineage().await;
    assert_ne!(new, old);
    let Err(Error::OtherLineage(text)) = host.prove("door", &challenge, b"").await else {
        panic!("it was answered");
    };
    assert!(text.contains(&old.to_string()) && text.contains(&new.to_string()), "{text}");

    // its proof from the genesis, to whoever asks, is no proof of the old one
    let mut gate = Relying::new("door");
    let anyone = gate.challenge();
    let proof = host.prove("door", &anyone, b"").await.unwrap();
    assert_eq!(refusal(door.verify(&proof)), Refusal::UnknownChallenge);
    assert_eq!(*host.identity().await.foreign_anchors().await.as_ref().unwrap(), 0);

    // where the door asks whoever comes as this peer, it is the successor that nobody has agreed to yet
    let now = door.now();
    let anew = ChallengeOptions { anew: true, ..ChallengeOptions::default() };
    let challenge = door.store.challenge(PEER, "door", &[0x5a; 32], &now, &anew).unwrap();
    let proof = host.prove("door", &challenge, b"").await.unwrap();
    let refused = door.enrol(&proof).unwrap_err();
    let StoreError::Succession { own, found, predecessor, .. } = &refused else { panic!("{refused}") };
    assert_eq!((*own, *found, *predecessor), (old, new, None), "each has a state directory of its own");
    // and held against the old anchor it is of another lineage
    let anchor = door.store.peer(PEER).unwrap().anchor().cloned().unwrap();
    let refused = selfsame::verify(Some(&anchor), &challenge, &proof, &Wanted::default()).unwrap_err();
    assert_eq!(refused, VerifyRefusal::OtherLineage { expected: old, found: new });

    let mut told = Relying::new("door");
    let expects_old = told.challenge_for(Some(old));
    assert!(matches!(host.prove("door", &expects_old, b"").await, Err(Error::OtherLineage(_))));
}

#[tokio::test]
async fn a_subject_other_than_the_one_asked_for_is_refused() {
    let host = Host::start().await;
    let mut door = Relying::new("door");
    door.meet_first(&host).await;
    let uid = nix::unistd::geteuid().as_raw();
    let wanted = |wanted: Wanted| Policy { wanted, ..Policy::default() };
    let ours = Wanted { uid: Some(uid), ..Wanted::default() };
    for other in [
        Wanted { uid: Some(uid + 1), ..Wanted::default() },
        Wanted { unit: Some("nobody-has.service".into()), ..ours.clone() },
        Wanted { app: Some("org.example.App".into()), ..ours.clone() },
    ] {
        let challenge = door.challenge();
        let proof = host.prove("door", &challenge, b"").await.unwrap();
        let refused = refusal(door.verify_with(&proof, &wanted(other)));
        assert!(matches!(refused, Refusal::Verify(VerifyRefusal::WrongSubject { .. })), "{refused}");
        door.verify_with(&proof, &wanted(ours.clone())).unwrap();
    }
}

#[tokio::test]
async fn a_head_that_it_never_handed_out_is_foreign_and_counted() {
    let host = Host::start().await;
    let mut door = Relying::new("door");
    door.meet_first(&host).await;
    let challenge = door.challenge().as_bytes().to_vec();
    // one bit of the anchor's digest: who else could have answered with it?
    let mut altered = challenge;
    *altered.last_mut().unwrap() ^= 1;
    let identity = host.identity().await;
    assert_eq!(identity.foreign_anchors().await.unwrap(), 0);
    let answer = host.prove_raw("door", &altered, b"", &Options::new()).await;
    assert!(matches!(answer, Err(Error::ForeignAnchor(_))), "{answer:?}");
    assert_eq!(identity.foreign_anchors().await.unwrap(), 1);
    host.agent.logged("never handed out").await;
}

#[tokio::test]
async fn bad_arguments_are_told_which_and_why() {
    let host = Host::start().await;
    let mut door = Relying::new("door");
    let challenge = door.challenge();
    let good = challenge.as_bytes();
    let none = Options::new();
    let long = "a".repeat(256);
    let option = Options::from([("hurry", true.into())]);
    let (payload, big, huge) = (vec![0; 4097], vec![0; 5000], vec![0; 1 << 20]);
    for (audience, challenge, payload, options, part) in [
        ("", good, &b""[..], &none, "audience of 0 bytes"),
        (&long, good, b"", &none, "audience of 256 bytes"),
        ("door", b"", b"", &none, "challenge"),
        ("door", &good[1..], b"", &none, "challenge"),
        ("door", &big, b"", &none, "challenge of 5000 bytes"),
        ("door", good, &payload, &none, "payload of 4097 bytes"),
        // before anything else is looked at, or polkit asked: what waits is in memory
        ("door", good, &huge, &none, "bytes of arguments: at most 16384"),
        ("door", good, b"", &option, "option `hurry`"),
    ] {
        let answer = host.prove_raw(audience, challenge, payload, options).await;
        let Err(Error::InvalidArgument(text)) = answer else { panic!("{part}: {answer:?}") };
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let hop = host.identity().await.hop(0, 16, false).await.unwrap_err();
    assert!(matches!(hop, selfsame_dbus::CallError::Refused(Error::InvalidArgument(_), _)), "{hop}");
    let hop = host.identity().await.hop(1 << 60, 0, false).await.unwrap_err();
    assert!(matches!(hop, selfsame_dbus::CallError::Refused(Error::NotKept(_), _)), "{hop}");
}
